//! The queue between the input threads and the link: bounded, merges motion, never drops a button edge.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Mutex, PoisonError};

use entente_model::input::{InputEvent, PlayerInput, TouchPhase};

/// Events that wait before motion is merged.
const SOFT_LIMIT: usize = 256;
/// Events that wait at most. Only button edges can fill the space above the soft limit: nobody presses 4096 buttons
/// while the link thread is away, so what is refused here comes from a broken device.
const HARD_LIMIT: usize = 4096;

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It waits for the link.
    Queued,
    /// The queue was full: older motion was merged to make room. Nothing that the player pressed was lost.
    Merged,
    /// It was lost: 4096 edges wait already, or the link is gone.
    Lost,
}

/// Many producers, one consumer.
#[derive(Debug, Default)]
pub(crate) struct InputQueue {
    waiting: Mutex<VecDeque<InputEvent>>,
}

impl InputQueue {
    pub(crate) fn push(&self, event: InputEvent) -> Accepted {
        // A poisoned lock only means that a producer died between two events; the queue itself is whole.
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < SOFT_LIMIT {
            waiting.push_back(event);
            return Accepted::Queued;
        }
        // Merged when the limit is crossed and at every doubling-up after it, not for each further edge.
        if waiting.len().is_multiple_of(SOFT_LIMIT) {
            compact(&mut waiting);
        }
        if let Some(event) = merge_into(&mut waiting, event) {
            if waiting.len() >= HARD_LIMIT {
                return Accepted::Lost;
            }
            waiting.push_back(event);
        }
        Accepted::Merged
    }

    /// Moves everything that waits into `into`, which must be empty.
    pub(crate) fn take(&self, into: &mut VecDeque<InputEvent>) {
        mem::swap(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner), into);
    }
}

/// Events of one lane keep their order; only neighbours within a lane are merged.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lane {
    Pad(u8),
    Motion(u8),
    Touch(u8),
    Pointer,
    Keys,
}

const fn lane(what: &PlayerInput) -> Lane {
    match what {
        PlayerInput::PadConnected { pad, .. } | PlayerInput::PadGone { pad } | PlayerInput::Pad { pad, .. } => {
            Lane::Pad(*pad)
        }
        PlayerInput::Motion { pad, .. } => Lane::Motion(*pad),
        PlayerInput::Touch { contact, .. } => Lane::Touch(contact.id),
        PlayerInput::PointerMove { .. }
        | PlayerInput::PointerTo { .. }
        | PlayerInput::PointerButton { .. }
        | PlayerInput::Wheel { .. } => Lane::Pointer,
        PlayerInput::Key { .. } | PlayerInput::Text(_) => Lane::Keys,
    }
}

/// Merges `new` into `old` when both together say the same; `new` is what happened later.
fn merge(old: &mut PlayerInput, new: &PlayerInput) -> bool {
    use PlayerInput as P;
    match (old, new) {
        (P::Pad { state: old, .. }, P::Pad { state: new, .. }) if old.buttons == new.buttons => *old = *new,
        (P::Motion { motion: old, .. }, P::Motion { motion: new, .. }) => *old = *new,
        (P::Touch { contact: old, phase: TouchPhase::Move }, P::Touch { contact: new, phase: TouchPhase::Move }) => {
            *old = *new
        }
        (P::PointerMove { dx, dy }, P::PointerMove { dx: more_x, dy: more_y }) => {
            *dx = dx.saturating_add(*more_x);
            *dy = dy.saturating_add(*more_y);
        }
        (P::PointerTo { x, y }, P::PointerTo { x: new_x, y: new_y }) => (*x, *y) = (*new_x, *new_y),
        (P::Wheel { x, y }, P::Wheel { x: more_x, y: more_y }) => {
            *x = x.saturating_add(*more_x);
            *y = y.saturating_add(*more_y);
        }
        _ => return false,
    }
    true
}

