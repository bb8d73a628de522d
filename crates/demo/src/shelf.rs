//! The catalogue: pages of titles, and what has changed since an earlier reading.
//!
//! The catalogue is a function of three things: how many entries are made up, whether the account is a guest's, and in
//! which period of the subscription the reading happens. A mark names all three, so two marks can be compared without
//! remembering anything, also after a restart with another catalogue.

pub(crate) mod names;

use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::art;
use crate::shelf::names::{Entry, GAMES, Offer};

/// Made-up entries at most.
pub(crate) const MAX_MADE_UP: usize = 100_000;
/// Titles of a page without a wish.
pub(crate) const USUAL_LIMIT: usize = 100;
/// Titles of a page at most.
pub(crate) const MAX_LIMIT: usize = 500;
/// When the fixed part of the catalogue was made: 2026-01-01, Unix milliseconds.
const MADE_MILLIS: u64 = 1_767_225_600_000;
/// Length of a subscription: 30 days.
const PERIOD_MILLIS: u64 = 30 * 24 * 3600 * 1000;

/// A cursor that this catalogue did not make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the cursor is none of this catalogue")]
pub(crate) struct BadCursor;

/// A state of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Made-up entries.
    made_up: usize,
    guest: bool,
    /// Periods of the subscription since 1970.
    period: u64,
}

/// A place within a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The state that is read, also when the catalogue changes meanwhile.
    mark: Mark,
    /// The state that it is compared with.
    since: Option<Mark>,
    /// Removed ids and titles before this page.
    offset: usize,
}

fn numbers(text: &str, kind: &str) -> Option<Vec<u64>> {
    if text.len() > 256 {
        return None;
    }
    let decoded = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
    let mut parts = decoded.split('.');
    if parts.next() != Some(kind) {
        return None;
    }
    let plain = |part: &str| if part.starts_with('+') { None } else { part.parse().ok() };
    parts.map(plain).collect()
}

impl Mark {
    const fn numbers(self) -> [u64; 3] {
        [self.made_up as u64, self.guest as u64, self.period]
    }

    fn of(made_up: u64, guest: u64, period: u64) -> Option<Self> {
        let made_up = usize::try_from(made_up).ok().filter(|made_up| *made_up <= MAX_MADE_UP)?;
        // Far beyond every clock, and far from overflow.
        let period = Some(period).filter(|period| *period < 1 << 20)?;
        (guest <= 1).then_some(Self { made_up, guest: guest == 1, period })
    }

    fn write(self) -> String {
        let [made_up, guest, period] = self.numbers();
        URL_SAFE_NO_PAD.encode(format!("m1.{made_up}.{guest}.{period}"))
    }

    /// From what a client gives back.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        match numbers(text, "m1")?[..] {
            [made_up, guest, period] => Self::of(made_up, guest, period),
            _ => None,
        }
    }
}

impl Cursor {
    /// As it is given to a client.
    #[must_use]
    pub fn write(self) -> String {
        let [made_up, guest, period] = self.mark.numbers();
        let since = self.since.map_or_else(String::new, |since| {
            let [made_up, guest, period] = since.numbers();
            format!(".{made_up}.{guest}.{period}")
        });
        URL_SAFE_NO_PAD.encode(format!("c1.{}.{made_up}.{guest}.{period}{since}", self.offset))
    }

    /// From what a client gives back.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let read = numbers(text, "c1")?;
        let (offset, mark, since) = match read[..] {
            [offset, a, b, c] => (offset, Mark::of(a, b, c)?, None),
            [offset, a, b, c, d, e, f] => (offset, Mark::of(a, b, c)?, Some(Mark::of(d, e, f)?)),
            _ => return None,
        };
        let offset = usize::try_from(offset).ok().filter(|offset| *offset <= 2 * (MAX_MADE_UP + GAMES))?;
        Some(Self { mark, since, offset })
    }
}

/// The catalogue of a cloud.
#[derive(Debug)]
pub(crate) struct Shelf {
    made_up: AtomicUsize,
}

impl Shelf {
    pub(crate) fn new(made_up: usize) -> Self {
        Self { made_up: AtomicUsize::new(made_up.min(MAX_MADE_UP)) }
    }

    pub(crate) fn set(&self, made_up: usize) {
        self.made_up.store(made_up.min(MAX_MADE_UP), Ordering::Relaxed);
    }

    /// The entry of an id, if it is there now.
    pub(crate) fn find(&self, id: &str) -> Option<Entry> {
        let index = names::index(id)?;
        (index < GAMES + self.made_up.load(Ordering::Relaxed)).then(|| names::entry(index))
    }

