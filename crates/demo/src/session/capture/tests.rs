//! The capture thread alone, with games made for a test.

use std::sync::atomic::{AtomicU64, Ordering};

use entente_model::input::Feedback as PadFeedback;
use entente_model::media::VideoCodec;
use entente_model::wire::input::{InputEncoder, SILENCE};
use tokio::sync::mpsc;

use super::*;
use crate::encoder::{Layout, Machine};
use crate::games::{Canvas, Game};
use crate::rtcp::Feedback;

/// Adds up the time that it was given, and keeps the keys that are held.
#[derive(Clone, Default)]
struct Stopwatch {
    spent: Arc<AtomicU64>,
    keys: Arc<Mutex<Vec<u16>>>,
}

impl Game for Stopwatch {
    fn name(&self) -> &'static str {
        "stopwatch"
    }

    fn input(&mut self, what: &PlayerInput) {
        match what {
            PlayerInput::Key { usage, down: true } => self.keys.lock().push(*usage),
            PlayerInput::Key { usage, down: false } => self.keys.lock().retain(|held| held != usage),
            _ => {}
        }
    }

    fn step(&mut self, micros: u64) {
        self.spent.fetch_add(micros, Ordering::Relaxed);
    }

    fn draw(&mut self, _canvas: &mut Canvas<'_>) {}

    fn sound(&mut self, _out: &mut [i16]) {}

    fn feedback(&mut self) -> Option<PadFeedback> {
        None
    }
}

/// A camera whose media time began `age` ago, and where its frames go.
fn camera(game: Box<dyn Game>, age: Duration) -> Option<(Camera, mpsc::Receiver<Packets>)> {
    let Some(row) = Machine::get().encoders.first().copied() else {
        println!("skipped: no encoder here");
        return None;
    };
    let format = VideoFormat { width: 640, height: 360, fps: 60, bitrate_kbps: 1000 };
    let feedback = Arc::new(Feedback::new(1_000_000, false));
    let (shared, commands, _) = Shared::new("test".to_owned(), Arc::new(Mutex::new(game)), "test".to_owned(), feedback);
    let (packets, frames) = mpsc::channel(64);
    let stream = RtpStream { ssrc: 1, payload_type: 96, sequence: 0, first_timestamp: 0, playout_delay: None };
    let micros = clock::monotonic_micros() - u64::try_from(age.as_micros()).unwrap();
    let origin = Origin { at: clock::now() - age, micros };
    Some((Camera { shared, row, format, stream, packets, commands, origin, alive: Arc::default() }, frames))
}

#[test]
fn the_time_of_a_game_is_the_time_of_the_streams() {
    let game = Stopwatch::default();
    let spent = Arc::clone(&game.spent);
    let Some((mut camera, mut frames)) = camera(Box::new(game), Duration::from_millis(300)) else { return };
    let mut running = camera.open().unwrap();
    for _ in 0..3 {
        assert!(camera.frame(&mut running).unwrap());
        let timestamp = frames.try_recv().unwrap()[0].header.timestamp;
        assert_eq!(u64::from(timestamp), spent.load(Ordering::Relaxed) * 9 / 100);
        assert!(timestamp >= 300 * 90, "the game did not stand still while the encoder was opened: {timestamp}");
    }
}

#[test]
fn a_client_that_falls_silent_holds_nothing() {
    let game = Stopwatch::default();
    let Some((mut camera, _frames)) = camera(Box::new(game.clone()), Duration::ZERO) else { return };
    let mut running = camera.open().unwrap();
    let mut encoder = InputEncoder::new();
    encoder.apply(&PlayerInput::Key { usage: 26, down: true }, 1000);
    for heard in [true, false, true] {
        if heard {
            assert!(camera.obey(&mut running, Command::Input(encoder.packet().to_bytes().into())));
        } else {
            camera.alive.sleep_until(clock::now() + SILENCE);
        }
        camera.frame(&mut running).unwrap();
        assert_eq!(*game.keys.lock(), if heard { vec![26] } else { vec![] });
    }
}

#[test]
fn an_encoder_is_opened_anew_only_when_it_is_worth_a_key_frame() {
    let second = Duration::from_secs(1);
    let asked = 10_000;
    assert!(!is_step(second, 4000, 1000, asked), "not too often");
    assert!(is_step(2 * second, 4000, 3000, asked) && !is_step(2 * second, 4000, 3001, asked));
    assert!(!is_step(4 * second, 2500, asked, asked), "a rise can wait");
    assert!(is_step(5 * second, 4000, 6000, asked) && !is_step(60 * second, 4000, 5999, asked));
    assert!(is_step(5 * second, 8000, asked, asked), "the last rise may be smaller");
    assert!(!is_step(60 * second, 9000, asked, asked) && !is_step(60 * second, asked, asked, asked));
    // From the start to all that is asked for in one step.
    let (mut current, mut last, mut steps) = (2500, Duration::ZERO, 0);
    for tick in 0..600_u32 {
        let (at, seconds) = (tick * second / 10, f64::from(tick) / 10.0);
        let target = ((2500.0 * 1.5_f64.powf(seconds)) as u32).min(asked);
        if is_step(at - last, current, target, asked) {
            (current, last, steps) = (target, at, steps + 1);
        }
    }
    assert_eq!((current, steps), (asked, 1));
}

/// Fails when it should draw.
struct Broken;

impl Game for Broken {
    fn name(&self) -> &'static str {
        "broken"
    }

    fn input(&mut self, _what: &PlayerInput) {}

    fn step(&mut self, _micros: u64) {}

    fn draw(&mut self, _canvas: &mut Canvas<'_>) {
        panic!("a game with a mistake (part of a test)");
    }

    fn sound(&mut self, _out: &mut [i16]) {}

    fn feedback(&mut self) -> Option<PadFeedback> {
        None
    }
}

#[test]
fn a_game_that_panics_ends_its_session() {
    let Some((camera, _frames)) = camera(Box::new(Broken), Duration::ZERO) else { return };
    let (shared, alive) = (Arc::clone(&camera.shared), Arc::clone(&camera.alive));
    let thread = std::thread::Builder::new().spawn(move || camera.run()).unwrap();
    assert!(thread.join().is_err());
    assert_eq!(shared.end.borrow().as_ref().map(|end| end.code), Some(GoodbyeCode::Error));
    assert!(!alive.sleep_until(clock::now()), "the sound stops as well");
    assert!(shared.commands.send(Command::Stop).is_err(), "nobody waits for a thread that is gone");
}

#[test]
fn an_encoder_that_cannot_be_opened_anew_goes_on_as_it_is() {
    // x264 refuses a bit rate beyond all measure.
    static SLOW: EncoderRow = EncoderRow {
        name: "libx264",
        codec: VideoCodec::H264,
        hardware: false,
        live_rate: false,
        layout: Layout::I420,
        threads_large: 1,
        threads_small: 1,
        options: &[("preset", "ultrafast"), ("tune", "zerolatency")],
    };
    let Some((mut camera, mut frames)) = camera(Box::new(Stopwatch::default()), SLOW_RISE_SPACING) else { return };
    camera.row = &SLOW;
    let Ok(mut running) = camera.open() else {
        println!("skipped: no libx264 here");
        return;
    };
    camera.shared.feedback.set_ceiling(u64::from(u32::MAX) * 1000);
    assert!(camera.frame(&mut running).unwrap(), "the session goes on");
    assert_eq!(running.encoder.format().bitrate_kbps, 1000);
    assert!(frames.try_recv().is_ok());
    assert!(clock::now().saturating_duration_since(running.last_slow_rate) < SLOW_RISE_SPACING, "it was tried");
}
