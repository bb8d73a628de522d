//! The network's side: packets in, sound into the ring, at the depth that device and network need.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use entente_model::media::{AudioFormat, AudioPacket};

use crate::jitter::{Jitter, OUTAGE, rtp_difference, seconds_between};
use crate::mix::{Mixer, mixed_channels};
use crate::opus_stream::{LONGEST, OpusStream, SHORTEST, is_dtx, may_carry_copy};
use crate::puller::{Gate, Puller, Volume};
use crate::resample::{MAX_BEND, Resampler};
use crate::ring::{Producer, ring};
use crate::splice;
use crate::stats::{Counters, RATE};
use crate::{AudioError, AudioStats};

/// Kept beyond what is known to be needed, for the scheduling of threads, in seconds.
const MARGIN: f64 = 0.003;
/// Added to the margin by each underrun, up to [`MARGIN_MOST`]; halves in [`MARGIN_HALF_LIFE`].
const MARGIN_STEP: f64 = 0.003;
const MARGIN_MOST: f64 = 0.015;
const MARGIN_HALF_LIFE: f64 = 30.0;
/// Sound is made up when the ring holds only this much more than the device's next request, in seconds.
const GUARD: f64 = 0.0015;
/// A depth error is played away in about this time, in seconds, where [`MAX_BEND`] allows.
const CORRECTION: f64 = 2.0;
/// The depth measured is smoothed over this time, in seconds.
const SMOOTHING: f64 = 0.25;
/// Deeper than wanted by this much is cut, in seconds.
const CUT_ABOVE: f64 = 0.025;
/// Shallower than wanted by this much is filled by repetition, in seconds.
const REPEAT_BELOW: f64 = 0.008;
/// Longest stretch of made-up sound, in frames: 60 ms, after which Opus' extrapolation has faded anyway.
const MADE_UP_MOST: usize = 2880;
/// Packets waiting for a missing one.
const PENDING: usize = 64;
/// A sequence jump beyond this is a new stream; RFC 3550 appendix A.1 has 3000 for packets of video, audio's are fewer.
const JUMP: u64 = 512;
/// So many late packets in a row mean that the host started over with lower numbers.
const LATE_RUN: u32 = 20;
/// Packets of a burst are awaited this long before sound starts, in seconds.
const GATHER: f64 = 0.003;
/// With no packet for this long and none lost, the host had stopped sending.
const HOST_STOP: f64 = 1.0;

/// What the device is like, and the stream.
#[derive(Clone, Debug)]
pub struct PlayoutConfig {
    /// Device rate in Hz.
    pub rate: u32,
    /// Device channels.
    pub channels: usize,
    /// Frames that the device asks for at once, as far as known; measured afterwards.
    pub period: u32,
    /// Layout of the stream.
    pub format: AudioFormat,
}

/// The sans-IO playout: a feeder for packets and a puller for the device. `now` starts their common clock.
///
/// # Errors
/// The layout is impossible, or a library refuses.
pub fn playout(config: &PlayoutConfig, now: Instant) -> Result<(Feeder, Puller), AudioError> {
    playout_with(config, now, &Arc::default(), &Arc::new(Volume::new(1.0)), None)
}

