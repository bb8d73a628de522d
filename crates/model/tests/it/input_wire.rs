//! The input channel: nothing a player does is lost when packets are.

use std::time::{Duration, Instant};

use entente_model::input::{Buttons, Contact, Motion, PadState, PlayerInput, TouchPhase};
use entente_model::wire::input::{
    EDGE_REPEATS, Edge, EdgeSource, InputEncoder, InputPacket, InputTracker, MAX_EDGES, MAX_PACKET, MAX_PLACES,
    PointerTotals,
};
use proptest::prelude::*;

fn press(pad: u8, buttons: Buttons) -> PlayerInput {
    PlayerInput::Pad { pad, state: PadState { buttons, ..PadState::default() } }
}

fn deliver(tracker: &mut InputTracker, packet: &InputPacket) -> Vec<PlayerInput> {
    let parsed = InputPacket::parse(&packet.to_bytes()).unwrap();
    assert_eq!(&parsed, packet);
    let mut seen = Vec::new();
    tracker.accept(&parsed, |what| seen.push(what));
    seen
}

#[test]
fn a_tap_between_two_packets_is_seen_as_press_and_release() {
    let (mut encoder, mut tracker) = (InputEncoder::new(), InputTracker::new());
    encoder.apply(&PlayerInput::PadConnected { pad: 0, name: String::from("pad") }, 1);
    encoder.apply(&press(0, Buttons::SOUTH), 2);
    encoder.apply(&press(0, Buttons::empty()), 3);
    let seen = deliver(&mut tracker, &encoder.packet());
    assert_eq!(
        seen,
        [
            PlayerInput::PadConnected { pad: 0, name: String::new() },
            press(0, Buttons::SOUTH),
            press(0, Buttons::empty())
        ]
    );
    assert_eq!(tracker.stamp_micros(), 3);
}

#[test]
fn edges_survive_losing_all_but_the_last_repeat() {
    let (mut encoder, mut tracker) = (InputEncoder::new(), InputTracker::new());
    encoder.apply(&PlayerInput::Key { usage: 4, down: true }, 1);
    encoder.apply(&PlayerInput::Key { usage: 4, down: false }, 2);
    let mut last = encoder.packet();
    for _ in 1..EDGE_REPEATS {
        assert!(encoder.wants_repeat());
        last = encoder.packet();
    }
    assert!(!encoder.wants_repeat());
    assert_eq!(
        deliver(&mut tracker, &last),
        [PlayerInput::Key { usage: 4, down: true }, PlayerInput::Key { usage: 4, down: false }]
    );
}

#[test]
fn a_long_outage_leaves_no_key_stuck() {
    let (mut encoder, mut tracker) = (InputEncoder::new(), InputTracker::new());
    encoder.apply(&PlayerInput::Key { usage: 4, down: true }, 1);
    deliver(&mut tracker, &encoder.packet());
    encoder.apply(&PlayerInput::Key { usage: 4, down: false }, 2);
    for _ in 0..=EDGE_REPEATS {
        let _lost = encoder.packet();
    }
    assert_eq!(deliver(&mut tracker, &encoder.packet()), [PlayerInput::Key { usage: 4, down: false }]);
}

#[test]
fn motion_totals_lose_nothing_and_wrap() {
    let (mut encoder, mut tracker) = (InputEncoder::new(), InputTracker::new());
    encoder.apply(&PlayerInput::PointerMove { dx: i32::MAX, dy: -5 }, 1);
    deliver(&mut tracker, &encoder.packet());
    encoder.apply(&PlayerInput::PointerMove { dx: 10, dy: 0 }, 2);
    let _lost = encoder.packet();
    encoder.apply(&PlayerInput::PointerMove { dx: 7, dy: 1 }, 3);
    encoder.apply(&PlayerInput::Wheel { x: 0, y: 120 }, 3);
    assert_eq!(
        deliver(&mut tracker, &encoder.packet()),
        [PlayerInput::PointerMove { dx: 17, dy: 1 }, PlayerInput::Wheel { x: 0, y: 120 }]
    );
}

