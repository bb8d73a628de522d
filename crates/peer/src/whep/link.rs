//! The state machine.

mod counters;
mod outages;

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use entente_model::http::{HttpError, HttpRequest, HttpResponse, Method};
use entente_model::input::{InputEvent, PlayerInput};
use entente_model::link::{RequestId, SocketId, SocketSpec};
use entente_model::media::{AudioFormat, VideoCodec};
use entente_model::stage::Stage;
use entente_model::wire::control::{Control, GoodbyeCode};
use entente_model::wire::{CONTROL_CHANNEL, INPUT_CHANNEL};
use entente_model::{EndReason, Event, Input, Link, LinkError, LinkStats, Output, Request};
use url::Url;

use super::WhepConfig;
use super::input::InputSender;
use super::outage::{Outage, Still};
use super::phase::{
    CONNECTING, FIRST_PICTURE, LATE_POSTS, LEAVING, MAX_ADDRESSES, OPENING, PAUSE, POSTING, Phase, SECURING,
    SHORT_REQUEST, STATS, WHOLE_START,
};
use super::signal::{Reply, ice_servers, is_loopback, no_response, offer_url, read_reply};
use super::timeline::Timeline;
use crate::control::{ControlSession, News};
use crate::peer::{ChannelSpec, Peer, PeerConfig, PeerError, PeerEvent};
use crate::sdp::SdpError;

const INPUT: usize = 0;
const CONTROL: usize = 1;

#[derive(Clone, Debug)]
struct Socket {
    id: SocketId,
    /// `Some` once it is open.
    local: Option<SocketAddr>,
    failed: bool,
}

/// A session with an open WHEP host.
#[derive(Debug)]
pub struct WhepLink {
    config: WhepConfig,
    /// How many of its ICE servers the host did not name.
    own_ice_servers: usize,
    codecs: Vec<VideoCodec>,
    url: Url,
    out: VecDeque<Output>,
    phase: Phase,
    stage: Option<Stage>,
    addresses: Vec<IpAddr>,
    sockets: Vec<Socket>,
    next_socket: u32,
    next_request: u32,
    peer: Option<Peer>,
    offer: String,
    /// The newest offers; one may still be answered after we have stopped waiting for it.
    posts: VecDeque<RequestId>,
    /// Where the session is, for PATCH and DELETE; while queued, our place in the line.
    session: Option<Url>,
    /// When the start has to be done; from the end of the queue on.
    start_by: Option<Instant>,
    outage: Option<Outage>,
    /// The host of this session refused an ICE restart.
    no_restart: bool,
    control: ControlSession,
    control_closed: Option<Instant>,
    input: InputSender,
    allow_damaged: bool,
    /// Width, height and frames per second that were asked for.
    format: Option<(u32, u32, u32)>,
    timeline: Timeline,
    /// The newest picture.
    playing_since: Option<Instant>,
    still: Option<Still>,
    audio_announced: bool,
    rtt: Option<Duration>,
    next_stats: Option<Instant>,
    /// Counters of earlier peer connections of this session.
    earlier: LinkStats,
    reconnects: u64,
    malformed: u64,
}

impl WhepLink {
    /// A link to `config.url`; nothing happens before [`Input::Start`].
    ///
    /// # Errors
    /// [`EndReason::BadUrl`] for an address that cannot be asked, [`EndReason::NoCodec`] when no wanted codec can be
    /// decoded.
    pub fn new(config: WhepConfig, _now: Instant) -> Result<Self, EndReason> {
        let url = offer_url(&config.url, &config.want)?;
        let mut codecs: Vec<VideoCodec> =
            config.want.codecs.iter().copied().filter(|codec| config.codecs.contains(codec)).collect();
        if config.want.codecs.is_empty() {
            codecs.clone_from(&config.codecs);
        }
        if codecs.is_empty() {
            return Err(EndReason::NoCodec("none of the wanted codecs can be decoded here".to_owned()));
        }
        let format = config.want.width.zip(config.want.height).zip(config.want.fps);
        let format = format.map(|((width, height), fps)| (width, height, fps));
        Ok(Self {
            control: ControlSession::new(config.clock),
            own_ice_servers: config.ice_servers.len(),
            config,
            codecs,
            url,
            out: VecDeque::new(),
            phase: Phase::New,
            stage: None,
            addresses: Vec::new(),
            sockets: Vec::new(),
            next_socket: 0,
            next_request: 0,
            peer: None,
            offer: String::new(),
            posts: VecDeque::new(),
            session: None,
            start_by: None,
            outage: None,
            no_restart: false,
            control_closed: None,
            input: InputSender::default(),
            allow_damaged: false,
            format,
            timeline: Timeline::default(),
            playing_since: None,
            still: None,
            audio_announced: false,
            rtt: None,
            next_stats: None,
            earlier: LinkStats::default(),
            reconnects: 0,
            malformed: 0,
        })
    }

