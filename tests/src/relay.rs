//! The HTTP half of a WHEP host whose other half is a web page: a browser cannot listen, so this does.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{delete, get, post};
use tokio::sync::{Mutex, Notify};

/// Longest time that an offer waits for the page's answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(9);

#[derive(Default)]
struct Desk {
    next: u64,
    offers: std::collections::VecDeque<(u64, String)>,
    answers: std::collections::BTreeMap<u64, String>,
}

#[derive(Clone, Default)]
struct Shared {
    desk: Arc<Mutex<Desk>>,
    changed: Arc<Notify>,
    page: &'static str,
}

/// A running relay; it ends with the process.
#[derive(Debug)]
pub struct Relay {
    /// Where it listens.
    pub address: SocketAddr,
    _runtime: tokio::runtime::Runtime,
}

impl Relay {
    /// Serves `page` at `/` and relays offers that arrive at `/whep/browser`.
    ///
    /// # Panics
    /// When loopback cannot be listened on: there is nothing to test then.
    #[must_use]
    pub fn start(page: &'static str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("relay")
            .enable_all()
            .build()
            .expect("a runtime for the relay");
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("loopback");
        let address = listener.local_addr().expect("an address");
        let shared = Shared { page, ..Shared::default() };
        let router = Router::new()
            .route("/", get(|State(shared): State<Shared>| async move { Html(shared.page) }))
            .route("/clock", get(clock))
            .route("/offer", get(offer))
            .route("/answer", post(answer))
            .route("/whep/browser", post(whep))
            .route("/session/{id}", delete(|| async { StatusCode::OK }))
            .with_state(shared);
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self { address, _runtime: runtime }
    }
}

async fn clock() -> impl IntoResponse {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let micros = now.tv_sec * 1_000_000 + now.tv_nsec / 1000;
    ([(header::CONTENT_TYPE, "application/json")], format!("{{\"monotonic_micros\":{micros}}}"))
}

async fn whep(State(shared): State<Shared>, body: String) -> Response {
    let id = {
        let mut desk = shared.desk.lock().await;
        desk.next += 1;
        let id = desk.next;
        desk.offers.push_back((id, body));
        id
    };
    shared.changed.notify_waiters();
    let found = tokio::time::timeout(ANSWER_LIMIT, async {
        loop {
            let changed = shared.changed.notified();
            if let Some(sdp) = shared.desk.lock().await.answers.remove(&id) {
                return sdp;
            }
            let _ = tokio::time::timeout(Duration::from_millis(100), changed).await;
        }
    })
    .await;
    match found {
        Ok(sdp) => (
            StatusCode::CREATED,
            [(header::CONTENT_TYPE, String::from("application/sdp")), (header::LOCATION, format!("/session/{id}"))],
            sdp,
        )
            .into_response(),
        Err(_) => (StatusCode::GATEWAY_TIMEOUT, "the page did not answer").into_response(),
    }
}

async fn offer(State(shared): State<Shared>) -> Response {
    for _ in 0..50 {
        let changed = shared.changed.notified();
        if let Some((id, sdp)) = shared.desk.lock().await.offers.pop_front() {
            return axum::Json(serde_json::json!({ "id": id, "sdp": sdp })).into_response();
        }
        let _ = tokio::time::timeout(Duration::from_millis(100), changed).await;
    }
    StatusCode::NO_CONTENT.into_response()
}

#[derive(serde::Deserialize)]
struct AnswerQuery {
    id: u64,
}

async fn answer(State(shared): State<Shared>, Query(query): Query<AnswerQuery>, body: String) -> StatusCode {
    shared.desk.lock().await.answers.insert(query.id, body);
    shared.changed.notify_waiters();
    StatusCode::OK
}
