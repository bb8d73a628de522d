//! The arrows of the house: who may use whom, what a protocol may not touch, and how a crate looks.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

/// Which of our crates a crate may use (ARCHITECTURE.md). What is not listed is forbidden.
const ALLOWED: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("rtp", &["model"]),
    ("peer", &["model", "rtp"]),
    ("drive", &["model"]),
    ("decode", &["model"]),
    ("audio", &["model"]),
    ("input", &["model"]),
    ("stats", &["model"]),
    ("present", &["model", "stats"]),
    ("engine", &["model", "drive", "decode", "audio", "stats", "present"]),
    // The engine and its parts; a protocol and the demo cloud too, until `providers` and `app` exist.
    ("player", &["model", "engine", "drive", "decode", "audio", "input", "stats", "present", "peer", "demo"]),
    ("demo", &["model", "stats"]),
    ("store", &["model"]),
    ("providers", &["model"]),
    ("app", &["model", "store", "providers"]),
    ("cli", &["model", "store", "app"]),
    ("shell", &["model", "input", "store", "providers", "app", "cli"]),
    ("lab", &["model", "rtp", "peer"]),
    ("xtask", &[]),
];
/// What the tests of any crate may use besides.
const FOR_TESTS: &[&str] = &["lab", "peer", "demo"];
/// Crates that get time and bytes as arguments.
const SANS_IO: &[&str] = &["model", "rtp", "peer"];
/// Crates that do IO or bring a runtime.
const IO_CRATES: &[&str] =
    &["async-io", "async-std", "mio", "polling", "quinn-udp", "rustix", "smol", "socket2", "tokio", "ureq", "webrtc"];
/// Text that has no place in a crate without IO.
const IO_TEXT: &[&str] = &[
    "tokio",
    "UdpSocket",
    "TcpStream",
    "TcpListener",
    "UnixStream",
    "socket2",
    "mio::",
    "Instant::now",
    "SystemTime::now",
    "UNIX_EPOCH",
    "std::thread",
    "std::fs",
    "std::process",
    "std::env",
];
const MAX_LINES: usize = 800;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn metadata() -> Metadata {
    MetadataCommand::new()
        .current_dir(root())
        .no_deps()
        .other_options(vec!["--offline".to_owned()])
        .exec()
        .expect("cargo metadata --offline")
}

/// The package's name in the house, without the prefix.
fn short(name: &str) -> Option<&str> {
    name.strip_prefix("entente-")
}

fn folder(package: &Package) -> PathBuf {
    package.manifest_path.parent().unwrap().as_std_path().to_owned()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return files };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "target" && name != "corpus") {
                files.extend(rust_files(&path));
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

fn check(faults: &[String]) {
    assert!(faults.is_empty(), "{} fault(s):\n  {}", faults.len(), faults.join("\n  "));
}

/// The lines that are compiled into the crate: no comments, and nothing of the test module, which house style puts
/// last. Fails when something follows it, because it would not be looked at.
fn product_lines(path: &Path, text: &str) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    let mut all = text.lines().enumerate().peekable();
    while let Some((index, line)) = all.next() {
        if line == "#[cfg(test)]" && all.peek().is_some_and(|(_, next)| next.starts_with("mod ") && next.ends_with('{'))
        {
            let end = text.lines().skip(index).position(|line| line == "}").map(|offset| index + offset);
            let last = text.lines().count() - 1;
            assert_eq!(end, Some(last), "{}: the test module must be the end of the file", shown(path));
            break;
        }
        let code = line.split("//").next().unwrap_or_default();
        lines.push((index + 1, code.to_owned()));
    }
    lines
}

#[test]
fn crates_use_only_what_they_may() {
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED.iter().copied().collect();
    let mut faults = Vec::new();
    let mut seen = BTreeSet::new();
    for package in &metadata().packages {
        let Some(name) = short(&package.name) else {
            faults.push(format!("{}: packages are called entente-...", package.name));
            continue;
        };
        // The tests package may use everything: it stands outside.
        if name == "tests" {
            continue;
        }
        let Some(may) = allowed.get(name) else {
            faults.push(format!("{name}: not in the table; say in ARCHITECTURE.md what it may use, then here"));
            continue;
        };
        seen.insert(name.to_owned());
        for dependency in &package.dependencies {
            let Some(used) = short(&dependency.name) else { continue };
            let fine = match dependency.kind {
                DependencyKind::Development => may.contains(&used) || FOR_TESTS.contains(&used),
                _ => may.contains(&used),
            };
            if !fine {
                faults.push(format!("{name} must not use {used} ({:?} dependency)", dependency.kind));
            }
        }
    }
    assert!(seen.contains("model") && seen.contains("engine"), "the workspace was not read: {seen:?}");
    check(&faults);
}

