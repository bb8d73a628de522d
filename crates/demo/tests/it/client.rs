//! A WebRTC client in the fewest lines: plays a game as a browser would and keeps what arrives.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use entente_model::wire::control::Control;
use rtc::data_channel::RTCDataChannelInit;
use rtc::interceptor::Registry;
use rtc::peer_connection::configuration::RTCConfigurationBuilder;
use rtc::peer_connection::configuration::interceptor_registry::register_default_interceptors;
use rtc::peer_connection::configuration::media_engine::MediaEngine;
use rtc::peer_connection::configuration::setting_engine::SettingEngineBuilder;
use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
use rtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use tokio::sync::mpsc;
use webrtc::data_channel::{DataChannel, DataChannelEvent};
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCIceGatheringState,
};

use crate::http;

struct Handler {
    gathered: mpsc::Sender<()>,
    video: mpsc::Sender<rtc::rtp::Packet>,
    audio: mpsc::Sender<rtc::rtp::Packet>,
    tracks: mpsc::Sender<Arc<dyn TrackRemote>>,
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            let _ = self.gathered.try_send(());
        }
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        let video = track.kind().await == RtpCodecKind::Video;
        let target = if video { self.video.clone() } else { self.audio.clone() };
        if video {
            let _ = self.tracks.try_send(Arc::clone(&track));
        }
        tokio::spawn(async move {
            while let Some(event) = track.poll().await {
                if let TrackRemoteEvent::OnRtpPacket(packet) = event {
                    let _ = target.try_send(packet);
                }
            }
        });
    }
}

/// A connected client.
pub(crate) struct Client {
    connection: Arc<dyn PeerConnection>,
    pub(crate) input: Arc<dyn DataChannel>,
    control: Arc<dyn DataChannel>,
    heard: mpsc::Receiver<Control>,
    video: mpsc::Receiver<rtc::rtp::Packet>,
    pub(crate) audio: mpsc::Receiver<rtc::rtp::Packet>,
    tracks: mpsc::Receiver<Arc<dyn TrackRemote>>,
    pub(crate) resource: String,
    pending: Vec<rtc::rtp::Packet>,
}

impl Client {
    /// Connects to `path` and waits for both channels.
    pub(crate) async fn connect(host: SocketAddr, path: &str) -> Self {
        Self::connect_with(host, path, None).await
    }

    /// The same with a bearer token.
    pub(crate) async fn connect_with(host: SocketAddr, path: &str, token: Option<&str>) -> Self {
        let mut engine = MediaEngine::default();
        engine.register_default_codecs().unwrap();
        let registry = register_default_interceptors(Registry::new(), &mut engine).unwrap();
        let settings = SettingEngineBuilder::new().with_include_loopback_candidate(true).build();
        let (gathered, mut gathering) = mpsc::channel(1);
        let (video_sender, video) = mpsc::channel(8192);
        let (audio_sender, audio) = mpsc::channel(8192);
        let (track_sender, tracks) = mpsc::channel(4);
        let handler = Handler { gathered, video: video_sender, audio: audio_sender, tracks: track_sender };
        let connection: Arc<dyn PeerConnection> = Arc::new(
            PeerConnectionBuilder::new()
                .with_configuration(RTCConfigurationBuilder::new().build())
                .with_media_engine(engine)
                .with_interceptor_registry(registry)
                .with_setting_engine(settings)
                .with_handler(Arc::new(handler))
                .with_udp_addrs(vec!["127.0.0.1:0"])
                .build()
                .await
                .unwrap(),
        );
        for kind in [RtpCodecKind::Audio, RtpCodecKind::Video] {
            let init = RTCRtpTransceiverInit {
                direction: RTCRtpTransceiverDirection::Recvonly,
                streams: Vec::new(),
                send_encodings: Vec::new(),
            };
            connection.add_transceiver_from_kind(kind, Some(init)).await.unwrap();
        }
        let unreliable = RTCDataChannelInit { ordered: false, max_retransmits: Some(0), ..Default::default() };
        let input = connection.create_data_channel("input", Some(unreliable)).await.unwrap();
        let control = connection.create_data_channel("control", None).await.unwrap();
        let offer = connection.create_offer(None).await.unwrap();
        connection.set_local_description(offer).await.unwrap();
        tokio::time::timeout(Duration::from_secs(5), gathering.recv()).await.unwrap();
        let offer = connection.local_description().await.unwrap().sdp;
        let (path, bearer) = (path.to_owned(), token.map(|token| format!("Bearer {token}")));
        let sent = move || {
            let mut headers = vec![http::SDP];
            headers.extend(bearer.as_deref().map(|bearer| ("Authorization", bearer)));
            http::send(host, "POST", &path, &headers, &offer)
        };
        let reply = tokio::task::spawn_blocking(sent).await.unwrap();
        assert_eq!(reply.status, 201, "{reply:?}");
        let resource = reply.header("location").unwrap().to_owned();
        connection.set_remote_description(RTCSessionDescription::answer(reply.body).unwrap()).await.unwrap();
        opened(&input).await;
        opened(&control).await;
        let (speak, heard) = mpsc::channel(256);
        let reader = Arc::clone(&control);
        tokio::spawn(async move {
            while let Some(event) = reader.poll().await {
                if let DataChannelEvent::OnMessage(message) = event {
                    let _ = speak.try_send(Control::parse(&message.data).expect("the host speaks the protocol"));
                }
            }
        });
        Self { connection, input, control, heard, video, audio, tracks, resource, pending: Vec::new() }
    }

    pub(crate) async fn tell(&self, message: Control) {
        self.control.send_text(&message.to_json()).await.unwrap();
    }

    pub(crate) async fn send_input(&self, bytes: &[u8]) {
        self.input.send(BytesMut::from(bytes)).await.unwrap();
    }

    /// The next control message that `pick` takes.
    pub(crate) async fn hear<T>(&mut self, mut pick: impl FnMut(Control) -> Option<T>) -> T {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
        loop {
            let message = tokio::time::timeout_at(deadline, self.heard.recv()).await.expect("an answer in time");
            if let Some(found) = pick(message.expect("the channel is open")) {
                return found;
            }
        }
    }

    /// The next whole frame: its packets in order. Loopback loses nothing, so gaps are failures.
    pub(crate) async fn frame(&mut self) -> Vec<rtc::rtp::Packet> {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
        loop {
            let packet = tokio::time::timeout_at(deadline, self.video.recv()).await.expect("video flows").unwrap();
            let last = packet.header.marker;
            self.pending.push(packet);
            if last {
                return std::mem::take(&mut self.pending);
            }
        }
    }

    /// The track of the picture, for RTCP.
    pub(crate) async fn picture(&mut self) -> Arc<dyn TrackRemote> {
        tokio::time::timeout(Duration::from_secs(10), self.tracks.recv()).await.unwrap().unwrap()
    }

    /// Opens a channel that is none of the protocol's.
    pub(crate) async fn open_other(&self) -> Arc<dyn DataChannel> {
        self.connection.create_data_channel("other", None).await.unwrap()
    }

    pub(crate) async fn close(self) {
        let _ = self.connection.close().await;
    }
}

async fn opened(channel: &Arc<dyn DataChannel>) {
    let begun = Instant::now();
    loop {
        let left = Duration::from_secs(10).saturating_sub(begun.elapsed());
        match tokio::time::timeout(left, channel.poll()).await.expect("the channel opens").unwrap() {
            DataChannelEvent::OnOpen => return,
            _ => continue,
        }
    }
}
