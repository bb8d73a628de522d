//! Benchmarks beside peers that we did not write. Started by `cargo xtask bench NAME`.
#![allow(clippy::disallowed_methods, reason = "a benchmark reads clocks and waits")]

mod bare;
mod chromium;
mod cloud;
mod cost;
mod figures;
mod ivf;
mod library;
mod ours;
mod path;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Names of the benchmarks and what they measure, for `--list`.
const LIST: &str = "path   last packet to decoded, captured to decoded, processor time: Entente beside Chromium
shell  start to interactive, idle memory, press play to first picture, search among 20000 titles";

#[derive(Debug, Parser)]
#[command(name = "entente-bench", about = "Benchmarks of Entente beside its peers.")]
struct Cli {
    /// Name the benchmarks.
    #[arg(long)]
    list: bool,
    #[command(subcommand)]
    bench: Option<Bench>,
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// Our player and Chromium receive the same demo stream in turn; a bare decoder gets our frames again.
    Path(path::Wish),
    /// The library's window, beside a window of Chromium with one line of text.
    Shell(library::Wish),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let Some(bench) = cli.bench else {
        if cli.list {
            println!("{LIST}");
            return ExitCode::SUCCESS;
        }
        eprintln!("Name a benchmark:\n{LIST}");
        return ExitCode::from(2);
    };
    let outcome = match bench {
        Bench::Path(wish) => path::run(&wish),
        Bench::Shell(wish) => library::run(&wish),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("The benchmark could not be run: {why}");
            ExitCode::from(3)
        }
    }
}
