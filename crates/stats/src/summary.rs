//! What the one observer of a journal knows: totals for the report, the last two seconds for the overlay.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use entente_model::LinkStats;
use entente_model::media::VideoCodec;
use entente_model::picture::FrameTimes;
use entente_model::time::MonoClock;

use crate::latency::{Durations, Measure, Percentiles, WINDOW, is_old};
use crate::timecode::VALUE_MASK;
use crate::{AudioStats, DropReason, Entry, FrameRecord, JournalReader, Timecode};

/// A timecode that claims more delay than this lies.
const IMPLAUSIBLE: Duration = Duration::from_secs(10);

/// Most instants kept of one kind of event; 1000 frames a second for twice the window.
const TICKS_LIMIT: usize = 4096;

/// Numbers of frames so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameCounts {
    /// Delivered by the link.
    pub received: u64,
    /// Out of the decoder.
    pub decoded: u64,
    /// On the surface.
    pub presented: u64,
    /// Not shown because a newer one was ready.
    pub dropped_newer: u64,
    /// Not shown because the decoder's queue was full.
    pub dropped_behind: u64,
    /// Not shown because the decoder refused it, marked it as damaged or waited for a key frame.
    pub dropped_undecodable: u64,
    /// Marked as damaged by the decoder, shown or not.
    pub corrupt: u64,
    /// Key frames among the received ones.
    pub key: u64,
}

impl FrameCounts {
    /// Received or decoded, but not shown, for whatever reason.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped_newer + self.dropped_behind + self.dropped_undecodable
    }
}

/// Numbers of timecodes so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimecodeCounts {
    /// Presented frames whose capture time was readable.
    pub seen: u64,
    /// Capture times and echoes that claimed to come from the future or from more than ten seconds ago.
    pub rejected: u64,
    /// Capture times that were not used because the host's clock was not known yet.
    pub without_clock: u64,
}

/// Video in use now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VideoInUse {
    /// Codec.
    pub codec: VideoCodec,
    /// Picture width in pixels.
    pub width: u32,
    /// Picture height in pixels.
    pub height: u32,
    /// Decoder name.
    pub decoder: String,
    /// Why that decoder.
    pub why: String,
}

/// Renderer in use now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RendererInUse {
    /// Name.
    pub name: String,
    /// Why that one.
    pub why: String,
}

/// Host clock minus ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockOffset {
    /// Microseconds to add to our clock to get the host's.
    pub offset_micros: i64,
    /// Half the round trip of the exchange that told.
    pub error_micros: u64,
}

/// Everything known of one session.
#[derive(Clone, Debug)]
pub struct Summary {
    clock: MonoClock,
    durations: Vec<Durations>,
    received: Ticks,
    decoded: Ticks,
    presented: Ticks,
    newest: Option<Instant>,
    first_received: Option<Instant>,
    last_received: Option<Instant>,
    first_presented: Option<Instant>,
    last_presented: Option<Instant>,
    video_bytes: u64,
    recent_bytes: VecDeque<(Instant, u32)>,
    counts: FrameCounts,
    counts_history: History<FrameCounts>,
    timecodes: TimecodeCounts,
    last_captured: Option<u64>,
    last_echo: Option<u64>,
    rejected_echo: Option<u64>,
    offset: Option<ClockOffset>,
    link: Option<LinkStats>,
    link_history: History<LinkStats>,
    audio: Option<AudioStats>,
    audio_history: History<AudioStats>,
    sound_started: Option<Instant>,
    video: Option<VideoInUse>,
    renderer: Option<RendererInUse>,
    journal_lost: u64,
}

impl Summary {
    /// An empty summary; `clock` is the one whose stamps the link sends with each input.
    #[must_use]
    pub fn new(clock: MonoClock) -> Self {
        Self {
            clock,
            durations: vec![Durations::new(); Measure::ALL.len()],
            received: Ticks::default(),
            decoded: Ticks::default(),
            presented: Ticks::default(),
            newest: None,
            first_received: None,
            last_received: None,
            first_presented: None,
            last_presented: None,
            video_bytes: 0,
            recent_bytes: VecDeque::new(),
            counts: FrameCounts::default(),
            counts_history: History::default(),
            timecodes: TimecodeCounts::default(),
            last_captured: None,
            last_echo: None,
            rejected_echo: None,
            offset: None,
            link: None,
            link_history: History::default(),
            audio: None,
            audio_history: History::default(),
            sound_started: None,
            video: None,
            renderer: None,
            journal_lost: 0,
        }
    }

