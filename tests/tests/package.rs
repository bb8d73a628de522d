//! The packages of this system: installed into a root of their own, looked at, started and played.
#![allow(clippy::disallowed_methods, reason = "tests read clocks and wait")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use entente_tests::display::wait;
use entente_tests::person::Person;
use entente_tests::program::{Running, binary, skip};
use entente_tests::shell::{Desk, below};

const PROGRAMS: [&str; 3] = ["entente", "entente-player", "entente-demo"];

/// The package of one kind that `cargo xtask package --debug` made, if it did.
fn package(test: &str, kind: &str) -> Option<PathBuf> {
    let folder = binary("entente").with_file_name("bundle").join(kind);
    let ending = |path: &PathBuf| path.extension().is_some_and(|extension| extension == kind);
    let found = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).find(ending);
    if found.is_none() {
        skip(test, &format!("no {kind} was made: cargo xtask package --debug"));
    }
    found
}

fn output(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().expect("the program starts");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What must be below `root`, and starts there.
fn holds_entente(root: &Path) {
    for program in PROGRAMS {
        let path = root.join("usr/bin").join(program);
        let missing = output(Command::new("ldd").arg(&path));
        assert!(!missing.contains("not found"), "{missing}");
        let version = output(Command::new(&path).arg("--version"));
        assert!(version.contains(env!("CARGO_PKG_VERSION")), "{version}");
    }
    let desktop = std::fs::read_to_string(root.join("usr/share/applications/Entente.desktop")).unwrap();
    assert!(desktop.contains("MimeType=x-scheme-handler/entente"), "{desktop}");
    assert!(desktop.contains("Exec=entente") && desktop.contains("Icon=entente"), "{desktop}");
    for file in [
        "usr/share/icons/hicolor/128x128/apps/entente.png",
        "usr/share/metainfo/net.entente.Entente.metainfo.xml",
        "usr/lib/Entente/licences/LICENSE-MIT",
    ] {
        assert!(root.join(file).exists(), "{file}");
    }
}

/// Packages that own the libraries which the programs ask the loader for.
fn owners(root: &Path) -> BTreeSet<String> {
    let mut owners = BTreeSet::new();
    for program in PROGRAMS {
        let path = root.join("usr/bin").join(program);
        let needed = output(Command::new("objdump").arg("-p").arg(&path));
        let needed: BTreeSet<&str> =
            needed.lines().filter_map(|line| line.trim().strip_prefix("NEEDED")).map(str::trim).collect();
        for line in output(Command::new("ldd").arg(&path)).lines() {
            let Some((name, place)) = line.trim().split_once(" => ") else { continue };
            let Some(place) = place.split(' ').next().filter(|_| needed.contains(name)) else { continue };
            // Debian moved /lib below /usr; its lists still say the old names.
            let place = std::fs::canonicalize(place).unwrap();
            let asked = [place.display().to_string(), place.display().to_string().replacen("/usr", "", 1)];
            let owner = asked.iter().find_map(|path| {
                let found = Command::new("dpkg").args(["-S", path]).output().ok()?;
                let text = String::from_utf8_lossy(&found.stdout).into_owned();
                text.split(':').next().filter(|name| !name.is_empty()).map(str::to_owned)
            });
            owners.insert(owner.unwrap_or_else(|| panic!("{place:?} belongs to no package")));
        }
    }
    owners
}

#[test]
fn the_deb_is_installed_and_plays() {
    let test = "the_deb_is_installed_and_plays";
    let Some(package) = package(test, "deb") else { return };
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    std::fs::create_dir_all(root.join("var/lib/dpkg/info")).unwrap();
    std::fs::create_dir_all(root.join("var/lib/dpkg/updates")).unwrap();
    std::fs::write(root.join("var/lib/dpkg/status"), "").unwrap();
    let mut install = Command::new("dpkg");
    install.arg(format!("--root={}", root.display()));
    // The other packages are those of the system around it.
    install.args(["--force-depends", "--force-not-root", "--force-script-chrootless", "--install"]).arg(&package);
    output(&mut install);
    holds_entente(root);

    let depends = output(Command::new("dpkg-deb").args(["--field"]).arg(&package).arg("Depends"));
    let depends: BTreeSet<&str> = depends.split([',', '|']).filter_map(|one| one.split_whitespace().next()).collect();
    // What every program has, and what these bring.
    let implied = [
        "libc6",
        "libgcc-s1",
        "libstdc++6",
        "libglib2.0-0",
        "libcairo2",
        "libgdk-pixbuf-2.0-0",
        "libsoup-3.0-0",
        "libjavascriptcoregtk-4.1-0",
        "libdbus-1-3",
    ];
    let missing: Vec<String> = owners(root)
        .into_iter()
        .filter(|owner| !depends.contains(owner.as_str()) && !implied.contains(&owner.as_str()))
        .collect();
    assert!(missing.is_empty(), "not among what the package depends on: {missing:?}");

    let desk = match Desk::start(true) {
        Ok(desk) => desk,
        Err(why) => return skip(test, &why),
    };
    let shell = desk.open_program(&root.join("usr/bin/entente"), &[], &[]).unwrap();
    let mut person = Person::new(&desk, &shell, "pointer");
    person.press("[data-focus=guest]");
    person.press("[data-focus^='play-']");
    let player = wait(Duration::from_secs(30), || below(shell.process, "entente-player").first().copied());
    let player = player.expect("the player of the package");
    let place = std::fs::read_link(format!("/proc/{player}/exe")).unwrap();
    assert!(place.starts_with(std::fs::canonicalize(root).unwrap()), "{place:?}");
    person.read("playing");
    let second = Running::start(desk.entente().arg("accounts")).finish(Duration::from_secs(10));
    assert!(second.stdout.contains("guest"), "{second:?}");
}

#[test]
fn the_rpm_is_installed_and_starts() {
    let test = "the_rpm_is_installed_and_starts";
    let Some(package) = package(test, "rpm") else { return };
    if Command::new("rpm").arg("--version").output().is_err() {
        return skip(test, "rpm is not installed");
    }
    if !rustix::process::getuid().is_root() {
        return skip(test, "rpm installs into a root of its own for the administrator only");
    }
    output(Command::new("rpm").args(["--checksig", "--nosignature"]).arg(&package));
    let folder = tempfile::tempdir().unwrap();
    let mut install = Command::new("rpm");
    install.arg("--root").arg(folder.path());
    // The other packages are those of the system around it, which knows them by other names.
    install.args(["--nodeps", "--nosignature", "--install"]).arg(&package);
    output(&mut install);
    holds_entente(folder.path());
    let listed = output(Command::new("rpm").arg("--root").arg(folder.path()).args(["--query", "--all"]));
    assert!(listed.contains(env!("CARGO_PKG_VERSION")), "{listed}");
    let requires = output(Command::new("rpm").args(["-qp", "--nosignature", "--requires"]).arg(&package));
    assert!(requires.contains("ffmpeg-libs") && requires.contains("alsa-lib"), "{requires}");
}
