//! The query of `POST /whep/{game}`.

use entente_model::media::VideoCodec;

use crate::encoder::VideoFormat;
use crate::server::problem::Problem;

/// What a client asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wish {
    width: Option<u32>,
    height: Option<u32>,
    fps: Option<u32>,
    bitrate_kbps: Option<u32>,
    /// Codecs that are allowed, best first; empty = any.
    pub(super) codecs: Vec<VideoCodec>,
    pub(super) encoder: Option<String>,
    pub(super) audio_millis: Option<u32>,
    pub(super) seed: Option<u64>,
    pub(super) ticket: Option<String>,
}

/// Packets of sound that the host makes, in milliseconds.
const AUDIO_MILLIS: [u32; 3] = [5, 10, 20];

/// A whole number; one that lies outside of `u32` becomes the nearest that does not.
fn number(name: &str, value: &str) -> Result<Option<u32>, Problem> {
    let (negative, digits) = match value.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, value),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Problem::bad_request(format!("{name}={value:?} is not a whole number")));
    }
    Ok(Some(if negative { 0 } else { digits.parse().unwrap_or(u32::MAX) }))
}

fn last(query: &str, wanted: &str) -> Option<String> {
    let named = url::form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == wanted);
    named.last().map(|(_, value)| value.into_owned())
}

/// The ticket of a place in the queue; of two the last one, as everywhere.
pub(super) fn ticket(query: &str) -> Option<String> {
    last(query, "queue")
}

/// The session of an account whose stream is asked for.
pub(super) fn session(query: &str) -> Option<String> {
    last(query, "session")
}

impl Wish {
    /// Reads a query; unknown parameters are ignored.
    pub(super) fn read(query: &str) -> Result<Self, Problem> {
        let mut wish = Self { ticket: ticket(query), ..Self::default() };
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "width" => wish.width = number("width", &value)?,
                "height" => wish.height = number("height", &value)?,
                "fps" => wish.fps = number("fps", &value)?,
                "bitrate_kbps" => wish.bitrate_kbps = number("bitrate_kbps", &value)?,
                "seed" => {
                    let seed = value.parse().map_err(|_| {
                        Problem::bad_request(format!("seed={value:?} is not a whole number below 2^64"))
                    })?;
                    wish.seed = Some(seed);
                }
                "audio_ms" => {
                    let millis = number("audio_ms", &value)?.unwrap_or_default();
                    wish.audio_millis = AUDIO_MILLIS.into_iter().min_by_key(|made| made.abs_diff(millis));
                }
                // Names that a later version may know are no mistake.
                "codec" => wish.codecs = value.split(',').filter_map(|name| name.trim().parse().ok()).collect(),
                "encoder" => wish.encoder = Some(value.into_owned()),
                _ => {}
            }
        }
        Ok(wish)
    }

    /// Takes what is not asked for from another wish: size together, rates each.
    pub(super) fn or(mut self, quality: Option<(u32, u32, u32)>, bitrate_kbps: Option<u32>) -> Self {
        if let Some((width, height, fps)) = quality {
            if self.width.is_none() && self.height.is_none() {
                (self.width, self.height) = (Some(width), Some(height));
            }
            self.fps = self.fps.or(Some(fps));
        }
        self.bitrate_kbps = self.bitrate_kbps.or(bitrate_kbps);
        self
    }

    /// The picture format that comes nearest to the wish; what is not asked for is the machine's default.
    pub(super) fn format(&self, default: VideoFormat) -> VideoFormat {
        let (width, height) = match (self.width, self.height) {
            (Some(width), Some(height)) => (width, height),
            (None, None) => (default.width, default.height),
            // One alone means 16:9.
            (Some(width), None) => (width, width / 16 * 9),
            (None, Some(height)) => {
                let height = height.min(u32::from(u16::MAX));
                (height * 16 / 9, height)
            }
        };
        let fps = self.fps.unwrap_or(default.fps);
        let format = VideoFormat { width, height, fps, bitrate_kbps: default.bitrate_kbps }.nearest();
        let usual = VideoFormat::usual_kbps(format.width, format.height, format.fps);
        VideoFormat { bitrate_kbps: self.bitrate_kbps.unwrap_or(usual), ..format }.nearest()
    }
}

/// What the fuzz targets look at: the picture format and the ticket; `None` when the query is refused.
pub fn read(query: &str, default: VideoFormat) -> Option<(VideoFormat, Option<String>)> {
    let wish = Wish::read(query).ok()?;
    Some((wish.format(default), wish.ticket))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DEFAULT: VideoFormat = VideoFormat { width: 1280, height: 720, fps: 60, bitrate_kbps: 5000 };

    #[test]
    fn what_is_not_asked_for_is_the_default() {
        let wish = Wish::read("fps=30&codec=vp8&unknown=1&audio_ms=5").unwrap();
        assert_eq!((wish.codecs.as_slice(), wish.audio_millis), (&[VideoCodec::Vp8][..], Some(5)));
        let format = wish.format(DEFAULT);
        assert_eq!((format.width, format.height, format.fps), (1280, 720, 30));
        assert_eq!(Wish::read("height=360").unwrap().format(DEFAULT).width, 640);
    }

    #[test]
    fn codecs_are_a_list_of_known_names_in_its_order() {
        let codecs = |query: &str| Wish::read(query).unwrap().codecs;
        assert_eq!(codecs("codec=av1%2Ch264"), [VideoCodec::Av1, VideoCodec::H264]);
        assert_eq!(codecs("codec=vp10, H265 ,,vp8"), [VideoCodec::Hevc, VideoCodec::Vp8]);
        assert_eq!(codecs("codec=h264&codec=vp9"), [VideoCodec::Vp9], "the last one counts");
        assert_eq!(codecs("codec=theora"), []);
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for query in ["width=x", "height=", "fps=6e1", "fps=-", "bitrate_kbps=5 000", "audio_ms=ten", "seed=-1"] {
            assert!(Wish::read(query).is_err(), "{query}");
        }
    }

    #[test]
    fn numbers_out_of_range_become_the_nearest() {
        let made = |query: &str| {
            let format = Wish::read(query).unwrap().format(DEFAULT);
            (format.width, format.height, format.fps, format.bitrate_kbps)
        };
        assert_eq!(made("fps=144&bitrate_kbps=8000"), (1280, 720, 120, 8000));
        assert_eq!(made("width=99999999999&height=1&fps=30").0, 1920);
        assert_eq!(made("height=4294967295&fps=-5"), (1920, 1080, 30, VideoFormat::usual_kbps(1920, 1080, 30)));
        assert_eq!(made("width=1366&height=767&bitrate_kbps=1"), (1366, 768, 60, 250));
        for (asked, millis) in [(0, 5), (7, 5), (8, 10), (14, 10), (16, 20), (60, 20)] {
            assert_eq!(Wish::read(&format!("audio_ms={asked}")).unwrap().audio_millis, Some(millis), "{asked}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_queries_never_panic(query in ".{0,200}") {
            if let Ok(wish) = Wish::read(&query) {
                let _ = wish.format(DEFAULT);
            }
        }
    }
}
