//! Installing what building and testing need. Does nothing, and needs no network, when all is there.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use crate::Failure;
use crate::packages::{DEBIAN_BUILD, DEBIAN_TEST, System, missing};
use crate::shell;

/// `cargo xtask setup`.
pub(crate) fn run(test: bool) -> Result<(), Failure> {
    ensure(test)?;
    if test {
        println!("Everything for building and testing is there. Next: cargo xtask test");
    } else {
        println!("Everything for building is there. Next: cargo xtask play");
    }
    Ok(())
}

/// Makes sure that building (and testing) is possible; silent when nothing is missing.
pub(crate) fn ensure(test: bool) -> Result<(), Failure> {
    match System::here() {
        System::Debian => debian(test)?,
        system => elsewhere(system)?,
    }
    if test {
        components()?;
        nextest();
        peers();
    }
    Ok(())
}

fn debian(test: bool) -> Result<(), Failure> {
    let Some(needed) = not_installed(DEBIAN_BUILD) else {
        // A relative of Debian without its tools: judge by the result.
        return elsewhere(System::Other);
    };
    let mut wished = if test { not_installed(DEBIAN_TEST).unwrap_or_default() } else { Vec::new() };
    let refused = Refused::read();
    wished.retain(|package| !refused.holds(package));
    if needed.is_empty() && wished.is_empty() {
        return Ok(());
    }
    println!("Missing packages: {}", [needed.as_slice(), wished.as_slice()].concat().join(" "));
    if let Err(failure) = shell::run(&mut apt_get(&["update"])) {
        // The lists that are there may still do.
        println!("The package lists could not be refreshed; going on with the old ones. {}", failure.message);
    }
    if !needed.is_empty() {
        install(&needed).map_err(|_| {
            Failure::new(format!(
                "The packages could not be installed. Install them yourself, then try again:\n  sudo apt-get install {}",
                needed.join(" ")
            ))
        })?;
    }
    // One by one, because some relatives of Debian lack one or the other; its tests are skipped there.
    if !wished.is_empty() && install(&wished).is_err() {
        for package in wished {
            if install(&[package]).is_err() {
                println!("{package} is not to be had here: the tests that need it will be skipped.");
                refused.add(package);
            }
        }
    }
    Ok(())
}

/// Packages that this system does not have, so that it is not asked again at each run. They are asked for again when
/// the file is removed, or after `cargo clean`.
struct Refused {
    file: PathBuf,
    names: String,
}

impl Refused {
    fn read() -> Self {
        let file = shell::target().join("xtask-refused-packages");
        let names = std::fs::read_to_string(&file).unwrap_or_default();
        Self { file, names }
    }

    fn holds(&self, package: &str) -> bool {
        self.names.lines().any(|name| name == package)
    }

    fn add(&self, package: &str) {
        // Without the note it is asked again, which only costs time.
        let written = OpenOptions::new().create(true).append(true).open(&self.file);
        let written = written.and_then(|mut file| writeln!(file, "{package}"));
        if let Err(error) = written {
            println!("{} cannot be written: {error}", self.file.display());
        }
    }
}

/// `None` when there is no dpkg.
fn not_installed(wanted: &[&'static str]) -> Option<Vec<&'static str>> {
    // dpkg-query fails when one package is unknown, and lists the others nevertheless.
    let output = Command::new("dpkg-query").arg("-W").arg("-f=${Package} ${Status}\n").args(wanted).output().ok()?;
    Some(missing(wanted, &String::from_utf8_lossy(&output.stdout)))
}

pub(crate) fn install(packages: &[&str]) -> Result<(), Failure> {
    shell::run(apt_get(&["install", "-y", "--no-install-recommends"]).args(packages))
}

fn apt_get(arguments: &[&str]) -> Command {
    let root = shell::output(Command::new("id").arg("-u")).is_some_and(|id| id.trim() == "0");
    let mut command = if root { Command::new("env") } else { Command::new("sudo") };
    if !root {
        println!("(sudo may ask for your password: packages are installed for the whole machine)");
        command.arg("env");
    }
    command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "-q"]).args(arguments);
    command
}

