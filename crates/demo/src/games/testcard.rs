//! A moving test picture with known colours, and a flash and a beep at the same moment.
//!
//! Everything which a test may look for is a public constant. The flash is keyed to the time of
//! [`Game::step`], the beep to the samples of [`Game::sound`]; both start at zero.

use entente_model::input::{Feedback, PlayerInput};

use super::{Canvas, Game, STRIP_HEIGHT};
use crate::draw::{Label, Neon, Pen, Rect, Share, Yuv};
use crate::sound::RATE;

/// Time from one flash and beep to the next in microseconds; the first is at time zero.
pub const PERIOD_MICROS: u64 = 1_000_000;
/// Length of a flash and of a beep in microseconds.
pub const PULSE_MICROS: u64 = 100_000;
/// Where the flash is: luma 235 while it is on, [`FLASH_OFF`] otherwise.
pub const FLASH: Share = Share { x: 800, y: 720, w: 160, h: 230 };
/// Colour of the flash box between flashes.
pub const FLASH_OFF: Yuv = Yuv::hex(0x10_10_10);
/// Frequency of the beep in hertz; a beep is exactly 100 periods, so it starts and ends at zero.
pub const BEEP_HERTZ: u32 = 1_000;
/// Peak of the beep in steps of 16 bits (-6 dB).
pub const BEEP_PEAK: i16 = 16_384;
/// Where the colour bars are: eight, equally wide, in the order of [`BARS`].
pub const BARS_AT: Share = Share { x: 40, y: 110, w: 920, h: 240 };
/// Colours of the bars, RGB 191 (75 %) in BT.709 limited range (SMPTE RP 219-1, the 75 % bars).
pub const BARS: [Yuv; 8] = [
    Yuv::hex(0xBF_BF_BF),
    Yuv::hex(0xBF_BF_00),
    Yuv::hex(0x00_BF_BF),
    Yuv::hex(0x00_BF_00),
    Yuv::hex(0xBF_00_BF),
    Yuv::hex(0xBF_00_00),
    Yuv::hex(0x00_00_BF),
    Yuv::hex(0x00_00_00),
];
/// Where the grey steps are: eleven, equally wide, from black to white.
pub const GREYS_AT: Share = Share { x: 40, y: 360, w: 920, h: 70 };

/// Where the ramp scrolls.
const RAMP_AT: Share = Share { x: 40, y: 450, w: 920, h: 110 };
/// Where the line sweeps.
const SWEEP_AT: Share = Share { x: 40, y: 580, w: 736, h: 120 };
/// Where the words are.
const WORDS_AT: Share = Share { x: 40, y: 720, w: 736, h: 230 };

/// Luma of one of the eleven grey steps.
#[must_use]
pub const fn grey(step: u8) -> Yuv {
    let level = (step as u32 * 255 / 10) & 0xff;
    Yuv::hex(level << 16 | level << 8 | level)
}

/// One of `of` equal parts of a rectangle, edges on even pixels.
#[must_use]
pub const fn part(rect: Rect, index: i32, of: i32) -> Rect {
    let left = (rect.w * index / of) & !1;
    let right = (rect.w * (index + 1) / of) & !1;
    Rect::new(rect.x + left, rect.y, right - left, rect.h)
}

/// The test card.
#[derive(Default)]
pub struct TestCard {
    micros: u64,
    frames: u64,
    samples: u64,
}

impl TestCard {
    /// At time zero.
    #[must_use]
    pub const fn new() -> Self {
        Self { micros: 0, frames: 0, samples: 0 }
    }

    /// Scrolling luma ramp between two sliding colours.
    fn ramp(&self, canvas: &mut Canvas<'_>, rect: Rect) {
        // A period of luma crosses the picture in two seconds.
        let width = rect.w.max(1);
        let shift = (self.micros % 2_000_000) as i64 * i64::from(width) / 2_000_000;
        let columns = (width / 2).max(1);
        for column in 0..columns {
            let at = (i64::from(column * 2) + shift) % i64::from(width);
            let up = (at * 512 / i64::from(width)) as u32;
            let level = if up < 256 { up } else { 511 - up };
            let color = Yuv::hex(0x08_10_30).mix(Yuv::hex(0xF0_F8_FF), level);
            let hue = Yuv::hex(0xFF_30_90).mix(Yuv::hex(0x10_C0_FF), (column * 256 / columns) as u32);
            let color = Yuv { y: color.y, u: hue.u, v: hue.v };
            canvas.fill(Rect::new(rect.x + column * 2, rect.y, 2, rect.h), color);
        }
    }

