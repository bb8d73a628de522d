//! The contract between a streaming protocol and the world: [`Link`].
//!
//! A link is a sans-IO state machine. One input goes in, then [`Link::poll`] is called until it returns
//! [`Output::Wait`]. It opens no socket, reads no clock, starts no thread: `now` is the only time it knows, and the
//! driver (`entente-drive`) does what the outputs ask. Tests drive the same machine in virtual time.
//!
//! Rules of a machine: never block; malformed network data is counted, never a panic or an error return; every phase
//! has a deadline, because a dead handshake raises no event; after [`Event::Ended`] nothing but `Shut`, last
//! datagrams, last requests and `Wait(None)` follows.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use bytes::Bytes;

use crate::EndReason;
use crate::http::{HttpError, HttpRequest, HttpResponse};
use crate::input::{Feedback, InputEvent};
use crate::media::{AudioFormat, AudioPacket, EncodedFrame};
use crate::stage::Stage;

/// Number that a link gives to a socket it asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SocketId(pub u32);

/// Number that a link gives to an HTTP request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(pub u32);

/// Which socket to open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketSpec {
    /// UDP, bound to a port of the driver's choice on this address of ours.
    Udp {
        /// One of the addresses of [`Input::Start`].
        local: IpAddr,
    },
    /// TCP, connected to `remote`.
    Tcp {
        /// Where to connect.
        remote: SocketAddr,
    },
}

/// One input of a link.
#[derive(Debug)]
pub enum Input<'a> {
    /// First input; `local_addresses` are this machine's usable ones (loopback included).
    Start {
        /// Addresses of our interfaces.
        local_addresses: &'a [IpAddr],
    },
    /// The time asked for by [`Output::Wait`] has come (or any other moment).
    Tick,
    /// A socket is ready. `local` is concrete, never the unspecified address.
    Opened {
        /// Which.
        socket: SocketId,
        /// Its own address.
        local: SocketAddr,
    },
    /// A socket could not be opened, was closed by the peer, or failed.
    Closed {
        /// Which.
        socket: SocketId,
    },
    /// A datagram arrived; `now` of the call is its arrival as exactly as the driver knows it.
    Datagram {
        /// On which socket.
        socket: SocketId,
        /// From whom.
        from: SocketAddr,
        /// Contents.
        bytes: &'a [u8],
    },
    /// Bytes of a TCP stream arrived.
    Stream {
        /// On which socket.
        socket: SocketId,
        /// Contents.
        bytes: &'a [u8],
    },
    /// A request of ours ended.
    Http {
        /// Which.
        id: RequestId,
        /// How.
        result: Result<HttpResponse, HttpError>,
    },
    /// The player did something.
    Player(&'a InputEvent),
    /// The rest of the program wants something.
    Request(Request),
}

/// What the rest of the program may ask of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Decoding cannot go on without a key frame.
    Keyframe,
    /// Wanted upper limit of the host's bit rate. A link that can only pass it on with a picture format does so once one
    /// was asked for.
    TargetBitrate {
        /// In kbit/s.
        kbps: u32,
    },
    /// Wanted picture format, while playing.
    Format {
        /// Picture width in pixels.
        width: u32,
        /// Picture height in pixels.
        height: u32,
        /// Frames per second.
        fps: u32,
    },
    /// Deliver frames whose references are missing instead of holding the last good picture.
    AllowDamaged(bool),
    /// End the session politely.
    Stop(EndReason),
}

/// One output of a link.
#[derive(Debug)]
pub enum Output {
    /// Open a socket; answered by `Opened` or `Closed`.
    Open {
        /// Its number from now on.
        socket: SocketId,
        /// What kind.
        spec: SocketSpec,
    },
    /// Close a socket.
    Shut(SocketId),
    /// Send a datagram.
    Datagram {
        /// From which socket.
        socket: SocketId,
        /// To whom.
        to: SocketAddr,
        /// Contents.
        bytes: Bytes,
    },
    /// Send bytes on a TCP stream.
    Stream {
        /// On which socket.
        socket: SocketId,
        /// Contents.
        bytes: Bytes,
    },
    /// Make an HTTP request; answered by `Http`.
    Http {
        /// Its number.
        id: RequestId,
        /// What to ask.
        request: HttpRequest,
    },
    /// Something for the rest of the program.
    Event(Event),
    /// Nothing more until the next input, or until this instant.
    Wait(Option<Instant>),
}

/// News from a link.
#[derive(Debug)]
pub enum Event {
    /// Where the session is.
    Stage(Stage),
    /// Who the host says it is.
    Host {
        /// Name and version for the overlay.
        name: String,
    },
    /// Layout of the audio that follows.
    AudioFormat(AudioFormat),
    /// A whole frame.
    Video(EncodedFrame),
    /// An audio packet.
    Audio(AudioPacket),
    /// For a pad.
    Feedback(Feedback),
    /// Host clock minus our clock, from the best ping so far.
    ClockOffset {
        /// Microseconds to add to our monotonic clock to get the host's.
        offset_micros: i64,
        /// Half the round trip of that ping.
        error_micros: u64,
    },
    /// A message for the user.
    Notice(String),
    /// Counters, about four times a second and once before the end.
    Stats(LinkStats),
    /// The session is over. The last event.
    Ended(EndReason),
}

/// Counters of a session so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkStats {
    /// Smoothed round trip in microseconds, when one was measured.
    pub rtt_micros: Option<u64>,
    /// Media packets that arrived, retransmissions included.
    pub packets: u64,
    /// Media bytes that arrived (payload and RTP header).
    pub bytes: u64,
    /// Video packets that were missing when their turn came.
    pub lost: u64,
    /// Of these, those that a retransmission or FEC brought back in time.
    pub recovered: u64,
    /// Sequence numbers asked for again.
    pub nacks: u64,
    /// Key frames asked for.
    pub keyframe_requests: u64,
    /// Whole frames that were delivered.
    pub frames: u64,
    /// Frames known to have been sent but never delivered (incomplete, or waiting for a reference that never came).
    pub frames_dropped: u64,
    /// Audio packets that arrived.
    pub audio_packets: u64,
    /// Times that the session was brought back after an outage.
    pub reconnects: u64,
    /// Datagrams that made no sense.
    pub malformed: u64,
}

/// A driver misused a link. Network data never causes one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// An input for a socket that the link does not have.
    #[error("input for unknown socket {0:?}")]
    UnknownSocket(SocketId),
    /// An input before `Start`, or a second `Start`.
    #[error("input out of order: {0}")]
    OutOfOrder(&'static str),
}

/// A streaming protocol as a sans-IO state machine. See the module documentation.
pub trait Link: Send {
    /// Takes one input. Afterwards [`Link::poll`] must be called until it returns [`Output::Wait`].
    ///
    /// # Errors
    /// Only for misuse by the driver; the link stays usable.
    fn handle(&mut self, now: Instant, input: Input<'_>) -> Result<(), LinkError>;

    /// The next output.
    fn poll(&mut self, now: Instant) -> Output;
}
