//! What the client's RTCP says: key frames wanted, and how much the path carries.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use rtc::interceptor::{
    BandwidthEstimator, EstimatorStats, Gcc, Interceptor, Packet, PacketReport, StreamInfo, TaggedPacket,
};
use rtc::rtcp::payload_feedbacks::full_intra_request::FullIntraRequest;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtcp::payload_feedbacks::receiver_estimated_maximum_bitrate::ReceiverEstimatedMaximumBitrate;
use rtc::rtcp::receiver_report::ReceiverReport;
use rtc::sansio::Protocol;
use rtc::shared::error::Error;

/// The estimator's lower end relative to the asked rate: below an eighth the picture is of no use.
const FLOOR_DIVISOR: u64 = 8;
/// Never lower, in bits per second.
const FLOOR_BITS: u64 = 250_000;
/// Loss above which the rate goes down when the client sends receiver reports only (as in GCC's loss controller,
/// draft-ietf-rmcat-gcc-02 section 6), in 1/256.
const HIGH_LOSS: u8 = 26;
/// Loss below which it may go up again.
const LOW_LOSS: u8 = 5;

/// News of one session's RTCP, shared with its capture thread. Rates are bits per second.
#[derive(Debug)]
pub(crate) struct Feedback {
    want_key: AtomicBool,
    /// What was asked for.
    ceiling: AtomicU64,
    /// Of congestion control on transport-wide feedback; the ceiling until there is any.
    transport: AtomicU64,
    transport_seen: AtomicBool,
    /// Of REMB; `u64::MAX` until there is any.
    remb: AtomicU64,
    /// Of receiver reports.
    reports: AtomicU64,
}

impl Feedback {
    pub(crate) fn new(ceiling: u64) -> Self {
        Self {
            want_key: AtomicBool::new(true),
            ceiling: AtomicU64::new(ceiling),
            transport: AtomicU64::new(ceiling),
            transport_seen: AtomicBool::new(false),
            remb: AtomicU64::new(u64::MAX),
            reports: AtomicU64::new(u64::MAX),
        }
    }

    pub(crate) fn ask_key(&self) {
        self.want_key.store(true, Ordering::Relaxed);
    }

    /// Whether a key frame is wanted; asking again takes a new request.
    pub(crate) fn take_key(&self) -> bool {
        self.want_key.swap(false, Ordering::Relaxed)
    }

    pub(crate) fn set_ceiling(&self, bits: u64) {
        self.ceiling.store(bits, Ordering::Relaxed);
        self.reports.store(u64::MAX, Ordering::Relaxed);
    }

    /// What to encode with now, kbit/s.
    pub(crate) fn target_kbps(&self) -> u32 {
        let ceiling = self.ceiling.load(Ordering::Relaxed);
        let path = if self.transport_seen.load(Ordering::Relaxed) {
            self.transport.load(Ordering::Relaxed)
        } else {
            self.remb.load(Ordering::Relaxed).min(self.reports.load(Ordering::Relaxed))
        };
        let bits = path.max(FLOOR_BITS.max(ceiling / FLOOR_DIVISOR)).min(ceiling);
        u32::try_from(bits / 1000).unwrap_or(u32::MAX)
    }

    fn loss(&self, fraction: u8) {
        let ceiling = self.ceiling.load(Ordering::Relaxed);
        let now = self.reports.load(Ordering::Relaxed).min(ceiling);
        let next = if fraction > HIGH_LOSS {
            now - now * u64::from(fraction) / 512
        } else if fraction < LOW_LOSS {
            now + now / 20
        } else {
            now
        };
        self.reports.store(next.clamp(FLOOR_BITS.min(ceiling), ceiling), Ordering::Relaxed);
    }

    fn read(&self, packet: &dyn rtc::rtcp::Packet) {
        let any = packet.as_any();
        if any.is::<PictureLossIndication>() || any.is::<FullIntraRequest>() {
            self.ask_key();
        } else if let Some(remb) = any.downcast_ref::<ReceiverEstimatedMaximumBitrate>() {
            if remb.bitrate.is_finite() && remb.bitrate > 0.0 {
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked; saturates")]
                self.remb.store(remb.bitrate as u64, Ordering::Relaxed);
            }
        } else if let Some(report) = any.downcast_ref::<ReceiverReport>()
            && let Some(worst) = report.reports.iter().map(|report| report.fraction_lost).max()
        {
            self.loss(worst);
        }
    }
}

