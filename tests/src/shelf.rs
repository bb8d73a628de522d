//! The app as the shell has it, but for its window.

use std::path::Path;
use std::sync::Arc;

use entente_app::edge::{HttpClient, PlayerProgram, SystemBrowser, SystemClock};
use entente_app::{App, Parts};
use entente_model::port::Ports;
use entente_providers::cloud::OpenCloud;
use entente_store::vault::{Keyring, KeyringError};
use entente_store::{ArtCache, Choices, Folders, Library, Settings, Vault};
use zeroize::Zeroizing;

/// A system without a keyring.
#[derive(Debug)]
struct NoKeyring;

impl Keyring for NoKeyring {
    fn get(&self, _name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringError> {
        Err(KeyringError("there is none".to_owned()))
    }

    fn set(&self, _name: &str, _secret: &[u8]) -> Result<(), KeyringError> {
        Err(KeyringError("there is none".to_owned()))
    }

    fn delete(&self, _name: &str) -> Result<(), KeyringError> {
        Err(KeyringError("there is none".to_owned()))
    }
}

/// An app that keeps its files under `root`, with the cloud at `base` and this player. Secrets stay in memory.
///
/// # Panics
/// When a file cannot be opened.
pub async fn app(root: &Path, base: &str, player: PlayerProgram) -> App {
    let folders = Folders::under(root);
    folders.create().expect("the app's folders");
    let vault = Vault::open(folders.data.join("vault"), Arc::new(NoKeyring)).await;
    vault.use_memory().await.expect("a vault in memory");
    let clock = Arc::new(SystemClock::default());
    let ports = Ports {
        http: Arc::new(HttpClient::new("entente-tests").expect("an HTTP client")),
        clock: Arc::clone(&clock) as _,
        vault: Arc::new(vault.clone()),
        browser: Arc::new(SystemBrowser),
    };
    App::new(Parts {
        providers: vec![Arc::new(OpenCloud::new("demo", "Demo cloud", Arc::new(base.to_owned()), ports))],
        clock,
        settings: Arc::new(Settings::open(folders.config.join("settings.json"))),
        library: Arc::new(Library::open(folders.cache.join("library.sqlite")).expect("the library")),
        choices: Arc::new(Choices::open(folders.data.join("choices.json"))),
        art: Arc::new(ArtCache::open(folders.cache.join("art"), 16).expect("the pictures")),
        vault,
        player: Arc::new(player),
        reports: folders.state,
    })
}
