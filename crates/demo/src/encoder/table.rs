//! The encoders that are tried, in order of preference, with the options that gave no held frame.

use entente_model::media::VideoCodec;

/// How the picture is handed to an encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Three planes, what the games draw.
    I420,
    /// Luma and interleaved chroma in system memory.
    Nv12,
    /// NV12 uploaded to a VA-API surface.
    Vaapi,
}

/// One encoder of FFmpeg and how it is used.
#[derive(Debug)]
pub struct EncoderRow {
    /// FFmpeg's name.
    pub name: &'static str,
    /// What it makes.
    pub codec: VideoCodec,
    /// Runs on a GPU.
    pub hardware: bool,
    /// Takes a new bit rate while running; otherwise it is opened anew.
    pub live_rate: bool,
    /// Picture memory.
    pub layout: Layout,
    /// Threads for pictures above 1280x720; 1 below unless `threads_small` says otherwise.
    pub threads_large: usize,
    /// Threads for pictures up to 1280x720.
    pub threads_small: usize,
    /// FFmpeg options.
    pub options: &'static [(&'static str, &'static str)],
}

const fn hardware(
    name: &'static str,
    layout: Layout,
    live_rate: bool,
    options: &'static [(&'static str, &'static str)],
) -> EncoderRow {
    EncoderRow {
        name,
        codec: VideoCodec::H264,
        hardware: true,
        live_rate,
        layout,
        threads_large: 1,
        threads_small: 1,
        options,
    }
}

const fn software(
    name: &'static str,
    codec: VideoCodec,
    live_rate: bool,
    (threads_small, threads_large): (usize, usize),
    options: &'static [(&'static str, &'static str)],
) -> EncoderRow {
    EncoderRow { name, codec, hardware: false, live_rate, layout: Layout::I420, threads_large, threads_small, options }
}

/// Every encoder that may be used; within a codec the first that opens wins.
///
/// `max-intra-rate` is a must for libvpx: its buffer size does not limit key frames. FFmpeg 5.1 refuses a
/// `cpu-used` above 8 for libaom; through `aom-params` 10 is accepted and faster.
pub static ENCODERS: [EncoderRow; 9] = [
    hardware(
        "h264_nvenc",
        Layout::I420,
        true,
        &[("preset", "p1"), ("tune", "ull"), ("rc", "cbr"), ("zerolatency", "1"), ("delay", "0"), ("forced-idr", "1")],
    ),
    hardware("h264_videotoolbox", Layout::I420, false, &[("realtime", "1"), ("profile", "baseline")]),
    hardware(
        "h264_qsv",
        Layout::Nv12,
        false,
        &[("preset", "veryfast"), ("async_depth", "1"), ("forced_idr", "1"), ("look_ahead", "0")],
    ),
    hardware("h264_vaapi", Layout::Vaapi, false, &[("async_depth", "1"), ("profile", "constrained_baseline")]),
    software(
        "libx264",
        VideoCodec::H264,
        true,
        (1, 2),
        &[
            ("preset", "ultrafast"),
            ("tune", "zerolatency"),
            ("forced-idr", "1"),
            ("x264-params", "repeat-headers=1:annexb=1:scenecut=0"),
        ],
    ),
    software("libopenh264", VideoCodec::H264, false, (1, 1), &[("allow_skip_frames", "0"), ("rc_mode", "bitrate")]),
    software(
        "libvpx",
        VideoCodec::Vp8,
        false,
        (1, 2),
        &[
            ("deadline", "realtime"),
            ("cpu-used", "-16"),
            ("lag-in-frames", "0"),
            ("max-intra-rate", "300"),
            ("static-thresh", "100"),
            ("noise-sensitivity", "0"),
        ],
    ),
    software(
        "libvpx-vp9",
        VideoCodec::Vp9,
        false,
        (2, 2),
        &[
            ("deadline", "realtime"),
            ("cpu-used", "8"),
            ("lag-in-frames", "0"),
            ("row-mt", "1"),
            ("aq-mode", "3"),
            ("max-intra-rate", "300"),
            ("tile-columns", "1"),
        ],
    ),
    software(
        "libaom-av1",
        VideoCodec::Av1,
        false,
        (2, 2),
        &[
            ("usage", "realtime"),
            ("cpu-used", "8"),
            ("lag-in-frames", "0"),
            ("row-mt", "1"),
            ("aom-params", "cpu-used=10"),
        ],
    ),
];
