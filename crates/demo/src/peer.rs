//! One WebRTC connection of a session: built for exactly the codec that was chosen, answered without trickle.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use entente_model::media::VideoCodec;
use entente_model::wire::{CONTROL_CHANNEL, INPUT_CHANNEL};
use rtc::ice::mdns::MulticastDnsMode;
use rtc::interceptor::{
    CongestionControlBuilder, NackResponderBuilder, ReceiverReportBuilder, Registry, SenderReportBuilder, Slot,
    TwccSenderBuilder,
};
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::configuration::RTCConfigurationBuilder;
use rtc::peer_connection::configuration::media_engine::MediaEngine;
use rtc::peer_connection::configuration::setting_engine::{SettingEngine, SettingEngineBuilder};
use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::peer_connection::transport::{RTCDtlsRole, RTCIceCandidateInit};
use rtc::rtp_transceiver::rtp_sender::{
    RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters, RTCRtpEncodingParameters,
    RTCRtpHeaderExtensionCapability, RtpCodecKind,
};
use tokio::sync::{Notify, mpsc, watch};
use webrtc::data_channel::DataChannel;
use webrtc::error::Error;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCIceGatheringState, RTCPeerConnectionState,
};
use webrtc::rtp_transceiver::RtpSender;

use crate::payload::{PAYLOAD, RtpStream};
use crate::rtcp::{Estimator, Feedback, RtcpTap};
use crate::sdp::{self, Offered};

const TRANSPORT_CC: &str = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
const PLAYOUT_DELAY: &str = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay";
/// Longest wait for local candidates.
const GATHERING: Duration = Duration::from_millis(1500);
/// Check interval of ICE: the default of 200 ms delays the first picture.
const ICE_INTERVAL: Duration = Duration::from_millis(25);
/// Silence after which a client seems to be gone, and further silence after which it is: 10 s together, as long as
/// Entente tries to come back.
const ICE_DISCONNECTED: Duration = Duration::from_secs(5);
const ICE_FAILED: Duration = Duration::from_secs(5);
/// Checks before a pair fails; with the interval above 1.4 s.
const ICE_CHECKS: u16 = 56;

/// Bytes of control messages that a client has not acknowledged yet; what comes beyond is dropped, so that one that
/// asks and never takes the answers (a flood of pings) costs no memory.
const SEND_BUFFER: usize = 64 * 1024;
/// Channels that are not part of the protocol; a client that opens more of them means no good.
const MAX_OTHERS: usize = 32;
/// Restarts whose old credentials are still known: a fragment that is later than these is not worth a thought.
const FORMER: usize = 16;

/// What ICE credentials of a client are to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    /// Those that it uses.
    Present,
    /// Those of before a restart.
    Former,
    /// They ask for a restart.
    New,
}

/// How a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PeerState {
    /// Not connected yet.
    New,
    /// Media may flow.
    Connected,
    /// It will not come back.
    Lost,
}

/// A channel of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channel {
    Input,
    Control,
}

/// News of a connection for its session.
pub(crate) struct News {
    pub(crate) state: watch::Receiver<PeerState>,
    /// The channels of the protocol as the client opens them, each once.
    pub(crate) channels: mpsc::Receiver<(Channel, Arc<dyn DataChannel>)>,
}

struct Handler {
    state: watch::Sender<PeerState>,
    /// Has room for one of each, which is all that is ever sent.
    channels: mpsc::Sender<(Channel, Arc<dyn DataChannel>)>,
    input: AtomicBool,
    control: AtomicBool,
    /// Channels that are none of the protocol's.
    others: AtomicUsize,
    gathered: Arc<Notify>,
}

impl Handler {
    fn new(gathered: Arc<Notify>) -> (Self, News) {
        let (state, state_news) = watch::channel(PeerState::New);
        let (channels, channel_news) = mpsc::channel(2);
        let handler = Self {
            state,
            channels,
            input: AtomicBool::new(false),
            control: AtomicBool::new(false),
            others: AtomicUsize::new(0),
            gathered,
        };
        (handler, News { state: state_news, channels: channel_news })
    }

    /// Lost is for ever.
    fn stands(&self, state: PeerState) {
        self.state.send_if_modified(|now| {
            let news = *now != PeerState::Lost && *now != state;
            if news {
                *now = state;
            }
            news
        });
    }

