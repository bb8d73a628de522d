//! Streams for the tests, made by FFmpeg's encoders in low-delay settings.

use std::time::Instant;

use bytes::Bytes;
use entente_decode::{Decoded, Decoder, DecoderConfig, HardwareChoice};
use entente_model::media::{EncodedFrame, VideoCodec};
use entente_model::picture::PixelLayout;
use ffmpeg_next as ffmpeg;
use ffmpeg_next::format::Pixel;

/// A synthetic source picture: planes of samples, 8 bit in the low byte or 10 bit.
pub(crate) struct Source {
    pub(crate) planes: Vec<Vec<u16>>,
}

/// One frame of a moving pattern: gradients with a moving box, so that prediction has work and errors show.
pub(crate) fn pattern(layout: PixelLayout, width: u32, height: u32, number: u32) -> Source {
    let shift = layout.bits() - 8;
    let planes = (0..3)
        .map(|plane| {
            let (columns, rows) = layout.plane_size(plane, width, height);
            let scale = width / columns;
            let mut samples = Vec::new();
            for y in 0..rows {
                for x in 0..columns {
                    let (px, py) = (x * scale, y * (height / rows));
                    let boxed =
                        (number * 4 % width..).contains(&px) && px < number * 4 % width + 24 && (16..40).contains(&py);
                    let value = match (plane, boxed) {
                        (0, true) => 200,
                        (0, false) => 40 + (px + py) * 120 / (width + height),
                        (1, true) => 90,
                        (1, false) => 110 + px * 30 / width,
                        (_, true) => 160,
                        (_, false) => 120 + py * 20 / height,
                    };
                    samples.push((value as u16) << shift);
                }
            }
            samples
        })
        .collect();
    Source { planes }
}

/// What to encode with.
pub(crate) struct Recipe {
    pub(crate) encoder: &'static str,
    pub(crate) codec: VideoCodec,
    pub(crate) layout: PixelLayout,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) options: &'static [(&'static str, &'static str)],
}

pub(crate) const X264: &[(&str, &str)] = &[
    ("preset", "ultrafast"),
    ("tune", "zerolatency"),
    ("crf", "12"),
    ("forced-idr", "1"),
    ("x264-params", "repeat-headers=1:annexb=1:sliced-threads=1:slices=4"),
];
pub(crate) const X265: &[(&str, &str)] = &[
    ("preset", "ultrafast"),
    ("tune", "zerolatency"),
    ("crf", "12"),
    ("x265-params", "repeat-headers=1:annexb=1:log-level=none:pools=none:frame-threads=1"),
];
pub(crate) const VPX: &[(&str, &str)] =
    &[("deadline", "realtime"), ("cpu-used", "6"), ("lag-in-frames", "0"), ("auto-alt-ref", "0"), ("b", "4000000")];
pub(crate) const AOM: &[(&str, &str)] =
    &[("usage", "realtime"), ("cpu-used", "8"), ("lag-in-frames", "0"), ("b", "4000000"), ("row-mt", "0")];

pub(crate) fn recipe(codec: VideoCodec, layout: PixelLayout, width: u32, height: u32) -> Recipe {
    let (encoder, options) = match codec {
        VideoCodec::H264 => ("libx264", X264),
        VideoCodec::Hevc => ("libx265", X265),
        VideoCodec::Vp8 => ("libvpx", VPX),
        VideoCodec::Vp9 => ("libvpx-vp9", VPX),
        VideoCodec::Av1 => ("libaom-av1", AOM),
    };
    Recipe { encoder, codec, layout, width, height, options }
}

fn pixel(layout: PixelLayout) -> Pixel {
    match layout {
        PixelLayout::I420 => Pixel::YUV420P,
        PixelLayout::I422 => Pixel::YUV422P,
        PixelLayout::I444 => Pixel::YUV444P,
        PixelLayout::I010 => Pixel::YUV420P10LE,
        PixelLayout::I210 => Pixel::YUV422P10LE,
        PixelLayout::I410 => Pixel::YUV444P10LE,
        other => panic!("no encoder takes {other:?}"),
    }
}

fn fill(frame: &mut ffmpeg::frame::Video, layout: PixelLayout, source: &Source, size: (u32, u32)) {
    for (plane, samples) in source.planes.iter().enumerate() {
        let (columns, _) = layout.plane_size(plane, size.0, size.1);
        let stride = frame.stride(plane);
        let data = frame.data_mut(plane);
        for (row, line) in samples.chunks(columns as usize).enumerate() {
            for (column, sample) in line.iter().enumerate() {
                if layout.sample_bytes() == 1 {
                    data[row * stride + column] = *sample as u8;
                } else {
                    let at = row * stride + column * 2;
                    data[at..at + 2].copy_from_slice(&sample.to_le_bytes());
                }
            }
        }
    }
}

