//! [`entente_fuzz::cloud_answer`] for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| entente_fuzz::cloud_answer(data));
