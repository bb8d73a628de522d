//! The device's side: takes sound out of the ring, and fades where there is none.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::mix::to_stereo;
use crate::ring::{Consumer, Producer};
use crate::stats::Counters;

/// Length of fades to and from silence: 2.5 ms at 48 kHz.
const FADE: u32 = 120;

/// Frames over which a change of volume is spread.
const VOLUME_FADE: f32 = 480.0;

/// The device has not asked yet.
const NEVER: u64 = u64::MAX;

/// Volume as set by the user, shared by everything that plays.
#[derive(Debug)]
pub(crate) struct Volume {
    gain: AtomicU32,
}

impl Volume {
    pub(crate) fn new(gain: f32) -> Self {
        let volume = Self { gain: AtomicU32::new(0) };
        volume.set(gain);
        volume
    }

    /// 1.0 is as sent; limited to 0 ..= 2.
    pub(crate) fn set(&self, gain: f32) {
        let gain = if gain.is_finite() { gain.clamp(0.0, 2.0) } else { 1.0 };
        self.gain.store(gain.to_bits(), Ordering::Relaxed);
    }

    fn now(&self) -> f32 {
        f32::from_bits(self.gain.load(Ordering::Relaxed))
    }
}

/// What feeder and puller tell each other.
#[derive(Debug)]
pub(crate) struct Gate {
    epoch: Instant,
    /// Times that the puller found the ring empty while open; written by the puller.
    pub(crate) dries: AtomicU64,
    /// `dries + 1` when open; written by the feeder.
    pub(crate) opened: AtomicU64,
    /// Nanoseconds from the epoch to the last pull, or [`NEVER`].
    last_pull: AtomicU64,
    /// Largest pull since the feeder looked, in frames.
    largest_pull: AtomicU32,
    /// From the callback to the loudspeaker as the device tells, in microseconds; 0 is unknown.
    pub(crate) device_micros: AtomicU64,
    pub(crate) counters: Arc<Counters>,
}

impl Gate {
    pub(crate) fn new(epoch: Instant, counters: Arc<Counters>) -> Self {
        Self {
            epoch,
            dries: AtomicU64::new(0),
            opened: AtomicU64::new(0),
            last_pull: AtomicU64::new(NEVER),
            largest_pull: AtomicU32::new(0),
            device_micros: AtomicU64::new(0),
            counters,
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.opened.load(Ordering::Acquire) > self.dries.load(Ordering::Acquire)
    }

    /// Time since the last pull.
    pub(crate) fn since_pull(&self, now: Instant) -> Duration {
        let last = self.last_pull.load(Ordering::Relaxed);
        if last == NEVER {
            return Duration::MAX;
        }
        let last = Duration::from_nanos(last);
        now.saturating_duration_since(self.epoch).saturating_sub(last)
    }

    /// The largest pull since the last call, in frames, or 0.
    pub(crate) fn take_largest_pull(&self) -> u32 {
        self.largest_pull.swap(0, Ordering::Relaxed)
    }
}

/// The device's end of the playout. [`Self::pull`] never allocates, locks or logs.
#[derive(Debug)]
pub struct Puller {
    pub(crate) gate: Arc<Gate>,
    pub(crate) ring: Consumer,
    pub(crate) channels: usize,
    pub(crate) volume: Arc<Volume>,
    pub(crate) tap: Option<Producer>,
    gain: f32,
    /// The last frame played before silence began, which is faded out.
    tail: [f32; 8],
    tail_left: u32,
    fade_in_left: u32,
}

impl Puller {
    pub(crate) fn new(
        gate: Arc<Gate>,
        ring: Consumer,
        channels: usize,
        volume: Arc<Volume>,
        tap: Option<Producer>,
    ) -> Self {
        let gain = volume.now();
        Self { gate, ring, channels, volume, tap, gain, tail: [0.0; 8], tail_left: 0, fade_in_left: FADE }
    }

    /// Interleaved channels of [`Self::pull`]'s output.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Fills `out` with whole frames for the device, at `now`.
    pub fn pull(&mut self, out: &mut [f32], now: Instant) {
        self.note_device(Duration::ZERO, out.len() / self.channels, now);
        self.pull_part(out);
    }

    /// The device asks for `frames` at `now`; they will be heard after `latency` (zero is unknown).
    pub(crate) fn note_device(&mut self, latency: Duration, frames: usize, now: Instant) {
        let passed = now.saturating_duration_since(self.gate.epoch);
        self.gate.last_pull.store(u64::try_from(passed.as_nanos()).unwrap_or(0), Ordering::Relaxed);
        self.gate.largest_pull.fetch_max(u32::try_from(frames).unwrap_or(u32::MAX), Ordering::Relaxed);
        let micros = u64::try_from(latency.as_micros()).unwrap_or(0);
        self.gate.device_micros.store(micros, Ordering::Relaxed);
    }

    /// Fills a part of what was asked for.
    pub(crate) fn pull_part(&mut self, out: &mut [f32]) {
        let wanted = out.len() / self.channels * self.channels;
        let read = match out.get_mut(..wanted) {
            Some(room) if self.gate.is_open() => self.ring.read(room),
            _ => 0,
        };
        if read < wanted && self.gate.is_open() {
            // Closed from here on, until the feeder has sound again.
            self.gate.dries.fetch_add(1, Ordering::Release);
        }
        let (sound, silence) = out.split_at_mut(read);
        silence.fill(0.0);
        self.fade_in(sound);
        self.fade_tail(silence);
        if read < wanted {
            self.fade_in_left = FADE;
        }
        self.finish(out);
    }

    /// Fades sound in after silence, and keeps its last frame for the fade out.
    fn fade_in(&mut self, sound: &mut [f32]) {
        for frame in sound.chunks_exact_mut(self.channels) {
            if self.fade_in_left == 0 {
                break;
            }
            self.fade_in_left -= 1;
            let gain = 1.0 - self.fade_in_left as f32 / FADE as f32;
            frame.iter_mut().for_each(|sample| *sample *= gain);
        }
        if let Some(last) = sound.chunks_exact(self.channels).next_back() {
            for (kept, sample) in self.tail.iter_mut().zip(last) {
                *kept = *sample;
            }
            self.tail_left = FADE;
        }
    }

    /// Lets the last frame sink to zero.
    fn fade_tail(&mut self, silence: &mut [f32]) {
        for frame in silence.chunks_exact_mut(self.channels) {
            if self.tail_left == 0 {
                break;
            }
            self.tail_left -= 1;
            let phase = self.tail_left as f32 / FADE as f32;
            let gain = 0.5 - 0.5 * (phase * std::f32::consts::PI).cos();
            for (sample, kept) in frame.iter_mut().zip(&self.tail) {
                *sample += kept * gain;
            }
        }
    }

    /// Volume, limits and tap.
    fn finish(&mut self, out: &mut [f32]) {
        let wanted = self.volume.now();
        for frame in out.chunks_exact_mut(self.channels) {
            self.gain += (wanted - self.gain).clamp(-1.0 / VOLUME_FADE, 1.0 / VOLUME_FADE);
            for sample in frame.iter_mut() {
                *sample = (*sample * self.gain).clamp(-1.0, 1.0);
            }
            if let Some(tap) = &mut self.tap {
                tap.write(&to_stereo(frame), 2);
            }
        }
    }
}
