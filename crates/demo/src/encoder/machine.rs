//! What this machine encodes, found by trying.

use std::sync::OnceLock;

use entente_model::media::VideoCodec;
use ffmpeg_next as ffmpeg;

use super::table::{ENCODERS, EncoderRow};
use super::{EncoderError, VideoEncoder, VideoFormat};
use crate::clock;
use crate::games::Game;
use crate::games::relay::CometRelay;

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
        match try_encode(row, small) {
            Ok(()) => encoders.push(row),
            Err(error) => {
                tracing::debug!(encoder = row.name, %error, "encoder is not usable");
                refused.push((row.name, error.to_string()));
            }
        }
    }
    let preferred = encoders.iter().find(|row| row.codec == VideoCodec::H264).or_else(|| encoders.first());
    let hd = VideoFormat { width: 1280, height: 720, fps: 60, bitrate_kbps: 5000 };
    let micros = preferred.and_then(|row| film_game(row, hd, 8).ok());
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let default_format = carried_by(micros, processors);
    tracing::info!(
        encoders = ?encoders.iter().map(|row| row.name).collect::<Vec<_>>(),
        ?micros,
        ?default_format,
        "encoders probed"
    );
    Machine { encoders, refused, default_format }
}

/// Time of a game between two pictures that are measured.
const FRAME_MICROS: u64 = 16_667;

/// Formats from large to small, with the time that a picture costs in a hundredth of one of 720p. (Above 720p the memory
/// is slower too, and a player beside has more to do.)
const FORMATS: [(u32, u32, u32, u64); 5] =
    [(1920, 1080, 60, 300), (1280, 720, 60, 100), (1280, 720, 30, 100), (640, 360, 60, 30), (640, 360, 30, 30)];

/// The largest format whose pictures are drawn and encoded in a share of a frame's time, judged by the time for 720p.
/// Half of it, because late frames would come in rows otherwise; a quarter where there is one processor, because there a
/// player that runs beside decodes and shows in what is left. Never fewer than 30 frames.
fn carried_by(micros_720p: Option<u64>, processors: usize) -> VideoFormat {
    let share = if processors > 1 { 50 } else { 25 };
    let fits = |&(_, _, fps, cost): &(u32, u32, u32, u64)| {
        micros_720p.is_some_and(|micros| micros.saturating_mul(cost) * u64::from(fps) <= share * 1_000_000)
    };
    let (width, height, fps, _) = FORMATS.into_iter().find(fits).unwrap_or((640, 360, 30, 30));
    VideoFormat { width, height, fps, bitrate_kbps: VideoFormat::usual_kbps(width, height, fps) }
}

/// Draws and encodes `count` pictures of a game; the microseconds of one: the lower quartile, because the rest of a
/// program that starts runs beside.
fn film_game(row: &'static EncoderRow, format: VideoFormat, count: u32) -> Result<u64, EncoderError> {
    let mut encoder = VideoEncoder::open(row, format)?;
    let mut game = CometRelay::new(7);
    let mut spent = Vec::new();
    for _ in 0..300 {
        // Later there is more to draw.
        game.step(FRAME_MICROS);
    }
    for number in 0..count {
        game.step(FRAME_MICROS);
        let begun = clock::now();
        if let Some(mut canvas) = encoder.canvas() {
            game.draw(&mut canvas);
        }
        encoder.encode(number == 0)?;
        spent.push(begun.elapsed().as_micros());
    }
    spent.sort_unstable();
    let quartile = spent.get(spent.len() / 4).copied().unwrap_or(u128::MAX);
    Ok(u64::try_from(quartile).unwrap_or(u64::MAX))
}

/// Encodes a picture, which has to come out at once.
fn try_encode(row: &'static EncoderRow, format: VideoFormat) -> Result<(), EncoderError> {
    let mut encoder = VideoEncoder::open(row, format)?;
    if let Some(canvas) = encoder.canvas() {
        for (row, line) in canvas.y.chunks_exact_mut(canvas.y_stride).enumerate() {
            for (column, luma) in line.iter_mut().enumerate() {
                *luma = 16 + u8::try_from(((row / 8) ^ (column / 8)) & 127).unwrap_or(0);
            }
        }
        canvas.u.fill(128);
        canvas.v.fill(128);
    }
    if encoder.encode(true)?.is_none_or(|encoded| encoded.data.is_empty()) {
        return Err(EncoderError::Refused { name: row.name, reason: "holds pictures back".to_owned() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_machines_get_small_pictures_but_never_below_thirty() {
        let carried = |micros, processors| {
            let format = carried_by(micros, processors);
            (format.height, format.fps)
        };
        for (micros, format) in [
            (2700, (1080, 60)),
            (5000, (720, 60)),
            (9000, (720, 30)),
            (20_000, (360, 60)),
            (30_000, (360, 30)),
            (10_000_000, (360, 30)),
        ] {
            assert_eq!(carried(Some(micros), 8), format, "{micros}");
        }
        assert_eq!(carried(None, 8), (360, 30));
        assert_eq!(carried(Some(5000), 1), (720, 30), "one processor plays as well");
    }

    #[test]
    fn without_an_encoder_there_is_advice_that_fits_an_error_message() {
        assert!(HELP.len() < 240, "{}", HELP.len());
        let machine = Machine { encoders: vec![], refused: vec![("h264_abacus", "no beads".to_owned())], ..probe() };
        assert!(machine.help().unwrap().ends_with("Tried: h264_abacus"));
        assert_eq!(Machine { encoders: vec![&ENCODERS[0]], ..machine }.help(), None);
    }
}
