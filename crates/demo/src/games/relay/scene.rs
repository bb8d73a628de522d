//! How the arena looks: light on dark.

use super::super::{Canvas, STRIP_HEIGHT, dice::Dice};
use super::world::{BEACON, BEACON_REACH, HEIGHT, Ship, TICKS, Tint, WIDTH, Wave, World, tint_of};
use crate::draw::{Label, Neon, Pen, Rect, Sprite, Yuv};

mod bodies;

/// Where the world lies in the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct View {
    /// Pixels per world unit.
    scale: f32,
    x: f32,
    y: f32,
    /// Pixels per 1/360 of the picture's height: thickness of lines.
    unit: f32,
    /// Scale of the text font.
    text: i32,
    /// First row of the panel at the bottom.
    panel: i32,
}

impl View {
    /// The arena fills what the timecode strip at the top and the panel at the bottom leave.
    #[must_use]
    pub(crate) fn of(width: usize, height: usize) -> Self {
        let (w, h) = (width as f32, height as f32);
        let unit = h / 360.0;
        let (top, bottom) = (STRIP_HEIGHT as f32 + 4.0, 30.0 * unit);
        let room = (w - 8.0 * unit, h - top - bottom);
        let scale = (room.0 / WIDTH).min(room.1 / HEIGHT).max(0.002);
        Self {
            scale,
            x: (w - WIDTH * scale) / 2.0,
            y: top + (room.1 - HEIGHT * scale).max(0.0) / 2.0,
            unit,
            text: (height as i32 / 360).max(1),
            panel: (h - bottom) as i32,
        }
    }

    fn at(&self, (x, y): (f32, f32)) -> (f32, f32) {
        (self.x + x * self.scale, self.y + y * self.scale)
    }

    /// A place in the picture, 0..=65535 each way, in world units.
    #[must_use]
    pub(crate) fn world(&self, x: u16, y: u16, width: usize, height: usize) -> (f32, f32) {
        let (x, y) = (f32::from(x) / 65_535.0 * width as f32, f32::from(y) / 65_535.0 * height as f32);
        ((x - self.x) / self.scale, (y - self.y) / self.scale)
    }

    fn pen(&self, tint: Tint) -> Pen {
        Pen::new(light(tint), self.unit)
    }
}

/// What lies over the arena.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Overlay {
    /// Show the title.
    pub(crate) title: bool,
    /// Show that the game is held.
    pub(crate) paused: bool,
    /// Show the end.
    pub(crate) over: bool,
    /// Ticks since it came.
    pub(crate) since: u64,
    /// Best score so far.
    pub(crate) best: u32,
}

const fn light(tint: Tint) -> Neon {
    Neon::hex(match tint {
        Tint::Cyan => 0x00_C8_FF,
        Tint::Magenta => 0xFF_30_B0,
        Tint::Gold => 0xFF_B4_28,
        Tint::Violet => 0x8A_6C_FF,
        Tint::Red => 0xFF_3A_2A,
        Tint::White => 0xD8_E4_FF,
    })
}

const INK: Yuv = Yuv::hex(0xE8_F0_FF);
const DIM: Yuv = Yuv::hex(0x6C_7A_A0);
const GOLD: Yuv = Yuv::hex(0xFF_C0_48);
const NIGHT: Yuv = Yuv::hex(0x05_06_10);

const fn ink(who: usize) -> Yuv {
    if who == 0 { Yuv::hex(0x40_D4_FF) } else { Yuv::hex(0xFF_60_C0) }
}

const SHIP_ART: [&str; 8] =
    ["...#....", "..###...", "..#+#...", ".##+##..", ".#+++#..", "##+++##.", "#.###.#.", "#..#..#."];

/// Everything made once per picture size.
pub(crate) struct Scene {
    view: View,
    width: usize,
    height: usize,
    planes: [Vec<u8>; 3],
    ships: [Sprite; 2],
}

