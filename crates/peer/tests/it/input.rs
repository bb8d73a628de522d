//! What the player does, as the host understands it.

use std::time::Duration;

use entente_lab::{HostConfig, Path, WorldConfig};
use entente_model::Event;
use entente_model::input::{Buttons, Feedback, PadState, PlayerInput};
use entente_model::wire::control::Control;

use crate::support::{CLOCK_AT_START, TestWorld, play, world};

fn ready(config: WorldConfig) -> TestWorld {
    let mut world = world(config, HostConfig::default());
    play(&mut world);
    world.run_millis(1500);
    world
}

fn pad(buttons: Buttons) -> PlayerInput {
    PlayerInput::Pad { pad: 0, state: PadState { buttons, ..PadState::default() } }
}

#[test]
fn a_press_leaves_at_once() {
    let mut world = ready(WorldConfig::default());
    world.play(PlayerInput::PadConnected { pad: 0, name: "pad".to_owned() });
    world.run_millis(50);
    let pressed = world.elapsed();
    world.play(pad(Buttons::SOUTH));
    world.run_millis(10);
    let session = world.host.session();
    assert_eq!(session.inputs.last(), Some(&pad(Buttons::SOUTH)), "arrived after the delay of the path alone");
    assert_eq!(u128::from(session.input_stamp), u128::from(CLOCK_AT_START) + pressed.as_micros());
}

#[test]
fn no_press_is_lost_at_twenty_percent() {
    let mut world = ready(WorldConfig { seed: 5, ..WorldConfig::default() });
    world.up = Path::lossy(10, 0.2);
    world.play(PlayerInput::PadConnected { pad: 0, name: "pad".to_owned() });
    let mut expected = Vec::new();
    for count in 0..200_u32 {
        let buttons =
            if count % 2 == 0 { Buttons::from_bits_truncate(1 << (count / 2 % 17)) } else { Buttons::empty() };
        world.play(pad(buttons));
        expected.push(buttons);
        world.run_millis(30);
    }
    world.run_millis(500);
    let session = world.host.session();
    let got: Vec<Buttons> = session
        .inputs
        .iter()
        .filter_map(|input| if let PlayerInput::Pad { state, .. } = input { Some(state.buttons) } else { None })
        .collect();
    assert_eq!(got, expected);
    // Every 8 ms for 6 s, less a fifth.
    assert!(session.input_packets > 550, "{}", session.input_packets);
}

#[test]
fn a_tap_while_the_channel_is_full_is_not_lost() {
    let mut world = ready(WorldConfig::default());
    world.play(PlayerInput::PadConnected { pad: 0, name: "pad".to_owned() });
    world.run_millis(500);
    world.up.cut = true;
    // Motion fills the channel: 16 KiB are about 250 packets.
    for _ in 0..600 {
        world.play(PlayerInput::PointerMove { dx: 1, dy: 0 });
        world.run_millis(1);
    }
    let tap = [PlayerInput::Key { usage: 4, down: true }, PlayerInput::Key { usage: 4, down: false }];
    for key in &tap {
        world.play(key.clone());
    }
    world.run_millis(200);
    world.up.cut = false;
    world.run_millis(1000);
    let keys: Vec<_> = world.host.session().inputs.iter().filter(|input| tap.contains(input)).cloned().collect();
    assert_eq!(keys, tap);
    assert_eq!(world.stats().reconnects, 0);
}

#[test]
fn pointer_motion_adds_up_and_text_arrives() {
    let mut world = ready(WorldConfig::default());
    world.up = Path::lossy(10, 0.2);
    for _ in 0..1000 {
        world.play(PlayerInput::PointerMove { dx: 3, dy: -1 });
        world.run_until(|_| false, Duration::from_micros(250));
    }
    world.play(PlayerInput::Text("hi".to_owned()));
    world.run_millis(3000);
    let session = world.host.session();
    let moved = session.inputs.iter().fold((0, 0), |sum, input| match input {
        PlayerInput::PointerMove { dx, dy } => (sum.0 + dx, sum.1 + dy),
        _ => sum,
    });
    assert_eq!(moved, (3000, -1000));
    assert!(session.input_packets < 350, "four thousand a second are merged: {}", session.input_packets);
    assert!(session.controls.contains(&Control::Text { text: "hi".to_owned() }));
}

#[test]
fn a_long_text_arrives_whole() {
    let mut world = ready(WorldConfig::default());
    let text = "Grüße \u{1f3ae}\n".repeat(5000);
    world.play(PlayerInput::Text(text.clone()));
    world.run_millis(2000);
    let parts = world.host.session().controls.iter().filter_map(|control| match control {
        Control::Text { text } => Some(text.as_str()),
        _ => None,
    });
    assert_eq!(parts.collect::<String>(), text);
}

#[test]
fn feedback_and_notices_come_back() {
    let mut world = ready(WorldConfig::default());
    let now = world.now();
    world.host.say(now, &Control::Rumble { pad: 1, low: 0.5, high: 0.25, millis: 200 });
    world.host.say(now, &Control::Light { pad: 1, r: 1, g: 2, b: 3 });
    world.host.say(now, &Control::Notice { text: "Saved.".to_owned() });
    world.run_millis(100);
    let has = |wanted: &dyn Fn(&Event) -> bool| world.events.iter().any(|(_, event)| wanted(event));
    let rumble = Feedback::Rumble { pad: 1, low: 0.5, high: 0.25, millis: 200 };
    assert!(has(&|event| matches!(event, Event::Feedback(feedback) if *feedback == rumble)));
    assert!(has(&|event| matches!(event, Event::Feedback(Feedback::Light { pad: 1, rgb: [1, 2, 3] }))));
    assert!(has(&|event| matches!(event, Event::Notice(text) if text == "Saved.")));
}
