//! Encoded video and audio on their way from the link to the decoders.

use std::time::Instant;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// Video codecs that a link may deliver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VideoCodec {
    /// H.264 / AVC, delivered as Annex B access units.
    H264,
    /// H.265 / HEVC, delivered as Annex B access units.
    #[serde(alias = "h265")]
    Hevc,
    /// VP8 frames (RFC 6386).
    Vp8,
    /// VP9 superframes.
    Vp9,
    /// AV1 temporal units in low-overhead OBU format (every OBU with a size field, no temporal delimiter needed).
    Av1,
}

impl VideoCodec {
    /// Every codec, in the order in which they are preferred when the user names none.
    pub const ALL: [Self; 5] = [Self::H264, Self::Hevc, Self::Av1, Self::Vp9, Self::Vp8];

    /// Name as shown to users and used in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::H264 => "h264",
            Self::Hevc => "hevc",
            Self::Vp8 => "vp8",
            Self::Vp9 => "vp9",
            Self::Av1 => "av1",
        }
    }
}

impl std::str::FromStr for VideoCodec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.to_ascii_lowercase().as_str() {
            "h264" | "avc" => Ok(Self::H264),
            "hevc" | "h265" => Ok(Self::Hevc),
            "vp8" => Ok(Self::Vp8),
            "vp9" => Ok(Self::Vp9),
            "av1" => Ok(Self::Av1),
            other => Err(format!("unknown codec {other:?}; known are h264, hevc, vp8, vp9, av1")),
        }
    }
}

/// Colour that the transport states beside the bitstream, in the code points of ITU-T H.273.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColorHint {
    /// `MatrixCoefficients`.
    pub matrix: u8,
    /// `TransferCharacteristics`.
    pub transfer: u8,
    /// `VideoFullRangeFlag`.
    pub full_range: bool,
}

/// One whole access unit (frame), ready for a decoder. A link emits frames in decoding order and only frames whose
/// references were delivered, unless [`crate::Request::AllowDamaged`] was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedFrame {
    /// Counts delivered frames of this session from 0.
    pub id: u64,
    /// Codec of `data`.
    pub codec: VideoCodec,
    /// The access unit in the codec's form (see [`VideoCodec`]).
    pub data: Bytes,
    /// Media time in 1/90000 s, unwrapped to 64 bits, arbitrary start.
    pub rtp_time: u64,
    /// Decoding may start here: parameter sets and an intra picture are inside.
    pub key: bool,
    /// What the transport says about colour, for bitstreams that do not say it.
    pub color: Option<ColorHint>,
    /// Frames between the previous delivered frame and this one are missing.
    pub after_gap: bool,
    /// Arrival of the first packet of this frame.
    pub first_packet: Instant,
    /// Arrival of the packet that made the frame whole.
    pub last_packet: Instant,
    /// When the link handed it over.
    pub assembled: Instant,
}

/// Layout of an Opus stream (RFC 7845 section 5.1.1, channel mapping). Mono and stereo use one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudioFormat {
    /// Output channels, 1 to 8, in Vorbis order.
    pub channels: u8,
    /// Opus streams in each packet.
    pub streams: u8,
    /// Of these, coupled (stereo) ones.
    pub coupled: u8,
    /// Which decoded channel feeds which output channel.
    pub mapping: Vec<u8>,
}

impl AudioFormat {
    /// Plain stereo, what nearly every host sends.
    #[must_use]
    pub fn stereo() -> Self {
        Self { channels: 2, streams: 1, coupled: 1, mapping: vec![0, 1] }
    }
}

/// One Opus packet as it arrived. Links do not reorder or conceal audio; the jitter buffer does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudioPacket {
    /// RTP sequence number (or equal), unwrapped to 64 bits.
    pub sequence: u64,
    /// Media time in 1/48000 s, unwrapped to 64 bits.
    pub rtp_time: u64,
    /// Opus packet.
    pub data: Bytes,
    /// Arrival.
    pub arrived: Instant,
}
