//! A WHEP host built on `rtc`, without IO.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use entente_model::http::{HttpError, HttpRequest, HttpResponse, Method};
use entente_model::input::PlayerInput;
use entente_model::wire::control::{Control, GoodbyeCode};
use entente_model::wire::input::{InputPacket, InputTracker};
use entente_model::wire::{CONTROL_CHANNEL, INPUT_CHANNEL};
use rtc::data_channel::RTCDataChannelId;
use rtc::interceptor::{Registry, Slot};
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::configuration::interceptor_registry::{configure_twcc, register_default_interceptors};
use rtc::peer_connection::configuration::media_engine::MediaEngine;
use rtc::peer_connection::configuration::setting_engine::SettingEngineBuilder;
use rtc::peer_connection::event::{RTCDataChannelEvent, RTCPeerConnectionEvent};
use rtc::peer_connection::message::RTCMessage;
use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::peer_connection::state::RTCPeerConnectionState;
use rtc::peer_connection::transport::{RTCDtlsRole, RTCIceCandidateInit};
use rtc::peer_connection::{RTCPeerConnection, RTCPeerConnectionBuilder};
use rtc::rtp::codec::h264::H264Payloader;
use rtc::rtp::packetizer::Payloader;
use rtc::rtp_transceiver::RTCRtpSenderId;
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodec, RTCRtpCodingParameters, RTCRtpEncodingParameters, RTCRtpRtxParameters, RtpCodecKind,
};
use rtc::sansio::Protocol;
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};

use crate::clip::pattern_frames;
use crate::watch::{Seen, Watch};

pub(crate) const VIDEO_SSRC: u32 = 0x1111;
const RTX_SSRC: u32 = 0x2222;
const AUDIO_SSRC: u32 = 0x3333;
/// Payload of an RTP packet at most.
const MTU: usize = 1180;

/// How a fake host behaves.
#[derive(Clone, Debug)]
pub struct HostConfig {
    /// Its address; sessions use ports from here on.
    pub address: SocketAddr,
    /// Frames per second.
    pub fps: u32,
    /// Size of a frame between key frames; key frames are four times as large.
    pub frame_bytes: usize,
    /// Send the pictures of [`pattern_frames`] instead of made-up ones.
    pub clip: bool,
    /// Send sound.
    pub audio: bool,
    /// Take part in the data channels.
    pub channels: bool,
    /// Start DTLS itself instead of waiting for the client.
    pub dtls_client: bool,
    /// Expect another certificate of the client than the one it has.
    pub distrusts: bool,
    /// Never answer DTLS.
    pub dtls_dead: bool,
    /// Never send a datagram.
    pub silent: bool,
    /// Connect, but send no media.
    pub no_media: bool,
    /// Send no pictures any more.
    pub no_video: bool,
    /// Send a picture only when a key frame is asked for.
    pub still: bool,
    /// Take an ICE restart by PATCH.
    pub restarts: bool,
    /// Leave `a=ssrc` out of answers.
    pub undeclared: bool,
    /// Host clock minus virtual time.
    pub clock_offset_micros: u64,
    /// Version in `welcome`.
    pub version: u8,
    /// Answer pings.
    pub pongs: bool,
    /// Changes each answer before it is sent.
    pub rewrite: fn(&str) -> String,
}

impl Default for HostConfig {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([10, 0, 0, 1], 5000)),
            fps: 60,
            frame_bytes: 6000,
            clip: false,
            audio: true,
            channels: true,
            dtls_client: false,
            distrusts: false,
            dtls_dead: false,
            silent: false,
            no_media: false,
            no_video: false,
            still: false,
            restarts: true,
            undeclared: false,
            clock_offset_micros: 7_000_000,
            version: 1,
            pongs: true,
            rewrite: str::to_owned,
        }
    }
}

/// An answer to one request that does not come from the host itself.
#[derive(Clone, Debug)]
pub enum Scripted {
    /// This response.
    Respond {
        /// Status.
        status: u16,
        /// Headers, lower-case names.
        headers: Vec<(&'static str, String)>,
        /// Body.
        body: String,
    },
    /// No response ever.
    Silence,
    /// This failure.
    Fail(HttpError),
}

impl Scripted {
    /// A response without headers and body.
    #[must_use]
    pub const fn status(status: u16) -> Self {
        Self::Respond { status, headers: Vec::new(), body: String::new() }
    }

