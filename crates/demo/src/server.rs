//! The host itself: listener, routes, table of sessions, start and stop.

pub(crate) mod api;
mod body;
mod consent;
pub(crate) mod form;
mod listen;
mod oauth;
mod problem;
pub(crate) mod query;
mod spoil;
pub(crate) mod whep;

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post};
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use entente_model::wire::control::GoodbyeCode;
use parking_lot::Mutex;

use crate::account::Accounts;
use crate::config::{DemoConfig, DemoError, TlsFiles};
use crate::encoder::Machine;
use crate::faults::Fault;
use crate::plays::Plays;
use crate::server::problem::Problem;
use crate::session::Session;
use crate::shelf::Shelf;
use crate::slots::Slots;
use crate::{clock, games, plays};

/// How long a stop waits for sessions and requests.
const STOP_LIMIT: Duration = Duration::from_secs(3);
/// Threads for HTTP, connections and their timers.
const WORKERS: usize = 2;
/// Time between two looks for sessions of accounts that are over.
const SWEEP: Duration = Duration::from_millis(500);

/// What every request and session shares.
pub(crate) struct Cloud {
    config: DemoConfig,
    address: SocketAddr,
    slots: Slots,
    sessions: Mutex<HashMap<String, Arc<Session>>>,
    stopping: AtomicBool,
    provider: rustls::crypto::CryptoProvider,
    accounts: Accounts,
    shelf: Shelf,
    plays: Plays,
    pictures: api::Pictures,
    faults: Mutex<Vec<Fault>>,
    /// What can be encoded is known.
    prepared: AtomicBool,
}

impl Cloud {
    fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    fn random(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        if self.provider.secure_random.fill(&mut bytes).is_err() {
            // The system has no randomness: names that repeat are the smaller evil, and the log says so.
            tracing::error!("no randomness from the system");
            bytes = u128::from(clock::monotonic_micros()).to_be_bytes();
        }
        bytes
    }

    /// A name that nobody can guess.
    fn token(&self) -> String {
        format!("{:032x}", u128::from_be_bytes(self.random()))
    }

    /// What can be encoded here. Finding it out takes a moment at the first call.
    async fn machine(&self) -> Result<&Machine, tokio::task::JoinError> {
        match &self.config.machine {
            Some(machine) => Ok(machine),
            None => tokio::task::spawn_blocking(Machine::get).await,
        }
    }

    /// What can be encoded here, if that is known already.
    fn known_machine(&self) -> Option<&Machine> {
        // Once prepared, getting it is a look.
        let known = || self.config.machine.as_ref().unwrap_or_else(|| Machine::get());
        self.prepared.load(Ordering::Acquire).then(known)
    }

    /// For the sessions of accounts.
    fn time(&self) -> plays::Now<'_> {
        plays::Now {
            at: clock::now(),
            millis: clock::unix_micros() / 1000,
            slots: &self.slots,
            prepared: self.prepared.load(Ordering::Acquire),
        }
    }

    /// Starts a session in the table. The table is held meanwhile, so that one that ends at once leaves it afterwards.
    fn enter(&self, id: &str, start: impl FnOnce() -> Arc<Session>) -> Arc<Session> {
        let session = {
            let mut sessions = self.sessions.lock();
            let session = start();
            sessions.insert(id.to_owned(), Arc::clone(&session));
            session
        };
        // Stop may have emptied the table a moment ago.
        if self.stopping() {
            session.shared.finish(GoodbyeCode::Shutdown);
        }
        session
    }
}

/// A running demo cloud. Dropping it stops it.
pub struct DemoCloud {
    cloud: Arc<Cloud>,
    handle: Handle<SocketAddr>,
    runtime: Option<tokio::runtime::Runtime>,
}

