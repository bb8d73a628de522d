//! When to ask for a key frame.

use std::time::{Duration, Instant};

/// Spaces out key frame requests and repeats them until one was answered.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeyframeRequests {
    last: Option<Instant>,
    sent: u64,
}

impl KeyframeRequests {
    /// Least time between two requests; the round trip where that is longer.
    pub const LEAST_INTERVAL: Duration = Duration::from_millis(100);

    /// Whether a request must go out at `now`, given that a key frame is wanted; then counts it as sent.
    pub fn poll(&mut self, now: Instant, interval: Duration) -> bool {
        let due = self.next_deadline(interval).is_none_or(|deadline| now >= deadline);
        if due {
            self.last = Some(now);
            self.sent += 1;
        }
        due
    }

    /// When the next request may go out; `None` means at once.
    #[must_use]
    pub fn next_deadline(&self, interval: Duration) -> Option<Instant> {
        self.last.map(|last| last + interval.max(Self::LEAST_INTERVAL))
    }

    /// Requests so far.
    #[must_use]
    pub const fn sent(&self) -> u64 {
        self.sent
    }
}
