//! The CPU canvas at sizes that break SIMD code, against direct computation and against the GPU.

use entente_model::picture::{Color, Picture, PixelLayout};
use entente_present::software::SoftwareCanvas;
use entente_present::{Look, OverlayModel, ScaleMode, placement, to_rgba};
use proptest::prelude::*;

use crate::pattern::{LAYOUTS, flat, noise, offscreen, picture};

/// What memory holds before: no drawing produces it.
const STALE: u32 = 0x5A12_3456;

fn look(overlay: &OverlayModel, scale: ScaleMode) -> Look<'_> {
    Look { overlay, scale, text_scale: 1.0 }
}

/// Draws into stale memory that goes on behind the window; returns the window.
fn drawn(picture: &Picture, size: (u32, u32), scale: ScaleMode) -> Vec<u32> {
    let area = size.0 as usize * size.1 as usize;
    let mut pixels = vec![STALE; area + 512];
    let overlay = OverlayModel::default();
    SoftwareCanvas::new().draw(&mut pixels, size, true, Some(picture), &look(&overlay, scale)).unwrap();
    assert!(pixels[area..].iter().all(|pixel| *pixel == STALE), "written behind the window");
    pixels.truncate(area);
    pixels
}

fn rgb(pixel: u32) -> [u8; 3] {
    let [_, r, g, b] = pixel.to_be_bytes();
    [r, g, b]
}

#[test]
fn same_size_at_odd_widths() {
    for (width, height) in [(1366, 3), (854, 5), (852, 2), (642, 7), (1, 1), (1, 9), (3, 3), (17, 1)] {
        for layout in LAYOUTS {
            for pad in [0, 1, 10] {
                let picture = picture(layout, (width, height), Color::default(), pad, noise(layout, Color::default()));
                let wanted = to_rgba(&picture).unwrap();
                let got = drawn(&picture, (width, height), ScaleMode::Fit);
                for (index, (got, wanted)) in got.iter().zip(wanted.chunks_exact(4)).enumerate() {
                    assert_eq!(rgb(*got), wanted[..3], "{layout:?} {width}x{height} pad {pad} pixel {index}");
                }
            }
        }
    }
}

#[test]
fn a_picture_in_a_larger_window_leaves_black_bars() {
    let picture =
        picture(PixelLayout::I420, (30, 10), Color::default(), 2, |component, _, _| [200, 90, 180][component]);
    let inside = to_rgba(&picture).unwrap();
    let pixels = drawn(&picture, (37, 15), ScaleMode::Integer);
    let place = placement((37, 15), (30, 10), ScaleMode::Integer);
    for y in 0..15u32 {
        for x in 0..37u32 {
            let pixel = pixels[(y * 37 + x) as usize];
            if place.contains(f64::from(x), f64::from(y)) {
                assert_eq!(rgb(pixel), inside[..3]);
            } else {
                assert_eq!(pixel, 0, "bar at {x},{y}");
            }
        }
    }
}

#[test]
fn whole_factors_repeat_pixels() {
    for factor in [2, 3, 5] {
        let (width, height) = (21, 9);
        let picture = picture(
            PixelLayout::I420,
            (width, height),
            Color::default(),
            7,
            noise(PixelLayout::I420, Color::default()),
        );
        let source = to_rgba(&picture).unwrap();
        let size = (width * factor + 1, height * factor + 3);
        let pixels = drawn(&picture, size, ScaleMode::Integer);
        let place = placement(size, (width, height), ScaleMode::Integer);
        assert_eq!((place.width, place.height), (width * factor, height * factor));
        for y in 0..place.height {
            for x in 0..place.width {
                let at = (y + place.y as u32) * size.0 + x + place.x as u32;
                let from = (y / factor * width + x / factor) as usize * 4;
                assert_eq!(rgb(pixels[at as usize]), source[from..from + 3], "{x},{y} times {factor}");
            }
        }
    }
}

#[test]
fn scaled_flat_colours_stay_what_they_are() {
    for layout in LAYOUTS {
        let picture = flat(layout, (33, 21), [120, 90, 180]);
        let wanted: [u8; 3] = to_rgba(&picture).unwrap()[..3].try_into().unwrap();
        for size in [(64, 48), (50, 21), (20, 13), (5, 5), (1, 1), (97, 3)] {
            for scale in [ScaleMode::Fit, ScaleMode::Integer, ScaleMode::Fill] {
                let place = placement(size, (33, 21), scale).clipped(size);
                let pixels = drawn(&picture, size, scale);
                for (index, pixel) in pixels.iter().enumerate() {
                    let (x, y) = (index as u32 % size.0, index as u32 / size.0);
                    let got = rgb(*pixel);
                    let wanted = if place.contains(f64::from(x), f64::from(y)) { wanted } else { [0; 3] };
                    let near = got.iter().zip(wanted).all(|(got, wanted)| got.abs_diff(wanted) <= 1);
                    assert!(near, "{layout:?} {size:?} {scale:?} at {x},{y}: {got:?}, not {wanted:?}");
                }
            }
        }
    }
}

