//! What the offer and the answer say about a payload type.

use bytes::Bytes;
use entente_model::media::VideoCodec;

/// Largest parameter set taken from a session description, in bytes; real ones have less than 200.
const MAX_PARAMETER_SET: usize = 4096;
/// Most parameter sets taken from a session description.
const MAX_PARAMETER_SETS: usize = 32;

/// A video payload type as negotiated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayloadFormat {
    /// Number in the RTP header.
    pub payload_type: u8,
    /// What the payload is.
    pub codec: VideoCodec,
    /// H.264 and HEVC parameter sets that were given out of band, as NAL units without start code.
    pub parameter_sets: Vec<Bytes>,
}

impl PayloadFormat {
    /// A payload type without out-of-band parameter sets.
    #[must_use]
    pub const fn new(payload_type: u8, codec: VideoCodec) -> Self {
        Self { payload_type, codec, parameter_sets: Vec::new() }
    }

    /// Takes what matters from an `a=fmtp` line's parameters (the part after the payload type): for H.264
    /// `sprop-parameter-sets` (RFC 6184 section 8.1), for HEVC `sprop-vps`, `sprop-sps`, `sprop-pps` (RFC 7798 section
    /// 7.1). Anything unknown or damaged is passed over.
    #[must_use]
    pub fn with_fmtp(mut self, parameters: &str) -> Self {
        let names: &[&str] = match self.codec {
            VideoCodec::H264 => &["sprop-parameter-sets"],
            VideoCodec::Hevc => &["sprop-vps", "sprop-sps", "sprop-pps"],
            VideoCodec::Vp8 | VideoCodec::Vp9 | VideoCodec::Av1 => &[],
        };
        for name in names {
            for parameter in parameters.split(';') {
                let Some((key, values)) = parameter.split_once('=') else { continue };
                if key.trim().eq_ignore_ascii_case(name) {
                    let sets = values.split(',').filter_map(|text| decode_base64(text.trim()));
                    self.parameter_sets.extend(sets.filter(|set| !set.is_empty()));
                }
            }
        }
        self.parameter_sets.truncate(MAX_PARAMETER_SETS);
        self
    }
}

/// Base64 with or without padding (RFC 4648 section 4); `None` for anything else.
fn decode_base64(text: &str) -> Option<Bytes> {
    let text = text.trim_end_matches('=');
    if text.len() > MAX_PARAMETER_SET {
        return None;
    }
    let mut out = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut count) = (0_u32, 0);
    for character in text.bytes() {
        let value = match character {
            b'A'..=b'Z' => character - b'A',
            b'a'..=b'z' => character - b'a' + 26,
            b'0'..=b'9' => character - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    Some(out.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sprop_parameter_sets_are_read() {
        let fmtp = "level-asymmetry-allowed=1;packetization-mode=1; sprop-parameter-sets=Z0IAKeKQFAe2AtwEBAaQeJEV,aM48gA==;profile-level-id=420029";
        let format = PayloadFormat::new(96, VideoCodec::H264).with_fmtp(fmtp);
        assert_eq!(format.parameter_sets.len(), 2);
        assert_eq!(format.parameter_sets[0][..4], [0x67, 0x42, 0x00, 0x29]);
        assert_eq!(format.parameter_sets[1][..], [0x68, 0xce, 0x3c, 0x80]);
    }

    #[test]
    fn damaged_or_foreign_parameters_are_passed_over() {
        let damaged = PayloadFormat::new(96, VideoCodec::H264).with_fmtp("sprop-parameter-sets=@@,;;=;x");
        assert!(damaged.parameter_sets.is_empty());
        let other = PayloadFormat::new(96, VideoCodec::Vp8).with_fmtp("sprop-parameter-sets=aM48gA==");
        assert!(other.parameter_sets.is_empty());
    }
}
