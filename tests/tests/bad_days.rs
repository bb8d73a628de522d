//! Each thing that goes wrong at the start ends in one clear sentence and its own exit code, soon, with nothing left.
#![allow(clippy::disallowed_methods, reason = "tests read clocks and wait")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::Duration;

use entente_tests::program::{Outcome, Running, binary};

/// A program that is asked for something impossible ends within this; the issue says 10 s.
const SOON: Duration = Duration::from_secs(10);

fn play(args: &[&str], input: Option<&str>) -> Outcome {
    let mut command = Command::new(binary("entente-player"));
    command.arg("play").args(args).arg("--headless");
    command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    let mut running = Running::start(&mut command);
    if let Some(text) = input {
        let mut pipe = running.child().stdin.take().unwrap();
        pipe.write_all(text.as_bytes()).unwrap();
    }
    // A little more than the promise, for a machine that is busy with other tests.
    let outcome = running.finish(SOON + Duration::from_secs(5));
    assert!(outcome.took < SOON + Duration::from_secs(1), "{outcome:#?}");
    outcome
}

/// One sentence with what to do, no debug print.
fn says(outcome: &Outcome, code: i32, part: &str) {
    assert_eq!(outcome.code(), code, "{outcome:#?}");
    let last = outcome.stderr.lines().last().unwrap_or_default();
    assert!(last.contains(part), "{outcome:#?}");
    assert!(last.ends_with('.'), "{last}");
    for raw in ["Err(", "Some(", "panicked", "Error {"] {
        assert!(!outcome.stderr.contains(raw), "{outcome:#?}");
    }
}

/// Answers every request with `response`, for as long as the test runs.
fn host(response: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::Builder::new()
        .name(String::from("bad host"))
        .spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let mut request = [0; 8192];
                let _ = stream.read(&mut request);
                if !response.is_empty() {
                    let _ = stream.write_all(response.as_bytes());
                    continue;
                }
                // Says nothing at all, but keeps the connection.
                std::mem::forget(stream);
            }
        })
        .unwrap();
    format!("whep+http://{address}/whep/game")
}

#[test]
fn a_wrong_address() {
    says(&play(&["ftp://example/x"], None), 3, "cannot be played");
    says(&play(&["whep+http://"], None), 3, "cannot be played");
    says(&play(&["demo://chess"], None), 7, "does not know");
}

#[test]
fn a_refused_connection() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    says(&play(&[&format!("whep+http://{free}/whep/game")], None), 5, "cannot be reached");
}

#[test]
fn an_unknown_name() {
    says(&play(&["whep+http://no-such-host.invalid/whep/game"], None), 5, "cannot be reached");
}

#[test]
fn refusals_of_the_host() {
    let cases = [
        ("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", 6, "refused access"),
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 7, "does not know"),
        ("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", 8, "no room"),
        ("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", 9, "not understood"),
    ];
    for (response, code, part) in cases {
        says(&play(&[&host(response)], None), code, part);
    }
}

#[test]
fn garbage_instead_of_an_answer() {
    let html = "HTTP/1.1 201 Created\r\nLocation: /s/1\r\nContent-Type: application/sdp\r\nContent-Length: 12\r\n\r\n<html>hello>";
    says(&play(&[&host(html)], None), 9, "not understood");
    says(&play(&[&host("SSH-2.0-OpenSSH_9.2\r\n")], None), 9, "not understood");
}

#[test]
fn a_host_that_never_answers() {
    says(&play(&[&host("")], None), 5, "cannot be reached");
}

#[test]
fn a_host_without_a_common_codec() {
    let sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
        a=fingerprint:sha-256 11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00\r\n\
        a=setup:passive\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n\
        m=video 0 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 0.0.0.0\r\na=inactive\r\na=mid:0\r\n";
    let response = format!(
        "HTTP/1.1 201 Created\r\nLocation: /s/1\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}",
        sdp.len()
    );
    says(&play(&[&host(Box::leak(response.into_boxed_str()))], None), 12, "no video codec");
}

#[test]
fn tickets_that_cannot_be_used() {
    says(&play(&["--ticket", "-"], Some("{}")), 4, "ticket cannot be used");
    says(&play(&["--ticket", "-"], Some("not json at all")), 4, "ticket cannot be used");
    says(&play(&["--ticket", "-"], Some(r#"{"version":9,"url":"demo://game"}"#)), 4, "ticket cannot be used");
    says(&play(&["--ticket", "-"], Some(r#"{"version":1}"#)), 4, "ticket cannot be used");
    says(&play(&["--ticket", "-"], Some("")), 4, "ticket cannot be used");
}

#[test]
fn no_display_is_said_with_the_way_out() {
    let mut command = Command::new(binary("entente-player"));
    command.args(["play", "demo://game"]).env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").stdin(Stdio::null());
    let outcome = Running::start(&mut command).finish(SOON);
    says(&outcome, 16, "--headless");
}
