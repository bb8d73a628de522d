//! Arbitrary bytes never do harm.

use std::time::Duration;

use bytes::Bytes;
use entente_model::media::VideoCodec;
use entente_rtp::{Assembler, PayloadFormat, RtpPacket, VideoReceiver};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::epoch;
use crate::sender::packet;

fn formats() -> Vec<PayloadFormat> {
    VideoCodec::ALL.iter().zip(96..).map(|(codec, number)| PayloadFormat::new(number, *codec)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_datagram_is_a_packet_or_an_error(bytes in vec(any::<u8>(), 0..200)) {
        let length = bytes.len();
        if let Ok(packet) = RtpPacket::parse(Bytes::from(bytes), epoch()) {
            prop_assert!(packet.payload.len() + 12 <= length);
        }
    }

    #[test]
    fn any_payload_is_survived(payloads in vec((0..5_u8, vec(any::<u8>(), 0..40), any::<bool>(), 0..3_u32), 1..60)) {
        let mut receiver = VideoReceiver::new(formats());
        let mut timestamp = 0_u32;
        for (sequence, (kind, payload, marker, step)) in payloads.into_iter().enumerate() {
            timestamp += step / 2;
            let packet = RtpPacket { payload_type: 96 + kind, ..packet(sequence as u16, timestamp, marker, payload.into()) };
            receiver.push(packet, epoch());
            while receiver.poll_frame(epoch()).is_some() {}
            while receiver.poll_feedback(epoch()).is_some() {}
        }
    }

    #[test]
    fn any_order_is_survived_in_bounded_memory(
        steps in vec((any::<u16>(), 0..8_u8, any::<u32>(), any::<bool>(), 0..50_u64, 0..10_u8), 1..400),
    ) {
        let mut receiver = VideoReceiver::new(formats());
        let mut assembler = Assembler::new(formats());
        let mut now = epoch();
        let mut sequence = 0_u16;
        let mut last = None;
        for (jump, kind, timestamp, marker, millis, choice) in steps {
            now += Duration::from_millis(millis);
            sequence = match choice {
                0 => jump,
                1 => sequence.wrapping_add(jump % 2000),
                2 => sequence.wrapping_sub(jump % 100),
                _ => sequence.wrapping_add(1 + u16::from(choice == 3)),
            };
            let packet = RtpPacket {
                ssrc: u32::from(choice == 4),
                payload_type: 94 + kind,
                arrived: now,
                ..packet(sequence, timestamp % 5000, marker, Bytes::from_static(&[0x65, 0x80, 1, 2]))
            };
            assembler.push(packet.clone());
            while assembler.next_frame(now).is_some() {}
            prop_assert!(assembler.span() <= Assembler::CAPACITY);
            receiver.push(packet, now);
            while let Some(frame) = receiver.poll_frame(now) {
                prop_assert!(last.is_none_or(|last| frame.id == last + 1));
                last = Some(frame.id);
            }
            while receiver.poll_feedback(now).is_some() {}
            prop_assert!(receiver.next_deadline().is_none_or(|deadline| deadline > now));
        }
    }
}
