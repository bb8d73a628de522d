//! The contract's second body: a link with no network plays through every part.

use std::time::Duration;

use entente_engine::News;
use entente_lab::PatternLink;
use entente_model::EndReason;
use entente_model::input::{Buttons, Feedback, InputEvent, PadState, PlayerInput};

use crate::rig::Rig;

#[test]
fn a_pattern_is_decoded_and_presented_frame_by_frame() {
    let rig = Rig::start(Box::new(PatternLink::new(30)));
    assert!(rig.wait_for(|news| matches!(news, News::FirstPicture { .. })), "no picture");
    std::thread::sleep(Duration::from_secs(1));
    let finished = rig.stop(EndReason::TimeUp);
    assert_eq!(finished.reason, EndReason::TimeUp);
    let counts = *finished.summary.counts();
    assert!(counts.received >= 20, "{counts:?}");
    assert_eq!(counts.corrupt, 0);
    // What was still on its way when it stopped is neither decoded nor lost.
    assert!(counts.decoded + 9 >= counts.received, "{counts:?}");
    assert!(counts.presented + counts.dropped() + 2 >= counts.decoded, "{counts:?}");
    assert!(finished.summary.audio().unwrap().packets > 20);
}

#[test]
fn a_button_comes_back_as_rumble() {
    let rig = Rig::start(Box::new(PatternLink::new(30)));
    let state = PadState { buttons: Buttons::SOUTH, ..PadState::default() };
    rig.stream.input(InputEvent { at: std::time::Instant::now(), what: PlayerInput::Pad { pad: 0, state } });
    assert!(rig.wait_for(|news| matches!(news, News::Feedback(Feedback::Rumble { pad: 0, .. }))));
    let _ = rig.stop(EndReason::User);
}
