//! A sink without a device: takes sound in real time and throws it away.
#![allow(clippy::disallowed_methods, reason = "plays the part of the device's clock")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use entente_model::time::RAISED_PRIORITY;

use crate::AudioError;
use crate::puller::Puller;

/// Rate of the silent output in Hz.
pub(crate) const NULL_RATE: u32 = 48_000;
/// Frames per request: 10 ms, as most shared devices have.
pub(crate) const NULL_PERIOD: u32 = 480;

/// A thread that pulls 10 ms of sound every 10 ms.
#[derive(Debug)]
pub(crate) struct NullOutput {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl NullOutput {
    pub(crate) fn start(mut puller: Puller) -> Result<Self, AudioError> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("audio-null".into()).spawn(move || {
            // Most systems give it to some users only; without it we go on.
            let _ = thread_priority::ThreadPriority::try_from(RAISED_PRIORITY)
                .map(thread_priority::set_current_thread_priority);
            let period = Duration::from_micros(u64::from(NULL_PERIOD) * 1_000_000 / u64::from(NULL_RATE));
            let mut sound = vec![0.0; NULL_PERIOD as usize * puller.channels()];
            let mut due = Instant::now();
            let _ = puller.gate.counters.first_played.set(due);
            while !stopped.load(Ordering::Acquire) {
                let now = Instant::now();
                match due.checked_duration_since(now).filter(|wait| !wait.is_zero()) {
                    Some(wait) => std::thread::park_timeout(wait),
                    None => {
                        puller.pull(&mut sound, now);
                        due += period;
                        // After a long sleep of the machine do not race through what was missed.
                        if now.saturating_duration_since(due) > Duration::from_millis(500) {
                            due = now;
                        }
                    }
                }
            }
        })?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for NullOutput {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It holds nothing that could make it fail.
            let _ = thread.join();
        }
    }
}
