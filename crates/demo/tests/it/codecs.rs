//! Encoders against decoders: every picture comes out at once and its timecode can be read.

use entente_demo::encoder::{Machine, VideoEncoder, VideoFormat};
use entente_demo::games;
use entente_model::media::VideoCodec;
use entente_stats::timecode::{self, LumaSamples};
use ffmpeg_next as ffmpeg;

const SMALL: VideoFormat = VideoFormat { width: 640, height: 360, fps: 60, bitrate_kbps: 2000 };

/// Decodes access units, one in, one out.
pub(crate) struct Decoder(ffmpeg::decoder::Video);

impl Decoder {
    pub(crate) fn new(codec: VideoCodec) -> Option<Self> {
        ffmpeg::log::set_level(ffmpeg::log::Level::Fatal);
        let name = match codec {
            VideoCodec::H264 => "h264",
            VideoCodec::Vp8 => "vp8",
            VideoCodec::Vp9 => "vp9",
            VideoCodec::Av1 => "libdav1d",
            VideoCodec::Hevc => "hevc",
        };
        let found = ffmpeg::decoder::find_by_name(name)?;
        let mut context = ffmpeg::codec::context::Context::new_with_codec(found);
        context.set_flags(ffmpeg::codec::Flags::LOW_DELAY);
        context.set_threading(ffmpeg::threading::Config {
            kind: ffmpeg::threading::Type::Slice,
            count: 1,
            ..ffmpeg::threading::Config::default()
        });
        let mut options = ffmpeg::Dictionary::new();
        if codec == VideoCodec::Av1 {
            options.set("max_frame_delay", "1");
        }
        context.decoder().open_as_with(found, options).ok()?.video().ok().map(Self)
    }

    pub(crate) fn decode(&mut self, data: &[u8]) -> Option<ffmpeg::frame::Video> {
        self.0.send_packet(&ffmpeg::Packet::copy(data)).ok()?;
        let mut picture = ffmpeg::frame::Video::empty();
        self.0.receive_frame(&mut picture).ok().map(|()| picture)
    }
}

pub(crate) fn read(picture: &ffmpeg::frame::Video) -> timecode::Timecode {
    timecode::read(picture.data(0), picture.stride(0), picture.width(), picture.height(), LumaSamples::Eight, 1.0)
}

/// Draws and encodes frame `number` of a game with its timecode.
fn film(
    encoder: &mut VideoEncoder,
    game: &mut dyn games::Game,
    number: u64,
    key: bool,
) -> entente_demo::encoder::Encoded {
    game.step(16_667);
    let mut canvas = encoder.canvas().unwrap();
    game.draw(&mut canvas);
    timecode::draw(canvas.y, canvas.y_stride, 1_000_000 + number * 16_667, 77_000 + number);
    encoder.encode(key).unwrap().expect("no frame is held")
}

#[test]
fn every_encoder_gives_pictures_whose_timecode_is_read() {
    let machine = Machine::get();
    assert!(machine.encoders.iter().any(|row| row.codec == VideoCodec::H264), "tests need an H.264 encoder");
    for row in &machine.encoders {
        let Some(mut decoder) = Decoder::new(row.codec) else {
            println!("skipped: no decoder for {}", row.name);
            continue;
        };
        let mut encoder = VideoEncoder::open(row, SMALL).unwrap();
        let mut game = games::open("game", 7).unwrap();
        let (frames, mut right) = (30, 0);
        for number in 0..frames {
            let encoded = film(&mut encoder, &mut *game, number, number == 20);
            assert_eq!(encoded.key, number == 0 || number == 20, "{} frame {number}", row.name);
            let picture = decoder.decode(&encoded.data).unwrap_or_else(|| panic!("{} frame {number}", row.name));
            assert_eq!((picture.width(), picture.height()), (640, 360));
            let read = read(&picture);
            if let Some(captured) = read.captured_micros {
                assert_eq!(captured, 1_000_000 + number * 16_667, "{}: never a wrong value", row.name);
                assert_eq!(read.echo_micros.unwrap_or(77_000 + number), 77_000 + number);
                right += 1;
            }
        }
        // AV1 at its fastest leaves some cells as they were; the CRC finds those.
        let enough = if row.codec == VideoCodec::Av1 { 1 } else { frames };
        assert!(right >= enough, "{}: {right} of {frames} timecodes read", row.name);
    }
}

#[test]
fn a_new_rate_is_obeyed_while_running() {
    for row in &Machine::get().encoders {
        let mut encoder = VideoEncoder::open(row, VideoFormat { bitrate_kbps: 6000, ..SMALL }).unwrap();
        let mut game = games::open("game", 7).unwrap();
        let mut kbps = |encoder: &mut VideoEncoder, frames: u64| {
            let bytes: usize = (0..frames).map(|number| film(encoder, &mut *game, number, false).data.len()).sum();
            bytes as u64 * 8 * 60 / frames / 1000
        };
        kbps(&mut encoder, 20);
        let high = kbps(&mut encoder, 60);
        encoder.set_bitrate_kbps(600).unwrap();
        kbps(&mut encoder, 20);
        let low = kbps(&mut encoder, 60);
        assert!(low < 1200 && low * 2 < high, "{}: {high} then {low} kbit/s", row.name);
    }
}
