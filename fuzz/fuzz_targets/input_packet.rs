//! Host side of the input channel.
#![no_main]

use entente_model::wire::input::{InputPacket, InputTracker, MAX_PACKET};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let mut tracker = InputTracker::new();
    for part in data.split(|byte| *byte == 0xa5) {
        if let Ok(packet) = InputPacket::parse(part) {
            tracker.accept(&packet, |_| {});
            assert!(packet.to_bytes().len() <= MAX_PACKET);
        }
    }
});