pub(crate) fn playout_with(
    config: &PlayoutConfig,
    now: Instant,
    counters: &Arc<Counters>,
    volume: &Arc<Volume>,
    tap: Option<Producer>,
) -> Result<(Feeder, Puller), AudioError> {
    let channels = mixed_channels(config.channels);
    let opus = OpusStream::new(&config.format)?;
    let resampler = Resampler::new(RATE, config.rate, channels, 2 * LONGEST)?;
    let gate = Arc::new(Gate::new(now, Arc::clone(counters)));
    // One second: far above any depth that is kept.
    let (producer, consumer) = ring(config.rate as usize * channels);
    let puller = Puller::new(Arc::clone(&gate), consumer, channels, Arc::clone(volume), tap);
    let mixer = Mixer::new(opus.channels(), channels);
    let period = f64::from(config.period.max(1)) / f64::from(config.rate);
    let feeder = Feeder {
        rate: f64::from(config.rate),
        channels,
        gate,
        ring: producer,
        opus,
        mixer,
        resampler,
        jitter: Jitter::default(),
        pending: Vec::with_capacity(PENDING + 1),
        next: None,
        frame: 960,
        stretched: 0,
        join: Vec::new(),
        mixed: Vec::with_capacity(LONGEST * channels),
        spliced: Vec::with_capacity(2 * LONGEST * channels),
        period,
        period_seen: now,
        margin: MARGIN,
        margin_seen: now,
        depth: None,
        closed_since: None,
        played_once: false,
        last_was_dtx: false,
        last_arrival: None,
        late_run: 0,
        bridged: Vec::with_capacity(PENDING),
        loss: 0.0,
        copies: false,
    };
    Ok((feeder, puller))
}

#[derive(Clone, Copy, Debug)]
struct Next {
    sequence: u64,
    rtp_time: u64,
}

/// Orders, decodes, conceals and keeps the depth.
///
/// **Missing packets.** A missing packet is awaited until the ring is about to run dry; then it is recovered from its
/// successor's copy or extrapolated. If nothing at all has come, up to 60 ms are extrapolated: sound that comes later
/// is still played, which deepens the buffer by what it was late.
///
/// **Underruns.** When the ring runs dry the puller fades out and the gate closes. The underrun is counted when packets
/// come again, unless the host itself had paused: it sent nothing after a discontinuous-transmission packet, or its
/// clock went on without packets missing, or no packet came for a second and none is missing.
#[derive(Debug)]
pub struct Feeder {
    rate: f64,
    channels: usize,
    gate: Arc<Gate>,
    ring: Producer,
    opus: OpusStream,
    mixer: Mixer,
    resampler: Resampler,
    jitter: Jitter,
    /// By sequence, all from `next` on.
    pending: Vec<AudioPacket>,
    next: Option<Next>,
    /// Length of the last packet in frames.
    frame: usize,
    /// Frames made up in place of `next` so far.
    stretched: usize,
    /// Sound to fade from at the next write.
    join: Vec<f32>,
    mixed: Vec<f32>,
    spliced: Vec<f32>,
    /// Largest recent request of the device, in seconds.
    period: f64,
    period_seen: Instant,
    margin: f64,
    margin_seen: Instant,
    /// Smoothed depth that a packet in time finds after itself, in seconds.
    depth: Option<(f64, Instant)>,
    /// The first packet after the gate closed came then.
    closed_since: Option<Instant>,
    played_once: bool,
    last_was_dtx: bool,
    last_arrival: Option<Instant>,
    late_run: u32,
    /// The last packets that were given up; they may still come.
    bridged: Vec<u64>,
    /// Share of packets missing, smoothed over about a hundred.
    loss: f64,
    /// Packets may carry copies of their predecessors.
    copies: bool,
}

impl Feeder {
    /// Takes a packet. Call [`Self::advance`] afterwards.
    pub fn push(&mut self, packet: AudioPacket, now: Instant) {
        self.gate.counters.packets.fetch_add(1, Ordering::Relaxed);
        if !self.gate.is_open() && self.closed_since.is_none() {
            self.judge_silence(&packet, now);
        }
        self.detect_restart(&packet);
        if let Some(next) = self.next
            && packet.sequence < next.sequence
        {
            self.late_run += 1;
            // Too late to be heard, but not for the lesson. A copy of a played packet teaches nothing.
            if let Some(at) = self.bridged.iter().position(|sequence| *sequence == packet.sequence) {
                self.bridged.swap_remove(at);
                self.jitter.update(now, packet.rtp_time);
            }
            return;
        }
        let at = self.pending.partition_point(|waiting| waiting.sequence < packet.sequence);
        if self.pending.get(at).is_some_and(|waiting| waiting.sequence == packet.sequence) {
            return;
        }
        self.late_run = 0;
        let lateness = self.jitter.update(now, packet.rtp_time);
        self.copies = may_carry_copy(&packet.data);
        if self.gate.is_open() {
            self.measure(&packet, now, lateness);
        } else {
            self.closed_since.get_or_insert(now);
        }
        self.last_arrival = Some(now);
        self.pending.insert(at, packet);
    }

