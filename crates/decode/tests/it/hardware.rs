//! Hardware decoding where there is any, and the way back to software where there is none.

use entente_decode::{DecodeError, Decoder, DecoderConfig, HardwareChoice};
use entente_model::media::VideoCodec;
use entente_model::picture::PixelLayout;

use crate::encode::{decode, encode, psnr, recipe};

#[test]
fn auto_decodes_whatever_the_machine_has() {
    for codec in VideoCodec::ALL {
        let Some(frames) = encode(&recipe(codec, PixelLayout::I420, 320, 192), 5) else { continue };
        let (mut decoder, why) = Decoder::open(DecoderConfig::new(codec)).unwrap();
        println!("{why}");
        for (frame, source) in &frames {
            let (out, fine) = decode(&mut decoder, frame);
            assert!(fine && out.len() == 1, "{}", decoder.name());
            // Hardware may give NV12, whose chroma is laid out differently: compare what can be compared.
            if out[0].picture.layout == PixelLayout::I420 {
                assert!(psnr(&out[0], source) > 30.0, "{}", decoder.name());
            }
        }
        if let Some(notice) = decoder.take_notice() {
            println!("{notice}");
        }
    }
}

#[test]
fn a_named_device_that_does_not_exist_falls_back_with_a_reason() {
    let hardware = HardwareChoice::Named("vaapi:/nonexistent/renderD128".into());
    let (mut decoder, why) = Decoder::open(DecoderConfig { codec: VideoCodec::H264, hardware, threads: 1 }).unwrap();
    assert_eq!(decoder.name(), "h264 (software)");
    assert!(why.contains("no hardware decoder works: vaapi"), "{why}");
    assert_eq!(decoder.take_notice().as_deref(), Some("Pictures are decoded by the processor: vaapi cannot be used."));
}

#[test]
fn an_unknown_name_is_the_callers_mistake() {
    let hardware = HardwareChoice::Named("warp".into());
    let error = Decoder::open(DecoderConfig { codec: VideoCodec::H264, hardware, threads: 1 }).unwrap_err();
    assert!(matches!(error, DecodeError::UnknownHardware { .. }), "{error}");
}
