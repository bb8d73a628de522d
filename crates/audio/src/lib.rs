//! Opus in, speakers out with the smallest buffer that does not crackle.
//!
//! [`AudioPlayer`] owns a thread that decodes packets the moment they arrive and puts sound into a lock-free ring; the
//! device's callback takes it out. The depth of the ring is the only delay that is added on purpose. It follows what
//! the device and the network need: one device period, one packet, the lateness seen lately, and a small margin.
//! Clock drift and depth errors are corrected by playing up to 0.5 % faster or slower, large ones by a cross-faded cut
//! or repetition.
//!
//! The parts without threads and clocks are [`playout`], its [`Feeder`] (packets to ring) and [`Puller`] (ring to
//! device); tests run them in virtual time.
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests count from any instant"))]

mod device;
mod feeder;
mod jitter;
mod mix;
mod opus_stream;
mod player;
mod puller;
mod resample;
mod ring;
mod sink;
mod splice;
mod stats;
mod wav;

pub use device::{DeviceInfo, list_devices};
pub use feeder::{Feeder, PlayoutConfig, playout};
pub use player::{AudioConfig, AudioPlayer, DeviceChoice};
pub use puller::Puller;
pub use stats::AudioStats;

/// Why audio cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum AudioError {
    /// The stream's layout is impossible (RFC 7845 section 5.1.1).
    #[error("impossible Opus layout: {0}")]
    Layout(String),
    /// The Opus library refused.
    #[error("opus: {0}")]
    Opus(#[from] opus::Error),
    /// The rate converter refused.
    #[error("resampling to {rate} Hz: {why}")]
    Resampler {
        /// Rate of the device in Hz.
        rate: u32,
        /// What the library said.
        why: String,
    },
    /// The sound device refused.
    #[error("sound device: {0}")]
    Device(String),
    /// The WAV file cannot be written.
    #[error("{path}: {why}")]
    Wav {
        /// Path of the file.
        path: String,
        /// What went wrong.
        why: String,
    },
    /// A thread could not be started.
    #[error("audio thread: {0}")]
    Thread(#[from] std::io::Error),
}
