//! What every game must hold, whatever a player does and whatever the picture's size.

use entente_model::input::{Buttons, Contact, Feedback, Motion, PadState, PlayerInput, TouchPhase};
use proptest::prelude::*;

use super::{Game, STRIP_HEIGHT, catalogue, open};
use crate::draw::tests::{Planes, UNTOUCHED};

const SIZES: [(usize, usize); 9] =
    [(640, 360), (1280, 720), (1920, 1080), (1366, 768), (641, 361), (320, 180), (64, 48), (3, 5), (1, 1)];

fn pad(pad: u8, state: PadState) -> PlayerInput {
    PlayerInput::Pad { pad, state }
}

fn press(button: Buttons) -> PlayerInput {
    pad(0, PadState { buttons: button, ..PadState::default() })
}

/// A game that is being played by player one, two seconds in.
fn playing(seed: u64) -> Box<dyn Game> {
    let mut game = open("game", seed).unwrap();
    game.input(&press(Buttons::START));
    game.input(&press(Buttons::empty()));
    for _ in 0..120 {
        game.step(16_667);
    }
    game
}

fn hash(game: &mut dyn Game) -> u64 {
    let mut planes = Planes::new(640, 360, 0);
    game.draw(&mut planes.canvas());
    planes.hash()
}

#[test]
fn the_catalogue_opens() {
    for (id, title) in catalogue() {
        assert_eq!(open(id, 1).unwrap().name(), *title);
    }
    assert!(open("no such game", 1).is_none());
}

#[test]
fn every_size_and_stride_is_drawn_whole_and_not_beyond() {
    for (id, _) in catalogue() {
        let mut game = open(id, 3).unwrap();
        for play in [false, true] {
            if play {
                game.input(&press(Buttons::START));
            }
            for (width, height) in SIZES {
                for padding in [0, 1, 37] {
                    let mut planes = Planes::new(width, height, padding);
                    game.step(20_000);
                    game.draw(&mut planes.canvas());
                    assert!(planes.padding_is_whole(), "{id} {width}x{height}+{padding}");
                    // Drawn over something else, the picture is the same: no pixel was left out.
                    let first = planes.hash();
                    planes.y.chunks_mut(width + padding).for_each(|row| row[..width].fill(200));
                    let half = width.div_ceil(2);
                    for plane in [&mut planes.u, &mut planes.v] {
                        plane.chunks_mut(half + padding).for_each(|row| row[..half].fill(77));
                    }
                    game.draw(&mut planes.canvas());
                    assert_eq!(planes.hash(), first, "{id} {width}x{height}+{padding} keeps old pixels");
                }
            }
        }
    }
}

#[test]
fn planes_that_are_too_short_are_survived() {
    for (id, _) in catalogue() {
        let mut game = open(id, 3).unwrap();
        let mut planes = Planes::new(640, 360, 0);
        planes.y.truncate(70_001);
        planes.u.truncate(333);
        planes.v.clear();
        game.step(20_000);
        game.draw(&mut planes.canvas());
    }
}

#[test]
fn levels_stay_in_limited_range_and_the_strip_is_dark() {
    for (id, _) in catalogue() {
        let mut game = open(id, 5).unwrap();
        game.input(&press(Buttons::START));
        for frame in 0..200 {
            game.step(33_333);
            if frame % 20 != 0 {
                continue;
            }
            let mut planes = Planes::new(1280, 720, 0);
            game.draw(&mut planes.canvas());
            assert!(planes.y.iter().all(|y| (16..=235).contains(y)), "{id}");
            assert!(planes.u.iter().chain(&planes.v).all(|c| (16..=240).contains(c)), "{id}");
            for row in planes.y.chunks(1280).take(STRIP_HEIGHT) {
                assert!(row[..512].iter().all(|&y| y < 48), "{id} draws into the strip");
            }
        }
    }
}

