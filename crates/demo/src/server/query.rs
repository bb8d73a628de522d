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

fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<Option<T>, Problem> {
    value.parse().map(Some).map_err(|_| Problem::bad_request(format!("{name}={value:?} is not a number")))
}

impl Wish {
    /// Reads a query; unknown parameters are ignored.
    pub(super) fn read(query: &str) -> Result<Self, Problem> {
        let mut wish = Self::default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "width" => wish.width = number("width", &value)?,
                "height" => wish.height = number("height", &value)?,
                "fps" => wish.fps = number("fps", &value)?,
                "bitrate_kbps" => wish.bitrate_kbps = number("bitrate_kbps", &value)?,
                "seed" => wish.seed = number("seed", &value)?,
                "audio_ms" => {
                    let millis: Option<u32> = number("audio_ms", &value)?;
                    if !matches!(millis, Some(5 | 10 | 20)) {
                        return Err(Problem::bad_request("audio_ms is none of 5, 10, 20"));
                    }
                    wish.audio_millis = millis;
                }
                // Names that a later version may know are no mistake.
                "codec" => wish.codecs = value.split(',').filter_map(|name| name.trim().parse().ok()).collect(),
                "encoder" => wish.encoder = Some(value.into_owned()),
                "queue" => wish.ticket = Some(value.into_owned()),
                _ => {}
            }
        }
        Ok(wish)
    }

    /// The picture format; what is not asked for is the machine's default.
    pub(super) fn format(&self, default: VideoFormat) -> Result<VideoFormat, Problem> {
        let (width, height) = match (self.width, self.height) {
            (Some(width), Some(height)) => (width, height),
            (None, None) => (default.width, default.height),
            // One alone means 16:9.
            (Some(width), None) => (width, (width / 16).saturating_mul(9) & !1),
            (None, Some(height)) => ((height.saturating_mul(16) / 9) & !1, height),
        };
        let fps = self.fps.unwrap_or(default.fps);
        let mut format = VideoFormat { width, height, fps, bitrate_kbps: 1000 };
        format.check().map_err(Problem::bad_request)?;
        format.bitrate_kbps = self.bitrate_kbps.unwrap_or_else(|| VideoFormat::usual_kbps(width, height, fps));
        format.check().map_err(Problem::bad_request)?;
        Ok(format)
    }
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
        let format = wish.format(DEFAULT).unwrap();
        assert_eq!((format.width, format.height, format.fps), (1280, 720, 30));
        assert_eq!(Wish::read("height=360").unwrap().format(DEFAULT).unwrap().width, 640);
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
    fn nonsense_is_refused() {
        for query in ["width=x", "audio_ms=7", "fps=-1"] {
            assert!(Wish::read(query).is_err(), "{query}");
        }
        for query in ["width=99999&height=1", "width=4294967295", "height=4294967295", "fps=61", "bitrate_kbps=1"] {
            assert!(Wish::read(query).unwrap().format(DEFAULT).is_err(), "{query}");
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
