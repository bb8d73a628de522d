//! Fuzzing with cargo-fuzz, for those who have it.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Failure;
use crate::shell::{self, shown};

/// An input that takes longer is a finding, in seconds.
const TIMEOUT: u32 = 25;

/// How to get at the compiler's unstable flags, which cargo-fuzz needs.
#[derive(Debug, PartialEq, Eq)]
enum Way {
    /// With this nightly toolchain.
    Nightly(String),
    /// With the present one, told to accept them.
    Bootstrap {
        /// The runtime of the address sanitizer is there.
        sanitizer: bool,
    },
}

/// What a run came to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    runs: Option<u64>,
    /// Time that the runs took, without the build.
    seconds: Option<u64>,
    coverage: Option<u64>,
    /// File with an input that fails.
    finding: Option<String>,
}

impl Outcome {
    /// Takes what a line of libFuzzer says.
    fn note(&mut self, line: &str) {
        let number =
            |before: &str| -> Option<u64> { line.split(before).nth(1)?.split_ascii_whitespace().next()?.parse().ok() };
        self.coverage = number(" cov: ").or(self.coverage);
        self.seconds = line.strip_prefix("Done ").and_then(|_| number(" runs in ")).or(self.seconds);
        if let Some(rest) = line.strip_prefix('#') {
            let runs = rest.split(|letter: char| !letter.is_ascii_digit()).next().and_then(|runs| runs.parse().ok());
            self.runs = runs.or(self.runs);
        }
        if let Some((_, path)) = line.split_once("Test unit written to ") {
            self.finding = Some(path.trim().to_owned());
        }
    }
}

pub(crate) fn run(name: Option<&str>, seconds: u64) -> Result<(), Failure> {
    let targets = targets();
    if targets.is_empty() {
        return Err(Failure::new("There are no fuzz targets (folder fuzz/fuzz_targets)."));
    }
    let list = format!("Fuzz targets (or all of them, one after the other: all):\n  {}", targets.join("\n  "));
    let Some(name) = name else {
        println!("{list}");
        return Ok(());
    };
    let chosen: Vec<&String> = targets.iter().filter(|target| name == "all" || *target == name).collect();
    if chosen.is_empty() {
        return Err(Failure::with_code(format!("There is no fuzz target {name}.\n{list}"), 2));
    }
    if !shell::has_cargo("fuzz") {
        return Err(Failure::new(
            "cargo-fuzz is not installed:\n  cargo install cargo-fuzz --locked\n\
             The inputs found so far run as a plain test: cargo xtask test",
        ));
    }
    let way = way();
    println!("{}", way.explained());
    let mut done = Vec::new();
    for target in chosen {
        println!("\n==> {target}, {}", shown(Duration::from_secs(seconds)));
        let start = Instant::now();
        let (good, outcome) = fuzz(&way, target, seconds)?;
        done.push((target, good, outcome, start.elapsed()));
    }
    println!();
    for (target, good, outcome, took) in &done {
        println!("{}", line(target, *good, outcome, *took));
    }
    let failed: Vec<&str> = done.iter().filter(|(_, good, ..)| !good).map(|(target, ..)| target.as_str()).collect();
    if failed.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!("Not good: {}. Their last lines above say why.", failed.join(", "))))
}

fn line(target: &str, good: bool, outcome: &Outcome, took: Duration) -> String {
    let number = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
    let rate = outcome.runs.zip(outcome.seconds).map(|(runs, seconds)| runs / seconds.max(1));
    let end = match &outcome.finding {
        Some(path) => format!("FOUND {path}"),
        None if good => "no finding".to_owned(),
        None => "FAILED".to_owned(),
    };
    let (runs, rate, coverage) = (number(outcome.runs), number(rate), number(outcome.coverage));
    format!("    {target:<16} {runs:>11} runs {rate:>7}/s {coverage:>6} covered  {:>12}  {end}", shown(took))
}

fn targets() -> Vec<String> {
    let Ok(folder) = std::fs::read_dir(shell::root().join("fuzz/fuzz_targets")) else { return Vec::new() };
    let mut names: Vec<String> = folder
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    names
}

impl Way {
    fn explained(&self) -> String {
        match self {
            Self::Nightly(name) => format!("With the toolchain {name} and the address sanitizer."),
            Self::Bootstrap { sanitizer } => format!(
                "No nightly toolchain: with the present one and RUSTC_BOOTSTRAP=1, {} the address sanitizer.",
                if *sanitizer { "with" } else { "which has no runtime of the address sanitizer, so without" }
            ),
        }
    }

