//! Titles, pictures, regions and sessions of accounts over HTTP and, for the games themselves, over WebRTC.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use entente_demo::{AccountsConfig, DemoCloud, DemoConfig, Fault};
use entente_model::wire::control::{Control, GoodbyeCode};
use rtc::rtp::codec::h264::H264Packet;
use rtc::rtp::packetizer::Depacketizer;
use serde_json::Value;

use crate::account::{GUEST_GRANT, access_token, cloud, get, json, quick, sign_in, token};
use crate::client::Client;
use crate::codecs::Decoder;
use crate::http::{OFFER, Reply, SDP, send};

const JSON: (&str, &str) = ("Content-Type", "application/json");
const PICTURE: &str = "&width=640&height=360&fps=30&codec=h264";

pub(crate) fn start(at: SocketAddr, token: &str, body: &str) -> Reply {
    send(at, "POST", "/api/v1/sessions", &[JSON, ("Authorization", &format!("Bearer {token}"))], body)
}

pub(crate) fn with(at: SocketAddr, method: &str, path: &str, token: &str) -> Reply {
    send(at, method, path, &[("Authorization", &format!("Bearer {token}"))], "")
}

/// Starts a session and waits until it is ready: its path.
fn ready(at: SocketAddr, token: &str, body: &str) -> String {
    let reply = start(at, token, body);
    assert_eq!(reply.status, 201, "{reply:?}");
    let path = reply.header("location").unwrap().to_owned();
    let begun = Instant::now();
    while json(&get(at, &path, token))["state"] != "ready" {
        assert!(begun.elapsed() < Duration::from_secs(60), "encoders are found");
        std::thread::sleep(Duration::from_millis(50));
    }
    path
}

/// Path and token of a stream.
fn stream(at: SocketAddr, token: &str, session: &str) -> (String, String) {
    let stream = json(&with(at, "POST", &format!("{session}/stream"), token));
    let url = stream["url"].as_str().unwrap();
    let path = url.strip_prefix("whep+http://localhost").expect("as the client called the host");
    (path.to_owned(), stream["token"].as_str().unwrap().to_owned())
}

fn guest(at: SocketAddr) -> String {
    access_token(&json(&token(at, &[("grant_type", GUEST_GRANT)])))
}

#[test]
fn twenty_thousand_titles_come_in_pages() {
    let cloud = cloud(AccountsConfig { catalogue: 20_000, ..quick() });
    let at = cloud.address();
    let token = guest(at);
    let (mut ids, mut cursor, mut pages) = (std::collections::HashSet::new(), String::new(), 0);
    let mark = loop {
        let page = json(&get(at, &format!("/api/v1/titles?limit=500{cursor}"), &token));
        assert_eq!((page["total"].as_u64(), page["complete"].as_bool()), (Some(20_003), Some(true)));
        ids.extend(page["titles"].as_array().unwrap().iter().map(|title| title["id"].as_str().unwrap().to_owned()));
        pages += 1;
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break page["mark"].as_str().unwrap().to_owned(),
        }
    };
    assert_eq!((ids.len(), pages), (20_003, 41));
    cloud.set_catalogue(20_001);
    let changes = json(&get(at, &format!("/api/v1/titles?since={mark}"), &token));
    assert_eq!((changes["complete"].as_bool(), changes["total"].as_u64()), (Some(false), Some(1)));
    assert_eq!(changes["titles"][0]["id"], "course-20001");
    for bad in ["cursor=nonsense", "cursor=YzEuMS4yLjMuNA", "limit=0", "limit=x", "limit=1&limit=2"] {
        let reply = get(at, &format!("/api/v1/titles?{bad}"), &token);
        assert_eq!(reply.status, 400, "{bad}");
        reply.problem();
    }
}

