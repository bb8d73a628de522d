//! A controller as a way through lists: presses, with repeats as long as a direction is held.

use std::time::{Duration, Instant};

use entente_model::input::{Buttons, PadState};

/// How long a direction is held before it repeats.
const FIRST_REPEAT: Duration = Duration::from_millis(400);
/// Time between repeats.
const REPEAT: Duration = Duration::from_millis(90);
/// A stick counts as a direction from here on, of 32767.
const STICK_IN: u16 = 18_000;
/// And no longer below this.
const STICK_OUT: u16 = 12_000;
const DIRECTIONS: Buttons = Buttons::UP.union(Buttons::DOWN).union(Buttons::LEFT).union(Buttons::RIGHT);

/// From what is held to presses. Time comes in.
#[derive(Debug, Default)]
pub struct Navigation {
    held: Buttons,
    due: Option<Instant>,
}

impl Navigation {
    /// Presses of a new state; the left stick counts as directions.
    pub fn take(&mut self, state: &PadState, now: Instant) -> Buttons {
        let held = state.buttons | self.stick(state);
        let new = held - self.held;
        if (held ^ self.held).intersects(DIRECTIONS) {
            self.due = held.intersects(DIRECTIONS).then(|| now + FIRST_REPEAT);
        }
        self.held = held;
        new
    }

    /// When [`Navigation::repeat`] has something to say.
    #[must_use]
    pub const fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Presses of what is held still, if it is time.
    pub fn repeat(&mut self, now: Instant) -> Buttons {
        match self.due {
            Some(due) if due <= now => {
                self.due = Some(now + REPEAT);
                self.held & DIRECTIONS
            }
            _ => Buttons::empty(),
        }
    }

    /// The left stick as a direction: along the longer axis, so that a slanted push is one step and not two.
    fn stick(&self, state: &PadState) -> Buttons {
        let (x, y) = (state.left_x, state.left_y);
        let (along, positive, negative) = if x.unsigned_abs() > y.unsigned_abs() {
            (x, Buttons::RIGHT, Buttons::LEFT)
        } else {
            (y, Buttons::UP, Buttons::DOWN)
        };
        let direction = if along > 0 { positive } else { negative };
        let limit = if self.held.contains(direction) { STICK_OUT } else { STICK_IN };
        if along.unsigned_abs() >= limit { direction } else { Buttons::empty() }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "some moment to count from")]

    use super::*;

    fn holding(buttons: Buttons) -> PadState {
        PadState { buttons, ..PadState::default() }
    }

    #[test]
    fn a_press_counts_once_and_a_held_direction_again_and_again() {
        let mut navigation = Navigation::default();
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let both = Buttons::SOUTH | Buttons::DOWN;
        assert_eq!(navigation.take(&holding(both), at(0)), both);
        assert_eq!(navigation.take(&holding(Buttons::DOWN), at(10)), Buttons::empty());
        assert_eq!(navigation.repeat(at(399)), Buttons::empty());
        assert_eq!(navigation.repeat(at(400)), Buttons::DOWN);
        assert_eq!(navigation.repeat(at(489)), Buttons::empty());
        assert_eq!(navigation.repeat(at(490)), Buttons::DOWN);
        assert_eq!(navigation.take(&holding(Buttons::LEFT), at(500)), Buttons::LEFT);
        assert_eq!(navigation.repeat(at(600)), Buttons::empty());
        assert_eq!(navigation.take(&holding(Buttons::empty()), at(700)), Buttons::empty());
        assert_eq!((navigation.due(), navigation.repeat(at(5_000))), (None, Buttons::empty()));
    }

    #[test]
    fn a_stick_is_one_direction_with_room_to_tremble() {
        let mut navigation = Navigation::default();
        let now = Instant::now();
        let mut push = |left_x, left_y| navigation.take(&PadState { left_x, left_y, ..PadState::default() }, now);
        assert_eq!(push(17_000, 3), Buttons::empty());
        assert_eq!(push(20_000, 19_000), Buttons::RIGHT);
        assert_eq!(push(13_000, 0), Buttons::empty());
        assert_eq!(push(20_000, 0), Buttons::empty());
        assert_eq!(push(-32_767, 0), Buttons::LEFT);
        assert_eq!(push(0, -32_767), Buttons::DOWN);
        assert_eq!(push(0, 0), Buttons::empty());
        assert_eq!(push(0, 32_767), Buttons::UP);
    }
}
