//! Paints egui's triangles on the CPU, for the overlay of the software body.
//!
//! The overlay is drawn flat, so nearly all of its triangles come in pairs that form an axis-aligned rectangle of one
//! colour (backings, bars, glyphs); those are filled row by row. Anything else goes through a plain edge test.

use egui::epaint::{ImageData, Primitive, Vertex};
use egui::{ClippedPrimitive, Color32, Pos2, TextureId, TexturesDelta};

use crate::placement::Rect;

/// Premultiplied pixels (0xAARRGGBB) to lay over a window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Panel {
    /// Where it lies in the window.
    pub at: Rect,
    /// Rows of `at.width` pixels.
    pub pixels: Vec<u32>,
}

impl Panel {
    /// Lays the panel over `target`, a window of rows of `width` pixels (0x00RRGGBB); what lies outside is cut off.
    pub fn blend(&self, target: &mut [u32], width: u32) {
        if width == 0 || self.at.is_empty() {
            return;
        }
        let height = u32::try_from(target.len() / width as usize).unwrap_or(u32::MAX);
        let seen = self.at.clipped((width, height));
        if seen.is_empty() {
            return;
        }
        let skip_x = seen.x.abs_diff(self.at.x) as usize;
        let skip_y = seen.y.abs_diff(self.at.y) as usize;
        let rows = target.chunks_exact_mut(width as usize).skip(seen.y.unsigned_abs() as usize);
        let panel_rows = self.pixels.chunks_exact(self.at.width as usize).skip(skip_y);
        for (row, panel_row) in rows.zip(panel_rows).take(seen.height as usize) {
            let row = row.iter_mut().skip(seen.x.unsigned_abs() as usize).take(seen.width as usize);
            for (below, over) in row.zip(panel_row.iter().skip(skip_x)) {
                *below = over_pixel(*over, *below) & 0x00FF_FFFF;
            }
        }
    }
}

/// `over` laid over `below`, both premultiplied 0xAARRGGBB.
#[inline]
fn over_pixel(over: u32, below: u32) -> u32 {
    let keep = 255 - (over >> 24);
    if keep == 255 {
        return below;
    }
    if keep == 0 {
        return over;
    }
    // Two channels at a time; x / 255 rounded as (x + 128 + ((x + 128) >> 8)) >> 8.
    let scale = |pair: u32| {
        let product = (pair & 0x00FF_00FF) * keep + 0x0080_0080;
        ((product + ((product >> 8) & 0x00FF_00FF)) >> 8) & 0x00FF_00FF
    };
    // Saturating: rounding of premultiplied values may go one step over.
    let sum = |a: u32, b: u32| {
        let total = a + b;
        let carry = (total & 0x0100_0100) >> 8;
        (total | (carry * 0xFF)) & 0x00FF_00FF
    };
    let low = sum(over & 0x00FF_00FF, scale(below));
    let high = sum((over >> 8) & 0x00FF_00FF, scale(below >> 8));
    low | (high << 8)
}

#[derive(Debug, Default)]
struct Texture {
    width: usize,
    height: usize,
    texels: Vec<Color32>,
}

impl Texture {
    fn at(&self, u: f32, v: f32) -> Color32 {
        let clamp = |part: f32, size: usize| {
            let texel = part * size as f32;
            if texel > 0.0 { (texel as usize).min(size.saturating_sub(1)) } else { 0 }
        };
        let index = clamp(v, self.height) * self.width + clamp(u, self.width);
        self.texels.get(index).copied().unwrap_or(Color32::TRANSPARENT)
    }
}

/// Keeps egui's textures and paints primitives with them. One pixel is one point.
#[derive(Debug, Default)]
pub struct Rasterizer {
    textures: std::collections::HashMap<TextureId, Texture>,
}

impl Rasterizer {
    /// Takes over new and changed textures; call before [`Self::paint`].
    pub fn apply(&mut self, delta: &mut TexturesDelta) {
        for (id, changes) in delta.set.drain() {
            for change in changes {
                let ImageData::Color(image) = &change.image;
                let [width, height] = image.size;
                match change.pos {
                    None => {
                        self.textures.insert(id, Texture { width, height, texels: image.pixels.clone() });
                    }
                    Some([x, y]) => {
                        if let Some(texture) = self.textures.get_mut(&id) {
                            patch(texture, x, y, width, &image.pixels);
                        }
                    }
                }
            }
        }
        for id in delta.free.drain() {
            self.textures.remove(&id);
        }
    }

