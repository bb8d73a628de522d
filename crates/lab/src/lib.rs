//! A world for tests: virtual network, fake hosts. Dev only.
//!
//! [`World`] joins a [`Link`](entente_model::Link) to a [`FakeHost`] over two [`Path`]s in virtual time: nothing sleeps,
//! nothing opens a socket, and one seed decides every loss. [`PatternLink`] is a link without a network that shows a
//! test picture.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test tool: a broken assumption has to end the test"
)]

mod clip;
mod host;
mod net;
mod pattern;
mod watch;
mod world;

pub use clip::pattern_frames;
pub use host::{FakeHost, HostConfig, HostSession, Scripted};
pub use net::{Path, Random};
pub use pattern::PatternLink;
pub use world::{Traced, World, WorldConfig};