/// A smooth picture, so that filters may differ in detail but not in place.
fn smooth(layout: PixelLayout, size: (u32, u32)) -> Picture {
    let step = if layout.bits() == 10 { 4.0 } else { 1.0 };
    picture(layout, size, Color::default(), 4, move |component, x, y| {
        let halved = component > 0 && !matches!(layout, PixelLayout::I444 | PixelLayout::I410);
        let halved_y = halved && !matches!(layout, PixelLayout::I422 | PixelLayout::I210);
        let x = f64::from(x) * if halved { 2.0 } else { 1.0 } / f64::from(size.0);
        let y = f64::from(y) * if halved_y { 2.0 } else { 1.0 } / f64::from(size.1);
        let value = match component {
            0 => 40.0 + 170.0 * x,
            1 => 90.0 + 70.0 * y,
            _ => 160.0 - 60.0 * x,
        };
        (value * step) as u16
    })
}

#[test]
fn both_bodies_scale_to_the_same_place() {
    let Some(mut gpu) = offscreen(true) else { return };
    let overlay = OverlayModel::default();
    for layout in [PixelLayout::I420, PixelLayout::Nv12, PixelLayout::I444, PixelLayout::P010] {
        let picture = smooth(layout, (160, 90));
        for (size, scale) in [
            ((160, 90), ScaleMode::Fit),
            ((320, 180), ScaleMode::Fit),
            ((250, 200), ScaleMode::Fit),
            ((200, 200), ScaleMode::Fill),
            ((333, 181), ScaleMode::Integer),
            ((101, 67), ScaleMode::Fit),
            ((90, 160), ScaleMode::Fill),
        ] {
            let cpu = drawn(&picture, size, scale);
            let gpu = gpu.render(size, Some(&picture), &look(&overlay, scale)).unwrap();
            for (index, (cpu, gpu)) in cpu.iter().zip(gpu.chunks_exact(4)).enumerate() {
                let (x, y) = (index as u32 % size.0, index as u32 / size.0);
                let near = rgb(*cpu).iter().zip(gpu).all(|(cpu, gpu)| cpu.abs_diff(*gpu) <= 6);
                assert!(near, "{layout:?} {size:?} {scale:?} at {x},{y}: cpu {:?}, gpu {gpu:?}", rgb(*cpu));
            }
        }
    }
}

#[test]
fn bars_are_cleaned_after_a_change() {
    let overlay = OverlayModel::default();
    let mut canvas = SoftwareCanvas::new();
    let wide = flat(PixelLayout::I420, (40, 10), [235, 128, 128]);
    let tall = flat(PixelLayout::I420, (10, 40), [235, 128, 128]);
    let mut pixels = vec![STALE; 40 * 40];
    canvas.draw(&mut pixels, (40, 40), true, Some(&wide), &look(&overlay, ScaleMode::Fit)).unwrap();
    canvas.draw(&mut pixels, (40, 40), false, Some(&tall), &look(&overlay, ScaleMode::Fit)).unwrap();
    assert_eq!(pixels, drawn(&tall, (40, 40), ScaleMode::Fit));
    canvas.draw(&mut pixels, (40, 40), false, None, &look(&overlay, ScaleMode::Fit)).unwrap();
    assert!(pixels.iter().all(|pixel| *pixel == 0));
}

#[test]
fn an_unusable_picture_is_black_and_an_error() {
    let mut broken = flat(PixelLayout::I420, (8, 8), [235, 128, 128]);
    broken.height = 900;
    let overlay = OverlayModel::default();
    let mut pixels = vec![STALE; 64];
    let mut canvas = SoftwareCanvas::new();
    let look = look(&overlay, ScaleMode::Fit);
    assert!(canvas.draw(&mut pixels, (8, 8), true, Some(&broken), &look).is_err());
    assert!(pixels.iter().all(|pixel| *pixel == 0));
}

#[test]
fn memory_smaller_than_the_window_is_left_alone() {
    let picture = flat(PixelLayout::I420, (8, 8), [235, 128, 128]);
    let overlay = OverlayModel::default();
    let mut pixels = vec![STALE; 63];
    let mut canvas = SoftwareCanvas::new();
    canvas.draw(&mut pixels, (8, 8), true, Some(&picture), &look(&overlay, ScaleMode::Fit)).unwrap();
    assert!(pixels.iter().all(|pixel| *pixel == STALE));
}

#[test]
fn an_edge_that_rounds_past_the_picture_is_drawn() {
    let picture = picture(PixelLayout::I420, (35, 41), Color::default(), 0, noise(PixelLayout::I420, Color::default()));
    let pixels = drawn(&picture, (68, 79), ScaleMode::Fill);
    assert!(pixels.iter().all(|pixel| *pixel != STALE));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_pixel_is_written(
        layout in prop::sample::select(LAYOUTS.to_vec()),
        scale in prop::sample::select(vec![ScaleMode::Fit, ScaleMode::Integer, ScaleMode::Fill]),
        window in (1u32..90, 1u32..90),
        size in (1u32..90, 1u32..90),
        pad in 0usize..20,
    ) {
        let picture = picture(layout, size, Color::default(), pad, noise(layout, Color::default()));
        let pixels = drawn(&picture, window, scale);
        prop_assert!(pixels.iter().all(|pixel| *pixel != STALE));
    }
}
