//! Sound made from nothing: voices, an echo and a step sequencer.
//!
//! Everything is 48 kHz stereo. Voices start and end with a ramp and pass two low-pass poles, and
//! the mix goes through a soft limiter, so nothing clicks and nothing clips. Nothing is allocated
//! after start.

pub mod music;
pub mod synth;

pub use music::{Mood, Music};
pub use synth::{Patch, Synth, Wave};

/// Samples per second and channel.
pub const RATE: u32 = 48_000;

/// Frequency of a MIDI note number in hertz, 69 being 440.
#[must_use]
pub fn note(number: f32) -> f32 {
    440.0 * ((number - 69.0) / 12.0).exp2()
}
