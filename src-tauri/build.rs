//! Hands the page, the window's rules and the versions of what is inside to the program.

use std::fmt::Write as _;
use std::path::Path;

/// Parts that "About" names, with their licences.
const PARTS: [(&str, &str); 12] = [
    ("cpal", "Apache-2.0"),
    ("egui", "MIT OR Apache-2.0"),
    ("ffmpeg-next", "WTFPL, over FFmpeg (LGPL-2.1-or-later)"),
    ("gilrs", "MIT OR Apache-2.0"),
    ("keyring", "MIT OR Apache-2.0"),
    ("oauth2", "MIT OR Apache-2.0"),
    ("opus", "MIT OR Apache-2.0"),
    ("rusqlite", "MIT"),
    ("tauri", "MIT OR Apache-2.0"),
    ("webrtc", "MIT OR Apache-2.0"),
    ("wgpu", "MIT OR Apache-2.0"),
    ("winit", "Apache-2.0"),
];

/// What stands there when the page was not built: `cargo check` and the like need a folder.
const NO_PAGE: &str = "<!doctype html><title>Entente</title><p>The page was not built: cargo xtask play does it.</p>";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let page = Path::new("../ui/dist");
    println!("cargo:rerun-if-changed={}", page.display());
    if !page.join("index.html").exists() {
        println!("cargo:warning=ui/dist is not there; `npm ci && npm run build` in ui/ makes it");
        std::fs::create_dir_all(page)?;
        std::fs::write(page.join("index.html"), NO_PAGE)?;
    }
    let lock = "../Cargo.lock";
    println!("cargo:rerun-if-changed={lock}");
    let lock = std::fs::read_to_string(lock)?;
    let mut parts = "&[\n".to_owned();
    for (name, licence) in PARTS {
        let start = lock.find(&format!("name = \"{name}\"\nversion = \"")).ok_or(format!("{name} is not locked"))?;
        let version = lock.get(start..).and_then(|rest| rest.split('"').nth(3)).ok_or("the lock file is broken")?;
        writeln!(parts, "    ({name:?}, {version:?}, {licence:?}),")?;
    }
    parts.push(']');
    std::fs::write(Path::new(&std::env::var("OUT_DIR")?).join("parts.rs"), parts)?;
    tauri_build::try_build(tauri_build::Attributes::new())?;
    Ok(())
}
