//! Games that go on when the app is killed.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use entente_app::play::PlayerEvent;
use entente_app::view::{LibraryQuery, PlayState};

use crate::journeys::report;
use crate::world::{Act, Ring, World, cloud, quick};

fn records(folder: &Path) -> Vec<PathBuf> {
    let reports = folder.join("state/reports");
    let all = std::fs::read_dir(reports).unwrap().map(|entry| entry.unwrap().path());
    all.filter(|path| path.to_string_lossy().ends_with(".pending.json")).collect()
}

async fn playtime(world: &World) -> u64 {
    world.app.load_shelf().await.unwrap();
    let query = LibraryQuery { search: "comet relay".to_owned(), ..LibraryQuery::default() };
    world.app.library(query).await.unwrap().cards[0].playtime_seconds
}

/// Plays for a second in an app that is then gone from one moment to the next; where its player will report.
fn killed_while_playing(folder: &Path, ring: &Arc<Ring>, base: &str) -> PathBuf {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let report = runtime.block_on(async {
        let mut world = World::new(folder, ring, base).await;
        world.guest().await;
        let id = world.comet().await;
        world.app.play(&id).unwrap();
        world.players(1).await;
        let string = world.puppets.string();
        string.send(Act::Say(PlayerEvent::FirstPicture)).await.unwrap();
        world.wait_play(|play| matches!(play, PlayState::Playing { .. }).then_some(())).await;
        tokio::time::sleep(Duration::from_millis(1100)).await;
        let (ticket, options) = world.puppets.started.lock()[0].clone();
        let record = std::fs::read_to_string(&records(folder)[0]).unwrap();
        assert!(record.contains("Comet Relay"), "{record}");
        for secret in [ticket.bearer.unwrap().reveal(), &ticket.url] {
            assert!(!record.contains(secret), "{record}");
        }
        options.iter().find_map(|option| option.strip_prefix("--report=")).map(PathBuf::from).unwrap()
    });
    // Every task stops where it is, as in a process that is killed.
    runtime.shutdown_background();
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn a_game_that_outlives_the_app_is_counted_once_and_reported() {
    let (folder, ring, cloud) = (tempfile::tempdir().unwrap(), Arc::new(Ring::default()), cloud(quick()));
    let (place, keys, base) = (folder.path().to_owned(), Arc::clone(&ring), cloud.url());
    let file = tokio::task::spawn_blocking(move || killed_while_playing(&place, &keys, &base)).await.unwrap();
    // A player makes its report's file at the start and fills it at the end.
    std::fs::write(&file, "").unwrap();

    // The game still runs: nothing to say yet.
    let mut world = World::new(folder.path(), &ring, &cloud.url()).await;
    world.app.restore().await;
    assert_eq!(world.app.play_state(), PlayState::Idle);
    assert_eq!((playtime(&world).await, records(folder.path()).len()), (0, 1));

    // It ends, and is seen without anybody asking.
    std::fs::write(&file, report().to_string()).unwrap();
    let after = world
        .wait_play(|play| match play {
            PlayState::Ended { report } => Some(report.clone()),
            _ => None,
        })
        .await;
    assert_eq!((after.title.as_str(), after.score), ("Comet Relay", Some(100)));
    assert_eq!(after.ended, "You stopped the game.");
    assert!((1..10).contains(&after.seconds), "{after:?}");
    assert_eq!(after.file.as_deref(), file.to_str());
    let counted = playtime(&world).await;
    assert_eq!((counted, records(folder.path()).len()), (after.seconds, 0));

    // Once.
    drop(world);
    let world = World::new(folder.path(), &ring, &cloud.url()).await;
    world.app.restore().await;
    assert_eq!((world.app.play_state(), playtime(&world).await), (PlayState::Idle, counted));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_game_that_ended_before_the_next_start_is_there_at_once() {
    let (folder, ring, cloud) = (tempfile::tempdir().unwrap(), Arc::new(Ring::default()), cloud(quick()));
    let mut files = Vec::new();
    for round in 1..=2 {
        let (place, keys, base) = (folder.path().to_owned(), Arc::clone(&ring), cloud.url());
        files.push(tokio::task::spawn_blocking(move || killed_while_playing(&place, &keys, &base)).await.unwrap());
        assert_eq!(records(folder.path()).len(), round);
    }
    for file in files {
        std::fs::write(&file, report().to_string()).unwrap();
    }
    // Both count; the last one is shown.
    let world = World::new(folder.path(), &ring, &cloud.url()).await;
    world.app.restore().await;
    assert!(matches!(world.app.play_state(), PlayState::Ended { .. }), "{:?}", world.app.play_state());
    assert!(playtime(&world).await >= 2);
    assert!(records(folder.path()).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_game_whose_end_is_seen_leaves_no_record_and_counts_once() {
    let (folder, ring, cloud) = (tempfile::tempdir().unwrap(), Arc::new(Ring::default()), cloud(quick()));
    let mut world = World::new(folder.path(), &ring, &cloud.url()).await;
    world.guest().await;
    let id = world.comet().await;
    world.app.play(&id).unwrap();
    world.players(1).await;
    let string = world.puppets.string();
    string.send(Act::Say(PlayerEvent::FirstPicture)).await.unwrap();
    world.wait_play(|play| matches!(play, PlayState::Playing { .. }).then_some(())).await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    // The report is whole before the player's end is known; a refresh that looks now leaves the game alone.
    let (_, options) = world.puppets.started.lock()[0].clone();
    let file = options.iter().find_map(|option| option.strip_prefix("--report=")).unwrap();
    std::fs::write(file, report().to_string()).unwrap();
    world.app.refresh();
    world.refreshed().await;
    assert!(matches!(world.app.play_state(), PlayState::Playing { .. }), "{:?}", world.app.play_state());
    assert_eq!(records(folder.path()).len(), 1);
    string.send(Act::End(Some(0), report())).await.unwrap();
    let seconds = world
        .wait_play(|play| match play {
            PlayState::Ended { report } => Some(report.seconds),
            _ => None,
        })
        .await;
    world.app.restore().await;
    assert!(records(folder.path()).is_empty());
    assert_eq!(playtime(&world).await, seconds);
}
