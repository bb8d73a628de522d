//! The whole path in one process: the player plays the embedded demo cloud with no display, sound device or GPU.
#![allow(clippy::disallowed_methods, reason = "tests read clocks and wait")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::process::{Command, Stdio};
use std::time::Duration;

use entente_model::media::VideoCodec;
use entente_tests::program::{Running, binary};
use serde_json::Value;

fn number(report: &Value, path: &str) -> f64 {
    let found = path.split('.').fold(report, |value, key| &value[key]);
    found.as_f64().unwrap_or_else(|| panic!("{path} is {found} in {report:#}"))
}

#[test]
fn the_report_of_a_short_game_is_complete_and_clean() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("r.json");
    let mut command = Command::new(binary("entente-player"));
    command
        .args(["play", "demo://game", "--headless", "--seconds", "4", "--size", "640x360", "--fps", "30", "--report"])
        .arg(&report)
        .stdin(Stdio::null());
    let outcome = Running::start(&mut command).finish(Duration::from_secs(25));
    assert_eq!(outcome.code(), 0, "{outcome:#?}");
    let report: Value = serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();

    let received = number(&report, "frames.received");
    assert!(received > 60.0, "{report:#}");
    assert_eq!(number(&report, "frames.corrupt"), 0.0, "{report:#}");
    assert!(number(&report, "frames.decoded") >= received - 8.0, "{report:#}");
    // The machine may be busy with other tests, so this is about the count being real, not about speed.
    assert!(number(&report, "frames.presented") > received * 0.8, "{report:#}");
    for latency in
        ["last_packet_to_decoded", "decoded_to_presented", "captured_to_presented", "input_to_wire", "input_to_photon"]
    {
        for field in ["p50", "p95", "p99", "max"] {
            assert!(number(&report, &format!("latency_ms.{latency}.{field}")) >= 0.0);
        }
        assert!(number(&report, &format!("latency_ms.{latency}.count")) > 5.0, "{latency} in {report:#}");
    }
    let end_to_end = number(&report, "latency_ms.captured_to_presented.p50");
    let decode = number(&report, "latency_ms.last_packet_to_decoded.p50");
    assert!(end_to_end > decode, "the journal and the timecode disagree: {report:#}");
    assert_eq!(report["video"]["codec"], "h264");
    assert_eq!((number(&report, "video.width"), number(&report, "video.height")), (640.0, 360.0));
    assert!(number(&report, "audio.packets") > 200.0, "{report:#}");
    assert!(number(&report, "network.bitrate_kbps") > 10.0, "{report:#}");
    assert!(number(&report, "session.first_picture_ms") > 0.0);
    assert_eq!(report["session"]["ended"], "time_up");
    assert!(number(&report, "process.cpu_seconds") > 0.0);
    assert!(number(&report, "process.peak_rss_mib") > 1.0);
}

#[test]
fn every_codec_that_the_demo_cloud_encodes_is_played() {
    let machine = entente_demo::encoder::Machine::get();
    for codec in [VideoCodec::Vp8, VideoCodec::Vp9, VideoCodec::Av1] {
        if machine.encoder(codec, None).is_err() {
            entente_tests::program::skip("every_codec", &format!("no {} encoder in this FFmpeg", codec.name()));
            continue;
        }
        let codec = codec.name();
        let folder = tempfile::tempdir().unwrap();
        let report = folder.path().join("r.json");
        let mut command = Command::new(binary("entente-player"));
        command
            .args(["play", "demo://testcard", "--headless", "--seconds", "3", "--size", "640x360", "--fps", "30"])
            .args(["--codec", codec, "--report"])
            .arg(&report)
            .stdin(Stdio::null());
        let outcome = Running::start(&mut command).finish(Duration::from_secs(25));
        assert_eq!(outcome.code(), 0, "{codec}: {outcome:#?}");
        let report: Value = serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
        assert_eq!(report["video"]["codec"], codec);
        assert!(number(&report, "frames.decoded") > 20.0, "{codec}: {report:#}");
        assert_eq!(number(&report, "frames.corrupt"), 0.0, "{codec}: {report:#}");
    }
}
