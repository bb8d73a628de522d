//! One WebRTC peer connection that receives, without IO.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use entente_model::link::SocketId;
use entente_model::media::{AudioPacket, EncodedFrame, VideoCodec};
use entente_rtp::ReceiverStats;
use rtc::data_channel::{RTCDataChannelId, RTCDataChannelInit};
use rtc::ice::mdns::MulticastDnsMode;
use rtc::peer_connection::configuration::RTCConfigurationBuilder;
use rtc::peer_connection::configuration::setting_engine::{SettingEngine, SettingEngineBuilder};
use rtc::peer_connection::event::{RTCDataChannelEvent, RTCPeerConnectionEvent};
use rtc::peer_connection::message::RTCMessage;
use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::peer_connection::state::{RTCIceConnectionState, RTCPeerConnectionState};
use rtc::peer_connection::transport::RTCIceCandidateInit;
use rtc::peer_connection::{RTCPeerConnection, RTCPeerConnectionBuilder};
use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
use rtc::rtp_transceiver::{RTCRtpReceiverId, RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use rtc::sansio::Protocol;
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};
use rtc::statistics::StatsSelector;

use crate::alerts::{ending_alert, in_words, is_about_garbage};
use crate::codecs;
use crate::control::for_people;
use crate::media::{Media, MediaCounts, ToHost};
use crate::sdp::{Answer, SdpError, one_component};
use crate::strays::StrayQueue;

/// Between two checks of a candidate pair. `rtc`'s 200 ms lets a controlling agent nominate late; libwebrtc checks
/// every 20 ms (RFC 8445 section 14.2 allows 5 ms).
const CHECK_INTERVAL: Duration = Duration::from_millis(25);
/// Checks of a pair before it counts as failed: 5 s, so that a host that is slow to apply our offer is still found.
const CHECKS: u16 = 200;
/// A candidate pair that is not direct waits for a better one this long.
const REFLEXIVE_WAIT: Duration = Duration::from_millis(100);
const RELAY_WAIT: Duration = Duration::from_millis(300);
/// Our keep-alive is also what measures the round trip without a control channel.
const KEEPALIVE: Duration = Duration::from_secs(1);
const ICE_DISCONNECTED: Duration = Duration::from_secs(5);
const ICE_FAILED: Duration = Duration::from_secs(25);
/// Packets; retransmissions outside RTX must not look like replays at 100 Mbit/s (11 packets each ms).
const REPLAY_WINDOW: usize = 4096;
/// DTLS records that may wait for ICE.
const EARLY_DTLS: usize = 4;
/// Data that may wait in SCTP on a lossy channel before newer data is held back by the caller.
const LOSSY_BACKLOG: usize = 16 * 1024;
/// Data that may wait in SCTP on a reliable channel.
const RELIABLE_BACKLOG: usize = 256 * 1024;

/// A data channel that we open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelSpec {
    /// Its label.
    pub label: &'static str,
    /// Ordered and reliable, or unordered and never retransmitted.
    pub reliable: bool,
}

/// What to make a peer connection of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerConfig {
    /// Video codecs to offer, best first.
    pub codecs: Vec<VideoCodec>,
    /// Data channels to open; events name them by their place here.
    pub channels: Vec<ChannelSpec>,
    /// Source number in our RTCP.
    pub rtcp_ssrc: u32,
}

/// Why a peer connection cannot be made or go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeerError {
    /// The answer cannot be used.
    #[error(transparent)]
    Sdp(#[from] SdpError),
    /// `rtc` refused; for an answer this means that the answer is wrong.
    #[error("{0}")]
    Refused(String),
}

impl From<rtc::shared::error::Error> for PeerError {
    fn from(error: rtc::shared::error::Error) -> Self {
        // It may quote the host's description.
        Self::Refused(for_people(&error.to_string()))
    }
}

/// News from a peer connection.
#[derive(Debug)]
pub enum PeerEvent {
    /// Send a datagram.
    Datagram {
        /// From which socket.
        socket: SocketId,
        /// To whom.
        to: SocketAddr,
        /// Contents.
        bytes: Bytes,
    },
    /// A path was found (ICE).
    PathFound,
    /// The path is silent or failed (ICE).
    PathLost,
    /// Keys are agreed on (DTLS); media and data may flow.
    Secured,
    /// The connection failed for good.
    Failed,
    /// Keys will not be agreed on (DTLS); why, for people.
    Refused(String),
    /// A data channel is open, by its place in [`PeerConfig::channels`].
    ChannelOpen(usize),
    /// A data channel was closed.
    ChannelClosed(usize),
    /// A message came.
    Message {
        /// On which channel.
        channel: usize,
        /// Contents.
        bytes: Bytes,
    },
    /// A whole frame.
    Video(EncodedFrame),
    /// An audio packet.
    Audio(AudioPacket),
    /// A key frame is needed, and the host agreed to no RTCP that asks for one.
    KeyframeWanted,
}

