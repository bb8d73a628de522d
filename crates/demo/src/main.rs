//! Serves the demo cloud from the command line.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use clap::Parser;
use entente_demo::{AccountsConfig, DemoCloud, DemoConfig, Fault, TlsFiles, games};
use entente_model::Secret;

/// A small game cloud for trying, testing and measuring clients of the open host protocol.
#[derive(Parser)]
#[command(name = "entente-demo", version)]
struct Arguments {
    /// Address for HTTP; media uses UDP ports of the same interface.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Read the bearer token that clients must send from this file.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Read the bearer token from this environment variable.
    #[arg(long, value_name = "NAME", conflicts_with = "token_file")]
    token_env: Option<String>,
    /// Serve HTTPS with this certificate chain (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Private key of the certificate (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Take the token over plain HTTP although the address is not loopback: everybody on the way can read it.
    #[arg(long)]
    plain_http: bool,
    /// Sessions at the same time.
    #[arg(long, default_value_t = 4)]
    max_sessions: usize,
    /// Clients that may wait.
    #[arg(long, default_value_t = 16)]
    max_queue: usize,
    /// End a session after so many seconds without input.
    #[arg(long, value_name = "SECONDS")]
    idle_limit: Option<u64>,
    /// STUN or TURN URL to announce; may be repeated.
    #[arg(long, value_name = "URL")]
    ice_server: Vec<String>,
    /// Take only streams of sessions that were started with an account.
    #[arg(long)]
    require_sign_in: bool,
    /// Nobody plays without an account.
    #[arg(long)]
    no_guests: bool,
    /// Made-up entries of the catalogue beside the games; each plays one of the games.
    #[arg(long, value_name = "N", default_value_t = 12)]
    catalogue: usize,
    /// Life of an access token.
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    access_lifetime: u64,
    /// End a session of an account that nobody has played for so long.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    parked_limit: u64,
    /// Let something go wrong, for tests of clients: PATH=KIND or PATH=KIND*TIMES; may be repeated.
    #[arg(long, value_name = "FAULT", hide = true)]
    fault: Vec<Fault>,
    /// Sessions of one account that run or wait at the same time.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..))]
    sessions_per_account: u16,
    /// Keep sign-ins in this file, so that they survive a restart. It holds hashes, no tokens.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Stop after standard input has ended, as soon as nobody plays (for programs that start this one).
    #[arg(long)]
    stop_on_eof: bool,
}

/// How often a program that is to stop looks whether somebody still plays.
const LOOK: Duration = Duration::from_millis(500);
/// Looks in a row that must find nobody after a game: one stream may just be taking over from another.
const QUIET_LOOKS: u32 = 4;

/// When to stop.
#[derive(Clone, Copy, Debug)]
enum Stop {
    Now,
    WhenUnused,
}

/// Waits until it is time to stop.
fn wait(cloud: &DemoCloud, asked: &Receiver<Stop>) {
    // Without an end of standard input there is nothing to look for.
    match asked.recv() {
        Ok(Stop::WhenUnused) => {}
        Ok(Stop::Now) | Err(_) => return,
    }
    let mut quiet = if cloud.streams() > 0 { 0 } else { QUIET_LOOKS };
    while quiet < QUIET_LOOKS {
        quiet = if cloud.streams() > 0 { 0 } else { quiet + 1 };
        if let Ok(Stop::Now) = asked.recv_timeout(LOOK) {
            return;
        }
    }
}

fn token(arguments: &Arguments) -> Result<Option<Secret>, String> {
    let text = if let Some(file) = &arguments.token_file {
        std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?
    } else if let Some(name) = &arguments.token_env {
        std::env::var(name).map_err(|error| format!("{name}: {error}"))?
    } else {
        return Ok(None);
    };
    let text = text.trim();
    if text.is_empty() { Err("the token is empty".to_owned()) } else { Ok(Some(Secret::new(text))) }
}

fn run(arguments: Arguments) -> Result<(), String> {
    let token = token(&arguments)?;
    let tls = arguments.tls_cert.zip(arguments.tls_key).map(|(cert, key)| TlsFiles { cert, key });
    let config = DemoConfig {
        listen: arguments.listen,
        token,
        tls,
        plain_http: arguments.plain_http,
        max_sessions: arguments.max_sessions,
        max_queue: arguments.max_queue,
        idle_limit: arguments.idle_limit.map(Duration::from_secs),
        ice_servers: arguments.ice_server,
        accounts: AccountsConfig {
            guests: !arguments.no_guests,
            require_sign_in: arguments.require_sign_in,
            catalogue: arguments.catalogue,
            access_lifetime: Duration::from_secs(arguments.access_lifetime),
            parked_limit: Duration::from_secs(arguments.parked_limit),
            sessions_per_account: arguments.sessions_per_account.into(),
            state: arguments.state,
            ..AccountsConfig::default()
        },
        faults: arguments.fault,
        ..DemoConfig::default()
    };
    let cloud = DemoCloud::start(config).map_err(|error| error.to_string())?;
    let names: Vec<_> = games::catalogue().iter().map(|(name, _)| *name).collect();
    let line = serde_json::json!({ "address": cloud.address().to_string(), "games": names, "url": cloud.url() });
    let mut out = std::io::stdout();
    // A closed pipe means that nobody wants to know.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    let (stop, stopped) = std::sync::mpsc::sync_channel(2);
    if arguments.stop_on_eof {
        let stop = stop.clone();
        std::thread::Builder::new()
            .name("demo-stdin".to_owned())
            .spawn(move || {
                let mut rest = [0; 256];
                while matches!(std::io::stdin().read(&mut rest), Ok(1..)) {}
                let _ = stop.try_send(Stop::WhenUnused);
            })
            .map_err(|error| error.to_string())?;
    }
    std::thread::Builder::new()
        .name("demo-signals".to_owned())
        .spawn(move || {
            let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
            runtime.block_on(signal());
            let _ = stop.try_send(Stop::Now);
        })
        .map_err(|error| error.to_string())?;
    wait(&cloud, &stopped);
    cloud.stop();
    Ok(())
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(not(unix))]
async fn signal() {
    let _ = tokio::signal::ctrl_c().await;
}

fn main() -> std::process::ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn,entente_demo=info,webrtc=error,rtc=error"));
    // The program that reads standard error may be gone; see `--stop-on-eof`. Complaining about that would be an
    // `eprintln!` to the same pipe, which panics.
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).log_internal_errors(false).init();
    match run(Arguments::parse()) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(message) => {
            let _ = writeln!(std::io::stderr(), "entente-demo: {message}");
            std::process::ExitCode::FAILURE
        }
    }
}
