//! Outages: short, long, of the path, of the host.

use std::time::Duration;

use entente_lab::{HostConfig, Scripted, WorldConfig};
use entente_model::http::{HttpError, Method};
use entente_model::input::PlayerInput;
use entente_model::stage::Stage;
use entente_model::{EndReason, Event};

use crate::support::{TestWorld, play, playing, stage, stages, world};

fn running(host: HostConfig) -> TestWorld {
    let mut world = world(WorldConfig::default(), host);
    play(&mut world);
    world.run_millis(2000);
    world
}

fn cut(world: &mut TestWorld, yes: bool) {
    world.up.cut = yes;
    world.down.cut = yes;
}

fn methods(world: &TestWorld) -> Vec<Method> {
    world.requests.iter().map(|(_, request)| request.method).collect()
}

#[test]
fn a_short_outage_is_not_even_seen() {
    let mut world = running(HostConfig::default());
    cut(&mut world, true);
    world.run_millis(700);
    cut(&mut world, false);
    world.run_millis(1500);
    assert_eq!(stage(&world), Some(Stage::Playing));
    assert!(!stages(&world).contains(&Stage::Reconnecting));
    assert_eq!(methods(&world), [Method::Post]);
    assert_eq!(world.stats().reconnects, 0);
}

#[test]
fn the_user_sees_a_longer_one_after_a_second() {
    let mut world = running(HostConfig::default());
    cut(&mut world, true);
    world.run_millis(900);
    assert_eq!(stage(&world), Some(Stage::Playing));
    world.run_millis(200);
    assert_eq!(stage(&world), Some(Stage::Reconnecting));
}

#[test]
fn an_ice_restart_brings_the_session_back() {
    let mut world = running(HostConfig::default());
    cut(&mut world, true);
    world.run_millis(1700);
    cut(&mut world, false);
    let back = world.run_until(playing, Duration::from_secs(3));
    assert!(back, "{:?} {:?}", stages(&world), methods(&world));
    world.run_millis(1000);
    assert_eq!(methods(&world), [Method::Post, Method::Patch]);
    assert_eq!(world.stats().reconnects, 1);
    assert_eq!(world.host.sessions.len(), 1, "the same session");
    let patch = &world.requests[1].1;
    assert_eq!(patch.url, "http://10.0.0.1:8080/session/0");
    let fragment = String::from_utf8(patch.body.clone()).unwrap();
    assert_eq!(fragment.matches("a=candidate:").count(), 1, "{fragment}");
    assert!(patch.headers.contains(&("If-Match".to_owned(), "*".to_owned())));
    assert!(stage(&world) == Some(Stage::Playing));
}

#[test]
fn a_host_without_restart_is_joined_again() {
    let mut world = running(HostConfig { restarts: false, ..HostConfig::default() });
    let before = world.frames();
    cut(&mut world, true);
    world.run_millis(1700);
    cut(&mut world, false);
    let back = world.run_until(playing, Duration::from_secs(4));
    assert!(back, "{:?} {:?}", stages(&world), methods(&world));
    world.run_millis(1000);
    assert_eq!(methods(&world), [Method::Post, Method::Patch, Method::Delete, Method::Post]);
    assert!(world.host.sessions[0].deleted && !world.host.sessions[1].deleted);
    assert_eq!(world.stats().reconnects, 1);
    // Numbers and times go on as if nothing had happened.
    let frames: Vec<(u64, u64)> = world
        .events
        .iter()
        .filter_map(|(_, event)| if let Event::Video(frame) = event { Some((frame.id, frame.rtp_time)) } else { None })
        .collect();
    assert!(frames.len() > before + 50);
    assert!(frames.windows(2).all(|pair| pair[1].0 == pair[0].0 + 1 && pair[1].1 > pair[0].1));
    let sounds: Vec<u64> = world
        .events
        .iter()
        .filter_map(|(_, event)| if let Event::Audio(packet) = event { Some(packet.sequence) } else { None })
        .collect();
    assert!(sounds.windows(2).all(|pair| pair[1] > pair[0]));
    // And the player is still heard.
    world.play(PlayerInput::Key { usage: 4, down: true });
    world.run_millis(100);
    assert!(!world.host.session().inputs.is_empty());
}

#[test]
fn a_place_in_the_queue_is_given_back_while_joining_again() {
    let mut world = running(HostConfig { restarts: false, ..HostConfig::default() });
    let Scripted::Respond { status, mut headers, body } = Scripted::queue(503, 1, 2) else { unreachable!() };
    headers.push(("location", "/whep/game?queue=ghost".to_owned()));
    // The PATCH is refused, the session deleted, and the first POST gets a place.
    let place = Scripted::Respond { status, headers, body };
    world.host.script.extend([Scripted::status(405), Scripted::status(200), place]);
    cut(&mut world, true);
    world.run_millis(1700);
    cut(&mut world, false);
    assert!(world.run_until(playing, Duration::from_secs(5)), "{:?} {:?}", stages(&world), methods(&world));
    let left = world.requests.iter().find(|(_, request)| request.url.ends_with("queue=ghost"));
    assert_eq!(left.map(|(_, request)| request.method), Some(Method::Delete), "{:?}", methods(&world));
    world.run_millis(1000);
    assert_eq!(world.stats().reconnects, 1);
}

