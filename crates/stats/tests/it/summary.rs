use std::time::{Duration, Instant};

use entente_model::{EndReason, LinkStats};
use entente_stats::{AudioStats, DropReason, Entry, Measure, Percentiles, ReportContext, journal};
use proptest::prelude::*;

use crate::session::{START_MICROS, Session};

fn near(seen: f64, wanted: f64) -> bool {
    (seen - wanted).abs() <= wanted.abs() * 0.002 + 1e-9
}

#[test]
fn every_stage_has_its_own_duration() {
    let session = Session::healthy();
    for (measure, wanted) in [
        (Measure::FirstPacketToLastPacket, 2.0),
        (Measure::LastPacketToAssembled, 0.1),
        (Measure::AssembledToDecodeIn, 0.3),
        (Measure::DecodeInToDecodeOut, 4.0),
        (Measure::DecodeOutToChosen, 0.5),
        (Measure::ChosenToQueued, 1.0),
        (Measure::QueuedToPresented, 5.0),
        (Measure::LastPacketToDecoded, 4.4),
        (Measure::DecodedToPresented, 6.5),
        (Measure::CapturedToPresented, 20.9),
        (Measure::InputToWire, 0.35),
        (Measure::InputToPhoton, 40.0),
    ] {
        let total = session.summary.total(measure);
        assert_eq!(total.count, 180, "{measure:?}");
        assert!(near(total.p50, wanted) && near(total.max, wanted), "{measure:?}: {total:?}");
        let recent = session.summary.recent_latency(measure, session.now());
        assert!(near(recent.p50, wanted) && recent.count < 130, "{measure:?}: {recent:?}");
    }
}

#[test]
fn captured_needs_a_clock() {
    let mut session = Session::new();
    session.presented(Some(START_MICROS), None, 10_000);
    assert_eq!(session.summary.total(Measure::CapturedToPresented).count, 0);
    assert_eq!(session.summary.timecodes().without_clock, 1);
    session.summary.share_clock();
    session.presented(Some(START_MICROS + 1), None, 10_001);
    assert!(near(session.summary.total(Measure::CapturedToPresented).p50, 10.0));
}

#[test]
fn a_shared_clock_does_not_overrule_a_measured_one() {
    let mut session = Session::new();
    session.summary.take(&Entry::Clock { offset_micros: -7_000, error_micros: 5 });
    session.summary.share_clock();
    session.presented(Some(START_MICROS - 7_000), None, 3_000);
    assert!(near(session.summary.total(Measure::CapturedToPresented).p50, 3.0));
}

#[test]
fn lying_capture_times_are_ignored_and_counted() {
    let mut session = Session::new();
    session.summary.take(&Entry::Clock { offset_micros: 0, error_micros: 500 });
    // 501 us in the future is beyond the error of the clock; 10.000001 s ago is too long.
    session.presented(Some(START_MICROS + 20_000_501), None, 20_000_000);
    session.presented(Some(START_MICROS + 9_999_999), None, 20_000_000);
    assert_eq!(session.summary.timecodes().rejected, 2);
    assert_eq!(session.summary.total(Measure::CapturedToPresented), Percentiles::default());
    // 500 us in the future may be now.
    session.presented(Some(START_MICROS + 20_000_500), None, 20_000_000);
    session.presented(Some(START_MICROS + 10_000_000), None, 20_000_000);
    let total = session.summary.total(Measure::CapturedToPresented);
    assert_eq!((total.count, session.summary.timecodes().rejected), (2, 2));
    assert!(near(total.max, 10_000.0));
}

#[test]
fn a_repeated_picture_is_counted_once() {
    let mut session = Session::new();
    session.summary.share_clock();
    for presented in [10_000, 20_000, 30_000] {
        session.presented(Some(START_MICROS), None, presented);
    }
    let total = session.summary.total(Measure::CapturedToPresented);
    assert_eq!(total.count, 1);
    assert!(near(total.max, 10.0));
    assert_eq!(session.summary.timecodes().seen, 3);
}

