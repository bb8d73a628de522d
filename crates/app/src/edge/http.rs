//! Requests.

use std::error::Error;
use std::time::Duration;

use async_trait::async_trait;
use entente_model::Problem;
use entente_model::ProblemKind;
use entente_model::http::{HttpError, HttpRequest, HttpResponse, Method};
use entente_model::port::{HttpPort, LARGEST_BODY};
use reqwest::redirect::Policy;

/// Time to connect, whatever the whole exchange may take.
const CONNECT: Duration = Duration::from_secs(8);
/// Connections that are kept open to one service.
const IDLE: usize = 4;

/// A client with the system's certificates and proxy settings. It follows no redirect: a bearer token goes where it was
/// meant to go and nowhere else.
#[derive(Clone, Debug)]
pub struct HttpClient {
    client: reqwest::Client,
}

impl HttpClient {
    /// A client that says it is `agent`.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn new(agent: &str) -> Result<Self, Problem> {
        // The first one in a process stays; which is as good, because all programs here use the same.
        let _ = rustls::crypto::CryptoProvider::install_default(rustls::crypto::ring::default_provider());
        let client = reqwest::Client::builder()
            .user_agent(agent)
            .redirect(Policy::none())
            .connect_timeout(CONNECT)
            .pool_max_idle_per_host(IDLE)
            .referer(false)
            .build()
            .map_err(|error| {
                Problem::new(
                    ProblemKind::Fault,
                    "Entente cannot use the network.",
                    format!("{}.", chain(&error)),
                    "Check the certificates of this system, then start again.",
                )
            })?;
        Ok(Self { client })
    }
}

#[async_trait]
impl HttpPort for HttpClient {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Patch => reqwest::Method::PATCH,
            Method::Delete => reqwest::Method::DELETE,
        };
        let url = reqwest::Url::parse(&request.url).map_err(|error| HttpError::BadUrl(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(HttpError::BadUrl(format!("{} is not http or https", url.scheme())));
        }
        let mut building = self.client.request(method, url).timeout(Duration::from_millis(request.timeout_millis));
        for (name, value) in &request.headers {
            building = building.header(name, value);
        }
        if let Some(bearer) = &request.bearer {
            building = building.bearer_auth(bearer.reveal());
        }
        if !request.body.is_empty() {
            building = building.body(request.body);
        }
        let mut response = building.send().await.map_err(|error| said(&error))?;
        let status = response.status().as_u16();
        let url = response.url().to_string();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        let promised = response.content_length().unwrap_or(0);
        if promised > LARGEST_BODY as u64 {
            return Err(HttpError::TooLarge);
        }
        let mut body = Vec::with_capacity(usize::try_from(promised).unwrap_or(0));
        while let Some(chunk) = response.chunk().await.map_err(|error| said(&error))? {
            if body.len() + chunk.len() > LARGEST_BODY {
                return Err(HttpError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(HttpResponse { status, headers, body, url })
    }
}

/// What a failure of the client means. It tells timeouts and connecting apart, and the rest by what is beneath.
fn said(error: &reqwest::Error) -> HttpError {
    let text = chain(error);
    if error.is_timeout() {
        HttpError::Timeout
    } else if beneath::<rustls::Error>(error) {
        HttpError::Tls(text)
    } else if error.is_connect() {
        // The resolver's error has no type of its own.
        if text.contains("dns") || text.contains("lookup") {
            HttpError::UnknownHost(text)
        } else {
            HttpError::Connect(text)
        }
    } else if error.is_builder() {
        HttpError::BadUrl(text)
    } else {
        HttpError::Broken(text)
    }
}

/// Whether `error` was caused by a `T`, also inside an IO error.
fn beneath<T: Error + 'static>(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        let inside = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if error.is::<T>() || inside.is_some_and(|inner| inner.is::<T>() || beneath::<T>(inner)) {
            return true;
        }
        next = error.source();
    }
    false
}

/// The innermost reason, which is the one that says something.
fn chain(error: &dyn Error) -> String {
    let mut innermost = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        innermost = error.to_string();
        next = error.source();
    }
    innermost
}
