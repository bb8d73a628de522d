//! How a demo cloud is set up, and why it may not start.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use entente_model::Secret;

use crate::encoder::Machine;
use crate::faults::Fault;

/// PEM files of a TLS server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// Certificate chain.
    pub cert: PathBuf,
    /// Private key.
    pub key: PathBuf,
}

/// What a client may claim of the HTTP server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpLimits {
    /// Connections at the same time; further ones are closed at once.
    pub connections: usize,
    /// From a connection, or from the answer before, to the whole head of a request; a connection that takes longer is
    /// closed.
    pub header: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self { connections: 256, header: Duration::from_secs(10) }
    }
}

/// The account side: sign-in, catalogue, sessions that outlive their stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountsConfig {
    /// People may play without an account.
    pub guests: bool,
    /// `/whep` takes only streams of sessions that were started with an account.
    pub require_sign_in: bool,
    /// Made-up entries of the catalogue beside the games themselves; each plays one of the games.
    pub catalogue: usize,
    /// Life of an access token.
    pub access_lifetime: Duration,
    /// Life of a refresh token that is not used.
    pub refresh_lifetime: Duration,
    /// Life of the code in a redirect.
    pub code_lifetime: Duration,
    /// Life of a device code, and of the page on which it is typed.
    pub device_lifetime: Duration,
    /// Time between two questions about a device code.
    pub device_interval: Duration,
    /// Time in which a stream token opens its stream.
    pub stream_lifetime: Duration,
    /// A session that nobody plays for so long ends.
    pub parked_limit: Duration,
    /// Sessions of one account that run or wait at the same time.
    pub sessions_per_account: usize,
    /// File in which sign-ins survive a restart, as hashes; `None` = they end with the program.
    pub state: Option<PathBuf>,
}

impl Default for AccountsConfig {
    fn default() -> Self {
        Self {
            guests: true,
            require_sign_in: false,
            catalogue: 12,
            access_lifetime: Duration::from_secs(600),
            refresh_lifetime: Duration::from_secs(30 * 24 * 3600),
            code_lifetime: Duration::from_secs(60),
            device_lifetime: Duration::from_secs(600),
            device_interval: Duration::from_secs(5),
            stream_lifetime: Duration::from_secs(60),
            parked_limit: Duration::from_secs(600),
            sessions_per_account: 2,
            state: None,
        }
    }
}

/// Settings of a demo cloud. [`DemoConfig::default`] listens on a free loopback port.
#[derive(Clone, Debug)]
pub struct DemoConfig {
    /// Where HTTP is served; media uses UDP ports of the same interface. Port 0 picks a free one.
    pub listen: SocketAddr,
    /// Bearer token that `/whep` asks for; `None` = open.
    pub token: Option<Secret>,
    /// Serve HTTPS with these files.
    pub tls: Option<TlsFiles>,
    /// Take tokens in clear from other machines. Without it a host with a token and no TLS does not start on an address
    /// that is not loopback.
    pub plain_http: bool,
    /// Sessions at the same time.
    pub max_sessions: usize,
    /// Clients that may wait for a free session.
    pub max_queue: usize,
    /// A waiting client that does not ask again for so long loses its place.
    pub queue_expiry: Duration,
    /// A session without input for so long ends; `None` = never.
    pub idle_limit: Option<Duration>,
    /// STUN or TURN URLs announced in `Link` headers (without credentials).
    pub ice_servers: Vec<String>,
    /// Limits of the HTTP server.
    pub http: HttpLimits,
    /// What can be encoded; `None` = found by trying.
    pub machine: Option<Machine>,
    /// The account side.
    pub accounts: AccountsConfig,
    /// What goes wrong, for tests of clients; usually nothing.
    pub faults: Vec<Fault>,
}

impl Default for DemoConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            token: None,
            tls: None,
            plain_http: false,
            max_sessions: 4,
            max_queue: 16,
            queue_expiry: Duration::from_secs(10),
            idle_limit: None,
            ice_servers: Vec::new(),
            http: HttpLimits::default(),
            machine: None,
            accounts: AccountsConfig::default(),
            faults: Vec::new(),
        }
    }
}

/// Why a demo cloud cannot start.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Asked address.
        address: SocketAddr,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Everybody on the way could read the token.
    #[error(
        "at {0} the token would cross the network in clear; serve HTTPS (--tls-cert, --tls-key), or allow it with \
         --plain-http"
    )]
    TokenInClear(SocketAddr),
    /// Threads or the runtime could not be made.
    #[error("cannot start the host's threads: {0}")]
    Threads(std::io::Error),
    /// The TLS files cannot be used.
    #[error("cannot use the TLS files: {0}")]
    Tls(String),
}
