//! Fuzzing with cargo-fuzz, for those who have it.

use std::process::Command;

use crate::Failure;
use crate::shell;

pub(crate) fn run(name: Option<&str>, seconds: u64) -> Result<(), Failure> {
    let targets = targets();
    if targets.is_empty() {
        return Err(Failure::new("There are no fuzz targets (folder fuzz/fuzz_targets)."));
    }
    let list = format!("Fuzz targets:\n  {}", targets.join("\n  "));
    let Some(name) = name else {
        println!("{list}");
        return Ok(());
    };
    if !targets.iter().any(|target| target == name) {
        return Err(Failure::with_code(format!("There is no fuzz target {name}.\n{list}"), 2));
    }
    if !shell::has_cargo("fuzz") {
        return Err(Failure::new(
            "cargo-fuzz is not installed. It needs the nightly toolchain:\n  \
             rustup toolchain install nightly\n  cargo install cargo-fuzz --locked\n\
             The inputs found so far run as a plain test: cargo xtask test",
        ));
    }
    let limit = format!("-max_total_time={seconds}");
    // Through rustup, because CARGO points to the toolchain of the workspace.
    let mut command = Command::new("cargo");
    command.current_dir(shell::root()).env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO");
    shell::run(command.args(["+nightly", "fuzz", "run", name, "--", &limit]))
        .map_err(|failure| Failure::with_code(format!("Fuzzing {name} ended with an error."), failure.code))
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