    /// Fine lines, and a line of light that sweeps over them.
    fn sweep(&self, canvas: &mut Canvas<'_>, rect: Rect, unit: f32) {
        canvas.fill(rect, Yuv::BLACK);
        for (index, pitch) in [1, 2, 3, 4].into_iter().enumerate() {
            let block = part(rect, index as i32, 4).inset(4);
            for x in (0..block.w).step_by(pitch as usize * 2) {
                canvas.fill(Rect::new(block.x + x, block.y, pitch.min(block.w - x), block.h / 2), Yuv::hex(0x70_70_70));
            }
            for y in (block.h / 2..block.h).step_by(pitch as usize * 2) {
                canvas.fill(Rect::new(block.x, block.y + y, block.w, pitch.min(block.h - y)), Yuv::hex(0x70_70_70));
            }
        }
        let share = (self.micros % PERIOD_MICROS) as f32 / PERIOD_MICROS as f32;
        let x = rect.x as f32 + share * rect.w as f32;
        let pen = Pen::new(Neon::hex(0x20_FF_90), unit);
        canvas.line((x, rect.y as f32), (x, rect.bottom() as f32), &pen);
    }

    fn words(&self, canvas: &mut Canvas<'_>, rect: Rect, text: i32) {
        let (ink, dim) = (Yuv::hex(0xF0_F4_FF), Yuv::hex(0x80_8C_B0));
        let frame = Label::new(format_args!("FRAME {:07}", self.frames));
        canvas.text(rect.x, rect.y, 3 * text, ink, frame.as_str());
        let (seconds, millis) = (self.micros / 1_000_000, self.micros / 1_000 % 1_000);
        let time =
            Label::new(format_args!("{:02}:{:02}:{:02}.{millis:03}", seconds / 3_600, seconds / 60 % 60, seconds % 60));
        canvas.text(rect.x, rect.y + 28 * text, 2 * text, ink, time.as_str());
        let size = Label::new(format_args!("{}X{} YUV420P BT.709 LIMITED", canvas.width, canvas.height));
        canvas.text(rect.x, rect.y + 48 * text, text, dim, size.as_str());
        canvas.text(rect.x, rect.y + 60 * text, text, dim, "FLASH AND 1 KHZ BEEP: ONCE A SECOND, 100 MS");
    }
}

