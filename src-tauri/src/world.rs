//! The world of the app on this machine: files, keyring, services, the player.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use entente_app::edge::{HttpClient, PlayerProgram, SystemBrowser, SystemClock};
use entente_app::{App, Parts};
use entente_model::port::{HttpPort, Ports};
use entente_model::{Problem, ProblemKind};
use entente_providers::cloud::{OpenCloud, ServiceAddress};
use entente_store::settings::{Context, Value};
use entente_store::vault::SystemKeyring;
use entente_store::{ArtCache, Choices, Folders, Library, Settings, Vault};

use crate::demo::DemoProgram;

/// How we say who we are.
const AGENT: &str = concat!("Entente/", env!("CARGO_PKG_VERSION"));
/// Name of our entries in the system's keyring.
const KEYRING: &str = "entente";
/// The cloud that comes with Entente.
const DEMO: &str = "demo";

/// An app with its folders.
pub(crate) struct World {
    pub(crate) app: App,
    pub(crate) folders: Folders,
    /// What could not be opened as it should.
    pub(crate) notes: Vec<Problem>,
}

impl World {
    /// The app of the user who runs this. The vault is not opened yet.
    ///
    /// # Errors
    /// Without folders, or with a wrong list of services, there is nothing to show.
    pub(crate) fn open(folders: Folders, services_file: Option<&Path>, player: &[String]) -> Result<Self, Problem> {
        let services = services_file.map(services).transpose()?.unwrap_or_default();
        let mut notes = Vec::new();
        let settings = Settings::open(folders.config.join(entente_store::settings::FILE));
        let (library, art) = caches(&folders, &settings, &mut notes)?;
        let vault = Vault::closed(folders.data.join(entente_store::vault::FILE), Arc::new(SystemKeyring::new(KEYRING)));
        let clock = Arc::new(SystemClock::default());
        let http: Arc<dyn HttpPort> = Arc::new(HttpClient::new(AGENT)?);
        let address: Arc<dyn ServiceAddress> = match services.get(DEMO) {
            Some(url) => Arc::new(url.clone()),
            None => Arc::new(DemoProgram::new(
                beside("entente-demo")?,
                folders.data.join("demo-cloud.json"),
                folders.state.join("demo-cloud.url"),
                Arc::clone(&http),
            )),
        };
        let ports = Ports {
            http,
            clock: Arc::clone(&clock) as _,
            vault: Arc::new(vault.clone()),
            browser: Arc::new(SystemBrowser),
        };
        let reports = reports(&folders);
        std::fs::create_dir_all(&reports).map_err(|error| unusable(&reports, &error))?;
        let app = App::new(Parts {
            providers: vec![Arc::new(OpenCloud::new(DEMO, "Demo cloud", address, ports))],
            clock,
            settings: Arc::new(settings),
            library: Arc::new(library),
            choices: Arc::new(Choices::open(folders.data.join(entente_store::library::CHOICES_FILE))),
            art: Arc::new(art),
            vault,
            player: Arc::new(PlayerProgram::new(beside("entente-player")?).with(player.iter().cloned())),
            reports,
        });
        Ok(Self { app, folders, notes })
    }
}

/// Where reports of games are kept.
pub(crate) fn reports(folders: &Folders) -> PathBuf {
    folders.state.join("reports")
}

/// The caches. They can be lost, so a disk that does not take them costs their memory and nothing else.
fn caches(folders: &Folders, settings: &Settings, notes: &mut Vec<Problem>) -> Result<(Library, ArtCache), Problem> {
    let limit = match settings.resolve("library.art_cache_mib", &Context::default()).map(|found| found.value) {
        Ok(Value::Number(limit)) => u64::try_from(limit).unwrap_or(0),
        _ => 0,
    };
    let open = |folder: &Path| {
        let library = Library::open(folder.join(entente_store::library::FILE))?;
        Ok((library, ArtCache::open(folder.join("art"), limit)?))
    };
    open(&folders.cache).or_else(|problem: Problem| {
        notes.push(problem);
        let spare = std::env::temp_dir().join(format!("entente-{}", std::process::id()));
        std::fs::create_dir_all(&spare).map_err(|error| unusable(&spare, &error))?;
        open(&spare)
    })
}

fn unusable(folder: &Path, error: &std::io::Error) -> Problem {
    Problem::new(
        ProblemKind::Storage,
        "A folder cannot be used.",
        format!("{}: {error}.", folder.display()),
        "Make room on the disk, or set its rights, and start again.",
    )
}

/// A program of ours, which is where this one is.
fn beside(name: &str) -> Result<PathBuf, Problem> {
    let own = std::env::current_exe().map_err(|error| {
        let why = format!("The system does not say where this program is: {error}.");
        Problem::new(ProblemKind::Fault, "Entente could not start.", why, "Start it by its whole path.")
    })?;
    Ok(own.with_file_name(format!("{name}{}", std::env::consts::EXE_SUFFIX)))
}

/// Addresses of services by their names.
fn services(file: &Path) -> Result<HashMap<String, String>, Problem> {
    let wrong = |why: String| {
        Problem::new(
            ProblemKind::BadInput,
            "The list of services cannot be used.",
            format!("{}: {why}.", file.display()),
            "It is a JSON object: {\"demo\": \"http://127.0.0.1:4711\"}.",
        )
    };
    let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    let all: HashMap<String, String> = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    match all.iter().find(|(name, url)| *name != DEMO || !url.starts_with("http")) {
        None => Ok(all.into_iter().map(|(name, url)| (name, url.trim_end_matches('/').to_owned())).collect()),
        Some((name, url)) => Err(wrong(format!("{name:?} at {url:?} is not a service with an address"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_services_is_read_or_explained() {
        let folder = std::env::temp_dir().join(format!("entente-services-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("services.json");
        std::fs::write(&file, r#"{"demo": "http://127.0.0.1:1/"}"#).unwrap();
        assert_eq!(services(&file).unwrap().get(DEMO).map(String::as_str), Some("http://127.0.0.1:1"));
        for wrong in ["", "[]", r#"{"demo": 1}"#, r#"{"other": "http://x"}"#, r#"{"demo": "file:///x"}"#] {
            std::fs::write(&file, wrong).unwrap();
            assert_eq!(services(&file).unwrap_err().kind, ProblemKind::BadInput, "{wrong}");
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
