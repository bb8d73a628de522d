//! [`entente_fuzz::control_session`] for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| entente_fuzz::control_session(data));
