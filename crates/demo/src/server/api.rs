//! The account's own interface, `/api/v1`: who am I, titles, pictures, regions, sessions.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use entente_model::wire::control::GoodbyeCode;
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::account::Access;
use crate::account::kept::Kept;
use crate::plays::{NoStart, Order, Rest, State as PlayState, View, Which};
use crate::server::form::Form;
use crate::server::problem::Problem;
use crate::server::{Cloud, body, json as answer, oauth};
use crate::shelf::names::{Entry, REGIONS};
use crate::shelf::{self, MAX_LIMIT, USUAL_LIMIT};
use crate::{art, clock};

/// Longest body of a request.
const MAX_BODY: usize = 8 * 1024;
/// Pictures kept in memory, about 150 kB each.
const MAX_PICTURES: usize = 128;
/// Pictures drawn at the same time.
const PAINTERS: usize = 2;
/// How much longer the way to the far region is made to look.
const FAR: Duration = Duration::from_millis(60);
/// When a waiting client should ask again.
const ASK_QUEUE: Duration = Duration::from_secs(2);
/// When a client should ask about a session that starts.
const ASK_START: Duration = Duration::from_millis(200);
/// When to try again while every place in the queue is taken.
const RETRY_SECONDS: u32 = 5;

/// Pictures that were drawn.
pub(super) struct Pictures {
    drawn: Mutex<Kept<(String, art::Kind), Bytes>>,
    painters: Semaphore,
}

impl Default for Pictures {
    fn default() -> Self {
        Self { drawn: Mutex::new(Kept::new(MAX_PICTURES)), painters: Semaphore::new(PAINTERS) }
    }
}

/// What a request needs to be allowed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    Nothing,
    Library,
    Play,
}

/// Who asks; refuses whoever may not.
fn caller(cloud: &Cloud, headers: &HeaderMap, need: Need) -> Result<Access, Problem> {
    let refuse = |detail: &str| Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", "Not signed in", detail);
    if !headers.contains_key(header::AUTHORIZATION) {
        return Err(refuse("an access token is needed, as a bearer token").challenge("Bearer realm=\"entente\""));
    }
    let access = body::bearer(headers).and_then(|token| cloud.accounts.access(clock::now(), token));
    let Some(access) = access else {
        let detail = "the access token is unknown, has expired, or was revoked";
        return Err(refuse(detail).challenge("Bearer realm=\"entente\", error=\"invalid_token\""));
    };
    let lacks = |scope: &'static str, challenge: &'static str| {
        let detail = format!("the access token lacks the scope {scope}");
        Err(Problem::new(StatusCode::FORBIDDEN, "insufficient-scope", "Not allowed", detail).challenge(challenge))
    };
    match need {
        Need::Library if !access.scopes.library => {
            lacks("library", "Bearer realm=\"entente\", error=\"insufficient_scope\", scope=\"library\"")
        }
        Need::Play if !access.scopes.play => {
            lacks("play", "Bearer realm=\"entente\", error=\"insufficient_scope\", scope=\"play\"")
        }
        _ => Ok(access),
    }
}

/// `GET /openapi.json`.
pub(super) async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], include_str!("openapi.json")).into_response()
}

/// `GET /api/v1/me`.
pub(super) async fn me(State(cloud): State<Arc<Cloud>>, headers: HeaderMap) -> Result<Response, Problem> {
    let player = &caller(&cloud, &headers, Need::Nothing)?.grant.player;
    Ok(answer(&json!({ "id": player.id, "name": player.name, "guest": player.guest })))
}

/// `GET /api/v1/titles`.
pub(super) async fn titles(
    State(cloud): State<Arc<Cloud>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let access = caller(&cloud, &headers, Need::Library)?;
    let query = Form::read(&query.unwrap_or_default()).map_err(|error| Problem::bad_request(error.to_string()))?;
    let limit = match query.get("limit") {
        None => USUAL_LIMIT,
        Some(limit) => match limit.parse::<usize>() {
            Ok(limit) if limit > 0 => limit.min(MAX_LIMIT),
            _ => return Err(Problem::bad_request("limit is no whole number above 0")),
        },
    };
    let now = clock::unix_micros() / 1000;
    let page = cloud
        .shelf
        .page(now, access.grant.player.guest, query.get("since"), query.get("cursor"), limit)
        .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, "bad-cursor", "Not a cursor", error.to_string()))?;
    Ok(answer(&page))
}

