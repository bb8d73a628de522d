//! One running game: its threads, its channels and its end.

mod capture;
mod speech;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use bytes::Bytes;
use entente_model::wire::VERSION;
use entente_model::wire::control::{Control, GoodbyeCode};
use parking_lot::Mutex;
use tokio::sync::{mpsc, watch};
use webrtc::data_channel::{DataChannel, DataChannelEvent};
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;

use crate::clock;
use crate::encoder::{EncoderRow, VideoFormat};
use crate::games::Game;
use crate::peer::{Answered, Channel, News, Peer, PeerState, Sending};
use crate::rtcp::Feedback;
use crate::slots::Slot;

/// From answer to connected.
const CONNECT_LIMIT: Duration = Duration::from_secs(15);
/// From a failure to the channel that tells the client.
const CHANNEL_PATIENCE: Duration = Duration::from_secs(2);
/// From goodbye to the end of the connection.
const GOODBYE_PAUSE: Duration = Duration::from_millis(60);
/// Packets of a frame that leave at once; larger frames leave in such bursts a millisecond apart, which is over
/// 200 Mbit/s: enough to spare a small router queue, too little to delay a frame.
const BURST: usize = 24;
/// Frames between capture and socket; when full the frame is dropped and a key frame follows.
const VIDEO_QUEUE: usize = 4;
/// Sound packets between encoder and socket; when full the packet is dropped.
const AUDIO_QUEUE: usize = 32;
/// Things for the capture thread. When full an input packet is dropped: the next one carries whole state.
const COMMAND_QUEUE: usize = 512;
/// Control messages for the client; when full rumble and the like are dropped.
const CONTROL_QUEUE: usize = 64;

/// Asked of the capture thread.
pub(crate) enum Command {
    /// An input packet as it came.
    Input(Bytes),
    /// Composed text.
    Text(String),
    /// Another picture format.
    Format(VideoFormat),
    /// Leave.
    Stop,
}

pub(crate) type Packets = Vec<rtc::rtp::Packet>;

/// Why a session ends, as the client is told.
#[derive(Clone, Debug, PartialEq, Eq)]
struct End {
    code: GoodbyeCode,
    reason: String,
}

impl From<GoodbyeCode> for End {
    fn from(code: GoodbyeCode) -> Self {
        let reason = match code {
            GoodbyeCode::User => "ended by the player",
            GoodbyeCode::Idle => "no input for too long",
            GoodbyeCode::Shutdown => "the host stops",
            GoodbyeCode::Error | GoodbyeCode::Unknown => "the session failed",
        };
        Self { code, reason: reason.to_owned() }
    }
}

/// What every part of a session shares.
pub(crate) struct Shared {
    pub(crate) id: String,
    pub(crate) feedback: Arc<Feedback>,
    /// Outlives the session when it belongs to an account.
    pub(crate) game: Arc<Mutex<Box<dyn Game>>>,
    pub(crate) game_name: String,
    pub(crate) commands: SyncSender<Command>,
    pub(crate) control: mpsc::Sender<Control>,
    /// Monotonic microseconds at which the player last did something.
    last_input: AtomicU64,
    end: watch::Sender<Option<End>>,
}

impl Shared {
    /// With the queues that the capture thread and the control channel empty.
    fn new(
        id: String,
        game: Arc<Mutex<Box<dyn Game>>>,
        game_name: String,
        feedback: Arc<Feedback>,
    ) -> (Arc<Self>, std::sync::mpsc::Receiver<Command>, mpsc::Receiver<Control>) {
        let (commands, command_queue) = std::sync::mpsc::sync_channel(COMMAND_QUEUE);
        let (control, control_queue) = mpsc::channel(CONTROL_QUEUE);
        let shared = Self {
            id,
            feedback,
            game,
            game_name,
            commands,
            control,
            last_input: AtomicU64::new(clock::monotonic_micros()),
            end: watch::Sender::new(None),
        };
        (Arc::new(shared), command_queue, control_queue)
    }

    /// Ends the session; the first reason stays.
    pub(crate) fn finish(&self, code: GoodbyeCode) {
        self.finish_because(code.into());
    }

    /// Ends the session because its game goes on in another one.
    pub(crate) fn hand_over(&self) {
        let reason = "the game goes on in another player".to_owned();
        self.finish_because(End { code: GoodbyeCode::User, reason });
    }

