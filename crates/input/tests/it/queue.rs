use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use entente_input::InputQueue;
use entente_input::queue::{CAPACITY, EDGE_LIMIT};
use entente_model::input::{Buttons, Contact, InputEvent, Motion, PadState, PlayerInput, TouchPhase};
use proptest::prelude::*;

fn pad(pad: u8, buttons: Buttons, left_x: i16) -> PlayerInput {
    PlayerInput::Pad { pad, state: PadState { buttons, left_x, ..PadState::default() } }
}

fn key(usage: u16, down: bool) -> PlayerInput {
    PlayerInput::Key { usage, down }
}

fn push_all(queue: &InputQueue, inputs: impl IntoIterator<Item = PlayerInput>) -> Instant {
    let start = Instant::now();
    for (index, what) in inputs.into_iter().enumerate() {
        queue.push(InputEvent { at: start + Duration::from_millis(index as u64), what });
    }
    start
}

fn drained(queue: &InputQueue) -> Vec<InputEvent> {
    let mut events = Vec::new();
    queue.drain_into(&mut events);
    assert!(queue.is_empty());
    events
}

fn merged(inputs: impl IntoIterator<Item = PlayerInput>) -> Vec<PlayerInput> {
    let queue = InputQueue::new(|| {});
    push_all(&queue, inputs);
    drained(&queue).into_iter().map(|event| event.what).collect()
}

#[test]
fn sticks_merge_and_carry_the_newest_moment() {
    let queue = InputQueue::new(|| {});
    let none = Buttons::empty();
    let start = push_all(&queue, [pad(0, none, 1), pad(1, none, 5), pad(0, none, 2), pad(0, none, 3)]);
    let events = drained(&queue);
    assert_eq!(events.iter().map(|event| event.what.clone()).collect::<Vec<_>>(), [pad(1, none, 5), pad(0, none, 3)]);
    assert_eq!(events[1].at, start + Duration::from_millis(3));
}

#[test]
fn a_tap_between_two_drains_is_two_edges() {
    let (none, south) = (Buttons::empty(), Buttons::SOUTH);
    let inputs =
        [pad(0, none, 1), pad(0, none, 2), pad(0, south, 2), pad(0, south, 3), pad(0, south, 4), pad(0, none, 5)];
    assert_eq!(merged(inputs), [pad(0, none, 2), pad(0, south, 2), pad(0, south, 4), pad(0, none, 5)]);
}

#[test]
fn movements_add_up_and_do_not_cross_an_edge() {
    let motion = |x| PlayerInput::Motion { pad: 0, motion: Motion { gyro: [x, 0, 0], accel: [0; 3] } };
    let touch = |x, phase| PlayerInput::Touch { contact: Contact { id: 1, x, y: 0, pressure: 0 }, phase };
    let inputs = [
        PlayerInput::PointerMove { dx: 1, dy: -1 },
        motion(1),
        PlayerInput::PointerMove { dx: 2, dy: i32::MIN },
        motion(2),
        PlayerInput::PointerButton { button: 0, down: true },
        PlayerInput::PointerMove { dx: 7, dy: 7 },
        PlayerInput::Wheel { x: 0, y: 120 },
        PlayerInput::Wheel { x: 1, y: -240 },
        touch(1, TouchPhase::Down),
        touch(2, TouchPhase::Move),
        touch(3, TouchPhase::Move),
        touch(3, TouchPhase::Up),
    ];
    let wanted = [
        PlayerInput::PointerMove { dx: 3, dy: i32::MIN },
        motion(2),
        PlayerInput::PointerButton { button: 0, down: true },
        PlayerInput::PointerMove { dx: 7, dy: 7 },
        PlayerInput::Wheel { x: 1, y: -120 },
        touch(1, TouchPhase::Down),
        touch(3, TouchPhase::Move),
        touch(3, TouchPhase::Up),
    ];
    assert_eq!(merged(inputs), wanted);
}

#[test]
fn a_full_queue_keeps_every_edge_and_the_last_position() {
    let queue = InputQueue::new(|| {});
    push_all(&queue, [pad(3, Buttons::empty(), 1)]);
    push_all(&queue, (0..1000).flat_map(|index| [key(4, index % 2 == 0), pad(3, Buttons::empty(), index)]));
    let events: Vec<_> = drained(&queue).into_iter().map(|event| event.what).collect();
    let keys: Vec<_> = events.iter().filter(|event| matches!(event, PlayerInput::Key { .. })).cloned().collect();
    assert_eq!(keys, (0..1000).map(|index| key(4, index % 2 == 0)).collect::<Vec<_>>());
    assert_eq!(
        events.iter().rfind(|event| matches!(event, PlayerInput::Pad { .. })),
        Some(&pad(3, Buttons::empty(), 999))
    );
    assert!(events.len() < 1000 + CAPACITY);
    assert_eq!(queue.lost(), 0);
}

#[test]
fn a_full_queue_merges_sticks_into_a_button_without_losing_it() {
    let queue = InputQueue::new(|| {});
    push_all(&queue, (0..CAPACITY).map(|index| key(4, index % 2 == 0)));
    let start = push_all(&queue, [pad(0, Buttons::SOUTH, 1), pad(0, Buttons::SOUTH, 2), pad(0, Buttons::empty(), 3)]);
    let events = drained(&queue).split_off(CAPACITY);
    let wanted = [
        InputEvent { at: start, what: pad(0, Buttons::SOUTH, 2) },
        InputEvent { at: start + Duration::from_millis(2), what: pad(0, Buttons::empty(), 3) },
    ];
    assert_eq!(events, wanted);
}

