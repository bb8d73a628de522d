//! What arrives as media: RTP, payloads of every codec, the strip in a picture.

use std::time::Duration;

use bytes::Bytes;
use entente_model::media::VideoCodec;
use entente_rtp::{Depacketizer, Feedback, Nack, PayloadFormat, RtpPacket, VideoReceiver};
use entente_stats::timecode::{LumaSamples, Timecode, VALUE_MASK, decode_row, draw, encode_row, read};

use crate::{epoch, parts};

/// A datagram.
pub fn rtp_packet(data: &[u8]) {
    let Ok(packet) = RtpPacket::parse(Bytes::copy_from_slice(data), epoch()) else { return };
    assert!(packet.payload.len() + 12 <= data.len(), "the payload is a part of the datagram");
    // The same packet without sources, extension and padding is the same packet.
    let mut plain = vec![0x80, packet.payload_type | u8::from(packet.marker) << 7];
    plain.extend(packet.sequence.to_be_bytes());
    plain.extend(packet.timestamp.to_be_bytes());
    plain.extend(packet.ssrc.to_be_bytes());
    plain.extend_from_slice(&packet.payload);
    assert_eq!(RtpPacket::parse(plain.into(), epoch()), Ok(packet));
}

/// A byte for the codec (highest bit: packets are learned from first), then the payloads of one frame as [`parts`].
pub fn depacketize(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    let Some(codec) = VideoCodec::ALL.get(usize::from(first & 0x7f) % VideoCodec::ALL.len()) else { return };
    let mut depacketizer = Depacketizer::new(&PayloadFormat::new(96, *codec));
    let payloads = parts(rest);
    let mut marked = false;
    for payload in &payloads {
        let _ = depacketizer.starts_frame(payload);
        let _ = depacketizer.discardable(payload);
        marked |= depacketizer.marks_key(payload);
        if first & 0x80 != 0 {
            depacketizer.learn(payload);
        }
    }
    let Ok(unit) = depacketizer.assemble(payloads.iter().copied()) else { return };
    // A start code of four bytes before each unit of one, parameter sets once more, an index at the end.
    let size: usize = payloads.iter().map(|payload| payload.len()).sum();
    assert!(!unit.data.is_empty() && unit.data.len() <= 10 * size + 64, "{} from {size}", unit.data.len());
    if matches!(codec, VideoCodec::H264 | VideoCodec::Hevc) {
        assert!(unit.data.starts_with(&[0, 0, 0, 1]), "Annex B");
        assert!(marked || !unit.key, "a key frame has a payload that says so");
    }
    // (Whether it can be done without is learned from frame to frame.)
    let again = depacketizer.assemble(payloads.iter().copied()).expect("it was a frame before");
    assert_eq!((again.data, again.key), (unit.data, unit.key), "the same packets, the same frame");
}

/// Packets, each as: length of the payload, payload type, step of the sequence number (signed), time since the last one
/// in units of 500 us, flags, payload.
///
/// Flags: 1 marker, 2 next frame's timestamp, 4 it was a retransmission, 8 a key frame is wanted, 16 damaged frames are
/// wanted, 32 the round trip is told; the highest two are the source.
pub fn receiver(data: &[u8]) {
    let formats = VideoCodec::ALL.iter().zip(96_u8..).map(|(codec, number)| PayloadFormat::new(number, *codec));
    let mut receiver = VideoReceiver::new(formats);
    let mut now = epoch();
    let mut frames = 0;
    let (mut sequence, mut timestamp) = (65_500_u16, u32::MAX - 90_000);
    let mut rest = data;
    while let [length, kind, step, wait, flags, tail @ ..] = rest {
        let (payload, after) = tail.split_at(usize::from(*length).min(tail.len()));
        rest = after;
        sequence = sequence.wrapping_add_signed(i16::from(step.cast_signed()));
        timestamp = timestamp.wrapping_add(if flags & 2 != 0 { 3000 } else { 0 });
        now += Duration::from_micros(u64::from(*wait) * 500);
        if flags & 8 != 0 {
            receiver.request_keyframe();
        }
        receiver.allow_damaged(flags & 16 != 0);
        if flags & 32 != 0 {
            receiver.set_rtt(Duration::from_millis(u64::from(*kind)));
        }
        let packet = RtpPacket {
            payload_type: 96 + kind % 6,
            sequence,
            timestamp,
            ssrc: u32::from(flags >> 6),
            marker: flags & 1 != 0,
            payload: Bytes::copy_from_slice(payload),
            arrived: now,
            recovered: flags & 4 != 0,
        };
        receiver.push(packet, now);
        while let Some(frame) = receiver.poll_frame(now) {
            assert_eq!(frame.id, frames, "frames are counted without a gap");
            assert!(!frame.data.is_empty() && frame.first_packet <= frame.last_packet && frame.last_packet <= now);
            frames += 1;
        }
        let mut asked = 0;
        while let Some(feedback) = receiver.poll_feedback(now) {
            if let Feedback::Nack { sequences, .. } = feedback {
                assert!((1..=Nack::BATCH).contains(&sequences.len()));
            }
            asked += 1;
            assert!(asked < 64, "there is an end to what is asked at once");
        }
        assert!(receiver.next_deadline().is_none_or(|deadline| deadline > now), "nothing is left to do now");
    }
    assert_eq!(receiver.stats().frames, frames);
}

/// A picture's size, stride, scale and layout, two values for the strip, and bytes that are repeated to fill the luma
/// plane, the strip over them, and then a change every so often.
pub fn timecode(data: &[u8]) {
    let Some((head, rest)) = data.split_first_chunk::<24>() else { return };
    let [kind, change, scale, start, w0, w1, h0, h1, s0, s1, captured @ .., e0, e1, e2, e3, e4, e5] = *head;
    let (width, height) = (u16::from_be_bytes([w0, w1]) % 2048, u16::from_be_bytes([h0, h1]) % 1200);
    let stride = match u16::from_be_bytes([s0, s1]) {
        u16::MAX => usize::MAX,
        stride => usize::from(stride) % 2048,
    };
    let captured = u64::from_be_bytes(captured);
    let echo = u64::from_be_bytes([0, 0, e0, e1, e2, e3, e4, e5]);
    let length = stride.saturating_mul(usize::from(height).min(40)).min(1 << 16).saturating_sub(usize::from(start));
    let mut luma: Vec<u8> = if rest.is_empty() { vec![start; length] } else { Vec::with_capacity(length) };
    luma.extend(rest.iter().cycle().take(length - luma.len()));
    draw(&mut luma, stride, captured, echo);
    let (width, height) = (u32::from(width), u32::from(height));
    let seen = read(&luma, stride, width, height, LumaSamples::Eight, 1.0);
    // The strip is 512 x 32.
    if stride >= 512
        && (512..=stride).contains(&(width as usize))
        && height >= 32
        && luma.len() >= stride.saturating_mul(31).saturating_add(512)
    {
        let drawn = Timecode { captured_micros: Some(captured & VALUE_MASK), echo_micros: Some(echo) };
        assert_eq!(seen, drawn, "what was drawn is read");
    }
    for sample in luma.iter_mut().step_by(usize::from(change) + 1) {
        *sample ^= kind;
    }
    let samples = match kind % 3 {
        0 => LumaSamples::Eight,
        1 => LumaSamples::LowTen,
        _ => LumaSamples::HighTen,
    };
    let seen = read(&luma, stride, width, height, samples, f64::from(scale) / 64.0);
    for value in [seen.captured_micros, seen.echo_micros].into_iter().flatten() {
        assert_eq!(decode_row(encode_row(value)), Some(value));
    }
}
