//! What services list: titles, the places where they run, and who may play them.

use serde::{Deserialize, Serialize};

/// Name of a provider, for example `demo`; part of file and setting names, so lower-case letters and digits only.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProviderId(pub String);

impl std::fmt::Display for ProviderId {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0)
    }
}

/// One title of one provider, as its catalogue gives it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Title {
    /// Name of the title at the provider, unique there.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// What it is about, plain text.
    pub description: String,
    /// Year of the first release.
    pub year: Option<u16>,
    /// For example `1-4`.
    pub players: Option<String>,
    /// Genres, as the provider names them.
    pub genres: Vec<String>,
    /// What it is played with.
    pub inputs: Vec<InputKind>,
    /// Identifiers in other catalogues, for example (`igdb`, `1942`). Equal ones join editions.
    pub known_ids: Vec<(String, String)>,
    /// Upright picture, 2:3.
    pub tile: Option<Art>,
    /// Wide picture, 16:9.
    pub hero: Option<Art>,
    /// Whether the account may play it.
    pub entitlement: Entitlement,
    /// Regions that run it; empty = all of the provider.
    pub regions: Vec<String>,
    /// Best picture there.
    pub quality: Option<Quality>,
    /// When the provider changed the entry, Unix milliseconds.
    pub updated_millis: u64,
}

/// A picture of a title.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Art {
    /// Where it is.
    pub url: String,
    /// Changes when the picture does.
    pub version: String,
}

/// What a title is played with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum InputKind {
    /// A game controller.
    Pad,
    /// Keyboard, with or without a mouse.
    Keyboard,
    /// Touch screen.
    Touch,
}

/// Whether the account may play a title.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Entitlement {
    /// Nobody said.
    #[default]
    Unknown,
    /// For everybody.
    Free,
    /// Bought.
    Owned,
    /// While the subscription lasts.
    Subscription {
        /// Unix milliseconds, if the service says it.
        until_millis: Option<u64>,
    },
    /// Not with this account.
    None,
}

impl Entitlement {
    /// Whether play can be tried at `now` (Unix milliseconds).
    #[must_use]
    pub const fn allows(self, now: u64) -> bool {
        match self {
            Self::Unknown | Self::Free | Self::Owned | Self::Subscription { until_millis: None } => true,
            Self::Subscription { until_millis: Some(until) } => now < until,
            Self::None => false,
        }
    }
}

/// Size and rate of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Quality {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Frames per second.
    pub fps: u32,
}

/// Where a provider runs games.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Region {
    /// Name at the provider.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// A small resource to measure the round trip with.
    pub ping_url: Option<String>,
    /// Waiting time now, seconds, if the provider says it.
    pub queue_seconds: Option<u32>,
}

/// A console or computer of the user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// Name at the provider, unique there.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// `host:port`.
    pub address: String,
    /// Whether it can be played now.
    pub state: HostState,
    /// Keys have been exchanged.
    pub paired: bool,
    /// It can be woken over the network.
    pub can_wake: bool,
}

/// Whether a host can be played now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum HostState {
    /// Answers.
    Online,
    /// Answers, in standby.
    Asleep,
    /// Does not answer.
    Offline,
    /// Nobody has asked.
    Unknown,
}