    /// One page, as the answer's body. `now` in Unix milliseconds.
    pub(crate) fn page(
        &self,
        now: u64,
        guest: bool,
        since: Option<&str>,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Value, BadCursor> {
        let made_up = self.made_up.load(Ordering::Relaxed);
        let cursor = match cursor {
            Some(cursor) => Cursor::read(cursor).filter(|cursor| cursor.mark.guest == guest).ok_or(BadCursor)?,
            None => {
                let mark = Mark { made_up, guest, period: now / PERIOD_MILLIS };
                // A mark that is not understood, or another account's, is no error: everything is told anew.
                let since = since.and_then(Mark::read).filter(|since| since.guest == guest);
                Cursor { mark, since, offset: 0 }
            }
        };
        let (mark, old) = (cursor.mark, cursor.since);
        let (count, old_count) = (GAMES + mark.made_up, old.map_or(0, |old| GAMES + old.made_up));
        let removed = count..old_count.max(count);
        let periods_differ = old.is_some_and(|old| old.period != mark.period);
        let changed =
            |index: &usize| *index >= old_count || (periods_differ && names::offer(*index) == Offer::Subscription);
        let total = (0..count).filter(changed).count();
        let end = cursor.offset.saturating_add(limit);
        let gone: Vec<_> = removed.clone().skip(cursor.offset).take(limit).map(names::id).collect();
        let passed = cursor.offset.saturating_sub(removed.len());
        let room = limit - gone.len();
        let titles: Vec<_> =
            (0..count).filter(changed).skip(passed).take(room).map(|index| title(&names::entry(index), mark)).collect();
        let next = (end < removed.len() + total).then(|| Cursor { offset: end, ..cursor }.write());
        let mark = next.is_none().then(|| mark.write());
        Ok(json!({
            "titles": titles,
            "removed": gone,
            "total": total,
            "next": next,
            "mark": mark,
            "complete": old.is_none(),
        }))
    }
}

/// Whether an account may play an entry.
pub(crate) fn may_play(entry: &Entry, guest: bool) -> bool {
    match entry.offer {
        Offer::Free => true,
        Offer::Owned | Offer::Subscription => !guest,
        Offer::None => false,
    }
}

/// A title as the interface describes it.
fn title(entry: &Entry, mark: Mark) -> Value {
    let subscription = entry.offer == Offer::Subscription;
    let kind = match entry.offer {
        Offer::Free => "free",
        Offer::Owned if !mark.guest => "owned",
        Offer::Subscription if !mark.guest => "subscription",
        _ => "none",
    };
    let until = (kind == "subscription").then(|| (mark.period + 1) * PERIOD_MILLIS);
    let updated = if subscription { MADE_MILLIS.max(mark.period * PERIOD_MILLIS) } else { MADE_MILLIS };
    let picture = |kind: art::Kind| json!({ "url": format!("/api/v1/art/{}/{}.png", entry.id, kind.name()), "version": art::version(entry, kind) });
    let (width, height, fps) = entry.quality;
    json!({
        "id": entry.id,
        "name": entry.name,
        "description": entry.description,
        "year": entry.year,
        "players": entry.players,
        "genres": entry.genres,
        "inputs": entry.inputs,
        "known_ids": [{ "catalogue": "entente-demo", "id": entry.id }],
        "tile": picture(art::Kind::Tile),
        "hero": picture(art::Kind::Hero),
        "entitlement": { "kind": kind, "until_millis": until },
        "regions": entry.regions,
        "quality": { "width": width, "height": height, "fps": fps },
        "updated_millis": updated,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: u64 = 1_790_000_000_000;

    /// Reads to the end: ids of titles, removed ids, the mark, whether it was complete, and pages.
    fn read(shelf: &Shelf, now: u64, since: Option<&str>, limit: usize) -> (Vec<String>, Vec<String>, String, bool) {
        let (mut titles, mut removed, mut cursor) = (Vec::new(), Vec::new(), None::<String>);
        loop {
            let page = shelf.page(now, false, since.filter(|_| cursor.is_none()), cursor.as_deref(), limit).unwrap();
            let (new, gone) = (page["titles"].as_array().unwrap(), page["removed"].as_array().unwrap());
            assert!(new.len() + gone.len() <= limit);
            titles.extend(new.iter().map(|title| title["id"].as_str().unwrap().to_owned()));
            removed.extend(gone.iter().map(|id| id.as_str().unwrap().to_owned()));
            match page["next"].as_str() {
                Some(next) => {
                    assert!(page["mark"].is_null());
                    cursor = Some(next.to_owned());
                }
                None => {
                    assert_eq!(page["total"], titles.len());
                    let mark = page["mark"].as_str().unwrap().to_owned();
                    return (titles, removed, mark, page["complete"].as_bool().unwrap());
                }
            }
        }
    }

    #[test]
    fn pages_join_to_the_whole_catalogue() {
        let shelf = Shelf::new(20_000);
        let (titles, removed, mark, complete) = read(&shelf, NOW, None, 500);
        assert_eq!((titles.len(), removed.len(), complete), (20_003, 0, true));
        assert_eq!(&titles[..4], ["game", "padcheck", "testcard", "course-1"]);
        let (titles, removed, again, complete) = read(&shelf, NOW, Some(&mark), 500);
        assert_eq!((titles.len(), removed.len(), again, complete), (0, 0, mark, false));
    }

    #[test]
    fn a_mark_brings_only_what_came_went_or_was_renewed() {
        let shelf = Shelf::new(10);
        let (_, _, mark, _) = read(&shelf, NOW, None, 100);
        shelf.set(12);
        let (titles, removed, larger, complete) = read(&shelf, NOW, Some(&mark), 1);
        assert_eq!((titles, removed, complete), (vec!["course-11".to_owned(), "course-12".to_owned()], vec![], false));
        shelf.set(9);
        let (titles, removed, _, _) = read(&shelf, NOW, Some(&larger), 2);
        assert_eq!((titles.len(), removed), (0, vec!["course-10".to_owned(), "course-11".into(), "course-12".into()]));
        let later = NOW + PERIOD_MILLIS;
        let (titles, removed, _, _) = read(&shelf, later, Some(&larger), 2);
        assert_eq!(titles, ["course-2", "course-5", "course-8"], "subscriptions have another end");
        assert_eq!(removed.len(), 3);
        let (titles, _, _, complete) = read(&shelf, NOW, Some("nonsense"), 100);
        assert_eq!((titles.len(), complete), (12, true), "a mark that nobody knows is no error");
    }

    #[test]
    fn a_reading_is_not_disturbed_by_a_change() {
        let shelf = Shelf::new(10);
        let first = shelf.page(NOW, false, None, None, 10).unwrap();
        shelf.set(2);
        let second = shelf.page(NOW, false, None, first["next"].as_str(), 10).unwrap();
        assert_eq!((second["titles"].as_array().unwrap().len(), second["total"].as_u64()), (3, Some(13)));
        let (_, removed, _, _) = read(&shelf, NOW, second["mark"].as_str(), 100);
        assert_eq!(removed.len(), 8, "the next reading tells");
        assert_eq!(shelf.page(NOW, true, None, first["next"].as_str(), 10), Err(BadCursor), "another's cursor");
    }

    #[test]
    fn guests_may_play_what_is_free() {
        let shelf = Shelf::new(12);
        let kinds = |guest: bool| {
            let page = shelf.page(NOW, guest, None, None, 100).unwrap();
            let titles = page["titles"].as_array().unwrap().clone();
            titles.iter().map(|title| title["entitlement"]["kind"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let (guest, player) = (kinds(true), kinds(false));
        for index in 0..GAMES + 12 {
            let entry = names::entry(index);
            assert_eq!(may_play(&entry, true), guest[index] == "free");
            assert_eq!(may_play(&entry, false), player[index] != "none");
        }
        for kind in ["free", "owned", "subscription", "none"] {
            assert!(player.iter().any(|given| given == kind), "{kind}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_cursors_are_read_or_refused(text in ".{0,80}", parts in prop::collection::vec(any::<u64>(), 0..9)) {
            let numbers: Vec<_> = parts.iter().map(u64::to_string).collect();
            let shelf = Shelf::new(5);
            for kind in ["c1", "m1"] {
                let made = URL_SAFE_NO_PAD.encode(format!("{kind}.{}", numbers.join(".")));
                for text in [&text, &made] {
                    let _ = shelf.page(NOW, false, Some(text), None, 7);
                    let page = shelf.page(NOW, false, None, Some(text), 7);
                    prop_assert!(page.is_err() || Cursor::read(text).is_some());
                    if let Some(cursor) = Cursor::read(text) {
                        prop_assert_eq!(Cursor::read(&cursor.write()), Some(cursor));
                    }
                }
            }
        }

        #[test]
        fn what_is_written_is_read(made_up in 0..=MAX_MADE_UP, guest: bool, period in 0_u64..1000, offset in 0_usize..1000) {
            let mark = Mark { made_up, guest, period };
            prop_assert_eq!(Mark::read(&mark.write()), Some(mark));
            for since in [None, Some(Mark { period: 3, ..mark })] {
                let cursor = Cursor { mark, since, offset };
                prop_assert_eq!(Cursor::read(&cursor.write()), Some(cursor));
            }
        }
    }
}