#[test]
fn each_input_counts_at_its_first_presented_frame() {
    let mut session = Session::new();
    let (first, second) = (START_MICROS + 1_000, START_MICROS + 9_000);
    for (echo, presented) in
        [(0, 2_000), (first, 31_000), (first, 41_000), (second, 49_000), (first, 51_000), (second, 61_000)]
    {
        session.presented(None, Some(echo), presented);
    }
    let total = session.summary.total(Measure::InputToPhoton);
    assert_eq!(total.count, 2);
    assert!(near(total.p50, 30.0) && near(total.max, 40.0), "{total:?}");
    // A minute later nothing was pressed: the old stamp is not a slow input.
    session.presented(None, Some(second), 60_000_000);
    assert_eq!(session.summary.total(Measure::InputToPhoton).count, 2);
    assert_eq!(session.summary.timecodes().rejected, 0);
}

#[test]
fn an_echo_from_the_future_or_long_ago_is_rejected_once() {
    let mut session = Session::new();
    for presented in [20_000_000, 20_010_000] {
        session.presented(None, Some(START_MICROS + 20_500_000), presented);
    }
    session.presented(None, Some(START_MICROS), 20_020_000);
    assert_eq!(session.summary.timecodes().rejected, 2);
    // The lie did not hide the true ones that follow.
    session.presented(None, Some(START_MICROS + 20_000_000), 20_030_000);
    assert!(near(session.summary.total(Measure::InputToPhoton).p50, 30.0));
}

#[test]
fn the_48_bit_clock_may_wrap() {
    let start = Instant::now();
    let clock = entente_model::time::MonoClock::new(start, (1 << 48) + 5_000);
    let mut session = Session::new();
    session.start = start;
    session.summary = entente_stats::Summary::new(clock);
    session.summary.share_clock();
    let before_the_wrap = (1 << 48) - 10_000;
    session.presented(Some(before_the_wrap), Some(before_the_wrap), 15_000);
    assert!(near(session.summary.total(Measure::CapturedToPresented).p50, 30.0));
    assert!(near(session.summary.total(Measure::InputToPhoton).p50, 30.0));
}

