//! The capture thread: input into the game, the game into a picture, the picture onto the wire.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use entente_model::input::{Feedback as PadFeedback, PlayerInput};
use entente_model::wire::control::{Control, GoodbyeCode};
use entente_model::wire::input::{InputPacket, InputTracker};
use entente_stats::timecode;
use parking_lot::{Condvar, Mutex};
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;

use crate::clock;
use crate::encoder::{EncoderRow, VideoEncoder, VideoFormat};
use crate::payload::{RtpStream, VideoPayloader};
use crate::session::{Command, Packets, Shared};

/// Forced key frames are at least so far apart; a request in between is answered by the next one.
const KEY_SPACING: Duration = Duration::from_millis(100);
/// Encoders that must be opened anew for another bit rate follow it in steps: each costs a key frame. A fall is due from
/// so much on, in percent, because the path cannot carry the present rate.
const SLOW_FALL: u32 = 25;
/// And so often.
const SLOW_FALL_SPACING: Duration = Duration::from_secs(2);
/// A rise only brings a better picture, so it waits until it is worth a key frame.
const SLOW_RISE: u32 = 50;
/// Or until all that was asked for can be had, and is so much more.
const SLOW_LAST_RISE: u32 = 15;
/// Longer than the rise from start to usual rates, which is then one step.
const SLOW_RISE_SPACING: Duration = Duration::from_secs(5);

/// Whether an encoder should be opened anew for another bit rate (kbit/s), `since` the last time.
fn is_step(since: Duration, current: u32, target: u32, asked: u32) -> bool {
    let differs = |percent: u32| u64::from(target.abs_diff(current)) * 100 >= u64::from(current) * u64::from(percent);
    if target < current {
        since >= SLOW_FALL_SPACING && differs(SLOW_FALL)
    } else {
        since >= SLOW_RISE_SPACING && (differs(SLOW_RISE) || (target >= asked && differs(SLOW_LAST_RISE)))
    }
}

/// The moment from which both streams count their media time.
#[derive(Clone, Copy)]
pub(super) struct Origin {
    pub(super) at: Instant,
    pub(super) micros: u64,
}

/// Lets the sound thread sleep and still leave at once.
#[derive(Default)]
pub(super) struct Alive {
    stopped: Mutex<bool>,
    changed: Condvar,
}

impl Alive {
    pub(super) fn stop(&self) {
        *self.stopped.lock() = true;
        self.changed.notify_all();
    }

    /// Sleeps until `due`; false when the session is over.
    pub(super) fn sleep_until(&self, due: Instant) -> bool {
        let mut stopped = self.stopped.lock();
        while !*stopped && !self.changed.wait_until(&mut stopped, due).timed_out() {}
        !*stopped
    }
}

/// Everything the capture thread owns.
pub(super) struct Camera {
    pub(super) shared: Arc<Shared>,
    pub(super) row: &'static EncoderRow,
    pub(super) format: VideoFormat,
    pub(super) stream: RtpStream,
    pub(super) packets: Sender<Packets>,
    pub(super) commands: Receiver<Command>,
    pub(super) origin: Origin,
    pub(super) alive: Arc<Alive>,
}

/// State of the running loop.
struct Running {
    encoder: VideoEncoder,
    payloader: VideoPayloader,
    tracker: InputTracker,
    key_wanted: bool,
    last_key: Option<Instant>,
    last_slow_rate: Instant,
    drawn_micros: u64,
    dropped: u64,
}

/// Ends the session when one of its threads leaves, also by a panic: nobody else would, and its place would stay taken.
pub(super) struct Leaving {
    pub(super) shared: Arc<Shared>,
    pub(super) alive: Arc<Alive>,
    /// The session goes on without that thread, if it left in peace.
    pub(super) dispensable: bool,
}

impl Drop for Leaving {
    fn drop(&mut self) {
        if !self.dispensable || std::thread::panicking() {
            self.shared.finish(GoodbyeCode::Error);
            self.alive.stop();
        }
    }
}

impl Camera {
    pub(super) fn run(mut self) {
        let (shared, alive) = (Arc::clone(&self.shared), Arc::clone(&self.alive));
        let _leaving = Leaving { shared, alive, dispensable: false };
        if let Err(error) = self.film() {
            tracing::error!(session = %self.shared.id, %error, "capture failed");
            self.shared.fail(format!("the picture cannot be encoded ({error})"));
        }
    }

