//! Settings in layers, through files of all ages and states.

use std::path::PathBuf;

use entente_model::ProblemKind;
use entente_store::settings::{Context, FILE, Layer, REGISTRY, Settings, Value};
use proptest::prelude::*;
use tempfile::TempDir;

fn file(root: &TempDir) -> PathBuf {
    root.path().join("config").join(FILE)
}

fn open(root: &TempDir) -> Settings {
    Settings::open(file(root))
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn write(root: &TempDir, content: &str) {
    std::fs::create_dir_all(file(root).parent().unwrap()).unwrap();
    std::fs::write(file(root), content).unwrap();
}

fn playing() -> Context {
    Context { network: Some("home".to_owned()), host: Some("demo".to_owned()), game: Some("demo/meadow".to_owned()) }
}

fn value(settings: &Settings, key: &str) -> Value {
    settings.resolve(key, &playing()).unwrap().value
}

#[test]
fn stronger_layers_win_and_the_chain_says_why() {
    let root = tempfile::tempdir().unwrap();
    let settings = open(&root);
    settings.set("video.fps", Layer::User, None, text("60")).unwrap();
    settings.set("video.fps", Layer::Network, Some("home"), text("30")).unwrap();
    settings.set("video.fps", Layer::Game, Some("demo/meadow"), text("120")).unwrap();
    settings.set("video.fps", Layer::Game, Some("demo/other"), text("240")).unwrap();
    let settings = open(&root);
    let resolved = settings.resolve("video.fps", &playing()).unwrap();
    assert_eq!((resolved.value, resolved.from), (text("120"), Layer::Game));
    let chain: Vec<_> = resolved.chain.iter().map(|link| (link.layer, link.scope.as_deref())).collect();
    let expected = [
        (Layer::Game, Some("demo/meadow")),
        (Layer::Network, Some("home")),
        (Layer::User, None),
        (Layer::Default, None),
    ];
    assert_eq!(chain, expected);
    let resolved = settings.resolve("video.fps", &Context::default()).unwrap();
    assert_eq!((resolved.value, resolved.from), (text("60"), Layer::User));
    settings.reset("video.fps", Layer::Game, Some("demo/meadow")).unwrap();
    assert_eq!(value(&settings, "video.fps"), text("30"));
    assert!(!std::fs::read_to_string(file(&root)).unwrap().contains("meadow"));
}

#[test]
fn nonsense_is_refused_and_changes_nothing() {
    let root = tempfile::tempdir().unwrap();
    let settings = open(&root);
    for (key, layer, scope, value) in [
        ("video.hologram", Layer::User, None, Value::Toggle(true)),
        ("video.fps", Layer::User, None, text("59")),
        ("video.fps", Layer::User, Some("x"), text("60")),
        ("video.fps", Layer::Game, None, text("60")),
        ("video.fps", Layer::Game, Some(""), text("60")),
        ("video.fps", Layer::Default, None, text("60")),
        ("look.theme", Layer::Game, Some("x"), text("dark")),
        ("video.bitrate_kbps", Layer::User, None, Value::Number(i64::MAX)),
    ] {
        let problem = settings.set(key, layer, scope, value).unwrap_err();
        assert_eq!(problem.kind, ProblemKind::BadInput, "{key} {layer:?}");
    }
    assert!(!file(&root).exists());
}

#[test]
fn an_older_file_is_migrated_and_kept() {
    let root = tempfile::tempdir().unwrap();
    let old = include_str!("../fixtures/settings-v1.json");
    write(&root, old);
    let settings = open(&root);
    assert!(settings.take_notes().is_empty());
    assert_eq!(value(&settings, "window.mode"), text("fullscreen"));
    assert_eq!(value(&settings, "video.bitrate_kbps"), Value::Number(25_000));
    assert_eq!(value(&settings, "video.fps"), text("120"));
    settings.set("look.language", Layer::User, None, text("de")).unwrap();
    let now = std::fs::read_to_string(file(&root)).unwrap();
    for kept in ["\"version\": 2", "video.hologram", "from_elsewhere", "\"window.mode\": \"fullscreen\""] {
        assert!(now.contains(kept), "{kept}\n{now}");
    }
    assert!(!now.contains("bitrate_mbps"));
    assert_eq!(std::fs::read_to_string(file(&root).with_file_name("settings.v1.json")).unwrap(), old);
    assert_eq!(value(&open(&root), "look.theme"), text("dark"));
}

#[test]
fn what_a_newer_program_wrote_survives() {
    let root = tempfile::tempdir().unwrap();
    write(
        &root,
        r#"{"version": 7, "user": {"video.fps": "60", "video.depth": 10}, "seat": {"a": 1}, "game": {"g": {"x.y": true}}}"#,
    );
    let settings = open(&root);
    assert_eq!(value(&settings, "video.fps"), text("60"));
    settings.set("video.fps", Layer::User, None, text("30")).unwrap();
    let now: serde_json::Value = serde_json::from_slice(&std::fs::read(file(&root)).unwrap()).unwrap();
    assert_eq!(now["version"], 7);
    assert_eq!(now["user"]["video.depth"], 10);
    assert_eq!(now["user"]["video.fps"], "30");
    assert_eq!((&now["seat"]["a"], &now["game"]["g"]["x.y"]), (&1.into(), &true.into()));
}

#[test]
fn values_that_do_not_fit_give_way_with_a_note() {
    let root = tempfile::tempdir().unwrap();
    write(
        &root,
        r#"{"version": 2, "user": {"video.fps": "60", "look.text_size": 5000, "look.theme": {"a": 1}},
            "game": {"demo/meadow": {"video.fps": 61}}, "host": [1]}"#,
    );
    let settings = open(&root);
    let resolved = settings.resolve("video.fps", &playing()).unwrap();
    assert_eq!((resolved.value, resolved.from), (text("60"), Layer::User));
    assert_eq!(resolved.ignored.len(), 1);
    assert!(resolved.ignored[0].why.contains("one of") && resolved.ignored[0].found == "61");
    let resolved = settings.resolve("look.text_size", &playing()).unwrap();
    assert_eq!((resolved.value, resolved.from), (Value::Number(100), Layer::Default));
    assert_eq!(settings.resolve("look.theme", &playing()).unwrap().ignored.len(), 1);
    // Still there for who can use it.
    settings.set("look.ten_foot", Layer::User, None, Value::Toggle(true)).unwrap();
    assert!(std::fs::read_to_string(file(&root)).unwrap().contains("5000"));
}

