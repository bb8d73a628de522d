//! [`entente_fuzz::rtp_packet`] for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| entente_fuzz::rtp_packet(data));
