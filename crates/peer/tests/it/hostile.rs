//! A network that lies.

use std::net::SocketAddr;
use std::time::Duration;

use entente_lab::{HostConfig, Random, WorldConfig};
use entente_model::wire::control::Control;

use crate::support::{numbers, play, world};

#[test]
fn damaged_copies_beside_every_datagram_cost_nothing() {
    for seed in 0..3 {
        let mut world = world(WorldConfig { seed, ..WorldConfig::default() }, HostConfig::default());
        play(&mut world);
        world.damage(1.0);
        world.run_millis(10_000);
        assert_eq!(world.ended(), None, "seed {seed}");
        let numbers = numbers(&world);
        assert!(numbers.len() > 590, "seed {seed}: {}", numbers.len());
        assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "seed {seed}");
    }
}

#[test]
fn damage_before_connecting_ends_in_time_or_plays() {
    for seed in 0..12 {
        let mut world = world(WorldConfig { seed, ..WorldConfig::default() }, HostConfig::default());
        world.damage(0.5);
        world.run_until(|world| world.ended().is_some() || world.frames() > 0, Duration::from_secs(12));
        assert!(world.ended().is_some() || world.frames() > 0, "seed {seed} hangs");
    }
}

#[test]
fn random_datagrams_in_every_phase_never_panic() {
    let mut random = Random::new(99);
    let host: SocketAddr = "10.0.0.1:5000".parse().unwrap();
    let stranger: SocketAddr = "203.0.113.9:5353".parse().unwrap();
    let mut world = world(WorldConfig::default(), HostConfig::default());
    for round in 0..3000 {
        let length = random.number() as usize % 200;
        let mut bytes: Vec<u8> = (0..length).map(|_| random.number() as u8).collect();
        // Every class of RFC 7983, so that each parser gets its share.
        if let Some(first) = bytes.first_mut() {
            *first = [0, 1, 22, 23, 64, 128, 129, 144, 191, 255][random.number() as usize % 10];
        }
        world.inject(if round % 3 == 0 { stranger } else { host }, &bytes);
        world.inject(host, &[]);
        if round % 10 == 0 {
            world.run_millis(1);
        }
    }
    play(&mut world);
}

#[test]
fn senseless_control_messages_are_counted() {
    let mut world = world(WorldConfig::default(), HostConfig::default());
    play(&mut world);
    world.run_millis(500);
    let now = world.now();
    let before = world.stats().malformed;
    world
        .host
        .say(now, &Control::Pong { id: 77, client_micros: 1, host_received_micros: 0, host_sent_micros: u64::MAX });
    world.run_millis(500);
    assert_eq!(world.stats().malformed, before + 1);
    assert_eq!(world.ended(), None);
}
