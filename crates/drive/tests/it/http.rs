//! Requests: what goes out, what comes back, and every way to fail.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use entente_drive::{Driver, DriverConfig, StartError};
use entente_model::http::{HttpError, HttpRequest, HttpResponse, Method};
use entente_model::{Output, Secret};
use rustls::pki_types::PrivateKeyDer;

use crate::script::{LOOPBACK, Reply, Rig, Seen, request};
use crate::web::Web;

type Outcome = Result<HttpResponse, HttpError>;

fn get(url: impl Into<String>) -> HttpRequest {
    HttpRequest {
        method: Method::Get,
        url: url.into(),
        headers: Vec::new(),
        bearer: None,
        body: Vec::new(),
        timeout_millis: 5000,
    }
}

/// Makes all requests at once and returns their outcomes in order.
fn ask_all(requests: Vec<HttpRequest>, root: Option<&str>) -> Vec<Outcome> {
    let count = requests.len();
    let rig = Rig::with(
        move |_, seen| match seen {
            Seen::Start(_) => {
                let outputs =
                    (0..).zip(requests.clone()).map(|(n, asked)| Output::Http { id: request(n), request: asked });
                Reply { outputs: outputs.collect(), deadline: None }
            }
            _ => Reply::none(),
        },
        |config| config.extra_root_pem = root.map(|pem| pem.as_bytes().to_vec()),
    );
    let mut outcomes: Vec<Option<Outcome>> = vec![None; count];
    while outcomes.iter().any(Option::is_none) {
        let (number, outcome) = rig.input("answer", |_, seen| match seen {
            Seen::Http(number, outcome) => Some((number as usize, outcome)),
            _ => None,
        });
        assert!(outcomes[number].replace(outcome).is_none(), "answered twice");
    }
    outcomes.into_iter().flatten().collect()
}

fn ask(request: HttpRequest) -> Outcome {
    ask_all(vec![request], None).remove(0)
}

