//! The vault against a keyring that can be broken at will.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use entente_model::port::VaultPort;
use entente_model::{Problem, ProblemKind, Secret};
use entente_store::vault::{FILE, Kept, Keyring, KeyringError, Vault};
use proptest::prelude::*;
use tempfile::TempDir;
use zeroize::Zeroizing;

const PASSPHRASE: &str = "correct horse";

/// `locked` says yes to reading, as the real one does, and no to writing.
#[derive(Default)]
struct Fake {
    entries: Mutex<HashMap<String, Vec<u8>>>,
    locked: Mutex<bool>,
}

impl Fake {
    fn lock(&self, locked: bool) {
        *self.locked.lock().unwrap() = locked;
    }
}

impl Keyring for Fake {
    fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringError> {
        Ok(self.entries.lock().unwrap().get(name).cloned().map(Zeroizing::new))
    }

    fn set(&self, name: &str, secret: &[u8]) -> Result<(), KeyringError> {
        if *self.locked.lock().unwrap() {
            return Err(KeyringError("The keyring is locked.".to_owned()));
        }
        self.entries.lock().unwrap().insert(name.to_owned(), secret.to_vec());
        Ok(())
    }

    fn delete(&self, name: &str) -> Result<(), KeyringError> {
        self.entries.lock().unwrap().remove(name);
        Ok(())
    }
}

struct Bench {
    root: TempDir,
    keyring: Arc<Fake>,
}

impl Bench {
    fn new() -> Self {
        Self { root: tempfile::tempdir().unwrap(), keyring: Arc::default() }
    }

    fn file(&self) -> PathBuf {
        self.root.path().join("data").join(FILE)
    }

    async fn open(&self) -> Vault {
        Vault::open(self.file(), self.keyring.clone()).await
    }

    fn asides(&self, word: &str) -> usize {
        let names = std::fs::read_dir(self.file().parent().unwrap()).unwrap();
        names.filter(|name| name.as_ref().unwrap().file_name().to_string_lossy().contains(word)).count()
    }
}

fn secret(text: &str) -> Secret {
    Secret::new(text)
}

async fn held(vault: &Vault, name: &str) -> Option<String> {
    vault.get(name).await.unwrap().map(|secret| secret.reveal().to_owned())
}

fn flip(file: &Path, at: usize) {
    let mut bytes = std::fs::read(file).unwrap();
    bytes[at] ^= 1;
    std::fs::write(file, bytes).unwrap();
}

#[tokio::test]
async fn secrets_outlive_the_program_sealed_by_the_keyring() {
    let bench = Bench::new();
    let vault = bench.open().await;
    assert_eq!(vault.status().kept, Kept::Keyring);
    assert_eq!(held(&vault, "demo/refresh").await, None);
    vault.set("demo/refresh", secret("token-one")).await.unwrap();
    vault.delete("demo/none").await.unwrap();
    drop(vault);
    let vault = bench.open().await;
    assert_eq!(held(&vault, "demo/refresh").await.unwrap(), "token-one");
    assert!(vault.take_notes().await.is_empty());
    vault.delete("demo/refresh").await.unwrap();
    assert_eq!(held(&bench.open().await, "demo/refresh").await, None);
    assert_eq!(bench.keyring.entries.lock().unwrap().len(), 1, "no canary is left");
    assert!(!format!("{vault:?}").contains("token"));
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_for_the_user_alone_and_shows_nothing() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::new();
    let vault = bench.open().await;
    vault.set("demo/refresh", secret("token-in-clear")).await.unwrap();
    assert_eq!(std::fs::metadata(bench.file()).unwrap().permissions().mode() & 0o777, 0o600);
    for entry in std::fs::read_dir(bench.file().parent().unwrap()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(8).any(|part| part == b"token-in" || part == b"demo/ref"));
    }
}