    /// Says that host and client share one monotonic clock (same machine), until an [`Entry::Clock`] says more.
    pub fn share_clock(&mut self) {
        self.offset.get_or_insert(ClockOffset { offset_micros: 0, error_micros: 0 });
    }

    /// Takes all that `reader` holds; `now` dates the entries that carry no instant of their own.
    pub fn drain(&mut self, reader: &mut JournalReader, now: Instant) {
        self.drain_with(reader, now, |_| {});
    }

    /// As [`Self::drain`], and shows each entry to `look`.
    pub fn drain_with(&mut self, reader: &mut JournalReader, now: Instant, mut look: impl FnMut(&Entry)) {
        self.seen(now);
        // At most what one ring holds, so that writers cannot keep the observer here forever.
        for _ in 0..1 << 20 {
            let Some(entry) = reader.next() else { break };
            look(&entry);
            self.take(&entry);
        }
        self.journal_lost = reader.lost();
        self.counts_history.push(now, self.counts);
    }

    /// Takes one entry.
    pub fn take(&mut self, entry: &Entry) {
        match entry {
            Entry::Received { bytes, key, last_packet, .. } => self.take_received(*bytes, *key, *last_packet),
            Entry::Decoded { times, .. } => self.take_decoded(times),
            Entry::Presented(record) => self.take_presented(record),
            Entry::Dropped { why, .. } => match why {
                DropReason::Newer => self.counts.dropped_newer += 1,
                DropReason::DecoderBehind => self.counts.dropped_behind += 1,
                DropReason::Undecodable => self.counts.dropped_undecodable += 1,
            },
            Entry::Corrupt { .. } => self.counts.corrupt += 1,
            Entry::InputSent { device, wire } => {
                self.seen(*wire);
                self.measure(Measure::InputToWire, *device, *wire);
            }
            Entry::Video { codec, width, height, decoder, why } => {
                let (decoder, why) = (decoder.clone(), why.clone());
                self.video = Some(VideoInUse { codec: *codec, width: *width, height: *height, decoder, why });
            }
            Entry::Renderer { name, why } => {
                self.renderer = Some(RendererInUse { name: name.clone(), why: why.clone() });
            }
            Entry::Clock { offset_micros, error_micros } => {
                self.offset = Some(ClockOffset { offset_micros: *offset_micros, error_micros: *error_micros });
            }
            Entry::Link(stats) => {
                self.link = Some(*stats);
                if let Some(at) = self.newest {
                    self.link_history.push(at, *stats);
                }
            }
            Entry::Audio(stats) => {
                self.audio = Some(*stats);
                if let Some(at) = self.newest {
                    self.audio_history.push(at, *stats);
                }
            }
            Entry::SoundStarted { at } => {
                self.sound_started.get_or_insert(*at);
            }
        }
    }

    fn take_received(&mut self, bytes: u32, key: bool, last_packet: Instant) {
        self.seen(last_packet);
        self.counts.received += 1;
        self.counts.key += u64::from(key);
        self.video_bytes += u64::from(bytes);
        self.first_received.get_or_insert(last_packet);
        self.last_received = Some(last_packet);
        self.received.push(last_packet);
        push_recent(&mut self.recent_bytes, last_packet, bytes);
    }

    fn take_decoded(&mut self, times: &FrameTimes) {
        self.seen(times.decode_out);
        self.counts.decoded += 1;
        self.decoded.push(times.decode_out);
        self.measure(Measure::FirstPacketToLastPacket, times.first_packet, times.last_packet);
        self.measure(Measure::LastPacketToAssembled, times.last_packet, times.assembled);
        self.measure(Measure::AssembledToDecodeIn, times.assembled, times.decode_in);
        self.measure(Measure::DecodeInToDecodeOut, times.decode_in, times.decode_out);
        self.measure(Measure::LastPacketToDecoded, times.last_packet, times.decode_out);
    }

