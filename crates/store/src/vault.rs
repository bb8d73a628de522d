//! Secrets: one file, sealed with a key of the system's keyring, or with a passphrase of the user.
//!
//! Without either, the vault is [locked](Kept::Locked) until the user decides; nothing is ever kept in clear.

mod keyring;
mod sealed;
mod state;

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use entente_model::port::VaultPort;
use entente_model::{Problem, ProblemKind, Secret};
use parking_lot::{Mutex, RwLock};

pub use self::keyring::{Keyring, KeyringError, SystemKeyring};

use self::state::Inner;

/// Name of the sealed file in the folder for data.
pub const FILE: &str = "vault.sealed";

/// Shortest passphrase, in characters.
pub const SHORTEST_PASSPHRASE: usize = 8;

/// Where secrets are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "types", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// In a file, sealed with a key that the system's keyring holds.
    Keyring,
    /// In a file, sealed with a passphrase of the user.
    Passphrase,
    /// Nowhere, until the user decides.
    Locked,
    /// In memory; gone when the program ends.
    Memory,
}

/// Where secrets are, and why there.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "types", derive(specta::Type))]
pub struct VaultStatus {
    /// Where.
    pub kept: Kept,
    /// Why, in a sentence or two.
    pub why: String,
    /// There is a file that a passphrase opens: [`Vault::unlock`] works. Without it, [`Vault::use_passphrase`] does.
    pub has_passphrase: bool,
}

/// The vault of one user. Clones are the same vault.
#[derive(Clone)]
pub struct Vault {
    inner: Arc<Mutex<Inner>>,
    status: Arc<RwLock<VaultStatus>>,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Vault").field("status", &*self.status.read()).finish_non_exhaustive()
    }
}

impl Vault {
    /// The vault in `file`, not opened yet: see [`Vault::start`].
    #[must_use]
    pub fn closed(file: PathBuf, keyring: Arc<dyn Keyring>) -> Self {
        let inner = Inner::new(file, keyring);
        let status = inner.status();
        Self { inner: Arc::new(Mutex::new(inner)), status: Arc::new(RwLock::new(status)) }
    }

    /// [`Vault::closed`] and [`Vault::start`].
    pub async fn open(file: PathBuf, keyring: Arc<dyn Keyring>) -> Self {
        let vault = Self::closed(file, keyring);
        vault.start().await;
        vault
    }

    /// Opens it as far as that goes without the user's passphrase. The keyring may ask the user, which takes as long as
    /// it takes; whatever else is asked of the vault meanwhile waits.
    pub async fn start(&self) -> VaultStatus {
        // A failure is the status now.
        let _ = self.run(Inner::start).await;
        self.status()
    }

    /// Where secrets are, and why. Does not wait.
    #[must_use]
    pub fn status(&self) -> VaultStatus {
        self.status.read().clone()
    }

    /// What the user should hear about: files that were set aside. Each is given once.
    pub async fn take_notes(&self) -> Vec<Problem> {
        self.run(|inner| Ok(inner.take_notes())).await.unwrap_or_default()
    }

    /// Opens the file that a passphrase opens. What was kept in memory goes into it.
    ///
    /// # Errors
    /// [`ProblemKind::BadInput`]: wrong passphrase, or there is no such file. Else the disk.
    pub async fn unlock(&self, passphrase: &Secret) -> Result<VaultStatus, Problem> {
        let passphrase = passphrase.clone();
        self.run(move |inner| inner.unlock(passphrase.reveal())).await
    }

    /// From now on secrets are sealed with this passphrase, those of now too.
    ///
    /// # Errors
    /// [`ProblemKind::BadInput`]: too short, or an older passphrase must be given first. Else the disk.
    pub async fn use_passphrase(&self, passphrase: &Secret) -> Result<VaultStatus, Problem> {
        let passphrase = passphrase.clone();
        self.run(move |inner| inner.use_passphrase(passphrase.reveal())).await
    }

    /// From now on secrets are sealed with a key in the keyring, those of now too. Tries a locked keyring again.
    ///
    /// # Errors
    /// The keyring does not work, a passphrase must be given first, or the disk.
    pub async fn use_keyring(&self) -> Result<VaultStatus, Problem> {
        self.run(Inner::use_keyring).await
    }

    /// Keeps secrets in memory only, if the vault is locked. A sealed file stays as it is.
    ///
    /// # Errors
    /// A fault of our own.
    pub async fn use_memory(&self) -> Result<VaultStatus, Problem> {
        self.run(Inner::use_memory).await
    }

    /// For a forgotten passphrase: sets the sealed file aside and begins a new one.
    ///
    /// # Errors
    /// The file cannot be renamed.
    pub async fn start_over(&self) -> Result<VaultStatus, Problem> {
        self.run(Inner::start_over).await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Inner) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let this = self.clone();
        let done = tokio::task::spawn_blocking(move || {
            let mut inner = this.inner.lock();
            let result = work(&mut inner);
            *this.status.write() = inner.status();
            result
        });
        done.await.unwrap_or_else(|_| {
            Err(Problem::new(
                ProblemKind::Fault,
                "The secrets cannot be reached.",
                "The part that keeps them broke down.",
                "Start Entente again, and report this.",
            ))
        })
    }
}

#[async_trait]
impl VaultPort for Vault {
    async fn get(&self, name: &str) -> Result<Option<Secret>, Problem> {
        let name = name.to_owned();
        self.run(move |inner| inner.get(&name)).await
    }

    async fn set(&self, name: &str, secret: Secret) -> Result<(), Problem> {
        let name = name.to_owned();
        self.run(move |inner| inner.set(&name, secret.reveal())).await
    }

    async fn delete(&self, name: &str) -> Result<(), Problem> {
        let name = name.to_owned();
        self.run(move |inner| inner.delete(&name)).await
    }
}

/// For fuzzing: reads any bytes as a sealed file.
pub(crate) fn fuzz(bytes: &[u8]) {
    let key = sealed::SealKey::default();
    if let Ok(header) = sealed::Header::parse(bytes) {
        let _ = header.is_for(&key);
    }
    let _ = sealed::open(bytes, &key);
}
