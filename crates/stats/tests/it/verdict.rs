use entente_model::LinkStats;
use entente_stats::summary::FrameCounts;
use entente_stats::{AudioStats, Measure, Part, Percentiles, Recent, verdict};

/// 60 frames a second, all shown, 3 ms to decode.
fn good() -> Recent {
    let mut recent = Recent {
        received_fps: 60.0,
        decoded_fps: 60.0,
        presented_fps: 60.0,
        started: true,
        link: LinkStats { packets: 1000, rtt_micros: Some(1_500), ..LinkStats::default() },
        ..Recent::default()
    };
    cost(&mut recent, Measure::DecodeInToDecodeOut, 3.0);
    recent
}

fn cost(recent: &mut Recent, measure: Measure, ms: f64) {
    recent.latency[measure as usize] = Percentiles { p50: ms, p95: ms, p99: ms, max: ms, count: 100 };
}

fn check(recent: &Recent, part: Part, sentence: &str) {
    let seen = verdict(recent);
    assert_eq!((seen.part, seen.sentence.as_str()), (part, sentence));
}

#[test]
fn nothing_wrong_names_what_costs_most() {
    check(&good(), Part::Nothing, "all good; decoding costs most, 3.0 ms");
    let mut recent = good();
    recent.link.rtt_micros = Some(20_000);
    check(&recent, Part::Nothing, "all good; the round trip costs most, 20.0 ms");
}

#[test]
fn pictures_that_do_not_come() {
    check(&Recent::default(), Part::Network, "waiting for the first picture");
    let mut recent = Recent { started: true, ..Recent::default() };
    check(&recent, Part::Network, "network: nothing arrives from the host");
    recent.link.packets = 50;
    check(&recent, Part::Host, "host: it sends no new picture");
    recent.link.lost = 100;
    check(&recent, Part::Network, "network: no picture arrives whole, too many packets are lost");
}

#[test]
fn a_decoder_that_cannot_follow() {
    let mut recent = good();
    cost(&mut recent, Measure::DecodeInToDecodeOut, 21.34);
    recent.counts = FrameCounts { dropped_behind: 14, ..FrameCounts::default() };
    check(&recent, Part::Decoder, "decoder is behind: 21.3 ms a picture, 14 dropped");
    recent.counts = FrameCounts::default();
    cost(&mut recent, Measure::AssembledToDecodeIn, 40.0);
    check(&recent, Part::Decoder, "decoder is behind: 21.3 ms a picture, and each waits 40.0 ms for its turn");
    let mut recent = good();
    recent.counts = FrameCounts { dropped_undecodable: 3, corrupt: 1, ..FrameCounts::default() };
    check(&recent, Part::Decoder, "decoder: 3 pictures could not be decoded cleanly");
    recent.decoded_fps = 0.0;
    check(&recent, Part::Decoder, "decoder: pictures arrive, but none can be decoded");
}

#[test]
fn loss() {
    let mut recent = good();
    recent.link = LinkStats { packets: 1000, lost: 21, recovered: 21, ..LinkStats::default() };
    check(&recent, Part::Network, "network: 2.1 % loss, recovered");
    recent.link = LinkStats { packets: 990, lost: 21, recovered: 11, ..LinkStats::default() };
    check(&recent, Part::Network, "network: 2.1 % loss, 1.0 % not recovered");
    recent.link = LinkStats { packets: 1000, lost: 4, recovered: 4, ..LinkStats::default() };
    assert_eq!(verdict(&recent).part, Part::Nothing);
}

#[test]
fn a_display_that_cannot_follow() {
    let mut recent = good();
    recent.presented_fps = 30.0;
    check(&recent, Part::Display, "display is behind: it shows 30 of 60 pictures a second");
}

#[test]
fn sound() {
    let mut recent = good();
    recent.audio = AudioStats { concealed_ms: 60.0, ..AudioStats::default() };
    check(&recent, Part::Audio, "audio: 60 ms of sound made up for missing packets");
    recent.audio.underruns = 1;
    check(&recent, Part::Audio, "audio: the sound device ran dry once");
}

#[test]
fn slow_without_a_fault() {
    let mut recent = good();
    recent.link.rtt_micros = Some(120_000);
    check(&recent, Part::Network, "network: the round trip costs most, 120 ms");
    let mut recent = good();
    cost(&mut recent, Measure::DecodedToPresented, 50.0);
    check(&recent, Part::Display, "display: showing costs most, 50 ms");
}
