//! Loss, reordering, duplication: what comes out, when, and what was asked.

use std::time::Duration;

use entente_model::media::VideoCodec;
use entente_rtp::{Feedback, PayloadFormat, VideoReceiver};
use proptest::prelude::*;

use crate::epoch;
use crate::path::{Path, check, run};
use crate::sender::{PAYLOAD_TYPE, Random, Sent, frame, packets};

#[test]
fn a_clean_path_delivers_everything_at_the_marker_and_asks_for_nothing() {
    for codec in VideoCodec::ALL {
        let outcome = run(&Path::clean(codec));
        check(&outcome);
        assert_eq!(outcome.delivered.len(), 200);
        assert!(outcome.nacked.is_empty() && outcome.keyframe_requests.is_empty());
        assert_eq!(outcome.stats.frames_dropped + outcome.stats.lost + outcome.stats.malformed, 0);
        for (number, _, delay) in &outcome.delivered {
            let packets = outcome.sent[*number].payloads.len() as u64;
            assert_eq!(*delay, 10_000 + (packets - 1) * 50, "{codec:?} frame {number}");
        }
    }
}

#[test]
fn reordering_within_the_tolerance_asks_for_nothing() {
    let outcome = run(&Path { jitter_micros: 60, ..Path::clean(VideoCodec::H264) });
    check(&outcome);
    assert_eq!(outcome.delivered.len(), 200);
    assert_eq!(outcome.stats.lost, 0);
}

#[test]
fn one_percent_loss_costs_one_and_a_half_round_trips_and_no_key_frame() {
    let outcome = run(&Path { loss: 0.01, frames: 3000, seed: 7, rtt_told: false, ..Path::clean(VideoCodec::H264) });
    check(&outcome);
    assert_eq!(outcome.delivered.len(), 3000);
    assert!(outcome.keyframe_requests.is_empty());
    assert_eq!(outcome.stats.lost, outcome.stats.recovered);
    assert!(outcome.stats.nacks <= outcome.stats.lost * 11 / 10, "{:?}", outcome.stats);
    // Measured on the retransmissions: 20 ms.
    assert!((19_000..26_000).contains(&outcome.stats.rtt_micros.unwrap()), "{:?}", outcome.stats);
    let mut delays: Vec<_> = outcome.delivered.iter().map(|(.., delay)| *delay).collect();
    delays.sort_unstable();
    assert!(delays[delays.len() * 99 / 100] < 36_000, "p99 {}", delays[delays.len() * 99 / 100]);
}

#[test]
fn lost_ends_of_frames_are_asked_for_before_the_next_frame() {
    let outcome = run(&Path { lose_tail_every: 5, ..Path::clean(VideoCodec::H264) });
    check(&outcome);
    assert_eq!(outcome.delivered.len(), 200);
    for (number, _, delay) in outcome.delivered.iter().filter(|(number, ..)| number % 5 == 4) {
        let packets = outcome.sent[*number].payloads.len() as u64;
        if packets > 1 {
            // One way, a round trip, and the silence.
            assert!(*delay <= 30_000 + packets * 50 + 6_000, "frame {number}: {delay} us");
        }
    }
}

#[test]
fn a_deaf_host_is_given_up_on_and_a_key_frame_is_asked_for() {
    let outcome = run(&Path { deaf: true, loss: 0.005, frames: 600, seed: 3, ..Path::clean(VideoCodec::Hevc) });
    check(&outcome);
    assert!(!outcome.keyframe_requests.is_empty());
    assert!(outcome.stats.frames_dropped > 0);
    assert_eq!(outcome.stats.recovered, 0);
    assert!(outcome.delivered.last().unwrap().0 > 500, "the stream did not come back");
}

#[test]
fn retries_are_spaced_and_end() {
    let path = Path { deaf: true, lose_tail_every: 150, ..Path::clean(VideoCodec::Vp8) };
    let outcome = run(&path);
    check(&outcome);
    let sequence = outcome.nacked[0].1;
    let times: Vec<_> = outcome.nacked.iter().filter(|(_, asked)| *asked == sequence).map(|(at, _)| *at).collect();
    assert_eq!(times.len(), 10);
    for pair in times.windows(2) {
        // 1.2 times 20 ms.
        assert!((24_000..25_000).contains(&(pair[1] - pair[0])), "{times:?}");
    }
    let asked = outcome.keyframe_requests[0] - times[0];
    assert!((240_000..250_000).contains(&asked), "gave up after {asked} us");
}

#[test]
fn on_a_long_path_a_frame_is_given_up_after_four_round_trips() {
    let path = Path { deaf: true, lose_tail_every: 150, one_way_micros: 50_000, ..Path::clean(VideoCodec::Vp8) };
    let outcome = run(&path);
    check(&outcome);
    let first = outcome.nacked[0];
    assert_eq!(outcome.nacked.iter().filter(|(_, asked)| *asked == first.1).count(), 4);
    let asked = outcome.keyframe_requests[0] - first.0;
    assert!((400_000..402_000).contains(&asked), "gave up after {asked} us");
}

#[test]
fn without_nack_a_gap_leads_to_a_key_frame_request_after_10_ms() {
    let mut receiver = VideoReceiver::new([PayloadFormat::new(PAYLOAD_TYPE, VideoCodec::Vp8)]);
    receiver.allow_nack(false);
    let stream = stream(VideoCodec::Vp8, &[true, false, false]);
    let mut at = epoch();
    let mut asked = None;
    for packet in stream.iter().flatten().filter(|packet| packet.sequence != 3) {
        let mut packet = packet.clone();
        packet.arrived = at;
        receiver.push(packet, at);
        while receiver.poll_frame(at).is_some() {}
        assert_eq!(receiver.poll_feedback(at), None);
        at += Duration::from_micros(10);
    }
    while asked.is_none() {
        at = receiver.next_deadline().expect("something must be awaited");
        while receiver.poll_frame(at).is_some() {}
        asked = receiver.poll_feedback(at);
    }
    assert!(matches!(asked, Some(Feedback::Keyframe { .. })));
    let waited = at - epoch();
    assert!((Duration::from_millis(10)..Duration::from_millis(11)).contains(&waited), "{waited:?}");
}

