//! A sender, a bad path and a receiver in virtual time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use entente_model::media::{EncodedFrame, VideoCodec};
use entente_rtp::{Feedback, PayloadFormat, ReceiverStats, RtpPacket, VideoReceiver};

use crate::epoch;
use crate::sender::{PAYLOAD_TYPE, Random, SSRC, Sent, frame, packets};

#[derive(Clone, Debug)]
pub(crate) struct Path {
    pub(crate) codec: VideoCodec,
    pub(crate) seed: u64,
    pub(crate) frames: usize,
    pub(crate) loss: f64,
    pub(crate) duplicate: f64,
    pub(crate) one_way_micros: u64,
    pub(crate) jitter_micros: u64,
    /// Every so many frames one that nothing refers to.
    pub(crate) discardable_every: usize,
    /// Packets lost whatever the loss: the last packet of every so many frames.
    pub(crate) lose_tail_every: usize,
    /// Retransmissions are refused.
    pub(crate) deaf: bool,
    pub(crate) rtt_told: bool,
    pub(crate) first_sequence: u16,
    pub(crate) first_timestamp: u32,
}

impl Path {
    pub(crate) fn clean(codec: VideoCodec) -> Self {
        Self {
            codec,
            seed: 1,
            frames: 200,
            loss: 0.0,
            duplicate: 0.0,
            one_way_micros: 10_000,
            jitter_micros: 0,
            discardable_every: 0,
            lose_tail_every: 0,
            deaf: false,
            rtt_told: true,
            first_sequence: 65_400,
            first_timestamp: u32::MAX - 30_000,
        }
    }
}

pub(crate) struct Outcome {
    /// What was sent, by frame number.
    pub(crate) sent: Vec<Sent>,
    /// Frame number, frame, and how long after the frame was sent it came out, in microseconds.
    pub(crate) delivered: Vec<(usize, EncodedFrame, u64)>,
    pub(crate) stats: ReceiverStats,
    pub(crate) keyframe_requests: Vec<u64>,
    pub(crate) nacked: Vec<(u64, u16)>,
}

enum Step {
    Send(usize),
    Arrive(RtpPacket),
    Hear(Feedback),
    Wake,
}

const FRAME_MICROS: u64 = 16_667;
const FRAME_TICKS: u32 = 1500;

struct World {
    path: Path,
    random: Random,
    queue: BinaryHeap<Reverse<(u64, u64)>>,
    steps: Vec<Option<Step>>,
    history: Vec<RtpPacket>,
    want_key: bool,
    outcome: Outcome,
}

impl World {
    fn at(&mut self, micros: u64, step: Step) {
        self.queue.push(Reverse((micros, self.steps.len() as u64)));
        self.steps.push(Some(step));
    }

    fn transmit(&mut self, micros: u64, packet: RtpPacket, lose: bool) {
        let copies = 1 + u64::from(self.random.chance(self.path.duplicate));
        for _ in 0..copies {
            let jitter = self.random.below(self.path.jitter_micros + 1);
            if !lose && !self.random.chance(self.path.loss) {
                self.at(micros + self.path.one_way_micros + jitter, Step::Arrive(packet.clone()));
            }
        }
    }

    fn send(&mut self, number: usize, now: u64) {
        let key = number == 0 || std::mem::take(&mut self.want_key);
        let every = self.path.discardable_every;
        let discardable = !key && every > 0 && number.is_multiple_of(every);
        let size = 200 + self.random.below(if key { 20_000 } else { 6_000 }) as usize;
        let sent = frame(self.path.codec, &mut self.random, key, discardable, size, 1100);
        let first = self.path.first_sequence.wrapping_add(self.history.len() as u16);
        let timestamp = self.path.first_timestamp.wrapping_add(number as u32 * FRAME_TICKS);
        let packets = packets(first, timestamp, &sent);
        self.outcome.sent.push(sent);
        let every = self.path.lose_tail_every;
        let lose_tail = every > 0 && number % every == every - 1;
        let count = packets.len();
        for (index, packet) in packets.into_iter().enumerate() {
            self.history.push(packet.clone());
            self.transmit(now + index as u64 * 50, packet, lose_tail && index + 1 == count);
        }
        if number + 1 < self.path.frames {
            self.at(now + FRAME_MICROS, Step::Send(number + 1));
        }
    }

    fn hear(&mut self, feedback: &Feedback, now: u64) {
        match feedback {
            Feedback::Keyframe { ssrc } => {
                assert_eq!(*ssrc, SSRC);
                self.want_key = true;
            }
            Feedback::Nack { ssrc, sequences } => {
                assert_eq!(*ssrc, SSRC);
                for sequence in sequences {
                    let found = self.history.iter().rev().find(|packet| packet.sequence == *sequence);
                    if let Some(mut packet) = found.filter(|_| !self.path.deaf).cloned() {
                        packet.recovered = true;
                        self.transmit(now, packet, false);
                    }
                }
            }
        }
    }

