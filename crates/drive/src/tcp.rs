//! TCP sockets: connecting without waiting, a bounded queue of bytes to send.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes};
use polling::{Event, Poller};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use crate::registered::Registered;

/// Time to connect. Links have shorter deadlines of their own; this one keeps a forgotten socket from staying.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes that may wait for the peer; a peer that takes less for so long is gone.
const MAX_QUEUED: usize = 1 << 20;
/// Reads of one turn, so that one socket cannot starve the others.
pub(crate) const READS_PER_TURN: usize = 16;

/// A TCP connection.
#[derive(Debug)]
pub(crate) struct Tcp {
    socket: Registered<TcpStream>,
    key: usize,
    phase: Phase,
    /// Whether the poller was told to report room to write; `None` before the connection is open.
    armed: Option<bool>,
    queued: VecDeque<Bytes>,
    queued_bytes: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Connecting { until: Instant },
    Open,
}

impl Tcp {
    /// Starts to connect.
    pub(crate) fn connect(poller: &Arc<Poller>, key: usize, remote: SocketAddr, now: Instant) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(remote), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        match socket.connect(&SockAddr::from(remote)) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock || in_progress(&error) => {}
            Err(error) => return Err(error),
        }
        let socket = Registered::new(poller, TcpStream::from(socket), Event::writable(key))?;
        let phase = Phase::Connecting { until: now + CONNECT_TIMEOUT };
        Ok(Self { socket, key, phase, armed: None, queued: VecDeque::new(), queued_bytes: 0 })
    }

    /// When connecting must be over.
    pub(crate) const fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Connecting { until } => Some(until),
            Phase::Open => None,
        }
    }

    /// To be called when the socket is writable. `Ok(Some(local))`: it has just connected.
    ///
    /// # Errors
    /// The connection failed.
    pub(crate) fn writable(&mut self) -> io::Result<Option<SocketAddr>> {
        let mut opened = None;
        if matches!(self.phase, Phase::Connecting { .. }) {
            if let Some(error) = self.socket.get().take_error()? {
                return Err(error);
            }
            match self.socket.get().peer_addr() {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::NotConnected => return Ok(None),
                Err(error) => return Err(error),
            }
            self.phase = Phase::Open;
            opened = Some(self.socket.get().local_addr()?);
        }
        self.flush()?;
        Ok(opened)
    }

    /// Sends, or queues what the system does not take at once (also while connecting).
    ///
    /// # Errors
    /// The connection failed, or the peer takes nothing any more.
    pub(crate) fn send(&mut self, bytes: Bytes) -> io::Result<()> {
        if self.queued_bytes.saturating_add(bytes.len()) > MAX_QUEUED {
            return Err(io::Error::new(ErrorKind::TimedOut, "the peer takes no more bytes"));
        }
        self.queued_bytes += bytes.len();
        self.queued.push_back(bytes);
        if self.phase == Phase::Open { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        while let Some(front) = self.queued.front_mut() {
            if front.is_empty() {
                self.queued.pop_front();
                continue;
            }
            match (&mut self.socket.get()).write(front) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => {
                    front.advance(written.min(front.len()));
                    self.queued_bytes = self.queued_bytes.saturating_sub(written);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let waits = !self.queued.is_empty();
        if self.armed != Some(waits) {
            self.socket.interest(Event::new(self.key, true, waits))?;
            self.armed = Some(waits);
        }
        Ok(())
    }

    /// Reads once. `Ok(None)`: nothing there; `Ok(Some(0))`: the peer has closed.
    ///
    /// # Errors
    /// The connection failed.
    pub(crate) fn read(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        if self.phase != Phase::Open {
            return Ok(None);
        }
        match (&mut self.socket.get()).read(buffer) {
            Ok(length) => Ok(Some(length)),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[cfg(unix)]
fn in_progress(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error())
}

#[cfg(not(unix))]
const fn in_progress(_: &io::Error) -> bool {
    false
}
