//! Timers, wake-ups, input.

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use bytes::Bytes;
use entente_drive::Accepted;
use entente_model::input::{InputEvent, PlayerInput};
use entente_model::link::SocketSpec;
use entente_model::{Output, Request};

use crate::script::{LOOPBACK, PATIENCE, Reply, Rig, Seen, socket};

fn key(usage: u16) -> InputEvent {
    InputEvent { at: Instant::now(), what: PlayerInput::Key { usage, down: true } }
}

#[test]
fn timers_are_never_early_and_usually_exact() {
    const STEP: Duration = Duration::from_millis(5);
    let mut wanted = None;
    let (report, lateness) = crossbeam_channel::unbounded();
    let rig = Rig::new(move |now, seen| {
        if *seen == Seen::Tick
            && let Some(wanted) = wanted
        {
            assert!(now >= wanted, "early");
            report.send(now - wanted).unwrap();
        }
        let next = now + STEP;
        wanted = Some(next);
        Reply::none().until(next)
    });
    let mut late: Vec<Duration> = (0..100).map(|_| lateness.recv_timeout(PATIENCE).expect("a tick")).collect();
    late.sort();
    // The median, because any one tick may meet a busy machine; a timer in whole milliseconds would show.
    assert!(late[50] < Duration::from_millis(3), "median {:?} late", late[50]);
    drop(rig);
}

#[test]
fn a_link_that_asks_for_the_past_does_not_burn_the_core() {
    let base = Instant::now();
    let rig = Rig::new(move |_, _| Reply::none().until(base));
    std::thread::sleep(Duration::from_millis(300));
    let turns = rig.driver.handle().counters().turns;
    assert!((1..=400).contains(&turns), "{turns} turns in 300 ms");
}

#[test]
fn a_link_without_a_deadline_sleeps() {
    let rig = Rig::new(|_, _| Reply::none());
    rig.input("start", |_, seen| matches!(seen, Seen::Start(_)).then_some(()));
    std::thread::sleep(Duration::from_millis(100));
    assert!(rig.driver.handle().counters().turns <= 2);
    // A wake-up alone is no input.
    rig.driver.handle().wake();
    std::thread::sleep(Duration::from_millis(20));
    assert!(rig.inputs.try_recv().is_err());
}

#[test]
fn inputs_reach_the_link_quickly_and_in_order() {
    let rig = Rig::new(|_, _| Reply::none());
    let handle = rig.driver.handle();
    let mut delays = Vec::new();
    for usage in 0..200 {
        let event = key(usage);
        assert_eq!(handle.send_input(event.clone()), Accepted::Queued);
        let at = rig.input("input", |at, seen| (seen == Seen::Player(event.clone())).then_some(at));
        delays.push(at.saturating_duration_since(event.at));
    }
    delays.sort();
    assert!(delays[100] < Duration::from_millis(5), "median {:?}", delays[100]);
}

#[test]
fn an_input_that_causes_datagrams_is_reported_with_both_instants() {
    let peer = UdpSocket::bind((LOOPBACK, 0)).unwrap();
    peer.set_read_timeout(Some(PATIENCE)).unwrap();
    let to = peer.local_addr().unwrap();
    let rig = Rig::new(move |_, seen| match seen {
        Seen::Start(_) => Reply::one(Output::Open { socket: socket(1), spec: SocketSpec::Udp { local: LOOPBACK } }),
        // Even keys are sent, odd ones are not.
        Seen::Player(InputEvent { what: PlayerInput::Key { usage, .. }, .. }) if usage % 2 == 0 => {
            Reply::one(Output::Datagram { socket: socket(1), to, bytes: Bytes::from_static(b"key") })
        }
        _ => Reply::none(),
    });
    rig.input("opened", |_, seen| matches!(seen, Seen::Opened(..)).then_some(()));
    let handle = rig.driver.handle();
    let events: Vec<InputEvent> = (0..20).map(key).collect();
    for event in &events {
        handle.send_input(event.clone());
    }
    for event in events.iter().step_by(2) {
        let (device, wire) = rig.sent.recv_timeout(PATIENCE).expect("a report");
        assert_eq!(device, event.at);
        assert!(wire >= device && wire <= Instant::now());
        let mut buffer = [0; 16];
        peer.recv_from(&mut buffer).expect("the datagram is on the wire");
    }
    assert!(rig.sent.try_recv().is_err());
}

#[test]
fn a_late_link_thread_still_gets_every_key() {
    let rig = Rig::new(|_, seen| {
        if matches!(seen, Seen::Request(Request::Keyframe)) {
            std::thread::sleep(Duration::from_millis(100));
        }
        Reply::none()
    });
    let handle = rig.driver.handle();
    handle.request(Request::Keyframe);
    let events: Vec<InputEvent> = (0..1000).map(key).collect();
    for event in &events {
        assert_ne!(handle.send_input(event.clone()), Accepted::Lost);
    }
    for event in events {
        rig.input("key", |_, seen| match seen {
            Seen::Player(got) => {
                assert_eq!(got, event);
                Some(())
            }
            _ => None,
        });
    }
}
