//! Starting, feeding and stopping a link.

use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError};
use entente_model::input::InputEvent;
use entente_model::{EndReason, Event, Link, Request};
use polling::Poller;

use crate::event_loop::EventLoop;
use crate::http::Http;
use crate::input_queue::{Accepted, InputQueue};

/// Requests that may wait. When full, the newest is refused; a stop has a place of its own.
const REQUESTS: usize = 64;

/// Takes the news of a link, on the link thread: hand over and return. The instant is when the driver got the event.
pub type Sink = Box<dyn FnMut(Event, Instant) + Send>;

/// Called on the link thread when the datagrams that an input caused are with the system: when the device reported
/// the input, and when its datagrams were handed over. Not called for inputs that caused none at once.
pub type InputSent = Box<dyn FnMut(Instant, Instant) + Send>;

/// How to drive a link.
pub struct DriverConfig {
    /// Where events go.
    pub sink: Sink,
    /// Told about inputs on the wire.
    pub on_input_sent: Option<InputSent>,
    /// Certificates (PEM) that are trusted besides the system's.
    pub extra_root_pem: Option<Vec<u8>>,
    /// How long a link may take to say `Ended` after `Request::Stop`; then the driver says it.
    pub stop_limit: Duration,
    /// How long the last HTTP requests may take after `Ended`.
    pub drain_limit: Duration,
}

impl DriverConfig {
    /// The usual limits (1 s to stop, 1 s for the last requests) and the system's certificates.
    #[must_use]
    pub fn new(sink: Sink) -> Self {
        Self {
            sink,
            on_input_sent: None,
            extra_root_pem: None,
            stop_limit: Duration::from_secs(1),
            drain_limit: Duration::from_secs(1),
        }
    }
}

/// Why a link cannot be driven.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No poller.
    #[error("the system gives no event queue: {0}")]
    Poller(#[source] io::Error),
    /// No thread.
    #[error("the link thread cannot be started: {0}")]
    Thread(#[source] io::Error),
    /// [`DriverConfig::extra_root_pem`] is not usable.
    #[error("the extra certificate cannot be used: {0}")]
    Certificate(String),
}

/// How stopping went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// The thread has ended.
    Joined,
    /// It did not end in time and was left alone. It cannot do any more harm than hold its memory.
    Abandoned,
}

/// What a driver has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Datagrams read.
    pub datagrams_in: u64,
    /// Datagrams handed to the system.
    pub datagrams_out: u64,
    /// Datagrams that the system did not take.
    pub datagrams_refused: u64,
    /// Inputs that were merged because the link thread was late.
    pub inputs_merged: u64,
    /// Inputs that were lost; see [`Accepted::Lost`].
    pub inputs_lost: u64,
    /// Times the link thread woke up.
    pub turns: u64,
}

/// The counters while they are written.
#[derive(Debug, Default)]
pub(crate) struct AtomicCounters {
    pub(crate) datagrams_in: AtomicU64,
    pub(crate) datagrams_out: AtomicU64,
    pub(crate) datagrams_refused: AtomicU64,
    pub(crate) inputs_merged: AtomicU64,
    pub(crate) inputs_lost: AtomicU64,
    pub(crate) turns: AtomicU64,
}

pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// What the link thread and its callers share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) poller: Arc<Poller>,
    pub(crate) inputs: InputQueue,
    pub(crate) counters: AtomicCounters,
    /// The first reason wins; taken by the link thread.
    pub(crate) stop: Mutex<Option<EndReason>>,
    /// Something is in `stop`, so that a turn need not lock.
    pub(crate) stop_asked: AtomicBool,
    /// End at once.
    pub(crate) abandoned: AtomicBool,
    gone: AtomicBool,
}

/// Feeds a running link. Cheap to clone; outlives the link without harm.
#[derive(Clone, Debug)]
pub struct Handle {
    shared: Arc<Shared>,
    requests: Sender<Request>,
}

impl Handle {
    /// Hands over an input and wakes the link thread. Never waits for more than a short lock.
    pub fn send_input(&self, event: InputEvent) -> Accepted {
        if self.shared.gone.load(Ordering::Relaxed) {
            return Accepted::Lost;
        }
        let accepted = self.shared.inputs.push(event);
        match accepted {
            Accepted::Queued => {}
            Accepted::Merged => count(&self.shared.counters.inputs_merged),
            Accepted::Lost => count(&self.shared.counters.inputs_lost),
        }
        self.wake();
        accepted
    }

