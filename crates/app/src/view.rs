//! What a view is told: the shapes of `ui/src/backend/api.ts`, which is their counterpart.
//!
//! Times are Unix milliseconds. Nothing here ever carries a token.

use entente_model::Problem;
use entente_model::catalogue::HostState;
use entente_model::provider::SignInWay;
use entente_store::settings::{Layer, Value};
use serde::{Deserialize, Serialize};

/// A service and who is signed in there.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "types", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// Name for programs.
    pub provider: String,
    /// Name for people.
    pub name: String,
    /// Where the sign-in stands.
    pub state: AccountState,
    /// Who is signed in.
    pub who: Option<String>,
    /// Ways to sign in, best first.
    pub ways: Vec<SignInWay>,
    /// Last failure, until the next try.
    pub problem: Option<Problem>,
}

/// Where a sign-in stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "types", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum AccountState {
    /// Nobody.
    #[default]
    SignedOut,
    /// On the way.
    SigningIn,
    /// Somebody.
    SignedIn,
    /// Somebody without an account.
    Guest,
    /// The service no longer accepts what was kept.
    Expired,
}

/// A step of a sign-in.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "types", derive(specta::Type))]
#[serde(tag = "step", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum SignInStep {
    /// The service is asked.
    Starting,
    /// Type a code.
    Code {
        /// As the user types it.
        code: String,
        /// Where.
        url: String,
        /// The same with the code in it.
        url_complete: Option<String>,
        /// When the code is over.
        expires_at: u64,
    },
    /// The browser shows a page.
    Browser {
        /// That page.
        url: String,
    },
    /// The account is being read.
    Finishing,
    /// Signed in.
    Done {
        /// Who.
        who: Option<String>,
    },
    /// It failed.
    Failed {
        /// Why.
        problem: Problem,
    },
    /// The user stopped it.
    Cancelled,
}

/// What to list.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "types", derive(specta::Type))]
#[serde(rename_all = "camelCase", default)]
pub struct LibraryQuery {
    /// Words that must be in the name.
    pub search: String,
    /// Order.
    pub sort: Sort,
    /// Only these providers; empty = all.
    pub providers: Vec<String>,
    /// Only titles with one of these; empty = all.
    pub genres: Vec<String>,
    /// Only what the accounts may play.
    pub playable: bool,
    /// Only favourites.
    pub favourites: bool,
    /// Only what was hidden, which is left out otherwise.
    pub hidden: bool,
    /// Cards to skip.
    pub offset: usize,
    /// Cards to give.
    pub limit: usize,
}

impl Default for LibraryQuery {
    fn default() -> Self {
        Self {
            search: String::new(),
            sort: Sort::default(),
            providers: Vec::new(),
            genres: Vec::new(),
            playable: false,
            favourites: false,
            hidden: false,
            offset: 0,
            limit: 200,
        }
    }
}

/// Order of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "types", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// Last played first, then by name.
    #[default]
    Recent,
    /// By name.
    Name,
    /// Newest entry of the services first.
    Added,
    /// Longest played first.
    Playtime,
}

/// A game on the shelf.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "types", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct Card {
    /// Name for programs.
    pub id: String,
    /// Name for people.
    pub title: String,
    /// Address of its picture within the shell, if there is one.
    pub art: Option<String>,
    /// Marked by the user.
    pub favourite: bool,
    /// Put away by the user.
    pub hidden: bool,
    /// Who offers it.
    pub providers: Vec<String>,
    /// Of all editions.
    pub genres: Vec<String>,
    /// When it was played last.
    pub last_played: Option<u64>,
    /// How long in all.
    pub playtime_seconds: u64,
    /// At least one edition may be played.
    pub playable: bool,
    /// A game that waits for us to come back.
    pub running: bool,
}

/// A part of the shelf.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "types", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct LibraryPage {
    /// The cards.
    pub cards: Vec<Card>,
    /// Cards in all that the query allows.
    pub total: usize,
    /// When the newest list came; `None` = never.
    pub as_of: Option<u64>,
    /// Services are being asked now.
    pub refreshing: bool,
    /// What went wrong at the last refresh.
    pub problems: Vec<ProviderProblem>,
    /// Every genre of the shelf, by name.
    pub genres: Vec<String>,
}

/// A failure of one service.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "types", derive(specta::Type))]
pub struct ProviderProblem {
    /// Which.
    pub provider: String,
    /// What.
    pub problem: Problem,
}

/// One way to play a game.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "types", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct Edition {
    /// Opaque: what `play` takes.
    pub id: String,
    /// Provider.
    pub provider: String,
    /// Its name for people.
    pub provider_name: String,
    /// Region, console or computer.
    pub place: String,
    /// Whether the account may play it.
    pub entitlement: Entitled,
    /// End of the subscription.
    pub entitled_until: Option<u64>,
    /// Best picture there.
    pub quality: Option<String>,
    /// Measured.
    pub ping_ms: Option<f64>,
    /// As the service guesses it.
    pub queue_seconds: Option<u32>,
    /// Ours, if we wait there.
    pub queue_position: Option<u32>,
    /// Waits for us to come back.
    pub running: bool,
    /// Can be played now.
    pub available: bool,
    /// Why not.
    pub why: Option<String>,
}