#[test]
fn a_broken_file_is_set_aside_and_said() {
    let root = tempfile::tempdir().unwrap();
    for (number, broken) in
        ["{\"version\": 2, \"user\": {", "[]", "{}", "\u{0}\u{0}", "{\"version\": -1}"].iter().enumerate()
    {
        write(&root, broken);
        let settings = open(&root);
        let notes = settings.take_notes();
        assert!(notes.len() == 1 && notes[0].why.contains("settings.broken-"), "{notes:?}");
        let aside = file(&root).with_file_name(format!("settings.broken-{}.json", number + 1));
        assert_eq!(std::fs::read_to_string(aside).unwrap(), *broken);
        assert_eq!(value(&settings, "video.fps"), text("auto"));
        settings.set("video.fps", Layer::User, None, text("60")).unwrap();
    }
}

#[test]
fn a_file_that_breaks_while_running_loses_nothing() {
    let root = tempfile::tempdir().unwrap();
    let settings = open(&root);
    settings.set("video.fps", Layer::User, None, text("60")).unwrap();
    std::fs::write(file(&root), "half a fi").unwrap();
    settings.set("look.theme", Layer::User, None, text("dark")).unwrap();
    let again = open(&root);
    assert_eq!((value(&again, "video.fps"), value(&again, "look.theme")), (text("60"), text("dark")));
    assert_eq!(settings.take_notes().len(), 1);
}

#[test]
fn two_shells_at_once_lose_nothing() {
    let root = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for shell in 0..2 {
            let root = &root;
            scope.spawn(move || {
                let settings = open(root);
                for number in 0..25 {
                    let game = format!("g{shell}/{number}");
                    settings.set("video.fps", Layer::Game, Some(&game), text("60")).unwrap();
                }
            });
        }
    });
    let settings = open(&root);
    for shell in 0..2 {
        for number in 0..25 {
            let context = Context { game: Some(format!("g{shell}/{number}")), ..Context::default() };
            assert_eq!(settings.resolve("video.fps", &context).unwrap().from, Layer::Game);
        }
    }
}