    /// Paints what lies inside `region`.
    #[must_use]
    pub fn paint(&self, primitives: &[ClippedPrimitive], region: Rect) -> Panel {
        let mut panel = Panel { at: region, pixels: vec![0; region.width as usize * region.height as usize] };
        for ClippedPrimitive { clip_rect, primitive } in primitives {
            let Primitive::Mesh(mesh) = primitive else { continue };
            let Some(texture) = self.textures.get(&mesh.texture_id) else { continue };
            let mut target = Target { panel: &mut panel, clip: *clip_rect, texture };
            let mut triangles = mesh.indices.as_chunks::<3>().0.iter().peekable();
            while let Some(triangle) = triangles.next() {
                let Some(first) = corners(&mesh.vertices, *triangle) else { continue };
                let second = triangles.peek().and_then(|next| corners(&mesh.vertices, **next));
                if let Some(quad) = second.and_then(|second| Quad::of(&first, &second)) {
                    triangles.next();
                    target.quad(&quad);
                } else {
                    target.triangle(&first);
                }
            }
        }
        panel
    }
}

fn patch(texture: &mut Texture, x: usize, y: usize, width: usize, pixels: &[Color32]) {
    if width == 0 || texture.width == 0 || x + width > texture.width {
        return;
    }
    let rows = texture.texels.chunks_exact_mut(texture.width).skip(y);
    for (row, source) in rows.zip(pixels.chunks_exact(width)) {
        if let Some(part) = row.get_mut(x..x + width) {
            part.copy_from_slice(source);
        }
    }
}

fn corners(vertices: &[Vertex], indices: [u32; 3]) -> Option<[Vertex; 3]> {
    let [a, b, c] = indices;
    Some([*vertices.get(a as usize)?, *vertices.get(b as usize)?, *vertices.get(c as usize)?])
}

/// An axis-aligned rectangle of one colour with its texture part.
struct Quad {
    min: Pos2,
    max: Pos2,
    uv_min: Pos2,
    uv_max: Pos2,
    color: Color32,
}

impl Quad {
    /// The rectangle that two triangles form together, if they do.
    fn of(first: &[Vertex; 3], second: &[Vertex; 3]) -> Option<Self> {
        let all = || first.iter().chain(second);
        let color = first.first()?.color;
        let (mut min, mut max) = (first.first()?.pos, first.first()?.pos);
        for vertex in all() {
            min = min.min(vertex.pos);
            max = max.max(vertex.pos);
        }
        let on_corner = |vertex: &Vertex| {
            vertex.color == color
                && (vertex.pos.x == min.x || vertex.pos.x == max.x)
                && (vertex.pos.y == min.y || vertex.pos.y == max.y)
        };
        let at = |x: f32, y: f32| all().find(|vertex| vertex.pos.x == x && vertex.pos.y == y).map(|vertex| vertex.uv);
        if min.x == max.x || min.y == max.y || !all().all(on_corner) {
            return None;
        }
        // Each triangle covers half of it, and the one corner that each lacks is the other's: opposite corners.
        let lacks = |triangle: &[Vertex; 3]| {
            [(min.x, min.y), (max.x, min.y), (min.x, max.y), (max.x, max.y)]
                .into_iter()
                .find(|(x, y)| !triangle.iter().any(|vertex| vertex.pos.x == *x && vertex.pos.y == *y))
        };
        let ((ax, ay), (bx, by)) = (lacks(first)?, lacks(second)?);
        if ax == bx || ay == by {
            return None;
        }
        let (uv_min, uv_max) = (at(min.x, min.y)?, at(max.x, max.y)?);
        let straight =
            at(max.x, min.y)? == Pos2::new(uv_max.x, uv_min.y) && at(min.x, max.y)? == Pos2::new(uv_min.x, uv_max.y);
        straight.then_some(Self { min, max, uv_min, uv_max, color })
    }
}

struct Target<'a> {
    panel: &'a mut Panel,
    clip: egui::Rect,
    texture: &'a Texture,
}

/// Pixels whose centres lie in `[from, to)`, within `limits`.
fn centres(from: f32, to: f32, limits: (i32, i32)) -> std::ops::Range<i32> {
    let edge = |at: f32| ((at - 0.5).ceil() as i32).clamp(limits.0, limits.1);
    edge(from)..edge(to)
}