impl DemoCloud {
    /// Listens and serves on threads of its own.
    ///
    /// # Errors
    /// When the address is taken, the TLS files cannot be used, a token would travel in clear, or threads cannot be
    /// made.
    pub fn start(config: DemoConfig) -> Result<Self, DemoError> {
        judge_plain_http(&config)?;
        let listen = |source| DemoError::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).map_err(listen)?;
        listener.set_nonblocking(true).map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .thread_name("demo-net")
            .enable_all()
            .build()
            .map_err(DemoError::Threads)?;
        let provider = rustls::crypto::ring::default_provider();
        let tls = config.tls.as_ref().map(|files| tls_config(files, &provider)).transpose()?;
        let cloud = Arc::new(Cloud {
            slots: Slots::new(config.max_sessions, config.max_queue, config.queue_expiry),
            accounts: Accounts::new(config.accounts.clone(), provider.secure_random),
            shelf: Shelf::new(config.accounts.catalogue),
            plays: Plays::new(config.accounts.parked_limit, config.accounts.sessions_per_account),
            pictures: api::Pictures::default(),
            faults: Mutex::new(config.faults.clone()),
            prepared: AtomicBool::new(false),
            config,
            address,
            sessions: Mutex::default(),
            stopping: AtomicBool::new(false),
            provider,
        });
        // Trying encoders takes a moment; the first client should not pay for it.
        let probing = Arc::clone(&cloud);
        std::thread::Builder::new()
            .name("demo-probe".to_owned())
            .spawn(move || {
                let machine = probing.config.machine.as_ref().unwrap_or_else(|| Machine::get());
                probing.prepared.store(true, Ordering::Release);
                if let Some(help) = machine.help() {
                    tracing::error!(reasons = ?machine.refused, "{help}");
                }
            })
            .map_err(DemoError::Threads)?;
        let handle = Handle::new();
        let app = routes(Arc::clone(&cloud));
        let context = runtime.enter();
        listen::serve(listener, tls, &cloud.config.http, app, handle.clone()).map_err(DemoError::Threads)?;
        tokio::spawn(sweep(Arc::downgrade(&cloud)));
        drop(context);
        Ok(Self { cloud, handle, runtime: Some(runtime) })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.cloud.address
    }

    /// Base URL of the host; a wildcard address is given as loopback.
    #[must_use]
    pub fn url(&self) -> String {
        let mut address = self.cloud.address;
        if address.ip().is_unspecified() {
            address.set_ip(if address.is_ipv4() {
                [127, 0, 0, 1].into()
            } else {
                std::net::Ipv6Addr::LOCALHOST.into()
            });
        }
        let scheme = if self.cloud.config.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{address}")
    }

    /// Sessions that run now.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.cloud.slots.load(clock::now()).0
    }

    /// Streams that are connected now, or about to be. A session of an account that nobody plays has none.
    #[must_use]
    pub fn streams(&self) -> usize {
        self.cloud.sessions.lock().len()
    }

    /// Changes how many made-up entries the catalogue has, as a service does whose games come and go.
    pub fn set_catalogue(&self, made_up: usize) {
        self.cloud.shelf.set(made_up);
    }

    /// Replaces what goes wrong from now on.
    pub fn set_faults(&self, faults: Vec<Fault>) {
        *self.cloud.faults.lock() = faults;
    }

    /// Says goodbye to every client, ends every session and stops listening.
    pub fn stop(mut self) {
        self.shut();
    }

    fn shut(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        self.cloud.stopping.store(true, Ordering::Relaxed);
        let cloud = Arc::clone(&self.cloud);
        let ended = async move {
            let sessions: Vec<_> = cloud.sessions.lock().values().cloned().collect();
            for session in &sessions {
                session.shared.finish(GoodbyeCode::Shutdown);
            }
            for session in sessions {
                session.end(GoodbyeCode::Shutdown).await;
            }
        };
        // Not `block_on`: the caller may itself be inside a runtime.
        let (done, wait) = std::sync::mpsc::sync_channel(1);
        runtime.spawn(async move {
            let _ = tokio::time::timeout(STOP_LIMIT, ended).await;
            let _ = done.send(());
        });
        let _ = wait.recv_timeout(STOP_LIMIT + Duration::from_millis(500));
        self.handle.shutdown();
        // The listener goes with the runtime. A thread of its own, because the caller may be inside a runtime, where
        // waiting for another one is forbidden.
        let waiter = std::thread::Builder::new()
            .name("demo-stop".to_owned())
            .spawn(move || runtime.shutdown_timeout(STOP_LIMIT));
        if let Ok(waiter) = waiter {
            let _ = waiter.join();
        }
    }
}

impl Drop for DemoCloud {
    fn drop(&mut self) {
        self.shut();
    }
}

/// Ends sessions of accounts that nobody plays or waits for, while the cloud lives.
async fn sweep(cloud: Weak<Cloud>) {
    let mut tick = tokio::time::interval(SWEEP);
    loop {
        tick.tick().await;
        let Some(cloud) = cloud.upgrade() else { return };
        cloud.plays.sweep(clock::now(), &cloud.slots);
    }
}

/// Warns of what others on the network can read, and refuses what they must not.
fn judge_plain_http(config: &DemoConfig) -> Result<(), DemoError> {
    let address = config.listen;
    if config.tls.is_some() || address.ip().to_canonical().is_loopback() {
        return Ok(());
    }
    let closed = config.token.is_some() || config.accounts.require_sign_in;
    match (closed, config.plain_http) {
        (true, false) => return Err(DemoError::TokenInClear(address)),
        (true, true) => {
            tracing::warn!(%address, "plain HTTP: everybody on the way can read the token and play with it")
        }
        (false, _) => {
            tracing::warn!(%address, "plain HTTP without a token: everybody who reaches this address can play");
        }
    }
    Ok(())
}

