//! Synthetic frames and a small packetiser for each codec.

use bytes::Bytes;
use entente_model::media::VideoCodec;
use entente_rtp::RtpPacket;

use crate::epoch;

pub(crate) const SSRC: u32 = 0x5eed_0001;
pub(crate) const PAYLOAD_TYPE: u8 = 96;

/// A small generator (xorshift64*), so that a run depends on its seed alone.
#[derive(Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 11) % limit
    }

    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64 <= probability && probability > 0.0
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8 | 1).collect()
    }
}

/// One frame as sent, and as it must come out.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) key: bool,
    pub(crate) discardable: bool,
    pub(crate) payloads: Vec<Bytes>,
    pub(crate) expected: Vec<u8>,
}

fn annex_b(units: &[&[u8]]) -> Vec<u8> {
    units.iter().flat_map(|unit| [&[0, 0, 0, 1], *unit].concat()).collect()
}

pub(crate) const H264_SPS: [u8; 8] = [0x67, 0x42, 0xc0, 0x1f, 0xda, 0x01, 0x40, 0x16];
pub(crate) const H264_PPS: [u8; 4] = [0x68, 0xce, 0x3c, 0x80];
pub(crate) const HEVC_VPS: [u8; 6] = [0x40, 0x01, 0x0c, 0x01, 0xff, 0xff];
/// Main profile, level 3.1, `sps_seq_parameter_set_id` 0; with emulation prevention as real ones have it.
pub(crate) const HEVC_SPS: [u8; 20] =
    [0x42, 0x01, 0x01, 0x01, 0x60, 0, 0, 3, 0, 0x90, 0, 0, 3, 0, 0, 3, 0, 0x5d, 0xa0, 0x02];
pub(crate) const HEVC_PPS: [u8; 5] = [0x44, 0x01, 0xc1, 0x72, 0xb4];

/// A frame of about `size` bytes, cut into payloads of at most `mtu`.
pub(crate) fn frame(
    codec: VideoCodec,
    random: &mut Random,
    key: bool,
    discardable: bool,
    size: usize,
    mtu: usize,
) -> Sent {
    let body = random.bytes(size.max(8));
    let (payloads, expected) = match codec {
        VideoCodec::H264 => h264(key, discardable, body, mtu),
        VideoCodec::Hevc => hevc(key, discardable, body, mtu),
        VideoCodec::Vp8 => vp8(key, discardable, body, mtu),
        VideoCodec::Vp9 => vp9(key, discardable, body, mtu),
        VideoCodec::Av1 => av1(key, body, mtu),
    };
    let payloads = payloads.into_iter().map(Bytes::from).collect();
    Sent { key, discardable: discardable && codec != VideoCodec::Av1, payloads, expected }
}

fn h264(key: bool, discardable: bool, mut body: Vec<u8>, mtu: usize) -> (Vec<Vec<u8>>, Vec<u8>) {
    body[0] = match (key, discardable) {
        (true, _) => 0x65,
        (false, true) => 0x01,
        (false, false) => 0x41,
    };
    body[1] |= 0x80;
    let mut payloads = Vec::new();
    let mut expected = Vec::new();
    if key {
        let mut stap = vec![0x78];
        for set in [&H264_SPS[..], &H264_PPS[..]] {
            stap.extend_from_slice(&(set.len() as u16).to_be_bytes());
            stap.extend_from_slice(set);
        }
        payloads.push(stap);
        expected = annex_b(&[&H264_SPS, &H264_PPS]);
    }
    expected.extend(annex_b(&[&body]));
    if body.len() <= mtu {
        payloads.push(body);
        return (payloads, expected);
    }
    let header = body[0];
    let chunks: Vec<_> = body[1..].chunks(mtu - 2).collect();
    for (index, chunk) in chunks.iter().enumerate() {
        let start = u8::from(index == 0) << 7;
        let end = u8::from(index + 1 == chunks.len()) << 6;
        payloads.push([&[header & 0xe0 | 28, start | end | header & 0x1f], *chunk].concat());
    }
    (payloads, expected)
}

