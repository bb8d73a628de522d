//! When frames come out, and which.

use std::time::Duration;

use bytes::Bytes;
use entente_model::media::{EncodedFrame, VideoCodec};
use entente_rtp::{Assembler, PayloadFormat, Placement, RtpPacket};

use crate::epoch;
use crate::sender::{PAYLOAD_TYPE, Random, Sent, frame, packet, packets};

const CODEC: VideoCodec = VideoCodec::H264;

/// An assembler and a stream for it: frame 0 is a key frame.
struct Stage {
    assembler: Assembler,
    random: Random,
    sequence: u16,
    timestamp: u32,
}

impl Stage {
    fn new() -> Self {
        Self { assembler: assembler(), random: Random::new(5), sequence: 65_530, timestamp: u32::MAX - 2000 }
    }

    fn next(&mut self, key: bool, discardable: bool, size: usize) -> (Sent, Vec<RtpPacket>) {
        let sent = frame(CODEC, &mut self.random, key, discardable, size, 1100);
        let packets = packets(self.sequence, self.timestamp, &sent);
        self.sequence = self.sequence.wrapping_add(packets.len() as u16);
        self.timestamp = self.timestamp.wrapping_add(1500);
        (sent, packets)
    }

    /// Pushes all but the packets at `without`.
    fn push(&mut self, packets: &[RtpPacket], without: &[usize]) {
        for (index, packet) in packets.iter().enumerate() {
            if !without.contains(&index) {
                self.assembler.push(packet.clone());
            }
        }
    }

    fn frames(&mut self) -> Vec<EncodedFrame> {
        std::iter::from_fn(|| self.assembler.next_frame(epoch())).collect()
    }

    fn start(&mut self) {
        let (_, packets) = self.next(true, false, 3000);
        self.push(&packets, &[]);
        assert_eq!(self.frames().len(), 1);
    }

    /// Gives up everything that is missing.
    fn give_up(&mut self) {
        for sequence in self.assembler.base()..self.assembler.base() + self.assembler.span() {
            self.assembler.give_up(sequence);
        }
    }
}

fn assembler() -> Assembler {
    Assembler::new([PayloadFormat::new(PAYLOAD_TYPE, CODEC)])
}

#[test]
fn arrival_stamps_are_those_of_the_first_and_the_last_packet() {
    let mut stage = Stage::new();
    let (sent, mut packets) = stage.next(true, false, 3000);
    let at = |millis| epoch() + Duration::from_millis(millis);
    for (packet, millis) in packets.iter_mut().zip([5, 3, 9, 7]) {
        packet.arrived = at(millis);
    }
    stage.push(&packets, &[]);
    let frame = stage.assembler.next_frame(at(11)).unwrap();
    assert_eq!((frame.first_packet, frame.last_packet, frame.assembled), (at(3), at(9), at(11)));
    assert_eq!(frame.data, sent.expected);
    assert!(frame.key && !frame.after_gap);
}

#[test]
fn any_order_and_duplicates_give_the_same_frame() {
    let mut stage = Stage::new();
    stage.start();
    let (sent, packets) = stage.next(false, false, 5000);
    let mut order: Vec<_> = packets.iter().chain(&packets).cloned().collect();
    order.reverse();
    stage.push(&order, &[]);
    let frames = stage.frames();
    assert_eq!(frames.len(), 1);
    assert_eq!(frames[0].data, sent.expected);
    assert_eq!(stage.assembler.stats().useless as usize, packets.len());
    stage.push(&packets, &[]);
    assert_eq!(stage.frames(), []);
}

#[test]
fn the_first_packets_may_come_in_any_order() {
    let mut stage = Stage::new();
    let (sent, mut packets) = stage.next(true, false, 3000);
    packets.swap(0, 1);
    stage.push(&packets, &[]);
    assert_eq!(stage.frames()[0].data, sent.expected);
}

#[test]
fn a_frame_without_marker_ends_with_the_next_timestamp() {
    let mut stage = Stage::new();
    stage.start();
    let (sent, mut packets) = stage.next(false, false, 3000);
    packets.last_mut().unwrap().marker = false;
    stage.push(&packets, &[]);
    assert_eq!(stage.frames(), []);
    let (_, next) = stage.next(false, false, 3000);
    stage.push(&next[..1], &[]);
    let frames = stage.frames();
    assert_eq!(frames.len(), 1);
    assert_eq!(frames[0].data, sent.expected);
}

