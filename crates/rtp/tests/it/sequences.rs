//! RTP headers, and counters that wrap.

use bytes::Bytes;
use entente_rtp::{RtpError, RtpPacket};

use crate::epoch;

/// Version 2, padding, extension, two sources, marker, payload type 96.
const GOLDEN: [u8; 36] = [
    0xb2, 0xe0, 0x12, 0x34, 0x00, 0x00, 0x05, 0xdc, 0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 1, 0, 0, 0, 2, 0xbe, 0xde, 0, 1,
    0x10, 0xff, 0, 0, 0xaa, 0xbb, 0xcc, 0xdd, 0, 0, 0, 4,
];

#[test]
fn a_packet_with_everything_is_read() {
    let packet = RtpPacket::parse(Bytes::from_static(&GOLDEN), epoch()).unwrap();
    assert_eq!(packet.payload_type, 96);
    assert_eq!(packet.sequence, 0x1234);
    assert_eq!(packet.timestamp, 1500);
    assert_eq!(packet.ssrc, 0xcafe_babe);
    assert!(packet.marker && !packet.recovered);
    assert_eq!(packet.payload[..], [0xaa, 0xbb, 0xcc, 0xdd]);
}

#[test]
fn the_payload_is_a_slice_of_the_datagram() {
    let datagram = Bytes::from(GOLDEN.to_vec());
    let packet = RtpPacket::parse(datagram.clone(), epoch()).unwrap();
    assert_eq!(packet.payload.as_ptr(), datagram[28..].as_ptr());
}

#[test]
fn padding_only_packets_have_no_payload() {
    let mut bytes = GOLDEN[..12].to_vec();
    bytes[0] = 0xa0;
    bytes.extend_from_slice(&[0, 0, 0, 4]);
    let packet = RtpPacket::parse(bytes.into(), epoch()).unwrap();
    assert!(packet.payload.is_empty());
}

#[test]
fn damaged_headers_are_named() {
    let parse = |bytes: &[u8]| RtpPacket::parse(Bytes::copy_from_slice(bytes), epoch());
    assert_eq!(parse(&GOLDEN[..11]), Err(RtpError::Truncated));
    assert_eq!(parse(&GOLDEN[..19]), Err(RtpError::Truncated));
    assert_eq!(parse(&GOLDEN[..22]), Err(RtpError::Truncated));
    assert_eq!(parse(&GOLDEN[..27]), Err(RtpError::Truncated));
    let mut bytes = GOLDEN;
    bytes[0] = 0x72;
    assert_eq!(parse(&bytes), Err(RtpError::Version(1)));
    for padding in [0, 9] {
        bytes = GOLDEN;
        bytes[35] = padding;
        assert_eq!(parse(&bytes), Err(RtpError::Padding(padding)));
    }
}
