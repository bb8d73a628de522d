//! When input packets leave.

use std::time::{Duration, Instant};

use entente_model::input::PlayerInput;
use entente_model::wire::input::InputEncoder;

/// While edges wait to be repeated.
const REPEAT: Duration = Duration::from_millis(8);
/// Whole state again, so that a lost last packet leaves nothing stuck.
const REFRESH: Duration = Duration::from_millis(100);
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

    pub(super) const fn deadline(&self) -> Option<Instant> {
        self.next
    }

    /// The packet that is due.
    pub(super) fn packet(&mut self, now: Instant) -> Option<Vec<u8>> {
        if !self.used || self.next.is_none_or(|next| next > now) {
            return None;
        }
        let bytes = self.encoder.packet().to_bytes();
        self.last = Some(now);
        self.next = Some(now + if self.encoder.wants_repeat() { REPEAT } else { REFRESH });
        Some(bytes)
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

    #[test]
    fn edges_leave_at_once_and_motion_is_merged() {
        let base = Instant::now();
        let at = |micros: u64| base + Duration::from_micros(micros);
        let mut sender = InputSender::default();
        assert_eq!(sender.packet(base), None, "nothing happened yet");
        sender.apply(base, &PlayerInput::PointerMove { dx: 1, dy: 0 }, 0);
        assert!(sender.packet(base).is_some());
        sender.apply(at(300), &PlayerInput::PointerMove { dx: 1, dy: 0 }, 300);
        assert!(sender.packet(at(300)).is_none() && sender.packet(at(1000)).is_some());
        sender.apply(at(1100), &PlayerInput::Key { usage: 4, down: true }, 1100);
        assert!(sender.packet(at(1100)).is_some(), "a press does not wait");
        let count = (1101..101_100).filter(|micros| sender.packet(at(*micros)).is_some()).count();
        assert_eq!(count, 7, "seven repeats; then the refresh is 100 ms away");
    }
}
