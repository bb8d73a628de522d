//! News on their way from the stream's threads to the main thread.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use entente_engine::News;

/// News that may wait. When full, the oldest that can be spared goes: a host may send rumble and notices as fast as it
/// likes, and the newest are those that count.
const CAPACITY: usize = 256;

/// Many writers, the main thread reads.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    waiting: Mutex<VecDeque<News>>,
    come: Condvar,
}

impl Inbox {
    fn waiting(&self) -> MutexGuard<'_, VecDeque<News>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds news; true when there were none, so that the reader has to be woken.
    pub(crate) fn put(&self, news: News) -> bool {
        let mut waiting = self.waiting();
        if waiting.len() >= CAPACITY {
            let spare = |news: &News| !matches!(news, News::FirstPicture { .. } | News::Ended(_));
            let oldest = waiting.iter().position(spare).unwrap_or(0);
            let _ = waiting.remove(oldest);
        }
        let first = waiting.is_empty();
        waiting.push_back(news);
        drop(waiting);
        self.come.notify_one();
        first
    }

    /// All that wait, oldest first.
    pub(crate) fn take(&self) -> VecDeque<News> {
        std::mem::take(&mut *self.waiting())
    }

    /// As [`Inbox::take`], after at most `limit`.
    pub(crate) fn wait(&self, limit: Duration) -> VecDeque<News> {
        let waiting = self.waiting();
        let (mut waiting, _) = self
            .come
            .wait_timeout_while(waiting, limit, |waiting| waiting.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *waiting)
    }
}

#[cfg(test)]
mod tests {
    use entente_model::EndReason;

    use super::*;

    #[test]
    fn a_flood_costs_only_old_lines() {
        let inbox = Inbox::default();
        assert!(inbox.put(News::FirstPicture { width: 1, height: 1 }));
        for line in 0..2 * CAPACITY {
            assert!(!inbox.put(News::Notice(line.to_string())));
        }
        assert!(!inbox.put(News::Ended(EndReason::User)));
        let taken = inbox.take();
        assert_eq!(taken.len(), CAPACITY);
        assert_eq!(taken.front(), Some(&News::FirstPicture { width: 1, height: 1 }));
        assert_eq!(taken.back(), Some(&News::Ended(EndReason::User)));
        assert_eq!(taken.get(CAPACITY - 2), Some(&News::Notice((2 * CAPACITY - 1).to_string())));
        assert!(inbox.wait(Duration::ZERO).is_empty());
    }
}