    /// Plays what can be played. Returns when to call again if no packet comes before.
    pub fn advance(&mut self, now: Instant) -> Option<Instant> {
        self.follow_device(now);
        let due = if self.gate.is_open() {
            self.play_all(now)
        } else if let Some(since) = self.closed_since {
            let until = since + Duration::from_secs_f64(GATHER);
            if now < until {
                Some(until)
            } else {
                self.open(now);
                self.play_all(now)
            }
        } else {
            None
        };
        let device = self.gate.device_micros.load(Ordering::Relaxed) as f64 / 1e6;
        // The period that the device plays right now is in its own figure too, if it has one.
        let ahead = self.ahead(now) + Resampler::delay();
        let buffered = if device > 0.0 { (ahead - self.period).max(0.0) + device } else { ahead };
        let buffered = if self.gate.is_open() { buffered } else { 0.0 };
        self.gate.counters.buffer_micros.store((buffered * 1e6) as u64, Ordering::Relaxed);
        due
    }

    /// Switches to another channel layout; sound already decoded is played out.
    ///
    /// # Errors
    /// The layout is impossible; the old one stays.
    pub fn set_format(&mut self, format: &AudioFormat) -> Result<(), AudioError> {
        let opus = OpusStream::new(format)?;
        self.keep_join();
        self.mixer = Mixer::new(opus.channels(), self.channels);
        self.opus = opus;
        Ok(())
    }

    /// Counters so far.
    #[must_use]
    pub fn stats(&self) -> AudioStats {
        self.gate.counters.snapshot()
    }

    /// Sound that the device will have used up at some point from `now` on: what is in the ring, and what is left of
    /// the last request, in seconds.
    fn ahead(&self, now: Instant) -> f64 {
        let ring = self.ring.filled() as f64 / self.channels as f64 / self.rate;
        let left = self.period - self.gate.since_pull(now).as_secs_f64();
        ring + left.clamp(0.0, self.period)
    }

    /// [`Self::ahead`] that a packet in time should find after itself, in seconds.
    fn wanted(&self) -> f64 {
        let frame = self.frame as f64 / f64::from(RATE);
        // With copies around and loss, wait for the packet that has the copy.
        let copy = if self.copies && self.loss > 0.01 { frame } else { 0.0 };
        self.period + frame + self.jitter.kept() + self.margin + copy
    }

    /// When the ring will be as low as it may get.
    fn low_at(&self, now: Instant) -> Instant {
        let spare = self.ahead(now) - self.period - GUARD;
        now + Duration::from_secs_f64(spare.clamp(0.0, 10.0))
    }

    fn follow_device(&mut self, now: Instant) {
        let seen = f64::from(self.gate.take_largest_pull()) / self.rate;
        if seen >= self.period {
            (self.period, self.period_seen) = (seen, now);
        } else if seen > 0.0 && seconds_between(self.period_seen, now) > 2.0 {
            // Two seconds of smaller requests: the device has changed its mind.
            (self.period, self.period_seen) = (seen, now);
        }
        let passed = seconds_between(self.margin_seen, now).max(0.0);
        self.margin = MARGIN + (self.margin - MARGIN) * 0.5f64.powf(passed / MARGIN_HALF_LIFE);
        self.margin_seen = now;
        if !self.gate.is_open() {
            self.depth = None;
        }
    }

