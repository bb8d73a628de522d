//! The demo cloud: a complete small game cloud, embedded.
//!
//! [`DemoCloud::start`] opens a WHEP host (`docs/open-host-protocol.md`) with small games of its own: each session
//! has its own game, a capture thread that draws straight into the encoder's picture, a sound thread, and a WebRTC
//! connection. It runs on its own threads and is used from plain, synchronous programs and tests.
#![warn(missing_docs)]

mod account;
mod art;
mod clock;
mod config;
pub mod draw;
pub mod encoder;
mod faults;
#[doc(hidden)]
pub mod fuzzing;
pub mod games;
mod payload;
mod peer;
mod plays;
mod rtcp;
mod sdp;
mod server;
mod session;
mod shelf;
mod slots;
pub mod sound;

pub use clock::monotonic_micros;
pub use config::{AccountsConfig, DemoConfig, DemoError, HttpLimits, TlsFiles};
pub use faults::{Fault, FaultKind};
pub use server::DemoCloud;