    fn take_presented(&mut self, record: &FrameRecord) {
        self.seen(record.presented);
        self.counts.presented += 1;
        self.first_presented.get_or_insert(record.presented);
        self.last_presented = Some(record.presented);
        self.presented.push(record.presented);
        self.measure(Measure::DecodeOutToChosen, record.times.decode_out, record.chosen);
        self.measure(Measure::ChosenToQueued, record.chosen, record.queued);
        self.measure(Measure::QueuedToPresented, record.queued, record.presented);
        self.measure(Measure::DecodedToPresented, record.times.decode_out, record.presented);
        self.take_timecode(record.timecode, record.presented);
    }

    fn take_timecode(&mut self, timecode: Timecode, presented: Instant) {
        let ours = self.clock.micros(presented);
        if let Some(captured) = timecode.captured_micros {
            self.timecodes.seen += 1;
            // A picture that the host sends twice says its age, not the delay.
            if self.last_captured.replace(captured) != Some(captured) {
                self.take_captured(captured, ours, presented);
            }
        }
        if let Some(echo) = timecode.echo_micros.filter(|echo| *echo != 0) {
            self.take_echo(echo, ours, presented);
        }
    }

    /// Each stamp counts once, at the first presented frame that carries it.
    fn take_echo(&mut self, echo: u64, ours: u64, presented: Instant) {
        let known = self.last_echo.is_some_and(|last| difference(echo, last) <= 0);
        match u64::try_from(difference(ours, echo)).map(Duration::from_micros) {
            _ if known || self.rejected_echo == Some(echo) => {}
            Ok(delay) if delay <= IMPLAUSIBLE => {
                self.last_echo = Some(echo);
                self.record(Measure::InputToPhoton, presented, delay);
            }
            _ => {
                self.rejected_echo = Some(echo);
                self.timecodes.rejected += 1;
            }
        }
    }

    fn take_captured(&mut self, captured: u64, ours: u64, presented: Instant) {
        let Some(offset) = self.offset else {
            self.timecodes.without_clock += 1;
            return;
        };
        let delay = difference(ours.wrapping_add_signed(offset.offset_micros), captured);
        // Within the clock error "before" cannot be told from "at once".
        let plausible = if delay < 0 { delay.unsigned_abs() <= offset.error_micros } else { true };
        let delay = Duration::from_micros(u64::try_from(delay).unwrap_or(0));
        if plausible && delay <= IMPLAUSIBLE {
            self.record(Measure::CapturedToPresented, presented, delay);
        } else {
            self.timecodes.rejected += 1;
        }
    }

    fn measure(&mut self, measure: Measure, from: Instant, to: Instant) {
        self.record(measure, to, to.saturating_duration_since(from));
    }

    fn record(&mut self, measure: Measure, at: Instant, duration: Duration) {
        if let Some(durations) = self.durations.get_mut(measure as usize) {
            durations.take(at, duration);
        }
    }

    fn seen(&mut self, at: Instant) {
        self.newest = Some(self.newest.map_or(at, |newest| newest.max(at)));
    }

    /// Percentiles of the whole session.
    #[must_use]
    pub fn total(&self, measure: Measure) -> Percentiles {
        self.durations.get(measure as usize).map_or_else(Percentiles::default, Durations::total)
    }

    /// Percentiles of the last two seconds.
    #[must_use]
    pub fn recent_latency(&self, measure: Measure, now: Instant) -> Percentiles {
        self.durations.get(measure as usize).map_or_else(Percentiles::default, |durations| durations.recent(now))
    }

