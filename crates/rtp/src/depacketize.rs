//! Packet payloads into access units, for each codec.

mod av1;
mod h264;
mod hevc;
mod nal;
mod vp8;
mod vp9;

use bytes::Bytes;
use entente_model::media::VideoCodec;

use self::av1::Av1;
use self::h264::H264;
use self::hevc::Hevc;
use self::vp8::Vp8;
use self::vp9::Vp9;
use crate::format::PayloadFormat;

/// A frame in the form that [`VideoCodec`] names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessUnit {
    /// The frame.
    pub data: Bytes,
    /// Decoding may start here.
    pub key: bool,
    /// No other frame refers to it, as far as is known.
    pub discardable: bool,
}

/// Why packets are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DepacketizeError {
    /// Only parameter sets and the like; they are kept for the next frame.
    #[error("access unit without a picture")]
    NoPicture,
    /// A payload ends within a header, or a length points past its end.
    #[error("payload cut short")]
    Truncated,
    /// A continuation of something that never began.
    #[error("fragments do not fit together")]
    Fragments,
    /// A packet type that was not negotiated (interleaved mode, PACI).
    #[error("unsupported packet type {0}")]
    Unsupported(u8),
}

/// The depacketiser of one payload type.
#[derive(Debug)]
pub enum Depacketizer {
    /// RFC 6184, packetization modes 0 and 1.
    #[doc(hidden)]
    H264(H264),
    /// RFC 7798 without decoding order numbers.
    #[doc(hidden)]
    Hevc(Hevc),
    /// RFC 7741.
    #[doc(hidden)]
    Vp8(Vp8),
    /// RFC 9628.
    #[doc(hidden)]
    Vp9(Vp9),
    /// RTP payload format for AV1, version 1.0.
    #[doc(hidden)]
    Av1(Av1),
}

impl Depacketizer {
    /// A depacketiser for `format`.
    #[must_use]
    pub fn new(format: &PayloadFormat) -> Self {
        match format.codec {
            VideoCodec::H264 => Self::H264(H264::new(&format.parameter_sets)),
            VideoCodec::Hevc => Self::Hevc(Hevc::new(&format.parameter_sets)),
            VideoCodec::Vp8 => Self::Vp8(Vp8),
            VideoCodec::Vp9 => Self::Vp9(Vp9::default()),
            VideoCodec::Av1 => Self::Av1(Av1::default()),
        }
    }

    /// Makes the access unit out of the payloads of all its packets, in order.
    ///
    /// # Errors
    /// When the payloads contradict the payload format, or hold no picture.
    pub fn assemble<'a>(
        &mut self,
        payloads: impl Iterator<Item = &'a [u8]> + Clone,
    ) -> Result<AccessUnit, DepacketizeError> {
        match self {
            Self::H264(codec) => codec.assemble(payloads),
            Self::Hevc(codec) => codec.assemble(payloads),
            Self::Vp8(codec) => codec.assemble(payloads),
            Self::Vp9(codec) => codec.assemble(payloads),
            Self::Av1(codec) => codec.assemble(payloads),
        }
    }

    /// Whether this payload is certainly the first of a frame, or at least the first that decoding the frame takes.
    #[must_use]
    pub fn starts_frame(&self, payload: &[u8]) -> bool {
        match self {
            Self::H264(codec) => codec.starts_frame(payload),
            Self::Hevc(codec) => codec.starts_frame(payload),
            Self::Vp8(_) => vp8::starts_frame(payload),
            Self::Vp9(_) => vp9::starts_frame(payload),
            Self::Av1(_) => av1::starts_frame(payload),
        }
    }

    /// Whether this payload is certainly of a key frame. A key frame has at least one such payload.
    #[must_use]
    pub fn marks_key(&self, payload: &[u8]) -> bool {
        match self {
            Self::H264(_) => h264::marks_key(payload),
            Self::Hevc(_) => hevc::marks_key(payload),
            Self::Vp8(_) => vp8::marks_key(payload),
            Self::Vp9(_) => vp9::marks_key(payload),
            Self::Av1(_) => av1::marks_key(payload),
        }
    }

    /// Whether no frame refers to the frame of this payload, if the payload says so.
    #[must_use]
    pub fn discardable(&self, payload: &[u8]) -> Option<bool> {
        match self {
            Self::H264(_) => h264::discardable(payload),
            Self::Hevc(codec) => codec.discardable(payload),
            Self::Vp8(_) => vp8::discardable(payload),
            Self::Vp9(_) => vp9::discardable(payload),
            Self::Av1(_) => None,
        }
    }

    /// Keeps the parameter sets of a payload whose frame is dropped.
    pub fn learn(&mut self, payload: &[u8]) {
        match self {
            Self::H264(codec) => codec.learn(payload),
            Self::Hevc(codec) => codec.learn(payload),
            Self::Vp8(_) | Self::Vp9(_) | Self::Av1(_) => {}
        }
    }
}