    /// What a channel of that label is for; `None` when it is for nothing, or there is one already.
    fn purpose(&self, label: Option<&str>) -> Option<Channel> {
        let (purpose, taken) = match label? {
            INPUT_CHANNEL => (Channel::Input, &self.input),
            CONTROL_CHANNEL => (Channel::Control, &self.control),
            _ => return None,
        };
        (!taken.swap(true, Ordering::Relaxed)).then_some(purpose)
    }
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.gathered.notify_one();
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        match state {
            RTCPeerConnectionState::Connected => self.stands(PeerState::Connected),
            RTCPeerConnectionState::Failed | RTCPeerConnectionState::Closed => self.stands(PeerState::Lost),
            _ => {}
        }
    }

    // Runs on the connection's driver, so nothing here waits for the session.
    async fn on_data_channel(&self, channel: Arc<dyn DataChannel>) {
        let label = channel.label().await.ok();
        if let Some(purpose) = self.purpose(label.as_deref()) {
            let _ = self.channels.try_send((purpose, channel));
            return;
        }
        tracing::debug!(?label, "channel is not part of the protocol");
        if self.others.fetch_add(1, Ordering::Relaxed) < MAX_OTHERS {
            // Not here: closing may wait for the driver.
            tokio::spawn(async move {
                let _ = channel.close().await;
            });
        } else {
            self.stands(PeerState::Lost);
        }
    }
}

/// What is sent, as negotiated.
pub(crate) struct Sending {
    pub(crate) track: Arc<TrackLocalStaticRTP>,
    pub(crate) stream: RtpStream,
}

/// A connection that is closed when it is dropped: otherwise its driver would go on, and hold its sockets.
pub(crate) struct Connection {
    inner: Arc<dyn PeerConnection>,
    open: bool,
}

impl Connection {
    /// Closes it and waits for that.
    pub(crate) async fn close(&mut self) {
        let _ = self.inner.close().await;
        // Only now: a wait that was cut short is made up for by `drop`.
        self.open = false;
    }
}

impl std::ops::Deref for Connection {
    type Target = Arc<dyn PeerConnection>;

    fn deref(&self) -> &Self::Target {
        &self.inner
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.open
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let inner = Arc::clone(&self.inner);
            runtime.spawn(async move {
                let _ = inner.close().await;
            });
        }
    }
}

/// A connection that has answered its offer.
pub(crate) struct Peer {
    pub(crate) connection: Connection,
    pub(crate) offer: String,
    pub(crate) answer: String,
    gathered: Arc<Notify>,
    /// ICE credentials of the client before restarts, newest last.
    former: VecDeque<String>,
    /// Restarts so far.
    restarts: u32,
}

/// What a connection is made from.
pub(crate) struct Plan {
    pub(crate) offer: String,
    pub(crate) video: (VideoCodec, Offered),
    pub(crate) audio: Option<Offered>,
    pub(crate) listen: IpAddr,
    /// Random bits for stream identifiers.
    pub(crate) seed: [u8; 16],
}

/// A peer with its two streams; sound is absent when the client did not offer Opus.
pub(crate) struct Answered {
    pub(crate) peer: Peer,
    pub(crate) news: News,
    pub(crate) video: Sending,
    pub(crate) audio: Option<Sending>,
}

fn codec_of(codec: VideoCodec, offered: &Offered) -> RTCRtpCodec {
    let mime_type = match codec {
        VideoCodec::H264 => "video/H264",
        VideoCodec::Hevc => "video/H265",
        VideoCodec::Vp8 => "video/VP8",
        VideoCodec::Vp9 => "video/VP9",
        VideoCodec::Av1 => "video/AV1",
    };
    let kinds = [("goog-remb", ""), ("transport-cc", ""), ("ccm", "fir"), ("nack", ""), ("nack", "pli")];
    RTCRtpCodec {
        mime_type: mime_type.to_owned(),
        clock_rate: 90_000,
        channels: 0,
        sdp_fmtp_line: offered.fmtp.clone(),
        rtcp_feedback: kinds
            .iter()
            .map(|(typ, parameter)| RTCPFeedback { typ: (*typ).to_owned(), parameter: (*parameter).to_owned() })
            .collect(),
    }
}

fn opus(offered: &Offered) -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type: "audio/opus".to_owned(),
        clock_rate: 48_000,
        channels: 2,
        // The client's own parameters match by definition.
        sdp_fmtp_line: offered.fmtp.clone(),
        rtcp_feedback: vec![RTCPFeedback { typ: "transport-cc".to_owned(), parameter: String::new() }],
    }
}