#[test]
fn pictures_are_told_apart_and_not_sent_twice() {
    let cloud = cloud(quick());
    let at = cloud.address();
    let titles = json(&get(at, "/api/v1/titles", &guest(at)));
    let mut tags = std::collections::HashSet::new();
    for title in titles["titles"].as_array().unwrap().iter().take(5) {
        for kind in ["tile", "hero"] {
            let (url, version) = (title[kind]["url"].as_str().unwrap(), title[kind]["version"].as_str().unwrap());
            let reply = send(at, "GET", url, &[], "");
            assert_eq!((reply.status, reply.header("content-type")), (200, Some("image/png")), "{url}");
            let tag = reply.header("etag").unwrap().to_owned();
            assert!(tag.contains(version) && tags.insert(tag.clone()));
            assert!(reply.header("cache-control").unwrap().contains("max-age"));
            let same = send(at, "GET", url, &[("If-None-Match", &format!("\"x\", W/{tag}"))], "");
            assert_eq!((same.status, same.body.as_str()), (304, ""));
            assert_eq!(send(at, "GET", url, &[("If-None-Match", "\"x\"")], "").status, 200);
        }
    }
    for path in ["/api/v1/art/chess/tile.png", "/api/v1/art/game/tile.jpg", "/api/v1/art/course-999/tile.png"] {
        let reply = send(at, "GET", path, &[], "");
        assert_eq!(reply.status, 404, "{path}");
        reply.problem();
    }
}

#[test]
fn the_far_region_is_farther() {
    let cloud = cloud(quick());
    let at = cloud.address();
    let regions = json(&get(at, "/api/v1/regions", &guest(at)));
    let took = |region: &Value| {
        let begun = Instant::now();
        assert_eq!(send(at, "GET", region["ping_url"].as_str().unwrap(), &[], "").status, 204);
        begun.elapsed()
    };
    let [near, far] = &regions["regions"].as_array().unwrap()[..] else { panic!("{regions}") };
    assert_eq!((&near["id"], &far["id"], near["queue_seconds"].as_u64()), (&"near".into(), &"far".into(), Some(0)));
    let best = |region: &Value| (0..5).map(|_| took(region)).min().unwrap();
    assert!(best(far) >= Duration::from_millis(60) && best(near) < best(far));
    assert_eq!(send(at, "GET", "/api/v1/regions/moon/ping", &[], "").status, 404);
}

