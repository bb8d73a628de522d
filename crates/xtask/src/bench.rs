//! Measuring. The measurements themselves are in the `tests` package.

use std::ffi::OsString;
use std::process::Command;

use crate::Failure;
use crate::setup;
use crate::shell;

const BINARY: &str = "entente-bench";

pub(crate) fn run(name: Option<&str>, arguments: &[OsString]) -> Result<(), Failure> {
    let exists = std::fs::read_to_string(shell::root().join("tests/Cargo.toml"))
        .is_ok_and(|manifest| manifest.contains(BINARY))
        || ["tests/src/bin/entente-bench.rs", "tests/src/bin/entente-bench/main.rs"]
            .iter()
            .any(|path| shell::root().join(path).exists());
    if !exists {
        return Err(Failure::new(format!("There are no benchmarks yet (package tests has no program {BINARY}).")));
    }
    // The peers that are measured beside us come with what the tests need.
    setup::ensure(true)?;
    println!("Building the benchmarks ...");
    // The programs that they start belong to the same build.
    shell::run(&mut shell::cargo(["build", "--release", "--workspace", "--bins"]))
        .map_err(|failure| Failure::with_code("The benchmarks could not be built.", failure.code))?;
    let program = shell::release_binary(BINARY);
    let known = shell::output(Command::new(&program).arg("--list")).unwrap_or_default();
    match name {
        Some(name) if is_known(name, &known) => shell::run(Command::new(program).arg(name).args(arguments)),
        Some(name) => Err(Failure::with_code(format!("There is no benchmark {name}.\n{}", listed(&known)), 2)),
        None => {
            println!("{}", listed(&known));
            Ok(())
        }
    }
}

/// The list has a name at the start of each line, then perhaps what it measures.
fn is_known(name: &str, list: &str) -> bool {
    list.lines().any(|line| line.split_whitespace().next() == Some(name))
}

fn listed(list: &str) -> String {
    let lines: Vec<String> = list.lines().map(|line| format!("  {}", line.trim_end())).collect();
    format!("Benchmarks:\n{}", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_first_words_of_the_list() {
        let list = "latency  click to picture\nloss\n";
        assert!(is_known("latency", list) && is_known("loss", list));
        assert!(!is_known("click", list) && !is_known("", list));
        assert_eq!(listed(list), "Benchmarks:\n  latency  click to picture\n  loss");
    }
}
