//! Controllers as a way through the library.
#![allow(clippy::disallowed_methods, reason = "repeats are timed here")]

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Instant;

use entente_input::{Navigation, PadOptions, PadReader};
use entente_model::input::{Buttons, PadState, PlayerInput};

use crate::told::PadButton;

/// States that may wait; when full, new ones are lost, and the next one has everything again.
const WAITING: usize = 64;

/// What buttons mean.
const MEANINGS: [(Buttons, PadButton); 12] = [
    (Buttons::UP, PadButton::Up),
    (Buttons::DOWN, PadButton::Down),
    (Buttons::LEFT, PadButton::Left),
    (Buttons::RIGHT, PadButton::Right),
    (Buttons::SOUTH, PadButton::Accept),
    (Buttons::EAST, PadButton::Back),
    (Buttons::START, PadButton::Menu),
    (Buttons::WEST, PadButton::Search),
    (Buttons::NORTH, PadButton::Search),
    (Buttons::LEFT_SHOULDER, PadButton::Previous),
    (Buttons::RIGHT_SHOULDER, PadButton::Next),
    (Buttons::SELECT, PadButton::Menu),
];

/// Reads controllers until it is dropped.
pub(crate) struct Pads {
    _reader: PadReader,
}

impl Pads {
    /// `press` is called on a thread of its own.
    pub(crate) fn start(press: impl FnMut(PadButton) + Send + 'static) -> Self {
        let (sender, states) = sync_channel(WAITING);
        #[cfg(debug_assertions)]
        scripted::start(&sender);
        let sink = sink(sender);
        let thread = std::thread::Builder::new().name("navigation".to_owned()).spawn(move || follow(&states, press));
        if let Err(error) = thread {
            tracing::error!(%error, "controllers will not move through the library");
        }
        let options = PadOptions {
            rumble: false,
            notice: Box::new(|notice| tracing::info!(notice, "controllers")),
            ..PadOptions::default()
        };
        Self { _reader: PadReader::start(Box::new(sink), options) }
    }
}

fn sink(sender: SyncSender<PadState>) -> impl Fn(entente_model::input::InputEvent) + Send {
    move |event| {
        if let PlayerInput::Pad { state, .. } = event.what {
            let _ = sender.try_send(state);
        }
    }
}

fn follow(states: &Receiver<PadState>, mut press: impl FnMut(PadButton)) {
    let mut navigation = Navigation::default();
    loop {
        let next = match navigation.due() {
            Some(due) => states.recv_timeout(due.saturating_duration_since(Instant::now())),
            None => states.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        let now = Instant::now();
        match next {
            Ok(state) => meanings(navigation.take(&state, now)).for_each(&mut press),
            Err(RecvTimeoutError::Timeout) => meanings(navigation.repeat(now)).for_each(&mut press),
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn meanings(buttons: Buttons) -> impl Iterator<Item = PadButton> {
    MEANINGS.iter().filter(move |(button, _)| buttons.contains(*button)).map(|(_, meaning)| *meaning)
}

/// Presses for tests of the whole program: machines that build have no controllers. Not in a release.
#[cfg(debug_assertions)]
mod scripted {
    use std::io::{BufRead as _, BufReader};
    use std::sync::mpsc::SyncSender;

    use entente_model::input::PadState;

    use super::MEANINGS;

    /// A file, or better a pipe, with a name of [`crate::told::PadButton`] in each line.
    const VARIABLE: &str = "ENTENTE_TEST_PAD";

    pub(super) fn start(sender: &SyncSender<PadState>) {
        let Some(file) = std::env::var_os(VARIABLE) else { return };
        let sender = sender.clone();
        let read = move || {
            // A pipe opens when its writer comes.
            let Ok(file) = std::fs::File::open(file) else { return };
            for line in BufReader::new(file).lines().map_while(Result::ok) {
                let named = |meaning| serde_json::to_value(meaning).is_ok_and(|name| name == line.trim());
                let Some((button, _)) = MEANINGS.iter().find(|(_, meaning)| named(meaning)) else { continue };
                let pressed = PadState { buttons: *button, ..PadState::default() };
                if sender.send(pressed).is_err() || sender.send(PadState::default()).is_err() {
                    return;
                }
            }
        };
        let _ = std::thread::Builder::new().name("scripted-pad".to_owned()).spawn(read);
    }
}
