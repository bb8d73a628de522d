//! The HTTP half of WHEP: addresses, headers, refusals (draft-ietf-wish-whep, RFC 9725, RFC 9457).

use std::time::Duration;

use entente_model::EndReason;
use entente_model::Secret;
use entente_model::http::{HttpError, HttpResponse};
use entente_model::ticket::{IceServer, StreamRequest};
use serde::Deserialize;
use url::Url;

use crate::control::for_people;

/// Time between two questions while queued, when the host names none.
const RETRY: Duration = Duration::from_secs(2);
const RETRY_LEAST: Duration = Duration::from_secs(1);
const RETRY_MOST: Duration = Duration::from_secs(30);
/// Servers taken from headers.
const MAX_ICE_SERVERS: usize = 16;

/// What a host said to an offer.
#[derive(Debug, PartialEq)]
pub enum Reply {
    /// A session was made.
    Accepted {
        /// The answer.
        sdp: String,
        /// Where the session is changed and ended.
        session: Option<Url>,
    },
    /// We wait in line.
    Queued {
        /// 1 is next.
        position: u32,
        /// When to ask again.
        retry: Duration,
        /// Where to ask again, if not at the same address.
        place: Option<Url>,
    },
    /// No.
    Refused(EndReason),
}

/// The address of the offer: `whep+` taken off, wishes added as query parameters `width`, `height`, `fps`, `codec`
/// (comma separated, best first) and `bitrate_kbps`.
pub fn offer_url(text: &str, want: &StreamRequest) -> Result<Url, EndReason> {
    let plain = text.trim();
    let plain = plain.strip_prefix("whep+").unwrap_or(plain);
    let mut url = Url::parse(plain).map_err(|error| EndReason::BadUrl(format!("{error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(EndReason::BadUrl(format!("{} is not whep+http or whep+https", for_people(url.scheme()))));
    }
    if url.host().is_none() {
        return Err(EndReason::BadUrl("it names no host".to_owned()));
    }
    url.set_fragment(None);
    let codecs: Vec<&str> = want.codecs.iter().map(|codec| codec.name()).collect();
    let numbers =
        [("width", want.width), ("height", want.height), ("fps", want.fps), ("bitrate_kbps", want.bitrate_kbps)];
    if !codecs.is_empty() || numbers.iter().any(|(_, number)| number.is_some()) {
        let mut query = url.query_pairs_mut();
        for (name, number) in numbers {
            if let Some(number) = number {
                query.append_pair(name, &number.to_string());
            }
        }
        if !codecs.is_empty() {
            query.append_pair("codec", &codecs.join(","));
        }
    }
    Ok(url)
}

/// Whether the host is this machine, so that loopback candidates make sense.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

/// `application/problem+json` (RFC 9457), with the place in the queue.
#[derive(Debug, Default, Deserialize)]
struct Problem {
    #[serde(default)]
    title: String,
    #[serde(default)]
    detail: String,
    #[serde(default)]
    queue_position: Option<u32>,
}

impl Problem {
    fn read(response: &HttpResponse) -> Self {
        serde_json::from_slice(&response.body).unwrap_or_default()
    }

    fn words(&self, status: u16) -> String {
        let detail = for_people(&self.detail);
        let title = for_people(&self.title);
        match (detail.is_empty(), title.is_empty()) {
            (false, _) => detail,
            (true, false) => title,
            (true, true) => format!("status {status}"),
        }
    }
}

fn location(response: &HttpResponse) -> Option<Url> {
    let base = Url::parse(&response.url).ok()?;
    let url = base.join(response.header("location")?.trim()).ok()?;
    matches!(url.scheme(), "http" | "https").then_some(url)
}

fn retry_after(response: &HttpResponse) -> Option<Duration> {
    // RFC 9110 section 10.2.3 allows a date, which needs a wall clock; the default is close enough to it.
    let seconds = response.header("retry-after")?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).clamp(RETRY_LEAST, RETRY_MOST))
}