    /// Asks something of the link. False when the link is gone or 64 requests wait already; a
    /// [`Request::Stop`] is never refused while the link is there.
    pub fn request(&self, request: Request) -> bool {
        let accepted = match request {
            Request::Stop(reason) => {
                self.shared.stop.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(reason);
                self.shared.stop_asked.store(true, Ordering::Release);
                !self.shared.gone.load(Ordering::Relaxed)
            }
            other => match self.requests.try_send(other) {
                Ok(()) => true,
                Err(TrySendError::Full(refused)) => {
                    tracing::warn!(?refused, "too many requests wait for the link");
                    false
                }
                Err(TrySendError::Disconnected(_)) => false,
            },
        };
        self.wake();
        accepted
    }

    /// Makes the link thread look around.
    pub fn wake(&self) {
        if let Err(error) = self.shared.poller.notify() {
            tracing::debug!(%error, "link thread cannot be woken");
        }
    }

    /// What was done so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let all = &self.shared.counters;
        Counters {
            datagrams_in: all.datagrams_in.load(Ordering::Relaxed),
            datagrams_out: all.datagrams_out.load(Ordering::Relaxed),
            datagrams_refused: all.datagrams_refused.load(Ordering::Relaxed),
            inputs_merged: all.inputs_merged.load(Ordering::Relaxed),
            inputs_lost: all.inputs_lost.load(Ordering::Relaxed),
            turns: all.turns.load(Ordering::Relaxed),
        }
    }

    /// The link thread has ended.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.shared.gone.load(Ordering::Acquire)
    }
}

/// A running link. Dropping it stops the link as [`Driver::stop`] does.
#[derive(Debug)]
pub struct Driver {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
    done: Receiver<()>,
    /// Stopping politely may take so long.
    limit: Duration,
}

impl Driver {
    /// Starts the link thread; the link's first input is `Start`.
    ///
    /// # Errors
    /// The system refuses a thread or an event queue, or the extra certificate is none.
    pub fn start(link: Box<dyn Link>, config: DriverConfig) -> Result<Self, StartError> {
        let poller = Arc::new(Poller::new().map_err(StartError::Poller)?);
        let http = Http::new(Arc::clone(&poller), config.extra_root_pem.as_deref())?;
        let shared = Arc::new(Shared {
            poller,
            inputs: InputQueue::default(),
            counters: AtomicCounters::default(),
            stop: Mutex::new(None),
            stop_asked: AtomicBool::new(false),
            abandoned: AtomicBool::new(false),
            gone: AtomicBool::new(false),
        });
        let (requests, asked) = crossbeam_channel::bounded(REQUESTS);
        let (finished, done) = crossbeam_channel::bounded(1);
        let limit = config.stop_limit + config.drain_limit;
        let of_thread = Arc::clone(&shared);
        let body = move || {
            let _finished = finished;
            let mut running = EventLoop::new(link, config, Arc::clone(&of_thread), http, asked);
            let outcome = panic::catch_unwind(AssertUnwindSafe(|| running.run()));
            if outcome.is_err() {
                tracing::error!("the link thread panicked");
                // The sink itself may be what panicked.
                let _ = panic::catch_unwind(AssertUnwindSafe(|| running.end_after_panic()));
            }
            of_thread.gone.store(true, Ordering::Release);
        };
        let thread = thread::Builder::new().name("link".to_owned()).spawn(body).map_err(StartError::Thread)?;
        Ok(Self { handle: Handle { shared, requests }, thread: Some(thread), done, limit })
    }

    /// Feeds the link.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Asks the link to end, lets its last datagrams and requests go out, and joins the thread. Takes at most
    /// `stop_limit + drain_limit` (2 s) and a little more.
    pub fn stop(mut self, reason: EndReason) -> Stopped {
        self.stop_within(reason)
    }

    /// Waits until the link has ended by itself.
    pub fn join(mut self) {
        if let Some(thread) = self.thread.take() {
            // A panic was caught and reported inside.
            let _ = thread.join();
        }
    }

    /// Waits at most `limit` for the link to end by itself; false when it goes on.
    #[must_use]
    pub fn wait(&self, limit: Duration) -> bool {
        !matches!(self.done.recv_timeout(limit), Err(RecvTimeoutError::Timeout))
    }

    fn stop_within(&mut self, reason: EndReason) -> Stopped {
        let Some(thread) = self.thread.take() else { return Stopped::Joined };
        self.handle.request(Request::Stop(reason));
        // The loop keeps both limits itself; the margin is for a busy machine.
        if !self.wait(self.limit + Duration::from_millis(100)) {
            self.handle.shared.abandoned.store(true, Ordering::Release);
            self.handle.wake();
            if !self.wait(Duration::from_millis(200)) {
                tracing::error!("the link thread does not end; it is left alone");
                return Stopped::Abandoned;
            }
        }
        let _ = thread.join();
        Stopped::Joined
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.stop_within(EndReason::User);
    }
}