    fn open(&self) -> Result<Running, crate::encoder::EncoderError> {
        let encoder = VideoEncoder::open(self.row, self.affordable(self.format))?;
        let payloader = VideoPayloader::new(self.row.codec);
        Ok(Running {
            encoder,
            payloader,
            tracker: InputTracker::new(),
            key_wanted: true,
            last_key: None,
            last_slow_rate: self.origin.at,
            // Not now: opening the encoder took time, and the sound counts from the origin.
            drawn_micros: self.origin.micros,
            dropped: 0,
        })
    }

    fn film(&mut self) -> Result<(), crate::encoder::EncoderError> {
        let mut running = self.open()?;
        let filmed = self.film_with(&mut running);
        // The game may go on in another session, where nobody would let go of what is held now.
        let mut game = self.shared.game.lock();
        running.tracker.release(|what| game.input(&what));
        drop(game);
        filmed
    }

    fn film_with(&mut self, running: &mut Running) -> Result<(), crate::encoder::EncoderError> {
        let mut due = clock::now();
        loop {
            if !self.wait(running, due) {
                return Ok(());
            }
            if !self.frame(running)? {
                return Ok(());
            }
            let interval = Duration::from_nanos(1_000_000_000 / u64::from(self.format.fps.max(1)));
            due += interval;
            let now = clock::now();
            // A late frame is followed by the next one on the grid; frames that are wholly past are not made up.
            while due + interval < now {
                due += interval;
            }
        }
    }

    /// Obeys commands until `due`; false = stop.
    fn wait(&mut self, running: &mut Running, due: Instant) -> bool {
        loop {
            let left = due.saturating_duration_since(clock::now());
            let command = if left.is_zero() {
                match self.commands.try_recv() {
                    Ok(command) => command,
                    Err(_) => return true,
                }
            } else {
                match self.commands.recv_timeout(left) {
                    Ok(command) => command,
                    Err(RecvTimeoutError::Timeout) => return true,
                    Err(RecvTimeoutError::Disconnected) => return false,
                }
            };
            if !self.obey(running, command) {
                return false;
            }
        }
    }

    fn obey(&mut self, running: &mut Running, command: Command) -> bool {
        match command {
            Command::Stop => return false,
            Command::Input(bytes) => match InputPacket::parse(&bytes) {
                Ok(packet) => {
                    let before = running.tracker.stamp_micros();
                    let mut game = self.shared.game.lock();
                    running.tracker.accept(&packet, |what| game.input(&what));
                    // A client repeats its state while nobody touches anything; only the stamp tells.
                    if running.tracker.stamp_micros() > before {
                        self.shared.played();
                    }
                }
                Err(error) => tracing::debug!(session = %self.shared.id, %error, "input packet ignored"),
            },
            Command::Text(text) => self.shared.game.lock().input(&PlayerInput::Text(text)),
            Command::Format(wanted) => self.change(running, wanted),
        }
        self.pass_feedback();
        true
    }

    fn change(&mut self, running: &mut Running, wanted: VideoFormat) {
        let mut format = wanted.nearest();
        if wanted.bitrate_kbps == 0 {
            let same =
                (format.width, format.height, format.fps) == (self.format.width, self.format.height, self.format.fps);
            // Unchanged means the same quality: another size keeps its usual share.
            format.bitrate_kbps = if same {
                self.format.bitrate_kbps
            } else {
                VideoFormat::usual_kbps(format.width, format.height, format.fps)
            };
        }
        if format != self.format {
            match VideoEncoder::open(self.row, self.affordable(format)) {
                Ok(encoder) => {
                    running.encoder = encoder;
                    running.key_wanted = true;
                    running.last_key = None;
                    self.format = format;
                    self.shared.feedback.set_ceiling(u64::from(format.bitrate_kbps) * 1000);
                }
                Err(error) => self.shared.tell(Control::Notice { text: error.to_string() }),
            }
        }
        self.confirm();
    }

    /// The format with the bit rate that the path carries now.
    fn affordable(&self, format: VideoFormat) -> VideoFormat {
        let bitrate_kbps = self.shared.feedback.target_below(u64::from(format.bitrate_kbps) * 1000);
        VideoFormat { bitrate_kbps, ..format }
    }

