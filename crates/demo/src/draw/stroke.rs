//! Letters made of lines, for neon titles.

use super::Pen;
use crate::games::Canvas;

/// Grid columns from one letter to the next; a letter is 4 wide and 6 high.
const ADVANCE: f32 = 5.5;

/// Lines of a letter: polylines separated by spaces, a point is column then row (0 at the top).
const fn strokes(letter: char) -> &'static str {
    match letter {
        'A' => "0602204246 0444",
        'B' => "06003041423344453606 0333",
        'C' => "4130100105163645",
        'D' => "06003041453606",
        'E' => "40000646 0333",
        'F' => "400006 0333",
        'G' => "41301001051636454323",
        'H' => "0006 4046 0343",
        'I' => "1030 2026 1636",
        'J' => "4045361605",
        'K' => "0006 400346",
        'L' => "000646",
        'M' => "0600234046",
        'N' => "06004640",
        'O' => "103041453616050110",
        'P' => "06003041423303",
        'Q' => "103041453616050110 2446",
        'R' => "06003041423303 2346",
        'S' => "413010010213334445361605",
        'T' => "0040 2026",
        'U' => "000516364540",
        'V' => "002640",
        'W' => "0016233640",
        'X' => "0046 4006",
        'Y' => "002340 2326",
        'Z' => "00400646",
        '0' => "103041453616050110 4105",
        '1' => "112026 1636",
        '2' => "01103041420646",
        '3' => "0110304142334445361605 1333",
        '4' => "300444 3036",
        '5' => "400002324345361605",
        '6' => "4130100105163645443303",
        '7' => "004016",
        '8' => "103041423313020110 1304051636454433",
        '9' => "0516364541301001021343",
        '-' => "1333",
        '!' => "2024 2626",
        _ => "",
    }
}

impl Canvas<'_> {
    /// Draws capital letters and digits as lines of light, `high` pixels high, centred on column
    /// `x` with the top at row `y`.
    pub fn neon_text(&mut self, x: f32, y: f32, high: f32, pen: &Pen, text: &str) {
        let unit = high / 6.0;
        let mut left = x - neon_width(text, high) / 2.0;
        for letter in text.chars() {
            for line in strokes(letter).split(' ') {
                let points = line.as_bytes().as_chunks::<2>().0.iter().map(|&[column, row]| {
                    let grid = |digit: u8| f32::from(digit.wrapping_sub(b'0'));
                    (left + grid(column) * unit, y + grid(row) * unit)
                });
                self.polyline(points, pen);
            }
            left += ADVANCE * unit;
        }
    }
}

/// Columns which [`Canvas::neon_text`] takes, without its glow.
#[must_use]
pub fn neon_width(text: &str, high: f32) -> f32 {
    (text.chars().count() as f32 * ADVANCE - (ADVANCE - 4.0)).max(0.0) * high / 6.0
}

#[cfg(test)]
mod tests {
    use super::super::tests::Planes;
    use super::super::{Neon, Yuv};
    use super::*;

    #[test]
    fn every_stroke_stays_on_the_grid() {
        for letter in ('A'..='Z').chain('0'..='9') {
            assert!(!strokes(letter).is_empty(), "{letter}");
            for line in strokes(letter).split(' ') {
                assert!(line.len() >= 4 && line.len() % 2 == 0, "{letter}: {line}");
                for point in line.as_bytes().chunks(2) {
                    assert!((b'0'..=b'4').contains(&point[0]) && (b'0'..=b'6').contains(&point[1]), "{letter}");
                }
            }
        }
    }

    #[test]
    fn a_title_is_centred() {
        let mut planes = Planes::new(200, 60, 0);
        planes.canvas().clear(Yuv::BLACK);
        planes.canvas().neon_text(100.0, 15.0, 30.0, &Pen::new(Neon::hex(0xFFFFFF), 1.0), "HOH");
        let lit: Vec<usize> = (0..200).filter(|&x| (0..60).any(|y| planes.at(x, y).0 > 100)).collect();
        let (first, last) = (lit[0], lit[lit.len() - 1]);
        assert!(first.abs_diff(199 - last) <= 1, "{first} {last}");
        assert!((last - first) as f32 > neon_width("HOH", 30.0) - 1.0);
    }
}
