//! The audio thread.
#![allow(clippy::disallowed_methods, reason = "the edge: reads the clock for the sans-IO parts")]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_queue::ArrayQueue;
use entente_model::media::{AudioFormat, AudioPacket};
use entente_model::time::RAISED_PRIORITY;

use crate::device::{DeviceOutput, Plan, Trouble};
use crate::feeder::{Feeder, PlayoutConfig, playout_with};
use crate::puller::{Puller, Volume};
use crate::ring::ring;
use crate::sink::{NULL_PERIOD, NULL_RATE, NullOutput};
use crate::stats::Counters;
use crate::wav::WavTap;
use crate::{AudioError, AudioStats};

/// Packets between link and audio thread; 100 ms even at 2.5 ms each.
const QUEUE: usize = 40;
/// Packets that waited longer than this for the audio thread are thrown away.
const QUEUE_TIME: Duration = Duration::from_millis(100);
/// The thread looks around at least this often.
const TICK: Duration = Duration::from_millis(50);
/// After a lost device, the default one is tried after this long, then after twice that, up to [`RETRY_MOST`].
const RETRY_FIRST: Duration = Duration::from_millis(500);
const RETRY_MOST: Duration = Duration::from_secs(30);
/// Times that a device which is back is tried although it does not open.
const RETURNS: u32 = 4;

/// A device that hangs may hold up the end for so long.
const STOP_LIMIT: Duration = Duration::from_secs(2);

/// Where sound goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The system's default device; silence in real time if there is none.
    #[default]
    Default,
    /// A device of [`crate::list_devices`], by name or id; the default one while it is not there.
    Named(String),
    /// No device: silence in real time, so that statistics and the WAV file are real.
    Null,
}

/// What to start with.
#[derive(Clone, Debug)]
pub struct AudioConfig {
    /// Where sound goes.
    pub device: DeviceChoice,
    /// Also write what is played to this file, as 48 kHz stereo WAV.
    pub wav: Option<PathBuf>,
    /// 0 ..= 2, where 1 is as sent.
    pub volume: f32,
    /// Layout of the stream until [`AudioPlayer::set_format`].
    pub format: AudioFormat,
}

impl Default for AudioConfig {
    fn default() -> Self {
        Self { device: DeviceChoice::Default, wav: None, volume: 1.0, format: AudioFormat::stereo() }
    }
}

struct Mailbox {
    packets: ArrayQueue<AudioPacket>,
    formats: ArrayQueue<AudioFormat>,
    notices: ArrayQueue<String>,
    counters: Arc<Counters>,
    volume: Arc<Volume>,
    stop: AtomicBool,
    notify: Box<dyn Fn() + Send + Sync>,
}

impl Mailbox {
    fn say(&self, line: String) {
        tracing::info!("{line}");
        self.notices.force_push(line);
        (self.notify)();
    }
}

/// Plays one stream on its own thread.
pub struct AudioPlayer {
    mailbox: Arc<Mailbox>,
    thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for AudioPlayer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("AudioPlayer").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

impl AudioPlayer {
    /// Starts playing. `notify` is called from the audio thread when [`Self::notice`] has a new line.
    ///
    /// # Errors
    /// The WAV file cannot be created, the layout is impossible, or the thread cannot be started. A missing or broken
    /// device is no error: it is said by a notice, and sound goes nowhere in real time until a device comes.
    pub fn start(config: AudioConfig, notify: impl Fn() + Send + Sync + 'static) -> Result<Self, AudioError> {
        let wav = config.wav.as_deref().map(WavTap::create).transpose()?;
        crate::opus_stream::OpusStream::new(&config.format)?;
        let mailbox = Arc::new(Mailbox {
            packets: ArrayQueue::new(QUEUE),
            formats: ArrayQueue::new(1),
            notices: ArrayQueue::new(16),
            counters: Arc::default(),
            volume: Arc::new(Volume::new(config.volume)),
            stop: AtomicBool::new(false),
            notify: Box::new(notify),
        });
        let shared = Arc::clone(&mailbox);
        let thread =
            std::thread::Builder::new().name("audio".into()).spawn(move || Worker::new(shared, config, wav).run())?;
        Ok(Self { mailbox, thread: Some(thread) })
    }

    /// Queues a packet; never waits. Packets that the thread cannot keep up with are dropped, oldest first.
    pub fn push(&self, packet: AudioPacket) {
        self.mailbox.packets.force_push(packet);
        self.wake();
    }

    /// Changes the layout of the stream; an impossible one is said by a notice and ignored.
    pub fn set_format(&self, format: AudioFormat) {
        self.mailbox.formats.force_push(format);
        self.wake();
    }

