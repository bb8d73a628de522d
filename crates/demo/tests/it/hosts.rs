//! Statuses, headers, queue and token of the WHEP resource.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use entente_demo::encoder::{Machine, VideoFormat};
use entente_demo::{DemoCloud, DemoConfig, HttpLimits};
use entente_model::Secret;

use crate::http::{FRAGMENT, OFFER, SDP, post, send};

fn host(config: DemoConfig) -> DemoCloud {
    DemoCloud::start(config).expect("the host starts")
}

#[test]
fn an_offer_is_answered_and_the_session_can_be_deleted() {
    let host = host(DemoConfig { ice_servers: vec!["stun:127.0.0.1:3478".to_owned()], ..DemoConfig::default() });
    let at = host.address();
    let reply = post(at, "/whep/testcard?width=640&height=360&fps=30&bitrate_kbps=700", OFFER);
    assert_eq!(reply.status, 201, "{reply:?}");
    assert_eq!(reply.header("content-type"), Some("application/sdp"));
    assert_eq!(reply.header("accept-patch"), Some("application/trickle-ice-sdpfrag"));
    assert_eq!(reply.header("link"), Some("<stun:127.0.0.1:3478>; rel=\"ice-server\""));
    let format = reply.header("entente-video").unwrap();
    assert!(format.contains("width=640; height=360; fps=30; bitrate_kbps=700"), "{format}");
    assert!(reply.body.contains("a=candidate:") && reply.body.contains("127.0.0.1"), "{}", reply.body);
    assert!(!reply.body.contains(" 2 udp"), "candidates of component 2 are noise: {}", reply.body);
    assert!(reply.body.contains("a=setup:passive"), "{}", reply.body);
    assert!(reply.body.contains("rtpmap:102 H264/90000") && !reply.body.contains("VP8"), "{}", reply.body);
    assert!(reply.body.contains("useinbandfec=1;sprop-stereo=1\r\n"), "{}", reply.body);
    assert!(reply.body.contains("playout-delay"), "{}", reply.body);
    assert_eq!(host.sessions(), 1);
    let resource = reply.header("location").unwrap().to_owned();
    assert!(resource.starts_with("/whep/testcard/"));
    assert_eq!(send(at, "DELETE", &resource, &[], "").status, 200);
    assert_eq!(host.sessions(), 0);
    let again = send(at, "DELETE", &resource, &[], "");
    assert_eq!((again.status, again.problem()["type"].as_str().unwrap()), (404, "urn:entente:problem:no-such-session"));
    host.stop();
}

#[test]
fn wrong_requests_get_their_status_and_a_problem() {
    let host = host(DemoConfig::default());
    let at = host.address();
    for (path, body, status) in [
        ("/whep/chess", OFFER, 404),
        ("/whep/testcard?fps=soon", OFFER, 400),
        ("/whep/testcard?audio_ms=short", OFFER, 400),
        ("/whep/testcard", "v=0", 400),
        ("/whep/testcard?codec=av1", OFFER, 406),
        ("/whep/testcard?codec=h264&encoder=h264_abacus", OFFER, 406),
        ("/nowhere", OFFER, 404),
    ] {
        let reply = post(at, path, body);
        assert_eq!(reply.status, status, "{path}: {reply:?}");
        reply.problem();
    }
    let plain = send(at, "POST", "/whep/testcard", &[("Content-Type", "text/plain")], OFFER);
    assert_eq!(plain.status, 415);
    plain.problem();
    let large = post(at, "/whep/testcard", &"a".repeat(100_000));
    assert_eq!(large.status, 413);
    large.problem();
    for (method, path, status) in [
        ("GET", "/whep/testcard", 405),
        ("PUT", "/whep/testcard/1", 405),
        ("POST", "/", 405),
        ("DELETE", "/games", 405),
        ("POST", "/whep/%ff", 400),
        ("DELETE", "/whep/%ff/%fe", 400),
        ("PATCH", "/whep/testcard/1", 404),
        ("GET", "/whep/testcard/1/2", 404),
    ] {
        let reply = send(at, method, path, &[FRAGMENT], "a=ice-ufrag:x\r\n");
        assert_eq!(reply.status, status, "{method} {path}: {reply:?}");
        reply.problem();
    }
    assert_eq!(host.sessions(), 0);
}