    /// Starts over if the packet cannot belong to the stream so far.
    fn detect_restart(&mut self, packet: &AudioPacket) {
        let Some(next) = self.next else { return };
        let jump = packet.sequence.abs_diff(next.sequence) > JUMP;
        let times = rtp_difference(next.rtp_time, packet.rtp_time).unsigned_abs();
        // More media time than the longest packets could hold, and five seconds more.
        let room =
            packet.sequence.abs_diff(next.sequence).saturating_mul(LONGEST as u64).saturating_add(5 * u64::from(RATE));
        let clock = times > room && !self.last_was_dtx;
        if jump || clock || self.late_run >= LATE_RUN {
            self.keep_join();
            self.opus.reset();
            self.pending.clear();
            self.bridged.clear();
            self.jitter.restart();
            self.depth = None;
            self.next = None;
            self.stretched = 0;
            self.late_run = 0;
        }
    }

    /// Decides at the first packet after silence whether that silence was an underrun.
    fn judge_silence(&mut self, packet: &AudioPacket, now: Instant) {
        let (Some(last), Some(next), true) = (self.last_arrival, self.next, self.played_once) else { return };
        let silent = seconds_between(last, now);
        let clock = rtp_difference(next.rtp_time, packet.rtp_time);
        let paused = match packet.sequence.checked_sub(next.sequence) {
            Some(0) => {
                let clock_went_on = clock as f64 / f64::from(RATE) > silent / 2.0;
                self.last_was_dtx || clock_went_on || silent >= HOST_STOP
            }
            // Packets are missing. Clock and numbers of one stream move together; otherwise the host started over.
            Some(missing) => {
                let lengths = missing.saturating_mul(SHORTEST as u64)..=missing.saturating_mul(LONGEST as u64);
                missing > JUMP && !lengths.contains(&u64::try_from(clock).unwrap_or(0))
            }
            None => true,
        };
        if paused {
            // Its clock may have stood still, so old transit times say nothing.
            self.jitter.restart();
        } else {
            self.gate.counters.underruns.fetch_add(1, Ordering::Relaxed);
            self.margin = (self.margin + MARGIN_STEP).min(MARGIN_MOST);
        }
    }

    /// Starts (or starts again) at exactly the depth wanted: of a burst the oldest is left out, before a lone packet
    /// silence is put.
    fn open(&mut self, now: Instant) {
        self.stretched = 0;
        self.join.clear();
        if let Some(length) = self.pending.first().and_then(|packet| OpusStream::length(&packet.data)) {
            self.frame = length;
        }
        let frame = self.frame;
        let length = |packet: &AudioPacket| OpusStream::length(&packet.data).unwrap_or(frame);
        let mut waiting: usize = self.pending.iter().map(length).sum();
        let left = (self.period - self.gate.since_pull(now).as_secs_f64()).clamp(0.0, self.period);
        let since = self.last_arrival.map_or(0.0, |last| seconds_between(last, now).max(0.0));
        let wanted = ((self.wanted() - since - left).max(0.0) * f64::from(RATE)) as usize;
        let mut drop = 0;
        for packet in self.pending.iter().take(self.pending.len().saturating_sub(1)) {
            let length = length(packet);
            if waiting < wanted + length {
                break;
            }
            waiting -= length;
            drop += 1;
        }
        self.pending.drain(..drop);
        let Some(first) = self.pending.first() else {
            self.closed_since = None;
            return;
        };
        self.next = Some(Next { sequence: first.sequence, rtp_time: first.rtp_time });
        let silence = (wanted.saturating_sub(waiting) as f64 / f64::from(RATE) * self.rate) as usize;
        self.spliced.clear();
        self.spliced.resize(silence * self.channels, 0.0);
        self.ring.write(&self.spliced, self.channels);
        self.closed_since = None;
        self.played_once = true;
        // Sound must be in the ring before the device may take it.
        self.play_ready();
        self.gate.opened.store(self.gate.dries.load(Ordering::Acquire) + 1, Ordering::Release);
    }