    /// The last two seconds before `now`.
    #[must_use]
    pub fn recent(&self, now: Instant) -> Recent {
        let link = self.link_history.change(now).map(|(old, new)| LinkStats {
            rtt_micros: new.rtt_micros,
            packets: new.packets.saturating_sub(old.packets),
            bytes: new.bytes.saturating_sub(old.bytes),
            lost: new.lost.saturating_sub(old.lost),
            recovered: new.recovered.saturating_sub(old.recovered),
            nacks: new.nacks.saturating_sub(old.nacks),
            keyframe_requests: new.keyframe_requests.saturating_sub(old.keyframe_requests),
            frames: new.frames.saturating_sub(old.frames),
            frames_dropped: new.frames_dropped.saturating_sub(old.frames_dropped),
            audio_packets: new.audio_packets.saturating_sub(old.audio_packets),
            reconnects: new.reconnects.saturating_sub(old.reconnects),
            malformed: new.malformed.saturating_sub(old.malformed),
        });
        let audio = self.audio_history.change(now).map(|(old, new)| AudioStats {
            packets: new.packets.saturating_sub(old.packets),
            concealed_ms: (new.concealed_ms - old.concealed_ms).max(0.0),
            underruns: new.underruns.saturating_sub(old.underruns),
            buffer_ms: new.buffer_ms,
        });
        let counts = self.counts_history.change(now).map(|(old, new)| FrameCounts {
            received: new.received.saturating_sub(old.received),
            decoded: new.decoded.saturating_sub(old.decoded),
            presented: new.presented.saturating_sub(old.presented),
            dropped_newer: new.dropped_newer.saturating_sub(old.dropped_newer),
            dropped_behind: new.dropped_behind.saturating_sub(old.dropped_behind),
            dropped_undecodable: new.dropped_undecodable.saturating_sub(old.dropped_undecodable),
            corrupt: new.corrupt.saturating_sub(old.corrupt),
            key: new.key.saturating_sub(old.key),
        });
        let span = self.first_received.map_or(WINDOW, |first| now.saturating_duration_since(first).min(WINDOW));
        let bits: u64 =
            self.recent_bytes.iter().filter(|(at, _)| !is_old(*at, now)).map(|(_, bytes)| u64::from(*bytes) * 8).sum();
        let mut latency = [Percentiles::default(); Measure::ALL.len()];
        for (slot, durations) in latency.iter_mut().zip(&self.durations) {
            *slot = durations.recent(now);
        }
        Recent {
            received_fps: self.received.rate(now, span),
            decoded_fps: self.decoded.rate(now, span),
            presented_fps: self.presented.rate(now, span),
            video_kbps: rate(bits, span) / 1000.0,
            latency,
            link: link.unwrap_or_default(),
            audio: audio.unwrap_or_default(),
            counts: counts.unwrap_or_default(),
            started: self.first_received.is_some(),
            clock: self.offset,
        }
    }

    /// Numbers of frames so far.
    #[must_use]
    pub const fn counts(&self) -> &FrameCounts {
        &self.counts
    }

    /// Numbers of timecodes so far.
    #[must_use]
    pub const fn timecodes(&self) -> &TimecodeCounts {
        &self.timecodes
    }

    /// Counters of the link, once there were any.
    #[must_use]
    pub const fn link(&self) -> Option<&LinkStats> {
        self.link.as_ref()
    }

    /// Our monotonic clock when the first sample of sound was played, in microseconds.
    #[must_use]
    pub fn sound_started_micros(&self) -> Option<u64> {
        self.sound_started.map(|at| self.clock.micros(at))
    }

    /// Counters of audio, once there were any.
    #[must_use]
    pub const fn audio(&self) -> Option<&AudioStats> {
        self.audio.as_ref()
    }

    /// Video in use, once known.
    #[must_use]
    pub const fn video(&self) -> Option<&VideoInUse> {
        self.video.as_ref()
    }

    /// Renderer in use, once known.
    #[must_use]
    pub const fn renderer(&self) -> Option<&RendererInUse> {
        self.renderer.as_ref()
    }

    /// Host clock minus ours, once known.
    #[must_use]
    pub const fn clock_offset(&self) -> Option<ClockOffset> {
        self.offset
    }

    /// The clock of the input stamps.
    #[must_use]
    pub const fn clock(&self) -> MonoClock {
        self.clock
    }

    /// When the first picture was on the surface.
    #[must_use]
    pub const fn first_presented(&self) -> Option<Instant> {
        self.first_presented
    }

    /// Entries of the journal that nobody read.
    #[must_use]
    pub const fn journal_lost(&self) -> u64 {
        self.journal_lost
    }

    /// Bytes of video frames so far.
    #[must_use]
    pub const fn video_bytes(&self) -> u64 {
        self.video_bytes
    }

    /// From the first to the last received frame.
    #[must_use]
    pub fn received_span(&self) -> Duration {
        span(self.first_received, self.last_received)
    }

