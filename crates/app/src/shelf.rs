//! The shelf: every card in memory, ready to be searched.
//!
//! It is built anew when a list, a choice or an account changes, off the tasks; readers take the last whole one.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use entente_model::catalogue::Title;
use entente_store::library::{Chosen, Known, Played};
use parking_lot::Mutex;

use crate::merge::{self, ByHand, Entry};
use crate::view::{Card, LibraryQuery, Sort};

/// The last whole shelf.
#[derive(Default)]
pub(crate) struct Shelf {
    now: Mutex<Arc<Cards>>,
}

impl Shelf {
    pub(crate) fn get(&self) -> Arc<Cards> {
        Arc::clone(&self.now.lock())
    }

    pub(crate) fn put(&self, cards: Cards) {
        *self.now.lock() = Arc::new(cards);
    }
}

/// All cards.
#[derive(Debug, Default)]
pub(crate) struct Cards {
    entries: Vec<Entry>,
    cards: Vec<Placed>,
    place: HashMap<String, usize>,
    pub(crate) genres: Vec<String>,
}

/// A card, and what it is found and ordered by.
#[derive(Debug)]
pub(crate) struct Placed {
    pub(crate) card: Card,
    pub(crate) by_hand: bool,
    /// Places in the list of entries, the one that names the card first.
    entries: Vec<usize>,
    folded: String,
    added: u64,
}

impl Cards {
    /// Builds the shelf. `now` is Unix time in milliseconds.
    pub(crate) fn build(known: Vec<Known>, chosen: &Chosen, running: &BTreeSet<String>, now: u64) -> Self {
        let (entries, added): (Vec<Entry>, Vec<u64>) = known
            .into_iter()
            .map(|known| (Entry { provider: known.provider.0, title: known.title }, known.added_millis))
            .unzip();
        let by_hand =
            ByHand { split: chosen.split.iter().cloned().collect(), joined: chosen.joined.iter().cloned().collect() };
        let groups = merge::merge(&entries, &by_hand);
        let mut cards = Vec::with_capacity(groups.len());
        let mut place = HashMap::with_capacity(groups.len());
        for group in groups {
            let members: Vec<&Entry> = group.entries.iter().filter_map(|index| entries.get(*index)).collect();
            let Some(card) = card_of(&group.id, &members, chosen, running, now) else { continue };
            // A card is found by each of its editions too: favourites and links outlive a merge.
            for member in &members {
                place.insert(member.edition(), cards.len());
            }
            cards.push(Placed {
                folded: merge::folded(&card.title),
                added: group.entries.iter().filter_map(|index| added.get(*index)).copied().max().unwrap_or(0),
                by_hand: group.by_hand,
                entries: group.entries,
                card,
            });
        }
        let genres: BTreeSet<&String> = cards.iter().flat_map(|placed| &placed.card.genres).collect();
        let genres = genres.into_iter().cloned().collect();
        Self { entries, cards, place, genres }
    }

    /// The card called `id`, or the one that holds the edition `id`.
    pub(crate) fn card(&self, id: &str) -> Option<&Placed> {
        self.cards.get(*self.place.get(id)?)
    }

    /// Titles of a card.
    pub(crate) fn entries<'a>(&'a self, placed: &'a Placed) -> impl Iterator<Item = &'a Entry> {
        placed.entries.iter().filter_map(|index| self.entries.get(*index))
    }

    /// The title of an edition `provider/title`.
    pub(crate) fn edition(&self, id: &str) -> Option<&Entry> {
        self.entries(self.card(id)?).find(|entry| entry.edition() == id)
    }

