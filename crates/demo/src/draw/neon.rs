//! Light: lines, rings and sparks which add to what is there.

use super::color::bt709;
use super::{Rect, row};
use crate::games::Canvas;

/// Light of one colour: what a fully lit dark pixel gains in luma and chroma.
///
/// Luma is screened, so that many lights go towards white and never over it; chroma moves towards
/// the light's own, so that crossing lines of one colour keep it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neon {
    /// Luma steps.
    pub y: f32,
    /// Blue-difference steps.
    pub u: f32,
    /// Red-difference steps.
    pub v: f32,
    /// Share of the old chroma that gives way.
    pub cover: f32,
}

impl Neon {
    /// Light from full-range RGB written as 0xRRGGBB.
    #[must_use]
    pub const fn hex(rgb: u32) -> Self {
        let color = bt709((rgb >> 16) as u8, (rgb >> 8) as u8, rgb as u8);
        Self { y: color.y as f32 - 16.0, u: color.u as f32 - 128.0, v: color.v as f32 - 128.0, cover: 1.0 }
    }

    /// Brighter or darker light.
    #[must_use]
    pub const fn times(self, by: f32) -> Self {
        Self { y: self.y * by, u: self.u * by, v: self.v * by, cover: self.cover * by }
    }
}

/// How a line of light looks across: a white-hot core in a coloured glow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pen {
    /// Colour of the glow.
    pub light: Neon,
    /// Half width of the core in pixels.
    pub core: f32,
    /// Radius of the glow in pixels.
    pub glow: f32,
    /// Luma steps which the middle of the core adds.
    pub heat: f32,
}

impl Pen {
    /// A line for pictures of `unit` pixels per 1/360 of the height.
    #[must_use]
    pub fn new(light: Neon, unit: f32) -> Self {
        Self { light, core: 1.05 * unit.max(0.8), glow: 3.8 * unit.max(0.8), heat: 170.0 }
    }

    /// The same line, brighter or darker.
    #[must_use]
    pub fn times(self, by: f32) -> Self {
        Self { light: self.light.times(by), heat: self.heat * by, ..self }
    }
}

/// Distance, squared, from a pixel's centre to the lit shape.
trait Shape {
    /// Rectangle outside of which nothing is nearer than the glow.
    fn reach(&self, glow: f32) -> Option<Rect>;
    /// Columns of row `y` which may be nearer than the glow.
    fn span(&self, y: f32, glow: f32) -> (f32, f32);
    /// Columns of row `y` within the span which are farther than the glow.
    fn hole(&self, _y: f32, _glow: f32) -> Option<(f32, f32)> {
        None
    }
    /// Squared distance.
    fn distance(&self, x: f32, y: f32) -> f32;
}

/// Straight line between two points.
struct Segment {
    x0: f32,
    y0: f32,
    dx: f32,
    dy: f32,
    /// One over the squared length, 0 for a point.
    per_length: f32,
    /// Columns per row, and how much wider than the glow its strip is in a row; none where it is
    /// all but level.
    lean: Option<(f32, f32)>,
}

impl Segment {
    fn new((x0, y0): (f32, f32), (x1, y1): (f32, f32)) -> Self {
        let (dx, dy) = (x1 - x0, y1 - y0);
        let length = dx * dx + dy * dy;
        let lean = (dy.abs() >= 0.5).then(|| (dx / dy, length.sqrt() / dy.abs()));
        Self { x0, y0, dx, dy, per_length: if length > 1e-6 { 1.0 / length } else { 0.0 }, lean }
    }
}

/// Circle line.
struct Ring {
    x: f32,
    y: f32,
    radius: f32,
}

/// Rectangle around two corners, if they are near enough to a picture to matter.
fn reach(x0: f32, y0: f32, x1: f32, y1: f32, glow: f32) -> Option<Rect> {
    const FAR: f32 = 100_000.0;
    let (left, top) = (x0.min(x1) - glow, y0.min(y1) - glow);
    let (right, bottom) = (x0.max(x1) + glow, y0.max(y1) + glow);
    // Also false for NaN.
    (left > -FAR && top > -FAR && right < FAR && bottom < FAR).then(|| {
        let (x, y) = (left.floor() as i32, top.floor() as i32);
        Rect::new(x, y, right.ceil() as i32 - x, bottom.ceil() as i32 - y)
    })
}

impl Shape for Segment {
    fn reach(&self, glow: f32) -> Option<Rect> {
        reach(self.x0, self.y0, self.x0 + self.dx, self.y0 + self.dy, glow)
    }

    fn span(&self, y: f32, glow: f32) -> (f32, f32) {
        let ends = (self.x0.min(self.x0 + self.dx) - glow, self.x0.max(self.x0 + self.dx) + glow);
        let Some((lean, widen)) = self.lean else { return ends };
        // Where the strip of the line's glow crosses this row.
        let (middle, half) = (self.x0 + (y - self.y0) * lean, glow * widen);
        (ends.0.max(middle - half), ends.1.min(middle + half))
    }

