//! What players do.

use std::sync::Arc;

use entente_app::AppEvent;
use entente_app::play::PlayerEvent;
use entente_app::view::{AccountState, Check, CheckState, Grade, LibraryQuery, PlayState, SignInStep};
use entente_model::provider::SignInWay;
use entente_store::settings::{Context, Layer, Value};
use serde_json::json;

use crate::world::{Act, Ring, World, cloud, decide, quick};

pub(crate) fn report() -> serde_json::Value {
    json!({
        "frames": { "received": 600, "presented": 599 },
        "video": { "fps": 60.0, "presented_fps": 60.0, "decoder": "h264 (software)" },
        "latency_ms": { "input_to_photon": { "p50": 20.0, "p99": 30.0 } },
        "session": { "ended_because": "You stopped the game.", "reconnects": 0 },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_plays_within_two_presses_and_comes_back() {
    let (folder, ring, cloud) = (tempfile::tempdir().unwrap(), Arc::new(Ring::default()), cloud(quick()));
    let mut world = World::new(folder.path(), &ring, &cloud.url()).await;
    world.guest().await;
    let page = world.app.library(LibraryQuery { search: "comet".to_owned(), ..LibraryQuery::default() }).await.unwrap();
    assert_eq!(page.cards[0].title, "Comet Relay");
    assert!(page.as_of.is_some() && page.problems.is_empty(), "{page:?}");

    let card = world.app.card(&page.cards[0].id).await.unwrap();
    let places: Vec<&str> = card.editions.iter().map(|edition| edition.place.as_str()).collect();
    assert_eq!(card.editions.len(), 2, "{places:?}");
    assert!(card.editions.iter().all(|edition| edition.available && edition.ping_ms.is_some()));
    assert!(card.editions[0].ping_ms < card.editions[1].ping_ms, "the nearer one is offered first");
    assert!(!card.description.is_empty());

    world.app.play(card.best.as_deref().unwrap()).unwrap();
    let again = world.app.play(card.best.as_deref().unwrap()).unwrap_err();
    assert_eq!(again.what, "A game is running already.");
    world.players(1).await;
    let (ticket, options) = world.puppets.started.lock()[0].clone();
    assert!(ticket.url.starts_with("whep+http://") && ticket.bearer.is_some() && ticket.supervised);
    assert_eq!(ticket.title.as_deref(), Some("Comet Relay"));
    let secret = ticket.bearer.as_ref().unwrap().reveal();
    assert!(options.iter().all(|option| !option.contains(secret)), "no token in arguments");

    let string = world.puppets.string();
    let stage = PlayerEvent::Stage { name: "connecting".to_owned(), text: "finding a path".to_owned() };
    string.send(Act::Say(stage)).await.unwrap();
    world
        .wait_play(|play| match play {
            PlayState::Starting { stage, stages, .. } if stage == "connecting" && stages.contains(stage) => Some(()),
            _ => None,
        })
        .await;
    string.send(Act::Say(PlayerEvent::FirstPicture)).await.unwrap();
    world.wait_play(|play| matches!(play, PlayState::Playing { .. }).then_some(())).await;
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    let ended = PlayerEvent::Ended { name: "user".to_owned(), text: "You stopped the game.".to_owned() };
    string.send(Act::Say(ended)).await.unwrap();
    string.send(Act::End(Some(0), report())).await.unwrap();
    let after = world
        .wait_play(|play| match play {
            PlayState::Ended { report } => Some(report.clone()),
            _ => None,
        })
        .await;
    assert_eq!((after.score, after.ended.as_str()), (Some(100), "You stopped the game."));
    assert!(after.figures.iter().any(|figure| figure.name == "input_to_photon" && figure.grade == Grade::Good));

    // The window was closed: the game waits, and the shelf says so.
    world.refreshed().await;
    let page = world.app.library(LibraryQuery::default()).await.unwrap();
    let first = &page.cards[0];
    assert!(first.running && first.playtime_seconds >= 1 && first.last_played.is_some(), "{first:?}");
    world.app.end_running(&first.id).await.unwrap();
    assert!(!world.app.library(LibraryQuery::default()).await.unwrap().cards[0].running);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_signs_in_and_the_next_start_needs_no_service() {
    let (folder, ring, cloud) = (tempfile::tempdir().unwrap(), Arc::new(Ring::default()), cloud(quick()));
    let base = cloud.url();
    let mut world = World::new(folder.path(), &ring, &base).await;
    world.app.restore().await;
    assert_eq!(world.app.accounts()[0].state, AccountState::SignedOut);
    world.app.sign_in("demo", SignInWay::DeviceCode).unwrap();
    let url = world
        .wait(|event| match event {
            AppEvent::SignIn { step: SignInStep::Code { code, url_complete, expires_at, .. }, .. } => {
                assert!(code.len() == 9 && *expires_at > 0);
                url_complete.clone()
            }
            _ => None,
        })
        .await;
    decide(&url, "allow").await;
    world.signed_in().await;
    assert_eq!(world.app.accounts()[0].who.as_deref(), Some("Ada"));
    world.refreshed().await;
    let shelf = world.titles().await;
    assert!(shelf.len() >= 3, "{shelf:?}");
    drop(world);

    // Signed in still, with the service there.
    let world = World::new(folder.path(), &ring, &base).await;
    world.app.restore().await;
    assert_eq!(world.app.accounts()[0].state, AccountState::SignedIn);
    drop(world);

    // And with the service gone: who it was, and the shelf with its age.
    tokio::task::spawn_blocking(move || cloud.stop()).await.unwrap();
    let world = World::new(folder.path(), &ring, &base).await;
    world.app.load_shelf().await.unwrap();
    assert_eq!(world.titles().await, shelf);
    world.app.restore().await;
    let account = &world.app.accounts()[0];
    assert_eq!((account.state, account.who.as_deref()), (AccountState::SignedIn, Some("Ada")));
    let page = world.app.library(LibraryQuery::default()).await.unwrap();
    assert!(page.as_of.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_browser_signs_in() {
    let (folder, ring, cloud) = (tempfile::tempdir().unwrap(), Arc::new(Ring::default()), cloud(quick()));
    let mut world = World::new(folder.path(), &ring, &cloud.url()).await;
    world.app.sign_in("demo", SignInWay::Browser).unwrap();
    let page = world
        .wait(|event| match event {
            AppEvent::SignIn { step: SignInStep::Browser { url }, .. } => Some(url.clone()),
            _ => None,
        })
        .await;
    let answer = decide(&page, "allow").await;
    let back = answer.headers()["location"].to_str().unwrap().to_owned();
    assert!(back.starts_with("http://127.0.0.1:"), "{back}");
    assert!(reqwest::get(back).await.unwrap().text().await.unwrap().contains("go back to Entente"));
    world.signed_in().await;
    // Signed out: the secret is gone, and the list with it.
    world.refreshed().await;
    world.app.sign_out("demo").await.unwrap();
    assert_eq!(world.app.accounts()[0].state, AccountState::SignedOut);
    world.app.load_shelf().await.unwrap();
    assert_eq!(world.titles().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hand_sticks_through_a_refresh() {
    let (folder, ring, cloud) = (tempfile::tempdir().unwrap(), Arc::new(Ring::default()), cloud(quick()));
    let mut world = World::new(folder.path(), &ring, &cloud.url()).await;
    world.guest().await;
    let before = world.titles().await.len();
    let page = world.app.library(LibraryQuery::default()).await.unwrap();
    let (one, two) = (page.cards[0].id.clone(), page.cards[1].id.clone());
    world.app.join(&one, &two).await.unwrap();
    world.app.set_favourite(&two, true).await.unwrap();
    assert_eq!(world.titles().await.len(), before - 1);
    world.app.refresh();
    world.refreshed().await;
    let card = world.app.card(&two).await.unwrap();
    assert!(card.by_hand && card.card.favourite);
    let apart = card.editions.iter().find(|edition| edition.id.starts_with(&two)).unwrap();
    world.app.split(&apart.id).await.unwrap();
    assert_eq!(world.titles().await.len(), before);
    world.app.set_hidden(&one, true).await.unwrap();
    assert_eq!(world.titles().await.len(), before - 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn art_comes_once_and_then_from_the_cache() {
    let (folder, ring, cloud) = (tempfile::tempdir().unwrap(), Arc::new(Ring::default()), cloud(quick()));
    let mut world = World::new(folder.path(), &ring, &cloud.url()).await;
    world.guest().await;
    let id = world.comet().await;
    let (bytes, mime) = world.app.art("tile", &id).await.unwrap();
    assert!(mime == "image/png" && bytes.starts_with(b"\x89PNG"));
    tokio::task::spawn_blocking(move || cloud.stop()).await.unwrap();
    assert_eq!(world.app.art("tile", &id).await.unwrap().0, bytes);
    assert!(world.app.art("hero", &id).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_is_waited_in_and_left() {
    let (folder, ring) = (tempfile::tempdir().unwrap(), Arc::new(Ring::default()));
    let cloud = cloud(entente_demo::DemoConfig { max_sessions: 1, ..quick() });
    let mut first = World::new(folder.path(), &ring, &cloud.url()).await;
    first.guest().await;
    let other = tempfile::tempdir().unwrap();
    let mut second = World::new(other.path(), &Arc::new(Ring::default()), &cloud.url()).await;
    second.guest().await;
    let id = first.comet().await;
    first.app.play(&id).unwrap();
    first.players(1).await;
    second.app.play(&id).unwrap();
    let place = second
        .wait_play(|play| match play {
            PlayState::Queued { position, .. } => Some(*position),
            _ => None,
        })
        .await;
    assert_eq!(place, 1);
    second.app.stop_play();
    second.wait_play(|play| matches!(play, PlayState::Idle).then_some(())).await;
    // In again, and this time the other one goes.
    second.app.play(&id).unwrap();
    second.wait_play(|play| matches!(play, PlayState::Queued { .. }).then_some(())).await;
    first.app.stop_play();
    first.wait_play(|play| matches!(play, PlayState::Ended { .. }).then_some(())).await;
    second.players(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_reach_the_player_and_say_where_they_come_from() {
    let (folder, ring, cloud) = (tempfile::tempdir().unwrap(), Arc::new(Ring::default()), cloud(quick()));
    let mut world = World::new(folder.path(), &ring, &cloud.url()).await;
    world.guest().await;
    let id = world.comet().await;
    let text = |value: &str| Value::Text(value.to_owned());
    world.app.set_setting("window.mode", Layer::User, None, text("fullscreen")).await.unwrap();
    world.app.set_setting("video.size", Layer::Host, Some("demo"), text("1280x720")).await.unwrap();
    world.app.set_setting("video.codec", Layer::User, None, text("vp8")).await.unwrap();
    world.app.set_setting("video.codec", Layer::Game, Some(&id), text("h264")).await.unwrap();
    let refused = world.app.set_setting("video.codec", Layer::User, None, text("mpeg1")).await.unwrap_err();
    assert_eq!(refused.kind, entente_model::ProblemKind::BadInput);

    let context = Context { game: Some(id.clone()), ..Context::default() };
    let all = world.app.settings(&context);
    let codec = all.iter().find(|setting| setting.key == "video.codec").unwrap();
    let layers: Vec<Layer> = codec.layers.iter().map(|layer| layer.layer).collect();
    assert_eq!((&codec.value, layers), (&text("h264"), vec![Layer::Game, Layer::User, Layer::Default]));

    world.app.play(&id).unwrap();
    world.players(1).await;
    let (ticket, options) = world.puppets.started.lock()[0].clone();
    assert_eq!((ticket.want.width, ticket.want.height), (Some(1280), Some(720)));
    assert!(
        options.contains(&"--codec=h264".to_owned()) && options.contains(&"--fullscreen".to_owned()),
        "{options:?}"
    );
    // What the real player takes is checked by a journey with it.
    world.app.reset_setting("video.codec", Layer::Game, Some(&id)).await.unwrap();
    let all = world.app.settings(&context);
    assert_eq!(all.iter().find(|setting| setting.key == "video.codec").unwrap().value, text("vp8"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_check_up_finds_what_is_well_and_what_is_not() {
    let (folder, ring, cloud) = (tempfile::tempdir().unwrap(), Arc::new(Ring::default()), cloud(quick()));
    let mut world = World::new(folder.path(), &ring, &cloud.url()).await;
    let state = |checks: &[Check], id: &str| checks.iter().find(|check| check.id == id).unwrap().state;
    let before = world.app.doctor().await;
    assert_eq!(state(&before, "demo"), CheckState::Skipped, "{before:?}");
    world.guest().await;
    let well = world.app.doctor().await;
    for id in ["player", "keyring", "files", "demo"] {
        assert_eq!(state(&well, id), CheckState::Good, "{well:?}");
    }
    tokio::task::spawn_blocking(move || cloud.stop()).await.unwrap();
    std::fs::remove_dir_all(folder.path().join("state")).unwrap();
    let ill = world.app.doctor().await;
    for id in ["files", "demo"] {
        let check = ill.iter().find(|check| check.id == id).unwrap();
        assert!(check.state == CheckState::Bad && check.next_step.is_some(), "{check:?}");
    }
}
