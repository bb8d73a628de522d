//! Packets into frames, and which frames may be shown.

use std::ops::Range;
use std::time::{Duration, Instant};

use entente_model::media::{EncodedFrame, VideoCodec};

use crate::depacketize::{AccessUnit, DepacketizeError, Depacketizer};
use crate::format::PayloadFormat;
use crate::packet::RtpPacket;
use crate::ring::{Held, Ring};
use crate::unwrap::{SequenceUnwrapper, TimestampUnwrapper};

/// More missing packets than this in a row are not worth asking for.
const MAX_GAP: u64 = 1024;
/// So many packets before the first one seen may still belong to the start of the stream.
const EARLY: u64 = 16;
/// Two packets in sequence this far back mean that the sender has begun anew (RFC 3550 appendix A.1).
const RESTART_DISTANCE: u64 = 3000;
/// Packets of the source before the present one are stragglers while the present one is younger than this.
const SOURCE_HOLD: Duration = Duration::from_secs(1);

/// What became of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Placement {
    /// It is kept.
    Held {
        /// Its unwrapped sequence number.
        sequence: u64,
        /// Packets that are newly known to be missing.
        missing: Range<u64>,
        /// It has the highest sequence number so far.
        newest: bool,
        /// It belongs to no frame (padding, error correction).
        filler: bool,
    },
    /// It came twice, or its frame is done or given up.
    Useless,
    /// A new stream begins with it. Sequence numbers from before mean nothing any more.
    Restarted {
        /// Its unwrapped sequence number.
        sequence: u64,
        /// It belongs to no frame.
        filler: bool,
    },
}

/// Counters of an [`Assembler`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AssemblerStats {
    /// Frames delivered.
    pub frames: u64,
    /// Frames known to have been sent but not delivered.
    pub frames_dropped: u64,
    /// Packets that came twice or too late.
    pub useless: u64,
    /// Frames whose packets contradict the payload format.
    pub malformed: u64,
}

/// Assembles the frames of one video track.
///
/// A frame ends with the marker bit, or before a packet with another timestamp. Frames come out in sequence order, each
/// as soon as it and all packets before it are there or were given up ([`Assembler::give_up`]); a whole key frame does
/// not wait for what is missing before it. After a frame was lost, those that may depend on it are held back until a key
/// frame, unless the lost one is known to be discardable.
#[derive(Debug)]
pub struct Assembler {
    ring: Ring,
    formats: Vec<(u8, VideoCodec, Depacketizer)>,
    sequences: SequenceUnwrapper,
    timestamps: TimestampUnwrapper,
    ssrc: Option<u32>,
    former_ssrc: Option<u32>,
    last_arrival: Option<Instant>,
    /// First packet not yet delivered or dropped.
    base: u64,
    /// Packets from `base` to here are there and belong to one frame that has not ended yet.
    cursor: u64,
    /// One past the newest packet.
    end: u64,
    /// Nothing came yet.
    fresh: bool,
    /// `base` has moved since the stream began.
    moved: bool,
    /// The packet at `base` is known to follow the end of a frame.
    clean_start: bool,
    /// Packets with this timestamp at `base` are the rest of a frame that was dropped and counted.
    skip: Option<u32>,
    /// Newest packet that is certainly of a key frame.
    key_packet: Option<u64>,
    /// Where the next packet of a sender that began anew would be.
    resync: Option<u64>,
    codec: Option<VideoCodec>,
    gap: bool,
    waiting: bool,
    /// A frame was held back or lost while waiting.
    starved: bool,
    damaged_allowed: bool,
    stats: AssemblerStats,
}

/// What [`Assembler::abandon`] finds out about a span of packets.
#[derive(Debug, Default)]
struct Damage {
    timestamp: Option<u32>,
    frames: u64,
    /// Some lost packet may belong to a frame that nothing else is known of.
    unknown: bool,
    /// What the packets that are there say.
    discardable: Option<bool>,
    closed: bool,
}

