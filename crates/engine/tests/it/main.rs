//! The engine around links that need no network.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(clippy::disallowed_methods, reason = "real threads, real time")]

mod hostile;
mod pattern;
mod rig;