#[test]
fn a_request_carries_method_headers_token_and_body() {
    let web = Web::new(|_| Web::answer(201, &[("Location", "/session/5"), ("X-Twice", "a"), ("X-Twice", "b")], b"v=0"));
    let asked = HttpRequest {
        method: Method::Post,
        headers: vec![("Content-Type".into(), "application/sdp".into()), ("X-One".into(), "1".into())],
        bearer: Some(Secret::new("s3cret")),
        body: b"offer".to_vec(),
        ..get(web.url("/whep/game?fps=60#part"))
    };
    let got = ask(asked).unwrap();
    assert_eq!((got.status, got.body.as_slice()), (201, &b"v=0"[..]));
    assert_eq!(got.header("location"), Some("/session/5"));
    let twice: Vec<_> = got.headers.iter().filter(|(name, _)| name == "x-twice").map(|(_, v)| v.as_str()).collect();
    assert_eq!(twice, ["a", "b"]);
    assert_eq!(got.url, web.url("/whep/game?fps=60"));

    let sent = web.request();
    let (head, body) = sent.split_once("\r\n\r\n").unwrap();
    let lower = head.to_lowercase();
    assert!(head.starts_with("POST /whep/game?fps=60 HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("Bearer s3cret") && lower.contains("authorization: bearer"), "{head}");
    assert!(lower.contains("content-type: application/sdp") && lower.contains("x-one: 1"), "{head}");
    assert!(lower.contains("content-length: 5") && lower.contains("user-agent: entente/"), "{head}");
    assert!(lower.contains(&format!("host: {}", web.address)), "{head}");
    assert_eq!(body, "offer");
}

#[test]
fn every_method_goes_out_with_and_without_a_body() {
    let web = Web::new(|_| Web::answer(200, &[], b""));
    for (method, name) in
        [(Method::Get, "GET"), (Method::Post, "POST"), (Method::Patch, "PATCH"), (Method::Delete, "DELETE")]
    {
        for body in [&b""[..], b"x"] {
            let asked = HttpRequest { method, body: body.to_vec(), ..get(web.url("/")) };
            assert_eq!(ask(asked).map(|got| got.status), Ok(200), "{name} {body:?}");
            let sent = web.request();
            assert!(sent.starts_with(&format!("{name} / ")), "{sent}");
            assert!(sent.ends_with(&format!("\r\n\r\n{}", String::from_utf8_lossy(body))), "{sent}");
        }
    }
}

#[test]
fn every_status_is_an_answer() {
    let web = Web::new(|sent| {
        let status = sent.split('/').nth(1).and_then(|rest| rest.split(' ').next()).unwrap().parse().unwrap();
        Web::answer(status, &[("Retry-After", "3")], b"why")
    });
    let asked = [200_u16, 204, 301, 304, 401, 403, 404, 410, 429, 500, 503];
    let outcomes = ask_all(asked.iter().map(|status| get(web.url(&format!("/{status}")))).collect(), None);
    for (status, outcome) in asked.into_iter().zip(outcomes) {
        let got = outcome.unwrap_or_else(|error| panic!("{status}: {error}"));
        assert_eq!(got.status, status);
        assert_eq!(got.header("retry-after"), Some("3"));
        if !matches!(status, 204 | 304) {
            assert_eq!(got.body, b"why", "{status}");
        }
    }
}

#[test]
fn nobody_there_and_nobody_known() {
    let free = TcpListener::bind((LOOPBACK, 0)).unwrap().local_addr().unwrap();
    let refused = ask(get(format!("http://{free}/")));
    assert!(matches!(refused, Err(HttpError::Connect(_))), "{refused:?}");
    // No label has 64 characters (RFC 1035 section 2.3.4), so the resolver need not ask anybody.
    let name = format!("{}.localhost", "x".repeat(64));
    assert_eq!(ask(get(format!("http://{name}/"))), Err(HttpError::UnknownHost(name)));
    for url in ["whep://host/", "nonsense", "http://"] {
        assert!(matches!(ask(get(url)), Err(HttpError::BadUrl(_))), "{url}");
    }
}

#[test]
fn slow_hosts_time_out_at_every_place() {
    // Accepts, and says nothing.
    let silent = TcpListener::bind((LOOPBACK, 0)).unwrap();
    let silent = format!("http://{}/", silent.local_addr().unwrap());
    // Starts a body, and stops.
    let half = Web::new(|_| {
        thread::sleep(Duration::from_millis(50));
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf".to_vec()
    });
    let asked = HttpRequest { timeout_millis: 300, ..get(silent) };
    let started = Instant::now();
    let outcome = ask(asked);
    assert_eq!(outcome, Err(HttpError::Timeout));
    assert!(started.elapsed() >= Duration::from_millis(290), "{:?}", started.elapsed());
    let outcome = ask(HttpRequest { timeout_millis: 2000, ..get(half.url("/")) });
    assert!(matches!(outcome, Err(HttpError::Broken(_))), "{outcome:?}");
}

#[test]
fn large_and_broken_answers_are_errors() {
    const LIMIT: usize = 1 << 20;
    let web = Web::new(|sent| match sent.split(' ').nth(1) {
        Some("/fits") => Web::answer(200, &[], &vec![b'x'; LIMIT]),
        Some("/large") => Web::answer(200, &[], &vec![b'x'; LIMIT + 1]),
        Some("/chunked") => {
            let mut bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
            for _ in 0..30 {
                bytes.extend(format!("{:x}\r\n{}\r\n", 100_000, "y".repeat(100_000)).bytes());
            }
            bytes
        }
        Some("/header") => format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "z".repeat(1 << 20)).into_bytes(),
        Some("/garbage") => b"\x16\x03\x01 this is no HTTP\r\n\r\n".to_vec(),
        Some("/cut") => b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf".to_vec(),
        _ => Vec::new(),
    });
    let paths = ["/fits", "/large", "/chunked", "/header", "/garbage", "/cut", "/closed"];
    let outcomes = ask_all(paths.iter().map(|path| get(web.url(path))).collect(), None);
    for (path, outcome) in paths.into_iter().zip(outcomes) {
        match (path, &outcome) {
            ("/fits", Ok(got)) => assert_eq!(got.body.len(), LIMIT),
            ("/large" | "/chunked" | "/header", Err(HttpError::TooLarge)) => {}
            ("/garbage" | "/cut" | "/closed", Err(HttpError::Broken(_))) => {}
            _ => panic!("{path}: {:?}", outcome.map(|got| got.status)),
        }
    }
}

#[test]
fn redirects_are_followed_with_their_method_and_without_the_token_elsewhere() {
    let other = Web::new(|_| Web::answer(200, &[], b"other"));
    let elsewhere = other.url("/there");
    let web = Web::new(move |sent| match sent.split(' ').nth(1) {
        Some("/a") => Web::answer(307, &[("Location", "/b")], b""),
        Some("/b") => Web::answer(308, &[("Location", "c")], b""),
        Some("/away") => Web::answer(307, &[("Location", &elsewhere)], b""),
        Some("/loop") => Web::answer(307, &[("Location", "/loop")], b""),
        _ => Web::answer(200, &[], b"here"),
    });
    let post = |path: &str| HttpRequest {
        method: Method::Post,
        body: b"offer".to_vec(),
        bearer: Some(Secret::new("s3cret")),
        ..get(web.url(path))
    };
    let got = ask(post("/a")).unwrap();
    assert_eq!((got.body.as_slice(), got.url), (&b"here"[..], web.url("/c")));
    for path in ["/a", "/b", "/c"] {
        let sent = web.request();
        assert!(sent.starts_with(&format!("POST {path} ")) && sent.ends_with("offer"), "{sent}");
        assert!(sent.contains("s3cret"), "the same host may see the token again");
    }

    let got = ask(post("/away")).unwrap();
    assert_eq!((got.body.as_slice(), got.url), (&b"other"[..], other.url("/there")));
    let sent = other.request();
    assert!(sent.starts_with("POST /there ") && !sent.contains("s3cret"), "{sent}");

    let before = web.requests();
    assert!(matches!(ask(post("/loop")), Err(HttpError::Broken(_))));
    assert_eq!(web.requests() - before, 4, "one request and three redirects");
}

#[test]
fn many_requests_take_turns_and_too_many_are_refused() {
    let active = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let most = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let (counted, peak) = (Arc::clone(&active), Arc::clone(&most));
    let web = Web::new(move |_| {
        use std::sync::atomic::Ordering::SeqCst;
        peak.fetch_max(counted.fetch_add(1, SeqCst) + 1, SeqCst);
        thread::sleep(Duration::from_millis(20));
        counted.fetch_sub(1, SeqCst);
        Web::answer(200, &[], b"")
    });
    let outcomes = ask_all(vec![get(web.url("/")); 50], None);
    let (good, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!(good.len(), 36, "four at once and 32 that wait");
    assert!(refused.iter().all(|outcome| matches!(outcome, Err(HttpError::Connect(_)))));
    assert!(most.load(std::sync::atomic::Ordering::SeqCst) <= 4);
}

/// A TLS server for `localhost` and its root certificate.
fn secure_web() -> (Web, String) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let web = Web::over(
        |_| Web::answer(200, &[], b"secure"),
        move |stream| {
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            Box::new(rustls::StreamOwned::new(connection, stream))
        },
    );
    (web, made.cert.pem())
}

#[test]
fn certificates_are_checked() {
    let (web, root) = secure_web();
    let named = format!("https://localhost:{}/", web.address.port());
    let got = ask_all(vec![get(named.clone())], Some(&root)).remove(0);
    assert_eq!(got.map(|got| got.body), Ok(b"secure".to_vec()));
    // Not trusted; trusted but another name; no TLS at all.
    let outcome = ask(get(named));
    assert!(matches!(outcome, Err(HttpError::Tls(_))), "{outcome:?}");
    let outcome = ask_all(vec![get(format!("https://{}/", web.address))], Some(&root)).remove(0);
    assert!(matches!(outcome, Err(HttpError::Tls(_))), "{outcome:?}");
    let plain = TcpListener::bind((LOOPBACK, 0)).unwrap();
    let url = format!("https://{}/", plain.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = plain.accept().unwrap();
        stream.write_all(&Web::answer(400, &[], b"plain")).unwrap();
        // Closed only when the other side has read it.
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let outcome = ask(get(url));
    assert!(matches!(outcome, Err(HttpError::Tls(_))), "{outcome:?}");
}

#[test]
fn a_certificate_that_is_none_is_said_at_the_start() {
    struct Idle;
    impl entente_model::Link for Idle {
        fn handle(&mut self, _: Instant, _: entente_model::Input<'_>) -> Result<(), entente_model::LinkError> {
            Ok(())
        }
        fn poll(&mut self, _: Instant) -> Output {
            Output::Wait(None)
        }
    }
    let mut config = DriverConfig::new(Box::new(|_, _| ()));
    config.extra_root_pem = Some(b"nonsense".to_vec());
    assert!(matches!(Driver::start(Box::new(Idle), config), Err(StartError::Certificate(_))));
}
