//! The catalogue: readings in pages, bad days, and how long things take.

use std::path::PathBuf;
use std::time::Instant;

use entente_model::ProblemKind;
use entente_model::catalogue::{ProviderId, Title};
use entente_model::provider::TitlePage;
use entente_store::library::{Changes, FILE, Library};
use tempfile::TempDir;

fn demo() -> ProviderId {
    ProviderId("demo".to_owned())
}

fn file(root: &TempDir) -> PathBuf {
    root.path().join("cache").join(FILE)
}

fn open(root: &TempDir) -> Library {
    Library::open(file(root)).unwrap()
}

fn title(id: &str, name: &str) -> Title {
    Title { id: id.to_owned(), name: name.to_owned(), ..Title::default() }
}

fn page(titles: &[(&str, &str)]) -> TitlePage {
    TitlePage { titles: titles.iter().map(|(id, name)| title(id, name)).collect(), ..TitlePage::default() }
}

/// A whole catalogue in one page, with a mark.
fn fill(library: &Library, titles: &[(&str, &str)], now: u64) -> Changes {
    let mut refresh = library.begin(&demo(), None, now).unwrap();
    library.stage(&mut refresh, &TitlePage { mark: Some(format!("m{now}")), ..page(titles) }).unwrap();
    library.finish(refresh, now).unwrap()
}

fn names(library: &Library) -> Vec<String> {
    library.titles().unwrap().into_iter().map(|known| known.title.name).collect()
}

#[test]
fn a_reading_in_pages_appears_at_its_end() {
    let root = tempfile::tempdir().unwrap();
    let library = open(&root);
    let mut refresh = library.begin(&demo(), None, 10).unwrap();
    library.stage(&mut refresh, &page(&[("a", "Ant"), ("b", "Bee")])).unwrap();
    assert!(names(&library).is_empty() && library.reading(&demo()).unwrap().is_none());
    library.stage(&mut refresh, &TitlePage { mark: Some("m".to_owned()), ..page(&[("c", "cat")]) }).unwrap();
    let changes = library.finish(refresh, 20).unwrap();
    assert_eq!(changes, Changes { added: 3, ..Changes::default() });
    let again = open(&root);
    assert_eq!(names(&again), ["Ant", "Bee", "cat"]);
    let reading = again.reading(&demo()).unwrap().unwrap();
    assert_eq!((reading.mark.as_deref(), reading.read_millis), (Some("m"), 20));
    assert!(again.take_notes().is_empty());
}

#[test]
fn changes_are_taken_in_and_removals_too() {
    let root = tempfile::tempdir().unwrap();
    let library = open(&root);
    fill(&library, &[("a", "Ant"), ("b", "Bee"), ("c", "Cat")], 10);
    let mut refresh = library.begin(&demo(), Some("m10"), 20).unwrap();
    let change = TitlePage { removed: vec!["a".to_owned()], ..page(&[("b", "Bumblebee"), ("c", "Cat"), ("d", "Dog")]) };
    library.stage(&mut refresh, &change).unwrap();
    let changes = library.finish(refresh, 20).unwrap();
    assert_eq!(changes, Changes { added: 1, changed: 1, removed: 1, superseded: false });
    assert_eq!(names(&library), ["Bumblebee", "Cat", "Dog"]);
    let added: Vec<_> = library.titles().unwrap().iter().map(|known| known.added_millis).collect();
    assert_eq!(added, [10, 10, 20], "when it was seen first");
    // An answer that turns out to be the whole catalogue.
    let mut refresh = library.begin(&demo(), Some("m20"), 30).unwrap();
    library.stage(&mut refresh, &TitlePage { complete: true, ..page(&[("d", "Dog")]) }).unwrap();
    library.stage(&mut refresh, &page(&[("e", "Eel")])).unwrap();
    assert_eq!(library.finish(refresh, 30).unwrap().removed, 2);
    assert_eq!(names(&library), ["Dog", "Eel"]);
}

