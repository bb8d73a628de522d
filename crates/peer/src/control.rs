//! Our side of the `control` channel of the open host protocol.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use entente_model::Event;
use entente_model::input::Feedback;
use entente_model::time::MonoClock;
use entente_model::wire::VERSION;
use entente_model::wire::control::Control;

/// Versions that we speak, best first.
const VERSIONS: [u8; 1] = [VERSION];
/// At first the clock offset is wanted soon.
const FIRST_PINGS: Duration = Duration::from_secs(2);
const FIRST_PING_INTERVAL: Duration = Duration::from_millis(250);
const PING_INTERVAL: Duration = Duration::from_secs(1);
/// Pings that may be unanswered; older ones are forgotten.
const MAX_PINGS: usize = 16;
/// A best offset may be this old before a worse one replaces it: clocks drift up to about 50 us each second.
const OFFSET_AGE: Duration = Duration::from_secs(30);
/// Longest vibration that is obeyed; a host repeats longer ones.
const MAX_RUMBLE_MILLIS: u32 = 10_000;
/// Characters of a text from the host that are shown.
const MAX_TEXT: usize = 240;

/// What a control message means for the link.
#[derive(Debug, PartialEq)]
pub(crate) enum News {
    /// Said goodbye, for people.
    Goodbye(String),
    /// Chose a version that we do not speak.
    BadVersion(u8),
    /// A round trip was measured.
    RoundTrip(Duration),
    /// For a pad.
    Feedback(Feedback),
    /// For the user.
    Notice(String),
    /// Who the host is.
    Host(String),
    /// A better clock offset.
    ClockOffset { offset_micros: i64, error_micros: u64 },
}

impl News {
    /// The event that passes it on, if it is for the rest of the program.
    pub(crate) fn into_event(self) -> Option<Event> {
        Some(match self {
            Self::Feedback(feedback) => Event::Feedback(feedback),
            Self::Notice(text) => Event::Notice(text),
            Self::Host(name) => Event::Host { name },
            Self::ClockOffset { offset_micros, error_micros } => Event::ClockOffset { offset_micros, error_micros },
            Self::Goodbye(_) | Self::BadVersion(_) | Self::RoundTrip(_) => return None,
        })
    }
}

/// Pings, and what came back.
#[derive(Debug)]
pub(crate) struct ControlSession {
    clock: MonoClock,
    opened: Option<Instant>,
    next_ping: Option<Instant>,
    last_ping: Option<Instant>,
    next_id: u32,
    pings: VecDeque<(u32, u64)>,
    best: Option<(u64, Instant)>,
    last_answer: Option<Instant>,
    /// A ping was answered.
    measures: bool,
}

impl ControlSession {
    pub(crate) const fn new(clock: MonoClock) -> Self {
        Self {
            clock,
            opened: None,
            next_ping: None,
            last_ping: None,
            next_id: 0,
            pings: VecDeque::new(),
            best: None,
            last_answer: None,
            measures: false,
        }
    }

    /// The channel is open; the first message.
    pub(crate) fn open(&mut self, now: Instant, client: &str) -> Control {
        self.opened = Some(now);
        self.next_ping = Some(now);
        Control::Hello {
            versions: VERSIONS.to_vec(),
            client: client.to_owned(),
            capabilities: ["rumble", "light", "pointer", "touch", "motion", "text", "format"]
                .map(str::to_owned)
                .to_vec(),
        }
    }

    /// The channel is gone.
    pub(crate) fn close(&mut self) {
        self.opened = None;
        self.next_ping = None;
        self.pings.clear();
        self.last_answer = None;
        self.measures = false;
    }

    /// Whether the round trip is measured here; hosts may take the channel and never answer on it.
    pub(crate) const fn measures(&self) -> bool {
        self.measures
    }

    /// When the last message came.
    pub(crate) const fn last_answer(&self) -> Option<Instant> {
        self.last_answer
    }

    pub(crate) const fn deadline(&self) -> Option<Instant> {
        self.next_ping
    }

    /// A ping is wanted as soon as may be.
    pub(crate) fn hurry(&mut self) {
        if let (Some(next), Some(last)) = (&mut self.next_ping, self.last_ping) {
            *next = (*next).min(last + FIRST_PING_INTERVAL);
        }
    }

    /// The ping that is due.
    pub(crate) fn ping(&mut self, now: Instant) -> Option<Control> {
        let opened = self.opened?;
        if self.next_ping.is_none_or(|next| next > now) {
            return None;
        }
        self.last_ping = Some(now);
        let early = now.saturating_duration_since(opened) < FIRST_PINGS;
        self.next_ping = Some(now + if early { FIRST_PING_INTERVAL } else { PING_INTERVAL });
        let (id, client_micros) = (self.next_id, self.clock.micros(now));
        self.next_id = self.next_id.wrapping_add(1);
        if self.pings.len() == MAX_PINGS {
            self.pings.pop_front();
        }
        self.pings.push_back((id, client_micros));
        Some(Control::Ping { id, client_micros })
    }

