//! What goes wrong, and what is said then.

use std::sync::Arc;
use std::time::Duration;

use entente_app::AppEvent;
use entente_app::play::PlayerEvent;
use entente_app::view::{AccountState, LibraryQuery, PlayState, SignInStep};
use entente_demo::{AccountsConfig, DemoConfig};
use entente_model::provider::SignInWay;
use entente_model::{Problem, ProblemKind};

use crate::world::{Act, Ring, World, cloud, decide, quick};

async fn failed_sign_in(world: &mut World) -> Problem {
    world
        .wait(|event| match event {
            AppEvent::SignIn { step: SignInStep::Failed { problem }, .. } => Some(problem.clone()),
            _ => None,
        })
        .await
}

async fn code_page(world: &mut World) -> String {
    world
        .wait(|event| match event {
            AppEvent::SignIn { step: SignInStep::Code { url_complete, .. }, .. } => url_complete.clone(),
            _ => None,
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_or_late_sign_in_says_so() {
    let (folder, ring, service) = (tempfile::tempdir().unwrap(), Arc::new(Ring::default()), cloud(quick()));
    let mut world = World::new(folder.path(), &ring, &service.url()).await;
    world.app.sign_in("demo", SignInWay::DeviceCode).unwrap();
    decide(&code_page(&mut world).await, "deny").await;
    let problem = failed_sign_in(&mut world).await;
    assert_eq!(problem.kind, ProblemKind::Declined, "{problem}");
    assert_eq!(world.app.accounts()[0].state, AccountState::SignedOut);

    let accounts = AccountsConfig { device_lifetime: Duration::from_millis(200), ..quick().accounts };
    let hasty = cloud(DemoConfig { accounts, ..quick() });
    let mut world = World::new(folder.path(), &ring, &hasty.url()).await;
    world.app.sign_in("demo", SignInWay::DeviceCode).unwrap();
    let problem = failed_sign_in(&mut world).await;
    assert_eq!(problem.kind, ProblemKind::Expired, "{problem}");

    // Stopped by the user: no failure, and nothing left.
    let mut world = World::new(folder.path(), &ring, &service.url()).await;
    world.app.sign_in("demo", SignInWay::DeviceCode).unwrap();
    code_page(&mut world).await;
    world.app.cancel_sign_in("demo");
    world.wait(|event| matches!(event, AppEvent::SignIn { step: SignInStep::Cancelled, .. }).then_some(())).await;
    assert_eq!(world.app.accounts()[0].state, AccountState::SignedOut);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_broken_costs_the_refresh_and_not_the_shelf() {
    for (fault, kind) in [
        ("/api/v1/titles=500*1", ProblemKind::ServiceBusy),
        ("/api/v1/titles=truncated*1", ProblemKind::BadAnswer),
        ("/api/v1/titles=not-json*1", ProblemKind::BadAnswer),
    ] {
        let (folder, ring) = (tempfile::tempdir().unwrap(), Arc::new(Ring::default()));
        let healthy = cloud(quick());
        let mut world = World::new(folder.path(), &ring, &healthy.url()).await;
        world.guest().await;
        let shelf = world.titles().await;
        drop(world);
        let broken = cloud(DemoConfig { faults: vec![fault.parse().unwrap()], ..quick() });
        let mut world = World::new(folder.path(), &ring, &broken.url()).await;
        world.app.load_shelf().await.unwrap();
        world.app.sign_in("demo", SignInWay::Guest).unwrap();
        world.signed_in().await;
        world.refreshed().await;
        let page = world.app.library(LibraryQuery::default()).await.unwrap();
        assert_eq!(page.problems.len(), 1, "{fault}");
        assert_eq!(page.problems[0].problem.kind, kind, "{fault}: {}", page.problems[0].problem);
        assert_eq!(world.titles().await, shelf, "{fault}");
        // It is over: the next refresh is good.
        world.app.refresh();
        loop {
            world.wait(|event| matches!(event, AppEvent::LibraryChanged).then_some(())).await;
            let page = world.app.library(LibraryQuery::default()).await.unwrap();
            if !page.refreshing && page.problems.is_empty() {
                break;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_breaks_in_an_answer_is_a_sentence_and_worth_another_try() {
    let (folder, ring) = (tempfile::tempdir().unwrap(), Arc::new(Ring::default()));
    let service = cloud(quick());
    let mut world = World::new(folder.path(), &ring, &service.url()).await;
    world.guest().await;
    let shelf = world.titles().await;
    service.set_faults(vec!["/api/v1/titles=cut*1".parse().unwrap()]);
    world.app.refresh();
    world.refreshed().await;
    let page = world.app.library(LibraryQuery::default()).await.unwrap();
    assert_eq!(page.problems.len(), 1);
    let problem = &page.problems[0].problem;
    assert!(problem.retry && problem.next_step.to_lowercase().contains("try again"), "{problem}");
    assert!(!problem.what.is_empty() && !problem.why.is_empty(), "{problem}");
    assert_eq!(world.titles().await, shelf, "nothing is lost");

    // A start that breaks off, and the press after it.
    let id = world.comet().await;
    service.set_faults(vec!["/api/v1/sessions=cut*1".parse().unwrap()]);
    world.app.play(&id).unwrap();
    let (problem, again) = world
        .wait_play(|play| match play {
            PlayState::Failed { problem, can_play_again, .. } => Some((problem.clone(), *can_play_again)),
            _ => None,
        })
        .await;
    assert!(again && problem.next_step.to_lowercase().contains("try again"), "{problem}");
    world.app.dismiss_report();
    world.app.play(&id).unwrap();
    world.players(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_stays_the_same_when_the_cloud_remembers_and_is_a_new_one_when_not() {
    let (folder, ring, state) = (tempfile::tempdir().unwrap(), Arc::new(Ring::default()), tempfile::tempdir().unwrap());
    let accounts = AccountsConfig { state: Some(state.path().join("sign-ins.json")), ..quick().accounts };
    let remembering = || cloud(DemoConfig { accounts: accounts.clone(), ..quick() });
    let service = remembering();
    let mut world = World::new(folder.path(), &ring, &service.url()).await;
    world.guest().await;
    drop((world, service));
    // Another run of both, at another address.
    for service in [remembering(), cloud(quick())] {
        let world = World::new(folder.path(), &ring, &service.url()).await;
        world.app.restore().await;
        let account = &world.app.accounts()[0];
        assert_eq!((account.state, &account.problem), (AccountState::Guest, &None));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_sign_in_is_told_and_a_wrong_clock_is_blamed() {
    for (faults, kind, state) in [
        (vec![], ProblemKind::SignedOut, AccountState::Expired),
        (vec!["/=clock:7200".parse().unwrap()], ProblemKind::WrongClock, AccountState::Expired),
    ] {
        let (folder, ring) = (tempfile::tempdir().unwrap(), Arc::new(Ring::default()));
        let service = cloud(quick());
        let mut world = World::new(folder.path(), &ring, &service.url()).await;
        world.app.sign_in("demo", SignInWay::DeviceCode).unwrap();
        decide(&code_page(&mut world).await, "allow").await;
        world.signed_in().await;
        world.refreshed().await;
        drop(world);
        // Another cloud in its place knows nothing of this sign-in: as if it had been revoked.
        let forgetful = cloud(DemoConfig { faults, ..quick() });
        let world = World::new(folder.path(), &ring, &forgetful.url()).await;
        world.app.restore().await;
        let account = &world.app.accounts()[0];
        let problem = account.problem.as_ref().unwrap();
        assert_eq!((problem.kind, account.state), (kind, state), "{problem}");
        assert!(!problem.next_step.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_off_is_offline() {
    let (folder, ring) = (tempfile::tempdir().unwrap(), Arc::new(Ring::default()));
    let mut world = World::new(folder.path(), &ring, "http://127.0.0.1:9").await;
    world.app.sign_in("demo", SignInWay::Guest).unwrap();
    let problem = failed_sign_in(&mut world).await;
    assert!(problem.kind == ProblemKind::Offline && problem.retry, "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_of_the_player_leaves_the_library_and_the_game() {
    let (folder, ring, service) = (tempfile::tempdir().unwrap(), Arc::new(Ring::default()), cloud(quick()));
    let mut world = World::new(folder.path(), &ring, &service.url()).await;
    world.guest().await;
    let id = world.comet().await;
    world.app.play(&id).unwrap();
    world.players(1).await;
    let string = world.puppets.string();
    string.send(Act::Say(PlayerEvent::FirstPicture)).await.unwrap();
    world.wait_play(|play| matches!(play, PlayState::Playing { .. }).then_some(())).await;
    string.send(Act::End(None, serde_json::Value::Null)).await.unwrap();
    let (problem, again) = world
        .wait_play(|play| match play {
            PlayState::Failed { problem, can_play_again, .. } => Some((problem.clone(), *can_play_again)),
            _ => None,
        })
        .await;
    assert!(again && problem.what.contains("crashed"), "{problem}");
    // The same session is joined by the next press.
    let first = world.puppets.started.lock()[0].0.url.clone();
    world.app.dismiss_report();
    world.app.play(&id).unwrap();
    world.players(2).await;
    assert_eq!(world.puppets.started.lock()[1].0.url, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_is_stopped_or_fails_leaves_who_was_there() {
    let (folder, ring, service) = (tempfile::tempdir().unwrap(), Arc::new(Ring::default()), cloud(quick()));
    let mut world = World::new(folder.path(), &ring, &service.url()).await;
    world.guest().await;
    // Stopped, begun twice and stopped, and declined.
    world.app.sign_in("demo", SignInWay::DeviceCode).unwrap();
    code_page(&mut world).await;
    world.app.sign_in("demo", SignInWay::DeviceCode).unwrap();
    code_page(&mut world).await;
    world.app.cancel_sign_in("demo");
    assert_eq!(world.app.accounts()[0].state, AccountState::Guest);
    world.app.sign_in("demo", SignInWay::DeviceCode).unwrap();
    decide(&code_page(&mut world).await, "deny").await;
    failed_sign_in(&mut world).await;
    assert_eq!(world.app.accounts()[0].state, AccountState::Guest);
    // One that is over cannot be stopped.
    world.app.cancel_sign_in("demo");
    assert_eq!(world.app.accounts()[0].state, AccountState::Guest);
}
