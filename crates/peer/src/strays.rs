//! RTP of sources that the answer did not declare.
//!
//! `rtc` drops packets of a source that it cannot bind to a media section; with two sections it binds only declared
//! sources. Hosts may leave `a=ssrc` out, so these packets are caught here, decrypted, before they are dropped.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use rtc::interceptor::{Interceptor, Packet, StreamInfo, TaggedPacket};
use rtc::sansio::Protocol;
use rtc::shared::error::Error;

/// Caught packets that wait to be taken; the oldest go first when nobody takes them.
const CAPACITY: usize = 1024;

/// Where caught packets wait. Shared by the interceptor and its peer, which live on one thread: the lock is never
/// contended, and it is touched only for undeclared sources.
#[derive(Clone, Debug, Default)]
pub(crate) struct StrayQueue(Arc<Mutex<VecDeque<(Instant, rtc::rtp::Packet)>>>);

impl StrayQueue {
    pub(crate) fn take(&self) -> Option<(Instant, rtc::rtp::Packet)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    fn put(&self, at: Instant, packet: rtc::rtp::Packet) {
        let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.len() == CAPACITY {
            queue.pop_front();
        }
        queue.push_back((at, packet));
    }
}

/// The interceptor.
#[derive(Default)]
pub(crate) struct Strays {
    bound: Vec<u32>,
    queue: StrayQueue,
    reads: VecDeque<TaggedPacket>,
    writes: VecDeque<TaggedPacket>,
}

impl Strays {
    pub(crate) fn new(queue: StrayQueue) -> Self {
        Self { queue, ..Self::default() }
    }
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for Strays {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, message: TaggedPacket) -> Result<(), Error> {
        match &message.message.packet {
            Packet::Rtp(packet) if !self.bound.contains(&packet.header.ssrc) => {
                self.queue.put(message.now, packet.clone());
            }
            _ => self.reads.push_back(message),
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
        self.writes.pop_front()
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
    }

    fn unbind_remote_stream(&mut self, info: &StreamInfo) {
        self.bound.retain(|ssrc| *ssrc != info.ssrc && Some(*ssrc) != info.ssrc_rtx);
    }
}