fn media_engine(plan: &Plan) -> Result<MediaEngine, Error> {
    let mut engine = MediaEngine::default();
    let (codec, offered) = &plan.video;
    let parameters = RTCRtpCodecParameters { rtp_codec: codec_of(*codec, offered), payload_type: offered.payload_type };
    engine.register_codec(parameters, RtpCodecKind::Video)?;
    if let Some(rtx) = offered.rtx {
        let rtp_codec = RTCRtpCodec {
            mime_type: "video/rtx".to_owned(),
            clock_rate: 90_000,
            channels: 0,
            sdp_fmtp_line: format!("apt={}", offered.payload_type),
            rtcp_feedback: Vec::new(),
        };
        engine.register_codec(RTCRtpCodecParameters { rtp_codec, payload_type: rtx }, RtpCodecKind::Video)?;
    }
    if let Some(audio) = &plan.audio {
        let parameters = RTCRtpCodecParameters { rtp_codec: opus(audio), payload_type: audio.payload_type };
        engine.register_codec(parameters, RtpCodecKind::Audio)?;
    }
    for (uri, kind) in
        [(TRANSPORT_CC, RtpCodecKind::Video), (TRANSPORT_CC, RtpCodecKind::Audio), (PLAYOUT_DELAY, RtpCodecKind::Video)]
    {
        let capability = RTCRtpHeaderExtensionCapability { uri: uri.to_owned() };
        engine.register_header_extension(capability, kind, None)?;
    }
    Ok(engine)
}

/// UDP addresses for media: the interface of the HTTP listener; with a wildcard every interface and loopback.
fn media_addresses(listen: IpAddr) -> Vec<SocketAddr> {
    let mut addresses = vec![SocketAddr::new(listen, 0)];
    if listen.is_unspecified() {
        let loopback: IpAddr =
            if listen.is_ipv4() { [127, 0, 0, 1].into() } else { std::net::Ipv6Addr::LOCALHOST.into() };
        addresses.push(SocketAddr::new(loopback, 0));
    }
    addresses
}

/// Packets that are kept for retransmission: half a second of the highest rate (a later wish for more does not change
/// it), and half as many again, because frames do not fill their last packet. A power of two.
fn kept_packets(ceiling_bits: u64) -> u16 {
    let packets = ceiling_bits / 8 / PAYLOAD as u64 / 2;
    u16::try_from((packets + packets / 2).next_power_of_two()).unwrap_or(u16::MAX).clamp(1024, 8192)
}

/// What handles packets on their way, from the wire inwards.
fn registry(feedback: Arc<Feedback>, ceiling_bits: u64) -> Registry {
    Registry::new()
        .with(Slot::CongestionControl, CongestionControlBuilder::new(Estimator::new(Arc::clone(&feedback))).build())
        .with(Slot::from(1500), RtcpTap::new(feedback))
        .with(Slot::TwccSender, TwccSenderBuilder::new().build())
        .with(Slot::NackResponder, NackResponderBuilder::new().with_size(kept_packets(ceiling_bits)).build())
        .with(Slot::ReceiverReport, ReceiverReportBuilder::new().build())
        .with(Slot::SenderReport, SenderReportBuilder::new().build())
}

fn settings() -> SettingEngine {
    SettingEngineBuilder::new()
        .with_include_loopback_candidate(true)
        // As DTLS client the crate's first hello would wait for its next tick.
        .with_answering_dtls_role(RTCDtlsRole::Server)
        .with_ice_connection_attempts(Some(ICE_INTERVAL), Some(ICE_CHECKS))
        .with_ice_timeouts(Some(ICE_DISCONNECTED), Some(ICE_FAILED), None)
        .with_prflx_acceptance_min_wait(Some(Duration::from_millis(50)))
        .with_multicast_dns_mode(MulticastDnsMode::Disabled)
        .build()
}

/// Builds a connection, answers the offer and collects candidates. Who stops waiting leaves nothing behind.
pub(crate) async fn answer(plan: Plan, feedback: Arc<Feedback>, ceiling_bits: u64) -> Result<Answered, Error> {
    // A task of its own: a building that is cut short in the middle would leave its driver running.
    let answering = tokio::spawn(negotiate(plan, feedback, ceiling_bits));
    answering.await.unwrap_or_else(|error| Err(Error::Other(error.to_string())))
}

