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
use crate::{Dump, News, NewsSink};

/// How often an idle video thread looks whether it should end.
const IDLE: Duration = Duration::from_millis(500);

/// Refused frames in a row after which the stream counts as one that this machine cannot play.
const HOPELESS: u32 = 300;

/// What the thread works with.
pub(crate) struct Parts {
    pub(crate) frames: Arc<FrameQueue>,
    pub(crate) slot: Slot<Ready>,
    pub(crate) journal: JournalWriter,
    pub(crate) news: NewsSink,
    pub(crate) asker: Arc<OnceLock<Handle>>,
    pub(crate) hardware: HardwareChoice,
}

pub(crate) fn start(parts: Parts, dump: Option<Dump>) -> std::io::Result<JoinHandle<()>> {
    let dumper = dump.map(Dumper::start).transpose()?;
    std::thread::Builder::new().name(String::from("video")).spawn(move || Video::new(parts, dumper).run())
}

struct Video {
    parts: Parts,
    dumper: Option<Dumper>,
    decoder: Option<Decoder>,
    /// A codec that no decoder opens for: said once.
    refused: Option<VideoCodec>,
    shown_format: Option<(VideoCodec, u32, u32)>,
    failures: u32,
    first: bool,
}

impl Video {
    const fn new(parts: Parts, dumper: Option<Dumper>) -> Self {
        Self { parts, dumper, decoder: None, refused: None, shown_format: None, failures: 0, first: true }
    }

    fn run(mut self) {
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
        if let Some(line) = decoder.take_notice() {
            (self.parts.news)(News::Notice(line));
        }
        for decoded in pictures {
            self.failures = 0;
            if decoded.corrupt {
                self.parts.journal.write(Entry::Corrupt { frame: decoded.picture.frame });
            }
            self.hand_on(decoded.picture);
        }
        if let Err(error) = outcome {
            self.failed(frame.id, &error);
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
        let config = DecoderConfig { hardware: self.parts.hardware.clone(), ..DecoderConfig::new(codec) };
        match Decoder::open(config) {
            Ok((decoder, why)) => {
                tracing::info!(%why, "decoder");
                self.decoder = Some(decoder);
                self.shown_format = None;
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
        journal.write(Entry::Decoded { frame: picture.frame, times: picture.times, timecode });
        if let Some(decoder) = &self.decoder {
            let format = (decoder.codec(), picture.width, picture.height);
            if self.shown_format != Some(format) {
                self.shown_format = Some(format);
                journal.write(Entry::Video {
                    codec: format.0,
                    width: format.1,
                    height: format.2,
                    decoder: String::from(decoder.name()),
                });
            }
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
    fn failed(&mut self, frame: u64, error: &entente_decode::DecodeError) {
        tracing::debug!(%error, "frame not decoded");
        self.drop_frame(frame);
        self.failures += 1;
        if self.failures > HOPELESS {
            self.failures = 0;
            self.give_up(format!("its pictures cannot be decoded ({error})"));
            return;
        }
        if error.wants_key() {
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
