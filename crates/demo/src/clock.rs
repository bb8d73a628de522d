//! The host's clock: the one of the timecode strip, of `pong` and of `GET /clock`.
#![allow(clippy::disallowed_methods, reason = "this is the edge: the one place of the host that reads the clock")]

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Microseconds of this machine's monotonic clock: `CLOCK_MONOTONIC` on Unix, so that two processes of one machine
/// agree; elsewhere microseconds since the first call.
#[must_use]
pub fn monotonic_micros() -> u64 {
    #[cfg(unix)]
    {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
        let nanos = u64::try_from(now.tv_nsec).unwrap_or(0);
        seconds.saturating_mul(1_000_000).saturating_add(nanos / 1000)
    }
    #[cfg(not(unix))]
    {
        static ANCHOR: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
        u64::try_from(ANCHOR.get_or_init(Instant::now).elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

/// Microseconds since 1970, for relating clocks of other programs.
pub(crate) fn unix_micros() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// Now, for deadlines.
pub(crate) fn now() -> Instant {
    Instant::now()
}
