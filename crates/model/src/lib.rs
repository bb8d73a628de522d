//! The nouns of streaming and the two contracts, [`Link`] and [`Provider`]; no IO, no clock.
//!
//! Everything that two crates must agree on and that is neither behaviour nor IO lives here: encoded and decoded
//! pictures, player input, the ticket of a session, the reason it ended, and the wire types of the open host
//! protocol (`docs/open-host-protocol.md`).
#![warn(missing_docs)]

pub mod catalogue;
pub mod ended;
pub mod http;
pub mod input;
pub mod link;
pub mod media;
pub mod picture;
pub mod port;
pub mod problem;
pub mod provider;
pub mod secret;
pub mod stage;
pub mod ticket;
pub mod time;
pub mod wire;

pub use ended::EndReason;
pub use link::{Event, Input, Link, LinkError, LinkStats, Output, Request};
pub use problem::{Problem, ProblemKind};
pub use provider::Provider;
pub use secret::Secret;
