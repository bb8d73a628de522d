//! A mailbox with one place: the newest item wins, the older one is handed back and counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use crossbeam_queue::ArrayQueue;

/// Holds at most one item between two threads; clone it for both ends.
///
/// `put` never waits and never allocates. When an item is still there it is replaced, counted, and returned.
#[derive(Debug)]
pub struct Slot<T> {
    place: Arc<ArrayQueue<T>>,
    replaced: Arc<AtomicU64>,
    wake: Sender<()>,
    woken: Receiver<()>,
}

impl<T> Clone for Slot<T> {
    fn clone(&self) -> Self {
        Self {
            place: Arc::clone(&self.place),
            replaced: Arc::clone(&self.replaced),
            wake: self.wake.clone(),
            woken: self.woken.clone(),
        }
    }
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Slot<T> {
    /// An empty slot.
    #[must_use]
    pub fn new() -> Self {
        // One pending wake-up stands for any number of `put`s: overflow is ignored.
        let (wake, woken) = bounded(1);
        Self { place: Arc::new(ArrayQueue::new(1)), replaced: Arc::new(AtomicU64::new(0)), wake, woken }
    }

    /// Puts `item` and wakes the taker; returns the item that nobody had taken yet.
    pub fn put(&self, item: T) -> Option<T> {
        let older = self.place.force_push(item);
        if older.is_some() {
            self.replaced.fetch_add(1, Ordering::Relaxed);
        }
        let _ = self.wake.try_send(());
        older
    }

    /// Takes the item, if there is one.
    #[must_use]
    pub fn take(&self) -> Option<T> {
        self.place.pop()
    }

    /// Takes the item; waits for one up to `timeout`.
    #[must_use]
    pub fn wait(&self, timeout: Duration) -> Option<T> {
        if let Some(item) = self.take() {
            // The wake-up of a taken item may stay behind: it costs one empty look, never a missed item.
            return Some(item);
        }
        while self.woken.recv_timeout(timeout).is_ok() {
            if let Some(item) = self.take() {
                return Some(item);
            }
        }
        self.take()
    }

    /// Whether no item waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.place.is_empty()
    }

    /// Items replaced so far before anybody took them.
    #[must_use]
    pub fn replaced(&self) -> u64 {
        self.replaced.load(Ordering::Relaxed)
    }

    /// Receives a unit after a `put`, for selecting over several sources; may be spurious.
    #[must_use]
    pub const fn woken(&self) -> &Receiver<()> {
        &self.woken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newest_wins_and_the_older_one_comes_back() {
        let slot = Slot::new();
        assert_eq!(slot.put(1), None);
        assert_eq!(slot.put(2), Some(1));
        assert_eq!(slot.put(3), Some(2));
        assert_eq!(slot.replaced(), 2);
        assert_eq!(slot.take(), Some(3));
        assert_eq!(slot.take(), None);
    }

    #[test]
    fn a_waiting_taker_is_woken() {
        let slot = Slot::new();
        let other = slot.clone();
        let taker = std::thread::Builder::new()
            .name("taker".into())
            .spawn(move || other.wait(Duration::from_secs(10)))
            .unwrap();
        slot.put(7);
        assert_eq!(taker.join().unwrap(), Some(7));
    }

    #[test]
    fn a_stale_wake_up_is_not_an_item() {
        let slot = Slot::new();
        slot.put(1);
        assert_eq!(slot.take(), Some(1));
        assert_eq!(slot.wait(Duration::from_millis(5)), None);
    }

    #[test]
    fn every_item_is_either_taken_or_counted() {
        const ITEMS: u64 = 20_000;
        let slot = Slot::new();
        let other = slot.clone();
        let taker = std::thread::Builder::new()
            .name("taker".into())
            .spawn(move || {
                let (mut taken, mut last) = (0, None);
                while last != Some(ITEMS - 1) {
                    let item = other.wait(Duration::from_secs(10)).expect("an item");
                    assert!(last.is_none_or(|last| item > last), "items must not go back");
                    last = Some(item);
                    taken += 1;
                }
                taken
            })
            .unwrap();
        for item in 0..ITEMS {
            slot.put(item);
        }
        let taken: u64 = taker.join().unwrap();
        assert_eq!(taken + slot.replaced(), ITEMS);
    }
}
