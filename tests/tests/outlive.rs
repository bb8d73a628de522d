//! The shell is killed while somebody plays: the game goes on, the player says so, and the next shell counts it.
#![allow(clippy::disallowed_methods, reason = "tests read clocks and wait")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use entente_app::edge::PlayerProgram;
use entente_app::view::{LibraryQuery, PlayState};
use entente_demo::{AccountsConfig, DemoCloud, DemoConfig};
use entente_tests::display::{Display, read_strip, wait};
use entente_tests::picture::Rgb;
use entente_tests::program::{Running, binary, skip};
use entente_tests::shelf;
use serde_json::Value;

/// Until the first picture, on a machine that draws everything by CPU.
const START: Duration = Duration::from_secs(30);
const SOON: Duration = Duration::from_secs(5);

fn cloud() -> DemoCloud {
    let accounts = AccountsConfig { require_sign_in: true, ..AccountsConfig::default() };
    DemoCloud::start(DemoConfig { accounts, ..DemoConfig::default() }).unwrap()
}

/// A shell that plays in `root`; it is killed at the latest with this value.
struct Shell(Child);

impl Shell {
    fn start(mut command: Command, root: &Path, base: &str, more: &[&str]) -> Self {
        command.arg("--root").arg(root).args(["--base", base, "--player"]).arg(binary("entente-player"));
        command.arg("--").args(["--size", "640x360", "--fps", "30", "--audio-device", "none"]).args(more);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said, "playing\n");
        Self(child)
    }

    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A player whose command line names `mark`; nobody's child any more, so it is killed here when a test fails.
struct Orphan(u32);

impl Orphan {
    fn find(mark: &Path) -> Self {
        let mark = mark.display().to_string();
        let named = |id: u32| {
            let line = std::fs::read(format!("/proc/{id}/cmdline")).ok()?;
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            (line.contains("--ticket") && line.contains(&mark)).then_some(id)
        };
        let all = std::fs::read_dir("/proc").unwrap().flatten();
        let mut ids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        Self(ids.find_map(named).expect("the player"))
    }

    fn runs(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0)).unwrap_or_default();
        stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
    }

    fn ends(&self, limit: Duration) {
        let ended = wait(limit, || (!self.runs()).then_some(()));
        assert!(ended.is_some(), "the player still runs after {limit:?}");
    }
}

impl Drop for Orphan {
    fn drop(&mut self) {
        if self.runs() {
            let _ = Command::new("kill").arg("-KILL").arg(self.0.to_string()).status();
        }
    }
}

/// The one report in `root`, whole.
fn report(root: &Path) -> (PathBuf, Value) {
    let state = entente_store::Folders::under(root).state;
    let all = std::fs::read_dir(state).unwrap().flatten().map(|entry| entry.path());
    let path = all.into_iter().find(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with(".json") && !name.ends_with(".pending.json")
    });
    let path = path.expect("a report");
    let report = serde_json::from_slice(&std::fs::read(&path).unwrap()).expect("a whole report");
    (path, report)
}

/// The next shell: what it shows of the last game, and how long it says that was played.
fn next_shell(root: &Path, base: &str) -> (PlayState, u64) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let app = shelf::app(root, base, PlayerProgram::new(binary("entente-player"))).await;
        app.restore().await;
        app.load_shelf().await.unwrap();
        let query = LibraryQuery { search: "comet relay".to_owned(), ..LibraryQuery::default() };
        let seconds = app.library(query).await.unwrap().cards.first().map_or(0, |card| card.playtime_seconds);
        (app.play_state(), seconds)
    })
}

#[test]
fn without_a_window_the_game_goes_on_to_its_time_and_the_next_shell_counts_it() {
    let (cloud, folder) = (cloud(), tempfile::tempdir().unwrap());
    let mut command = Command::new(binary("entente-launcher"));
    // Everything is logged, so that a line to the dead shell is tried for sure.
    command.env("ENTENTE_LOG", "trace").stderr(Stdio::null());
    let shell = Shell::start(command, folder.path(), &cloud.url(), &["--headless", "--seconds", "8"]);
    let began = Instant::now();
    let player = Orphan::find(folder.path());
    std::thread::sleep(Duration::from_secs(1));
    shell.kill();
    let killed = began.elapsed();
    std::thread::sleep(Duration::from_secs(1));
    assert!(player.runs(), "it ended with its shell");
    // A shell that comes while the game goes on leaves it alone.
    assert_eq!(next_shell(folder.path(), &cloud.url()), (PlayState::Idle, 0));
    player.ends(Duration::from_secs(20));

    let (path, report) = report(folder.path());
    assert_eq!((&report["session"]["ended"], &report["session"]["exit_code"]), (&"time_up".into(), &0.into()));
    let presented = report["frames"]["presented"].as_f64().unwrap();
    let fps = report["video"]["presented_fps"].as_f64().unwrap();
    let played = presented / fps;
    println!("{presented} pictures in {played:.1} s; the shell was killed after {killed:?}");
    assert!(played > 6.0 && killed < Duration::from_secs(4), "{report:#}");

    let (state, seconds) = next_shell(folder.path(), &cloud.url());
    let PlayState::Ended { report } = state else { panic!("{state:?}") };
    assert_eq!((report.title.as_str(), report.ended.as_str()), ("Comet Relay", "The asked time is over."));
    assert_eq!(report.file.as_deref(), path.to_str());
    assert!((7..20).contains(&report.seconds) && seconds == report.seconds, "{report:?}, {seconds} s");
    assert_eq!(next_shell(folder.path(), &cloud.url()), (PlayState::Idle, seconds), "counted once");
}

