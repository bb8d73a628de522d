//! Shows everything a player does: pads, keys, pointer, touches, motion, text.

mod page;

use entente_model::input::{Buttons, Contact, Feedback, Motion, PadState, PlayerInput, TouchPhase};

use super::{Canvas, Game, keys};
use crate::draw::Label;
use crate::sound::{Patch, Synth, Wave, note};

/// Pads shown: all that the protocol knows.
const PADS: usize = 16;
/// Keys shown as held at most; a keyboard has fewer.
const KEYS: usize = 256;
/// Points of the pointer's trail.
const TRAIL: usize = 32;
/// Lines of the log.
const LINES: usize = 8;
/// Fingers shown.
const FINGERS: usize = 10;
/// Time between two rumble commands while something is held, in microseconds.
const RUMBLE_EVERY: u64 = 100_000;
/// Duration of one rumble command in milliseconds: longer than the time between two, so that the
/// motors run through, and short, so that a lost end is soon over.
const RUMBLE_MILLIS: u32 = 250;

/// Buttons in the order of their bits, with short names.
const BUTTONS: [(Buttons, &str); 22] = [
    (Buttons::SOUTH, "SOUTH"),
    (Buttons::EAST, "EAST"),
    (Buttons::WEST, "WEST"),
    (Buttons::NORTH, "NORTH"),
    (Buttons::LEFT_SHOULDER, "LEFT SHOULDER"),
    (Buttons::RIGHT_SHOULDER, "RIGHT SHOULDER"),
    (Buttons::LEFT_TRIGGER, "LEFT TRIGGER"),
    (Buttons::RIGHT_TRIGGER, "RIGHT TRIGGER"),
    (Buttons::SELECT, "SELECT"),
    (Buttons::START, "START"),
    (Buttons::LEFT_STICK, "LEFT STICK"),
    (Buttons::RIGHT_STICK, "RIGHT STICK"),
    (Buttons::UP, "UP"),
    (Buttons::DOWN, "DOWN"),
    (Buttons::LEFT, "LEFT"),
    (Buttons::RIGHT, "RIGHT"),
    (Buttons::GUIDE, "GUIDE"),
    (Buttons::EXTRA, "EXTRA"),
    (Buttons::PADDLE1, "PADDLE 1"),
    (Buttons::PADDLE2, "PADDLE 2"),
    (Buttons::PADDLE3, "PADDLE 3"),
    (Buttons::PADDLE4, "PADDLE 4"),
];

/// One pad as it was reported.
#[derive(Clone, Default)]
struct Slot {
    there: bool,
    name: Option<Label>,
    state: PadState,
    motion: Option<Motion>,
    rumbling: bool,
    rumble: Option<Feedback>,
    light: Option<Feedback>,
}

/// Everything known about the pointer.
#[derive(Clone, Copy, Default)]
struct Pointer {
    /// Sum of all relative motion at the last points, newest first.
    trail: [(i32, i32); TRAIL],
    /// Points of the trail in use.
    length: usize,
    /// Last relative motion.
    moved: (i32, i32),
    /// Absolute, once reported.
    to: Option<(u16, u16)>,
    /// One bit per button held.
    buttons: u8,
    /// Sums of all wheel motion.
    wheel: (i64, i64),
}

/// The input test.
pub struct PadCheck {
    pads: [Slot; PADS],
    /// Usages of the keys that are held, in order.
    held: Vec<u16>,
    pointer: Pointer,
    fingers: [Option<Contact>; FINGERS],
    /// Newest first.
    log: [Option<Label>; LINES],
    events: u64,
    micros: u64,
    rumbled: u64,
    synth: Synth,
}

impl Default for PadCheck {
    fn default() -> Self {
        Self::new()
    }
}