async fn negotiate(plan: Plan, feedback: Arc<Feedback>, ceiling_bits: u64) -> Result<Answered, Error> {
    let offer = RTCSessionDescription::offer(plan.offer.clone())?;
    let gathered = Arc::new(Notify::new());
    let (handler, news) = Handler::new(Arc::clone(&gathered));
    let built = PeerConnectionBuilder::new()
        .with_configuration(RTCConfigurationBuilder::new().build())
        .with_media_engine(media_engine(&plan)?)
        .with_interceptor_registry(registry(feedback, ceiling_bits))
        .with_setting_engine(settings())
        .with_handler(Arc::new(handler))
        .with_udp_addrs(media_addresses(plan.listen))
        .with_data_channel_send_buffer_limit(SEND_BUFFER)
        .build()
        .await?;
    let connection = Connection { inner: Arc::new(built), open: true };
    // Tracks come after the offer: before it, extension ids would differ from the negotiated ones.
    connection.set_remote_description(offer).await?;
    let [s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, sa, sb, ..] = plan.seed;
    let (codec, offered) = &plan.video;
    let (video_track, video_sender) =
        add(&**connection, RtpCodecKind::Video, codec_of(*codec, offered), u32::from_be_bytes([s0, s1, s2, s3]))
            .await?;
    let audio = match &plan.audio {
        Some(audio) => {
            let ssrc = u32::from_be_bytes([s4, s5, s6, s7]);
            Some(add(&**connection, RtpCodecKind::Audio, opus(audio), ssrc).await?)
        }
        None => None,
    };
    let answer = connection.create_answer(None).await?;
    connection.set_local_description(answer).await?;
    let answer = gathered_answer(&connection, &gathered).await?;
    let first_timestamp = u32::from_be_bytes([s8, s9, sa, sb]);
    let video = sending(video_track, &*video_sender, u32::from_be_bytes([s0, s1, s2, s3]), first_timestamp).await?;
    let audio = match audio {
        Some((track, sender)) => {
            let ssrc = u32::from_be_bytes([s4, s5, s6, s7]);
            Some(sending(track, &*sender, ssrc, first_timestamp.rotate_left(7)).await?)
        }
        None => None,
    };
    let peer = Peer { connection, offer: plan.offer, answer, gathered, former: VecDeque::new(), restarts: 0 };
    Ok(Answered { peer, news, video, audio })
}

async fn add(
    connection: &dyn PeerConnection,
    kind: RtpCodecKind,
    codec: RTCRtpCodec,
    ssrc: u32,
) -> Result<(Arc<TrackLocalStaticRTP>, Arc<dyn RtpSender>), Error> {
    let coding = RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters { ssrc: Some(ssrc), ..RTCRtpCodingParameters::default() },
        codec,
        ..RTCRtpEncodingParameters::default()
    };
    // One stream id for both tracks: the client synchronises what belongs together.
    let id = if kind == RtpCodecKind::Video { "picture" } else { "sound" };
    let media = MediaStreamTrack::new("game".to_owned(), id.to_owned(), id.to_owned(), kind, vec![coding]);
    let track = Arc::new(TrackLocalStaticRTP::new(media));
    let sender = connection.add_track(Arc::clone(&track) as Arc<dyn TrackLocal>).await?;
    Ok((track, sender))
}

async fn sending(
    track: Arc<TrackLocalStaticRTP>,
    sender: &dyn RtpSender,
    ssrc: u32,
    first_timestamp: u32,
) -> Result<Sending, Error> {
    let parameters = sender.get_parameters().await?.rtp_parameters;
    let codec = parameters.codecs.iter().find(|codec| !codec.rtp_codec.mime_type.ends_with("/rtx"));
    let payload_type = codec.map(|codec| codec.payload_type).ok_or(Error::ErrCodecNotFound)?;
    let playout = parameters.header_extensions.iter().find(|extension| extension.uri == PLAYOUT_DELAY);
    let playout_delay = playout.and_then(|extension| u8::try_from(extension.id).ok());
    // A low first sequence number keeps the first wrap, where receivers err most, away from the start.
    let sequence = u16::from_be_bytes([(ssrc >> 24) as u8, ssrc as u8]) & 0x3fff;
    Ok(Sending { track, stream: RtpStream { ssrc, payload_type, sequence, first_timestamp, playout_delay } })
}

