//! HTTP requests of a link, on short-lived threads of their own.

use std::collections::VecDeque;
use std::error::Error as _;
use std::io::{self, ErrorKind};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use entente_model::http::{HttpError, HttpRequest, HttpResponse, Method};
use entente_model::link::RequestId;
use polling::Poller;
use ureq::http::{HeaderValue, Request, header};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider};
use ureq::{Agent, http};
use url::Url;

use crate::driver::StartError;

/// Requests under way at once; the rest waits its turn.
const MAX_ACTIVE: usize = 4;
/// Requests that may wait. A link has a handful in a whole session.
const MAX_WAITING: usize = 32;
/// Longest body that a link gets (`HttpResponse`).
const MAX_BODY: u64 = 1 << 20;
/// Redirects that are followed (`HttpRequest`).
const MAX_REDIRECTS: usize = 3;
/// No request may take longer, whatever it asks for.
const LONGEST: Duration = Duration::from_secs(120);
/// Idle connections older than this are not used again; hosts close theirs after 5 to 60 s.
const MAX_IDLE: Duration = Duration::from_secs(4);

type Answer = (RequestId, Result<HttpResponse, HttpError>);

/// The requests of one link.
#[derive(Debug)]
pub(crate) struct Http {
    client: Arc<Client>,
    poller: Arc<Poller>,
    waiting: VecDeque<(RequestId, HttpRequest, Instant)>,
    refused: VecDeque<Answer>,
    active: usize,
    sender: Sender<Answer>,
    answers: Receiver<Answer>,
}

impl Http {
    pub(crate) fn new(poller: Arc<Poller>, extra_root_pem: Option<&[u8]>) -> Result<Self, StartError> {
        let extra_roots = extra_root_pem.map(parse_roots).transpose()?.unwrap_or_default();
        let client = Arc::new(Client { extra_roots, plain: OnceLock::new(), secure: OnceLock::new() });
        // As many places as there can be answers: a worker never waits.
        let (sender, answers) = crossbeam_channel::bounded(MAX_ACTIVE + MAX_WAITING + 1);
        Ok(Self { client, poller, waiting: VecDeque::new(), refused: VecDeque::new(), active: 0, sender, answers })
    }

    /// Starts a request; its time runs from now.
    pub(crate) fn start(&mut self, id: RequestId, request: HttpRequest, now: Instant) {
        let until = now + Duration::from_millis(request.timeout_millis).min(LONGEST);
        if self.waiting.len() >= MAX_WAITING {
            tracing::warn!(?id, "too many requests at once");
            let refused = HttpError::Connect("too many requests at once".to_owned());
            // Bounded as well: a link that floods has its own deadlines to find out.
            if self.refused.len() < MAX_WAITING {
                self.refused.push_back((id, Err(refused)));
            }
            self.wake();
            return;
        }
        self.waiting.push_back((id, request, until));
        self.launch();
    }

    fn launch(&mut self) {
        while self.active < MAX_ACTIVE {
            let Some((id, request, until)) = self.waiting.pop_front() else { return };
            let (client, sender, poller) = (Arc::clone(&self.client), self.sender.clone(), Arc::clone(&self.poller));
            let work = move || {
                let result = client.exchange(&request, until);
                if sender.try_send((id, result)).is_ok() {
                    let _ = poller.notify();
                }
            };
            self.active += 1;
            if let Err(error) = thread::Builder::new().name(format!("http {}", id.0)).spawn(work) {
                let _ = self.sender.try_send((id, Err(HttpError::Connect(error.to_string()))));
                self.wake();
            }
        }
    }

    fn wake(&self) {
        if let Err(error) = self.poller.notify() {
            tracing::warn!(%error, "link thread cannot be woken");
        }
    }

    /// The next answer, if one is there.
    pub(crate) fn answer(&mut self) -> Option<Answer> {
        if let Some(refused) = self.refused.pop_front() {
            return Some(refused);
        }
        let answer = self.answers.try_recv().ok()?;
        self.active = self.active.saturating_sub(1);
        self.launch();
        Some(answer)
    }

    /// No request is under way.
    pub(crate) fn is_idle(&self) -> bool {
        self.active == 0 && self.waiting.is_empty()
    }
}

fn parse_roots(pem: &[u8]) -> Result<Vec<Certificate<'static>>, StartError> {
    let mut roots = Vec::new();
    for item in ureq::tls::parse_pem(pem) {
        match item {
            Ok(PemItem::Certificate(certificate)) => roots.push(certificate),
            Ok(_) => {}
            Err(error) => return Err(StartError::Certificate(error.to_string())),
        }
    }
    if roots.is_empty() {
        return Err(StartError::Certificate("no certificate in it".to_owned()));
    }
    Ok(roots)
}

/// Two agents with their connection pools; the one for TLS reads the system's certificates when it is first needed.
struct Client {
    extra_roots: Vec<Certificate<'static>>,
    plain: OnceLock<Agent>,
    secure: OnceLock<Agent>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

impl Client {
    fn agent(&self, url: &Url) -> &Agent {
        if url.scheme() == "https" {
            self.secure.get_or_init(|| new_agent(Some(self.roots())))
        } else {
            self.plain.get_or_init(|| new_agent(None))
        }
    }

