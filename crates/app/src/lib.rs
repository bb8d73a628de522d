//! Everything a user can do, one async function each, for shell, command line and tests.
//!
//! [`App`] is handed its world as [`Parts`]: services, files, the player. What changes is told as [`AppEvent`]s. It names
//! no window, no web view and nothing of the stream: the player is a program behind [`play::PlayerPort`].
#![warn(missing_docs)]

mod accounts;
mod doctor;
pub mod edge;
mod hosts;
mod leftover;
mod library;
pub mod link;
pub mod merge;
pub mod play;
pub mod report;
mod settings;
mod shelf;
pub mod view;

use std::path::PathBuf;
use std::sync::Arc;

use entente_model::port::ClockPort;
use entente_model::{Problem, ProblemKind, Provider};
use entente_store::{ArtCache, Choices, Library, Settings, Vault};
use tokio::sync::broadcast;

use crate::accounts::Accounts;
use crate::library::Refreshing;
use crate::play::{Game, PlayerPort};
use crate::shelf::Shelf;
use crate::view::{Account, Check, PlayState, SignInStep};

/// Events that a slow listener may be behind; then the oldest are lost, and it reads everything again.
const EVENTS: usize = 256;

/// The world of an [`App`].
pub struct Parts {
    /// Services, in the order in which they are shown.
    pub providers: Vec<Arc<dyn Provider>>,
    /// Time.
    pub clock: Arc<dyn ClockPort>,
    /// What the user chose.
    pub settings: Arc<Settings>,
    /// Lists of the services.
    pub library: Arc<Library>,
    /// What the user said about titles.
    pub choices: Arc<Choices>,
    /// Pictures.
    pub art: Arc<ArtCache>,
    /// Secrets.
    pub vault: Vault,
    /// The player.
    pub player: Arc<dyn PlayerPort>,
    /// Folder for reports of games.
    pub reports: PathBuf,
}

/// Something that a view may want to show.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[cfg_attr(feature = "types", derive(specta::Type))]
#[serde(tag = "event", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum AppEvent {
    /// Who is signed in has changed.
    Accounts {
        /// All of them.
        accounts: Vec<Account>,
    },
    /// A sign-in went on.
    SignIn {
        /// Where.
        provider: String,
        /// How far.
        step: SignInStep,
    },
    /// The shelf is another one.
    LibraryChanged,
    /// A service is being asked for its titles.
    Refresh {
        /// Which.
        provider: String,
        /// Titles read.
        done: u64,
        /// Titles in all, if known.
        total: Option<u64>,
        /// Over, well or not.
        finished: bool,
    },
    /// The game in play went on.
    Play {
        /// How far.
        play: PlayState,
    },
    /// A value was set or reset.
    SettingsChanged,
    /// The check-up looked at something.
    Check {
        /// What it found.
        check: Check,
    },
    /// Something that the user should know.
    Note {
        /// What.
        problem: Problem,
    },
}

/// Everything a user can do. Clones are the same app. Its functions spawn tasks: they need a tokio runtime.
#[derive(Clone)]
pub struct App {
    inner: Arc<Inner>,
}

struct Inner {
    parts: Parts,
    events: broadcast::Sender<AppEvent>,
    accounts: Accounts,
    refreshing: Refreshing,
    shelf: Shelf,
    game: Game,
}

impl App {
    /// An app in its world. Nothing is asked yet: see [`App::restore`].
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let (events, _) = broadcast::channel(EVENTS);
        let accounts = Accounts::new(&parts.providers);
        let inner = Inner {
            parts,
            events,
            accounts,
            refreshing: Refreshing::default(),
            shelf: Shelf::default(),
            game: Game::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// From now on, everything that happens.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<AppEvent> {
        self.inner.events.subscribe()
    }

    /// Where secrets are, and the settings, choices and lists themselves.
    #[must_use]
    pub fn parts(&self) -> &Parts {
        &self.inner.parts
    }

    fn tell(&self, event: AppEvent) {
        // Nobody listening is fine.
        let _ = self.inner.events.send(event);
    }

    /// Tells what files had to say when they were opened.
    async fn tell_notes(&self) {
        let parts = &self.inner.parts;
        let mut notes = parts.settings.take_notes();
        notes.extend(parts.choices.take_notes());
        notes.extend(parts.library.take_notes());
        notes.extend(parts.vault.take_notes().await);
        for problem in notes {
            self.tell(AppEvent::Note { problem });
        }
    }

    fn provider(&self, id: &str) -> Result<&Arc<dyn Provider>, Problem> {
        let providers = &self.inner.parts.providers;
        providers.iter().find(|provider| provider.info().id.0 == id).ok_or_else(|| {
            Problem::new(
                ProblemKind::BadInput,
                "This service is not known.",
                format!("There is no service called {id:?}."),
                "Choose one of the list of services.",
            )
        })
    }
}

/// Moves a blocking access to a file off the tasks.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Problem> + Send + 'static) -> Result<T, Problem> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Problem::new(
            ProblemKind::Fault,
            "Something in Entente failed.",
            format!("{error}."),
            "Try again, and report it if it stays.",
        )
        .retriable()),
    }
}
