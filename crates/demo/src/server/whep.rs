//! The WHEP resource: offers in, answers out, candidates and the end.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use entente_model::media::VideoCodec;
use entente_model::wire::control::GoodbyeCode;
use parking_lot::Mutex;

use crate::encoder::{EncoderRow, Machine, VideoFormat};
use crate::peer::{self, Plan, Relation};
use crate::plays::{Joining, NoJoin, Order};
use crate::rtcp::Feedback;
use crate::sdp::{self, Offered};
use crate::server::problem::Problem;
use crate::server::query::{self, Wish};
use crate::server::{Cloud, body};
use crate::session::{Session, Start};
use crate::slots::{Slot, Turn};
use crate::{clock, games};

/// Longest body: an offer of every codec a browser knows has about 8 kB.
const MAX_BODY: usize = 64 * 1024;
/// When a waiting client should ask again.
const RETRY_SECONDS: u32 = 2;

const SDP: &str = "application/sdp";
const FRAGMENT: &str = "application/trickle-ice-sdpfrag";

/// Whether a request without a session may use this host.
fn authorised(cloud: &Cloud, headers: &HeaderMap) -> Result<(), Problem> {
    let given = body::bearer(headers).unwrap_or_default();
    match &cloud.config.token {
        Some(token) if body::same(given.as_bytes(), token.reveal().as_bytes()) => Ok(()),
        None if !cloud.config.accounts.require_sign_in => Ok(()),
        Some(_) => Err(unauthorised("this host asks for a bearer token, and none or another one was given")),
        None => Err(unauthorised("this host only plays sessions of its accounts; see docs/open-cloud-api.md")),
    }
}

fn unauthorised(detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", "Not allowed", detail)
}

fn no_such_session() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "no-such-session", "No such session", "it has ended or never was")
}

/// Whether a request may touch a stream that runs: one of an account's session with the token that it was opened with,
/// also when that opens nothing any more.
fn may_touch(cloud: &Cloud, headers: &HeaderMap, session: &Session) -> Result<(), Problem> {
    let Some(play) = &session.play else { return authorised(cloud, headers) };
    let token = body::bearer(headers).unwrap_or_default();
    if cloud.accounts.stream_of(token).as_ref() == Some(play) {
        return Ok(());
    }
    Err(unauthorised("this stream asks for the token that it was opened with"))
}

/// What a stream of an account's session plays; the session's earlier stream is ended first.
async fn join(cloud: &Cloud, headers: &HeaderMap, game: &str, play: &str) -> Result<Joining, Problem> {
    let token = body::bearer(headers).unwrap_or_default();
    if !cloud.accounts.opens_stream(clock::now(), token, play) {
        let detail = "the stream token is missing, has expired, or belongs to another session";
        return Err(unauthorised(detail).challenge("Bearer error=\"invalid_token\""));
    }
    let joining = cloud.plays.join(clock::now(), play).map_err(|why| match why {
        NoJoin::Gone => no_such_session(),
        NoJoin::NotReady => {
            Problem::new(StatusCode::CONFLICT, "not-ready", "Not ready", "the session still waits; ask for its state")
        }
    })?;
    if joining.order.game != game {
        return Err(Problem::bad_request(format!("this session plays {}", joining.order.game)));
    }
    if let Some(before) = &joining.before {
        before.shared.hand_over();
        before.ended().await;
    }
    Ok(joining)
}

/// What will be sent with what.
struct Choice {
    encoder: &'static EncoderRow,
    codec: VideoCodec,
    video: Offered,
    audio: Option<Offered>,
    format: VideoFormat,
}

fn named(codecs: &[VideoCodec]) -> Vec<&'static str> {
    codecs.iter().map(|codec| codec.name()).collect()
}

