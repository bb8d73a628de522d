//! Each way to fail, and what the user is told.

use std::time::{Duration, Instant};

use entente_lab::{HostConfig, Path, Scripted, WorldConfig};
use entente_model::http::HttpError;
use entente_model::stage::Stage;
use entente_model::{EndReason, Event, Request};
use entente_peer::WhepLink;

use crate::support::{TestWorld, play, playing, stages, whep, world, world_with};

fn scripted(script: Scripted) -> TestWorld {
    world_with(WorldConfig::default(), HostConfig::default(), |host| host.script.push_back(script))
}

/// Runs to the end, which has to come within ten seconds.
fn end(mut world: TestWorld) -> EndReason {
    assert!(world.run_until(|world| world.ended().is_some(), Duration::from_millis(10_500)), "{:?}", stages(&world));
    assert!(world.elapsed() <= Duration::from_millis(10_100), "{:?}", world.elapsed());
    world.run_millis(3000);
    let after = world.events.iter().skip_while(|(_, event)| !matches!(event, Event::Ended(_))).count();
    assert_eq!(after, 1, "nothing follows the end");
    world.ended().cloned().unwrap()
}

#[test]
fn refusals_by_status() {
    assert_eq!(end(scripted(Scripted::status(401))), EndReason::Unauthorized);
    assert_eq!(end(scripted(Scripted::status(403))), EndReason::Unauthorized);
    assert!(matches!(end(scripted(Scripted::status(404))), EndReason::NotFound(_)));
    assert!(matches!(end(scripted(Scripted::status(410))), EndReason::NotFound(_)));
    assert!(matches!(end(scripted(Scripted::status(503))), EndReason::Busy(_)));
    assert!(matches!(end(scripted(Scripted::status(429))), EndReason::Busy(_)));
    assert!(matches!(end(scripted(Scripted::status(500))), EndReason::BadAnswer(_)));
    assert!(matches!(end(scripted(Scripted::status(406))), EndReason::NoCodec(_)));
}

#[test]
fn no_answer_at_all() {
    assert!(matches!(end(scripted(Scripted::Silence)), EndReason::Unreachable(_)));
    let refused = Scripted::Fail(HttpError::Connect("refused".to_owned()));
    assert!(matches!(end(scripted(refused)), EndReason::Unreachable(_)));
    let unknown = Scripted::Fail(HttpError::UnknownHost("nowhere".to_owned()));
    assert!(matches!(end(scripted(unknown)), EndReason::Unreachable(_)));
    assert!(matches!(end(scripted(Scripted::Fail(HttpError::TooLarge))), EndReason::BadAnswer(_)));
}

#[test]
fn answers_that_are_no_answer() {
    for body in
        ["", "<html>welcome</html>", "v=0\r\n", "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=video 9 x 1\r\n"]
    {
        let garbage = Scripted::Respond { status: 201, headers: Vec::new(), body: body.to_owned() };
        assert!(matches!(end(scripted(garbage)), EndReason::BadAnswer(_)), "{body:?}");
    }
}

#[test]
fn refused_video_is_told_as_such() {
    let refused = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=video 0 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n\
        m=audio 0 UDP/TLS/RTP/SAVPF 0\r\na=mid:1\r\nm=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:2\r\n";
    let script = Scripted::Respond { status: 201, headers: Vec::new(), body: refused.to_owned() };
    assert!(matches!(end(scripted(script)), EndReason::NoCodec(_)));
}

#[test]
fn an_answer_without_a_dtls_role_is_refused_at_once() {
    let without = |answer: &str| answer.replace("a=setup:passive\r\n", "");
    let open = |answer: &str| answer.replace("a=setup:passive", "a=setup:actpass");
    for rewrite in [without as fn(&str) -> String, open] {
        let mut world = world(WorldConfig::default(), HostConfig { rewrite, ..HostConfig::default() });
        world.run_millis(200);
        let ended = world.ended();
        assert!(matches!(ended, Some(EndReason::BadAnswer(words)) if words.contains("a=setup")), "{ended:?}");
    }
}

#[test]
fn what_a_host_wrote_is_told_without_control_characters() {
    let line = |answer: &str| answer.replacen("o=- ", "o=\u{1b}[31m", 1);
    let codecs = |answer: &str| answer.replace("/90000", "\u{1b}[31m\u{7}/90000");
    for rewrite in [line as fn(&str) -> String, codecs] {
        let config = HostConfig { rewrite, ..HostConfig::default() };
        let reason = end(world(WorldConfig::default(), config)).to_string();
        assert!(reason.contains("[31m"), "{reason:?}");
        assert!(!reason.contains(char::is_control), "{reason:?}");
    }
}

#[test]
fn dead_phases_end_by_their_own_deadline() {
    let dead = |host: HostConfig| end(world(WorldConfig::default(), host));
    let reason = dead(HostConfig { silent: true, ..HostConfig::default() });
    assert!(matches!(reason, EndReason::NoPath(_)), "{reason}");
    let reason = dead(HostConfig { dtls_dead: true, ..HostConfig::default() });
    assert!(matches!(&reason, EndReason::NotSecured(words) if words.contains("handshake")), "{reason}");
    let reason = dead(HostConfig { no_media: true, ..HostConfig::default() });
    assert!(matches!(reason, EndReason::NoMedia(_)), "{reason}");
}

/// Another certificate's fingerprint.
fn wrong_fingerprint(answer: &str) -> String {
    let other = |line: &str| match line.split_once("a=fingerprint:sha-256 ") {
        Some(_) => format!("a=fingerprint:sha-256 {}\r\n", ["AB"; 32].join(":")),
        None => line.to_owned(),
    };
    answer.split_inclusive("\r\n").map(other).collect()
}

