//! What the vault does, blocking.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use entente_model::{Problem, ProblemKind, Secret};
use zeroize::Zeroizing;

use super::keyring::{Keyring, KeyringError};
use super::sealed::{self, Cost, Header, KeyOf, SealError, SealKey, Secrets};
use super::{Kept, SHORTEST_PASSPHRASE, VaultStatus};
use crate::disk::{self, Guard};

const KEY_NAME: &str = "vault-key";
/// Largest sealed file, bytes.
const LARGEST: u64 = 4 * 1024 * 1024;
/// Largest secret with its name, bytes.
const LARGEST_SECRET: usize = 256 * 1024;
/// How long the start waits for another shell, which may be waiting for the user to unlock the keyring.
const START_PATIENCE: Duration = Duration::from_secs(100);

/// Where the secrets are now.
enum State {
    Locked { why: String, has_passphrase: bool },
    Memory { why: String, secrets: Secrets },
    Open { key: SealKey, header: Header, last: Secrets },
}

/// What stands in the place of the sealed file.
enum Found {
    Nothing,
    Sealed(Header, Vec<u8>),
    Newer,
    Damaged,
}

pub(super) struct Inner {
    file: PathBuf,
    keyring: Arc<dyn Keyring>,
    state: State,
    notes: Vec<Problem>,
}

impl Inner {
    pub(super) fn new(file: PathBuf, keyring: Arc<dyn Keyring>) -> Self {
        let state = State::Locked { why: "The vault is being opened.".to_owned(), has_passphrase: false };
        Self { file, keyring, state, notes: Vec::new() }
    }

    pub(super) fn take_notes(&mut self) -> Vec<Problem> {
        std::mem::take(&mut self.notes)
    }

    pub(super) fn status(&self) -> VaultStatus {
        let (kept, why, has_passphrase) = match &self.state {
            State::Locked { why, has_passphrase } => (Kept::Locked, why.clone(), *has_passphrase),
            State::Memory { why, .. } => {
                (Kept::Memory, format!("{why} Secrets are kept in memory and are gone when Entente ends."), false)
            }
            State::Open { header: Header { key_of: KeyOf::Keyring, .. }, .. } => {
                (Kept::Keyring, "Secrets are sealed with a key in the keyring of this system.".to_owned(), false)
            }
            State::Open { .. } => (Kept::Passphrase, "Secrets are sealed with your passphrase.".to_owned(), true),
        };
        VaultStatus { kept, why, has_passphrase }
    }

    /// Opens what can be opened without the user's passphrase.
    pub(super) fn start(&mut self) -> Result<(), Problem> {
        let result = self.try_start();
        if let Err(problem) = &result {
            self.lock(problem.to_string(), false);
        }
        result
    }

    fn try_start(&mut self) -> Result<(), Problem> {
        let _guard = Guard::of(&self.file, START_PATIENCE)?;
        match self.read()? {
            Found::Sealed(Header { key_of: KeyOf::Passphrase { .. }, .. }, _) => {
                self.lock("The secrets are sealed with your passphrase.".to_owned(), true);
                Ok(())
            }
            Found::Sealed(header, file) => self.open_by_keyring(Some((header, file))),
            Found::Nothing => self.open_by_keyring(None),
            Found::Newer => Err(newer()),
            Found::Damaged => {
                self.set_aside("broken", "It is damaged.")?;
                self.open_by_keyring(None)
            }
        }
    }

    fn open_by_keyring(&mut self, found: Option<(Header, Vec<u8>)>) -> Result<(), Problem> {
        let key = match self.key_of_keyring() {
            Ok(key) => key,
            Err(error) => {
                self.lock(error.to_string(), false);
                return Ok(());
            }
        };
        let mut last = Secrets::new();
        if let Some((header, file)) = found {
            if !header.is_for(&key) {
                self.set_aside("no-key", "The keyring does not hold its key any more.")?;
            } else if let Ok(secrets) = sealed::open(&file, &key) {
                last = secrets;
            } else {
                self.set_aside("broken", "It is damaged.")?;
            }
        }
        self.state = State::Open { header: Header::new(KeyOf::Keyring, &key), key, last };
        Ok(())
    }