    fn event(&mut self, event: Event) {
        self.out.push_back(Output::Event(event));
    }

    /// Tells where we are. During an outage the user sees only that.
    fn set_stage(&mut self, stage: Stage) {
        let stage = if self.outage.is_some() { Stage::Reconnecting } else { stage };
        if self.stage != Some(stage) {
            self.stage = Some(stage);
            self.event(Event::Stage(stage));
        }
    }

    fn request(
        &mut self,
        method: Method,
        url: &Url,
        headers: &[(&str, &str)],
        body: Vec<u8>,
        timeout: Duration,
    ) -> RequestId {
        let id = RequestId(self.next_request);
        self.next_request = self.next_request.wrapping_add(1);
        // The token is for the host that the user named, not for whom that host names.
        let bearer = if url.origin() == self.url.origin() { self.config.bearer.clone() } else { None };
        let request = HttpRequest {
            method,
            url: url.to_string(),
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            bearer,
            body,
            timeout_millis: u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX),
        };
        self.out.push_back(Output::Http { id, request });
        id
    }

    // Starting.

    fn start(&mut self, now: Instant, addresses: &[IpAddr]) {
        let loopback = is_loopback(&self.url);
        let usable = |ip: &&IpAddr| match ip {
            // A link-local IPv6 address is of no use without its interface.
            IpAddr::V6(ip) if ip.is_unicast_link_local() || ip.is_multicast() => false,
            ip => !ip.is_unspecified() && (loopback || !ip.is_loopback()),
        };
        self.addresses = addresses.iter().filter(usable).copied().collect();
        // To this machine itself loopback is the straightest way.
        self.addresses.sort_by_key(|ip| !ip.is_loopback());
        self.addresses.dedup();
        self.addresses.truncate(MAX_ADDRESSES);
        self.start_by = Some(now + WHOLE_START);
        self.next_stats = Some(now + STATS);
        self.open(now);
    }

    fn open(&mut self, now: Instant) {
        self.set_stage(Stage::Gathering);
        if self.addresses.is_empty() {
            self.fail(now, EndReason::NoPath("this machine has no network address".to_owned()));
            return;
        }
        for ip in self.addresses.clone() {
            let id = SocketId(self.next_socket);
            self.next_socket = self.next_socket.wrapping_add(1);
            self.sockets.push(Socket { id, local: None, failed: false });
            self.out.push_back(Output::Open { socket: id, spec: SocketSpec::Udp { local: ip } });
        }
        self.phase = Phase::Opening { until: now + OPENING };
    }

    fn opened(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Opening { .. })
            && self.sockets.iter().all(|socket| socket.failed || socket.local.is_some())
        {
            self.gathered(now);
        }
    }

    /// Sockets are there as far as they will be.
    fn gathered(&mut self, now: Instant) {
        let sockets: Vec<(SocketId, SocketAddr)> =
            self.sockets.iter().filter_map(|socket| Some((socket.id, socket.local?))).collect();
        if sockets.is_empty() {
            self.fail(now, EndReason::NoPath("no UDP socket could be opened".to_owned()));
            return;
        }
        match self.make_peer(now, &sockets) {
            Ok(offer) => {
                self.offer = offer;
                self.post(now);
            }
            Err(error) => self.fail(now, EndReason::Fault(error.to_string())),
        }
    }

    fn make_peer(&mut self, now: Instant, sockets: &[(SocketId, SocketAddr)]) -> Result<String, PeerError> {
        let config = PeerConfig {
            codecs: self.codecs.clone(),
            channels: vec![
                ChannelSpec { label: INPUT_CHANNEL, reliable: false },
                ChannelSpec { label: CONTROL_CHANNEL, reliable: true },
            ],
            // Any number but that of another source (RFC 3550 section 8.1).
            rtcp_ssrc: (self.config.seed ^ self.config.seed >> 32) as u32 | 1,
        };
        let mut peer = Peer::new(&config, now)?;
        for (id, local) in sockets {
            peer.add_socket(*id, *local);
        }
        let offer = peer.offer(now)?;
        self.peer = Some(peer);
        Ok(offer)
    }

    fn post(&mut self, now: Instant) {
        if !matches!(self.stage, Some(Stage::Queued { .. })) {
            self.set_stage(Stage::Negotiating);
        }
        let url = self.session.clone().unwrap_or_else(|| self.url.clone());
        let headers = [("Content-Type", "application/sdp"), ("Accept", "application/sdp, application/problem+json")];
        let id = self.request(Method::Post, &url, &headers, self.offer.clone().into_bytes(), POSTING);
        if self.posts.len() == LATE_POSTS {
            self.posts.pop_front();
        }
        self.posts.push_back(id);
        self.phase = Phase::Posting { id, until: now + POSTING };
    }

    fn replied(&mut self, now: Instant, result: Result<HttpResponse, HttpError>) {
        let response = match result {
            Ok(response) => response,
            Err(error) => return self.fail(now, no_response(&error)),
        };
        // The newest response names all of the host's, and a queue has many responses.
        self.config.ice_servers.truncate(self.own_ice_servers);
        self.config.ice_servers.extend(ice_servers(&response));
        match read_reply(&response) {
            Reply::Accepted { sdp, session } => {
                self.session = session;
                self.accepted(now, &sdp);
            }
            Reply::Queued { position, retry, place } if self.outage.is_none() => {
                self.session = place.or_else(|| self.session.take());
                self.start_by = None;
                self.set_stage(Stage::Queued { position });
                self.phase = Phase::Queued { until: now + retry };
            }
            Reply::Queued { position, place, .. } => {
                // Given back at once: a place that nobody asks about keeps others waiting, and us behind ourselves.
                self.session = place;
                self.fail(now, EndReason::Busy(format!("there is a queue of {position}")));
            }
            Reply::Refused(reason) => self.fail(now, reason),
        }
    }

    fn accepted(&mut self, now: Instant, sdp: &str) {
        let Some(peer) = &mut self.peer else { return };
        match peer.answer(now, sdp) {
            Ok(()) => {
                peer.allow_damaged(self.allow_damaged);
                self.phase = Phase::Connecting { until: now + CONNECTING };
                self.set_stage(Stage::Connecting);
            }
            Err(PeerError::Sdp(SdpError::NoVideo(words))) => self.fail(now, EndReason::NoCodec(words)),
            Err(error) => self.fail(now, EndReason::BadAnswer(error.to_string())),
        }
    }

    // Ending and failing.

    /// Something went wrong: the end while starting, another attempt during an outage.
    fn fail(&mut self, now: Instant, reason: EndReason) {
        let Some(outage) = &mut self.outage else { return self.finish(now, reason) };
        outage.trouble = reason.to_string();
        let hopeless = matches!(reason, EndReason::Unauthorized | EndReason::NotFound(_) | EndReason::NoCodec(_));
        let again = now + PAUSE;
        if hopeless || again >= outage.over_at() {
            let words = format!("joining again failed: {}", outage.trouble);
            return self.finish(now, EndReason::ConnectionLost(words));
        }
        self.drop_session(now);
        self.phase = Phase::Pausing { until: again };
    }

    /// Leaves the peer connection and the host's session, if there are any.
    fn drop_session(&mut self, now: Instant) {
        if let Some(mut peer) = self.peer.take() {
            peer.close();
            while let Some(event) = peer.poll(now) {
                if let PeerEvent::Datagram { socket, to, bytes } = event {
                    self.out.push_back(Output::Datagram { socket, to, bytes });
                }
            }
            self.earlier = self.add_counters(&peer);
        }
        self.control.close();
        self.control_closed = None;
        if let Some(session) = self.session.take() {
            self.request(Method::Delete, &session, &[], Vec::new(), SHORT_REQUEST);
        }
        for socket in std::mem::take(&mut self.sockets) {
            if !socket.failed {
                self.out.push_back(Output::Shut(socket.id));
            }
        }
    }

    fn finish(&mut self, now: Instant, reason: EndReason) {
        if matches!(self.phase, Phase::Over) {
            return;
        }
        if !matches!(reason, EndReason::HostEnded(_)) {
            let code = if reason.exit_code() == 0 || reason == EndReason::Interrupted {
                GoodbyeCode::User
            } else {
                GoodbyeCode::Error
            };
            self.say(now, &Control::Goodbye { code, reason: reason.name().to_owned() });
        }
        self.drop_session(now);
        let stats = self.stats();
        self.event(Event::Stats(stats));
        self.event(Event::Ended(reason));
        self.phase = Phase::Over;
    }

    fn stop(&mut self, now: Instant, reason: EndReason) {
        match self.phase {
            Phase::Posting { id, .. } => self.phase = Phase::Leaving { id, until: now + LEAVING, reason },
            Phase::Leaving { .. } => {}
            _ => self.finish(now, reason),
        }
    }

    fn say(&mut self, now: Instant, message: &Control) -> bool {
        self.peer.as_mut().is_some_and(|peer| peer.send(now, CONTROL, message.to_json().as_bytes(), true))
    }

    // HTTP.

    fn http(&mut self, now: Instant, id: RequestId, result: Result<HttpResponse, HttpError>) {
        match self.phase.clone() {
            Phase::Posting { id: posted, .. } if posted == id => self.replied(now, result),
            Phase::Restarting { patch: Some(patch), until } if patch == id => self.patched(now, until, result),
            Phase::Leaving { id: posted, reason, .. } if posted == id => {
                if let Ok(response) = &result
                    && let Reply::Accepted { session, .. } | Reply::Queued { place: session, .. } = read_reply(response)
                {
                    self.session = session;
                }
                self.finish(now, reason);
            }
            _ => {
                // A session or a place that was made after we had stopped waiting for it.
                if let Ok(response) = &result
                    && self.posts.contains(&id)
                    && let Reply::Accepted { session: Some(session), .. } | Reply::Queued { place: Some(session), .. } =
                        read_reply(response)
                {
                    self.request(Method::Delete, &session, &[], Vec::new(), SHORT_REQUEST);
                }
            }
        }
    }

    // Time.

    fn deadline(&mut self, now: Instant) -> Option<Instant> {
        if matches!(self.phase, Phase::New | Phase::Over) {
            return None;
        }
        let input = self.peer.as_ref().is_some_and(|peer| peer.is_open(INPUT)).then(|| self.input.deadline());
        let table = [
            self.phase.until(),
            if self.phase.starting() { self.start_by } else { None },
            self.outage.as_ref().map(Outage::over_at),
            self.silence_deadline(now),
            self.next_stats,
            self.control.deadline(),
            input.flatten(),
            self.peer.as_mut().and_then(Peer::deadline),
        ];
        table.into_iter().flatten().min()
    }

    fn timers(&mut self, now: Instant) {
        if let Some(peer) = &mut self.peer
            && peer.deadline().is_some_and(|at| at <= now)
        {
            peer.tick(now);
        }
        self.send_input(now);
        if let Some(ping) = self.control.ping(now) {
            self.say(now, &ping);
        }
        if self.next_stats.is_some_and(|at| at <= now) {
            self.next_stats = Some(now + STATS);
            self.measure(now);
            let stats = self.stats();
            self.event(Event::Stats(stats));
        }
        if let Some(outage) = &self.outage
            && now >= outage.over_at()
        {
            let words = outage.trouble.clone();
            return self.finish(now, EndReason::ConnectionLost(words));
        }
        let late = self.phase.starting() && self.outage.is_none() && self.start_by.is_some_and(|by| by <= now);
        if late || self.phase.until().is_some_and(|until| until <= now) {
            self.too_late(now, late);
        }
        self.check_silence(now);
    }

    /// The deadline of the phase has passed.
    fn too_late(&mut self, now: Instant, whole_start: bool) {
        match self.phase.clone() {
            Phase::New | Phase::Playing | Phase::Over => {}
            Phase::Opening { .. } if !whole_start => self.gathered(now),
            Phase::Opening { .. } => self.fail(now, EndReason::NoPath("no UDP socket could be opened".to_owned())),
            Phase::Posting { .. } => self.fail(now, no_response(&HttpError::Timeout)),
            Phase::Queued { .. } => {
                self.start_by = Some(now + WHOLE_START);
                self.post(now);
            }
            Phase::Connecting { .. } => {
                let candidates = self.peer.as_ref().map_or(0, Peer::remote_candidates);
                let words = if candidates == 0 {
                    "the host named no address that can be tried".to_owned()
                } else {
                    format!("none of its {candidates} addresses answered")
                };
                self.fail(now, EndReason::NoPath(words));
            }
            Phase::Securing { .. } => {
                let words = "a path was found, but the host did not finish the security handshake";
                self.fail(now, EndReason::NotSecured(words.to_owned()));
            }
            Phase::FirstPicture { .. } => {
                let packets = self.peer.as_ref().map_or(0, |peer| peer.video_stats().packets);
                let words = if packets == 0 {
                    "no video packet arrived".to_owned()
                } else {
                    format!("{packets} video packets arrived, but no whole key frame")
                };
                self.fail(now, EndReason::NoMedia(words));
            }
            Phase::Restarting { .. } | Phase::Pausing { .. } => self.rejoin(now),
            Phase::Leaving { reason, .. } => self.finish(now, reason),
        }
    }

    fn send_input(&mut self, now: Instant) {
        let Some(peer) = &mut self.peer else { return };
        if peer.is_open(INPUT)
            && let Some(bytes) = self.input.packet(now)
        {
            // A full channel means that the path is gone; a later packet says the same.
            let taken = peer.send(now, INPUT, &bytes, false);
            self.input.sent(now, taken);
        }
    }

    // News of the peer connection.

    fn drain(&mut self, now: Instant) {
        while let Some(event) = self.peer.as_mut().and_then(|peer| peer.poll(now)) {
            match event {
                PeerEvent::Datagram { socket, to, bytes } => {
                    self.out.push_back(Output::Datagram { socket, to, bytes });
                }
                PeerEvent::Video(mut frame) => {
                    self.timeline.frame(&mut frame);
                    self.picture(now);
                    self.event(Event::Video(frame));
                }
                PeerEvent::Audio(mut packet) => {
                    if !std::mem::replace(&mut self.audio_announced, true) {
                        self.event(Event::AudioFormat(AudioFormat::stereo()));
                    }
                    self.timeline.audio(&mut packet);
                    self.event(Event::Audio(packet));
                }
                PeerEvent::KeyframeWanted => self.keyframe_wanted(now),
                PeerEvent::Message { channel: CONTROL, bytes } => self.control_message(now, &bytes),
                PeerEvent::Message { .. } => {}
                PeerEvent::PathFound => {
                    if matches!(self.phase, Phase::Connecting { .. }) {
                        self.phase = Phase::Securing { until: now + SECURING };
                        self.set_stage(Stage::Securing);
                    }
                }
                PeerEvent::Secured => {
                    self.input.restart(now);
                    if matches!(self.phase, Phase::Connecting { .. } | Phase::Securing { .. }) {
                        self.phase = Phase::FirstPicture { until: now + FIRST_PICTURE };
                        self.set_stage(Stage::WaitingForPicture);
                    }
                }
                PeerEvent::PathLost | PeerEvent::Failed => self.broken(now),
                PeerEvent::Refused(why) => {
                    if matches!(self.phase, Phase::Connecting { .. } | Phase::Securing { .. }) {
                        self.fail(now, EndReason::NotSecured(why));
                    }
                }
                PeerEvent::ChannelOpen(CONTROL) => {
                    let hello = self.control.open(now, &self.config.client);
                    self.say(now, &hello);
                    if let Some(ping) = self.control.ping(now) {
                        self.say(now, &ping);
                    }
                }
                PeerEvent::ChannelOpen(_) => self.send_input(now),
                PeerEvent::ChannelClosed(CONTROL) => {
                    self.control.close();
                    self.control_closed = Some(now);
                }
                PeerEvent::ChannelClosed(_) => {}
            }
        }
    }

    /// Asks for a key frame although RTCP was not agreed on for that.
    fn keyframe_wanted(&mut self, now: Instant) {
        let told = self.say(now, &Control::Keyframe);
        // A host that has never spoken may have taken the channel without reading it. Most hosts understand PLI whether
        // they said so or not, and without a key frame there is no picture any more.
        if (!told || self.control.last_answer().is_none())
            && let Some(peer) = &mut self.peer
        {
            peer.send_picture_loss(now);
        }
    }

    fn broken(&mut self, now: Instant) {
        match self.phase {
            Phase::Securing { .. } => {
                let words = "the path broke during the security handshake, or that failed";
                self.fail(now, EndReason::NotSecured(words.to_owned()));
            }
            Phase::Connecting { .. } => self.too_late(now, false),
            Phase::Playing if self.outage.is_none() => {
                self.outage = Some(Outage::new(self.heard().unwrap_or(now)));
                self.set_stage(Stage::Reconnecting);
            }
            _ => {}
        }
    }

    fn control_message(&mut self, now: Instant, bytes: &[u8]) {
        let mut news = Vec::new();
        if !self.control.receive(now, bytes, |item| news.push(item)) {
            self.malformed += 1;
        }
        for item in news {
            match item {
                News::Goodbye(reason) => return self.finish(now, EndReason::HostEnded(reason)),
                News::BadVersion(version) => {
                    let words = format!("it chose version {version} of the protocol, which was not offered");
                    return self.finish(now, EndReason::BadAnswer(words));
                }
                News::RoundTrip(rtt) => self.round_trip(rtt),
                other => {
                    if let Some(event) = other.into_event() {
                        self.event(event);
                    }
                }
            }
        }
    }

    // Inputs.

    fn player(&mut self, now: Instant, event: &InputEvent) {
        if let PlayerInput::Text(text) = &event.what {
            for part in Control::texts(text) {
                self.say(now, &part);
            }
            return;
        }
        self.input.apply(now, &event.what, self.config.clock.micros(event.at));
        self.send_input(now);
    }

    fn wanted(&mut self, now: Instant, request: Request) {
        match request {
            Request::Keyframe => {
                if let Some(peer) = &mut self.peer {
                    peer.request_keyframe();
                }
            }
            Request::TargetBitrate { kbps } => {
                // It travels with a format only; one that nobody asked for cannot be repeated.
                if let Some((width, height, fps)) = self.format {
                    self.say(now, &Control::Format { width, height, fps, bitrate_kbps: Some(kbps) });
                }
            }
            Request::Format { width, height, fps } => {
                self.format = Some((width, height, fps));
                self.say(now, &Control::Format { width, height, fps, bitrate_kbps: None });
            }
            Request::AllowDamaged(allow) => {
                self.allow_damaged = allow;
                if let Some(peer) = &mut self.peer {
                    peer.allow_damaged(allow);
                }
            }
            Request::Stop(reason) => self.stop(now, reason),
        }
    }

    fn check_socket(&self, socket: SocketId) -> Result<(), LinkError> {
        // Sockets that were shut may still have had something on its way.
        if socket.0 < self.next_socket { Ok(()) } else { Err(LinkError::UnknownSocket(socket)) }
    }
}