    fn roots(&self) -> RootCerts {
        let system = rustls_native_certs::load_native_certs();
        for error in &system.errors {
            tracing::debug!(%error, "a certificate of the system cannot be read");
        }
        let system = system.certs.iter().map(|der| Certificate::from_der(der).to_owned());
        RootCerts::from(system.chain(self.extra_roots.iter().cloned()).collect::<Vec<_>>())
    }

    /// Makes the request, following redirects, until `until`.
    fn exchange(&self, request: &HttpRequest, until: Instant) -> Result<HttpResponse, HttpError> {
        let mut url = parse_url(&request.url)?;
        let first = url.origin();
        for _ in 0..=MAX_REDIRECTS {
            // The token is for the host it was given for, not for one that this host names.
            let with_token = url.origin() == first;
            let response = self.once(request, &url, with_token, until)?;
            let Some(next) = redirect(request.method, &url, &response)? else { return Ok(response) };
            url = next;
        }
        Err(HttpError::Broken(format!("more than {MAX_REDIRECTS} redirects")))
    }

    fn once(
        &self,
        request: &HttpRequest,
        url: &Url,
        with_token: bool,
        until: Instant,
    ) -> Result<HttpResponse, HttpError> {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(HttpError::Timeout);
        }
        let has_body = !request.body.is_empty();
        let method = match request.method {
            Method::Get => http::Method::GET,
            Method::Post => http::Method::POST,
            Method::Patch => http::Method::PATCH,
            Method::Delete => http::Method::DELETE,
        };
        let agent = self.agent(url);
        let head = request_head(request, method, url, with_token)?;
        let takes_body = has_body || matches!(request.method, Method::Post | Method::Patch);
        // GET and DELETE may not carry a body in the common rules, hence the exception for a link that asks for it.
        let odd = has_body && !matches!(request.method, Method::Post | Method::Patch);
        let bad = |error: http::Error| HttpError::BadUrl(error.to_string());
        let response = if takes_body {
            run(agent, head.body(request.body.as_slice()).map_err(bad)?, url, left, odd)
        } else {
            run(agent, head.body(()).map_err(bad)?, url, left, odd)
        };
        read(response.map_err(|error| map_error(error, url))?, url)
    }
}

fn run(
    agent: &Agent,
    request: Request<impl ureq::AsSendBody>,
    url: &Url,
    left: Duration,
    odd: bool,
) -> Result<http::Response<ureq::Body>, ureq::Error> {
    let mut scope = agent.configure_request(request).timeout_global(Some(left)).allow_non_standard_methods(odd);
    if is_local(url) {
        scope = scope.proxy(None);
    }
    agent.run(scope.build())
}

fn new_agent(roots: Option<RootCerts>) -> Agent {
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .max_idle_age(MAX_IDLE)
        .user_agent(concat!("entente/", env!("CARGO_PKG_VERSION")));
    if let Some(roots) = roots {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .root_certs(roots)
            .unversioned_rustls_crypto_provider(provider)
            .build();
        config = config.tls_config(tls);
    }
    config.build().new_agent()
}

fn request_head(
    request: &HttpRequest,
    method: http::Method,
    url: &Url,
    with_token: bool,
) -> Result<http::request::Builder, HttpError> {
    let mut head = Request::builder().method(method).uri(url.as_str());
    for (name, value) in &request.headers {
        head = head.header(name, value);
    }
    if let (true, Some(bearer)) = (with_token, &request.bearer) {
        let value = HeaderValue::try_from(format!("Bearer {}", bearer.reveal()));
        let mut value = value.map_err(|_| HttpError::BadUrl("its token has characters that cannot be sent".into()))?;
        value.set_sensitive(true);
        head = head.header(header::AUTHORIZATION, value);
    }
    Ok(head)
}

fn read(mut response: http::Response<ureq::Body>, url: &Url) -> Result<HttpResponse, HttpError> {
    let headers = response
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let status = response.status().as_u16();
    let body = response.body_mut().with_config().limit(MAX_BODY).read_to_vec();
    let body = body.map_err(|error| map_error(error, url))?;
    Ok(HttpResponse { status, headers, body, url: url.as_str().to_owned() })
}

fn parse_url(text: &str) -> Result<Url, HttpError> {
    let bad = || HttpError::BadUrl(shown(text).to_owned());
    let mut url = Url::parse(text).map_err(|_| bad())?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) || url.port() == Some(0) {
        return Err(bad());
    }
    url.set_fragment(None);
    Ok(url)
}

/// A URL without its query, which may hold a token.
fn shown(text: &str) -> &str {
    text.split(['?', '#']).next().unwrap_or_default()
}

/// This machine, which no proxy can reach for us.
fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