/// Encodes `count` pattern frames; `None` (with a printed line) if this FFmpeg lacks the encoder or the format.
pub(crate) fn encode(recipe: &Recipe, count: u32) -> Option<Vec<(EncodedFrame, Source)>> {
    ffmpeg::util::log::set_level(ffmpeg::util::log::Level::Quiet);
    let Some(codec) = ffmpeg::encoder::find_by_name(recipe.encoder) else {
        println!("skipped: FFmpeg has no {}", recipe.encoder);
        return None;
    };
    let mut video = ffmpeg::codec::Context::new_with_codec(codec).encoder().video().unwrap();
    video.set_width(recipe.width);
    video.set_height(recipe.height);
    video.set_format(pixel(recipe.layout));
    video.set_time_base((1, 60));
    video.set_frame_rate(Some((60, 1)));
    video.set_gop(30);
    video.set_max_b_frames(0);
    video.set_bit_rate(4_000_000);
    let mut options = ffmpeg::Dictionary::new();
    for (name, value) in recipe.options {
        options.set(name, value);
    }
    let mut encoder = match video.open_with(options) {
        Ok(encoder) => encoder,
        Err(error) => {
            println!("skipped: {} does not take {:?}: {error}", recipe.encoder, recipe.layout);
            return None;
        }
    };
    let mut sources = std::collections::VecDeque::new();
    let mut out = Vec::new();
    let mut packet = ffmpeg::Packet::empty();
    for number in 0..=count {
        if number < count {
            let source = pattern(recipe.layout, recipe.width, recipe.height, number);
            let mut frame = ffmpeg::frame::Video::new(pixel(recipe.layout), recipe.width, recipe.height);
            fill(&mut frame, recipe.layout, &source, (recipe.width, recipe.height));
            frame.set_pts(Some(i64::from(number)));
            sources.push_back(source);
            encoder.send_frame(&frame).unwrap();
        } else {
            encoder.send_eof().unwrap();
        }
        while encoder.receive_packet(&mut packet).is_ok() {
            let data = Bytes::copy_from_slice(packet.data().unwrap());
            let frame = access_unit(recipe.codec, out.len() as u64, data, packet.is_key());
            out.push((frame, sources.pop_front().unwrap()));
        }
    }
    assert_eq!(out.len(), count as usize);
    Some(out)
}

pub(crate) fn access_unit(codec: VideoCodec, id: u64, data: Bytes, key: bool) -> EncodedFrame {
    let now = Instant::now();
    EncodedFrame {
        id,
        codec,
        data,
        rtp_time: id * 1500,
        key,
        color: None,
        after_gap: false,
        first_packet: now,
        last_packet: now,
        assembled: now,
    }
}

pub(crate) fn software(codec: VideoCodec) -> Decoder {
    let config = DecoderConfig { codec, hardware: HardwareChoice::Never, threads: 2 };
    Decoder::open(config).unwrap().0
}

/// Decodes one frame and collects what comes out.
pub(crate) fn decode(decoder: &mut Decoder, frame: &EncodedFrame) -> (Vec<Decoded>, bool) {
    let mut out = Vec::new();
    let result = decoder.decode(frame, Instant::now(), &mut Instant::now, &mut |decoded| out.push(decoded));
    (out, result.is_ok())
}

/// Peak signal to noise ratio of all planes together, in dB.
pub(crate) fn psnr(decoded: &Decoded, source: &Source) -> f64 {
    let picture = &decoded.picture;
    let (mut error, mut count) = (0f64, 0u64);
    for (index, samples) in source.planes.iter().enumerate() {
        let plane = picture.memory.plane(index).unwrap();
        let (columns, rows) = picture.layout.plane_size(index, picture.width, picture.height);
        for row in 0..rows as usize {
            for column in 0..columns as usize {
                let got = match picture.layout.sample_bytes() {
                    1 => u16::from(plane.data[row * plane.stride + column]),
                    _ => {
                        let at = row * plane.stride + column * 2;
                        u16::from_le_bytes([plane.data[at], plane.data[at + 1]])
                    }
                };
                let wanted = samples[row * columns as usize + column];
                error += (f64::from(got) - f64::from(wanted)).powi(2);
                count += 1;
            }
        }
    }
    let peak = f64::from((1u32 << picture.layout.bits()) - 1);
    10.0 * (peak * peak * count as f64 / error.max(1e-9)).log10()
}
