//! Set-up, play, test, bench.
//!
//! `cargo xtask play` is all that somebody new needs; see [`arguments::USAGE`].
#![allow(clippy::disallowed_methods, reason = "a command-line tool reads the clock to say how long things took")]

mod arguments;
mod bench;
mod doctests;
mod fuzz;
mod package;
mod packages;
mod page;
mod play;
mod report;
mod setup;
mod shell;
mod test;

use std::io::Write;
use std::process::ExitCode;

use arguments::{Task, USAGE};

/// Why a task ended early.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// What to tell the user; empty when everything was said.
    message: String,
    /// Exit status.
    code: u8,
}

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: 1 }
    }

    pub(crate) fn with_code(message: impl Into<String>, code: u8) -> Self {
        Self { message: message.into(), code }
    }
}

fn main() -> ExitCode {
    let task = match arguments::parse(std::env::args_os().skip(1)) {
        Ok(task) => task,
        Err(message) => {
            eprintln!("{message}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let outcome = match task {
        Task::Help => {
            // Whoever reads it may stop after the first lines (`| head`).
            let _ = writeln!(std::io::stdout(), "{USAGE}");
            Ok(())
        }
        Task::Setup { test } => setup::run(test),
        Task::Play { direct, arguments } => play::run(direct, &arguments),
        Task::Test { quick } => test::run(quick),
        Task::Package { debug, kinds } => package::run(debug, &kinds),
        Task::Bench { name, arguments } => bench::run(name.as_deref(), &arguments),
        Task::Fuzz { name, seconds } => fuzz::run(name.as_deref(), seconds),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { message, code }) => {
            if !message.is_empty() {
                eprintln!("{message}");
            }
            ExitCode::from(code)
        }
    }
}