fn no_such_title() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "no-such-title", "No such title", "it is not in the catalogue")
}

/// `GET /api/v1/art/{title}/{file}`: pictures are for everybody, as on the shelf of a shop.
pub(super) async fn picture(
    State(cloud): State<Arc<Cloud>>,
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Path((title, file)) = path?;
    let entry = cloud.shelf.find(&title).ok_or_else(no_such_title)?;
    let Some(kind) = art::Kind::read(&file) else {
        let detail = "pictures are tile.png and hero.png";
        return Err(Problem::new(StatusCode::NOT_FOUND, "not-found", "No such picture", detail));
    };
    let tag = format!("\"{}\"", art::version(&entry, kind));
    let mut response = if has(&headers, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let picture = drawn(&cloud, entry, kind).await?;
        ([(header::CONTENT_TYPE, "image/png")], picture).into_response()
    };
    let named = response.headers_mut();
    named.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=86400"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        named.insert(header::ETAG, tag);
    }
    Ok(response)
}

/// Whether `If-None-Match` (RFC 9110 section 13.1.2) names this state.
fn has(headers: &HeaderMap, tag: &str) -> bool {
    let given = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = given.flat_map(|value| value.split(',')).map(str::trim);
    tags.any(|given| given == "*" || given.strip_prefix("W/").unwrap_or(given) == tag)
}

async fn drawn(cloud: &Cloud, entry: Entry, kind: art::Kind) -> Result<Bytes, Problem> {
    let key = (entry.id.clone(), kind);
    let known = cloud.pictures.drawn.lock().get(&key).cloned();
    if let Some(known) = known {
        return Ok(known);
    }
    let failed = |why: &dyn std::fmt::Display| {
        tracing::error!(%why, "a picture cannot be drawn");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "The picture could not be drawn", why.to_string())
    };
    let _painter = cloud.pictures.painters.acquire().await.map_err(|error| failed(&error))?;
    let known = cloud.pictures.drawn.lock().get(&key).cloned();
    if let Some(known) = known {
        return Ok(known);
    }
    let drawing = tokio::task::spawn_blocking(move || art::draw(&entry, kind)).await;
    let picture = Bytes::from(drawing.map_err(|error| failed(&error))?.map_err(|error| failed(&error))?);
    cloud.pictures.drawn.lock().put(key, picture.clone());
    Ok(picture)
}

/// `GET /api/v1/regions`.
pub(super) async fn regions(State(cloud): State<Arc<Cloud>>, headers: HeaderMap) -> Result<Response, Problem> {
    caller(&cloud, &headers, Need::Library)?;
    // Both regions are this machine, so they share its queue. Nobody knows how long people play.
    let (running, waiting) = cloud.slots.load(clock::now());
    let free = waiting == 0 && running < cloud.slots.places();
    let queue = free.then_some(0_u32);
    let regions: Vec<_> = REGIONS
        .iter()
        .map(|(id, name)| {
            json!({ "id": id, "name": name, "ping_url": format!("/api/v1/regions/{id}/ping"), "queue_seconds": queue })
        })
        .collect();
    Ok(answer(&json!({ "regions": regions })))
}