#[test]
fn a_refused_handshake_is_told_at_once() {
    for dtls_client in [false, true] {
        let host = HostConfig { rewrite: wrong_fingerprint, dtls_client, ..HostConfig::default() };
        let mut world = world(WorldConfig::default(), host);
        world.run_millis(500);
        let ended = world.ended();
        assert!(matches!(ended, Some(EndReason::NotSecured(words)) if words.contains("fingerprint")), "{ended:?}");
    }
    // The host takes our certificate for another one's.
    let mut world = world(WorldConfig::default(), HostConfig { distrusts: true, ..HostConfig::default() });
    world.run_millis(500);
    let ended = world.ended();
    assert!(matches!(ended, Some(EndReason::NotSecured(words)) if words.contains("host refused")), "{ended:?}");
    let sentence = ended.unwrap().to_string();
    assert!(sentence.contains("secured") && !sentence.contains("firewall"), "{sentence}");
}

#[test]
fn a_machine_without_addresses_is_told_so() {
    let config = WorldConfig { addresses: Vec::new(), ..WorldConfig::default() };
    assert!(matches!(end(world(config, HostConfig::default())), EndReason::NoPath(_)));
}

#[test]
fn the_queue_is_waited_for() {
    let mut world = world_with(WorldConfig::default(), HostConfig::default(), |host| {
        host.script.extend([Scripted::queue(503, 3, 5), Scripted::queue(202, 2, 10), Scripted::queue(503, 1, 2)]);
    });
    assert!(world.run_until(playing, Duration::from_secs(30)), "{:?} {:?}", stages(&world), world.ended());
    let queue = |position| Stage::Queued { position };
    assert_eq!(stages(&world)[1..6], [Stage::Negotiating, queue(3), queue(2), queue(1), Stage::Connecting]);
    let posts: Vec<u64> = world.requests.iter().map(|(at, _)| at.as_secs()).collect();
    assert_eq!(posts, [0, 5, 15, 17], "as often as the host asks");
}

#[test]
fn the_newest_response_names_the_ice_servers() {
    let queue = |server: &str| Scripted::Respond {
        status: 202,
        headers: vec![
            ("link", format!("<stun:{server}.example>; rel=\"ice-server\"")),
            ("retry-after", "1".to_owned()),
        ],
        body: String::new(),
    };
    let mut world = world_with(WorldConfig::default(), HostConfig::default(), |host| {
        host.script.extend([queue("first"), queue("first"), queue("second")]);
    });
    let known = |world: &TestWorld, server: &str| format!("{:?}", world.link).matches(server).count();
    world.run_millis(1500);
    assert_eq!(known(&world, "stun:first.example"), 1);
    world.run_millis(1000);
    assert_eq!((known(&world, "stun:first.example"), known(&world, "stun:second.example")), (0, 1));
}

#[test]
fn a_stop_leaves_the_queue() {
    let mut world = scripted(Scripted::queue(503, 9, 30));
    world.run_millis(1000);
    world.ask(Request::Stop(EndReason::User));
    assert_eq!(world.ended(), Some(&EndReason::User));
}

#[test]
fn the_goodbye_of_the_host_is_told() {
    let mut world = world(WorldConfig::default(), HostConfig::default());
    play(&mut world);
    world.run_millis(300);
    let now = world.now();
    world.host.goodbye(now, "maintenance");
    world.run_millis(100);
    assert_eq!(world.ended(), Some(&EndReason::HostEnded("maintenance".to_owned())));
    world.run_millis(300);
    assert!(world.host.session().deleted);
}

#[test]
fn a_host_that_closes_has_ended_the_game() {
    let mut world = world(WorldConfig::default(), HostConfig::default());
    play(&mut world);
    world.run_millis(500);
    let now = world.now();
    world.host.close(now);
    world.host.config.no_media = true;
    world.run_millis(1500);
    assert!(matches!(world.ended(), Some(EndReason::HostEnded(_))), "{:?} {:?}", world.ended(), stages(&world));
}

#[test]
fn a_version_that_was_not_offered_is_refused() {
    let mut world = world(WorldConfig::default(), HostConfig { version: 2, ..HostConfig::default() });
    world.run_millis(1000);
    let ended = world.ended();
    assert!(matches!(ended, Some(EndReason::BadAnswer(words)) if words.contains("version 2")), "{ended:?}");
    world.run_millis(1000);
    assert!(world.host.session().deleted);
}

#[test]
fn addresses_that_cannot_be_played() {
    let now = Instant::now();
    for url in ["", "whep+ftp://host/", "whep://host/", "demo://games"] {
        let mut config = whep(now);
        config.url = url.to_owned();
        assert!(matches!(WhepLink::new(config, now), Err(EndReason::BadUrl(_))), "{url}");
    }
    let mut config = whep(now);
    config.codecs.clear();
    assert!(matches!(WhepLink::new(config, now), Err(EndReason::NoCodec(_))));
}

#[test]
fn the_token_goes_to_the_named_host_only() {
    let location = Scripted::Respond {
        status: 202,
        headers: vec![("location", "http://10.9.9.9/place/1".to_owned()), ("retry-after", "1".to_owned())],
        body: String::new(),
    };
    let mut world = scripted(location);
    world.run_millis(1500);
    assert_eq!(world.requests[1].1.url, "http://10.9.9.9/place/1");
    assert!(world.requests[0].1.bearer.is_some() && world.requests[1].1.bearer.is_none());
}

#[test]
fn a_slow_network_is_not_a_dead_one() {
    let slow = Path::clean(300);
    let mut world =
        world(WorldConfig { up: slow.clone(), down: slow, ..WorldConfig::default() }, HostConfig::default());
    play(&mut world);
}
