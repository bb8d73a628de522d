//! The keyboard as a keyboard or, for those without a controller, as a pad.

use entente_input::{KeyboardPad, keyboard};
use entente_model::input::PlayerInput;

use crate::args;

/// Slot of the keyboard when it is a pad only while there is no other.
const ONLY_PAD: u8 = 0;

/// Turns keys into input, and remembers what is held.
#[derive(Debug)]
pub(crate) struct Keyboard {
    mode: args::Keyboard,
    pad: KeyboardPad,
    slot: Option<u8>,
    held: Vec<u16>,
}

impl Keyboard {
    pub(crate) fn new(mode: args::Keyboard) -> Self {
        Self { mode, pad: KeyboardPad::default(), slot: None, held: Vec::new() }
    }

    /// A key went down or up; `pads` are real ones, `claim` gives a slot that they do not use. A key that goes up
    /// without having gone down here, as those of the player itself do, is nobody's business.
    pub(crate) fn key(
        &mut self,
        usage: u16,
        down: bool,
        pads: bool,
        claim: impl FnOnce() -> Option<u8>,
    ) -> Option<PlayerInput> {
        let as_pad = match self.mode {
            args::Keyboard::Auto => !pads,
            args::Keyboard::Pad => true,
            args::Keyboard::Keys => false,
        };
        // A key that went down as a key goes up as one, even if the pad was pulled meanwhile.
        if (as_pad || !down) && !self.held.contains(&usage) && keyboard::binding(usage).is_some() {
            let pad = match (self.mode, self.slot) {
                (_, Some(slot)) => slot,
                // A second player beside those with controllers.
                (args::Keyboard::Pad, None) => claim()?,
                (_, None) => ONLY_PAD,
            };
            self.slot = Some(pad);
            let state = self.pad.apply(usage, down)?;
            return Some(PlayerInput::Pad { pad, state });
        }
        let held = self.held.iter().position(|key| *key == usage);
        match (held, down) {
            (None, true) => self.held.push(usage),
            (Some(place), false) => {
                self.held.remove(place);
            }
            (None, false) | (Some(_), true) => return None,
        }
        Some(PlayerInput::Key { usage, down })
    }

    /// Lets go of everything.
    pub(crate) fn release_all(&mut self) -> Vec<PlayerInput> {
        let mut all: Vec<PlayerInput> =
            self.held.drain(..).map(|usage| PlayerInput::Key { usage, down: false }).collect();
        let pad = self.slot.unwrap_or(ONLY_PAD);
        all.extend(self.pad.release_all().map(|state| PlayerInput::Pad { pad, state }));
        all
    }

    /// Which key is which button.
    pub(crate) fn help(&self) -> String {
        if self.mode == args::Keyboard::Keys {
            return String::new();
        }
        let mut text = String::from("Keyboard as a pad:");
        for (index, (key, does)) in keyboard::bindings().enumerate() {
            // Two columns keep the panel inside of a 640 x 360 window; its letters are equally wide.
            if index % 2 == 0 {
                text.push_str(&format!("\n{key:<15} {does:<19}"));
            } else {
                text.push_str(&format!(" {key:<15} {does}"));
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use entente_model::input::PadState;

    const W: u16 = 0x1a;
    const F5: u16 = 0x3e;

    fn none() -> Option<u8> {
        None
    }

    #[test]
    fn without_a_pad_the_keyboard_is_one_and_other_keys_stay_keys() {
        let mut keyboard = Keyboard::new(args::Keyboard::Auto);
        assert!(matches!(keyboard.key(W, true, false, none), Some(PlayerInput::Pad { pad: 0, .. })));
        assert_eq!(keyboard.key(F5, true, false, none), Some(PlayerInput::Key { usage: F5, down: true }));
        assert_eq!(
            keyboard.release_all(),
            [PlayerInput::Key { usage: F5, down: false }, PlayerInput::Pad { pad: 0, state: PadState::default() }]
        );
    }

    #[test]
    fn with_a_pad_it_is_a_keyboard() {
        let mut keyboard = Keyboard::new(args::Keyboard::Auto);
        assert_eq!(keyboard.key(W, true, true, none), Some(PlayerInput::Key { usage: W, down: true }));
        // The pad is pulled while the key is held.
        assert_eq!(keyboard.key(W, false, false, none), Some(PlayerInput::Key { usage: W, down: false }));
        // F5 went down while the player itself listened.
        assert_eq!(keyboard.key(F5, false, true, none), None);
    }

    #[test]
    fn beside_a_controller_it_is_a_second_pad() {
        let mut keyboard = Keyboard::new(args::Keyboard::Pad);
        assert_eq!(keyboard.key(W, true, true, none), None, "no slot is left");
        assert!(matches!(keyboard.key(W, true, true, || Some(1)), Some(PlayerInput::Pad { pad: 1, .. })));
        assert!(matches!(keyboard.key(W, false, true, none), Some(PlayerInput::Pad { pad: 1, .. })));
    }
}