    /// The key in the keyring; a new one the first time. The keyring proves first that it keeps things: a locked one
    /// says that all is well until it is written to.
    fn key_of_keyring(&self) -> Result<SealKey, KeyringError> {
        let canary = format!("canary-{}", std::process::id());
        let song = sealed::new_key().map_err(|error| KeyringError(error.to_string()))?;
        self.keyring.set(&canary, &*song)?;
        let heard = self.keyring.get(&canary)?;
        self.keyring.delete(&canary)?;
        if heard.as_deref().map(Vec::as_slice) != Some(song.as_slice()) {
            return Err(KeyringError("The keyring does not give back what it was given.".to_owned()));
        }
        if let Some(key) = self.stored_key()? {
            return Ok(key);
        }
        let key = sealed::new_key().map_err(|error| KeyringError(error.to_string()))?;
        self.keyring.set(KEY_NAME, &*key)?;
        // Read again: whatever is there now is what the next start gets.
        self.stored_key()?.ok_or_else(|| KeyringError("The keyring does not keep the key.".to_owned()))
    }

    fn stored_key(&self) -> Result<Option<SealKey>, KeyringError> {
        let stored = self.keyring.get(KEY_NAME)?;
        Ok(stored.and_then(|bytes| bytes.as_slice().try_into().ok().map(Zeroizing::new)))
    }

    pub(super) fn get(&mut self, name: &str) -> Result<Option<Secret>, Problem> {
        if matches!(self.state, State::Open { .. }) {
            // Another shell may have written. Without the guard (a disk that became read-only) nothing is mended.
            let guard = Guard::of(&self.file, disk::LOCK_PATIENCE).ok();
            self.reread(guard.is_some())?;
        }
        Ok(self.secrets()?.get(name).map(|secret| Secret::new(secret.as_str())))
    }

    pub(super) fn set(&mut self, name: &str, secret: &str) -> Result<(), Problem> {
        if name.is_empty() || name.len() + secret.len() > LARGEST_SECRET {
            return Err(Problem::new(
                ProblemKind::BadInput,
                "A secret cannot be kept.",
                "It has no name, or is too large.",
                "Sign in again; if it stays, report this.",
            ));
        }
        self.change(|secrets| {
            secrets.insert(name.to_owned(), Zeroizing::new(secret.to_owned()));
        })
    }

    pub(super) fn delete(&mut self, name: &str) -> Result<(), Problem> {
        self.change(|secrets| {
            secrets.remove(name);
        })
    }

    fn change(&mut self, change: impl FnOnce(&mut Secrets)) -> Result<(), Problem> {
        if let State::Memory { secrets, .. } = &mut self.state {
            change(secrets);
            return Ok(());
        }
        self.secrets()?;
        let _guard = Guard::of(&self.file, disk::LOCK_PATIENCE)?;
        self.reread(true)?;
        let mut secrets = self.secrets()?.clone();
        change(&mut secrets);
        self.write(secrets)
    }

    /// Takes in what another shell wrote. A damaged file is replaced by what is known, if `mend`.
    fn reread(&mut self, mend: bool) -> Result<(), Problem> {
        let found = self.read()?;
        let State::Open { key, header, last } = &mut self.state else { return Ok(()) };
        match found {
            Found::Nothing => last.clear(),
            Found::Sealed(other, file) if other == *header => match sealed::open(&file, key) {
                Ok(secrets) => *last = secrets,
                Err(_) if mend => return self.mend(),
                Err(_) => {}
            },
            Found::Sealed(other, _) => {
                let has_passphrase = matches!(other.key_of, KeyOf::Passphrase { .. });
                self.lock("Another Entente has changed how the secrets are sealed.".to_owned(), has_passphrase);
                return Err(self.locked());
            }
            Found::Newer => {
                self.lock(newer().to_string(), false);
                return Err(newer());
            }
            Found::Damaged if mend => return self.mend(),
            Found::Damaged => {}
        }
        Ok(())
    }

    fn mend(&mut self) -> Result<(), Problem> {
        self.set_aside("broken", "It was damaged while Entente ran; it was written again from memory.")?;
        let secrets = self.secrets()?.clone();
        self.write(secrets)
    }

