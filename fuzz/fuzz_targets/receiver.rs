//! [`entente_fuzz::receiver`] for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| entente_fuzz::receiver(data));
