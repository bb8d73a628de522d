//! Playing streams in virtual time, and for real where no device is needed.
#![allow(clippy::disallowed_methods, reason = "tests count from any instant")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod playout;
mod real;
mod sim;