#[test]
fn same_seed_and_inputs_give_the_same_pictures_and_sound() {
    let run = |seed: u64| {
        let mut game = open("game", seed).unwrap();
        let (mut hashes, mut sound) = (Vec::new(), Vec::new());
        for frame in 0..600_u32 {
            if frame == 30 {
                game.input(&press(Buttons::START));
            }
            let swing = ((f64::from(frame) * 0.05).sin() * 30_000.0) as i16;
            let buttons = if frame % 7 < 3 { Buttons::SOUTH } else { Buttons::empty() };
            game.input(&pad(0, PadState { buttons, left_x: swing, left_y: -swing / 2, ..PadState::default() }));
            game.step(16_667);
            if frame % 50 == 0 {
                hashes.push(hash(game.as_mut()));
            }
            let mut out = vec![0; 1_600];
            game.sound(&mut out);
            sound.extend(out);
        }
        (hashes, sound)
    };
    let (first, second, other) = (run(42), run(42), run(43));
    assert_eq!(first.0, second.0);
    assert!(first.1 == second.1);
    assert_ne!(first.0, other.0);
}

#[test]
fn the_ship_moves_in_the_next_frame_after_the_stick() {
    for input in [
        pad(0, PadState { left_x: 32_767, ..PadState::default() }),
        press(Buttons::RIGHT),
        PlayerInput::Key { usage: 0x4F, down: true },
        PlayerInput::Key { usage: 0x07, down: true },
    ] {
        let (mut still, mut moved) = (playing(9), playing(9));
        assert_eq!(hash(still.as_mut()), hash(moved.as_mut()));
        moved.input(&input);
        let [mut before, mut after] = [(); 2].map(|()| Planes::new(640, 360, 0));
        still.step(16_667);
        moved.step(16_667);
        still.draw(&mut before.canvas());
        moved.draw(&mut after.canvas());
        let changed = before.y.iter().zip(&after.y).filter(|(a, b)| a.abs_diff(**b) > 40).count();
        assert!(changed > 20, "{input:?} changed {changed} pixels");
    }
}

#[test]
fn steps_of_any_length_play_the_same_game() {
    let (mut coarse, mut fine) = (playing(4), playing(4));
    let input = pad(0, PadState { right_x: 20_000, right_y: 20_000, left_x: 9_000, ..PadState::default() });
    coarse.input(&input);
    fine.input(&input);
    for _ in 0..60 {
        coarse.step(25_000);
        (0..25).for_each(|_| fine.step(1_000));
    }
    assert_eq!(hash(coarse.as_mut()), hash(fine.as_mut()));
}

#[test]
fn an_idle_player_is_hit_feels_it_and_can_play_again() {
    let mut game = playing(11);
    let title = hash(open("game", 11).unwrap().as_mut());
    let (mut hits, mut lights, mut over) = (0, 0, 0);
    for frame in 0..60 * 60 * 6 {
        game.step(16_667);
        while let Some(feedback) = game.feedback() {
            match feedback {
                Feedback::Rumble { pad: 0, low, millis, .. } if low >= 1.0 && millis > 300 => hits += 1,
                Feedback::Light { pad: 0, .. } => lights += 1,
                _ => {}
            }
        }
        if hits == 3 {
            over = frame;
            break;
        }
    }
    assert!(hits == 3 && over > 0, "three ships are lost one by one: {hits}");
    assert_eq!(lights, 1);
    for _ in 0..60 * 3 {
        game.step(16_667);
    }
    let ended = hash(game.as_mut());
    assert_ne!(ended, title);
    game.input(&PlayerInput::Key { usage: 0x28, down: true });
    game.step(16_667);
    assert!(matches!(game.feedback(), Some(Feedback::Light { pad: 0, .. })), "a new game has begun");
}

#[test]
fn pausing_holds_the_picture() {
    let mut game = playing(2);
    game.input(&PlayerInput::Key { usage: 0x29, down: true });
    game.step(16_667);
    let held = hash(game.as_mut());
    game.step(200_000);
    assert_eq!(hash(game.as_mut()), held);
    game.input(&PlayerInput::Key { usage: 0x29, down: true });
    game.step(200_000);
    assert_ne!(hash(game.as_mut()), held);
}

