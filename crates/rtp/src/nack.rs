//! Which packets to ask for again, and when to stop (RFC 4585 generic NACK).

use std::collections::VecDeque;
use std::ops::Range;
use std::time::{Duration, Instant};

/// How long a packet may be overtaken by a single other one before it counts as missing.
const REORDER_TIME: Duration = Duration::from_millis(1);
/// Without retransmission a missing packet can only be late.
const PATIENCE_WITHOUT_NACK: Duration = Duration::from_millis(10);
/// Retry interval in round trips is 6/5, but never below this.
const LEAST_RETRY: Duration = Duration::from_millis(15);
/// Asks for one packet.
const MAX_TRIES: u8 = 10;
/// A frame that is later than this (or four round trips) is of no use any more.
const LEAST_USEFUL: Duration = Duration::from_millis(250);
/// Round trip to work with before one is known.
const UNKNOWN_RTT: Duration = Duration::from_millis(100);
/// Longest round trip that is believed.
const MAX_RTT: Duration = Duration::from_secs(1);
/// Bounds of the silence after which the end of a frame is taken for lost.
const TAIL_SILENCE: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(10));

/// What there is to know about an arrived packet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NackPacket {
    pub(crate) sequence: u64,
    pub(crate) timestamp: u32,
    pub(crate) marker: bool,
    /// Belongs to no frame.
    pub(crate) filler: bool,
    /// Has the highest sequence number so far.
    pub(crate) newest: bool,
    /// Known to be a retransmission.
    pub(crate) recovered: bool,
    pub(crate) arrived: Instant,
}

#[derive(Clone, Copy, Debug)]
struct Missing {
    sequence: u64,
    since: Instant,
    /// Arrivals when it was found missing.
    arrivals: u64,
    tries: u8,
    asked: Instant,
    /// A later packet has arrived, so this one was sent.
    confirmed: bool,
}

#[derive(Clone, Copy, Debug)]
struct Tail {
    sequence: u64,
    due: Instant,
}

/// Counters of a [`Nack`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NackStats {
    /// Packets found missing (reordering within the tolerance left out).
    pub lost: u64,
    /// Of these, those that came after they were asked for.
    pub recovered: u64,
    /// Sequence numbers asked for, repetitions included.
    pub nacks: u64,
}

/// Keeps the list of missing packets of one stream.
///
/// A packet is asked for as soon as two later ones have arrived or 1 ms after the first of them. The end of a frame is
/// asked for when the stream falls silent in the middle of it, for a time learnt from the sender's spacing (2 to 10 ms),
/// which saves waiting for the next frame. It is asked for again each `max(1.2 RTT, 15 ms)`, ten times at most, and given
/// up after `max(4 RTT, 250 ms)`.
#[derive(Debug)]
pub struct Nack {
    enabled: bool,
    missing: VecDeque<Missing>,
    arrivals: u64,
    newest: Option<NackPacket>,
    tail: Option<Tail>,
    /// Largest recent time between two packets of one frame.
    spacing: Duration,
    /// The sender marks the ends of frames.
    markers: bool,
    told_rtt: Option<Duration>,
    measured_rtt: Option<Duration>,
    stats: NackStats,
}

impl Default for Nack {
    fn default() -> Self {
        Self {
            enabled: true,
            missing: VecDeque::new(),
            arrivals: 0,
            newest: None,
            tail: None,
            spacing: Duration::from_millis(2),
            markers: true,
            told_rtt: None,
            measured_rtt: None,
            stats: NackStats::default(),
        }
    }
}

impl Nack {
    /// Most sequence numbers in one batch.
    pub const BATCH: usize = 256;

    /// Whether anything is asked for from now on; if not, missing packets are given up after 10 ms.
    pub(crate) fn enable(&mut self, yes: bool) {
        self.enabled = yes;
        if !yes {
            self.tail = None;
        }
    }