#[tokio::test]
async fn two_shells_keep_each_others_secrets() {
    let bench = Bench::new();
    let (one, two) = (bench.open().await, bench.open().await);
    let write = async |vault: &Vault, who: &str| {
        for number in 0..20 {
            vault.set(&format!("{who}/{number}"), secret(who)).await.unwrap();
        }
    };
    tokio::join!(write(&one, "one"), write(&two, "two"));
    for vault in [&one, &two, &bench.open().await] {
        for number in 0..20 {
            assert_eq!(held(vault, &format!("one/{number}")).await.unwrap(), "one");
            assert_eq!(held(vault, &format!("two/{number}")).await.unwrap(), "two");
        }
    }
}

#[tokio::test]
async fn a_locked_keyring_locks_the_vault_until_it_opens() {
    let bench = Bench::new();
    bench.keyring.lock(true);
    let vault = bench.open().await;
    let status = vault.status();
    assert_eq!((status.kept, status.has_passphrase), (Kept::Locked, false));
    assert!(status.why.contains("locked"), "{}", status.why);
    for problem in [vault.get("a/b").await.unwrap_err(), vault.set("a/b", secret("x")).await.unwrap_err()] {
        assert_eq!(problem.kind, ProblemKind::Secrets);
        assert!(problem.why.contains("keyring is locked"), "{problem}");
    }
    assert!(!bench.file().exists());
    assert_eq!(vault.use_keyring().await.unwrap_err().kind, ProblemKind::Secrets);
    bench.keyring.lock(false);
    assert_eq!(vault.use_keyring().await.unwrap().kept, Kept::Keyring);
    vault.set("a/b", secret("x")).await.unwrap();
    // A sealed file waits for its keyring and is left alone.
    bench.keyring.lock(true);
    let vault = bench.open().await;
    assert_eq!(vault.status().kept, Kept::Locked);
    bench.keyring.lock(false);
    vault.use_keyring().await.unwrap();
    assert_eq!(held(&vault, "a/b").await.unwrap(), "x");
}

#[tokio::test]
async fn memory_is_the_users_choice_and_leaves_no_file() {
    let bench = Bench::new();
    bench.keyring.lock(true);
    let vault = bench.open().await;
    let status = vault.use_memory().await.unwrap();
    assert_eq!(status.kept, Kept::Memory);
    assert!(status.why.contains("locked") && status.why.contains("memory"), "{}", status.why);
    vault.set("a/b", secret("x")).await.unwrap();
    assert_eq!(held(&vault, "a/b").await.unwrap(), "x");
    assert!(!bench.file().exists());
    // What was in memory is taken along.
    bench.keyring.lock(false);
    assert_eq!(vault.use_keyring().await.unwrap().kept, Kept::Keyring);
    assert_eq!(held(&bench.open().await, "a/b").await.unwrap(), "x");
}

#[tokio::test]
async fn a_passphrase_vault_stays_one() {
    let bench = Bench::new();
    bench.keyring.lock(true);
    let vault = bench.open().await;
    assert_eq!(vault.use_passphrase(&secret("short")).await.unwrap_err().kind, ProblemKind::BadInput);
    assert_eq!(vault.use_passphrase(&secret(PASSPHRASE)).await.unwrap().kept, Kept::Passphrase);
    vault.set("a/b", secret("x")).await.unwrap();
    // The keyring is fine again, but the user decided.
    bench.keyring.lock(false);
    let vault = bench.open().await;
    let status = vault.status();
    assert_eq!((status.kept, status.has_passphrase), (Kept::Locked, true));
    assert!(vault.get("a/b").await.unwrap_err().next_step.contains("passphrase"));
    let before = std::fs::read(bench.file()).unwrap();
    let wrong = vault.unlock(&secret("correct hors")).await.unwrap_err();
    assert_eq!(wrong.kind, ProblemKind::BadInput);
    assert!(wrong.what.contains("wrong"), "{wrong}");
    assert_eq!(vault.use_passphrase(&secret("another one")).await.unwrap_err().kind, ProblemKind::BadInput);
    assert_eq!(vault.use_keyring().await.unwrap_err().kind, ProblemKind::BadInput);
    assert_eq!(std::fs::read(bench.file()).unwrap(), before, "refusals change nothing");
    assert_eq!(vault.unlock(&secret(PASSPHRASE)).await.unwrap().kept, Kept::Passphrase);
    assert_eq!(held(&vault, "a/b").await.unwrap(), "x");
    // Until it is changed.
    assert_eq!(vault.use_keyring().await.unwrap().kept, Kept::Keyring);
    let vault = bench.open().await;
    assert_eq!((vault.status().kept, held(&vault, "a/b").await.unwrap()), (Kept::Keyring, "x".to_owned()));
}

