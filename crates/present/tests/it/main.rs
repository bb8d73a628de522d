//! What reaches the surface, judged by pixels.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod blit;
mod color;
mod overlay;
mod pattern;
mod thread;
#[cfg(target_os = "linux")]
mod window;