impl Damage {
    fn note(&mut self, discardable: Option<bool>) {
        self.discardable = match (self.discardable, discardable) {
            (Some(before), Some(now)) => Some(before && now),
            (before, now) => before.or(now),
        };
    }
}

impl Assembler {
    /// Most packets held.
    pub const CAPACITY: u64 = Ring::CAPACITY;

    /// An assembler for these payload types; other packets only take their place in the sequence.
    pub fn new(formats: impl IntoIterator<Item = PayloadFormat>) -> Self {
        let formats = formats.into_iter().map(|format| (format.payload_type, format.codec, Depacketizer::new(&format)));
        Self {
            ring: Ring::new(),
            formats: formats.collect(),
            sequences: SequenceUnwrapper::default(),
            timestamps: TimestampUnwrapper::default(),
            ssrc: None,
            former_ssrc: None,
            last_arrival: None,
            base: 0,
            cursor: 0,
            end: 0,
            fresh: true,
            moved: false,
            clean_start: false,
            skip: None,
            key_packet: None,
            resync: None,
            codec: None,
            gap: false,
            waiting: true,
            starved: false,
            damaged_allowed: false,
            stats: AssemblerStats::default(),
        }
    }

    /// Takes one packet, in any order.
    pub fn push(&mut self, packet: RtpPacket) -> Placement {
        if self.ssrc != Some(packet.ssrc) {
            if let (Some(former), Some(last)) = (self.former_ssrc, self.last_arrival)
                && former == packet.ssrc
                && packet.arrived.saturating_duration_since(last) < SOURCE_HOLD
            {
                self.stats.useless += 1;
                return Placement::Useless;
            }
            self.former_ssrc = self.ssrc.replace(packet.ssrc);
            self.timestamps = TimestampUnwrapper::default();
            self.restart();
        }
        self.last_arrival = Some(packet.arrived);
        let mut sequence = self.sequences.unwrap(packet.sequence);
        let mut restarted = self.fresh;
        if !self.fresh && self.begins_anew(sequence) {
            self.restart();
            self.gap_found(1);
            sequence = self.sequences.unwrap(packet.sequence);
            restarted = true;
        }
        if restarted {
            self.fresh = false;
            (self.base, self.cursor, self.end) = (sequence, sequence, sequence);
        } else if sequence < self.base {
            if self.moved || self.base - sequence > EARLY {
                self.stats.useless += 1;
                return Placement::Useless;
            }
            let missing = sequence + 1..self.base;
            (self.base, self.cursor) = (sequence, sequence);
            let filler = self.hold(sequence, packet);
            return Placement::Held { sequence, missing, newest: false, filler };
        } else if self.ring.held(sequence).is_some() {
            self.stats.useless += 1;
            return Placement::Useless;
        }
        let newest = sequence >= self.end;
        let missing = if newest { self.end..sequence } else { sequence..sequence };
        self.end = self.end.max(sequence + 1);
        let filler = self.hold(sequence, packet);
        if restarted {
            Placement::Restarted { sequence, filler }
        } else {
            Placement::Held { sequence, missing, newest, filler }
        }
    }

    /// Whether this packet is out of all proportion with those before.
    fn begins_anew(&mut self, sequence: u64) -> bool {
        if sequence >= self.base + Self::CAPACITY || sequence > self.end + MAX_GAP {
            return true;
        }
        if sequence + RESTART_DISTANCE > self.base {
            return false;
        }
        let again = self.resync == Some(sequence);
        self.resync = Some(sequence + 1);
        again
    }

    /// Forgets all packets.
    fn restart(&mut self) {
        self.ring.clear(self.base..self.end);
        self.sequences = SequenceUnwrapper::default();
        self.fresh = true;
        self.moved = false;
        self.clean_start = false;
        self.skip = None;
        self.key_packet = None;
        self.resync = None;
        self.waiting = true;
        self.gap = self.stats.frames > 0;
    }