#[derive(Debug)]
struct Socket {
    id: SocketId,
    local: SocketAddr,
}

struct EarlyDatagram {
    local: SocketAddr,
    from: SocketAddr,
    bytes: BytesMut,
}

/// A peer connection that receives video and audio and opens data channels. It makes the offer.
///
/// Order of calls: [`Peer::new`], [`Peer::add_socket`] for each socket, [`Peer::offer`], [`Peer::answer`]; then
/// [`Peer::receive`], [`Peer::tick`] and the rest as things happen. After every call [`Peer::poll`] until `None`.
pub struct Peer {
    connection: RTCPeerConnection,
    sockets: Vec<Socket>,
    channels: Vec<(RTCDataChannelId, ChannelSpec, bool)>,
    receiver: Option<RTCRtpReceiverId>,
    media: Media,
    strays: StrayQueue,
    out: VecDeque<PeerEvent>,
    early: VecDeque<EarlyDatagram>,
    offer: String,
    answer: Option<Answer>,
    path: bool,
    secured: bool,
    /// An alert ended the handshake.
    refused: bool,
    closed: bool,
    malformed: u64,
    last_tick: Option<Instant>,
}

impl std::fmt::Debug for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Peer").field("path", &self.path).field("secured", &self.secured).finish_non_exhaustive()
    }
}

fn settings() -> SettingEngine {
    SettingEngineBuilder::new()
        .with_ice_connection_attempts(Some(CHECK_INTERVAL), Some(CHECKS))
        .with_ice_timeouts(Some(ICE_DISCONNECTED), Some(ICE_FAILED), Some(KEEPALIVE))
        .with_host_acceptance_min_wait(Some(Duration::ZERO))
        .with_srflx_acceptance_min_wait(Some(REFLEXIVE_WAIT))
        .with_prflx_acceptance_min_wait(Some(REFLEXIVE_WAIT))
        .with_relay_acceptance_min_wait(Some(RELAY_WAIT))
        .with_multicast_dns_mode(MulticastDnsMode::Disabled)
        .with_include_loopback_candidate(true)
        .with_srtp_replay_protection_window(REPLAY_WINDOW)
        .with_srtcp_replay_protection_window(REPLAY_WINDOW)
        .build()
}

impl Peer {
    /// A peer connection that knows nobody yet.
    ///
    /// # Errors
    /// When `rtc` cannot make it, which is a fault of the configuration.
    pub fn new(config: &PeerConfig, now: Instant) -> Result<Self, PeerError> {
        let strays = StrayQueue::default();
        let mut engine = codecs::media_engine(&config.codecs)?;
        let registry = codecs::interceptors(&mut engine, strays.clone())?;
        let mut connection = RTCPeerConnectionBuilder::new()
            .with_configuration(RTCConfigurationBuilder::new().build())
            .with_setting_engine(settings())
            .with_media_engine(engine)
            .with_interceptor_registry(registry)
            .build(now)?;
        for kind in [RtpCodecKind::Video, RtpCodecKind::Audio] {
            let init = RTCRtpTransceiverInit {
                direction: RTCRtpTransceiverDirection::Recvonly,
                streams: Vec::new(),
                send_encodings: Vec::new(),
            };
            connection.add_transceiver_from_kind(kind, Some(init))?;
        }
        let mut channels = Vec::new();
        for spec in &config.channels {
            let init = RTCDataChannelInit {
                ordered: spec.reliable,
                max_retransmits: (!spec.reliable).then_some(0),
                ..RTCDataChannelInit::default()
            };
            let id = connection.create_data_channel(spec.label, Some(init))?.id();
            channels.push((id, spec.clone(), false));
        }
        let receiver = connection.get_receivers().next();
        Ok(Self {
            connection,
            sockets: Vec::new(),
            channels,
            receiver,
            media: Media::new(config.rtcp_ssrc),
            strays,
            out: VecDeque::new(),
            early: VecDeque::new(),
            offer: String::new(),
            answer: None,
            path: false,
            secured: false,
            refused: false,
            closed: false,
            malformed: 0,
            last_tick: None,
        })
    }

    /// Adds a socket; its address becomes a host candidate of the next offer. Earlier ones are preferred.
    pub fn add_socket(&mut self, socket: SocketId, local: SocketAddr) {
        self.sockets.push(Socket { id: socket, local });
    }

