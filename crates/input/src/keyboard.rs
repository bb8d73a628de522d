//! A pad made of a keyboard.

use entente_model::input::{Buttons, PadState};

use crate::keys::key_name;
use crate::mapping::stick_units;

/// Where a key pushes a stick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Away from the player.
    Up,
    /// Towards the player.
    Down,
    /// To the left.
    Left,
    /// To the right.
    Right,
}

/// What a key does on the pad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Holds a button.
    Button(Buttons),
    /// Pushes the left stick all the way.
    LeftStick(Direction),
    /// Pushes the right stick all the way.
    RightStick(Direction),
}

/// Which HID usage does what.
const BINDINGS: [(u16, Control); 28] = [
    (0x1A, Control::LeftStick(Direction::Up)),     // W
    (0x16, Control::LeftStick(Direction::Down)),   // S
    (0x04, Control::LeftStick(Direction::Left)),   // A
    (0x07, Control::LeftStick(Direction::Right)),  // D
    (0x60, Control::RightStick(Direction::Up)),    // Keypad 8
    (0x5A, Control::RightStick(Direction::Down)),  // Keypad 2
    (0x5C, Control::RightStick(Direction::Left)),  // Keypad 4
    (0x5E, Control::RightStick(Direction::Right)), // Keypad 6
    (0x52, Control::Button(Buttons::UP)),
    (0x51, Control::Button(Buttons::DOWN)),
    (0x50, Control::Button(Buttons::LEFT)),
    (0x4F, Control::Button(Buttons::RIGHT)),
    (0x2C, Control::Button(Buttons::SOUTH)),          // Space
    (0x0E, Control::Button(Buttons::EAST)),           // K
    (0x0D, Control::Button(Buttons::WEST)),           // J
    (0x0C, Control::Button(Buttons::NORTH)),          // I
    (0x14, Control::Button(Buttons::LEFT_SHOULDER)),  // Q
    (0x08, Control::Button(Buttons::RIGHT_SHOULDER)), // E
    (0x18, Control::Button(Buttons::LEFT_TRIGGER)),   // U
    (0x12, Control::Button(Buttons::RIGHT_TRIGGER)),  // O
    (0x1D, Control::Button(Buttons::LEFT_STICK)),     // Z
    (0x06, Control::Button(Buttons::RIGHT_STICK)),    // C
    (0x28, Control::Button(Buttons::START)),          // Enter
    (0x58, Control::Button(Buttons::START)),          // Keypad Enter
    (0x2A, Control::Button(Buttons::SELECT)),         // Backspace
    (0x4A, Control::Button(Buttons::GUIDE)),          // Home
    (0xE1, Control::Button(Buttons::WEST)),           // Left Shift
    (0x09, Control::Button(Buttons::NORTH)),          // F
];

/// What the key with this HID usage (page 7) does on the pad.
#[must_use]
pub fn binding(usage: u16) -> Option<Control> {
    BINDINGS.iter().find(|(bound, _)| *bound == usage).map(|(_, control)| *control)
}

/// Each bound key and what it does, in words, for help texts.
pub fn bindings() -> impl Iterator<Item = (&'static str, String)> {
    BINDINGS.iter().filter_map(|(usage, control)| Some((key_name(*usage)?, describe(*control))))
}

fn describe(control: Control) -> String {
    let way = |direction| match direction {
        Direction::Up => "up",
        Direction::Down => "down",
        Direction::Left => "left",
        Direction::Right => "right",
    };
    match control {
        Control::Button(buttons) => {
            buttons.iter_names().map(|(name, _)| name.to_lowercase().replace('_', " ")).collect::<Vec<_>>().join(" + ")
        }
        Control::LeftStick(direction) => format!("left stick {}", way(direction)),
        Control::RightStick(direction) => format!("right stick {}", way(direction)),
    }
}

/// One axis that two keys push; of two opposite keys the later one wins, and the other comes back when it is let go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct KeyAxis {
    negative: bool,
    positive: bool,
    last_positive: bool,
}

impl KeyAxis {
    const fn push(&mut self, positive: bool, down: bool) {
        if positive {
            self.positive = down;
        } else {
            self.negative = down;
        }
        if down {
            self.last_positive = positive;
        }
    }

    const fn value(self) -> f32 {
        match (self.negative, self.positive) {
            (false, false) => 0.0,
            (true, false) => -1.0,
            (false, true) => 1.0,
            (true, true) => {
                if self.last_positive {
                    1.0
                } else {
                    -1.0
                }
            }
        }
    }
}

/// Keeps the pad that the held keys make.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeyboardPad {
    /// One bit for each entry of [`BINDINGS`].
    held: u32,
    left: (KeyAxis, KeyAxis),
    right: (KeyAxis, KeyAxis),
    state: PadState,
}

impl KeyboardPad {
    /// A pad with no key held.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a key going down or up; the new state when that changed something.
    pub fn apply(&mut self, usage: u16, down: bool) -> Option<PadState> {
        let index = BINDINGS.iter().position(|(bound, _)| *bound == usage)?;
        let bit = 1_u32 << index;
        if (self.held & bit != 0) == down {
            return None;
        }
        self.held ^= bit;
        match binding(usage)? {
            Control::Button(_) => {}
            Control::LeftStick(direction) => push(&mut self.left, direction, down),
            Control::RightStick(direction) => push(&mut self.right, direction, down),
        }
        self.settle()
    }

    /// Lets go of all keys, as when the window loses the focus; the new state when that changed something.
    pub fn release_all(&mut self) -> Option<PadState> {
        let state = self.state;
        *self = Self { state, ..Self::default() };
        self.settle()
    }

