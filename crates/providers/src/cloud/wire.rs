//! Bodies of the open cloud API. Unknown fields are ignored, and an entry that cannot be read costs that entry only.

use std::time::Duration;

use entente_model::catalogue::{self, Art, Entitlement, InputKind, Quality};
use entente_model::provider::{self, SessionState, TitlePage};
use entente_model::{Secret, catalogue::Title};
use serde::Deserialize;
use serde_json::Value;

/// Entries of a page that are read; more is not what was asked for.
const MOST: usize = 5_000;
/// Soonest and latest that a service is asked again.
const ASK_MILLIS: (u64, u64) = (200, 30_000);

#[derive(Debug, Deserialize)]
pub(super) struct Me {
    pub(super) name: String,
    #[serde(default)]
    pub(super) guest: bool,
}

#[derive(Debug, Deserialize)]
struct Titles {
    titles: Vec<Value>,
    #[serde(default)]
    removed: Vec<String>,
    #[serde(default)]
    total: Option<u64>,
    #[serde(default)]
    next: Option<String>,
    #[serde(default)]
    mark: Option<String>,
    #[serde(default)]
    complete: bool,
}

#[derive(Debug, Deserialize)]
struct Entry {
    id: String,
    name: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    year: Option<u16>,
    #[serde(default)]
    players: Option<String>,
    #[serde(default)]
    genres: Vec<String>,
    #[serde(default)]
    inputs: Vec<String>,
    #[serde(default)]
    known_ids: Vec<KnownId>,
    #[serde(default)]
    tile: Option<Art>,
    #[serde(default)]
    hero: Option<Art>,
    #[serde(default)]
    entitlement: Option<Entitled>,
    #[serde(default)]
    regions: Vec<String>,
    #[serde(default)]
    quality: Option<Quality>,
    #[serde(default)]
    updated_millis: u64,
}

#[derive(Debug, Deserialize)]
struct KnownId {
    catalogue: String,
    id: String,
}

#[derive(Debug, Deserialize)]
struct Entitled {
    kind: String,
    #[serde(default)]
    until_millis: Option<u64>,
}

impl Entry {
    fn into_model(self) -> Option<Title> {
        if self.id.is_empty() || self.name.trim().is_empty() {
            return None;
        }
        let entitlement = match self.entitlement {
            None => Entitlement::Unknown,
            Some(entitled) => match entitled.kind.as_str() {
                "free" => Entitlement::Free,
                "owned" => Entitlement::Owned,
                "subscription" => Entitlement::Subscription { until_millis: entitled.until_millis },
                "none" => Entitlement::None,
                _ => Entitlement::Unknown,
            },
        };
        let inputs = self.inputs.iter().filter_map(|name| match name.as_str() {
            "pad" => Some(InputKind::Pad),
            "keyboard" => Some(InputKind::Keyboard),
            "touch" => Some(InputKind::Touch),
            _ => None,
        });
        Some(Title {
            inputs: inputs.collect(),
            known_ids: self.known_ids.into_iter().map(|known| (known.catalogue, known.id)).collect(),
            id: self.id,
            name: self.name,
            description: self.description.unwrap_or_default(),
            year: self.year,
            players: self.players,
            genres: self.genres,
            tile: self.tile,
            hero: self.hero,
            entitlement,
            regions: self.regions,
            quality: self.quality,
            updated_millis: self.updated_millis,
        })
    }
}

/// A page of titles.
///
/// # Errors
/// It is not one, in words.
pub fn read_titles(body: &[u8]) -> Result<TitlePage, String> {
    let page: Titles = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let titles = page.titles.into_iter().take(MOST);
    let titles = titles.filter_map(|entry| serde_json::from_value::<Entry>(entry).ok()?.into_model()).collect();
    Ok(TitlePage {
        titles,
        removed: page.removed,
        total: page.total,
        next: page.next.filter(|next| !next.is_empty()),
        mark: page.mark,
        complete: page.complete,
    })
}