    /// 0 ..= 2, where 1 is as sent.
    pub fn set_volume(&self, gain: f32) {
        self.mailbox.volume.set(gain);
    }

    /// Counters now.
    #[must_use]
    pub fn stats(&self) -> AudioStats {
        self.mailbox.counters.snapshot()
    }

    /// The next line for the user: which device plays, and what happened to it.
    #[must_use]
    pub fn notice(&self) -> Option<String> {
        self.mailbox.notices.pop()
    }

    /// Stops playing and finishes the WAV file. Dropping does the same.
    pub fn stop(self) {
        drop(self);
    }

    fn wake(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

impl Drop for AudioPlayer {
    fn drop(&mut self) {
        self.mailbox.stop.store(true, Ordering::Release);
        self.wake();
        let Some(thread) = self.thread.take() else { return };
        let until = Instant::now() + STOP_LIMIT;
        while !thread.is_finished() {
            if Instant::now() >= until {
                tracing::error!("the audio thread does not end; it is left alone");
                return;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        if thread.join().is_err() {
            tracing::error!("the audio thread panicked");
        }
    }
}

/// What takes the sound; held for its Drop.
enum Output {
    Device { _stream: DeviceOutput },
    Null { _thread: NullOutput },
}

struct Worker {
    mailbox: Arc<Mailbox>,
    device: DeviceChoice,
    format: AudioFormat,
    wav: Option<WavTap>,
    trouble: Arc<Trouble>,
    xruns: u64,
    retry: Option<(Instant, Duration)>,
    /// Looks whether the wanted device is back, on a thread of its own: asking the platform takes longer than the sound
    /// in the buffer lasts.
    search: Option<JoinHandle<bool>>,
    /// Times that the default device had to do instead of the wanted one; 0 while that plays.
    second_best: u32,
    /// The last thing said about the device, so that retries do not repeat it.
    said: String,
}

impl Worker {
    fn new(mailbox: Arc<Mailbox>, config: AudioConfig, wav: Option<WavTap>) -> Self {
        Self {
            mailbox,
            device: config.device,
            format: config.format,
            wav,
            trouble: Arc::default(),
            xruns: 0,
            retry: None,
            search: None,
            second_best: 0,
            said: String::new(),
        }
    }

    fn run(mut self) {
        // Most systems give it to some users only; without it we go on.
        let _ = thread_priority::ThreadPriority::try_from(RAISED_PRIORITY)
            .map(thread_priority::set_current_thread_priority);
        let Some((mut feeder, mut output)) = self.open() else { return };
        while !self.mailbox.stop.load(Ordering::Acquire) {
            self.take_formats(&mut feeder);
            let now = Instant::now();
            while let Some(packet) = self.mailbox.packets.pop() {
                if now.saturating_duration_since(packet.arrived) <= QUEUE_TIME {
                    feeder.push(packet, now);
                }
            }
            let due = feeder.advance(now);
            self.drain_tap();
            self.count_xruns();
            if self.must_reopen(now) && self.worth_reopening() {
                // The old stream goes first: some devices open only once.
                drop(output);
                match self.open() {
                    Some(opened) => (feeder, output) = opened,
                    None => return,
                }
                continue;
            }
            let wait = due.map_or(TICK, |due| due.saturating_duration_since(Instant::now()).min(TICK));
            if !wait.is_zero() {
                std::thread::park_timeout(wait);
            }
        }
        drop(output);
        self.drain_tap();
    }

    /// Opens the device wanted, else the default one, else silence. `None` only if not even silence can be had.
    fn open(&mut self) -> Option<(Feeder, Output)> {
        self.trouble = Arc::default();
        self.xruns = 0;
        let names: &[Option<&str>] = match &self.device {
            DeviceChoice::Null => &[],
            DeviceChoice::Default => &[None],
            DeviceChoice::Named(name) => &[Some(name.as_str()), None],
        };
        let names: Vec<Option<String>> = names.iter().map(|name| name.map(str::to_owned)).collect();
        let mut failures = Vec::new();
        for name in &names {
            match self.open_device(name.as_deref()) {
                Ok((feeder, output, line)) => {
                    failures.push(line);
                    self.say_once(failures.join("; "));
                    self.second_best = if failures.len() > 1 { self.second_best + 1 } else { 0 };
                    // A device that is there and does not open is not worth a click again and again.
                    let again = (1..=RETURNS).contains(&self.second_best);
                    self.retry = if again { Some(self.next_try()) } else { None };
                    return Some((feeder, output));
                }
                Err(error) => failures.push(error.to_string().trim_end_matches('.').to_owned()),
            }
        }
        if names.is_empty() {
            self.say_once("sound is played into silence, as asked".to_owned());
        } else {
            self.say_once(format!("{}; playing into silence", failures.join("; ")));
            self.second_best = 0;
            self.retry = Some(self.next_try());
        }
        self.open_null().map_err(|error| self.say_once(format!("no sound: {error}"))).ok()
    }

    fn next_try(&self) -> (Instant, Duration) {
        let pause = self.retry.map_or(RETRY_FIRST, |(_, pause)| (pause * 2).min(RETRY_MOST));
        (Instant::now() + pause, pause)
    }

    fn open_device(&mut self, name: Option<&str>) -> Result<(Feeder, Output, String), AudioError> {
        let plan = Plan::find(name)?;
        let trouble = Arc::clone(&self.trouble);
        let mut made = None;
        let output = plan.open(&trouble, &std::thread::current(), &mut |period| {
            let (feeder, puller) = self.make(plan.rate, usize::from(plan.channels), period)?;
            made = Some(feeder);
            Ok(puller)
        })?;
        let feeder = made.ok_or_else(|| AudioError::Device("opened nothing".to_owned()))?;
        let period = output.period.map_or(0.0, |period| f64::from(period) * 1000.0 / f64::from(plan.rate));
        let line = format!("playing on {} ({} Hz, {period:.0} ms at a time)", plan.name, plan.rate);
        Ok((feeder, Output::Device { _stream: output }, line))
    }

    fn open_null(&mut self) -> Result<(Feeder, Output), AudioError> {
        let (feeder, puller) = self.make(NULL_RATE, 2, NULL_PERIOD)?;
        Ok((feeder, Output::Null { _thread: NullOutput::start(puller)? }))
    }

    fn make(&mut self, rate: u32, channels: usize, period: u32) -> Result<(Feeder, Puller), AudioError> {
        let config = PlayoutConfig { rate, channels, period, format: self.format.clone() };
        let tap = match &mut self.wav {
            None => None,
            Some(wav) => {
                if let Err(error) = wav.drain() {
                    tracing::warn!("{error}");
                }
                let (producer, consumer) = ring(2 * rate as usize);
                wav.listen(consumer, rate)?;
                Some(producer)
            }
        };
        playout_with(&config, Instant::now(), &self.mailbox.counters, &self.mailbox.volume, tap)
    }

    fn take_formats(&mut self, feeder: &mut Feeder) {
        while let Some(format) = self.mailbox.formats.pop() {
            match feeder.set_format(&format) {
                Ok(()) => self.format = format,
                Err(error) => self.mailbox.say(error.to_string()),
            }
        }
    }

    fn drain_tap(&mut self) {
        if let Some(wav) = &mut self.wav
            && let Err(error) = wav.drain()
        {
            self.mailbox.say(error.to_string());
            self.wav = None;
        }
    }

    /// A device that runs dry by itself crackles as well.
    fn count_xruns(&mut self) {
        let xruns = self.trouble.xruns.load(Ordering::Relaxed);
        let new = xruns.saturating_sub(self.xruns);
        self.xruns = xruns;
        self.mailbox.counters.underruns.fetch_add(new, Ordering::Relaxed);
    }

    fn must_reopen(&self, now: Instant) -> bool {
        self.trouble.lost.load(Ordering::Acquire)
            || self.retry.is_some_and(|(at, _)| now >= at)
            || self.search.as_ref().is_some_and(JoinHandle::is_finished)
    }

    /// A lost device has to go in any case; silence only makes room for a device that is there, and the default device
    /// only for the wanted one.
    fn worth_reopening(&mut self) -> bool {
        if self.trouble.lost.load(Ordering::Acquire) {
            return true;
        }
        if let Some(search) = self.search.take_if(|search| search.is_finished()) {
            return search.join().unwrap_or(false);
        }
        if self.second_best == 0 && Plan::find(None).is_ok() {
            return true;
        }
        self.retry = Some(self.next_try());
        if let (1.., DeviceChoice::Named(name), None) = (self.second_best, &self.device, &self.search) {
            let name = name.clone();
            let look = move || Plan::find(Some(&name)).is_ok();
            self.search = std::thread::Builder::new().name("audio search".into()).spawn(look).ok();
        }
        false
    }

    fn say_once(&mut self, line: String) {
        if line != self.said {
            self.mailbox.say(line.clone());
            self.said = line;
        }
    }
}