/// The first codec that is offered, wanted and encoded here: in the order of the wish, without one in the offer's.
fn first_choice(
    machine: &Machine,
    wish: &Wish,
    choices: &[(VideoCodec, Offered)],
) -> Option<(&'static EncoderRow, VideoCodec, Offered)> {
    let order: Vec<VideoCodec> =
        if wish.codecs.is_empty() { choices.iter().map(|(codec, _)| *codec).collect() } else { wish.codecs.clone() };
    order.into_iter().find_map(|codec| {
        let (_, offered) = choices.iter().find(|(offered, _)| *offered == codec)?;
        let encoder = machine.encoder(codec, wish.encoder.as_deref()).ok()?;
        Some((encoder, codec, offered.clone()))
    })
}

fn choose(machine: &Machine, wish: &Wish, offer: &str) -> Result<Choice, Problem> {
    let not_acceptable =
        |detail: String| Problem::new(StatusCode::NOT_ACCEPTABLE, "no-common-codec", "No common video format", detail);
    if !sdp::is_bounded(offer) {
        let detail = format!("a media section of the offer lists more than {} formats", sdp::MAX_FORMATS);
        return Err(Problem::bad_request(detail));
    }
    let offer = sdp::read_offer(offer);
    if offer.video.is_empty() || offer.ufrag.is_none() || offer.password.is_none() {
        return Err(Problem::bad_request("the body is not an SDP offer with video and ICE credentials"));
    }
    let choices = sdp::video_choices(&offer);
    let Some((encoder, codec, video)) = first_choice(machine, wish, &choices) else {
        let offered: Vec<_> = choices.iter().map(|(codec, _)| *codec).collect();
        let made: Vec<_> = machine.encoders.iter().map(|row| format!("{} ({})", row.codec.name(), row.name)).collect();
        return Err(not_acceptable(format!(
            "offered in a usable form: {}; asked for: {} {}; this host encodes: {}",
            named(&offered).join(", "),
            if wish.codecs.is_empty() { "any codec".to_owned() } else { named(&wish.codecs).join(", ") },
            wish.encoder.as_deref().unwrap_or(""),
            made.join(", ")
        )));
    };
    let audio = offer.audio.iter().find(|entry| entry.name == "opus").cloned();
    Ok(Choice { encoder, codec, video, audio, format: wish.format(machine.default_format) })
}

/// The request's own address with the ticket in it.
pub fn place(game: &str, query: &str, ticket: &str) -> String {
    let pairs = url::form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != "queue");
    let query =
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).append_pair("queue", ticket).finish();
    format!("/whep/{game}?{query}")
}

fn turn(cloud: &Cloud, game: &str, query: &str, wish: &Wish) -> Result<Slot, Problem> {
    let busy = |detail: &str| {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "Every place is taken", detail).retry_after(RETRY_SECONDS)
    };
    if cloud.stopping() {
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", "The host stops", "no new sessions"));
    }
    match cloud.slots.ask(clock::now(), wish.ticket.as_deref(), || cloud.token()) {
        Turn::Now(slot) => Ok(slot),
        Turn::Wait { ticket, position, length } => {
            Err(busy("repeat the request at the Location of this answer to keep the place in the queue")
                .at(place(game, query, &ticket))
                .with("queue_ticket", ticket)
                .with("queue_position", position)
                .with("queue_length", length))
        }
        Turn::Full => Err(busy("the queue is full as well")),
    }
}

