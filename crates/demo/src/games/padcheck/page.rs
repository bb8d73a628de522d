//! How the input test looks.

use entente_model::input::Buttons;

use super::super::{Canvas, STRIP_HEIGHT, keys};
use super::{PadCheck, Slot};
use crate::draw::{Label, Neon, Pen, Rect, Yuv};

const PAPER: Yuv = Yuv::hex(0x0A_0D_1C);
const CARD: Yuv = Yuv::hex(0x12_17_2C);
const EDGE: Yuv = Yuv::hex(0x2C_38_60);
const WELL: Yuv = Yuv::hex(0x1E_26_46);
const INK: Yuv = Yuv::hex(0xE8_F0_FF);
const DIM: Yuv = Yuv::hex(0x74_84_B0);
const LIT: Yuv = Yuv::hex(0x30_E8_FF);
const WARM: Yuv = Yuv::hex(0xFF_B4_30);
const GLOW: Neon = Neon::hex(0x20_B8_FF);

/// Draws everything.
pub(super) fn draw(canvas: &mut Canvas<'_>, check: &PadCheck) {
    let (width, height) = (canvas.width as i32, canvas.height as i32);
    let text = (height / 360).max(1);
    canvas.gradient_down(canvas.bounds(), PAPER, Yuv::hex(0x12_0C_24));
    canvas.fill(Rect::new(0, 0, width, STRIP_HEIGHT as i32), Yuv::BLACK);
    let gap = 4 * text;
    let top = STRIP_HEIGHT as i32 + gap;
    let split = (width * 62 / 100) & !1;
    let pads = Rect::new(gap, top, split - gap, height - top - gap);
    let side = Rect::new(split + gap, top, width - split - 2 * gap, height - top - gap);
    pad_cards(canvas, pads, text, check);
    let third = (side.h - 2 * gap) / 3;
    let place = |n: i32| Rect::new(side.x, side.y + n * (third + gap), side.w, third);
    pointer_card(canvas, place(0), text, check);
    keys_card(canvas, place(1), text, check);
    log_card(canvas, place(2), text, check);
    fingers(canvas, text, check);
    crosshair(canvas, text, check);
}

/// A card for each pad, or an empty one.
fn pad_cards(canvas: &mut Canvas<'_>, room: Rect, text: i32, check: &PadCheck) {
    let there = || (0..).zip(&check.pads).filter(|(_, slot)| slot.there);
    let count = there().count() as i32;
    if count == 0 {
        pad_card(canvas, room, text, 0, &Slot::default());
        return;
    }
    // Two pads lie one over the other, more in a square as small as possible.
    let columns = (1..count).find(|columns| columns * (columns + 1) >= count).unwrap_or(1);
    let rows = (count + columns - 1) / columns;
    let gap = 4 * text;
    let (w, h) = ((room.w - gap * (columns - 1)) / columns, (room.h - gap * (rows - 1)) / rows);
    for (place, (number, slot)) in (0..).zip(there()) {
        let card = Rect::new(room.x + place % columns * (w + gap), room.y + place / columns * (h + gap), w, h);
        pad_card(canvas, card, text, number, slot);
    }
}

fn card(canvas: &mut Canvas<'_>, rect: Rect, text: i32, title: &str) {
    canvas.fill(rect, CARD);
    canvas.frame(rect, text, EDGE);
    words(canvas, Rect { h: 8 * text, ..rect.inset(4 * text) }, text, DIM, title);
}

/// Text cut to a rectangle's width.
fn words(canvas: &mut Canvas<'_>, rect: Rect, text: i32, color: Yuv, words: &str) {
    let most = (rect.w / (8 * text)).max(0) as usize;
    let end = words.char_indices().nth(most).map_or(words.len(), |(at, _)| at);
    canvas.text(rect.x, rect.y, text, color, words.get(..end).unwrap_or_default());
}

/// Places on a card, laid out on a grid of 240 by 130.
struct Grid {
    x: f32,
    y: f32,
    unit: f32,
}

