//! Counters that any thread may read.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

/// Rate of Opus' decoded sound and of RTP time, in Hz (RFC 7587 section 4.1).
pub(crate) const RATE: u32 = 48_000;

/// Counters of audio so far, and its depth now.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AudioStats {
    /// Packets taken.
    pub packets: u64,
    /// Sound made up for missing packets, in milliseconds: from the next packet's error correction, or by
    /// extrapolation.
    pub concealed_ms: f64,
    /// Times that the device asked for sound while the host was sending and there was none. Counted when sound comes
    /// back, since only then it shows whether the host had stopped sending (see [`crate::Feeder`]).
    pub underruns: u64,
    /// Sound between arrival and loudspeaker now, device buffer included, in milliseconds.
    pub buffer_ms: f64,
    /// When the first sample left the loudspeaker, as far as the device tells: the first sample of the WAV file.
    /// Output without a device adds no delay.
    pub first_played: Option<Instant>,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) packets: AtomicU64,
    /// In frames of 1/48000 s.
    pub(crate) concealed: AtomicU64,
    pub(crate) underruns: AtomicU64,
    pub(crate) buffer_micros: AtomicU64,
    pub(crate) first_played: OnceLock<Instant>,
}

impl Counters {
    pub(crate) fn snapshot(&self) -> AudioStats {
        AudioStats {
            packets: self.packets.load(Relaxed),
            concealed_ms: self.concealed.load(Relaxed) as f64 * 1000.0 / f64::from(RATE),
            underruns: self.underruns.load(Relaxed),
            buffer_ms: self.buffer_micros.load(Relaxed) as f64 / 1000.0,
            first_played: self.first_played.get().copied(),
        }
    }
}