    fn distance(&self, x: f32, y: f32) -> f32 {
        let (px, py) = (x - self.x0, y - self.y0);
        let along = ((px * self.dx + py * self.dy) * self.per_length).clamp(0.0, 1.0);
        let (ex, ey) = (px - along * self.dx, py - along * self.dy);
        ex * ex + ey * ey
    }
}

impl Shape for Ring {
    fn reach(&self, glow: f32) -> Option<Rect> {
        let (r, x, y) = (self.radius, self.x, self.y);
        reach(x - r, y - r, x + r, y + r, glow)
    }

    fn span(&self, y: f32, glow: f32) -> (f32, f32) {
        let outer = self.radius + glow;
        let half = (outer * outer - (y - self.y).powi(2)).max(0.0).sqrt();
        (self.x - half, self.x + half)
    }

    fn hole(&self, y: f32, glow: f32) -> Option<(f32, f32)> {
        let inner = self.radius - glow;
        let half = inner * inner - (y - self.y).powi(2);
        (inner > 4.0 && half > 16.0).then(|| (self.x - half.sqrt(), self.x + half.sqrt()))
    }

    fn distance(&self, x: f32, y: f32) -> f32 {
        let d = ((x - self.x).powi(2) + (y - self.y).powi(2)).sqrt() - self.radius;
        d * d
    }
}

impl Canvas<'_> {
    /// Adds a glowing line between two points, in pixels.
    pub fn line(&mut self, from: (f32, f32), to: (f32, f32), pen: &Pen) {
        self.light(&Segment::new(from, to), pen);
    }

    /// Adds a glowing line through all points.
    pub fn polyline(&mut self, points: impl IntoIterator<Item = (f32, f32)>, pen: &Pen) {
        let mut points = points.into_iter();
        let Some(mut from) = points.next() else { return };
        for to in points {
            self.line(from, to, pen);
            from = to;
        }
    }

    /// Adds a glowing circle line.
    pub fn ring(&mut self, x: f32, y: f32, radius: f32, pen: &Pen) {
        if radius >= 0.0 {
            self.light(&Ring { x, y, radius }, pen);
        }
    }

    /// Adds a soft spark of light.
    pub fn spark(&mut self, x: f32, y: f32, radius: f32, light: Neon) {
        let pen = Pen { light, core: radius * 0.35, glow: radius, heat: light.y * 0.5 };
        self.light(&Segment::new((x, y), (x, y)), &pen);
    }

    /// Adds light to every pixel near a shape.
    fn light(&mut self, shape: &impl Shape, pen: &Pen) {
        let glow = pen.glow.max(0.5);
        let Some(cut) = shape.reach(glow).and_then(|rect| self.cut(rect)) else { return };
        let brush = Brush { per_glow: 1.0 / (glow * glow), per_core: 1.0 / (pen.core * pen.core).max(0.05), pen };
        for y in cut.y0..cut.y1 {
            let at = y as f32 + 0.5;
            for (x0, x1) in columns(shape, at, glow, 1.0, self.width) {
                if let Some(line) = row(self.y, self.y_stride, y, x0, x1) {
                    brush.luma(line, shape, x0 as f32 + 0.5, at);
                }
            }
        }
        for cy in cut.y0 / 2..cut.y1.div_ceil(2) {
            let at = cy as f32 * 2.0 + 1.0;
            for (x0, x1) in columns(shape, at, glow, 2.0, self.width.div_ceil(2)) {
                let Some(blue) = row(self.u, self.uv_stride, cy, x0, x1) else { continue };
                let Some(red) = row(self.v, self.uv_stride, cy, x0, x1) else { continue };
                brush.chroma(blue, red, shape, x0 as f32 * 2.0 + 1.0, at);
            }
        }
    }
}

/// Columns of a plane row near a shape, `step` pixels each: one span, or two with a hole between.
fn columns(shape: &impl Shape, y: f32, glow: f32, step: f32, limit: usize) -> [(usize, usize); 2] {
    let down = |x: f32| (x / step).clamp(0.0, limit as f32) as usize;
    let up = |x: f32| (x / step).ceil().clamp(0.0, limit as f32) as usize;
    let (from, to) = shape.span(y, glow);
    let (first, last) = (down(from), up(to));
    let last = last.max(first);
    match shape.hole(y, glow) {
        Some((from, to)) => {
            let edge = up(from).clamp(first, last);
            [(first, edge), (down(to).clamp(edge, last), last)]
        }
        None => [(first, last), (last, last)],
    }
}

/// A pen with its divisions done.
struct Brush<'a> {
    per_glow: f32,
    per_core: f32,
    pen: &'a Pen,
}