impl Scene {
    /// Paints the background and the sprites for a size.
    #[must_use]
    pub(crate) fn new(width: usize, height: usize) -> Self {
        let view = View::of(width, height);
        let chroma = width.div_ceil(2) * height.div_ceil(2);
        let (mut y, mut u, mut v) = (vec![0; width * height], vec![0; chroma], vec![0; chroma]);
        let mut canvas =
            Canvas { width, height, y: &mut y, u: &mut u, v: &mut v, y_stride: width, uv_stride: width.div_ceil(2) };
        paint_backdrop(&mut canvas, &view);
        let ship =
            |body: u32, glass: u32| Sprite::from_art(&SHIP_ART, &[('#', body), ('+', glass)], view.text as usize);
        let ships = [ship(0x40_D4_FF, 0x10_50_90), ship(0xFF_60_C0, 0x90_18_60)];
        Self { view, width, height, planes: [y, u, v], ships }
    }

    /// Whether it was made for pictures of this size.
    #[must_use]
    pub(crate) const fn fits(&self, canvas: &Canvas<'_>) -> bool {
        self.width == canvas.width && self.height == canvas.height
    }

    /// Draws the whole picture, things moved on by `ahead` seconds.
    pub(crate) fn draw(&self, canvas: &mut Canvas<'_>, world: &World, ahead: f32, overlay: Overlay) {
        self.copy_backdrop(canvas);
        let mut view = self.view;
        let shake = world.shake * world.shake * 9.0 * view.unit;
        view.x += (world.ticks as f32 * 0.9).sin() * shake;
        view.y += (world.ticks as f32 * 1.3).cos() * shake;
        bodies::draw(canvas, &view, world, ahead, !overlay.title);
        if overlay.title {
            self.title(canvas, overlay);
        } else if overlay.over {
            self.over(canvas, world, overlay);
        } else if overlay.paused {
            self.words(canvas, "PAUSED", "PRESS START TO GO ON", Tint::Cyan);
        } else if world.clear > 0.0 {
            let next = Label::new(format_args!("LEVEL {} COMES", world.level + 1));
            self.words(canvas, "RELAY CHARGED", next.as_str(), Tint::Gold);
        } else if overlay.since < TICKS * 2 {
            let level = Label::new(format_args!("LEVEL {}", world.level));
            self.words(canvas, level.as_str(), "TOW SHARDS TO THE BEACON", Tint::Cyan);
        }
        self.panel(canvas, world, overlay);
    }

    fn copy_backdrop(&self, canvas: &mut Canvas<'_>) {
        let [y, u, v] = &self.planes;
        let half = self.width.div_ceil(2);
        let copy = |plane: &mut [u8], stride: usize, source: &[u8], width: usize| {
            for (to, from) in plane.chunks_mut(stride.max(1)).zip(source.chunks_exact(width.max(1))) {
                if let Some(to) = to.get_mut(..width) {
                    to.copy_from_slice(from);
                }
            }
        };
        copy(canvas.y, canvas.y_stride, y, self.width);
        copy(canvas.u, canvas.uv_stride, u, half);
        copy(canvas.v, canvas.uv_stride, v, half);
    }