#[test]
fn a_captured_pointer_is_not_pulled_back() {
    let (mut encoder, mut tracker) = (InputEncoder::new(), InputTracker::new());
    let place = PlayerInput::PointerTo { x: 100, y: 200 };
    encoder.apply(&place, 1);
    assert_eq!(deliver(&mut tracker, &encoder.packet()), std::slice::from_ref(&place));
    assert_eq!(deliver(&mut tracker, &encoder.packet()), [], "a repeated place is no news");
    let captured = PlayerInput::PointerMove { dx: 7, dy: 0 };
    encoder.apply(&captured, 2);
    let packet = encoder.packet();
    assert_eq!(packet.pointer_at, None, "the old place does not hold any more");
    assert_eq!(deliver(&mut tracker, &packet), [captured]);
    assert_eq!(deliver(&mut tracker, &encoder.packet()), []);
    // Released at the place where it was captured: that is news again.
    encoder.apply(&place, 3);
    assert_eq!(deliver(&mut tracker, &encoder.packet()), [place]);
}

#[test]
fn a_client_that_never_drops_the_place_pulls_nothing_back() {
    let mut tracker = InputTracker::new();
    let packet = |sequence, x| InputPacket {
        sequence,
        pointer: Some(PointerTotals { x, ..PointerTotals::default() }),
        pointer_at: Some((5, 6)),
        ..InputPacket::default()
    };
    assert_eq!(deliver(&mut tracker, &packet(0, 0)), [PlayerInput::PointerTo { x: 5, y: 6 }]);
    assert_eq!(deliver(&mut tracker, &packet(1, 9)), [PlayerInput::PointerMove { dx: 9, dy: 0 }]);
}

#[test]
fn what_moved_acts_before_what_was_pressed() {
    let (mut encoder, mut tracker) = (InputEncoder::new(), InputTracker::new());
    let contact = |x| Contact { id: 1, x, y: 0, pressure: 0 };
    let pad = |buttons, left_x| PlayerInput::Pad { pad: 0, state: PadState { buttons, left_x, ..PadState::default() } };
    encoder.apply(&PlayerInput::PointerTo { x: 1, y: 1 }, 1);
    encoder.apply(&pad(Buttons::empty(), 0), 1);
    encoder.apply(&PlayerInput::Touch { contact: contact(5), phase: TouchPhase::Down }, 1);
    deliver(&mut tracker, &encoder.packet());
    let moved = [
        pad(Buttons::empty(), 99),
        PlayerInput::PointerTo { x: 2, y: 2 },
        PlayerInput::Touch { contact: contact(6), phase: TouchPhase::Move },
    ];
    for what in &moved {
        encoder.apply(what, 2);
    }
    let _lost = encoder.packet();
    let pressed = [
        pad(Buttons::SOUTH, 99),
        PlayerInput::PointerButton { button: 0, down: true },
        PlayerInput::Wheel { x: 0, y: 1 },
    ];
    for what in &pressed {
        encoder.apply(what, 3);
    }
    assert_eq!(deliver(&mut tracker, &encoder.packet()), [&moved[..], &pressed[..]].concat());
}

#[test]
fn a_new_session_begins_with_what_is_held_and_nothing_else() {
    let mut encoder = InputEncoder::new();
    let contact = Contact { id: 1, x: 7, y: 8, pressure: 0 };
    let held = [
        press(2, Buttons::EAST),
        PlayerInput::PointerTo { x: 3, y: 4 },
        PlayerInput::Key { usage: 4, down: true },
        PlayerInput::PointerButton { button: 1, down: true },
        PlayerInput::Touch { contact, phase: TouchPhase::Down },
    ];
    encoder.apply(&PlayerInput::PointerMove { dx: 900, dy: -900 }, 1);
    encoder.apply(&PlayerInput::Wheel { x: 0, y: 120 }, 1);
    encoder.apply(&PlayerInput::Key { usage: 5, down: true }, 1);
    encoder.apply(&PlayerInput::Key { usage: 5, down: false }, 1);
    for what in &held {
        encoder.apply(what, 1);
    }
    let _other_session = encoder.packet();
    encoder.restart();
    let packet = encoder.packet();
    assert_eq!((packet.sequence, packet.edges.len()), (0, 0));
    let mut seen = deliver(&mut InputTracker::new(), &packet);
    assert_eq!(seen.remove(0), PlayerInput::PadConnected { pad: 2, name: String::new() });
    assert!(held.iter().all(|what| seen.contains(what)) && seen.len() == held.len(), "{seen:?}");
}

