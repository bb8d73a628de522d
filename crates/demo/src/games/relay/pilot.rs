//! From what a player's devices report to what the ship shall do.

use entente_model::input::{Buttons, PadState, PlayerInput, TouchPhase};

use super::world::Controls;

/// Sticks closer to the middle than this are at rest.
const DEAD: f32 = 0.18;

/// HID usages (page 7) of the keys in use.
mod key {
    pub(super) const A: u16 = 0x04;
    pub(super) const D: u16 = 0x07;
    pub(super) const P: u16 = 0x13;
    pub(super) const S: u16 = 0x16;
    pub(super) const W: u16 = 0x1A;
    pub(super) const ENTER: u16 = 0x28;
    pub(super) const ESCAPE: u16 = 0x29;
    pub(super) const SPACE: u16 = 0x2C;
    pub(super) const RIGHT: u16 = 0x4F;
    pub(super) const LEFT: u16 = 0x50;
    pub(super) const DOWN: u16 = 0x51;
    pub(super) const UP: u16 = 0x52;
    pub(super) const LEFT_SHIFT: u16 = 0xE1;
    pub(super) const RIGHT_SHIFT: u16 = 0xE5;
}

/// Something pressed that means more than flying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Press {
    /// Fire or start was pressed: start, join, go on.
    Go,
    /// Start, Enter, Escape or P: pause or go on; also starts.
    Menu,
    /// The pad went away.
    Gone,
}

/// Held keys as bits.
mod held {
    pub(super) const LEFT: u8 = 1;
    pub(super) const RIGHT: u8 = 2;
    pub(super) const UP: u8 = 4;
    pub(super) const DOWN: u8 = 8;
    pub(super) const FIRE: u8 = 16;
    pub(super) const DASH: u8 = 32;
}

/// The devices of one player.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pilot {
    pad: PadState,
    /// Keys which share a meaning are counted as one bit per key: low byte letters, high byte arrows.
    letters: u8,
    arrows: u8,
    pointer: Option<(f32, f32)>,
    pointer_fires: bool,
    finger: Option<(u8, (f32, f32))>,
    /// Pressed since the last tick, so that a tap shorter than a frame counts.
    tapped_fire: bool,
    tapped_dash: bool,
}

const FIRE: Buttons = Buttons::SOUTH.union(Buttons::RIGHT_TRIGGER).union(Buttons::RIGHT_SHOULDER);
const DASH: Buttons = Buttons::EAST.union(Buttons::WEST).union(Buttons::LEFT_TRIGGER).union(Buttons::LEFT_SHOULDER);

impl Pilot {
    /// Takes a pad's new state.
    pub(crate) fn pad(&mut self, state: PadState) -> Option<Press> {
        let pressed = state.buttons.difference(self.pad.buttons);
        self.pad = state;
        self.tapped_fire |= pressed.intersects(FIRE);
        self.tapped_dash |= pressed.intersects(DASH);
        if pressed.contains(Buttons::START) {
            Some(Press::Menu)
        } else {
            pressed.contains(Buttons::SOUTH).then_some(Press::Go)
        }
    }

    /// The pad went away: everything is let go.
    pub(crate) fn pad_gone(&mut self) -> Press {
        self.pad = PadState::default();
        Press::Gone
    }

    /// Takes keys, pointer and touch; `place` maps 0..=65535 over the picture into the world.
    pub(crate) fn other(&mut self, what: &PlayerInput, place: impl Fn(u16, u16) -> (f32, f32)) -> Option<Press> {
        match what {
            PlayerInput::Key { usage, down } => self.key(*usage, *down),
            PlayerInput::PointerTo { x, y } => {
                self.pointer = Some(place(*x, *y));
                None
            }
            PlayerInput::PointerButton { button: 0, down } => {
                self.pointer_fires = *down;
                self.tapped_fire |= *down;
                down.then_some(Press::Go)
            }
            PlayerInput::PointerButton { button: 1, down } => {
                self.tapped_dash |= *down;
                None
            }
            PlayerInput::Touch { contact, phase } => {
                let first = self.finger.is_none_or(|(id, _)| id == contact.id);
                match phase {
                    TouchPhase::Up if first => self.finger = None,
                    TouchPhase::Down | TouchPhase::Move if first => {
                        self.finger = Some((contact.id, place(contact.x, contact.y)));
                    }
                    // A second finger dashes.
                    TouchPhase::Down => self.tapped_dash = true,
                    TouchPhase::Move | TouchPhase::Up => {}
                }
                (*phase == TouchPhase::Down && first).then_some(Press::Go)
            }
            _ => None,
        }
    }