#[test]
fn a_nudge_asks_once_and_a_request_until_a_key_frame_comes() {
    let asked = |ask: fn(&mut VideoReceiver)| {
        let mut receiver = VideoReceiver::new([PayloadFormat::new(PAYLOAD_TYPE, VideoCodec::Vp8)]);
        let mut at = epoch();
        for packet in stream(VideoCodec::Vp8, &[true, false]).iter().flatten() {
            receiver.push(packet.clone(), at);
        }
        while receiver.poll_frame(at).is_some() {}
        ask(&mut receiver);
        let mut count = 0;
        for _ in 0..100 {
            while let Some(Feedback::Keyframe { .. }) = receiver.poll_feedback(at) {
                count += 1;
            }
            at += Duration::from_millis(10);
        }
        count
    };
    assert_eq!(asked(|_| {}), 0);
    assert_eq!(asked(VideoReceiver::nudge_keyframe), 1);
    assert_eq!(asked(VideoReceiver::request_keyframe), 10);
}

/// Frames of two packets each, numbered from 0.
fn stream(codec: VideoCodec, keys: &[bool]) -> Vec<Vec<entente_rtp::RtpPacket>> {
    let mut random = Random::new(9);
    let mut sequence = 0;
    let frames = keys.iter().enumerate().map(|(number, key)| {
        let sent: Sent = frame(codec, &mut random, *key, false, 1500, 1100);
        let packets = packets(sequence, number as u32 * 1500, &sent);
        sequence += packets.len() as u16;
        packets
    });
    frames.collect()
}

#[test]
fn a_decoder_reset_is_asked_for_until_a_key_frame_comes() {
    let mut receiver = VideoReceiver::new([PayloadFormat::new(PAYLOAD_TYPE, VideoCodec::Vp8)]);
    let mut frames = stream(VideoCodec::Vp8, &[true, false, false, true]).into_iter();
    let mut push = |receiver: &mut VideoReceiver, at| {
        for packet in frames.next().unwrap() {
            receiver.push(entente_rtp::RtpPacket { arrived: at, ..packet }, at);
        }
        assert!(receiver.poll_frame(at).is_some());
        assert!(receiver.poll_frame(at).is_none());
    };
    let at = |millis| epoch() + Duration::from_millis(millis);
    push(&mut receiver, at(0));
    assert_eq!(receiver.poll_feedback(at(0)), None);
    assert_eq!(receiver.next_deadline(), None);
    receiver.request_keyframe();
    assert!(receiver.needs_keyframe());
    assert!(matches!(receiver.poll_feedback(at(1)), Some(Feedback::Keyframe { .. })));
    push(&mut receiver, at(17));
    assert_eq!(receiver.poll_feedback(at(17)), None);
    assert_eq!(receiver.next_deadline(), Some(at(101)));
    assert!(matches!(receiver.poll_feedback(at(101)), Some(Feedback::Keyframe { .. })));
    receiver.set_rtt(Duration::from_millis(150));
    assert_eq!(receiver.next_deadline(), Some(at(251)));
    push(&mut receiver, at(120));
    push(&mut receiver, at(130));
    assert_eq!(receiver.next_deadline(), None);
    assert!(!receiver.needs_keyframe());
    assert_eq!(receiver.stats().keyframe_requests, 2);
}

#[test]
fn joining_in_the_middle_asks_for_a_key_frame_at_the_first_frame_held_back() {
    let mut receiver = VideoReceiver::new([PayloadFormat::new(PAYLOAD_TYPE, VideoCodec::H264)]);
    for packet in stream(VideoCodec::H264, &[false]).remove(0) {
        receiver.push(packet, epoch());
    }
    assert_eq!(receiver.poll_frame(epoch()), None);
    assert!(matches!(receiver.poll_feedback(epoch()), Some(Feedback::Keyframe { .. })));
}

fn codecs() -> impl Strategy<Value = VideoCodec> {
    prop::sample::select(VideoCodec::ALL.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_wrong_comes_out_of_a_bad_path(
        codec in codecs(),
        seed in any::<u64>(),
        loss in 0.0..0.15_f64,
        duplicate in 0.0..0.1_f64,
        jitter_micros in 0..8000_u64,
        one_way_micros in 1000..60_000_u64,
        discardable_every in 0..4_usize,
        deaf in prop::bool::weighted(0.2),
        rtt_told in any::<bool>(),
        first_sequence in any::<u16>(),
        first_timestamp in any::<u32>(),
    ) {
        let path = Path {
            codec, seed, loss, duplicate, jitter_micros, one_way_micros, discardable_every, deaf, rtt_told,
            first_sequence, first_timestamp, frames: 150, lose_tail_every: 0,
        };
        let outcome = run(&path);
        check(&outcome);
        // Asking is bounded by loss: ten tries each, and one guess for the end of each frame.
        if loss < 0.03 && !deaf {
            prop_assert!(outcome.delivered.last().is_some_and(|(number, ..)| *number > 60), "the stream got stuck");
        }
        let bound = 10 * (outcome.stats.lost + outcome.sent.len() as u64);
        prop_assert!(outcome.stats.nacks <= bound);
    }
}