/// Reads the response to an offer.
pub fn read_reply(response: &HttpResponse) -> Reply {
    let problem = Problem::read(response);
    let words = problem.words(response.status);
    let queued =
        |position| Reply::Queued { position, retry: retry_after(response).unwrap_or(RETRY), place: location(response) };
    Reply::Refused(match response.status {
        200 | 201 => {
            let Ok(sdp) = std::str::from_utf8(&response.body) else {
                return Reply::Refused(EndReason::BadAnswer("the session description is not text".to_owned()));
            };
            return Reply::Accepted { sdp: sdp.to_owned(), session: location(response) };
        }
        202 => return queued(problem.queue_position.unwrap_or(1)),
        429 | 503 => match problem.queue_position {
            Some(position) => return queued(position),
            None => EndReason::Busy(words),
        },
        401 | 403 => EndReason::Unauthorized,
        404 | 410 => EndReason::NotFound(words),
        406 => EndReason::NoCodec(words),
        502 | 504 => EndReason::Unreachable(words),
        status => {
            EndReason::BadAnswer(if words.contains("status") { words } else { format!("status {status}: {words}") })
        }
    })
}

/// Why there is no response, as the reason for the end.
pub(crate) fn no_response(error: &HttpError) -> EndReason {
    match error {
        HttpError::BadUrl(_) => EndReason::BadUrl(error.to_string()),
        HttpError::UnknownHost(_) | HttpError::Connect(_) | HttpError::Tls(_) | HttpError::Timeout => {
            EndReason::Unreachable(error.to_string())
        }
        HttpError::TooLarge | HttpError::Broken(_) => EndReason::BadAnswer(error.to_string()),
    }
}

/// ICE servers that a response names in all of its `Link` headers.
pub(crate) fn ice_servers(response: &HttpResponse) -> impl Iterator<Item = IceServer> {
    let links = response.headers.iter().filter(|(name, _)| name == "link");
    links.flat_map(|(_, value)| parse_link_header(value)).take(MAX_ICE_SERVERS)
}

/// ICE servers in a `Link` header (RFC 8288) with `rel="ice-server"` (RFC 9725 section 4.6).
#[must_use]
pub fn parse_link_header(value: &str) -> Vec<IceServer> {
    let mut servers = Vec::new();
    for link in split_outside_quotes(value, ',') {
        let mut parts = split_outside_quotes(link, ';').into_iter();
        let target = parts.next().unwrap_or_default().trim();
        let Some(url) = target.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')) else { continue };
        let scheme = url.split(':').next().unwrap_or_default().to_ascii_lowercase();
        if !matches!(scheme.as_str(), "stun" | "stuns" | "turn" | "turns") {
            continue;
        }
        let mut server = IceServer { url: url.to_owned(), username: None, credential: None };
        let mut is_server = false;
        for parameter in parts {
            let Some((name, value)) = parameter.split_once('=') else { continue };
            let value = unquote(value.trim());
            match name.trim().to_ascii_lowercase().as_str() {
                "rel" => is_server = value.split_ascii_whitespace().any(|rel| rel.eq_ignore_ascii_case("ice-server")),
                "username" => server.username = Some(value),
                "credential" => server.credential = Some(Secret::new(value)),
                _ => {}
            }
        }
        if is_server && servers.len() < MAX_ICE_SERVERS {
            servers.push(server);
        }
    }
    servers
}