    /// A place in the queue.
    #[must_use]
    pub fn queue(status: u16, position: u32, retry_seconds: u32) -> Self {
        Self::Respond {
            status,
            headers: vec![
                ("retry-after", retry_seconds.to_string()),
                ("content-type", "application/problem+json".to_owned()),
            ],
            body: format!(r#"{{"type":"about:blank","title":"All seats are taken","queue_position":{position}}}"#),
        }
    }
}

/// One session of a fake host.
pub struct HostSession {
    connection: RTCPeerConnection,
    local: SocketAddr,
    offer: String,
    video: Option<RTCRtpSenderId>,
    audio: Option<RTCRtpSenderId>,
    seen: Seen,
    answered_keyframes: u64,
    connected: Option<Instant>,
    sequence: u16,
    audio_sequence: u16,
    frames: u64,
    sounds: u64,
    key_wanted: bool,
    channels: Vec<(RTCDataChannelId, String)>,
    tracker: InputTracker,
    last_tick: Option<Instant>,
    /// Ended by DELETE.
    pub deleted: bool,
    /// What the player did, as the host understood it.
    pub inputs: Vec<PlayerInput>,
    /// Newest stamp of the client's input packets.
    pub input_stamp: u64,
    /// Input packets that arrived.
    pub input_packets: u64,
    /// Control messages, pings left out.
    pub controls: Vec<Control>,
    /// Pings that were answered.
    pub pings: u64,
}

impl HostSession {
    /// Frames that were sent.
    #[must_use]
    pub const fn frames_sent(&self) -> u64 {
        self.frames
    }

    /// PLI and FIR that came.
    #[must_use]
    pub fn keyframe_requests(&self) -> u64 {
        self.seen.keyframe_requests.load(Ordering::Relaxed)
    }

    /// FIR that came, each with the next number.
    #[must_use]
    pub fn intra_requests(&self) -> u64 {
        self.seen.intra_requests.load(Ordering::Relaxed)
    }

    /// NACK packets that came.
    #[must_use]
    pub fn nacks(&self) -> u64 {
        self.seen.nacks.load(Ordering::Relaxed)
    }

    /// Transport-wide feedback packets that came.
    #[must_use]
    pub fn congestion_feedback(&self) -> u64 {
        self.seen.congestion_feedback.load(Ordering::Relaxed)
    }

    /// Receiver reports that came.
    #[must_use]
    pub fn receiver_reports(&self) -> u64 {
        self.seen.receiver_reports.load(Ordering::Relaxed)
    }
}

/// A WHEP host in virtual time.
pub struct FakeHost {
    /// May be changed while the world runs.
    pub config: HostConfig,
    /// Taken first, one for each request.
    pub script: VecDeque<Scripted>,
    /// All sessions that were made.
    pub sessions: Vec<HostSession>,
    begin: Instant,
    out: VecDeque<(SocketAddr, SocketAddr, Vec<u8>)>,
}

fn encoding(codec: RTCRtpCodec, ssrc: u32, rtx: Option<u32>) -> RTCRtpEncodingParameters {
    RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters {
            ssrc: Some(ssrc),
            rtx: rtx.map(|ssrc| RTCRtpRtxParameters { ssrc }),
            ..RTCRtpCodingParameters::default()
        },
        active: true,
        codec,
        ..RTCRtpEncodingParameters::default()
    }
}

fn track(kind: RtpCodecKind, coding: RTCRtpEncodingParameters) -> MediaStreamTrack {
    MediaStreamTrack::new("game".to_owned(), format!("game-{kind}"), kind.to_string(), kind, vec![coding])
}

impl FakeHost {
    /// A host that nobody has asked yet.
    #[must_use]
    pub const fn new(config: HostConfig, now: Instant) -> Self {
        Self { config, script: VecDeque::new(), sessions: Vec::new(), begin: now, out: VecDeque::new() }
    }

    /// The newest session.
    #[must_use]
    pub fn session(&self) -> &HostSession {
        self.sessions.last().expect("a session was made")
    }