#[derive(Debug, Deserialize)]
pub(super) struct Regions {
    pub(super) regions: Vec<Region>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Region {
    id: String,
    name: String,
    #[serde(default)]
    ping_url: Option<String>,
    #[serde(default)]
    queue_seconds: Option<u32>,
}

impl Region {
    pub(super) fn into_model(self) -> catalogue::Region {
        catalogue::Region { id: self.id, name: self.name, ping_url: self.ping_url, queue_seconds: self.queue_seconds }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Session {
    id: String,
    title: String,
    #[serde(default)]
    region: Option<String>,
    state: String,
    #[serde(default)]
    position: Option<u32>,
    #[serde(default)]
    of: Option<u32>,
    #[serde(default)]
    eta_seconds: Option<u32>,
    #[serde(default)]
    ask_after_millis: Option<u64>,
    #[serde(default)]
    stage: Option<String>,
    #[serde(default)]
    why: Option<String>,
}

impl Session {
    pub(super) fn into_model(self) -> Result<provider::Session, String> {
        let wait = self.ask_after_millis.unwrap_or(1_000).clamp(ASK_MILLIS.0, ASK_MILLIS.1);
        let ask_after = Duration::from_millis(wait);
        let state = match self.state.as_str() {
            "queued" => SessionState::Queued {
                position: self.position.unwrap_or(1).max(1),
                of: self.of,
                eta: self.eta_seconds.map(|seconds| Duration::from_secs(seconds.into())),
                ask_after,
            },
            "starting" => SessionState::Starting { stage: self.stage.unwrap_or_default(), ask_after },
            "ready" => SessionState::Ready,
            "ended" => SessionState::Ended { why: self.why.unwrap_or_default() },
            other => return Err(format!("a session is {other:?}")),
        };
        Ok(provider::Session { id: self.id, title: self.title, place: self.region, state })
    }
}

/// A list of sessions; one in a state that is not known is left out.
///
/// # Errors
/// It is not one, in words.
pub fn read_sessions(body: &[u8]) -> Result<Vec<provider::Session>, String> {
    #[derive(Deserialize)]
    struct Sessions {
        sessions: Vec<Value>,
    }
    let list: Sessions = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let read = |entry| serde_json::from_value::<Session>(entry).ok()?.into_model().ok();
    Ok(list.sessions.into_iter().take(MOST).filter_map(read).collect())
}

#[derive(Debug, Deserialize)]
pub(super) struct Stream {
    pub(super) url: String,
    #[serde(default)]
    pub(super) token: Option<Secret>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_bad_entry_costs_one_entry() {
        let body = br#"{"titles":[{"id":"a","name":"A","entitlement":{"kind":"free"},"inputs":["pad","nose"]},
                        {"id":7},{"id":"","name":"x"},{"id":"b","name":"B","new":{}}],"next":"","mark":"m"}"#;
        let page = read_titles(body).unwrap();
        assert_eq!(page.titles.iter().map(|title| title.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(page.titles[0].inputs, [InputKind::Pad]);
        assert_eq!(page.titles[0].entitlement, Entitlement::Free);
        assert_eq!((page.next, page.mark.as_deref()), (None, Some("m")));
    }

    #[test]
    fn half_a_page_is_not_a_page() {
        assert!(read_titles(br#"{"titles":[{"id":"a","name":"A"}"#).is_err());
        assert!(read_titles(b"<html>").is_err());
    }

    #[test]
    fn a_service_is_not_asked_too_often() {
        let body = br#"{"sessions":[{"id":"1","title":"t","state":"queued","ask_after_millis":0},
                        {"id":"2","title":"t","state":"dancing"}]}"#;
        let sessions = read_sessions(body).unwrap();
        assert_eq!(sessions.len(), 1);
        let SessionState::Queued { position, ask_after, .. } = sessions[0].state else { panic!() };
        assert_eq!((position, ask_after), (1, Duration::from_millis(200)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = read_titles(&body);
            let _ = read_sessions(&body);
        }
    }
}