/// Splits at `separator` outside of `"..."` and `<...>`.
fn split_outside_quotes(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut quoted, mut bracketed, mut escaped) = (0, false, false, false);
    for (at, character) in text.char_indices() {
        if escaped {
            escaped = false;
            continue;
        }
        match character {
            '\\' if quoted => escaped = true,
            '"' if !bracketed => quoted = !quoted,
            '<' if !quoted => bracketed = true,
            '>' if !quoted => bracketed = false,
            _ if character == separator && !quoted && !bracketed => {
                parts.push(text.get(start..at).unwrap_or_default());
                start = at + character.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts
}

fn unquote(text: &str) -> String {
    let Some(inner) = text.strip_prefix('"').map(|rest| rest.strip_suffix('"').unwrap_or(rest)) else {
        return text.to_owned();
    };
    let mut out = String::with_capacity(inner.len());
    let mut escaped = false;
    for character in inner.chars() {
        if character == '\\' && !escaped {
            escaped = true;
        } else {
            out.push(character);
            escaped = false;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use entente_model::media::VideoCodec;
    use proptest::prelude::*;

    use super::*;

    fn response(status: u16, headers: &[(&str, &str)], body: &str) -> HttpResponse {
        HttpResponse {
            status,
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            body: body.as_bytes().to_vec(),
            url: "http://host:8080/whep/game?fps=60".to_owned(),
        }
    }

    #[test]
    fn wishes_become_query_parameters() {
        let want = StreamRequest {
            width: Some(1280),
            fps: Some(120),
            codecs: vec![VideoCodec::Av1, VideoCodec::H264],
            ..StreamRequest::default()
        };
        let url = offer_url("whep+http://host:8080/whep/game?room=2#x", &want).unwrap();
        assert_eq!(url.as_str(), "http://host:8080/whep/game?room=2&width=1280&fps=120&codec=av1%2Ch264");
        assert_eq!(offer_url("https://host/a", &StreamRequest::default()).unwrap().as_str(), "https://host/a");
        for bad in ["", "host", "ftp://host/", "whep+ftp://host", "whep+http://", "javascript:alert(1)"] {
            assert!(matches!(offer_url(bad, &want), Err(EndReason::BadUrl(_))), "{bad}");
        }
    }

    #[test]
    fn replies_are_told_apart() {
        let accepted = read_reply(&response(201, &[("location", "../session/7")], "v=0"));
        let session = Url::parse("http://host:8080/session/7").ok();
        assert_eq!(accepted, Reply::Accepted { sdp: "v=0".to_owned(), session });
        let queued = read_reply(&response(
            503,
            &[("retry-after", "3"), ("content-type", "application/problem+json")],
            r#"{"type":"about:blank","title":"Full","detail":"All seats are taken","queue_position":4}"#,
        ));
        assert_eq!(queued, Reply::Queued { position: 4, retry: Duration::from_secs(3), place: None });
        let reason = |status, body| match read_reply(&response(status, &[], body)) {
            Reply::Refused(reason) => reason,
            other => panic!("{other:?}"),
        };
        assert_eq!(reason(401, ""), EndReason::Unauthorized);
        assert_eq!(reason(403, "<html>"), EndReason::Unauthorized);
        assert_eq!(reason(404, r#"{"title":"No such game"}"#), EndReason::NotFound("No such game".to_owned()));
        assert_eq!(reason(503, r#"{"detail":"down\u001b"}"#), EndReason::Busy("down".to_owned()));
        assert_eq!(reason(406, ""), EndReason::NoCodec("status 406".to_owned()));
        assert!(
            matches!(reason(415, r#"{"title":"not SDP"}"#), EndReason::BadAnswer(_)),
            "the kind of body, not of video"
        );
        assert_eq!(reason(500, ""), EndReason::BadAnswer("status 500".to_owned()));
    }

    #[test]
    fn many_link_headers_name_no_more_servers_than_are_kept() {
        let headers = vec![("link", r#"<stun:a.example>; rel="ice-server", <stun:b.example>; rel="ice-server""#); 20];
        assert_eq!(ice_servers(&response(201, &headers, "")).count(), MAX_ICE_SERVERS);
    }

    #[test]
    fn link_headers_name_ice_servers() {
        let header = r#"<stun:stun.example.net>; rel="ice-server", <turn:turn.example.net?transport=udp>; rel="ice-server"; username="us,er"; credential="my\"pass;word"; credential-type="password", <http://x/>; rel=next"#;
        let servers = parse_link_header(header);
        assert_eq!(servers.len(), 2);
        assert_eq!(servers[0].url, "stun:stun.example.net");
        assert_eq!(servers[1].username.as_deref(), Some("us,er"));
        assert_eq!(servers[1].credential.as_ref().map(Secret::reveal), Some("my\"pass;word"));
    }

    proptest! {
        #[test]
        fn arbitrary_headers_never_panic(text in "\\PC{0,200}", tail in "[<>\";,=\\\\a-z]{0,60}") {
            let _ = parse_link_header(&text);
            let _ = parse_link_header(&format!("<stun:a>{tail}"));
            let _ = offer_url(&text, &StreamRequest::default());
            let _ = read_reply(&response(503, &[("retry-after", &text), ("location", &text)], &text));
        }
    }
}
