//! [`entente_fuzz::shell_line`] for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| entente_fuzz::shell_line(data));
