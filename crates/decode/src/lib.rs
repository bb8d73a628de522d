//! Encoded frame in, picture in memory out.
//!
//! [`Decoder`] wraps libavcodec. It is set up for one frame in, one frame out: low delay, slice threads only, and no
//! frame kept for reordering. Pictures keep libavcodec's own buffers, so planes are never copied, except when a
//! hardware decoder's surface has to be brought into memory or a rare sample format has to be converted.
//!
//! Hardware decoders (VA-API, CUDA, D3D11VA, VideoToolbox, Vulkan) have to decode a test frame right before they get the
//! stream, and are left for software as soon as one fails. That path has not been run on real hardware yet.

mod decoder;
mod format;
mod hardware;
mod libav;
mod probe;

pub use decoder::{Decoded, Decoder, DecoderConfig, available_codecs};
pub use hardware::HardwareChoice;

use entente_model::media::VideoCodec;

/// Why a frame could not be decoded, or no decoder be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// This build of libavcodec has no decoder for the codec, or none that opens.
    #[error("no decoder for {} opens: {why}", .codec.name())]
    Unavailable {
        /// The codec asked for.
        codec: VideoCodec,
        /// What the library said.
        why: String,
    },
    /// [`HardwareChoice::Named`] names nothing that exists.
    #[error("unknown hardware decoder {name:?}; known are {known}")]
    UnknownHardware {
        /// What was asked for.
        name: String,
        /// Comma-separated names that exist.
        known: String,
    },
    /// The frame is of another codec than the decoder.
    #[error("frame {frame} is {}, but the decoder is open for {}", .got.name(), .want.name())]
    WrongCodec {
        /// Frame number.
        frame: u64,
        /// Codec of the frame.
        got: VideoCodec,
        /// Codec of the decoder.
        want: VideoCodec,
    },
    /// The decoder refused the frame; ask the host for a key frame.
    #[error("frame {frame} is undecodable: {why}")]
    Rejected {
        /// Frame number.
        frame: u64,
        /// What the library said.
        why: String,
    },
    /// The decoder was replaced and has no references; ask the host for a key frame.
    #[error("frame {frame} cannot be decoded before a key frame comes")]
    NeedsKey {
        /// Frame number.
        frame: u64,
    },
}

impl DecodeError {
    /// Whether a key frame from the host would help.
    #[must_use]
    pub const fn wants_key(&self) -> bool {
        matches!(self, Self::Rejected { .. } | Self::NeedsKey { .. })
    }
}
