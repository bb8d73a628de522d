//! Losses on the way and what is done about them.

use std::time::Duration;

use entente_lab::{HostConfig, Path, WorldConfig};

use crate::support::{numbers, play, world};

fn run(loss: f64, seconds: u64) {
    let config = WorldConfig { down: Path::lossy(10, loss), seed: 11, ..WorldConfig::default() };
    let mut world = world(config, HostConfig::default());
    play(&mut world);
    world.run_millis(seconds * 1000);
    // What is on its way still arrives.
    world.down.loss = 0.0;
    world.run_millis(500);
    let numbers = numbers(&world);
    let first = numbers[0];
    let missing: Vec<u64> = (first..first + seconds * 60).filter(|number| !numbers.contains(number)).collect();
    assert!(missing.is_empty(), "missing {missing:?}");
    let stats = world.stats();
    assert!(stats.lost > 0 && stats.recovered == stats.lost, "{stats:?}");
    assert_eq!((stats.frames_dropped, stats.reconnects), (0, 0), "{stats:?}");
    // At most one request in three is repeated.
    assert!(stats.nacks <= stats.lost * 4 / 3 + 5, "{stats:?}");
}

#[test]
fn one_percent_is_brought_back_whole() {
    run(0.01, 20);
}

#[test]
fn five_percent_is_brought_back_whole() {
    run(0.05, 20);
}

#[test]
fn a_host_that_did_not_agree_to_nack_is_asked_for_key_frames_only() {
    let without_nack = |answer: &str| {
        let is_nack = |line: &&str| line.starts_with("a=rtcp-fb:") && line.ends_with(" nack");
        answer.split_inclusive("\r\n").filter(|line| !is_nack(&line.trim_end())).collect()
    };
    let config = WorldConfig { down: Path::lossy(10, 0.01), seed: 11, ..WorldConfig::default() };
    let mut world = world(config, HostConfig { rewrite: without_nack, ..HostConfig::default() });
    play(&mut world);
    world.run_millis(5000);
    let (host, stats) = (world.host.session(), world.stats());
    assert_eq!((host.nacks(), stats.nacks), (0, 0), "{stats:?}");
    assert!(host.keyframe_requests() > 5 && stats.frames > 100, "{stats:?}");
}

#[test]
fn reordering_and_duplicates_cost_no_frame() {
    let mut down = Path::clean(10);
    down.jitter = Duration::from_millis(2);
    down.reorder = 0.05;
    down.duplicate = 0.05;
    let mut world = world(WorldConfig { down, ..WorldConfig::default() }, HostConfig::default());
    play(&mut world);
    world.run_millis(5000);
    let numbers = numbers(&world);
    assert!(numbers.len() > 290, "{}", numbers.len());
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1));
}

#[test]
fn a_bad_network_still_connects() {
    for seed in 0..5 {
        let lossy = Path { jitter: Duration::from_millis(10), reorder: 0.05, ..Path::lossy(40, 0.1) };
        let config = WorldConfig { seed, up: lossy.clone(), down: lossy, ..WorldConfig::default() };
        let mut world = world(config, HostConfig::default());
        world.run_until(crate::support::playing, Duration::from_secs(10));
        let host = world.host.session();
        let (frames, asked) = (host.frames_sent(), host.keyframe_requests());
        assert!(world.frames() > 0, "seed {seed}: {:?}, host sent {frames}, was asked {asked} times", world.ended());
    }
}
