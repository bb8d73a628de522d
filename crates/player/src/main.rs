//! The window and the command line; nothing else.
#![allow(clippy::disallowed_methods, reason = "the program's edge: device events and process times are stamped here")]

mod args;
mod grab;
mod icon;
mod inbox;
mod keyboard;
mod keys;
mod pads;
mod pointer;
mod process;
mod session;
mod shell;
mod target;
mod window;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use entente_model::EndReason;

use crate::args::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::try_from_env("ENTENTE_LOG").unwrap_or_else(|_| {
            tracing_subscriber::EnvFilter::new("error,rtc=off,webrtc=off,rtc_ice=off,rtc_dtls=off,rtc_sctp=off")
        }))
        .with_writer(std::io::stderr)
        // Standard error may be a pipe to a launcher that is gone. Complaining about that would be an `eprintln!` to
        // the same pipe, which panics.
        .log_internal_errors(false)
        .init();
    // Only one TLS stack is linked; a second call would mean that it is set already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    if cli.list_devices {
        return list_devices();
    }
    match cli.command {
        Some(Command::Play(play)) => end(&session::play(&play)),
        None => {
            let _ = writeln!(std::io::stderr(), "Nothing to do. Try: entente-player play demo://game");
            ExitCode::from(2)
        }
    }
}

/// One sentence for people, one number for programs.
fn end(reason: &EndReason) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "{reason}");
    ExitCode::from(reason.exit_code())
}

fn list_devices() -> ExitCode {
    let mut out = std::io::stdout();
    let _ = writeln!(out, "Audio outputs:");
    let devices = entente_audio::list_devices();
    if devices.is_empty() {
        let _ = writeln!(out, "  none found");
    }
    for device in devices {
        let default = if device.default { " (default)" } else { "" };
        let _ = writeln!(out, "  {}{default}", device.name);
    }
    let _ = writeln!(out, "Controllers:");
    let found = entente_input::list_pads();
    if let Some(notice) = found.notice {
        let _ = writeln!(out, "  {notice}");
    }
    for pad in found.pads {
        let rumble = if pad.rumble { ", rumble" } else { "" };
        let layout = if pad.known_layout { "" } else { ", unknown layout" };
        let _ = writeln!(out, "  {}{rumble}{layout}", pad.name);
    }
    let _ = writeln!(out, "Video codecs this machine decodes:");
    for codec in entente_decode::available_codecs() {
        let _ = writeln!(out, "  {}", codec.name());
    }
    ExitCode::SUCCESS
}
