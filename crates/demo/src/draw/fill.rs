//! Rectangles, gradients and text.

use super::color::blend;
use super::font::{GLYPH, glyph};
use super::{Rect, Yuv, row};
use crate::games::Canvas;

/// Opaque alpha.
pub const OPAQUE: u32 = 256;

/// A rectangle cut to the picture: first and last-plus-one column and row.
#[derive(Clone, Copy)]
pub(super) struct Cut {
    pub(super) x0: usize,
    pub(super) x1: usize,
    pub(super) y0: usize,
    pub(super) y1: usize,
}

impl Canvas<'_> {
    /// Whole picture.
    #[must_use]
    pub const fn bounds(&self) -> Rect {
        Rect::new(0, 0, self.width as i32, self.height as i32)
    }

    /// The part of a rectangle which lies in the picture.
    pub(super) fn cut(&self, rect: Rect) -> Option<Cut> {
        let clamp = |at: i64, size: usize| at.clamp(0, size as i64) as usize;
        let (x, y) = (i64::from(rect.x), i64::from(rect.y));
        let cut = Cut {
            x0: clamp(x, self.width),
            x1: clamp(x + i64::from(rect.w), self.width),
            y0: clamp(y, self.height),
            y1: clamp(y + i64::from(rect.h), self.height),
        };
        (cut.x0 < cut.x1 && cut.y0 < cut.y1).then_some(cut)
    }

    /// Fills the picture with one colour.
    pub fn clear(&mut self, color: Yuv) {
        self.fill(self.bounds(), color);
    }

    /// Fills a rectangle. Luma is exact at any pixel; chroma on odd edges takes its covered share.
    pub fn fill(&mut self, rect: Rect, color: Yuv) {
        self.shade(rect, color, OPAQUE);
    }

    /// Blends a rectangle of one colour over the picture, `alpha` of 256.
    pub fn shade(&mut self, rect: Rect, color: Yuv, alpha: u32) {
        let Some(cut) = self.cut(rect) else { return };
        for y in cut.y0..cut.y1 {
            let Some(line) = row(self.y, self.y_stride, y, cut.x0, cut.x1) else { break };
            if alpha >= OPAQUE {
                line.fill(color.y);
            } else {
                line.iter_mut().for_each(|p| *p = blend(*p, color.y, alpha));
            }
        }
        for cy in cut.y0 / 2..cut.y1.div_ceil(2) {
            let rows = covered(cy, cut.y0, cut.y1, self.height);
            self.shade_chroma_row(cy, cut.x0, cut.x1, color, alpha * rows / 2);
        }
    }

    /// One chroma row of [`Canvas::shade`]: half-covered samples at the ends, whole ones between.
    fn shade_chroma_row(&mut self, cy: usize, x0: usize, x1: usize, color: Yuv, alpha: u32) {
        let (first, last) = (x0 / 2, x1.div_ceil(2));
        for (plane, value) in [(&mut *self.u, color.u), (&mut *self.v, color.v)] {
            let Some(line) = row(plane, self.uv_stride, cy, first, last) else { return };
            let count = line.len();
            let head = covered(first, x0, x1, self.width);
            let tail = covered(last - 1, x0, x1, self.width);
            if let Some(p) = line.first_mut().filter(|_| head < 2) {
                *p = blend(*p, value, alpha * head / 2);
            }
            if let Some(p) = line.last_mut().filter(|_| tail < 2 && count > 1) {
                *p = blend(*p, value, alpha * tail / 2);
            }
            let whole = usize::from(head < 2)..count - usize::from(tail < 2 && (count > 1 || head == 2));
            let Some(whole) = line.get_mut(whole) else { continue };
            if alpha >= OPAQUE {
                whole.fill(value);
            } else {
                whole.iter_mut().for_each(|p| *p = blend(*p, value, alpha));
            }
        }
    }

    /// Fills a rectangle with a gradient from its top row to its bottom row.
    pub fn gradient_down(&mut self, rect: Rect, top: Yuv, bottom: Yuv) {
        let steps = (rect.h - 1).max(1) as i64;
        let Some(cut) = self.cut(rect) else { return };
        let share = |y: usize| ((y as i64 - i64::from(rect.y)) * 256 / steps).clamp(0, 256) as u32;
        for y in cut.y0..cut.y1 {
            let Some(line) = row(self.y, self.y_stride, y, cut.x0, cut.x1) else { break };
            line.fill(blend(top.y, bottom.y, share(y)));
        }
        for cy in cut.y0 / 2..cut.y1.div_ceil(2) {
            let color = top.mix(bottom, share((cy * 2).max(cut.y0)));
            let rows = covered(cy, cut.y0, cut.y1, self.height);
            self.shade_chroma_row(cy, cut.x0, cut.x1, color, OPAQUE * rows / 2);
        }
    }

    /// Draws the border of a rectangle, `thick` pixels inwards.
    pub fn frame(&mut self, rect: Rect, thick: i32, color: Yuv) {
        let Rect { x, y, w, h } = rect;
        self.fill(Rect::new(x, y, w, thick), color);
        self.fill(Rect::new(x, rect.bottom() - thick, w, thick), color);
        self.fill(Rect::new(x, y + thick, thick, h - 2 * thick), color);
        self.fill(Rect::new(rect.right() - thick, y + thick, thick, h - 2 * thick), color);
    }

    /// Draws one line of text with the 8 by 8 font, every pixel `scale` pixels wide and high;
    /// `x`, `y` is the top-left corner. Returns the first column right of it.
    pub fn text(&mut self, x: i32, y: i32, scale: i32, color: Yuv, text: &str) -> i32 {
        let mut left = x;
        for character in text.chars() {
            if left >= self.width as i32 {
                break;
            }
            self.glyph(left, y, scale, color, character);
            left = left.saturating_add(GLYPH * scale);
        }
        left
    }

    /// Text with its centre at column `x`.
    pub fn text_centred(&mut self, x: i32, y: i32, scale: i32, color: Yuv, text: &str) {
        self.text(x - text_width(text, scale) / 2, y, scale, color, text);
    }

    /// Text whose last column is left of column `x`.
    pub fn text_right(&mut self, x: i32, y: i32, scale: i32, color: Yuv, text: &str) {
        self.text(x - text_width(text, scale), y, scale, color, text);
    }

    /// One character: every run of set pixels in a row is one rectangle.
    fn glyph(&mut self, x: i32, y: i32, scale: i32, color: Yuv, character: char) {
        for (down, bits) in (0..).zip(glyph(character)) {
            let mut bits = u32::from(bits);
            let mut column = 0;
            while bits != 0 {
                let gap = bits.trailing_zeros();
                let run = (bits >> gap).trailing_ones();
                column += gap as i32;
                self.fill(Rect::new(x + column * scale, y + down * scale, run as i32 * scale, scale), color);
                column += run as i32;
                bits >>= gap + run;
            }
        }
    }
}