#[test]
fn sound_of_the_game_neither_clips_nor_clicks() {
    let mut game = playing(6);
    game.input(&pad(0, PadState { right_x: 32_767, ..PadState::default() }));
    game.input(&pad(1, PadState { buttons: Buttons::START, right_x: -32_767, ..PadState::default() }));
    let (mut last, mut peak, mut jump) = ([0_i16; 2], 0, 0);
    for _ in 0..60 * 30 {
        game.step(16_667);
        let mut out = [0; 1_600];
        game.sound(&mut out);
        for frame in out.as_chunks::<2>().0 {
            for (now, before) in frame.iter().zip(last) {
                peak = peak.max(now.unsigned_abs());
                jump = jump.max(now.abs_diff(before));
            }
            last = *frame;
        }
    }
    assert!((4_000..=32_000).contains(&peak), "{peak}");
    assert!(jump < 9_000, "jumps by {jump}");
}

#[test]
fn padcheck_shows_each_kind_of_input() {
    let contact = Contact { id: 3, x: 20_000, y: 50_000, pressure: 9_000 };
    for input in [
        PlayerInput::PadConnected { pad: 2, name: "Name".to_owned() },
        press(Buttons::PADDLE3),
        pad(0, PadState { left_trigger: 30_000, ..PadState::default() }),
        pad(0, PadState { right_y: -20_000, ..PadState::default() }),
        PlayerInput::Key { usage: 0x2C, down: true },
        PlayerInput::PointerMove { dx: 20, dy: -7 },
        PlayerInput::PointerTo { x: 30_000, y: 30_000 },
        PlayerInput::PointerButton { button: 4, down: true },
        PlayerInput::Wheel { x: 0, y: -120 },
        PlayerInput::Touch { contact, phase: TouchPhase::Down },
        PlayerInput::Motion { pad: 0, motion: Motion { gyro: [160, 0, 0], accel: [0, 4_096, 0] } },
        PlayerInput::Text("hello".to_owned()),
    ] {
        let mut game = open("padcheck", 0).unwrap();
        // An event about a pad which is not shown changes the count of events and nothing else.
        game.input(&PlayerInput::Motion { pad: 16, motion: Motion::default() });
        let before = hash(game.as_mut());
        let mut game = open("padcheck", 0).unwrap();
        game.input(&input);
        assert_ne!(hash(game.as_mut()), before, "{input:?}");
    }
}

#[test]
fn padcheck_shows_all_that_can_arrive() {
    let south = PadState { buttons: Buttons::SOUTH, ..PadState::default() };
    let button = |button, down| PlayerInput::PointerButton { button, down };
    let key = |usage, down| PlayerInput::Key { usage, down };
    for (begin, stays, ends) in [
        (pad(15, south), PlayerInput::PadGone { pad: 14 }, PlayerInput::PadGone { pad: 15 }),
        (button(7, true), button(6, false), button(7, false)),
        (key(0x1F4, true), key(0x1F5, false), key(0x1F4, false)),
        (key(u16::MAX, true), key(0, false), key(u16::MAX, false)),
    ] {
        let shown = |second: &PlayerInput| {
            let mut game = open("padcheck", 0).unwrap();
            game.input(&begin);
            game.input(second);
            for _ in 0..8 {
                // Out of the log, so that only what is held makes a difference.
                game.input(&PlayerInput::Text("x".to_owned()));
            }
            hash(game.as_mut())
        };
        assert_ne!(shown(&stays), shown(&ends), "{begin:?}");
    }
}

