//! The user's actions on the command line, each a program of its own, with a real keyring and the demo cloud that comes
//! with it.
#![allow(clippy::disallowed_methods, reason = "tests read clocks and wait")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::time::Duration;

use entente_tests::program::{Outcome, Running, skip};
use entente_tests::shell::Desk;
use serde_json::Value;

/// Signing in and listing start a cloud, which measures how fast it can draw first.
const LIMIT: Duration = Duration::from_secs(40);

fn entente(desk: &Desk, arguments: &[&str]) -> Outcome {
    Running::start(desk.entente().args(arguments)).finish(LIMIT)
}

fn lines(outcome: &Outcome) -> Vec<Value> {
    assert_eq!(outcome.code(), 0, "{outcome:#?}");
    outcome.stdout.lines().map(|line| serde_json::from_str(line).expect("a JSON object a line")).collect()
}

#[test]
fn a_guest_signs_in_lists_plays_and_signs_out() {
    let test = "a_guest_signs_in_lists_plays_and_signs_out";
    let desk = match Desk::start(true) {
        Ok(desk) => desk,
        Err(why) => return skip(test, &why),
    };
    let nobody = entente(&desk, &["list"]);
    assert!(nobody.stdout.is_empty() && nobody.stderr.contains("sign-in demo"), "{nobody:#?}");
    let accounts = lines(&entente(&desk, &["accounts", "--json"]));
    assert_eq!((&accounts[0]["provider"], &accounts[0]["state"]), (&"demo".into(), &"signed_out".into()));

    let signed = lines(&entente(&desk, &["sign-in", "demo", "--way", "guest", "--json"]));
    assert_eq!(signed.last().unwrap()["step"], "done");
    // Another process, another cloud process: both remember.
    let accounts = lines(&entente(&desk, &["accounts", "--json"]));
    assert_eq!(accounts[0]["state"], "guest");
    let cards = lines(&entente(&desk, &["list", "--refresh", "--json"]));
    assert!(cards.len() > 10, "{cards:?}");
    let found = entente(&desk, &["list", "comet", "relay"]);
    assert!(found.stdout.starts_with("demo/game ") && found.stdout.lines().count() == 1, "{found:#?}");

    let wrong = entente(&desk, &["play", "no such game", "--json"]);
    let problem: Value = serde_json::from_str(wrong.stderr.trim()).unwrap();
    assert_eq!((wrong.code(), &problem["problem"]["kind"]), (1, &"not_found".into()));
    let played =
        entente(&desk, &["play", "comet relay", "--json", "--", "--headless", "--seconds=3", "--audio-device=none"]);
    let states = lines(&played);
    assert!(states.iter().any(|state| state["state"] == "playing"), "{states:#?}");
    let end = states.last().unwrap();
    assert_eq!(end["state"], "ended");
    assert!(end["report"]["seconds"].as_u64() >= Some(2), "{end:#?}");
    let cards = lines(&entente(&desk, &["list", "comet relay", "--json"]));
    assert!(cards[0]["playtimeSeconds"].as_u64() >= Some(2), "{cards:#?}");

    let checks = lines(&entente(&desk, &["doctor", "--json"]));
    let state = |id: &str| checks.iter().find(|check| check["id"] == id).map(|check| check["state"].clone());
    for id in ["player", "keyring", "files", "demo"] {
        assert_eq!(state(id), Some("good".into()), "{checks:#?}");
    }
    let hosts = entente(&desk, &["hosts"]);
    assert!(hosts.code() == 0 && hosts.stderr.contains("no consoles or computers"), "{hosts:#?}");

    let out = lines(&entente(&desk, &["sign-out", "demo", "--json"]));
    assert_eq!(out[0]["state"], "signed_out");
    assert!(lines(&entente(&desk, &["list", "--json"])).is_empty());
}

#[test]
fn without_a_keyring_the_command_line_says_what_to_add() {
    let test = "without_a_keyring_the_command_line_says_what_to_add";
    let desk = match Desk::start(false) {
        Ok(desk) => desk,
        Err(why) => return skip(test, &why),
    };
    let locked = entente(&desk, &["sign-in", "demo", "--way", "guest"]);
    assert!(locked.code() == 1 && locked.stderr.contains("--passphrase-stdin or --memory"), "{locked:#?}");
    let memory = entente(&desk, &["sign-in", "demo", "--way", "guest", "--memory"]);
    assert!(memory.code() == 0 && memory.stdout.contains("is signed in"), "{memory:#?}");
    let accounts = lines(&entente(&desk, &["accounts", "--memory", "--json"]));
    assert_eq!(accounts[0]["state"], "signed_out", "memory ends with its program");

    let file = desk.home.join("passphrase");
    std::fs::write(&file, "correct horse battery\n").unwrap();
    let with_passphrase = |arguments: &[&str]| {
        let mut command = desk.entente();
        command.args(arguments).arg("--passphrase-stdin").stdin(std::fs::File::open(&file).unwrap());
        Running::start(&mut command).finish(LIMIT)
    };
    let signed = with_passphrase(&["sign-in", "demo", "--way", "guest"]);
    assert_eq!(signed.code(), 0, "{signed:#?}");
    assert_eq!(lines(&with_passphrase(&["accounts", "--json"]))[0]["state"], "guest");
    std::fs::write(&file, "wrong horse battery\n").unwrap();
    let wrong = with_passphrase(&["accounts", "--json"]);
    assert!(wrong.code() == 1 && wrong.stderr.contains("passphrase"), "{wrong:#?}");
}

#[test]
fn a_window_without_a_display_is_a_sentence() {
    let test = "a_window_without_a_display_is_a_sentence";
    if !cfg!(target_os = "linux") {
        return skip(test, "only Linux has displays that can be missing");
    }
    let mut command = std::process::Command::new(entente_tests::program::binary("entente"));
    command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").env_remove("WAYLAND_SOCKET");
    let outcome = Running::start(&mut command).finish(LIMIT);
    assert!(outcome.code() == 16 && outcome.stderr.contains("no display here"), "{outcome:#?}");
}