/// `POST /whep/{game}`.
pub(super) async fn post(
    State(cloud): State<Arc<Cloud>>,
    path: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let query = query.unwrap_or_default();
    let play = query::session(&query);
    if play.is_none() {
        authorised(&cloud, &headers)?;
    }
    let Path(game_name) = path?;
    let wish = Wish::read(&query)?;
    if !games::catalogue().iter().any(|(name, _)| *name == game_name) {
        let detail = "there is no game of that name; GET /games lists them";
        return Err(Problem::new(StatusCode::NOT_FOUND, "no-such-game", "No such game", detail));
    }
    let offer = body::text(&headers, SDP, body, MAX_BODY).await?;
    let internal = |detail: String| {
        tracing::error!(%detail, "a session could not be made");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "The session could not be made", detail)
    };
    let machine = cloud.machine().await.map_err(|error| internal(error.to_string()))?;
    if let Some(help) = machine.help() {
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no-encoder", "Nothing can be encoded here", help));
    }
    let audio_millis = wish.audio_millis.unwrap_or(10);
    let mut choice = choose(machine, &wish, &offer)?;
    let seed = cloud.random();
    let (game, slot) = match &play {
        Some(play) => {
            let joining = join(&cloud, &headers, &game_name, play).await?;
            let Order { quality, bitrate_kbps, .. } = joining.order;
            choice.format = wish.or(quality, bitrate_kbps).format(machine.default_format);
            (joining.game, None)
        }
        None => {
            let slot = turn(&cloud, &game_name, &query, &wish)?;
            let chance = u64::from_be_bytes(seed.split_first_chunk().map_or([0; 8], |s| *s.0));
            let game = games::open(&game_name, wish.seed.unwrap_or(chance));
            let game = game.ok_or_else(|| internal(format!("{game_name} does not open")))?;
            (Arc::new(Mutex::new(game)), Some(slot))
        }
    };
    let ceiling = u64::from(choice.format.bitrate_kbps) * 1000;
    let network = !cloud.address.ip().to_canonical().is_loopback();
    let feedback = Arc::new(Feedback::new(ceiling, network));
    let plan = Plan {
        offer,
        video: (choice.codec, choice.video.clone()),
        audio: choice.audio.clone(),
        listen: cloud.address.ip(),
        seed,
    };
    let answered = peer::answer(plan, Arc::clone(&feedback), ceiling)
        .await
        .map_err(|error| Problem::bad_request(format!("the offer cannot be answered: {error}")))?;
    let answer = (answered.peer.answer.clone(), answered.peer.etag());
    let id = cloud.token();
    let start = Start {
        id: id.clone(),
        play: play.clone(),
        game,
        game_name: game_name.clone(),
        encoder: choice.encoder,
        format: choice.format,
        audio_millis,
        feedback,
        idle_limit: cloud.config.idle_limit,
        slot,
    };
    tracing::info!(session = %id, game = %game_name, encoder = choice.encoder.name, format = ?choice.format, "session");
    let session = cloud.enter(&id, || Session::start(start, answered, leaving(&cloud, &id, play.clone())));
    if let Some(play) = play {
        watch(&cloud, &play, &session);
    }
    Ok(created(&cloud, &game_name, &id, answer, &choice))
}

/// What is done at the end of a stream: it leaves the table, and the game of an account's session is parked.
fn leaving(cloud: &Arc<Cloud>, id: &str, play: Option<String>) -> impl FnOnce() + Send + 'static {
    let (table, key) = (Arc::downgrade(cloud), id.to_owned());
    move || {
        if let Some(cloud) = table.upgrade() {
            cloud.sessions.lock().remove(&key);
            if let Some(play) = play {
                cloud.plays.parked(clock::now(), &play, &key);
            }
        }
    }
}

/// Says that a stream plays an account's session.
fn watch(cloud: &Cloud, play: &str, session: &Arc<Session>) {
    if let Some(over) = cloud.plays.watched(play, session) {
        over.shared.hand_over();
    }
    let id = &session.shared.id;
    if !cloud.sessions.lock().contains_key(id) {
        // It ended before that was said.
        cloud.plays.parked(clock::now(), play, id);
    }
}

fn created(cloud: &Cloud, game: &str, id: &str, (answer, etag): (String, String), choice: &Choice) -> Response {
    let mut response = (StatusCode::CREATED, answer).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(SDP));
    headers.insert(HeaderName::from_static("accept-patch"), HeaderValue::from_static(FRAGMENT));
    let mut put = |name: HeaderName, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.append(name, value);
        }
    };
    put(header::LOCATION, format!("/whep/{game}/{id}"));
    put(header::ETAG, etag);
    let VideoFormat { width, height, fps, bitrate_kbps } = choice.format;
    put(
        HeaderName::from_static("entente-video"),
        format!(
            "codec={}; encoder={}; width={width}; height={height}; fps={fps}; bitrate_kbps={bitrate_kbps}",
            choice.codec.name(),
            choice.encoder.name
        ),
    );
    for server in &cloud.config.ice_servers {
        put(header::LINK, format!("<{server}>; rel=\"ice-server\""));
    }
    response
}

