//! RTP of sources that the answer did not declare.
//!
//! `rtc` drops packets of a source that it cannot bind to a media section; with two sections it binds only declared
//! sources. Hosts may leave `a=ssrc` out, so these packets are caught here, decrypted, before they are dropped. Feedback
//! about arrivals, which needs bound sources too, is made here for both kinds.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rtc::interceptor::{
    Interceptor, Packet, RTPHeaderExtension, ReceiverReportInterceptor, StreamInfo, TaggedPacket,
    TwccReceiverInterceptor,
};
use rtc::sansio::Protocol;
use rtc::shared::error::Error;

use crate::codecs::OPUS_PAYLOAD_TYPE;
use crate::sdp::TRANSPORT_CC_URI;

/// Caught packets that wait to be taken; the oldest go first when nobody takes them.
const CAPACITY: usize = 1024;
/// Undeclared sources that are reported on; a session has three.
const MAX_SOURCES: usize = 16;

#[derive(Debug, Default)]
struct Shared {
    caught: VecDeque<(Instant, rtc::rtp::Packet)>,
    transport_cc: Option<u8>,
}

/// Where caught packets wait, and what the answer says. Shared by the interceptor and its peer, which live on one thread:
/// the lock is never contended, and packets touch it only when their source is undeclared.
#[derive(Clone, Debug, Default)]
pub(crate) struct StrayQueue(Arc<Mutex<Shared>>);

impl StrayQueue {
    pub(crate) fn take(&self) -> Option<(Instant, rtc::rtp::Packet)> {
        self.lock().caught.pop_front()
    }

    /// The header extension with the transport-wide number, if the answer has it.
    pub(crate) fn set_transport_cc(&self, id: Option<u8>) {
        self.lock().transport_cc = id;
    }

    fn put(&self, at: Instant, packet: rtc::rtp::Packet) {
        let mut shared = self.lock();
        if shared.caught.len() == CAPACITY {
            shared.caught.pop_front();
        }
        shared.caught.push_back((at, packet));
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The interceptor.
pub(crate) struct Strays {
    bound: Vec<u32>,
    /// Undeclared sources that are reported on.
    sources: Vec<u32>,
    feedback: TwccReceiverInterceptor,
    reports: ReceiverReportInterceptor,
    queue: StrayQueue,
    reads: VecDeque<TaggedPacket>,
    writes: VecDeque<TaggedPacket>,
}

impl Strays {
    /// `feedback` and `reports` about all sources.
    pub(crate) fn new(
        queue: StrayQueue,
        feedback: TwccReceiverInterceptor,
        reports: ReceiverReportInterceptor,
    ) -> Self {
        let (reads, writes) = (VecDeque::new(), VecDeque::new());
        Self { bound: Vec::new(), sources: Vec::new(), feedback, reports, queue, reads, writes }
    }

    /// Whether the packet's source is undeclared; from its first packet on it is reported on.
    fn is_stray(&mut self, packet: &Packet) -> bool {
        let Packet::Rtp(packet) = packet else { return false };
        let ssrc = packet.header.ssrc;
        if self.bound.contains(&ssrc) {
            return false;
        }
        if !self.sources.contains(&ssrc) && self.sources.len() < MAX_SOURCES {
            self.sources.push(ssrc);
            let id = self.queue.lock().transport_cc;
            let extension = id.map(|id| RTPHeaderExtension { uri: TRANSPORT_CC_URI.to_owned(), id: u16::from(id) });
            let info = StreamInfo {
                ssrc,
                clock_rate: if packet.header.payload_type == OPUS_PAYLOAD_TYPE { 48_000 } else { 90_000 },
                rtp_header_extensions: extension.into_iter().collect(),
                ..StreamInfo::default()
            };
            self.feedback.bind_remote_stream(&info);
            self.reports.bind_remote_stream(&info);
        }
        true
    }
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for Strays {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, message: TaggedPacket) -> Result<(), Error> {
        let stray = self.is_stray(&message.message.packet);
        self.feedback.handle_read(message)?;
        while let Some(message) = self.feedback.poll_read() {
            self.reports.handle_read(message)?;
        }
        while let Some(message) = self.reports.poll_read() {
            if !stray {
                self.reads.push_back(message);
            } else if let Packet::Rtp(packet) = message.message.packet {
                self.queue.put(message.now, packet);
            }
        }
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.reads.pop_front()
    }

    fn handle_write(&mut self, message: TaggedPacket) -> Result<(), Error> {
        self.writes.push_back(message);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        let made = self.writes.pop_front().or_else(|| self.feedback.poll_write());
        made.or_else(|| self.reports.poll_write())
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), Error> {
        self.feedback.handle_timeout(now)?;
        self.reports.handle_timeout(now)
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        [self.feedback.poll_timeout(), self.reports.poll_timeout()].into_iter().flatten().min()
    }
}

impl Interceptor for Strays {
    fn bind_local_stream(&mut self, _info: &StreamInfo) {}

    fn unbind_local_stream(&mut self, _info: &StreamInfo) {}

    fn bind_remote_stream(&mut self, info: &StreamInfo) {
        for ssrc in [Some(info.ssrc), info.ssrc_rtx].into_iter().flatten() {
            if !self.bound.contains(&ssrc) {
                self.bound.push(ssrc);
            }
        }
        self.feedback.bind_remote_stream(info);
        self.reports.bind_remote_stream(info);
    }

    fn unbind_remote_stream(&mut self, info: &StreamInfo) {
        self.bound.retain(|ssrc| *ssrc != info.ssrc && Some(*ssrc) != info.ssrc_rtx);
        self.feedback.unbind_remote_stream(info);
        self.reports.unbind_remote_stream(info);
    }
}
