//! [`entente_fuzz::demo_game`] for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| entente_fuzz::demo_game(data));