#[test]
fn a_client_that_falls_silent_lets_go_of_everything() {
    let (mut encoder, mut tracker) = (InputEncoder::new(), InputTracker::new());
    let base = Instant::now();
    let mut seen = Vec::new();
    let silence = |tracker: &mut InputTracker, millis| {
        let mut seen = Vec::new();
        tracker.silence(base + Duration::from_millis(millis), |what| seen.push(what));
        seen
    };
    assert_eq!(silence(&mut tracker, 0), [], "nobody was there yet");
    let contact = Contact { id: 1, x: 7, y: 8, pressure: 0 };
    let held = |down| {
        let phase = if down { TouchPhase::Down } else { TouchPhase::Up };
        [
            press(2, if down { Buttons::EAST } else { Buttons::empty() }),
            PlayerInput::Key { usage: 4, down },
            PlayerInput::PointerButton { button: 1, down },
            PlayerInput::Touch { contact, phase },
        ]
    };
    for what in &held(true) {
        encoder.apply(what, 1);
    }
    for packet in 0..30 {
        tracker.accept(&encoder.packet(), |what| seen.push(what));
        assert_eq!(silence(&mut tracker, packet * 100), [], "packets come");
    }
    assert_eq!(silence(&mut tracker, 3800), []);
    assert_eq!(silence(&mut tracker, 3900), held(false));
    assert_eq!(silence(&mut tracker, 4900), [], "once");
    let mut again = Vec::new();
    tracker.accept(&encoder.packet(), |what| again.push(what));
    assert!(held(true).iter().all(|what| again.contains(what)), "still held at the client: {again:?}");
    assert_eq!(silence(&mut tracker, 5000), []);
}

#[test]
fn a_pad_that_goes_away_lets_go_of_everything() {
    let (mut encoder, mut tracker) = (InputEncoder::new(), InputTracker::new());
    encoder.apply(&press(2, Buttons::EAST), 1);
    deliver(&mut tracker, &encoder.packet());
    encoder.apply(&PlayerInput::PadGone { pad: 2 }, 2);
    assert_eq!(deliver(&mut tracker, &encoder.packet()), [press(2, Buttons::empty()), PlayerInput::PadGone { pad: 2 }]);
}

#[test]
fn an_older_packet_brings_nothing() {
    let (mut encoder, mut tracker) = (InputEncoder::new(), InputTracker::new());
    encoder.apply(&press(0, Buttons::NORTH), 1);
    let old = encoder.packet();
    encoder.apply(&press(0, Buttons::empty()), 2);
    let new = encoder.packet();
    assert_eq!(deliver(&mut tracker, &new).len(), 3);
    assert_eq!(deliver(&mut tracker, &old), []);
    assert_eq!(deliver(&mut tracker, &new), []);
}

#[test]
fn a_tap_of_a_finger_is_seen() {
    let (mut encoder, mut tracker) = (InputEncoder::new(), InputTracker::new());
    let contact = Contact { id: 3, x: 100, y: 200, pressure: 5 };
    encoder.apply(&PlayerInput::Touch { contact, phase: TouchPhase::Down }, 1);
    assert_eq!(deliver(&mut tracker, &encoder.packet()), [PlayerInput::Touch { contact, phase: TouchPhase::Down }]);
    encoder.apply(&PlayerInput::Touch { contact, phase: TouchPhase::Up }, 2);
    assert_eq!(deliver(&mut tracker, &encoder.packet()), [PlayerInput::Touch { contact, phase: TouchPhase::Up }]);
}