    /// Answers a request; `None` = never.
    pub fn http(&mut self, now: Instant, request: &HttpRequest) -> Option<Result<HttpResponse, HttpError>> {
        let response = |status: u16, headers: Vec<(&str, String)>, body: String| HttpResponse {
            status,
            headers: headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            body: body.into_bytes(),
            url: request.url.clone(),
        };
        match self.script.pop_front() {
            Some(Scripted::Respond { status, headers, body }) => return Some(Ok(response(status, headers, body))),
            Some(Scripted::Silence) => return None,
            Some(Scripted::Fail(error)) => return Some(Err(error)),
            None => {}
        }
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let number = request.url.rsplit('/').next().and_then(|id| id.parse::<usize>().ok());
        Some(Ok(match request.method {
            Method::Post => {
                let answer = self.join(now, &body);
                let location = format!("/session/{}", self.sessions.len() - 1);
                response(201, vec![("location", location), ("content-type", "application/sdp".to_owned())], answer)
            }
            Method::Patch => {
                match number.filter(|_| self.config.restarts).and_then(|id| self.restart(now, id, &body)) {
                    Some(fragment) => response(200, vec![("etag", "\"2\"".to_owned())], fragment),
                    None => response(405, Vec::new(), String::new()),
                }
            }
            Method::Delete => {
                if let Some(session) = number.and_then(|id| self.sessions.get_mut(id)) {
                    session.deleted = true;
                    let _ = session.connection.close();
                }
                response(200, Vec::new(), String::new())
            }
            Method::Get => response(404, Vec::new(), String::new()),
        }))
    }

    fn join(&mut self, now: Instant, offer: &str) -> String {
        let without_channels =
            offer.split("m=application").next().map(|media| media.replace("BUNDLE 0 1 2", "BUNDLE 0 1"));
        let other = format!("a=fingerprint:sha-256 {}", ["AB"; 32].join(":"));
        let line = offer.lines().find(|line| self.config.distrusts && line.starts_with("a=fingerprint:"));
        let offer = &line.map_or_else(|| offer.to_owned(), |line| offer.replace(line, &other));
        let offer = if self.config.channels { offer } else { without_channels.as_deref().unwrap_or_default() };
        let seen = Seen::default();
        let mut engine = MediaEngine::default();
        engine.register_default_codecs().expect("default codecs");
        let registry = register_default_interceptors(Registry::new(), &mut engine).expect("default interceptors");
        let registry = configure_twcc(registry, &mut engine).expect("congestion feedback");
        let registry = registry.with(Slot::from(600), Watch::new(seen.clone()));
        let role = if self.config.dtls_client { RTCDtlsRole::Client } else { RTCDtlsRole::Server };
        let settings = SettingEngineBuilder::new()
            .with_answering_dtls_role(role)
            .with_ice_connection_attempts(Some(Duration::from_millis(25)), Some(200))
            .with_multicast_dns_mode(rtc::ice::mdns::MulticastDnsMode::Disabled)
            .build();
        let mut connection = RTCPeerConnectionBuilder::new()
            .with_media_engine(engine)
            .with_setting_engine(settings)
            .with_interceptor_registry(registry)
            .build(now)
            .expect("a host connection");
        let description = RTCSessionDescription::offer(offer.to_owned()).expect("an offer");
        connection.set_remote_description(now, description).expect("the offer is taken");
        let h264 = RTCRtpCodec {
            mime_type: "video/H264".to_owned(),
            clock_rate: 90_000,
            sdp_fmtp_line: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f".to_owned(),
            ..RTCRtpCodec::default()
        };
        let opus = RTCRtpCodec {
            mime_type: "audio/opus".to_owned(),
            clock_rate: 48_000,
            channels: 2,
            ..RTCRtpCodec::default()
        };
        let video = track(RtpCodecKind::Video, encoding(h264, VIDEO_SSRC, Some(RTX_SSRC)));
        let audio = track(RtpCodecKind::Audio, encoding(opus, AUDIO_SSRC, None));
        let video = connection.add_track(video).expect("a video track");
        let audio = self.config.audio.then(|| connection.add_track(audio).expect("an audio track"));
        let local = SocketAddr::new(
            self.config.address.ip(),
            self.config.address.port() + u16::try_from(self.sessions.len()).expect("few sessions"),
        );
        let answer = answer(&mut connection, now, local);
        self.sessions.push(HostSession {
            connection,
            local,
            offer: offer.to_owned(),
            video: Some(video),
            audio,
            seen,
            answered_keyframes: 0,
            connected: None,
            // Wraps within ten seconds, but not before a slow client has its keys: SRTP would lose the count of wraps
            // (RFC 3711 section 3.3.1).
            sequence: 62_000,
            audio_sequence: 100,
            frames: 0,
            sounds: 0,
            key_wanted: true,
            channels: Vec::new(),
            tracker: InputTracker::new(),
            last_tick: None,
            deleted: false,
            inputs: Vec::new(),
            input_stamp: 0,
            input_packets: 0,
            controls: Vec::new(),
            pings: 0,
        });
        let mut lines: Vec<String> = answer.lines().map(str::to_owned).collect();
        if self.config.undeclared {
            lines.retain(|line| !line.starts_with("a=ssrc"));
        }
        if !self.config.channels {
            let refused = ["m=application 0 UDP/DTLS/SCTP webrtc-datachannel", "c=IN IP4 0.0.0.0", "a=mid:2"];
            lines.extend(refused.map(str::to_owned));
        }
        (self.config.rewrite)(&(lines.join("\r\n") + "\r\n"))
    }

