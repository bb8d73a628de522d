//! Virtual time: depth, concealment, underruns and clicks.

use std::time::{Duration, Instant};

use bytes::Bytes;
use entente_audio::{PlayoutConfig, playout};
use entente_model::media::AudioFormat;
use proptest::prelude::*;

use crate::sim::{DEVICE, Device, Host, MUSIC, Random, amplitude_at, packet, play, stream};

/// Steps of a clean 440 Hz tone of half amplitude are 0.029.
const CLEAN_STEP: f32 = 0.035;
/// Fades and concealment may be steeper, but a click would be several times this.
const SOFT_STEP: f32 = 0.07;

#[test]
fn a_clean_stream_is_played_untouched_at_little_depth() {
    let played = play(stream(MUSIC, 10.0, |_| Some(0.005)), &DEVICE, 9.9);
    assert_eq!(played.stats.underruns, 0);
    assert_eq!(played.stats.concealed_ms, 0.0);
    assert!(played.stats.packets >= 980);
    assert!(played.largest_step() < CLEAN_STEP, "{}", played.largest_step());
    assert!(played.longest_silence() < 0.5);
    // One period, one packet, the margin; some of the packet is always used up already.
    let depth = played.depth_between(3.0, 9.9);
    assert!(depth.iter().all(|depth| (10.0..26.0).contains(depth)), "{depth:?}");
    assert!((amplitude_at(&played.sound[48_000..96_000], 440.0) - 0.5).abs() < 0.02);
}

#[test]
fn every_packet_length_and_period_plays_cleanly() {
    for frames in [120, 240, 480, 960, 1920, 2880] {
        for period in [128, 240, 480, 1024] {
            let host = Host { frames, ..MUSIC };
            let device = Device { period, ..DEVICE };
            let played = play(stream(host, 4.0, |_| Some(0.0)), &device, 3.8);
            let what = format!("packets of {frames}, period {period}: {:?}", played.stats);
            assert_eq!((played.stats.underruns, played.stats.concealed_ms), (0, 0.0), "{what}");
            assert!(played.largest_step() < CLEAN_STEP, "{what}");
            let need = f64::from(frames as u32 + period) / 48.0 + 6.0;
            assert!(played.depth_between(2.0, 3.8).iter().all(|depth| *depth < need), "{what}");
        }
    }
}

#[test]
fn a_device_at_another_rate_hears_the_same_tone() {
    let device = Device { rate: 44_100, period: 441, ..DEVICE };
    let played = play(stream(MUSIC, 5.0, |_| Some(0.0)), &device, 4.9);
    assert_eq!((played.stats.underruns, played.stats.concealed_ms), (0, 0.0));
    let second = &played.sound[88_200..132_300];
    assert!((amplitude_at(second, 440.0 * 48_000.0 / 44_100.0) - 0.5).abs() < 0.02);
}

#[test]
fn jitter_deepens_the_buffer_instead_of_crackling() {
    let mut random = Random::new(7);
    let played = play(stream(MUSIC, 30.0, |_| Some(0.020 * random.unit())), &DEVICE, 29.9);
    assert_eq!(played.stats.underruns, 0);
    assert!(played.stats.concealed_ms < 60.0, "while it learns: {}", played.stats.concealed_ms);
    assert!(played.depth_between(5.0, 29.9).iter().all(|depth| (15.0..60.0).contains(depth)));
    assert!(played.largest_step() < SOFT_STEP, "{}", played.largest_step());
}

#[test]
fn depth_shrinks_again_when_the_network_calms_down() {
    let mut random = Random::new(8);
    let calm = |n: usize| n > 500;
    let arrivals = stream(MUSIC, 60.0, |n| Some(if calm(n) { 0.0 } else { 0.030 * random.unit() }));
    let played = play(arrivals, &DEVICE, 59.9);
    let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
    let (rough, after) = (mean(played.depth_between(3.0, 5.0)), mean(played.depth_between(50.0, 59.9)));
    assert!(after < rough - 10.0, "{rough:.1} to {after:.1} ms");
    assert!(after < 27.0, "{after:.1} ms");
    assert_eq!(played.stats.underruns, 0);
}