    /// Takes a message; `emit` gets what it means. `false` when it made no sense.
    pub(crate) fn receive(&mut self, now: Instant, bytes: &[u8], mut emit: impl FnMut(News)) -> bool {
        let Ok(message) = Control::parse(bytes) else { return false };
        self.last_answer = Some(now);
        match message {
            Control::Welcome { version, .. } if !VERSIONS.contains(&version) => emit(News::BadVersion(version)),
            Control::Welcome { host, game, .. } => {
                let name = if game.is_empty() { host } else { format!("{host}, {game}") };
                emit(News::Host(for_people(&name)));
            }
            Control::Pong { id, client_micros, host_received_micros, host_sent_micros } => {
                return self.pong(now, id, client_micros, host_received_micros, host_sent_micros, emit);
            }
            Control::Rumble { pad, low, high, millis } => {
                let strength = |value: f32| if value.is_finite() { value.clamp(0.0, 1.0) } else { 0.0 };
                let millis = millis.min(MAX_RUMBLE_MILLIS);
                emit(News::Feedback(Feedback::Rumble { pad, low: strength(low), high: strength(high), millis }));
            }
            Control::Light { pad, r, g, b } => emit(News::Feedback(Feedback::Light { pad, rgb: [r, g, b] })),
            Control::Notice { text } => emit(News::Notice(for_people(&text))),
            Control::Goodbye { reason, code } => {
                let reason = for_people(&reason);
                emit(News::Goodbye(if reason.is_empty() { format!("{code:?}").to_lowercase() } else { reason }));
            }
            // A confirmed format shows in the pictures themselves; the rest is for hosts.
            Control::Format { .. }
            | Control::Hello { .. }
            | Control::Ping { .. }
            | Control::Keyframe
            | Control::Text { .. }
            | Control::Unknown => {}
        }
        true
    }

    fn pong(
        &mut self,
        now: Instant,
        id: u32,
        client_micros: u64,
        host_received: u64,
        host_sent: u64,
        mut emit: impl FnMut(News),
    ) -> bool {
        let Some(place) = self.pings.iter().position(|ping| *ping == (id, client_micros)) else { return false };
        self.pings.drain(..=place);
        let (sent, received) = (i128::from(client_micros), i128::from(self.clock.micros(now)));
        let (host_received, host_sent) = (i128::from(host_received), i128::from(host_sent));
        let held = host_sent - host_received;
        let away = received - sent;
        if held < 0 || held > away {
            return false;
        }
        let rtt = u64::try_from(away - held).unwrap_or(u64::MAX);
        self.measures = true;
        emit(News::RoundTrip(Duration::from_micros(rtt)));
        // RFC 5905 section 8: the mean of both ways; wrong by half the round trip at most.
        let error_micros = rtt.div_ceil(2);
        let better =
            self.best.is_none_or(|(error, at)| error_micros < error || now.saturating_duration_since(at) > OFFSET_AGE);
        if better && let Ok(offset_micros) = i64::try_from((host_received - sent + host_sent - received) / 2) {
            self.best = Some((error_micros, now));
            emit(News::ClockOffset { offset_micros, error_micros });
        }
        true
    }
}

/// A text of the host, short and without control characters.
pub(crate) fn for_people(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_TEXT).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "a first instant")]

    use super::*;

    fn answer(ping: &Control, host_received_micros: u64, held: u64) -> Vec<u8> {
        let Control::Ping { id, client_micros } = *ping else { panic!("not a ping") };
        Control::Pong { id, client_micros, host_received_micros, host_sent_micros: host_received_micros + held }
            .to_json()
            .into_bytes()
    }

    #[test]
    fn the_best_ping_gives_the_clock_offset() {
        let base = Instant::now();
        let mut session = ControlSession::new(MonoClock::new(base, 1_000_000));
        session.open(base, "test");
        let at = |millis: u64| base + Duration::from_millis(millis);
        // Host clock = ours + 5 s; 4 ms there, 2 ms back, 1 ms held.
        let ping = session.ping(at(0)).unwrap();
        let mut news = Vec::new();
        assert!(session.receive(at(7), &answer(&ping, 6_004_000, 1000), |item| news.push(item)));
        assert_eq!(news[0], News::RoundTrip(Duration::from_millis(6)));
        assert_eq!(news[1], News::ClockOffset { offset_micros: 5_001_000, error_micros: 3000 });
        // A slower one does not replace it; an unknown or impossible one is refused.
        let slow = session.ping(at(250)).unwrap();
        news.clear();
        assert!(session.receive(at(290), &answer(&slow, 6_270_000, 0), |item| news.push(item)));
        assert_eq!(news.len(), 1);
        assert!(!session.receive(at(300), &answer(&slow, 6_270_000, 0), |_| {}), "answered twice");
        let third = session.ping(at(500)).unwrap();
        assert!(!session.receive(at(510), &answer(&third, 1, u64::MAX - 1), |_| {}), "held longer than it was away");
    }

    #[test]
    fn pings_are_frequent_first_and_then_once_a_second() {
        let base = Instant::now();
        let mut session = ControlSession::new(MonoClock::new(base, 0));
        assert!(session.ping(base).is_none(), "not open");
        session.open(base, "test");
        let count = (0..5000_u64).filter(|ms| session.ping(base + Duration::from_millis(*ms)).is_some()).count();
        assert_eq!(count, 8 + 3);
    }

    #[test]
    fn wild_values_are_tamed() {
        let base = Instant::now();
        let mut session = ControlSession::new(MonoClock::new(base, 0));
        let mut news = Vec::new();
        session.receive(base, br#"{"type":"rumble","pad":0,"low":9e9,"high":-1,"millis":4000000000}"#, |item| {
            news.push(item)
        });
        assert_eq!(news, [News::Feedback(Feedback::Rumble { pad: 0, low: 1.0, high: 0.0, millis: MAX_RUMBLE_MILLIS })]);
        assert_eq!(for_people("a\u{1b}[31mb\n"), "a [31mb");
        assert!(!session.receive(base, b"\xff\xfe", |_| {}));
    }
}
