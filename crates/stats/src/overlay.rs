//! The text of the overlay.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::latency::{Measure, Percentiles, millis};
use crate::summary::{Recent, Summary};
use crate::verdict::verdict;

/// How much the overlay shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OverlayMode {
    /// Nothing.
    #[default]
    Off,
    /// One line.
    Line,
    /// A few lines and the verdict.
    Compact,
    /// Every stage.
    Full,
}

impl OverlayMode {
    /// All, in the order of the cycle.
    pub const ALL: [Self; 4] = [Self::Off, Self::Line, Self::Compact, Self::Full];

    /// The mode after this one; after the last comes the first.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Off => Self::Line,
            Self::Line => Self::Compact,
            Self::Compact => Self::Full,
            Self::Full => Self::Off,
        }
    }

    /// Name in settings and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Line => "line",
            Self::Compact => "compact",
            Self::Full => "full",
        }
    }
}

impl std::str::FromStr for OverlayMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|mode| mode.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| format!("unknown overlay {text:?}; known are off, line, compact, full"))
    }
}

/// The lines of the overlay; none when it is off. All figures are of the last two seconds before `now`.
#[must_use]
pub fn overlay_lines(summary: &Summary, mode: OverlayMode, now: Instant) -> Vec<String> {
    if mode == OverlayMode::Off {
        return Vec::new();
    }
    let recent = summary.recent(now);
    match mode {
        OverlayMode::Off => Vec::new(),
        OverlayMode::Line => vec![line(&recent)],
        OverlayMode::Compact => vec![
            line(&recent),
            format!("{} | {} | audio {:.0} ms", bitrate(&recent), network(&recent), recent.audio.buffer_ms),
            delays(&recent),
            verdict(&recent).sentence,
        ],
        OverlayMode::Full => full(summary, &recent),
    }
}

fn line(recent: &Recent) -> String {
    format!("{} | {} | loss {:.1} %", frame_rates(recent), rtt(recent), recent.loss_percent())
}

fn frame_rates(recent: &Recent) -> String {
    format!("fps {:.0} in, {:.0} decoded, {:.0} shown", recent.received_fps, recent.decoded_fps, recent.presented_fps)
}

fn rtt(recent: &Recent) -> String {
    recent.link.rtt_micros.map_or_else(|| "rtt ?".to_owned(), |rtt| format!("rtt {:.1} ms", millis(rtt)))
}

fn network(recent: &Recent) -> String {
    format!(
        "not recovered {:.1} %, {} nacks, {} key frames asked",
        recent.unrecovered_percent(),
        recent.link.nacks,
        recent.link.keyframe_requests,
    )
}

fn bitrate(recent: &Recent) -> String {
    format!("{:.1} Mbit/s", recent.video_kbps / 1000.0)
}

fn delays(recent: &Recent) -> String {
    format!(
        "input to wire {} | input to photon {} | host to shown {}",
        wire(recent.latency(Measure::InputToWire)),
        short(recent.latency(Measure::InputToPhoton)),
        captured(recent),
    )
}

/// Host to shown, never without the error of the clocks.
fn captured(recent: &Recent) -> String {
    let value = recent.latency(Measure::CapturedToPresented);
    match recent.clock {
        Some(clock) if value.count > 0 => {
            format!("{:.1}/{:.1} ms \u{b1} {:.1}", value.p50, value.p99, millis(clock.error_micros))
        }
        _ => short(value),
    }
}

fn short(value: Percentiles) -> String {
    if value.count == 0 { "-".to_owned() } else { format!("{:.1}/{:.1} ms", value.p50, value.p99) }
}

/// A step that is a fraction of a millisecond when all is well.
fn wire(value: Percentiles) -> String {
    if value.count == 0 { "-".to_owned() } else { format!("{:.2}/{:.2} ms", value.p50, value.p99) }
}

fn full(summary: &Summary, recent: &Recent) -> Vec<String> {
    let mut lines = vec![line(recent), video_line(summary, recent)];
    if let Some(video) = summary.video() {
        lines.extend(named("decoder", &video.decoder, &video.why));
    }
    if let Some(renderer) = summary.renderer() {
        lines.extend(named("renderer", &renderer.name, &renderer.why));
    }
    lines.push(format!("network {}", network(recent)));
    lines.push("stage          p50     p99 ms".to_owned());
    for stage in Measure::STAGES {
        let value = recent.latency(stage);
        lines.push(format!("  {:<9} {:>6.1}  {:>6.1}", stage.label(), value.p50, value.p99));
    }
    lines.push(format!("input to wire {}", wire(recent.latency(Measure::InputToWire))));
    lines.push(format!("input to photon {}", short(recent.latency(Measure::InputToPhoton))));
    lines.push(format!("host to shown {}", captured(recent)));
    lines.push(format!(
        "audio {:.0} ms deep, {:.0} ms made up, {} dry",
        recent.audio.buffer_ms, recent.audio.concealed_ms, recent.audio.underruns
    ));
    let counts = &recent.counts;
    lines.push(format!(
        "not shown {} newer, {} behind, {} undecodable; {} damaged",
        counts.dropped_newer, counts.dropped_behind, counts.dropped_undecodable, counts.corrupt
    ));
    lines.push(verdict(recent).sentence);
    lines
}

/// Columns that fit beside each other in a window of 640 pixels; a longer line would make all letters smaller.
const COLUMNS: usize = 74;

/// Who does something and why, on as many lines as that takes.
fn named(what: &str, name: &str, why: &str) -> Vec<String> {
    let whole = if why.is_empty() { format!("{what} {name}") } else { format!("{what} {name} ({why})") };
    let (mut lines, mut line) = (Vec::new(), String::new());
    for word in whole.split_whitespace() {
        if line.len() + 1 + word.len() > COLUMNS {
            lines.push(std::mem::replace(&mut line, "  ".to_owned()));
        } else if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

fn video_line(summary: &Summary, recent: &Recent) -> String {
    summary.video().map_or_else(
        || format!("video ? | {}", bitrate(recent)),
        |video| format!("video {} {}x{} | {}", video.codec.name(), video.width, video.height, bitrate(recent)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_reason_takes_more_lines_and_no_more_columns() {
        let why = "no hardware decoder works: vaapi: error -5; cuda: Operation not permitted; vulkan: no such device";
        let lines = named("decoder", "h264 (software)", why);
        assert_eq!(lines.len(), 2);
        assert!(lines.iter().all(|line| line.len() <= COLUMNS), "{lines:?}");
        assert!(lines[1].starts_with("  ") && lines[1].ends_with("device)"));
        assert_eq!(named("renderer", "gpu", ""), ["renderer gpu"]);
    }
}
