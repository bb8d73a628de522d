//! The machine-readable account of a session (`--report`).

use std::collections::BTreeMap;
use std::time::Instant;

use entente_model::EndReason;
use serde::{Deserialize, Serialize};

use crate::latency::{Measure, Percentiles, millis};
use crate::summary::{Summary, rate};

/// What a report needs that no journal knows.
#[derive(Clone, Copy, Debug)]
pub struct ReportContext<'a> {
    /// When the player began, for the time to the first picture.
    pub started: Instant,
    /// When the first picture was there; `None` takes the first presented frame of the journal.
    pub first_picture: Option<Instant>,
    /// Why the session ended.
    pub ended: &'a EndReason,
    /// Processor time of the whole process, user and system, in seconds.
    pub cpu_seconds: f64,
    /// Highest resident memory of the process in MiB.
    pub peak_rss_mib: f64,
}

/// Account of one session. Names are stable; new ones may be added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Numbers of frames.
    pub frames: Frames,
    /// Picture format, decoder, renderer.
    pub video: Video,
    /// Delays in milliseconds.
    pub latency_ms: Latencies,
    /// Every step of a frame from the first packet to the surface, in milliseconds.
    pub stages_ms: BTreeMap<String, Percentiles>,
    /// Sound.
    pub audio: Audio,
    /// Network.
    pub network: Network,
    /// Clocks of host and client, and the timecodes that were read.
    pub clock: Clock,
    /// The session as a whole.
    pub session: Session,
    /// This process.
    pub process: Process,
}

/// Numbers of frames.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frames {
    /// Delivered whole by the link.
    pub received: u64,
    /// Out of the decoder.
    pub decoded: u64,
    /// On the surface.
    pub presented: u64,
    /// Received but not shown, the sum of the three that follow.
    pub dropped: u64,
    /// Not shown because a newer one was ready.
    pub dropped_newer: u64,
    /// Not shown because the decoder's queue was full.
    pub dropped_behind: u64,
    /// Not shown because the decoder refused it, marked it as damaged or waited for a key frame.
    pub dropped_undecodable: u64,
    /// Marked as damaged by the decoder, shown or not.
    pub corrupt: u64,
    /// Key frames among the received ones.
    pub key: u64,
    /// Known to have been sent, but never delivered by the link.
    pub incomplete: u64,
}

/// Picture format, decoder, renderer; empty strings and zeros when nothing was decoded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Video {
    /// Codec name.
    pub codec: String,
    /// Picture width in pixels.
    pub width: u32,
    /// Picture height in pixels.
    pub height: u32,
    /// Decoder name.
    pub decoder: String,
    /// Why that decoder.
    #[serde(default)]
    pub decoder_why: String,
    /// Renderer name.
    pub renderer: String,
    /// Why that renderer.
    pub renderer_why: String,
    /// Frames received per second, from the first to the last.
    pub fps: f64,
    /// Frames presented per second, from the first to the last.
    pub presented_fps: f64,
}

/// Delays in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Latencies {
    /// Last packet of a frame to decoder output.
    pub last_packet_to_decoded: Percentiles,
    /// Decoder output to surface.
    pub decoded_to_presented: Percentiles,
    /// Drawn by the host to surface, off by at most `clock.error_ms`.
    pub captured_to_presented: Percentiles,
    /// Device to network.
    pub input_to_wire: Percentiles,
    /// Device to the first presented picture that reflects it.
    pub input_to_photon: Percentiles,
}

/// Sound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Audio {
    /// Packets taken.
    pub packets: u64,
    /// Sound made up for missing packets, in milliseconds.
    pub concealed_ms: f64,
    /// Times that the device ran dry.
    pub underruns: u64,
    /// Depth at the end in milliseconds.
    pub buffer_ms: f64,
    /// Our monotonic clock when the first sample was played (the first of the WAV file) in microseconds; null when
    /// nothing was played.
    #[serde(default)]
    pub first_sample_micros: Option<u64>,
}

/// Network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Network {
    /// Smoothed round trip at the end in milliseconds; null when it was never measured.
    pub rtt_ms: Option<f64>,
    /// Video packets that were missing when their turn came.
    pub lost: u64,
    /// Of these, those that came back in time.
    pub recovered: u64,
    /// Sequence numbers asked for again.
    pub nacks: u64,
    /// Key frames asked for.
    pub keyframe_requests: u64,
    /// Media bit rate over the session.
    pub bitrate_kbps: f64,
    /// Media packets that arrived.
    pub packets: u64,
    /// Media bytes that arrived.
    pub bytes: u64,
    /// Datagrams that made no sense.
    pub malformed: u64,
}

/// Clocks of host and client, and the timecodes that were read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Clock {
    /// Host clock minus ours in milliseconds; null when it was never learnt.
    pub offset_ms: Option<f64>,
    /// How far the offset may be off.
    pub error_ms: Option<f64>,
    /// Presented frames with a readable capture time.
    pub timecodes: u64,
    /// Implausible capture times and echoes, not used above.
    pub timecodes_rejected: u64,
    /// Capture times that came before the host's clock was known, not used above.
    pub timecodes_without_clock: u64,
    /// Journal entries that were lost; above zero the numbers of frames are too low.
    pub journal_lost: u64,
}