#[test]
fn padding_and_unknown_payload_types_only_take_their_place() {
    let mut stage = Stage::new();
    stage.start();
    for (payload_type, payload) in [(PAYLOAD_TYPE, &b""[..]), (120, &b"error correction"[..])] {
        let filler = packet(stage.sequence, stage.timestamp, false, Bytes::from_static(payload));
        let placement = stage.assembler.push(RtpPacket { payload_type, ..filler });
        assert!(matches!(placement, Placement::Held { filler: true, .. }));
        stage.sequence = stage.sequence.wrapping_add(1);
    }
    let (sent, packets) = stage.next(false, false, 3000);
    stage.push(&packets, &[]);
    let frames = stage.frames();
    assert_eq!(frames[0].data, sent.expected);
    assert!(!frames[0].after_gap);
}

#[test]
fn a_frame_waits_for_what_is_missing_before_it() {
    let mut stage = Stage::new();
    stage.start();
    let (first, first_packets) = stage.next(false, false, 3000);
    let (second, second_packets) = stage.next(false, false, 3000);
    stage.push(&first_packets, &[1]);
    stage.push(&second_packets, &[]);
    assert_eq!(stage.frames(), []);
    assert!(!stage.assembler.needs_keyframe());
    stage.push(&first_packets[1..2], &[]);
    let frames = stage.frames();
    assert_eq!([&frames[0].data[..], &frames[1].data[..]], [&first.expected[..], &second.expected[..]]);
}

#[test]
fn after_a_lost_frame_others_are_held_back_until_a_key_frame() {
    let mut stage = Stage::new();
    stage.start();
    let (_, lost) = stage.next(false, false, 3000);
    let (_, dependent) = stage.next(false, false, 3000);
    stage.push(&lost, &[1]);
    stage.push(&dependent, &[]);
    stage.give_up();
    assert_eq!(stage.frames(), []);
    assert!(stage.assembler.needs_keyframe());
    assert_eq!(stage.assembler.stats().frames_dropped, 2);
    let (key, packets) = stage.next(true, false, 3000);
    stage.push(&packets, &[]);
    let frames = stage.frames();
    assert_eq!(frames[0].data, key.expected);
    assert!(frames[0].after_gap);
    assert!(!stage.assembler.needs_keyframe());
}

#[test]
fn allowing_damage_lets_dependent_frames_through() {
    let mut stage = Stage::new();
    stage.assembler.allow_damaged(true);
    stage.start();
    let (_, lost) = stage.next(false, false, 3000);
    let (dependent, packets) = stage.next(false, false, 3000);
    stage.push(&lost, &[1]);
    stage.push(&packets, &[]);
    stage.give_up();
    let frames = stage.frames();
    assert_eq!(frames.len(), 1);
    assert_eq!(frames[0].data, dependent.expected);
    assert!(frames[0].after_gap);
    assert!(stage.assembler.needs_keyframe());
}

#[test]
fn a_lost_frame_that_nothing_refers_to_is_skipped() {
    for without in [&[0][..], &[1], &[2], &[0, 1, 2]] {
        let mut stage = Stage::new();
        stage.start();
        let (_, lost) = stage.next(false, true, 3000);
        assert_eq!(lost.len(), 3);
        let (next, packets) = stage.next(false, false, 3000);
        stage.push(&lost, without);
        stage.push(&packets, &[]);
        stage.give_up();
        let frames = stage.frames();
        if without.len() == 3 {
            // Nothing of it came: it could have been any frame.
            assert_eq!(frames, []);
            assert!(stage.assembler.needs_keyframe());
            assert_eq!(stage.assembler.stats().frames_dropped, 2);
        } else {
            assert_eq!(frames[0].data, next.expected, "without {without:?}");
            assert!(frames[0].after_gap);
            assert!(!stage.assembler.needs_keyframe());
            assert_eq!(stage.assembler.stats().frames_dropped, 1);
        }
    }
}

#[test]
fn two_lost_packets_around_the_end_of_a_discardable_frame_are_not_taken_lightly() {
    let mut stage = Stage::new();
    stage.start();
    let (_, discardable) = stage.next(false, true, 3000);
    let (_, needed) = stage.next(false, false, 500);
    let (_, next) = stage.next(false, false, 500);
    stage.push(&discardable, &[2]);
    stage.push(&needed, &[0]);
    stage.push(&next, &[]);
    stage.give_up();
    assert_eq!(stage.frames(), []);
    assert!(stage.assembler.needs_keyframe());
}

#[test]
fn a_whole_key_frame_does_not_wait() {
    let mut stage = Stage::new();
    stage.start();
    let (_, broken) = stage.next(false, false, 3000);
    let (key, packets) = stage.next(true, false, 3000);
    let (next, after) = stage.next(false, false, 3000);
    stage.push(&broken, &[1]);
    stage.push(&packets, &[2]);
    stage.push(&after, &[]);
    assert_eq!(stage.frames(), []);
    stage.push(&packets[2..3], &[]);
    let frames = stage.frames();
    assert_eq!([&frames[0].data[..], &frames[1].data[..]], [&key.expected[..], &next.expected[..]]);
    assert!(frames[0].after_gap && !frames[1].after_gap);
    assert_eq!(stage.assembler.stats().frames_dropped, 1);
    // What was missing is of no use any more.
    assert_eq!(stage.assembler.push(broken[1].clone()), Placement::Useless);
}

