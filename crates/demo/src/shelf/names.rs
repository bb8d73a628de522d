//! Entries of the catalogue as pure functions of their number, so that they are the same in every run.

/// What an entry costs an account that is no guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offer {
    Free,
    Owned,
    Subscription,
    None,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) year: u16,
    pub(crate) players: &'static str,
    pub(crate) genres: &'static [&'static str],
    pub(crate) inputs: &'static [&'static str],
    /// The game that it runs.
    pub(crate) game: &'static str,
    /// The game's chances; `None` = new ones each time.
    pub(crate) seed: Option<u64>,
    pub(crate) offer: Offer,
    pub(crate) regions: &'static [&'static str],
    /// Width, height, frames per second.
    pub(crate) quality: (u32, u32, u32),
}

/// The games themselves, which are always the first entries.
pub(crate) const GAMES: usize = 3;
/// Regions by id and name.
pub(crate) const REGIONS: [(&str, &str); 2] = [("near", "Near"), ("far", "Far")];
const BOTH: &[&str] = &["near", "far"];

const FIRST: [&str; 40] = [
    "Amber",
    "Silent",
    "Hollow",
    "Crimson",
    "Distant",
    "Broken",
    "Northern",
    "Velvet",
    "Iron",
    "Glass",
    "Wandering",
    "Golden",
    "Last",
    "Electric",
    "Paper",
    "Frozen",
    "Midnight",
    "Copper",
    "Gentle",
    "Burning",
    "Secret",
    "Drifting",
    "Emerald",
    "Forgotten",
    "Radiant",
    "Salt",
    "Thunder",
    "Tidal",
    "Winter",
    "Quiet",
    "Scarlet",
    "Lunar",
    "Marble",
    "Restless",
    "Saffron",
    "Shattered",
    "Solar",
    "Twin",
    "Violet",
    "Wild",
];
const SECOND: [&str; 40] = [
    "Orbit", "Harbor", "Signal", "Lantern", "Horizon", "Comet", "Garden", "Passage", "Frontier", "Engine", "Atlas",
    "Beacon", "Canyon", "Circuit", "Compass", "Crossing", "Current", "Delta", "Echo", "Ember", "Falls", "Gate",
    "Island", "Junction", "Keep", "Meridian", "Mirror", "Outpost", "Parade", "Reef", "Relay", "Ridge", "Shore",
    "Spire", "Station", "Summit", "Tower", "Trail", "Vault", "Voyage",
];
/// Genres of made-up entries, which are courses of one game; the labels spread for filters.
const GENRES: [&[&str]; 6] = [
    &["Action", "Arcade"],
    &["Action", "Shooter"],
    &["Arcade", "Cooperative"],
    &["Action", "Space"],
    &["Arcade", "Space", "Shooter"],
    &["Arcade"],
];
const FORMATS: [(u32, u32, u32); 3] = [(1920, 1080, 60), (1280, 720, 60), (1920, 1080, 30)];

/// Names before numbers are put behind them.
const NAMES: usize = FIRST.len() * SECOND.len();
/// Has no factor in common with [`NAMES`], so that neighbours have different names and all names come.
const STRIDE: usize = 577;

/// Numbers that look like chance, from a number.
pub(crate) const fn scramble(number: u64) -> u64 {
    // The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn pick<T: Copy>(list: &[T], number: usize, otherwise: T) -> T {
    list.get(number % list.len().max(1)).copied().unwrap_or(otherwise)
}

fn made_up(number: usize) -> Entry {
    let place = number.wrapping_mul(STRIDE) % NAMES;
    let (first, second) = (pick(&FIRST, place / SECOND.len(), "New"), pick(&SECOND, place, "Course"));
    let again = number / NAMES;
    let name = if again == 0 { format!("{first} {second}") } else { format!("{first} {second} {}", again + 1) };
    let seed = scramble(number as u64);
    // The first dozen are all playable courses; further on the test programs come as well.
    let game = match number % 8 {
        6 if number >= 12 => "padcheck",
        7 if number >= 12 => "testcard",
        _ => "game",
    };
    let description = match game {
        "game" => format!("A course of Comet Relay with comets of its own: number {} of the demo cloud.", number + 1),
        "padcheck" => format!("Pad Check under another name, to fill long shelves: number {}.", number + 1),
        _ => format!("The test card under another name, to fill long shelves: number {}.", number + 1),
    };
    Entry {
        id: format!("course-{}", number + 1),
        name,
        description,
        year: 1984 + u16::try_from(seed % 43).unwrap_or_default(),
        players: if game == "game" { "1-2" } else { "1" },
        genres: pick(&GENRES, (seed >> 8) as usize, &["Arcade"]),
        inputs: &["pad", "keyboard", "touch"],
        game,
        seed: Some(seed),
        offer: offer(number + GAMES),
        regions: if number % 5 == 4 { &["near"] } else { BOTH },
        quality: pick(&FORMATS, (seed >> 16) as usize, (1280, 720, 60)),
    }
}

