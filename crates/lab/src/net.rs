//! Chance, and what a path does to datagrams.

use std::time::Duration;

/// A small seeded generator (splitmix64, public domain, Sebastiano Vigna).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A generator; equal seeds give equal numbers.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub const fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0.0 to 1.0.
    pub fn unit(&mut self) -> f64 {
        (self.number() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Whether something of this probability happens.
    pub fn happens(&mut self, probability: f64) -> bool {
        probability > 0.0 && self.unit() < probability
    }
}

/// One direction of a network.
#[derive(Clone, Debug)]
pub struct Path {
    /// Every datagram takes at least this long.
    pub delay: Duration,
    /// And at most this much longer, in order unless it is reordered.
    pub jitter: Duration,
    /// Part of the datagrams that is lost, 0 to 1.
    pub loss: f64,
    /// Part that is held back by three more delays' jitter (at least 2 ms), so that later ones overtake it.
    pub reorder: f64,
    /// Part that arrives twice.
    pub duplicate: f64,
    /// Nothing passes.
    pub cut: bool,
}

impl Path {
    /// A path that only takes `millis`.
    #[must_use]
    pub const fn clean(millis: u64) -> Self {
        Self {
            delay: Duration::from_millis(millis),
            jitter: Duration::ZERO,
            loss: 0.0,
            reorder: 0.0,
            duplicate: 0.0,
            cut: false,
        }
    }

    /// The same, and a part of the datagrams is lost.
    #[must_use]
    pub const fn lossy(millis: u64, loss: f64) -> Self {
        let mut path = Self::clean(millis);
        path.loss = loss;
        path
    }

    /// How long a datagram takes; twice when it is duplicated, never when it is lost.
    pub fn pass(&self, random: &mut Random) -> Vec<Duration> {
        // Always the same draws, so that one setting does not change what another one does.
        let (lost, late, twice, jitter) =
            (random.happens(self.loss), random.happens(self.reorder), random.happens(self.duplicate), random.unit());
        if lost || self.cut {
            return Vec::new();
        }
        let mut takes = self.delay + self.jitter.mul_f64(jitter);
        if late {
            takes += self.jitter * 3 + Duration::from_millis(2);
        }
        if twice { vec![takes, takes + Duration::from_micros(300)] } else { vec![takes] }
    }
}
