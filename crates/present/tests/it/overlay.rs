//! What the overlay covers, and what it must not.

use entente_model::picture::{Color, Picture, PixelLayout};
use entente_present::overlay::{OverlayMode, OverlayModel};
use entente_present::raster::Panel;
use entente_present::software::SoftwareCanvas;
use entente_present::{Look, Rect, ScaleMode, placement};
use proptest::prelude::*;

use crate::pattern::{flat, offscreen, picture};

fn figures(mode: OverlayMode) -> OverlayModel {
    OverlayModel {
        mode,
        lines: (0..9).map(|line| format!("line {line}: 1280x720 59.9 fps  12.{line} ms")).collect(),
        ..OverlayModel::default()
    }
}

fn drawn(picture: Option<&Picture>, size: (u32, u32), overlay: &OverlayModel, text_scale: f32) -> Vec<u32> {
    let mut pixels = vec![0x5A12_3456; size.0 as usize * size.1 as usize];
    let look = Look { overlay, scale: ScaleMode::Fit, text_scale };
    SoftwareCanvas::new().draw(&mut pixels, size, true, picture, &look).unwrap();
    pixels
}

/// Rows and columns in which two windows differ: first and last of each.
fn difference(a: &[u32], b: &[u32], width: u32) -> Option<(u32, u32, u32, u32)> {
    let differs = a.iter().zip(b).enumerate().filter(|(_, (a, b))| *a & 0xFF_FFFF != *b & 0xFF_FFFF);
    differs.fold(None, |bounds, (index, _)| {
        let (x, y) = (index as u32 % width, index as u32 / width);
        let (left, top, right, bottom) = bounds.unwrap_or((x, y, x, y));
        Some((left.min(x), top.min(y), right.max(x), bottom.max(y)))
    })
}

fn bright(pixels: &[u32]) -> usize {
    pixels.iter().filter(|pixel| *pixel & 0xFF > 200 && *pixel >> 8 & 0xFF > 200).count()
}

#[test]
fn figures_are_drawn_below_the_strip() {
    for (size, shape, first) in
        [((640, 360), (640, 360), 32), ((1280, 720), (640, 360), 64), ((640, 480), (640, 360), 92)]
    {
        let picture = flat(PixelLayout::I420, shape, [80, 128, 128]);
        let plain = drawn(Some(&picture), size, &figures(OverlayMode::Off), 1.0);
        // One line, then all lines; whoever makes the lines makes more for the last mode.
        let (mut text_before, mut area_before) = (0, 0);
        for mode in [OverlayMode::Line, OverlayMode::Compact, OverlayMode::Full] {
            let with = drawn(Some(&picture), size, &figures(mode), 1.0);
            let (left, top, right, bottom) = difference(&plain, &with, size.0).expect("an overlay");
            assert!(top >= first, "{mode:?} covers row {top} of {first} which belong to the strip");
            assert!(right < size.0 && bottom < size.1);
            let (text, area) = (bright(&with), (right - left) * (bottom - top));
            assert!(area >= area_before, "{mode:?} at {size:?} covers {area} pixels, {area_before} in the mode before");
            assert!(text >= text_before && text > 200, "{mode:?} at {size:?}: {text} bright pixels");
            if mode == OverlayMode::Compact {
                assert!(text > 5 * text_before, "nine lines: {text} bright pixels, one: {text_before}");
            }
            (text_before, area_before) = (text, area);
        }
    }
}

#[test]
fn the_strip_is_read_back_under_a_full_overlay() {
    let code: u64 = 0xA123_4567_89AB_CDE5;
    let bit = |cell: u32| code >> (63 - cell) & 1 == 1;
    let cells = |component: usize, x: u32, y: u32| match component {
        0 if x < 512 && y < 16 && bit(x / 8) => 235,
        0 if x < 512 && (16..32).contains(&y) && !bit(x / 8) => 235,
        0 => 16,
        _ => 128,
    };
    let picture = picture(PixelLayout::I420, (640, 360), Color::default(), 0, cells);
    let overlay = OverlayModel {
        stage: Some("connection lost".into()),
        notice: Some("a notice".into()),
        help: Some("keys\n".repeat(40)),
        ..figures(OverlayMode::Full)
    };
    for factor in [1, 2] {
        let width = 640 * factor;
        let pixels = drawn(Some(&picture), (width, 360 * factor), &overlay, 1.0);
        for row in 0..2 {
            for cell in 0..64 {
                let at = (row * 16 + 8) * factor * width + (cell * 8 + 4) * factor;
                let lit = pixels[at as usize] & 0xFF > 126;
                assert_eq!(lit, bit(cell) == (row == 0), "row {row} cell {cell} at scale {factor}");
            }
        }
    }
}

#[test]
fn stage_notice_and_help_are_shown() {
    let size = (640, 360);
    let nothing = OverlayModel::default();
    let stage = OverlayModel { stage: Some("finding a path to the host".into()), ..nothing.clone() };
    let empty = drawn(None, size, &nothing, 1.0);
    assert!(empty.iter().all(|pixel| *pixel == 0));
    let waiting = drawn(None, size, &stage, 1.0);
    let (left, top, right, bottom) = difference(&empty, &waiting, size.0).expect("the stage");
    assert!(
        left.abs_diff(640 - right) <= 4 && top.abs_diff(360 - bottom) <= 10,
        "centred: {left} {top} {right} {bottom}"
    );

    let picture = flat(PixelLayout::I420, size, [80, 128, 128]);
    let plain = drawn(Some(&picture), size, &nothing, 1.0);
    let lost = drawn(Some(&picture), size, &stage, 1.0);
    let (left, top, right, bottom) = difference(&plain, &lost, size.0).expect("the banner");
    assert_eq!((left, right), (0, 639), "a banner across the picture");
    assert!(top > 100 && bottom < 260);

    let notice = OverlayModel { notice: Some("press Ctrl+Alt+Z to release the pointer".into()), ..nothing.clone() };
    let (.., bottom) = difference(&plain, &drawn(Some(&picture), size, &notice, 1.0), 640).expect("the notice");
    assert!(bottom > 300);
    let help = OverlayModel { help: Some("F1 help\nF3 figures\nF11 full screen".into()), ..nothing };
    let (_, top, ..) = difference(&plain, &drawn(Some(&picture), size, &help, 1.0), 640).expect("the help");
    assert!(top >= 32);
}