#[test]
fn wishes_that_cannot_be_met_get_what_comes_nearest() {
    let host = host(DemoConfig::default());
    let reply = post(host.address(), "/whep/testcard?width=10&height=11&fps=144&bitrate_kbps=1&audio_ms=40", OFFER);
    assert_eq!(reply.status, 201, "{reply:?}");
    let format = reply.header("entente-video").unwrap();
    assert!(format.contains("width=640; height=704; fps=120; bitrate_kbps=250"), "{format}");
}

#[test]
fn the_first_codec_of_the_list_that_both_sides_know_is_sent() {
    let host = host(DemoConfig::default());
    let at = host.address();
    for (list, codec) in
        [("vp8%2Ch264", "vp8"), ("h264,vp8", "h264"), ("av1%2Cvp8", "vp8"), ("h267%2Cvp8", "vp8"), ("h267", "h264")]
    {
        let reply = post(at, &format!("/whep/testcard?width=640&height=360&fps=30&codec={list}"), OFFER);
        assert_eq!(reply.status, 201, "{list}: {reply:?}");
        let sent = reply.header("entente-video").unwrap();
        assert!(sent.starts_with(&format!("codec={codec};")), "{list}: {sent}");
        assert_eq!(send(at, "DELETE", reply.header("location").unwrap(), &[], "").status, 200);
    }
}

#[test]
fn pages_of_other_origins_may_use_the_host() {
    let host = host(DemoConfig::default());
    let reply = send(host.address(), "OPTIONS", "/whep/game", &[("Origin", "https://example.invalid")], "");
    assert_eq!(reply.status, 204);
    assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
    for method in ["POST", "PATCH", "DELETE"] {
        assert!(reply.header("access-control-allow-methods").unwrap().contains(method));
    }
    assert!(reply.header("access-control-allow-headers").unwrap().contains("authorization"));
    let exposed = reply.header("access-control-expose-headers").unwrap();
    for name in ["location", "link", "retry-after"] {
        assert!(exposed.contains(name), "{exposed}");
    }
    let page = send(host.address(), "GET", "/", &[], "");
    assert_eq!((page.status, page.header("cross-origin-opener-policy")), (200, Some("same-origin")));
    assert_eq!(page.header("cross-origin-embedder-policy"), Some("require-corp"));
    assert!(page.body.contains("requestVideoFrameCallback") && !page.body.contains("https://"), "no remote content");
}

#[test]
fn a_token_is_asked_for_when_there_is_one() {
    let host = host(DemoConfig { token: Some(Secret::new("let-me-in")), ..DemoConfig::default() });
    let at = host.address();
    for headers in
        [vec![SDP], vec![SDP, ("Authorization", "Bearer let-me-ou")], vec![SDP, ("Authorization", "let-me-in")]]
    {
        let reply = send(at, "POST", "/whep/testcard", &headers, OFFER);
        assert_eq!((reply.status, reply.header("www-authenticate")), (401, Some("Bearer")));
        assert!(!reply.problem().to_string().contains("let-me-in"));
    }
    let good = ("Authorization", "bearer let-me-in");
    let reply = send(at, "POST", "/whep/testcard?width=640&height=360&fps=30", &[SDP, good], OFFER);
    assert_eq!(reply.status, 201);
    let resource = reply.header("location").unwrap();
    assert_eq!(send(at, "DELETE", resource, &[], "").status, 401);
    assert_eq!(send(at, "DELETE", resource, &[good], "").status, 200);
    assert_eq!(send(at, "GET", "/health", &[], "").status, 200, "health stays open for supervisors");
}

