//! RGB to YUV, once, for everything that is drawn.

/// A colour in YUV, BT.709 matrix, limited range (luma 16 to 235, chroma 16 to 240).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Yuv {
    /// Luma.
    pub y: u8,
    /// Blue difference.
    pub u: u8,
    /// Red difference.
    pub v: u8,
}

/// Luma weights of red, green and blue in 1/10000 (ITU-R BT.709-6, section 3.2).
const WEIGHTS: (i64, i64, i64) = (2126, 7152, 722);

/// Converts full-range RGB to limited-range YUV, exactly rounded (ITU-R BT.709-6, sections 3.2 to 3.5).
#[must_use]
pub const fn bt709(r: u8, g: u8, b: u8) -> Yuv {
    let (r, g, b) = (r as i64, g as i64, b as i64);
    let luma = WEIGHTS.0 * r + WEIGHTS.1 * g + WEIGHTS.2 * b;
    Yuv {
        y: (16 + rounded(219 * luma, 255 * 10_000)) as u8,
        // 2 * (1 - weight) normalises the difference to -0.5..=0.5; 224 steps span it.
        u: (128 + rounded(224 * (10_000 * b - luma), 255 * 2 * (10_000 - WEIGHTS.2))) as u8,
        v: (128 + rounded(224 * (10_000 * r - luma), 255 * 2 * (10_000 - WEIGHTS.0))) as u8,
    }
}

/// Nearest integer to `n / d` for positive `d`, halves away from zero.
const fn rounded(n: i64, d: i64) -> i64 {
    if n < 0 { -((-n + d / 2) / d) } else { (n + d / 2) / d }
}

impl Yuv {
    /// Black of limited range.
    pub const BLACK: Self = bt709(0, 0, 0);
    /// White of limited range.
    pub const WHITE: Self = bt709(255, 255, 255);

    /// Colour from full-range RGB written as 0xRRGGBB.
    #[must_use]
    pub const fn hex(rgb: u32) -> Self {
        bt709((rgb >> 16) as u8, (rgb >> 8) as u8, rgb as u8)
    }

    /// This colour moved towards `other` by `share` of 256.
    #[must_use]
    pub const fn mix(self, other: Self, share: u32) -> Self {
        Self { y: blend(self.y, other.y, share), u: blend(self.u, other.u, share), v: blend(self.v, other.v, share) }
    }
}

/// `under` moved towards `over` by `alpha` of 256; 0 and 256 are exact.
#[must_use]
pub const fn blend(under: u8, over: u8, alpha: u32) -> u8 {
    let alpha = if alpha > 256 { 256 } else { alpha as u16 };
    // At most 255 * 256 + 128: sixteen bits are enough, and twice as fast as 32 in a row.
    ((under as u16 * (256 - alpha) + over as u16 * alpha + 128) >> 8) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn float(r: u8, g: u8, b: u8) -> (f64, f64, f64) {
        let (r, g, b) = (f64::from(r) / 255.0, f64::from(g) / 255.0, f64::from(b) / 255.0);
        let y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
        (16.0 + 219.0 * y, 128.0 + 224.0 * (b - y) / 1.8556, 128.0 + 224.0 * (r - y) / 1.5748)
    }

    #[test]
    fn every_colour_is_within_half_a_step_of_the_real_number() {
        let levels: Vec<u8> = (0..=255).step_by(5).collect();
        for &r in &levels {
            for &g in &levels {
                for &b in &levels {
                    let (got, want) = (bt709(r, g, b), float(r, g, b));
                    for (got, want) in [(got.y, want.0), (got.u, want.1), (got.v, want.2)] {
                        assert!((f64::from(got) - want).abs() < 0.501, "{r},{g},{b}: {got} for {want}");
                    }
                }
            }
        }
    }

    #[test]
    fn known_colours_have_their_published_values() {
        assert_eq!(Yuv::BLACK, Yuv { y: 16, u: 128, v: 128 });
        assert_eq!(Yuv::WHITE, Yuv { y: 235, u: 128, v: 128 });
        assert_eq!(Yuv::hex(0xFF0000), Yuv { y: 63, u: 102, v: 240 });
        assert_eq!(Yuv::hex(0x00FF00), Yuv { y: 173, u: 42, v: 26 });
        assert_eq!(Yuv::hex(0x0000FF), Yuv { y: 32, u: 240, v: 118 });
    }

    #[test]
    fn blending_is_exact_at_both_ends() {
        for under in 0..=255 {
            for over in [0, 16, 128, 235, 255] {
                assert_eq!(blend(under, over, 0), under);
                assert_eq!(blend(under, over, 256), over);
            }
        }
        assert_eq!(Yuv::BLACK.mix(Yuv::WHITE, 128).y, 126);
    }
}