    fn restart(&mut self, now: Instant, id: usize, fragment: &str) -> Option<String> {
        let session = self.sessions.get_mut(id).filter(|session| !session.deleted)?;
        let offer = entente_peer::sdp::with_credentials(&session.offer, fragment)?;
        let description = RTCSessionDescription::offer(offer.clone()).ok()?;
        session.connection.set_remote_description(now, description).ok()?;
        session.offer = offer;
        let answer = answer(&mut session.connection, now, session.local);
        self.drain(now, id);
        Some(entente_peer::sdp::restart_fragment(&answer))
    }

    /// Takes a datagram.
    pub fn receive(&mut self, now: Instant, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        let Some(id) = self.sessions.iter().position(|session| session.local == to) else { return };
        let transport =
            TransportContext { local_addr: to, peer_addr: from, transport_protocol: TransportProtocol::UDP, ecn: None };
        if let Some(session) = self.sessions.get_mut(id) {
            let _ = session.connection.handle_read(TaggedBytesMut { now, transport, message: BytesMut::from(bytes) });
        }
        self.drain(now, id);
    }

    /// When [`Self::tick`] is wanted.
    pub fn deadline(&mut self) -> Option<Instant> {
        let config = &self.config;
        self.sessions.iter_mut().filter_map(|session| session.deadline(config)).min()
    }

    /// Time has come.
    pub fn tick(&mut self, now: Instant) {
        for id in 0..self.sessions.len() {
            let config = self.config.clone();
            if let Some(session) = self.sessions.get_mut(id) {
                session.tick(&config, now);
            }
            self.drain(now, id);
        }
    }

    /// The next datagram to send: from, to, bytes.
    pub fn poll(&mut self, _now: Instant) -> Option<(SocketAddr, SocketAddr, Vec<u8>)> {
        self.out.pop_front()
    }

    /// Sends a control message in the newest session.
    pub fn say(&mut self, now: Instant, message: &Control) {
        let id = self.sessions.len() - 1;
        if let Some(session) = self.sessions.get_mut(id) {
            session.say(now, message);
        }
        self.drain(now, id);
    }

    /// Says goodbye in the newest session and closes it.
    pub fn goodbye(&mut self, now: Instant, reason: &str) {
        self.say(now, &Control::Goodbye { code: GoodbyeCode::Shutdown, reason: reason.to_owned() });
    }

    /// Closes the newest session without a word.
    pub fn close(&mut self, now: Instant) {
        let id = self.sessions.len() - 1;
        if let Some(session) = self.sessions.get_mut(id) {
            let _ = session.connection.close();
        }
        self.drain(now, id);
    }

    fn drain(&mut self, now: Instant, id: usize) {
        let config = self.config.clone();
        let offset = config.clock_offset_micros;
        let host_micros = u64::try_from((now - self.begin).as_micros()).expect("a short test") + offset;
        let Some(session) = self.sessions.get_mut(id) else { return };
        loop {
            let mut moved = false;
            while let Some(event) = session.connection.poll_event() {
                moved = true;
                session.event(now, event);
            }
            while let Some(message) = session.connection.poll_read() {
                moved = true;
                if let RTCMessage::DataChannelMessage(channel, data) = message.message {
                    session.message(&config, now, host_micros, channel, &data.data);
                }
            }
            while let Some(datagram) = session.connection.poll_write() {
                moved = true;
                let dtls = datagram.message.first().is_some_and(|byte| (20..64).contains(byte));
                if !(config.silent || (config.dtls_dead && dtls)) {
                    let (from, to) = (datagram.transport.local_addr, datagram.transport.peer_addr);
                    self.out.push_back((from, to, datagram.message.to_vec()));
                }
            }
            if !moved {
                return;
            }
        }
    }
}

fn answer(connection: &mut RTCPeerConnection, now: Instant, local: SocketAddr) -> String {
    let answer = connection.create_answer(None).expect("an answer");
    connection.set_local_description(now, answer).expect("our own answer");
    let candidate = format!("candidate:1 1 udp 2130706431 {} {} typ host", local.ip(), local.port());
    connection
        .add_local_candidate(RTCIceCandidateInit { candidate, ..RTCIceCandidateInit::default() })
        .expect("a candidate");
    connection.add_local_candidate(RTCIceCandidateInit::default()).expect("the end of candidates");
    connection.local_description().expect("a description").sdp
}

impl HostSession {
    fn event(&mut self, now: Instant, event: RTCPeerConnectionEvent) {
        match event {
            RTCPeerConnectionEvent::OnConnectionStateChangeEvent(RTCPeerConnectionState::Connected) => {
                self.connected.get_or_insert(now);
            }
            RTCPeerConnectionEvent::OnDataChannel(RTCDataChannelEvent::OnOpen(id)) => {
                let label = self.connection.data_channel(id).map(|channel| channel.label().to_owned());
                self.channels.push((id, label.unwrap_or_default()));
            }
            _ => {}
        }
    }

