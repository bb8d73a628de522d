//! Any datagram is an RTP packet or an error.
#![no_main]

libfuzzer_sys::fuzz_target!(|datagram: &[u8]| {
    let _ = entente_rtp::RtpPacket::parse(bytes::Bytes::copy_from_slice(datagram), std::time::Instant::now());
});