    fn confirm(&self) {
        let VideoFormat { width, height, fps, bitrate_kbps } = self.format;
        self.shared.tell(Control::Format { width, height, fps, bitrate_kbps: Some(bitrate_kbps) });
    }

    fn pass_feedback(&self) {
        let mut game = self.shared.game.lock();
        // Bounded: a game that never stops asking must not hold the thread.
        for _ in 0..8 {
            match game.feedback() {
                Some(PadFeedback::Rumble { pad, low, high, millis }) => {
                    self.shared.tell(Control::Rumble { pad, low, high, millis });
                }
                Some(PadFeedback::Light { pad, rgb: [r, g, b] }) => {
                    self.shared.tell(Control::Light { pad, r, g, b });
                }
                None => break,
            }
        }
    }

    /// Draws, encodes and hands over one frame; false when the connection is gone.
    fn frame(&mut self, running: &mut Running) -> Result<bool, crate::encoder::EncoderError> {
        self.follow_rate(running);
        let captured = clock::monotonic_micros();
        let echo = running.tracker.stamp_micros();
        let Some(mut canvas) = running.encoder.canvas() else { return Ok(true) };
        {
            let mut game = self.shared.game.lock();
            // Nobody holds anything any more when the client is not heard.
            running.tracker.silence(clock::now(), |what| game.input(&what));
            game.step(captured.saturating_sub(running.drawn_micros));
            game.draw(&mut canvas);
        }
        running.drawn_micros = captured;
        let (cells_wide, rows) =
            (timecode::CELLS * timecode::CELL_WIDTH / 2, timecode::ROWS * timecode::CELL_HEIGHT / 2);
        for plane in [&mut *canvas.u, &mut *canvas.v] {
            for line in plane.chunks_exact_mut(canvas.uv_stride).take(rows) {
                if let Some(strip) = line.get_mut(..cells_wide) {
                    strip.fill(128);
                }
            }
        }
        timecode::draw(canvas.y, canvas.y_stride, captured, echo);
        self.pass_feedback();
        running.key_wanted |= self.shared.feedback.take_key();
        let now = clock::now();
        let key = running.key_wanted
            && running.last_key.is_none_or(|last| now.saturating_duration_since(last) >= KEY_SPACING);
        let Some(encoded) = running.encoder.encode(key)? else { return Ok(true) };
        if key {
            running.key_wanted = false;
        }
        if encoded.key {
            running.last_key = Some(now);
        }
        let media_micros = captured.saturating_sub(self.origin.micros);
        // 90 kHz from microseconds; the wrap at 32 bits is RTP's own.
        #[allow(clippy::cast_possible_truncation, reason = "RTP time is modulo 2^32")]
        let timestamp = (media_micros * 9 / 100) as u32;
        let payloads = running.payloader.split(&encoded.data, encoded.key);
        match self.packets.try_send(self.stream.packets(payloads, timestamp, true)) {
            Ok(()) => Ok(true),
            Err(TrySendError::Full(_)) => {
                running.dropped += 1;
                running.key_wanted = true;
                tracing::debug!(session = %self.shared.id, dropped = running.dropped, "frame dropped before sending");
                Ok(true)
            }
            Err(TrySendError::Closed(_)) => Ok(false),
        }
    }

    /// Brings the encoder to what the path carries. When that fails it goes on as it is, and may succeed later.
    fn follow_rate(&self, running: &mut Running) {
        let target = self.shared.feedback.target_kbps();
        let current = running.encoder.format().bitrate_kbps;
        let changed = if self.row.live_rate {
            // Below two percent a change is not worth the encoder's reconfiguration.
            if target.abs_diff(current) * 50 <= current {
                return;
            }
            running.encoder.set_bitrate_kbps(target)
        } else {
            let now = clock::now();
            let since = now.saturating_duration_since(running.last_slow_rate);
            if !is_step(since, current, target, self.format.bitrate_kbps) {
                return;
            }
            running.last_slow_rate = now;
            let changed = running.encoder.set_bitrate_kbps(target);
            if changed.is_ok() {
                running.key_wanted = true;
                running.last_key = None;
            }
            changed
        };
        if let Err(error) = changed {
            tracing::warn!(session = %self.shared.id, %error, current, target, "the bit rate cannot be changed");
        }
    }
}

#[cfg(test)]
mod tests;