impl Target<'_> {
    /// Columns and rows of window pixels that `min..max` covers inside clip and panel.
    fn spans(&self, min: Pos2, max: Pos2) -> (std::ops::Range<i32>, std::ops::Range<i32>) {
        let at = self.panel.at;
        let limit = |start: i32, length: u32| (start, start.saturating_add(i32::try_from(length).unwrap_or(i32::MAX)));
        let (min, max) = (min.max(self.clip.min), max.min(self.clip.max));
        (centres(min.x, max.x, limit(at.x, at.width)), centres(min.y, max.y, limit(at.y, at.height)))
    }

    /// Panel pixels of window row `y`, from column `from` on.
    fn row(&mut self, y: i32, from: i32) -> impl Iterator<Item = &mut u32> {
        let at = self.panel.at;
        let width = at.width as usize;
        let start = y.abs_diff(at.y) as usize * width;
        let row = self.panel.pixels.get_mut(start..start + width).unwrap_or_default();
        row.iter_mut().skip(from.abs_diff(at.x) as usize)
    }

    fn quad(&mut self, quad: &Quad) {
        let (columns, rows) = self.spans(quad.min, quad.max);
        if columns.is_empty() || quad.color == Color32::TRANSPARENT {
            return;
        }
        let texture = self.texture;
        let flat = quad.uv_min == quad.uv_max;
        let step_u = (quad.uv_max.x - quad.uv_min.x) / (quad.max.x - quad.min.x);
        let step_v = (quad.uv_max.y - quad.uv_min.y) / (quad.max.y - quad.min.y);
        let one = packed(quad.color, texture.at(quad.uv_min.x, quad.uv_min.y));
        for y in rows {
            let v = quad.uv_min.y + (y as f32 + 0.5 - quad.min.y) * step_v;
            for (x, below) in columns.clone().zip(self.row(y, columns.start)) {
                let over = if flat {
                    one
                } else {
                    let u = quad.uv_min.x + (x as f32 + 0.5 - quad.min.x) * step_u;
                    packed(quad.color, texture.at(u, v))
                };
                *below = over_pixel(over, *below);
            }
        }
    }

    fn triangle(&mut self, [a, b, c]: &[Vertex; 3]) {
        let area = cross(a.pos, b.pos, c.pos);
        if area == 0.0 || !area.is_finite() {
            return;
        }
        let texture = self.texture;
        let (columns, rows) = self.spans(a.pos.min(b.pos).min(c.pos), a.pos.max(b.pos).max(c.pos));
        for y in rows {
            for (x, below) in columns.clone().zip(self.row(y, columns.start)) {
                let at = Pos2::new(x as f32 + 0.5, y as f32 + 0.5);
                let (of_a, of_b) = (cross(b.pos, c.pos, at) / area, cross(c.pos, a.pos, at) / area);
                let of_c = 1.0 - of_a - of_b;
                if of_a < 0.0 || of_b < 0.0 || of_c < 0.0 {
                    continue;
                }
                let mix = |of: fn(&Vertex) -> f32| of(a) * of_a + of(b) * of_b + of(c) * of_c;
                let channel = |index: usize| {
                    let of =
                        |vertex: &Vertex| vertex.color.to_array().get(index).map_or(0.0, |value| f32::from(*value));
                    (of(a) * of_a + of(b) * of_b + of(c) * of_c).round() as u8
                };
                let color = Color32::from_rgba_premultiplied(channel(0), channel(1), channel(2), channel(3));
                let texel = texture.at(mix(|vertex| vertex.uv.x), mix(|vertex| vertex.uv.y));
                *below = over_pixel(packed(color, texel), *below);
            }
        }
    }
}

fn cross(a: Pos2, b: Pos2, c: Pos2) -> f32 {
    (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x)
}

/// Vertex colour times texel, as 0xAARRGGBB.
fn packed(color: Color32, texel: Color32) -> u32 {
    let times = |a: u8, b: u8| (u32::from(a) * u32::from(b) + 127) / 255;
    let ([r, g, b, a], [tr, tg, tb, ta]) = (color.to_array(), texel.to_array());
    (times(a, ta) << 24) | (times(r, tr) << 16) | (times(g, tg) << 8) | times(b, tb)
}