#[test]
fn a_tap_of_a_finger_keeps_its_place_when_packets_are_lost() {
    let (mut encoder, mut tracker) = (InputEncoder::new(), InputTracker::new());
    let contact = |x| Contact { id: 3, x, y: 200, pressure: 5 };
    let touch = |x, phase| PlayerInput::Touch { contact: contact(x), phase };
    // Twice the same finger, each tap between two packets that arrive.
    let taps = [
        touch(100, TouchPhase::Down),
        touch(110, TouchPhase::Up),
        touch(60_000, TouchPhase::Down),
        touch(60_010, TouchPhase::Up),
    ];
    for what in &taps {
        encoder.apply(what, 1);
        let _lost = encoder.packet();
    }
    assert_eq!(deliver(&mut tracker, &encoder.packet()), taps);
}

#[test]
fn a_tap_without_a_place_is_left_out() {
    let edge = |number, down| Edge { number, source: EdgeSource::Touch, code: 3, down };
    let packet = InputPacket { edges: vec![edge(0, true), edge(1, false)], ..InputPacket::default() };
    assert_eq!(deliver(&mut InputTracker::new(), &packet), []);
}

#[test]
fn a_finger_that_is_listed_twice_comes_down_once() {
    let contact = |x| Contact { id: 3, x, y: 200, pressure: 5 };
    let packet = InputPacket { contacts: Some(vec![contact(1), contact(2)]), ..InputPacket::default() };
    let down = PlayerInput::Touch { contact: contact(1), phase: TouchPhase::Down };
    assert_eq!(deliver(&mut InputTracker::new(), &packet), [down]);
}

#[test]
fn a_packet_that_is_full_of_everything_fits() {
    let mut encoder = InputEncoder::new();
    for pad in 0..16 {
        encoder.apply(&press(pad, Buttons::empty()), 1);
        encoder.apply(&PlayerInput::Motion { pad, motion: Motion::default() }, 1);
    }
    for usage in 0..40 {
        encoder.apply(&PlayerInput::Key { usage, down: true }, 1);
    }
    encoder.apply(&PlayerInput::PointerMove { dx: 1, dy: 1 }, 1);
    encoder.apply(&PlayerInput::PointerTo { x: 1, y: 1 }, 1);
    for id in 0..40 {
        let contact = Contact { id, ..Contact::default() };
        encoder.apply(&PlayerInput::Touch { contact, phase: TouchPhase::Down }, 1);
    }
    let packet = encoder.packet();
    let parsed = InputPacket::parse(&packet.to_bytes()).unwrap();
    assert_eq!((parsed.edges.len(), parsed.places.len(), parsed.motion.len()), (MAX_EDGES, MAX_PLACES, 16));
    assert_eq!(parsed.places, packet.places);
    assert_eq!(parsed.places.last().map(|place| place.number), parsed.edges.last().map(|edge| edge.number));
}

#[test]
fn unknown_records_are_skipped() {
    let mut bytes = InputPacket { sequence: 9, stamp_micros: 8, ..InputPacket::default() }.to_bytes();
    bytes.extend([200, 3, 1, 2, 3]);
    assert_eq!(InputPacket::parse(&bytes).unwrap().sequence, 9);
}

/// Bytes of a packet with one record.
fn with_record(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = InputPacket::default().to_bytes();
    bytes.extend([kind, u8::try_from(payload.len()).unwrap()]);
    bytes.extend(payload);
    bytes
}

