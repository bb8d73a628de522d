//! Both bodies against the float reference.

use entente_model::picture::{Color, Matrix, PixelLayout, Transfer};
use entente_present::color::{Chroma, reference};
use entente_present::{Look, OverlayModel, ScaleMode, to_rgba};

use crate::pattern::{LAYOUTS, colors, flat, noise, offscreen, picture, worst};

/// Steps of 255 that a channel may be off.
const TOLERANCE: f64 = 2.0;

fn look(overlay: &OverlayModel) -> Look<'_> {
    Look { overlay, scale: ScaleMode::Fit, text_scale: 1.0 }
}

#[test]
fn cpu_matches_the_reference() {
    for layout in LAYOUTS {
        for color in colors() {
            for (size, pad) in [((64, 32), 0), ((37, 19), 5), ((1, 1), 1), ((2, 7), 64)] {
                let picture = picture(layout, size, color, pad, noise(layout, color));
                let rgba = to_rgba(&picture).unwrap();
                let off = worst(&rgba, &reference(&picture, Chroma::Nearest).unwrap());
                assert!(off <= TOLERANCE, "{layout:?} {color:?} {size:?}: {off} steps off");
                assert!(rgba.chunks_exact(4).all(|pixel| pixel[3] == 255));
            }
        }
    }
}

#[test]
fn cpu_is_right_at_every_width() {
    for layout in LAYOUTS {
        for width in 1..=133 {
            for (height, pad) in [(1, 0), (2, 3), (3, 40)] {
                let picture = picture(layout, (width, height), Color::default(), pad, noise(layout, Color::default()));
                let rgba = to_rgba(&picture).unwrap();
                let off = worst(&rgba, &reference(&picture, Chroma::Nearest).unwrap());
                assert!(off <= TOLERANCE, "{layout:?} {width}x{height}: {off} steps off");
            }
        }
    }
}

/// As noise, but chroma changes only every eighth luma pixel, so that most pixels do not depend on how it is filtered.
fn blocks(layout: PixelLayout, color: Color) -> impl Fn(usize, u32, u32) -> u16 {
    let noise = noise(layout, color);
    let (_, rows) = layout.plane_size(1, 16, 16);
    let (samples, _) = layout.plane_size(1, 16, 16);
    let (across, down) = (if samples == 8 || layout.planes() == 2 { 4 } else { 8 }, if rows == 8 { 4 } else { 8 });
    move |component, x, y| if component == 0 { noise(0, x, y) } else { noise(component, x / across, y / down) }
}

#[test]
fn gpu_matches_the_reference() {
    for wide in [true, false] {
        let Some(mut gpu) = offscreen(wide) else { return };
        println!("{} wide={wide}", gpu.name());
        let overlay = OverlayModel::default();
        for layout in LAYOUTS {
            for color in colors() {
                for (size, pad) in [((64, 32), 0), ((37, 19), 6)] {
                    let picture = picture(layout, size, color, pad, blocks(layout, color));
                    let rgba = gpu.render(size, Some(&picture), &look(&overlay)).unwrap();
                    let left = reference(&picture, Chroma::Left).unwrap();
                    let nearest = reference(&picture, Chroma::Nearest).unwrap();
                    let mut steady = 0;
                    for (index, pixel) in rgba.chunks_exact(4).enumerate() {
                        let plain = left[index].iter().zip(nearest[index]).all(|(a, b)| (a - b).abs() < 1e-9);
                        steady += usize::from(plain);
                        // Between chroma samples a filter may work in 8 bits (the emulated GPU does).
                        let allowed = if plain { TOLERANCE } else { TOLERANCE + 1.0 };
                        let off = worst(pixel, &left[index..=index]);
                        assert!(
                            off <= allowed,
                            "{layout:?} {color:?} {size:?} wide={wide} at {index}: {off} steps off"
                        );
                    }
                    assert!(steady * 2 > left.len(), "{layout:?}: only {steady} pixels without a filter");
                }
            }
        }
    }
}

#[test]
fn bodies_agree_on_flat_colours() {
    let Some(mut gpu) = offscreen(true) else { return };
    let overlay = OverlayModel::default();
    for layout in LAYOUTS {
        for yuv in [[16, 128, 128], [235, 128, 128], [63, 102, 240], [173, 42, 26], [32, 240, 118]] {
            let picture = flat(layout, (32, 18), yuv);
            let cpu = to_rgba(&picture).unwrap();
            let gpu = gpu.render((32, 18), Some(&picture), &look(&overlay)).unwrap();
            for (cpu, gpu) in cpu.iter().zip(&gpu) {
                assert!(cpu.abs_diff(*gpu) <= 1, "{layout:?} {yuv:?}: {cpu} and {gpu}");
            }
        }
    }
}

#[test]
fn hdr_is_mapped_to_sdr() {
    let mut gpu = offscreen(true);
    let overlay = OverlayModel::default();
    for transfer in [Transfer::Pq, Transfer::Hlg] {
        for layout in [PixelLayout::P010, PixelLayout::I410] {
            let color = Color { matrix: Matrix::Bt2020, full_range: false, transfer };
            // A grey ramp and a coloured one; the whole range of light.
            let ramp = move |component: usize, x: u32, y: u32| match component {
                0 => (64 + x * 13).min(940) as u16,
                1 => 512 + (y / 8 * 24) as u16,
                _ => 512,
            };
            let picture = picture(layout, (64, 32), color, 0, ramp);
            let wanted = reference(&picture, Chroma::Nearest).unwrap();
            // Tables of 256 codes: one code of PQ is up to 4 % of light.
            let off = worst(&to_rgba(&picture).unwrap(), &wanted);
            assert!(off <= 6.0, "cpu {transfer:?} {layout:?}: {off} steps off");
            let white = to_rgba(&picture).unwrap()[63 * 4..63 * 4 + 3].to_vec();
            assert!(white.iter().all(|channel| *channel >= 235), "brightest is {white:?}");
            if let Some(gpu) = &mut gpu {
                let wanted = reference(&picture, Chroma::Left).unwrap();
                let rgba = gpu.render((64, 32), Some(&picture), &look(&overlay)).unwrap();
                let off = worst(&rgba, &wanted);
                assert!(off <= TOLERANCE, "gpu {transfer:?} {layout:?}: {off} steps off");
            }
        }
    }
}

#[test]
fn unusable_planes_are_an_error() {
    let mut broken = flat(PixelLayout::I420, (8, 8), [16, 128, 128]);
    broken.width = 4000;
    assert!(to_rgba(&broken).is_err());
    assert!(reference(&broken, Chroma::Nearest).is_err());
    let Some(mut gpu) = offscreen(true) else { return };
    let overlay = OverlayModel::default();
    assert!(gpu.render((8, 8), Some(&broken), &look(&overlay)).is_err());
    let good = flat(PixelLayout::I420, (8, 8), [235, 128, 128]);
    let rgba = gpu.render((8, 8), Some(&good), &look(&overlay)).unwrap();
    assert!(rgba.iter().all(|byte| *byte >= 254), "the next picture is shown");
}
