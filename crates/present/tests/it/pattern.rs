//! Pictures to test with.

use std::sync::Arc;
use std::time::Instant;

use entente_model::picture::{Color, FrameTimes, Matrix, OwnedPlanes, Picture, PixelLayout};

pub(crate) const LAYOUTS: [PixelLayout; 8] = [
    PixelLayout::I420,
    PixelLayout::I422,
    PixelLayout::I444,
    PixelLayout::Nv12,
    PixelLayout::I010,
    PixelLayout::I210,
    PixelLayout::I410,
    PixelLayout::P010,
];

pub(crate) fn colors() -> impl Iterator<Item = Color> {
    [Matrix::Bt601, Matrix::Bt709, Matrix::Bt2020]
        .into_iter()
        .flat_map(|matrix| [false, true].map(|full_range| Color { matrix, full_range, ..Color::default() }))
}

#[allow(clippy::disallowed_methods, reason = "stamps of a test picture mean nothing")]
pub(crate) fn times() -> FrameTimes {
    let now = Instant::now();
    FrameTimes { first_packet: now, last_packet: now, assembled: now, decode_in: now, decode_out: now }
}

/// A picture whose component `c` (0 = Y, 1 = U, 2 = V) has code `code(c, x, y)` at its own sample (x, y). Rows are
/// `pad` bytes longer than needed, and the padding is loud.
pub(crate) fn picture(
    layout: PixelLayout,
    (width, height): (u32, u32),
    color: Color,
    pad: usize,
    code: impl Fn(usize, u32, u32) -> u16,
) -> Picture {
    let bytes = layout.sample_bytes();
    let planes = (0..layout.planes())
        .map(|plane| {
            let (samples, rows) = layout.plane_size(plane, width, height);
            let row = samples as usize * bytes;
            let stride = row + pad;
            let mut data = vec![0xEE; stride * rows as usize];
            for y in 0..rows {
                for x in 0..samples {
                    let value = match (plane, layout.planes()) {
                        (1, 2) => code(1 + (x as usize & 1), x / 2, y),
                        _ => code(plane, x, y),
                    };
                    let value = if layout == PixelLayout::P010 { value << 6 } else { value };
                    let at = y as usize * stride + x as usize * bytes;
                    data[at..at + bytes].copy_from_slice(&value.to_le_bytes()[..bytes]);
                }
            }
            // The last row may end with its last sample.
            data.truncate(stride * (rows as usize - 1) + row);
            (data, stride)
        })
        .collect();
    let memory = Arc::new(OwnedPlanes { planes });
    Picture { frame: 1, width, height, layout, color, times: times(), memory }
}

/// Codes that look random, within the legal range.
pub(crate) fn noise(layout: PixelLayout, color: Color) -> impl Fn(usize, u32, u32) -> u16 {
    let step = if layout.bits() == 10 { 4 } else { 1 };
    let (low, high) = if color.full_range { (0, 256 * step - 1) } else { (16 * step, 235 * step) };
    move |component, x, y| {
        let mut hash = (component as u32 + 1).wrapping_mul(0x9E37_79B1)
            ^ x.wrapping_mul(0x85EB_CA77)
            ^ y.wrapping_mul(0xC2B2_AE3D);
        hash ^= hash >> 15;
        hash = hash.wrapping_mul(0x2C1B_3C6D);
        hash ^= hash >> 13;
        low + (hash % u32::from(high - low + 1)) as u16
    }
}

/// One colour everywhere.
pub(crate) fn flat(layout: PixelLayout, size: (u32, u32), yuv: [u16; 3]) -> Picture {
    let step = if layout.bits() == 10 { 4 } else { 1 };
    picture(layout, size, Color::default(), 3, move |component, _, _| yuv[component] * step)
}

/// Largest difference of a channel between tight RGBA and the reference.
pub(crate) fn worst(rgba: &[u8], reference: &[[f64; 3]]) -> f64 {
    assert_eq!(rgba.len(), reference.len() * 4);
    let differences = rgba.chunks_exact(4).zip(reference).flat_map(|(pixel, reference)| {
        (0..3).map(move |channel| (f64::from(pixel[channel]) - reference[channel] * 255.0).abs())
    });
    differences.fold(0.0, f64::max)
}

/// The GPU if there is one, emulated or not; says so when there is none.
pub(crate) fn offscreen(wide: bool) -> Option<entente_present::gpu::Offscreen> {
    match entente_present::gpu::Offscreen::open(wide) {
        Ok(offscreen) => Some(offscreen),
        Err(error) => {
            println!("skipped: no adapter ({error})");
            None
        }
    }
}