    fn hold(&mut self, sequence: u64, packet: RtpPacket) -> bool {
        let format = self.formats.iter().find(|(payload_type, ..)| *payload_type == packet.payload_type);
        let filler = packet.payload.is_empty() || format.is_none();
        if !filler && format.is_some_and(|(.., depacketizer)| depacketizer.marks_key(&packet.payload)) {
            self.key_packet = self.key_packet.max(Some(sequence));
        }
        self.ring.put(
            sequence,
            Held {
                timestamp: packet.timestamp,
                payload_type: packet.payload_type,
                marker: packet.marker && !filler,
                filler,
                arrived: packet.arrived,
                payload: packet.payload,
            },
        );
        filler
    }

    /// The packet will not come any more.
    pub fn give_up(&mut self, sequence: u64) {
        if (self.base..self.end).contains(&sequence) {
            self.ring.give_up(sequence);
        }
    }

    /// The next frame that is whole and, unless [`Assembler::allow_damaged`], decodable.
    pub fn next_frame(&mut self, now: Instant) -> Option<EncodedFrame> {
        loop {
            if self.cursor >= self.end {
                return None;
            }
            let Some(held) = self.ring.held(self.cursor) else {
                if self.jump_to_key() {
                    continue;
                }
                if !self.ring.is_lost(self.cursor) {
                    return None;
                }
                self.abandon();
                continue;
            };
            let started = self.cursor > self.base;
            if !started && held.filler {
                self.move_to(self.base + 1);
                continue;
            }
            let ended_before = started
                && !held.filler
                && self.ring.held(self.base).is_some_and(|first| first.timestamp != held.timestamp);
            if !ended_before {
                self.cursor += 1;
            }
            if (ended_before || self.ring.held(self.cursor - 1).is_some_and(|last| last.marker))
                && let Some(frame) = self.finish(now)
            {
                return Some(frame);
            }
        }
    }

    /// Forgets the packets before `sequence`.
    fn move_to(&mut self, sequence: u64) {
        self.ring.clear(self.base..sequence);
        self.base = sequence;
        self.cursor = sequence;
        self.moved = true;
    }

    fn depacketizer(&self, payload_type: u8) -> Option<&Depacketizer> {
        self.formats.iter().find(|(other, ..)| *other == payload_type).map(|(.., depacketizer)| depacketizer)
    }

    fn starts_frame(&self, held: &Held) -> bool {
        self.depacketizer(held.payload_type).is_some_and(|depacketizer| depacketizer.starts_frame(&held.payload))
    }

    /// Takes what outlasts a frame from packets that are about to be dropped.
    fn learn(&mut self, sequences: Range<u64>) {
        for sequence in sequences {
            if let Some(held) = self.ring.held(sequence)
                && let Some((.., depacketizer)) =
                    self.formats.iter_mut().find(|(other, ..)| *other == held.payload_type)
            {
                depacketizer.learn(&held.payload);
            }
        }
    }

    /// Frames were lost that others may depend on.
    fn gap_found(&mut self, frames: u64) {
        self.stats.frames_dropped += frames;
        self.gap = true;
        self.waiting = true;
        self.starved = true;
    }

    /// The packets from `base` to `cursor` are a frame.
    fn finish(&mut self, now: Instant) -> Option<EncodedFrame> {
        let frame = self.whole_frame(now);
        self.move_to(self.cursor);
        self.clean_start = true;
        self.skip = None;
        frame
    }