#[tokio::test]
async fn a_damaged_file_is_not_a_wrong_passphrase() {
    let bench = Bench::new();
    let vault = bench.open().await;
    vault.use_passphrase(&secret(PASSPHRASE)).await.unwrap();
    vault.set("a/b", secret("x")).await.unwrap();
    let last = std::fs::read(bench.file()).unwrap().len() - 1;
    flip(&bench.file(), last);
    let vault = bench.open().await;
    assert_eq!(vault.unlock(&secret(PASSPHRASE)).await.unwrap().kept, Kept::Passphrase);
    let notes = vault.take_notes().await;
    assert!(notes.len() == 1 && notes[0].why.contains("damaged"), "{notes:?}");
    assert_eq!((held(&vault, "a/b").await, bench.asides("broken")), (None, 1));
    assert!(bench.open().await.status().has_passphrase);
}

#[tokio::test]
async fn a_forgotten_passphrase_can_be_given_up() {
    let bench = Bench::new();
    let vault = bench.open().await;
    vault.use_passphrase(&secret(PASSPHRASE)).await.unwrap();
    let vault = bench.open().await;
    assert_eq!(vault.start_over().await.unwrap().kept, Kept::Keyring);
    assert_eq!(bench.asides("old"), 1);
    vault.set("a/b", secret("x")).await.unwrap();
    // What was in memory meanwhile goes along.
    vault.use_passphrase(&secret(PASSPHRASE)).await.unwrap();
    let vault = Vault::closed(bench.file(), bench.keyring.clone());
    assert_eq!(vault.status().kept, Kept::Locked);
    assert!(vault.start().await.has_passphrase);
    vault.use_memory().await.unwrap();
    vault.set("c/d", secret("y")).await.unwrap();
    vault.start_over().await.unwrap();
    let vault = bench.open().await;
    assert_eq!((held(&vault, "a/b").await, held(&vault, "c/d").await.unwrap()), (None, "y".to_owned()));
}

#[tokio::test]
async fn damage_at_the_start_is_set_aside_and_said() {
    for at in [0, 12, 60, 90] {
        let bench = Bench::new();
        bench.open().await.set("a/b", secret("x")).await.unwrap();
        flip(&bench.file(), at);
        let vault = bench.open().await;
        assert_eq!(vault.status().kept, Kept::Keyring);
        assert_eq!(held(&vault, "a/b").await, None);
        let notes = vault.take_notes().await;
        assert_eq!((notes.len(), bench.asides("broken")), (1, 1), "byte {at}");
        vault.set("a/b", secret("y")).await.unwrap();
        assert_eq!(held(&bench.open().await, "a/b").await.unwrap(), "y");
    }
}

#[tokio::test]
async fn damage_while_running_loses_nothing() {
    let bench = Bench::new();
    let vault = bench.open().await;
    vault.set("a/b", secret("x")).await.unwrap();
    flip(&bench.file(), 90);
    vault.set("c/d", secret("y")).await.unwrap();
    std::fs::write(bench.file(), "").unwrap();
    assert_eq!(held(&vault, "a/b").await.unwrap(), "x");
    let again = bench.open().await;
    assert_eq!((held(&again, "a/b").await.unwrap(), held(&again, "c/d").await.unwrap()), ("x".into(), "y".into()));
    assert_eq!((vault.take_notes().await.len(), bench.asides("broken")), (2, 2));
}