impl PadCheck {
    /// With nothing reported yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            pads: std::array::from_fn(|_| Slot::default()),
            held: Vec::with_capacity(KEYS),
            pointer: Pointer::default(),
            fingers: [None; FINGERS],
            log: [const { None }; LINES],
            events: 0,
            micros: 0,
            rumbled: 0,
            synth: Synth::default(),
        }
    }

    fn note(&mut self, line: Label) {
        self.log.rotate_right(1);
        if let Some(newest) = self.log.first_mut() {
            *newest = Some(line);
        }
    }

    fn blip(&mut self, number: f32) {
        self.synth.play(&Patch { echo: 0.2, ..Patch::tone(Wave::Triangle, note(number), 0.07, 0.35) });
    }

    fn connect(&mut self, pad: u8, name: &str) {
        const LIGHTS: [[u8; 3]; 4] = [[0, 200, 255], [255, 40, 170], [255, 180, 40], [60, 255, 120]];
        // Over the open protocol pads have no names.
        let colon = if name.is_empty() { "" } else { ": " };
        self.note(Label::new(format_args!("PAD {pad} CONNECTED{colon}{name}")));
        if let Some(slot) = self.pads.get_mut(usize::from(pad)) {
            slot.there = true;
            slot.name = (!name.is_empty()).then(|| Label::new(format_args!("{name}")));
            let rgb = LIGHTS.get(usize::from(pad) % LIGHTS.len()).copied().unwrap_or_default();
            slot.light = Some(Feedback::Light { pad, rgb });
        }
    }

    fn pad(&mut self, pad: u8, state: PadState) {
        let Some(slot) = self.pads.get_mut(usize::from(pad)) else {
            self.note(Label::new(format_args!("PAD {pad} STATE (ONLY PADS 0 TO 15 ARE SHOWN)")));
            return;
        };
        let before = slot.state;
        (slot.state, slot.there) = (state, true);
        set_rumble(slot, pad);
        let changed = before.buttons.symmetric_difference(state.buttons);
        for (index, (button, name)) in BUTTONS.iter().enumerate().filter(|(_, (button, _))| changed.contains(*button)) {
            let down = state.buttons.contains(*button);
            self.note(Label::new(format_args!("PAD {pad} {name} {}", if down { "DOWN" } else { "UP" })));
            if down {
                self.blip(60.0 + index as f32);
            }
        }
    }

    fn key(&mut self, usage: u16, down: bool) {
        match (self.held.binary_search(&usage), down) {
            (Err(place), true) if self.held.len() < KEYS => self.held.insert(place, usage),
            (Ok(place), false) => {
                self.held.remove(place);
            }
            _ => {}
        }
        let name = keys::name(usage).unwrap_or("KEY");
        self.note(Label::new(format_args!("{name} {} (USAGE {usage:#04X})", if down { "DOWN" } else { "UP" })));
        if down {
            self.blip(52.0 + f32::from(usage % 24));
        }
    }

    fn point(&mut self, dx: i32, dy: i32) {
        let pointer = &mut self.pointer;
        let (x, y) = pointer.trail.first().copied().unwrap_or_default();
        pointer.trail.rotate_right(1);
        if let Some(newest) = pointer.trail.first_mut() {
            *newest = (x.wrapping_add(dx), y.wrapping_add(dy));
        }
        pointer.length = (pointer.length + 1).min(TRAIL);
        pointer.moved = (dx, dy);
    }

    fn touch(&mut self, contact: Contact, phase: TouchPhase) {
        let same = |finger: &&mut Option<Contact>| finger.is_some_and(|known| known.id == contact.id);
        let known = self.fingers.iter_mut().find(same);
        match (phase, known) {
            (TouchPhase::Up, Some(finger)) => *finger = None,
            (TouchPhase::Up, None) => {}
            (_, Some(finger)) => *finger = Some(contact),
            (_, None) => {
                if let Some(free) = self.fingers.iter_mut().find(|finger| finger.is_none()) {
                    *free = Some(contact);
                }
            }
        }
        match phase {
            TouchPhase::Down => {
                self.note(Label::new(format_args!("FINGER {} DOWN AT {} {}", contact.id, contact.x, contact.y)));
                self.blip(72.0);
            }
            TouchPhase::Up => self.note(Label::new(format_args!("FINGER {} UP", contact.id))),
            TouchPhase::Move => {}
        }
    }
}

