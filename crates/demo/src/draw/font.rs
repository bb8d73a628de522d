//! Bitmap font, 8 by 8 pixels, printable ASCII.
//!
//! Glyph shapes: `font8x8_basic` by Daniel Hepper, public domain, after the VGA fonts of IBM.

/// Pixels of a glyph's side, and the advance from one glyph to the next.
pub const GLYPH: i32 = 8;

/// Rows of one character, top first; the least significant bit is the leftmost pixel.
/// Characters outside printable ASCII come as a question mark.
#[must_use]
pub fn glyph(character: char) -> [u8; 8] {
    let code = u32::from(character);
    let index = if (0x20..0x7f).contains(&code) { code - 0x20 } else { u32::from(b'?') - 0x20 };
    GLYPHS.get(index as usize).copied().unwrap_or_default().to_be_bytes()
}

/// One glyph per character from space to tilde, top row in the most significant byte.
#[rustfmt::skip]
const GLYPHS: [u64; 95] = [
    0x0000_0000_0000_0000, // space
    0x183c_3c18_1800_1800, // !
    0x3636_0000_0000_0000, // "
    0x3636_7f36_7f36_3600, // #
    0x0c3e_031e_301f_0c00, // $
    0x0063_3318_0c66_6300, // %
    0x1c36_1c6e_3b33_6e00, // &
    0x0606_0300_0000_0000, // '
    0x180c_0606_060c_1800, // (
    0x060c_1818_180c_0600, // )
    0x0066_3cff_3c66_0000, // *
    0x000c_0c3f_0c0c_0000, // +
    0x0000_0000_000c_0c06, // ,
    0x0000_003f_0000_0000, // -
    0x0000_0000_000c_0c00, // .
    0x6030_180c_0603_0100, // /
    0x3e63_737b_6f67_3e00, // 0
    0x0c0e_0c0c_0c0c_3f00, // 1
    0x1e33_301c_0633_3f00, // 2
    0x1e33_301c_3033_1e00, // 3
    0x383c_3633_7f30_7800, // 4
    0x3f03_1f30_3033_1e00, // 5
    0x1c06_031f_3333_1e00, // 6
    0x3f33_3018_0c0c_0c00, // 7
    0x1e33_331e_3333_1e00, // 8
    0x1e33_333e_3018_0e00, // 9
    0x000c_0c00_000c_0c00, // :
    0x000c_0c00_000c_0c06, // ;
    0x180c_0603_060c_1800, // <
    0x0000_3f00_003f_0000, // =
    0x060c_1830_180c_0600, // >
    0x1e33_3018_0c00_0c00, // ?
    0x3e63_7b7b_7b03_1e00, // @
    0x0c1e_3333_3f33_3300, // A
    0x3f66_663e_6666_3f00, // B
    0x3c66_0303_0366_3c00, // C
    0x1f36_6666_6636_1f00, // D
    0x7f46_161e_1646_7f00, // E
    0x7f46_161e_1606_0f00, // F
    0x3c66_0303_7366_7c00, // G
    0x3333_333f_3333_3300, // H
    0x1e0c_0c0c_0c0c_1e00, // I
    0x7830_3030_3333_1e00, // J
    0x6766_361e_3666_6700, // K
    0x0f06_0606_4666_7f00, // L
    0x6377_7f7f_6b63_6300, // M
    0x6367_6f7b_7363_6300, // N
    0x1c36_6363_6336_1c00, // O
    0x3f66_663e_0606_0f00, // P
    0x1e33_3333_3b1e_3800, // Q
    0x3f66_663e_3666_6700, // R
    0x1e33_070e_3833_1e00, // S
    0x3f2d_0c0c_0c0c_1e00, // T
    0x3333_3333_3333_3f00, // U
    0x3333_3333_331e_0c00, // V
    0x6363_636b_7f77_6300, // W
    0x6363_361c_1c36_6300, // X
    0x3333_331e_0c0c_1e00, // Y
    0x7f63_3118_4c66_7f00, // Z
    0x1e06_0606_0606_1e00, // [
    0x0306_0c18_3060_4000, // \
    0x1e18_1818_1818_1e00, // ]
    0x081c_3663_0000_0000, // ^
    0x0000_0000_0000_00ff, // _
    0x0c0c_1800_0000_0000, // `
    0x0000_1e30_3e33_6e00, // a
    0x0706_063e_6666_3b00, // b
    0x0000_1e33_0333_1e00, // c
    0x3830_303e_3333_6e00, // d
    0x0000_1e33_3f03_1e00, // e
    0x1c36_060f_0606_0f00, // f
    0x0000_6e33_333e_301f, // g
    0x0706_366e_6666_6700, // h
    0x0c00_0e0c_0c0c_1e00, // i
    0x3000_3030_3033_331e, // j
    0x0706_6636_1e36_6700, // k
    0x0e0c_0c0c_0c0c_1e00, // l
    0x0000_337f_7f6b_6300, // m
    0x0000_1f33_3333_3300, // n
    0x0000_1e33_3333_1e00, // o
    0x0000_3b66_663e_060f, // p
    0x0000_6e33_333e_3078, // q
    0x0000_3b6e_6606_0f00, // r
    0x0000_3e03_1e30_1f00, // s
    0x080c_3e0c_0c2c_1800, // t
    0x0000_3333_3333_6e00, // u
    0x0000_3333_331e_0c00, // v
    0x0000_636b_7f7f_3600, // w
    0x0000_6336_1c36_6300, // x
    0x0000_3333_333e_301f, // y
    0x0000_3f19_0c26_3f00, // z
    0x380c_0c07_0c0c_3800, // {
    0x1818_1800_1818_1800, // |
    0x070c_0c38_0c0c_0700, // }
    0x6e3b_0000_0000_0000, // ~
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_printable_character_but_space_has_pixels() {
        assert_eq!(glyph(' '), [0; 8]);
        for code in 0x21..0x7f_u8 {
            let pixels: u32 = glyph(char::from(code)).iter().map(|row| row.count_ones()).sum();
            assert!(pixels >= 4, "{:?} has {pixels} pixels", char::from(code));
        }
    }

    #[test]
    fn glyphs_differ_from_each_other() {
        for a in 0x20..0x7f_u8 {
            for b in a + 1..0x7f {
                assert_ne!(glyph(char::from(a)), glyph(char::from(b)), "{a} and {b}");
            }
        }
    }

    #[test]
    fn letters_are_the_right_way_round() {
        // The stem of an L is on its left, its foot at the bottom.
        let rows = glyph('L');
        assert!(rows[1] & 0x0f != 0 && rows[1] & 0xf0 == 0);
        assert!(rows[6].count_ones() > rows[1].count_ones());
        assert_eq!(glyph('\u{e9}'), glyph('?'));
    }
}
