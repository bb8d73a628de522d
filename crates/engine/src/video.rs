//! The video thread: decodes each frame the moment it is there, reads its timecode, hands the picture on.

use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use entente_decode::{Decoder, DecoderConfig, HardwareChoice};
use entente_drive::Handle;
use entente_model::media::{EncodedFrame, VideoCodec};
use entente_model::{EndReason, Request};
use entente_present::{Ready, Slot};
use entente_stats::{DropReason, Entry, JournalWriter};

use crate::dump::Dumper;
use crate::queue::FrameQueue;
use crate::{EngineError, News, NewsSink, OverlayControl};

/// How often an idle video thread looks whether it should end.
const IDLE: Duration = Duration::from_millis(500);

/// Frames without a picture in a row after which the stream counts as one that this machine cannot play.
const HOPELESS: u32 = 300;

/// Frames come, but no picture for so long: the same, if at least [`HOPELESS_LEAST`] frames were tried.
const HOPELESS_TIME: Duration = Duration::from_secs(8);

/// A single bad frame before a long pause proves nothing.
const HOPELESS_LEAST: u32 = 3;

/// What the thread works with.
pub(crate) struct Parts {
    pub(crate) frames: Arc<FrameQueue>,
    pub(crate) slot: Slot<Ready>,
    pub(crate) journal: JournalWriter,
    pub(crate) news: NewsSink,
    pub(crate) asker: Arc<OnceLock<Handle>>,
    pub(crate) overlay: OverlayControl,
    pub(crate) hardware: HardwareChoice,
    /// What will probably come: its decoder is opened before the first frame.
    pub(crate) codec: Option<VideoCodec>,
    pub(crate) allow_damaged: bool,
}

pub(crate) fn start(parts: Parts, dumper: Option<Dumper>) -> Result<JoinHandle<()>, EngineError> {
    Ok(std::thread::Builder::new().name(String::from("video")).spawn(move || Video::new(parts, dumper).run())?)
}

struct Video {
    parts: Parts,
    dumper: Option<Dumper>,
    decoder: Option<Decoder>,
    /// A codec that no decoder opens for: said once.
    refused: Option<VideoCodec>,
    shown_format: Option<(VideoCodec, u32, u32)>,
    /// When the first frame since the last good picture was taken, and how many were.
    stuck: Option<(Instant, u32)>,
    first: bool,
}

impl Video {
    const fn new(parts: Parts, dumper: Option<Dumper>) -> Self {
        Self { parts, dumper, decoder: None, refused: None, shown_format: None, stuck: None, first: true }
    }

    fn run(mut self) {
        self.open_early();
        while !self.parts.frames.is_closed() {
            if let Some(frame) = self.parts.frames.pop(IDLE) {
                self.take(&frame);
            }
        }
    }

    fn take(&mut self, frame: &EncodedFrame) {
        let decode_in = Instant::now();
        if !self.open_for(frame.codec) {
            self.drop_frame(frame.id);
            return;
        }
        let Some(decoder) = &mut self.decoder else { return };
        let mut pictures = Vec::new();
        let outcome = decoder.decode(frame, decode_in, &mut Instant::now, &mut |decoded| pictures.push(decoded));
        self.say_notice();
        let (mut shown, mut settled) = (false, false);
        let mut failure = outcome.err().map(|error| (error.to_string(), error.wants_key()));
        for decoded in pictures {
            let number = decoded.picture.frame;
            settled |= number == frame.id;
            if decoded.corrupt {
                self.parts.journal.write(Entry::Corrupt { frame: number });
                if !self.parts.allow_damaged {
                    self.drop_frame(number);
                    failure = Some((format!("frame {number} is damaged"), true));
                    continue;
                }
            }
            shown = true;
            self.hand_on(decoded.picture);
        }
        if failure.is_some() && !settled {
            self.drop_frame(frame.id);
        }
        if shown {
            self.stuck = None;
        } else if self.is_hopeless(decode_in) {
            self.stuck = None;
            let why = failure.map_or_else(String::new, |(why, _)| format!(" ({why})"));
            return self.give_up(format!("its pictures cannot be decoded{why}"));
        }
        if let Some((why, wants_key)) = failure {
            self.failed(&why, wants_key);
        }
    }

