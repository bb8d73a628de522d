//! One running stream: starts, joins, stops the parts and keeps their queues.
//!
//! ```text
//! link thread ──frames──> FrameQueue ──> video thread ──> Slot ──> present thread
//!      │ └──────packets──> audio thread ──ring──> device
//!      └── journal <── everyone ──> observer thread (10 Hz): summary, overlay
//! ```
//!
//! Calls go down; news come up through [`News`]. The engine names no protocol: it gets a [`Link`].
#![warn(missing_docs)]
#![allow(clippy::disallowed_methods, reason = "the engine stamps what its threads do; it is the edge")]

mod dump;
mod frames;
mod join;
mod observer;
mod queue;
mod record;
mod video;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use entente_audio::{AudioConfig, AudioPlayer};
use entente_decode::HardwareChoice;
use entente_drive::{Driver, DriverConfig, Handle};
use entente_model::input::{Feedback, InputEvent};
use entente_model::media::VideoCodec;
use entente_model::stage::Stage;
use entente_model::time::MonoClock;
use entente_model::{EndReason, Event, Link, Request};
use entente_present::{Command, Ready, Slot};
use entente_stats::{DropReason, Entry, JournalWriter, Summary, journal};

pub use crate::join::{JOIN_LIMIT, join_in_time};
pub use crate::observer::{OverlayControl, OverlayView};
use crate::queue::{FrameQueue, Pushed};

/// Entries that the journal holds between two looks of the observer: a second of 240 fps with all stages and input at
/// 1 kHz, four times over.
pub const JOURNAL: usize = 8192;

