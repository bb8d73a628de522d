//! Any sequence of datagrams, with any times between, for any codec: no panic, frames in order, bounded work.
#![no_main]

use std::time::{Duration, Instant};

use entente_model::media::VideoCodec;
use entente_rtp::{PayloadFormat, RtpPacket, VideoReceiver};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let formats = VideoCodec::ALL.iter().zip(96_u8..).map(|(codec, number)| PayloadFormat::new(number, *codec));
    let mut receiver = VideoReceiver::new(formats);
    let mut now = Instant::now();
    let mut last = None;
    let mut rest = data;
    // Each packet: length, payload type, sequence (signed step), time step, flags, payload.
    let (mut sequence, mut timestamp) = (65_500_u16, u32::MAX - 90_000);
    while let [length, kind, step, wait, flags, tail @ ..] = rest {
        let (payload, after) = tail.split_at(usize::from(*length).min(tail.len()));
        rest = after;
        sequence = sequence.wrapping_add_signed(i16::from((*step).cast_signed()));
        if flags & 2 != 0 {
            timestamp = timestamp.wrapping_add(3000);
        }
        let mut datagram = vec![0x80, (96 + kind % 6) | if flags & 1 != 0 { 0x80 } else { 0 }];
        datagram.extend(sequence.to_be_bytes());
        datagram.extend(timestamp.to_be_bytes());
        datagram.extend(u32::from(flags >> 6).to_be_bytes());
        datagram.extend_from_slice(payload);
        now += Duration::from_micros(u64::from(*wait) * 500);
        if let Ok(packet) = RtpPacket::parse(datagram.into(), now) {
            receiver.push(packet, now);
        }
        while let Some(frame) = receiver.poll_frame(now) {
            assert!(last.is_none_or(|last| frame.id > last), "frames must not go back");
            last = Some(frame.id);
        }
        while receiver.poll_feedback(now).is_some() {}
    }
});