    /// Cards that `query` allows, in its order: the asked part, and how many there are.
    pub(crate) fn find(&self, query: &LibraryQuery) -> (Vec<Card>, usize) {
        let folded = merge::folded(&query.search);
        let words: Vec<&str> = folded.split_whitespace().collect();
        let mut found: Vec<&Placed> = self.cards.iter().filter(|placed| placed.fits(query, &words)).collect();
        match query.sort {
            Sort::Name => found.sort_by(|left, right| left.folded.cmp(&right.folded)),
            Sort::Recent => found.sort_by(|left, right| {
                (right.card.last_played.cmp(&left.card.last_played)).then_with(|| left.folded.cmp(&right.folded))
            }),
            Sort::Added => {
                found.sort_by(|left, right| right.added.cmp(&left.added).then_with(|| left.folded.cmp(&right.folded)))
            }
            Sort::Playtime => found.sort_by(|left, right| {
                let (left_time, right_time) = (left.card.playtime_seconds, right.card.playtime_seconds);
                right_time.cmp(&left_time).then_with(|| left.folded.cmp(&right.folded))
            }),
        }
        if !folded.is_empty() {
            // What begins with the words comes first; the order within stays.
            found.sort_by_key(|placed| !placed.folded.starts_with(&folded));
        }
        let total = found.len();
        let part = found.into_iter().skip(query.offset).take(query.limit);
        (part.map(|placed| placed.card.clone()).collect(), total)
    }
}

impl Placed {
    fn fits(&self, query: &LibraryQuery, words: &[&str]) -> bool {
        let card = &self.card;
        let any = |wanted: &[String], has: &[String]| wanted.is_empty() || wanted.iter().any(|one| has.contains(one));
        card.hidden == query.hidden
            && (!query.playable || card.playable)
            && (!query.favourites || card.favourite)
            && any(&query.providers, &card.providers)
            && any(&query.genres, &card.genres)
            && words.iter().all(|word| self.folded.contains(word))
    }
}

fn card_of(id: &str, members: &[&Entry], chosen: &Chosen, running: &BTreeSet<String>, now: u64) -> Option<Card> {
    let first = members.first()?;
    let mut genres: Vec<String> = Vec::new();
    let mut providers: Vec<String> = Vec::new();
    for member in members {
        for (list, values) in [(&mut genres, &member.title.genres), (&mut providers, &vec![member.provider.clone()])] {
            for value in values {
                if !list.contains(value) {
                    list.push(value.clone());
                }
            }
        }
    }
    let editions: Vec<String> = members.iter().map(|member| member.edition()).collect();
    let plays: Vec<&Played> = editions.iter().filter_map(|edition| chosen.plays.get(edition)).collect();
    Some(Card {
        id: id.to_owned(),
        title: best_name(members).unwrap_or(&first.title.name).to_owned(),
        art: members.iter().find(|member| member.title.tile.is_some()).map(|member| art_of(member, "tile")),
        favourite: editions.iter().any(|edition| chosen.favourites.contains(edition)),
        hidden: editions.iter().any(|edition| chosen.hidden.contains(edition)),
        providers,
        genres,
        last_played: plays.iter().map(|played| played.last_millis).max(),
        playtime_seconds: plays.iter().map(|played| played.seconds).sum(),
        playable: members.iter().any(|member| member.title.entitlement.allows(now)),
        running: editions.iter().any(|edition| running.contains(edition)),
    })
}

/// The shortest name is the one without an edition's suffix.
fn best_name<'a>(members: &[&'a Entry]) -> Option<&'a str> {
    members.iter().map(|member| member.title.name.as_str()).min_by_key(|name| name.chars().count())
}

/// Where the shell serves pictures to its web view. The web view of Windows knows no schemes of others, so it gets a name.
const ART: &str = if cfg!(windows) { "http://entente-art.localhost" } else { "entente-art://localhost" };

/// Address of a picture within the shell: the shell serves it from the cache or fetches it once.
pub(crate) fn art_of(entry: &Entry, which: &str) -> String {
    let title: &Title = &entry.title;
    let version = match which {
        "hero" => title.hero.as_ref(),
        _ => title.tile.as_ref(),
    };
    let version = version.map_or("", |art| art.version.as_str());
    let quoted = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!("{ART}/{which}/{}?v={}", quoted(&entry.edition()), quoted(version))
}