/// What a part of the stream tells the player.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// Where the session is.
    Stage(Stage),
    /// Who the host says it is.
    Host(String),
    /// One line for the user.
    Notice(String),
    /// For a pad.
    Feedback(Feedback),
    /// The first picture was decoded.
    FirstPicture {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// Pictures have another size from now on.
    Format {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// The session is over.
    Ended(EndReason),
}

/// Takes news, on whatever thread they come up: hand over and return.
pub type NewsSink = Arc<dyn Fn(News) + Send + Sync>;

/// Where decoded frames go as PNG.
#[derive(Clone, Debug)]
pub struct Dump {
    /// Folder, made if it does not exist.
    pub folder: PathBuf,
    /// Every Nth frame.
    pub every: u64,
}

/// How to play a stream.
pub struct StreamConfig {
    /// This machine's clock.
    pub clock: MonoClock,
    /// Which decoder.
    pub hardware: HardwareChoice,
    /// The codec that will probably come; its decoder is opened while the link still connects.
    pub codec: Option<VideoCodec>,
    /// Show frames whose references are missing, and pictures that the decoder marks as damaged.
    pub allow_damaged: bool,
    /// Where sound goes.
    pub audio: AudioConfig,
    /// Certificates (PEM) that are trusted besides the system's.
    pub extra_root_pem: Option<Vec<u8>>,
    /// Write decoded frames.
    pub dump: Option<Dump>,
    /// Write the stamps of each presented frame to this file, as lines of [`entente_stats::csv`].
    pub frames: Option<PathBuf>,
    /// Write the encoded frames as they arrive to this file (IVF).
    pub record: Option<PathBuf>,
    /// The host runs on this machine, so its clock is ours.
    pub shared_clock: bool,
}

/// Why a stream cannot start.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// No link thread.
    #[error(transparent)]
    Drive(#[from] entente_drive::StartError),
    /// No audio thread.
    #[error("sound cannot be started: {0}")]
    Audio(#[from] entente_audio::AudioError),
    /// A file that was asked for cannot be written.
    #[error("{path} cannot be written: {why}")]
    File {
        /// Path of the file.
        path: String,
        /// What the system said.
        why: std::io::Error,
    },
    /// No thread.
    #[error("a thread cannot be started: {0}")]
    Thread(#[from] std::io::Error),
}

/// Where pictures go, and how the overlay is told.
#[derive(Clone, Debug)]
pub struct Screen {
    /// Pictures, newest wins.
    pub slot: Slot<Ready>,
    /// Commands of the present thread.
    pub commands: Sender<Command>,
}

/// A running stream.
pub struct Stream {
    handle: Handle,
    driver: Option<Driver>,
    frames: Arc<FrameQueue>,
    video: Option<std::thread::JoinHandle<()>>,
    audio: Arc<AudioPlayer>,
    observer: observer::Observer,
    journal: JournalWriter,
    sound: observer::Sound,
    ended: Arc<Mutex<Option<EndReason>>>,
    started: Instant,
}

/// What is left of a stream that has ended.
pub struct Finished {
    /// All figures.
    pub summary: Summary,
    /// Why it ended.
    pub reason: EndReason,
    /// When it was started.
    pub started: Instant,
}

impl Stream {
    /// Starts all parts. News may come before this returns.
    ///
    /// # Errors
    /// When the system gives no thread or socket poller, or the asked audio output cannot be used.
    pub fn start(
        link: Box<dyn Link>,
        config: StreamConfig,
        screen: &Screen,
        news: &NewsSink,
    ) -> Result<Self, EngineError> {
        let (writer, reader) = journal(JOURNAL);
        Self::with_journal(link, config, screen, news, (writer, reader))
    }

    /// As [`Stream::start`], with a journal that others (the presenter) write to as well.
    ///
    /// # Errors
    /// As [`Stream::start`].
    pub fn with_journal(
        link: Box<dyn Link>,
        config: StreamConfig,
        screen: &Screen,
        news: &NewsSink,
        (writer, reader): (JournalWriter, entente_stats::JournalReader),
    ) -> Result<Self, EngineError> {
        let started = Instant::now();
        let frames = Arc::new(FrameQueue::default());
        let ended = Arc::new(Mutex::new(None));
        let rows = config.frames.map(frames::Frames::create).transpose()?;
        let recorder = config.record.map(|path| record::Recorder::start(path, config.clock)).transpose()?;
        // The observer looks for its notices anyway.
        let audio = Arc::new(AudioPlayer::start(config.audio, || {})?);
        let sound = observer::Sound::new(Arc::clone(&audio), writer.clone());
        let summary = summary(config.clock, config.shared_clock);
        let observer = observer::Observer::start(
            (reader, summary, rows),
            sound.clone(),
            screen.commands.clone(),
            Arc::clone(news),
        )?;
        let asker: Arc<OnceLock<Handle>> = Arc::default();
        let dumper = config.dump.map(dump::Dumper::start).transpose()?;
        let video = video::start(
            video::Parts {
                frames: Arc::clone(&frames),
                slot: screen.slot.clone(),
                journal: writer.clone(),
                news: Arc::clone(news),
                asker: Arc::clone(&asker),
                overlay: observer.control(),
                hardware: config.hardware,
                codec: config.codec,
                allow_damaged: config.allow_damaged,
            },
            dumper,
        )?;
        let router = Router {
            frames: Arc::clone(&frames),
            audio: Arc::clone(&audio),
            recorder,
            journal: writer.clone(),
            sound: sound.clone(),
            news: Arc::clone(news),
            asker: Arc::clone(&asker),
            overlay: observer.control(),
            ended: Arc::clone(&ended),
        };
        let mut drive = DriverConfig::new(Box::new(move |event, now| router.route(event, now)));
        drive.extra_root_pem = config.extra_root_pem;
        let sent = writer.clone();
        drive.on_input_sent = Some(Box::new(move |device, wire| sent.write(Entry::InputSent { device, wire })));
        let driver = match Driver::start(link, drive) {
            Ok(driver) => driver,
            Err(error) => {
                frames.close();
                let _ = join_in_time(video);
                return Err(error.into());
            }
        };
        let handle = driver.handle();
        let _ = asker.set(handle.clone());
        if config.allow_damaged {
            handle.request(Request::AllowDamaged(true));
        }
        Ok(Self {
            handle,
            driver: Some(driver),
            frames,
            video: Some(video),
            audio,
            observer,
            journal: writer,
            sound,
            ended,
            started,
        })
    }

    /// Sends an input at once.
    pub fn input(&self, event: InputEvent) {
        self.handle.send_input(event);
    }

    /// For threads that send input themselves.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// The journal, for the presenter.
    #[must_use]
    pub fn journal(&self) -> JournalWriter {
        self.journal.clone()
    }

    /// Changes what the overlay shows.
    #[must_use]
    pub fn overlay(&self) -> OverlayControl {
        self.observer.control()
    }

    /// Louder or quieter; 1.0 is as sent.
    pub fn set_volume(&self, volume: f32) {
        self.audio.set_volume(volume);
    }

    /// Waits up to `limit` for the session to end by itself.
    #[must_use]
    pub fn wait(&self, limit: Duration) -> bool {
        self.driver.as_ref().is_none_or(|driver| driver.wait(limit))
    }

    /// A part without which nothing can be seen has ended by itself: which one. Only a fault of ours does that.
    #[must_use]
    pub fn lost_part(&self) -> Option<&'static str> {
        let video = self.video.as_ref().is_some_and(std::thread::JoinHandle::is_finished);
        (video && !self.frames.is_closed()).then_some("the thread that decodes")
    }

    /// Ends the session for `reason` (unless it has ended already) and joins all parts, in reverse order of their
    /// dependence. The link is given about two seconds, and so is each other part ([`JOIN_LIMIT`]); one that hangs is
    /// left alone.
    #[must_use]
    pub fn stop(mut self, reason: EndReason) -> Finished {
        // What is made up while the link says goodbye is no fault of the stream.
        self.sound.close();
        if let Some(driver) = self.driver.take() {
            driver.stop(reason.clone());
        }
        self.frames.close();
        if let Some(video) = self.video.take() {
            let _ = join_in_time(video);
        }
        let summary = self.observer.finish();
        drop(self.sound);
        // The last owner: the WAV file is finished here.
        drop(self.audio);
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner).take();
        Finished { summary, reason: ended.unwrap_or(reason), started: self.started }
    }
}

fn summary(clock: MonoClock, shared: bool) -> Summary {
    let mut summary = Summary::new(clock);
    if shared {
        summary.share_clock();
    }
    summary
}

/// Sends each event of the link where it belongs, on the link thread.
struct Router {
    frames: Arc<FrameQueue>,
    audio: Arc<AudioPlayer>,
    recorder: Option<record::Recorder>,
    journal: JournalWriter,
    sound: observer::Sound,
    news: NewsSink,
    asker: Arc<OnceLock<Handle>>,
    overlay: OverlayControl,
    ended: Arc<Mutex<Option<EndReason>>>,
}

impl Router {
    fn route(&self, event: Event, _now: Instant) {
        match event {
            Event::Video(frame) => {
                self.journal.write(Entry::Received {
                    frame: frame.id,
                    bytes: u32::try_from(frame.data.len()).unwrap_or(u32::MAX),
                    key: frame.key,
                    last_packet: frame.last_packet,
                });
                if let Some(recorder) = &self.recorder {
                    recorder.offer(&frame);
                }
                self.queue(frame);
            }
            Event::Audio(packet) => self.audio.push(packet),
            Event::AudioFormat(format) => self.audio.set_format(format),
            Event::Stats(stats) => self.journal.write(Entry::Link(stats)),
            Event::ClockOffset { offset_micros, error_micros } => {
                self.journal.write(Entry::Clock { offset_micros, error_micros });
            }
            Event::Stage(stage) => {
                self.overlay.set_stage(stage);
                (self.news)(News::Stage(stage));
            }
            Event::Host { name } => (self.news)(News::Host(name)),
            Event::Notice(text) => {
                self.overlay.add_notice(text.clone());
                (self.news)(News::Notice(text));
            }
            Event::Feedback(feedback) => (self.news)(News::Feedback(feedback)),
            Event::Ended(reason) => {
                self.sound.close();
                *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.clone());
                (self.news)(News::Ended(reason));
            }
        }
    }

    fn queue(&self, frame: entente_model::media::EncodedFrame) {
        let drop_frame = |frame, why| self.journal.write(Entry::Dropped { frame, why });
        match self.frames.push(frame) {
            Pushed::Queued => {}
            Pushed::Flushed(dropped) => {
                dropped.into_iter().for_each(|id| drop_frame(id, DropReason::DecoderBehind));
                self.ask_for_keyframe();
            }
            Pushed::Refused(id, why) => {
                drop_frame(id, why);
                self.ask_for_keyframe();
            }
        }
    }

    /// The link limits how often the host is really asked.
    fn ask_for_keyframe(&self) {
        if let Some(handle) = self.asker.get() {
            handle.request(Request::Keyframe);
        }
    }
}
