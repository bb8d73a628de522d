//! The present thread: waits for pictures, shows the newest, stamps it.

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use entente_model::picture::Picture;
use entente_model::time::RAISED_PRIORITY;
use entente_stats::{DropReason, Entry, FrameRecord, JournalWriter, Timecode};

use crate::error::PresentError;
use crate::overlay::OverlayModel;
use crate::placement::ScaleMode;
use crate::presenter::{Look, Presenter, RendererInfo, Shown};
use crate::slot::Slot;

/// A decoded picture with what it says about itself, ready to be shown.
#[derive(Clone, Debug)]
pub struct Ready {
    /// The picture.
    pub picture: Picture,
    /// What its strip says.
    pub timecode: Timecode,
}

impl Slot<Ready> {
    /// Puts `ready`; a picture that nobody had taken yet goes into the journal as dropped for a newer one.
    pub fn offer(&self, ready: Ready, journal: &JournalWriter) {
        if let Some(older) = self.put(ready) {
            journal.write(Entry::Dropped { frame: older.picture.frame, why: DropReason::Newer });
        }
    }
}

/// What the present thread is told from outside.
#[derive(Clone, Debug)]
pub enum Command {
    /// The window's size in pixels and its scale factor.
    Resize {
        /// Width.
        width: u32,
        /// Height.
        height: u32,
        /// Text size factor.
        scale: f32,
    },
    /// How pictures are scaled.
    Mode(ScaleMode),
    /// What lies over the picture.
    Overlay(Box<OverlayModel>),
    /// Nobody can see the window: drawing pauses.
    Occluded(bool),
    /// The window's content was lost.
    Redraw,
    /// End.
    Quit,
}

/// Commands that may wait; the thread empties the queue before each picture. A full queue means that it hangs in the
/// display: use `try_send` and drop what can be sent again (overlays, redraws).
pub const COMMANDS: usize = 64;

/// A queue for commands.
#[must_use]
pub fn command_queue() -> (Sender<Command>, Receiver<Command>) {
    bounded(COMMANDS)
}

/// What the present thread did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Frames shown.
    pub presented: u64,
    /// Frames that were taken, but never seen because a newer one came.
    pub skipped: u64,
    /// Times that a shown frame was drawn again.
    pub redrawn: u64,
}

/// As [`run`], on its own thread `present`.
///
/// # Errors
/// The thread cannot be started.
pub fn spawn<C>(
    presenter: Presenter,
    info: RendererInfo,
    slot: Slot<Ready>,
    commands: Receiver<Command>,
    journal: JournalWriter,
    clock: C,
) -> Result<JoinHandle<Result<Summary, PresentError>>, PresentError>
where
    C: Fn() -> Instant + Send + 'static,
{
    let body = move || {
        // Most systems give it to some users only; without it we go on.
        let _ = thread_priority::ThreadPriority::try_from(RAISED_PRIORITY)
            .map(thread_priority::set_current_thread_priority);
        run(presenter, info, &slot, &commands, &journal, clock)
    };
    Ok(std::thread::Builder::new().name("present".into()).spawn(body)?)
}

/// Shows pictures until [`Command::Quit`] or until the command queue is closed.
///
/// A lost GPU is replaced by the CPU once, and the journal says so.
///
/// # Errors
/// No body can draw on the window any more.
pub fn run<C>(
    presenter: Presenter,
    info: RendererInfo,
    slot: &Slot<Ready>,
    commands: &Receiver<Command>,
    journal: &JournalWriter,
    clock: C,
) -> Result<Summary, PresentError>
where
    C: Fn() -> Instant,
{
    journal.write(Entry::Renderer { name: info.name, why: info.why });
    let mut stage = Stage {
        presenter,
        slot,
        journal,
        clock,
        overlay: OverlayModel::default(),
        scale: ScaleMode::default(),
        text_scale: 1.0,
        occluded: false,
        current: None,
        redraw_at: None,
        last_shown: None,
        summary: Summary::default(),
    };
    stage.redraw_at = Some((stage.clock)());
    loop {
        let timeout = stage.redraw_at.map(|at| at.saturating_duration_since((stage.clock)()));
        match wait(slot, commands, timeout) {
            Wake::Closed => break,
            Wake::Command(command) => {
                if stage.obey(*command) {
                    break;
                }
            }
            Wake::Picture | Wake::Due => {}
        }
        // All waiting commands first, so that a burst of sizes costs one picture.
        let mut quit = false;
        while let Ok(command) = commands.try_recv() {
            quit |= stage.obey(command);
        }
        if quit {
            break;
        }
        let due = stage.redraw_at.is_some_and(|at| at <= (stage.clock)());
        // Wake-ups may be stale or swallowed: whether there is a picture is asked of the slot itself.
        if due || !slot.is_empty() {
            stage.draw()?;
        }
    }
    Ok(stage.summary)
}

enum Wake {
    Picture,
    Command(Box<Command>),
    Due,
    Closed,
}

