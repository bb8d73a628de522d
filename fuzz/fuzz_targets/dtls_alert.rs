//! [`entente_fuzz::dtls_alert`] for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| entente_fuzz::dtls_alert(data));