/// Whether the account may play an edition, and on what ground.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "types", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Entitled {
    /// Bought.
    Owned,
    /// While the subscription lasts.
    Subscription,
    /// Everybody may.
    Free,
    /// Not with this account.
    None,
    /// Nobody said.
    Unknown,
}

/// A card, opened.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "types", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct CardDetail {
    /// The card.
    pub card: Card,
    /// What it is about.
    pub description: String,
    /// Wide picture.
    pub hero: Option<String>,
    /// First release.
    pub year: Option<u16>,
    /// For example `1-4`.
    pub players: Option<String>,
    /// What it is played with.
    pub inputs: Vec<entente_model::catalogue::InputKind>,
    /// Ways to play it, best first.
    pub editions: Vec<Edition>,
    /// The edition that "Play" takes.
    pub best: Option<String>,
    /// Joined or split by hand.
    pub by_hand: bool,
}

/// Where the game in play stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "types", derive(specta::Type))]
#[serde(tag = "state", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum PlayState {
    /// Nothing runs.
    #[default]
    Idle,
    /// Others are before us.
    Queued {
        /// Game.
        title: String,
        /// 1 = next.
        position: u32,
        /// Waiting in all.
        of: Option<u32>,
        /// Guess of the service.
        eta_seconds: Option<u32>,
    },
    /// On the way to the first picture.
    Starting {
        /// Game.
        title: String,
        /// The stage now.
        stage: String,
        /// All stages, in order.
        stages: Vec<String>,
    },
    /// The player shows it.
    Playing {
        /// Game.
        title: String,
        /// Since when.
        since: u64,
    },
    /// Over.
    Ended {
        /// How it was.
        report: AfterPlay,
    },
    /// Could not be played.
    Failed {
        /// Game.
        title: String,
        /// Why.
        problem: Problem,
        /// Whether "play again" makes sense.
        can_play_again: bool,
    },
}

/// One figure of a game that was played.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "types", derive(specta::Type))]
pub struct Figure {
    /// Name for programs: the view has words for it.
    pub name: String,
    /// With its unit.
    pub value: String,
    /// How good that is.
    pub grade: Grade,
    /// What it means.
    pub explained: String,
}

/// How good a figure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "types", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// Nobody would notice.
    Good,
    /// Some would.
    Fair,
    /// Everybody does.
    Poor,
    /// Not judged.
    None,
}

/// How a game was.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "types", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct AfterPlay {
    /// Its card.
    pub card_id: Option<String>,
    /// Game.
    pub title: String,
    /// Why it ended, in words.
    pub ended: String,
    /// How long it was played.
    pub seconds: u64,
    /// 0 to 100; `None` when too little was measured.
    pub score: Option<u32>,
    /// Figures worth showing.
    pub figures: Vec<Figure>,
    /// What would make it better.
    pub advice: Vec<String>,
    /// The whole report.
    pub file: Option<String>,
}

/// A setting.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "types", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct SettingView {
    /// `section.name`.
    pub key: String,
    /// First part of the key.
    pub section: String,
    /// What values it has.
    pub kind: SettingKind,
    /// The value that counts.
    pub value: Value,
    /// The value if nobody sets one.
    pub default_value: Value,
    /// Layers where it may be set.
    pub allowed: Vec<Layer>,
    /// Where values come from, strongest first.
    pub layers: Vec<SettingLayer>,
}

/// What values a setting has.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "types", derive(specta::Type))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum SettingKind {
    /// On or off.
    Toggle,
    /// One of these.
    Choice {
        /// In the order of the view.
        options: Vec<String>,
    },
    /// A whole number.
    Number {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
        /// Distance of the values that are offered.
        step: i64,
        /// For people.
        unit: String,
    },
    /// Free text.
    Text,
}

/// A value in a layer.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "types", derive(specta::Type))]
pub struct SettingLayer {
    /// Layer.
    pub layer: Layer,
    /// Network, host or game.
    pub scope: Option<String>,
    /// Value there.
    pub value: Value,
}

/// A console or computer.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "types", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct HostView {
    /// `provider/host`.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// The service that it belongs to.
    pub kind: String,
    /// `host:port`.
    pub address: String,
    /// Whether it can be played now.
    pub state: HostState,
    /// Keys have been exchanged.
    pub paired: bool,
    /// It can be woken over the network.
    pub can_wake: bool,
    /// What is wrong with it.
    pub problem: Option<Problem>,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "types", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// Name for programs.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// How it is.
    pub state: CheckState,
    /// What was found: a sentence.
    pub found: String,
    /// What to do, if something is to be done.
    pub next_step: Option<String>,
}

/// How a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "types", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    /// Well.
    Good,
    /// It works, but not as it could.
    Warning,
    /// It does not work.
    Bad,
    /// It could not be looked at.
    Skipped,
}
