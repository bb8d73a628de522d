//! How a demo cloud is set up, and why it may not start.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use entente_model::Secret;

use crate::encoder::Machine;

/// PEM files of a TLS server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// Certificate chain.
    pub cert: PathBuf,
    /// Private key.
    pub key: PathBuf,
}

/// What a client may claim of the HTTP server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpLimits {
    /// Connections at the same time; further ones are closed at once.
    pub connections: usize,
    /// From a connection, or from the answer before, to the whole head of a request; a connection that takes longer is
    /// closed.
    pub header: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self { connections: 256, header: Duration::from_secs(10) }
    }
}

/// Settings of a demo cloud. [`DemoConfig::default`] listens on a free loopback port.
#[derive(Clone, Debug)]
pub struct DemoConfig {
    /// Where HTTP is served; media uses UDP ports of the same interface. Port 0 picks a free one.
    pub listen: SocketAddr,
    /// Bearer token that `/whep` asks for; `None` = open.
    pub token: Option<Secret>,
    /// Serve HTTPS with these files.
    pub tls: Option<TlsFiles>,
    /// Take tokens in clear from other machines. Without it a host with a token and no TLS does not start on an address
    /// that is not loopback.
    pub plain_http: bool,
    /// Sessions at the same time.
    pub max_sessions: usize,
    /// Clients that may wait for a free session.
    pub max_queue: usize,
    /// A waiting client that does not ask again for so long loses its place.
    pub queue_expiry: Duration,
    /// A session without input for so long ends; `None` = never.
    pub idle_limit: Option<Duration>,
    /// STUN or TURN URLs announced in `Link` headers (without credentials).
    pub ice_servers: Vec<String>,
    /// Limits of the HTTP server.
    pub http: HttpLimits,
    /// What can be encoded; `None` = found by trying.
    pub machine: Option<Machine>,
}

impl Default for DemoConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            token: None,
            tls: None,
            plain_http: false,
            max_sessions: 4,
            max_queue: 16,
            queue_expiry: Duration::from_secs(10),
            idle_limit: None,
            ice_servers: Vec::new(),
            http: HttpLimits::default(),
            machine: None,
        }
    }
}

/// Why a demo cloud cannot start.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Asked address.
        address: SocketAddr,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Everybody on the way could read the token.
    #[error(
        "at {0} the token would cross the network in clear; serve HTTPS (--tls-cert, --tls-key), or allow it with \
         --plain-http"
    )]
    TokenInClear(SocketAddr),
    /// Threads or the runtime could not be made.
    #[error("cannot start the host's threads: {0}")]
    Threads(std::io::Error),
    /// The TLS files cannot be used.
    #[error("cannot use the TLS files: {0}")]
    Tls(String),
}
