//! What providers need of the world, injected: requests, time, secrets, the user's browser.
//!
//! Providers are plain async code without IO of their own; tests hand in scripted ports.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::Secret;
use crate::http::{HttpError, HttpRequest, HttpResponse};
use crate::problem::Problem;

/// Makes requests. Redirects are not followed and bodies are limited to [`LARGEST_BODY`].
#[async_trait]
pub trait HttpPort: Send + Sync {
    /// One exchange.
    ///
    /// # Errors
    /// No whole response came; a status of any kind is a response.
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError>;
}

/// Largest body that [`HttpPort::send`] gives, bytes.
pub const LARGEST_BODY: usize = 8 * 1024 * 1024;

/// Time of the wall and of waiting.
#[async_trait]
pub trait ClockPort: Send + Sync {
    /// Unix time in milliseconds.
    fn unix_millis(&self) -> u64;
    /// A clock that never jumps, in microseconds, for measuring.
    fn monotonic_micros(&self) -> u64;
    /// Waits.
    async fn sleep(&self, time: Duration);
}

/// Keeps secrets of one program. Names are `provider/what`.
#[async_trait]
pub trait VaultPort: Send + Sync {
    /// The secret called `name`, if it is kept.
    ///
    /// # Errors
    /// The vault is locked or broken.
    async fn get(&self, name: &str) -> Result<Option<Secret>, Problem>;
    /// Keeps `secret` in place of an older one.
    ///
    /// # Errors
    /// The vault is locked or cannot be written.
    async fn set(&self, name: &str, secret: Secret) -> Result<(), Problem>;
    /// Forgets `name`; fine if it is not there.
    ///
    /// # Errors
    /// The vault is locked or cannot be written.
    async fn delete(&self, name: &str) -> Result<(), Problem>;
}

/// The user's web browser, and the one request that comes back from it (RFC 8252, section 7.3).
#[async_trait]
pub trait BrowserPort: Send + Sync {
    /// Listens on a free loopback port; the address to redirect to and what will be called there.
    ///
    /// # Errors
    /// No port can be opened.
    async fn listen(&self) -> Result<Box<dyn RedirectPort>, Problem>;
    /// Shows `url` to the user.
    ///
    /// # Errors
    /// There is no browser.
    async fn open(&self, url: &str) -> Result<(), Problem>;
}

/// A loopback address that waits for a browser.
#[async_trait]
pub trait RedirectPort: Send {
    /// `http://127.0.0.1:port/callback`.
    fn url(&self) -> String;
    /// The query of the first request for that path, as it came. The browser gets a page that says it may be closed.
    ///
    /// # Errors
    /// The listener broke.
    async fn query(&mut self) -> Result<String, Problem>;
}

/// All of it, as providers are given it.
#[derive(Clone)]
pub struct Ports {
    /// Requests.
    pub http: Arc<dyn HttpPort>,
    /// Time.
    pub clock: Arc<dyn ClockPort>,
    /// Secrets.
    pub vault: Arc<dyn VaultPort>,
    /// The user's browser.
    pub browser: Arc<dyn BrowserPort>,
}
