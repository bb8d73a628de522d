//! RTP packets (RFC 3550 section 5.1).

use std::time::Instant;

use bytes::Bytes;

/// Length of an RTP header without contributing sources and extensions, in bytes.
pub(crate) const FIXED_HEADER: usize = 12;

/// Why bytes are no RTP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RtpError {
    /// The header, its sources or its extension end after the datagram does.
    #[error("RTP packet cut short")]
    Truncated,
    /// Not version 2.
    #[error("RTP version {0}, not 2")]
    Version(u8),
    /// The padding count is zero or larger than what follows the header.
    #[error("RTP padding of {0} bytes does not fit")]
    Padding(u8),
}

/// One RTP packet, decrypted. The payload is a slice of the datagram, not a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RtpPacket {
    /// Which codec, as negotiated.
    pub payload_type: u8,
    /// Counts packets, wraps.
    pub sequence: u16,
    /// Media time in 1/90000 s (video), wraps.
    pub timestamp: u32,
    /// Source.
    pub ssrc: u32,
    /// Last packet of a frame (video).
    pub marker: bool,
    /// Codec payload without padding. Empty for packets that are padding only.
    pub payload: Bytes,
    /// When it came.
    pub arrived: Instant,
    /// It is known to be a retransmission (RFC 4588) or to come out of error correction. `false` when unknown.
    pub recovered: bool,
}

impl RtpPacket {
    /// Takes one datagram apart.
    ///
    /// # Errors
    /// When the bytes are no RTP packet.
    pub fn parse(datagram: Bytes, arrived: Instant) -> Result<Self, RtpError> {
        let Some(&[first, second, seq_high, seq_low, t0, t1, t2, t3, s0, s1, s2, s3]) =
            datagram.first_chunk::<FIXED_HEADER>()
        else {
            return Err(RtpError::Truncated);
        };
        if first >> 6 != 2 {
            return Err(RtpError::Version(first >> 6));
        }
        let mut start = FIXED_HEADER + 4 * usize::from(first & 0x0f);
        if first & 0x10 != 0 {
            let words = datagram.get(start + 2..start + 4).ok_or(RtpError::Truncated)?;
            let words = words.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
            start += 4 + 4 * words;
        }
        if start > datagram.len() {
            return Err(RtpError::Truncated);
        }
        let mut end = datagram.len();
        if first & 0x20 != 0 {
            let padding = datagram.last().copied().unwrap_or_default();
            if padding == 0 || usize::from(padding) > end - start {
                return Err(RtpError::Padding(padding));
            }
            end -= usize::from(padding);
        }
        Ok(Self {
            payload_type: second & 0x7f,
            sequence: u16::from_be_bytes([seq_high, seq_low]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            ssrc: u32::from_be_bytes([s0, s1, s2, s3]),
            marker: second & 0x80 != 0,
            payload: datagram.slice(start..end),
            arrived,
            recovered: false,
        })
    }
}
