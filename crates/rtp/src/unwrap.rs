//! Wrapping counters made into 64-bit ones.

/// Where counting starts, so that values from before the first one seen stay positive.
const ORIGIN: u64 = 1 << 40;

/// Makes RTP sequence numbers (16 bits) into 64-bit ones. Each value is taken to be the one nearest to the highest seen.
#[derive(Clone, Copy, Debug, Default)]
pub struct SequenceUnwrapper {
    highest: Option<u64>,
}

impl SequenceUnwrapper {
    /// The 64-bit number of `sequence`, which differs from the highest so far by less than 2^15.
    pub fn unwrap(&mut self, sequence: u16) -> u64 {
        let Some(highest) = self.highest else {
            let value = ORIGIN + u64::from(sequence);
            self.highest = Some(value);
            return value;
        };
        let ahead = sequence.wrapping_sub(highest as u16).cast_signed();
        let value = highest.saturating_add_signed(i64::from(ahead));
        self.highest = Some(highest.max(value));
        value
    }
}

/// Makes RTP timestamps (32 bits) into 64-bit ones. Each value is taken to be the one nearest to the one before it.
#[derive(Clone, Copy, Debug, Default)]
pub struct TimestampUnwrapper {
    last: Option<u64>,
}

impl TimestampUnwrapper {
    /// The 64-bit time of `timestamp`, which differs from the last one by less than 2^31.
    pub fn unwrap(&mut self, timestamp: u32) -> u64 {
        let value = match self.last {
            None => ORIGIN + u64::from(timestamp),
            Some(last) => last.saturating_add_signed(i64::from(timestamp.wrapping_sub(last as u32).cast_signed())),
        };
        self.last = Some(value);
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_pass_the_wrap_and_look_back() {
        let mut unwrapper = SequenceUnwrapper::default();
        let start = unwrapper.unwrap(65_534);
        assert_eq!(unwrapper.unwrap(1), start + 3);
        assert_eq!(unwrapper.unwrap(65_535), start + 1);
        assert_eq!(unwrapper.unwrap(2), start + 4);
        assert_eq!(unwrapper.unwrap(65_530), start - 4);
    }

    #[test]
    fn sequences_count_many_rounds() {
        let mut unwrapper = SequenceUnwrapper::default();
        let start = unwrapper.unwrap(0);
        for count in 1..200_000_u64 {
            assert_eq!(unwrapper.unwrap(count as u16), start + count);
        }
    }

    #[test]
    fn timestamps_pass_the_wrap_both_ways() {
        let mut unwrapper = TimestampUnwrapper::default();
        let start = unwrapper.unwrap(u32::MAX - 10);
        assert_eq!(unwrapper.unwrap(1489), start + 1500);
        assert_eq!(unwrapper.unwrap(u32::MAX - 10), start);
    }
}
