//! The keyring of the system itself: gnome-keyring on a bus of its own, locked and unlocked, and no bus at all.
//!
//! Each test starts this binary again inside a private session; the `inside_...` ones are what runs there.

use std::sync::Arc;

use entente_model::Secret;
use entente_model::port::VaultPort;
use entente_store::vault::{FILE, Kept, SystemKeyring, Vault};

use crate::inside::{folder, missing_program, run_inside};

const UNLOCKED: &str =
    r#"printf pw | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1; exec "$0" "$@""#;

#[test]
fn an_unlocked_gnome_keyring_seals_the_vault() {
    if let Some(name) = missing_program(&["dbus-run-session", "gnome-keyring-daemon", "sh"]) {
        println!("skipped: no {name}");
        return;
    }
    run_inside(&["dbus-run-session", "--", "sh", "-c", UNLOCKED], "keyring::inside_an_unlocked_keyring");
}

#[test]
fn a_locked_gnome_keyring_locks_the_vault() {
    if let Some(name) = missing_program(&["dbus-run-session", "gnome-keyring-daemon", "sh"]) {
        println!("skipped: no {name}");
        return;
    }
    run_inside(&["dbus-run-session", "--"], "keyring::inside_a_locked_keyring");
}

#[test]
fn no_bus_locks_the_vault() {
    if !cfg!(target_os = "linux") {
        println!("skipped: only Linux keeps its keyring behind a bus");
        return;
    }
    run_inside(&[], "keyring::inside_no_bus");
}

async fn open() -> Vault {
    let file = folder().join("vault").join(FILE);
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
