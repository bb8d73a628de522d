//! From the first socket to the goodbye.

use std::time::Duration;

use entente_lab::{FakeHost, HostConfig, WorldConfig};
use entente_model::http::Method;
use entente_model::stage::Stage;
use entente_model::wire::control::{Control, GoodbyeCode};
use entente_model::{EndReason, Event, Request};

use crate::support::{CLOCK_AT_START, TestWorld, numbers, play, stages, world, world_with};

#[test]
fn stages_pictures_and_sound_come_in_order() {
    let mut world = world(WorldConfig::default(), HostConfig::default());
    play(&mut world);
    let first = world.elapsed();
    assert!(first < Duration::from_millis(250), "first picture after {first:?}");
    world.run_millis(1500);
    assert_eq!(
        stages(&world),
        [
            Stage::Gathering,
            Stage::Negotiating,
            Stage::Connecting,
            Stage::Securing,
            Stage::WaitingForPicture,
            Stage::Playing
        ]
    );
    let numbers = numbers(&world);
    assert!(numbers.len() >= 88, "{} frames", numbers.len());
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");
    let mut ids = 0;
    for (_, event) in &world.events {
        if let Event::Video(frame) = event {
            assert_eq!(frame.id, ids);
            assert_eq!(frame.key, ids == 0);
            ids += 1;
        }
    }
    let sounds: Vec<u64> = world
        .events
        .iter()
        .filter_map(|(_, event)| if let Event::Audio(packet) = event { Some(packet.sequence) } else { None })
        .collect();
    assert!(sounds.len() >= 73 && sounds.windows(2).all(|pair| pair[1] == pair[0] + 1));
    let format = world.events.iter().position(|(_, event)| matches!(event, Event::AudioFormat(_)));
    let sound = world.events.iter().position(|(_, event)| matches!(event, Event::Audio(_)));
    assert!(format < sound);
    let session = world.host.session();
    assert!(session.congestion_feedback() > 5, "{}", session.congestion_feedback());
    assert!(session.receiver_reports() >= 1);
    let stats = world.stats();
    assert_eq!((stats.lost, stats.nacks, stats.malformed), (0, 0, 0), "{stats:?}");
}

#[test]
fn loopback_is_offered_only_to_this_machine() {
    let world = world_with(WorldConfig::default(), HostConfig::default(), |_| {});
    let mut world = world;
    play(&mut world);
    let offer = String::from_utf8(world.requests[0].1.body.clone()).unwrap();
    assert!(offer.contains(" 10.0.0.2 ") && !offer.contains(" 127.0.0.1 "), "{offer}");
    let candidates: Vec<&str> = offer.lines().filter(|line| line.starts_with("a=candidate:")).collect();
    assert_eq!(candidates.len(), 1, "each address once: {candidates:?}");
    assert!(offer.contains("stereo=1") && offer.contains("a=end-of-candidates") && offer.contains("apt="));
}

#[test]
fn the_clock_of_the_host_and_the_round_trip_are_measured() {
    let mut world = world(WorldConfig::default(), HostConfig::default());
    play(&mut world);
    world.run_millis(3000);
    let host = HostConfig::default().clock_offset_micros.cast_signed() - CLOCK_AT_START.cast_signed();
    let offsets: Vec<(i64, u64)> = world
        .events
        .iter()
        .filter_map(|(_, event)| match event {
            Event::ClockOffset { offset_micros, error_micros } => Some((*offset_micros, *error_micros)),
            _ => None,
        })
        .collect();
    let (offset, error) = *offsets.last().unwrap();
    assert!((offset - host).abs() <= 1000 && error <= 11_000, "{offset} against {host}, error {error}");
    let rtt = world.stats().rtt_micros.unwrap();
    assert!((19_000..23_000).contains(&rtt), "{rtt}");
    assert!(world.events.iter().any(|(_, event)| matches!(event, Event::Host { name } if name == "fake host, test")));
    assert!((8..=12).contains(&world.host.session().pings), "{}", world.host.session().pings);
}

#[test]
fn a_stop_says_goodbye_and_ends_the_session() {
    let mut world = world(WorldConfig::default(), HostConfig::default());
    play(&mut world);
    world.run_millis(300);
    world.ask(Request::Stop(EndReason::User));
    assert_eq!(world.ended(), Some(&EndReason::User));
    world.run_millis(500);
    let session = world.host.session();
    assert!(session.deleted);
    assert!(session.controls.iter().any(|c| matches!(c, Control::Goodbye { code: GoodbyeCode::User, .. })));
    let (_, delete) = world.requests.last().unwrap();
    assert_eq!((delete.method, delete.url.as_str()), (Method::Delete, "http://10.0.0.1:8080/session/0"));
    assert!(delete.bearer.is_some());
    assert!(matches!(world.events.last(), Some((_, Event::Ended(_)))));
}