    /// Scores, ships and the relay's charge.
    fn panel(&self, canvas: &mut Canvas<'_>, world: &World, overlay: Overlay) {
        let (text, width) = (self.view.text, self.width as i32);
        let (top, edge) = (self.view.panel + 7 * text, 8 * text);
        for (who, ship) in world.ships.iter().enumerate() {
            let right = who == 1;
            if !ship.active || overlay.title {
                if right && !overlay.title && !overlay.over && (overlay.since / (TICKS / 2)).is_multiple_of(2) {
                    canvas.text_right(width - edge, top + 4 * text, text, DIM, "P2: PRESS START");
                }
                continue;
            }
            let score = Label::new(format_args!("{:06}", ship.score));
            if right {
                canvas.text_right(width - edge, top, 2 * text, ink(who), score.as_str());
            } else {
                canvas.text(edge, top, 2 * text, ink(who), score.as_str());
            }
            self.lives(canvas, ship, who, top, edge);
        }
        let middle = width / 2;
        if overlay.title {
            let best = Label::new(format_args!("BEST {:06}", overlay.best));
            canvas.text_centred(middle, top + 4 * text, text, GOLD, best.as_str());
            return;
        }
        let label = Label::new(format_args!("LEVEL {}  RELAY {}/{}", world.level, world.charge, world.goal()));
        canvas.text_centred(middle, top - text, text, INK, label.as_str());
        let cells = world.goal().max(1) as i32;
        let cell = (200 * text / cells).max(2) & !1;
        let (left, y) = (middle - cell * cells / 2, top + 9 * text);
        for index in 0..cells {
            let lit = index < world.charge as i32;
            let color = if lit { GOLD } else { Yuv::hex(0x1C_20_3A) };
            canvas.fill(Rect::new(left + index * cell, y, cell - text, 6 * text), color);
        }
    }

    fn lives(&self, canvas: &mut Canvas<'_>, ship: &Ship, who: usize, top: i32, edge: i32) {
        let Some(sprite) = self.ships.get(who) else { return };
        let step = sprite.width() + self.view.text;
        let (start, way) = match who {
            0 => (edge + 13 * 8 * self.view.text, step),
            _ => (self.width as i32 - edge - 13 * 8 * self.view.text - sprite.width(), -step),
        };
        let spare = ship.lives.min(6) as i32;
        for index in 0..spare {
            canvas.sprite(sprite, start + way * index, top + 4 * self.view.text);
        }
    }

    fn words(&self, canvas: &mut Canvas<'_>, large: &str, small: &str, tint: Tint) {
        let (unit, middle) = (self.view.unit, self.width as f32 / 2.0);
        let y = self.height as f32 * 0.24;
        canvas.neon_text(middle, y, 34.0 * unit, &self.view.pen(tint), large);
        canvas.text_centred(middle as i32, (y + 48.0 * unit) as i32, self.view.text, INK, small);
    }

    fn title(&self, canvas: &mut Canvas<'_>, overlay: Overlay) {
        let (unit, text, middle) = (self.view.unit, self.view.text, self.width as f32 / 2.0);
        let top = STRIP_HEIGHT as i32;
        canvas.shade(Rect::new(0, top, self.width as i32, self.height as i32 - top), NIGHT, 176);
        let glow = 0.85 + 0.15 * (overlay.since as f32 / TICKS as f32 * 3.0).sin();
        let y = self.height as f32 * 0.19;
        let fat = |tint: Tint| {
            let pen = self.view.pen(tint).times(glow);
            Pen { core: pen.core * 1.5, glow: pen.glow * 1.9, ..pen }
        };
        canvas.neon_text(middle, y, 62.0 * unit, &fat(Tint::Cyan), "COMET");
        canvas.neon_text(middle, y + 82.0 * unit, 62.0 * unit, &fat(Tint::Magenta), "RELAY");
        let column = middle as i32;
        let line = |n: f32| (y + n * unit) as i32;
        if overlay.since / (TICKS / 2) % 3 < 2 {
            canvas.text_centred(column, line(164.0), 2 * text, INK, "PRESS START OR SPACE");
        }
        let help = [
            "FLY: LEFT STICK, WASD, ARROWS",
            "FIRE: A, RIGHT STICK, SPACE   DASH: B, SHIFT",
            "BREAK COMETS - TOW SHARDS - CHARGE THE BEACON",
        ];
        for (index, help) in help.into_iter().enumerate() {
            let color = if index == 2 { GOLD } else { DIM };
            canvas.text_centred(column, line(190.0 + 13.0 * index as f32), text, color, help);
        }
    }

