//! Our player as a receiver, headless.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use entente_tests::program::{Running, binary};

use crate::cost;
use crate::figures::Values;
use crate::ivf::{self, Frame};
use crate::path::{Round, Shape};

/// How often its processor time is read.
const LOOK: Duration = Duration::from_millis(250);

/// A round of ours, with what the bare decoder needs to repeat it.
pub(crate) struct Played {
    pub(crate) round: Round,
    /// Every frame that came.
    pub(crate) frames: Vec<Frame>,
    /// The measured time, in microseconds of the frames' stamps.
    pub(crate) window: (u64, u64),
}

/// Plays one round.
pub(crate) fn play(address: &str, shape: &Shape) -> Result<Played, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let file = |name: &str| folder.path().join(name);
    let seconds = (shape.settle + shape.window).as_secs_f64() + 0.3;
    let mut command = Command::new(binary("entente-player"));
    command
        .args(["play", &format!("whep+http://{address}/whep/{}", shape.game), "--headless", "--codec", "h264"])
        .args(["--size", &format!("{}x{}", shape.width, shape.height), "--fps", &shape.fps.to_string()])
        .args(["--seconds", &seconds.to_string()])
        .arg("--frames")
        .arg(file("frames.csv"))
        .arg("--record")
        .arg(file("record.ivf"))
        .stdin(Stdio::null());
    let mut running = Running::start(&mut command);
    let process = running.child().id();
    let end = Instant::now() + Duration::from_secs_f64(seconds + 20.0);
    let mut looks = Vec::new();
    while running.child().try_wait().map_err(|error| error.to_string())?.is_none() {
        if let Ok(ms) = cost::of(process) {
            looks.push((monotonic_micros(), ms));
        }
        if Instant::now() > end {
            return Err(String::from("the player does not end"));
        }
        std::thread::sleep(LOOK);
    }
    let outcome = running.finish(Duration::from_secs(1));
    if outcome.code() != 0 {
        return Err(format!("the player ended with {}: {}", outcome.code(), outcome.stderr.trim()));
    }
    let rows = rows(&file("frames.csv"))?;
    let first = rows.first().ok_or("the player presented nothing")?.decode_out;
    let from = first + micros(shape.settle);
    let window = (from, from + micros(shape.window));
    let measured: Vec<&Row> = rows.iter().filter(|row| (window.0..window.1).contains(&row.decode_out)).collect();
    let frames = measured.len();
    let spent = (at(&looks, window.1).zip(at(&looks, window.0))).map(|(after, before)| after - before);
    let round = Round {
        last_packet_to_decoded: measured.iter().map(|row| milliseconds(row.last_packet, row.decode_out)).collect(),
        captured_to_decoded: measured
            .iter()
            .filter_map(|row| Some(milliseconds(row.captured?, row.decode_out)))
            .collect::<Values>(),
        #[allow(clippy::cast_precision_loss, reason = "frames of a round")]
        cpu_ms_per_frame: spent.ok_or("its processor time was not read")? / (frames.max(1) as f64),
        #[allow(clippy::cast_precision_loss, reason = "frames of a round")]
        fps: frames as f64 / shape.window.as_secs_f64(),
        own: None,
    };
    Ok(Played { round, frames: ivf::read(&file("record.ivf"))?, window })
}

/// CLOCK_MONOTONIC, which is also the player's clock.
fn monotonic_micros() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec.unsigned_abs() * 1_000_000 + now.tv_nsec.unsigned_abs() / 1000
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[allow(clippy::cast_precision_loss, reason = "a difference of stamps")]
fn milliseconds(from: u64, to: u64) -> f64 {
    (to as f64 - from as f64) / 1000.0
}

/// Processor time at an instant, between two looks.
#[allow(clippy::cast_precision_loss, reason = "stamps of one run")]
fn at(looks: &[(u64, f64)], micros: u64) -> Option<f64> {
    let after = looks.iter().position(|(stamp, _)| *stamp >= micros)?;
    let (t1, c1) = *looks.get(after)?;
    let (t0, c0) = *looks.get(after.checked_sub(1)?)?;
    Some(c0 + (c1 - c0) * (micros - t0) as f64 / (t1 - t0).max(1) as f64)
}

struct Row {
    captured: Option<u64>,
    last_packet: u64,
    decode_out: u64,
}

fn rows(path: &Path) -> Result<Vec<Row>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut lines = text.lines();
    let columns: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let column = |name: &str| columns.iter().position(|column| *column == name).ok_or(format!("no column {name}"));
    let (captured, last, out) = (column("captured")?, column("last_packet")?, column("decode_out")?);
    let read = |line: &str| {
        let cells: Vec<Option<u64>> = line.split(',').map(|cell| cell.parse().ok()).collect();
        let cell = |index: usize| cells.get(index).copied().flatten();
        Some(Row { captured: cell(captured), last_packet: cell(last)?, decode_out: cell(out)? })
    };
    Ok(lines.filter_map(read).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_read_between_two_looks() {
        let looks = [(100, 10.0), (200, 20.0), (300, 60.0)];
        assert_eq!(at(&looks, 150), Some(15.0));
        assert_eq!(at(&looks, 250), Some(40.0));
        assert_eq!((at(&looks, 50), at(&looks, 301)), (None, None));
    }
}