/// The session as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// Start of the player to first picture in milliseconds; null when there was none.
    pub first_picture_ms: Option<f64>,
    /// Times that the session was brought back after an outage.
    pub reconnects: u64,
    /// Short name of the reason it ended with.
    pub ended: String,
    /// The same as a sentence.
    pub ended_because: String,
    /// Exit status that belongs to it.
    pub exit_code: u8,
}

/// This process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Process {
    /// Processor time, user and system.
    pub cpu_seconds: f64,
    /// Highest resident memory.
    pub peak_rss_mib: f64,
}

impl Report {
    /// As indented JSON with a final newline.
    ///
    /// # Errors
    /// Never in practice: all names are strings and all numbers finite.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|mut json| {
            json.push('\n');
            json
        })
    }
}

impl Summary {
    /// The account of the session so far.
    #[must_use]
    pub fn report(&self, context: ReportContext<'_>) -> Report {
        let first_picture = context.first_picture.or(self.first_presented());
        let waited = first_picture.map(|at| at.saturating_duration_since(context.started));
        Report {
            frames: self.frames(),
            video: self.video_report(),
            latency_ms: Latencies {
                last_packet_to_decoded: self.total(Measure::LastPacketToDecoded),
                decoded_to_presented: self.total(Measure::DecodedToPresented),
                captured_to_presented: self.total(Measure::CapturedToPresented),
                input_to_wire: self.total(Measure::InputToWire),
                input_to_photon: self.total(Measure::InputToPhoton),
            },
            stages_ms: Measure::STAGES.iter().map(|stage| (stage.name().to_owned(), self.total(*stage))).collect(),
            audio: self.audio_report(),
            network: self.network(),
            clock: self.clock_report(),
            session: Session {
                first_picture_ms: waited.map(|waited| tidy(waited.as_secs_f64() * 1000.0)),
                reconnects: self.link().map_or(0, |link| link.reconnects),
                ended: context.ended.name().to_owned(),
                ended_because: context.ended.to_string(),
                exit_code: context.ended.exit_code(),
            },
            process: Process { cpu_seconds: tidy(context.cpu_seconds), peak_rss_mib: tidy(context.peak_rss_mib) },
        }
    }

    fn frames(&self) -> Frames {
        let counts = self.counts();
        Frames {
            // The link counts on when the journal overflows.
            received: counts.received.max(self.link().map_or(0, |link| link.frames)),
            decoded: counts.decoded,
            presented: counts.presented,
            dropped: counts.dropped(),
            dropped_newer: counts.dropped_newer,
            dropped_behind: counts.dropped_behind,
            dropped_undecodable: counts.dropped_undecodable,
            corrupt: counts.corrupt,
            key: counts.key,
            incomplete: self.link().map_or(0, |link| link.frames_dropped),
        }
    }

    fn video_report(&self) -> Video {
        let video = self.video();
        let counts = self.counts();
        Video {
            codec: video.map_or_else(String::new, |video| video.codec.name().to_owned()),
            width: video.map_or(0, |video| video.width),
            height: video.map_or(0, |video| video.height),
            decoder: video.map_or_else(String::new, |video| video.decoder.clone()),
            decoder_why: video.map_or_else(String::new, |video| video.why.clone()),
            renderer: self.renderer().map_or_else(String::new, |renderer| renderer.name.clone()),
            renderer_why: self.renderer().map_or_else(String::new, |renderer| renderer.why.clone()),
            fps: tidy(rate(counts.received.saturating_sub(1), self.received_span())),
            presented_fps: tidy(rate(counts.presented.saturating_sub(1), self.presented_span())),
        }
    }

    fn audio_report(&self) -> Audio {
        let audio = self.audio().copied().unwrap_or_default();
        Audio {
            packets: audio.packets,
            concealed_ms: tidy(audio.concealed_ms),
            underruns: audio.underruns,
            buffer_ms: tidy(audio.buffer_ms),
            first_sample_micros: self.sound_started_micros(),
        }
    }

    fn network(&self) -> Network {
        let link = self.link().copied().unwrap_or_default();
        let bits = link.bytes.max(self.video_bytes()).saturating_mul(8);
        Network {
            rtt_ms: link.rtt_micros.map(millis),
            lost: link.lost,
            recovered: link.recovered,
            nacks: link.nacks,
            keyframe_requests: link.keyframe_requests,
            bitrate_kbps: tidy(rate(bits, self.received_span()) / 1000.0),
            packets: link.packets,
            bytes: link.bytes,
            malformed: link.malformed,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "offsets between clocks stay below 2^53 microseconds")]
    fn clock_report(&self) -> Clock {
        let timecodes = self.timecodes();
        Clock {
            offset_ms: self.clock_offset().map(|clock| clock.offset_micros as f64 / 1000.0),
            error_ms: self.clock_offset().map(|clock| millis(clock.error_micros)),
            timecodes: timecodes.seen,
            timecodes_rejected: timecodes.rejected,
            timecodes_without_clock: timecodes.without_clock,
            journal_lost: self.journal_lost(),
        }
    }
}

/// Three digits after the point; JSON knows no infinity.
fn tidy(value: f64) -> f64 {
    if value.is_finite() { (value * 1000.0).round() / 1000.0 } else { 0.0 }
}