    fn receive(&mut self, receiver: &mut VideoReceiver, packet: Option<RtpPacket>, micros: u64) {
        let now = epoch() + Duration::from_micros(micros);
        if let Some(mut packet) = packet {
            packet.arrived = now;
            receiver.push(packet, now);
        }
        while let Some(frame) = receiver.poll_frame(now) {
            assert_eq!(frame.assembled, now);
            assert!(frame.first_packet <= frame.last_packet && frame.last_packet <= now);
            let ticks = (frame.rtp_time as u32).wrapping_sub(self.path.first_timestamp);
            let number = (ticks / FRAME_TICKS) as usize;
            self.outcome.delivered.push((number, frame, micros - number as u64 * FRAME_MICROS));
        }
        while let Some(feedback) = receiver.poll_feedback(now) {
            match &feedback {
                Feedback::Keyframe { .. } => self.outcome.keyframe_requests.push(micros),
                Feedback::Nack { sequences, .. } => {
                    assert!(!sequences.is_empty());
                    self.outcome.nacked.extend(sequences.iter().map(|sequence| (micros, *sequence)));
                }
            }
            if !self.random.chance(self.path.loss) {
                self.at(micros + self.path.one_way_micros, Step::Hear(feedback));
            }
        }
        if let Some(deadline) = receiver.next_deadline() {
            let wake = deadline.saturating_duration_since(epoch()).as_nanos().div_ceil(1000) as u64;
            assert!(wake > micros, "a deadline that polling does not serve");
            self.at(wake, Step::Wake);
        }
    }
}

/// Runs the path to its end and some time beyond.
pub(crate) fn run(path: &Path) -> Outcome {
    let mut receiver = VideoReceiver::new([PayloadFormat::new(PAYLOAD_TYPE, path.codec)]);
    if path.rtt_told {
        receiver.set_rtt(Duration::from_micros(path.one_way_micros * 2));
    }
    let outcome = Outcome {
        sent: Vec::new(),
        delivered: Vec::new(),
        stats: ReceiverStats::default(),
        keyframe_requests: Vec::new(),
        nacked: Vec::new(),
    };
    let mut world = World {
        path: path.clone(),
        random: Random::new(path.seed),
        queue: BinaryHeap::new(),
        steps: Vec::new(),
        history: Vec::new(),
        want_key: false,
        outcome,
    };
    world.at(0, Step::Send(0));
    let end = path.frames as u64 * FRAME_MICROS + 1_000_000;
    while let Some(Reverse((now, step))) = world.queue.pop() {
        if now > end {
            break;
        }
        match world.steps[step as usize].take().unwrap() {
            Step::Send(number) => world.send(number, now),
            Step::Hear(feedback) => world.hear(&feedback, now),
            Step::Arrive(packet) => world.receive(&mut receiver, Some(packet), now),
            Step::Wake => world.receive(&mut receiver, None, now),
        }
    }
    world.outcome.stats = receiver.stats();
    world.outcome
}

/// What must hold whatever the path does.
pub(crate) fn check(outcome: &Outcome) {
    let mut previous: Option<usize> = None;
    for (expected_id, (number, frame, _)) in (0..).zip(&outcome.delivered) {
        let sent = &outcome.sent[*number];
        assert_eq!(frame.id, expected_id);
        assert!(frame.data == sent.expected, "frame {number} differs");
        assert_eq!(frame.key, sent.key, "frame {number}");
        let gap = previous.map_or(*number > 0, |previous| number - previous > 1);
        if let Some(previous) = previous {
            assert!(*number > previous, "frame {number} after {previous}");
            assert_eq!(frame.after_gap, gap, "frame {number} after {previous}");
        }
        if !sent.key {
            let from = previous.expect("the first frame must be a key frame");
            let missing = (from + 1..*number).find(|between| !outcome.sent[*between].discardable);
            assert_eq!(missing, None, "frame {number} refers to a frame that was not delivered");
        }
        previous = Some(*number);
    }
    assert_eq!(outcome.stats.frames, outcome.delivered.len() as u64);
    assert_eq!(outcome.stats.keyframe_requests, outcome.keyframe_requests.len() as u64);
    assert_eq!(outcome.stats.nacks, outcome.nacked.len() as u64);
    assert!(outcome.stats.recovered <= outcome.stats.lost);
    for pair in outcome.keyframe_requests.windows(2) {
        assert!(pair[1] - pair[0] >= 100_000, "key frame requests too close: {pair:?}");
    }
}
