//! [`entente_fuzz::whep_reply`] for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| entente_fuzz::whep_reply(data));