fn hevc(key: bool, discardable: bool, mut body: Vec<u8>, mtu: usize) -> (Vec<Vec<u8>>, Vec<u8>) {
    let kind = match (key, discardable) {
        (true, _) => 19,
        (false, true) => 0,
        (false, false) => 1,
    };
    body[0] = kind << 1;
    body[1] = 1;
    body[2] |= 0x80;
    let mut payloads = Vec::new();
    let mut expected = Vec::new();
    if key {
        let mut aggregate = vec![48 << 1, 1];
        for set in [&HEVC_VPS[..], &HEVC_SPS[..], &HEVC_PPS[..]] {
            aggregate.extend_from_slice(&(set.len() as u16).to_be_bytes());
            aggregate.extend_from_slice(set);
        }
        payloads.push(aggregate);
        expected = annex_b(&[&HEVC_VPS, &HEVC_SPS, &HEVC_PPS]);
    }
    expected.extend(annex_b(&[&body]));
    if body.len() <= mtu {
        payloads.push(body);
        return (payloads, expected);
    }
    let chunks: Vec<_> = body[2..].chunks(mtu - 3).collect();
    for (index, chunk) in chunks.iter().enumerate() {
        let start = u8::from(index == 0) << 7;
        let end = u8::from(index + 1 == chunks.len()) << 6;
        payloads.push([&[49 << 1, 1, start | end | kind], *chunk].concat());
    }
    (payloads, expected)
}

fn vp8(key: bool, discardable: bool, mut body: Vec<u8>, mtu: usize) -> (Vec<Vec<u8>>, Vec<u8>) {
    body[0] = body[0] & 0xfe | u8::from(!key);
    let discard = u8::from(discardable && !key) << 5;
    let payloads = body.chunks(mtu - 4).enumerate().map(|(index, chunk)| {
        let start = u8::from(index == 0) << 4;
        [&[0x80 | discard | start, 0x80, 0x81, 0x02], chunk].concat()
    });
    (payloads.collect(), body.clone())
}

fn vp9(key: bool, discardable: bool, mut body: Vec<u8>, mtu: usize) -> (Vec<Vec<u8>>, Vec<u8>) {
    // frame_marker 2, profile 0, not existing; then frame_type, show_frame 1, error_resilient_mode 1, refresh flags.
    body[0] = 0x80 | u8::from(!key) << 2 | 0x03;
    body[1] = if discardable { 0 } else { 1 };
    let count = body.chunks(mtu - 4).len();
    let payloads = body.chunks(mtu - 4).enumerate().map(|(index, chunk)| {
        let start = u8::from(index == 0) << 3;
        let end = u8::from(index + 1 == count) << 2;
        let inter = u8::from(!key) << 6;
        let mut payload = vec![0x80 | 0x10 | inter | start | end, 0x80, 0x01];
        if !key {
            payload.push(1 << 1);
        }
        payload.extend_from_slice(chunk);
        payload
    });
    (payloads.collect(), body.clone())
}

pub(crate) fn leb128(mut value: usize) -> Vec<u8> {
    let mut out = Vec::new();
    while value > 0x7f {
        out.push(value as u8 & 0x7f | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

fn av1(key: bool, mut body: Vec<u8>, mtu: usize) -> (Vec<Vec<u8>>, Vec<u8>) {
    const SEQUENCE_HEADER: [u8; 4] = [1 << 3, 0x01, 0x02, 0x03];
    body[0] = 6 << 3;
    body[1] = if key { 0x10 } else { 0x30 };
    let mut expected = Vec::new();
    if key {
        expected.extend_from_slice(&[SEQUENCE_HEADER[0] | 2, 3]);
        expected.extend_from_slice(&SEQUENCE_HEADER[1..]);
    }
    expected.push(body[0] | 2);
    expected.extend(leb128(body.len() - 1));
    expected.extend_from_slice(&body[1..]);
    let count = body.chunks(mtu - 8).len();
    let payloads = body.chunks(mtu - 8).enumerate().map(|(index, chunk)| {
        let continues = u8::from(index > 0) << 7 | u8::from(index + 1 < count) << 6;
        if index == 0 && key {
            let header = [0x08 | 2 << 4 | continues, SEQUENCE_HEADER.len() as u8];
            [&header, &SEQUENCE_HEADER[..], chunk].concat()
        } else {
            [&[1 << 4 | continues], chunk].concat()
        }
    });
    (payloads.collect(), expected)
}

/// A packet of the synthetic stream, arriving at the epoch.
pub(crate) fn packet(sequence: u16, timestamp: u32, marker: bool, payload: Bytes) -> RtpPacket {
    RtpPacket {
        payload_type: PAYLOAD_TYPE,
        sequence,
        timestamp,
        ssrc: SSRC,
        marker,
        payload,
        arrived: epoch(),
        recovered: false,
    }
}

/// The packets of a frame, the last one marked.
pub(crate) fn packets(first: u16, timestamp: u32, frame: &Sent) -> Vec<RtpPacket> {
    let last = frame.payloads.len() - 1;
    let packets = frame.payloads.iter().enumerate();
    packets
        .map(|(index, payload)| packet(first.wrapping_add(index as u16), timestamp, index == last, payload.clone()))
        .collect()
}