    /// Ends the session because of an error that the player should read.
    pub(crate) fn fail(&self, reason: String) {
        self.finish_because(End { code: GoodbyeCode::Error, reason });
    }

    fn finish_because(&self, because: End) {
        self.end.send_if_modified(|end| {
            let first = end.is_none();
            if first {
                *end = Some(because);
            }
            first
        });
    }

    /// The player did something.
    pub(crate) fn played(&self) {
        self.last_input.store(clock::monotonic_micros(), Ordering::Relaxed);
    }

    /// A message for the client; dropped when the client does not keep up.
    pub(crate) fn tell(&self, message: Control) {
        let _ = self.control.try_send(message);
    }
}

/// What a session is started with.
pub(crate) struct Start {
    pub(crate) id: String,
    /// The account's session whose game it plays.
    pub(crate) play: Option<String>,
    pub(crate) game: Arc<Mutex<Box<dyn Game>>>,
    pub(crate) game_name: String,
    pub(crate) encoder: &'static EncoderRow,
    pub(crate) format: VideoFormat,
    pub(crate) audio_millis: u32,
    pub(crate) feedback: Arc<Feedback>,
    pub(crate) idle_limit: Option<Duration>,
    /// Given back at the end; `None` = somebody else keeps the place.
    pub(crate) slot: Option<Slot>,
}

/// A session in the host's table.
pub(crate) struct Session {
    pub(crate) shared: Arc<Shared>,
    /// The account's session whose game it plays.
    pub(crate) play: Option<String>,
    pub(crate) peer: tokio::sync::Mutex<Peer>,
    ended: watch::Receiver<bool>,
}

impl Session {
    /// Starts the session's task. Threads start when the client is connected. `done` runs at the end.
    pub(crate) fn start(start: Start, answered: Answered, done: impl FnOnce() + Send + 'static) -> Arc<Self> {
        let Answered { peer, news, video, audio } = answered;
        let (shared, command_queue, control_queue) = Shared::new(start.id, start.game, start.game_name, start.feedback);
        let (ended_sender, ended) = watch::channel(false);
        let session = Arc::new(Self {
            shared: Arc::clone(&shared),
            play: start.play,
            peer: tokio::sync::Mutex::new(peer),
            ended,
        });
        let parts = Parts {
            encoder: start.encoder,
            format: start.format,
            audio_millis: start.audio_millis,
            idle_limit: start.idle_limit,
            command_queue,
            control_queue,
            video,
            audio,
        };
        let (this, slot) = (Arc::clone(&session), start.slot);
        tokio::spawn(async move {
            this.run(parts, news).await;
            done();
            drop(slot);
            ended_sender.send_replace(true);
        });
        session
    }

    /// Ends the session and waits until its threads are gone.
    pub(crate) async fn end(&self, code: GoodbyeCode) {
        self.shared.finish(code);
        self.ended().await;
    }

    /// Waits until the session's threads are gone.
    pub(crate) async fn ended(&self) {
        let _ = self.ended.clone().wait_for(|ended| *ended).await;
    }

