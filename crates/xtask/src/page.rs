//! The page of the shell: Node.js, its packages, and what is built of them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;
use crate::packages::System;
use crate::setup;
use crate::shell;

/// Oldest Node.js that the page's tools run on: major and minor number (`engines` of Vite).
const OLDEST: (u32, u32) = (20, 19);
/// The one that is taken where there is none, from the npm registry.
const NODE: &str = "node@22";

/// Node.js with npm.
pub(crate) struct Node {
    /// Folder with a newer one than the system's.
    bin: Option<PathBuf>,
}

impl Node {
    /// One that is new enough; it is installed where we know how.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn find() -> Result<Self, Failure> {
        let own = shell::target().join("node/node_modules/node/bin");
        if new_enough("node") && npm_is_there() {
            return Ok(Self { bin: None });
        }
        if !new_enough(&own.join("node").to_string_lossy()) {
            install()?;
        }
        let node = if new_enough("node") { Self { bin: None } } else { Self { bin: Some(own) } };
        match &node.bin {
            Some(bin) if !new_enough(&bin.join("node").to_string_lossy()) => Err(none()),
            _ => Ok(node),
        }
    }

    /// A command of npm's in the page's folder.
    pub(crate) fn npm<const N: usize>(&self, arguments: [&str; N]) -> Command {
        // On Windows npm is a script, which only its whole name starts.
        let mut command = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
        command.current_dir(folder()).args(arguments);
        self.dress(&mut command);
        command
    }

    /// Node.js itself.
    pub(crate) fn program(&self) -> Command {
        let own = self.bin.as_ref().map_or_else(|| "node".into(), |bin| bin.join("node"));
        let mut command = Command::new(own);
        self.dress(&mut command);
        command
    }

    /// What the command starts finds the same Node.js.
    fn dress(&self, command: &mut Command) {
        if let Some(bin) = &self.bin {
            command.env("PATH", with_first(bin));
        }
    }
}

/// The page's folder.
pub(crate) fn folder() -> PathBuf {
    shell::root().join("ui")
}

/// Makes sure that the page's packages are those of its lock file.
///
/// # Errors
/// npm cannot install them; it has said why.
pub(crate) fn packages(node: &Node) -> Result<(), Failure> {
    let lock = std::fs::read(folder().join("package-lock.json")).unwrap_or_default();
    // A copy of the lock file says what is installed.
    let note = folder().join("node_modules/.installed-lock.json");
    if std::fs::read(&note).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    println!("Installing the page's packages ...");
    shell::run(&mut node.npm(["ci", "--no-audit", "--no-fund", "--loglevel=error"]))?;
    std::fs::write(&note, &lock).map_err(|error| Failure::new(format!("{}: {error}", note.display())))
}

/// Builds the page, unless what is built is newer than everything it is made of.
///
/// # Errors
/// It cannot be built; the messages say why.
pub(crate) fn build(node: &Node) -> Result<(), Failure> {
    let built = modified(&folder().join("dist/index.html"));
    let sources = ["src", "public", "scripts", "index.html", "package-lock.json", "vite.config.ts"];
    let newest = sources.iter().filter_map(|name| newest(&folder().join(name))).max();
    if built.is_some() && built > newest {
        return Ok(());
    }
    println!("Building the page ...");
    shell::run(&mut node.npm(["run", "--silent", "build"]))
}

fn newest(path: &Path) -> Option<std::time::SystemTime> {
    if !path.is_dir() {
        return modified(path);
    }
    let entries = std::fs::read_dir(path).ok()?;
    entries.filter_map(|entry| newest(&entry.ok()?.path())).max()
}

fn modified(path: &Path) -> Option<std::time::SystemTime> {
    std::fs::metadata(path).and_then(|found| found.modified()).ok()
}

fn with_first(bin: &Path) -> OsString {
    let old = std::env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(bin.to_owned()).chain(std::env::split_paths(&old));
    std::env::join_paths(all).unwrap_or(old)
}

fn npm_is_there() -> bool {
    shell::output(Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" }).arg("--version")).is_some()
}

fn new_enough(node: &str) -> bool {
    shell::output(Command::new(node).arg("--version"))
        .is_some_and(|text| version(&text).is_some_and(|own| own >= OLDEST))
}

/// Major and minor number of `v20.19.0`.
fn version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.trim().strip_prefix('v')?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// Debian's npm brings an old Node.js, with which a new one can be had from the npm registry.
fn install() -> Result<(), Failure> {
    if !npm_is_there() {
        if System::here() != System::Debian {
            return Err(none());
        }
        setup::install(&["nodejs", "npm"]).map_err(|_| none())?;
    }
    if new_enough("node") {
        return Ok(());
    }
    println!("Installing {NODE} below the target folder, because the system's Node.js is too old ...");
    let place = shell::target().join("node");
    std::fs::create_dir_all(&place).map_err(|error| Failure::new(format!("{}: {error}", place.display())))?;
    let mut npm = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    npm.args(["install", "--no-audit", "--no-fund", "--prefix"]).arg(&place).arg(NODE);
    shell::run(&mut npm).map_err(|_| none())
}

fn none() -> Failure {
    Failure::new(format!(
        "The page of Entente is built with Node.js {}.{} or newer and npm, which were not found.\n\
         Install them (https://nodejs.org), then try again.",
        OLDEST.0, OLDEST.1
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert_eq!(version("v20.19.4\n"), Some((20, 19)));
        assert!(version("v9.100.0") < Some(OLDEST) && version("v22.0.0") > Some(OLDEST));
        assert_eq!((version("20.19.0"), version("")), (None, None));
    }

    #[test]
    fn the_oldest_node_is_the_one_that_the_page_names() {
        let manifest = std::fs::read_to_string(folder().join("package.json")).unwrap();
        assert!(manifest.contains(&format!("\"node\": \">={}\"", OLDEST.0)), "{manifest}");
    }
}