#[test]
fn reordering_and_duplicates_lose_nothing() {
    let mut arrivals = stream(MUSIC, 40.0, |n| Some(if n > 50 && n % 7 == 0 { 0.012 } else { 0.0 }));
    let copies: Vec<_> = arrivals.iter().skip(3).step_by(5).map(|a| (a.0 + 0.004, a.1, a.2, a.3.clone())).collect();
    arrivals.extend(copies);
    let played = play(arrivals, &DEVICE, 39.9);
    assert_eq!(played.stats.underruns, 0);
    assert!(played.stats.concealed_ms < 100.0, "{}", played.stats.concealed_ms);
    assert!(played.largest_step() < SOFT_STEP);
}

#[test]
fn five_percent_loss_is_concealed_and_counted() {
    for host in [MUSIC, Host { frames: 960, fec: true }] {
        let mut random = Random::new(11);
        let mut lost = 0;
        let arrivals = stream(host, 20.0, |n| {
            let gone = n > 100 && random.unit() < 0.05;
            lost += usize::from(gone);
            (!gone).then_some(0.002)
        });
        let played = play(arrivals, &DEVICE, 19.9);
        let missing = lost as f64 * host.frames as f64 / 48.0;
        assert_eq!(played.stats.underruns, 0, "fec {}", host.fec);
        let concealed = played.stats.concealed_ms;
        assert!((missing * 0.8..missing * 1.3 + 40.0).contains(&concealed), "{concealed} ms for {missing} ms");
        assert!(played.largest_step() < 2.0 * SOFT_STEP, "{}", played.largest_step());
        assert!(played.depth_between(3.0, 19.9).iter().all(|depth| *depth < 75.0));
    }
}

#[test]
fn error_correction_brings_the_tone_back() {
    // Every tenth packet is lost; with copies the tone keeps its level.
    let host = Host { frames: 960, fec: true };
    let played = play(stream(host, 10.0, |n| (n % 10 != 9).then_some(0.0)), &DEVICE, 9.9);
    assert_eq!(played.stats.underruns, 0);
    let level = amplitude_at(&played.sound[5 * 48_000..6 * 48_000], 440.0);
    assert!(level > 0.35, "{level}");
}

fn drift(drift: f64) {
    let device = Device { drift, ..DEVICE };
    let played = play(stream(MUSIC, 600.0, |_| Some(0.0)), &device, 599.0);
    assert_eq!((played.stats.underruns, played.stats.concealed_ms), (0, 0.0));
    let depth = played.depth_between(5.0, 599.0);
    assert!(depth.iter().all(|depth| (10.0..27.0).contains(depth)));
    assert!(played.largest_step() < CLEAN_STEP);
}

#[test]
fn a_fast_device_is_followed_for_ten_minutes() {
    drift(100.0);
}

#[test]
fn a_slow_device_is_followed_for_ten_minutes() {
    drift(-100.0);
}

#[test]
fn a_stall_is_one_underrun_and_then_all_is_well() {
    // Packets 300 to 319 come together with packet 320.
    let delay = |n: usize| if (300..320).contains(&n) { 0.01 * (320 - n) as f64 } else { 0.0 };
    let played = play(stream(MUSIC, 10.0, |n| Some(delay(n))), &DEVICE, 9.9);
    assert_eq!(played.stats.underruns, 1);
    assert!(played.stats.concealed_ms <= 80.0, "{}", played.stats.concealed_ms);
    assert!(played.longest_silence() < 180.0);
    assert!(played.largest_step() < SOFT_STEP, "{}", played.largest_step());
    // What piled up is not kept as delay.
    let depth = played.depth_between(4.0, 9.9);
    assert!(depth.iter().all(|depth| *depth < 40.0), "{depth:?}");
}

#[test]
fn a_lost_half_second_is_an_underrun_too() {
    let played = play(stream(MUSIC, 5.0, |n| (!(200..250).contains(&n)).then_some(0.0)), &DEVICE, 4.9);
    assert_eq!(played.stats.underruns, 1);
    assert!(played.largest_step() < SOFT_STEP);
}

