//! Everything one video track needs, in one piece.

use std::time::{Duration, Instant};

use entente_model::media::EncodedFrame;

use crate::assemble::{Assembler, Placement};
use crate::format::PayloadFormat;
use crate::keyframes::KeyframeRequests;
use crate::nack::{Nack, NackPacket};
use crate::packet::{FIXED_HEADER, RtpPacket};

/// Something to tell the sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Feedback {
    /// Send these again (RFC 4585 section 6.2.1). Ascending in stream order, at most [`Nack::BATCH`].
    Nack {
        /// Of which source.
        ssrc: u32,
        /// Which packets.
        sequences: Vec<u16>,
    },
    /// Send a key frame (picture loss indication, RFC 4585 section 6.3.1).
    Keyframe {
        /// Of which source.
        ssrc: u32,
    },
}

/// Counters of one video track so far; the fields are those of [`entente_model::link::LinkStats`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReceiverStats {
    /// Round trip in use in microseconds: as told by [`VideoReceiver::set_rtt`] or measured from retransmissions.
    pub rtt_micros: Option<u64>,
    /// Packets that arrived, retransmissions, duplicates and padding included.
    pub packets: u64,
    /// Bytes that arrived (payload and 12 bytes of RTP header).
    pub bytes: u64,
    /// Packets that were missing when their turn came.
    pub lost: u64,
    /// Of these, those that came back in time.
    pub recovered: u64,
    /// Sequence numbers asked for again.
    pub nacks: u64,
    /// Key frames asked for.
    pub keyframe_requests: u64,
    /// Frames delivered.
    pub frames: u64,
    /// Frames known to have been sent but never delivered.
    pub frames_dropped: u64,
    /// Packets that came twice or too late for any use.
    pub useless: u64,
    /// Frames whose packets contradict the payload format.
    pub malformed: u64,
}

/// Receives one video track: puts packets in order, asks for missing ones, assembles frames, holds back what cannot be
/// decoded, asks for key frames. Memory is bounded by [`Assembler::CAPACITY`] packets.
#[derive(Debug)]
pub struct VideoReceiver {
    assembler: Assembler,
    nack: Nack,
    keyframes: KeyframeRequests,
    /// The decoder wants a key frame.
    requested: bool,
    /// One more request is wanted, whatever comes of it.
    nudged: bool,
    /// When the present stream began.
    begun: Option<Instant>,
    packets: u64,
    bytes: u64,
}

impl VideoReceiver {
    /// A receiver for the negotiated video payload types. Packets with other payload types only take their place in the
    /// sequence (padding, error correction).
    pub fn new(formats: impl IntoIterator<Item = PayloadFormat>) -> Self {
        Self {
            assembler: Assembler::new(formats),
            nack: Nack::default(),
            keyframes: KeyframeRequests::default(),
            requested: false,
            nudged: false,
            begun: None,
            packets: 0,
            bytes: 0,
        }
    }

    /// Whether the host agreed to `nack` for what it sends now (at first it is taken to have). Without it missing packets
    /// are given up after 10 ms instead of asked for.
    pub fn allow_nack(&mut self, allow: bool) {
        self.nack.enable(allow);
    }

    /// Takes one packet. `now` must not run backwards between calls.
    pub fn push(&mut self, packet: RtpPacket, now: Instant) {
        self.packets += 1;
        self.bytes += (FIXED_HEADER + packet.payload.len()) as u64;
        let (timestamp, marker) = (packet.timestamp, packet.marker);
        let (recovered, arrived) = (packet.recovered, packet.arrived);
        let (sequence, missing, newest, filler) = match self.assembler.push(packet) {
            Placement::Useless => return,
            Placement::Restarted { sequence, filler } => {
                self.nack.restart();
                self.begun = Some(now);
                (sequence, sequence..sequence, true, filler)
            }
            Placement::Held { sequence, missing, newest, filler } => (sequence, missing, newest, filler),
        };
        if !missing.is_empty() {
            self.nack.gap(missing, arrived);
        }
        self.nack.arrival(NackPacket { sequence, timestamp, marker, filler, newest, recovered, arrived });
    }

