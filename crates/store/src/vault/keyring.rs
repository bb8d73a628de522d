//! The keyring of the system, behind a small door.

use std::sync::mpsc;
use std::time::Duration;

use keyring::v1::{Entry, Error};
use zeroize::Zeroizing;

/// How long the system may take: it may be asking the user for a password.
const PATIENCE: Duration = Duration::from_secs(90);

/// Why a keyring did not do what it was asked. A sentence for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct KeyringError(pub String);

/// A place that the system guards, for small secrets. Calls block, as long as it takes the user to answer.
pub trait Keyring: Send + Sync + 'static {
    /// What is kept under `name`.
    ///
    /// # Errors
    /// There is no keyring, it is locked, or it failed.
    fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringError>;
    /// Keeps `secret` under `name`.
    ///
    /// # Errors
    /// There is no keyring, it is locked, or it failed.
    fn set(&self, name: &str, secret: &[u8]) -> Result<(), KeyringError>;
    /// Forgets `name`; fine if it is not there.
    ///
    /// # Errors
    /// There is no keyring, it is locked, or it failed.
    fn delete(&self, name: &str) -> Result<(), KeyringError>;
}

/// Secret Service (Linux), Keychain (macOS) or Credential Manager (Windows).
#[derive(Clone, Debug)]
pub struct SystemKeyring {
    service: String,
}

impl SystemKeyring {
    /// Entries appear under the name `service`.
    #[must_use]
    pub fn new(service: impl Into<String>) -> Self {
        Self { service: service.into() }
    }

    /// Calls `work` on a thread of its own: a keyring service that hangs must not hang the program, and a blocking
    /// thread of the runtime would hold up its end.
    fn call<T: Send + 'static>(
        &self,
        name: &str,
        work: impl FnOnce(&Entry) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, KeyringError> {
        let (service, name) = (self.service.clone(), name.to_owned());
        let (answer, answers) = mpsc::sync_channel(1);
        std::thread::Builder::new()
            .name("keyring".to_owned())
            .spawn(move || {
                let result = Entry::new(&service, &name).and_then(|entry| work(&entry));
                // Nobody waits any more when patience is over.
                let _ = answer.send(result.map_err(|error| words(&error)));
            })
            .map_err(|error| KeyringError(format!("No thread can be started: {error}.")))?;
        match answers.recv_timeout(PATIENCE) {
            Ok(result) => result,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                Err(KeyringError(format!("The keyring did not answer within {} seconds.", PATIENCE.as_secs())))
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                Err(KeyringError("The connection to the keyring broke down.".to_owned()))
            }
        }
    }
}

impl Keyring for SystemKeyring {
    fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringError> {
        self.call(name, |entry| match entry.get_secret() {
            Ok(secret) => Ok(Some(Zeroizing::new(secret))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(error),
        })
    }

    fn set(&self, name: &str, secret: &[u8]) -> Result<(), KeyringError> {
        let secret = Zeroizing::new(secret.to_vec());
        self.call(name, move |entry| entry.set_secret(&secret))
    }

    fn delete(&self, name: &str) -> Result<(), KeyringError> {
        self.call(name, |entry| match entry.delete_credential() {
            Err(Error::NoEntry) => Ok(()),
            result => result,
        })
    }
}

/// Own words, because some variants carry the secret itself.
fn words(error: &Error) -> KeyringError {
    KeyringError(match error {
        Error::NoDefaultStore => match Entry::store_status() {
            Err(cause @ (Error::PlatformFailure(_) | Error::NoStorageAccess(_))) => {
                format!("No keyring service answers ({}).", text_of(cause))
            }
            _ => "This system has no keyring that is known.".to_owned(),
        },
        Error::NoStorageAccess(_) => "The keyring is locked.".to_owned(),
        Error::PlatformFailure(_) => format!("The keyring service failed ({}).", text_of(error)),
        Error::TooLong(_, limit) => format!("The keyring takes no more than {limit} bytes."),
        Error::Ambiguous(_) => "The keyring holds several entries of that name.".to_owned(),
        _ => "The keyring gave an answer that is not understood.".to_owned(),
    })
}

fn text_of(error: &Error) -> String {
    match error {
        Error::PlatformFailure(cause) | Error::NoStorageAccess(cause) => {
            cause.to_string().trim_end_matches('.').to_owned()
        }
        _ => String::new(),
    }
}
