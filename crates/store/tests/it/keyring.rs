//! The keyring of the system itself: gnome-keyring on a bus of its own, locked and unlocked, and no bus at all.
//!
//! Each test starts this binary again inside a private session; the `inside_...` ones are what runs there.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use entente_model::Secret;
use entente_model::port::VaultPort;
use entente_store::vault::{FILE, Kept, SystemKeyring, Vault};

const FOLDER: &str = "ENTENTE_TEST_FOLDER";
const UNLOCKED: &str =
    r#"printf pw | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1; exec "$0" "$@""#;

/// Runs one test of this binary in a session with its own folders; `wrapper` goes before its command line.
fn run_inside(wrapper: &[&str], test: &str) {
    let root = tempfile::tempdir().unwrap();
    let runtime = root.path().join("runtime");
    std::fs::create_dir(&runtime).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&runtime, std::fs::Permissions::from_mode(0o700)).unwrap();
    }
    let exe = std::env::current_exe().unwrap();
    let name = format!("keyring::{test}");
    let own = [exe.to_str().unwrap(), "--exact", &name, "--ignored", "--nocapture"];
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

fn missing_programs() -> Option<&'static str> {
    let found = |name: &str| {
        std::env::var_os("PATH")
            .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(name).is_file()))
    };
    ["dbus-run-session", "gnome-keyring-daemon", "sh"].into_iter().find(|name| !found(name))
}

#[test]
fn an_unlocked_gnome_keyring_seals_the_vault() {
    if let Some(name) = missing_programs() {
        println!("skipped: no {name}");
        return;
    }
    run_inside(&["dbus-run-session", "--", "sh", "-c", UNLOCKED], "inside_an_unlocked_keyring");
}

#[test]
fn a_locked_gnome_keyring_locks_the_vault() {
    if let Some(name) = missing_programs() {
        println!("skipped: no {name}");
        return;
    }
    run_inside(&["dbus-run-session", "--"], "inside_a_locked_keyring");
}

#[test]
fn no_bus_locks_the_vault() {
    if !cfg!(target_os = "linux") {
        println!("skipped: only Linux keeps its keyring behind a bus");
        return;
    }
    run_inside(&[], "inside_no_bus");
}

async fn open() -> Vault {
    let file = Path::new(&std::env::var_os(FOLDER).unwrap()).join("vault").join(FILE);
    Vault::open(file, Arc::new(SystemKeyring::new("entente-test"))).await
}

#[tokio::test]
#[ignore = "started by an_unlocked_gnome_keyring_seals_the_vault"]
async fn inside_an_unlocked_keyring() {
    let vault = open().await;
    assert_eq!(vault.status().kept, Kept::Keyring, "{:?}", vault.status());
    let long = "t".repeat(20_000);
    vault.set("demo/refresh", Secret::new(long.clone())).await.unwrap();
    drop(vault);
    let vault = open().await;
    assert_eq!(vault.get("demo/refresh").await.unwrap().unwrap().reveal(), long);
    assert!(vault.take_notes().await.is_empty());
}

#[tokio::test]
#[ignore = "started by a_locked_gnome_keyring_locks_the_vault"]
async fn inside_a_locked_keyring() {
    let vault = open().await;
    assert_eq!(vault.status().kept, Kept::Locked);
    assert!(vault.status().why.contains("keyring"), "{}", vault.status().why);
    assert!(vault.get("demo/refresh").await.is_err());
    println!("locked: {}", vault.status().why);
    vault.use_passphrase(&Secret::new("a long passphrase")).await.unwrap();
    vault.set("demo/refresh", Secret::new("token")).await.unwrap();
    let vault = open().await;
    assert!(vault.status().has_passphrase);
    vault.unlock(&Secret::new("a long passphrase")).await.unwrap();
    assert_eq!(vault.get("demo/refresh").await.unwrap().unwrap().reveal(), "token");
}

#[tokio::test]
#[ignore = "started by no_bus_locks_the_vault"]
async fn inside_no_bus() {
    let vault = open().await;
    assert_eq!(vault.status().kept, Kept::Locked);
    assert!(vault.status().why.contains("No keyring service answers"), "{}", vault.status().why);
    assert!(vault.set("demo/refresh", Secret::new("token")).await.is_err());
    vault.use_memory().await.unwrap();
    vault.set("demo/refresh", Secret::new("token")).await.unwrap();
    assert_eq!(vault.get("demo/refresh").await.unwrap().unwrap().reveal(), "token");
}
