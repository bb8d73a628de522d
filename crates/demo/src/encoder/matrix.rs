//! BT.709 pictures into BT.601, for VP8: its streams cannot say which matrix they use, and mean BT.601 (RFC 6386 section
//! 9.2). Browsers show them so, and would get the colours of a BT.709 picture wrong.

use super::raw::Planes;

/// Rows of the conversion between the two limited ranges in 1/16384, from the luma weights of ITU-R BT.709-6 and
/// BT.601-7: what luma gains from the two colour differences, and what these become. Grey stays exactly as it is.
const LUMA: [i32; 2] = [1627, 3141];
const BLUE: [i32; 2] = [16_218, -1813];
const RED: [i32; 2] = [-1187, 16_112];
const SHIFT: u32 = 14;

fn mixed([from_u, from_v]: [i32; 2], u: i32, v: i32) -> i32 {
    (from_u * u + from_v * v + (1 << (SHIFT - 1))) >> SHIFT
}

fn byte(value: i32) -> u8 {
    u8::try_from(value.clamp(0, 255)).unwrap_or(0)
}

/// Converts a picture in place.
pub(super) fn to_bt601(planes: &mut Planes<'_>) {
    let chroma = planes.u.chunks_exact_mut(planes.uv_stride).zip(planes.v.chunks_exact_mut(planes.uv_stride));
    for (pair, (u_row, v_row)) in planes.y.chunks_mut(2 * planes.y_stride).zip(chroma) {
        let (above, below) = pair.split_at_mut(planes.y_stride.min(pair.len()));
        // A picture of odd height has no row below the last one.
        for luma in [above, below] {
            for (two, (u, v)) in luma.chunks_exact_mut(2).zip(u_row.iter().zip(v_row.iter())) {
                let gain = mixed(LUMA, i32::from(*u) - 128, i32::from(*v) - 128);
                for y in two {
                    *y = byte(i32::from(*y) + gain);
                }
            }
        }
        for (u, v) in u_row.iter_mut().zip(v_row) {
            let (blue, red) = (i32::from(*u) - 128, i32::from(*v) - 128);
            *u = byte(128 + mixed(BLUE, blue, red));
            *v = byte(128 + mixed(RED, blue, red));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::color::bt709;

    /// BT.601-7 sections 2.5.1 to 2.5.3, limited range.
    fn bt601(rgb: [u8; 3]) -> [f64; 3] {
        let [r, g, b] = rgb.map(|part| f64::from(part) / 255.0);
        let luma = 0.299 * r + 0.587 * g + 0.114 * b;
        [16.0 + 219.0 * luma, 128.0 + 224.0 * (b - luma) / 1.772, 128.0 + 224.0 * (r - luma) / 1.402]
    }

    #[test]
    fn colours_stay_the_colours_they_were() {
        for rgb in
            [[191, 0, 0], [0, 191, 191], [0, 0, 255], [255, 255, 0], [90, 120, 30], [16, 16, 16], [235, 235, 235]]
        {
            let from = bt709(rgb[0], rgb[1], rgb[2]);
            let (mut y, mut u, mut v) = ([from.y; 4 * 4], [from.u; 2 * 2], [from.v; 2 * 2]);
            to_bt601(&mut Planes { y: &mut y, u: &mut u, v: &mut v, y_stride: 4, uv_stride: 2 });
            for (samples, should) in [&y[..], &u[..], &v[..]].into_iter().zip(bt601(rgb)) {
                assert!(
                    samples.iter().all(|is| (f64::from(*is) - should).abs() <= 1.6),
                    "{rgb:?}: {samples:?} {should}"
                );
            }
        }
    }

    #[test]
    fn grey_is_untouched() {
        let (mut y, mut u, mut v) = ([16, 235, 126, 0, 255, 1], [128; 3], [128; 3]);
        let before = y;
        to_bt601(&mut Planes { y: &mut y, u: &mut u, v: &mut v, y_stride: 6, uv_stride: 3 });
        assert_eq!((y, u, v), (before, [128; 3], [128; 3]));
    }
}
