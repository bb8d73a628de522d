//! The two data channels, from either side, and the ticket.

use entente_demo::encoder::VideoFormat;
use entente_demo::fuzzing::read_query;
use entente_model::input::{Feedback, PlayerInput, TouchPhase};
use entente_model::ticket::Ticket;
use entente_model::wire::control::Control;
use entente_model::wire::input::{InputEncoder, InputPacket, InputTracker, MAX_PACKET};
use entente_model::{Event, Secret};
use entente_peer::fuzzing::{hear, offer_url};

use crate::{epoch, is_for_people, parts};

/// A control message of either side.
pub fn control(data: &[u8]) {
    let Ok(message) = Control::parse(data) else { return };
    let text = message.to_json();
    match (message, Control::parse(text.as_bytes())) {
        // The only field that JSON cannot hold: a strength that overflowed to infinity is written as null.
        (Control::Rumble { low, high, .. }, Err(_)) => assert!(!(low.is_finite() && high.is_finite())),
        (message, again) => assert_eq!(again, Ok(message), "what is understood survives the wire: {text}"),
    }
}

/// Control messages of a host as [`parts`], as a client takes them.
pub fn control_session(data: &[u8]) {
    for event in hear(epoch(), parts(data).into_iter().take(64)) {
        match event {
            Event::Notice(text) | Event::Host { name: text } => assert!(is_for_people(&text), "{text:?}"),
            Event::Feedback(Feedback::Rumble { low, high, millis, .. }) => {
                assert!((0.0..=1.0).contains(&low) && (0.0..=1.0).contains(&high) && millis <= 10_000);
            }
            _ => {}
        }
    }
}

/// Input packets one after the other as [`parts`], as a host reads them.
pub fn input_packet(data: &[u8]) {
    let mut tracker = InputTracker::new();
    let mut encoder = InputEncoder::new();
    let mut held = Held::default();
    for part in parts(data) {
        let Ok(packet) = InputPacket::parse(part) else { continue };
        let bytes = packet.to_bytes();
        assert!(bytes.len() <= MAX_PACKET);
        let again = InputPacket::parse(&bytes).expect("what is written can be read");
        // The longest record has 257 bytes: if it would still fit, nothing was left out.
        if bytes.len() + 257 <= MAX_PACKET {
            assert_eq!(again, packet, "what is understood survives the wire");
        }
        tracker.accept(&packet, |what| {
            held.note(&what);
            encoder.apply(&what, packet.stamp_micros);
        });
        let sent = encoder.packet().to_bytes();
        assert!(InputPacket::parse(&sent).is_ok());
    }
}

/// What a game knows to be held; it must be told of each press and release once.
#[derive(Default)]
struct Held {
    keys: Vec<u16>,
    buttons: u32,
    contacts: Vec<u8>,
    pads: u32,
}

impl Held {
    fn note(&mut self, what: &PlayerInput) {
        match what {
            PlayerInput::Key { usage, down } => {
                assert_ne!(self.keys.contains(usage), *down, "key {usage:#x} again");
                self.keys.retain(|key| key != usage);
                self.keys.extend(down.then_some(*usage));
            }
            PlayerInput::PointerButton { button, down } => {
                assert_ne!(self.buttons >> button & 1 == 1, *down, "button {button} again");
                self.buttons ^= 1 << button;
            }
            PlayerInput::Touch { contact, phase } => {
                let known = self.contacts.contains(&contact.id);
                assert_ne!(known, *phase == TouchPhase::Down, "{contact:?} {phase:?}");
                self.contacts.retain(|id| *id != contact.id);
                self.contacts.extend((*phase != TouchPhase::Up).then_some(contact.id));
            }
            PlayerInput::PadConnected { pad, .. } => {
                assert_eq!(self.pads >> pad & 1, 0, "pad {pad} is there");
                self.pads |= 1 << pad;
            }
            PlayerInput::Pad { pad, .. } | PlayerInput::Motion { pad, .. } => assert!(*pad < 16),
            PlayerInput::PadGone { pad } => {
                assert_eq!(self.pads >> pad & 1, 1, "pad {pad} is not there");
                self.pads &= !(1 << pad);
            }
            _ => {}
        }
    }
}

/// A ticket, and the address that its wishes are sent to.
pub fn ticket(data: &[u8]) {
    let Ok(ticket) = serde_json::from_slice::<Ticket>(data) else { return };
    let mut other = ticket.clone();
    let servers = other.ice_servers.iter_mut().map(|server| &mut server.credential);
    for secret in servers.chain([&mut other.bearer]).flatten() {
        *secret = Secret::new("something else");
    }
    assert_eq!(format!("{ticket:?}"), format!("{other:?}"), "secrets are not shown");
    let Ok(url) = offer_url(&ticket.url, &ticket.want) else { return };
    assert!(matches!(url.scheme(), "http" | "https") && url.has_host() && url.fragment().is_none(), "{url}");
    // The demo cloud understands every wish, unless the address brings words of its own.
    if !ticket.url.contains('?') {
        let default = VideoFormat { width: 1280, height: 720, fps: 60, bitrate_kbps: 5000 };
        assert!(read_query(url.query().unwrap_or_default(), default).is_some(), "{url}");
    }
}