impl Grid {
    fn in_card(card: Rect, text: i32) -> Self {
        let room = Rect::new(card.x + 4 * text, card.y + 16 * text, card.w - 8 * text, card.h - 40 * text);
        let unit = (room.w as f32 / 240.0).min(room.h as f32 / 130.0).max(0.05);
        let x = room.x as f32 + (room.w as f32 - 240.0 * unit) / 2.0;
        let y = room.y as f32 + (room.h as f32 - 130.0 * unit).max(0.0) / 2.0;
        Self { x, y, unit }
    }

    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        (self.x + x * self.unit, self.y + y * self.unit)
    }

    /// On even pixels, so that colours do not bleed.
    fn rect(&self, x: f32, y: f32, w: f32, h: f32) -> Rect {
        let (left, top) = self.at(x, y);
        let even = |at: f32| (at as i32 + 1) & !1;
        let (right, bottom) = self.at(x + w, y + h);
        Rect::new(even(left), even(top), even(right) - even(left), even(bottom) - even(top))
    }
}

fn pad_card(canvas: &mut Canvas<'_>, rect: Rect, text: i32, index: i32, slot: &Slot) {
    let name = slot.name.as_ref().map_or(if slot.there { "CONNECTED" } else { "NO PAD YET" }, Label::as_str);
    let title = Label::new(format_args!("PAD {index}  {name}"));
    card(canvas, rect, text, title.as_str());
    let grid = Grid::in_card(rect, text);
    shoulders(canvas, &grid, text, slot);
    sticks(canvas, &grid, slot);
    buttons(canvas, &grid, text, slot);
    let line = |n: i32| Rect::new(rect.x + 4 * text, rect.bottom() - (n * 10 + 2) * text, rect.w - 8 * text, 8 * text);
    let state = &slot.state;
    let color = if slot.there { INK } else { DIM };
    if let Some(motion) = slot.motion {
        let [gx, gy, gz] = motion.gyro.map(|rate| i32::from(rate) / 16);
        let [ax, ay, az] = motion.accel.map(|pull| f32::from(pull) / 4_096.0);
        let moved = Label::new(format_args!("GYRO {gx} {gy} {gz}  ACC {ax:.1} {ay:.1} {az:.1}"));
        words(canvas, line(1), text, WARM, moved.as_str());
    }
    let (lx, ly, rx, ry) = (state.left_x, state.left_y, state.right_x, state.right_y);
    let numbers = Label::new(format_args!("L {lx} {ly}  R {rx} {ry}"));
    words(canvas, line(2), text, color, numbers.as_str());
}

/// Triggers with their fill, shoulders, paddles.
fn shoulders(canvas: &mut Canvas<'_>, grid: &Grid, text: i32, slot: &Slot) {
    let held = slot.state.buttons;
    let sides = [
        (8.0, slot.state.left_trigger, Buttons::LEFT_TRIGGER, Buttons::LEFT_SHOULDER),
        (162.0, slot.state.right_trigger, Buttons::RIGHT_TRIGGER, Buttons::RIGHT_SHOULDER),
    ];
    for (x, pulled, trigger, shoulder) in sides {
        let well = grid.rect(x, 2.0, 70.0, 11.0);
        canvas.fill(well, WELL);
        let filled = (i64::from(well.w) * i64::from(pulled) / 65_535) as i32 & !1;
        canvas.fill(Rect { w: filled, ..well }, if held.contains(trigger) { WARM } else { LIT });
        canvas.fill(grid.rect(x, 16.0, 70.0, 8.0), if held.contains(shoulder) { LIT } else { WELL });
        if well.h >= 10 * text {
            let share = Label::new(format_args!("{pulled}"));
            canvas.text(well.x + 2 * text, well.y + (well.h - 8 * text) / 2, text, INK, share.as_str());
        }
    }
    let paddles = [Buttons::PADDLE1, Buttons::PADDLE2, Buttons::PADDLE3, Buttons::PADDLE4];
    for (index, paddle) in paddles.into_iter().enumerate() {
        let x = 88.0 + 17.0 * index as f32;
        canvas.fill(grid.rect(x, 16.0, 13.0, 8.0), if held.contains(paddle) { LIT } else { WELL });
    }
}

