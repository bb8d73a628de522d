//! Durations of one kind: a histogram of the whole session and the exact values of the last moments.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// How far back the overlay looks.
pub const WINDOW: Duration = Duration::from_secs(2);

/// Most values kept of the last moments; 1000 inputs a second fill half of it.
const RECENT_LIMIT: usize = 4096;

/// Longest duration that is told apart; longer ones count as this (one minute, in microseconds).
const LONGEST_MICROS: u64 = 60_000_000;

/// Every duration that is measured, each with a stable name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(usize)]
pub enum Measure {
    /// First to last packet of a frame: how long the network took to deliver it.
    FirstPacketToLastPacket,
    /// Last packet to hand-over by the link.
    LastPacketToAssembled,
    /// Hand-over to decoder input: time in the queue.
    AssembledToDecodeIn,
    /// Decoder input to output.
    DecodeInToDecodeOut,
    /// Decoder output to the presenter's choice.
    DecodeOutToChosen,
    /// Choice to drawing commands handed over.
    ChosenToQueued,
    /// Drawing commands to surface.
    QueuedToPresented,
    /// Last packet to decoder output, of every decoded frame.
    LastPacketToDecoded,
    /// Decoder output to surface, of every presented frame.
    DecodedToPresented,
    /// Drawn by the host to surface, over two clocks.
    CapturedToPresented,
    /// Device to network.
    InputToWire,
    /// Device to the first presented picture that reflects it, on one clock.
    InputToPhoton,
}

impl Measure {
    /// All, in the order of the enumeration.
    pub const ALL: [Self; 12] = [
        Self::FirstPacketToLastPacket,
        Self::LastPacketToAssembled,
        Self::AssembledToDecodeIn,
        Self::DecodeInToDecodeOut,
        Self::DecodeOutToChosen,
        Self::ChosenToQueued,
        Self::QueuedToPresented,
        Self::LastPacketToDecoded,
        Self::DecodedToPresented,
        Self::CapturedToPresented,
        Self::InputToWire,
        Self::InputToPhoton,
    ];

    /// The steps from first packet to surface; their sum is a frame's way through this machine.
    pub const STAGES: [Self; 7] = [
        Self::FirstPacketToLastPacket,
        Self::LastPacketToAssembled,
        Self::AssembledToDecodeIn,
        Self::DecodeInToDecodeOut,
        Self::DecodeOutToChosen,
        Self::ChosenToQueued,
        Self::QueuedToPresented,
    ];

    /// Name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FirstPacketToLastPacket => "first_packet_to_last_packet",
            Self::LastPacketToAssembled => "last_packet_to_assembled",
            Self::AssembledToDecodeIn => "assembled_to_decode_in",
            Self::DecodeInToDecodeOut => "decode_in_to_decode_out",
            Self::DecodeOutToChosen => "decode_out_to_chosen",
            Self::ChosenToQueued => "chosen_to_queued",
            Self::QueuedToPresented => "queued_to_presented",
            Self::LastPacketToDecoded => "last_packet_to_decoded",
            Self::DecodedToPresented => "decoded_to_presented",
            Self::CapturedToPresented => "captured_to_presented",
            Self::InputToWire => "input_to_wire",
            Self::InputToPhoton => "input_to_photon",
        }
    }

    /// Short name for the overlay.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::FirstPacketToLastPacket => "receive",
            Self::LastPacketToAssembled => "assemble",
            Self::AssembledToDecodeIn => "queue",
            Self::DecodeInToDecodeOut => "decode",
            Self::DecodeOutToChosen => "pace",
            Self::ChosenToQueued => "draw",
            Self::QueuedToPresented => "display",
            Self::LastPacketToDecoded => "packet to decoded",
            Self::DecodedToPresented => "decoded to shown",
            Self::CapturedToPresented => "host to shown",
            Self::InputToWire => "input to wire",
            Self::InputToPhoton => "input to photon",
        }
    }
}

/// Percentiles of one kind of duration in milliseconds; all zero with `count` 0 when nothing was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Percentiles {
    /// Median.
    pub p50: f64,
    /// 95th percentile.
    pub p95: f64,
    /// 99th percentile.
    pub p99: f64,
    /// Longest.
    pub max: f64,
    /// How many were measured.
    pub count: u64,
}

/// Durations of one kind.
#[derive(Clone, Debug)]
pub(crate) struct Durations {
    total: Option<Histogram<u32>>,
    max_micros: u64,
    recent: VecDeque<(Instant, u32)>,
}

impl Durations {
    pub(crate) fn new() -> Self {
        // Three significant figures: a percentile is off by less than 0.1 %. The bounds are constant and valid, so
        // the histogram is always there; without it the report would say count 0.
        let total = Histogram::new_with_bounds(1, LONGEST_MICROS, 3).ok();
        Self { total, max_micros: 0, recent: VecDeque::new() }
    }