fn find(cloud: &Cloud, id: &str) -> Result<Arc<Session>, Problem> {
    cloud.sessions.lock().get(id).cloned().ok_or_else(no_such_session)
}

/// The session of a request that may touch it. Whether there is one is told only to who may ask.
fn touched(cloud: &Cloud, headers: &HeaderMap, id: &str) -> Result<Arc<Session>, Problem> {
    match find(cloud, id) {
        Ok(session) => may_touch(cloud, headers, &session).map(|()| session),
        Err(gone) => {
            let stream = body::bearer(headers).is_some_and(|token| cloud.accounts.stream_of(token).is_some());
            if !stream {
                authorised(cloud, headers)?;
            }
            Err(gone)
        }
    }
}

/// Whether `If-Match` (RFC 9110 section 13.1.1) is about the present state; without the header every state is meant.
fn meant(headers: &HeaderMap, present: &str) -> bool {
    let mut given = headers.get_all(header::IF_MATCH).iter().peekable();
    let tags = |value: &HeaderValue| {
        let mut tags = value.to_str().unwrap_or_default().split(',').map(str::trim);
        tags.any(|tag| tag == "*" || tag == present)
    };
    given.peek().is_none() || given.any(tags)
}

/// `PATCH /whep/{game}/{id}`: candidates, or new credentials for an ICE restart.
pub(super) async fn patch(
    State(cloud): State<Arc<Cloud>>,
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let Path((_, id)) = path?;
    let session = touched(&cloud, &headers, &id)?;
    let fragment = sdp::read_fragment(&body::text(&headers, FRAGMENT, body, MAX_BODY).await?);
    if fragment.ufrag.is_none() && fragment.candidates.is_empty() {
        return Err(Problem::bad_request("the fragment has neither candidates nor credentials"));
    }
    let mut peer = session.peer.lock().await;
    let outdated = |detail: &str| {
        Problem::new(StatusCode::PRECONDITION_FAILED, "outdated", "ICE has been restarted since", detail)
    };
    if !meant(&headers, &peer.etag()) {
        return Err(outdated("If-Match names another state of the session than the present one"));
    }
    match fragment.ufrag.as_deref().map(|ufrag| peer.relation(ufrag)) {
        None | Some(Relation::Present) => {
            peer.add_candidates(&fragment).await;
            return Ok(StatusCode::NO_CONTENT.into_response());
        }
        Some(Relation::Former) => return Err(outdated("the fragment belongs to credentials of before")),
        Some(Relation::New) => {}
    }
    let answer = peer
        .restart(&fragment)
        .await
        .map_err(|error| Problem::bad_request(format!("ICE cannot be restarted: {error}")))?;
    session.shared.feedback.ask_key();
    let headers = [(header::CONTENT_TYPE, FRAGMENT.to_owned()), (header::ETAG, peer.etag())];
    Ok((StatusCode::OK, headers, answer).into_response())
}

/// `DELETE /whep/{game}?queue=...`: a client gives up its place in the queue.
pub(super) async fn leave(
    State(cloud): State<Arc<Cloud>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    authorised(&cloud, &headers)?;
    let Some(ticket) = query::ticket(&query.unwrap_or_default()) else {
        return Err(Problem::bad_request("DELETE is for a session, or for a place in the queue with its ticket"));
    };
    if cloud.slots.leave(clock::now(), &ticket) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let detail = "the ticket is unknown, has expired, or was used to play";
    Err(Problem::new(StatusCode::NOT_FOUND, "no-such-place", "No such place in the queue", detail))
}

/// `DELETE /whep/{game}/{id}`.
pub(super) async fn delete(
    State(cloud): State<Arc<Cloud>>,
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Path((_, id)) = path?;
    touched(&cloud, &headers, &id)?.end(GoodbyeCode::User).await;
    Ok(StatusCode::OK.into_response())
}
