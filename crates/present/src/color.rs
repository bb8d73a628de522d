//! What sample values mean: the float reference, and the coefficients which both bodies are held to.
//!
//! Matrices and ranges: ITU-T H.273 (equations 20 to 31 for ranges, table 4 for the constants). Transfer curves:
//! SMPTE ST 2084 (PQ) and ARIB STD-B67 (HLG) as in ITU-R BT.2100; reference white 203 cd/m² as in ITU-R BT.2408.

use entente_model::picture::{Color, Matrix, Picture, Transfer};

use crate::error::PresentError;
use crate::planes::Planes;

/// Weights of red and blue in luma (H.273 table 4).
#[must_use]
pub const fn weights(matrix: Matrix) -> (f64, f64) {
    match matrix {
        Matrix::Bt601 => (0.299, 0.114),
        Matrix::Bt709 => (0.2126, 0.0722),
        Matrix::Bt2020 => (0.2627, 0.0593),
    }
}

/// Rows for red, green and blue: factors of Y, U, V as fractions of the largest code value, and a constant.
#[must_use]
pub fn rows(color: Color, bits: u8) -> [[f64; 4]; 3] {
    let largest = f64::from((1u32 << bits) - 1);
    let step = f64::from(1u32 << (bits - 8));
    let middle = f64::from(1u32 << (bits - 1));
    // Codes of black, and of the spans of luma and chroma.
    let (black, luma, chroma) =
        if color.full_range { (0.0, largest, largest) } else { (16.0 * step, 219.0 * step, 224.0 * step) };
    let (kr, kb) = weights(color.matrix);
    let kg = 1.0 - kr - kb;
    let (of_y, of_c) = (largest / luma, largest / chroma);
    let row = |u: f64, v: f64| [of_y, u * of_c, v * of_c, -black / luma - (u + v) * middle / chroma];
    let (blue, red) = (2.0 * (1.0 - kb), 2.0 * (1.0 - kr));
    [row(0.0, red), row(-blue * kb / kg, -red * kr / kg), row(blue, 0.0)]
}

/// Non-linear RGB in 0..=1 for one pixel's code values.
#[must_use]
pub fn rgb(color: Color, bits: u8, yuv: [f64; 3]) -> [f64; 3] {
    let largest = f64::from((1u32 << bits) - 1);
    let [y, u, v] = yuv.map(|code| code / largest);
    rows(color, bits).map(|[of_y, of_u, of_v, constant]| (of_y * y + of_u * u + of_v * v + constant).clamp(0.0, 1.0))
}

/// Luminance of reference white in cd/m² (BT.2408): the brightness of SDR white inside an HDR picture.
pub const REFERENCE_WHITE: f64 = 203.0;

/// Light of PQ code 1 in cd/m².
pub const PQ_PEAK: f64 = 10_000.0;

/// Peak of the display that HLG is made for, in cd/m² (BT.2100 table 5).
pub const HLG_PEAK: f64 = 1_000.0;

/// Light up to here (1 = reference white) is kept by the tone mapping, brighter light is pressed in above.
pub const KNEE: f64 = 0.75;

/// SMPTE ST 2084: code 0..=1 to light, 1 = reference white.
#[must_use]
pub fn pq_light(code: f64) -> f64 {
    const M1: f64 = 2610.0 / 16384.0;
    const M2: f64 = 2523.0 / 4096.0 * 128.0;
    const C1: f64 = 3424.0 / 4096.0;
    const C2: f64 = 2413.0 / 4096.0 * 32.0;
    const C3: f64 = 2392.0 / 4096.0 * 32.0;
    let power = code.clamp(0.0, 1.0).powf(1.0 / M2);
    ((power - C1).max(0.0) / (C2 - C3 * power)).powf(1.0 / M1) * PQ_PEAK / REFERENCE_WHITE
}