#[test]
fn engine_names_no_protocol() {
    let mut faults = Vec::new();
    for path in rust_files(&root().join("crates/engine/src")) {
        let text = std::fs::read_to_string(&path).unwrap();
        for (line, code) in product_lines(&path, &text) {
            for word in ["entente_peer", "entente_rtp", "whep", "Whep", "rtc::"] {
                if code.contains(word) {
                    faults.push(format!("{}:{line}: {word}", shown(&path)));
                }
            }
        }
    }
    check(&faults);
}

#[test]
fn protocols_read_no_clock_and_open_no_socket() {
    let mut faults = Vec::new();
    for package in &metadata().packages {
        let Some(name) = short(&package.name).filter(|name| SANS_IO.contains(name)) else { continue };
        for dependency in &package.dependencies {
            if dependency.kind == DependencyKind::Normal && IO_CRATES.contains(&dependency.name.as_str()) {
                faults.push(format!("{name} depends on {}", dependency.name));
            }
        }
        let files = rust_files(&folder(package).join("src"));
        assert!(!files.is_empty(), "{name} has no sources");
        for path in files {
            let text = std::fs::read_to_string(&path).unwrap();
            for (line, code) in product_lines(&path, &text) {
                for word in IO_TEXT.iter().filter(|word| code.contains(**word)) {
                    faults.push(format!("{}:{line}: {word}", shown(&path)));
                }
            }
        }
    }
    check(&faults);
}

#[test]
fn every_crate_has_the_lints_and_a_sentence() {
    let mut faults = Vec::new();
    for package in &metadata().packages {
        let manifest = std::fs::read_to_string(&package.manifest_path).unwrap();
        let lints = manifest.split("[lints]").nth(1).unwrap_or_default();
        if lints.trim_start().lines().next().map(str::trim) != Some("workspace = true") {
            faults.push(format!("{}: no `[lints] workspace = true`", package.name));
        }
        let sentence = package.description.as_deref().unwrap_or_default();
        if sentence.len() < 10 || !sentence.ends_with('.') {
            faults.push(format!("{}: its description is no sentence: {sentence:?}", package.name));
        }
        if package.license.is_none() || package.publish.as_deref() != Some(&[]) {
            faults.push(format!("{}: takes license and publish from the workspace", package.name));
        }
    }
    check(&faults);
}

#[test]
fn files_are_short_and_named_after_their_work() {
    let mut faults = Vec::new();
    for folder in ["crates", "tests", "fuzz"] {
        for path in rust_files(&root().join(folder)) {
            let lines = std::fs::read_to_string(&path).unwrap().lines().count();
            if lines > MAX_LINES {
                faults.push(format!("{}: {lines} lines, more than {MAX_LINES}", shown(&path)));
            }
            let stem = path.file_stem().unwrap().to_string_lossy().to_lowercase();
            if ["mod", "util", "utils", "helper", "helpers", "misc"].contains(&stem.as_str())
                || stem.contains("manager")
            {
                faults.push(format!("{}: a name that says nothing", shown(&path)));
            }
        }
    }
    check(&faults);
}

#[test]
fn unsafe_is_opened_in_one_file_of_a_crate_at_most_and_explained() {
    let mut faults = Vec::new();
    for package in &metadata().packages {
        let mut opened = Vec::new();
        for path in rust_files(&folder(package)) {
            // This file speaks of it.
            if path.ends_with("tests/arrows.rs") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            if text.contains("allow(unsafe_code") {
                opened.push(shown(&path));
                if text.contains("unsafe {") && !text.contains("SAFETY:") {
                    faults.push(format!("{}: unsafe without a SAFETY comment", shown(&path)));
                }
            }
        }
        if opened.len() > 1 {
            faults.push(format!("{} opens unsafe in {}", package.name, opened.join(", ")));
        }
    }
    check(&faults);
}

#[test]
fn no_test_is_switched_off() {
    let mut faults = Vec::new();
    for folder in ["crates", "tests"] {
        for path in rust_files(&root().join(folder)) {
            let text = std::fs::read_to_string(&path).unwrap();
            for (index, line) in text.lines().enumerate() {
                let Some(rest) = line.trim_start().strip_prefix("#[ignore") else { continue };
                // A test that needs a world of its own is run in it by another one.
                let parent = rest.strip_prefix(" = \"started by ").and_then(|rest| rest.strip_suffix("\"]"));
                if !parent.is_some_and(|parent| text.contains(&format!("fn {parent}()"))) {
                    faults.push(format!("{}:{}: say `skipped: why` at run time instead", shown(&path), index + 1));
                }
            }
        }
    }
    check(&faults);
}

#[test]
fn the_scanner_sees_code_and_not_comments_or_tests() {
    let text = "use a;\n// Instant::now\nfn f() {} // UdpSocket\n#[cfg(test)]\nmod tests {\n    Instant::now\n}\n";
    let seen = product_lines(Path::new("x.rs"), text);
    assert_eq!(seen, [(1, "use a;".into()), (2, String::new()), (3, "fn f() {} ".into())]);
    let hidden = std::panic::catch_unwind(|| product_lines(Path::new("x.rs"), &format!("{text}fn g() {{}}\n")));
    assert!(hidden.is_err(), "code after the test module must be seen");
}