fn sticks(canvas: &mut Canvas<'_>, grid: &Grid, slot: &Slot) {
    let state = &slot.state;
    let both = [
        ((42.0, 58.0), state.left_x, state.left_y, Buttons::LEFT_STICK),
        ((154.0, 100.0), state.right_x, state.right_y, Buttons::RIGHT_STICK),
    ];
    for ((x, y), right, up, press) in both {
        let pen = Pen::new(GLOW, grid.unit);
        let (cx, cy) = grid.at(x, y);
        let pressed = state.buttons.contains(press);
        canvas.ring(cx, cy, 25.0 * grid.unit, &pen.times(if pressed { 1.0 } else { 0.45 }));
        let (dx, dy) = (f32::from(right) / 32_767.0, f32::from(up) / 32_767.0);
        let knob = grid.at(x + dx * 22.0, y - dy * 22.0);
        if dx != 0.0 || dy != 0.0 {
            canvas.line((cx, cy), knob, &pen);
        }
        let hot = if pressed { Neon::hex(0xFF_B4_30) } else { GLOW };
        canvas.spark(knob.0, knob.1, 9.0 * grid.unit, hot);
    }
}

fn buttons(canvas: &mut Canvas<'_>, grid: &Grid, text: i32, slot: &Slot) {
    let held = slot.state.buttons;
    let mut square = |button: Buttons, x: f32, y: f32, w: f32, label: &str| {
        let on = held.contains(button);
        let key = grid.rect(x - w / 2.0, y - 7.0, w, 14.0);
        canvas.fill(key, if on { LIT } else { WELL });
        if key.h >= 10 * text && key.w >= label.len() as i32 * 8 * text {
            let ink = if on { Yuv::BLACK } else { DIM };
            canvas.text_centred(key.x + key.w / 2, key.y + (key.h - 7 * text) / 2, text, ink, label);
        }
    };
    for (button, x, y, label) in [
        (Buttons::NORTH, 198.0, 39.0, "N"),
        (Buttons::SOUTH, 198.0, 73.0, "S"),
        (Buttons::WEST, 181.0, 56.0, "W"),
        (Buttons::EAST, 215.0, 56.0, "E"),
        (Buttons::UP, 86.0, 83.0, "U"),
        (Buttons::DOWN, 86.0, 117.0, "D"),
        (Buttons::LEFT, 69.0, 100.0, "L"),
        (Buttons::RIGHT, 103.0, 100.0, "R"),
    ] {
        square(button, x, y, 15.0, label);
    }
    for (button, x, y, label) in [
        (Buttons::SELECT, 92.0, 46.0, "SEL"),
        (Buttons::GUIDE, 120.0, 46.0, "GUI"),
        (Buttons::START, 148.0, 46.0, "STA"),
        (Buttons::EXTRA, 120.0, 63.0, "EXT"),
    ] {
        square(button, x, y, 25.0, label);
    }
}

fn pointer_card(canvas: &mut Canvas<'_>, rect: Rect, text: i32, check: &PadCheck) {
    let pointer = &check.pointer;
    card(canvas, rect, text, "POINTER");
    // The last three have no names in the protocol, and may come all the same.
    for (index, name) in (0..).zip(["L", "R", "M", "B", "F", "5", "6", "7"]) {
        let key = Rect::new(rect.right() - (8 - index) * 13 * text, rect.y + 3 * text, 11 * text, 10 * text);
        let on = pointer.buttons >> index & 1 == 1;
        canvas.fill(key, if on { LIT } else { WELL });
        canvas.text_centred(key.x + key.w / 2, key.y + text, text, if on { Yuv::BLACK } else { DIM }, name);
    }
    let well = Rect::new(rect.x + 4 * text, rect.y + 16 * text, rect.w - 8 * text, rect.h - 38 * text);
    canvas.fill(well, WELL);
    if well.w > 8 && well.h > 8 {
        let place = |(x, y): (i32, i32)| {
            let wrap = |at: i32, size: i32| (i64::from(at) + i64::from(size / 2)).rem_euclid(i64::from(size)) as i32;
            ((well.x + wrap(x, well.w)) as f32, (well.y + wrap(y, well.h)) as f32)
        };
        for (age, point) in pointer.trail.iter().take(pointer.length).enumerate() {
            let (x, y) = place(*point);
            let fade = 1.0 - age as f32 / pointer.trail.len() as f32;
            canvas.spark(x, y, (2.0 + 3.0 * fade) * text as f32, GLOW.times(fade));
        }
    }
    let line = |n: i32| Rect::new(rect.x + 4 * text, rect.bottom() - n * 10 * text, rect.w - 8 * text, 8 * text);
    let (dx, dy) = pointer.moved;
    let moved = Label::new(format_args!("MOVE {dx} {dy}  WHEEL {} {}", pointer.wheel.0, pointer.wheel.1));
    words(canvas, line(2), text, INK, moved.as_str());
    if let Some((x, y)) = pointer.to {
        let to = Label::new(format_args!("AT {x} {y} OF 65535"));
        words(canvas, line(1), text, WARM, to.as_str());
    }
}