impl Brush<'_> {
    fn luma(&self, line: &mut [u8], shape: &impl Shape, left: f32, y: f32) {
        let (light, heat) = (self.pen.light.y, self.pen.heat);
        for (index, p) in (0_i32..).zip(line) {
            let d = shape.distance(left + index as f32, y);
            let near = (1.0 - d * self.per_glow).max(0.0);
            let core = (1.0 - d * self.per_core).max(0.0);
            let old = f32::from(*p);
            let lit = (light * near * near + heat * core) * (235.0 - old) * (1.0 / 219.0);
            *p = byte(old + lit, 16.0, 235.0);
        }
    }

    fn chroma(&self, blue: &mut [u8], red: &mut [u8], shape: &impl Shape, left: f32, y: f32) {
        let light = self.pen.light;
        for ((index, u), v) in (0_i32..).zip(blue).zip(red) {
            let near = (1.0 - shape.distance(left + index as f32 * 2.0, y) * self.per_glow).max(0.0);
            let near = near * near;
            let toward = |old: u8, light_of: f32| {
                let old = f32::from(old);
                byte(old + (light_of - (old - 128.0) * light.cover) * near, 16.0, 240.0)
            };
            *u = toward(*u, light.u);
            *v = toward(*v, light.v);
        }
    }
}

/// Nearest whole number in a range within 0..=255. Adding 2^23 leaves it in the lowest bits of the
/// mantissa; unlike a saturating cast that is the same few instructions for many pixels at once.
fn byte(value: f32, low: f32, high: f32) -> u8 {
    (value.max(low).min(high) + 8_388_608.0).to_bits() as u8
}

#[cfg(test)]
mod tests {
    use super::super::Yuv;
    use super::super::tests::Planes;
    use super::*;

    fn dark(width: usize, height: usize, pad: usize) -> Planes {
        let mut planes = Planes::new(width, height, pad);
        planes.canvas().clear(Yuv::BLACK);
        planes
    }

    #[test]
    fn a_line_lights_its_pixels_and_nothing_far_away() {
        let pen = Pen::new(Neon::hex(0x00FFFF), 1.0);
        for (from, to) in [((10.0, 10.0), (50.0, 30.0)), ((30.0, 5.0), (30.0, 35.0)), ((5.0, 20.0), (60.0, 20.0))] {
            let mut planes = dark(70, 40, 3);
            planes.canvas().line(from, to, &pen);
            let segment = Segment::new(from, to);
            for y in 0..40 {
                for x in 0..70 {
                    let d = segment.distance(x as f32 + 0.5, y as f32 + 0.5).sqrt();
                    let luma = planes.at(x, y).0;
                    if d > pen.glow {
                        assert_eq!(luma, 16, "{x},{y} at {d}");
                    } else if d < 0.7 {
                        assert!(luma > 180, "{x},{y} at {d}: {luma}");
                    } else if d < pen.glow - 1.0 {
                        assert!(luma > 16, "{x},{y} at {d}");
                    }
                }
            }
            assert!(planes.padding_is_whole());
        }
    }

    #[test]
    fn light_has_its_colour_and_saturates() {
        let mut planes = dark(32, 32, 0);
        for _ in 0..30 {
            planes.canvas().spark(16.0, 16.0, 8.0, Neon::hex(0xFF0000));
        }
        let (y, u, v) = planes.at(16, 16);
        assert!(y > 230 && u.abs_diff(102) < 2 && v.abs_diff(240) < 2, "{y} {u} {v}");
        assert_eq!(planes.at(1, 1), (16, 128, 128));
    }

    #[test]
    fn a_ring_is_lit_on_its_circle_and_dark_inside() {
        let mut planes = dark(64, 64, 1);
        planes.canvas().ring(32.0, 32.0, 20.0, &Pen::new(Neon::hex(0xFFFFFF), 1.0));
        assert!(planes.at(51, 32).0 > 150 && planes.at(32, 12).0 > 150);
        assert_eq!(planes.at(32, 32).0, 16);
    }

    #[test]
    fn shapes_far_outside_or_not_a_number_are_left_out() {
        let mut planes = dark(20, 20, 2);
        let before = planes.hash();
        let pen = Pen::new(Neon::hex(0xFFFFFF), 1.0);
        planes.canvas().line((f32::NAN, 0.0), (5.0, 5.0), &pen);
        planes.canvas().line((-500.0, -400.0), (-30.0, -40.0), &pen);
        planes.canvas().line((0.0, 0.0), (f32::INFINITY, 5.0), &pen);
        planes.canvas().ring(5.0, 5.0, -3.0, &pen);
        planes.canvas().spark(1e9, 0.0, 5.0, pen.light);
        assert_eq!(planes.hash(), before);
    }
}