    fn play_all(&mut self, now: Instant) -> Option<Instant> {
        // Each turn plays, bridges or makes up at least 2.5 ms, and the ring holds a second: this ends.
        for _ in 0..2 * PENDING {
            self.play_ready();
            let due = self.low_at(now);
            let overfull = self.pending.len() >= PENDING;
            match self.pending.first() {
                Some(_) if due > now && !overfull => return Some(due),
                Some(_) => self.bridge(),
                None if due > now => return Some(due),
                None if self.stretched >= MADE_UP_MOST || self.last_was_dtx || self.next.is_none() => return None,
                None => {
                    let length = self.frame.clamp(SHORTEST, 480);
                    self.stretched += length;
                    self.make_up(length, true);
                }
            }
        }
        Some(self.low_at(now))
    }

    /// Plays packets as long as none is missing.
    fn play_ready(&mut self) {
        while let Some(first) = self.pending.first() {
            let expected = self.next.map_or(first.sequence, |next| next.sequence);
            if first.sequence != expected {
                break;
            }
            let packet = self.pending.remove(0);
            self.play(&packet);
        }
    }

    fn play(&mut self, packet: &AudioPacket) {
        let length = OpusStream::length(&packet.data).unwrap_or(self.frame);
        if let Some(next) = self.next {
            // The host's clock went on without packets: discontinuous transmission. Fill what is not filled yet.
            let gap = usize::try_from(rtp_difference(next.rtp_time, packet.rtp_time)).unwrap_or(0);
            if gap > self.stretched && gap <= MADE_UP_MOST && self.gate.is_open() {
                self.make_up(gap - self.stretched, false);
            }
        }
        self.stretched = 0;
        self.loss *= 0.99;
        self.frame = length;
        self.last_was_dtx = is_dtx(&packet.data);
        self.next = Some(Next {
            sequence: packet.sequence.saturating_add(1),
            rtp_time: packet.rtp_time.saturating_add(length as u64),
        });
        self.mixed.clear();
        match self.opus.decode(&packet.data) {
            Ok(sound) => {
                self.mixer.mix(sound, &mut self.mixed);
                self.write();
            }
            Err(_) => self.make_up(length, !self.last_was_dtx),
        }
    }

    /// Fills the place of packets between what was played and what has come.
    fn bridge(&mut self) {
        let (Some(next), Some(first)) = (self.next, self.pending.first()) else { return };
        let missing = usize::try_from(first.sequence.saturating_sub(next.sequence)).unwrap_or(usize::MAX).min(512);
        let by_clock = usize::try_from(rtp_difference(next.rtp_time, first.rtp_time)).unwrap_or(0);
        let plausible = (missing * SHORTEST..=missing * LONGEST).contains(&by_clock);
        let gap = if plausible { by_clock } else { missing * self.frame };
        let needed = gap.saturating_sub(self.stretched).min(MADE_UP_MOST) / SHORTEST * SHORTEST;
        let frame = self.frame;
        self.loss = (self.loss * 0.99 + 0.01 * missing as f64).min(1.0);
        let following = first.data.clone();
        for sequence in (next.sequence..first.sequence).take(PENDING) {
            if self.bridged.len() >= PENDING {
                self.bridged.remove(0);
            }
            self.bridged.push(sequence);
        }
        self.next = Some(Next { sequence: first.sequence, rtp_time: first.rtp_time });
        self.stretched = 0;
        if needed < frame {
            self.make_up(needed, true);
            return;
        }
        self.make_up(needed - frame, true);
        self.gate.counters.concealed.fetch_add(frame as u64, Ordering::Relaxed);
        self.mixed.clear();
        if let Ok(sound) = self.opus.recover(&following, frame) {
            self.mixer.mix(sound, &mut self.mixed);
            self.emit(0.0);
        }
    }

