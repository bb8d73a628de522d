//! From the threads `main` and `pad` to the thread `link`.
//!
//! Bounded to [`CAPACITY`]: sticks, triggers, motion and pointer motion merge with what already waits, so they hold at
//! most one place each between two edges, and none beyond the capacity. An edge (a button, a key, a pad that comes or
//! goes, text) never merges and is never dropped for lack of room; only [`EDGE_LIMIT`] of them, far more than hands can
//! make while a link lives, bound the memory. Order is kept between any two edges, and between an edge and a movement
//! that follows it as long as there is room.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use entente_model::input::{Buttons, InputEvent, PlayerInput, TouchPhase};

/// Events that wait before movements merge across edges.
pub const CAPACITY: usize = 256;

/// Events that wait before even edges are refused, and counted as lost: the link has stopped long ago.
pub const EDGE_LIMIT: usize = 16 * CAPACITY;

/// The queue; clones are the same queue.
#[derive(Clone)]
pub struct InputQueue {
    shared: Arc<Shared>,
}

struct Shared {
    waiting: Mutex<Waiting>,
    wake: Box<dyn Fn() + Send + Sync>,
}

struct Waiting {
    events: VecDeque<Entry>,
    /// Buttons in the last event of each pad, to tell an edge from a movement.
    buttons: Vec<Buttons>,
    lost: u64,
}

struct Entry {
    event: InputEvent,
    edge: bool,
}

impl InputQueue {
    /// An empty queue. `wake` is called, on the pushing thread, each time that the queue stops being empty; the reader
    /// must then [`Self::pop`] until there is nothing left.
    #[must_use]
    pub fn new(wake: impl Fn() + Send + Sync + 'static) -> Self {
        let waiting =
            Waiting { events: VecDeque::with_capacity(CAPACITY), buttons: vec![Buttons::empty(); 256], lost: 0 };
        Self { shared: Arc::new(Shared { waiting: Mutex::new(waiting), wake: Box::new(wake) }) }
    }

    /// Adds `event`, merged with what waits where that loses nothing.
    pub fn push(&self, event: InputEvent) {
        let was_empty = {
            let mut waiting = self.lock();
            let was_empty = waiting.events.is_empty();
            waiting.push(event);
            was_empty
        };
        if was_empty {
            (self.shared.wake)();
        }
    }

    /// Takes the oldest event.
    #[must_use]
    pub fn pop(&self) -> Option<InputEvent> {
        self.lock().events.pop_front().map(|entry| entry.event)
    }

    /// Moves all events to the end of `into`, oldest first.
    pub fn drain_into(&self, into: &mut Vec<InputEvent>) {
        into.extend(self.lock().events.drain(..).map(|entry| entry.event));
    }

    /// Events that wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().events.len()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Edges that were refused because [`EDGE_LIMIT`] events waited.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lock().lost
    }

    /// A thread that panicked while pushing left whole events behind, so the queue is used on.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.shared.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for InputQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InputQueue").field("len", &self.len()).finish_non_exhaustive()
    }
}

impl Waiting {
    fn push(&mut self, mut event: InputEvent) {
        let edge = self.is_edge(&event.what);
        if !edge && let Some(index) = self.partner(&event.what) {
            let in_place = self.events.get(index).is_some_and(|entry| entry.edge);
            if in_place {
                // The entry stays a button, with its own moment; only its sticks are newer now.
                if let Some(entry) = self.events.get_mut(index) {
                    absorb(&entry.event.what, &mut event.what);
                    entry.event.what = event.what;
                }
                return;
            }
            if let Some(older) = self.events.remove(index) {
                absorb(&older.event.what, &mut event.what);
            }
        }
        if self.events.len() >= EDGE_LIMIT {
            self.lost += 1;
            return;
        }
        self.remember(&event.what);
        self.events.push_back(Entry { event, edge });
    }

    fn is_edge(&self, what: &PlayerInput) -> bool {
        match what {
            PlayerInput::Pad { pad, state } => self.buttons.get(usize::from(*pad)) != Some(&state.buttons),
            PlayerInput::Touch { phase, .. } => *phase != TouchPhase::Move,
            PlayerInput::PointerMove { .. }
            | PlayerInput::PointerTo { .. }
            | PlayerInput::Wheel { .. }
            | PlayerInput::Motion { .. } => false,
            PlayerInput::PadConnected { .. }
            | PlayerInput::PadGone { .. }
            | PlayerInput::Key { .. }
            | PlayerInput::PointerButton { .. }
            | PlayerInput::Text(_) => true,
        }
    }

    fn remember(&mut self, what: &PlayerInput) {
        let (pad, buttons) = match what {
            PlayerInput::Pad { pad, state } => (*pad, state.buttons),
            PlayerInput::PadConnected { pad, .. } | PlayerInput::PadGone { pad } => (*pad, Buttons::empty()),
            _ => return,
        };
        if let Some(slot) = self.buttons.get_mut(usize::from(pad)) {
            *slot = buttons;
        }
    }

    /// The waiting event that a movement merges with: the newest of its kind after the last edge or, when the queue is
    /// full, the newest of its kind at all.
    fn partner(&self, what: &PlayerInput) -> Option<usize> {
        let full = self.events.len() >= CAPACITY;
        for (index, entry) in self.events.iter().enumerate().rev() {
            if same_source(&entry.event.what, what) {
                // A button only takes in sticks when there is no room: its own stick position aimed it.
                let usable = !entry.edge || full && matches!(entry.event.what, PlayerInput::Pad { .. });
                return usable.then_some(index);
            }
            if entry.edge && !full || ends_source(&entry.event.what, what) {
                return None;
            }
        }
        None
    }
}

/// Whether both say the position of the same thing.
fn same_source(a: &PlayerInput, b: &PlayerInput) -> bool {
    match (a, b) {
        (PlayerInput::Pad { pad: a, .. }, PlayerInput::Pad { pad: b, .. })
        | (PlayerInput::Motion { pad: a, .. }, PlayerInput::Motion { pad: b, .. }) => a == b,
        (PlayerInput::PointerMove { .. }, PlayerInput::PointerMove { .. })
        | (PlayerInput::PointerTo { .. }, PlayerInput::PointerTo { .. })
        | (PlayerInput::Wheel { .. }, PlayerInput::Wheel { .. }) => true,
        (PlayerInput::Touch { contact: a, .. }, PlayerInput::Touch { contact: b, .. }) => a.id == b.id,
        _ => false,
    }
}

/// Whether `waiting` begins or ends the life of the pad that `what` moves, so that nothing may cross it.
fn ends_source(waiting: &PlayerInput, what: &PlayerInput) -> bool {
    let (PlayerInput::Pad { pad, .. } | PlayerInput::Motion { pad, .. }) = what else { return false };
    match waiting {
        PlayerInput::PadConnected { pad: other, .. } | PlayerInput::PadGone { pad: other } => pad == other,
        _ => false,
    }
}

/// Adds what `older` said to `newer`, where a position does not simply replace it.
const fn absorb(older: &PlayerInput, newer: &mut PlayerInput) {
    match (older, newer) {
        (PlayerInput::PointerMove { dx, dy }, PlayerInput::PointerMove { dx: x, dy: y })
        | (PlayerInput::Wheel { x: dx, y: dy }, PlayerInput::Wheel { x, y }) => {
            *x = x.saturating_add(*dx);
            *y = y.saturating_add(*dy);
        }
        _ => {}
    }
}
