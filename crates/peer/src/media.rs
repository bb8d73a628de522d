//! Packets of both tracks on their way to frames, and what goes back to the host about them.

use std::time::{Duration, Instant};

use entente_model::media::{AudioPacket, ColorHint, EncodedFrame};
use entente_rtp::{Feedback, ReceiverStats, RtpPacket, SequenceUnwrapper, TimestampUnwrapper, VideoReceiver};
use rtc::rtcp::Packet as RtcpPacket;
use rtc::rtcp::payload_feedbacks::full_intra_request::{FirEntry, FullIntraRequest};
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtcp::transport_feedbacks::transport_layer_nack::{TransportLayerNack, nack_pairs_from_sequence_numbers};

use crate::sdp::{Agreed, Answer, Payload, PayloadMap};

/// A second source is taken for the same picture only after the first one was silent this long; otherwise a host that
/// sends several layers would make the receiver jump between them.
const SOURCE_SILENCE: Duration = Duration::from_millis(300);

/// Both tracks of one peer connection.
#[derive(Debug, Default)]
pub(crate) struct Media {
    payloads: PayloadMap,
    video: Option<VideoReceiver>,
    /// What the host takes about each video payload type.
    feedback: Vec<(u8, Agreed)>,
    /// The payload type in use.
    format: Option<u8>,
    source: Option<(u32, Instant)>,
    /// Id of the colour space extension, and what it said last.
    color_space: Option<u8>,
    color: Option<ColorHint>,
    audio_sequence: SequenceUnwrapper,
    audio_time: TimestampUnwrapper,
    counts: MediaCounts,
    last_packet: Option<Instant>,
    rtcp_ssrc: u32,
    /// Number of the next full intra request.
    intra_request: u8,
}

/// What the host has to be told.
pub(crate) enum ToHost {
    /// By RTCP.
    Rtcp(Box<dyn RtcpPacket>),
    /// That a key frame is needed, for which it agreed to no RTCP.
    Keyframe,
}

/// What was counted so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MediaCounts {
    /// Audio packets.
    pub audio_packets: u64,
    /// Bytes of audio (payload and 12 bytes of RTP header).
    pub audio_bytes: u64,
    /// Packets of no agreed payload type, or of a source that was not taken.
    pub strangers: u64,
}

impl Media {
    pub(crate) fn new(rtcp_ssrc: u32) -> Self {
        Self { rtcp_ssrc, ..Self::default() }
    }

    /// Takes what the answer says; keeps a receiver whose formats did not change (ICE restart).
    pub(crate) fn set_answer(&mut self, answer: &Answer) {
        if self.payloads != answer.payloads || self.video.is_none() {
            self.payloads = answer.payloads.clone();
            self.video = Some(VideoReceiver::new(answer.formats.iter().cloned()));
            self.format = None;
        }
        self.feedback.clone_from(&answer.feedback);
        self.color_space = answer.color_space;
    }

    /// What the host takes about the payload type in use.
    fn agreed(&self) -> Agreed {
        let agreed = self.feedback.iter().find(|(format, _)| Some(*format) == self.format);
        agreed.map(|(_, agreed)| *agreed).unwrap_or_default()
    }

    /// Takes one packet; audio is complete at once.
    pub(crate) fn packet(&mut self, arrived: Instant, now: Instant, packet: rtc::rtp::Packet) -> Option<AudioPacket> {
        let header = &packet.header;
        match self.payloads.get(header.payload_type) {
            Payload::Video(_) => {
                if let Some(said) = self.color_space.and_then(|id| header.get_extension(id)) {
                    self.color = color_hint(&said).or(self.color);
                }
                let video = RtpPacket {
                    payload_type: header.payload_type,
                    sequence: header.sequence_number,
                    timestamp: header.timestamp,
                    ssrc: header.ssrc,
                    marker: header.marker,
                    payload: packet.payload,
                    arrived,
                    recovered: false,
                };
                self.video_packet(video, now);
            }
            Payload::Rtx(payload_type) => {
                // RFC 4588 section 4: original sequence number, then the original payload. `rtc` undoes this for
                // declared pairs; here come the undeclared ones. Shorter ones are probes.
                if let (Some((ssrc, _)), Some(original)) = (self.source, packet.payload.first_chunk::<2>()) {
                    let video = RtpPacket {
                        payload_type,
                        sequence: u16::from_be_bytes(*original),
                        timestamp: header.timestamp,
                        ssrc,
                        marker: header.marker,
                        payload: packet.payload.slice(2..),
                        arrived,
                        recovered: true,
                    };
                    self.video_packet(video, now);
                }
            }
            Payload::Audio => {
                self.last_packet = Some(arrived);
                self.counts.audio_packets += 1;
                self.counts.audio_bytes += packet.payload.len() as u64 + 12;
                return Some(AudioPacket {
                    sequence: self.audio_sequence.unwrap(header.sequence_number),
                    rtp_time: self.audio_time.unwrap(header.timestamp),
                    data: packet.payload,
                    arrived,
                });
            }
            Payload::Unknown => self.counts.strangers += 1,
        }
        None
    }

