//! What this machine encodes, found by trying.

use std::sync::OnceLock;

use entente_model::media::VideoCodec;
use ffmpeg_next as ffmpeg;

use super::table::{ENCODERS, EncoderRow};
use super::{EncoderError, VideoEncoder, VideoFormat};
use crate::clock;

/// Clients show the first 240 characters of an error.
const HELP: &str = "this host has no video encoder that works; install FFmpeg with x264 or libvpx (Debian, Ubuntu: \
    apt install libavcodec-extra; Fedora: dnf install ffmpeg-free; Arch: pacman -S ffmpeg; macOS: brew install ffmpeg)";

/// What this machine was found to encode.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Encoders that opened and gave a packet at once, best first.
    pub encoders: Vec<&'static EncoderRow>,
    /// Encoders that do not work here, with the reasons.
    pub refused: Vec<(&'static str, String)>,
    /// Size and rate it was measured to carry.
    pub default_format: VideoFormat,
}

impl Machine {
    /// The result of trying every encoder once; made at the first call, takes a few hundred milliseconds then.
    pub fn get() -> &'static Self {
        static MACHINE: OnceLock<Machine> = OnceLock::new();
        MACHINE.get_or_init(probe)
    }

    /// What to do when nothing can be encoded here; `None` when something can.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        let tried: Vec<_> = self.refused.iter().map(|(name, _)| *name).collect();
        self.encoders.is_empty().then(|| format!("{HELP}. Tried: {}", tried.join(", ")))
    }

    /// The encoder for a codec, or the one called `name`.
    ///
    /// # Errors
    /// When there is none.
    pub fn encoder(&self, codec: VideoCodec, name: Option<&str>) -> Result<&'static EncoderRow, EncoderError> {
        let mut of_codec = self.encoders.iter().filter(|row| row.codec == codec);
        match name {
            None => of_codec.next().copied().ok_or(EncoderError::None(codec.name())),
            Some(name) => {
                of_codec.find(|row| row.name == name).copied().ok_or_else(|| EncoderError::Unknown(name.to_owned()))
            }
        }
    }
}

fn probe() -> Machine {
    // Trying encoders that have no GPU here is expected to fail; FFmpeg need not tell the user.
    ffmpeg::log::set_level(ffmpeg::log::Level::Fatal);
    let small = VideoFormat { width: 640, height: 360, fps: 30, bitrate_kbps: 1000 };
    let (mut encoders, mut refused): (Vec<&'static EncoderRow>, Vec<_>) = (Vec::new(), Vec::new());
    for row in &ENCODERS {
        match try_encode(row, small, 1) {
            Ok(_) => encoders.push(row),
            Err(error) => {
                tracing::debug!(encoder = row.name, %error, "encoder is not usable");
                refused.push((row.name, error.to_string()));
            }
        }
    }
    let preferred = encoders.iter().find(|row| row.codec == VideoCodec::H264).or_else(|| encoders.first());
    let hd = VideoFormat { width: 1280, height: 720, fps: 60, bitrate_kbps: 5000 };
    let micros = preferred.and_then(|row| try_encode(row, hd, 6).ok());
    let default_format = carried_by(micros);
    tracing::info!(
        encoders = ?encoders.iter().map(|row| row.name).collect::<Vec<_>>(),
        ?micros,
        ?default_format,
        "encoders probed"
    );
    Machine { encoders, refused, default_format }
}

/// The largest format whose encoder stays within about half of a frame's time, judged by the time for 720p.
fn carried_by(micros_720p: Option<u64>) -> VideoFormat {
    let (width, height, fps) = match micros_720p {
        Some(..=2500) => (1920, 1080, 60),
        Some(..=8000) => (1280, 720, 60),
        Some(..=14_000) => (1280, 720, 30),
        Some(..=30_000) => (640, 360, 60),
        _ => (640, 360, 30),
    };
    VideoFormat { width, height, fps, bitrate_kbps: VideoFormat::usual_kbps(width, height, fps) }
}

/// Encodes `count` pictures with motion everywhere; the typical microseconds of one (the median).
fn try_encode(row: &'static EncoderRow, format: VideoFormat, count: u32) -> Result<u64, EncoderError> {
    let mut encoder = VideoEncoder::open(row, format)?;
    let mut spent: Vec<u128> = Vec::new();
    for number in 0..count {
        if let Some(canvas) = encoder.canvas() {
            for (row, line) in canvas.y.chunks_exact_mut(canvas.y_stride).enumerate() {
                for (column, luma) in line.iter_mut().enumerate() {
                    let value = (row / 8) ^ (column / 8).wrapping_add(number as usize * 3);
                    *luma = 16 + u8::try_from(value & 127).unwrap_or(0);
                }
            }
            canvas.u.fill(128);
            canvas.v.fill(128);
        }
        let begun = clock::now();
        let encoded = encoder.encode(number == 0)?;
        spent.push(begun.elapsed().as_micros());
        if encoded.is_none_or(|encoded| encoded.data.is_empty()) {
            return Err(EncoderError::Refused { name: row.name, reason: "holds pictures back".to_owned() });
        }
    }
    spent.sort_unstable();
    let middle = spent.get(spent.len() / 2).copied().unwrap_or(u128::MAX);
    Ok(u64::try_from(middle).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_machines_get_small_pictures_but_never_below_thirty() {
        assert_eq!(carried_by(Some(2000)).height, 1080);
        assert_eq!((carried_by(Some(5000)).height, carried_by(Some(5000)).fps), (720, 60));
        assert_eq!((carried_by(None).height, carried_by(None).fps), (360, 30));
    }

    #[test]
    fn without_an_encoder_there_is_advice_that_fits_an_error_message() {
        assert!(HELP.len() < 240, "{}", HELP.len());
        let machine = Machine { encoders: vec![], refused: vec![("h264_abacus", "no beads".to_owned())], ..probe() };
        assert!(machine.help().unwrap().ends_with("Tried: h264_abacus"));
        assert_eq!(Machine { encoders: vec![&ENCODERS[0]], ..machine }.help(), None);
    }
}
