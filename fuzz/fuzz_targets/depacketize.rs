//! [`entente_fuzz::depacketize`] for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| entente_fuzz::depacketize(data));