#[test]
fn padcheck_rumbles_with_the_triggers_and_stops() {
    let mut game = open("padcheck", 0).unwrap();
    game.input(&pad(1, PadState { left_trigger: 65_535, right_trigger: 32_768, ..PadState::default() }));
    let Some(Feedback::Rumble { pad: 1, low, high, millis }) = game.feedback() else { panic!("no rumble") };
    assert!((low - 1.0).abs() < 1e-3 && (high - 0.5).abs() < 1e-3 && millis > 100);
    assert_eq!(game.feedback(), None);
    game.step(100_000);
    assert!(matches!(game.feedback(), Some(Feedback::Rumble { pad: 1, .. })), "goes on while held");
    game.input(&pad(1, PadState::default()));
    assert_eq!(game.feedback(), Some(Feedback::Rumble { pad: 1, low: 0.0, high: 0.0, millis: 0 }));
    game.step(500_000);
    assert_eq!(game.feedback(), None);
}

fn any_input() -> impl Strategy<Value = PlayerInput> {
    let state = (any::<u32>(), any::<[i16; 4]>(), any::<[u16; 2]>()).prop_map(|(buttons, sticks, triggers)| PadState {
        buttons: Buttons::from_bits_truncate(buttons),
        left_x: sticks[0],
        left_y: sticks[1],
        right_x: sticks[2],
        right_y: sticks[3],
        left_trigger: triggers[0],
        right_trigger: triggers[1],
    });
    let phase = prop_oneof![Just(TouchPhase::Down), Just(TouchPhase::Move), Just(TouchPhase::Up)];
    let contact = any::<(u8, u16, u16, u16)>().prop_map(|(id, x, y, pressure)| Contact { id, x, y, pressure });
    prop_oneof![
        (0..18_u8, any::<String>()).prop_map(|(pad, name)| PlayerInput::PadConnected { pad, name }),
        any::<u8>().prop_map(|pad| PlayerInput::PadGone { pad }),
        (any::<u8>().prop_map(|pad| pad % 18), state).prop_map(|(pad, state)| PlayerInput::Pad { pad, state }),
        (0..0x120_u16, any::<bool>()).prop_map(|(usage, down)| PlayerInput::Key { usage, down }),
        any::<(u16, bool)>().prop_map(|(usage, down)| PlayerInput::Key { usage, down }),
        any::<(i32, i32)>().prop_map(|(dx, dy)| PlayerInput::PointerMove { dx, dy }),
        any::<(u16, u16)>().prop_map(|(x, y)| PlayerInput::PointerTo { x, y }),
        any::<(u8, bool)>().prop_map(|(button, down)| PlayerInput::PointerButton { button, down }),
        any::<(i32, i32)>().prop_map(|(x, y)| PlayerInput::Wheel { x, y }),
        (contact, phase).prop_map(|(contact, phase)| PlayerInput::Touch { contact, phase }),
        any::<(u8, [i16; 3], [i16; 3])>()
            .prop_map(|(pad, gyro, accel)| PlayerInput::Motion { pad, motion: Motion { gyro, accel } }),
        any::<String>().prop_map(PlayerInput::Text),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_a_player_does_breaks_a_game(
        seed: u64,
        script in prop::collection::vec((any_input(), 0..60_000_u64), 1..120),
        which in 0..3_usize,
    ) {
        let mut game = open(catalogue()[which].0, seed).unwrap();
        let mut planes = Planes::new(322, 182, 3);
        for (index, (input, micros)) in script.iter().enumerate() {
            game.input(input);
            game.step(*micros);
            if index % 4 == 0 {
                game.draw(&mut planes.canvas());
                prop_assert!(planes.padding_is_whole());
                prop_assert!(!planes.y.iter().any(|&y| y > 235 && y != UNTOUCHED));
            }
            let mut out = [0; 441];
            game.sound(&mut out);
            while let Some(feedback) = game.feedback() {
                if let Feedback::Rumble { low, high, .. } = feedback {
                    prop_assert!((0.0..=1.0).contains(&low) && (0.0..=1.0).contains(&high));
                }
            }
        }
        game.step(u64::MAX);
        game.step(u64::MAX);
        game.draw(&mut planes.canvas());
    }
}
