//! One frame in, one frame out, and it looks like the source.

use std::time::{Duration, Instant};

use entente_decode::{DecodeError, Decoder, DecoderConfig, HardwareChoice, available_codecs};
use entente_model::media::VideoCodec;
use entente_model::picture::{Color, Matrix, PixelLayout};

use crate::encode::{Recipe, X264, decode, encode, psnr, recipe, software};

/// Decodes 40 frames, checks every one; false if the encoder is missing.
fn check(recipe: &Recipe, decibels: f64) -> bool {
    let Some(frames) = encode(recipe, 40) else { return false };
    let mut decoder = software(recipe.codec);
    for (frame, source) in &frames {
        let (out, fine) = decode(&mut decoder, frame);
        assert!(fine, "frame {} refused", frame.id);
        assert_eq!(out.len(), 1, "frame {} of {:?}: one in, one out", frame.id, recipe.codec);
        assert_eq!(decoder.held(), 0);
        let decoded = &out[0];
        assert!(!decoded.corrupt, "frame {}", frame.id);
        assert_eq!(decoded.picture.frame, frame.id);
        assert_eq!((decoded.picture.width, decoded.picture.height), (recipe.width, recipe.height));
        assert_eq!(decoded.picture.layout, recipe.layout);
        let quality = psnr(decoded, source);
        assert!(quality > decibels, "frame {} of {:?}: {quality:.1} dB", frame.id, recipe.codec);
    }
    true
}

#[test]
fn h264_420_422_444_in_8_and_10_bit() {
    for layout in [
        PixelLayout::I420,
        PixelLayout::I422,
        PixelLayout::I444,
        PixelLayout::I010,
        PixelLayout::I210,
        PixelLayout::I410,
    ] {
        // 162 x 100 is no multiple of 16: the visible size needs cropping.
        check(&recipe(VideoCodec::H264, layout, 162, 100), 40.0);
    }
}

#[test]
fn hevc_420_422_444_in_8_and_10_bit() {
    for layout in [PixelLayout::I420, PixelLayout::I422, PixelLayout::I444, PixelLayout::I010, PixelLayout::I410] {
        check(&recipe(VideoCodec::Hevc, layout, 162, 100), 40.0);
    }
}

#[test]
fn vp8() {
    check(&recipe(VideoCodec::Vp8, PixelLayout::I420, 162, 100), 35.0);
}

#[test]
fn vp9_in_all_profiles() {
    for layout in [PixelLayout::I420, PixelLayout::I444, PixelLayout::I010, PixelLayout::I410] {
        check(&recipe(VideoCodec::Vp9, layout, 162, 100), 33.0);
    }
}

#[test]
fn av1_in_8_and_10_bit() {
    for layout in [PixelLayout::I420, PixelLayout::I444, PixelLayout::I010] {
        check(&recipe(VideoCodec::Av1, layout, 162, 100), 33.0);
    }
}

#[test]
fn colour_comes_from_the_stream() {
    const FULL_601: &[(&str, &str)] = &[
        ("preset", "ultrafast"),
        ("tune", "zerolatency"),
        ("x264-params", "repeat-headers=1:annexb=1:colormatrix=smpte170m:fullrange=on"),
    ];
    let tagged = Recipe { options: FULL_601, ..recipe(VideoCodec::H264, PixelLayout::I420, 160, 96) };
    let plain = Recipe { options: X264, ..recipe(VideoCodec::H264, PixelLayout::I420, 160, 96) };
    let color_of = |recipe: &Recipe| {
        let frames = encode(recipe, 1)?;
        let (out, _) = decode(&mut software(VideoCodec::H264), &frames[0].0);
        Some(out[0].picture.color)
    };
    let Some(tagged) = color_of(&tagged) else { return };
    assert_eq!(tagged, Color { matrix: Matrix::Bt601, full_range: true, ..Color::default() });
    assert_eq!(color_of(&plain).unwrap(), Color::default());
}

#[test]
fn stages_of_the_frame_pass_through() {
    let Some(frames) = encode(&recipe(VideoCodec::H264, PixelLayout::I420, 160, 96), 1) else { return };
    let (mut frame, _) = frames.into_iter().next().unwrap();
    let base = Instant::now();
    frame.first_packet = base;
    frame.last_packet = base + Duration::from_millis(1);
    frame.assembled = base + Duration::from_millis(2);
    frame.id = u64::MAX;
    let decode_in = base + Duration::from_millis(3);
    let done = base + Duration::from_millis(4);
    let mut times = None;
    software(VideoCodec::H264)
        .decode(&frame, decode_in, &mut || done, &mut |decoded| {
            times = Some((decoded.picture.frame, decoded.picture.times))
        })
        .unwrap();
    let (id, times) = times.unwrap();
    assert_eq!(id, u64::MAX);
    assert_eq!(
        [times.first_packet, times.last_packet, times.assembled, times.decode_in, times.decode_out],
        [base, frame.last_packet, frame.assembled, decode_in, done]
    );
}

#[test]
fn a_picture_outlives_its_decoder() {
    let Some(frames) = encode(&recipe(VideoCodec::H264, PixelLayout::I420, 160, 96), 2) else { return };
    let mut decoder = software(VideoCodec::H264);
    let (out, _) = decode(&mut decoder, &frames[0].0);
    let kept = out.into_iter().next().unwrap();
    decode(&mut decoder, &frames[1].0);
    drop(decoder);
    let elsewhere = std::thread::Builder::new().name("reader".into()).spawn(move || psnr(&kept, &frames[0].1)).unwrap();
    assert!(elsewhere.join().unwrap() > 40.0);
}

#[test]
fn every_codec_of_this_build_opens_and_says_why() {
    let codecs = available_codecs();
    assert!(codecs.contains(&VideoCodec::H264), "{codecs:?}");
    for codec in codecs {
        let config = DecoderConfig { codec, hardware: HardwareChoice::Never, threads: 0 };
        let (decoder, why) = Decoder::open(config).unwrap();
        assert!(why.contains(decoder.name()) && why.contains("switched off"), "{why}");
        assert!(!why.contains('\n'));
    }
}

#[test]
fn a_frame_of_another_codec_is_refused() {
    let Some(frames) = encode(&recipe(VideoCodec::Vp8, PixelLayout::I420, 160, 96), 1) else { return };
    let error = software(VideoCodec::H264)
        .decode(&frames[0].0, Instant::now(), &mut Instant::now, &mut |_| panic!("a picture"))
        .unwrap_err();
    assert!(matches!(error, DecodeError::WrongCodec { .. }), "{error}");
}