    async fn run(&self, parts: Parts, mut news: News) {
        let mut end = self.shared.end.subscribe();
        let mut threads: Vec<std::thread::JoinHandle<()>> = Vec::new();
        let mut parts_waiting = Some(parts);
        let mut control_queue = None;
        let mut channel: Option<Arc<dyn DataChannel>> = None;
        let mut idle_limit = None;
        let deadline = tokio::time::sleep(CONNECT_LIMIT);
        tokio::pin!(deadline);
        let mut tick = tokio::time::interval(Duration::from_millis(500));
        loop {
            tokio::select! {
                // The borrowed value must not live across the other arms.
                () = async { let _ = end.wait_for(Option::is_some).await; } => break,
                () = &mut deadline, if parts_waiting.is_some() => {
                    tracing::info!(session = %self.shared.id, "client never connected");
                    break;
                }
                state = changed(&mut news.state) => match state {
                    PeerState::New => {}
                    PeerState::Connected => if let Some(parts) = parts_waiting.take() {
                        idle_limit = parts.idle_limit;
                        self.shared.played();
                        match self.launch(parts) {
                            Ok((started, queue)) => {
                                threads = started;
                                control_queue = Some(queue);
                            }
                            Err(error) => {
                                tracing::error!(session = %self.shared.id, %error, "session cannot start");
                                self.shared.fail(format!("the host has no more threads: {error}"));
                            }
                        }
                    },
                    PeerState::Lost => break,
                },
                Some((purpose, opened)) = news.channels.recv() => self.open_channel(purpose, opened, &mut channel),
                message = next(&mut control_queue), if channel.is_some() => {
                    if let (Some(message), Some(channel)) = (message, &channel) {
                        let _ = channel.try_send_text(&message.to_json()).await;
                    }
                }
                _ = tick.tick() => if let Some(limit) = idle_limit {
                    let since = clock::monotonic_micros()
                        .saturating_sub(self.shared.last_input.load(Ordering::Relaxed));
                    if Duration::from_micros(since) > limit {
                        self.shared.finish(GoodbyeCode::Idle);
                    }
                }
            }
        }
        let ending = end.borrow().clone().unwrap_or_else(|| GoodbyeCode::Error.into());
        let End { code, reason } = ending;
        if channel.is_none() && parts_waiting.is_none() && code == GoodbyeCode::Error {
            // An encoder that does not open fails before the client has its channels, and the player should read why.
            channel = self.late_control(&mut news).await;
        }
        if let Some(channel) = &channel {
            let goodbye = Control::Goodbye { code, reason };
            if channel.try_send_text(&goodbye.to_json()).await.is_ok() {
                // Closing drops what is not yet on the wire.
                tokio::time::sleep(GOODBYE_PAUSE).await;
            }
        }
        // First, so that the client is free even when a thread does not leave.
        self.peer.lock().await.connection.close().await;
        // A full queue is drained by the thread itself; it also leaves when it cannot hand frames over.
        let shared = Arc::clone(&self.shared);
        let _ = tokio::task::spawn_blocking(move || {
            let _ = shared.commands.send(Command::Stop);
            for thread in threads {
                if thread.join().is_err() {
                    tracing::error!(session = %shared.id, "a session thread panicked");
                }
            }
        })
        .await;
        tracing::info!(session = %self.shared.id, ?code, "session ended");
    }

    /// The control channel, if it opens soon.
    async fn late_control(&self, news: &mut News) -> Option<Arc<dyn DataChannel>> {
        let opening = async {
            let mut control = None;
            while control.is_none() {
                tokio::select! {
                    state = changed(&mut news.state) => if state == PeerState::Lost { break },
                    Some((purpose, opened)) = news.channels.recv() => self.open_channel(purpose, opened, &mut control),
                }
            }
            control
        };
        tokio::time::timeout(CHANNEL_PATIENCE, opening).await.ok().flatten()
    }

    fn launch(&self, parts: Parts) -> std::io::Result<Launched> {
        let (video_packets, video_queue) = mpsc::channel(VIDEO_QUEUE);
        tokio::spawn(send(Arc::clone(&parts.video.track), video_queue));
        let origin = capture::Origin { at: clock::now(), micros: clock::monotonic_micros() };
        let mut threads = Vec::new();
        let alive = Arc::new(capture::Alive::default());
        if let Some(audio) = parts.audio {
            let (audio_packets, audio_queue) = mpsc::channel(AUDIO_QUEUE);
            tokio::spawn(send(audio.track, audio_queue));
            let speaker = speech::Speaker {
                shared: Arc::clone(&self.shared),
                stream: audio.stream,
                packets: audio_packets,
                origin,
                millis: parts.audio_millis,
                alive: Arc::clone(&alive),
            };
            threads.push(std::thread::Builder::new().name("demo-sound".to_owned()).spawn(move || speaker.run())?);
        }
        let camera = capture::Camera {
            shared: Arc::clone(&self.shared),
            row: parts.encoder,
            format: parts.format,
            stream: parts.video.stream,
            packets: video_packets,
            commands: parts.command_queue,
            origin,
            alive,
        };
        threads.push(std::thread::Builder::new().name("demo-capture".to_owned()).spawn(move || camera.run())?);
        Ok((threads, parts.control_queue))
    }

    fn open_channel(&self, purpose: Channel, opened: Arc<dyn DataChannel>, control: &mut Option<Arc<dyn DataChannel>>) {
        match purpose {
            Channel::Input => {
                tokio::spawn(read_input(Arc::clone(&self.shared), opened));
            }
            Channel::Control => {
                *control = Some(Arc::clone(&opened));
                tokio::spawn(read_control(Arc::clone(&self.shared), opened));
            }
        }
    }
}