    fn key(&mut self, usage: u16, down: bool) -> Option<Press> {
        let (keys, bit) = match usage {
            key::A => (&mut self.letters, held::LEFT),
            key::D => (&mut self.letters, held::RIGHT),
            key::W => (&mut self.letters, held::UP),
            key::S => (&mut self.letters, held::DOWN),
            key::LEFT => (&mut self.arrows, held::LEFT),
            key::RIGHT => (&mut self.arrows, held::RIGHT),
            key::UP => (&mut self.arrows, held::UP),
            key::DOWN => (&mut self.arrows, held::DOWN),
            key::SPACE => (&mut self.letters, held::FIRE),
            key::LEFT_SHIFT => (&mut self.letters, held::DASH),
            key::RIGHT_SHIFT => (&mut self.arrows, held::DASH),
            key::ENTER | key::ESCAPE | key::P => return down.then_some(Press::Menu),
            _ => return None,
        };
        let fresh = down && *keys & bit == 0;
        *keys = if down { *keys | bit } else { *keys & !bit };
        self.tapped_fire |= fresh && bit == held::FIRE;
        self.tapped_dash |= fresh && bit == held::DASH;
        (fresh && bit == held::FIRE).then_some(Press::Go)
    }

    /// What the ship shall do now.
    #[must_use]
    pub(crate) fn controls(&self) -> Controls {
        let keys = self.letters | self.arrows;
        let pad = self.pad.buttons;
        let axis = |less: bool, more: bool| f32::from(i8::from(more) - i8::from(less));
        let held = |bit: u8, button: Buttons| keys & bit != 0 || pad.contains(button);
        let x = axis(held(held::LEFT, Buttons::LEFT), held(held::RIGHT, Buttons::RIGHT));
        let y = axis(held(held::UP, Buttons::UP), held(held::DOWN, Buttons::DOWN));
        let stick = stick(self.pad.left_x, self.pad.left_y);
        let (x, y) = (x + stick.0, y + stick.1);
        let length = x.hypot(y).max(1.0);
        let aim = Some(self::stick(self.pad.right_x, self.pad.right_y)).filter(|&(x, y)| x.hypot(y) > 0.3);
        let aim = aim.map(|(x, y)| (x / x.hypot(y), y / x.hypot(y)));
        let fires = keys & held::FIRE != 0 || pad.intersects(FIRE) || self.pointer_fires || self.finger.is_some();
        Controls {
            go: (x / length, y / length),
            aim,
            goal: self.finger.map(|(_, at)| at),
            mark: self.pointer.filter(|_| self.pointer_fires),
            fire: fires || aim.is_some() || self.tapped_fire,
            dash: keys & held::DASH != 0 || pad.intersects(DASH) || self.tapped_dash,
        }
    }

    /// Forgets the taps, once a tick has seen them.
    pub(crate) const fn seen(&mut self) {
        (self.tapped_fire, self.tapped_dash) = (false, false);
    }
}

/// A stick as a world direction, rescaled outside its dead zone; up is negative in the world.
fn stick(x: i16, y: i16) -> (f32, f32) {
    let (x, y) = (f32::from(x) / 32_767.0, -f32::from(y) / 32_767.0);
    let length = x.hypot(y);
    if length < DEAD {
        return (0.0, 0.0);
    }
    let scale = ((length - DEAD) / (0.96 - DEAD)).min(1.0) / length;
    (x * scale, y * scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sticks_have_a_dead_zone_and_reach_one() {
        assert_eq!(stick(3_000, -3_000), (0.0, 0.0));
        assert_eq!(stick(32_767, 0), (1.0, 0.0));
        assert_eq!(stick(0, 32_767), (0.0, -1.0));
        let (x, y) = stick(i16::MIN, i16::MIN);
        assert!((x.hypot(y) - 1.0).abs() < 1e-3 && x < 0.0 && y > 0.0);
    }

    #[test]
    fn keys_and_pads_add_up_to_at_most_full_speed() {
        let mut pilot = Pilot::default();
        let place = |_, _| (0.0, 0.0);
        for usage in [key::D, key::RIGHT, key::W] {
            pilot.other(&PlayerInput::Key { usage, down: true }, place);
        }
        pilot.pad(PadState { left_x: 32_767, ..PadState::default() });
        let (x, y) = pilot.controls().go;
        assert!(x > 0.8 && y < -0.3 && (x.hypot(y) - 1.0).abs() < 1e-3);
        pilot.other(&PlayerInput::Key { usage: key::D, down: false }, place);
        pilot.pad_gone();
        assert!(pilot.controls().go.0 > 0.7, "the arrow is still held");
    }

    #[test]
    fn a_tap_between_two_ticks_fires_once() {
        let mut pilot = Pilot::default();
        let south = PadState { buttons: Buttons::SOUTH, ..PadState::default() };
        assert_eq!(pilot.pad(south), Some(Press::Go));
        assert_eq!(pilot.pad(PadState::default()), None);
        assert!(pilot.controls().fire);
        pilot.seen();
        assert!(!pilot.controls().fire);
    }
}