async fn gathered_answer(connection: &Connection, gathered: &Notify) -> Result<String, Error> {
    // When it takes longer the answer goes out with what there is.
    let _ = tokio::time::timeout(GATHERING, gathered.notified()).await;
    let description = connection.local_description().await.ok_or(Error::ErrConnectionClosed)?;
    Ok(sdp::tidy_answer(&description.sdp))
}

impl Peer {
    /// Names the present state of ICE: another one after each restart (RFC 9725 section 4.3.2).
    pub(crate) fn etag(&self) -> String {
        format!("\"{}\"", self.restarts)
    }

    /// What the credentials of a fragment mean here.
    pub(crate) fn relation(&self, ufrag: &str) -> Relation {
        if self.former.iter().any(|former| former == ufrag) {
            Relation::Former
        } else if sdp::read_offer(&self.offer).ufrag.as_deref() == Some(ufrag) {
            Relation::Present
        } else {
            Relation::New
        }
    }

    /// Takes candidates of the client.
    pub(crate) async fn add_candidates(&self, fragment: &sdp::Fragment) -> usize {
        let mut taken = 0;
        for (mid, candidate) in &fragment.candidates {
            let init = RTCIceCandidateInit {
                candidate: candidate.clone(),
                sdp_mid: Some(mid.clone().unwrap_or_else(|| "0".to_owned())),
                sdp_mline_index: None,
                username_fragment: fragment.ufrag.clone(),
                url: None,
            };
            match self.connection.add_ice_candidate(init).await {
                Ok(()) => taken += 1,
                // Browsers trickle names and kinds which this host cannot use; that is no reason to fail.
                Err(error) => tracing::debug!(%error, "candidate not used"),
            }
        }
        taken
    }

    /// Restarts ICE with the client's new credentials; the answer's fragment.
    pub(crate) async fn restart(&mut self, fragment: &sdp::Fragment) -> Result<String, Error> {
        let (Some(ufrag), Some(password)) = (&fragment.ufrag, &fragment.password) else {
            return Err(Error::Other("no credentials".to_owned()));
        };
        let offer = sdp::with_credentials(&self.offer, ufrag, password);
        self.connection.set_remote_description(RTCSessionDescription::offer(offer.clone())?).await?;
        let answer = self.connection.create_answer(None).await?;
        self.connection.set_local_description(answer).await?;
        self.add_candidates(fragment).await;
        self.answer = gathered_answer(&self.connection, &self.gathered).await?;
        self.former.extend(sdp::read_offer(&self.offer).ufrag);
        if self.former.len() > FORMER {
            self.former.pop_front();
        }
        self.restarts = self.restarts.wrapping_add(1);
        self.offer = offer;
        Ok(sdp::answer_fragment(&self.answer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
        a=fingerprint:sha-256 AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:\
        77:88:99\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=setup:actpass\r\na=recvonly\r\n\
        a=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\n";

    fn plan(offer: &str) -> Plan {
        let [(codec, offered)] = sdp::video_choices(&sdp::read_offer(offer)).try_into().unwrap();
        let listen = [127, 0, 0, 1].into();
        Plan { offer: offer.to_owned(), video: (codec, offered), audio: None, listen, seed: [7; 16] }
    }

    async fn answered(offer: &str) -> Result<Answered, Error> {
        answer(plan(offer), Arc::new(Feedback::new(1_000_000, false)), 1_000_000).await
    }

    #[test]
    fn half_a_second_of_packets_is_kept() {
        let kept = |mbits: u64| kept_packets(mbits * 1_000_000);
        assert_eq!((kept(1), kept(8), kept(20), kept(50), kept(100)), (1024, 1024, 2048, 4096, 8192));
    }

    #[test]
    fn refused_and_abandoned_offers_leave_nothing_running() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            let refused = OFFER.replace("a=fingerprint:sha-256", "a=print");
            for _ in 0..4 {
                assert!(answered(&refused).await.is_err());
            }
            // Given up at every stage, the last one being after the answer.
            for micros in [0, 100, 500, 2000, 2_000_000] {
                let _ = tokio::time::timeout(Duration::from_micros(micros), answered(OFFER)).await;
            }
            let metrics = tokio::runtime::Handle::current().metrics();
            let empty = async {
                while metrics.num_alive_tasks() > 0 {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            };
            let ended = tokio::time::timeout(Duration::from_secs(5), empty).await;
            assert!(ended.is_ok(), "{} tasks still run", metrics.num_alive_tasks());
        });
    }
}