#[test]
fn a_stop_during_the_offer_ends_what_the_host_makes_of_it() {
    let mut world = world(WorldConfig::default(), HostConfig::default());
    world.run_until(|world| !world.requests.is_empty(), Duration::from_secs(1));
    world.ask(Request::Stop(EndReason::User));
    assert_eq!(world.ended(), None, "the session is not known yet");
    world.run_millis(1000);
    assert_eq!(world.ended(), Some(&EndReason::User));
    assert!(world.host.session().deleted);
}

#[test]
fn a_plain_host_without_channels_plays_too() {
    let mut world = world(WorldConfig::default(), HostConfig { channels: false, ..HostConfig::default() });
    play(&mut world);
    world.run_millis(3000);
    assert!(world.frames() > 170, "{}", world.frames());
    let rtt = world.stats().rtt_micros.expect("measured by ICE");
    assert!((19_000..25_000).contains(&rtt), "{rtt}");
}

#[test]
fn the_path_is_measured_when_pings_are_not_answered() {
    let mut world = world(WorldConfig::default(), HostConfig { pongs: false, ..HostConfig::default() });
    play(&mut world);
    world.run_millis(3000);
    assert!(world.host.session().pings > 5);
    let rtt = world.stats().rtt_micros.expect("measured by ICE");
    assert!((19_000..25_000).contains(&rtt), "{rtt}");
}