    /// The offer with all candidates (no trickle).
    ///
    /// # Errors
    /// When `rtc` refuses, which is a fault of ours.
    pub fn offer(&mut self, now: Instant) -> Result<String, PeerError> {
        let offer = self.connection.create_offer(None)?;
        self.connection.set_local_description(now, offer)?;
        for (index, socket) in self.sockets.iter().enumerate() {
            let candidate = RTCIceCandidateInit {
                candidate: host_candidate(index, socket.local),
                sdp_mid: None,
                sdp_mline_index: Some(0),
                ..RTCIceCandidateInit::default()
            };
            self.connection.add_local_candidate(candidate)?;
        }
        self.connection.add_local_candidate(RTCIceCandidateInit::default())?;
        let description = self.connection.local_description();
        self.offer = description.map(|description| one_component(&description.sdp)).unwrap_or_default();
        Ok(self.offer.clone())
    }

    /// Takes the host's answer to the last offer.
    ///
    /// # Errors
    /// When it is no answer, agrees on nothing, or `rtc` cannot apply it.
    pub fn answer(&mut self, now: Instant, sdp: &str) -> Result<(), PeerError> {
        let answer = Answer::read(sdp, &self.offer)?;
        self.apply(now, answer)
    }

    fn apply(&mut self, now: Instant, answer: Answer) -> Result<(), PeerError> {
        let description = RTCSessionDescription::answer(answer.text.clone())?;
        self.connection.set_remote_description(now, description)?;
        self.media.set_answer(&answer);
        self.strays.set_transport_cc(answer.transport_cc);
        self.answer = Some(answer);
        Ok(())
    }

    /// Candidates in the host's answer that can be tried.
    #[must_use]
    pub fn remote_candidates(&self) -> usize {
        self.answer.as_ref().map_or(0, |answer| answer.candidates)
    }

    /// Begins an ICE restart: the offer's credentials and candidates as a fragment for the host. From here on until
    /// the new path nothing flows.
    ///
    /// # Errors
    /// When `rtc` refuses.
    pub fn restart(&mut self, now: Instant) -> Result<String, PeerError> {
        self.connection.restart_ice();
        let offer = self.offer(now)?;
        self.path = false;
        Ok(crate::sdp::restart_fragment(&offer))
    }

    /// Takes the host's fragment of an ICE restart; `false` when it restarts nothing.
    pub fn restarted(&mut self, now: Instant, fragment: &str) -> bool {
        let Some(answer) = self.answer.as_ref().and_then(|answer| answer.restarted(fragment)) else { return false };
        self.apply(now, answer).is_ok()
    }

    /// Takes a datagram that came to `socket`.
    pub fn receive(&mut self, now: Instant, socket: SocketId, from: SocketAddr, bytes: &[u8]) {
        let Some(local) = self.sockets.iter().find(|known| known.id == socket).map(|known| known.local) else {
            return;
        };
        if !self.secured
            && let Some(alert) = ending_alert(bytes)
        {
            self.refused(format!("the host refused the security handshake: {}", in_words(alert)));
        }
        let bytes = BytesMut::from(bytes);
        // RFC 7983 section 7: 20 to 63 is DTLS. `rtc` drops it before a path is chosen, and the retransmission comes
        // a second later.
        if !self.path && bytes.first().is_some_and(|byte| (20..64).contains(byte)) {
            if self.early.len() == EARLY_DTLS {
                self.early.pop_front();
            }
            self.early.push_back(EarlyDatagram { local, from, bytes });
            return;
        }
        self.feed(now, local, from, bytes);
    }

    /// Once, because alerts are answered by alerts.
    fn refused(&mut self, why: String) {
        if !std::mem::replace(&mut self.refused, true) {
            self.out.push_back(PeerEvent::Refused(why));
        }
    }

    fn feed(&mut self, now: Instant, local_addr: SocketAddr, peer_addr: SocketAddr, message: BytesMut) {
        let transport =
            TransportContext { local_addr, peer_addr, transport_protocol: TransportProtocol::UDP, ecn: None };
        if self.connection.handle_read(TaggedBytesMut { now, transport, message }).is_err() {
            self.malformed += 1;
        }
    }

    /// The time of [`Peer::deadline`] has come.
    pub fn tick(&mut self, now: Instant) {
        self.last_tick = Some(now);
        if !self.closed && self.connection.handle_timeout(now).is_err() {
            self.malformed += 1;
        }
    }

