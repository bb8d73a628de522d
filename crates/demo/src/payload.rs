//! Encoded pictures and sound into RTP packets.

use bytes::{BufMut, Bytes, BytesMut};
use entente_model::media::VideoCodec;
use rtc::rtp::codec::{av1::Av1Payloader, h264::H264Payloader, h265::HevcPayloader, vp8::Vp8Payloader};
use rtc::rtp::packetizer::Payloader;

/// Payload bytes of a packet: with RTP header, extensions, SRTP tag, UDP and IPv6 headers it stays below 1280, the
/// smallest MTU of IPv6 (RFC 8200 section 5).
pub(crate) const PAYLOAD: usize = 1160;

/// Splits pictures of one codec.
pub(crate) enum VideoPayloader {
    H264(H264Payloader),
    Hevc(HevcPayloader),
    Vp8(Vp8Payloader),
    Vp9 { picture_id: u16 },
    Av1(Av1Payloader),
}

impl VideoPayloader {
    pub(crate) fn new(codec: VideoCodec) -> Self {
        match codec {
            VideoCodec::H264 => Self::H264(H264Payloader::default()),
            VideoCodec::Vp8 => {
                let mut payloader = Vp8Payloader::default();
                payloader.enable_picture_id = true;
                Self::Vp8(payloader)
            }
            VideoCodec::Vp9 => Self::Vp9 { picture_id: 1 },
            VideoCodec::Av1 => Self::Av1(Av1Payloader {}),
            VideoCodec::Hevc => Self::Hevc(HevcPayloader),
        }
    }

    /// Payloads of one picture, in order; empty when it cannot be split.
    pub(crate) fn split(&mut self, data: &Bytes, key: bool) -> Vec<Bytes> {
        let split = match self {
            Self::H264(payloader) => payloader.payload(PAYLOAD, data),
            Self::Hevc(payloader) => payloader.payload(PAYLOAD, &long_start_codes(data)),
            Self::Vp8(payloader) => payloader.payload(PAYLOAD, data),
            Self::Vp9 { picture_id } => {
                *picture_id = (*picture_id + 1) & 0x7fff;
                return split_vp9(data, key, *picture_id);
            }
            Self::Av1(payloader) => payloader.payload(PAYLOAD, &without_delimiter(data)),
        };
        split.unwrap_or_default()
    }
}

/// RFC 9628 section 4.2, non-flexible mode without layers: I, P, B, E and a 15-bit picture id. (The crate's own
/// payloader never sets P, which marks every picture as a key picture.)
fn split_vp9(data: &Bytes, key: bool, picture_id: u16) -> Vec<Bytes> {
    const HEADER: usize = 3;
    let mut payloads = Vec::with_capacity(data.len() / (PAYLOAD - HEADER) + 1);
    let mut rest = data.clone();
    while !rest.is_empty() {
        let first = payloads.is_empty();
        let part = rest.split_to(rest.len().min(PAYLOAD - HEADER));
        let flags = 0x80 | u8::from(!key) << 6 | u8::from(first) << 3 | u8::from(rest.is_empty()) << 2;
        let mut payload = BytesMut::with_capacity(HEADER + part.len());
        payload.put_u8(flags);
        payload.put_u16(0x8000 | picture_id);
        payload.put(part);
        payloads.push(payload.freeze());
    }
    payloads
}

/// The same NAL units, each behind a start code of four bytes: where there is one such code, the crate's payloader takes
/// those of three bytes for data.
fn long_start_codes(data: &Bytes) -> Bytes {
    let mut out = BytesMut::with_capacity(data.len() + 16);
    let mut rest = &data[..];
    while let Some(begin) = rest.windows(3).position(|three| three == [0, 0, 1]) {
        let unit = rest.get(begin + 3..).unwrap_or_default();
        let end = unit.windows(3).position(|three| three == [0, 0, 1]).unwrap_or(unit.len());
        let (unit, after) = unit.split_at_checked(end).unwrap_or((unit, &[]));
        // No unit ends with a zero; these belong to the next start code (ITU-T H.265 annex B.2).
        let length = unit.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        if length > 0 {
            out.put_slice(&[0, 0, 0, 1]);
            out.put_slice(unit.get(..length).unwrap_or_default());
        }
        rest = after;
    }
    out.freeze()
}

/// The temporal delimiter is not sent (AV1 RTP specification section 5).
fn without_delimiter(data: &Bytes) -> Bytes {
    match data.get(..2) {
        Some([0x12, 0x00]) => data.slice(2..),
        _ => data.clone(),
    }
}