fn keys_card(canvas: &mut Canvas<'_>, rect: Rect, text: i32, check: &PadCheck) {
    card(canvas, rect, text, "KEYS HELD");
    let (mut x, mut y) = (rect.x + 4 * text, rect.y + 18 * text);
    for usage in &check.held {
        let label = match keys::name(*usage) {
            Some(name) => Label::new(format_args!("{name}")),
            None => Label::new(format_args!("{usage:#04X}")),
        };
        let wide = (label.as_str().chars().count() as i32 * 8 + 8) * text;
        if x + wide > rect.right() - 4 * text {
            (x, y) = (rect.x + 4 * text, y + 16 * text);
        }
        if y + 12 * text > rect.bottom() {
            break;
        }
        canvas.fill(Rect::new(x & !1, y & !1, wide & !1, 12 * text), LIT);
        canvas.text(x + 4 * text, y + 2 * text, text, Yuv::BLACK, label.as_str());
        x += wide + 4 * text;
    }
}

fn log_card(canvas: &mut Canvas<'_>, rect: Rect, text: i32, check: &PadCheck) {
    let title = Label::new(format_args!("LOG  {} EVENTS", check.events));
    card(canvas, rect, text, title.as_str());
    for (index, line) in (0..).zip(check.log.iter().flatten()) {
        let y = rect.y + (17 + 10 * index) * text;
        if y + 10 * text > rect.bottom() {
            break;
        }
        let color = if index == 0 { INK } else { DIM };
        words(canvas, Rect::new(rect.x + 4 * text, y, rect.w - 8 * text, 8 * text), text, color, line.as_str());
    }
}

/// Touches, where they are in the picture.
fn fingers(canvas: &mut Canvas<'_>, text: i32, check: &PadCheck) {
    for finger in check.fingers.iter().flatten() {
        let x = f32::from(finger.x) / 65_535.0 * canvas.width as f32;
        let y = f32::from(finger.y) / 65_535.0 * canvas.height as f32;
        let radius = (9.0 + 12.0 * f32::from(finger.pressure) / 65_535.0) * text as f32;
        let pen = Pen::new(Neon::hex(0xFF_50_C0), text as f32);
        canvas.ring(x, y, radius, &pen);
        canvas.spark(x, y, radius, pen.light.times(0.5));
        let label = Label::new(format_args!("{}", finger.id));
        canvas.text_centred(x as i32, y as i32 - 4 * text, text, INK, label.as_str());
    }
}

/// The absolute pointer, where it is in the picture.
fn crosshair(canvas: &mut Canvas<'_>, text: i32, check: &PadCheck) {
    let Some((x, y)) = check.pointer.to else { return };
    let x = f32::from(x) / 65_535.0 * canvas.width as f32;
    let y = f32::from(y) / 65_535.0 * canvas.height as f32;
    let pen = Pen::new(Neon::hex(0xFF_B4_30), text as f32);
    let long = 12.0 * text as f32;
    canvas.line((x - long, y), (x + long, y), &pen);
    canvas.line((x, y - long), (x, y + long), &pen);
}

#[cfg(test)]
mod tests {
    use super::super::BUTTONS;
    use super::*;

    #[test]
    fn every_button_has_one_bit_and_a_name() {
        let all = BUTTONS.iter().fold(Buttons::empty(), |all, (button, _)| {
            assert!(!all.intersects(*button));
            all | *button
        });
        assert_eq!(all, Buttons::all());
    }
}
