//! What hosts say over HTTP.

use entente_model::http::HttpResponse;
use entente_peer::fuzzing::{Reply, ending_alert, read_reply};
use entente_peer::sdp::{Answer, MAX_SDP, restart_fragment};
use entente_peer::whep::parse_link_header;

use crate::{is_for_people, parts, text};

/// An offer of ours.
const OFFER: &str = include_str!("../offer.sdp");

/// The demo cloud's answer to it.
const ANSWER: &str = include_str!("../corpus/sdp_answer/demo");

/// A host's answer to an offer of ours.
pub fn sdp_answer(data: &[u8]) {
    let Ok(read) = Answer::read(text(data), OFFER) else { return };
    assert!(read.candidates <= 24 && read.formats.len() <= read.text.len());
    if read.text.len() > MAX_SDP {
        return;
    }
    let again = Answer::read(&read.text, OFFER).expect("what was mended is an answer still");
    assert_eq!((&again.payloads, again.candidates), (&read.payloads, read.candidates));
}

/// A host's answer to an ICE restart.
pub fn ice_fragment(data: &[u8]) {
    let fragment = text(data);
    let ours = restart_fragment(fragment);
    assert!(ours.len() <= fragment.len() + 256, "only what was there is repeated");
    let answer = Answer::read(ANSWER, OFFER).expect("an answer of the demo cloud");
    let Some(restarted) = answer.restarted(fragment) else { return };
    let again = Answer::read(&restarted.text, OFFER).expect("a restarted answer is an answer still");
    assert_eq!((&again.payloads, again.candidates), (&answer.payloads, restarted.candidates));
}

/// A `Link` header.
pub fn link_header(data: &[u8]) {
    for server in parse_link_header(text(data)) {
        let scheme = server.url.split(':').next().unwrap_or_default().to_ascii_lowercase();
        assert!(matches!(scheme.as_str(), "stun" | "stuns" | "turn" | "turns"), "{scheme}");
        if server.url.contains(['<', '>', '"', '\\']) {
            continue;
        }
        let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
        let mut header = format!("<{}>; rel=ice-server", server.url);
        for (name, value) in
            [("username", server.username.as_deref()), ("credential", server.credential.as_ref().map(|c| c.reveal()))]
        {
            if let Some(value) = value {
                header.push_str(&format!(";{name}=\"{}\"", quoted(value)));
            }
        }
        assert_eq!(parse_link_header(&header), [server], "{header}");
    }
}

/// A host's response to an offer as [`parts`]: status (u16), `Location`, `Retry-After`, body.
pub fn http_reply(data: &[u8]) {
    let mut parts = parts(data).into_iter();
    let mut part = || parts.next().unwrap_or_default();
    let status = part().first_chunk().map_or(201, |status| u16::from_be_bytes(*status));
    let headers = ["location", "retry-after"].map(|name| (name.to_owned(), text(part()).to_owned()));
    let url = "https://host.example:8443/whep/game?fps=60".to_owned();
    let response = HttpResponse { status, headers: headers.into(), body: part().to_vec(), url };
    let (place, words) = match read_reply(&response) {
        Reply::Accepted { session, .. } => (session, String::new()),
        Reply::Queued { retry, place, .. } => {
            assert!((1..=30).contains(&retry.as_secs()), "{retry:?}");
            (place, String::new())
        }
        Reply::Refused(reason) => (None, reason.to_string()),
    };
    assert!(place.is_none_or(|url| matches!(url.scheme(), "http" | "https") && url.has_host()));
    assert!(is_for_people(&words), "{words:?}");
}

/// A datagram of DTLS, looked through for an alert in the clear.
pub fn dtls_alert(data: &[u8]) {
    let Some(description) = ending_alert(data) else { return };
    // It is the last byte of a record of two: level and description.
    assert!(data.windows(4).any(|record| matches!(record, [0, 2, _, last] if *last == description)));
}
