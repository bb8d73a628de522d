//! Pictures of titles, drawn with the games' own tools: the same title always gives the same picture.

use sha2::{Digest, Sha256};

use crate::draw::stroke::neon_width;
use crate::draw::{Neon, Pen, Rect, Yuv};
use crate::games::{self, Canvas, STRIP_HEIGHT};
use crate::shelf::names::{Entry, scramble};

/// Counts up when the drawing changes.
const EDITION: u32 = 1;
/// Frames that a game plays before its picture is taken, a sixtieth of a second each.
const FRAMES: u32 = 240;

/// Which picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// Upright, 400 x 600.
    Tile,
    /// Wide, 960 x 540.
    Hero,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Tile => "tile",
            Self::Hero => "hero",
        }
    }

    const fn size(self) -> (usize, usize) {
        match self {
            Self::Tile => (400, 600),
            Self::Hero => (960, 540),
        }
    }

    /// From the last part of a path: `tile.png` or `hero.png`.
    pub(crate) fn read(file: &str) -> Option<Self> {
        match file {
            "tile.png" => Some(Self::Tile),
            "hero.png" => Some(Self::Hero),
            _ => None,
        }
    }
}

/// Names the picture of an entry; changes when the picture does.
pub(crate) fn version(entry: &Entry, kind: Kind) -> String {
    let digest = Sha256::digest(format!("{EDITION} {} {} {} {}", entry.id, entry.name, entry.game, kind.name()));
    let short = digest.iter().take(6).fold(0_u64, |all, byte| all << 8 | u64::from(*byte));
    format!("{short:012x}")
}

/// The picture could not be packed.
#[derive(Debug, thiserror::Error)]
#[error("the picture cannot be packed: {0}")]
pub(crate) struct ArtError(#[from] png::EncodingError);

/// Draws a picture, as PNG.
pub(crate) fn draw(entry: &Entry, kind: Kind) -> Result<Vec<u8>, ArtError> {
    let (width, size) = kind.size();
    // The games show themselves; entries that only lend their name to one get a scene of their own.
    let game = games::open(entry.game, 7).filter(|_| entry.seed.is_none() && kind == Kind::Hero);
    // The rows that a game leaves to the timecode strip are cut off.
    let above = if game.is_some() { STRIP_HEIGHT } else { 0 };
    let height = size + above;
    let half = width.div_ceil(2) * height.div_ceil(2);
    let (mut y, mut u, mut v) = (vec![16; width * height], vec![128; half], vec![128; half]);
    let mut canvas =
        Canvas { width, height, y: &mut y, u: &mut u, v: &mut v, y_stride: width, uv_stride: width.div_ceil(2) };
    match game {
        Some(mut game) => {
            for _ in 0..FRAMES {
                game.step(16_667);
            }
            game.draw(&mut canvas);
        }
        None => scene(&mut canvas, entry),
    }
    let chroma = above / 2 * width.div_ceil(2);
    let below = |plane: &[u8], from: usize| plane.get(from..).unwrap_or_default().to_vec();
    pack(width, size, [&below(&y, above * width), &below(&u, chroma), &below(&v, chroma)])
}

/// Colours of a scene: sky above, sky below, two lights.
const PALETTES: [[u32; 4]; 8] = [
    [0x0b1030, 0x3a1d5c, 0x35d0ff, 0xff4fa3],
    [0x04222b, 0x0e5a52, 0x5cffb0, 0xffd35c],
    [0x2a0a18, 0x7a2430, 0xffa04d, 0xff5c7a],
    [0x0a0f22, 0x123a78, 0x7cc4ff, 0xffffff],
    [0x1c0b2e, 0x5a1f70, 0xd08cff, 0x5cf2ff],
    [0x10180a, 0x3f5a1a, 0xc8ff5c, 0xffb24d],
    [0x1a1208, 0x6e3f12, 0xffcf70, 0xff7a3d],
    [0x0c1418, 0x2c4654, 0x9fe8ff, 0xff6f91],
];

/// Chances of a scene.
struct Chance(u64);

impl Chance {
    /// From 0 to 1.
    fn next(&mut self) -> f32 {
        self.0 = scramble(self.0);
        (self.0 >> 40) as f32 / (1_u64 << 24) as f32
    }
}

/// A night sky with rings, a comet and the name.
fn scene(canvas: &mut Canvas<'_>, entry: &Entry) {
    let digest = Sha256::digest(&entry.id);
    let mut chance = Chance(digest.iter().take(8).fold(0, |all, byte| all << 8 | u64::from(*byte)));
    let palette = PALETTES.get((chance.0 % PALETTES.len() as u64) as usize).copied().unwrap_or_default();
    let [top, bottom, first, second] = palette;
    let (wide, high) = (canvas.width as f32, canvas.height as f32);
    let whole = Rect::new(0, 0, canvas.width as i32, canvas.height as i32);
    canvas.gradient_down(whole, Yuv::hex(top), Yuv::hex(bottom));
    for _ in 0..90 {
        let (x, y, size) = (chance.next() * wide, chance.next() * high, 1.5 + chance.next() * 3.0);
        canvas.spark(x, y, size, Neon::hex(0xFFFFFF).times(0.3 + chance.next() * 0.6));
    }
    let unit = wide.min(high) / 200.0;
    let (x, y) = ((0.25 + chance.next() * 0.5) * wide, (0.2 + chance.next() * 0.3) * high);
    let radius = (0.12 + chance.next() * 0.12) * wide.min(high);
    let planet = Pen::new(Neon::hex(first), unit);
    for ring in 0..=(chance.next() * 3.0) as u32 {
        canvas.ring(x, y, radius * (1.0 + ring as f32 * 0.35), &planet.times(1.0 / (1.0 + ring as f32)));
    }
    canvas.spark(x, y, radius * 0.8, Neon::hex(first).times(0.5));
    for _ in 0..3 {
        comet(canvas, &mut chance, second, unit);
    }
    horizon(canvas, &mut chance, first, unit);
    title(canvas, &entry.name);
}

fn comet(canvas: &mut Canvas<'_>, chance: &mut Chance, color: u32, unit: f32) {
    let (wide, high) = (canvas.width as f32, canvas.height as f32);
    let (x, y) = (chance.next() * wide, chance.next() * high * 0.6);
    let (dx, dy) = ((0.1 + chance.next() * 0.2) * wide, -(0.04 + chance.next() * 0.12) * high);
    let pen = Pen::new(Neon::hex(color), unit);
    for part in 0..6_u8 {
        let (from, to) = (f32::from(part) / 6.0, f32::from(part + 1) / 6.0);
        let ends = ((x + dx * from, y + dy * from), (x + dx * to, y + dy * to));
        canvas.line(ends.0, ends.1, &pen.times(0.8 * (1.0 - from)));
    }
    canvas.spark(x, y, 7.0 * unit, Neon::hex(color));
}

/// A line of hills.
fn horizon(canvas: &mut Canvas<'_>, chance: &mut Chance, color: u32, unit: f32) {
    let (wide, high) = (canvas.width as f32, canvas.height as f32);
    let pen = Pen::new(Neon::hex(color), unit);
    for row in 0..3_u8 {
        let base = high * (0.66 + 0.1 * f32::from(row));
        let points: Vec<_> =
            (0..=12_u8).map(|step| (f32::from(step) / 12.0 * wide, base - chance.next() * high * 0.1)).collect();
        canvas.polyline(points, &pen.times(0.25 + 0.2 * f32::from(row)));
    }
}

/// The name at the bottom, a line for each word.
fn title(canvas: &mut Canvas<'_>, name: &str) {
    let (wide, high) = (canvas.width as f32, canvas.height as f32);
    let words: Vec<String> = name.split(' ').map(str::to_uppercase).collect();
    let pen = Pen::new(Neon::hex(0xFFFFFF), wide.min(high) / 260.0);
    let longest = words.iter().map(|word| neon_width(word, 6.0)).fold(1.0, f32::max);
    let letter = (wide * 0.86 / longest * 6.0).min(high * 0.11);
    let step = letter * 1.45;
    let begin = high * 0.95 - step * words.len() as f32;
    let shade = Rect::new(0, (begin - step * 0.4) as i32, canvas.width as i32, canvas.height as i32);
    canvas.shade(shade, Yuv::BLACK, 110);
    for (line, word) in (0_u8..).zip(&words) {
        canvas.neon_text(wide / 2.0, begin + step * f32::from(line), letter, &pen, word);
    }
}

/// Limited-range BT.709 planes as an RGB PNG.
fn pack(width: usize, height: usize, [y, u, v]: [&[u8]; 3]) -> Result<Vec<u8>, ArtError> {
    let mut rgb = Vec::with_capacity(width * height * 3);
    let chroma = width.div_ceil(2);
    for (row, line) in y.chunks_exact(width).enumerate() {
        let start = row / 2 * chroma;
        let (blue, red) = (u.get(start..start + chroma), v.get(start..start + chroma));
        let pairs = blue.unwrap_or_default().iter().zip(red.unwrap_or_default());
        for (luma, (u, v)) in line.iter().zip(pairs.flat_map(|pair| [pair, pair])) {
            rgb.extend(to_rgb(*luma, *u, *v));
        }
    }
    let mut packed = Vec::new();
    let side = |size: usize| u32::try_from(size).unwrap_or_default();
    let mut encoder = png::Encoder::new(&mut packed, side(width), side(height));
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&rgb)?;
    writer.finish()?;
    Ok(packed)
}