#[test]
fn memory_is_bounded_when_nobody_reads() {
    let queue = InputQueue::new(|| {});
    push_all(&queue, (0..EDGE_LIMIT + 10).map(|index| key(4, index % 2 == 0)));
    assert_eq!((queue.len(), queue.lost()), (EDGE_LIMIT, 10));
}

#[test]
fn the_reader_is_woken_once_for_each_filling() {
    let woken = Arc::new(AtomicUsize::new(0));
    let queue = InputQueue::new({
        let woken = Arc::clone(&woken);
        move || {
            woken.fetch_add(1, Ordering::Relaxed);
        }
    });
    push_all(&queue, [key(4, true), key(4, false)]);
    assert_eq!(woken.load(Ordering::Relaxed), 1);
    while queue.pop().is_some() {}
    push_all(&queue, [key(4, true)]);
    assert_eq!(woken.load(Ordering::Relaxed), 2);
}

fn any_input() -> impl Strategy<Value = PlayerInput> {
    prop_oneof![
        4 => (0_u8..3, 0_u32..4, any::<i16>())
            .prop_map(|(slot, bits, x)| pad(slot, Buttons::from_bits_truncate(bits), x)),
        1 => (4_u16..6, any::<bool>()).prop_map(|(usage, down)| key(usage, down)),
        1 => (0_u8..2, any::<bool>()).prop_map(|(button, down)| PlayerInput::PointerButton { button, down }),
        2 => (-9..9, -9..9).prop_map(|(dx, dy)| PlayerInput::PointerMove { dx, dy }),
        1 => (-9..9, -9..9).prop_map(|(x, y)| PlayerInput::Wheel { x, y }),
        1 => (any::<u16>(), any::<u16>()).prop_map(|(x, y)| PlayerInput::PointerTo { x, y }),
        1 => (0_u8..3, any::<i16>()).prop_map(|(pad, x)| PlayerInput::Motion {
            pad,
            motion: Motion { gyro: [x, 0, 0], accel: [0; 3] },
        }),
        1 => (0_u8..3).prop_map(|pad| PlayerInput::PadGone { pad }),
    ]
}

/// All edges in order: what a pad's buttons become, and everything that is no movement.
fn edges<'a>(inputs: impl IntoIterator<Item = &'a PlayerInput>) -> Vec<String> {
    let mut buttons = [Buttons::empty(); 3];
    let mut edges = Vec::new();
    for input in inputs {
        match input {
            PlayerInput::Pad { pad, state } => {
                let before = &mut buttons[usize::from(*pad)];
                if *before != state.buttons {
                    *before = state.buttons;
                    edges.push(format!("pad {pad} {:?}", state.buttons));
                }
            }
            PlayerInput::PadGone { pad } => {
                buttons[usize::from(*pad)] = Buttons::empty();
                edges.push(format!("{input:?}"));
            }
            PlayerInput::Key { .. } | PlayerInput::PointerButton { .. } => edges.push(format!("{input:?}")),
            _ => {}
        }
    }
    edges
}

/// Where everything ends up: last state of each pad and pointer, sums of what adds up.
fn end<'a>(inputs: impl IntoIterator<Item = &'a PlayerInput>) -> (Vec<Option<PlayerInput>>, [i32; 4]) {
    let mut last = vec![None; 7];
    let mut sums = [0; 4];
    for input in inputs {
        match input {
            PlayerInput::Pad { pad, .. } | PlayerInput::PadGone { pad } => {
                last[usize::from(*pad)] = Some(input.clone());
            }
            PlayerInput::Motion { pad, .. } => last[3 + usize::from(*pad)] = Some(input.clone()),
            PlayerInput::PointerTo { .. } => last[6] = Some(input.clone()),
            PlayerInput::PointerMove { dx, dy } => {
                sums[0] += dx;
                sums[1] += dy;
            }
            PlayerInput::Wheel { x, y } => {
                sums[2] += x;
                sums[3] += y;
            }
            _ => {}
        }
    }
    (last, sums)
}

proptest! {
    #[test]
    fn no_edge_is_lost_and_all_ends_where_it_should(
        inputs in proptest::collection::vec(any_input(), 0..1500),
        drains in proptest::collection::vec(0_usize..1500, 0..3),
    ) {
        let queue = InputQueue::new(|| {});
        let mut seen = Vec::new();
        let start = Instant::now();
        for (index, what) in inputs.iter().cloned().enumerate() {
            queue.push(InputEvent { at: start + Duration::from_micros(index as u64), what });
            if drains.contains(&index) {
                seen.extend(drained(&queue));
            }
        }
        seen.extend(drained(&queue));
        let seen: Vec<_> = seen.into_iter().map(|event| event.what).collect();
        prop_assert_eq!(edges(&seen), edges(&inputs));
        prop_assert_eq!(end(&seen), end(&inputs));
        prop_assert_eq!(queue.lost(), 0);
    }

    #[test]
    fn movements_alone_need_one_place_each(
        moves in proptest::collection::vec((0_u8..16, any::<i16>(), 0..5), 0..2000),
    ) {
        let queue = InputQueue::new(|| {});
        push_all(&queue, moves.iter().map(|(slot, x, kind)| match kind {
            0 => PlayerInput::PointerMove { dx: 1, dy: 1 },
            1 => PlayerInput::Motion { pad: *slot, motion: Motion { gyro: [*x; 3], accel: [0; 3] } },
            _ => pad(*slot, Buttons::empty(), *x),
        }));
        prop_assert!(queue.len() <= 16 + 16 + 1);
    }
}
