//! [`entente_fuzz::link_datagrams`] for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| entente_fuzz::link_datagrams(data));
