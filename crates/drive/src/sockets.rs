//! The sockets of one link, by their numbers.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use entente_model::link::{SocketId, SocketSpec};
use polling::Poller;

use crate::tcp::Tcp;
use crate::udp::Udp;

/// Sockets that one link may have open. A link has one or two for each interface.
const MAX_SOCKETS: usize = 64;

/// One socket.
#[derive(Debug)]
pub(crate) enum Kind {
    Udp(Udp),
    Tcp(Tcp),
}

#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) id: SocketId,
    /// Unique over the life of the link, because a link may use a number again; events of a dead one must not hit
    /// its successor.
    pub(crate) key: usize,
    pub(crate) kind: Kind,
}

/// All sockets of a link. A handful, so a list beats a map.
#[derive(Debug)]
pub(crate) struct Sockets {
    poller: Arc<Poller>,
    entries: Vec<Entry>,
    next_key: usize,
}

impl Sockets {
    pub(crate) const fn new(poller: Arc<Poller>) -> Self {
        Self { poller, entries: Vec::new(), next_key: 0 }
    }

    /// Opens a socket. `Ok(Some(local))` when it is ready, `Ok(None)` when it is still connecting.
    ///
    /// # Errors
    /// It cannot be opened, or the number is taken.
    pub(crate) fn open(&mut self, id: SocketId, spec: SocketSpec, now: Instant) -> io::Result<Option<SocketAddr>> {
        if self.by_id(id).is_some() || self.entries.len() >= MAX_SOCKETS {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "socket number is taken, or too many sockets"));
        }
        let key = self.next_key;
        self.next_key = key.wrapping_add(1);
        let (kind, local) = match spec {
            SocketSpec::Udp { local } => {
                let (udp, bound) = Udp::bind(&self.poller, key, local)?;
                (Kind::Udp(udp), Some(bound))
            }
            SocketSpec::Tcp { remote } => (Kind::Tcp(Tcp::connect(&self.poller, key, remote, now)?), None),
        };
        self.entries.push(Entry { id, key, kind });
        Ok(local)
    }

    pub(crate) fn by_id(&mut self, id: SocketId) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.id == id)
    }

    pub(crate) fn by_key(&mut self, key: usize) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.key == key)
    }

    /// Closes a socket; false when there is none of this number.
    pub(crate) fn close(&mut self, id: SocketId) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.id != id);
        self.entries.len() < before
    }

    /// The earliest moment at which a connection attempt must be given up.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.entries.iter().filter_map(Entry::deadline).min()
    }

    /// A socket whose connection attempt took too long.
    pub(crate) fn overdue(&self, now: Instant) -> Option<SocketId> {
        self.entries.iter().find(|entry| entry.deadline().is_some_and(|until| until <= now)).map(|entry| entry.id)
    }
}

impl Entry {
    const fn deadline(&self) -> Option<Instant> {
        match &self.kind {
            Kind::Udp(_) => None,
            Kind::Tcp(tcp) => tcp.deadline(),
        }
    }
}
