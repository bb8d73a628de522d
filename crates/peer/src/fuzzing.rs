//! A door for the fuzz targets (`fuzz/`): what hosts send, read without a link. Nobody else needs it.

use std::time::{Duration, Instant};

use entente_model::Event;
use entente_model::time::MonoClock;

pub use crate::alerts::ending_alert;
use crate::control::ControlSession;
pub use crate::whep::signal::{Reply, offer_url, read_reply};

/// What a client tells the rest of the program about control messages that come a millisecond apart. Its clock is at one
/// second when the first one comes, and a ping with id 0 was sent a millisecond before.
pub fn hear<'a>(now: Instant, messages: impl Iterator<Item = &'a [u8]>) -> Vec<Event> {
    let mut session = ControlSession::new(MonoClock::new(now, 999_000));
    session.open(now, "fuzz");
    let mut events = Vec::new();
    for (message, millis) in messages.zip(1..) {
        session.ping(now + Duration::from_millis(millis - 1));
        session.receive(now + Duration::from_millis(millis), message, |news| events.extend(news.into_event()));
    }
    events
}
