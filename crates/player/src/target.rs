//! From what the user or the ticket names to a link that plays it.

use std::net::IpAddr;

use entente_demo::{DemoCloud, DemoConfig};
use entente_model::media::VideoCodec;
use entente_model::ticket::Ticket;
use entente_model::time::MonoClock;
use entente_model::{EndReason, Link};
use entente_peer::{WhepConfig, WhepLink};
use url::Url;

/// Something to play.
pub(crate) struct Target {
    pub(crate) link: Box<dyn Link>,
    pub(crate) title: String,
    /// What the host is asked for first, so what will probably come.
    pub(crate) codec: Option<VideoCodec>,
    /// The host runs on this machine, so its clock is ours.
    pub(crate) local: bool,
    /// The embedded demo cloud, alive while it is played.
    pub(crate) cloud: Option<DemoCloud>,
}

impl Target {
    /// Starts the embedded demo cloud for `demo://`, and a WHEP link for either.
    pub(crate) fn open(ticket: Ticket, clock: MonoClock, now: std::time::Instant) -> Result<Self, EndReason> {
        let url = Url::parse(&ticket.url).map_err(|error| EndReason::BadUrl(format!("{} ({error})", ticket.url)))?;
        let (whep, title, cloud) = match url.scheme() {
            "demo" => {
                let game = demo_game(&url)?;
                let cloud = DemoCloud::start(DemoConfig::default())
                    .map_err(|error| EndReason::Fault(format!("the demo cloud does not start: {error}")))?;
                (format!("http://{}/whep/{game}", cloud.address()), format!("Demo cloud: {game}"), Some(cloud))
            }
            "whep+http" | "whep+https" => {
                let plain = ticket.url.trim_start_matches("whep+");
                let host = url.host_str().filter(|host| !host.is_empty());
                let host = host.ok_or_else(|| EndReason::BadUrl(format!("{} names no host", ticket.url)))?;
                (String::from(plain), String::from(host), None)
            }
            other => {
                return Err(EndReason::BadUrl(format!(
                    "{other}:// is not known, only whep+http, whep+https and demo are"
                )));
            }
        };
        let local = Url::parse(&whep).ok().is_some_and(|url| is_loopback(&url));
        let mut codecs = entente_decode::available_codecs();
        if !ticket.want.codecs.is_empty() {
            let wanted = &ticket.want.codecs;
            codecs = wanted.iter().copied().filter(|codec| codecs.contains(codec)).collect();
            if codecs.is_empty() {
                return Err(EndReason::NoCodec(String::from("none of the asked codecs has a decoder here")));
            }
        }
        let title = ticket.title.clone().unwrap_or(title);
        let codec = codecs.first().copied();
        let config = WhepConfig {
            bearer: ticket.bearer,
            ice_servers: ticket.ice_servers,
            want: ticket.want,
            codecs,
            url: whep,
            clock,
            client: format!("Entente {}", env!("CARGO_PKG_VERSION")),
            seed: seed(clock, now),
        };
        let link = WhepLink::new(config, now)?;
        Ok(Self { link: Box::new(link), title, codec, local, cloud })
    }
}

/// Numbers that RTCP needs; they only have to differ between two players.
fn seed(clock: MonoClock, now: std::time::Instant) -> u64 {
    clock.micros(now) ^ (u64::from(std::process::id()) << 40)
}

fn demo_game(url: &Url) -> Result<String, EndReason> {
    let named = url.host_str().filter(|name| !name.is_empty()).unwrap_or("game");
    let known = entente_demo::games::catalogue();
    if known.iter().any(|(id, _)| *id == named) {
        return Ok(String::from(named));
    }
    let names: Vec<&str> = known.iter().map(|(id, _)| *id).collect();
    Err(EndReason::NotFound(format!("the demo cloud has {}, not {named}", names.join(", "))))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(url::Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn demo_games_are_found_by_name() {
        assert_eq!(demo_game(&Url::parse("demo://").unwrap()).unwrap(), "game");
        assert_eq!(demo_game(&Url::parse("demo://testcard").unwrap()).unwrap(), "testcard");
        assert!(matches!(demo_game(&Url::parse("demo://chess").unwrap()), Err(EndReason::NotFound(_))));
    }

    #[test]
    fn only_this_machine_shares_the_clock() {
        for (url, local) in [("http://127.0.0.1:1/x", true), ("http://[::1]/x", true), ("http://192.0.2.1/x", false)] {
            assert_eq!(is_loopback(&Url::parse(url).unwrap()), local, "{url}");
        }
    }
}
