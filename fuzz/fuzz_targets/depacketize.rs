//! The payloads of one frame, of any codec.
#![no_main]

use entente_model::media::VideoCodec;
use entente_rtp::{Depacketizer, PayloadFormat};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let codec = VideoCodec::ALL[usize::from(*first) % VideoCodec::ALL.len()];
    let mut depacketizer = Depacketizer::new(&PayloadFormat::new(96, codec));
    // 0xff separates the packets.
    let payloads: Vec<&[u8]> = rest.split(|byte| *byte == 0xff).collect();
    for payload in &payloads {
        let _ = depacketizer.starts_frame(payload);
        let _ = depacketizer.marks_key(payload);
        let _ = depacketizer.discardable(payload);
        depacketizer.learn(payload);
    }
    let _ = depacketizer.assemble(payloads.iter().copied());
});
