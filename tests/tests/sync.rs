//! Picture against sound: the test card flashes and beeps at the same moment, and both must reach the player together.
//!
//! Flash: the first presented frame of a second whose flash box is lit, at its `presented` stamp (`--frames`), where
//! the pixels come from `--dump`. Beep: the first millisecond of a second in the WAV file whose part at 1 kHz is above
//! half of the beep's level, at the file's first sample (`audio.first_sample_micros`) plus its place in the file. Both
//! are times of this machine's monotonic clock. The null output plays by that clock and adds no delay of its own; a
//! flash is drawn up to one frame late, since pictures exist only 30 times a second.
#![allow(clippy::disallowed_methods, reason = "tests read clocks and wait")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use entente_demo::games::testcard::{BEEP_HERTZ, FLASH, PERIOD_MICROS, PULSE_MICROS};
use entente_tests::picture::Rgb;
use entente_tests::program::{Running, binary};
use serde_json::Value;

/// Level of the tone in one window, 1.0 is full scale (Goertzel's filter at one frequency).
fn level(window: &[f64], hertz: f64, rate: f64) -> f64 {
    let turn = std::f64::consts::TAU * hertz / rate;
    let (mut real, mut imaginary) = (0.0, 0.0);
    for (index, sample) in window.iter().enumerate() {
        let phase = turn * index as f64;
        real += sample * phase.cos();
        imaginary += sample * phase.sin();
    }
    2.0 * real.hypot(imaginary) / window.len() as f64
}

/// Starts of the beeps in microseconds from the start of the file.
fn beeps(path: &Path) -> Vec<u64> {
    let mut file = hound::WavReader::open(path).unwrap();
    let rate = file.spec().sample_rate;
    let channels = usize::from(file.spec().channels);
    let left: Vec<f64> =
        file.samples::<i16>().step_by(channels).map(|sample| f64::from(sample.unwrap()) / 32768.0).collect();
    // One period of the tone at a time, stepped by a quarter of a millisecond.
    let length = (rate / BEEP_HERTZ) as usize;
    let step = length / 4;
    let levels: Vec<f64> = (0..(left.len() - length) / step)
        .map(|index| level(&left[index * step..index * step + length], f64::from(BEEP_HERTZ), f64::from(rate)))
        .collect();
    let loudest = levels.iter().copied().fold(0.0, f64::max);
    assert!(loudest > 0.2, "no beep: {loudest}");
    let mut quiet_since = None;
    let mut starts = Vec::new();
    for (index, level) in levels.iter().enumerate() {
        let at = (index * step + length / 2) as u64 * 1_000_000 / u64::from(rate);
        if *level < loudest / 10.0 {
            quiet_since.get_or_insert(at);
        } else if *level > loudest / 2.0 && quiet_since.take().is_some_and(|since| at - since > 4 * PULSE_MICROS) {
            starts.push(at);
        }
    }
    starts
}

/// Whether the flash box of a dumped frame is lit.
fn flashes(path: &Path) -> bool {
    let picture = Rgb::read(path);
    let rect = FLASH.of(picture.width, picture.height);
    let (x, y) = (rect.x as usize, rect.y as usize);
    let (w, h) = (rect.w as usize, rect.h as usize);
    let inside = (y + 8..y + h - 8).flat_map(|y| (x + 8..x + w - 8).map(move |x| (x, y)));
    let (sum, count) = inside.fold((0, 0), |(sum, count), (x, y)| (sum + u64::from(picture.at(x, y)[1]), count + 1));
    sum / count > 128
}

/// When the first frame of each flash was presented, in microseconds of our clock. Only flashes whose dark frame
/// before was presented and dumped too.
fn flash_starts(frames: &str, folder: &Path) -> Vec<u64> {
    let mut lines = frames.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let column = |name: &str| header.iter().position(|at| *at == name).unwrap();
    let (frame, presented) = (column("frame"), column("presented"));
    let mut starts = Vec::new();
    let mut last: Option<(u64, bool)> = None;
    for line in lines {
        let cells: Vec<&str> = line.split(',').collect();
        let id: u64 = cells[frame].parse().unwrap();
        let file = folder.join(format!("frame-{id:08}.png"));
        if !file.exists() {
            last = None;
            continue;
        }
        let lit = flashes(&file);
        if lit && last.is_some_and(|(before, was)| !was && before + 1 == id) {
            starts.push(cells[presented].parse().unwrap());
        }
        last = Some((id, lit));
    }
    starts
}

#[test]
fn flash_and_beep_arrive_together() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let mut command = Command::new(binary("entente-player"));
    command
        .args(["play", "demo://testcard", "--headless", "--size", "640x360", "--fps", "30", "--seconds", "10"])
        .arg("--wav")
        .arg(at("sound.wav"))
        .arg("--frames")
        .arg(at("frames.csv"))
        .arg("--dump")
        .arg(at("pictures"))
        .args(["--dump-every", "1", "--report"])
        .arg(at("report.json"))
        .stdin(Stdio::null());
    let outcome = Running::start(&mut command).finish(Duration::from_secs(40));
    assert_eq!(outcome.code(), 0, "{outcome:#?}");
    let report: Value = serde_json::from_slice(&std::fs::read(at("report.json")).unwrap()).unwrap();
    let started = report["audio"]["first_sample_micros"].as_u64().expect("when sound began");

    let beeps: Vec<u64> = beeps(&at("sound.wav")).into_iter().map(|after| started + after).collect();
    let flashes = flash_starts(&std::fs::read_to_string(at("frames.csv")).unwrap(), &at("pictures"));
    assert!(beeps.len() >= 7 && flashes.len() >= 7, "{} beeps, {} flashes", beeps.len(), flashes.len());
    for pair in beeps.windows(2) {
        // Half a per cent is what the playout bends at most, and it corrects within seconds.
        assert!((pair[1] - pair[0]).abs_diff(PERIOD_MICROS) < 40_000, "beeps {} us apart", pair[1] - pair[0]);
    }
    let mut offsets: Vec<f64> = flashes
        .iter()
        .filter_map(|flash| {
            let nearest = beeps.iter().min_by_key(|beep| beep.abs_diff(*flash))?;
            (nearest.abs_diff(*flash) < PERIOD_MICROS / 2).then(|| (*flash as f64 - *nearest as f64) / 1000.0)
        })
        .collect();
    offsets.sort_by(f64::total_cmp);
    assert!(offsets.len() >= 7, "{offsets:?}");
    let median = offsets[offsets.len() / 2];
    println!(
        "flash after beep: median {median:+.1} ms, {:+.1} to {:+.1} ms over {} seconds",
        offsets[0],
        offsets[offsets.len() - 1],
        offsets.len()
    );
    assert!(median.abs() <= 45.0, "flash {median:+.1} ms after the beep: {offsets:?}");
    // Nothing is lost on loopback. A packet that this machine schedules too late is still bridged, 10 ms at a time.
    let concealed = report["audio"]["concealed_ms"].as_f64().unwrap();
    println!("{concealed} ms of 10 s made up, {} underruns", report["audio"]["underruns"]);
    assert!(concealed <= 100.0, "{report:#}");
}
