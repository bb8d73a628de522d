//! Rumble of pads through gilrs.
//!
//! gilrs mixes effects on a thread of its own every 50 ms. Each pad gets two endless effects, one for each motor, whose
//! strength, length and start are set by messages to that thread; so a command never waits for the thread `pad`.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gilrs::ff::{BaseEffect, BaseEffectType, Effect, EffectBuilder, Error, Repeat, Ticks};
use gilrs::{GamepadId, Gilrs};

use crate::slots::SLOTS;

/// Longest rumble of one command; a host that is lost cannot stop it any more.
const LONGEST: Duration = Duration::from_secs(30);

/// The motors of all pads.
#[derive(Default)]
pub(crate) struct Motors {
    pads: Mutex<[Option<Pair>; SLOTS]>,
}

struct Pair {
    strong: Effect,
    weak: Effect,
}

impl fmt::Debug for Motors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Motors").field("pads", &self.lock().iter().flatten().count()).finish()
    }
}

impl Motors {
    /// Makes the effects of a pad that has just come.
    pub(crate) fn connect(&self, slot: u8, id: GamepadId, gilrs: &mut Gilrs) {
        if !gilrs.gamepad(id).is_ff_supported() {
            return;
        }
        let pair = || {
            Ok::<_, Error>(Pair {
                strong: effect(BaseEffectType::Strong { magnitude: u16::MAX }, id, gilrs)?,
                weak: effect(BaseEffectType::Weak { magnitude: u16::MAX }, id, gilrs)?,
            })
        };
        match { pair }() {
            Ok(pair) => self.set(slot, Some(pair)),
            Err(error) => tracing::warn!(slot, %error, "no rumble on this pad"),
        }
    }

    /// Forgets the effects of a pad that has gone.
    pub(crate) fn disconnect(&self, slot: u8) {
        self.set(slot, None);
    }

    /// Replaces what the pad plays; false when it cannot rumble.
    pub(crate) fn rumble(&self, slot: u8, low: f32, high: f32, millis: u32) -> bool {
        let pads = self.lock();
        let Some(Some(pair)) = pads.get(usize::from(slot)) else { return false };
        let length = length(low, high, millis);
        let played = play(&pair.strong, strength(low), length).and_then(|()| play(&pair.weak, strength(high), length));
        played.inspect_err(|error| tracing::debug!(slot, %error, "rumble was not played")).is_ok()
    }

    /// Stops every motor.
    pub(crate) fn stop(&self) {
        for pair in self.lock().iter().flatten() {
            // An error means that gilrs is gone, and with it the rumble.
            let _ = pair.strong.stop();
            let _ = pair.weak.stop();
        }
    }

    fn set(&self, slot: u8, pair: Option<Pair>) {
        if let Some(pad) = self.lock().get_mut(usize::from(slot)) {
            *pad = pair;
        }
    }

    fn lock(&self) -> MutexGuard<'_, [Option<Pair>; SLOTS]> {
        self.pads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn effect(kind: BaseEffectType, id: GamepadId, gilrs: &mut Gilrs) -> Result<Effect, Error> {
    EffectBuilder::new().add_effect(BaseEffect { kind, ..BaseEffect::default() }).gamepads(&[id]).finish(gilrs)
}

fn play(effect: &Effect, strength: f32, length: Option<Duration>) -> Result<(), Error> {
    match length {
        Some(length) if strength > 0.0 => {
            effect.set_gain(strength)?;
            effect.set_repeat(Repeat::For(Ticks::from(length)))?;
            effect.play()
        }
        _ => effect.stop(),
    }
}

/// Strength of a motor; what is not a number is none.
fn strength(value: f32) -> f32 {
    if value.is_nan() { 0.0 } else { value.clamp(0.0, 1.0) }
}

/// How long to rumble, `None` to stop.
fn length(low: f32, high: f32, millis: u32) -> Option<Duration> {
    let length = Duration::from_millis(u64::from(millis)).min(LONGEST);
    (!length.is_zero() && (strength(low) > 0.0 || strength(high) > 0.0)).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_cut_to_what_a_motor_can_do() {
        assert_eq!(strength(f32::NAN).to_bits(), 0);
        assert_eq!(strength(-1.0).to_bits(), 0);
        assert!((strength(7.0) - 1.0).abs() < f32::EPSILON);
        assert_eq!(length(1.0, 0.0, 250), Some(Duration::from_millis(250)));
        assert_eq!(length(0.0, 0.1, u32::MAX), Some(LONGEST));
        for (low, high, millis) in [(0.0, 0.0, 100), (1.0, 1.0, 0), (f32::NAN, -3.0, 100)] {
            assert_eq!(length(low, high, millis), None, "{low} {high} {millis} stops");
        }
    }

    #[test]
    fn a_pad_that_is_not_there_cannot_rumble() {
        let motors = Motors::default();
        assert!(!motors.rumble(0, 1.0, 1.0, 100));
        assert!(!motors.rumble(255, 1.0, 1.0, 100));
        motors.disconnect(200);
        motors.stop();
    }
}
