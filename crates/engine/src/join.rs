//! Waiting for threads that may hang in a driver or on a disk.

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often a thread is looked at.
const LOOK: Duration = Duration::from_millis(2);

/// How long a part may take to end before it is left alone.
pub const JOIN_LIMIT: Duration = Duration::from_secs(2);

/// Joins `thread` if it ends within [`JOIN_LIMIT`]; what it returned, or `None` when it hangs or has panicked. A thread
/// that hangs is left alone: it can do no more harm than hold its memory until the process ends.
pub fn join_in_time<T>(thread: JoinHandle<T>) -> Option<T> {
    let name = thread.thread().name().map(String::from).unwrap_or_default();
    let until = Instant::now() + JOIN_LIMIT;
    while !thread.is_finished() {
        if Instant::now() >= until {
            tracing::error!(thread = name, "the thread does not end; it is left alone");
            return None;
        }
        std::thread::sleep(LOOK);
    }
    // A panic was reported by its hook already.
    thread.join().inspect_err(|_| tracing::error!(thread = name, "the thread panicked")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_hangs_is_left_alone() {
        let (_keep, never) = crossbeam_channel::bounded::<()>(0);
        let begun = Instant::now();
        assert_eq!(join_in_time(std::thread::spawn(move || never.recv().is_ok())), None);
        assert!(begun.elapsed() < JOIN_LIMIT * 2);
        assert_eq!(join_in_time(std::thread::spawn(|| 7)), Some(7));
    }
}