    /// Takes a duration that ended at `at`.
    pub(crate) fn take(&mut self, at: Instant, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX).min(LONGEST_MICROS);
        if let Some(total) = &mut self.total {
            total.saturating_record(micros);
        }
        self.max_micros = self.max_micros.max(micros);
        while self.recent.len() >= RECENT_LIMIT || self.recent.front().is_some_and(|(old, _)| is_old(*old, at)) {
            self.recent.pop_front();
        }
        self.recent.push_back((at, u32::try_from(micros).unwrap_or(u32::MAX)));
    }

    /// Of the whole session.
    pub(crate) fn total(&self) -> Percentiles {
        let Some(total) = self.total.as_ref().filter(|total| !total.is_empty()) else {
            return Percentiles::default();
        };
        // The histogram answers with the upper end of a bucket, which may lie above the exact maximum.
        let at = |quantile| millis(total.value_at_quantile(quantile).min(self.max_micros));
        Percentiles { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: millis(self.max_micros), count: total.len() }
    }

    /// Of the last moments before `now`.
    pub(crate) fn recent(&self, now: Instant) -> Percentiles {
        let mut sorted: Vec<u32> =
            self.recent.iter().filter(|(at, _)| !is_old(*at, now)).map(|(_, micros)| *micros).collect();
        sorted.sort_unstable();
        // Nearest rank: the smallest value that at least `percent` of all values do not exceed.
        let at = |percent: usize| {
            let rank = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
            sorted.get(rank).map_or(0.0, |micros| millis(u64::from(*micros)))
        };
        Percentiles { p50: at(50), p95: at(95), p99: at(99), max: at(100), count: sorted.len() as u64 }
    }
}

/// Whether `at` is out of the window that ends at `now`.
pub(crate) fn is_old(at: Instant, now: Instant) -> bool {
    now.saturating_duration_since(at) > WINDOW
}

/// Microseconds as milliseconds.
#[expect(clippy::cast_precision_loss, reason = "durations of a session are far below 2^53 microseconds")]
pub(crate) fn millis(micros: u64) -> f64 {
    micros as f64 / 1000.0
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "one instant to count from")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_measured_is_all_zero() {
        let durations = Durations::new();
        assert_eq!(durations.total(), Percentiles::default());
        assert_eq!(durations.recent(Instant::now()), Percentiles::default());
    }

    #[test]
    fn percentiles_of_one_to_a_hundred() {
        let mut durations = Durations::new();
        let at = Instant::now();
        for ms in 1..=100 {
            durations.take(at, Duration::from_millis(ms));
        }
        let wanted = Percentiles { p50: 50.0, p95: 95.0, p99: 99.0, max: 100.0, count: 100 };
        assert_eq!(durations.recent(at), wanted);
        let total = durations.total();
        for (seen, wanted) in [(total.p50, 50.0), (total.p95, 95.0), (total.p99, 99.0), (total.max, 100.0)] {
            assert!((seen - wanted).abs() <= wanted * 0.001, "{seen} is not {wanted}");
        }
    }

    #[test]
    fn the_window_forgets_and_the_total_does_not() {
        let mut durations = Durations::new();
        let at = Instant::now();
        durations.take(at, Duration::from_millis(500));
        let later = at + Duration::from_secs(3);
        assert_eq!(durations.recent(later).count, 0);
        durations.take(later, Duration::from_millis(1));
        assert_eq!(durations.recent(later), Percentiles { p50: 1.0, p95: 1.0, p99: 1.0, max: 1.0, count: 1 });
        assert_eq!(durations.total().count, 2);
        assert!((durations.total().max - 500.0).abs() < f64::EPSILON);
    }

    #[test]
    fn memory_stays_bounded() {
        let mut durations = Durations::new();
        let at = Instant::now();
        for _ in 0..3 * RECENT_LIMIT {
            durations.take(at, Duration::MAX);
        }
        assert_eq!(durations.recent.len(), RECENT_LIMIT);
        assert!((durations.total().max - 60_000.0).abs() < f64::EPSILON);
    }

    #[test]
    fn names_are_in_the_order_of_the_numbers() {
        for (index, measure) in Measure::ALL.into_iter().enumerate() {
            assert_eq!(measure as usize, index);
        }
    }

    proptest! {
        #[test]
        fn percentiles_are_ordered_and_seen(values in proptest::collection::vec(0_u64..70_000_000, 1..300)) {
            let mut durations = Durations::new();
            let at = Instant::now();
            for value in &values {
                durations.take(at, Duration::from_micros(*value));
            }
            for seen in [durations.total(), durations.recent(at)] {
                prop_assert!(seen.p50 <= seen.p95 && seen.p95 <= seen.p99 && seen.p99 <= seen.max);
                prop_assert_eq!(seen.count, values.len() as u64);
            }
        }
    }
}
