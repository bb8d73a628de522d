//! The journal, its summaries, the verdict.
#![warn(missing_docs)]

pub mod csv;
pub mod journal;
pub mod latency;
pub mod overlay;
pub mod report;
pub mod summary;
pub mod timecode;
pub mod verdict;

pub use journal::{AudioStats, DropReason, Entry, FrameRecord, JournalReader, JournalWriter, journal};
pub use latency::{Measure, Percentiles};
pub use overlay::{OverlayMode, overlay_lines};
pub use report::{Report, ReportContext};
pub use summary::{Recent, Summary};
pub use timecode::Timecode;
pub use verdict::{Part, Verdict, verdict};