/// Systems where we install nothing: say what to do and stop, unless what building needs is there already.
fn elsewhere(system: System) -> Result<(), Failure> {
    let program = |name: &str| shell::output(Command::new(name).arg("--version")).is_some();
    let mut lacking =
        lacking(program, |library| shell::output(Command::new("pkg-config").args(["--exists", library])).is_some());
    if std::env::var_os("FFMPEG_DIR").is_some() {
        lacking.retain(|name| !FFMPEG.contains(name));
    }
    if lacking.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "These were not found: {}.\n{}\nThen try again.",
        lacking.join(", "),
        system.instructions()
    )))
}

/// What pkg-config calls FFmpeg's libraries; `FFMPEG_DIR` stands for them too.
const FFMPEG: &[&str] = &["libavcodec", "libavformat", "libavutil", "libswscale", "libswresample"];

/// Programs and libraries that building needs and that are not there. Without pkg-config nothing can be said of the
/// rest, and only `FFMPEG_DIR` helps.
fn lacking(program: impl Fn(&str) -> bool, library: impl Fn(&str) -> bool) -> Vec<&'static str> {
    if !program("pkg-config") {
        return FFMPEG.to_vec();
    }
    // bindgen wants the library, which comes with the program, or is where this says.
    let clang: &[&str] = if std::env::var_os("LIBCLANG_PATH").is_some() { &[] } else { &["clang"] };
    let mut lacking: Vec<&str> = clang.iter().copied().chain(["cmake"]).filter(|name| !program(name)).collect();
    let of_linux: &[&str] = if cfg!(target_os = "linux") { &["alsa", "libudev", "webkit2gtk-4.1"] } else { &[] };
    lacking.extend(FFMPEG.iter().chain(of_linux).filter(|name| !library(name)));
    lacking
}

/// rustfmt and clippy.
fn components() -> Result<(), Failure> {
    for (subcommand, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        if shell::has_cargo(subcommand) {
            continue;
        }
        println!("Installing {component} ...");
        shell::run(Command::new("rustup").args(["component", "add", component])).map_err(|_| {
            Failure::new(format!("{component} is missing and could not be installed: rustup component add {component}"))
        })?;
    }
    Ok(())
}

/// The tests run without it too, only slower and with less told.
fn nextest() {
    if shell::has_cargo("nextest") {
        return;
    }
    println!("Installing cargo-nextest, which runs the tests (once; takes some minutes) ...");
    if shell::run(&mut shell::cargo(["install", "cargo-nextest", "--locked"])).is_err() {
        println!("cargo-nextest could not be installed; the tests will run with `cargo test` instead.");
    }
}

/// Python packages of the peers that we test against, in an environment of their own below the target folder.
fn peers() {
    let wanted = shell::root().join("tests/peers/requirements.txt");
    let folder = shell::target().join("peer-venv");
    let python = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    // A copy of the list says what is installed.
    let note = folder.join("requirements.txt");
    let list = std::fs::read(&wanted).unwrap_or_default();
    if python.exists() && std::fs::read(&note).is_ok_and(|installed| installed == list) {
        return;
    }
    println!("Installing the Python packages of the test peers ...");
    let system = if cfg!(windows) { "python" } else { "python3" };
    let done = shell::run(Command::new(system).args(["-m", "venv"]).arg(&folder))
        .and_then(|()| shell::run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "-r"]).arg(&wanted)))
        .and_then(|()| std::fs::write(&note, &list).map_err(|error| Failure::new(error.to_string())));
    if let Err(failure) = done {
        println!("They could not be installed: the tests that need them will be skipped. {}", failure.message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn what_is_lacking_is_named() {
        assert!(lacking(|_| true, |_| true).is_empty());
        assert_eq!(lacking(|_| true, |library| library != "libudev"), ["libudev"]);
        assert_eq!(lacking(|program| program != "cmake", |_| true), ["cmake"]);
        assert_eq!(lacking(|_| false, |_| true), FFMPEG);
    }
}
