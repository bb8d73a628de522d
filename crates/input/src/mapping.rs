//! From what a device says to what is sent: shapes, remapped buttons, swapped sticks.

use entente_model::input::{Buttons, PadState};

use crate::shape::{StickShape, TriggerShape};

/// What a device says, before any mapping. Sticks are -1 to 1 with up positive, triggers 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RawPad {
    /// Buttons held down, the two triggers left out: their buttons follow from their pull.
    pub buttons: Buttons,
    /// Left stick, right and up.
    pub left: (f32, f32),
    /// Right stick, right and up.
    pub right: (f32, f32),
    /// Left trigger.
    pub left_trigger: f32,
    /// Right trigger.
    pub right_trigger: f32,
}

/// Number of buttons that the model names.
const BUTTONS: usize = Buttons::all().bits().count_ones() as usize;

/// What each button sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remap {
    targets: [Buttons; BUTTONS],
}

impl Default for Remap {
    fn default() -> Self {
        let mut targets = [Buttons::empty(); BUTTONS];
        for (bit, target) in targets.iter_mut().enumerate() {
            *target = Buttons::from_bits_truncate(1 << bit);
        }
        Self { targets }
    }
}

impl Remap {
    /// Nintendo's order of letters: A and B, X and Y change places.
    #[must_use]
    pub fn swapped_faces() -> Self {
        let mut remap = Self::default();
        for (from, to) in [
            (Buttons::SOUTH, Buttons::EAST),
            (Buttons::EAST, Buttons::SOUTH),
            (Buttons::WEST, Buttons::NORTH),
            (Buttons::NORTH, Buttons::WEST),
        ] {
            remap.set(from, to);
        }
        remap
    }

    /// Every button in `from` sends `to` from now on; empty silences it.
    pub fn set(&mut self, from: Buttons, to: Buttons) {
        for (bit, target) in self.targets.iter_mut().enumerate() {
            if from.bits() & (1 << bit) != 0 {
                *target = to;
            }
        }
    }

    /// What is sent while `held` are down.
    #[must_use]
    pub fn apply(&self, held: Buttons) -> Buttons {
        let sent = |(bit, target): (usize, &Buttons)| (held.bits() & (1 << bit) != 0).then_some(*target);
        self.targets.iter().enumerate().filter_map(sent).fold(Buttons::empty(), Buttons::union)
    }
}

/// From what a device says to what is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mapping {
    /// Shape of the left stick.
    pub left: StickShape,
    /// Shape of the right stick.
    pub right: StickShape,
    /// Shape of the left trigger.
    pub left_trigger: TriggerShape,
    /// Shape of the right trigger.
    pub right_trigger: TriggerShape,
    /// The sticks change places, after shaping.
    pub swap_sticks: bool,
    /// The right stick's up is down.
    pub invert_right_y: bool,
    /// What each button sends. A trigger that is silenced here sends no pull either.
    pub remap: Remap,
}

impl Mapping {
    /// The state to send; `before` is the one sent last, for the triggers' hysteresis.
    #[must_use]
    pub fn apply(&self, raw: &RawPad, before: TriggersDown) -> (PadState, TriggersDown) {
        let left_pull = self.left_trigger.apply(raw.left_trigger);
        let right_pull = self.right_trigger.apply(raw.right_trigger);
        let down = TriggersDown {
            left: self.left_trigger.pressed(left_pull, before.left),
            right: self.right_trigger.pressed(right_pull, before.right),
        };
        let mut held = raw.buttons - (Buttons::LEFT_TRIGGER | Buttons::RIGHT_TRIGGER);
        held.set(Buttons::LEFT_TRIGGER, down.left);
        held.set(Buttons::RIGHT_TRIGGER, down.right);
        let buttons = self.remap.apply(held);

        let mut left = self.left.apply(raw.left.0, raw.left.1);
        let mut right = self.right.apply(raw.right.0, raw.right.1);
        if self.invert_right_y {
            right.1 = -right.1;
        }
        if self.swap_sticks {
            std::mem::swap(&mut left, &mut right);
        }
        let state = PadState {
            buttons,
            left_x: stick_units(left.0),
            left_y: stick_units(left.1),
            right_x: stick_units(right.0),
            right_y: stick_units(right.1),
            left_trigger: self.pull(Buttons::LEFT_TRIGGER, left_pull, right_pull, held, buttons),
            right_trigger: self.pull(Buttons::RIGHT_TRIGGER, left_pull, right_pull, held, buttons),
        };
        (state, down)
    }

    /// Pull of the trigger `target`: of whichever trigger is mapped there, else full while a button mapped there is
    /// down.
    fn pull(&self, target: Buttons, left: f32, right: f32, held: Buttons, buttons: Buttons) -> u16 {
        let triggers = [(Buttons::LEFT_TRIGGER, left), (Buttons::RIGHT_TRIGGER, right)];
        let analog = triggers
            .into_iter()
            .filter(|(from, _)| self.remap.apply(*from).contains(target))
            .fold(0.0_f32, |most, (_, pull)| most.max(pull));
        let others = self.remap.apply(held - (Buttons::LEFT_TRIGGER | Buttons::RIGHT_TRIGGER));
        if buttons.contains(target) && others.contains(target) { u16::MAX } else { trigger_units(analog) }
    }
}

