//! Journeys across crates, the arrows test, and peers that we did not write: what they share.
#![allow(clippy::disallowed_methods, reason = "tests read clocks and wait")]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test rig says what is missing and stops"
)]

pub mod browser;
pub mod display;
pub mod person;
pub mod picture;
pub mod program;
pub mod relay;
pub mod shelf;
pub mod shell;
pub mod tee;
pub mod webdriver;
