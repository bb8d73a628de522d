//! A ring of samples between two threads, without locks.
//!
//! Samples are stored as the bits of an `f32` in atomics. Relaxed stores of samples become visible with the release
//! store of the position after them, so no unsafe code is needed and the cost is that of plain memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

#[derive(Debug)]
struct Shared {
    /// A power of two many.
    samples: Box<[AtomicU32]>,
    /// Samples ever written; wraps.
    written: AtomicUsize,
    /// Samples ever read; wraps.
    read: AtomicUsize,
}

impl Shared {
    fn filled(&self) -> usize {
        self.written.load(Ordering::Acquire).wrapping_sub(self.read.load(Ordering::Acquire))
    }

    fn slot(&self, position: usize) -> Option<&AtomicU32> {
        self.samples.get(position & (self.samples.len() - 1))
    }
}

/// Writing end.
#[derive(Debug)]
pub(crate) struct Producer(Arc<Shared>);

/// Reading end.
#[derive(Debug)]
pub(crate) struct Consumer(Arc<Shared>);

/// A ring for at least `capacity` samples.
pub(crate) fn ring(capacity: usize) -> (Producer, Consumer) {
    let samples = (0..capacity.max(2).next_power_of_two()).map(|_| AtomicU32::new(0)).collect();
    let shared = Arc::new(Shared { samples, written: AtomicUsize::new(0), read: AtomicUsize::new(0) });
    (Producer(Arc::clone(&shared)), Consumer(shared))
}

impl Producer {
    /// Samples waiting to be read.
    pub(crate) fn filled(&self) -> usize {
        self.0.filled()
    }

    /// Writes as many whole frames of `channels` samples as fit, and returns how many samples those were.
    pub(crate) fn write(&mut self, samples: &[f32], channels: usize) -> usize {
        let free = self.0.samples.len() - self.0.filled();
        let count = samples.len().min(free) / channels.max(1) * channels.max(1);
        let start = self.0.written.load(Ordering::Relaxed);
        for (offset, sample) in samples.iter().take(count).enumerate() {
            if let Some(slot) = self.0.slot(start.wrapping_add(offset)) {
                slot.store(sample.to_bits(), Ordering::Relaxed);
            }
        }
        self.0.written.store(start.wrapping_add(count), Ordering::Release);
        count
    }
}

impl Consumer {
    /// Reads into `out` and returns how many samples there were.
    pub(crate) fn read(&mut self, out: &mut [f32]) -> usize {
        let count = out.len().min(self.0.filled());
        let start = self.0.read.load(Ordering::Relaxed);
        for (offset, sample) in out.iter_mut().take(count).enumerate() {
            if let Some(slot) = self.0.slot(start.wrapping_add(offset)) {
                *sample = f32::from_bits(slot.load(Ordering::Relaxed));
            }
        }
        self.0.read.store(start.wrapping_add(count), Ordering::Release);
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_in_order_across_threads() {
        let (mut producer, mut consumer) = ring(64);
        let writer = std::thread::Builder::new()
            .name("writer".into())
            .spawn(move || {
                let mut next = 0u32;
                while next < 50_000 {
                    let block: Vec<f32> = (next..next + 10).map(|n| n as f32).collect();
                    next += producer.write(&block, 2) as u32;
                }
            })
            .unwrap();
        let mut expected = 0u32;
        let mut block = [0.0; 7];
        while expected < 50_000 {
            let count = consumer.read(&mut block);
            for sample in &block[..count] {
                assert_eq!(*sample, expected as f32);
                expected += 1;
            }
        }
        writer.join().unwrap();
    }

    #[test]
    fn a_full_ring_takes_whole_frames_only() {
        let (mut producer, mut consumer) = ring(8);
        assert_eq!(producer.write(&[1.0; 7], 2), 6);
        assert_eq!(producer.write(&[2.0; 6], 3), 0);
        assert_eq!(producer.write(&[2.0; 6], 2), 2);
        assert_eq!(producer.filled(), 8);
        assert_eq!(consumer.read(&mut [0.0; 20]), 8);
        assert_eq!(producer.filled(), 0);
    }
}