fn wait(slot: &Slot<Ready>, commands: &Receiver<Command>, timeout: Option<Duration>) -> Wake {
    let mut select = crossbeam_channel::Select::new();
    let of_slot = select.recv(slot.woken());
    let _ = select.recv(commands);
    let ready = match timeout {
        Some(timeout) => select.select_timeout(timeout),
        None => Ok(select.select()),
    };
    match ready {
        Err(_) => Wake::Due,
        Ok(ready) if ready.index() == of_slot => {
            let _ = ready.recv(slot.woken());
            Wake::Picture
        }
        Ok(ready) => ready.recv(commands).map_or(Wake::Closed, |command| Wake::Command(Box::new(command))),
    }
}

/// The picture on the surface, or the one that should be.
struct Current {
    ready: Ready,
    chosen: Instant,
    seen: bool,
}

struct Stage<'a, C> {
    presenter: Presenter,
    slot: &'a Slot<Ready>,
    journal: &'a JournalWriter,
    clock: C,
    overlay: OverlayModel,
    scale: ScaleMode,
    text_scale: f32,
    occluded: bool,
    current: Option<Current>,
    /// When to draw without a new picture.
    redraw_at: Option<Instant>,
    last_shown: Option<Instant>,
    summary: Summary,
}

/// While pictures come at least this often, a changed overlay waits for the next one instead of causing a drawing.
const LIVE: Duration = Duration::from_millis(60);

/// Pause before drawing again when the surface could not be used.
const RETRY: Duration = Duration::from_millis(100);

impl<C: Fn() -> Instant> Stage<'_, C> {
    /// Carries out one command; true = end.
    fn obey(&mut self, command: Command) -> bool {
        match command {
            Command::Quit => return true,
            Command::Resize { width, height, scale } => {
                self.presenter.resize(width, height);
                self.text_scale = scale;
                self.redraw_soon(Duration::ZERO);
            }
            Command::Mode(scale) => {
                self.scale = scale;
                self.redraw_soon(Duration::ZERO);
            }
            Command::Overlay(overlay) => {
                if self.overlay != *overlay {
                    self.overlay = *overlay;
                    let now = (self.clock)();
                    let live = self.last_shown.is_some_and(|at| now.saturating_duration_since(at) < LIVE);
                    self.redraw_soon(if live { LIVE } else { Duration::ZERO });
                }
            }
            Command::Occluded(occluded) => {
                self.occluded = occluded;
                if !occluded {
                    self.redraw_soon(Duration::ZERO);
                }
            }
            Command::Redraw => self.redraw_soon(Duration::ZERO),
        }
        false
    }

    fn redraw_soon(&mut self, after: Duration) {
        let at = (self.clock)() + after;
        self.redraw_at = Some(self.redraw_at.map_or(at, |earlier| earlier.min(at)));
    }

    fn draw(&mut self) -> Result<(), PresentError> {
        self.redraw_at = None;
        if self.occluded {
            self.take_unseen();
            return Ok(());
        }
        match self.show() {
            Ok(Shown::Presented { queued, presented }) => self.shown(queued, presented),
            Ok(Shown::NotNow) => self.redraw_soon(RETRY),
            Err(PresentError::GpuLost(why)) => {
                let info = self.presenter.fall_back(&format!("the GPU was lost: {why}"))?;
                tracing::warn!(renderer = %info.name, why = %info.why, "renderer replaced");
                self.journal.write(Entry::Renderer { name: info.name, why: info.why });
                self.redraw_soon(Duration::ZERO);
            }
            Err(error @ (PresentError::Software(_) | PresentError::NoWindow)) => return Err(error),
            Err(error) => tracing::warn!(%error, "picture not shown"),
        }
        Ok(())
    }

    fn show(&mut self) -> Result<Shown, PresentError> {
        let Self { presenter, slot, journal, clock, overlay, scale, text_scale, current, summary, .. } = self;
        let look = Look { overlay, scale: *scale, text_scale: *text_scale };
        let mut choose = || {
            if let Some(ready) = slot.take() {
                replace(current, ready, clock(), journal, summary);
            }
            current.as_ref().map(|current| current.ready.picture.clone())
        };
        presenter.show(&mut choose, &look, &*clock)
    }

    fn shown(&mut self, queued: Instant, presented: Instant) {
        self.last_shown = Some(presented);
        let Some(current) = &mut self.current else { return };
        if current.seen {
            self.summary.redrawn += 1;
            return;
        }
        current.seen = true;
        self.summary.presented += 1;
        self.journal.write(Entry::Presented(FrameRecord {
            frame: current.ready.picture.frame,
            times: current.ready.picture.times,
            chosen: current.chosen,
            queued,
            presented,
            timecode: current.ready.timecode,
        }));
    }

    /// Keeps the newest picture for later without drawing.
    fn take_unseen(&mut self) {
        if let Some(ready) = self.slot.take() {
            let now = (self.clock)();
            replace(&mut self.current, ready, now, self.journal, &mut self.summary);
        }
    }
}

/// Makes `ready` the current picture; one that was never seen counts as dropped for a newer one.
fn replace(
    current: &mut Option<Current>,
    ready: Ready,
    chosen: Instant,
    journal: &JournalWriter,
    summary: &mut Summary,
) {
    if let Some(older) = current.replace(Current { ready, chosen, seen: false })
        && !older.seen
    {
        summary.skipped += 1;
        journal.write(Entry::Dropped { frame: older.ready.picture.frame, why: DropReason::Newer });
    }
}
