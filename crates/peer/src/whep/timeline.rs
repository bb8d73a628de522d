//! Frames and audio of several peer connections as one stream.

use entente_model::media::{AudioPacket, EncodedFrame};

/// Keeps numbers and times of frames and audio going up over a new session.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    frames: u64,
    video_shift: u64,
    video_last: Option<u64>,
    sequence_shift: u64,
    sequence_last: Option<u64>,
    audio_shift: u64,
    audio_last: Option<u64>,
    joined: bool,
    audio_joined: bool,
}

impl Timeline {
    /// A new session begins.
    pub(super) const fn rejoin(&mut self) {
        self.joined = true;
        self.audio_joined = true;
    }

    pub(super) fn frame(&mut self, frame: &mut EncodedFrame) {
        if std::mem::take(&mut self.joined) {
            // One frame at 30 fps after the last one.
            let wanted = self.video_last.map_or(frame.rtp_time, |last| last.wrapping_add(3000));
            self.video_shift = wanted.wrapping_sub(frame.rtp_time);
            frame.after_gap = true;
        }
        frame.id = self.frames;
        self.frames += 1;
        frame.rtp_time = frame.rtp_time.wrapping_add(self.video_shift);
        self.video_last = Some(frame.rtp_time);
    }

    pub(super) fn audio(&mut self, packet: &mut AudioPacket) {
        if std::mem::take(&mut self.audio_joined) {
            let sequence = self.sequence_last.map_or(packet.sequence, |last| last.wrapping_add(1));
            self.sequence_shift = sequence.wrapping_sub(packet.sequence);
            // One packet of 20 ms after the last one.
            let time = self.audio_last.map_or(packet.rtp_time, |last| last.wrapping_add(960));
            self.audio_shift = time.wrapping_sub(packet.rtp_time);
        }
        packet.sequence = packet.sequence.wrapping_add(self.sequence_shift);
        packet.rtp_time = packet.rtp_time.wrapping_add(self.audio_shift);
        self.sequence_last = Some(self.sequence_last.map_or(packet.sequence, |last| last.max(packet.sequence)));
        self.audio_last = Some(self.audio_last.map_or(packet.rtp_time, |last| last.max(packet.rtp_time)));
    }
}
