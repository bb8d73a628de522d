//! Pictures converted once and drawn many times.

use super::color::{blend, bt709};
use super::{Rect, row};
use crate::games::Canvas;

/// A picture in YUV420P with alpha. Sizes are even, and it lands on even pixels, so its chroma
/// never mixes with a neighbour's.
#[derive(Clone, Debug)]
pub struct Sprite {
    width: usize,
    height: usize,
    y: Vec<u8>,
    u: Vec<u8>,
    v: Vec<u8>,
    /// Alpha of every luma pixel, 0 to 255; empty when all are opaque.
    alpha: Vec<u8>,
    /// Mean alpha of every chroma sample.
    chroma_alpha: Vec<u8>,
}

impl Sprite {
    /// Converts RGBA pixels, four bytes each, not premultiplied. An odd last column or row is
    /// dropped, missing pixels are transparent.
    #[must_use]
    pub fn from_rgba(width: usize, height: usize, rgba: &[u8]) -> Self {
        let (w, h) = (width & !1, height & !1);
        let pixel = |x: usize, y: usize| -> [u8; 4] {
            let at = (y * width + x) * 4;
            rgba.get(at..at + 4).and_then(|p| p.try_into().ok()).unwrap_or_default()
        };
        let mut sprite = Self {
            width: w,
            height: h,
            y: Vec::with_capacity(w * h),
            u: Vec::with_capacity(w * h / 4),
            v: Vec::with_capacity(w * h / 4),
            alpha: Vec::with_capacity(w * h),
            chroma_alpha: Vec::with_capacity(w * h / 4),
        };
        for (x, y) in (0..h).flat_map(|y| (0..w).map(move |x| (x, y))) {
            let [r, g, b, a] = pixel(x, y);
            sprite.y.push(bt709(r, g, b).y);
            sprite.alpha.push(a);
        }
        for (x, y) in (0..h).step_by(2).flat_map(|y| (0..w).step_by(2).map(move |x| (x, y))) {
            let block = [pixel(x, y), pixel(x + 1, y), pixel(x, y + 1), pixel(x + 1, y + 1)];
            let weight: u32 = block.iter().map(|p| u32::from(p[3])).sum();
            // Colour of invisible pixels must not leak into the block.
            let mean = |channel: fn(&[u8; 4]) -> u8| {
                let sum: u32 = block.iter().map(|p| u32::from(channel(p)) * u32::from(p[3])).sum();
                (sum + weight / 2).checked_div(weight).unwrap_or_default() as u8
            };
            let color = bt709(mean(|p| p[0]), mean(|p| p[1]), mean(|p| p[2]));
            sprite.u.push(color.u);
            sprite.v.push(color.v);
            sprite.chroma_alpha.push(((weight + 2) / 4) as u8);
        }
        if sprite.alpha.iter().all(|&a| a == 255) {
            sprite.alpha = Vec::new();
            sprite.chroma_alpha = Vec::new();
        }
        sprite
    }

    /// Converts ASCII art: every character is one pixel of the colour which `palette` gives it
    /// (0xRRGGBB), all others are transparent. Pixels are drawn `scale` wide and high.
    #[must_use]
    pub fn from_art(art: &[&str], palette: &[(char, u32)], scale: usize) -> Self {
        let columns = art.iter().map(|line| line.chars().count()).max().unwrap_or_default();
        let (width, height) = ((columns * scale).next_multiple_of(2), (art.len() * scale).next_multiple_of(2));
        let mut rgba = Vec::with_capacity(width * height * 4);
        for (x, y) in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
            let (column, line) = (x / scale.max(1), y / scale.max(1));
            let character = art.get(line).and_then(|line| line.chars().nth(column)).unwrap_or(' ');
            let color = palette.iter().find(|(c, _)| *c == character);
            let [_, r, g, b] = color.map_or([0; 4], |(_, rgb)| rgb.to_be_bytes());
            rgba.extend([r, g, b, if color.is_some() { 255 } else { 0 }]);
        }
        Self::from_rgba(width, height, &rgba)
    }

    /// Columns.
    #[must_use]
    pub const fn width(&self) -> i32 {
        self.width as i32
    }

    /// Rows.
    #[must_use]
    pub const fn height(&self) -> i32 {
        self.height as i32
    }
}