#[test]
fn an_export_comes_back_through_import() {
    let (root, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(
        &root,
        r#"{"version": 2, "user": {"video.fps": "60", "token": "hunter2"}, "game": {"g": {"video.fps": "30"}}}"#,
    );
    let export = root.path().join("mine.json");
    open(&root).export(&export).unwrap();
    assert!(!std::fs::read_to_string(&export).unwrap().contains("hunter2"), "only what is registered");
    let settings = open(&other);
    settings.set("look.theme", Layer::User, None, text("dark")).unwrap();
    assert!(settings.import(&export).unwrap().is_empty());
    let settings = open(&other);
    assert_eq!((value(&settings, "video.fps"), value(&settings, "look.theme")), (text("60"), text("dark")));
    let context = Context { game: Some("g".to_owned()), ..Context::default() };
    assert_eq!(settings.resolve("video.fps", &context).unwrap().value, text("30"));
    // Of an older version, with something unknown in it.
    std::fs::write(&export, include_str!("../fixtures/settings-v1.json")).unwrap();
    let left = settings.import(&export).unwrap();
    assert!(left.len() == 1 && left[0].contains("video.hologram"), "{left:?}");
    assert_eq!(value(&settings, "window.mode"), text("fullscreen"));
    std::fs::write(&export, "no").unwrap();
    assert_eq!(settings.import(&export).unwrap_err().kind, ProblemKind::BadInput);
    assert_eq!(settings.import(root.path()).unwrap_err().kind, ProblemKind::Storage);
}

/// JSON that looks like settings, more or less.
fn like_settings() -> impl Strategy<Value = String> {
    let key = prop_oneof![
        prop::sample::select(REGISTRY).prop_map(|setting| setting.key.to_owned()),
        "[a-z.]{0,8}".prop_map(String::from),
    ];
    let leaf = prop_oneof![
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        "[a-z0-9]{0,6}".prop_map(serde_json::Value::from),
        Just(serde_json::Value::Null),
        Just(serde_json::json!([{}])),
    ];
    let values = prop::collection::btree_map(key, leaf, 0..6).prop_map(|map| serde_json::to_value(map).unwrap());
    let layer = prop::sample::select(vec!["user", "network", "host", "game", "values", "other"]);
    let scoped = prop_oneof![values.clone(), values.prop_map(|values| serde_json::json!({ "h": values }))];
    (prop::option::of(0..4u64), prop::collection::btree_map(layer, scoped, 0..5)).prop_map(|(version, layers)| {
        let mut root = serde_json::to_value(layers).unwrap();
        if let Some(version) = version {
            root["version"] = version.into();
        }
        root.to_string()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_file_gives_values_that_fit(bytes in prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        like_settings().prop_map(String::into_bytes),
    ]) {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(file(&root).parent().unwrap()).unwrap();
        std::fs::write(file(&root), &bytes).unwrap();
        let settings = open(&root);
        for (setting, resolved) in settings.all(&playing()) {
            prop_assert_eq!(setting.check(&resolved.value), Ok(()));
        }
        if !settings.take_notes().is_empty() {
            let aside = file(&root).with_file_name("settings.broken-1.json");
            prop_assert_eq!(std::fs::read(aside).unwrap(), bytes);
        }
        settings.set("video.fps", Layer::User, None, text("60")).unwrap();
        let again = open(&root).resolve("video.fps", &Context::default()).unwrap();
        prop_assert_eq!((again.value, again.from), (text("60"), Layer::User));
    }

    #[test]
    fn no_file_makes_running_settings_forget(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let root = tempfile::tempdir().unwrap();
        let settings = open(&root);
        settings.set("video.fps", Layer::User, None, text("60")).unwrap();
        std::fs::write(file(&root), &bytes).unwrap();
        settings.set("look.theme", Layer::User, None, text("dark")).unwrap();
        prop_assert_eq!(value(&open(&root), "video.fps"), text("60"));
        prop_assert_eq!(value(&open(&root), "look.theme"), text("dark"));
    }
}
