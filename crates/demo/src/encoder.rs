//! Video encoders with no held frame: found by trying, drawn into directly, steered while running.

mod machine;
mod matrix;
mod raw;
mod table;

use bytes::Bytes;
use entente_model::media::VideoCodec;
use ffmpeg_next as ffmpeg;

use crate::games::Canvas;

pub use machine::Machine;
pub use table::{ENCODERS, EncoderRow, Layout};

/// Smallest and largest picture of the host.
pub const MIN_SIZE: (u32, u32) = (640, 360);
/// Largest picture.
pub const MAX_SIZE: (u32, u32) = (1920, 1080);
/// Frame rates that a client may ask for.
pub const FRAME_RATES: [u32; 3] = [30, 60, 120];
/// Limits of the video bit rate in kbit/s.
pub const BITRATE_KBPS: std::ops::RangeInclusive<u32> = 250..=100_000;

/// Frames of bits in the rate control's buffer: a key frame may be that large.
const BUFFER_FRAMES: u64 = 4;
/// Effectively endless GOP; key frames come on request only.
const GOP: u32 = 1 << 30;

/// A picture format with its bit rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VideoFormat {
    /// Pixels, even.
    pub width: u32,
    /// Pixels, even.
    pub height: u32,
    /// Frames per second.
    pub fps: u32,
    /// kbit/s.
    pub bitrate_kbps: u32,
}

impl VideoFormat {
    /// A bit rate that suits the size: 2 Mbit/s for 360p60, 5 for 720p60, about 10 for 1080p60.
    #[must_use]
    pub fn usual_kbps(width: u32, height: u32, fps: u32) -> u32 {
        let pixels = f64::from(width) * f64::from(height);
        let at_sixty = 5000.0 * (pixels / (1280.0 * 720.0)).powf(0.8);
        let kbps = at_sixty * (f64::from(fps) / 60.0).powf(0.75);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the allowed range")]
        let kbps = kbps as u32;
        kbps.clamp(*BITRATE_KBPS.start(), *BITRATE_KBPS.end())
    }

    /// The format of this host that comes nearest: sizes keep their shape where they can and are even, frame rates are
    /// those of [`FRAME_RATES`], of two equally near the lower one.
    #[must_use]
    pub fn nearest(self) -> Self {
        let (width, height) = (f64::from(self.width.max(1)), f64::from(self.height.max(1)));
        let shrink = (f64::from(MAX_SIZE.0) / width).min(f64::from(MAX_SIZE.1) / height).min(1.0);
        let grow = (f64::from(MIN_SIZE.0) / width).max(f64::from(MIN_SIZE.1) / height).max(1.0);
        let scale = if shrink < 1.0 { shrink } else { grow };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive; saturates")]
        let even = |length: f64, least: u32, most: u32| ((length * scale / 2.0).round() as u32 * 2).clamp(least, most);
        Self {
            width: even(width, MIN_SIZE.0, MAX_SIZE.0),
            height: even(height, MIN_SIZE.1, MAX_SIZE.1),
            fps: FRAME_RATES.into_iter().min_by_key(|rate| rate.abs_diff(self.fps)).unwrap_or(60),
            bitrate_kbps: self.bitrate_kbps.clamp(*BITRATE_KBPS.start(), *BITRATE_KBPS.end()),
        }
    }
}

