//! Every parser of outside bytes, one function each: none may panic, and what can be said about the outcome is asserted.
//!
//! libFuzzer calls them (`fuzz_targets/`, `cargo xtask fuzz`), and so does a plain test with every file of `corpus/`
//! (`tests/tests/corpus.rs`). The form of each input is described at its function.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod demo;
mod link;
mod media;
mod service;
mod signalling;
mod wire;

use std::time::Instant;

pub use demo::{demo_fragment, demo_game, demo_offer, demo_query};
pub use link::{link_datagrams, whep_reply};
pub use media::{depacketize, receiver, rtp_packet, timecode};
pub use service::{account_request, cloud_answer, kept_file, shell_line};
pub use signalling::{dtls_alert, http_reply, ice_fragment, link_header, sdp_answer};
pub use wire::{control, control_session, input_packet, ticket};

/// A function that takes any bytes.
pub type Target = fn(&[u8]);

/// Every target by its name, which is that of its file in `fuzz_targets/` and of its folder in `corpus/`.
pub const TARGETS: &[(&str, Target)] = &[
    ("account_request", account_request),
    ("cloud_answer", cloud_answer),
    ("control", control),
    ("control_session", control_session),
    ("demo_fragment", demo_fragment),
    ("demo_game", demo_game),
    ("demo_offer", demo_offer),
    ("demo_query", demo_query),
    ("depacketize", depacketize),
    ("dtls_alert", dtls_alert),
    ("http_reply", http_reply),
    ("ice_fragment", ice_fragment),
    ("input_packet", input_packet),
    ("kept_file", kept_file),
    ("link_datagrams", link_datagrams),
    ("link_header", link_header),
    ("receiver", receiver),
    ("rtp_packet", rtp_packet),
    ("sdp_answer", sdp_answer),
    ("ticket", ticket),
    ("shell_line", shell_line),
    ("timecode", timecode),
    ("whep_reply", whep_reply),
];

/// The longest beginning of `data` that is text.
fn text(data: &[u8]) -> &str {
    data.utf8_chunks().next().map_or("", |chunk| chunk.valid())
}

/// Splits `data` into parts, each after its length (u16, big endian); the last one may be cut short.
fn parts(mut data: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    while let Some((length, rest)) = data.split_first_chunk::<2>() {
        let (part, rest) = rest.split_at(usize::from(u16::from_be_bytes(*length)).min(rest.len()));
        parts.push(part);
        data = rest;
    }
    parts
}

/// Whether a text may be shown: it is short and does nothing to a terminal.
fn is_for_people(text: &str) -> bool {
    text.chars().count() <= 500 && !text.contains(char::is_control)
}

/// Where time starts.
#[allow(clippy::disallowed_methods, reason = "an Instant has no other origin; nothing else depends on it")]
fn epoch() -> Instant {
    static EPOCH: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    *EPOCH.get_or_init(Instant::now)
}