/// What the entry at an index costs, without making the entry.
pub(crate) const fn offer(index: usize) -> Offer {
    if index < GAMES {
        return Offer::Free;
    }
    match (index - GAMES) % 6 {
        0 | 3 => Offer::Owned,
        1 | 4 => Offer::Subscription,
        2 => Offer::Free,
        _ => Offer::None,
    }
}

/// The id of the entry at an index, without making the entry.
pub(crate) fn id(index: usize) -> String {
    match index {
        0 => "game".to_owned(),
        1 => "padcheck".to_owned(),
        2 => "testcard".to_owned(),
        made_up => format!("course-{}", made_up + 1 - GAMES),
    }
}

/// The index of an id.
#[must_use]
pub fn index(id: &str) -> Option<usize> {
    match id {
        "game" => Some(0),
        "padcheck" => Some(1),
        "testcard" => Some(2),
        made_up => {
            let digits = made_up.strip_prefix("course-")?;
            let number: usize = digits.parse().ok()?;
            // One spelling only: neither `+1` nor `01`.
            let index = number.checked_sub(1)?.checked_add(GAMES)?;
            (!digits.starts_with(['+', '0'])).then_some(index)
        }
    }
}

/// The entry at an index.
pub(crate) fn entry(index: usize) -> Entry {
    let game = |id: &'static str, name: &str, description: &str| Entry {
        id: id.to_owned(),
        name: name.to_owned(),
        description: description.to_owned(),
        year: 2026,
        players: "1",
        genres: &["Tool"],
        inputs: &["pad", "keyboard", "touch"],
        game: id,
        seed: None,
        offer: Offer::Free,
        regions: BOTH,
        quality: (1920, 1080, 60),
    };
    match index {
        0 => Entry {
            players: "1-2",
            genres: &["Action", "Arcade", "Space"],
            ..game(
                "game",
                "Comet Relay",
                "Shoot comets, tow their shards to the beacon and charge the relay before the next wave. The more \
                 shards you tow the stronger your guns, and the more a crash costs. Two ships that fly close together \
                 link and fire faster.",
            )
        },
        1 => Entry {
            players: "1-16",
            ..game(
                "padcheck",
                "Pad Check",
                "Shows everything that arrives: pads, keys, pointer, touch, motion and text. Triggers and face \
                 buttons drive the rumble motors, so that both ways of a controller can be tried.",
            )
        },
        2 => game(
            "testcard",
            "Test Card",
            "A flash and a beep at the same moment each second, fine lines and known colours: what a picture and its \
             sound must survive on their way to you.",
        ),
        further => made_up(further - GAMES),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;
    use crate::games;

    #[test]
    fn twenty_thousand_entries_are_distinct_and_can_all_be_played() {
        let (mut ids, mut names) = (HashSet::new(), HashSet::new());
        let playable: Vec<_> = games::catalogue().iter().map(|(name, _)| *name).collect();
        for number in 0..20_003 {
            let entry = entry(number);
            assert_eq!((index(&entry.id), id(number)), (Some(number), entry.id.clone()));
            assert_eq!(entry.offer, offer(number));
            assert!(playable.contains(&entry.game) && !entry.regions.is_empty() && !entry.description.is_empty());
            assert!(ids.insert(entry.id) && names.insert(entry.name.clone()), "{} twice", entry.name);
        }
        for (number, (name, title)) in games::catalogue().iter().enumerate() {
            assert_eq!((entry(number).game, entry(number).name.as_str()), (*name, *title));
        }
    }

    proptest! {
        #[test]
        fn an_id_has_one_spelling(text in "(course-)?[-+0-9a-z]{0,24}") {
            if let Some(index) = index(&text) {
                prop_assert_eq!(id(index), text);
            }
        }
    }
}
