//! Everything that CI runs, step by step.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Failure;
use crate::doctests;
use crate::package;
use crate::page;
use crate::report::Report;
use crate::setup;
use crate::shell::{self, cargo, shown};

/// Tests that `--quick` leaves out: whole programs playing against each other. The arrows stay.
const QUICK: &str = "not package(entente-tests) or binary(arrows) or binary(corpus)";
/// Where tests note that they could not run, besides saying it.
const SKIP_LOG: &str = "ENTENTE_SKIP_LOG";

/// How a step went.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Good,
    Failed,
    /// Not done, and why.
    Skipped(String),
}

#[derive(Default)]
struct Steps {
    done: Vec<(&'static str, Outcome, Duration)>,
}

impl Steps {
    fn step(&mut self, name: &'static str, work: impl FnOnce() -> Outcome) {
        println!("\n==> {name}");
        let start = Instant::now();
        let outcome = work();
        let took = start.elapsed();
        println!("{}", line(name, &outcome, took));
        self.done.push((name, outcome, took));
    }

    fn command(&mut self, name: &'static str, command: &mut Command) {
        self.step(name, || judged(shell::run(command)));
    }

    fn failed(&self) -> Vec<&'static str> {
        self.done.iter().filter(|(_, outcome, _)| *outcome == Outcome::Failed).map(|(name, ..)| *name).collect()
    }
}

fn judged(result: Result<(), Failure>) -> Outcome {
    match result {
        Ok(()) => Outcome::Good,
        Err(failure) => {
            if !failure.message.is_empty() {
                eprintln!("{}", failure.message);
            }
            Outcome::Failed
        }
    }
}

fn line(name: &str, outcome: &Outcome, took: Duration) -> String {
    match outcome {
        Outcome::Good => format!("    ok       {name:<14} {}", shown(took)),
        Outcome::Failed => format!("    FAILED   {name:<14} {}", shown(took)),
        Outcome::Skipped(why) => format!("    skipped  {name:<14} {why}"),
    }
}

pub(crate) fn run(quick: bool) -> Result<(), Failure> {
    let start = Instant::now();
    let mut steps = Steps::default();
    steps.step("setup", || judged(setup::ensure(true)));
    if !steps.failed().is_empty() {
        return Err(Failure::new("Without these packages nothing can be built, so this ends here."));
    }
    steps.step("page", || judged(page_tests()));
    steps.command("fmt", &mut cargo(["fmt", "--all", "--check"]));
    steps.command("clippy", &mut cargo(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]));
    // Journeys start the player and the demo cloud as a user would. With the tests in the same build, dependencies have
    // the features that tests want, and are not built a second time for them.
    steps.command("programs", &mut cargo(["build", "--workspace", "--bins", "--tests"]));
    if !quick && cfg!(target_os = "linux") {
        steps.step("packages", || judged(package::run(true, "")));
    }
    let mut report = Report::default();
    steps.step("tests", || tests(quick, &mut report));
    if !quick {
        steps.step("page views", || judged(page::Node::find().and_then(|node| shell::run(&mut views(&node)))));
        steps.step("doc tests", doc_tests);
        steps.step("deny", deny);
    }

    println!("\nSteps, {} in all:", shown(start.elapsed()));
    for (name, outcome, took) in &steps.done {
        println!("{}", line(name, outcome, *took));
    }
    if !report.skipped.is_empty() {
        println!("Skipped tests:");
        for skipped in &report.skipped {
            let gap = if skipped.test.is_empty() { "" } else { ": " };
            println!("    {}{gap}{}", skipped.test, skipped.why);
        }
    }
    let failed = steps.failed();
    if !failed.is_empty() {
        println!("Failed steps: {}", failed.join(", "));
    }
    println!("{}", report.closing());
    if failed.is_empty() { Ok(()) } else { Err(Failure::new("")) }
}

/// Types, units, and the page itself, which the shell is built with.
fn page_tests() -> Result<(), Failure> {
    let node = page::Node::find()?;
    page::packages(&node)?;
    shell::run(&mut node.npm(["run", "--silent", "check"]))?;
    shell::run(&mut node.npm(["run", "--silent", "unit"]))?;
    page::build(&node)
}