type Launched = (Vec<std::thread::JoinHandle<()>>, mpsc::Receiver<Control>);

struct Parts {
    encoder: &'static EncoderRow,
    format: VideoFormat,
    audio_millis: u32,
    idle_limit: Option<Duration>,
    command_queue: std::sync::mpsc::Receiver<Command>,
    control_queue: mpsc::Receiver<Control>,
    video: Sending,
    audio: Option<Sending>,
}

/// The next state of a connection; one whose driver is gone is lost.
async fn changed(state: &mut watch::Receiver<PeerState>) -> PeerState {
    match state.changed().await {
        Ok(()) => *state.borrow_and_update(),
        Err(_) => PeerState::Lost,
    }
}

/// The next message; never ready without a queue.
async fn next(queue: &mut Option<mpsc::Receiver<Control>>) -> Option<Control> {
    match queue {
        Some(queue) => queue.recv().await,
        None => std::future::pending().await,
    }
}

/// Hands packets to the connection, large frames in bursts.
async fn send(track: Arc<TrackLocalStaticRTP>, mut queue: mpsc::Receiver<Packets>) {
    while let Some(packets) = queue.recv().await {
        for (number, packet) in packets.into_iter().enumerate() {
            if number > 0 && number % BURST == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            if track.write_rtp(packet).await.is_err() {
                return;
            }
        }
    }
}

async fn read_input(shared: Arc<Shared>, channel: Arc<dyn DataChannel>) {
    while let Some(event) = channel.poll().await {
        match event {
            DataChannelEvent::OnMessage(message) if !message.is_string => {
                let _ = shared.commands.try_send(Command::Input(message.data.freeze()));
            }
            DataChannelEvent::OnClose => break,
            _ => {}
        }
    }
}

async fn read_control(shared: Arc<Shared>, channel: Arc<dyn DataChannel>) {
    while let Some(event) = channel.poll().await {
        match event {
            DataChannelEvent::OnMessage(message) => {
                let received = clock::monotonic_micros();
                match Control::parse(&message.data) {
                    Ok(message) => obey(&shared, &*channel, message, received).await,
                    Err(error) => tracing::debug!(session = %shared.id, %error, "control message ignored"),
                }
            }
            DataChannelEvent::OnClose => break,
            _ => {}
        }
    }
}

/// What the host can use.
const CAPABILITIES: [&str; 9] = ["rumble", "light", "pointer", "touch", "motion", "text", "format", "keyboard", "pads"];

async fn obey(shared: &Shared, channel: &dyn DataChannel, message: Control, received: u64) {
    match message {
        Control::Hello { versions, client, .. } => {
            tracing::info!(session = %shared.id, client = %client.chars().take(80).collect::<String>(), "hello");
            if versions.contains(&VERSION) {
                let welcome = Control::Welcome {
                    version: VERSION,
                    host: concat!("entente-demo ", env!("CARGO_PKG_VERSION")).to_owned(),
                    game: shared.game_name.clone(),
                    capabilities: CAPABILITIES.iter().map(|&name| name.to_owned()).collect(),
                };
                let _ = channel.try_send_text(&welcome.to_json()).await;
            } else {
                shared.fail(format!("this host speaks version {VERSION} only"));
            }
        }
        Control::Ping { id, client_micros } => {
            let host_sent_micros = clock::monotonic_micros();
            let pong = Control::Pong { id, client_micros, host_received_micros: received, host_sent_micros };
            let _ = channel.try_send_text(&pong.to_json()).await;
        }
        Control::Keyframe => shared.feedback.ask_key(),
        Control::Format { width, height, fps, bitrate_kbps } => {
            let bitrate_kbps = bitrate_kbps.unwrap_or(0);
            if shared.commands.try_send(Command::Format(VideoFormat { width, height, fps, bitrate_kbps })).is_err() {
                shared.tell(Control::Notice { text: "the host is too busy to change the picture".to_owned() });
            }
        }
        Control::Text { text } => {
            shared.played();
            let _ = shared.commands.try_send(Command::Text(text));
        }
        Control::Goodbye { code, .. } => {
            shared.finish(if code == GoodbyeCode::Unknown { GoodbyeCode::User } else { code });
        }
        _ => {}
    }
}
