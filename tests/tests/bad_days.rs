//! Each thing that goes wrong at the start ends in one clear sentence and its own exit code, soon, with nothing left.
#![allow(clippy::disallowed_methods, reason = "tests read clocks and wait")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
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
    assert!(last.ends_with(['.', '?']), "{last}");
    for raw in ["Err(", "Some(", "panicked", "Error {"] {
        assert!(!outcome.stderr.contains(raw), "{outcome:#?}");
    }
}

/// Answers every request with `response`, for as long as the test runs.
fn host(response: &'static str) -> String {
    host_that(move |_| String::from(response))
}

/// Answers every request with what `answer` makes of its body, for as long as the test runs.
fn host_that(answer: impl Fn(&str) -> String + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::Builder::new()
        .name(String::from("bad host"))
        .spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let response = answer(&body(&mut stream));
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

/// Reads one request; what follows its head.
fn body(stream: &mut TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let (mut line, mut length) = (String::new(), 0);
    while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap();
        }
        line.clear();
    }
    let mut body = vec![0; length];
    let _ = reader.read_exact(&mut body);
    String::from_utf8(body).unwrap()
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
fn a_queue_that_does_not_move_before_the_time_is_over() {
    let body = r#"{"type":"urn:example:busy","title":"Full","status":503,"queue_position":3}"#;
    let address = host_that(move |_| {
        let head = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Type: application/problem+json";
        format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    });
    says(&play(&[&address, "--seconds", "2"], None), 8, "place 3");
}

#[test]
fn files_that_cannot_be_written() {
    for switch in ["--report", "--dump", "--record", "--frames", "--wav"] {
        says(&play(&["demo://game", switch, "/proc/no/such/place"], None), 19, "/proc/no/such/place");
    }
}

#[test]
fn a_launcher_is_told_the_end_of_a_failed_start() {
    let ticket = r#"{"version":1,"url":"demo://chess","supervised":true}"#;
    let outcome = play(&["--ticket", "-"], Some(ticket));
    says(&outcome, 7, "does not know");
    assert!(outcome.stdout.contains(r#""event":"ended""#) && outcome.stdout.contains(r#""code":7"#), "{outcome:#?}");
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
    // A proper answer that refuses the video section and nothing else (RFC 3264 section 6).
    let address = host_that(|offer| {
        let mut sdp = String::from("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n");
        for section in offer.split("\r\nm=").skip(1) {
            let (media, rest) = section.split_once("\r\n").unwrap();
            let mid = rest.lines().find(|line| line.starts_with("a=mid:")).unwrap();
            let media =
                if media.starts_with("video") { String::from("video 0 UDP/TLS/RTP/SAVPF 0") } else { media.into() };
            sdp += &format!("m={media}\r\nc=IN IP4 0.0.0.0\r\n{mid}\r\na=setup:passive\r\na=ice-ufrag:abcd\r\n");
            sdp += "a=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=sendonly\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n";
            sdp += &format!("a=fingerprint:sha-256 {}\r\n", ["11"; 32].join(":"));
        }
        let head = "HTTP/1.1 201 Created\r\nLocation: /s/1\r\nContent-Type: application/sdp\r\nContent-Length: ";
        format!("{head}{}\r\n\r\n{sdp}", sdp.len())
    });
    says(&play(&[&address], None), 12, "no video codec");
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