impl Game for TestCard {
    fn name(&self) -> &'static str {
        "Test Card"
    }

    fn input(&mut self, _what: &PlayerInput) {}

    fn step(&mut self, micros: u64) {
        self.micros = self.micros.saturating_add(micros);
        self.frames += 1;
    }

    fn draw(&mut self, canvas: &mut Canvas<'_>) {
        let (width, height) = (canvas.width, canvas.height);
        let text = (height as i32 / 360).max(1);
        let unit = height as f32 / 360.0;
        canvas.gradient_down(canvas.bounds(), Yuv::hex(0x0A_0C_18), Yuv::hex(0x1A_1C_34));
        let edge = Yuv::hex(0x50_58_80);
        let below = STRIP_HEIGHT as i32;
        canvas.frame(Rect::new(0, below, width as i32, height as i32 - below), 2, edge);
        let bars = BARS_AT.of(width, height);
        for (index, color) in (0..).zip(BARS) {
            canvas.fill(part(bars, index, BARS.len() as i32), color);
        }
        let greys = GREYS_AT.of(width, height);
        for step in 0..11 {
            canvas.fill(part(greys, i32::from(step), 11), grey(step));
        }
        self.ramp(canvas, RAMP_AT.of(width, height));
        self.sweep(canvas, SWEEP_AT.of(width, height), unit);
        self.words(canvas, WORDS_AT.of(width, height), text);
        let flash = FLASH.of(width, height);
        canvas.frame(flash.inset(-2 * text), 2 * text, edge);
        let on = self.micros % PERIOD_MICROS < PULSE_MICROS;
        canvas.fill(flash, if on { Yuv::WHITE } else { FLASH_OFF });
        let label = SWEEP_AT.of(width, height);
        let count = Label::new(format_args!("{:02}", self.micros / PERIOD_MICROS % 60));
        canvas.text_centred(flash.x + flash.w / 2, label.y, 4 * text, Yuv::hex(0xF0_F4_FF), count.as_str());
        canvas.text_centred(flash.x + flash.w / 2, label.y + 34 * text, text, Yuv::hex(0x80_8C_B0), "SECOND");
    }

    fn sound(&mut self, out: &mut [i16]) {
        let (frames, rest) = out.as_chunks_mut::<2>();
        rest.fill(0);
        let period = u64::from(RATE) * PERIOD_MICROS / 1_000_000;
        let pulse = u64::from(RATE) * PULSE_MICROS / 1_000_000;
        for frame in frames {
            let at = self.samples % period;
            let value = if at < pulse {
                let phase = (at * u64::from(BEEP_HERTZ) % u64::from(RATE)) as f64 / f64::from(RATE);
                (f64::from(BEEP_PEAK) * (phase * std::f64::consts::TAU).sin()).round() as i16
            } else {
                0
            };
            *frame = [value; 2];
            self.samples += 1;
        }
    }

    fn feedback(&mut self) -> Option<Feedback> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::tests::Planes;

    fn mean(planes: &Planes, rect: Rect) -> (f64, f64, f64) {
        let inner = rect.inset(4);
        let mut sum = (0.0, 0.0, 0.0);
        for y in inner.y..inner.bottom() {
            for x in inner.x..inner.right() {
                let (a, b, c) = planes.at(x as usize, y as usize);
                sum = (sum.0 + f64::from(a), sum.1 + f64::from(b), sum.2 + f64::from(c));
            }
        }
        let count = f64::from(inner.w * inner.h);
        (sum.0 / count, sum.1 / count, sum.2 / count)
    }

    #[test]
    fn the_bars_have_their_published_values() {
        let published = [
            (180, 128, 128),
            (168, 44, 136),
            (145, 147, 44),
            (133, 63, 52),
            (63, 193, 204),
            (51, 109, 212),
            (28, 212, 120),
            (16, 128, 128),
        ];
        for (bar, (y, u, v)) in BARS.into_iter().zip(published) {
            assert!(bar.y.abs_diff(y) <= 1 && bar.u.abs_diff(u) <= 1 && bar.v.abs_diff(v) <= 1, "{bar:?} {y} {u} {v}");
        }
    }

    #[test]
    fn the_picture_shows_the_bars_and_greys_exactly() {
        for (width, height) in [(640, 360), (1280, 720), (1366, 768), (1920, 1080)] {
            let mut planes = Planes::new(width, height, 10);
            let mut card = TestCard::new();
            card.step(333_333);
            card.draw(&mut planes.canvas());
            for (index, bar) in BARS.into_iter().enumerate() {
                let rect = part(BARS_AT.of(width, height), index as i32, 8);
                let want = (f64::from(bar.y), f64::from(bar.u), f64::from(bar.v));
                assert_eq!(mean(&planes, rect), want, "{width}x{height} bar {index}");
            }
            for step in 0..11 {
                let rect = part(GREYS_AT.of(width, height), i32::from(step), 11);
                assert_eq!(mean(&planes, rect), (f64::from(grey(step).y), 128.0, 128.0), "grey {step}");
            }
        }
    }

    #[test]
    fn flash_and_beep_start_and_end_together() {
        let mut card = TestCard::new();
        let mut planes = Planes::new(640, 360, 0);
        let mut samples = Vec::new();
        // Frames of 5 ms, so that every edge falls on a frame.
        for frame in 0..500_u64 {
            card.draw(&mut planes.canvas());
            let on = mean(&planes, FLASH.of(640, 360)).0 > 200.0;
            let mut sound = [0_i16; 480];
            card.sound(&mut sound);
            let loud = sound.iter().any(|x| x.unsigned_abs() > 1_000);
            assert_eq!(on, loud, "frame {frame}");
            assert_eq!(on, frame * 5_000 % PERIOD_MICROS < PULSE_MICROS);
            samples.extend(sound.iter().step_by(2).copied());
            card.step(5_000);
        }
        let beep = &samples[48_000..52_800];
        let rises = beep.windows(2).filter(|w| w[0] <= 0 && w[1] > 0).count();
        assert_eq!(rises, 100, "1 kHz for 100 ms");
        assert_eq!(beep.iter().max(), Some(&BEEP_PEAK));
        assert!(samples[52_800..96_000].iter().all(|&x| x == 0), "quiet between beeps");
        let jump = samples.windows(2).map(|w| w[1].abs_diff(w[0])).max().unwrap_or_default();
        assert!(jump < 2_200, "no click: {jump}");
    }

    #[test]
    fn odd_chunks_of_sound_change_nothing() {
        let (mut a, mut b) = (TestCard::new(), TestCard::new());
        let mut whole = vec![0; 96_000];
        a.sound(&mut whole);
        let mut parts = vec![0; 96_000];
        parts.chunks_mut(882).for_each(|part| b.sound(part));
        assert!(whole == parts);
    }

    #[test]
    fn the_picture_moves_on_every_frame() {
        let mut card = TestCard::new();
        let mut planes = Planes::new(640, 360, 0);
        let mut last = 0;
        for _ in 0..10 {
            card.step(16_667);
            card.draw(&mut planes.canvas());
            assert_ne!(planes.hash(), last);
            last = planes.hash();
        }
    }
}
