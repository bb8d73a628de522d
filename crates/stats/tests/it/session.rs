//! A session in made-up time.

use std::time::{Duration, Instant};

use entente_model::LinkStats;
use entente_model::media::VideoCodec;
use entente_model::picture::FrameTimes;
use entente_model::time::MonoClock;
use entente_stats::{AudioStats, Entry, FrameRecord, Summary, Timecode};

/// Microseconds of the client's clock at the start of every session here.
pub(crate) const START_MICROS: u64 = 1_000_000_000;

pub(crate) struct Session {
    pub(crate) start: Instant,
    pub(crate) summary: Summary,
}

impl Session {
    pub(crate) fn new() -> Self {
        let start = Instant::now();
        Self { start, summary: Summary::new(MonoClock::new(start, START_MICROS)) }
    }

    pub(crate) fn at(&self, micros: u64) -> Instant {
        self.start + Duration::from_micros(micros)
    }

    /// Stages of a frame whose first packet comes `micros` after the start: 2 ms to receive, 0.1 to assemble, 0.3 in
    /// the queue, 4 to decode.
    pub(crate) fn times(&self, micros: u64) -> FrameTimes {
        FrameTimes {
            first_packet: self.at(micros),
            last_packet: self.at(micros + 2_000),
            assembled: self.at(micros + 2_100),
            decode_in: self.at(micros + 2_400),
            decode_out: self.at(micros + 6_400),
        }
    }

    /// A frame through all stages; 0.5 ms until it is chosen, 1 to draw, 5 to the surface.
    pub(crate) fn record(&self, frame: u64, micros: u64, timecode: Timecode) -> FrameRecord {
        FrameRecord {
            frame,
            times: self.times(micros),
            chosen: self.at(micros + 6_900),
            queued: self.at(micros + 7_900),
            presented: self.at(micros + 12_900),
            timecode,
        }
    }

    pub(crate) fn received(&mut self, frame: u64, micros: u64, bytes: u32) {
        let last_packet = self.at(micros + 2_000);
        self.summary.take(&Entry::Received { frame, bytes, key: frame == 0, last_packet });
    }

    pub(crate) fn frame(&mut self, frame: u64, micros: u64, timecode: Timecode) {
        self.received(frame, micros, 10_000);
        let times = self.times(micros);
        self.summary.take(&Entry::Decoded { frame, times, timecode });
        let record = self.record(frame, micros, timecode);
        self.summary.take(&Entry::Presented(record));
    }

    /// A frame of which only the timecode and the moment of presentation matter.
    pub(crate) fn presented(&mut self, captured: Option<u64>, echo: Option<u64>, presented_micros: u64) {
        let timecode = Timecode { captured_micros: captured, echo_micros: echo };
        let mut record = self.record(0, 0, timecode);
        record.presented = self.at(presented_micros);
        self.summary.take(&Entry::Presented(record));
    }

    /// Three seconds of 60 frames a second with everything there is to know, without a fault.
    pub(crate) fn healthy() -> Self {
        let mut session = Self::new();
        let video = Entry::Video {
            codec: VideoCodec::H264,
            width: 1280,
            height: 720,
            decoder: "h264 software, 2 threads".to_owned(),
            why: "hardware is switched off".to_owned(),
        };
        session.summary.take(&video);
        session.summary.take(&Entry::Renderer { name: "cpu".to_owned(), why: "no GPU".to_owned() });
        session.summary.take(&Entry::Clock { offset_micros: 5_000_000, error_micros: 400 });
        for frame in 0..180 {
            let micros = frame * 16_667;
            // Captured 8 ms before its first packet, on a clock that is 5 s ahead; each input is 40 ms old.
            let timecode = Timecode {
                captured_micros: Some(START_MICROS + 5_000_000 + micros + 1_000_000 - 1_008_000),
                echo_micros: Some(START_MICROS + micros - 27_100),
            };
            session.frame(frame, micros, timecode);
            let device = session.at(micros);
            session.summary.take(&Entry::InputSent { device, wire: device + Duration::from_micros(350) });
            if frame % 15 == 0 {
                let packets = frame * 10;
                session.summary.take(&Entry::Link(LinkStats {
                    rtt_micros: Some(12_300),
                    packets,
                    bytes: frame * 10_400,
                    frames: frame + 1,
                    ..LinkStats::default()
                }));
                session.summary.take(&Entry::Audio(AudioStats {
                    packets: frame,
                    concealed_ms: 0.0,
                    underruns: 0,
                    buffer_ms: 38.0,
                }));
            }
        }
        session
    }

    /// The moment at which a healthy session is looked at.
    pub(crate) fn now(&self) -> Instant {
        self.at(180 * 16_667)
    }
}