/// Why there is no encoder or no picture.
#[derive(Debug, thiserror::Error)]
pub enum EncoderError {
    /// FFmpeg has none for the codec, or none that opens here.
    #[error("no encoder for {0} works on this machine")]
    None(&'static str),
    /// The FFmpeg of this machine was built without it.
    #[error("{0} is not part of the FFmpeg of this machine")]
    Missing(&'static str),
    /// No row of that name.
    #[error("encoder {0:?} is not known or does not work on this machine")]
    Unknown(String),
    /// FFmpeg refused.
    #[error("{name}: {reason}")]
    Refused {
        /// Encoder.
        name: &'static str,
        /// What FFmpeg said.
        reason: String,
    },
}

/// One encoded picture.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// The access unit.
    pub data: Bytes,
    /// Starts decoding.
    pub key: bool,
}

/// A running encoder with the picture that is drawn next.
pub struct VideoEncoder {
    row: &'static EncoderRow,
    format: VideoFormat,
    encoder: ffmpeg::encoder::video::Encoder,
    picture: ffmpeg::frame::Video,
    /// Interleaved copy for encoders that want it.
    nv12: Option<ffmpeg::frame::Video>,
    surfaces: Option<raw::VaapiSurfaces>,
    packet: ffmpeg::Packet,
    next_pts: i64,
}

impl VideoEncoder {
    /// Opens `row` for `format`.
    ///
    /// # Errors
    /// When FFmpeg lacks it or refuses the settings (no such GPU, for example).
    pub fn open(row: &'static EncoderRow, format: VideoFormat) -> Result<Self, EncoderError> {
        let refused = |error: ffmpeg::Error| EncoderError::Refused { name: row.name, reason: error.to_string() };
        let codec = ffmpeg::encoder::find_by_name(row.name).ok_or(EncoderError::Missing(row.name))?;
        let mut context = ffmpeg::codec::context::Context::new_with_codec(codec);
        let large = format.width * format.height > 1280 * 720;
        context.set_threading(ffmpeg::threading::Config {
            kind: ffmpeg::threading::Type::Slice,
            count: if large { row.threads_large } else { row.threads_small },
            ..ffmpeg::threading::Config::default()
        });
        let mut video = context.encoder().video().map_err(refused)?;
        video.set_width(format.width);
        video.set_height(format.height);
        video.set_format(match row.layout {
            Layout::I420 => ffmpeg::format::Pixel::YUV420P,
            Layout::Nv12 => ffmpeg::format::Pixel::NV12,
            Layout::Vaapi => ffmpeg::format::Pixel::VAAPI,
        });
        let fps = i32::try_from(format.fps).unwrap_or(60);
        video.set_time_base((1, fps));
        video.set_frame_rate(Some((fps, 1)));
        video.set_gop(GOP);
        video.set_max_b_frames(0);
        video.set_colorspace(ffmpeg::color::Space::BT709);
        video.set_color_range(ffmpeg::color::Range::MPEG);
        video.set_color_primaries(ffmpeg::color::Primaries::BT709);
        video.set_color_transfer_characteristic(ffmpeg::color::TransferCharacteristic::BT709);
        let (bits, buffer) = rate(format);
        raw::set_rate(&mut video, bits, buffer);
        let surfaces = if row.layout == Layout::Vaapi {
            let (width, height) = (format.width.cast_signed(), format.height.cast_signed());
            let none = || EncoderError::Refused { name: row.name, reason: "no VA-API device".to_owned() };
            Some(raw::VaapiSurfaces::attach(&mut video, width, height).ok_or_else(none)?)
        } else {
            None
        };
        let mut options = ffmpeg::Dictionary::new();
        for (key, value) in row.options {
            options.set(key, value);
        }
        let encoder = video.open_as_with(codec, options).map_err(refused)?;
        let picture = ffmpeg::frame::Video::new(ffmpeg::format::Pixel::YUV420P, format.width, format.height);
        let nv12 = (row.layout != Layout::I420)
            .then(|| ffmpeg::frame::Video::new(ffmpeg::format::Pixel::NV12, format.width, format.height));
        Ok(Self { row, format, encoder, picture, nv12, surfaces, packet: ffmpeg::Packet::empty(), next_pts: 0 })
    }

    /// The row it was opened from.
    #[must_use]
    pub const fn row(&self) -> &'static EncoderRow {
        self.row
    }

    /// Its current format.
    #[must_use]
    pub const fn format(&self) -> VideoFormat {
        self.format
    }

    /// The next picture, to be drawn into; holds the previous one or garbage.
    pub fn canvas(&mut self) -> Option<Canvas<'_>> {
        let (width, height) = (self.format.width as usize, self.format.height as usize);
        let planes = raw::planes(&mut self.picture)?;
        Some(Canvas {
            width,
            height,
            y: planes.y,
            u: planes.u,
            v: planes.v,
            y_stride: planes.y_stride,
            uv_stride: planes.uv_stride,
        })
    }

    /// Encodes what was drawn. `None`: the encoder keeps the picture back (never with the listed options).
    ///
    /// # Errors
    /// When FFmpeg fails; the encoder must be opened anew.
    pub fn encode(&mut self, key: bool) -> Result<Option<Encoded>, EncoderError> {
        let name = self.row.name;
        let refused = |error: ffmpeg::Error| EncoderError::Refused { name, reason: error.to_string() };
        let kind = if key { ffmpeg::picture::Type::I } else { ffmpeg::picture::Type::None };
        let pts = self.next_pts;
        self.next_pts += 1;
        if self.row.codec == VideoCodec::Vp8
            && let Some(mut planes) = raw::planes(&mut self.picture)
        {
            matrix::to_bt601(&mut planes);
        }
        if let Some(nv12) = &mut self.nv12 {
            interleave(&self.picture, nv12);
        }
        let source = self.nv12.as_mut().unwrap_or(&mut self.picture);
        if let Some(surfaces) = &self.surfaces {
            let lost = || EncoderError::Refused { name, reason: "no surface".to_owned() };
            let mut surface = surfaces.upload(source).ok_or_else(lost)?;
            surface.set_pts(Some(pts));
            surface.set_kind(kind);
            self.encoder.send_frame(&surface).map_err(refused)?;
        } else {
            source.set_pts(Some(pts));
            source.set_kind(kind);
            self.encoder.send_frame(source).map_err(refused)?;
        }
        match self.encoder.receive_packet(&mut self.packet) {
            Ok(()) => {
                let data = self.packet.data().map(Bytes::copy_from_slice).unwrap_or_default();
                Ok(Some(Encoded { data, key: self.packet.is_key() }))
            }
            Err(ffmpeg::Error::Other { errno: ffmpeg::error::EAGAIN }) => Ok(None),
            Err(error) => Err(refused(error)),
        }
    }

    /// Changes the bit rate. Encoders that cannot do it while running are opened anew and begin with a key frame.
    ///
    /// # Errors
    /// When opening anew fails; the old encoder goes on.
    pub fn set_bitrate_kbps(&mut self, kbps: u32) -> Result<(), EncoderError> {
        let format = VideoFormat { bitrate_kbps: kbps, ..self.format };
        if self.row.live_rate {
            self.format = format;
            let (bits, buffer) = rate(format);
            raw::set_rate(&mut self.encoder, bits, buffer);
        } else {
            *self = Self::open(self.row, format)?;
        }
        Ok(())
    }
}