#[test]
fn an_unchanged_overlay_is_stable_and_a_changed_one_is_not() {
    let size = (640, 360);
    let picture = flat(PixelLayout::I420, size, [80, 128, 128]);
    let mut canvas = SoftwareCanvas::new();
    let mut pixels = vec![0; 640 * 360];
    let mut overlay = figures(OverlayMode::Full);
    let mut draw = |overlay: &OverlayModel| {
        let look = Look { overlay, scale: ScaleMode::Fit, text_scale: 1.0 };
        canvas.draw(&mut pixels, size, false, Some(&picture), &look).unwrap();
        pixels.clone()
    };
    let first = draw(&overlay);
    assert_eq!(first, draw(&overlay), "blended twice");
    overlay.lines[0] = "line 0: 4321".into();
    // The same canvas has to take over new glyphs of its atlas, too.
    overlay.lines[1] = "ÄÖÜ ß µ ± ≤ ← ok".into();
    let changed = draw(&overlay);
    assert_ne!(first, changed);
    assert_eq!(changed, drawn(Some(&picture), size, &overlay, 1.0), "a fresh canvas draws the same");
}

#[test]
fn a_panel_over_the_bars_is_not_blended_twice() {
    // Bars left and right, the panel lies on the left one.
    let size = (800, 300);
    let picture = flat(PixelLayout::I420, (100, 100), [80, 128, 128]);
    let overlay = figures(OverlayMode::Line);
    let look = Look { overlay: &overlay, scale: ScaleMode::Fit, text_scale: 1.0 };
    let mut canvas = SoftwareCanvas::new();
    let mut pixels = vec![0; 800 * 300];
    let mut last = Vec::new();
    for round in 0..6 {
        canvas.draw(&mut pixels, size, round == 0, Some(&picture), &look).unwrap();
        assert!(round == 0 || last == pixels, "round {round} differs");
        last.clone_from(&pixels);
    }
}

#[test]
fn both_bodies_draw_the_same_overlay() {
    let Some(mut gpu) = offscreen(true) else { return };
    let size = (640, 360);
    let picture = flat(PixelLayout::I420, size, [80, 128, 128]);
    let overlay = OverlayModel {
        stage: Some("connection lost, trying again".into()),
        notice: Some("a notice".into()),
        ..figures(OverlayMode::Full)
    };
    let look = Look { overlay: &overlay, scale: ScaleMode::Fit, text_scale: 1.0 };
    let gpu = gpu.render(size, Some(&picture), &look).unwrap();
    let cpu = drawn(Some(&picture), size, &overlay, 1.0);
    let far = cpu.iter().zip(gpu.chunks_exact(4)).filter(|(cpu, gpu)| {
        let [_, r, g, b] = cpu.to_be_bytes();
        [r, g, b].iter().zip(*gpu).any(|(cpu, gpu)| cpu.abs_diff(*gpu) > 3)
    });
    let far = far.count();
    assert!(far < 20, "{far} pixels differ");
}

#[test]
fn panels_are_blended_by_the_rule_and_cut_at_the_edges() {
    // Half transparent red, opaque white, nothing.
    let panel = |x, y| Panel { at: Rect { x, y, width: 3, height: 1 }, pixels: vec![0x8080_0000, 0xFFFF_FFFF, 0] };
    let below = 0x0010_2030;
    let mut target = vec![below; 4 * 3];
    panel(1, 1).blend(&mut target, 4);
    let half = 0x0088_1018;
    assert_eq!(target, [vec![below; 5], vec![half, 0x00FF_FFFF, below], vec![below; 4]].concat());
    for (x, y) in [(-1, 0), (2, 2), (-3, 0), (4, 0), (0, -1), (0, 3), (i32::MIN, 0), (i32::MAX, i32::MAX)] {
        let mut target = vec![below; 4 * 3];
        panel(x, y).blend(&mut target, 4);
        let touched = target.iter().filter(|pixel| **pixel != below).count();
        let expected = match (x, y) {
            (-1, 0) => 1,
            (2, 2) => 2,
            _ => 0,
        };
        assert_eq!(touched, expected, "at {x},{y}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_on_any_window_is_drawn(
        lines in prop::collection::vec(".{0,60}", 0..8),
        text in prop::option::of("(?s).{0,200}"),
        window in (1u32..400, 1u32..300),
        scale in prop_oneof![Just(0.0f32), Just(f32::NAN), 0.5f32..3.0],
    ) {
        let overlay = OverlayModel {
            mode: OverlayMode::Full,
            lines,
            notice: text.clone(),
            stage: text.clone(),
            help: text,
        };
        let picture = flat(PixelLayout::I420, (64, 36), [80, 128, 128]);
        let place = placement(window, (64, 36), ScaleMode::Fit);
        prop_assert!(!place.is_empty());
        let pixels = drawn(Some(&picture), window, &overlay, scale);
        prop_assert!(pixels.iter().all(|pixel| *pixel != 0x5A12_3456));
    }
}
