//! A WebRTC peer connection as a Link building block, and the open WHEP host as a full Link.
//!
//! [`Peer`] drives `rtc`, the sans-IO core of the `webrtc` project: it makes an offer for video, audio and data
//! channels, finds a path, and turns packets into frames. [`WhepLink`] puts WHEP signalling, input, control messages
//! and recovery around it. Neither opens a socket or reads a clock.
//!
//! Not here yet: server-reflexive and relayed candidates. Hosts that can be reached directly, or that check us
//! themselves (our address is then learned by them), need neither.
#![warn(missing_docs)]

mod alerts;
mod codecs;
mod control;
#[doc(hidden)]
pub mod fuzzing;
mod media;
mod peer;
pub mod sdp;
mod strays;
pub mod whep;

pub use media::MediaCounts;
pub use peer::{ChannelSpec, Peer, PeerConfig, PeerError, PeerEvent};
pub use whep::{WhepConfig, WhepLink};