#[test]
fn a_full_host_queues_and_keeps_the_place() {
    let config =
        DemoConfig { max_sessions: 1, max_queue: 2, queue_expiry: Duration::from_secs(60), ..DemoConfig::default() };
    let host = host(config);
    let at = host.address();
    let path = "/whep/testcard?width=640&height=360&fps=30";
    let playing = post(at, path, OFFER);
    assert_eq!(playing.status, 201);
    let wait = |path: &str| {
        let reply = post(at, path, OFFER);
        assert_eq!(reply.status, 503, "{reply:?}");
        assert!(reply.header("retry-after").unwrap().parse::<u32>().unwrap() > 0);
        let problem = reply.problem();
        if let Some(ticket) = problem["queue_ticket"].as_str() {
            let place = reply.header("location").expect("where to ask again");
            assert!(place.starts_with("/whep/testcard?width=640&height=360&fps=30&queue="), "{place}");
            assert!(place.ends_with(ticket) && place.matches("queue=").count() == 1, "{place}");
        }
        problem
    };
    let first = wait(path);
    let second = wait(path);
    assert_eq!((&first["queue_position"], &second["queue_position"]), (&1.into(), &2.into()));
    assert!(wait(path)["queue_position"].is_null(), "the queue itself is full");
    let with = |problem: &serde_json::Value| format!("{path}&queue={}", problem["queue_ticket"].as_str().unwrap());
    assert_eq!(wait(&with(&second))["queue_position"], 2, "asking again does not overtake");
    assert_eq!(send(at, "DELETE", playing.header("location").unwrap(), &[], "").status, 200);
    assert_eq!(wait(&with(&second))["queue_position"], 2, "the place is the first one's");
    let third = post(at, &with(&first), OFFER);
    assert_eq!(third.status, 201);
    assert_eq!(wait(&with(&second))["queue_position"], 1);
    let waiting = || {
        let health = send(at, "GET", "/health", &[], "").body;
        serde_json::from_str::<serde_json::Value>(&health).unwrap()["waiting"].as_u64().unwrap()
    };
    assert_eq!(waiting(), 1);
    assert_eq!(send(at, "DELETE", &with(&second), &[], "").status, 204, "who leaves says so at the place");
    assert_eq!(waiting(), 0);
    let again = send(at, "DELETE", &with(&second), &[], "");
    assert_eq!((again.status, again.problem()["type"].as_str().unwrap()), (404, "urn:entente:problem:no-such-place"));
    let nobody = send(at, "DELETE", path, &[], "");
    assert_eq!(nobody.status, 400);
    nobody.problem();
}

#[test]
fn candidates_and_new_credentials_are_taken() {
    let host = host(DemoConfig::default());
    let at = host.address();
    let reply = post(at, "/whep/testcard?width=640&height=360&fps=30", OFFER);
    let resource = reply.header("location").unwrap();
    let trickled = "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\n\
        a=candidate:1 1 udp 2130706431 127.0.0.1 9 typ host\r\na=end-of-candidates\r\n";
    assert_eq!(send(at, "PATCH", resource, &[FRAGMENT], trickled).status, 204);
    assert_eq!(send(at, "PATCH", resource, &[FRAGMENT], "nothing").status, 400);
    assert_eq!(send(at, "PATCH", resource, &[SDP], trickled).status, 415);
    let restart = trickled.replace("ufrag:abcd", "ufrag:efgh").replace("pwd:abcdef", "pwd:xyzxyz");
    let restarted = send(at, "PATCH", resource, &[FRAGMENT, ("If-Match", "*")], &restart);
    assert_eq!(restarted.status, 200, "{restarted:?}");
    assert_eq!(restarted.header("content-type"), Some("application/trickle-ice-sdpfrag"));
    let ufrag = |text: &str| text.lines().find(|line| line.starts_with("a=ice-ufrag:")).unwrap().to_owned();
    assert_ne!(ufrag(&restarted.body), ufrag(&reply.body), "a restart brings new credentials of the host too");
    assert!(restarted.body.contains("a=candidate:"), "{}", restarted.body);
    let (before, after) = (reply.header("etag").unwrap(), restarted.header("etag").unwrap());
    assert_ne!(before, after, "a restart is another state");
    let patch = |fragment: &str, matching: &[&str]| {
        let mut headers = vec![FRAGMENT];
        headers.extend(matching.iter().map(|tags| ("If-Match", *tags)));
        let reply = send(at, "PATCH", resource, &headers, fragment);
        if reply.status != 204 {
            reply.problem();
        }
        reply.status
    };
    assert_eq!(patch(&restart, &[after]), 204);
    assert_eq!(patch(&restart, &["\"x\"", &format!("\"y\", {after}")]), 204);
    assert_eq!(patch(&restart, &[before]), 412);
    assert_eq!(patch(&restart, &["W/\"1\""]), 412, "weak tags never match");
    assert_eq!(patch(trickled, &[]), 412, "a late fragment with the former credentials restarts nothing");
    assert_eq!(patch(trickled, &["*"]), 412);
    assert_eq!(patch(&restart, &[]), 204, "the restart before is still the present state");
}