/// ARIB STD-B67: code 0..=1 to scene light 0..=1.
#[must_use]
pub fn hlg_scene(code: f64) -> f64 {
    const A: f64 = 0.178_832_77;
    const B: f64 = 0.284_668_92;
    const C: f64 = 0.559_910_73;
    let code = code.clamp(0.0, 1.0);
    if code <= 0.5 { code * code / 3.0 } else { (((code - C) / A).exp() + B) / 12.0 }
}

/// The HLG display's system gamma at [`HLG_PEAK`] (BT.2100 table 5).
pub const HLG_GAMMA: f64 = 1.2;

/// Display light of an HDR pixel in BT.2020 primaries, 1 = reference white.
#[must_use]
pub fn light(transfer: Transfer, code: [f64; 3]) -> [f64; 3] {
    match transfer {
        Transfer::Sdr => code.map(|value| value.powf(2.2)),
        Transfer::Pq => code.map(pq_light),
        Transfer::Hlg => {
            let scene = code.map(hlg_scene);
            let [r, g, b] = scene;
            let luma = 0.2627 * r + 0.678 * g + 0.0593 * b;
            let gain = luma.powf(HLG_GAMMA - 1.0) * HLG_PEAK / REFERENCE_WHITE;
            scene.map(|value| value * gain)
        }
    }
}

/// BT.2020 to BT.709 primaries, linear light (ITU-R BT.2087).
pub const TO_709: [[f64; 3]; 3] = [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]];

/// Presses any light into 0..=1: the same up to [`KNEE`], then ever flatter towards 1.
#[must_use]
pub fn pressed(light: f64) -> f64 {
    let room = 1.0 - KNEE;
    if light <= KNEE { light.max(0.0) } else { 1.0 - room * (-(light - KNEE) / room).exp() }
}

/// An HDR pixel as SDR: display light, BT.709 primaries, pressed, gamma 2.2.
#[must_use]
pub fn sdr(transfer: Transfer, code: [f64; 3]) -> [f64; 3] {
    if transfer == Transfer::Sdr {
        return code;
    }
    let [r, g, b] = light(transfer, code);
    TO_709.map(|[of_r, of_g, of_b]| pressed(of_r * r + of_g * g + of_b * b).powf(1.0 / 2.2))
}

/// How chroma between its samples is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chroma {
    /// The sample of the block (the CPU body).
    Nearest,
    /// Linear; samples lie on the left luma column of their pair and between the two rows (the GPU body; the default
    /// position of H.264, HEVC, VP9 and AV1).
    Left,
}

