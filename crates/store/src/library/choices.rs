//! What the user said about titles. Apart from the catalogue, so that a catalogue that begins anew loses nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use entente_model::Problem;
use serde_json::{Map, Value, json};

use crate::document::{Document, Rules, change_object};

const RULES: Rules = Rules { noun: "Favourites and playtimes", migrations: &[] };
const FAVOURITES: &str = "favourites";
const HIDDEN: &str = "hidden";
const SPLIT: &str = "split";
const JOINED: &str = "joined";
const PLAYS: &str = "plays";

/// How an edition was played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Played {
    /// When it was played last, Unix milliseconds.
    pub last_millis: u64,
    /// All time in it, seconds.
    pub seconds: u64,
}

/// All that the user said. Names are `provider/title`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    /// Marked as favourites.
    pub favourites: BTreeSet<String>,
    /// Not to be shown.
    pub hidden: BTreeSet<String>,
    /// Editions that are a game of their own.
    pub split: BTreeSet<String>,
    /// Pairs of editions that are one game.
    pub joined: BTreeSet<(String, String)>,
    /// What was played.
    pub plays: BTreeMap<String, Played>,
}

/// The file with what the user said.
#[derive(Debug)]
pub struct Choices {
    document: Document,
}

impl Choices {
    /// Reads `file`. What goes wrong is found in [`Choices::take_notes`].
    #[must_use]
    pub fn open(file: PathBuf) -> Self {
        Self { document: Document::open(file, RULES) }
    }

    /// What the user should hear about. Each is given once.
    pub fn take_notes(&self) -> Vec<Problem> {
        self.document.take_notes()
    }

    /// Takes in what another program wrote.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn reload(&self) -> Result<(), Problem> {
        self.document.reload()
    }

    /// All of it, as it is known.
    #[must_use]
    pub fn chosen(&self) -> Chosen {
        self.document.read(read)
    }

    /// Marks or unmarks a favourite.
    ///
    /// # Errors
    /// The file cannot be written; nothing is changed then.
    pub fn set_favourite(&self, name: &str, on: bool) -> Result<(), Problem> {
        self.document.update(|root| switch(root, FAVOURITES, name, on))
    }

    /// Hides or shows.
    ///
    /// # Errors
    /// The file cannot be written; nothing is changed then.
    pub fn set_hidden(&self, name: &str, on: bool) -> Result<(), Problem> {
        self.document.update(|root| switch(root, HIDDEN, name, on))
    }

    /// Makes an edition a game of its own. Others that were joined through it stay together.
    ///
    /// # Errors
    /// The file cannot be written; nothing is changed then.
    pub fn split(&self, edition: &str) -> Result<(), Problem> {
        self.document.update(|root| {
            let (of_it, mut pairs): (BTreeSet<_>, BTreeSet<_>) =
                read(root).joined.into_iter().partition(|(one, other)| one == edition || other == edition);
            let others: Vec<_> =
                of_it.into_iter().map(|(one, other)| if one == edition { other } else { one }).collect();
            pairs.extend(others.iter().zip(others.iter().skip(1)).map(|(one, other)| pair(one, other)));
            write_pairs(root, &pairs);
            switch(root, SPLIT, edition, true);
        })
    }

    /// Makes two editions one game.
    ///
    /// # Errors
    /// The file cannot be written; nothing is changed then.
    pub fn join(&self, one: &str, other: &str) -> Result<(), Problem> {
        self.document.update(|root| {
            let mut pairs = read(root).joined;
            if one != other {
                pairs.insert(pair(one, other));
            }
            write_pairs(root, &pairs);
            for edition in [one, other] {
                switch(root, SPLIT, edition, false);
            }
        })
    }

    /// Adds time that was played, at `now_millis`.
    ///
    /// # Errors
    /// The file cannot be written; nothing is changed then.
    pub fn played(&self, edition: &str, now_millis: u64, seconds: u64) -> Result<(), Problem> {
        self.document.update(|root| {
            let before = read(root).plays.get(edition).copied().unwrap_or_default();
            change_object(root, PLAYS, |plays| {
                change_object(plays, edition, |play| {
                    play.insert("last_millis".to_owned(), before.last_millis.max(now_millis).into());
                    play.insert("seconds".to_owned(), before.seconds.saturating_add(seconds).into());
                });
            });
        })
    }
}

/// In one order, so that a pair is not there twice.
fn pair(one: &str, other: &str) -> (String, String) {
    let (first, second) = if one < other { (one, other) } else { (other, one) };
    (first.to_owned(), second.to_owned())
}

fn switch(root: &mut Map<String, Value>, list: &str, name: &str, on: bool) {
    change_object(root, list, |list| {
        if on {
            list.insert(name.to_owned(), true.into());
        } else {
            list.remove(name);
        }
    });
}

fn write_pairs(root: &mut Map<String, Value>, pairs: &BTreeSet<(String, String)>) {
    root.insert(JOINED.to_owned(), pairs.iter().map(|(one, other)| json!([one, other])).collect());
}

/// What makes sense of it.
fn read(root: &Map<String, Value>) -> Chosen {
    let names = |list: &str| {
        let list = root.get(list).and_then(Value::as_object).into_iter().flatten();
        list.filter(|(_, on)| **on == Value::Bool(true)).map(|(name, _)| name.clone()).collect()
    };
    let joined = root.get(JOINED).and_then(Value::as_array).into_iter().flatten();
    let joined = joined.filter_map(|entry| match entry.as_array()?.as_slice() {
        [Value::String(one), Value::String(other)] if one != other => Some(pair(one, other)),
        _ => None,
    });
    let plays = root.get(PLAYS).and_then(Value::as_object).into_iter().flatten();
    let plays = plays.filter_map(|(name, play)| {
        let number = |key: &str| play.get(key).and_then(Value::as_u64);
        Some((name.clone(), Played { last_millis: number("last_millis")?, seconds: number("seconds").unwrap_or(0) }))
    });
    Chosen {
        favourites: names(FAVOURITES),
        hidden: names(HIDDEN),
        split: names(SPLIT),
        joined: joined.collect(),
        plays: plays.collect(),
    }
}

/// For fuzzing: reads any bytes as choices.
pub(crate) fn fuzz(bytes: &[u8]) {
    let Ok((mut root, _)) = RULES.parse(bytes) else { return };
    let pairs = read(&root).joined;
    write_pairs(&mut root, &pairs);
    assert!(read(&root).joined == pairs, "pairs changed by being written");
}