    fn over(&self, canvas: &mut Canvas<'_>, world: &World, overlay: Overlay) {
        let (unit, text, middle) = (self.view.unit, self.view.text, self.width as i32 / 2);
        let top = STRIP_HEIGHT as i32;
        canvas.shade(Rect::new(0, top, self.width as i32, self.height as i32 - top), NIGHT, 120);
        let y = self.height as f32 * 0.22;
        let pen = self.view.pen(Tint::Red);
        let pen = Pen { core: pen.core * 1.4, glow: pen.glow * 1.7, ..pen };
        canvas.neon_text(middle as f32, y, 52.0 * unit, &pen, "GAME OVER");
        let line = |n: f32| (y + n * unit) as i32;
        let mut row = 78.0;
        for (who, ship) in world.ships.iter().enumerate().filter(|(_, ship)| ship.active) {
            let score = Label::new(format_args!("P{} {:06}", who + 1, ship.score));
            canvas.text_centred(middle, line(row), 2 * text, ink(who), score.as_str());
            row += 22.0;
        }
        let reached = Label::new(format_args!("LEVEL {}   BEST {:06}", world.level, overlay.best));
        canvas.text_centred(middle, line(row + 4.0), text, GOLD, reached.as_str());
        if overlay.since > TICKS * 3 / 2 && overlay.since / (TICKS / 2) % 3 < 2 {
            canvas.text_centred(middle, line(row + 30.0), text, INK, "PRESS START OR SPACE TO PLAY AGAIN");
        }
    }
}

/// Sky, stars, the arena's grid and border, and the panel.
fn paint_backdrop(canvas: &mut Canvas<'_>, view: &View) {
    let (w, h) = (canvas.width as f32, canvas.height as f32);
    canvas.gradient_down(canvas.bounds(), Yuv::hex(0x04_05_0E), Yuv::hex(0x0D_0A_22));
    let mut dice = Dice::new(0xC0_4E7);
    for (color, power) in [(0x30_18_70, 0.55), (0x0C_38_60, 0.6), (0x50_10_40, 0.45), (0x10_20_58, 0.6)] {
        let at = (dice.range(0.1, 0.9) * w, dice.range(0.35, 0.9) * h);
        let cloud = Pen { light: Neon::hex(color).times(power * 0.55), core: 0.1, glow: 0.42 * h, heat: 0.0 };
        canvas.line(at, (at.0 + dice.range(-0.2, 0.2) * w, at.1 + dice.range(-0.1, 0.1) * h), &cloud);
    }
    for _ in 0..150 {
        let (x, y) = (dice.range(0.0, w), dice.range(STRIP_HEIGHT as f32 + 4.0, h));
        let bright = dice.range(0.1, 0.75);
        canvas.spark(x, y, dice.range(0.7, 1.7) * view.unit.max(0.7), light(Tint::White).times(bright * bright));
    }
    let grid = Yuv::hex(0x3C_6C_C0);
    let thick = (view.unit as i32).max(1);
    let (left, top) = view.at((0.0, 0.0));
    let (right, bottom) = view.at((WIDTH, HEIGHT));
    for column in 1..16 {
        let x = view.at((column as f32 * 100.0, 0.0)).0 as i32;
        canvas.shade(Rect::new(x, top as i32, thick, (bottom - top) as i32), grid, 22);
    }
    for row in 1..8 {
        let y = view.at((0.0, row as f32 * 95.0)).1 as i32;
        canvas.shade(Rect::new(left as i32, y, (right - left) as i32, thick), grid, 22);
    }
    let border = view.pen(Tint::Violet).times(0.55);
    canvas.polyline([(left, top), (right, top), (right, bottom), (left, bottom), (left, top)], &border);
    canvas.shade(Rect::new(0, view.panel, canvas.width as i32, canvas.height as i32), NIGHT, 176);
    // The strip of the timecode is measured against dark.
    canvas.fill(Rect::new(0, 0, 512, STRIP_HEIGHT as i32), Yuv::BLACK);
}
