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
/// Where a session begins on a path that nobody knows yet, in bits per second: what most links carry, and a usable
/// picture. Beginning with all that is asked for would fill the queue of a slower link before the first report.
const START_BITS: u64 = 2_500_000;
/// Growth in a second as long as nothing spoke against it: 10 Mbit/s after 4 s. Afterwards the estimator's own pace.
const RAMP: f64 = 1.5;
/// Loss above which the rate does not rise, as in the estimator.
const RAMP_LOSS: f64 = 0.02;
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
    /// Of receiver reports; `u64::MAX` while they do not limit.
    reports: AtomicU64,
    /// The receiver has reported high loss: from then on the rate rises slowly.
    congested: AtomicBool,
    /// The path leads over a network, whose capacity nobody knows at first.
    network: bool,
}

impl Feedback {
    /// For at most `ceiling` bits per second.
    pub(crate) fn new(ceiling: u64, network: bool) -> Self {
        let start = if network { ceiling.min(START_BITS) } else { ceiling };
        Self {
            want_key: AtomicBool::new(true),
            ceiling: AtomicU64::new(ceiling),
            transport: AtomicU64::new(start),
            transport_seen: AtomicBool::new(false),
            remb: AtomicU64::new(u64::MAX),
            reports: AtomicU64::new(if network { start } else { u64::MAX }),
            congested: AtomicBool::new(false),
            network,
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
        let before = self.ceiling.swap(bits, Ordering::Relaxed);
        if self.network {
            // More than before is as unknown as everything was at the start.
            self.reports.fetch_min(before.max(START_BITS), Ordering::Relaxed);
        }
    }

    /// What to encode with now, kbit/s.
    pub(crate) fn target_kbps(&self) -> u32 {
        self.target_below(self.ceiling.load(Ordering::Relaxed))
    }

    /// What to encode with if so much were asked for, kbit/s.
    pub(crate) fn target_below(&self, ceiling: u64) -> u32 {
        let path = if self.transport_seen.load(Ordering::Relaxed) {
            self.transport.load(Ordering::Relaxed)
        } else {
            self.remb.load(Ordering::Relaxed).min(self.reports.load(Ordering::Relaxed))
        };
        let floor = (ceiling / FLOOR_DIVISOR).clamp(FLOOR_BITS, START_BITS);
        u32::try_from(path.max(floor).min(ceiling) / 1000).unwrap_or(u32::MAX)
    }

    fn loss(&self, fraction: u8) {
        let ceiling = self.ceiling.load(Ordering::Relaxed);
        let now = self.reports.load(Ordering::Relaxed).min(ceiling);
        let next = if fraction > HIGH_LOSS {
            self.congested.store(true, Ordering::Relaxed);
            now - now * u64::from(fraction) / 512
        } else if fraction < LOW_LOSS {
            // Reports come every second.
            let share = if self.congested.load(Ordering::Relaxed) { 20 } else { 2 };
            now + now / share
        } else {
            now
        };
        let limit = if next >= ceiling { u64::MAX } else { next.max(FLOOR_BITS.min(ceiling)) };
        self.reports.store(limit, Ordering::Relaxed);
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
    /// Until something speaks against it: the estimator alone would take half a minute from start to usual rates.
    ramp: Option<Ramp>,
}

/// A rate that rises by itself, in bits per second.
struct Ramp {
    bits: f64,
    at: Option<Instant>,
}

impl Estimator {
    #[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
    pub(crate) fn new(feedback: Arc<Feedback>) -> Self {
        let start = feedback.transport.load(Ordering::Relaxed) as f64;
        // The session cuts at its own ceiling, which may rise later, so the estimator may go higher.
        let inner = Gcc::new(start, FLOOR_BITS as f64, 100_000_000.0);
        let ramp = feedback.network.then_some(Ramp { bits: start, at: None });
        Self { inner, feedback, ramp }
    }

    fn target(&self) -> f64 {
        self.inner.target_bitrate().max(self.ramp.as_ref().map_or(0.0, |ramp| ramp.bits))
    }

    fn publish(&self) {
        let target = self.target();
        if target.is_finite() && target > 0.0 {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked; saturates")]
            self.feedback.transport.store(target as u64, Ordering::Relaxed);
        }
    }

    /// Lets the ramp rise, or ends it when one half of the estimator has fallen.
    #[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
    fn climb(&mut self, now: Instant, before: &EstimatorStats) {
        let after = self.inner.stats();
        let fell = after.delay_based_bitrate < before.delay_based_bitrate
            || after.loss_based_bitrate < before.loss_based_bitrate;
        let Some(ramp) = self.ramp.as_mut().filter(|_| !fell) else {
            self.ramp = None;
            return;
        };
        let since = ramp.at.replace(now).map_or(0.0, |at| now.saturating_duration_since(at).as_secs_f64());
        if after.packet_loss.is_none_or(|loss| loss < RAMP_LOSS) {
            let ceiling = self.feedback.ceiling.load(Ordering::Relaxed) as f64;
            // Reports that stay out say nothing good.
            ramp.bits = (ramp.bits * RAMP.powf(since.min(0.2))).min(ceiling);
        }
    }
}

impl BandwidthEstimator for Estimator {
    fn on_reports(&mut self, now: Instant, reports: &[PacketReport]) {
        let before = self.inner.stats();
        self.inner.on_reports(now, reports);
        if !reports.is_empty() {
            self.climb(now, &before);
            self.feedback.transport_seen.store(true, Ordering::Relaxed);
        }
        self.publish();
    }

    fn target_bitrate(&self) -> f64 {
        self.target()
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
    use std::time::Duration;

    use rtc::rtcp::transport_feedbacks::cc_feedback_report::Ecn;

    use super::*;

    #[test]
    fn a_key_request_is_taken_once() {
        let feedback = Feedback::new(5_000_000, false);
        assert!(feedback.take_key(), "a session begins with a key frame");
        assert!(!feedback.take_key());
        feedback.read(&PictureLossIndication::default());
        assert!(feedback.take_key());
    }

    #[test]
    fn loss_lowers_the_rate_and_calm_raises_it_to_the_ceiling() {
        let feedback = Feedback::new(8_000_000, false);
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
        let feedback = Feedback::new(8_000_000, false);
        feedback.read(&ReceiverEstimatedMaximumBitrate { sender_ssrc: 1, bitrate: 2_000_000.0, ssrcs: vec![] });
        assert_eq!(feedback.target_kbps(), 2000);
        feedback.transport.store(4_000_000, Ordering::Relaxed);
        feedback.transport_seen.store(true, Ordering::Relaxed);
        assert_eq!(feedback.target_kbps(), 4000);
    }

    #[test]
    fn an_unknown_path_begins_low_and_rises_with_good_reports() {
        let feedback = Feedback::new(10_000_000, true);
        assert_eq!(feedback.target_kbps(), 2500);
        let mut reports = 0;
        while feedback.target_kbps() < 10_000 {
            feedback.loss(0);
            reports += 1;
        }
        assert!((3..=5).contains(&reports), "{reports} s");
        feedback.set_ceiling(40_000_000);
        assert_eq!(feedback.target_kbps(), 10_000, "what was never tried is not taken at once");
        assert_eq!(Feedback::new(1_000_000, true).target_kbps(), 1000);
        assert_eq!(Feedback::new(100_000_000, true).target_kbps(), 2500);
        assert_eq!(Feedback::new(100_000_000, false).target_kbps(), 100_000, "a loopback carries everything");
    }

    /// Reports 50 ms of packets that arrive as they were sent, but for every `lost`th one (none for 0).
    fn report(estimator: &mut Estimator, at: Instant, first: u64, lost: u64) {
        let spacing = 5000;
        let reports: Vec<_> = (first..first + 10)
            .map(|id| {
                let arrival = Duration::from_micros(20_000 + id * spacing);
                PacketReport {
                    ssrc: 1,
                    id,
                    rtp_sequence_number: id as u16,
                    is_twcc: true,
                    twcc_sequence_number: id as u16,
                    size: 1200,
                    arrived: lost == 0 || id % lost != 0,
                    departure: at + Duration::from_micros((id - first) * spacing),
                    arrival: (lost == 0 || id % lost != 0).then_some(arrival),
                    ecn: Ecn::default(),
                }
            })
            .collect();
        estimator.on_reports(at + Duration::from_millis(70), &reports);
    }

    #[test]
    fn the_estimate_rises_fast_until_the_path_shows_its_limit() {
        let feedback = Arc::new(Feedback::new(10_000_000, true));
        let mut estimator = Estimator::new(Arc::clone(&feedback));
        let mut at = crate::clock::now();
        let mut batch = 0;
        let mut pass = |estimator: &mut Estimator, lost| {
            report(estimator, at, batch * 10, lost);
            at += Duration::from_millis(50);
            batch += 1;
        };
        for _ in 0..20 {
            pass(&mut estimator, 0);
        }
        assert!((3400..4000).contains(&feedback.target_kbps()), "after 1 s: {}", feedback.target_kbps());
        for _ in 0..60 {
            pass(&mut estimator, 0);
        }
        assert_eq!(feedback.target_kbps(), 10_000, "after 4 s");
        for _ in 0..40 {
            pass(&mut estimator, 4);
        }
        let fallen = feedback.target_kbps();
        assert!(fallen < 5000, "a quarter is lost: {fallen}");
        for _ in 0..20 {
            pass(&mut estimator, 0);
        }
        assert!(feedback.target_kbps() < fallen * 5 / 4, "the next rise is slow: {}", feedback.target_kbps());
    }
}
