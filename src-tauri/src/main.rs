//! The shell of Entente: its window, and the same actions on the command line.
//!
//! Everything that a user can do is in `entente-app`; here it gets a window, a child cloud and a command line.
#![cfg_attr(all(windows, not(debug_assertions)), windows_subsystem = "windows")]

mod arguments;
mod art;
mod commands;
mod demo;
mod log;
mod pads;
mod told;
mod window;
mod world;

use std::path::Path;
use std::process::ExitCode;

use clap::Parser as _;
use entente_cli::{Output, Stop, Task};
use entente_store::Folders;
use tokio::runtime::Runtime;

use crate::arguments::Arguments;
use crate::world::World;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("Entente could not start: the system gives it no threads ({error}). End other programs first.");
            return ExitCode::FAILURE;
        }
    };
    let services = arguments.services.as_deref();
    match arguments.task {
        Some(task) => command(&runtime, task, services, &arguments.output),
        None => window::run(&runtime, arguments.link.as_deref(), services),
    }
}

fn command(runtime: &Runtime, task: Task, services: Option<&Path>, output: &Output) -> ExitCode {
    log::start(None);
    let player: &[String] = if let Task::Play { player, .. } = &task { player } else { &[] };
    let opened = Folders::of_user().and_then(|folders| {
        folders.create()?;
        World::open(folders, services, player)
    });
    let outcome = match opened {
        Ok(world) => {
            world.notes.iter().for_each(|note| eprintln!("{note}"));
            runtime.block_on(entente_cli::run(world.app, task, output))
        }
        Err(problem) => Err(Stop::Problem(problem)),
    };
    match outcome {
        // Whoever does not read on has read enough.
        Ok(()) | Err(Stop::Unread) => return ExitCode::SUCCESS,
        Err(Stop::Said) => {}
        Err(Stop::Problem(problem)) if output.json => eprintln!("{}", serde_json::json!({ "problem": problem })),
        Err(Stop::Problem(problem)) => eprintln!("{problem}"),
    }
    ExitCode::FAILURE
}
