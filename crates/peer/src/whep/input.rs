//! When input packets leave.

use std::time::{Duration, Instant};

use entente_model::input::PlayerInput;
use entente_model::wire::input::{InputEncoder, REFRESH};

/// While edges wait to be repeated.
const REPEAT: Duration = Duration::from_millis(8);
/// Motion within this time of the last packet travels together; an edge never waits.
const MERGE: Duration = Duration::from_millis(1);

/// The encoder and its timer.
#[derive(Debug, Default)]
pub(super) struct InputSender {
    encoder: InputEncoder,
    used: bool,
    last: Option<Instant>,
    next: Option<Instant>,
}

impl InputSender {
    /// Takes an input. It is due at once, or within a millisecond when it is motion after motion.
    pub(super) fn apply(&mut self, now: Instant, what: &PlayerInput, stamp_micros: u64) {
        let edges = self.encoder.wants_repeat();
        self.encoder.apply(what, stamp_micros);
        self.used = true;
        let fresh_edge = self.encoder.wants_repeat() && (!edges || !is_motion(what));
        let due = match self.last {
            Some(last) if !fresh_edge => now.max(last + MERGE),
            _ => now,
        };
        self.next = Some(self.next.map_or(due, |next| next.min(due)));
    }

    /// A session begins: the host gets what is held, but nothing of what was done before there was a picture to see.
    pub(super) fn restart(&mut self, now: Instant) {
        self.encoder.restart();
        self.last = None;
        self.next = self.used.then_some(now);
    }

    pub(super) const fn deadline(&self) -> Option<Instant> {
        self.next
    }

    /// The packet that is due; [`Self::sent`] has to be told what became of it.
    pub(super) fn packet(&self, now: Instant) -> Option<Vec<u8>> {
        if !self.used || self.next.is_none_or(|next| next > now) {
            return None;
        }
        Some(self.encoder.draft().to_bytes())
    }

    /// Whether the channel took the packet. What it did not take was no repeat of any edge, and is tried again.
    pub(super) fn sent(&mut self, now: Instant, taken: bool) {
        if taken {
            self.encoder.sent();
            self.last = Some(now);
        }
        self.next = Some(now + if !taken || self.encoder.wants_repeat() { REPEAT } else { REFRESH });
    }
}

const fn is_motion(what: &PlayerInput) -> bool {
    matches!(
        what,
        PlayerInput::PointerMove { .. }
            | PlayerInput::PointerTo { .. }
            | PlayerInput::Wheel { .. }
            | PlayerInput::Motion { .. }
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "a first instant")]

    use super::*;

    impl InputSender {
        /// Whether a packet was due and the channel took it.
        fn leaves(&mut self, now: Instant) -> bool {
            let due = self.packet(now).is_some();
            if due {
                self.sent(now, true);
            }
            due
        }
    }

    #[test]
    fn what_the_channel_did_not_take_is_no_repeat() {
        let base = Instant::now();
        let at = |millis: u64| base + Duration::from_millis(millis);
        let mut sender = InputSender::default();
        sender.apply(base, &PlayerInput::Key { usage: 4, down: true }, 0);
        let first = sender.packet(base);
        let mut tries = 0;
        for millis in 0..1000 {
            if sender.packet(at(millis)).is_some() {
                assert_eq!(sender.packet(at(millis)), first);
                sender.sent(at(millis), false);
                tries += 1;
            }
        }
        assert_eq!(tries, 1000 / 8, "a full channel is not asked without a pause");
        let repeats = (1000..1090).filter(|millis| sender.leaves(at(*millis))).count();
        assert_eq!(repeats, 8);
    }

    #[test]
    fn edges_leave_at_once_and_motion_is_merged() {
        let base = Instant::now();
        let at = |micros: u64| base + Duration::from_micros(micros);
        let mut sender = InputSender::default();
        assert!(!sender.leaves(base), "nothing happened yet");
        sender.apply(base, &PlayerInput::PointerMove { dx: 1, dy: 0 }, 0);
        assert!(sender.leaves(base));
        sender.apply(at(300), &PlayerInput::PointerMove { dx: 1, dy: 0 }, 300);
        assert!(!sender.leaves(at(300)) && sender.leaves(at(1000)));
        sender.apply(at(1100), &PlayerInput::Key { usage: 4, down: true }, 1100);
        assert!(sender.leaves(at(1100)), "a press does not wait");
        let count = (1101..101_100).filter(|micros| sender.leaves(at(*micros))).count();
        assert_eq!(count, 7, "seven repeats; then the refresh is 100 ms away");
    }
}