#[test]
fn a_key_frame_waits_for_parameter_sets_that_arrive_late() {
    let mut stage = Stage::new();
    stage.start();
    let (mut key, mut packets) = stage.next(true, false, 3000);
    // Another picture size: decoding with the sets known from before would go wrong.
    let sps = [&[0x67, 0x64][..], &key.expected[6..12]].concat();
    packets[0].payload = [&[0x78, 0, 8][..], &sps, &packets[0].payload[11..]].concat().into();
    key.expected.splice(4..12, sps);
    stage.push(&packets, &[0]);
    assert_eq!(stage.frames(), []);
    stage.push(&packets[..1], &[]);
    let frames = stage.frames();
    assert_eq!(frames.len(), 1);
    assert!(frames[0].key && !frames[0].after_gap);
    assert_eq!(frames[0].data, key.expected);
}

#[test]
fn the_rest_of_an_abandoned_frame_is_dropped_without_counting_twice() {
    let mut stage = Stage::new();
    stage.start();
    let (_, broken) = stage.next(false, false, 6000);
    stage.push(&broken[..3], &[1]);
    stage.give_up();
    assert_eq!(stage.frames(), []);
    stage.push(&broken[3..], &[]);
    assert_eq!(stage.frames(), []);
    assert_eq!(stage.assembler.stats().frames_dropped, 1);
    assert_eq!(stage.assembler.span(), 0);
}

#[test]
fn a_new_source_begins_anew_and_stragglers_of_the_old_one_do_not() {
    let mut stage = Stage::new();
    stage.start();
    let (_, old) = stage.next(false, false, 3000);
    let (key, new) = stage.next(true, false, 3000);
    let fresh =
        |packet: &RtpPacket| RtpPacket { ssrc: 77, sequence: packet.sequence.wrapping_add(20_000), ..packet.clone() };
    assert!(matches!(stage.assembler.push(fresh(&new[0])), Placement::Restarted { .. }));
    assert_eq!(stage.assembler.push(old[0].clone()), Placement::Useless);
    for packet in &new[1..] {
        stage.assembler.push(fresh(packet));
    }
    let frames = stage.frames();
    assert_eq!(frames[0].data, key.expected);
    assert_eq!(frames[0].id, 1);
    assert!(frames[0].after_gap);
    assert_eq!(stage.assembler.ssrc(), Some(77));
}

#[test]
fn a_sender_that_begins_anew_with_the_same_source_is_followed() {
    for offset in [20_000_u16, 40_000] {
        let mut stage = Stage::new();
        stage.start();
        stage.sequence = stage.sequence.wrapping_add(offset);
        let (_, first) = stage.next(true, false, 3000);
        stage.push(&first, &[]);
        stage.frames();
        let (key, packets) = stage.next(true, false, 3000);
        stage.push(&packets, &[]);
        assert_eq!(stage.frames().last().unwrap().data, key.expected, "offset {offset}");
    }
}

#[test]
fn a_change_of_codec_needs_a_key_frame() {
    let mut assembler =
        Assembler::new([PayloadFormat::new(96, VideoCodec::Vp8), PayloadFormat::new(97, VideoCodec::Vp9)]);
    let mut random = Random::new(1);
    let mut sequence = 0;
    let mut codecs = Vec::new();
    let plan = [(96, VideoCodec::Vp8, true), (97, VideoCodec::Vp9, false), (97, VideoCodec::Vp9, true)];
    for (number, (payload_type, codec, key)) in plan.into_iter().enumerate() {
        let sent = frame(codec, &mut random, key, false, 3000, 1100);
        for packet in packets(sequence, number as u32 * 1500, &sent) {
            sequence += 1;
            assembler.push(RtpPacket { payload_type, ..packet });
        }
        codecs.extend(std::iter::from_fn(|| assembler.next_frame(epoch())).map(|frame| (frame.codec, frame.key)));
    }
    assert_eq!(codecs, [(VideoCodec::Vp8, true), (VideoCodec::Vp9, true)]);
}

#[test]
fn times_and_sequences_wrap_without_a_trace() {
    let mut stage = Stage::new();
    let mut last: Option<u64> = None;
    for number in 0..30_000_u32 {
        let (sent, packets) = stage.next(number == 0, false, if number % 2 == 0 { 100 } else { 4000 });
        stage.push(&packets, &[]);
        let frames = stage.frames();
        assert_eq!(frames.len(), 1);
        assert_eq!(frames[0].data, sent.expected);
        assert!(last.is_none_or(|last| frames[0].rtp_time == last + 1500));
        last = Some(frames[0].rtp_time);
    }
}
