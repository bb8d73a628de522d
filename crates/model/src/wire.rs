//! Wire types of the open host protocol, version 1 (`docs/open-host-protocol.md`).
//!
//! Two data channels: [`input`] packets, unordered and never retransmitted; [`control`] messages, ordered and
//! reliable. Both sides of the protocol are here, so that client and demo host share one description.

pub mod control;
pub mod input;

/// Label of the data channel for input packets.
pub const INPUT_CHANNEL: &str = "input";
/// Label of the data channel for control messages.
pub const CONTROL_CHANNEL: &str = "control";
/// The version described in the document.
pub const VERSION: u8 = 1;
