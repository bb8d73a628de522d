//! One journal for every frame, button and counter of a session.
//!
//! Writers never wait: the ring drops its oldest entry when it is full, and counts it. One observer drains it about
//! ten times a second into a summary.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crossbeam_queue::ArrayQueue;
use entente_model::LinkStats;
use entente_model::media::VideoCodec;
use entente_model::picture::FrameTimes;

use crate::Timecode;

/// A frame that reached the surface, with all its stages (`docs/stages.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameRecord {
    /// Frame number of the link.
    pub frame: u64,
    /// Stages up to the decoder's output.
    pub times: FrameTimes,
    /// Taken by the presenter.
    pub chosen: Instant,
    /// Drawing commands handed over.
    pub queued: Instant,
    /// On the surface, as exactly as the platform tells.
    pub presented: Instant,
    /// What the picture itself said.
    pub timecode: Timecode,
}

/// Why a frame was not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DropReason {
    /// A newer decoded picture was ready.
    Newer,
    /// The decoder's queue was full.
    DecoderBehind,
    /// The decoder refused it or marked its picture as damaged, or it waited for a key frame.
    Undecodable,
}

/// Counters of audio so far, and its depth now.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AudioStats {
    /// Packets taken.
    pub packets: u64,
    /// Sound made up for missing packets, in milliseconds.
    pub concealed_ms: f64,
    /// Times that the device ran dry.
    pub underruns: u64,
    /// Sound between arrival and loudspeaker now, device buffer included, in milliseconds.
    pub buffer_ms: f64,
}

/// One entry.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// The link delivered a frame.
    Received {
        /// Frame number.
        frame: u64,
        /// Encoded size in bytes.
        bytes: u32,
        /// Whether decoding may start there.
        key: bool,
        /// Arrival of its last packet.
        last_packet: Instant,
    },
    /// The decoder gave a picture.
    Decoded {
        /// Frame number.
        frame: u64,
        /// Stages.
        times: FrameTimes,
        /// What the picture said.
        timecode: Timecode,
    },
    /// A picture is on the surface.
    Presented(FrameRecord),
    /// A frame was not shown.
    Dropped {
        /// Frame number.
        frame: u64,
        /// Why.
        why: DropReason,
    },
    /// The decoder marked a picture as damaged. One that is not shown is [`Entry::Dropped`] besides.
    Corrupt {
        /// Frame number.
        frame: u64,
    },
    /// An input left this machine.
    InputSent {
        /// Reported by the device.
        device: Instant,
        /// Handed to the network.
        wire: Instant,
    },
    /// Video format, decoder and renderer in use now.
    Video {
        /// Codec.
        codec: VideoCodec,
        /// Picture width in pixels.
        width: u32,
        /// Picture height in pixels.
        height: u32,
        /// Decoder name.
        decoder: String,
        /// Why that decoder.
        why: String,
    },
    /// Which renderer draws, and why that one.
    Renderer {
        /// Name.
        name: String,
        /// Why.
        why: String,
    },
    /// Host clock minus ours.
    Clock {
        /// Microseconds.
        offset_micros: i64,
        /// Half the round trip.
        error_micros: u64,
    },
    /// Counters of the link.
    Link(LinkStats),
    /// Counters of audio.
    Audio(AudioStats),
    /// The first sample of sound was played.
    SoundStarted {
        /// Then.
        at: Instant,
    },
}

/// Writes entries; clone it freely.
#[derive(Clone, Debug)]
pub struct JournalWriter {
    ring: Arc<ArrayQueue<Entry>>,
    lost: Arc<AtomicU64>,
}

/// Drains entries.
#[derive(Debug)]
pub struct JournalReader {
    ring: Arc<ArrayQueue<Entry>>,
    lost: Arc<AtomicU64>,
}

/// A journal that holds up to `capacity` entries between two drains.
#[must_use]
pub fn journal(capacity: usize) -> (JournalWriter, JournalReader) {
    let ring = Arc::new(ArrayQueue::new(capacity.max(1)));
    let lost = Arc::new(AtomicU64::new(0));
    (JournalWriter { ring: Arc::clone(&ring), lost: Arc::clone(&lost) }, JournalReader { ring, lost })
}

impl JournalWriter {
    /// Writes `entry`; the oldest one is lost when the ring is full.
    pub fn write(&self, entry: Entry) {
        if self.ring.force_push(entry).is_some() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl JournalReader {
    /// The next entry, oldest first.
    #[expect(clippy::should_implement_trait, reason = "an iterator ends; a journal is only empty for now")]
    pub fn next(&mut self) -> Option<Entry> {
        self.ring.pop()
    }

    /// Entries lost so far because nobody drained them.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_ring_loses_the_oldest_and_counts_them() {
        let (writer, mut reader) = journal(3);
        for frame in 0..5 {
            writer.write(Entry::Corrupt { frame });
        }
        assert_eq!(reader.lost(), 2);
        let seen: Vec<_> = std::iter::from_fn(|| reader.next()).collect();
        assert_eq!(seen, [2, 3, 4].map(|frame| Entry::Corrupt { frame }));
        assert_eq!(reader.next(), None);
    }
}
