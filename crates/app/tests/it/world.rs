//! A cloud, a player on a string, a person at a browser, and an app between them.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use entente_app::edge::{HttpClient, SystemClock};
use entente_app::play::{PlayerEvent, PlayerExit, PlayerPort, RunningPlayer};
use entente_app::view::{AccountState, LibraryQuery, PlayState, SignInStep};
use entente_app::{App, AppEvent, Parts};
use entente_demo::{AccountsConfig, DemoCloud, DemoConfig};
use entente_model::Problem;
use entente_model::port::{BrowserPort, Ports, RedirectPort};
use entente_model::ticket::Ticket;
use entente_providers::cloud::OpenCloud;
use entente_store::vault::{Keyring, KeyringError};
use entente_store::{ArtCache, Choices, Folders, Library, Settings, Vault};
use parking_lot::Mutex;
use tokio::sync::{broadcast, mpsc};
use zeroize::Zeroizing;

pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// Lives that do not make tests wait.
pub(crate) fn quick() -> DemoConfig {
    let accounts = AccountsConfig { device_interval: Duration::from_millis(1), ..AccountsConfig::default() };
    DemoConfig { accounts, ..DemoConfig::default() }
}

/// A keyring in memory, which several apps share as programs of one user do.
#[derive(Default)]
pub(crate) struct Ring(Mutex<HashMap<String, Vec<u8>>>);

impl Keyring for Ring {
    fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringError> {
        Ok(self.0.lock().get(name).cloned().map(Zeroizing::new))
    }

    fn set(&self, name: &str, value: &[u8]) -> Result<(), KeyringError> {
        self.0.lock().insert(name.to_owned(), value.to_vec());
        Ok(())
    }

    fn delete(&self, name: &str) -> Result<(), KeyringError> {
        self.0.lock().remove(name);
        Ok(())
    }
}

/// A browser without a person in front of it.
struct NoBrowser;

#[async_trait]
impl BrowserPort for NoBrowser {
    async fn listen(&self) -> Result<Box<dyn RedirectPort>, Problem> {
        entente_app::edge::SystemBrowser.listen().await
    }

    async fn open(&self, _url: &str) -> Result<(), Problem> {
        Ok(())
    }
}

/// What a test makes the player do.
pub(crate) enum Act {
    Say(PlayerEvent),
    /// Writes this as its report and ends so.
    End(Option<i32>, serde_json::Value),
}

/// Players that do what a test says.
#[derive(Default)]
pub(crate) struct Puppets {
    pub(crate) started: Mutex<Vec<(Ticket, Vec<String>)>>,
    strings: Mutex<Vec<mpsc::Sender<Act>>>,
}

impl Puppets {
    /// The string of the newest player.
    pub(crate) fn string(&self) -> mpsc::Sender<Act> {
        self.strings.lock().last().cloned().unwrap()
    }
}

struct Puppet {
    acts: mpsc::Receiver<Act>,
    report: Option<String>,
    exit: PlayerExit,
    over: bool,
}

#[async_trait]
impl PlayerPort for Puppets {
    async fn start(&self, ticket: &Ticket, options: &[String]) -> Result<Box<dyn RunningPlayer>, Problem> {
        let (sender, acts) = mpsc::channel(16);
        self.started.lock().push((ticket.clone(), options.to_vec()));
        self.strings.lock().push(sender);
        let report = options.iter().find_map(|option| option.strip_prefix("--report=")).map(str::to_owned);
        Ok(Box::new(Puppet { acts, report, exit: PlayerExit::default(), over: false }))
    }

    async fn about(&self) -> Result<String, Problem> {
        Ok("a puppet".to_owned())
    }
}

#[async_trait]
impl RunningPlayer for Puppet {
    async fn event(&mut self) -> Option<PlayerEvent> {
        if self.over {
            return None;
        }
        match self.acts.recv().await? {
            Act::Say(event) => Some(event),
            Act::End(code, report) => {
                if !report.is_null() {
                    std::fs::write(self.report.as_ref().unwrap(), report.to_string()).unwrap();
                }
                self.exit.code = code;
                self.over = true;
                None
            }
        }
    }

    async fn stop(&mut self) {
        self.exit.code = Some(0);
        self.over = true;
    }

    async fn exit(self: Box<Self>) -> PlayerExit {
        self.exit
    }
}

pub(crate) struct World {
    pub(crate) app: App,
    pub(crate) puppets: Arc<Puppets>,
    events: broadcast::Receiver<AppEvent>,
}