    fn whole_frame(&mut self, now: Instant) -> Option<EncodedFrame> {
        let range = self.base..self.cursor;
        let first = self.ring.held(self.base)?;
        let (timestamp, payload_type) = (first.timestamp, first.payload_type);
        let rest = !self.clean_start && self.skip == Some(timestamp);
        if rest || !(self.clean_start || self.starts_frame(first)) {
            self.learn(range);
            if !rest {
                self.gap_found(1);
            }
            return None;
        }
        let ring = &self.ring;
        let packets = range.filter_map(|sequence| ring.held(sequence));
        let packets = packets.filter(|held| !held.filler && held.payload_type == payload_type);
        let arrivals = packets.clone().map(|held| held.arrived);
        let (first_packet, last_packet) = (arrivals.clone().min()?, arrivals.max()?);
        let payloads = packets.map(|held| &*held.payload);
        let (_, codec, depacketizer) = self.formats.iter_mut().find(|(other, ..)| *other == payload_type)?;
        let codec = *codec;
        let AccessUnit { data, key, discardable } = match depacketizer.assemble(payloads.clone()) {
            Ok(unit) => unit,
            Err(DepacketizeError::NoPicture) => return None,
            Err(_) => {
                let discardable = payloads.clone().all(|payload| depacketizer.discardable(payload) == Some(true));
                self.stats.malformed += 1;
                self.drop_frame(discardable);
                return None;
            }
        };
        if self.codec != Some(codec) && !key {
            self.waiting = true;
        }
        if self.waiting && !key && !self.damaged_allowed {
            self.starved = true;
            self.drop_frame(discardable);
            return None;
        }
        if key {
            self.waiting = false;
            self.starved = false;
        } else if self.waiting {
            self.starved = true;
        }
        self.codec = Some(codec);
        let id = self.stats.frames;
        self.stats.frames += 1;
        Some(EncodedFrame {
            id,
            codec,
            data,
            rtp_time: self.timestamps.unwrap(timestamp),
            key,
            color: None,
            after_gap: std::mem::take(&mut self.gap),
            first_packet,
            last_packet,
            assembled: now,
        })
    }

    fn drop_frame(&mut self, discardable: bool) {
        if discardable {
            self.stats.frames_dropped += 1;
            self.gap = true;
        } else {
            self.gap_found(1);
        }
    }

    /// Goes on with a whole key frame behind the packet that is missing at `cursor`, if there is one.
    fn jump_to_key(&mut self) -> bool {
        let Some(key) = self.key_packet.filter(|key| *key > self.cursor) else { return false };
        let Some(timestamp) = self.ring.held(key).map(|held| held.timestamp) else { return false };
        let mut start = key;
        while let Some(before) = self.ring.held(start - 1)
            && start > self.cursor
            && !before.marker
            && (before.timestamp == timestamp || before.filler)
        {
            start -= 1;
        }
        let clean = self.ring.held(start - 1).is_some();
        let Some(first) = self.ring.held(start) else { return false };
        if start <= self.cursor || !(clean || self.starts_frame(first)) || !self.ends_whole(key, timestamp) {
            return false;
        }
        let frames = self.frames_between(self.base..start);
        self.learn(self.base..start);
        self.move_to(start);
        self.clean_start = true;
        self.skip = None;
        self.gap_found(frames);
        true
    }

    /// Whether all packets from `sequence` to the end of its frame are there.
    fn ends_whole(&self, sequence: u64, timestamp: u32) -> bool {
        for next in sequence..self.end {
            match self.ring.held(next) {
                None => return false,
                Some(held) if held.filler => {}
                Some(held) if held.timestamp != timestamp => return true,
                Some(held) if held.marker => return true,
                Some(_) => {}
            }
        }
        false
    }

    /// Frames that are being given up with these packets, as far as they are known, without those counted before.
    fn frames_between(&self, sequences: Range<u64>) -> u64 {
        let mut last = self.skip;
        let mut frames = 0;
        for held in sequences.filter_map(|sequence| self.ring.held(sequence)).filter(|held| !held.filler) {
            if last != Some(held.timestamp) {
                last = Some(held.timestamp);
                frames += 1;
            }
        }
        if self.skip.is_some() { frames } else { frames.max(1) }
    }

