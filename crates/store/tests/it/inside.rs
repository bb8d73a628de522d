//! Starts this binary again, in a session of its own.

use std::path::PathBuf;
use std::process::Command;

const FOLDER: &str = "ENTENTE_TEST_FOLDER";

/// Runs one ignored test of this binary in a session with its own folders; `wrapper` goes before its command line.
pub(crate) fn run_inside(wrapper: &[&str], test: &str) {
    let root = tempfile::tempdir().unwrap();
    let runtime = root.path().join("runtime");
    std::fs::create_dir(&runtime).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&runtime, std::fs::Permissions::from_mode(0o700)).unwrap();
    }
    let exe = std::env::current_exe().unwrap();
    let own = [exe.to_str().unwrap(), "--exact", test, "--ignored", "--nocapture"];
    let line: Vec<&str> = wrapper.iter().copied().chain(own).collect();
    let output = Command::new(line[0])
        .args(&line[1..])
        .env_remove("DBUS_SESSION_BUS_ADDRESS")
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env("HOME", root.path())
        .env("XDG_DATA_HOME", root.path().join("data"))
        .env("XDG_CONFIG_HOME", root.path().join("config"))
        .env("XDG_RUNTIME_DIR", &runtime)
        .env(FOLDER, root.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The first of `names` that is not installed.
pub(crate) fn missing_program<'a>(names: &[&'a str]) -> Option<&'a str> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = |name: &str| std::env::split_paths(&path).any(|folder| folder.join(name).is_file());
    names.iter().copied().find(|name| !found(name))
}

/// The folder of the session, inside it.
pub(crate) fn folder() -> PathBuf {
    std::env::var_os(FOLDER).unwrap().into()
}