#[tokio::test]
async fn a_lost_key_is_told_and_the_file_kept() {
    let bench = Bench::new();
    bench.open().await.set("a/b", secret("x")).await.unwrap();
    bench.keyring.entries.lock().unwrap().clear();
    let vault = bench.open().await;
    assert_eq!((held(&vault, "a/b").await, bench.asides("no-key")), (None, 1));
    assert!(vault.take_notes().await[0].why.contains("does not hold its key"));
}

#[tokio::test]
async fn a_newer_file_is_left_alone() {
    let bench = Bench::new();
    bench.open().await.set("a/b", secret("x")).await.unwrap();
    let mut bytes = std::fs::read(bench.file()).unwrap();
    bytes[8] = 9;
    std::fs::write(bench.file(), &bytes).unwrap();
    let vault = bench.open().await;
    assert_eq!(vault.status().kept, Kept::Locked);
    assert!(vault.status().why.contains("newer"), "{:?}", vault.status());
    assert!(vault.use_passphrase(&secret(PASSPHRASE)).await.is_err());
    vault.use_memory().await.unwrap();
    vault.set("a/b", secret("z")).await.unwrap();
    assert_eq!(std::fs::read(bench.file()).unwrap(), bytes);
}

#[tokio::test]
async fn another_shell_may_change_the_seal() {
    let bench = Bench::new();
    let (one, two) = (bench.open().await, bench.open().await);
    one.set("a/b", secret("x")).await.unwrap();
    two.use_passphrase(&secret(PASSPHRASE)).await.unwrap();
    let problem: Problem = one.set("c/d", secret("y")).await.unwrap_err();
    assert!(problem.why.contains("Another Entente"), "{problem}");
    assert!(one.status().has_passphrase);
    one.unlock(&secret(PASSPHRASE)).await.unwrap();
    one.set("c/d", secret("y")).await.unwrap();
    assert_eq!((held(&two, "a/b").await.unwrap(), held(&two, "c/d").await.unwrap()), ("x".into(), "y".into()));
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_said_and_nothing_is_believed() {
    let bench = Bench::new();
    let vault = bench.open().await;
    vault.set("a/b", secret("x")).await.unwrap();
    // A folder in the place of the file: works as root too, unlike modes.
    let kept = bench.root.path().join("kept");
    std::fs::rename(bench.file(), &kept).unwrap();
    std::fs::create_dir(bench.file()).unwrap();
    assert_eq!(vault.set("a/b", secret("y")).await.unwrap_err().kind, ProblemKind::Storage);
    std::fs::remove_dir(bench.file()).unwrap();
    std::fs::rename(&kept, bench.file()).unwrap();
    assert_eq!(held(&vault, "a/b").await.unwrap(), "x");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_file_opens_into_a_vault_that_works(bytes in prop::collection::vec(any::<u8>(), 0..300), like_ours: bool) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let bench = Bench::new();
            std::fs::create_dir_all(bench.file().parent().unwrap()).unwrap();
            let mut file = if like_ours { b"ENTVAULT\x01\x01".to_vec() } else { Vec::new() };
            file.extend(&bytes);
            std::fs::write(bench.file(), &file).unwrap();
            let vault = bench.open().await;
            assert_eq!(vault.status().kept, Kept::Keyring);
            vault.set("a/b", secret("x")).await.unwrap();
            assert_eq!(held(&bench.open().await, "a/b").await.unwrap(), "x");
            let aside = bench.file().with_file_name("vault.broken-1.sealed");
            assert_eq!(std::fs::read(aside).unwrap(), file, "what was there is kept");
        });
    }

    #[test]
    fn no_file_makes_a_running_vault_forget(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let bench = Bench::new();
            let vault = bench.open().await;
            vault.set("a/b", secret("x")).await.unwrap();
            std::fs::write(bench.file(), &bytes).unwrap();
            assert_eq!(held(&vault, "a/b").await.unwrap(), "x");
            vault.set("c/d", secret("y")).await.unwrap();
            let again = bench.open().await;
            assert_eq!((held(&again, "a/b").await.unwrap(), held(&again, "c/d").await.unwrap()), ("x".into(), "y".into()));
        });
    }
}
