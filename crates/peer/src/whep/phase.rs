//! Phases of a session and the time that each has.

use std::time::{Duration, Instant};

use entente_model::EndReason;
use entente_model::link::RequestId;

/// Local addresses that are offered; each is paired with each of the host's.
pub(super) const MAX_ADDRESSES: usize = 6;
/// Sockets that are not open by then are left out.
pub(super) const OPENING: Duration = Duration::from_millis(500);
/// The host makes a session.
pub(super) const POSTING: Duration = Duration::from_secs(5);
/// ICE finds a path.
pub(super) const CONNECTING: Duration = Duration::from_secs(5);
/// DTLS: a handshake needs two or three round trips, and a second more for each lost flight (`rtc`'s timer does not grow).
pub(super) const SECURING: Duration = Duration::from_secs(6);
/// First whole picture.
pub(super) const FIRST_PICTURE: Duration = Duration::from_secs(5);
/// Everything from the start, or from the end of the queue, to the first picture.
pub(super) const WHOLE_START: Duration = Duration::from_secs(10);
/// An ICE restart, from the request to media.
pub(super) const RESTARTING: Duration = Duration::from_millis(2500);
/// Between two attempts to join again.
pub(super) const PAUSE: Duration = Duration::from_millis(500);
/// A stop while the host still makes the session waits this long for its address, so that it can be ended.
pub(super) const LEAVING: Duration = Duration::from_millis(1500);
/// Offers that are remembered; each has [`POSTING`] to be answered, and an outage has no time for more.
pub(super) const LATE_POSTS: usize = 8;
/// Requests besides the offer.
pub(super) const SHORT_REQUEST: Duration = Duration::from_secs(2);
pub(super) const STATS: Duration = Duration::from_millis(250);

/// What happens now. Each phase owns its deadline: a dead handshake raises no event.
#[derive(Clone, Debug)]
pub(super) enum Phase {
    /// Before `Start`.
    New,
    /// Sockets are being opened.
    Opening { until: Instant },
    /// The offer is on its way.
    Posting { id: RequestId, until: Instant },
    /// In the host's queue.
    Queued { until: Instant },
    /// ICE.
    Connecting { until: Instant },
    /// DTLS.
    Securing { until: Instant },
    /// Keys are there, no picture yet.
    FirstPicture { until: Instant },
    /// Pictures arrive, or did until just now.
    Playing,
    /// ICE restart; the request is done when `patch` is `None`.
    Restarting { patch: Option<RequestId>, until: Instant },
    /// Before the next attempt to join again.
    Pausing { until: Instant },
    /// Stopping, but the host is still making the session.
    Leaving { id: RequestId, until: Instant, reason: EndReason },
    /// After `Ended`.
    Over,
}

impl Phase {
    pub(super) const fn until(&self) -> Option<Instant> {
        match self {
            Self::New | Self::Playing | Self::Over => None,
            Self::Opening { until }
            | Self::Posting { until, .. }
            | Self::Queued { until }
            | Self::Connecting { until }
            | Self::Securing { until }
            | Self::FirstPicture { until }
            | Self::Restarting { until, .. }
            | Self::Pausing { until }
            | Self::Leaving { until, .. } => Some(*until),
        }
    }

    pub(super) const fn starting(&self) -> bool {
        matches!(
            self,
            Self::Opening { .. }
                | Self::Posting { .. }
                | Self::Connecting { .. }
                | Self::Securing { .. }
                | Self::FirstPicture { .. }
        )
    }
}
