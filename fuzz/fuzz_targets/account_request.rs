//! [`entente_fuzz::account_request`] for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| entente_fuzz::account_request(data));