#[test]
fn a_full_cloud_queues_and_the_place_moves_up() {
    let config = DemoConfig { max_sessions: 1, max_queue: 2, accounts: quick(), ..DemoConfig::default() };
    let cloud = DemoCloud::start(config).unwrap();
    let at = cloud.address();
    let tokens: Vec<_> = ["Ada", "Bob", "Cy", "Di"].iter().map(|name| access_token(&sign_in(at, name, ""))).collect();
    let [ada, bob, cy, di] = &tokens[..] else { panic!() };
    let playing = ready(at, ada, r#"{"title":"testcard"}"#);
    let wait = |token: &str| {
        let reply = start(at, token, r#"{"title":"testcard","region":"far"}"#);
        assert_eq!((reply.status, json(&reply)["state"].as_str().unwrap()), (201, "queued"));
        reply.header("location").unwrap().to_owned()
    };
    let (second, third) = (wait(bob), wait(cy));
    let full = start(at, di, r#"{"title":"testcard"}"#);
    assert!(full.status == 503 && full.header("retry-after").is_some(), "{full:?}");
    let place = |path: &str, token: &str| {
        let session = json(&get(at, path, token));
        (session["position"].as_u64(), session["of"].as_u64(), session["region"].as_str().unwrap().to_owned())
    };
    assert_eq!(place(&third, cy), (Some(2), Some(2), "far".to_owned()));
    let early = with(at, "POST", &format!("{second}/stream"), bob);
    assert_eq!(early.status, 409, "{early:?}");
    assert_eq!(send(at, "POST", "/whep/testcard?width=640", &[SDP], OFFER).status, 503, "the places are the same");
    assert_eq!(with(at, "DELETE", &second, cy).status, 404, "another's");
    assert_eq!(with(at, "DELETE", &second, bob).status, 204);
    assert_eq!(json(&get(at, &second, bob))["state"], "ended");
    assert_eq!(place(&third, cy).0, Some(1));
    assert_eq!(with(at, "DELETE", &playing, ada).status, 204);
    assert_eq!(json(&get(at, &third, cy))["state"], "ready");
    assert_eq!(with(at, "DELETE", &third, cy).status, 204);
    assert_eq!(cloud.sessions(), 0);
}

#[test]
fn sessions_belong_to_their_account_and_streams_to_their_session() {
    let cloud = cloud(AccountsConfig { stream_lifetime: Duration::from_secs(2), ..quick() });
    let at = cloud.address();
    let (ada, bob) = (access_token(&sign_in(at, "Ada", "")), access_token(&sign_in(at, "Bob", "")));
    let session = ready(at, &ada, r#"{"title":"testcard"}"#);
    for (method, path) in [("GET", session.clone()), ("DELETE", session.clone()), ("POST", format!("{session}/stream"))]
    {
        assert_eq!(with(at, method, &path, &bob).status, 404, "{method}");
        assert_eq!(send(at, method, &path, &[], "").status, 401, "{method}");
    }
    assert_eq!(json(&get(at, "/api/v1/sessions", &bob))["sessions"], serde_json::json!([]));
    assert_eq!(json(&get(at, "/api/v1/sessions", &ada))["sessions"].as_array().unwrap().len(), 1);
    let again = start(at, &ada, r#"{"title":"testcard"}"#);
    assert_eq!((again.status, again.header("location")), (200, Some(session.as_str())), "joined, not doubled");
    let other = ready(at, &ada, r#"{"title":"padcheck"}"#);
    let (path, token) = stream(at, &ada, &session);
    let (other_path, _) = stream(at, &ada, &other);
    let offer = |path: &str, token: &str| {
        let bearer = format!("Bearer {token}");
        send(at, "POST", &format!("{path}{PICTURE}"), &[SDP, ("Authorization", &bearer)], OFFER)
    };
    assert_eq!(offer(&other_path, &token).status, 401, "another session's token");
    assert_eq!(offer(&path, &ada).status, 401, "an access token opens no stream");
    assert_eq!(offer(&path.replace("testcard", "game"), &token).status, 400, "another game");
    let playing = offer(&path, &token);
    assert_eq!(playing.status, 201, "{playing:?}");
    let resource = playing.header("location").unwrap();
    assert_eq!(send(at, "DELETE", resource, &[], "").status, 401);
    std::thread::sleep(Duration::from_millis(2100));
    let late = offer(&path, &token);
    assert_eq!(late.status, 401);
    assert!(late.header("www-authenticate").unwrap().contains("invalid_token"));
    assert_eq!(with(at, "DELETE", resource, &token).status, 200, "what it opened it may still close");
    assert_eq!(json(&get(at, &session, &ada))["state"], "ready", "the game waits");
    let anew = start(at, &ada, r#"{"title":"testcard","anew":true}"#);
    assert_eq!(anew.status, 201);
    assert_eq!(json(&get(at, &session, &ada))["why"], "started anew");
    for (body, status) in [
        (r#"{"title":"chess"}"#, 404),
        (r#"{"title":"game","region":"moon"}"#, 400),
        (r#"{"title":"course-6"}"#, 403),
        ("{", 400),
    ] {
        let reply = start(at, &ada, body);
        assert_eq!(reply.status, status, "{body}: {reply:?}");
        reply.problem();
    }
    assert_eq!(start(at, &ada, &format!("{{\"title\":\"{}\"}}", "x".repeat(9000))).status, 413);
    assert_eq!(start(at, &guest(at), r#"{"title":"course-1"}"#).status, 403, "guests play what is free");
}

#[test]
fn a_closed_cloud_plays_only_for_accounts() {
    let cloud = cloud(AccountsConfig { require_sign_in: true, ..quick() });
    let at = cloud.address();
    assert_eq!(send(at, "POST", "/whep/testcard", &[SDP], OFFER).status, 401);
    let token = guest(at);
    let session = ready(at, &token, r#"{"title":"testcard"}"#);
    let (path, token) = stream(at, &token, &session);
    let bearer = format!("Bearer {token}");
    let reply = send(at, "POST", &format!("{path}{PICTURE}"), &[SDP, ("Authorization", &bearer)], OFFER);
    assert_eq!(reply.status, 201, "{reply:?}");
}

#[test]
fn an_account_has_a_few_sessions_at_a_time_and_is_told_which() {
    let cloud = cloud(quick());
    let at = cloud.address();
    let token = guest(at);
    let first = ready(at, &token, r#"{"title":"testcard"}"#);
    ready(at, &token, r#"{"title":"padcheck"}"#);
    let refused = start(at, &token, r#"{"title":"game"}"#);
    assert_eq!(refused.status, 429, "{refused:?}");
    let problem = refused.problem();
    assert_eq!(problem["type"], "urn:entente:problem:too-many-sessions");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains(" and ") && detail.ends_with("end one of them first"), "{detail}");
    // Those that are there can be joined and begun anew, and others may play.
    assert_eq!(start(at, &token, r#"{"title":"testcard"}"#).status, 200);
    assert_eq!(start(at, &token, r#"{"title":"padcheck","anew":true}"#).status, 201);
    assert_eq!(start(at, &guest(at), r#"{"title":"game"}"#).status, 201);
    assert_eq!(with(at, "DELETE", &first, &token).status, 204);
    assert_eq!(start(at, &token, r#"{"title":"game"}"#).status, 201);
}

#[test]
fn nobody_playing_ends_a_session() {
    let cloud = cloud(AccountsConfig { parked_limit: Duration::from_secs(1), ..quick() });
    let at = cloud.address();
    let token = guest(at);
    let session = ready(at, &token, r#"{"title":"testcard"}"#);
    let begun = Instant::now();
    while json(&get(at, &session, &token))["state"] != "ended" {
        assert!(begun.elapsed() < Duration::from_secs(8), "it ends");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(json(&get(at, &session, &token))["why"], "nobody played for 1 second");
    assert_eq!(cloud.sessions(), 0);
}

#[test]
fn faults_happen_on_demand_and_end() {
    let cloud = cloud(quick());
    let at = cloud.address();
    let token = guest(at);
    let fault = |text: &str| cloud.set_faults(vec![text.parse::<Fault>().unwrap()]);
    fault("/api/v1/titles=500*1");
    let reply = get(at, "/api/v1/titles", &token);
    assert_eq!(reply.status, 500);
    reply.problem();
    let good = get(at, "/api/v1/titles", &token);
    assert_eq!(good.status, 200, "once");
    for kind in ["truncated", "not-json"] {
        fault(&format!("/api/v1/titles={kind}"));
        let bad = get(at, "/api/v1/titles", &token);
        assert_eq!(bad.status, 200);
        assert!(serde_json::from_str::<Value>(&bad.body).is_err(), "{kind}");
        assert_eq!(bad.header("content-length"), Some(bad.body.len().to_string().as_str()), "HTTP itself is whole");
    }
    fault("/api/v1/titles=cut");
    let cut = get(at, "/api/v1/titles", &token);
    let promised: usize = cut.header("content-length").unwrap().parse().unwrap();
    assert!(cut.status == 200 && cut.body.len() == good.body.len() / 2 && promised == good.body.len(), "{cut:?}");
    fault("/api/v1/me=slow:300");
    let begun = Instant::now();
    assert_eq!(get(at, "/api/v1/me", &token).status, 200);
    assert!(begun.elapsed() >= Duration::from_millis(300));
    fault("/=clock:-86400");
    let date = get(at, "/api/v1/me", &token).header("date").unwrap().to_owned();
    let told = httpdate::parse_http_date(&date).unwrap();
    let off = std::time::SystemTime::now().duration_since(told).unwrap();
    assert!(off.as_secs().abs_diff(86_400) < 5, "{date}");
}

/// Luma of a region that changes with the log of Pad Check and with nothing else, once the picture is sharp.
async fn picture(client: &mut Client) -> Vec<u8> {
    let (mut decoder, mut shown) = (Decoder::new(entente_model::media::VideoCodec::H264).unwrap(), Vec::new());
    client.tell(Control::Keyframe).await;
    for _ in 0..60 {
        let (mut unit, mut splitter) = (Vec::new(), H264Packet::default());
        for packet in client.frame().await {
            unit.extend_from_slice(&splitter.depacketize(&packet.payload).unwrap());
        }
        let Some(picture) = decoder.decode(&unit) else { continue };
        let rows = (40..360).map(|row| row * picture.stride(0));
        shown = rows.flat_map(|at| picture.data(0)[at..at + 640].to_vec()).collect();
    }
    shown
}

/// Share of pixels that differ clearly, in thousandths.
fn differs(left: &[u8], right: &[u8]) -> usize {
    assert_eq!(left.len(), right.len());
    left.iter().zip(right).filter(|(left, right)| left.abs_diff(**right) > 60).count() * 1000 / left.len()
}

#[test]
fn a_game_goes_on_where_its_stream_ended() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let cloud = cloud(quick());
    let at = cloud.address();
    let access = access_token(&sign_in(at, "Ada", ""));
    let session = ready(at, &access, r#"{"title":"padcheck","bitrate_kbps":4000}"#);
    let connect = || {
        let (path, token) = stream(at, &access, &session);
        (format!("{path}{PICTURE}"), token)
    };
    runtime.block_on(async {
        let (path, token) = connect();
        let mut client = Client::connect_with(at, &path, Some(&token)).await;
        let fresh = picture(&mut client).await;
        for line in 0..6 {
            client.tell(Control::Text { text: format!("REMEMBER THIS LONG LINE NUMBER {line} OF THE SESSION") }).await;
        }
        let typed = picture(&mut client).await;
        assert!(differs(&fresh, &typed) >= 10, "the text is seen: {}", differs(&fresh, &typed));
        // The player dies without a word, or closes; the game waits.
        client.tell(Control::Goodbye { code: GoodbyeCode::User, reason: String::new() }).await;
        client.close().await;
        tokio::time::sleep(Duration::from_millis(700)).await;
        assert_eq!(json(&get(at, &session, &access))["state"], "ready");
        let (path, token) = connect();
        let mut second = Client::connect_with(at, &path, Some(&token)).await;
        let resumed = picture(&mut second).await;
        let (kept, lost) = (differs(&typed, &resumed), differs(&fresh, &resumed));
        assert!(kept * 5 <= lost, "the game's own state is there: {kept} differ from before, {lost} from a new game");
        // A third stream takes over; the second one is told.
        let (path, token) = connect();
        let mut third = Client::connect_with(at, &path, Some(&token)).await;
        let reason = second
            .hear(|message| match message {
                Control::Goodbye { reason, .. } => Some(reason),
                _ => None,
            })
            .await;
        assert!(reason.contains("another player"), "{reason}");
        let over = picture(&mut third).await;
        assert!(differs(&typed, &over) * 5 <= differs(&fresh, &over));
        let delete = tokio::task::spawn_blocking({
            let (session, access) = (session.clone(), access.clone());
            move || with(at, "DELETE", &session, &access).status
        });
        third.hear(|message| matches!(message, Control::Goodbye { code: GoodbyeCode::User, .. }).then_some(())).await;
        assert_eq!(delete.await.unwrap(), 204);
    });
    assert_eq!((json(&get(at, &session, &access))["state"].as_str(), cloud.sessions()), (Some("ended"), 0));
    runtime.shutdown_background();
}