impl Canvas<'_> {
    /// Draws a sprite with its top-left corner at the even pixel at or before `x`, `y`.
    pub fn sprite(&mut self, sprite: &Sprite, x: i32, y: i32) {
        let (x, y) = (x & !1, y & !1);
        let Some(cut) = self.cut(Rect::new(x, y, sprite.width(), sprite.height())) else { return };
        // Negative corners are even, so halves stay whole.
        let (skip_x, skip_y) = ((cut.x0 as i32 - x) as usize, (cut.y0 as i32 - y) as usize);
        for (from, to) in (cut.y0..cut.y1).enumerate() {
            let Some(line) = row(self.y, self.y_stride, to, cut.x0, cut.x1) else { break };
            copy(line, &sprite.y, &sprite.alpha, (from + skip_y) * sprite.width + skip_x);
        }
        let (half, x0, x1) = (sprite.width / 2, cut.x0 / 2, cut.x1.div_ceil(2));
        for (from, to) in (cut.y0 / 2..cut.y1.div_ceil(2)).enumerate() {
            let at = (from + skip_y / 2) * half + skip_x / 2;
            for (plane, source) in [(&mut *self.u, &sprite.u), (&mut *self.v, &sprite.v)] {
                let Some(line) = row(plane, self.uv_stride, to, x0, x1) else { continue };
                copy(line, source, &sprite.chroma_alpha, at);
            }
        }
    }
}

/// Copies or blends one row from `at` of a sprite's plane.
fn copy(line: &mut [u8], source: &[u8], alpha: &[u8], at: usize) {
    let Some(source) = source.get(at..at + line.len()) else { return };
    if alpha.is_empty() {
        line.copy_from_slice(source);
    } else if let Some(alpha) = alpha.get(at..at + line.len()) {
        for ((p, &s), &a) in line.iter_mut().zip(source).zip(alpha) {
            *p = blend(*p, s, u32::from(a) + u32::from(a >> 7));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Yuv;
    use super::super::tests::Planes;
    use super::*;

    #[test]
    fn opaque_pixels_arrive_as_the_converted_colour() {
        let rgba: Vec<u8> = (0..8 * 6).flat_map(|_| [200, 30, 90, 255]).collect();
        let sprite = Sprite::from_rgba(8, 6, &rgba);
        assert!(sprite.alpha.is_empty());
        let mut planes = Planes::new(21, 15, 3);
        planes.canvas().clear(Yuv::BLACK);
        planes.canvas().sprite(&sprite, 5, 3);
        let color = bt709(200, 30, 90);
        assert_eq!(planes.at(4, 2), (color.y, color.u, color.v));
        assert_eq!(planes.at(11, 7), (color.y, color.u, color.v));
        assert_eq!(planes.at(12, 8), (16, 128, 128));
        assert_eq!(planes.at(3, 1), (16, 128, 128));
        assert!(planes.padding_is_whole());
    }

    #[test]
    fn transparent_pixels_leave_the_picture_and_their_colour_does_not_leak() {
        let mut rgba = vec![0; 4 * 2 * 4];
        rgba[..4].copy_from_slice(&[255, 0, 0, 255]);
        rgba[4..8].copy_from_slice(&[0, 255, 0, 0]);
        let sprite = Sprite::from_rgba(4, 2, &rgba);
        let mut planes = Planes::new(8, 8, 0);
        planes.canvas().clear(Yuv::WHITE);
        planes.canvas().sprite(&sprite, 0, 0);
        let red = bt709(255, 0, 0);
        assert_eq!(planes.at(0, 0).0, red.y);
        assert_eq!(planes.at(1, 0).0, 235);
        assert_eq!(planes.at(0, 0).2, blend(128, red.v, 64), "a quarter of the block is red");
        assert_eq!(planes.at(2, 0), (235, 128, 128));
    }

    #[test]
    fn half_alpha_is_half_way() {
        let rgba: Vec<u8> = (0..16).flat_map(|_| [255, 255, 255, 128]).collect();
        let mut planes = Planes::new(4, 4, 0);
        planes.canvas().clear(Yuv::BLACK);
        planes.canvas().sprite(&Sprite::from_rgba(4, 4, &rgba), 0, 0);
        assert!((125..=128).contains(&planes.at(1, 1).0));
    }

    #[test]
    fn sprites_are_cut_at_every_edge() {
        let art = Sprite::from_art(&["#.#", ".#.", "#.#"], &[('#', 0xFF8000)], 3);
        assert_eq!((art.width(), art.height()), (10, 10));
        let mut planes = Planes::new(17, 13, 2);
        planes.canvas().clear(Yuv::BLACK);
        for x in -12..20 {
            for y in -12..16 {
                planes.canvas().sprite(&art, x, y);
            }
        }
        assert!(planes.padding_is_whole());
    }
}
