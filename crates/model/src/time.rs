//! One monotonic clock in two notations: [`Instant`] inside the program, microseconds on the wire and in pixels.

use std::time::{Duration, Instant};

/// Relates [`Instant`] to the microseconds of this machine's monotonic clock.
///
/// Made once at the edge (`entente-drive` reads both clocks); pure arithmetic afterwards. On Linux the microseconds
/// are those of `CLOCK_MONOTONIC`, so two processes of one machine agree without an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MonoClock {
    anchor: Instant,
    anchor_micros: u64,
}

impl MonoClock {
    /// A clock on which `anchor` was the moment `anchor_micros`.
    #[must_use]
    pub const fn new(anchor: Instant, anchor_micros: u64) -> Self {
        Self { anchor, anchor_micros }
    }

    /// Microseconds at `at`; saturates at zero for instants before the clock's zero.
    #[must_use]
    pub fn micros(&self, at: Instant) -> u64 {
        if let Some(after) = at.checked_duration_since(self.anchor) {
            self.anchor_micros.saturating_add(micros_of(after))
        } else {
            self.anchor_micros.saturating_sub(micros_of(self.anchor.saturating_duration_since(at)))
        }
    }

    /// The instant at `micros`, or `None` when it cannot be represented.
    #[must_use]
    pub fn instant(&self, micros: u64) -> Option<Instant> {
        if micros >= self.anchor_micros {
            self.anchor.checked_add(Duration::from_micros(micros - self.anchor_micros))
        } else {
            self.anchor.checked_sub(Duration::from_micros(self.anchor_micros - micros))
        }
    }
}

/// Priority that threads between network, device and display ask for, 0 to 99 on the scale of the `thread-priority`
/// crate: on Linux a nice value of -11, which leaves room for the sound server above. Nobody depends on getting it.
pub const RAISED_PRIORITY: u8 = 75;

fn micros_of(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::disallowed_methods, reason = "any instant will do")]
    fn micros_and_instant_are_inverse() {
        let base = Instant::now();
        let clock = MonoClock::new(base, 5_000_000);
        for micros in [4_000_000, 5_000_000, 5_000_001, 9_123_456] {
            assert_eq!(clock.instant(micros).map(|at| clock.micros(at)), Some(micros));
        }
    }
}