    /// Acts on what has become too late by `now`.
    fn expire(&mut self, now: Instant) {
        while let Some(sequence) = self.nack.poll_given_up(now) {
            self.assembler.give_up(sequence);
        }
    }

    /// The next whole frame, in decoding order. Call until `None` after each packet and each deadline.
    pub fn poll_frame(&mut self, now: Instant) -> Option<EncodedFrame> {
        self.expire(now);
        let frame = self.assembler.next_frame(now);
        self.nack.forget_below(self.assembler.base());
        if frame.as_ref().is_some_and(|frame| frame.key) {
            self.requested = false;
        }
        frame
    }

    /// The next thing to tell the sender. Call until `None` after [`VideoReceiver::poll_frame`] returned `None`.
    pub fn poll_feedback(&mut self, now: Instant) -> Option<Feedback> {
        let ssrc = self.assembler.ssrc()?;
        self.expire(now);
        if let Some(sequences) = self.nack.poll(now) {
            return Some(Feedback::Nack { ssrc, sequences });
        }
        let wanted = self.keyframe_wanted().is_some_and(|since| since <= now);
        if wanted && self.keyframes.poll(now, self.keyframe_interval()) {
            self.nudged = false;
            return Some(Feedback::Keyframe { ssrc });
        }
        None
    }

    /// When to poll again although no packet comes. May lie in the past when something is left to poll now.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let keyframe = self.keyframe_wanted().map(|since| {
            self.keyframes.next_deadline(self.keyframe_interval()).map_or(since, |deadline| deadline.max(since))
        });
        [self.nack.next_deadline(), keyframe].into_iter().flatten().min()
    }

    /// From when on a key frame is to be asked for.
    fn keyframe_wanted(&self) -> Option<Instant> {
        let begun = self.begun?;
        if self.requested || self.nudged || self.assembler.needs_keyframe() {
            Some(begun)
        } else if self.assembler.awaits_keyframe() {
            // The first frame of a host is a key frame, as a rule; leave it the time to arrive.
            Some(begun + self.keyframe_interval())
        } else {
            None
        }
    }

    fn keyframe_interval(&self) -> Duration {
        let rtt = self.nack.rtt().unwrap_or_default().max(KeyframeRequests::LEAST_INTERVAL);
        // A key frame that is on its way, perhaps waiting for a retransmission, is better than another one.
        if self.assembler.keyframe_arriving() { rtt.max(self.nack.useful_for()) } else { rtt }
    }

    /// Tells the round trip, from RTCP or connectivity checks.
    pub fn set_rtt(&mut self, rtt: Duration) {
        self.nack.set_rtt(rtt);
    }

    /// Asks for a key frame (decoder error or reset) and repeats that until one was delivered. Frames go on meanwhile.
    pub fn request_keyframe(&mut self) {
        self.requested = true;
    }

    /// Asks for a key frame once, for a host that may have nothing to send.
    pub fn nudge_keyframe(&mut self) {
        self.nudged = true;
    }

    /// Delivers whole frames even if their references are missing, or (the default) holds them back until a key frame.
    pub fn allow_damaged(&mut self, allow: bool) {
        self.assembler.allow_damaged(allow);
    }

    /// Frames are being held back, or soon will be, for want of a key frame.
    #[must_use]
    pub fn needs_keyframe(&self) -> bool {
        self.requested || self.assembler.needs_keyframe()
    }

    /// Counters so far.
    #[must_use]
    pub fn stats(&self) -> ReceiverStats {
        let assembler = self.assembler.stats();
        let nack = self.nack.stats();
        ReceiverStats {
            rtt_micros: self.nack.rtt().map(|rtt| rtt.as_micros() as u64),
            packets: self.packets,
            bytes: self.bytes,
            lost: nack.lost,
            recovered: nack.recovered,
            nacks: nack.nacks,
            keyframe_requests: self.keyframes.sent(),
            frames: assembler.frames,
            frames_dropped: assembler.frames_dropped,
            useless: assembler.useless,
            malformed: assembler.malformed,
        }
    }
}