    fn message(
        &mut self,
        config: &HostConfig,
        now: Instant,
        host_micros: u64,
        channel: RTCDataChannelId,
        bytes: &[u8],
    ) {
        let label = self.channels.iter().find(|(id, _)| *id == channel).map(|(_, label)| label.clone());
        match label.as_deref() {
            Some(INPUT_CHANNEL) => {
                let packet = InputPacket::parse(bytes).expect("the client sends valid input");
                self.input_packets += 1;
                let inputs = &mut self.inputs;
                self.tracker.accept(&packet, |input| inputs.push(input));
                self.input_stamp = self.tracker.stamp_micros();
            }
            Some(CONTROL_CHANNEL) => match Control::parse(bytes).expect("the client sends valid control") {
                Control::Ping { id, client_micros } => {
                    self.pings += 1;
                    if !config.pongs {
                        return;
                    }
                    let pong = Control::Pong {
                        id,
                        client_micros,
                        host_received_micros: host_micros,
                        host_sent_micros: host_micros,
                    };
                    self.say(now, &pong);
                }
                hello @ Control::Hello { .. } => {
                    self.controls.push(hello);
                    let welcome = Control::Welcome {
                        version: config.version,
                        host: "fake host".to_owned(),
                        game: "test".to_owned(),
                        capabilities: Vec::new(),
                    };
                    self.say(now, &welcome);
                }
                other => {
                    self.key_wanted |= other == Control::Keyframe;
                    self.controls.push(other);
                }
            },
            _ => {}
        }
    }

    fn say(&mut self, now: Instant, message: &Control) {
        let Some(id) = self.channels.iter().find(|(_, label)| label == CONTROL_CHANNEL).map(|(id, _)| *id) else {
            return;
        };
        if let Some(mut channel) = self.connection.data_channel(id) {
            let _ = channel.send_text(now, message.to_json());
        }
    }

    fn next_frame(&self, config: &HostConfig) -> Option<Instant> {
        let connected = self.connected.filter(|_| !config.no_media && !config.no_video && !self.deleted)?;
        if config.still && !self.key_wanted && self.keyframe_requests() == self.answered_keyframes {
            return None;
        }
        Some(connected + Duration::from_secs(1) * u32::try_from(self.frames).ok()? / config.fps)
    }

    fn next_sound(&self, config: &HostConfig) -> Option<Instant> {
        let connected = self.connected.filter(|_| !config.no_media && config.audio && !self.deleted)?;
        Some(connected + Duration::from_millis(20 * self.sounds))
    }

    fn deadline(&mut self, config: &HostConfig) -> Option<Instant> {
        let timer = match (self.connection.poll_timeout(), self.last_tick) {
            (Some(at), Some(last)) if at <= last => Some(last + Duration::from_millis(1)),
            (at, _) => at,
        };
        [timer, self.next_frame(config), self.next_sound(config)].into_iter().flatten().min()
    }

    fn tick(&mut self, config: &HostConfig, now: Instant) {
        let _ = self.connection.handle_timeout(now);
        self.last_tick = Some(now);
        let asked = self.keyframe_requests();
        if asked != self.answered_keyframes {
            self.answered_keyframes = asked;
            self.key_wanted = true;
        }
        if self.next_frame(config).is_some_and(|at| at <= now) {
            self.send_frame(config, now);
            // Frames whose time passed during a pause are not sent late.
            while self.next_frame(config).is_some_and(|at| at <= now) {
                self.frames += 1;
            }
        }
        if self.next_sound(config).is_some_and(|at| at <= now) {
            self.send_sound(now);
            while self.next_sound(config).is_some_and(|at| at <= now) {
                self.sounds += 1;
            }
        }
    }

