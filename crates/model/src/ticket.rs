//! What one stream needs to start, handed from the shell to the player.

use serde::Deserialize;
use serde_json::{Map, Value, json};

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

impl Ticket {
    /// The one line that the player reads. It holds the secrets: for the player's standard input only.
    #[must_use]
    pub fn line(&self) -> String {
        let servers: Vec<Value> = self
            .ice_servers
            .iter()
            .map(|server| {
                let secret = server.credential.as_ref().map(Secret::reveal);
                json!({ "url": server.url, "username": server.username, "credential": secret })
            })
            .collect();
        let want = &self.want;
        let codecs: Vec<&str> = want.codecs.iter().map(|codec| codec.name()).collect();
        let mut asked = Map::new();
        for (name, value) in
            [("width", want.width), ("height", want.height), ("fps", want.fps), ("bitrate_kbps", want.bitrate_kbps)]
        {
            if let Some(value) = value {
                asked.insert(name.to_owned(), value.into());
            }
        }
        asked.insert("codecs".to_owned(), codecs.into());
        json!({
            "version": self.version,
            "url": self.url,
            "bearer": self.bearer.as_ref().map(Secret::reveal),
            "ice_servers": servers,
            "supervised": self.supervised,
            "title": self.title,
            "want": asked,
        })
        .to_string()
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_survives_its_line() {
        let ticket = Ticket {
            version: 1,
            url: "whep+http://127.0.0.1:1/whep/game?session=x".to_owned(),
            bearer: Some(Secret::new("b")),
            ice_servers: vec![IceServer {
                url: "turn:example.org".to_owned(),
                username: Some("u".to_owned()),
                credential: Some(Secret::new("c")),
            }],
            supervised: true,
            title: Some("A \"game\"\nwith lines".to_owned()),
            want: StreamRequest {
                width: Some(1280),
                height: None,
                fps: Some(60),
                codecs: vec![VideoCodec::H264, VideoCodec::Av1],
                bitrate_kbps: None,
            },
        };
        let line = ticket.line();
        assert!(!line.contains('\n'));
        assert_eq!(serde_json::from_str::<Ticket>(&line).unwrap(), ticket);
    }
}