    fn video_packet(&mut self, packet: RtpPacket, now: Instant) {
        if let Some((ssrc, seen)) = self.source
            && ssrc != packet.ssrc
            && packet.arrived.saturating_duration_since(seen) < SOURCE_SILENCE
        {
            self.counts.strangers += 1;
            return;
        }
        self.source = Some((packet.ssrc, packet.arrived));
        self.last_packet = Some(packet.arrived);
        if self.format != Some(packet.payload_type) {
            self.format = Some(packet.payload_type);
            let nack = self.agreed().nack;
            if let Some(video) = &mut self.video {
                video.allow_nack(nack);
            }
        }
        if let Some(video) = &mut self.video {
            video.push(packet, now);
        }
    }

    pub(crate) fn frame(&mut self, now: Instant) -> Option<EncodedFrame> {
        let mut frame = self.video.as_mut()?.poll_frame(now)?;
        frame.color = self.color;
        Some(frame)
    }

    /// The next message to the host.
    pub(crate) fn feedback(&mut self, now: Instant) -> Option<ToHost> {
        let sender_ssrc = self.rtcp_ssrc;
        let agreed = self.agreed();
        let packet: Box<dyn RtcpPacket> = match self.video.as_mut()?.poll_feedback(now)? {
            Feedback::Nack { ssrc, sequences } => Box::new(TransportLayerNack {
                sender_ssrc,
                media_ssrc: ssrc,
                nacks: nack_pairs_from_sequence_numbers(&sequences),
            }),
            Feedback::Keyframe { ssrc } if agreed.pli => {
                Box::new(PictureLossIndication { sender_ssrc, media_ssrc: ssrc })
            }
            Feedback::Keyframe { ssrc } if agreed.fir => {
                // RFC 5104 section 4.3.1: each is a new command, because the key frame of the last one may be lost; the
                // media source of the common header is not used.
                let sequence_number = self.intra_request;
                self.intra_request = sequence_number.wrapping_add(1);
                Box::new(FullIntraRequest { sender_ssrc, media_ssrc: 0, fir: vec![FirEntry { ssrc, sequence_number }] })
            }
            Feedback::Keyframe { .. } => return Some(ToHost::Keyframe),
        };
        Some(ToHost::Rtcp(packet))
    }

    /// A picture loss indication, whether the host agreed to it or not; none before video came.
    pub(crate) fn picture_loss(&self) -> Option<Box<dyn RtcpPacket>> {
        let (media_ssrc, _) = self.source?;
        Some(Box::new(PictureLossIndication { sender_ssrc: self.rtcp_ssrc, media_ssrc }))
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.video.as_ref()?.next_deadline()
    }

    pub(crate) fn video(&mut self) -> Option<&mut VideoReceiver> {
        self.video.as_mut()
    }

    pub(crate) fn video_stats(&self) -> ReceiverStats {
        self.video.as_ref().map(VideoReceiver::stats).unwrap_or_default()
    }

    pub(crate) const fn counts(&self) -> MediaCounts {
        self.counts
    }

    pub(crate) const fn last_packet(&self) -> Option<Instant> {
        self.last_packet
    }
}

/// Reads the colour space extension (webrtc.org, `docs/native-code/rtp-hdrext/color-space`): primaries, transfer, matrix,
/// then range in bits 4 and 5 above the places of chroma. Luminance may follow for HDR.
fn color_hint(extension: &[u8]) -> Option<ColorHint> {
    let &[_, transfer, matrix, range, ..] = extension else { return None };
    // 2 is "unspecified" in H.273.
    (matrix != 2).then_some(ColorHint { matrix, transfer, full_range: range >> 4 & 3 == 2 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_colour_space_extension_is_read() {
        let limited = ColorHint { matrix: 1, transfer: 1, full_range: false };
        assert_eq!(color_hint(&[1, 1, 1, 0x10]), Some(limited));
        assert_eq!(color_hint(&[9, 16, 9, 0x25, 0, 0]), Some(ColorHint { matrix: 9, transfer: 16, full_range: true }));
        assert_eq!(color_hint(&[1, 1, 2, 0x10]), None);
        assert_eq!(color_hint(&[1, 1, 1]), None);
    }
}
