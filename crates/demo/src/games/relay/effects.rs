//! What a cue sounds and feels like.

use entente_model::input::Feedback;

use super::world::Cue;
use crate::sound::{Patch, Synth, Wave, note};

/// Starts the sounds of a cue at a place between left and right.
pub(crate) fn play(synth: &mut Synth, cue: Cue, pan: f32) {
    let tone = |wave, frequency, fall, level| Patch::tone(wave, frequency, fall, level).at(pan);
    match cue {
        Cue::Fire(who) => {
            let from = if who == 0 { 980.0 } else { 780.0 };
            let zap = tone(Wave::Square, from, 0.035, 0.11);
            synth.play(&Patch { to: 190.0, sweep: 0.045, bright: 3_400.0, ..zap });
        }
        Cue::Clink => synth.play(&Patch { to: 900.0, sweep: 0.02, ..tone(Wave::Triangle, 1_500.0, 0.03, 0.16) }),
        Cue::Break(size) => {
            let size = size.clamp(1, 3) as f32;
            let dust = tone(Wave::Noise, 100.0, 0.08 * size, 0.42);
            synth.play(&Patch { bright: 4_200.0 / size, hold: 0.02, ..dust });
            let thud = tone(Wave::Sine, 260.0 / size, 0.08 * size, 0.4);
            synth.play(&Patch { to: 40.0, sweep: 0.07, ..thud });
        }
        Cue::Take(_, nth) => {
            let number = 76.0 + [0.0, 2.0, 4.0, 7.0, 9.0].get(nth as usize % 5).copied().unwrap_or_default();
            synth.play(&Patch { echo: 0.3, ..tone(Wave::Sine, note(number), 0.09, 0.24) });
            synth.play(&Patch { echo: 0.3, ..tone(Wave::Triangle, note(number + 12.0), 0.05, 0.1) });
        }
        Cue::Deliver(_, count) => {
            for step in 0..count.min(6) {
                let number = [69.0, 72.0, 76.0, 81.0, 84.0, 88.0].get(step as usize).copied().unwrap_or(69.0);
                let bell = tone(Wave::Triangle, note(number), 0.35, 0.12);
                synth.play(&Patch { delay: 0.055 * step as f32, echo: 0.4, ..bell });
            }
        }
        Cue::Dash(_) => {
            let rush = tone(Wave::Noise, 100.0, 0.1, 0.3);
            synth.play(&Patch { attack: 0.012, bright: 2_600.0, ..rush });
            synth.play(&Patch { to: 620.0, sweep: 0.08, ..tone(Wave::Saw, 130.0, 0.07, 0.12) });
        }
        Cue::Lost(_) => {
            let blast = tone(Wave::Noise, 100.0, 0.45, 0.6);
            synth.play(&Patch { bright: 1_800.0, hold: 0.08, echo: 0.25, ..blast });
            synth.play(&Patch { to: 30.0, sweep: 0.25, hold: 0.1, ..tone(Wave::Sine, 170.0, 0.4, 0.55) });
            synth.play(&Patch { to: 60.0, sweep: 0.3, bright: 1_400.0, ..tone(Wave::Saw, 700.0, 0.25, 0.2) });
        }
        Cue::Back(_) => {
            synth.play(&Patch { to: 880.0, sweep: 0.12, echo: 0.3, ..tone(Wave::Sine, 220.0, 0.16, 0.22) });
        }
        Cue::Extra(_) => {
            for (delay, number) in [(0.0, 76.0), (0.09, 81.0), (0.18, 88.0)] {
                let bell = tone(Wave::Square, note(number), 0.3, 0.08);
                synth.play(&Patch { delay, echo: 0.4, bright: 4_000.0, ..bell });
            }
        }
        Cue::Wasp => {
            let buzz = tone(Wave::Saw, 96.0, 0.22, 0.24);
            synth.play(&Patch { to: 150.0, sweep: 0.2, attack: 0.05, bright: 1_500.0, echo: 0.2, ..buzz });
        }
        Cue::Clear => {
            for (index, number) in [57.0, 64.0, 69.0, 73.0, 76.0, 81.0].into_iter().enumerate() {
                let chord = tone(Wave::Saw, note(number), 0.9, 0.09);
                let pan = index as f32 / 3.0 - 0.8;
                synth.play(&Patch { attack: 0.02, hold: 0.3, bright: 2_400.0, echo: 0.4, pan, ..chord });
            }
            synth.play(&Patch { to: 36.0, sweep: 0.4, hold: 0.2, ..tone(Wave::Sine, 120.0, 0.6, 0.4) });
        }
    }
}

/// What a cue makes a pad do.
#[must_use]
pub(crate) fn rumble(cue: Cue) -> Option<Feedback> {
    let shake = |who: usize, low: f32, high: f32, millis: u32| {
        Some(Feedback::Rumble { pad: u8::try_from(who).ok()?, low, high, millis })
    };
    match cue {
        Cue::Take(who, _) => shake(who, 0.0, 0.35, 50),
        Cue::Deliver(who, count) => shake(who, 0.2, (0.3 + 0.07 * count as f32).min(1.0), 160),
        Cue::Dash(who) => shake(who, 0.35, 0.2, 90),
        Cue::Lost(who) => shake(who, 1.0, 0.8, 450),
        Cue::Back(who) | Cue::Extra(who) => shake(who, 0.1, 0.4, 120),
        Cue::Fire(_) | Cue::Clink | Cue::Break(_) | Cue::Wasp | Cue::Clear => None,
    }
}
