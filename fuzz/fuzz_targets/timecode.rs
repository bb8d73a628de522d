//! The strip in any picture: a value or nothing, and what was drawn is read.
#![no_main]

use entente_stats::timecode::{LumaSamples, draw, read};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let [a, b, c, d, rest @ ..] = data else { return };
    let (width, height) = (u32::from(*a) * 4, u32::from(*b));
    let stride = usize::from(*c) * 4;
    let scale = f64::from(*d) / 64.0;
    let _ = read(rest, stride, width, height, LumaSamples::Eight, scale);
    let mut luma = rest.to_vec();
    draw(&mut luma, stride, u64::from(*d) << 30, 7);
    let _ = read(&luma, stride, width, height, LumaSamples::Eight, 1.0);
});