/// `GET /api/v1/regions/{id}/ping`: for everybody, so that measuring costs as little as it can.
pub(super) async fn ping(path: Result<Path<String>, PathRejection>) -> Result<Response, Problem> {
    let Path(id) = path?;
    match id.as_str() {
        "near" => {}
        "far" => tokio::time::sleep(FAR).await,
        _ => return Err(Problem::new(StatusCode::NOT_FOUND, "no-such-region", "No such region", "see /regions")),
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The body of `POST /api/v1/sessions`. Unknown fields are ignored.
#[derive(Debug, Deserialize)]
pub struct StartBody {
    title: String,
    region: Option<String>,
    quality: Option<QualityBody>,
    bitrate_kbps: Option<u32>,
    anew: Option<bool>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct QualityBody {
    width: u32,
    height: u32,
    fps: u32,
}

impl StartBody {
    /// From what a client sends.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}

fn session_json(view: &View) -> Value {
    let mut session = json!({ "id": view.id, "title": view.title, "region": view.region });
    let state = match &view.state {
        PlayState::Queued { position, of, eta } => json!({
            "state": "queued",
            "position": position,
            "of": of,
            "eta_seconds": eta.map(|eta| eta.as_secs()),
            "ask_after_millis": ASK_QUEUE.as_millis() as u64,
        }),
        PlayState::Starting => json!({
            "state": "starting",
            "stage": "trying which video encoders work here",
            "ask_after_millis": ASK_START.as_millis() as u64,
        }),
        PlayState::Ready { since_millis } => json!({ "state": "ready", "running_since_millis": since_millis }),
        PlayState::Ended { why } => json!({ "state": "ended", "why": why }),
    };
    if let (Some(session), Value::Object(state)) = (session.as_object_mut(), state) {
        // What is not known is left out.
        session.extend(state.into_iter().filter(|(_, value)| !value.is_null()));
    }
    session
}

/// Ends the streams of sessions that were ended, and frees their places.
async fn finish(rests: Vec<Rest>) {
    for rest in rests {
        if let Some(stream) = &rest.stream {
            stream.end(GoodbyeCode::User).await;
        }
    }
}

/// What an account may order.
fn order(cloud: &Cloud, access: &Access, wish: &StartBody) -> Result<Order, Problem> {
    let entry = cloud.shelf.find(&wish.title).ok_or_else(no_such_title)?;
    if !shelf::may_play(&entry, access.grant.player.guest) {
        let detail = "this account has no right to play it";
        return Err(Problem::new(StatusCode::FORBIDDEN, "not-entitled", "Not with this account", detail));
    }
    let region = wish.region.as_deref().unwrap_or("near");
    if !entry.regions.contains(&region) {
        let detail = format!("this title runs in: {}", entry.regions.join(", "));
        return Err(Problem::new(StatusCode::BAD_REQUEST, "no-such-region", "Not in this region", detail));
    }
    let chance = u64::from_be_bytes(cloud.random().split_first_chunk().map_or([0; 8], |seed| *seed.0));
    Ok(Order {
        owner: access.grant.player.id.clone(),
        title: entry.id,
        game: entry.game,
        seed: entry.seed.unwrap_or(chance),
        region: region.to_owned(),
        quality: wish.quality.map(|quality| (quality.width, quality.height, quality.fps)),
        bitrate_kbps: wish.bitrate_kbps,
    })
}

/// `POST /api/v1/sessions`.
pub(super) async fn start(
    State(cloud): State<Arc<Cloud>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let access = caller(&cloud, &headers, Need::Play)?;
    let text = body::text(&headers, "application/json", body, MAX_BODY).await?;
    let wish = StartBody::read(&text).map_err(|error| Problem::bad_request(format!("the body: {error}")))?;
    let order = order(&cloud, &access, &wish)?;
    if cloud.stopping() {
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", "The host stops", "no new sessions"));
    }
    if let Some(machine) = cloud.known_machine()
        && let Some(help) = machine.help()
    {
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no-encoder", "Nothing can be encoded here", help));
    }
    let owner = order.owner.clone();
    if wish.anew == Some(true) {
        finish(cloud.plays.end(cloud.time(), &owner, Which::Title(&order.title), "started anew")).await;
    } else if let Some(view) = cloud.plays.running(cloud.time(), &owner, &order.title) {
        return Ok(located(StatusCode::OK, &view));
    }
    let view = cloud.plays.start(cloud.time(), cloud.token(), order).map_err(|refused| no_start(&cloud, &refused))?;
    Ok(located(StatusCode::CREATED, &view))
}

fn no_start(cloud: &Cloud, refused: &NoStart) -> Problem {
    match refused {
        NoStart::Full => {
            let detail = "every place and the queue are taken";
            let busy = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "Every place is taken", detail);
            busy.retry_after(RETRY_SECONDS)
        }
        NoStart::Enough(titles) => {
            let name = |id: &String| cloud.shelf.find(id).map_or_else(|| id.clone(), |entry| entry.name);
            let names: Vec<String> = titles.iter().map(name).collect();
            let detail = format!("this account has {} open already; end one of them first", names.join(" and "));
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-sessions", "Enough games at a time", detail)
        }
    }
}

fn located(status: StatusCode, view: &View) -> Response {
    let mut response = answer(&session_json(view));
    *response.status_mut() = status;
    if let Ok(location) = HeaderValue::from_str(&format!("/api/v1/sessions/{}", view.id)) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// `GET /api/v1/sessions`.
pub(super) async fn sessions(State(cloud): State<Arc<Cloud>>, headers: HeaderMap) -> Result<Response, Problem> {
    let access = caller(&cloud, &headers, Need::Play)?;
    let views = cloud.plays.list(cloud.time(), &access.grant.player.id);
    Ok(answer(&json!({ "sessions": views.iter().map(session_json).collect::<Vec<_>>() })))
}

fn no_such_session() -> Problem {
    let detail = "it never was, is long over, or belongs to somebody else";
    Problem::new(StatusCode::NOT_FOUND, "no-such-session", "No such session", detail)
}

/// `GET /api/v1/sessions/{id}`: also the sign that the place in the queue is still wanted.
pub(super) async fn session(
    State(cloud): State<Arc<Cloud>>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let access = caller(&cloud, &headers, Need::Play)?;
    let Path(id) = path?;
    let view = cloud.plays.get(cloud.time(), &access.grant.player.id, &id).ok_or_else(no_such_session)?;
    Ok(answer(&session_json(&view)))
}

/// `DELETE /api/v1/sessions/{id}`: the end of a game, or of the wait for it.
pub(super) async fn end(
    State(cloud): State<Arc<Cloud>>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let access = caller(&cloud, &headers, Need::Play)?;
    let Path(id) = path?;
    let ended = cloud.plays.end(cloud.time(), &access.grant.player.id, Which::Id(&id), "ended by the player");
    if ended.is_empty() {
        return Err(no_such_session());
    }
    finish(ended).await;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `POST /api/v1/sessions/{id}/stream`: what the player needs.
pub(super) async fn stream(
    State(cloud): State<Arc<Cloud>>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let access = caller(&cloud, &headers, Need::Play)?;
    let Path(id) = path?;
    let view = cloud.plays.get(cloud.time(), &access.grant.player.id, &id).ok_or_else(no_such_session)?;
    if !matches!(view.state, PlayState::Ready { .. }) {
        let detail = "a stream is only there while the session is ready";
        return Err(Problem::new(StatusCode::CONFLICT, "not-ready", "Not ready", detail));
    }
    let game = cloud.shelf.find(&view.title).map(|entry| entry.game).ok_or_else(no_such_title)?;
    let token = cloud.accounts.issue_stream(clock::now(), &access.grant, &id).map_err(|error| {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "No token could be made", error.to_string())
    })?;
    Ok(answer(&json!({
        "url": format!("whep+{}/whep/{game}?session={id}", oauth::base(&cloud, &headers)),
        "token": token.reveal(),
        "expires_in": cloud.config.accounts.stream_lifetime.as_secs().max(1),
    })))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_smallest_order_is_a_title() {
        let wish = StartBody::read(r#"{"title":"game","later":[1]}"#).unwrap();
        assert_eq!((wish.title.as_str(), wish.region, wish.anew), ("game", None, None));
        for bad in ["", "{}", r#"{"title":1}"#, r#"{"title":"a","quality":{"width":1}}"#, r#"{"title":"a","anew":1}"#] {
            assert!(StartBody::read(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_orders_never_panic(text in ".{0,200}") {
            let _ = StartBody::read(&text);
            let _ = StartBody::read(&format!("{{\"title\":\"{text}\"}}"));
        }
    }
}
