//! One card for each game, with every way to play it inside.
//!
//! Titles of several providers are one game if a catalogue's identifier says so, or if their names are equal once
//! trademarks, editions and spelling are taken off. The user's hand is stronger: what was split stays apart, what was
//! joined stays together, and both survive whatever the providers list tomorrow.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use entente_model::catalogue::Title;

/// Words after a name that say how it is sold and not which game it is.
const EDITIONS: &[&str] = &[
    "game of the year edition",
    "game of the year",
    "goty edition",
    "goty",
    "complete edition",
    "definitive edition",
    "deluxe edition",
    "digital deluxe edition",
    "standard edition",
    "ultimate edition",
    "gold edition",
    "premium edition",
    "special edition",
    "anniversary edition",
    "enhanced edition",
    "xbox one edition",
    "xbox series x s",
    "for xbox one",
    "for windows",
    "windows edition",
    "windows 10 edition",
    "pc edition",
    "ps4 ps5",
    "ps4",
    "ps5",
    "cross gen bundle",
];

/// A title of a provider.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Provider.
    pub provider: String,
    /// As listed.
    pub title: Title,
}

impl Entry {
    /// Name of the edition that it is: `provider/title`.
    #[must_use]
    pub fn edition(&self) -> String {
        format!("{}/{}", self.provider, self.title.id)
    }
}

/// What the user did by hand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ByHand {
    /// Editions that stand alone.
    pub split: Vec<String>,
    /// Editions that belong together, in pairs.
    pub joined: Vec<(String, String)>,
}

/// Editions of one game.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Name of the card: that of its first edition in the order of names, so that it stays when others come and go
    /// behind it.
    pub id: String,
    /// Places in the list of entries, in the order of that list.
    pub entries: Vec<usize>,
    /// The user joined or split something here.
    pub by_hand: bool,
}

/// Puts `entries` into groups, in the order in which each group's first entry comes.
#[must_use]
pub fn merge(entries: &[Entry], by_hand: &ByHand) -> Vec<Group> {
    let mut sets = Sets::new(entries);
    let place: HashMap<String, usize> =
        entries.iter().enumerate().map(|(index, entry)| (entry.edition(), index)).collect();
    let mut alone = vec![false; entries.len()];
    for edition in &by_hand.split {
        if let Some(mark) = place.get(edition).and_then(|index| alone.get_mut(*index)) {
            *mark = true;
        }
    }
    let mut first: HashMap<String, usize> = HashMap::new();
    for (index, entry) in entries.iter().enumerate() {
        if alone.get(index).copied().unwrap_or(false) {
            continue;
        }
        let ids = entry.title.known_ids.iter().map(|(catalogue, id)| format!("id {catalogue} {id}"));
        let name = plain(&entry.title.name);
        let names = (!name.is_empty()).then(|| name_key(&name, entry.title.year, entries, &first));
        for key in ids.chain(names) {
            match first.get(&key) {
                Some(other) => sets.join_providers(*other, index),
                None => {
                    first.insert(key, index);
                }
            }
        }
    }
    let mut touched = alone;
    for (left, right) in &by_hand.joined {
        if let (Some(left), Some(right)) = (place.get(left), place.get(right)) {
            sets.join(*left, *right);
            for index in [*left, *right] {
                if let Some(mark) = touched.get_mut(index) {
                    *mark = true;
                }
            }
        }
    }
    groups(entries, &mut sets, &touched)
}

/// The key of a name. Games of the same name and of years far apart are remakes, not editions.
fn name_key(name: &str, year: Option<u16>, entries: &[Entry], first: &HashMap<String, usize>) -> String {
    let key = format!("name {name}");
    let other = first.get(&key).and_then(|index| entries.get(*index)).and_then(|entry| entry.title.year);
    match (year, other) {
        (Some(ours), Some(theirs)) if ours.abs_diff(theirs) > 3 => format!("name {name} {ours}"),
        _ => key,
    }
}

fn groups(entries: &[Entry], sets: &mut Sets<'_>, touched: &[bool]) -> Vec<Group> {
    let mut order: Vec<usize> = Vec::new();
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for index in 0..entries.len() {
        let root = sets.root(index);
        let list = members.entry(root).or_default();
        if list.is_empty() {
            order.push(root);
        }
        list.push(index);
    }
    order
        .into_iter()
        .filter_map(|root| {
            let list = members.remove(&root)?;
            let id = list.iter().filter_map(|index| entries.get(*index)).map(Entry::edition).min()?;
            let by_hand = list.iter().any(|index| touched.get(*index).copied().unwrap_or(false));
            Some(Group { id, entries: list, by_hand })
        })
        .collect()
}