    /// The state now.
    #[must_use]
    pub const fn state(&self) -> PadState {
        self.state
    }

    fn settle(&mut self) -> Option<PadState> {
        let mut buttons = Buttons::empty();
        for (index, (_, control)) in BINDINGS.iter().enumerate() {
            if let Control::Button(button) = control
                && self.held & (1 << index) != 0
            {
                buttons |= *button;
            }
        }
        let (left_x, left_y) = stick(self.left);
        let (right_x, right_y) = stick(self.right);
        let full = |trigger| if buttons.contains(trigger) { u16::MAX } else { 0 };
        let (left_trigger, right_trigger) = (full(Buttons::LEFT_TRIGGER), full(Buttons::RIGHT_TRIGGER));
        let state = PadState { buttons, left_x, left_y, right_x, right_y, left_trigger, right_trigger };
        let changed = state != self.state;
        self.state = state;
        changed.then_some(state)
    }
}

const fn push(stick: &mut (KeyAxis, KeyAxis), direction: Direction, down: bool) {
    match direction {
        Direction::Up => stick.1.push(true, down),
        Direction::Down => stick.1.push(false, down),
        Direction::Left => stick.0.push(false, down),
        Direction::Right => stick.0.push(true, down),
    }
}

/// Diagonals lie on the circle, as with a real stick.
fn stick((x, y): (KeyAxis, KeyAxis)) -> (i16, i16) {
    let (x, y) = (x.value(), y.value());
    let length = x.hypot(y).max(1.0);
    (stick_units(x / length), stick_units(y / length))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::keys::key_usage;

    fn key(pad: &mut KeyboardPad, name: &str, down: bool) -> Option<PadState> {
        pad.apply(key_usage(name).unwrap(), down)
    }

    #[test]
    fn buttons_sticks_and_triggers() {
        let mut pad = KeyboardPad::new();
        assert_eq!(key(&mut pad, "Space", true).unwrap().buttons, Buttons::SOUTH);
        assert_eq!(key(&mut pad, "Enter", true).unwrap().buttons, Buttons::SOUTH | Buttons::START);
        assert_eq!(key(&mut pad, "Space", false).unwrap().buttons, Buttons::START);
        assert_eq!(key(&mut pad, "W", true).unwrap().left_y, 32767);
        let diagonal = key(&mut pad, "D", true).unwrap();
        assert_eq!((diagonal.left_x, diagonal.left_y), (23170, 23170));
        assert_eq!(key(&mut pad, "U", true).unwrap().left_trigger, 65535);
        assert_eq!(key(&mut pad, "Keypad 2", true).unwrap().right_y, -32767);
        assert_eq!(key(&mut pad, "Up", true).unwrap().buttons, Buttons::START | Buttons::LEFT_TRIGGER | Buttons::UP);
        assert_eq!(pad.release_all(), Some(PadState::default()));
        assert_eq!(pad.release_all(), None);
    }

    #[test]
    fn repeats_and_unbound_keys_change_nothing() {
        let mut pad = KeyboardPad::new();
        assert!(key(&mut pad, "J", true).is_some());
        assert_eq!(key(&mut pad, "J", true), None);
        assert_eq!(key(&mut pad, "F5", true), None);
        assert_eq!(pad.apply(u16::MAX, true), None);
        assert_eq!(key(&mut pad, "K", false), None);
    }

    #[test]
    fn of_opposite_keys_the_later_wins_and_the_other_comes_back() {
        let mut pad = KeyboardPad::new();
        assert_eq!(key(&mut pad, "A", true).unwrap().left_x, -32767);
        assert_eq!(key(&mut pad, "D", true).unwrap().left_x, 32767);
        assert_eq!(key(&mut pad, "D", false).unwrap().left_x, -32767);
        assert_eq!(key(&mut pad, "A", false).unwrap().left_x, 0);
    }

    #[test]
    fn two_keys_on_one_button_hold_it_together() {
        let mut pad = KeyboardPad::new();
        assert!(key(&mut pad, "Enter", true).is_some());
        assert_eq!(key(&mut pad, "Keypad Enter", true), None);
        assert_eq!(key(&mut pad, "Enter", false), None);
        assert_eq!(key(&mut pad, "Keypad Enter", false), Some(PadState::default()));
    }

    #[test]
    fn every_binding_is_named_and_bound_once() {
        assert_eq!(bindings().count(), BINDINGS.len());
        for (index, (usage, _)) in BINDINGS.iter().enumerate() {
            assert!(BINDINGS[index + 1..].iter().all(|(other, _)| other != usage), "{:?}", key_name(*usage));
        }
        let help: Vec<_> = bindings().collect();
        assert!(help.contains(&("W", "left stick up".to_owned())));
        assert!(help.contains(&("Space", "south".to_owned())));
        assert!(help.contains(&("Q", "left shoulder".to_owned())));
        let all = BINDINGS.iter().fold(Buttons::empty(), |all, (_, control)| match control {
            Control::Button(button) => all | *button,
            _ => all,
        });
        assert_eq!(all.bits(), (1 << 17) - 1, "all buttons of a standard pad can be pressed");
    }

    proptest! {
        #[test]
        fn letting_go_of_every_key_is_neutral(presses in proptest::collection::vec((0_u16..0xF0, any::<bool>()), 0..200)) {
            let mut pad = KeyboardPad::new();
            for (usage, down) in &presses {
                pad.apply(*usage, *down);
            }
            for usage in 0..0xF0 {
                pad.apply(usage, false);
            }
            prop_assert_eq!(pad.state(), PadState::default());
        }
    }
}