impl Link for WhepLink {
    fn handle(&mut self, now: Instant, input: Input<'_>) -> Result<(), LinkError> {
        match (&input, &self.phase) {
            (Input::Start { .. }, Phase::New) => {}
            (Input::Start { .. }, _) => return Err(LinkError::OutOfOrder("a second start")),
            (Input::Request(Request::Stop(_)), Phase::New) => {}
            (_, Phase::New) => return Err(LinkError::OutOfOrder("nothing was started")),
            (_, Phase::Over) => return Ok(()),
            _ => {}
        }
        match input {
            Input::Start { local_addresses } => self.start(now, local_addresses),
            Input::Tick => {}
            Input::Opened { socket, local } => {
                self.check_socket(socket)?;
                if let Some(known) = self.sockets.iter_mut().find(|known| known.id == socket) {
                    known.local = Some(local);
                }
                self.opened(now);
            }
            Input::Closed { socket } => {
                self.check_socket(socket)?;
                if let Some(known) = self.sockets.iter_mut().find(|known| known.id == socket) {
                    known.failed = true;
                }
                self.opened(now);
            }
            Input::Datagram { socket, from, bytes } => {
                self.check_socket(socket)?;
                if let Some(peer) = &mut self.peer {
                    peer.receive(now, socket, from, bytes);
                }
            }
            Input::Stream { socket, .. } => self.check_socket(socket)?,
            Input::Http { id, result } => self.http(now, id, result),
            Input::Player(event) => self.player(now, event),
            Input::Request(request) => self.wanted(now, request),
        }
        self.drain(now);
        self.timers(now);
        self.drain(now);
        Ok(())
    }

    fn poll(&mut self, now: Instant) -> Output {
        self.out.pop_front().unwrap_or_else(|| Output::Wait(self.deadline(now)))
    }
}