#[test]
fn a_reading_that_dies_leaves_the_older_state_whole() {
    let root = tempfile::tempdir().unwrap();
    fill(&open(&root), &[("a", "Ant"), ("b", "Bee")], 10);
    let library = open(&root);
    let mut dies = library.begin(&demo(), None, 20).unwrap();
    library.stage(&mut dies, &page(&[("c", "Cat")])).unwrap();
    drop(library);
    let library = open(&root);
    assert_eq!(names(&library), ["Ant", "Bee"]);
    let mut cancelled = library.begin(&demo(), None, 30).unwrap();
    library.stage(&mut cancelled, &page(&[("d", "Dog")])).unwrap();
    library.abandon(cancelled).unwrap();
    assert_eq!(names(&library), ["Ant", "Bee"]);
    assert_eq!(library.reading(&demo()).unwrap().unwrap().mark.as_deref(), Some("m10"));
    // What the dead one left is gone a day later.
    let day = 24 * 60 * 60 * 1000;
    let next = library.begin(&demo(), None, 20 + day + 1).unwrap();
    library.abandon(next).unwrap();
    drop(library);
    let connection = rusqlite::Connection::open(file(&root)).unwrap();
    let left: i64 = connection.query_row("SELECT count(*) FROM staged", (), |row| row.get(0)).unwrap();
    assert_eq!(left, 0);
}

#[test]
fn of_two_shells_the_faster_reading_counts() {
    let root = tempfile::tempdir().unwrap();
    let (one, two) = (open(&root), open(&root));
    fill(&one, &[("a", "Ant")], 10);
    let mut slow = one.begin(&demo(), Some("m10"), 20).unwrap();
    one.stage(&mut slow, &page(&[("a", "Ant"), ("b", "Bee")])).unwrap();
    fill(&two, &[("a", "Ant"), ("c", "Cat")], 25);
    assert!(one.finish(slow, 30).unwrap().superseded);
    assert_eq!(names(&one), ["Ant", "Cat"]);
    assert_eq!(one.reading(&demo()).unwrap().unwrap().mark.as_deref(), Some("m25"));
}

#[test]
fn a_provider_is_forgotten_alone() {
    let root = tempfile::tempdir().unwrap();
    let library = open(&root);
    fill(&library, &[("a", "Ant")], 10);
    let other = ProviderId("other".to_owned());
    let mut refresh = library.begin(&other, None, 10).unwrap();
    library.stage(&mut refresh, &page(&[("a", "Antelope")])).unwrap();
    library.finish(refresh, 10).unwrap();
    library.forget(&demo()).unwrap();
    assert_eq!(names(&library), ["Antelope"]);
    assert!(library.reading(&demo()).unwrap().is_none() && library.reading(&other).unwrap().is_some());
}

#[test]
fn search_knows_no_accents_and_no_wildcards() {
    let root = tempfile::tempdir().unwrap();
    let library = open(&root);
    fill(&library, &[("p", "Pokémon Über Alles"), ("s", "Super Pokemon"), ("h", "100% Orange"), ("u", "a_b")], 10);
    let found = |query: &str| library.search(query, 10).unwrap().into_iter().map(|(_, id)| id).collect::<Vec<_>>();
    assert_eq!(found("pokemon"), ["p", "s"], "those that begin so come first");
    assert_eq!(found("POKÉ sup"), ["s"]);
    assert_eq!((found("0%"), found("%"), found("_")), (vec!["h".into()], vec!["h".into()], vec!["u".into()]));
    assert!(found("'; DROP TABLE title; --").is_empty());
    assert_eq!((found("").len(), library.search("", 2).unwrap().len()), (4, 2));
}

