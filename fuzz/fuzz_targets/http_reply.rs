//! [`entente_fuzz::http_reply`] for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| entente_fuzz::http_reply(data));