/// Columns which a text takes at a scale.
#[must_use]
pub fn text_width(text: &str, scale: i32) -> i32 {
    (text.chars().count() as i32).saturating_mul(GLYPH * scale)
}

/// How much of chroma sample `at` lies in `from..to`, in halves; the odd last sample counts whole.
fn covered(at: usize, from: usize, to: usize, size: usize) -> u32 {
    let (start, end) = (at * 2, (at * 2 + 2).min(size));
    let inside = to.min(end).saturating_sub(from.max(start));
    if inside == end.saturating_sub(start) { 2 } else { inside as u32 }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Planes, UNTOUCHED};
    use super::*;

    const RED: Yuv = Yuv::hex(0xFF0000);

    #[test]
    fn a_fill_covers_exactly_its_pixels() {
        let mut planes = Planes::new(31, 17, 5);
        planes.canvas().clear(Yuv::BLACK);
        planes.canvas().fill(Rect::new(3, 5, 7, 4), RED);
        for y in 0..17 {
            for x in 0..31 {
                let inside = (3..10).contains(&x) && (5..9).contains(&y);
                assert_eq!(planes.at(x, y).0, if inside { RED.y } else { 16 }, "{x},{y}");
            }
        }
        assert_eq!(planes.at(4, 6).2, RED.v, "whole sample");
        assert_eq!(planes.at(2, 6).2, blend(128, RED.v, 128), "half-covered column");
        assert_eq!(planes.at(2, 4).2, blend(128, RED.v, 64), "quarter-covered corner");
        assert_eq!(planes.at(12, 6).2, 128);
        assert!(planes.padding_is_whole());
    }

    #[test]
    fn clearing_leaves_no_old_pixel_at_odd_sizes() {
        for (width, height) in [(1, 1), (2, 1), (1, 2), (3, 3), (31, 17), (64, 48)] {
            let mut planes = Planes::new(width, height, 0);
            planes.canvas().clear(RED);
            assert!(!planes.y.contains(&UNTOUCHED) && !planes.u.contains(&UNTOUCHED) && !planes.v.contains(&UNTOUCHED));
            assert_eq!(planes.at(width - 1, height - 1), (RED.y, RED.u, RED.v));
        }
    }

    #[test]
    fn rectangles_outside_and_huge_ones_do_nothing_wrong() {
        let mut planes = Planes::new(16, 16, 3);
        planes.canvas().clear(Yuv::BLACK);
        let before = planes.hash();
        for rect in [
            Rect::new(-10, 0, 10, 16),
            Rect::new(16, 0, 5, 5),
            Rect::new(0, -5, 16, 5),
            Rect::new(2, 2, -3, 4),
            Rect::new(i32::MIN, i32::MIN, 5, 5),
            Rect::new(i32::MAX, i32::MAX, i32::MAX, i32::MAX),
        ] {
            planes.canvas().fill(rect, RED);
            planes.canvas().gradient_down(rect, RED, Yuv::WHITE);
        }
        assert_eq!(planes.hash(), before);
        planes.canvas().fill(Rect::new(i32::MIN / 2, -4, 1 << 30, 40), RED);
        assert_eq!(planes.at(7, 7).0, 16);
        planes.canvas().fill(Rect::new(-5, -5, i32::MAX, i32::MAX), RED);
        assert_eq!(planes.at(15, 15), (RED.y, RED.u, RED.v));
        assert!(planes.padding_is_whole());
    }

    #[test]
    fn a_gradient_starts_and_ends_exactly() {
        let mut planes = Planes::new(8, 64, 1);
        planes.canvas().gradient_down(Rect::new(0, 0, 8, 64), Yuv::BLACK, Yuv::WHITE);
        assert_eq!((planes.at(0, 0).0, planes.at(7, 63).0), (16, 235));
        assert!((1..64).all(|y| planes.at(3, y).0 >= planes.at(3, y - 1).0));
    }

    #[test]
    fn text_sets_the_pixels_of_its_glyphs() {
        for scale in [1, 2, 3] {
            let mut planes = Planes::new(70, 40, 2);
            planes.canvas().clear(Yuv::BLACK);
            let end = planes.canvas().text(3, 5, scale, Yuv::WHITE, "L7");
            assert_eq!(end, 3 + 16 * scale);
            for (index, character) in ['L', '7'].into_iter().enumerate() {
                for (down, bits) in glyph(character).into_iter().enumerate() {
                    for across in 0..8 {
                        let x = 3 + (index * 8 + across) * scale as usize;
                        let y = 5 + down * scale as usize;
                        let want = if bits >> across & 1 == 1 { 235 } else { 16 };
                        assert_eq!(planes.at(x, y).0, want, "{character} at {across},{down}, scale {scale}");
                        let far = scale as usize - 1;
                        assert_eq!(planes.at(x + far, y + far).0, want);
                    }
                }
            }
        }
    }

    #[test]
    fn text_is_cut_at_the_edges() {
        let mut planes = Planes::new(40, 12, 4);
        planes.canvas().clear(Yuv::BLACK);
        planes.canvas().text(-13, -3, 2, Yuv::WHITE, "edge of the world \u{1F30D}");
        planes.canvas().text_right(1000, 8, 5, Yuv::WHITE, "right");
        planes.canvas().text_centred(20, 2, 1, Yuv::WHITE, "mid");
        assert!(planes.padding_is_whole());
    }
}
