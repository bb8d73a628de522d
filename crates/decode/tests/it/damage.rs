//! Broken streams: errors and marks, never a panic, and a key frame heals.

use bytes::Bytes;
use entente_model::media::{EncodedFrame, VideoCodec};
use entente_model::picture::PixelLayout;
use proptest::prelude::*;

use crate::encode::{access_unit, decode, encode, psnr, recipe, software};

fn codecs() -> impl Strategy<Value = VideoCodec> {
    prop::sample::select(VideoCodec::ALL.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_panic(codec in codecs(), units in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..600), 1..6)) {
        let mut decoder = software(codec);
        for (id, unit) in units.into_iter().enumerate() {
            let (out, _) = decode(&mut decoder, &access_unit(codec, id as u64, unit.into(), id == 0));
            for decoded in out {
                for plane in 0..decoded.picture.layout.planes() {
                    prop_assert!(decoded.picture.memory.plane(plane).is_some());
                }
            }
        }
    }
}

#[test]
fn damaged_real_frames_never_panic_and_a_key_frame_heals() {
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random as usize
    };
    for codec in VideoCodec::ALL {
        let Some(frames) = encode(&recipe(codec, PixelLayout::I420, 160, 96), 12) else { continue };
        let mut decoder = software(codec);
        for round in 0..60u64 {
            for (frame, _) in &frames[usize::from(round % 2 == 0)..] {
                let mut data = frame.data.to_vec();
                match next() % 3 {
                    0 => data.truncate(next() % data.len()),
                    1 => {
                        for _ in 0..8 {
                            let at = next() % data.len();
                            data[at] ^= 1 << (next() % 8);
                        }
                    }
                    _ => {}
                }
                decode(&mut decoder, &EncodedFrame { data: data.into(), ..frame.clone() });
            }
        }
        decoder.reset();
        assert_eq!(decoder.held(), 0);
        for (frame, source) in &frames {
            let (out, fine) = decode(&mut decoder, frame);
            assert!(fine && out.len() == 1, "{codec:?} frame {} after damage", frame.id);
            assert!(!out[0].corrupt && psnr(&out[0], source) > 30.0, "{codec:?} frame {}", frame.id);
        }
    }
}

#[test]
fn an_empty_frame_is_refused_without_ending_the_stream() {
    for codec in VideoCodec::ALL {
        let Some(frames) = encode(&recipe(codec, PixelLayout::I420, 160, 96), 2) else { continue };
        let mut decoder = software(codec);
        let (out, fine) = decode(&mut decoder, &access_unit(codec, 9, Bytes::new(), false));
        assert!(out.is_empty() && !fine);
        assert_eq!(decode(&mut decoder, &frames[0].0).0.len(), 1, "{codec:?}");
    }
}

#[test]
fn a_half_h264_frame_is_marked_corrupt() {
    let Some(frames) = encode(&recipe(VideoCodec::H264, PixelLayout::I420, 320, 192), 4) else { return };
    let mut decoder = software(VideoCodec::H264);
    decode(&mut decoder, &frames[0].0);
    let (half, _) = &frames[1];
    let cut = half.data.slice(..half.data.len() / 2);
    let (out, _) = decode(&mut decoder, &EncodedFrame { data: cut, ..half.clone() });
    assert_eq!(out.len(), 1, "whether it is shown is for the caller to say");
    assert!(out[0].corrupt);
}

#[test]
fn h264_that_starts_without_a_key_frame_is_marked_or_refused() {
    let Some(frames) = encode(&recipe(VideoCodec::H264, PixelLayout::I420, 160, 96), 35) else { return };
    // Frame 30 is the second key frame; without parameter sets nothing may come out before it.
    let mut decoder = software(VideoCodec::H264);
    for (frame, _) in &frames[1..30] {
        let (out, fine) = decode(&mut decoder, frame);
        assert!(out.is_empty() && !fine, "frame {}", frame.id);
    }
    for (frame, source) in &frames[30..] {
        let (out, fine) = decode(&mut decoder, frame);
        assert!(fine && out.len() == 1 && !out[0].corrupt);
        assert!(psnr(&out[0], source) > 35.0);
    }
}