/// Merges `event` into the last one of its lane, or gives it back.
fn merge_into(waiting: &mut VecDeque<InputEvent>, event: InputEvent) -> Option<InputEvent> {
    let wanted = lane(&event.what);
    if let Some(old) = waiting.iter_mut().rev().find(|old| lane(&old.what) == wanted)
        && merge(&mut old.what, &event.what)
    {
        old.at = event.at;
        return None;
    }
    Some(event)
}

fn compact(waiting: &mut VecDeque<InputEvent>) {
    let mut kept = VecDeque::with_capacity(waiting.len());
    for event in waiting.drain(..) {
        if let Some(event) = merge_into(&mut kept, event) {
            kept.push_back(event);
        }
    }
    *waiting = kept;
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use entente_model::input::{Buttons, PadState};

    use super::*;

    fn pad(buttons: Buttons, left_x: i16) -> InputEvent {
        let state = PadState { buttons, left_x, ..PadState::default() };
        InputEvent { at: Instant::now(), what: PlayerInput::Pad { pad: 0, state } }
    }

    fn drained(queue: &InputQueue) -> Vec<PlayerInput> {
        let mut taken = VecDeque::new();
        queue.take(&mut taken);
        taken.into_iter().map(|event| event.what).collect()
    }

    #[test]
    fn a_full_queue_keeps_every_edge_and_the_last_stick() {
        let queue = InputQueue::default();
        let mut edges = 0;
        let mut last = Buttons::empty();
        for step in 0..5000_i16 {
            let buttons = if step % 50 < 25 { Buttons::empty() } else { Buttons::SOUTH };
            edges += usize::from(buttons != last);
            last = buttons;
            assert_ne!(queue.push(pad(buttons, step)), Accepted::Lost);
        }
        let left = drained(&queue);
        assert!(left.len() <= SOFT_LIMIT + edges, "{} events for {edges} edges", left.len());
        let mut held = Buttons::empty();
        let mut found = 0;
        for what in &left {
            let PlayerInput::Pad { state, .. } = what else { panic!("{what:?}") };
            found += usize::from(state.buttons != held);
            held = state.buttons;
        }
        assert_eq!(found, edges);
        assert!(matches!(left.last(), Some(PlayerInput::Pad { state, .. }) if state.left_x == 4999));
    }

    #[test]
    fn pointer_motion_is_summed_not_lost_and_clicks_split_it() {
        let queue = InputQueue::default();
        for step in 0..1000 {
            let what = if step == 500 {
                PlayerInput::PointerButton { button: 0, down: true }
            } else {
                PlayerInput::PointerMove { dx: 1, dy: -2 }
            };
            queue.push(InputEvent { at: Instant::now(), what });
        }
        let left = drained(&queue);
        let click = left.iter().position(|what| matches!(what, PlayerInput::PointerButton { .. })).unwrap();
        let sum = |part: &[PlayerInput]| {
            part.iter().fold((0, 0), |(x, y), what| match what {
                PlayerInput::PointerMove { dx, dy } => (x + dx, y + dy),
                _ => (x, y),
            })
        };
        assert_eq!(sum(&left[..click]), (500, -1000));
        assert_eq!(sum(&left[click..]), (499, -998));
        assert!(left.len() <= SOFT_LIMIT);
    }

    #[test]
    fn edges_alone_are_kept_up_to_the_hard_limit() {
        let queue = InputQueue::default();
        let key = |step: usize| InputEvent {
            at: Instant::now(),
            what: PlayerInput::Key { usage: 4, down: step.is_multiple_of(2) },
        };
        for step in 0..HARD_LIMIT {
            assert_ne!(queue.push(key(step)), Accepted::Lost, "at {step}");
        }
        assert_eq!(queue.push(key(HARD_LIMIT)), Accepted::Lost);
        assert_eq!(drained(&queue).len(), HARD_LIMIT);
        assert_eq!(queue.push(key(0)), Accepted::Queued);
    }
}
