//! What an offer says: codecs, feedback, header extensions.

use entente_model::media::VideoCodec;
use rtc::interceptor::{ReceiverReportBuilder, Registry, Slot, TwccReceiverBuilder};
use rtc::peer_connection::configuration::interceptor_registry::configure_twcc_receiver_only;
use rtc::peer_connection::configuration::media_engine::MediaEngine;
use rtc::rtp_transceiver::rtp_sender::{
    RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters, RTCRtpHeaderExtensionCapability, RtpCodecKind,
};
use rtc::shared::error::Error;
use std::time::Duration;

use crate::strays::{StrayQueue, Strays};

/// First dynamic payload type (RFC 3551 section 6).
const FIRST_PAYLOAD_TYPE: u8 = 96;
/// What every browser uses for Opus.
pub(crate) const OPUS_PAYLOAD_TYPE: u8 = 111;
/// How often the host hears which packets arrived when. libwebrtc's receiver reports every 50 to 250 ms
/// (`RemoteEstimatorProxy`); the faster end lets a host's estimator react within a few frames.
const TWCC_INTERVAL: Duration = Duration::from_millis(50);
/// libwebrtc's interval for video receivers (RFC 3550 section 6.2 allows less than 5 s).
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

const PLAYOUT_DELAY_URI: &str = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay";
const ABS_SEND_TIME_URI: &str = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time";
pub(crate) const COLOR_SPACE_URI: &str = "http://www.webrtc.org/experiments/rtp-hdrext/color-space";
const MID_URI: &str = "urn:ietf:params:rtp-hdrext:sdes:mid";

/// Codec name and format parameters, best first: what every host can send before 10 bit and 4:4:4. Levels say what a
/// receiver takes at most; 5.2 covers 4K at 60 fps.
fn variants(codec: VideoCodec) -> &'static [(&'static str, &'static str)] {
    match codec {
        // RFC 6184 section 8.1: profile_idc, constraint flags, level_idc 0x34 = 5.2. Mode 1 first: mode 0 cannot
        // split a slice over packets.
        VideoCodec::H264 => &[
            ("video/H264", "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=640034"),
            ("video/H264", "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=4d0034"),
            ("video/H264", "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e034"),
            ("video/H264", "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=420034"),
            ("video/H264", "level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e034"),
            ("video/H264", "level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=420034"),
            // High 4:4:4 Predictive, which includes 10 bit.
            ("video/H264", "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=f40034"),
        ],
        // RFC 7798 section 7.1: level-id = 30 x level; Main, Main 10 and the range extensions (4:4:4).
        VideoCodec::Hevc => &[
            ("video/H265", "level-id=156;profile-id=1;tier-flag=0;tx-mode=SRST"),
            ("video/H265", "level-id=156;profile-id=2;tier-flag=0;tx-mode=SRST"),
            ("video/H265", "level-id=156;profile-id=4;tier-flag=0;tx-mode=SRST"),
        ],
        VideoCodec::Vp8 => &[("video/VP8", "")],
        // RFC 9628 section 6.1: 0 is 4:2:0 in 8 bit, 2 the same in 10 bit. (1 and 3, 4:4:4, find no room.)
        VideoCodec::Vp9 => &[("video/VP9", "profile-id=0"), ("video/VP9", "profile-id=2")],
        // AV1 RTP specification section 7.2.1: level-idx 13 = 5.1; Main has 10 bit in it, High has 4:4:4.
        VideoCodec::Av1 => {
            &[("video/AV1", "level-idx=13;profile=0;tier=0"), ("video/AV1", "level-idx=13;profile=1;tier=0")]
        }
    }
}

fn feedback(kind: &str, parameter: &str) -> RTCPFeedback {
    RTCPFeedback { typ: kind.to_owned(), parameter: parameter.to_owned() }
}

/// Registers `codecs` in this order, each with its retransmissions, and Opus.
pub(crate) fn media_engine(codecs: &[VideoCodec]) -> Result<MediaEngine, Error> {
    let mut engine = MediaEngine::default();
    let mut next = FIRST_PAYLOAD_TYPE;
    let mut number = || {
        let payload_type = next;
        next += if next + 1 == OPUS_PAYLOAD_TYPE { 2 } else { 1 };
        payload_type
    };
    let mut offered: Vec<VideoCodec> = Vec::new();
    for codec in codecs {
        if offered.contains(codec) {
            continue;
        }
        offered.push(*codec);
        for (mime_type, parameters) in variants(*codec) {
            let payload_type = number();
            let rtp_codec = RTCRtpCodec {
                mime_type: (*mime_type).to_owned(),
                clock_rate: 90_000,
                channels: 0,
                sdp_fmtp_line: (*parameters).to_owned(),
                rtcp_feedback: vec![feedback("ccm", "fir"), feedback("nack", ""), feedback("nack", "pli")],
            };
            engine.register_codec(RTCRtpCodecParameters { rtp_codec, payload_type }, RtpCodecKind::Video)?;
            let rtx = RTCRtpCodec {
                mime_type: "video/rtx".to_owned(),
                clock_rate: 90_000,
                channels: 0,
                sdp_fmtp_line: format!("apt={payload_type}"),
                rtcp_feedback: Vec::new(),
            };
            let payload_type = number();
            engine.register_codec(RTCRtpCodecParameters { rtp_codec: rtx, payload_type }, RtpCodecKind::Video)?;
        }
    }
    // Without `stereo=1` a host sends mono (RFC 7587 section 6.1).
    let opus = RTCRtpCodec {
        mime_type: "audio/opus".to_owned(),
        clock_rate: 48_000,
        channels: 2,
        sdp_fmtp_line: "minptime=10;stereo=1;useinbandfec=1".to_owned(),
        rtcp_feedback: Vec::new(),
    };
    let opus = RTCRtpCodecParameters { rtp_codec: opus, payload_type: OPUS_PAYLOAD_TYPE };
    engine.register_codec(opus, RtpCodecKind::Audio)?;
    for (uri, kinds) in [
        (MID_URI, &[RtpCodecKind::Video, RtpCodecKind::Audio][..]),
        (ABS_SEND_TIME_URI, &[RtpCodecKind::Video, RtpCodecKind::Audio][..]),
        (PLAYOUT_DELAY_URI, &[RtpCodecKind::Video][..]),
        (COLOR_SPACE_URI, &[RtpCodecKind::Video][..]),
    ] {
        for kind in kinds {
            let extension = RTCRtpHeaderExtensionCapability { uri: uri.to_owned() };
            engine.register_header_extension(extension, *kind, None)?;
        }
    }
    Ok(engine)
}

/// Reports and transport-wide feedback, and what catches undeclared sources; no NACK generator (the receiver asks itself),
/// nothing for sending media.
pub(crate) fn interceptors(engine: &mut MediaEngine, caught: StrayQueue) -> Result<Registry, Error> {
    let registry = configure_twcc_receiver_only(Registry::new(), engine)?;
    let feedback = TwccReceiverBuilder::new().with_interval(TWCC_INTERVAL).build();
    let reports = ReceiverReportBuilder::new().with_interval(REPORT_INTERVAL).build();
    Ok(registry.with(Slot::TwccReceiver, Strays::new(caught, feedback, reports)))
}
