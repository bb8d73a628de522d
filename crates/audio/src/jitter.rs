//! How late packets come, compared with the quickest ones lately.

use std::time::{Duration, Instant};

use crate::stats::RATE;

/// The quickest packet is looked for in this many spans...
const SPANS: usize = 8;
/// ...of this length.
const SPAN: Duration = Duration::from_millis(500);

/// Lateness above this is an outage, for which no buffer is kept.
pub(crate) const OUTAGE: f64 = 0.12;
/// When everything has been that late for this long, it is the new normal (the host's clock stood still).
const OUTAGE_MOST: Duration = Duration::from_millis(200);

/// The kept lateness halves in this time, so that one late packet costs some seconds of a little more delay.
const HALF_LIFE: f64 = 4.0;

/// Follows lateness: at once when it grows, slowly when it shrinks.
#[derive(Debug, Default)]
pub(crate) struct Jitter {
    origin: Option<(Instant, u64)>,
    /// Least transit time of each span in seconds, newest first.
    spans: [Option<f64>; SPANS],
    span_start: Option<Instant>,
    kept: f64,
    last: Option<Instant>,
    /// Packets have been later than [`OUTAGE`] since then, and what piled up is not all here yet.
    outage: Option<Instant>,
}

impl Jitter {
    /// Takes a packet and returns its lateness in seconds.
    pub(crate) fn update(&mut self, now: Instant, rtp_time: u64) -> f64 {
        let (start, first) = *self.origin.get_or_insert((now, rtp_time));
        let transit = seconds_between(start, now) - rtp_difference(first, rtp_time) as f64 / f64::from(RATE);
        self.turn(now);
        if let Some(newest) = self.spans.first_mut() {
            *newest = Some(newest.map_or(transit, |least| least.min(transit)));
        }
        let least = self.spans.iter().flatten().copied().fold(transit, f64::min);
        let lateness = (transit - least).max(0.0);
        let passed = self.last.map_or(0.0, |last| seconds_between(last, now).max(0.0));
        self.last = Some(now);
        self.kept *= 0.5f64.powf(passed / HALF_LIFE);
        self.judge(now, lateness)
    }

    /// Keeps `lateness` unless it belongs to an outage.
    fn judge(&mut self, now: Instant, lateness: f64) -> f64 {
        match self.outage {
            None if lateness > OUTAGE => self.outage = Some(now),
            None => self.kept = self.kept.max(lateness),
            Some(since) if lateness > OUTAGE && now.saturating_duration_since(since) > OUTAGE_MOST => {
                self.restart();
                return 0.0;
            }
            // What piled up comes with less and less lateness; the first packet in time ends it.
            Some(_) if lateness <= self.kept.max(0.01) => self.outage = None,
            Some(_) => {}
        }
        lateness
    }

    /// Lateness to be ready for, in seconds.
    pub(crate) fn kept(&self) -> f64 {
        self.kept
    }

    /// A new time base: the quickest packet is unknown again, the kept lateness stays.
    pub(crate) fn restart(&mut self) {
        *self = Self { kept: self.kept, last: self.last, ..Self::default() };
    }

    fn turn(&mut self, now: Instant) {
        let start = *self.span_start.get_or_insert(now);
        let turns = (now.saturating_duration_since(start).as_nanos() / SPAN.as_nanos()).min(SPANS as u128) as usize;
        if turns > 0 {
            self.spans.rotate_right(turns);
            self.spans.iter_mut().take(turns).for_each(|span| *span = None);
            self.span_start = Some(now);
        }
    }
}

pub(crate) fn seconds_between(from: Instant, to: Instant) -> f64 {
    match to.checked_duration_since(from) {
        Some(passed) => passed.as_secs_f64(),
        None => -from.saturating_duration_since(to).as_secs_f64(),
    }
}

/// `to - from` of unwrapped media times, clamped to what fits.
pub(crate) fn rtp_difference(from: u64, to: u64) -> i64 {
    i64::try_from(i128::from(to) - i128::from(from)).unwrap_or(if to > from { i64::MAX } else { i64::MIN })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_packets_are_never_late() {
        let (mut jitter, start) = (Jitter::default(), Instant::now());
        for n in 0..1000u64 {
            assert!(jitter.update(start + Duration::from_millis(10 * n), 480 * n) < 1e-9);
        }
        assert!(jitter.kept() < 1e-9);
    }

    #[test]
    fn a_late_packet_counts_at_once_and_fades_slowly() {
        let (mut jitter, start) = (Jitter::default(), Instant::now());
        let at = |jitter: &mut Jitter, n: u64, late: u64| {
            jitter.update(start + Duration::from_millis(10 * n + late), 480 * n);
            jitter.kept()
        };
        for n in 0..100 {
            at(&mut jitter, n, 0);
        }
        assert!((at(&mut jitter, 100, 30) - 0.030).abs() < 1e-6);
        for n in 101..501 {
            at(&mut jitter, n, 0);
        }
        assert!((jitter.kept() - 0.015).abs() < 0.001, "{}", jitter.kept());
        assert!(at(&mut jitter, 501, 500) < 0.016, "an outage is not jitter");
    }

    #[test]
    fn what_piled_up_in_an_outage_is_not_jitter_either() {
        let (mut jitter, start) = (Jitter::default(), Instant::now());
        for n in 0..400u64 {
            // Packets 200 to 219 come together.
            let at = if (200..220).contains(&n) { 2200 } else { 10 * n };
            jitter.update(start + Duration::from_millis(at), 480 * n);
        }
        assert!(jitter.kept() < 1e-6, "{}", jitter.kept());
    }

    #[test]
    fn a_clock_that_stood_still_is_the_new_normal_soon() {
        let (mut jitter, start) = (Jitter::default(), Instant::now());
        let mut last = 0.0;
        for n in 0..300u64 {
            let pause = if n < 200 { 0 } else { 700 };
            last = jitter.update(start + Duration::from_millis(10 * n + pause), 480 * n);
        }
        assert!(last < 1e-6, "{last}");
    }

    #[test]
    fn a_longer_path_becomes_the_new_normal() {
        let (mut jitter, start) = (Jitter::default(), Instant::now());
        let mut last = 0.0;
        for n in 0..2000u64 {
            let late = if n < 100 { 0 } else { 40 };
            last = jitter.update(start + Duration::from_millis(10 * n + late), 480 * n);
        }
        assert!(last < 1e-6);
    }
}