    /// When to call [`Peer::tick`] next.
    pub fn deadline(&mut self) -> Option<Instant> {
        if self.closed {
            return None;
        }
        // `rtc`'s timers may lie in the past; one that a tick did not move must not make the driver spin.
        let wait = match (self.connection.poll_timeout(), self.last_tick) {
            (Some(at), Some(last)) if at <= last => Some(last + Duration::from_millis(1)),
            (at, _) => at,
        };
        [wait, self.media.deadline()].into_iter().flatten().min()
    }

    /// Sends on a channel; `false` when it is not open or too much waits in it already.
    pub fn send(&mut self, now: Instant, channel: usize, bytes: &[u8], text: bool) -> bool {
        let Some((id, spec, true)) = self.channels.get(channel) else { return false };
        let limit = if spec.reliable { RELIABLE_BACKLOG } else { LOSSY_BACKLOG };
        let Some(mut data_channel) = self.connection.data_channel(*id) else { return false };
        if data_channel.outstanding_bytes() > limit {
            return false;
        }
        if text {
            data_channel.send_text(now, String::from_utf8_lossy(bytes)).is_ok()
        } else {
            data_channel.send(now, BytesMut::from(bytes)).is_ok()
        }
    }

    /// Whether a channel is open.
    #[must_use]
    pub fn is_open(&self, channel: usize) -> bool {
        self.channels.get(channel).is_some_and(|(_, _, open)| *open)
    }

    /// Decoding cannot go on without a key frame.
    pub fn request_keyframe(&mut self) {
        if let Some(video) = self.media.video() {
            video.request_keyframe();
        }
    }

    /// Asks for a key frame once.
    pub fn nudge_keyframe(&mut self) {
        if let Some(video) = self.media.video() {
            video.nudge_keyframe();
        }
    }

    /// Asks for a key frame by PLI although the host did not agree to it.
    pub fn send_picture_loss(&mut self, now: Instant) {
        if let Some(packet) = self.media.picture_loss() {
            self.write_rtcp(now, packet);
        }
    }

    /// Deliver frames whose references are missing.
    pub fn allow_damaged(&mut self, allow: bool) {
        if let Some(video) = self.media.video() {
            video.allow_damaged(allow);
        }
    }

    /// Tells the receiver the round trip.
    pub fn set_rtt(&mut self, rtt: Duration) {
        if let Some(video) = self.media.video() {
            video.set_rtt(rtt);
        }
    }

    /// Round trip of the path in use, measured by ICE; the newest measurement, at most a keep-alive old.
    pub fn path_rtt(&mut self, now: Instant) -> Option<Duration> {
        let report = self.connection.get_stats(now, StatsSelector::None);
        let rtt = report
            .candidate_pairs()
            .filter(|pair| pair.nominated && pair.current_round_trip_time > 0.0)
            .map(|pair| pair.current_round_trip_time)
            .next()?;
        Duration::try_from_secs_f64(rtt).ok()
    }

    /// Arrival of the newest media packet.
    #[must_use]
    pub const fn last_media(&self) -> Option<Instant> {
        self.media.last_packet()
    }

    /// Counters of the video track.
    #[must_use]
    pub fn video_stats(&self) -> ReceiverStats {
        self.media.video_stats()
    }

    /// Other counters.
    #[must_use]
    pub const fn counts(&self) -> MediaCounts {
        self.media.counts()
    }

    /// Datagrams that made no sense.
    #[must_use]
    pub const fn malformed(&self) -> u64 {
        self.malformed
    }

    /// Says goodbye to the other side (SCTP abort, DTLS close alert); what is left to send comes out of
    /// [`Peer::poll`].
    pub fn close(&mut self) {
        if !self.closed {
            self.flush();
            let _ = self.connection.close();
            self.flush();
            self.closed = true;
        }
    }

    /// The next piece of news, or `None` when there is nothing until the next call of something else.
    pub fn poll(&mut self, now: Instant) -> Option<PeerEvent> {
        if self.out.is_empty() && !self.closed {
            self.pump(now);
        }
        self.out.pop_front()
    }

