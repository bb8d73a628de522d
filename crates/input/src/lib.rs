//! Reads controllers, keyboard, pointer; maps them; plays feedback.
//!
//! [`PadReader`] owns the thread `pad`; everything else is pure: [`Mapping`] shapes sticks and triggers, [`KeyboardPad`]
//! makes a pad of a keyboard, and [`ChordDetector`] finds held combinations.
#![warn(missing_docs)]

pub mod chord;
pub mod keyboard;
pub mod keys;
pub mod mapping;
mod navigation;
pub mod pads;
mod rumble;
pub mod shape;
mod slots;

pub use chord::{Chord, ChordDetector};
pub use keyboard::{Control, Direction, KeyboardPad};
pub use keys::key_name;
pub use mapping::{Mapping, RawPad, Remap};
pub use navigation::Navigation;
pub use pads::{PadInfo, PadList, PadOptions, PadReader, list_pads};
pub use shape::{StickShape, TriggerShape};
pub use slots::SLOTS;