    pub(super) fn unlock(&mut self, passphrase: &str) -> Result<VaultStatus, Problem> {
        let _guard = Guard::of(&self.file, disk::LOCK_PATIENCE)?;
        let (header, file, cost, salt) = match self.read()? {
            Found::Sealed(header @ Header { key_of: KeyOf::Passphrase { cost, salt }, .. }, file) => {
                (header, file, cost, salt)
            }
            Found::Newer => return Err(newer()),
            Found::Nothing | Found::Sealed(..) | Found::Damaged => {
                return Err(Problem::new(
                    ProblemKind::BadInput,
                    "The passphrase opens nothing.",
                    "No file is sealed with a passphrase.",
                    "Choose a passphrase for new secrets.",
                ));
            }
        };
        let key = sealed::derive(passphrase, cost, &salt).map_err(cannot_seal)?;
        if !header.is_for(&key) {
            return Err(Problem::new(
                ProblemKind::BadInput,
                "The passphrase is wrong.",
                "The secrets were sealed with another one.",
                "Type it again, or start over and sign in anew.",
            )
            .retriable());
        }
        let in_memory = self.in_memory();
        let (mut secrets, whole) = match sealed::open(&file, &key) {
            Ok(secrets) => (secrets, true),
            Err(_) => {
                self.set_aside("broken", "The passphrase is right, but the file is damaged.")?;
                (Secrets::new(), false)
            }
        };
        self.state = State::Open { key, header, last: secrets.clone() };
        // A file that was set aside must be there again: it stays a vault of a passphrase. Else a disk that is full or
        // cannot be written is no reason not to open.
        if !whole || !in_memory.is_empty() {
            secrets.extend(in_memory);
            self.write(secrets)?;
        }
        Ok(self.status())
    }

    pub(super) fn use_passphrase(&mut self, passphrase: &str) -> Result<VaultStatus, Problem> {
        if passphrase.chars().count() < SHORTEST_PASSPHRASE {
            return Err(Problem::new(
                ProblemKind::BadInput,
                "The passphrase is too short.",
                format!("It must have at least {SHORTEST_PASSPHRASE} characters."),
                "Choose a longer one; three or four words are good.",
            ));
        }
        let guard = Guard::of(&self.file, disk::LOCK_PATIENCE)?;
        let secrets = self.take_along()?;
        let (cost, salt) = (Cost::USUAL, sealed::new_salt().map_err(cannot_seal)?);
        let key = sealed::derive(passphrase, cost, &salt).map_err(cannot_seal)?;
        let header = Header::new(KeyOf::Passphrase { cost, salt }, &key);
        self.reseal(header, key, secrets)?;
        drop(guard);
        Ok(self.status())
    }

    pub(super) fn use_keyring(&mut self) -> Result<VaultStatus, Problem> {
        if matches!(self.state, State::Locked { has_passphrase: false, .. }) {
            self.start()?;
            return if let State::Locked { .. } = self.state { Err(self.locked()) } else { Ok(self.status()) };
        }
        let guard = Guard::of(&self.file, START_PATIENCE)?;
        let key = self.key_of_keyring().map_err(|error| locked(error.to_string()))?;
        let mut secrets = self.take_along_from(Some(&key))?;
        secrets.extend(self.in_memory());
        self.reseal(Header::new(KeyOf::Keyring, &key), key, secrets)?;
        drop(guard);
        Ok(self.status())
    }

    pub(super) fn use_memory(&mut self) -> Result<VaultStatus, Problem> {
        if let State::Locked { why, .. } = &self.state {
            self.state = State::Memory { why: why.clone(), secrets: Secrets::new() };
        }
        Ok(self.status())
    }

    pub(super) fn start_over(&mut self) -> Result<VaultStatus, Problem> {
        let guard = Guard::of(&self.file, disk::LOCK_PATIENCE)?;
        if self.file.exists() {
            self.set_aside("old", "You chose to start over.")?;
        }
        drop(guard);
        let in_memory = self.in_memory();
        self.start()?;
        if !in_memory.is_empty() {
            match &mut self.state {
                State::Open { .. } => self.change(|secrets| secrets.extend(in_memory))?,
                State::Locked { why, .. } => self.state = State::Memory { why: why.clone(), secrets: in_memory },
                State::Memory { secrets, .. } => secrets.extend(in_memory),
            }
        }
        Ok(self.status())
    }

    fn take_along(&mut self) -> Result<Secrets, Problem> {
        self.take_along_from(None)
    }

    /// The secrets that go into a file sealed anew. A file that cannot be opened now is set aside, if nobody can be
    /// asked for its passphrase. `key` is one that may open it.
    fn take_along_from(&mut self, key: Option<&SealKey>) -> Result<Secrets, Problem> {
        if matches!(self.state, State::Open { .. }) {
            self.reread(true)?;
            return self.secrets().cloned();
        }
        let found = self.read()?;
        if let (Found::Sealed(header, file), Some(key)) = (&found, key)
            && header.is_for(key)
            && let Ok(secrets) = sealed::open(file, key)
        {
            return Ok(secrets);
        }
        match found {
            Found::Nothing => {}
            Found::Newer => return Err(newer()),
            Found::Sealed(Header { key_of: KeyOf::Passphrase { .. }, .. }, _) => {
                return Err(Problem::new(
                    ProblemKind::BadInput,
                    "The secrets cannot be sealed anew.",
                    "They are sealed with a passphrase that was not given yet.",
                    "Give the passphrase first, or start over.",
                ));
            }
            Found::Sealed(..) => self.set_aside("no-key", "The keyring that holds its key does not answer.")?,
            Found::Damaged => self.set_aside("broken", "It is damaged.")?,
        }
        Ok(self.in_memory())
    }

