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
    codec: VideoCodec,
    layout: Layout,
    live_rate: bool,
    options: &'static [(&'static str, &'static str)],
) -> EncoderRow {
    EncoderRow { name, codec, hardware: true, live_rate, layout, threads_large: 1, threads_small: 1, options }
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

/// Options of NVENC, whatever the codec.
const NVENC: &[(&str, &str)] =
    &[("preset", "p1"), ("tune", "ull"), ("rc", "cbr"), ("zerolatency", "1"), ("delay", "0"), ("forced-idr", "1")];
/// Options of AMD's encoders; parameter sets come with each IDR.
const AMF: &[(&str, &str)] = &[
    ("usage", "ultralowlatency"),
    ("quality", "speed"),
    ("rc", "cbr"),
    ("forced_idr", "1"),
    ("header_insertion_mode", "idr"),
];
/// Options of Quick Sync.
const QSV: &[(&str, &str)] = &[("preset", "veryfast"), ("async_depth", "1"), ("forced_idr", "1"), ("look_ahead", "0")];
/// Options of Media Foundation.
const MF: &[(&str, &str)] = &[("rate_control", "ld_vbr"), ("scenario", "display_remoting"), ("hw_encoding", "1")];

/// Every encoder that may be used; within a codec the first that opens wins.
///
/// `max-intra-rate` is a must for libvpx: its buffer size does not limit key frames. FFmpeg 5.1 refuses a
/// `cpu-used` above 8 for libaom; through `aom-params` 10 is accepted and faster.
pub static ENCODERS: [EncoderRow; 18] = [
    hardware("h264_nvenc", VideoCodec::H264, Layout::I420, true, NVENC),
    hardware("h264_videotoolbox", VideoCodec::H264, Layout::I420, false, &[("realtime", "1"), ("profile", "baseline")]),
    hardware("h264_amf", VideoCodec::H264, Layout::Nv12, false, AMF),
    hardware("h264_qsv", VideoCodec::H264, Layout::Nv12, false, QSV),
    hardware(
        "h264_vaapi",
        VideoCodec::H264,
        Layout::Vaapi,
        false,
        &[("async_depth", "1"), ("profile", "constrained_baseline")],
    ),
    // After the makers' own ways: it may hand the work to any of them, with less control.
    hardware("h264_mf", VideoCodec::H264, Layout::Nv12, false, MF),
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
    hardware("hevc_nvenc", VideoCodec::Hevc, Layout::I420, true, NVENC),
    hardware("hevc_videotoolbox", VideoCodec::Hevc, Layout::I420, false, &[("realtime", "1"), ("profile", "main")]),
    hardware("hevc_amf", VideoCodec::Hevc, Layout::Nv12, false, AMF),
    hardware("hevc_qsv", VideoCodec::Hevc, Layout::Nv12, false, QSV),
    hardware("hevc_vaapi", VideoCodec::Hevc, Layout::Vaapi, false, &[("async_depth", "1"), ("profile", "main")]),
    hardware("hevc_mf", VideoCodec::Hevc, Layout::Nv12, false, MF),
    software(
        "libx265",
        VideoCodec::Hevc,
        false,
        (1, 1),
        &[
            ("preset", "ultrafast"),
            ("tune", "zerolatency"),
            ("forced-idr", "1"),
            // It takes its threads from here alone.
            ("x265-params", "repeat-headers=1:annexb=1:scenecut=0:bframes=0:frame-threads=1:pools=2:log-level=none"),
        ],
    ),
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
