//! [`entente_fuzz::link_header`] for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| entente_fuzz::link_header(data));
