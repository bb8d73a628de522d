//! A link and a host that know each other.

use std::time::{Duration, Instant};

use entente_lab::{FakeHost, HostConfig, World, WorldConfig};
use entente_model::Event;
use entente_model::Secret;
use entente_model::media::VideoCodec;
use entente_model::stage::Stage;
use entente_model::ticket::StreamRequest;
use entente_model::time::MonoClock;
use entente_peer::{WhepConfig, WhepLink};

pub(crate) type TestWorld = World<WhepLink>;

/// The client's clock shows this at the beginning.
pub(crate) const CLOCK_AT_START: u64 = 1_000_000;

pub(crate) fn whep(now: Instant) -> WhepConfig {
    WhepConfig {
        url: "whep+http://10.0.0.1:8080/whep/game".to_owned(),
        bearer: Some(Secret::new("token")),
        ice_servers: Vec::new(),
        want: StreamRequest::default(),
        codecs: VideoCodec::ALL.to_vec(),
        clock: MonoClock::new(now, CLOCK_AT_START),
        client: "test 1".to_owned(),
        seed: 7,
    }
}

/// A world that has begun.
pub(crate) fn world(config: WorldConfig, host: HostConfig) -> TestWorld {
    world_with(config, host, |_| {})
}

/// The same, after the host was told something.
pub(crate) fn world_with(config: WorldConfig, host: HostConfig, prepare: impl FnOnce(&mut FakeHost)) -> TestWorld {
    let now = Instant::now();
    let link = WhepLink::new(whep(now), now).unwrap();
    let mut host = FakeHost::new(host, now);
    prepare(&mut host);
    let mut world = World::new(config, now, link, host);
    world.start();
    world
}

pub(crate) fn playing(world: &TestWorld) -> bool {
    stage(world) == Some(Stage::Playing)
}

pub(crate) fn stage(world: &TestWorld) -> Option<Stage> {
    stages(world).last().copied()
}

pub(crate) fn stages(world: &TestWorld) -> Vec<Stage> {
    let stage = |(_, event): &(Duration, Event)| match event {
        Event::Stage(stage) => Some(*stage),
        _ => None,
    };
    world.events.iter().filter_map(stage).collect()
}

/// Runs until pictures arrive.
pub(crate) fn play(world: &mut TestWorld) {
    let playing = world.run_until(playing, Duration::from_secs(10));
    assert!(playing, "stages {:?}, ended {:?}", stages(world), world.ended());
}

/// Numbers of the frames that arrived whole.
pub(crate) fn numbers(world: &TestWorld) -> Vec<u64> {
    let number = |(_, event): &(Duration, Event)| match event {
        Event::Video(frame) => Some(FakeHost::number_of(&frame.data).expect("a frame is whole")),
        _ => None,
    };
    world.events.iter().filter_map(number).collect()
}
