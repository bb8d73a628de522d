//! Requests that a [`crate::Link`] asks its driver to make.

use crate::Secret;

/// The request methods a link may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Read.
    Get,
    /// Create or submit.
    Post,
    /// Change (WHEP: trickled candidates, ICE restart).
    Patch,
    /// Remove (WHEP: end the session).
    Delete,
}

/// One HTTP request. The driver adds `Host`, `Content-Length` and `User-Agent`, follows up to three redirects that
/// keep the method, and gives up after [`HttpRequest::timeout_millis`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    /// Request method.
    pub method: Method,
    /// Absolute `http://` or `https://` URL.
    pub url: String,
    /// Extra headers, in order.
    pub headers: Vec<(String, String)>,
    /// Sent as `Authorization: Bearer`, never logged.
    pub bearer: Option<Secret>,
    /// Body, empty for none.
    pub body: Vec<u8>,
    /// Time for the whole exchange, in milliseconds.
    pub timeout_millis: u64,
}

/// A response of any status. Bodies above 1 MiB are cut by the driver and reported as [`HttpError::TooLarge`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpResponse {
    /// Status code.
    pub status: u16,
    /// Headers with lower-case names, in order.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
    /// URL that answered, after redirects.
    pub url: String,
}

impl HttpResponse {
    /// The first header called `name` (lower case).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Why a request has no response.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// The URL is not one that can be asked.
    #[error("the address {0} cannot be used")]
    BadUrl(String),
    /// The name does not resolve.
    #[error("the name {0} is not known")]
    UnknownHost(String),
    /// Nobody listens there, or the way there is closed.
    #[error("no connection: {0}")]
    Connect(String),
    /// TLS failed (certificate not trusted, wrong name, handshake broken).
    #[error("the connection is not secure: {0}")]
    Tls(String),
    /// No whole response in time.
    #[error("no answer in time")]
    Timeout,
    /// The body is larger than a link accepts.
    #[error("the answer is too large")]
    TooLarge,
    /// Not HTTP, or broken off.
    #[error("the answer broke off: {0}")]
    Broken(String),
}