/// Sets what a pad shall do now: the triggers drive their motors, south and east both.
fn set_rumble(slot: &mut Slot, pad: u8) {
    let trigger = |value: u16| if value < 2_000 { 0.0 } else { f32::from(value) / 65_535.0 };
    let held = |button: Buttons, strength: f32| if slot.state.buttons.contains(button) { strength } else { 0.0 };
    let low = trigger(slot.state.left_trigger).max(held(Buttons::SOUTH, 0.6)).max(held(Buttons::WEST, 0.8));
    let high = trigger(slot.state.right_trigger).max(held(Buttons::SOUTH, 0.6)).max(held(Buttons::EAST, 0.8));
    let on = low > 0.0 || high > 0.0;
    if on || slot.rumbling {
        slot.rumble = Some(Feedback::Rumble { pad, low, high, millis: if on { RUMBLE_MILLIS } else { 0 } });
    }
    slot.rumbling = on;
}

impl Game for PadCheck {
    fn name(&self) -> &'static str {
        "Pad Check"
    }

    fn input(&mut self, what: &PlayerInput) {
        self.events += 1;
        match what {
            PlayerInput::PadConnected { pad, name } => self.connect(*pad, name),
            PlayerInput::PadGone { pad } => {
                self.note(Label::new(format_args!("PAD {pad} GONE")));
                if let Some(slot) = self.pads.get_mut(usize::from(*pad)) {
                    *slot = Slot::default();
                }
            }
            PlayerInput::Pad { pad, state } => self.pad(*pad, *state),
            PlayerInput::Key { usage, down } => self.key(*usage, *down),
            PlayerInput::PointerMove { dx, dy } => self.point(*dx, *dy),
            PlayerInput::PointerTo { x, y } => self.pointer.to = Some((*x, *y)),
            PlayerInput::PointerButton { button, down } => {
                let bit = 1_u8.checked_shl(u32::from(*button)).unwrap_or_default();
                let buttons = &mut self.pointer.buttons;
                *buttons = if *down { *buttons | bit } else { *buttons & !bit };
                self.note(Label::new(format_args!("POINTER BUTTON {button} {}", if *down { "DOWN" } else { "UP" })));
                if *down {
                    self.blip(67.0);
                }
            }
            PlayerInput::Wheel { x, y } => {
                let wheel = &mut self.pointer.wheel;
                *wheel = (wheel.0.saturating_add(i64::from(*x)), wheel.1.saturating_add(i64::from(*y)));
            }
            PlayerInput::Touch { contact, phase } => self.touch(*contact, *phase),
            PlayerInput::Motion { pad, motion } => {
                if let Some(slot) = self.pads.get_mut(usize::from(*pad)) {
                    (slot.motion, slot.there) = (Some(*motion), true);
                }
            }
            PlayerInput::Text(text) => self.note(Label::new(format_args!("TEXT: {text}"))),
        }
    }

    fn step(&mut self, micros: u64) {
        self.micros = self.micros.saturating_add(micros);
        if self.micros - self.rumbled >= RUMBLE_EVERY {
            self.rumbled = self.micros;
            for (pad, slot) in (0..).zip(&mut self.pads) {
                if slot.rumbling {
                    set_rumble(slot, pad);
                }
            }
        }
    }

    fn draw(&mut self, canvas: &mut Canvas<'_>) {
        page::draw(canvas, self);
    }

    fn sound(&mut self, out: &mut [i16]) {
        self.synth.render(out);
    }

    fn feedback(&mut self) -> Option<Feedback> {
        self.pads.iter_mut().find_map(|slot| slot.light.take().or_else(|| slot.rumble.take()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pad_without_a_name_is_just_connected() {
        let mut check = PadCheck::new();
        check.input(&PlayerInput::PadConnected { pad: 15, name: String::new() });
        assert!(check.pads[15].there && check.pads[15].name.is_none());
        assert_eq!(check.log[0].as_ref().unwrap().as_str(), "PAD 15 CONNECTED");
    }
}
