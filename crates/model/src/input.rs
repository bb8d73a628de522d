//! What a player does, in device-independent units.

use std::time::Instant;

bitflags::bitflags! {
    /// Buttons of a pad, by position (W3C standard gamepad order for the first 17).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct Buttons: u32 {
        /// Bottom face button (A, cross).
        const SOUTH = 1;
        /// Right face button (B, circle).
        const EAST = 1 << 1;
        /// Left face button (X, square).
        const WEST = 1 << 2;
        /// Top face button (Y, triangle).
        const NORTH = 1 << 3;
        /// Left shoulder.
        const LEFT_SHOULDER = 1 << 4;
        /// Right shoulder.
        const RIGHT_SHOULDER = 1 << 5;
        /// Left trigger pulled past its click point.
        const LEFT_TRIGGER = 1 << 6;
        /// Right trigger pulled past its click point.
        const RIGHT_TRIGGER = 1 << 7;
        /// Back, select, share, view.
        const SELECT = 1 << 8;
        /// Start, options, menu.
        const START = 1 << 9;
        /// Left stick pressed.
        const LEFT_STICK = 1 << 10;
        /// Right stick pressed.
        const RIGHT_STICK = 1 << 11;
        /// D-pad up.
        const UP = 1 << 12;
        /// D-pad down.
        const DOWN = 1 << 13;
        /// D-pad left.
        const LEFT = 1 << 14;
        /// D-pad right.
        const RIGHT = 1 << 15;
        /// Guide, home, PS.
        const GUIDE = 1 << 16;
        /// Touchpad click, share or microphone button.
        const EXTRA = 1 << 17;
        /// First paddle; the next three bits are the other paddles.
        const PADDLE1 = 1 << 18;
        /// Second paddle.
        const PADDLE2 = 1 << 19;
        /// Third paddle.
        const PADDLE3 = 1 << 20;
        /// Fourth paddle.
        const PADDLE4 = 1 << 21;
    }
}

/// Whole state of one pad.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PadState {
    /// Buttons held down.
    pub buttons: Buttons,
    /// Left stick right, -32767..=32767 (never -32768).
    pub left_x: i16,
    /// Left stick **up** is positive.
    pub left_y: i16,
    /// Right stick right.
    pub right_x: i16,
    /// Right stick **up** is positive.
    pub right_y: i16,
    /// Left trigger, 0..=65535.
    pub left_trigger: u16,
    /// Right trigger, 0..=65535.
    pub right_trigger: u16,
}

/// One contact on a touch surface; coordinates 0..=65535 over the picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Contact {
    /// Finger, stable while it is down.
    pub id: u8,
    /// From the left edge.
    pub x: u16,
    /// From the top edge.
    pub y: u16,
    /// 0 = unknown or hovering, 65535 = hardest.
    pub pressure: u16,
}

/// Phase of a touch contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TouchPhase {
    /// Finger came down.
    Down,
    /// Finger moved.
    Move,
    /// Finger left.
    Up,
}

/// Motion sensors of a pad.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Motion {
    /// Angular rate about x, y, z in 1/16 degree per second.
    pub gyro: [i16; 3],
    /// Acceleration along x, y, z in 1/4096 g.
    pub accel: [i16; 3],
}

/// One thing a player did. Key codes are USB HID usages of page 7 (HID Usage Tables 1.5, section 10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlayerInput {
    /// A pad is there; `name` is shown to the user.
    PadConnected {
        /// Slot 0..=15.
        pad: u8,
        /// Device name.
        name: String,
    },
    /// A pad went away.
    PadGone {
        /// Slot.
        pad: u8,
    },
    /// New state of a pad.
    Pad {
        /// Slot.
        pad: u8,
        /// Whole state.
        state: PadState,
    },
    /// Key down or up; no auto-repeat.
    Key {
        /// HID usage, page 7.
        usage: u16,
        /// Pressed.
        down: bool,
    },
    /// Relative pointer motion in device counts.
    PointerMove {
        /// To the right.
        dx: i32,
        /// Downwards.
        dy: i32,
    },
    /// Absolute pointer, 0..=65535 over the picture.
    PointerTo {
        /// From the left edge.
        x: u16,
        /// From the top edge.
        y: u16,
    },
    /// Pointer button: 0 left, 1 right, 2 middle, 3 back, 4 forward.
    PointerButton {
        /// Button.
        button: u8,
        /// Pressed.
        down: bool,
    },
    /// Wheel in 1/120 of a notch; positive is right and up (away from the user).
    Wheel {
        /// Horizontal.
        x: i32,
        /// Vertical.
        y: i32,
    },
    /// Touch contact.
    Touch {
        /// Where and how hard.
        contact: Contact,
        /// What happened.
        phase: TouchPhase,
    },
    /// Motion sensors.
    Motion {
        /// Slot.
        pad: u8,
        /// Reading.
        motion: Motion,
    },
    /// Composed text.
    Text(String),
}

/// An input with the moment at which the device reported it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputEvent {
    /// When the device reported it.
    pub at: Instant,
    /// What happened.
    pub what: PlayerInput,
}

/// Something the host wants a pad to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Feedback {
    /// Vibrate; a new command replaces the old one, zero strengths stop.
    Rumble {
        /// Slot.
        pad: u8,
        /// Heavy motor, 0.0..=1.0.
        low: f32,
        /// Light motor, 0.0..=1.0.
        high: f32,
        /// Duration in milliseconds.
        millis: u32,
    },
    /// Colour of the pad's light.
    Light {
        /// Slot.
        pad: u8,
        /// Red, green, blue.
        rgb: [u8; 3],
    },
}