    /// Extrapolates `frames`.
    fn make_up(&mut self, frames: usize, counted: bool) {
        let mut left = frames / SHORTEST * SHORTEST;
        while left > 0 {
            let length = left.min(self.frame.max(SHORTEST));
            left -= length;
            self.mixed.clear();
            let Ok(sound) = self.opus.conceal(length) else { return };
            self.mixer.mix(sound, &mut self.mixed);
            self.emit(0.0);
            if counted {
                self.gate.counters.concealed.fetch_add(length as u64, Ordering::Relaxed);
            }
        }
    }

    /// A little of how the sound so far would go on, to fade from.
    fn keep_join(&mut self) {
        self.join.clear();
        if self.gate.is_open()
            && let Ok(sound) = self.opus.conceal(SHORTEST)
        {
            self.mixer.mix(sound, &mut self.join);
        }
    }

    /// Takes a sample of the depth: sound up to the end of this packet, as if it had come in time.
    fn measure(&mut self, packet: &AudioPacket, now: Instant, lateness: f64) {
        let (Some(next), true) = (self.next, lateness <= OUTAGE) else { return };
        let before = rtp_difference(next.rtp_time, packet.rtp_time).clamp(0, i64::from(RATE) / 5);
        // Made-up sound takes the place of missing packets, but not of one that comes late.
        let replaced = if packet.sequence == next.sequence { 0.0 } else { self.stretched as f64 };
        let media = (before as f64 - replaced + self.frame as f64) / f64::from(RATE);
        let sample = self.ahead(now) + media + lateness;
        self.depth = Some(match self.depth {
            None => (sample, now),
            Some((depth, since)) => {
                let share = 1.0 - (-seconds_between(since, now).max(0.0) / SMOOTHING).exp();
                // A jump is believed at once.
                let jump = (sample - depth).abs() > REPEAT_BELOW;
                (if jump { sample } else { depth + (sample - depth) * share }, now)
            }
        });
    }

    /// Writes `mixed`, corrected for the depth.
    fn write(&mut self) {
        let error = match self.depth {
            Some((depth, _)) if self.gate.is_open() => depth - self.wanted(),
            _ => 0.0,
        };
        let frames = self.mixed.len() / self.channels;
        let moved = if error > CUT_ABOVE {
            self.cut(((error - CUT_ABOVE / 2.0) * f64::from(RATE)) as usize, frames)
        } else if error < -REPEAT_BELOW {
            self.spliced.clear();
            let wanted = (-error * f64::from(RATE)) as usize;
            let added = splice::lengthen(&self.mixed, self.channels, wanted, &mut self.spliced);
            std::mem::swap(&mut self.mixed, &mut self.spliced);
            added as f64
        } else {
            0.0
        };
        if let Some((depth, _)) = &mut self.depth {
            *depth += moved / f64::from(RATE);
        }
        self.emit((error / CORRECTION).clamp(-MAX_BEND, MAX_BEND));
    }

    /// Leaves out up to `wanted` frames of `mixed`; returns the change of depth in frames.
    fn cut(&mut self, wanted: usize, frames: usize) -> f64 {
        if wanted >= frames && frames >= SHORTEST && self.join.is_empty() {
            // The whole packet goes; its start is what the next one fades from.
            self.join.extend_from_slice(self.mixed.get(..SHORTEST * self.channels).unwrap_or_default());
            self.mixed.clear();
            return -(frames as f64);
        }
        if wanted >= frames && !self.join.is_empty() {
            self.mixed.clear();
            return -(frames as f64);
        }
        self.spliced.clear();
        let cut = splice::shorten(&self.mixed, self.channels, wanted, &mut self.spliced);
        std::mem::swap(&mut self.mixed, &mut self.spliced);
        -(cut as f64)
    }

    /// Converts `mixed` to the device's rate and puts it into the ring.
    fn emit(&mut self, bend: f64) {
        if self.mixed.is_empty() {
            return;
        }
        if !self.join.is_empty() {
            splice::fade_in_from(&self.join, &mut self.mixed, self.channels);
            self.join.clear();
        }
        let sound = self.resampler.run(&self.mixed, bend);
        self.ring.write(sound, self.channels);
    }
}
