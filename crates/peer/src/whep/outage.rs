//! Telling an outage from a pause, and the time there is to end it.

use std::time::{Duration, Instant};

/// Nothing at all: the session is in trouble and the user sees it.
pub(super) const SILENCE: Duration = Duration::from_secs(1);
/// A host without a control channel may pause its media for a still picture.
const SILENCE_PLAIN_HOST: Duration = Duration::from_secs(2);
/// The host answers on the control channel but sends no media.
const SILENCE_TALKING_HOST: Duration = Duration::from_secs(3);
/// Silence after which a ping asks whether the host is still there.
pub(super) const ASK: Duration = Duration::from_millis(500);
/// After the user sees it, before the connection is touched: a short outage heals by itself, and an ICE restart
/// throws away what the old path still brings.
pub(super) const PATIENCE: Duration = Duration::from_millis(500);
/// Time from the first silence to giving up.
pub(super) const GIVE_UP: Duration = Duration::from_secs(10);

/// Sound goes on without a picture: a key frame is asked for, for a host that lost its encoder's state or whose picture
/// stands still, and again every [`STILL_AGAIN`].
pub(super) const STILL_ASK: Duration = Duration::from_millis(1500);
/// It did not come: the user is told. A paused host may do this on purpose, so the session goes on.
pub(super) const STILL_NOTICE: Duration = Duration::from_secs(2);
pub(super) const STILL_AGAIN: Duration = Duration::from_secs(2);

/// A picture that stands still while sound goes on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Still {
    /// When a key frame is asked for next.
    pub(super) ask: Instant,
    /// The user was told.
    pub(super) told: bool,
}

/// An outage under way.
#[derive(Clone, Debug)]
pub(super) struct Outage {
    /// The last media packet before it.
    pub(super) since: Instant,
    /// An ICE restart was tried.
    pub(super) restarted: bool,
    /// What stood in the way, for the user.
    pub(super) trouble: String,
}

impl Outage {
    pub(super) fn new(since: Instant) -> Self {
        Self { since, restarted: false, trouble: "nothing arrived any more".to_owned() }
    }

    pub(super) fn over_at(&self) -> Instant {
        self.since + GIVE_UP
    }
}

/// How long media may be silent.
pub(super) fn silence_limit(now: Instant, control: bool, last_answer: Option<Instant>) -> Duration {
    if !control {
        SILENCE_PLAIN_HOST
    } else if last_answer.is_some_and(|at| now.saturating_duration_since(at) < SILENCE) {
        SILENCE_TALKING_HOST
    } else {
        SILENCE
    }
}