/// Which picture of which edition is at the path of an address of [`art_of`].
pub(crate) fn art_named(path: &str) -> Option<(&str, String)> {
    let (which, quoted) = path.strip_prefix('/')?.split_once('/')?;
    let pair = url::form_urlencoded::parse(quoted.as_bytes()).next()?;
    // One word without a value, which is what quoting made.
    let right = matches!(which, "tile" | "hero") && pair.1.is_empty() && !quoted.contains(['=', '&']);
    right.then(|| (which, pair.0.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use entente_model::catalogue::{Entitlement, ProviderId};

    fn known(provider: &str, id: &str, name: &str, genre: &str) -> Known {
        let title =
            Title { id: id.to_owned(), name: name.to_owned(), genres: vec![genre.to_owned()], ..Title::default() };
        Known { provider: ProviderId(provider.to_owned()), title, added_millis: id.len() as u64 }
    }

    fn names(cards: &Cards, query: &LibraryQuery) -> Vec<String> {
        cards.find(query).0.into_iter().map(|card| card.title).collect()
    }

    fn shelf(chosen: &Chosen) -> Cards {
        let mut list = vec![
            known("a", "1", "Doom", "Shooter"),
            known("b", "22", "DOOM Deluxe Edition", "Action"),
            known("a", "333", "Étoile", "Puzzle"),
            known("b", "4", "Adventures of Doom", "Puzzle"),
        ];
        list[3].title.entitlement = Entitlement::None;
        Cards::build(list, chosen, &BTreeSet::new(), 1)
    }

    #[test]
    fn words_filters_and_orders_do_what_they_say() {
        let mut chosen = Chosen::default();
        chosen.plays.insert("b/22".to_owned(), Played { last_millis: 9, seconds: 60 });
        let cards = shelf(&chosen);
        let search = |text: &str| LibraryQuery { search: text.to_owned(), sort: Sort::Name, ..LibraryQuery::default() };
        assert_eq!(names(&cards, &search("doom")), ["Doom", "Adventures of Doom"]);
        assert_eq!(names(&cards, &search("etoi")), ["Étoile"]);
        assert_eq!(names(&cards, &search("nothing")), Vec::<String>::new());
        assert_eq!(names(&cards, &LibraryQuery::default())[0], "Doom");
        let genre = LibraryQuery { genres: vec!["Puzzle".to_owned()], playable: true, ..LibraryQuery::default() };
        assert_eq!(names(&cards, &genre), ["Étoile"]);
        let (part, total) = cards.find(&LibraryQuery { offset: 1, limit: 1, ..LibraryQuery::default() });
        assert_eq!((part.len(), total), (1, 3));
        assert_eq!(cards.genres, ["Action", "Puzzle", "Shooter"]);
    }

    #[test]
    fn addresses_of_pictures_are_read_back() {
        let mut entry = Entry { provider: "demo".to_owned(), title: Title::default() };
        for id in ["game", "a b+c", "Ünicode/§", "x=1&y"] {
            id.clone_into(&mut entry.title.id);
            let address = art_of(&entry, "hero");
            let path = address.strip_prefix(ART).and_then(|path| path.split('?').next()).unwrap();
            assert_eq!(art_named(path), Some(("hero", format!("demo/{id}"))));
        }
        for wrong in ["", "/", "/tile", "/other/demo%2Fgame", "/tile/a=b", "/tile/a&b"] {
            assert_eq!(art_named(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_choice_for_one_edition_is_one_for_the_card() {
        let mut chosen = Chosen::default();
        chosen.favourites.insert("b/22".to_owned());
        chosen.hidden.insert("a/333".to_owned());
        let cards = shelf(&chosen);
        assert!(cards.card("a/1").unwrap().card.favourite);
        assert_eq!(cards.card("a/1").unwrap().card.id, cards.card("b/22").unwrap().card.id);
        assert_eq!(cards.edition("b/22").unwrap().title.name, "DOOM Deluxe Edition");
        let hidden = LibraryQuery { hidden: true, ..LibraryQuery::default() };
        assert_eq!(names(&cards, &hidden), ["Étoile"]);
        assert_eq!(names(&cards, &LibraryQuery::default()).len(), 2);
    }
}
