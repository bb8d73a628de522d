//! Who may play now, and who waits in which place.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// What a request for a session is told.
#[derive(Debug)]
pub(crate) enum Turn {
    /// Play; the place is given back when this is dropped.
    Now(Slot),
    /// Wait; ask again with the ticket.
    Wait { ticket: String, position: usize, length: usize },
    /// Too many wait already.
    Full,
}

/// A place in which a session runs.
#[derive(Debug)]
pub(crate) struct Slot(Arc<Mutex<Counts>>);

impl Drop for Slot {
    fn drop(&mut self) {
        let mut counts = self.0.lock();
        counts.active = counts.active.saturating_sub(1);
    }
}

#[derive(Debug, Default)]
struct Counts {
    active: usize,
    waiting: VecDeque<Waiting>,
}

impl Counts {
    /// Forgets who did not ask again in time.
    fn expire(&mut self, now: Instant, expiry: Duration) {
        self.waiting.retain(|waiting| now.saturating_duration_since(waiting.asked) < expiry);
    }
}

#[derive(Debug)]
struct Waiting {
    ticket: String,
    asked: Instant,
}

/// The host's places and its queue.
#[derive(Debug)]
pub(crate) struct Slots {
    counts: Arc<Mutex<Counts>>,
    max_sessions: usize,
    max_queue: usize,
    expiry: Duration,
}

impl Slots {
    pub(crate) fn new(max_sessions: usize, max_queue: usize, expiry: Duration) -> Self {
        Self { counts: Arc::default(), max_sessions, max_queue, expiry }
    }

    /// Sessions and waiting clients.
    pub(crate) fn load(&self, now: Instant) -> (usize, usize) {
        let mut counts = self.counts.lock();
        counts.expire(now, self.expiry);
        (counts.active, counts.waiting.len())
    }

    /// Gives up a place in the queue; whether there was one.
    pub(crate) fn leave(&self, now: Instant, ticket: &str) -> bool {
        let mut counts = self.counts.lock();
        counts.expire(now, self.expiry);
        let before = counts.waiting.len();
        counts.waiting.retain(|waiting| waiting.ticket != ticket);
        counts.waiting.len() < before
    }

    /// Places in all.
    pub(crate) const fn places(&self) -> usize {
        self.max_sessions
    }

    /// Whether a ticket still has a place in the queue. Not a sign of life.
    pub(crate) fn waits(&self, now: Instant, ticket: &str) -> bool {
        let mut counts = self.counts.lock();
        counts.expire(now, self.expiry);
        counts.waiting.iter().any(|waiting| waiting.ticket == ticket)
    }

    /// Asks once more with the ticket of a place; `None` when the place is lost.
    pub(crate) fn ask_again(&self, now: Instant, ticket: &str) -> Option<Turn> {
        // A place that expires between the two questions comes back at the end of the queue: asked for in time.
        self.waits(now, ticket).then(|| self.ask(now, Some(ticket), || ticket.to_owned()))
    }

    /// Asks for a place. `ticket` is what an earlier answer gave; an unknown or expired one queues at the end.
    /// `fresh` makes a ticket that nobody can guess.
    pub(crate) fn ask(&self, now: Instant, ticket: Option<&str>, fresh: impl FnOnce() -> String) -> Turn {
        let mut counts = self.counts.lock();
        counts.expire(now, self.expiry);
        let known = ticket.and_then(|ticket| counts.waiting.iter().position(|waiting| waiting.ticket == ticket));
        let position = known.unwrap_or(counts.waiting.len());
        let free = self.max_sessions.saturating_sub(counts.active);
        if position < free {
            if known.is_some() {
                counts.waiting.remove(position);
            }
            counts.active += 1;
            return Turn::Now(Slot(Arc::clone(&self.counts)));
        }
        if known.is_none() {
            if counts.waiting.len() >= self.max_queue {
                return Turn::Full;
            }
            counts.waiting.push_back(Waiting { ticket: fresh(), asked: now });
        }
        let length = counts.waiting.len();
        match counts.waiting.get_mut(position) {
            Some(waiting) => {
                waiting.asked = now;
                Turn::Wait { ticket: waiting.ticket.clone(), position: position + 1, length }
            }
            None => Turn::Full,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    fn slots() -> Slots {
        Slots::new(1, 2, Duration::from_secs(10))
    }

    fn wait(turn: Turn) -> (String, usize) {
        match turn {
            Turn::Wait { ticket, position, .. } => (ticket, position),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn places_are_kept_in_order_and_newcomers_do_not_overtake() {
        let (slots, now) = (slots(), clock::now());
        let Turn::Now(first) = slots.ask(now, None, || "a".into()) else { panic!("the host is empty") };
        assert_eq!(wait(slots.ask(now, None, || "b".into())), ("b".into(), 1));
        assert_eq!(wait(slots.ask(now, None, || "c".into())), ("c".into(), 2));
        assert!(matches!(slots.ask(now, None, || "d".into()), Turn::Full));
        drop(first);
        assert_eq!(wait(slots.ask(now, Some("c"), || "x".into())), ("c".into(), 2));
        assert!(matches!(slots.ask(now, Some("b"), || "x".into()), Turn::Now(_)));
    }

    #[test]
    fn who_does_not_ask_again_loses_the_place() {
        let (slots, now) = (slots(), clock::now());
        let _playing = slots.ask(now, None, || "a".into());
        assert_eq!(wait(slots.ask(now, None, || "b".into())).1, 1);
        let later = now + Duration::from_secs(11);
        assert_eq!((slots.load(now), slots.load(later)), ((1, 1), (1, 0)));
        assert_eq!(wait(slots.ask(later, None, || "c".into())), ("c".into(), 1));
        assert_eq!(wait(slots.ask(later, Some("b"), || "e".into())), ("e".into(), 2));
    }

    #[test]
    fn who_leaves_makes_room_in_the_queue() {
        let (slots, now) = (slots(), clock::now());
        let _playing = slots.ask(now, None, || "a".into());
        wait(slots.ask(now, None, || "b".into()));
        wait(slots.ask(now, None, || "c".into()));
        assert!(slots.leave(now, "b"));
        assert!(!slots.leave(now, "b"), "once");
        assert_eq!(wait(slots.ask(now, Some("c"), || "x".into())), ("c".into(), 1));
        assert!(!slots.leave(now + Duration::from_secs(11), "c"), "it is long gone");
    }
}