fn rate(format: VideoFormat) -> (i64, i32) {
    let bits = u64::from(format.bitrate_kbps) * 1000;
    let buffer = bits * BUFFER_FRAMES / u64::from(format.fps.max(1));
    (i64::try_from(bits).unwrap_or(i64::MAX), i32::try_from(buffer).unwrap_or(i32::MAX))
}

fn interleave(planar: &ffmpeg::frame::Video, nv12: &mut ffmpeg::frame::Video) {
    let (width, from, to) = (planar.width() as usize, planar.stride(0), nv12.stride(0));
    for (target, source) in nv12.data_mut(0).chunks_exact_mut(to).zip(planar.data(0).chunks_exact(from)) {
        for (target, source) in target.iter_mut().zip(source.iter().take(width)) {
            *target = *source;
        }
    }
    let (chroma_from, chroma_to) = (planar.stride(1), nv12.stride(1));
    let sources = planar.data(1).chunks_exact(chroma_from).zip(planar.data(2).chunks_exact(chroma_from));
    for (target, (u, v)) in nv12.data_mut(1).chunks_exact_mut(chroma_to).zip(sources) {
        for (pair, (u, v)) in target.chunks_exact_mut(2).zip(u.iter().zip(v)).take(width / 2) {
            if let [first, second] = pair {
                (*first, *second) = (*u, *v);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_made_becomes_what_comes_nearest() {
        let nearest = |width, height, fps, bitrate_kbps| {
            let format = VideoFormat { width, height, fps, bitrate_kbps }.nearest();
            (format.width, format.height, format.fps, format.bitrate_kbps)
        };
        assert_eq!(nearest(1280, 720, 60, 5000), (1280, 720, 60, 5000));
        assert_eq!(nearest(1366, 768, 144, 5000), (1366, 768, 120, 5000));
        assert_eq!(nearest(853, 479, 25, 5000), (854, 480, 30, 5000), "even");
        assert_eq!(nearest(3840, 2160, 61, 900_000), (1920, 1080, 60, 100_000));
        assert_eq!(nearest(3440, 1440, 90, 5000), (1920, 804, 60, 5000), "wide stays wide");
        assert_eq!(nearest(320, 180, 30, 1), (640, 360, 30, 250));
        assert_eq!(nearest(0, 0, 0, 0), (640, 640, 30, 250));
        assert_eq!(nearest(u32::MAX, 1, u32::MAX, u32::MAX), (1920, 360, 120, 100_000));
        for side in 0..2500 {
            let (width, height, ..) = nearest(side, 2500 - side, 60, 5000);
            assert!((640..=1920).contains(&width) && (360..=1080).contains(&height), "{side}: {width}x{height}");
            assert_eq!((width % 2, height % 2), (0, 0), "{side}");
        }
    }

    #[test]
    fn usual_rates_follow_the_measured_table() {
        assert!((1500..=2200).contains(&VideoFormat::usual_kbps(640, 360, 60)));
        assert_eq!(VideoFormat::usual_kbps(1280, 720, 60), 5000);
        assert!((9000..=10_500).contains(&VideoFormat::usual_kbps(1920, 1080, 60)));
    }
}