#[test]
fn the_list_the_health_and_the_clock_are_there() {
    let host = host(DemoConfig::default());
    let get = |path: &str| -> serde_json::Value {
        serde_json::from_str(&send(host.address(), "GET", path, &[], "").body).unwrap()
    };
    let list = get("/games");
    let names: Vec<_> = list["games"].as_array().unwrap().iter().map(|game| game["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["game", "padcheck", "testcard"]);
    assert!(list["default"]["fps"].as_u64().unwrap() >= 30);
    assert!(!list["encoders"].as_array().unwrap().is_empty());
    assert_eq!(get("/health")["status"], "ok");
    let before = entente_demo::monotonic_micros();
    let host_clock = get("/clock")["monotonic_micros"].as_u64().unwrap();
    assert!((before..=entente_demo::monotonic_micros()).contains(&host_clock), "one clock on one machine");
}

#[test]
fn a_host_without_an_encoder_says_what_to_install() {
    let default_format = VideoFormat { width: 640, height: 360, fps: 30, bitrate_kbps: 1000 };
    let refused = vec![("h264_abacus", "no beads".to_owned())];
    let machine = Machine { encoders: Vec::new(), refused, default_format };
    let host = host(DemoConfig { machine: Some(machine), ..DemoConfig::default() });
    let reply = post(host.address(), "/whep/testcard", OFFER);
    assert_eq!((reply.status, reply.header("retry-after")), (503, None), "{reply:?}");
    let detail = reply.problem()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("install FFmpeg") && detail.contains("h264_abacus"), "{detail}");
    assert_eq!(send(host.address(), "GET", "/games", &[], "").status, 200);
}

#[test]
fn who_holds_connections_does_not_hold_the_host() {
    let limits = HttpLimits { connections: 3, header: Duration::from_secs(1) };
    let host = host(DemoConfig { http: limits, ..DemoConfig::default() });
    let at = host.address();
    let mut slow: Vec<_> = (0..3).map(|_| TcpStream::connect(at).unwrap()).collect();
    for stream in &mut slow {
        stream.set_read_timeout(Some(Duration::from_secs(8))).unwrap();
        stream.write_all(b"GET /health HTTP/1.1\r\nHost: ").unwrap();
    }
    // The host takes connections that come together in any order.
    std::thread::sleep(Duration::from_millis(200));
    let begun = std::time::Instant::now();
    let mut further = TcpStream::connect(at).unwrap();
    further.set_read_timeout(Some(Duration::from_secs(8))).unwrap();
    let ended = |stream: &mut TcpStream| matches!(stream.read(&mut [0; 64]), Ok(0) | Err(_));
    assert!(ended(&mut further), "more than the limit are not taken");
    assert!(begun.elapsed() < Duration::from_millis(600), "and are told at once: {:?}", begun.elapsed());
    for stream in &mut slow {
        assert!(ended(stream), "who never ends the request is let go");
    }
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
    assert_eq!(send(at, "GET", "/health", &[], "").status, 200);
}

#[test]
fn a_stopped_host_is_gone() {
    let host = host(DemoConfig::default());
    let at = host.address();
    assert_eq!(post(at, "/whep/testcard?width=640&height=360&fps=30", OFFER).status, 201);
    host.stop();
    assert!(TcpStream::connect(at).is_err());
}
