//! [`entente_fuzz::demo_query`] for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| entente_fuzz::demo_query(data));
