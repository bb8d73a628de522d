//! The one place where a socket is registered with the poller.
#![allow(unsafe_code)]

use std::io;
use std::sync::Arc;

use polling::{AsRawSource, AsSource, Event, PollMode, Poller};

/// A socket that is registered with a poller for as long as it lives.
#[derive(Debug)]
pub(crate) struct Registered<S: AsSource> {
    poller: Arc<Poller>,
    // Private and never handed out by value or by `&mut`: it must stay open until `drop` below.
    source: S,
}

impl<S: AsSource> Registered<S>
where
    for<'a> &'a S: AsRawSource,
{
    /// Registers `source`, level-triggered.
    ///
    /// # Errors
    /// Whatever the system says.
    pub(crate) fn new(poller: &Arc<Poller>, source: S, interest: Event) -> io::Result<Self> {
        // SAFETY: `Poller::add_with_mode` wants the source to be removed from the poller before it is closed. It is
        // owned by `Self`, which never gives it away, and `Drop` deletes it before the field is dropped.
        unsafe { poller.add_with_mode(&source, interest, PollMode::Level)? };
        Ok(Self { poller: Arc::clone(poller), source })
    }

    /// Changes what is waited for.
    ///
    /// # Errors
    /// Whatever the system says.
    pub(crate) fn interest(&self, interest: Event) -> io::Result<()> {
        self.poller.modify_with_mode(&self.source, interest, PollMode::Level)
    }

    /// The socket.
    pub(crate) const fn get(&self) -> &S {
        &self.source
    }
}

impl<S: AsSource> Drop for Registered<S> {
    fn drop(&mut self) {
        if let Err(error) = self.poller.delete(&self.source) {
            tracing::debug!(%error, "socket was not registered any more");
        }
    }
}