/// A name without case, accents, trademarks, punctuation and edition, for comparing and searching.
#[must_use]
pub fn plain(name: &str) -> String {
    let mut words = folded(name);
    // "The Witcher" and "Witcher, The".
    if let Some(rest) = words.strip_prefix("the ") {
        words = rest.to_owned();
    }
    if let Some(rest) = words.strip_suffix(" the") {
        words = rest.to_owned();
    }
    loop {
        let shorter = EDITIONS.iter().find_map(|edition| {
            let rest = words.strip_suffix(edition)?;
            rest.strip_suffix(' ').filter(|rest| !rest.is_empty()).map(str::to_owned)
        });
        match shorter {
            Some(shorter) => words = shorter,
            None => return words,
        }
    }
}

/// Lower case, without accents and marks; words apart by one space; Roman numerals up to 20 as numbers.
#[must_use]
pub fn folded(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    let mut out = String::with_capacity(text.len());
    let symbols = text.chars().filter(|letter| !matches!(letter, '™' | '®' | '©' | '\'' | '’'));
    for letter in symbols.nfkd().flat_map(char::to_lowercase) {
        if unicode_normalization::char::is_combining_mark(letter) {
            continue;
        }
        if matches!(letter, '&' | '+') {
            out.push_str(" and ");
        } else if letter.is_alphanumeric() {
            match letter {
                'ß' => out.push_str("ss"),
                'æ' => out.push_str("ae"),
                'ø' => out.push('o'),
                'ł' => out.push('l'),
                _ => out.push(letter),
            }
        } else {
            out.push(' ');
        }
    }
    let words = out.split_whitespace().enumerate().map(|(at, word)| if at == 0 { word } else { arabic(word) });
    words.collect::<Vec<_>>().join(" ")
}

fn arabic(word: &str) -> &str {
    match word {
        "ii" => "2",
        "iii" => "3",
        "iv" => "4",
        "v" => "5",
        "vi" => "6",
        "vii" => "7",
        "viii" => "8",
        "ix" => "9",
        "xi" => "11",
        "xii" => "12",
        "xiii" => "13",
        "xiv" => "14",
        "xv" => "15",
        "xvi" => "16",
        "xvii" => "17",
        "xviii" => "18",
        "xix" => "19",
        "xx" => "20",
        other => other,
    }
}

/// Sets of places that grow together.
struct Sets<'a> {
    parent: Vec<usize>,
    /// Providers of each set, at its root.
    providers: Vec<BTreeSet<&'a str>>,
}

impl<'a> Sets<'a> {
    fn new(entries: &'a [Entry]) -> Self {
        let providers = entries.iter().map(|entry| BTreeSet::from([entry.provider.as_str()])).collect();
        Self { parent: (0..entries.len()).collect(), providers }
    }

    /// Joins two sets that have no provider in common: two entries of one provider are two games to it, whatever they
    /// are called.
    fn join_providers(&mut self, left: usize, right: usize) {
        let (left, right) = (self.root(left), self.root(right));
        let apart = match (self.providers.get(left), self.providers.get(right)) {
            (Some(ours), Some(theirs)) => ours.is_disjoint(theirs),
            _ => false,
        };
        if apart {
            self.join(left, right);
        }
    }

    fn root(&mut self, mut index: usize) -> usize {
        loop {
            let above = self.parent.get(index).copied().unwrap_or(index);
            if above == index {
                return index;
            }
            let higher = self.parent.get(above).copied().unwrap_or(above);
            if let Some(place) = self.parent.get_mut(index) {
                *place = higher;
            }
            index = above;
        }
    }