    /// A decoder may hold a frame back for a while; what never gives a picture cannot be played.
    fn is_hopeless(&mut self, now: Instant) -> bool {
        let (since, frames) = self.stuck.get_or_insert((now, 0));
        *frames += 1;
        let long = now.saturating_duration_since(*since) >= HOPELESS_TIME;
        *frames > HOPELESS || (long && *frames >= HOPELESS_LEAST)
    }

    /// Opening a hardware decoder takes its time, which is there while the link connects and not when frames come.
    fn open_early(&mut self) {
        let Some(codec) = self.parts.codec else { return };
        match Decoder::open(self.config(codec)) {
            Ok((decoder, line)) => self.opened(decoder, &line),
            // Another codec may come; if this one does, the same is said then.
            Err(error) => tracing::info!(%error, "no decoder in advance"),
        }
    }

    fn config(&self, codec: VideoCodec) -> DecoderConfig {
        DecoderConfig { hardware: self.parts.hardware.clone(), ..DecoderConfig::new(codec) }
    }

    fn opened(&mut self, decoder: Decoder, line: &str) {
        tracing::info!(%line, "decoder");
        self.decoder = Some(decoder);
        self.shown_format = None;
        self.say_notice();
    }

    /// What the decoder has to say goes over the picture and to the player.
    fn say_notice(&mut self) {
        if let Some(line) = self.decoder.as_mut().and_then(Decoder::take_notice) {
            // Another decoder: the journal has to know its name.
            self.shown_format = None;
            self.parts.overlay.add_notice(line.clone());
            (self.parts.news)(News::Notice(line));
        }
    }

    /// A decoder for `codec`; a stream may change its codec at a key frame.
    fn open_for(&mut self, codec: VideoCodec) -> bool {
        if self.decoder.as_ref().is_some_and(|decoder| decoder.codec() == codec) {
            return true;
        }
        if self.refused == Some(codec) {
            return false;
        }
        match Decoder::open(self.config(codec)) {
            Ok((decoder, line)) => {
                self.opened(decoder, &line);
                true
            }
            Err(error) => {
                self.refused = Some(codec);
                self.give_up(error.to_string());
                false
            }
        }
    }

    fn hand_on(&mut self, picture: entente_model::picture::Picture) {
        let timecode = entente_stats::timecode::read_picture(&picture);
        let journal = &self.parts.journal;
        let mut resized = false;
        journal.write(Entry::Decoded { frame: picture.frame, times: picture.times, timecode });
        if let Some(decoder) = &self.decoder {
            let format = (decoder.codec(), picture.width, picture.height);
            if self.shown_format != Some(format) {
                self.shown_format = Some(format);
                resized = !self.first;
                journal.write(Entry::Video {
                    codec: format.0,
                    width: format.1,
                    height: format.2,
                    decoder: String::from(decoder.name()),
                    why: decoder.why(),
                });
            }
        }
        if resized {
            (self.parts.news)(News::Format { width: picture.width, height: picture.height });
        }
        if std::mem::take(&mut self.first) {
            (self.parts.news)(News::FirstPicture { width: picture.width, height: picture.height });
        }
        if let Some(dumper) = &mut self.dumper {
            dumper.offer(&picture);
        }
        self.parts.slot.offer(Ready { picture, timecode }, &self.parts.journal);
    }

    /// The last good picture stays; what follows is of no use before a key frame.
    fn failed(&self, why: &str, wants_key: bool) {
        tracing::debug!(%why, "frame not shown");
        if wants_key {
            for dropped in self.parts.frames.skip_to_key() {
                self.drop_frame(dropped);
            }
            self.ask(Request::Keyframe);
        }
    }

    fn drop_frame(&self, frame: u64) {
        self.parts.journal.write(Entry::Dropped { frame, why: DropReason::Undecodable });
    }

    fn give_up(&self, why: String) {
        self.ask(Request::Stop(EndReason::CannotPlay(why)));
    }

    fn ask(&self, request: Request) {
        if let Some(handle) = self.parts.asker.get() {
            handle.request(request);
        }
    }
}
