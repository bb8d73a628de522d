//! What one stream needs to start, handed from the shell to the player.

use serde::Deserialize;

use crate::Secret;
use crate::media::VideoCodec;

/// A short-lived permission to play one stream. Read from the player's standard input; holds no refresh token.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Ticket {
    /// Ticket format, 1.
    pub version: u32,
    /// What to play: `whep+http://`, `whep+https://` or `demo://`.
    pub url: String,
    /// Sent to the host as a bearer token.
    #[serde(default)]
    pub bearer: Option<Secret>,
    /// Extra ICE servers, besides those of the host's `Link` headers.
    #[serde(default)]
    pub ice_servers: Vec<IceServer>,
    /// Standard input stays open while the launcher lives; its end ends the player.
    #[serde(default)]
    pub supervised: bool,
    /// Shown as the window's title.
    #[serde(default)]
    pub title: Option<String>,
    /// What to ask of the host.
    #[serde(default)]
    pub want: StreamRequest,
}

/// A STUN or TURN server (RFC 7064, RFC 7065).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct IceServer {
    /// `stun:` or `turn:` URL.
    pub url: String,
    /// TURN user name.
    #[serde(default)]
    pub username: Option<String>,
    /// TURN credential.
    #[serde(default)]
    pub credential: Option<Secret>,
}

/// What a client asks of a host; `None` leaves the choice to the host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct StreamRequest {
    /// Picture width in pixels.
    #[serde(default)]
    pub width: Option<u32>,
    /// Picture height in pixels.
    #[serde(default)]
    pub height: Option<u32>,
    /// Frames per second.
    #[serde(default)]
    pub fps: Option<u32>,
    /// Codecs in order of preference; empty = all that this machine decodes.
    #[serde(default)]
    pub codecs: Vec<VideoCodec>,
    /// Upper limit of the video bit rate in kbit/s.
    #[serde(default)]
    pub bitrate_kbps: Option<u32>,
}
