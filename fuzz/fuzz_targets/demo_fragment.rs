//! [`entente_fuzz::demo_fragment`] for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| entente_fuzz::demo_fragment(data));
