//! Sees what a fake host is asked by RTCP.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use rtc::interceptor::{Interceptor, Packet, StreamInfo, TaggedPacket};
use rtc::rtcp::payload_feedbacks::full_intra_request::FullIntraRequest;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtcp::receiver_report::ReceiverReport;
use rtc::rtcp::transport_feedbacks::transport_layer_cc::TransportLayerCc;
use rtc::rtcp::transport_feedbacks::transport_layer_nack::TransportLayerNack;
use rtc::sansio::Protocol;
use rtc::shared::error::Error;

use crate::host::VIDEO_SSRC;

/// Counters, shared with the host.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) keyframe_requests: Arc<AtomicU64>,
    /// Those of them that came as FIR.
    pub(crate) intra_requests: Arc<AtomicU64>,
    pub(crate) nacks: Arc<AtomicU64>,
    pub(crate) congestion_feedback: Arc<AtomicU64>,
    pub(crate) receiver_reports: Arc<AtomicU64>,
}

/// The interceptor.
#[derive(Default)]
pub(crate) struct Watch {
    pub(crate) seen: Seen,
    reads: VecDeque<TaggedPacket>,
    writes: VecDeque<TaggedPacket>,
}

impl Watch {
    pub(crate) fn new(seen: Seen) -> Self {
        Self { seen, ..Self::default() }
    }
}

impl Watch {
    /// What counts a packet; one about a source that this host does not have counts nowhere.
    fn counter(&self, packet: &dyn std::any::Any) -> Option<&AtomicU64> {
        let seen = &self.seen;
        if let Some(loss) = packet.downcast_ref::<PictureLossIndication>() {
            (loss.media_ssrc == VIDEO_SSRC).then_some(&seen.keyframe_requests)
        } else if packet.is::<FullIntraRequest>() {
            Some(&seen.keyframe_requests)
        } else if let Some(nack) = packet.downcast_ref::<TransportLayerNack>() {
            (nack.media_ssrc == VIDEO_SSRC).then_some(&seen.nacks)
        } else if packet.is::<TransportLayerCc>() {
            Some(&seen.congestion_feedback)
        } else {
            let report = packet.downcast_ref::<ReceiverReport>()?;
            report.reports.iter().any(|block| block.ssrc == VIDEO_SSRC).then_some(&seen.receiver_reports)
        }
    }
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for Watch {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, message: TaggedPacket) -> Result<(), Error> {
        if let Packet::Rtcp(packets) = &message.message.packet {
            for packet in packets {
                let packet = packet.as_any();
                if let Some(request) = packet.downcast_ref::<FullIntraRequest>() {
                    // RFC 5104 section 4.3.1: the target is in the entry; a number that does not grow is a repetition.
                    let count = self.seen.intra_requests.load(Ordering::Relaxed);
                    if request.media_ssrc == 0
                        && request
                            .fir
                            .iter()
                            .any(|entry| entry.ssrc == VIDEO_SSRC && u64::from(entry.sequence_number) == count % 256)
                    {
                        self.seen.intra_requests.fetch_add(1, Ordering::Relaxed);
                    }
                }
                if let Some(counter) = self.counter(packet) {
                    counter.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
        self.reads.push_back(message);
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

impl Interceptor for Watch {
    fn bind_local_stream(&mut self, _info: &StreamInfo) {}
    fn unbind_local_stream(&mut self, _info: &StreamInfo) {}
    fn bind_remote_stream(&mut self, _info: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, _info: &StreamInfo) {}
}