/// Reads RTCP on its way through the chain. (Inbound RTCP does not reach local tracks by itself.)
pub(crate) struct RtcpTap {
    feedback: Arc<Feedback>,
    inward: VecDeque<TaggedPacket>,
    outward: VecDeque<TaggedPacket>,
}

impl RtcpTap {
    pub(crate) const fn new(feedback: Arc<Feedback>) -> Self {
        Self { feedback, inward: VecDeque::new(), outward: VecDeque::new() }
    }
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for RtcpTap {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, message: TaggedPacket) -> Result<(), Error> {
        if let Packet::Rtcp(packets) = &message.message.packet {
            for packet in packets {
                self.feedback.read(packet.as_ref());
            }
        }
        self.inward.push_back(message);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.inward.pop_front()
    }

    fn handle_write(&mut self, message: TaggedPacket) -> Result<(), Error> {
        self.outward.push_back(message);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.outward.pop_front()
    }
}

impl Interceptor for RtcpTap {
    fn bind_local_stream(&mut self, _info: &StreamInfo) {}
    fn unbind_local_stream(&mut self, _info: &StreamInfo) {}
    fn bind_remote_stream(&mut self, _info: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, _info: &StreamInfo) {}
}

/// Google congestion control which tells its target to the session.
pub(crate) struct Estimator {
    inner: Gcc,
    feedback: Arc<Feedback>,
}

impl Estimator {
    /// `ceiling` in bits per second.
    pub(crate) fn new(ceiling: u64, feedback: Arc<Feedback>) -> Self {
        // The session cuts at its own ceiling, which may rise later, so the estimator may go higher.
        #[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
        let inner = Gcc::new(ceiling as f64, FLOOR_BITS as f64, 100_000_000.0);
        Self { inner, feedback }
    }

    fn publish(&self) {
        let target = self.inner.target_bitrate();
        if target.is_finite() && target > 0.0 {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked; saturates")]
            self.feedback.transport.store(target as u64, Ordering::Relaxed);
        }
    }
}

impl BandwidthEstimator for Estimator {
    fn on_reports(&mut self, now: Instant, reports: &[PacketReport]) {
        self.inner.on_reports(now, reports);
        if !reports.is_empty() {
            self.feedback.transport_seen.store(true, Ordering::Relaxed);
        }
        self.publish();
    }

    fn target_bitrate(&self) -> f64 {
        self.inner.target_bitrate()
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.inner.handle_timeout(now);
        self.publish();
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.inner.poll_timeout()
    }

    fn stats(&self) -> EstimatorStats {
        self.inner.stats()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_request_is_taken_once() {
        let feedback = Feedback::new(5_000_000);
        assert!(feedback.take_key(), "a session begins with a key frame");
        assert!(!feedback.take_key());
        feedback.read(&PictureLossIndication::default());
        assert!(feedback.take_key());
    }

    #[test]
    fn loss_lowers_the_rate_and_calm_raises_it_to_the_ceiling() {
        let feedback = Feedback::new(8_000_000);
        assert_eq!(feedback.target_kbps(), 8000);
        feedback.loss(128);
        assert_eq!(feedback.target_kbps(), 6000);
        for _ in 0..100 {
            feedback.loss(255);
        }
        assert_eq!(feedback.target_kbps(), 1000, "an eighth is the floor");
        for _ in 0..200 {
            feedback.loss(0);
        }
        assert_eq!(feedback.target_kbps(), 8000);
    }

    #[test]
    fn remb_limits_until_transport_feedback_is_seen() {
        let feedback = Feedback::new(8_000_000);
        feedback.read(&ReceiverEstimatedMaximumBitrate { sender_ssrc: 1, bitrate: 2_000_000.0, ssrcs: vec![] });
        assert_eq!(feedback.target_kbps(), 2000);
        feedback.transport.store(4_000_000, Ordering::Relaxed);
        feedback.transport_seen.store(true, Ordering::Relaxed);
        assert_eq!(feedback.target_kbps(), 4000);
    }
}
