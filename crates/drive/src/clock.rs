//! The clocks of this machine.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use entente_model::time::MonoClock;

/// The clock of this process, the same at every call.
///
/// On Unix its microseconds are those of `CLOCK_MONOTONIC`, so that two processes of one machine agree without an
/// exchange. Elsewhere they are the microseconds since 1970 at the first call and monotonic from there: processes
/// then agree as well as the system's clock did at their starts.
#[must_use]
pub fn mono_clock() -> MonoClock {
    static CLOCK: OnceLock<MonoClock> = OnceLock::new();
    *CLOCK.get_or_init(read_anchor)
}

/// Reads both clocks a few times and keeps the pair that was read with the least time in between, so that being
/// descheduled between the two reads does not shift the clock.
fn read_anchor() -> MonoClock {
    let mut best: Option<(Duration, MonoClock)> = None;
    for _ in 0..5 {
        let before = Instant::now();
        let micros = anchor_micros();
        let gap = before.elapsed();
        if best.is_none_or(|(least, _)| gap < least) {
            best = Some((gap, MonoClock::new(before + gap / 2, micros)));
        }
    }
    best.map_or_else(|| MonoClock::new(Instant::now(), anchor_micros()), |(_, clock)| clock)
}

#[cfg(unix)]
fn anchor_micros() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds.saturating_mul(1_000_000).saturating_add(nanos / 1000)
}

#[cfg(not(unix))]
fn anchor_micros() -> u64 {
    u64::try_from(unix_time().as_micros()).unwrap_or(u64::MAX)
}

fn unix_time() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Older stamps than this are not believed: the packet did not wait that long in the kernel, the wall clock moved.
const OLDEST_STAMP: Duration = Duration::from_millis(500);
/// A change of the wall clock against the monotonic one above this is a step. Slewing moves it by 0.5 ms a second.
const STEP: Duration = Duration::from_millis(2);

/// Turns the kernel's receive stamps, which are wall-clock time, into instants.
#[derive(Debug)]
pub(crate) struct StampClock {
    base: Instant,
    /// Wall clock minus monotonic clock at the last read.
    offset: Option<Duration>,
}

/// Both clocks at one moment, for the datagrams of one read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReadTime {
    /// Right after the read.
    pub(crate) now: Instant,
    /// The wall clock then, unless it has just been stepped.
    wall: Option<Duration>,
}

impl StampClock {
    pub(crate) fn new() -> Self {
        Self { base: Instant::now(), offset: None }
    }

    /// Reads both clocks; to be called right after a read from a socket.
    pub(crate) fn read(&mut self) -> ReadTime {
        self.read_at(Instant::now(), unix_time())
    }

    fn read_at(&mut self, now: Instant, wall: Duration) -> ReadTime {
        let offset = wall.saturating_sub(now.saturating_duration_since(self.base));
        let stepped = self.offset.is_some_and(|last| last.abs_diff(offset) > STEP);
        self.offset = Some(offset);
        ReadTime { now, wall: (!stepped).then_some(wall) }
    }
}

impl ReadTime {
    /// When a datagram of this read arrived, given the kernel's stamp (time since 1970).
    pub(crate) fn arrival(&self, stamp: Option<Duration>) -> Instant {
        let age = self.wall.zip(stamp).and_then(|(wall, stamp)| wall.checked_sub(stamp));
        match age {
            Some(age) if age <= OLDEST_STAMP => self.now.checked_sub(age).unwrap_or(self.now),
            _ => self.now,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_one_and_advances() {
        let (a, b) = (mono_clock(), mono_clock());
        assert_eq!(a, b);
        let before = Instant::now();
        let micros = a.micros(before);
        assert!(a.micros(before + Duration::from_millis(3)) >= micros + 2999);
    }

    #[cfg(unix)]
    #[test]
    fn micros_are_the_kernels_monotonic_clock() {
        let before = anchor_micros();
        let ours = mono_clock().micros(Instant::now());
        let after = anchor_micros();
        assert!(ours + 200 >= before && ours <= after + 200, "{before} <= {ours} <= {after}");
    }

    #[test]
    fn stamps_become_instants_and_a_stepped_clock_is_not_believed() {
        let base = Instant::now();
        let mut clock = StampClock { base, offset: None };
        let wall = Duration::from_secs(1_000_000);
        let later = |millis| (base + Duration::from_millis(millis), wall + Duration::from_millis(millis));

        let (now, real) = later(100);
        let read = clock.read_at(now, real);
        assert_eq!(read.arrival(Some(real - Duration::from_millis(7))), now - Duration::from_millis(7));
        assert_eq!(read.arrival(None), now);
        // From the future, or too old.
        assert_eq!(read.arrival(Some(real + Duration::from_millis(1))), now);
        assert_eq!(read.arrival(Some(real - Duration::from_secs(2))), now);

        // Stepped back by 100 ms: this read falls back, the next one uses the new offset.
        let (now, real) = later(200);
        let real = real - Duration::from_millis(100);
        let read = clock.read_at(now, real);
        assert_eq!(read.arrival(Some(real - Duration::from_millis(7))), now);
        let read = clock.read_at(now, real);
        assert_eq!(read.arrival(Some(real - Duration::from_millis(7))), now - Duration::from_millis(7));
    }
}
