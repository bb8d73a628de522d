//! UDP sockets: large buffers, batches, receive stamps.

use std::io::{self, ErrorKind, IoSliceMut};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use polling::{Event, Poller};
use quinn_udp::{RecvMeta, UdpSockRef, UdpSocketState};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use crate::registered::Registered;

/// Wanted receive buffers in bytes, the first that the system grants. A key frame at 100 Mbit/s is some 2 MB.
const RECEIVE_BUFFERS: [usize; 3] = [8 << 20, 4 << 20, 1 << 20];
/// Wanted send buffer in bytes.
const SEND_BUFFER: usize = 1 << 20;
/// Buffers of one read. Each may hold many datagrams when the kernel coalesces them (GRO).
const BATCH: usize = 8;
/// Size of one buffer: the largest UDP payload, which is also the kernel's limit for coalescing.
const BUFFER: usize = 65_536;
/// Read errors in a row after which a socket is given up.
const MAX_ERRORS: u32 = 64;

/// A bound UDP socket.
#[derive(Debug)]
pub(crate) struct Udp {
    socket: Registered<UdpSocket>,
    state: UdpSocketState,
    errors: u32,
}

/// Memory for one batch, shared by all sockets of a link.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    bytes: Vec<u8>,
    metas: [RecvMeta; BATCH],
    filled: usize,
}

impl Batch {
    pub(crate) fn new() -> Self {
        Self { bytes: vec![0; BATCH * BUFFER], metas: [RecvMeta::default(); BATCH], filled: 0 }
    }

    /// The datagrams of the last read: from whom, the kernel's stamp, contents.
    pub(crate) fn datagrams(&self) -> impl Iterator<Item = (SocketAddr, Option<Duration>, &[u8])> {
        self.metas.iter().zip(self.bytes.chunks(BUFFER)).take(self.filled).flat_map(|(meta, buffer)| {
            let filled = buffer.get(..meta.len).unwrap_or_default();
            // An empty datagram is no datagram: nothing that a link speaks has one, and it has no stride either.
            filled.chunks(meta.stride.max(1)).map(move |bytes| (meta.addr, meta.timestamp, bytes))
        })
    }
}

impl Udp {
    /// Binds a port of the system's choice on `local`; returns the socket and its concrete address.
    pub(crate) fn bind(poller: &Arc<Poller>, key: usize, local: IpAddr) -> io::Result<(Self, SocketAddr)> {
        if local.is_unspecified() {
            return Err(io::Error::new(ErrorKind::AddrNotAvailable, "a link's socket needs a concrete address"));
        }
        let address = SocketAddr::new(local, 0);
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.bind(&SockAddr::from(address))?;
        enlarge(&socket);
        let socket = UdpSocket::from(socket);
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        let bound = socket.local_addr()?;
        let socket = Registered::new(poller, socket, Event::readable(key))?;
        Ok((Self { socket, state, errors: 0 }, bound))
    }

    /// Sends without waiting. False: the system had no room or no way, the datagram is lost.
    pub(crate) fn send(&self, to: SocketAddr, bytes: &[u8]) -> bool {
        match self.socket.get().send_to(bytes, to) {
            Ok(_) => true,
            Err(error) => {
                tracing::trace!(%error, "datagram not sent");
                false
            }
        }
    }

    /// Reads one batch. `Ok(false)`: nothing was there.
    ///
    /// # Errors
    /// The socket is of no use any more.
    pub(crate) fn receive(&mut self, batch: &mut Batch) -> io::Result<bool> {
        batch.filled = 0;
        let mut slices: [IoSliceMut<'_>; BATCH] = std::array::from_fn(|_| IoSliceMut::new(&mut []));
        for (slice, buffer) in slices.iter_mut().zip(batch.bytes.chunks_mut(BUFFER)) {
            *slice = IoSliceMut::new(buffer);
        }
        match self.state.recv(UdpSockRef::from(self.socket.get()), &mut slices, &mut batch.metas) {
            Ok(filled) => {
                self.errors = 0;
                batch.filled = filled;
                Ok(filled > 0)
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(false),
            // Windows reports an ICMP "port unreachable" for something sent earlier; other systems may report a
            // route that went away. Neither says anything about the socket, unless it never ends.
            Err(error) => {
                self.errors += 1;
                if self.errors >= MAX_ERRORS { Err(error) } else { Ok(false) }
            }
        }
    }
}

/// The kernel caps what an ordinary user asks for, so the result is read back only for the log.
fn enlarge(socket: &Socket) {
    for size in RECEIVE_BUFFERS {
        if socket.set_recv_buffer_size(size).is_ok() {
            break;
        }
    }
    if let Err(error) = socket.set_send_buffer_size(SEND_BUFFER) {
        tracing::debug!(%error, "send buffer keeps its size");
    }
    if let (Ok(receive), Ok(send)) = (socket.recv_buffer_size(), socket.send_buffer_size()) {
        tracing::debug!(receive, send, "UDP buffers in bytes");
    }
}