#[test]
fn records_of_another_length_are_read_as_described() {
    let read = |kind, payload: &[u8]| InputPacket::parse(&with_record(kind, payload)).unwrap();
    assert_eq!(read(5, &[0, 1, 0, 2, 99]).pointer_at, Some((1, 2)), "longer: as far as known");
    assert_eq!(read(5, &[0, 1, 0]).pointer_at, None, "shorter: ignored");
    assert_eq!(read(8, &[0, 3, 99]).pads_present, Some(3));
    let edge = [0, 7, 0x80, 1, 0, 4];
    assert_eq!(read(2, &[&edge[..], &edge[..5]].concat()).edges.len(), 1, "a list: its incomplete entry is ignored");
    assert_eq!(read(3, &[0, 4, 0]).keys, Some(vec![4]));
    assert_eq!(read(9, &[0; 15]).places.len(), 1);
    assert_eq!(read(6, &[0; 14]).contacts.map(|contacts| contacts.len()), Some(2));
    assert_eq!(read(6, &[0; 13]).contacts, None, "no finger is lifted by a damaged list");
}

fn any_input() -> impl Strategy<Value = PlayerInput> {
    prop_oneof![
        (0_u8..4, any::<u32>(), any::<i16>()).prop_map(|(pad, bits, axis)| PlayerInput::Pad {
            pad,
            state: PadState {
                buttons: Buttons::from_bits_truncate(bits),
                left_x: axis.max(-i16::MAX),
                ..PadState::default()
            },
        }),
        (0_u8..4).prop_map(|pad| PlayerInput::PadGone { pad }),
        (0_u16..8, any::<bool>()).prop_map(|(usage, down)| PlayerInput::Key { usage, down }),
        (any::<i32>(), any::<i32>()).prop_map(|(dx, dy)| PlayerInput::PointerMove { dx, dy }),
        (0_u8..5, any::<bool>()).prop_map(|(button, down)| PlayerInput::PointerButton { button, down }),
        (0_u8..16, any::<i16>())
            .prop_map(|(pad, v)| PlayerInput::Motion { pad, motion: Motion { gyro: [v; 3], accel: [v; 3] } }),
    ]
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..1400)) {
        let mut tracker = InputTracker::new();
        if let Ok(packet) = InputPacket::parse(&bytes) {
            tracker.accept(&packet, |_| {});
            prop_assert!(packet.to_bytes().len() <= MAX_PACKET);
        }
    }

    #[test]
    fn after_any_loss_the_host_ends_in_the_client_s_state(
        steps in proptest::collection::vec((any_input(), any::<bool>()), 1..120)
    ) {
        let (mut encoder, mut tracker) = (InputEncoder::new(), InputTracker::new());
        let mut keys = std::collections::BTreeSet::new();
        let mut pads = std::collections::BTreeMap::new();
        let mut record = |what: PlayerInput| match what {
            PlayerInput::Key { usage, down: true } => { keys.insert(usage); }
            PlayerInput::Key { usage, down: false } => { keys.remove(&usage); }
            PlayerInput::Pad { pad, state } => { pads.insert(pad, state); }
            PlayerInput::PadGone { pad } => { pads.remove(&pad); }
            _ => {}
        };
        let mut want_keys = std::collections::BTreeSet::new();
        let mut want_pads = std::collections::BTreeMap::new();
        for (index, (what, arrives)) in steps.iter().enumerate() {
            encoder.apply(what, index as u64);
            match what {
                PlayerInput::Key { usage, down: true } => { want_keys.insert(*usage); }
                PlayerInput::Key { usage, down: false } => { want_keys.remove(usage); }
                PlayerInput::Pad { pad, state } => { want_pads.insert(*pad, *state); }
                PlayerInput::PadGone { pad } => { want_pads.remove(pad); }
                _ => {}
            }
            let packet = encoder.packet();
            if *arrives {
                tracker.accept(&InputPacket::parse(&packet.to_bytes()).unwrap(), &mut record);
            }
        }
        tracker.accept(&InputPacket::parse(&encoder.packet().to_bytes()).unwrap(), &mut record);
        prop_assert_eq!(keys, want_keys);
        prop_assert_eq!(pads, want_pads);
    }
}
