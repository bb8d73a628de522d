//! Writes one picture of a demo game as PNG, to look at it.
//!
//! `shot GAME FILE [SECONDS [WIDTHxHEIGHT]]`: plays with scripted inputs for that long. A minus
//! before the game's name leaves the inputs out.

use std::error::Error;
use std::fs::File;
use std::io::BufWriter;

use entente_demo::games::{Canvas, Game, catalogue, open};
use entente_model::input::{Buttons, Contact, Motion, PadState, PlayerInput, TouchPhase};

/// Frames per second.
const RATE: u64 = 60;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut arguments = arguments.iter().map(String::as_str);
    let (Some(name), Some(file)) = (arguments.next(), arguments.next()) else {
        return Err(format!("usage: shot GAME FILE [SECONDS [WIDTHxHEIGHT]], games: {:?}", catalogue()).into());
    };
    let seconds: f64 = arguments.next().unwrap_or("12").parse()?;
    let (width, height) = arguments.next().unwrap_or("1280x720").split_once('x').ok_or("a size is WIDTHxHEIGHT")?;
    let (width, height): (usize, usize) = (width.parse()?, height.parse()?);
    let quiet = name.starts_with('-');
    let mut game = open(name.trim_start_matches('-'), 7).ok_or("no such game")?;
    let chroma = width.div_ceil(2) * height.div_ceil(2);
    let (mut y, mut u, mut v) = (vec![0; width * height], vec![0; chroma], vec![0; chroma]);
    let mut spent = Vec::new();
    let frames = ((seconds * RATE as f64) as u64).max(1);
    for frame in 0..frames {
        if !quiet {
            play(game.as_mut(), frame);
        }
        game.step((frame + 1) * 1_000_000 / RATE - frame * 1_000_000 / RATE);
        let mut canvas =
            Canvas { width, height, y: &mut y, u: &mut u, v: &mut v, y_stride: width, uv_stride: width.div_ceil(2) };
        let before = now();
        game.draw(&mut canvas);
        spent.push(before.elapsed().as_secs_f64() * 1_000.0);
        while game.feedback().is_some() {}
    }
    spent.sort_by(f64::total_cmp);
    let median = spent.get(spent.len() / 2).copied().unwrap_or_default();
    println!("{frames} frames, {median:.3} ms (median) to draw one");
    write(file, width, height, [&y, &u, &v])
}

#[allow(clippy::disallowed_methods, reason = "a program of its own that measures how long drawing takes")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}

/// Two players who fly in circles and fire, and a little of everything else.
fn play(game: &mut dyn Game, frame: u64) {
    let time = frame as f32 / RATE as f32;
    if frame == 0 {
        for (pad, name) in [(0, "Wireless Controller"), (1, "Gamepad F310")] {
            game.input(&PlayerInput::PadConnected { pad, name: name.to_owned() });
        }
    }
    if frame.is_multiple_of(240) {
        for pad in [0, 1] {
            game.input(&PlayerInput::Pad { pad, state: PadState::default() });
        }
        game.input(&PlayerInput::Key { usage: 0x16, down: true });
        game.input(&PlayerInput::Key { usage: 0xE1, down: true });
        game.input(&PlayerInput::Key { usage: 0xE1, down: false });
        game.input(&PlayerInput::Key { usage: 0x16, down: false });
    }
    for pad in [0, 1] {
        let turn = time * (1.3 + 0.4 * f32::from(pad)) + f32::from(pad) * 2.0;
        let stick = |x: f32| (x * 32_000.0) as i16;
        let start = Buttons::START & if frame < 3 { Buttons::all() } else { Buttons::empty() };
        let state = PadState {
            buttons: start | Buttons::RIGHT_SHOULDER | Buttons::PADDLE2,
            left_x: stick(turn.cos() * 0.8),
            left_y: stick(turn.sin() * 0.6),
            right_x: stick((turn * 0.37).sin() * 0.9),
            right_y: stick((turn * 0.37).cos() * 0.9),
            left_trigger: (time.sin().abs() * 65_535.0) as u16,
            right_trigger: 20_000,
        };
        game.input(&PlayerInput::Pad { pad, state });
    }
    if game.name() == "Pad Check" {
        let (x, y) = ((time * 5.0).cos(), (time * 7.0).sin());
        game.input(&PlayerInput::PointerMove { dx: (x * 9.0) as i32, dy: (y * 7.0) as i32 });
        game.input(&PlayerInput::PointerTo { x: (30_000.0 + x * 8_000.0) as u16, y: (40_000.0 + y * 9_000.0) as u16 });
        game.input(&PlayerInput::Wheel { x: 0, y: 120 });
        game.input(&PlayerInput::Motion { pad: 0, motion: Motion { gyro: [160, -320, 48], accel: [0, 4096, 410] } });
        let contact = Contact { id: 1, x: 48_000, y: 60_000, pressure: 30_000 };
        game.input(&PlayerInput::Touch { contact, phase: TouchPhase::Move });
        for usage in [0x04, 0x07, 0x2C, 0xE1, 0x52] {
            game.input(&PlayerInput::Key { usage, down: frame % 50 > 5 });
        }
    }
}

/// Converts to RGB (BT.709, limited range) and writes a PNG.
fn write(file: &str, width: usize, height: usize, planes: [&[u8]; 3]) -> Result<(), Box<dyn Error>> {
    let [luma, blue, red] = planes;
    let mut rgb = Vec::with_capacity(width * height * 3);
    for (index, &y) in luma.iter().enumerate() {
        let at = index / width / 2 * width.div_ceil(2) + index % width / 2;
        let sample = |plane: &[u8]| f32::from(plane.get(at).copied().unwrap_or(128)) - 128.0;
        let (y, u, v) =
            ((f32::from(y) - 16.0) * 255.0 / 219.0, sample(blue) * 255.0 / 224.0, sample(red) * 255.0 / 224.0);
        let (r, b) = (y + 1.5748 * v, y + 1.8556 * u);
        let g = (y - 0.2126 * r - 0.0722 * b) / 0.7152;
        rgb.extend([r, g, b].map(|value| value.round().clamp(0.0, 255.0) as u8));
    }
    let mut encoder = png::Encoder::new(BufWriter::new(File::create(file)?), width as u32, height as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header()?.write_image_data(&rgb)?;
    Ok(())
}
