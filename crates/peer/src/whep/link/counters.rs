//! What is counted and measured.

use std::time::{Duration, Instant};

use entente_model::LinkStats;

use super::WhepLink;
use crate::peer::Peer;

impl WhepLink {
    pub(super) fn measure(&mut self, now: Instant) {
        let Some(peer) = &mut self.peer else { return };
        if !self.control.measures()
            && let Some(rtt) = peer.path_rtt(now)
        {
            peer.set_rtt(rtt);
            self.rtt = Some(rtt);
        }
    }

    pub(super) fn round_trip(&mut self, rtt: Duration) {
        // RFC 6298 section 2: smoothed with 1/8.
        let smooth = self.rtt.map_or(rtt, |old| old * 7 / 8 + rtt / 8);
        self.rtt = Some(smooth);
        if let Some(peer) = &mut self.peer {
            peer.set_rtt(smooth);
        }
    }

    pub(super) fn add_counters(&self, peer: &Peer) -> LinkStats {
        let (video, counts) = (peer.video_stats(), peer.counts());
        let sum = &self.earlier;
        LinkStats {
            packets: sum.packets + video.packets + counts.audio_packets,
            bytes: sum.bytes + video.bytes + counts.audio_bytes,
            lost: sum.lost + video.lost,
            recovered: sum.recovered + video.recovered,
            nacks: sum.nacks + video.nacks,
            keyframe_requests: sum.keyframe_requests + video.keyframe_requests,
            frames: sum.frames + video.frames,
            frames_dropped: sum.frames_dropped + video.frames_dropped,
            audio_packets: sum.audio_packets + counts.audio_packets,
            malformed: sum.malformed + video.malformed + peer.malformed() + counts.strangers,
            ..*sum
        }
    }

    pub(super) fn stats(&self) -> LinkStats {
        let mut stats = self.peer.as_ref().map_or(self.earlier, |peer| self.add_counters(peer));
        stats.rtt_micros = self.rtt.and_then(|rtt| u64::try_from(rtt.as_micros()).ok());
        stats.reconnects = self.reconnects;
        stats.malformed += self.malformed;
        stats
    }
}