impl World {
    /// An app that keeps its things under `folder`, with the cloud at `base`.
    pub(crate) async fn new(folder: &Path, ring: &Arc<Ring>, base: &str) -> Self {
        let folders = Folders::under(folder);
        folders.create().unwrap();
        let vault = Vault::open(folders.data.join("vault"), Arc::clone(ring) as Arc<dyn Keyring>).await;
        let clock = Arc::new(SystemClock::default());
        let ports = Ports {
            http: Arc::new(HttpClient::new("entente-tests").unwrap()),
            clock: Arc::clone(&clock) as _,
            vault: Arc::new(vault.clone()),
            browser: Arc::new(NoBrowser),
        };
        let cloud = OpenCloud::new("demo", "Demo cloud", Arc::new(base.to_owned()), ports);
        let puppets = Arc::new(Puppets::default());
        let reports = folders.state.join("reports");
        std::fs::create_dir_all(&reports).unwrap();
        let app = App::new(Parts {
            providers: vec![Arc::new(cloud)],
            clock,
            settings: Arc::new(Settings::open(folders.config.join("settings.json"))),
            library: Arc::new(Library::open(folders.cache.join("library.sqlite")).unwrap()),
            choices: Arc::new(Choices::open(folders.data.join("choices.json"))),
            art: Arc::new(ArtCache::open(folders.cache.join("art"), 16).unwrap()),
            vault,
            player: Arc::clone(&puppets) as _,
            reports,
        });
        let events = app.events();
        Self { app, puppets, events }
    }

    /// Waits for the first event that `wanted` takes something out of.
    pub(crate) async fn wait<T>(&mut self, mut wanted: impl FnMut(&AppEvent) -> Option<T>) -> T {
        let mut seen = Vec::new();
        let found = async {
            loop {
                match self.events.recv().await {
                    Ok(event) => match wanted(&event) {
                        Some(found) => return found,
                        None => seen.push(event),
                    },
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        };
        let found = tokio::time::timeout(LIMIT, found).await;
        found.unwrap_or_else(|_| panic!("not seen in time; instead: {seen:#?}"))
    }

    pub(crate) async fn wait_play<T>(&mut self, mut wanted: impl FnMut(&PlayState) -> Option<T>) -> T {
        self.wait(|event| match event {
            AppEvent::Play { play } => wanted(play),
            _ => None,
        })
        .await
    }

    /// Waits until `count` players were started.
    pub(crate) async fn players(&mut self, count: usize) {
        let started = async {
            while self.puppets.started.lock().len() < count {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let found = tokio::time::timeout(LIMIT, started).await;
        found.unwrap_or_else(|_| panic!("no player in time; {:?}", self.app.play_state()));
    }

    /// Signs in as a guest and reads the shelf.
    pub(crate) async fn guest(&mut self) {
        self.app.sign_in("demo", entente_model::provider::SignInWay::Guest).unwrap();
        self.signed_in().await;
        assert_eq!(self.app.accounts()[0].state, AccountState::Guest);
        self.refreshed().await;
    }

    pub(crate) async fn signed_in(&mut self) {
        self.wait(|event| match event {
            AppEvent::SignIn { step: SignInStep::Done { .. }, .. } => Some(()),
            AppEvent::SignIn { step: SignInStep::Failed { problem }, .. } => panic!("{problem}"),
            _ => None,
        })
        .await;
    }

    /// Waits until refreshing is over.
    pub(crate) async fn refreshed(&mut self) {
        loop {
            self.wait(|event| matches!(event, AppEvent::LibraryChanged).then_some(())).await;
            let page = self.app.library(LibraryQuery::default()).await.unwrap();
            if !page.refreshing && (page.total > 0 || !page.problems.is_empty()) {
                return;
            }
        }
    }

    /// The card of the cloud's first game, which everybody may play.
    pub(crate) async fn comet(&self) -> String {
        let query = LibraryQuery { search: "comet relay".to_owned(), ..LibraryQuery::default() };
        let card = self.app.library(query).await.unwrap().cards.swap_remove(0);
        assert_eq!(card.title, "Comet Relay");
        card.id
    }

    pub(crate) async fn titles(&self) -> Vec<String> {
        let query = LibraryQuery { limit: usize::MAX, ..LibraryQuery::default() };
        self.app.library(query).await.unwrap().cards.into_iter().map(|card| card.title).collect()
    }
}

/// The demo cloud, started off the test's runtime.
pub(crate) fn cloud(config: DemoConfig) -> DemoCloud {
    DemoCloud::start(config).unwrap()
}

/// A person who opens `url` at the service and decides.
pub(crate) async fn decide(url: &str, decision: &str) -> reqwest::Response {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let shown = client.get(url).send().await.unwrap();
    let cookie = shown.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let page = shown.text().await.unwrap();
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    for input in page.split("<input ").skip(1).filter(|input| input.starts_with("type=\"hidden\"")) {
        let value = |name: &str| {
            let (_, rest) = input.split_once(&format!("{name}=\"")).unwrap();
            rest.split('"').next().unwrap().replace("&amp;", "&").replace("&#39;", "'")
        };
        form.append_pair(&value("name"), &value("value"));
    }
    form.append_pair("name", "Ada").append_pair("decision", decision);
    let target = url.split('?').next().unwrap();
    let post = client.post(target).header("cookie", cookie).header("sec-fetch-site", "same-origin");
    let post = post.header("content-type", "application/x-www-form-urlencoded");
    post.body(form.finish()).send().await.unwrap()
}