    fn join(&mut self, left: usize, right: usize) {
        let (left, right) = (self.root(left), self.root(right));
        if left == right {
            return;
        }
        let (low, high) = (left.min(right), left.max(right));
        if let Some(place) = self.parent.get_mut(high) {
            *place = low;
        }
        let moved = self.providers.get_mut(high).map(std::mem::take).unwrap_or_default();
        if let Some(providers) = self.providers.get_mut(low) {
            providers.extend(moved);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(provider: &str, id: &str, name: &str) -> Entry {
        let title = Title { id: id.to_owned(), name: name.to_owned(), ..Title::default() };
        Entry { provider: provider.to_owned(), title }
    }

    fn ids(entries: &[Entry], by_hand: &ByHand) -> Vec<Vec<String>> {
        merge(entries, by_hand)
            .into_iter()
            .map(|group| group.entries.iter().map(|index| entries[*index].edition()).collect())
            .collect()
    }

    #[test]
    fn names_lose_what_does_not_tell_games_apart() {
        for (left, right) in [
            ("The Witcher® 3: Wild Hunt – Game of the Year Edition", "Witcher III Wild Hunt"),
            ("Pokémon™ Légends", "pokemon legends"),
            ("Assassin's Creed II", "Assassin’s Creed 2"),
            ("Forza Horizon 5 Premium Edition for Windows", "Forza Horizon 5"),
            ("Ratchet & Clank", "Ratchet and Clank"),
            ("GOTY", "GOTY"),
        ] {
            assert_eq!(plain(left), plain(right));
        }
        for (left, right) in [("Doom", "Doom II"), ("Halo 3", "Halo 3 ODST"), ("Final Fantasy X", "Final Fantasy XV")] {
            assert_ne!(plain(left), plain(right));
        }
    }

    #[test]
    fn editions_of_one_game_are_one_card() {
        let mut list = vec![entry("a", "1", "Doom™"), entry("b", "9", "DOOM"), entry("b", "10", "Doom II")];
        assert_eq!(ids(&list, &ByHand::default()), [vec!["a/1", "b/9"], vec!["b/10"]]);
        // The same name twice at one provider is two games.
        list.push(entry("b", "11", "Doom"));
        assert_eq!(ids(&list, &ByHand::default()).len(), 3);
    }

    #[test]
    fn a_known_identifier_joins_what_names_do_not() {
        let mut list = vec![entry("a", "1", "Yakuza: Like a Dragon"), entry("b", "2", "Ryu ga Gotoku 7")];
        for entry in &mut list {
            entry.title.known_ids.push(("igdb".to_owned(), "119171".to_owned()));
        }
        assert_eq!(ids(&list, &ByHand::default()).len(), 1);
    }

    #[test]
    fn a_remake_is_another_game() {
        let mut list = vec![entry("a", "1", "Resident Evil 4"), entry("b", "2", "Resident Evil 4")];
        (list[0].title.year, list[1].title.year) = (Some(2005), Some(2023));
        assert_eq!(ids(&list, &ByHand::default()).len(), 2);
        list[1].title.year = Some(2007);
        assert_eq!(ids(&list, &ByHand::default()).len(), 1);
    }

    #[test]
    fn the_hand_is_stronger_and_sticks() {
        let list = vec![entry("a", "1", "Doom"), entry("b", "9", "DOOM"), entry("c", "5", "Comet")];
        let by_hand = ByHand {
            split: vec!["b/9".to_owned(), "gone/1".to_owned()],
            joined: vec![("a/1".to_owned(), "c/5".to_owned())],
        };
        assert_eq!(ids(&list, &by_hand), [vec!["a/1", "c/5"], vec!["b/9"]]);
        let groups = merge(&list, &by_hand);
        assert!(groups.iter().all(|group| group.by_hand));
    }

    #[test]
    fn the_card_keeps_its_name_in_any_order() {
        let (one, two) = (entry("a", "1", "Doom"), entry("b", "9", "DOOM"));
        let first = merge(&[one.clone(), two.clone()], &ByHand::default());
        let second = merge(&[two, one], &ByHand::default());
        assert_eq!(first[0].id, second[0].id);
    }

    proptest! {
        #[test]
        fn every_entry_is_in_one_group(names in proptest::collection::vec("[a-c]{0,2}", 0..30),
                                       joins in proptest::collection::vec((0usize..30, 0usize..30), 0..10)) {
            let list: Vec<Entry> =
                names.iter().enumerate().map(|(at, name)| entry(["x", "y"][at % 2], &at.to_string(), name)).collect();
            let edition = |at: usize| list.get(at).map_or_else(String::new, Entry::edition);
            let by_hand = ByHand {
                split: vec![],
                joined: joins.into_iter().map(|(left, right)| (edition(left), edition(right))).collect(),
            };
            let mut all: Vec<usize> = merge(&list, &by_hand).into_iter().flat_map(|group| group.entries).collect();
            all.sort_unstable();
            prop_assert_eq!(all, (0..list.len()).collect::<Vec<_>>());
        }

        #[test]
        fn folding_twice_changes_nothing(text in ".{0,60}") {
            let once = folded(&text);
            prop_assert_eq!(folded(&once), once.clone());
            prop_assert!(!once.contains("  ") && once.trim() == once);
        }
    }
}
