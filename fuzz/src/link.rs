//! A whole link of the open host protocol, in virtual time, with a host that lies.

use std::net::SocketAddr;
use std::time::Duration;

use entente_lab::{FakeHost, HostConfig, Scripted, World, WorldConfig};
use entente_model::Event;
use entente_model::media::VideoCodec;
use entente_model::stage::Stage;
use entente_model::ticket::StreamRequest;
use entente_model::time::MonoClock;
use entente_peer::{WhepConfig, WhepLink};

use crate::{epoch, is_for_people, parts, text};

fn world(host: HostConfig, script: Vec<Scripted>) -> World<WhepLink> {
    let now = epoch();
    let config = WhepConfig {
        url: "whep+http://10.0.0.1:8080/whep/game".to_owned(),
        bearer: None,
        ice_servers: Vec::new(),
        want: StreamRequest::default(),
        // `rtc` takes its time with many.
        codecs: vec![VideoCodec::H264],
        clock: MonoClock::new(now, 1_000_000),
        client: "fuzz".to_owned(),
        seed: 7,
    };
    let link = WhepLink::new(config, now).expect("the address is one");
    let mut host = FakeHost::new(host, now);
    host.script = script.into();
    let mut world = World::new(WorldConfig::default(), now, link, host);
    world.start();
    world
}

/// Answers to HTTP requests as [`parts`], five for each: status (u16), `Location`, `Retry-After`, `Link`, body.
pub fn whep_reply(data: &[u8]) {
    let parts = parts(data);
    let script = parts.chunks(5).take(8).map(|reply| {
        let [status, fields @ ..] = reply else { return Scripted::Silence };
        let status = status.first_chunk().map_or(201, |status| u16::from_be_bytes(*status));
        let field = |index: usize| text(fields.get(index).copied().unwrap_or_default()).to_owned();
        let headers = ["location", "retry-after", "link"].into_iter().zip([field(0), field(1), field(2)]);
        Scripted::Respond { status, headers: headers.collect(), body: field(3) }
    });
    let mut world = world(HostConfig { silent: true, ..HostConfig::default() }, script.collect());
    world.run_until(|world| world.ended().is_some(), Duration::from_secs(40));
    for (_, request) in &world.requests {
        assert!(request.url.starts_with("http://") || request.url.starts_with("https://"), "{}", request.url);
    }
    let shown = world.events.iter().filter_map(|(_, event)| match event {
        Event::Ended(reason) => Some(reason.to_string()),
        Event::Notice(text) => Some(text.clone()),
        _ => None,
    });
    for text in shown {
        assert!(is_for_people(&text), "{text:?}");
    }
}

/// A byte (lowest bit: the host is to begin DTLS), then datagrams as [`parts`], each after a byte: time to pass first in
/// ms (lowest six bits), of a stranger (highest bit). The host was found (ICE), but says nothing of its own in DTLS.
pub fn link_datagrams(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    let config = HostConfig { dtls_dead: true, dtls_client: first & 1 != 0, ..HostConfig::default() };
    let mut world = world(config, Vec::new());
    let securing =
        |world: &World<WhepLink>| world.events.iter().any(|(_, event)| matches!(event, Event::Stage(Stage::Securing)));
    assert!(world.run_until(securing, Duration::from_secs(2)), "the path is found");
    let (host, stranger) = (SocketAddr::from(([10, 0, 0, 1], 5000)), SocketAddr::from(([203, 0, 113, 9], 5353)));
    for part in parts(rest).into_iter().take(32) {
        let Some((head, datagram)) = part.split_first() else { continue };
        world.run_millis(u64::from(head & 0x3f));
        world.inject(if head & 0x80 != 0 { stranger } else { host }, datagram);
    }
    world.run_millis(50);
}