    /// From the first to the last presented frame.
    #[must_use]
    pub fn presented_span(&self) -> Duration {
        span(self.first_presented, self.last_presented)
    }
}

/// The last two seconds of a session; what overlay and verdict look at.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Recent {
    /// Frames delivered by the link per second.
    pub received_fps: f64,
    /// Frames out of the decoder per second.
    pub decoded_fps: f64,
    /// Frames on the surface per second.
    pub presented_fps: f64,
    /// Bit rate of the video frames.
    pub video_kbps: f64,
    /// By [`Measure`], in the order of [`Measure::ALL`].
    pub latency: [Percentiles; Measure::ALL.len()],
    /// Change of the link's counters; the round trip is the latest.
    pub link: LinkStats,
    /// Change of the audio counters; the depth is the latest.
    pub audio: AudioStats,
    /// Change of the numbers of frames.
    pub counts: FrameCounts,
    /// A frame has arrived since the start of the session.
    pub started: bool,
    /// Host clock minus ours, once known.
    pub clock: Option<ClockOffset>,
}

impl Recent {
    /// Percentiles of one measure.
    #[must_use]
    pub fn latency(&self, measure: Measure) -> Percentiles {
        self.latency.get(measure as usize).copied().unwrap_or_default()
    }

    /// Video packets that were missing when their turn came, in percent of all expected ones.
    #[must_use]
    pub fn loss_percent(&self) -> f64 {
        share(self.link.lost, self.expected())
    }

    /// Video packets that never came, in percent of all expected ones.
    #[must_use]
    pub fn unrecovered_percent(&self) -> f64 {
        share(self.link.lost.saturating_sub(self.link.recovered), self.expected())
    }

    /// `packets` counts the retransmitted ones too, so only those that never came are added.
    const fn expected(&self) -> u64 {
        self.link.packets + self.link.lost.saturating_sub(self.link.recovered)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counters of a session stay far below 2^53")]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

/// `count` per second; 0 for a span that is too short to say.
#[expect(clippy::cast_precision_loss, reason = "counters of a session stay far below 2^53")]
pub(crate) fn rate(count: u64, span: Duration) -> f64 {
    if span < Duration::from_millis(50) { 0.0 } else { count as f64 / span.as_secs_f64() }
}

fn span(first: Option<Instant>, last: Option<Instant>) -> Duration {
    first.zip(last).map_or(Duration::ZERO, |(first, last)| last.saturating_duration_since(first))
}

/// `later - earlier` of two 48-bit clocks, the short way round.
fn difference(later: u64, earlier: u64) -> i64 {
    let wrapped = later.wrapping_sub(earlier) & VALUE_MASK;
    // Bit 47 is the sign.
    (wrapped << 16).cast_signed() >> 16
}

fn push_recent<T>(queue: &mut VecDeque<(Instant, T)>, at: Instant, value: T) {
    while queue.len() >= TICKS_LIMIT || queue.front().is_some_and(|(old, _)| is_old(*old, at)) {
        queue.pop_front();
    }
    queue.push_back((at, value));
}

/// When something happened lately.
#[derive(Clone, Debug, Default)]
struct Ticks(VecDeque<(Instant, ())>);

impl Ticks {
    fn push(&mut self, at: Instant) {
        push_recent(&mut self.0, at, ());
    }

    fn rate(&self, now: Instant, span: Duration) -> f64 {
        rate(self.0.iter().filter(|(at, ())| !is_old(*at, now)).count() as u64, span)
    }
}

/// Earlier values of a counter.
#[derive(Clone, Debug)]
struct History<T>(VecDeque<(Instant, T)>);

impl<T> Default for History<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T: Copy> History<T> {
    fn push(&mut self, at: Instant, value: T) {
        // One value from before the window stays, to count from.
        while self.0.len() >= TICKS_LIMIT || self.0.get(1).is_some_and(|(second, _)| is_old(*second, at)) {
            self.0.pop_front();
        }
        self.0.push_back((at, value));
    }

    /// The value at the start of the window and the latest one.
    fn change(&self, now: Instant) -> Option<(T, T)> {
        let (_, new) = self.0.back()?;
        let before = self.0.iter().rev().find(|(at, _)| is_old(*at, now)).or_else(|| self.0.front());
        before.map(|(_, old)| (*old, *new))
    }
}
