//! Packets in, frames and feedback out, without a network and without a clock.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod assembly;
mod codecs;
mod hostile;
mod path;
mod recovery;
mod sender;
mod sequences;

use std::time::Instant;

/// Where virtual time starts.
#[allow(clippy::disallowed_methods, reason = "an Instant has no other origin; nothing else depends on it")]
fn epoch() -> Instant {
    static EPOCH: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    *EPOCH.get_or_init(Instant::now)
}
