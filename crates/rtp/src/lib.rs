//! RTP datagrams into whole access units, and what is missing.
//!
//! One [`VideoReceiver`] per video track. It reads no clock and opens no socket; after each input (a packet, a
//! deadline, a request) ask it for frames and for feedback:
//!
//! ```
//! # use std::time::Instant;
//! # use entente_model::media::VideoCodec;
//! # use entente_rtp::{Feedback, PayloadFormat, RtpPacket, VideoReceiver};
//! # fn example(receiver: &mut VideoReceiver, packet: RtpPacket, now: Instant) {
//! // let mut receiver = VideoReceiver::new([PayloadFormat::new(96, VideoCodec::H264).with_fmtp("sprop-...")]);
//! receiver.push(packet, now);
//! while let Some(frame) = receiver.poll_frame(now) { /* whole, in decoding order */ }
//! while let Some(feedback) = receiver.poll_feedback(now) {
//!     match feedback {
//!         Feedback::Nack { ssrc, sequences } => { /* RTCP generic NACK */ }
//!         Feedback::Keyframe { ssrc } => { /* RTCP PLI */ }
//!     }
//! }
//! let wake_me = receiver.next_deadline(); // then poll again, without a packet
//! # let _ = wake_me;
//! # }
//! ```

mod assemble;
mod depacketize;
mod format;
mod keyframes;
mod nack;
mod packet;
mod receiver;
mod ring;
mod unwrap;

pub use assemble::{Assembler, AssemblerStats, Placement};
pub use depacketize::{AccessUnit, DepacketizeError, Depacketizer};
pub use format::PayloadFormat;
pub use keyframes::KeyframeRequests;
pub use nack::{Nack, NackStats};
pub use packet::{RtpError, RtpPacket};
pub use receiver::{Feedback, ReceiverStats, VideoReceiver};
pub use unwrap::{SequenceUnwrapper, TimestampUnwrapper};