/// The picture as RGB in 0..=1, row by row, computed in floating point. Slow: for tests and tools.
///
/// # Errors
/// The planes are too small.
pub fn reference(picture: &Picture, chroma: Chroma) -> Result<Vec<[f64; 3]>, PresentError> {
    let planes = Planes::of(picture)?;
    let layout = planes.layout;
    let shift = if layout == entente_model::picture::PixelLayout::P010 { 6 } else { 0 };
    let sample = |plane: usize, x: usize, y: usize| -> f64 {
        let Some(view) = planes.all.get(plane) else { return 0.0 };
        let at = y * view.stride + x * layout.sample_bytes();
        match (view.data.get(at), view.data.get(at + 1), layout.sample_bytes()) {
            (Some(low), _, 1) => f64::from(*low),
            (Some(low), Some(high), _) => f64::from(u16::from_le_bytes([*low, *high]) >> shift),
            _ => 0.0,
        }
    };
    let (across, rows) = layout.plane_size(1, planes.width, planes.height);
    let across = if planes.interleaved() { across / 2 } else { across };
    let (half_x, half_y) = (across != planes.width, rows != planes.height);
    let of_chroma = |index: usize, x: usize, y: usize| {
        if planes.interleaved() { sample(1, 2 * x + index, y) } else { sample(1 + index, x, y) }
    };
    let between = |index: usize, x: usize, y: usize| {
        let position = |at: usize, half: bool, left: bool| match (half, left) {
            (false, _) => at as f64,
            (true, true) => at as f64 / 2.0,
            (true, false) => (at as f64 - 0.5) / 2.0,
        };
        let (x, y) = (position(x, half_x, true), position(y, half_y, false));
        let part = |at: f64, size: u32| {
            let last = (size - 1) as usize;
            let low = at.floor();
            ((low.max(0.0) as usize).min(last), ((low + 1.0).max(0.0) as usize).min(last), at - low)
        };
        let ((x0, x1, fx), (y0, y1, fy)) = (part(x, across), part(y, rows));
        let line = |y: usize| of_chroma(index, x0, y) * (1.0 - fx) + of_chroma(index, x1, y) * fx;
        line(y0) * (1.0 - fy) + line(y1) * fy
    };
    let mut result = Vec::with_capacity(planes.width as usize * planes.height as usize);
    for y in 0..planes.height as usize {
        for x in 0..planes.width as usize {
            let pair = [0, 1].map(|index| match chroma {
                Chroma::Nearest => of_chroma(index, x >> usize::from(half_x), y >> usize::from(half_y)),
                Chroma::Left => between(index, x, y),
            });
            let [u, v] = pair;
            let code = rgb(planes.color, layout.bits(), [sample(0, x, y), u, v]);
            result.push(sdr(planes.color.transfer, code));
        }
    }
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(got: [f64; 3], want: [f64; 3]) {
        for (got, want) in got.iter().zip(want) {
            assert!((got - want).abs() < 0.004, "{got} is not {want}");
        }
    }

    #[test]
    fn black_and_white_of_every_range() {
        for matrix in [Matrix::Bt601, Matrix::Bt709, Matrix::Bt2020] {
            let limited = Color { matrix, ..Color::default() };
            near(rgb(limited, 8, [16.0, 128.0, 128.0]), [0.0; 3]);
            near(rgb(limited, 8, [235.0, 128.0, 128.0]), [1.0; 3]);
            near(rgb(limited, 10, [64.0, 512.0, 512.0]), [0.0; 3]);
            near(rgb(limited, 10, [940.0, 512.0, 512.0]), [1.0; 3]);
            let full = Color { full_range: true, ..limited };
            near(rgb(full, 8, [0.0, 128.0, 128.0]), [0.0; 3]);
            near(rgb(full, 10, [1023.0, 512.0, 512.0]), [1.0; 3]);
        }
    }

    #[test]
    fn known_colours() {
        // 100 % red of BT.709 and BT.601, limited range (ITU-R BT.709 and BT.601 colour bars).
        near(rgb(Color::default(), 8, [63.0, 102.0, 240.0]), [1.0, 0.0, 0.0]);
        let bt601 = Color { matrix: Matrix::Bt601, ..Color::default() };
        near(rgb(bt601, 8, [81.0, 90.0, 240.0]), [0.996, 0.0, 0.0]);
        near(rgb(Color::default(), 8, [32.0, 240.0, 118.0]), [0.0, 0.0, 1.0]);
    }

    #[test]
    fn transfer_curves_at_known_points() {
        // BT.2408: 203 cd/m² is 58 % PQ and 75 % HLG.
        assert!((pq_light(0.5806) - 1.0).abs() < 0.01);
        let [r, ..] = light(Transfer::Hlg, [0.75; 3]);
        assert!((r - 1.0).abs() < 0.02, "{r}");
        assert!((pq_light(1.0) - PQ_PEAK / REFERENCE_WHITE).abs() < 0.01);
        near(sdr(Transfer::Pq, [0.0; 3]), [0.0; 3]);
        let white = sdr(Transfer::Pq, [1.0; 3]);
        near(white, [1.0; 3]);
    }

    #[test]
    fn tone_mapping_rises_and_ends_at_white() {
        let mut before = -1.0;
        for step in 0..500 {
            let mapped = pressed(f64::from(step) / 20.0);
            assert!(mapped >= before && mapped <= 1.0);
            before = mapped;
        }
        assert!((pressed(0.5) - 0.5).abs() < 1e-12);
    }
}