#[test]
fn the_report_has_its_promised_names() {
    let (writer, mut reader) = journal(4096);
    let mut session = Session::healthy();
    writer.write(Entry::Dropped { frame: 7, why: DropReason::Newer });
    writer.write(Entry::Dropped { frame: 8, why: DropReason::DecoderBehind });
    writer.write(Entry::Corrupt { frame: 9 });
    writer.write(Entry::Link(LinkStats {
        rtt_micros: Some(12_345),
        packets: 2_000,
        bytes: 1_875_000,
        lost: 20,
        recovered: 19,
        nacks: 25,
        keyframe_requests: 1,
        frames: 182,
        frames_dropped: 1,
        audio_packets: 150,
        reconnects: 1,
        malformed: 3,
    }));
    writer.write(Entry::Audio(AudioStats { packets: 150, concealed_ms: 20.0, underruns: 1, buffer_ms: 41.5 }));
    let now = session.now();
    session.summary.drain(&mut reader, now);
    let context = ReportContext {
        started: session.start.checked_sub(Duration::from_millis(800)).unwrap(),
        first_picture: None,
        ended: &EndReason::TimeUp,
        cpu_seconds: 1.234_567,
        peak_rss_mib: 88.5,
    };
    let report = session.summary.report(context);
    let json: serde_json::Value = serde_json::from_str(&report.to_json().unwrap()).unwrap();
    for (pointer, wanted) in [
        ("/frames/received", 182.0),
        ("/frames/decoded", 180.0),
        ("/frames/presented", 180.0),
        ("/frames/dropped", 2.0),
        ("/frames/corrupt", 1.0),
        ("/video/width", 1280.0),
        ("/video/height", 720.0),
        ("/video/fps", 60.0),
        ("/latency_ms/last_packet_to_decoded/p50", 4.4),
        ("/latency_ms/decoded_to_presented/p95", 6.5),
        ("/latency_ms/captured_to_presented/p99", 20.9),
        ("/latency_ms/input_to_wire/max", 0.35),
        ("/latency_ms/input_to_photon/count", 180.0),
        ("/stages_ms/queued_to_presented/p50", 5.0),
        ("/audio/packets", 150.0),
        ("/audio/concealed_ms", 20.0),
        ("/audio/underruns", 1.0),
        ("/audio/buffer_ms", 41.5),
        ("/network/rtt_ms", 12.345),
        ("/network/lost", 20.0),
        ("/network/recovered", 19.0),
        ("/network/nacks", 25.0),
        ("/network/keyframe_requests", 1.0),
        ("/network/bitrate_kbps", 5_027.8),
        ("/session/first_picture_ms", 812.9),
        ("/session/reconnects", 1.0),
        ("/clock/offset_ms", 5_000.0),
        ("/clock/error_ms", 0.4),
        ("/clock/journal_lost", 0.0),
        ("/process/cpu_seconds", 1.235),
        ("/process/peak_rss_mib", 88.5),
    ] {
        let seen = json.pointer(pointer).and_then(serde_json::Value::as_f64);
        assert!(seen.is_some_and(|seen| near(seen, wanted)), "{pointer}: {seen:?}, not {wanted}");
    }
    for (pointer, wanted) in [
        ("/video/codec", "h264"),
        ("/video/decoder", "h264 software, 2 threads"),
        ("/video/decoder_why", "hardware is switched off"),
        ("/video/renderer", "cpu"),
        ("/session/ended", "time_up"),
    ] {
        assert_eq!(json.pointer(pointer).and_then(serde_json::Value::as_str), Some(wanted), "{pointer}");
    }
    assert_eq!(serde_json::from_value::<entente_stats::Report>(json).unwrap(), report);
}

#[test]
fn a_session_without_anything_still_reports() {
    let session = Session::new();
    let ended = EndReason::Unreachable("127.0.0.1:1".to_owned());
    let report = session.summary.report(ReportContext {
        started: session.start,
        first_picture: None,
        ended: &ended,
        cpu_seconds: f64::NAN,
        peak_rss_mib: 1.0,
    });
    assert_eq!(report.latency_ms.input_to_photon, Percentiles::default());
    assert_eq!((report.session.first_picture_ms, report.network.rtt_ms), (None, None));
    assert_eq!((report.session.ended.as_str(), report.session.exit_code), ("unreachable", 5));
    assert!(report.to_json().unwrap().contains("\"cpu_seconds\": 0.0"));
}

#[test]
fn csv_has_a_cell_for_each_column() {
    let session = Session::new();
    let timecode = entente_stats::Timecode { captured_micros: Some(5), echo_micros: None };
    let row = entente_stats::csv::row(&session.record(3, 0, timecode), &session.summary.clock());
    assert_eq!(row, "3,5,,1000000000,1000002000,1000002100,1000002400,1000006400,1000006900,1000007900,1000012900");
    assert_eq!(row.split(',').count(), entente_stats::csv::HEADER.split(',').count());
}

proptest! {
    #[test]
    fn no_timecode_and_no_order_of_instants_panics(
        frames in proptest::collection::vec((any::<u64>(), any::<u64>(), 0_u64..1 << 40), 0..40),
        offset: i64, error: u64,
    ) {
        let mut session = Session::new();
        session.summary.take(&Entry::Clock { offset_micros: offset, error_micros: error });
        for (captured, echo, presented) in frames {
            session.presented(Some(captured), Some(echo), presented);
        }
        let total = session.summary.total(Measure::CapturedToPresented);
        prop_assert!(total.max <= 10_000.0);
        let now = session.start;
        for mode in entente_stats::OverlayMode::ALL {
            let _ = entente_stats::overlay_lines(&session.summary, mode, now);
        }
    }
}