fn tls_config(files: &TlsFiles, provider: &rustls::crypto::CryptoProvider) -> Result<RustlsConfig, DemoError> {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let problem =
        |what: &std::path::Path, error: &dyn std::fmt::Display| DemoError::Tls(format!("{}: {error}", what.display()));
    let chain = CertificateDer::pem_file_iter(&files.cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| problem(&files.cert, &error))?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| problem(&files.key, &error))?;
    let mut config = rustls::ServerConfig::builder_with_provider(Arc::new(provider.clone()))
        .with_safe_default_protocol_versions()
        .map_err(|error| DemoError::Tls(error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| problem(&files.cert, &error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(RustlsConfig::from_config(Arc::new(config)))
}

fn routes(cloud: Arc<Cloud>) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/games", get(list))
        .route("/health", get(health))
        .route("/clock", get(clock_page))
        .route("/.well-known/oauth-authorization-server", get(oauth::metadata))
        .route("/.well-known/entente-cloud", get(oauth::cloud))
        .route("/oauth/device", post(oauth::device))
        .route("/oauth/token", post(oauth::token))
        .route("/oauth/revoke", post(oauth::revoke))
        .route("/oauth/authorize", get(consent::authorize).post(consent::decide_authorize))
        .route("/device", get(consent::device).post(consent::decide_device))
        .route("/openapi.json", get(api::openapi))
        .route("/api/v1/me", get(api::me))
        .route("/api/v1/titles", get(api::titles))
        .route("/api/v1/art/{title}/{file}", get(api::picture))
        .route("/api/v1/regions", get(api::regions))
        .route("/api/v1/regions/{id}/ping", get(api::ping))
        .route("/api/v1/sessions", get(api::sessions).post(api::start))
        .route("/api/v1/sessions/{id}", get(api::session).delete(api::end))
        .route("/api/v1/sessions/{id}/stream", post(api::stream))
        .route("/whep/{game}", post(whep::post).delete(whep::leave))
        .route("/whep/{game}/{id}", patch(whep::patch).delete(whep::delete))
        .fallback(|| async { Problem::new(StatusCode::NOT_FOUND, "not-found", "Nothing here", "no such path") })
        .method_not_allowed_fallback(|| async {
            let detail = "see docs/open-host-protocol.md and docs/open-cloud-api.md";
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method", "Not with this method", detail)
        })
        .layer(middleware::from_fn(dress))
        .layer(middleware::from_fn_with_state(Arc::clone(&cloud), spoil::spoil))
        .with_state(cloud)
}

/// Answers CORS preflights and adds the headers that every answer has.
async fn dress(request: axum::extract::Request, next: Next) -> Response {
    // The pages of consent are for people only.
    let shared = !matches!(request.uri().path(), "/device" | "/oauth/authorize");
    let mut response = if request.method() == Method::OPTIONS && shared {
        let mut response = StatusCode::NO_CONTENT.into_response();
        let headers = response.headers_mut();
        for (name, value) in [
            ("access-control-allow-methods", "GET, POST, PATCH, DELETE, OPTIONS"),
            ("access-control-allow-headers", "authorization, content-type, if-match, if-none-match"),
            ("access-control-max-age", "86400"),
            ("accept-post", "application/sdp"),
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        response
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    if shared {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    for (name, value) in [
        ("access-control-expose-headers", "location, link, etag, retry-after, accept-patch, entente-video"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-embedder-policy", "require-corp"),
        ("cross-origin-resource-policy", "cross-origin"),
        ("x-content-type-options", "nosniff"),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

fn json(value: &serde_json::Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

async fn page() -> Response {
    let policy = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; \
                  media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CONTENT_SECURITY_POLICY, policy)];
    (headers, include_str!("page.html")).into_response()
}

async fn list(State(cloud): State<Arc<Cloud>>) -> Response {
    let machine = cloud.machine().await.ok();
    let games: Vec<_> = games::catalogue()
        .iter()
        .map(|(name, title)| serde_json::json!({ "name": name, "title": title, "whep": format!("/whep/{name}") }))
        .collect();
    let encoders: Vec<_> = machine
        .iter()
        .flat_map(|machine| &machine.encoders)
        .map(|row| serde_json::json!({ "name": row.name, "codec": row.codec.name(), "hardware": row.hardware }))
        .collect();
    let default = machine.map(|machine| {
        let format = machine.default_format;
        serde_json::json!({ "width": format.width, "height": format.height, "fps": format.fps,
                            "bitrate_kbps": format.bitrate_kbps })
    });
    json(&serde_json::json!({ "games": games, "encoders": encoders, "default": default }))
}

async fn health(State(cloud): State<Arc<Cloud>>) -> Response {
    let (sessions, waiting) = cloud.slots.load(clock::now());
    json(&serde_json::json!({
        "status": "ok",
        "sessions": sessions,
        "max_sessions": cloud.config.max_sessions,
        "waiting": waiting,
        "version": env!("CARGO_PKG_VERSION"),
    }))
}

async fn clock_page() -> Response {
    let (monotonic, unix) = (clock::monotonic_micros(), clock::unix_micros());
    json(&serde_json::json!({ "monotonic_micros": monotonic, "unix_micros": unix }))
}