#[test]
fn a_host_that_stops_is_no_underrun() {
    // Nothing for 2 s, then it goes on: numbers without a gap, clock either stopped or running.
    for clock_runs in [false, true] {
        let mut arrivals = stream(MUSIC, 5.0, |_| Some(0.0));
        for arrival in arrivals.iter_mut().filter(|arrival| arrival.1 >= 1200) {
            arrival.0 += 2.0;
            arrival.2 += if clock_runs { 96_000 } else { 0 };
        }
        let played = play(arrivals, &DEVICE, 6.9);
        assert_eq!(played.stats.underruns, 0, "clock runs: {clock_runs}");
        assert!(played.longest_silence() > 1500.0);
        assert!(played.largest_step() < SOFT_STEP);
        assert!(amplitude_at(&played.sound[5 * 48_000..6 * 48_000], 440.0) > 0.45);
    }
}

#[test]
fn discontinuous_transmission_is_no_underrun() {
    let mut arrivals = stream(MUSIC, 5.0, |_| Some(0.0));
    // From packet 200 on the host is silent: one short packet every 400 ms, 40 packets' time apart.
    let silence = Bytes::from_static(&[0xfc]);
    arrivals.retain(|arrival| arrival.1 < 1200 || arrival.1 % 40 == 0 || arrival.1 >= 1400);
    for (sequence, arrival) in (0..).zip(&mut arrivals) {
        if (1200..1400).contains(&arrival.1) {
            arrival.3 = silence.clone();
        }
        arrival.1 = sequence;
    }
    let played = play(arrivals, &DEVICE, 4.9);
    assert_eq!(played.stats.underruns, 0, "{:?}", played.stats);
    assert!(amplitude_at(&played.sound[4 * 48_000 + 24_000..], 440.0) > 0.4);
}

#[test]
fn a_stream_that_starts_over_goes_on() {
    for (sequence, rtp_time) in [(5u64, 9u64), (1 << 40, 1 << 50), (950, 60_000)] {
        let mut arrivals = stream(MUSIC, 6.0, |_| Some(0.0));
        for (n, arrival) in arrivals.iter_mut().enumerate().skip(300) {
            arrival.1 = sequence + (n as u64 - 300);
            arrival.2 = rtp_time + (n as u64 - 300) * 480;
        }
        let played = play(arrivals, &DEVICE, 5.9);
        // Numbers a little lower look like late packets for a moment.
        assert!(played.stats.underruns <= 1, "{:?}", played.stats);
        assert!(amplitude_at(&played.sound[4 * 48_000..5 * 48_000], 440.0) > 0.45, "to {sequence}");
        assert!(played.largest_step() < 2.0 * SOFT_STEP, "{}", played.largest_step());
    }
}

#[test]
fn an_excess_is_cut_softly() {
    // The path gets 60 ms shorter all at once: six packets more than needed.
    let played = play(stream(MUSIC, 25.0, |n| Some(if n < 400 { 0.080 } else { 0.020 })), &DEVICE, 24.9);
    assert_eq!(played.stats.underruns, 0);
    assert!(played.largest_step() < SOFT_STEP, "{}", played.largest_step());
    let depth = played.depth_between(20.0, 24.9);
    assert!(depth.iter().all(|depth| *depth < 30.0), "{depth:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_packets_never_panic(
        packets in prop::collection::vec(
            (
                prop_oneof![0u64..100, any::<u64>()],
                prop_oneof![0u64..100_000, any::<u64>()],
                prop::collection::vec(any::<u8>(), 0..80),
                0u64..60,
            ),
            1..60,
        ),
        channels in 1usize..9,
    ) {
        let start = Instant::now();
        let config = PlayoutConfig { rate: 48_000, channels, period: 480, format: AudioFormat::stereo() };
        let (mut feeder, mut puller) = playout(&config, start).unwrap();
        let mut out = vec![0.0; 480 * puller.channels()];
        let mut now = start;
        for (sequence, rtp_time, data, wait) in packets {
            now += Duration::from_millis(wait);
            feeder.push(packet(sequence, rtp_time, data.into(), now), now);
            feeder.advance(now);
            puller.pull(&mut out, now);
            prop_assert!(out.iter().all(|sample| (-1.0..=1.0).contains(sample)));
        }
    }
}