#[test]
fn a_new_session_hears_what_is_held_but_no_old_motion() {
    let mut world = running(HostConfig { restarts: false, ..HostConfig::default() });
    let key = |usage, down| PlayerInput::Key { usage, down };
    world.play(key(4, true));
    world.play(PlayerInput::PointerMove { dx: 5000, dy: 0 });
    world.run_millis(200);
    cut(&mut world, true);
    world.run_millis(1000);
    world.play(PlayerInput::PointerMove { dx: 700, dy: 0 });
    world.play(key(5, true));
    world.play(key(5, false));
    world.run_millis(700);
    cut(&mut world, false);
    assert!(world.run_until(playing, Duration::from_secs(4)), "{:?}", stages(&world));
    world.run_millis(500);
    world.play(PlayerInput::PointerMove { dx: 1, dy: 0 });
    world.run_millis(500);
    assert_eq!(world.host.sessions.len(), 2);
    assert_eq!(world.host.session().inputs, [key(4, true), PlayerInput::PointerMove { dx: 1, dy: 0 }]);
}

#[test]
fn each_session_may_try_an_ice_restart() {
    let mut world = running(HostConfig { restarts: false, ..HostConfig::default() });
    for _ in 0..2 {
        cut(&mut world, true);
        world.run_millis(1700);
        cut(&mut world, false);
        assert!(world.run_until(playing, Duration::from_secs(4)), "{:?} {:?}", stages(&world), methods(&world));
        world.run_millis(1000);
        world.host.config.restarts = true;
    }
    use Method::{Delete, Patch, Post};
    assert_eq!(methods(&world), [Post, Patch, Delete, Post, Patch]);
    assert_eq!(world.host.sessions.len(), 2);
}

#[test]
fn a_session_that_is_made_too_late_is_ended() {
    let mut world = running(HostConfig::default());
    cut(&mut world, true);
    let made = Scripted::Respond {
        status: 200,
        headers: vec![("location", "/session/late".to_owned())],
        body: "v=0\r\n".to_owned(),
    };
    world.host.script.extend([Scripted::status(405), Scripted::status(200), made]);
    let joining = |world: &TestWorld| methods(world).iter().filter(|method| **method == Method::Post).count() == 2;
    assert!(world.run_until(joining, Duration::from_secs(3)), "{:?}", methods(&world));
    // The answer comes when we wait for it no more.
    world.down.delay = Duration::from_millis(5400);
    world.run_millis(5600);
    let ended = world.requests.iter().filter(|(_, request)| request.method == Method::Delete);
    let urls: Vec<&str> = ended.map(|(_, request)| request.url.as_str()).collect();
    assert_eq!(urls, ["http://10.0.0.1:8080/session/0", "http://10.0.0.1:8080/session/late"]);
}

#[test]
fn an_endless_outage_ends_after_ten_seconds() {
    let mut world = running(HostConfig::default());
    let began = world.elapsed();
    cut(&mut world, true);
    world.host.script.extend(std::iter::repeat_n(Scripted::Fail(HttpError::Connect("refused".to_owned())), 50));
    assert!(world.run_until(|world| world.ended().is_some(), Duration::from_secs(15)));
    assert!(matches!(world.ended(), Some(EndReason::ConnectionLost(_))), "{:?}", world.ended());
    let took = world.elapsed() - began;
    assert!((8..=10).contains(&took.as_secs()), "{took:?}");
    assert_eq!(stages(&world).last(), Some(&Stage::Reconnecting));
}

#[test]
fn a_session_that_is_gone_is_not_asked_for_again_and_again() {
    let mut world = running(HostConfig::default());
    cut(&mut world, true);
    world.host.script.extend([Scripted::status(404), Scripted::status(200), Scripted::status(404)]);
    assert!(world.run_until(|world| world.ended().is_some(), Duration::from_secs(5)), "{:?}", methods(&world));
    assert!(matches!(world.ended(), Some(EndReason::ConnectionLost(_))), "{:?}", world.ended());
}

fn notices(world: &TestWorld) -> usize {
    world.events.iter().filter(|(_, event)| matches!(event, Event::Notice(_))).count()
}

#[test]
fn a_picture_that_stops_while_sound_goes_on_is_told_and_asked_for() {
    let mut world = running(HostConfig::default());
    let asked = |world: &TestWorld| world.host.session().keyframe_requests();
    let before = asked(&world);
    for round in 1..=2 {
        world.host.config.no_video = true;
        world.run_millis(1400);
        assert_eq!((notices(&world), asked(&world)), (round - 1, before + (round as u64 - 1) * 6));
        world.run_millis(1000);
        assert_eq!(notices(&world), round);
        world.run_millis(9600);
        assert_eq!(
            (notices(&world), asked(&world)),
            (round, before + round as u64 * 6),
            "told once, asked now and then"
        );
        assert_eq!((stage(&world), world.ended()), (Some(Stage::Playing), None));
        world.host.config.no_video = false;
        let frames = world.frames();
        world.run_millis(500);
        assert!(world.frames() > frames + 20);
    }
    assert_eq!(methods(&world), [Method::Post]);
}

#[test]
fn a_still_picture_that_is_repeated_when_asked_for_is_no_news() {
    let mut world = running(HostConfig::default());
    world.host.config.still = true;
    let frames = world.frames();
    world.run_millis(10_000);
    assert!((6..10).contains(&(world.frames() - frames)), "{}", world.frames() - frames);
    assert_eq!(notices(&world), 0);
}

#[test]
fn a_host_that_talks_but_sends_nothing_gets_three_seconds() {
    let mut world = running(HostConfig::default());
    world.host.config.no_media = true;
    world.run_millis(2500);
    assert_eq!(stage(&world), Some(Stage::Playing));
    world.run_millis(1000);
    assert_eq!(stage(&world), Some(Stage::Reconnecting));
    world.host.config.no_media = false;
    assert!(world.run_until(playing, Duration::from_secs(5)), "{:?}", stages(&world));
}