    /// Tells the round trip, from RTCP or connectivity checks.
    pub fn set_rtt(&mut self, rtt: Duration) {
        self.told_rtt = Some(rtt.min(MAX_RTT));
    }

    /// The round trip in use: the one told or, when retransmissions take longer than that, the one measured on them
    /// (never more than twice what was told). `None` while neither is known.
    #[must_use]
    pub fn rtt(&self) -> Option<Duration> {
        match (self.told_rtt, self.measured_rtt) {
            (Some(told), Some(measured)) => {
                Some(measured.clamp(told, told.saturating_mul(2) + Duration::from_millis(10)))
            }
            (told, measured) => told.or(measured),
        }
    }

    /// How long a missing packet is waited for.
    #[must_use]
    pub fn useful_for(&self) -> Duration {
        if self.enabled { (self.rtt().unwrap_or(UNKNOWN_RTT) * 4).max(LEAST_USEFUL) } else { PATIENCE_WITHOUT_NACK }
    }

    /// Counters so far.
    #[must_use]
    pub const fn stats(&self) -> NackStats {
        self.stats
    }

    /// Packets waited for now.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.missing.len()
    }

    /// Forgets the stream, keeps round trip and counters.
    pub(crate) fn restart(&mut self) {
        self.missing.clear();
        self.newest = None;
        self.tail = None;
    }

    /// Packets below `sequence` are of no use any more.
    pub(crate) fn forget_below(&mut self, sequence: u64) {
        while self.missing.front().is_some_and(|entry| entry.sequence < sequence) {
            self.missing.pop_front();
        }
    }

    /// A later packet than all of `sequences` has arrived; none of them has.
    pub(crate) fn gap(&mut self, sequences: Range<u64>, now: Instant) {
        let mut from = sequences.start;
        if let Some(last) = self.missing.back_mut()
            && last.sequence == from
        {
            if last.tries > 0 && !last.confirmed {
                self.stats.lost += 1;
            }
            last.confirmed = true;
            from += 1;
        }
        for sequence in from..sequences.end {
            self.insert(Missing {
                sequence,
                since: now,
                arrivals: self.arrivals,
                tries: 0,
                asked: now,
                confirmed: true,
            });
        }
    }

    /// A packet that was not there yet has arrived. Call [`Nack::gap`] first when it opens one.
    pub(crate) fn arrival(&mut self, packet: NackPacket) {
        let place = self.missing.binary_search_by_key(&packet.sequence, |entry| entry.sequence);
        let awaited = place.ok().and_then(|place| self.missing.remove(place));
        if let Some(entry) = awaited {
            self.came_back(entry, packet);
        }
        if packet.newest {
            // The gap before this packet was opened by this packet: only later ones count as overtaking.
            self.follow(packet, awaited.is_some());
        }
        if awaited.is_none_or(|entry| entry.tries == 0) && !packet.newest {
            return;
        }
        self.arrivals += 1;
    }

    fn came_back(&mut self, entry: Missing, packet: NackPacket) {
        if entry.tries == 0 {
            return;
        }
        let took = packet.arrived.saturating_duration_since(entry.asked);
        let plausible = self.told_rtt.is_none_or(|told| took * 10 >= told * 7);
        if !(entry.confirmed || packet.recovered || plausible) {
            // The end of a frame that was only slow.
            return;
        }
        if !entry.confirmed {
            self.stats.lost += 1;
        }
        self.stats.recovered += 1;
        // With more than one request there is no telling which was answered (Karn's rule).
        if entry.tries == 1 && (packet.recovered || plausible) {
            let sample = took.min(MAX_RTT);
            self.measured_rtt = Some(self.measured_rtt.map_or(sample, |mean| (mean * 7 + sample) / 8));
        }
    }

    /// Watches how frames end.
    fn follow(&mut self, packet: NackPacket, awaited: bool) {
        if packet.filler {
            if let Some(tail) = self.tail.as_mut() {
                tail.sequence = packet.sequence + 1;
            }
            if let Some(newest) = self.newest.as_mut() {
                newest.sequence = packet.sequence;
            }
            return;
        }
        if let Some(before) = self.newest
            && before.sequence + 1 == packet.sequence
            && !before.marker
        {
            if before.timestamp != packet.timestamp {
                self.markers = false;
            } else if !awaited {
                let spacing = packet.arrived.saturating_duration_since(before.arrived).min(TAIL_SILENCE.1);
                // Up at once, down slowly.
                self.spacing = spacing.max(self.spacing - self.spacing / 64);
            }
        }
        if packet.marker {
            self.markers = true;
        }
        let silence = (self.spacing * 2 + REORDER_TIME).clamp(TAIL_SILENCE.0, TAIL_SILENCE.1);
        self.tail = (self.enabled && self.markers && !packet.marker)
            .then(|| Tail { sequence: packet.sequence + 1, due: packet.arrived + silence });
        self.newest = Some(packet);
    }

    fn insert(&mut self, entry: Missing) {
        // Gaps open at the upper end, except for the first packets of a stream.
        match self.missing.binary_search_by_key(&entry.sequence, |other| other.sequence) {
            Ok(_) => {}
            Err(place) => self.missing.insert(place, entry),
        }
    }

    fn due(&self, entry: &Missing) -> Instant {
        if entry.tries > 0 {
            entry.asked + (self.rtt().unwrap_or(UNKNOWN_RTT) * 6 / 5).max(LEAST_RETRY)
        } else if !entry.confirmed || self.arrivals >= entry.arrivals + 2 {
            entry.since
        } else {
            entry.since + REORDER_TIME
        }
    }

    fn over(&self, entry: &Missing) -> Instant {
        let useless = entry.since + self.useful_for();
        if entry.tries >= MAX_TRIES { useless.min(self.due(entry)) } else { useless }
    }

    /// The next packet to give up, if any.
    pub(crate) fn poll_given_up(&mut self, now: Instant) -> Option<u64> {
        loop {
            // Entries are nearly in the order of their detection, yet retries differ: look at all.
            let place = self.missing.iter().position(|entry| self.over(entry) <= now)?;
            let entry = self.missing.remove(place)?;
            if entry.confirmed {
                if entry.tries == 0 {
                    self.stats.lost += 1;
                }
                return Some(entry.sequence);
            }
        }
    }

    /// The sequence numbers to ask for at `now`, ascending, at most [`Nack::BATCH`].
    pub fn poll(&mut self, now: Instant) -> Option<Vec<u16>> {
        if !self.enabled {
            return None;
        }
        if let Some(tail) = self.tail
            && tail.due <= now
        {
            self.tail = None;
            self.insert(Missing {
                sequence: tail.sequence,
                since: now,
                arrivals: self.arrivals,
                tries: 0,
                asked: now,
                confirmed: false,
            });
        }
        let is_due = |nack: &Self, entry: &Missing| entry.tries < MAX_TRIES && nack.due(entry) <= now;
        let first = self.missing.iter().position(|entry| is_due(self, entry))?;
        let mut batch = Vec::new();
        for place in first..self.missing.len() {
            let Some(mut entry) = self.missing.get(place).copied() else { break };
            if !is_due(self, &entry) {
                continue;
            }
            if entry.tries == 0 && entry.confirmed {
                self.stats.lost += 1;
            }
            entry.tries += 1;
            entry.asked = now;
            batch.push(entry.sequence as u16);
            if let Some(kept) = self.missing.get_mut(place) {
                *kept = entry;
            }
            if batch.len() == Self::BATCH {
                break;
            }
        }
        self.stats.nacks += batch.len() as u64;
        Some(batch)
    }

    /// When to poll next.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let missing = self.missing.iter().map(|entry| {
            let over = self.over(entry);
            if self.enabled && entry.tries < MAX_TRIES { over.min(self.due(entry)) } else { over }
        });
        missing.chain(self.tail.map(|tail| tail.due)).min()
    }
}
