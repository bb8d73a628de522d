//! [`entente_fuzz::kept_file`] for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| entente_fuzz::kept_file(data));