/// ITU-R BT.709-6 backwards, in 1/1024.
fn to_rgb(y: u8, u: u8, v: u8) -> [u8; 3] {
    let (luma, blue, red) = ((i32::from(y) - 16) * 1192, i32::from(u) - 128, i32::from(v) - 128);
    let byte = |value: i32| u8::try_from(((value + 512) >> 10).clamp(0, 255)).unwrap_or_default();
    [byte(luma + 1836 * red), byte(luma - 218 * blue - 546 * red), byte(luma + 2163 * blue)]
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::draw::color::bt709;
    use crate::shelf::names::entry;

    #[test]
    fn colours_come_back() {
        for rgb in [[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255], [40, 120, 200]] {
            let Yuv { y, u, v } = bt709(rgb[0], rgb[1], rgb[2]);
            for (made, wanted) in to_rgb(y, u, v).into_iter().zip(rgb) {
                assert!(made.abs_diff(wanted) <= 3, "{rgb:?}");
            }
        }
    }

    #[test]
    fn pictures_have_their_size_and_differ() {
        let (mut seen, mut versions) = (HashSet::new(), HashSet::new());
        for index in [0, 1, 2, 3, 4, 9] {
            let entry = entry(index);
            for kind in [Kind::Tile, Kind::Hero] {
                let picture = draw(&entry, kind).unwrap();
                let mut reader = png::Decoder::new(std::io::Cursor::new(&picture)).read_info().unwrap();
                let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
                let info = reader.next_frame(&mut pixels).unwrap();
                assert_eq!((info.width as usize, info.height as usize), kind.size());
                let colours: HashSet<_> = pixels.chunks(3).collect();
                assert!(colours.len() > 30, "{}: {} colours", entry.id, colours.len());
                assert_eq!(draw(&entry, kind).unwrap(), picture, "the same again");
                assert!(versions.insert(version(&entry, kind)) && seen.insert(picture), "{} is another's", entry.id);
            }
        }
    }
}
