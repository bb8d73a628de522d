//! The journal, its summaries, the verdict.
#![warn(missing_docs)]

pub mod journal;
pub mod timecode;

pub use journal::{AudioStats, DropReason, Entry, FrameRecord, JournalReader, JournalWriter, journal};
pub use timecode::Timecode;