    /// Drains `rtc` until nothing moves any more. Events and reads cause writes, so writes come last.
    fn pump(&mut self, now: Instant) {
        loop {
            let before = self.out.len();
            let mut found_path = false;
            while let Some(event) = self.connection.poll_event() {
                found_path |= self.event(event);
            }
            while let Some(message) = self.connection.poll_read() {
                match message.message {
                    RTCMessage::RtpPacket(_, packet) => self.media_packet(message.now, now, packet),
                    RTCMessage::DataChannelMessage(id, data) => {
                        if let Some(channel) = self.channels.iter().position(|(known, ..)| *known == id) {
                            self.out.push_back(PeerEvent::Message { channel, bytes: data.data.freeze() });
                        }
                    }
                    _ => {}
                }
            }
            while let Some((arrived, packet)) = self.strays.take() {
                self.media_packet(arrived, now, packet);
            }
            while let Some(frame) = self.media.frame(now) {
                self.out.push_back(PeerEvent::Video(frame));
            }
            while let Some(feedback) = self.media.feedback(now) {
                match feedback {
                    ToHost::Rtcp(packet) => self.write_rtcp(now, packet),
                    ToHost::Keyframe => self.out.push_back(PeerEvent::KeyframeWanted),
                }
            }
            self.flush();
            if found_path {
                // The DTLS hello leaves only at a timeout; but only after the answers that complete the pair at the
                // other side have left, or it is dropped there and comes again a second later.
                self.tick(now);
                self.flush();
                for early in std::mem::take(&mut self.early) {
                    self.feed(now, early.local, early.from, early.bytes);
                }
            }
            if self.out.len() == before && !found_path {
                return;
            }
        }
    }

    fn media_packet(&mut self, arrived: Instant, now: Instant, packet: rtc::rtp::Packet) {
        if let Some(audio) = self.media.packet(arrived, now, packet) {
            self.out.push_back(PeerEvent::Audio(audio));
        }
    }

    fn write_rtcp(&mut self, now: Instant, packet: Box<dyn rtc::rtcp::Packet>) {
        let Some(id) = self.receiver else { return };
        if let Some(mut receiver) = self.connection.rtp_receiver(id) {
            let _ = receiver.write_rtcp(now, vec![packet]);
        }
    }

    /// `true` when a path was found.
    fn event(&mut self, event: RTCPeerConnectionEvent) -> bool {
        match event {
            RTCPeerConnectionEvent::OnIceConnectionStateChangeEvent(state) => match state {
                RTCIceConnectionState::Connected | RTCIceConnectionState::Completed if !self.path => {
                    self.path = true;
                    self.out.push_back(PeerEvent::PathFound);
                    return true;
                }
                RTCIceConnectionState::Disconnected | RTCIceConnectionState::Failed => {
                    self.path = false;
                    self.out.push_back(PeerEvent::PathLost);
                }
                _ => {}
            },
            RTCPeerConnectionEvent::OnConnectionStateChangeEvent(state) => match state {
                RTCPeerConnectionState::Connected if !self.secured => {
                    self.secured = true;
                    self.out.push_back(PeerEvent::Secured);
                }
                RTCPeerConnectionState::Failed => self.out.push_back(PeerEvent::Failed),
                _ => {}
            },
            RTCPeerConnectionEvent::OnDataChannel(event) => self.channel_event(&event),
            _ => {}
        }
        false
    }

    fn channel_event(&mut self, event: &RTCDataChannelEvent) {
        let (id, open) = match event {
            RTCDataChannelEvent::OnOpen(id) => (*id, true),
            RTCDataChannelEvent::OnClose(id) | RTCDataChannelEvent::OnError(id) => (*id, false),
            _ => return,
        };
        let Some(index) = self.channels.iter().position(|(known, ..)| *known == id) else { return };
        if let Some(channel) = self.channels.get_mut(index)
            && channel.2 != open
        {
            channel.2 = open;
            self.out.push_back(if open { PeerEvent::ChannelOpen(index) } else { PeerEvent::ChannelClosed(index) });
        }
    }

    fn flush(&mut self) {
        while let Some(datagram) = self.connection.poll_write() {
            if !self.secured
                && let Some(alert) = ending_alert(&datagram.message)
                && !is_about_garbage(alert)
            {
                self.refused(format!("the security handshake with the host failed: {}", in_words(alert)));
            }
            let local = datagram.transport.local_addr;
            if let Some(socket) = self.sockets.iter().find(|socket| socket.local == local) {
                let to = datagram.transport.peer_addr;
                let bytes = datagram.message.freeze();
                self.out.push_back(PeerEvent::Datagram { socket: socket.id, to, bytes });
            }
        }
    }
}

/// RFC 8445 section 5.1.2.1: type preference 126 for host candidates, then the order of our sockets.
fn host_candidate(index: usize, local: SocketAddr) -> String {
    let preference = 65_535 - u32::try_from(index.min(65_000)).unwrap_or(0);
    let priority = (126 << 24) + (preference << 8) + 255;
    format!("candidate:{} 1 udp {priority} {} {} typ host", index + 1, local.ip(), local.port())
}