    fn send_frame(&mut self, config: &HostConfig, now: Instant) {
        let number = self.frames;
        self.frames += 1;
        let Some(id) = self.video else { return };
        let key = std::mem::take(&mut self.key_wanted);
        let clip = pattern_frames();
        let frame = if config.clip {
            clip[usize::try_from(number).expect("few frames") % clip.len()].clone()
        } else {
            made_up_frame(number, key, config.frame_bytes)
        };
        let payloads = H264Payloader::default().payload(MTU, &frame).expect("a frame");
        let Some(mut sender) = self.connection.rtp_sender(id) else { return };
        let codecs = &sender.get_parameters().rtp_parameters.codecs;
        let payload_type = codecs
            .iter()
            .find(|codec| codec.rtp_codec.mime_type.eq_ignore_ascii_case("video/H264"))
            .map(|codec| codec.payload_type)
            .expect("H.264 was agreed on");
        let count = payloads.len();
        for (index, payload) in payloads.into_iter().enumerate() {
            let header = rtc::rtp::Header {
                version: 2,
                marker: index + 1 == count,
                payload_type,
                sequence_number: self.sequence,
                timestamp: u32::try_from((number * 90_000 / u64::from(config.fps)) & 0xffff_ffff).expect("masked"),
                ssrc: VIDEO_SSRC,
                ..rtc::rtp::Header::default()
            };
            self.sequence = self.sequence.wrapping_add(1);
            sender.write_rtp(now, rtc::rtp::Packet { header, payload }).expect("video is sent");
        }
    }

    fn send_sound(&mut self, now: Instant) {
        let number = self.sounds;
        self.sounds += 1;
        let Some(id) = self.audio else { return };
        let Some(mut sender) = self.connection.rtp_sender(id) else { return };
        let codecs = &sender.get_parameters().rtp_parameters.codecs;
        let payload_type = codecs
            .iter()
            .find(|codec| codec.rtp_codec.mime_type.eq_ignore_ascii_case("audio/opus"))
            .map(|codec| codec.payload_type)
            .expect("Opus was agreed on");
        let header = rtc::rtp::Header {
            version: 2,
            payload_type,
            sequence_number: self.audio_sequence,
            timestamp: u32::try_from((number * 960) & 0xffff_ffff).expect("masked"),
            ssrc: AUDIO_SSRC,
            ..rtc::rtp::Header::default()
        };
        self.audio_sequence = self.audio_sequence.wrapping_add(1);
        let payload = Bytes::from_static(&[0xfc, 0xff, 0xfe]);
        sender.write_rtp(now, rtc::rtp::Packet { header, payload }).expect("audio is sent");
    }
}

/// A frame that looks like H.264 to everything but a decoder and carries its number; see [`FakeHost::number_of`].
fn made_up_frame(number: u64, key: bool, bytes: usize) -> Bytes {
    let mut frame = Vec::new();
    if key {
        for unit in crate::clip::units(&pattern_frames()[0]).into_iter().filter(|unit| matches!(unit[0] & 0x1f, 7 | 8))
        {
            frame.extend([0, 0, 0, 1]);
            frame.extend(unit);
        }
    }
    frame.extend([0, 0, 0, 1, if key { 0x65 } else { 0x41 }, 0x9a]);
    // Seven bits a byte, so that no start code appears.
    frame.extend((0..5).map(|place| 0x80 | (number >> (7 * (4 - place)) & 0x7f) as u8));
    frame.resize(frame.len() + if key { bytes * 4 } else { bytes }, 0xaa);
    frame.into()
}

impl FakeHost {
    /// The number of a made-up frame as it arrived, when it is whole.
    #[must_use]
    pub fn number_of(data: &[u8]) -> Option<u64> {
        let unit = crate::clip::units(data).into_iter().find(|unit| matches!(unit[0] & 0x1f, 1 | 5))?;
        let (number, filler) = unit.get(2..)?.split_at_checked(5)?;
        filler.iter().all(|byte| *byte == 0xaa).then_some(())?;
        Some(number.iter().fold(0, |sum, byte| sum << 7 | u64::from(byte & 0x7f)))
    }
}
