//! Controllers, and the probe that stands in for a player when nobody plays.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use entente_drive::Handle;
use entente_engine::OverlayControl;
use entente_input::{Chord, ChordDetector, PadOptions, PadReader, SLOTS};
use entente_model::input::{Buttons, Feedback, InputEvent, PadState, PlayerInput};

/// What a held chord asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Asked {
    /// The next overlay mode.
    Overlay,
    /// The end of the game.
    Quit,
}

/// The player's own chords on one pad.
#[derive(Clone, Copy, Debug)]
struct Chords {
    overlay: ChordDetector,
    quit: ChordDetector,
}

impl Chords {
    const fn new() -> Self {
        Self { overlay: ChordDetector::new(Chord::OVERLAY), quit: ChordDetector::new(Chord::QUIT) }
    }

    fn update(&mut self, buttons: Buttons, now: Instant) {
        // What fires is seen by `poll`, which the main thread calls often enough.
        self.overlay.update(buttons, now);
        self.quit.update(buttons, now);
    }

    fn poll(&mut self, now: Instant) -> Option<Asked> {
        let quit = self.quit.poll(now);
        let overlay = self.overlay.poll(now);
        if quit { Some(Asked::Quit) } else { overlay.then_some(Asked::Overlay) }
    }
}

/// The chords of all pads: buttons of two pads together are nobody's chord.
type AllChords = Arc<Mutex<[Chords; SLOTS]>>;

/// Running controllers.
pub(crate) struct Pads {
    reader: PadReader,
    count: Arc<AtomicUsize>,
    chords: AllChords,
}

impl Pads {
    /// Starts reading; events go to the link from the pad thread itself.
    pub(crate) fn start(handle: Handle, overlay: OverlayControl) -> Self {
        let count = Arc::new(AtomicUsize::new(0));
        let chords: AllChords = Arc::new(Mutex::new([Chords::new(); SLOTS]));
        let (known, pressed, notices) = (Arc::clone(&count), Arc::clone(&chords), overlay.clone());
        let trouble = overlay.clone();
        let notice = move |line: String| {
            tracing::info!("{line}");
            trouble.add_notice(line);
        };
        let options = PadOptions { notice: Box::new(notice), ..PadOptions::default() };
        let update = move |pad: u8, buttons: Buttons, at: Instant| {
            let mut all = pressed.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(chords) = all.get_mut(usize::from(pad)) {
                chords.update(buttons, at);
            }
        };
        let sink = move |event: InputEvent| {
            match &event.what {
                PlayerInput::PadConnected { name, .. } => {
                    known.fetch_add(1, Ordering::Relaxed);
                    notices.set_notice(format!("Controller connected: {name}"));
                }
                PlayerInput::PadGone { pad } => {
                    update(*pad, Buttons::empty(), event.at);
                    let _ = known.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| count.checked_sub(1));
                    notices.set_notice(String::from("Controller gone"));
                }
                PlayerInput::Pad { pad, state } => update(*pad, state.buttons, event.at),
                _ => {}
            }
            handle.send_input(event);
        };
        Self { reader: PadReader::start(Box::new(sink), options), count, chords }
    }

    /// Whether a real controller is there.
    pub(crate) fn connected(&self) -> bool {
        self.count.load(Ordering::Relaxed) > 0
    }

    /// A chord that has been held long enough since the last call.
    pub(crate) fn asked(&self) -> Option<Asked> {
        let now = Instant::now();
        let mut all = self.chords.lock().unwrap_or_else(PoisonError::into_inner);
        // Each is asked, so that none fires later; quitting comes before all else.
        all.iter_mut().filter_map(|chords| chords.poll(now)).max()
    }

    /// A slot that no controller has or will get, for a pad that is made of something else.
    pub(crate) fn claim_slot(&self) -> Option<u8> {
        self.reader.claim_slot()
    }

    /// What is felt must end when nobody plays.
    pub(crate) fn stop_rumble(&self) {
        self.reader.stop_rumble();
    }

    pub(crate) fn feedback(&self, feedback: Feedback) {
        self.reader.feedback(feedback);
    }
}

/// Sends a pad at rest about ten times a second, so that a run without a player measures input too; silent while there
/// is a controller, whose player must not be let go of. The period shares no factor with a frame, so every phase between
/// input and frame is met.
pub(crate) struct Probe {
    over: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

const PROBE: Duration = Duration::from_micros(97_310);

impl Probe {
    pub(crate) fn start(handle: Handle, pads: &Pads) -> Option<Self> {
        let over = Arc::new(AtomicBool::new(false));
        let controllers = Arc::clone(&pads.count);
        let asked = Arc::clone(&over);
        let probe = move || {
            while !asked.load(Ordering::Relaxed) && !handle.is_gone() {
                std::thread::park_timeout(PROBE);
                if controllers.load(Ordering::Relaxed) > 0 {
                    continue;
                }
                let what = PlayerInput::Pad { pad: 0, state: PadState::default() };
                handle.send_input(InputEvent { at: Instant::now(), what });
            }
        };
        let thread = std::thread::Builder::new().name(String::from("probe")).spawn(probe).ok()?;
        Some(Self { over, thread: Some(thread) })
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}