/// The page in a real browser, over a backend that plays every state: a build of its own.
fn views(node: &page::Node) -> Command {
    node.npm(["run", "--silent", "views"])
}

fn tests(quick: bool, report: &mut Report) -> Outcome {
    let log = shell::target().join("skipped-tests.log");
    forget(&log);
    let outcome = if shell::has_cargo("nextest") {
        let junit = shell::target().join("nextest/ci/junit.xml");
        forget(&junit);
        let mut command = cargo(["nextest", "run", "--workspace", "--profile", "ci"]);
        if quick {
            command.args(["-E", QUICK]);
        }
        let outcome = judged(shell::run(command.env(SKIP_LOG, &log)));
        *report = Report::from_junit(&std::fs::read_to_string(&junit).unwrap_or_default());
        outcome
    } else {
        println!("cargo-nextest is not installed: running `cargo test`, one test after the other.");
        let mut command = cargo(["test", "--workspace", "--lib", "--bins", "--no-fail-fast"]);
        if quick {
            command.args(["--exclude", "entente-tests"]);
        }
        command.args(["--test", "*", "--", "--show-output", "--test-threads", "1"]);
        let (outcome, output) = watched(command.env(SKIP_LOG, &log));
        *report = Report::from_cargo_test(&output);
        outcome
    };
    report.add_log(&std::fs::read_to_string(&log).unwrap_or_default());
    if outcome == Outcome::Good && report.passed == 0 {
        eprintln!("No test ran.");
        return Outcome::Failed;
    }
    outcome
}

fn forget(path: &Path) {
    // Not being there is what is wanted.
    let _ = std::fs::remove_file(path);
}

/// Runs a command, showing its output and keeping a copy.
fn watched(command: &mut Command) -> (Outcome, String) {
    let mut text = String::new();
    let child = command.stdout(Stdio::piped()).spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => {
            eprintln!("cargo cannot be started: {error}");
            return (Outcome::Failed, text);
        }
    };
    if let Some(pipe) = child.stdout.take() {
        for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            println!("{line}");
            text.push_str(&line);
            text.push('\n');
        }
    }
    let good = child.wait().is_ok_and(|status| status.success());
    (if good { Outcome::Good } else { Outcome::Failed }, text)
}

fn doc_tests() -> Outcome {
    let packages = doctests::packages();
    if packages.is_empty() {
        return Outcome::Skipped("no crate has examples in its documentation".to_owned());
    }
    let mut command = cargo(["test", "--doc"]);
    for package in &packages {
        command.args(["-p", package]);
    }
    judged(shell::run(&mut command))
}

/// Licences, sources and banned crates. Advisories need the network and are a job of their own in CI.
fn deny() -> Outcome {
    if !shell::has_cargo("deny") {
        return Outcome::Skipped("cargo-deny is not installed (cargo install cargo-deny --locked)".to_owned());
    }
    judged(shell::run(&mut cargo(["deny", "check", "bans", "licenses", "sources"])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_told_with_their_time_and_reason() {
        assert_eq!(line("fmt", &Outcome::Good, Duration::from_millis(1500)), "    ok       fmt            1.5 s");
        assert_eq!(line("tests", &Outcome::Failed, Duration::from_secs(61)), "    FAILED   tests          1 min 01 s");
        let skipped = Outcome::Skipped("cargo-deny is not installed".into());
        assert!(line("deny", &skipped, Duration::ZERO).ends_with("cargo-deny is not installed"));
    }

    #[test]
    fn a_failed_step_is_remembered_and_the_rest_goes_on() {
        let mut steps = Steps::default();
        steps.step("one", || Outcome::Failed);
        steps.step("two", || Outcome::Good);
        steps.step("three", || Outcome::Skipped("no reason".into()));
        assert_eq!(steps.failed(), ["one"]);
        assert_eq!(steps.done.len(), 3);
    }
}
