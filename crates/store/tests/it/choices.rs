//! What the user said about titles.

use std::path::PathBuf;

use entente_store::library::{CHOICES_FILE, Choices, Played};
use proptest::prelude::*;
use tempfile::TempDir;

fn file(root: &TempDir) -> PathBuf {
    root.path().join("data").join(CHOICES_FILE)
}

fn open(root: &TempDir) -> Choices {
    Choices::open(file(root))
}

#[test]
fn what_is_said_is_kept() {
    let root = tempfile::tempdir().unwrap();
    let choices = open(&root);
    choices.set_favourite("demo/a", true).unwrap();
    choices.set_favourite("demo/b", true).unwrap();
    choices.set_favourite("demo/b", false).unwrap();
    choices.set_hidden("demo/c", true).unwrap();
    choices.played("demo/a", 1000, 60).unwrap();
    choices.played("demo/a", 500, 30).unwrap();
    let chosen = open(&root).chosen();
    assert_eq!(chosen.favourites, ["demo/a".to_owned()].into());
    assert_eq!(chosen.hidden, ["demo/c".to_owned()].into());
    assert_eq!(chosen.plays["demo/a"], Played { last_millis: 1000, seconds: 90 });
    assert_eq!(chosen, choices.chosen());
}

#[test]
fn joined_and_split_by_hand() {
    let root = tempfile::tempdir().unwrap();
    let choices = open(&root);
    choices.split("x/b").unwrap();
    choices.join("x/b", "x/a").unwrap();
    choices.join("x/a", "x/b").unwrap();
    choices.join("x/b", "x/c").unwrap();
    let pair = |one: &str, other: &str| (one.to_owned(), other.to_owned());
    assert_eq!(choices.chosen().joined, [pair("x/a", "x/b"), pair("x/b", "x/c")].into());
    assert!(choices.chosen().split.is_empty());
    choices.split("x/b").unwrap();
    let chosen = open(&root).chosen();
    assert_eq!(chosen.joined, [pair("x/a", "x/c")].into(), "the others stay together");
    assert_eq!(chosen.split, ["x/b".to_owned()].into());
}

#[test]
fn what_is_not_known_survives_and_nonsense_is_passed_over() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(file(&root).parent().unwrap()).unwrap();
    std::fs::write(
        file(&root),
        r#"{"version": 3, "favourites": {"a": true, "b": 1}, "joined": [["a", "a"], ["a"], "x", ["a", "b"]],
            "plays": {"a": {"last_millis": 5, "seconds": 7, "deaths": 9}, "b": []}, "stars": {"a": 5}}"#,
    )
    .unwrap();
    let choices = open(&root);
    assert_eq!(choices.chosen().favourites.len() + choices.chosen().joined.len(), 2);
    choices.played("a", 6, 1).unwrap();
    let text = std::fs::read_to_string(file(&root)).unwrap();
    let now: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&now["stars"]["a"], &now["plays"]["a"]["deaths"], &now["version"]), (&5.into(), &9.into(), &3.into()));
    assert_eq!(now["plays"]["a"]["seconds"], 8);
}

#[test]
fn two_shells_at_once_lose_nothing() {
    let root = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let choices = open(&root);
                for _ in 0..25 {
                    choices.played("demo/a", 1, 1).unwrap();
                }
            });
        }
    });
    assert_eq!(open(&root).chosen().plays["demo/a"].seconds, 50);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_file_is_read_or_set_aside(bytes in prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        r#"\{"version": ?[0-3], ?"(favourites|joined|plays|split)": ?(\{"a": ?(true|1|\{\})\}|\[\["a", ?"b"\]\]|7)\}"#
            .prop_map(String::into_bytes),
    ]) {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(file(&root).parent().unwrap()).unwrap();
        std::fs::write(file(&root), &bytes).unwrap();
        let choices = open(&root);
        let before = choices.chosen();
        if !choices.take_notes().is_empty() {
            prop_assert_eq!(std::fs::read(file(&root).with_file_name("choices.broken-1.json")).unwrap(), bytes);
        }
        choices.set_favourite("z", true).unwrap();
        choices.join("y", "z").unwrap();
        choices.played("z", 5, 5).unwrap();
        let after = open(&root).chosen();
        prop_assert!(after.favourites.contains("z") && after.plays.contains_key("z"));
        prop_assert!(before.favourites.is_subset(&after.favourites) && before.joined.is_subset(&after.joined));
    }
}