    /// Gives up the frame around the lost packet at `cursor`, and everything up to the start of one that can be whole.
    fn abandon(&mut self) {
        let first = self.ring.held(self.base).filter(|_| self.base < self.cursor);
        let mut damage = Damage { timestamp: first.map(|held| held.timestamp), ..Damage::default() };
        let continued = self.skip.filter(|_| !self.clean_start);
        damage.frames = u64::from(damage.timestamp.is_some() && damage.timestamp != continued);
        if damage.timestamp.is_none() {
            damage.timestamp = continued;
        }
        for sequence in self.base..self.cursor {
            damage.note(self.discardable(sequence));
        }
        let stop = self.walk_damage(&mut damage, self.cursor);
        self.learn(self.base..stop);
        self.move_to(stop);
        self.clean_start = damage.closed;
        self.skip = if damage.closed { None } else { damage.timestamp };
        if damage.closed && !damage.unknown && damage.discardable == Some(true) {
            self.stats.frames_dropped += damage.frames;
            self.gap = true;
        } else {
            let known = continued.is_some() || damage.frames > 0;
            self.gap_found(damage.frames.max(u64::from(!known)));
        }
    }

    /// From the lost packet at `sequence` to where something new begins; returns that place.
    fn walk_damage(&self, damage: &mut Damage, mut sequence: u64) -> u64 {
        let mut run = 0;
        while sequence < self.end {
            let Some(held) = self.ring.held(sequence) else {
                if !self.ring.is_lost(sequence) && !self.inside(sequence, damage.timestamp) {
                    // It may still come and begin the next frame.
                    return sequence;
                }
                run += 1;
                sequence += 1;
                continue;
            };
            if held.filler {
                sequence += 1;
                continue;
            }
            if damage.timestamp == Some(held.timestamp) {
                run = 0;
            } else if run == 0 || self.starts_frame(held) {
                // One lost packet was the end of the frame before; more may have been whole frames.
                damage.unknown |= run > 1 || (run == 1 && damage.timestamp.is_none());
                damage.closed = true;
                return sequence;
            } else {
                // The start of this one is lost, too.
                damage.unknown |= run > 1 || damage.timestamp.is_some();
                damage.timestamp = Some(held.timestamp);
                damage.frames += 1;
                run = 0;
            }
            damage.note(self.discardable(sequence));
            sequence += 1;
            if held.marker {
                damage.closed = true;
                return sequence;
            }
        }
        sequence
    }

    fn discardable(&self, sequence: u64) -> Option<bool> {
        let held = self.ring.held(sequence).filter(|held| !held.filler)?;
        self.depacketizer(held.payload_type)?.discardable(&held.payload)
    }

    /// Whether the packet missing at `sequence` lies within the frame with this timestamp.
    fn inside(&self, sequence: u64, timestamp: Option<u32>) -> bool {
        let next = (sequence..self.end).find_map(|sequence| self.ring.held(sequence));
        next.is_some_and(|next| timestamp == Some(next.timestamp) && !next.filler)
    }

    /// Source of the present stream.
    #[must_use]
    pub const fn ssrc(&self) -> Option<u32> {
        self.ssrc
    }

    /// First packet that is still of use.
    #[must_use]
    pub const fn base(&self) -> u64 {
        self.base
    }

    /// Packets between the first one of use and the newest.
    #[must_use]
    pub const fn span(&self) -> u64 {
        self.end.saturating_sub(self.base)
    }

    /// Delivers whole frames even if their references are missing (`true`), or holds them back (`false`, the default).
    pub const fn allow_damaged(&mut self, allow: bool) {
        self.damaged_allowed = allow;
    }

    /// A key frame is missing: frames are lost or held back for want of it.
    #[must_use]
    pub const fn needs_keyframe(&self) -> bool {
        self.waiting && self.starved
    }

    /// The next frame delivered must be a key frame, although nothing was lost or held back yet.
    #[must_use]
    pub const fn awaits_keyframe(&self) -> bool {
        self.waiting
    }

    /// Some packets of a key frame are there.
    #[must_use]
    pub fn keyframe_arriving(&self) -> bool {
        self.key_packet.is_some_and(|key| key >= self.base)
    }

    /// Counters so far.
    #[must_use]
    pub const fn stats(&self) -> AssemblerStats {
        self.stats
    }
}