/// Which triggers' buttons are down; remembered between two calls of [`Mapping::apply`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TriggersDown {
    /// The left one's.
    pub left: bool,
    /// The right one's.
    pub right: bool,
}

/// -1..=1 as -32767..=32767.
#[expect(clippy::cast_possible_truncation, reason = "clamped; `as` saturates and makes NaN zero")]
pub(crate) fn stick_units(value: f32) -> i16 {
    (value.clamp(-1.0, 1.0) * 32767.0).round() as i16
}

/// 0..=1 as 0..=65535.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped; `as` saturates")]
fn trigger_units(value: f32) -> u16 {
    (value.clamp(0.0, 1.0) * 65535.0).round() as u16
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn map(mapping: &Mapping, raw: &RawPad) -> PadState {
        mapping.apply(raw, TriggersDown::default()).0
    }

    #[test]
    fn a_resting_pad_is_the_neutral_state() {
        let drifting = RawPad { left: (0.05, -0.03), left_trigger: 0.02, ..RawPad::default() };
        assert_eq!(map(&Mapping::default(), &drifting), PadState::default());
    }

    #[test]
    fn full_ways_reach_the_ends_of_the_range() {
        let raw = RawPad {
            buttons: Buttons::SOUTH | Buttons::UP,
            left: (1.0, 0.0),
            right: (0.0, -1.0),
            left_trigger: 1.0,
            right_trigger: 0.0,
        };
        let wanted = PadState {
            buttons: Buttons::SOUTH | Buttons::UP | Buttons::LEFT_TRIGGER,
            left_x: 32767,
            left_y: 0,
            right_x: 0,
            right_y: -32767,
            left_trigger: 65535,
            right_trigger: 0,
        };
        assert_eq!(map(&Mapping::default(), &raw), wanted);
        let other = Mapping { swap_sticks: true, invert_right_y: true, ..Mapping::default() };
        let state = map(&other, &raw);
        assert_eq!((state.left_y, state.right_x), (32767, 32767));
    }

    #[test]
    fn buttons_are_remapped() {
        let mut mapping = Mapping { remap: Remap::swapped_faces(), ..Mapping::default() };
        let raw = RawPad { buttons: Buttons::SOUTH | Buttons::WEST, ..RawPad::default() };
        assert_eq!(map(&mapping, &raw).buttons, Buttons::EAST | Buttons::NORTH);
        mapping.remap.set(Buttons::SOUTH, Buttons::empty());
        mapping.remap.set(Buttons::WEST, Buttons::UP | Buttons::LEFT);
        assert_eq!(map(&mapping, &raw).buttons, Buttons::UP | Buttons::LEFT);
    }

    #[test]
    fn triggers_and_buttons_change_places() {
        let mut mapping = Mapping::default();
        mapping.remap.set(Buttons::LEFT_SHOULDER, Buttons::LEFT_TRIGGER);
        mapping.remap.set(Buttons::LEFT_TRIGGER, Buttons::RIGHT_TRIGGER);
        mapping.remap.set(Buttons::RIGHT_TRIGGER, Buttons::empty());
        let raw = RawPad { buttons: Buttons::LEFT_SHOULDER, right_trigger: 1.0, ..RawPad::default() };
        let state = map(&mapping, &raw);
        assert_eq!((state.left_trigger, state.right_trigger, state.buttons), (65535, 0, Buttons::LEFT_TRIGGER));
        let raw = RawPad { left_trigger: 1.0, ..RawPad::default() };
        let state = map(&mapping, &raw);
        assert_eq!((state.left_trigger, state.right_trigger, state.buttons), (0, 65535, Buttons::RIGHT_TRIGGER));
    }

    #[test]
    fn a_trigger_remembers_that_it_was_down() {
        let mapping = Mapping::default();
        let mut down = TriggersDown::default();
        let mut edges = Vec::new();
        for pull in [0.0, 0.45, 0.6, 0.47, 0.6, 0.3] {
            let raw = RawPad { right_trigger: pull, ..RawPad::default() };
            let (state, now) = mapping.apply(&raw, down);
            down = now;
            edges.push(state.buttons.contains(Buttons::RIGHT_TRIGGER));
        }
        assert_eq!(edges, [false, false, true, true, true, false]);
    }

    proptest! {
        #[test]
        fn anything_a_device_says_is_in_range(bits: u32, values: [f32; 6], left: bool, right: bool) {
            let raw = RawPad {
                buttons: Buttons::from_bits_truncate(bits),
                left: (values[0], values[1]),
                right: (values[2], values[3]),
                left_trigger: values[4],
                right_trigger: values[5],
            };
            let (state, _) = Mapping::default().apply(&raw, TriggersDown { left, right });
            for axis in [state.left_x, state.left_y, state.right_x, state.right_y] {
                prop_assert!(axis != i16::MIN);
            }
        }

        #[test]
        fn without_a_remap_every_button_is_itself(bits: u32) {
            let held = Buttons::from_bits_truncate(bits);
            prop_assert_eq!(Remap::default().apply(held), held);
        }
    }
}