/// The RTP side of one track.
pub(crate) struct RtpStream {
    pub(crate) ssrc: u32,
    pub(crate) payload_type: u8,
    pub(crate) sequence: u16,
    pub(crate) first_timestamp: u32,
    /// Id of the playout-delay extension, when the client knows it.
    pub(crate) playout_delay: Option<u8>,
}

impl RtpStream {
    /// Packets of one frame; the last one carries the marker if `marker`.
    pub(crate) fn packets(&mut self, payloads: Vec<Bytes>, timestamp: u32, marker: bool) -> Vec<rtc::rtp::Packet> {
        let last = payloads.len().saturating_sub(1);
        let packets = payloads.into_iter().enumerate().map(|(index, payload)| {
            let mut packet = rtc::rtp::Packet { payload, ..rtc::rtp::Packet::default() };
            packet.header.version = 2;
            packet.header.marker = marker && index == last;
            packet.header.payload_type = self.payload_type;
            packet.header.sequence_number = self.sequence;
            packet.header.timestamp = self.first_timestamp.wrapping_add(timestamp);
            packet.header.ssrc = self.ssrc;
            if let Some(id) = self.playout_delay {
                // Smallest and largest delay zero: show every frame at once.
                let zero = Bytes::from_static(&[0, 0, 0]);
                if packet.header.set_extension(id, zero).is_err() {
                    self.playout_delay = None;
                }
            }
            self.sequence = self.sequence.wrapping_add(1);
            packet
        });
        packets.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vp9_marks_begin_end_and_key() {
        let data = Bytes::from(vec![7_u8; PAYLOAD * 2]);
        let parts = split_vp9(&data, true, 5);
        assert_eq!(parts.len(), 3);
        assert_eq!(parts[0][..3], [0x88, 0x80, 5]);
        assert_eq!(parts[1][..3], [0x80, 0x80, 5]);
        assert_eq!(parts[2][..3], [0x84, 0x80, 5]);
        assert_eq!(parts.iter().map(|part| part.len() - 3).sum::<usize>(), data.len());
        assert_eq!(split_vp9(&Bytes::from_static(&[1]), false, 6)[0][0], 0xcc);
    }

    #[test]
    fn hevc_units_are_found_behind_start_codes_of_both_lengths() {
        let unit = |kind: u8, length: usize| {
            let mut unit = vec![kind << 1, 1];
            unit.resize(length, 0x55);
            unit
        };
        let (vps, sps, slice, more) = (unit(32, 20), unit(33, 40), unit(19, 3000), unit(1, 30));
        let mut data = vec![0, 0, 0, 1];
        for (code, unit) in [(&[0, 0, 0, 1][..], &vps), (&[0, 0, 1], &sps), (&[0, 0, 1], &slice), (&[0, 0, 1], &more)] {
            data.extend_from_slice(code);
            data.extend_from_slice(unit);
        }
        let payloads = VideoPayloader::new(VideoCodec::Hevc).split(&Bytes::from(data), true);
        let kinds: Vec<u8> = payloads.iter().map(|payload| payload[0] >> 1).collect();
        assert_eq!(kinds, [48, 49, 49, 49, 1], "aggregated parameter sets, a slice in three fragments, a slice");
        assert_eq!((payloads[0].len(), &payloads[4][..]), (2 + 2 + 20 + 2 + 40, &more[..]));
        let fragments: Vec<_> = payloads[1..4].iter().flat_map(|payload| payload[3..].to_vec()).collect();
        assert_eq!(fragments, slice[2..]);
        assert_eq!(payloads[1][2], 0x80 | 19, "begins");
        assert_eq!(payloads[3][2], 0x40 | 19, "ends");
        assert!(payloads.iter().all(|payload| payload.len() <= PAYLOAD));
    }

    #[test]
    fn the_last_packet_of_a_frame_has_the_marker() {
        let mut stream =
            RtpStream { ssrc: 1, payload_type: 96, sequence: 65_535, first_timestamp: 10, playout_delay: Some(3) };
        let packets = stream.packets(vec![Bytes::from_static(&[1]), Bytes::from_static(&[2])], 90, true);
        assert_eq!(packets.iter().map(|p| p.header.marker).collect::<Vec<_>>(), [false, true]);
        assert_eq!(packets.iter().map(|p| p.header.sequence_number).collect::<Vec<_>>(), [65_535, 0]);
        assert!(packets.iter().all(|p| p.header.timestamp == 100 && p.header.get_extension(3).is_some()));
    }
}