/// DTLS role, fingerprint and ICE credentials stand before the first section instead of in each.
fn at_session_level(answer: &str) -> String {
    let moved = ["a=setup:", "a=fingerprint:", "a=ice-ufrag:", "a=ice-pwd:"];
    let (moved, rest): (Vec<&str>, Vec<&str>) =
        answer.lines().partition(|line| moved.iter().any(|start| line.starts_with(start)));
    let first = rest.iter().position(|line| line.starts_with("m=")).unwrap();
    let mut lines = rest[..first].to_vec();
    for line in moved {
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines.extend(&rest[first..]);
    lines.join("\r\n") + "\r\n"
}

#[test]
fn an_answer_may_say_it_all_at_session_level() {
    for dtls_client in [false, true] {
        let host = HostConfig { rewrite: at_session_level, dtls_client, ..HostConfig::default() };
        let mut world = world(WorldConfig::default(), host);
        play(&mut world);
        assert!(world.elapsed() < Duration::from_millis(700), "{:?}", world.elapsed());
    }
}

#[test]
fn fingerprints_of_more_than_one_hash_are_fine() {
    let host = HostConfig {
        rewrite: |answer| {
            answer.replace("a=fingerprint:sha-256", "a=fingerprint:sha-512 AB:CD\r\na=fingerprint:SHA-256")
        },
        ..HostConfig::default()
    };
    play(&mut world(WorldConfig::default(), host));
}

#[test]
fn a_host_that_starts_dtls_itself_plays_too() {
    let mut world = world(WorldConfig::default(), HostConfig { dtls_client: true, ..HostConfig::default() });
    play(&mut world);
    assert!(world.elapsed() < Duration::from_millis(700), "{:?}", world.elapsed());
    world.run_millis(500);
    assert!(world.frames() > 25);
}

#[test]
fn undeclared_sources_are_found_by_their_payload_type() {
    let config = WorldConfig { down: entente_lab::Path::lossy(10, 0.01), ..WorldConfig::default() };
    let mut world = world(config, HostConfig { undeclared: true, ..HostConfig::default() });
    play(&mut world);
    world.run_millis(2000);
    let numbers = numbers(&world);
    assert!(numbers.len() > 110, "{} frames", numbers.len());
    let session = world.host.session();
    assert!(session.nacks() > 0);
    assert!(session.congestion_feedback() > 20, "{}", session.congestion_feedback());
    assert!(session.receiver_reports() >= 1);
    assert!(world.events.iter().any(|(_, event)| matches!(event, Event::Audio(_))));
}

#[test]
fn a_key_frame_is_sent_when_asked_for() {
    let mut world = world(WorldConfig::default(), HostConfig::default());
    play(&mut world);
    world.run_millis(500);
    let before = world.frames();
    world.ask(Request::Keyframe);
    world.run_millis(300);
    assert!(world.host.session().keyframe_requests() >= 1);
    let keys = world
        .events
        .iter()
        .filter_map(|(_, event)| if let Event::Video(frame) = event { Some(frame.key) } else { None })
        .skip(before)
        .filter(|key| *key)
        .count();
    assert_eq!(keys, 1);
}

#[test]
fn a_bit_rate_is_asked_for_by_a_format_message() {
    let mut world = world(WorldConfig::default(), HostConfig::default());
    play(&mut world);
    world.run_millis(500);
    world.ask(Request::TargetBitrate { kbps: 4000 });
    world.ask(Request::Format { width: 1280, height: 720, fps: 60 });
    world.ask(Request::TargetBitrate { kbps: 5000 });
    world.run_millis(300);
    let wishes = world.host.session().controls.iter().filter_map(|control| match control {
        Control::Format { width, height, fps, bitrate_kbps } => Some((*width, *height, *fps, *bitrate_kbps)),
        _ => None,
    });
    assert_eq!(wishes.collect::<Vec<_>>(), [(1280, 720, 60, None), (1280, 720, 60, Some(5000))]);
    let offer = String::from_utf8(world.requests[0].1.body.clone()).unwrap();
    assert!(!offer.contains("goog-remb"), "nobody estimates here");
    assert!(offer.contains("transport-cc"));
}

fn without(answer: &str, feedback: &[&str]) -> String {
    let unwanted =
        |line: &&str| line.starts_with("a=rtcp-fb:") && feedback.iter().any(|kind| line.trim_end().ends_with(kind));
    answer.split_inclusive("\r\n").filter(|line| !unwanted(line)).collect()
}

/// Asks for a key frame; how many came.
fn keys_when_asked(world: &mut TestWorld) -> usize {
    play(world);
    world.run_millis(500);
    let before = world.frames();
    world.ask(Request::Keyframe);
    world.run_millis(300);
    let frames =
        world.events.iter().filter_map(|(_, event)| if let Event::Video(frame) = event { Some(frame) } else { None });
    frames.skip(before).filter(|frame| frame.key).count()
}

#[test]
fn a_key_frame_is_asked_for_in_the_way_the_host_agreed_to() {
    let said = |world: &TestWorld| world.host.session().controls.iter().filter(|c| **c == Control::Keyframe).count();
    let asked = |world: &TestWorld| {
        let session = world.host.session();
        (session.keyframe_requests() - session.intra_requests(), session.intra_requests(), said(world) as u64)
    };
    let by_fir = |answer: &str| without(answer, &[" nack pli"]);
    let mut world = world(WorldConfig::default(), HostConfig { rewrite: by_fir, ..HostConfig::default() });
    assert_eq!((keys_when_asked(&mut world), asked(&world)), (1, (0, 1, 0)));
    world.ask(Request::Keyframe);
    world.run_millis(300);
    assert_eq!(asked(&world), (0, 2, 0), "each request is a new command");

    let by_neither = |answer: &str| without(answer, &[" nack pli", " ccm fir"]);
    let host = HostConfig { rewrite: by_neither, ..HostConfig::default() };
    let mut world = crate::support::world(WorldConfig::default(), host.clone());
    assert_eq!((keys_when_asked(&mut world), asked(&world)), (1, (0, 0, 1)));

    let mut world = crate::support::world(WorldConfig::default(), HostConfig { channels: false, ..host });
    assert_eq!((keys_when_asked(&mut world), asked(&world)), (1, (1, 0, 0)), "PLI is the last resort");
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    let run = |seed: u64| {
        let lossy =
            |path: entente_lab::Path| entente_lab::Path { loss: 0.01, jitter: Duration::from_millis(2), ..path };
        let base = WorldConfig::default();
        let config = WorldConfig { seed, up: lossy(base.up), down: lossy(base.down), addresses: base.addresses };
        let mut world = world(config, HostConfig::default());
        world.run_millis(5000);
        (world.trace_hash(), world.trace.len(), world.stats())
    };
    let first = run(3);
    assert!(first.1 > 2000);
    assert_eq!(first, run(3), "seed 3");
    assert_ne!(first.0, run(4).0, "another seed loses other packets");
}

#[test]
fn real_pictures_survive_the_way() {
    let mut world = world(WorldConfig::default(), HostConfig { clip: true, fps: 30, ..HostConfig::default() });
    play(&mut world);
    world.run_millis(1000);
    let clip = entente_lab::pattern_frames();
    for (count, (_, event)) in world.events.iter().filter(|(_, event)| matches!(event, Event::Video(_))).enumerate() {
        let Event::Video(frame) = event else { continue };
        assert!(frame.key, "frame {count}");
        assert!(clip.iter().any(|picture| units(picture) == units(&frame.data)), "frame {count}");
    }
    let _ = FakeHost::number_of(&[]);
}

fn units(data: &[u8]) -> Vec<Vec<u8>> {
    // Start codes may have three or four bytes; split at the three that both have.
    let mut units: Vec<Vec<u8>> = vec![Vec::new()];
    for byte in data {
        units.last_mut().unwrap().push(*byte);
        if units.last().unwrap().ends_with(&[0, 0, 1]) {
            let last = units.last_mut().unwrap();
            last.truncate(last.len() - 3);
            while last.last() == Some(&0) {
                last.pop();
            }
            units.push(Vec::new());
        }
    }
    units.retain(|unit| !unit.is_empty());
    units
}
