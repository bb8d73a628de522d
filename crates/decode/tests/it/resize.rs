//! The host changes the picture size in the middle of a stream.

use entente_model::media::{EncodedFrame, VideoCodec};
use entente_model::picture::PixelLayout;

use crate::encode::{decode, encode, psnr, recipe, software};

#[test]
fn size_and_format_may_change_at_a_key_frame() {
    for codec in VideoCodec::ALL {
        let mut decoder = software(codec);
        let mut id = 0;
        for (width, height) in [(160, 96), (320, 184), (98, 66), (160, 96)] {
            let Some(frames) = encode(&recipe(codec, PixelLayout::I420, width, height), 5) else { break };
            for (frame, source) in &frames {
                let frame = EncodedFrame { id, ..frame.clone() };
                id += 1;
                let (out, fine) = decode(&mut decoder, &frame);
                assert!(fine && out.len() == 1, "{codec:?} {width}x{height}");
                assert_eq!((out[0].picture.width, out[0].picture.height), (width, height), "{codec:?}");
                assert!(psnr(&out[0], source) > 30.0, "{codec:?} {width}x{height}");
                assert_eq!(out[0].picture.frame, frame.id);
            }
        }
    }
}

#[test]
fn depth_and_chroma_may_change_too() {
    for codec in [VideoCodec::H264, VideoCodec::Hevc, VideoCodec::Vp9, VideoCodec::Av1] {
        let mut decoder = software(codec);
        for layout in [PixelLayout::I420, PixelLayout::I444, PixelLayout::I010] {
            let Some(frames) = encode(&recipe(codec, layout, 160, 96), 3) else { continue };
            for (frame, source) in &frames {
                let (out, _) = decode(&mut decoder, frame);
                assert_eq!(out[0].picture.layout, layout, "{codec:?}");
                assert!(psnr(&out[0], source) > 30.0, "{codec:?} {layout:?}");
            }
        }
    }
}

#[test]
fn rgb_is_converted_to_bt709() {
    const RGB: &[(&str, &str)] = &[
        ("preset", "ultrafast"),
        ("tune", "zerolatency"),
        ("x264-params", "repeat-headers=1:annexb=1:colormatrix=GBR"),
    ];
    // The encoder only writes the tag: the planes are then G, B, R.
    let recipe = crate::encode::Recipe { options: RGB, ..recipe(VideoCodec::H264, PixelLayout::I444, 160, 96) };
    let Some(frames) = encode(&recipe, 1) else { return };
    let (out, _) = decode(&mut software(VideoCodec::H264), &frames[0].0);
    let picture = &out[0].picture;
    assert_eq!(picture.layout, PixelLayout::I444);
    assert!(!picture.color.full_range);
    // Top left, outside the box: what the pattern wrote, read as G, B, R in full range, then BT.709 limited.
    let at = |index: usize| f64::from(frames[0].1.planes[index][80]) / 255.0;
    let (green, blue, red) = (at(0), at(1), at(2));
    let luma = 16.0 + 219.0 * (0.2126 * red + 0.7152 * green + 0.0722 * blue);
    let got = f64::from(picture.memory.plane(0).unwrap().data[80]);
    assert!((luma - got).abs() < 4.0, "luma {got}, expected {luma:.0}");
}