    /// `cargo fuzz run`, up to the name of the target.
    fn command(&self) -> Command {
        // Through rustup, because CARGO points to the toolchain of the workspace.
        let mut command = Command::new("cargo");
        command.current_dir(shell::root()).env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO");
        let (folder, sanitizer) = match self {
            Self::Nightly(name) => {
                command.arg(format!("+{name}"));
                ("nightly", true)
            }
            Self::Bootstrap { sanitizer } => {
                command.env("RUSTC_BOOTSTRAP", "1");
                ("stable", *sanitizer)
            }
        };
        command.args(["fuzz", "run", "--target-dir"]).arg(build().join(folder));
        command.args(["--sanitizer", if sanitizer { "address" } else { "none" }]);
        command
    }
}

/// Where fuzzing builds; git ignores it.
fn build() -> PathBuf {
    shell::root().join("fuzz/target")
}

fn way() -> Way {
    let toolchains = shell::output(Command::new("rustup").args(["toolchain", "list"])).unwrap_or_default();
    if let Some(name) = nightly(&toolchains) {
        return Way::Nightly(name);
    }
    let sysroot = shell::output(Command::new("rustc").args(["--print", "target-libdir"])).unwrap_or_default();
    let files = std::fs::read_dir(sysroot.trim()).into_iter().flatten().filter_map(Result::ok);
    let sanitizer = files.map(|file| file.file_name()).any(|name| name.to_string_lossy().contains("rt.asan"));
    Way::Bootstrap { sanitizer }
}

/// The nightly toolchain to take.
fn nightly(list: &str) -> Option<String> {
    let names = list.lines().filter_map(|line| line.split_ascii_whitespace().next());
    // The one that is not of a certain day, or of the last one: letters come after digits.
    names.filter(|name| name.starts_with("nightly-")).max().map(str::to_owned)
}

/// Runs one target; whether it ended well, and what it said.
fn fuzz(way: &Way, target: &str, seconds: u64) -> Result<(bool, Outcome), Failure> {
    // What is found goes to the first folder; the one in the repository stays small.
    let (found, kept) = (build().join("corpus").join(target), shell::root().join("fuzz/corpus").join(target));
    std::fs::create_dir_all(&found)
        .map_err(|error| Failure::new(format!("{} cannot be made: {error}", found.display())))?;
    let mut command = way.command();
    command.arg(target).args([&found, &kept]).arg("--");
    command.args([format!("-max_total_time={seconds}"), format!("-timeout={TIMEOUT}")]);
    let mut child = command
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| Failure::new(format!("cargo cannot be started: {error}")))?;
    let mut outcome = Outcome::default();
    if let Some(pipe) = child.stderr.take() {
        for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            outcome.note(&line);
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }
    Ok((child.wait().is_ok_and(|status| status.success()), outcome))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nightly_without_a_date_is_taken_first() {
        let list = "stable-x86_64-unknown-linux-gnu (active, default)\nnightly-2026-01-01-x86_64-unknown-linux-gnu\n\
                    nightly-x86_64-unknown-linux-gnu\n1.95.0-x86_64-unknown-linux-gnu\n";
        assert_eq!(nightly(list).as_deref(), Some("nightly-x86_64-unknown-linux-gnu"));
        let dated = "nightly-2025-12-31-x86_64-unknown-linux-gnu\nnightly-2026-01-01-x86_64-unknown-linux-gnu\n";
        assert_eq!(nightly(dated).as_deref(), Some("nightly-2026-01-01-x86_64-unknown-linux-gnu"));
        assert_eq!(nightly("stable-x86_64-unknown-linux-gnu (default)\n"), None);
    }

    #[test]
    fn what_libfuzzer_says_is_counted() {
        let mut outcome = Outcome::default();
        outcome.note("INFO: Seed: 17");
        outcome
            .note("#2048\tNEW    cov: 140 ft: 200 corp: 14/184b lim: 4096 exec/s: 512 rss: 55Mb L: 9/25 MS: 1 Erase-");
        outcome.note("#4096\tDONE   cov: 149 ft: 311 corp: 89/2238b lim: 98 exec/s: 1062 rss: 377Mb");
        outcome.note("Done 4096 runs in 4 second(s)");
        assert_eq!(outcome, Outcome { runs: Some(4096), seconds: Some(4), coverage: Some(149), finding: None });
        let took = Duration::from_secs(40);
        assert!(line("timecode", true, &outcome, took).ends_with("1024/s    149 covered        40.0 s  no finding"));
        outcome.note("artifact_prefix='x'; Test unit written to /fuzz/artifacts/timecode/crash-1");
        assert!(line("timecode", false, &outcome, took).ends_with("FOUND /fuzz/artifacts/timecode/crash-1"));
        assert!(line("timecode", false, &Outcome::default(), took).ends_with("FAILED"));
    }
}