#[test]
fn without_a_window_and_without_a_time_the_game_ends_with_its_shell() {
    let (cloud, folder) = (cloud(), tempfile::tempdir().unwrap());
    let mut command = Command::new(binary("entente-launcher"));
    command.stderr(Stdio::null());
    let shell = Shell::start(command, folder.path(), &cloud.url(), &["--headless"]);
    let player = Orphan::find(folder.path());
    shell.kill();
    player.ends(Duration::from_secs(5));
    assert_eq!(report(folder.path()).1["session"]["ended"], "shell_gone");
}

/// Light grey letters near the bottom, where notices are; the game has few such pixels there.
fn notice(shown: &Rgb) -> usize {
    let pixels = (285..352).flat_map(|y| (60..580).map(move |x| (x, y)));
    pixels.filter(|&(x, y)| shown.at(x, y).iter().all(|part| part.abs_diff(236) <= 3)).count()
}

#[test]
fn in_a_window_the_player_says_so_and_goes_on() {
    let test = "in_a_window_the_player_says_so_and_goes_on";
    let display = match Display::start() {
        Ok(display) => display,
        Err(why) => return skip(test, &why),
    };
    let (cloud, folder) = (cloud(), tempfile::tempdir().unwrap());
    let mut command = display.command(binary("entente-launcher"));
    command.env("ENTENTE_LOG", "trace").stderr(Stdio::null());
    let shell = Shell::start(command, folder.path(), &cloud.url(), &["--renderer", "software"]);
    let player = Orphan::find(folder.path());
    let window = display.window_of(player.0);
    window.until("a readable timecode", START, |shown| read_strip(shown, (0, 0), 1.0).captured_micros);
    // The hint at the keys goes by itself.
    let quiet = window.until("no notice", Duration::from_secs(12), |shown| Some(notice(shown)).filter(|ink| *ink < 60));

    shell.kill();
    let then = window.until("what is said when the shell is gone", SOON, |shown| {
        let code = read_strip(shown, (0, 0), 1.0).captured_micros?;
        (notice(shown) > quiet + 200).then_some(code)
    });
    window.until("the picture moves", SOON, |shown| {
        read_strip(shown, (0, 0), 1.0).captured_micros.filter(|now| *now > then + 500_000)
    });
    window.until("the line goes", Duration::from_secs(12), |shown| (notice(shown) < quiet + 60).then_some(()));
    assert!(player.runs());

    // As it said: these keys end it.
    window.key("ctrl+alt+q");
    player.ends(SOON);
    assert_eq!(report(folder.path()).1["session"]["ended"], "user");
    let (state, seconds) = next_shell(folder.path(), &cloud.url());
    assert!(matches!(state, PlayState::Ended { .. }) && seconds > 5, "{state:?}, {seconds} s");
}

#[test]
fn a_shell_that_stops_listening_is_still_told_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("r.json");
    let mut command = Command::new(binary("entente-player"));
    command.args(["play", "--ticket", "-", "--headless", "--seconds", "2", "--size", "640x360", "--fps", "30"]);
    command.arg("--report").arg(&file).stdin(Stdio::piped()).env("ENTENTE_LOG", "entente_player=info");
    let mut running = Running::start(&mut command);
    let mut input = running.child().stdin.take().unwrap();
    input.write_all(b"{\"version\":1,\"url\":\"demo://game\",\"supervised\":true}\n").unwrap();
    drop(input);
    let outcome = running.finish(Duration::from_secs(20));
    assert_eq!(outcome.code(), 0, "{outcome:#?}");
    assert!(outcome.stderr.contains("the launcher is gone; the game goes on"), "{outcome:#?}");
    assert!(outcome.stdout.lines().last().unwrap().contains("\"reason\":\"time_up\""), "{outcome:#?}");
    let report: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert!(report["frames"]["presented"].as_u64().unwrap() > 20, "{report:#}");
}

#[test]
fn a_cloud_that_lost_its_launcher_stops_when_the_game_is_over() {
    let mut command = Command::new(binary("entente-demo"));
    let mut cloud = Running::start(command.arg("--stop-on-eof").stdin(Stdio::piped()));
    let mut line = String::new();
    BufReader::new(cloud.child().stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = serde_json::from_str::<Value>(&line).unwrap()["address"].as_str().unwrap().to_owned();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("r.json");
    let mut command = Command::new(binary("entente-player"));
    command.arg("play").arg(format!("whep+http://{address}/whep/game"));
    command.args(["--headless", "--seconds", "4", "--size", "640x360", "--fps", "30", "--report"]).arg(&file);
    let player = Running::start(command.stdin(Stdio::null()));
    std::thread::sleep(Duration::from_secs(2));
    // The launcher is gone, and its end of every pipe with it.
    drop((cloud.child().stdin.take(), cloud.child().stderr.take()));
    let played = player.finish(Duration::from_secs(20));
    assert_eq!(played.code(), 0, "{played:#?}");
    let report: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(report["session"]["ended"], "time_up", "{report:#}");
    assert_eq!(report["session"]["reconnects"], 0, "{report:#}");
    assert_eq!(cloud.finish(Duration::from_secs(6)).code(), 0);
}
