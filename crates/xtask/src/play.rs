//! Build Entente and start it: the library, or the player alone.

use std::ffi::OsString;
use std::process::Command;

use crate::Failure;
use crate::page;
use crate::setup;
use crate::shell;

/// Exit status of the player when there is no display (`EndReason::NoDisplay`).
const NO_DISPLAY: u8 = 16;
const DEMO: &str = "demo://game";

pub(crate) fn run(direct: bool, arguments: &[OsString]) -> Result<(), Failure> {
    // Whatever is said to the player means the player.
    let direct = direct || !arguments.iter().all(of_library);
    let arguments = if direct { player_arguments(arguments) } else { arguments.to_vec() };
    if cfg!(target_os = "linux") && !has_display() && wants_window(&arguments) {
        return Err(Failure::with_code(
            "There is no display here: neither DISPLAY nor WAYLAND_DISPLAY is set.\n\
             On a desktop, start this from a terminal inside it. Without one, play without a window:\n  \
             cargo xtask play --headless --seconds 10 --report r.json",
            NO_DISPLAY,
        ));
    }
    setup::ensure(false)?;
    let program = if direct {
        println!("Building the player (the first time takes some minutes) ...");
        build(&["-p", "entente-player", "-p", "entente-demo"])?;
        "entente-player"
    } else {
        let node = page::Node::find()?;
        page::packages(&node)?;
        page::build(&node)?;
        println!("Building Entente (the first time takes some minutes) ...");
        build(&["-p", "entente-shell", "-p", "entente-player", "-p", "entente-demo"])?;
        "entente"
    };
    let mut command = Command::new(shell::release_binary(program));
    command.args(&arguments);
    become_it(command)
}

fn build(packages: &[&str]) -> Result<(), Failure> {
    shell::run(shell::cargo(["build", "--release"]).args(packages))
        .map_err(|failure| Failure::with_code("It could not be built; the messages above say why.", failure.code))
}

/// Links and switches that the library takes itself.
fn of_library(argument: &OsString) -> bool {
    let text = argument.to_string_lossy();
    text.starts_with("entente://") || text.starts_with("--services=") || text == "--help"
}

/// `play`, an address unless something else says what to play, and what was given.
fn player_arguments(given: &[OsString]) -> Vec<OsString> {
    if given.iter().any(|argument| argument == "--list-devices") {
        return given.to_vec();
    }
    let mut arguments = vec![OsString::from("play")];
    let ticket = |argument: &OsString| argument.to_string_lossy().split('=').next() == Some("--ticket");
    let address = given.first().is_some_and(|first| first.to_string_lossy().contains("://"));
    if !address && !given.iter().any(ticket) {
        arguments.push(DEMO.into());
    }
    arguments.extend_from_slice(given);
    arguments
}

fn wants_window(arguments: &[OsString]) -> bool {
    let without = ["--headless", "--list-devices", "--help", "-h"];
    !arguments.iter().any(|argument| without.iter().any(|name| argument == name))
}

fn has_display() -> bool {
    ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// The player takes this process over, so that Ctrl-C and its exit status are its own.
#[cfg(unix)]
fn become_it(mut player: Command) -> Result<(), Failure> {
    use std::os::unix::process::CommandExt;
    let error = player.exec();
    Err(Failure::new(format!("the player cannot be started: {error}")))
}

#[cfg(not(unix))]
fn become_it(mut player: Command) -> Result<(), Failure> {
    shell::run(&mut player)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn the_demo_is_played_unless_an_address_is_given() {
        assert_eq!(player_arguments(&[]), list("play demo://game"));
        assert_eq!(player_arguments(&list("--headless")), list("play demo://game --headless"));
        assert_eq!(player_arguments(&list("whep+http://h/g --x")), list("play whep+http://h/g --x"));
        assert_eq!(player_arguments(&list("--ticket -")), list("play --ticket -"));
        assert_eq!(player_arguments(&list("--headless --ticket=-")), list("play --headless --ticket=-"));
        assert_eq!(player_arguments(&list("--list-devices")), list("--list-devices"));
    }

    #[test]
    fn the_library_opens_unless_something_is_said_to_the_player() {
        assert!(list("entente://card/demo/game --services=s.json").iter().all(of_library));
        for player in ["--headless", "demo://game", "whep+http://h/g", "--ticket", "--list-devices"] {
            assert!(!of_library(&player.into()), "{player}");
        }
    }

    #[test]
    fn only_a_window_needs_a_display() {
        assert!(wants_window(&player_arguments(&[])));
        assert!(!wants_window(&player_arguments(&list("--seconds 3 --headless"))));
        assert!(!wants_window(&player_arguments(&list("--help"))));
        assert!(!wants_window(&player_arguments(&list("--list-devices"))));
    }
}
