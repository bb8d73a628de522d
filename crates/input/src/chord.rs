//! Buttons held together that mean something to the player itself, such as showing the overlay.

use std::time::{Duration, Instant};

use entente_model::input::Buttons;

/// Buttons to be held together for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chord {
    /// All of these, others may be down too.
    pub buttons: Buttons,
    /// For how long.
    pub hold: Duration,
}

impl Chord {
    /// Next overlay mode: select and left shoulder for a third of a second, which no game asks for.
    pub const OVERLAY: Self =
        Self { buttons: Buttons::SELECT.union(Buttons::LEFT_SHOULDER), hold: Duration::from_millis(350) };

    /// End the session: start, select and both shoulders for a second.
    pub const QUIT: Self = Self {
        buttons: Buttons::START.union(Buttons::SELECT).union(Buttons::LEFT_SHOULDER).union(Buttons::RIGHT_SHOULDER),
        hold: Duration::from_secs(1),
    };
}

/// Finds one [`Chord`] on one pad. Fires once each time that it is held long enough.
#[derive(Clone, Copy, Debug)]
pub struct ChordDetector {
    chord: Chord,
    held_since: Option<Instant>,
    fired: bool,
}

impl ChordDetector {
    /// A detector for `chord`; one without buttons never fires.
    #[must_use]
    pub const fn new(chord: Chord) -> Self {
        Self { chord, held_since: None, fired: false }
    }

    /// Takes the buttons that are down at `now`; true when the chord fires.
    pub fn update(&mut self, buttons: Buttons, now: Instant) -> bool {
        if self.chord.buttons.is_empty() || !buttons.contains(self.chord.buttons) {
            self.held_since = None;
            self.fired = false;
            return false;
        }
        self.held_since.get_or_insert(now);
        self.poll(now)
    }

    /// True when the chord fires although nothing changed; call it at [`Self::deadline`].
    pub fn poll(&mut self, now: Instant) -> bool {
        let due = self.deadline().is_some_and(|deadline| now >= deadline);
        self.fired |= due;
        due
    }

    /// When the chord fires if all stays as it is.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        if self.fired { None } else { self.held_since.and_then(|since| since.checked_add(self.chord.hold)) }
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "one instant to count from")]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn fires_once_after_its_time_and_again_after_release() {
        let start = Instant::now();
        let mut detector = ChordDetector::new(Chord::OVERLAY);
        let both = Chord::OVERLAY.buttons;
        assert!(!detector.update(Buttons::SELECT, start));
        assert_eq!(detector.deadline(), None);
        assert!(!detector.update(both, start + 10 * MS));
        assert_eq!(detector.deadline(), Some(start + 360 * MS));
        assert!(!detector.poll(start + 359 * MS));
        assert!(detector.poll(start + 360 * MS));
        assert!(!detector.poll(start + 800 * MS));
        assert!(!detector.update(both | Buttons::SOUTH, start + 900 * MS));
        assert!(!detector.update(Buttons::SELECT, start + 1000 * MS));
        assert!(!detector.update(both, start + 1100 * MS));
        assert!(detector.update(both, start + 1500 * MS));
    }

    #[test]
    fn letting_go_starts_over() {
        let start = Instant::now();
        let mut detector = ChordDetector::new(Chord::OVERLAY);
        let both = Chord::OVERLAY.buttons;
        detector.update(both, start);
        detector.update(Buttons::LEFT_SHOULDER, start + 300 * MS);
        detector.update(both, start + 310 * MS);
        assert!(!detector.poll(start + 400 * MS));
        assert!(detector.poll(start + 660 * MS));
    }

    #[test]
    fn a_chord_of_nothing_never_fires() {
        let start = Instant::now();
        let mut detector = ChordDetector::new(Chord { buttons: Buttons::empty(), hold: Duration::ZERO });
        assert!(!detector.update(Buttons::all(), start));
        let mut at_once = ChordDetector::new(Chord { buttons: Buttons::GUIDE, hold: Duration::ZERO });
        assert!(at_once.update(Buttons::GUIDE, start));
        let mut never = ChordDetector::new(Chord { buttons: Buttons::GUIDE, hold: Duration::MAX });
        assert!(!never.update(Buttons::GUIDE, start));
    }
}
