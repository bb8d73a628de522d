//! Packages of Entente for this system: built, gathered, bundled.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;
use crate::page;
use crate::setup;
use crate::shell;

/// Programs that a package holds, beside the shell itself.
const BESIDE: [&str; 2] = ["entente-player", "entente-demo"];

/// What is bundled on this system when nothing is asked for. An AppImage needs files that the bundler downloads; those
/// of other systems are made there (`.github/workflows/packages.yml`).
const KINDS: &str = if cfg!(target_os = "macos") {
    "app,dmg"
} else if cfg!(windows) {
    "nsis,msi"
} else {
    "deb,rpm"
};

/// Makes packages of kinds `kinds` (a list with commas; empty: those of this system). `debug`: of the programs that the
/// tests use, which takes no second build; slow to run and large, for tests only.
pub(crate) fn run(debug: bool, kinds: &str) -> Result<(), Failure> {
    setup::ensure(false)?;
    let node = page::Node::find()?;
    page::packages(&node)?;
    page::build(&node)?;
    let profile = if debug { "debug" } else { "release" };
    let mut build = if debug {
        shell::cargo(["build", "--workspace", "--bins", "--tests"])
    } else {
        let mut build = shell::cargo(["build", "--release", "-p", "entente-shell"]);
        build.args(BESIDE.iter().flat_map(|name| ["-p", *name]));
        build
    };
    shell::run(&mut build)?;
    let built = shell::target().join(profile);
    gather(&built)?;
    let kinds = if kinds.is_empty() { KINDS } else { kinds };
    let mut bundle = node.program();
    bundle.arg(page::folder().join("node_modules/@tauri-apps/cli/tauri.js"));
    bundle.args(["bundle", "--ci", "--bundles", kinds]);
    if debug {
        bundle.arg("--debug");
    }
    let overlay = shell::root().join("src-tauri/tauri.bundle.conf.json");
    // The CLI looks for the program's folder below where it is started.
    bundle.current_dir(shell::root().join("src-tauri")).arg("--config").arg(overlay);
    shell::run(&mut bundle)?;
    let folder = built.join("bundle");
    println!("Packages are in {}", folder.display());
    Ok(())
}

/// Puts the other programs where the bundler wants them: with the name of the machine behind theirs.
fn gather(built: &Path) -> Result<(), Failure> {
    let machine = machine()?;
    let place = shell::root().join("target/package");
    let copied = |from: &PathBuf, to: &PathBuf| {
        std::fs::copy(from, to).map_err(|error| Failure::new(format!("{}: {error}", from.display())))
    };
    std::fs::create_dir_all(&place).map_err(|error| Failure::new(format!("{}: {error}", place.display())))?;
    for name in BESIDE {
        let from = built.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
        let to = place.join(format!("{name}-{machine}{}", std::env::consts::EXE_SUFFIX));
        copied(&from, &to)?;
    }
    Ok(())
}

/// As Rust names it, for example `x86_64-unknown-linux-gnu`.
fn machine() -> Result<String, Failure> {
    let said = shell::output(Command::new("rustc").arg("-vV")).unwrap_or_default();
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| Failure::new("rustc does not say what machine this is."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_has_a_name() {
        assert!(machine().unwrap().contains('-'));
    }

    #[test]
    fn the_overlay_names_every_program() {
        let overlay = std::fs::read_to_string(shell::root().join("src-tauri/tauri.bundle.conf.json")).unwrap();
        for name in BESIDE {
            assert!(overlay.contains(&format!("../target/package/{name}\"")), "{name}");
        }
    }
}
