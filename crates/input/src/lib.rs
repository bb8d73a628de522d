//! Reads controllers, keyboard, pointer; maps them; plays feedback.
//!
//! [`PadReader`] owns the thread `pad`; everything else is pure: [`Mapping`] shapes sticks and triggers, [`KeyboardPad`]
//! makes a pad of a keyboard, [`ChordDetector`] finds held combinations, and [`InputQueue`] carries all of it to the
//! link without ever losing a button.
#![warn(missing_docs)]

pub mod chord;
pub mod keyboard;
pub mod keys;
pub mod mapping;
pub mod pads;
pub mod queue;
mod rumble;
pub mod shape;
mod slots;

pub use chord::{Chord, ChordDetector};
pub use keyboard::{Control, Direction, KeyboardPad};
pub use keys::key_name;
pub use mapping::{Mapping, RawPad, Remap};
pub use pads::{PadInfo, PadList, PadOptions, PadReader, list_pads};
pub use queue::InputQueue;
pub use shape::{StickShape, TriggerShape};