/// Where to ask instead. 307 and 308 keep the method (RFC 9110 section 15.4.8); 301, 302 and 303 would turn a POST
/// into a GET, so only a GET follows them and the link gets to see the rest.
fn redirect(method: Method, from: &Url, response: &HttpResponse) -> Result<Option<Url>, HttpError> {
    let follows = match response.status {
        307 | 308 => true,
        301..=303 => method == Method::Get,
        _ => false,
    };
    let Some(location) = response.header("location").filter(|_| follows) else { return Ok(None) };
    let joined = from.join(location).map_err(|_| HttpError::BadUrl(shown(location).to_owned()))?;
    let next = parse_url(joined.as_str())?;
    if from.scheme() == "https" && next.scheme() == "http" {
        return Err(HttpError::Tls("the host points to an address without encryption".to_owned()));
    }
    Ok(Some(next))
}

fn map_error(error: ureq::Error, url: &Url) -> HttpError {
    use ureq::Error;
    match error {
        Error::Io(error) => map_io(&error, url),
        Error::Timeout(_) => HttpError::Timeout,
        Error::HostNotFound => unknown_host(url),
        Error::BodyExceedsLimit(_) => HttpError::TooLarge,
        Error::LargeResponseHeader(..) => HttpError::TooLarge,
        Error::BadUri(_) | Error::RequireHttpsOnly(_) => HttpError::BadUrl(shown(url.as_str()).to_owned()),
        Error::Http(error) => HttpError::BadUrl(error.to_string()),
        Error::ConnectionFailed => HttpError::Connect("the connection failed".to_owned()),
        Error::InvalidProxyUrl => HttpError::Connect("the proxy's address is not valid".to_owned()),
        Error::ConnectProxyFailed(reason) => HttpError::Connect(format!("the proxy says {reason}")),
        Error::Tls(reason) => HttpError::Tls(reason.to_owned()),
        Error::TlsRequired => HttpError::Tls("no TLS".to_owned()),
        Error::Rustls(error) => HttpError::Tls(error.to_string()),
        Error::Pem(error) => HttpError::Tls(error.to_string()),
        other => HttpError::Broken(other.to_string()),
    }
}

fn unknown_host(url: &Url) -> HttpError {
    HttpError::UnknownHost(url.host_str().unwrap_or_default().to_owned())
}

fn map_io(error: &io::Error, url: &Url) -> HttpError {
    if let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return HttpError::Tls(tls.to_string());
    }
    match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => HttpError::Timeout,
        ErrorKind::ConnectionRefused
        | ErrorKind::HostUnreachable
        | ErrorKind::NetworkUnreachable
        | ErrorKind::NetworkDown
        | ErrorKind::AddrNotAvailable
        | ErrorKind::PermissionDenied => HttpError::Connect(error.to_string()),
        _ if is_lookup_failure(error) => unknown_host(url),
        _ => {
            let source = error.source().map(|source| format!(" ({source})")).unwrap_or_default();
            HttpError::Broken(format!("{error}{source}"))
        }
    }
}

/// std gives failures of name resolution no kind of their own: on Unix a fixed text before what `getaddrinfo` says,
/// on Windows the codes `WSAHOST_NOT_FOUND`, `WSATRY_AGAIN`, `WSANO_RECOVERY` and `WSANO_DATA`.
fn is_lookup_failure(error: &io::Error) -> bool {
    error.to_string().starts_with("failed to lookup address information")
        || (cfg!(windows) && error.raw_os_error().is_some_and(|code| (11_001..=11_004).contains(&code)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, location: &str) -> HttpResponse {
        let headers = vec![("location".to_owned(), location.to_owned())];
        HttpResponse { status, headers, body: Vec::new(), url: String::new() }
    }

    #[test]
    fn redirects_keep_the_method_or_are_left_to_the_link() {
        let from = Url::parse("https://host/whep/game?x=1").unwrap();
        let next = |method, status, to| redirect(method, &from, &response(status, to));
        assert_eq!(next(Method::Post, 307, "/other").unwrap().unwrap().as_str(), "https://host/other");
        assert_eq!(next(Method::Get, 302, "b").unwrap().unwrap().as_str(), "https://host/whep/b");
        assert_eq!(next(Method::Post, 302, "/other"), Ok(None));
        assert_eq!(next(Method::Post, 201, "/session/1"), Ok(None));
        assert!(matches!(next(Method::Get, 308, "http://host/"), Err(HttpError::Tls(_))));
        assert!(matches!(next(Method::Get, 308, "file:///etc/passwd"), Err(HttpError::BadUrl(_))));
    }

    #[test]
    fn bad_urls_are_named_without_their_query() {
        for text in ["", "host", "ftp://host/?token=s3cret", "http://", "http://host:0/?s3cret", "http://[::1"] {
            match parse_url(text) {
                Err(HttpError::BadUrl(shown)) => assert!(!shown.contains("s3cret"), "{shown}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn certificates_that_are_none_are_refused() {
        assert!(parse_roots(b"").is_err());
        assert!(parse_roots(b"-----BEGIN CERTIFICATE-----\n%%\n-----END CERTIFICATE-----\n").is_err());
    }
}