    fn in_memory(&self) -> Secrets {
        match &self.state {
            State::Memory { secrets, .. } => secrets.clone(),
            State::Locked { .. } | State::Open { .. } => Secrets::new(),
        }
    }

    fn reseal(&mut self, header: Header, key: SealKey, secrets: Secrets) -> Result<(), Problem> {
        let bytes = header.seal(&key, &secrets).map_err(cannot_seal)?;
        self.write_bytes(&bytes)?;
        self.state = State::Open { key, header, last: secrets };
        Ok(())
    }

    /// Writes, and only then believes it.
    fn write(&mut self, secrets: Secrets) -> Result<(), Problem> {
        let State::Open { key, header, .. } = &self.state else { return Err(self.locked()) };
        let bytes = header.seal(key, &secrets).map_err(cannot_seal)?;
        self.write_bytes(&bytes)?;
        if let State::Open { last, .. } = &mut self.state {
            *last = secrets;
        }
        Ok(())
    }

    fn write_bytes(&self, bytes: &[u8]) -> Result<(), Problem> {
        if u64::try_from(bytes.len()).is_ok_and(|len| len > LARGEST) {
            return Err(Problem::new(
                ProblemKind::Secrets,
                "No more secrets can be kept.",
                "The sealed file would become too large.",
                "Sign out of services that you do not use.",
            ));
        }
        disk::write_whole(&self.file, bytes)
            .map_err(|error| disk::problem("Secrets cannot be kept.", &self.file, &error))
    }

    fn read(&self) -> Result<Found, Problem> {
        let bytes = match disk::read_whole(&self.file, LARGEST) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Ok(Found::Nothing),
            Err(error) if error.kind() == std::io::ErrorKind::FileTooLarge => return Ok(Found::Damaged),
            Err(error) => return Err(disk::problem("Secrets cannot be read.", &self.file, &error)),
        };
        Ok(match Header::parse(&bytes) {
            Ok(header) => Found::Sealed(header, bytes),
            Err(SealError::Newer(_)) => Found::Newer,
            Err(SealError::Damaged | SealError::System) => Found::Damaged,
        })
    }

    fn set_aside(&mut self, word: &str, why: &str) -> Result<(), Problem> {
        let what = "The file with secrets was set aside.";
        let aside = disk::set_aside(&self.file, word).map_err(|error| disk::problem(what, &self.file, &error))?;
        let why = format!("{why} It is now {}.", aside.display());
        self.notes.push(Problem::new(ProblemKind::Secrets, what, why, "Sign in again where you are asked to."));
        Ok(())
    }

    fn secrets(&self) -> Result<&Secrets, Problem> {
        match &self.state {
            State::Locked { .. } => Err(self.locked()),
            State::Memory { secrets, .. } | State::Open { last: secrets, .. } => Ok(secrets),
        }
    }

    fn lock(&mut self, why: String, has_passphrase: bool) {
        self.state = State::Locked { why, has_passphrase };
    }

    fn locked(&self) -> Problem {
        match &self.state {
            State::Locked { has_passphrase: true, why } => {
                Problem::new(ProblemKind::Secrets, "The secrets are locked.", why.clone(), "Give the passphrase.")
                    .retriable()
            }
            State::Locked { why, .. } => locked(why.clone()),
            State::Memory { .. } | State::Open { .. } => locked(String::new()),
        }
    }
}

fn locked(why: String) -> Problem {
    Problem::new(
        ProblemKind::Secrets,
        "The secrets are locked.",
        why,
        "Unlock the keyring, choose a passphrase, or keep secrets in memory only.",
    )
    .retriable()
}

fn newer() -> Problem {
    Problem::new(
        ProblemKind::Secrets,
        "The secrets cannot be read.",
        "A newer version of Entente wrote them.",
        "Use that version, or keep secrets in memory only.",
    )
}

fn cannot_seal(error: SealError) -> Problem {
    Problem::new(
        ProblemKind::Secrets,
        "The secrets cannot be sealed.",
        format!("The cause: {error}."),
        "Close other programs, then try again.",
    )
    .retriable()
}