#[test]
fn a_damaged_file_begins_anew_and_says_so() {
    for damage in ["text", "head", "middle", "other"] {
        let root = tempfile::tempdir().unwrap();
        let library = open(&root);
        let long = "x".repeat(2000);
        let many: Vec<(String, String)> = (0..200).map(|n| (format!("t{n}"), format!("{long}{n}"))).collect();
        let many: Vec<(&str, &str)> = many.iter().map(|(id, name)| (id.as_str(), name.as_str())).collect();
        fill(&library, &many, 10);
        drop(library);
        let path = file(&root);
        let mut bytes = std::fs::read(&path).unwrap();
        match damage {
            "text" => bytes = b"this is no database, however long it may become".repeat(100),
            "head" => bytes[..100].fill(0xff),
            "middle" => bytes[4096..].fill(0xa5),
            _ => {
                std::fs::remove_file(&path).unwrap();
                rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE x(y)").unwrap();
                bytes = std::fs::read(&path).unwrap();
            }
        }
        std::fs::write(&path, bytes).unwrap();
        let library = open(&root);
        // Damage in the middle is found when it is read.
        let first = library.titles();
        assert!(first.as_ref().map_or_else(|problem| problem.retry, Vec::is_empty), "{damage}: {first:?}");
        assert!(names(&library).is_empty(), "{damage}");
        let notes = library.take_notes();
        assert!(notes.len() == 1 && notes[0].kind == ProblemKind::Storage, "{damage}: {notes:?}");
        fill(&library, &[("a", "Ant")], 20);
        assert_eq!(names(&open(&root)), ["Ant"], "{damage}");
    }
}

#[test]
fn a_reading_does_not_survive_a_new_beginning() {
    let root = tempfile::tempdir().unwrap();
    let library = open(&root);
    let mut refresh = library.begin(&demo(), None, 10).unwrap();
    library.stage(&mut refresh, &page(&[("a", "Ant")])).unwrap();
    library.forget(&demo()).unwrap();
    let problem = library.stage(&mut refresh, &page(&[("b", "Bee")])).unwrap_err();
    assert!(problem.retry, "{problem}");
    assert!(library.finish(refresh, 20).unwrap().superseded);
    assert!(names(&library).is_empty());
}

#[test]
fn titles_that_cannot_be_read_are_left_out_and_read_again() {
    let root = tempfile::tempdir().unwrap();
    fill(&open(&root), &[("a", "Ant"), ("b", "Bee")], 10);
    let connection = rusqlite::Connection::open(file(&root)).unwrap();
    connection.execute("UPDATE title SET json = '{\"inputs\": [\"telepathy\"]}' WHERE id = 'a'", ()).unwrap();
    drop(connection);
    let library = open(&root);
    assert_eq!(names(&library), ["Bee"]);
    assert_eq!(library.reading(&demo()).unwrap().unwrap().mark, None, "the next reading is a whole one");
}

#[test]
fn a_folder_that_cannot_be_made_leaves_a_library_in_memory() {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("cache"), "in the way").unwrap();
    let library = open(&root);
    let notes = library.take_notes();
    assert!(notes.len() == 1 && notes[0].kind == ProblemKind::Storage, "{notes:?}");
    fill(&library, &[("a", "Ant")], 10);
    assert_eq!(names(&library), ["Ant"]);
}

#[test]
fn twenty_thousand_titles() {
    let root = tempfile::tempdir().unwrap();
    let library = open(&root);
    let pages: Vec<TitlePage> = (0..40)
        .map(|page| TitlePage {
            titles: (0..500)
                .map(|number| Title {
                    description: "A game about things that happen. ".repeat(10),
                    genres: vec!["Action".to_owned(), "Puzzle".to_owned()],
                    known_ids: vec![("igdb".to_owned(), format!("{page}{number}"))],
                    ..title(&format!("t{page}-{number}"), &format!("Game {number} of Part {page}"))
                })
                .collect(),
            ..TitlePage::default()
        })
        .collect();
    #[allow(clippy::disallowed_methods, reason = "shown to who reads the test, not judged")]
    let now = Instant::now;
    let began = now();
    let mut refresh = library.begin(&demo(), None, 10).unwrap();
    for page in &pages {
        library.stage(&mut refresh, page).unwrap();
    }
    let staged = began.elapsed();
    assert_eq!(library.finish(refresh, 20).unwrap().added, 20_000);
    println!("20 000 titles: pages {staged:?}, with taking over {:?}", began.elapsed());
    let began = now();
    let library = open(&root);
    let opened = began.elapsed();
    assert_eq!(library.titles().unwrap().len(), 20_000);
    println!("20 000 titles: open {opened:?}, with loading all {:?}", began.elapsed());
    let began = now();
    assert_eq!(library.search("game 499 part", 100).unwrap().len(), 40);
    println!("20 000 titles: search {:?}", began.elapsed());
}
