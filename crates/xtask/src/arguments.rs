//! The command line.

use std::ffi::OsString;

pub(crate) const USAGE: &str = "\
Usage: cargo xtask TASK

  play [--direct] [ADDRESS] [PLAYER ARGUMENTS]
        Build and play. Without anything else: the library, with a small game cloud of its own to try.
        With an address or a switch of the player, or --direct: the player alone, by itself with the demo game.
        Without a display: cargo xtask play --headless --seconds 10 --report r.json
  setup [--test]
        Install what building needs (with --test: what the tests need too). Done by the others when needed.
  test [--quick]
        Everything that CI runs. --quick leaves out the journeys with whole programs.
  package [--bundles KIND,...]
        Make packages of this system: deb and rpm on Linux. --debug: of the programs that the tests use.
  bench [NAME] [ARGUMENTS]
        Measure, for example: cargo xtask bench NAME --json out.json. Without a name: the list.
  fuzz [NAME | all] [--seconds N]
        Throw random bytes at a parser, or at all of them one after the other (needs cargo-fuzz; takes the nightly
        toolchain where there is one). Without a name: the list.";

/// Time of a fuzz run when none is given, in seconds.
const FUZZ_SECONDS: u64 = 60;

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Task {
    Help,
    Setup { test: bool },
    Play { direct: bool, arguments: Vec<OsString> },
    Test { quick: bool },
    Package { debug: bool, kinds: String },
    Bench { name: Option<String>, arguments: Vec<OsString> },
    Fuzz { name: Option<String>, seconds: u64 },
}

/// Reads the arguments after `cargo xtask`.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Task, String> {
    let mut rest: Vec<OsString> = arguments.into_iter().collect();
    if rest.is_empty() {
        return Ok(Task::Help);
    }
    let task = rest.remove(0);
    match task.to_str() {
        Some("help" | "--help" | "-h") => Ok(Task::Help),
        Some("setup") => Ok(Task::Setup { test: flag(rest, "setup", "--test")? }),
        Some("test") => Ok(Task::Test { quick: flag(rest, "test", "--quick")? }),
        Some("play") => Ok(play(rest)),
        Some("package") => package(rest),
        Some("bench") => {
            let named = rest.first().is_some_and(|first| !first.to_string_lossy().starts_with('-'));
            let name = if named { Some(text(rest.remove(0))?) } else { None };
            Ok(Task::Bench { name, arguments: rest })
        }
        Some("fuzz") => fuzz(rest),
        _ => Err(format!("There is no task {}.", task.to_string_lossy())),
    }
}

fn flag(rest: Vec<OsString>, task: &str, name: &str) -> Result<bool, String> {
    let mut found = false;
    for argument in rest {
        if argument != *name {
            return Err(format!("`{task}` does not know {}; it knows {name}.", argument.to_string_lossy()));
        }
        found = true;
    }
    Ok(found)
}

fn play(rest: Vec<OsString>) -> Task {
    // Only what stands before the first other argument is ours, the rest belongs to the player.
    let mut arguments = rest.as_slice();
    let mut direct = false;
    while let Some((first, others)) = arguments.split_first() {
        if first == "--direct" {
            direct = true;
        } else if first != "--" {
            break;
        }
        arguments = others;
    }
    Task::Play { direct, arguments: arguments.to_vec() }
}

fn package(rest: Vec<OsString>) -> Result<Task, String> {
    let (mut debug, mut kinds) = (false, String::new());
    let mut rest = rest.into_iter();
    while let Some(argument) = rest.next() {
        match argument.to_str() {
            Some("--debug") => debug = true,
            Some("--bundles") => {
                kinds = rest.next().map(text).transpose()?.unwrap_or_default();
                let plain = |kind: &str| !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_lowercase());
                if !kinds.split(',').all(plain) {
                    return Err("--bundles needs a list such as deb,rpm.".to_owned());
                }
            }
            _ => return Err(format!("`package` does not know {}; it knows --bundles.", argument.to_string_lossy())),
        }
    }
    Ok(Task::Package { debug, kinds })
}

fn fuzz(rest: Vec<OsString>) -> Result<Task, String> {
    let (mut name, mut seconds) = (None, FUZZ_SECONDS);
    let mut rest = rest.into_iter();
    while let Some(argument) = rest.next() {
        let argument = text(argument)?;
        if argument == "--seconds" {
            let value = rest.next().map(text).transpose()?.unwrap_or_default();
            seconds = value.parse().map_err(|_| format!("--seconds needs a number, not {value:?}."))?;
        } else if argument.starts_with('-') || name.is_some() {
            return Err(format!("`fuzz` does not know {argument}; it knows one name and --seconds."));
        } else {
            name = Some(argument);
        }
    }
    Ok(Task::Fuzz { name, seconds })
}

fn text(argument: OsString) -> Result<String, String> {
    argument.into_string().map_err(|raw| format!("{} is not text.", raw.to_string_lossy()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Task, String> {
        parse(line.split_whitespace().map(OsString::from))
    }

    fn list(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn tasks_and_their_flags() {
        assert_eq!(parsed(""), Ok(Task::Help));
        assert_eq!(parsed("--help"), Ok(Task::Help));
        assert_eq!(parsed("setup"), Ok(Task::Setup { test: false }));
        assert_eq!(parsed("setup --test"), Ok(Task::Setup { test: true }));
        assert_eq!(parsed("test --quick"), Ok(Task::Test { quick: true }));
        for wrong in ["dance", "setup --tset", "test quick", "fuzz a b", "fuzz a --seconds", "fuzz a --seconds x"] {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn play_takes_its_own_flag_and_leaves_the_rest_to_the_player() {
        let arguments = list("--headless --seconds 10 --report r.json");
        for line in [
            "play --direct --headless --seconds 10 --report r.json",
            "play --direct -- --headless --seconds 10 --report r.json",
        ] {
            assert_eq!(parsed(line), Ok(Task::Play { direct: true, arguments: arguments.clone() }));
        }
        let arguments = list("whep+http://h:1/whep/game --direct");
        assert_eq!(parsed("play whep+http://h:1/whep/game --direct"), Ok(Task::Play { direct: false, arguments }));
    }

    #[test]
    fn packages_have_kinds() {
        assert_eq!(parsed("package"), Ok(Task::Package { debug: false, kinds: String::new() }));
        let kinds = "deb,rpm".to_owned();
        assert_eq!(parsed("package --debug --bundles deb,rpm"), Ok(Task::Package { debug: true, kinds }));
        assert!(parsed("package --bundles").is_err() && parsed("package deb").is_err());
        assert!(parsed("package --bundles deb,--x").is_err());
    }

    #[test]
    fn bench_and_fuzz_have_names() {
        let arguments = list("--json out.json");
        assert_eq!(parsed("bench loss --json out.json"), Ok(Task::Bench { name: Some("loss".into()), arguments }));
        assert_eq!(parsed("bench"), Ok(Task::Bench { name: None, arguments: vec![] }));
        assert_eq!(parsed("bench --json x"), Ok(Task::Bench { name: None, arguments: list("--json x") }));
        assert_eq!(parsed("fuzz"), Ok(Task::Fuzz { name: None, seconds: 60 }));
        assert_eq!(parsed("fuzz --seconds 5 rtp"), Ok(Task::Fuzz { name: Some("rtp".into()), seconds: 5 }));
    }
}
