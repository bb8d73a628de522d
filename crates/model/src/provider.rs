//! The contract of services: sign in, list, start.

use std::time::Duration;

use async_trait::async_trait;

use crate::catalogue::{Host, ProviderId, Quality, Region, Title};
use crate::problem::{Problem, ProblemKind};
use crate::ticket::Ticket;

/// How a user can sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "types", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum SignInWay {
    /// A code, typed at the service with any device (RFC 8628).
    DeviceCode,
    /// The system's browser, which comes back to a loopback address (RFC 8252).
    Browser,
    /// No account.
    Guest,
}

/// What a provider is and can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderInfo {
    /// Name for programs.
    pub id: ProviderId,
    /// Name for people.
    pub name: String,
    /// Ways to sign in, best first; empty = no account.
    pub ways: Vec<SignInWay>,
    /// It has consoles or computers that are found, paired and woken.
    pub has_hosts: bool,
}

/// Who is signed in.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Account {
    /// Name for people; `None` for a guest.
    pub who: Option<String>,
    /// No account behind it.
    pub guest: bool,
}

/// What happens during sign-in, for the user's eyes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignInStep {
    /// Type `code` at `url`.
    Code {
        /// As the user types it.
        code: String,
        /// Where.
        url: String,
        /// The same with the code in it, for a QR code.
        url_complete: Option<String>,
        /// Unix milliseconds.
        expires_millis: u64,
    },
    /// The browser shows the service's page.
    Browser {
        /// That page, in case no browser opened.
        url: String,
    },
    /// The user has agreed; the account is being read.
    Finishing,
}

/// Takes [`SignInStep`]s.
pub type SignInSteps<'a> = dyn Fn(SignInStep) + Send + Sync + 'a;

/// A part of a catalogue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TitlePage {
    /// New and changed titles.
    pub titles: Vec<Title>,
    /// Titles that are gone.
    pub removed: Vec<String>,
    /// Titles in the whole answer, if known.
    pub total: Option<u64>,
    /// What to ask for next; `None` = this was the last page.
    pub next: Option<String>,
    /// After the last page: what to give as `since` the next time.
    pub mark: Option<String>,
    /// The answer to `since` is the whole catalogue: what is not in it is gone.
    pub complete: bool,
}

/// What to play, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlayRequest {
    /// Title at the provider.
    pub title: String,
    /// Region or host; `None` = the provider's choice.
    pub place: Option<String>,
    /// Wanted picture.
    pub quality: Option<Quality>,
    /// Upper limit in kbit/s.
    pub bitrate_kbps: Option<u32>,
    /// End a running game of this title and start anew.
    pub anew: bool,
}

/// A session at a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Name at the provider.
    pub id: String,
    /// Title that it runs.
    pub title: String,
    /// Where.
    pub place: Option<String>,
    /// How far it is.
    pub state: SessionState,
}

/// How far a session is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionState {
    /// Others are before us.
    Queued {
        /// 1 = next.
        position: u32,
        /// Waiting in all.
        of: Option<u32>,
        /// Guess of the service.
        eta: Option<Duration>,
        /// Ask again after.
        ask_after: Duration,
    },
    /// The service makes it ready.
    Starting {
        /// In the service's words.
        stage: String,
        /// Ask again after.
        ask_after: Duration,
    },
    /// Runs, and can be joined.
    Ready,
    /// Gone.
    Ended {
        /// In words.
        why: String,
    },
}

/// A service.
///
/// Every failure is a [`Problem`]. A failure of kind [`ProblemKind::SignedOut`] means that the account is gone until the
/// user signs in again. Dropping a future stops what it does; nothing stays half done but a session that was started.
#[async_trait]
pub trait Provider: Send + Sync {
    /// What it is.
    fn info(&self) -> ProviderInfo;

    /// The account of the last time, if it is still good.
    async fn restore(&self) -> Result<Option<Account>, Problem>;
    /// Signs in.
    async fn sign_in(&self, way: SignInWay, steps: &SignInSteps<'_>) -> Result<Account, Problem>;
    /// Signs out here and, as far as it can be reached, at the service.
    async fn sign_out(&self) -> Result<(), Problem>;

    /// One page of titles. `since` is the mark of the last complete reading, `cursor` the `next` of the page before.
    async fn titles(&self, since: Option<&str>, cursor: Option<&str>) -> Result<TitlePage, Problem>;
    /// A picture of a title, as PNG, JPEG or WebP.
    async fn art(&self, url: &str) -> Result<Vec<u8>, Problem>;
    /// Where it runs games.
    async fn regions(&self) -> Result<Vec<Region>, Problem>;
    /// Round trip to `region`, as measured now.
    async fn ping(&self, region: &Region) -> Result<Duration, Problem>;

    /// Starts a session, or joins the running one of the title.
    async fn start(&self, request: &PlayRequest) -> Result<Session, Problem>;
    /// Sessions of this account that run or wait.
    async fn sessions(&self) -> Result<Vec<Session>, Problem>;
    /// How far a session is.
    async fn session(&self, id: &str) -> Result<Session, Problem>;
    /// A ticket to the stream of a session that is ready.
    async fn ticket(&self, session: &str, request: &PlayRequest) -> Result<Ticket, Problem>;
    /// Ends a session, or leaves the queue.
    async fn stop(&self, session: &str) -> Result<(), Problem>;

    /// Consoles and computers that are known or found.
    async fn hosts(&self) -> Result<Vec<Host>, Problem> {
        Ok(Vec::new())
    }
    /// Adds a host by its address.
    async fn add_host(&self, _address: &str) -> Result<Host, Problem> {
        Err(no_hosts())
    }
    /// Exchanges keys with a host.
    async fn pair(&self, _host: &str, _pin: &str) -> Result<(), Problem> {
        Err(no_hosts())
    }
    /// Wakes a host.
    async fn wake(&self, _host: &str) -> Result<(), Problem> {
        Err(no_hosts())
    }
    /// Forgets a host and its keys.
    async fn forget_host(&self, _host: &str) -> Result<(), Problem> {
        Err(no_hosts())
    }
}

fn no_hosts() -> Problem {
    Problem::new(
        ProblemKind::Unsupported,
        "This service has no consoles or computers.",
        "Its games run in its own data centres.",
        "Add the host under the service that it belongs to.",
    )
}
