//! The sound thread: the game's samples into Opus, on the same clock as the pictures.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use entente_model::time::RAISED_PRIORITY;
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;

use crate::clock;
use crate::payload::RtpStream;
use crate::session::capture::{Alive, Leaving, Origin};
use crate::session::{Packets, Shared};

/// Stereo music and effects are transparent here.
const BITRATE: i32 = 128_000;
/// Loss that forward error correction prepares for, in percent. Below about 9 libopus takes music for CELT, which
/// carries no copies, whatever is asked for.
const EXPECTED_LOSS: u8 = 10;
/// Further behind than this, sound is skipped instead of sent in a heap.
const LATE: Duration = Duration::from_millis(80);
/// Largest Opus packet for one frame (RFC 6716 section 3.4).
const MAX_PACKET: usize = 1275;
/// Samples of each channel in a millisecond.
const PER_MILLI: u32 = 48;

/// Everything the sound thread owns.
pub(super) struct Speaker {
    pub(super) shared: Arc<Shared>,
    pub(super) stream: RtpStream,
    pub(super) packets: Sender<Packets>,
    pub(super) origin: Origin,
    /// 5, 10 or 20.
    pub(super) millis: u32,
    pub(super) alive: Arc<Alive>,
}

impl Speaker {
    pub(super) fn run(mut self) {
        let (shared, alive) = (Arc::clone(&self.shared), Arc::clone(&self.alive));
        // Without a taker for the sound the picture goes on.
        let _leaving = Leaving { shared, alive, dispensable: true };
        // Most systems give it to some users only; without it we go on.
        let _ = thread_priority::ThreadPriority::try_from(RAISED_PRIORITY)
            .map(thread_priority::set_current_thread_priority);
        if let Err(error) = self.speak() {
            tracing::error!(session = %self.shared.id, %error, "sound failed");
            self.shared.fail(format!("the sound cannot be encoded ({error})"));
        }
    }

    fn speak(&mut self) -> Result<(), opus::Error> {
        let mut encoder = encoder(self.millis)?;
        let samples = PER_MILLI * self.millis;
        let mut pcm = vec![0_i16; samples as usize * 2];
        let mut packet = [0_u8; MAX_PACKET];
        let interval = Duration::from_millis(u64::from(self.millis));
        let (mut due, mut timestamp) = (self.origin.at, 0_u32);
        loop {
            if !self.alive.sleep_until(due) {
                return Ok(());
            }
            self.shared.game.lock().sound(&mut pcm);
            let late = clock::now().saturating_duration_since(due) > LATE;
            if !late {
                let length = encoder.encode(&pcm, &mut packet)?;
                let payload = Bytes::copy_from_slice(packet.get(..length).unwrap_or_default());
                let sent = self.packets.try_send(self.stream.packets(vec![payload], timestamp, false));
                if matches!(sent, Err(TrySendError::Closed(_))) {
                    return Ok(());
                }
            }
            due += interval;
            timestamp = timestamp.wrapping_add(samples);
        }
    }
}

/// An encoder for packets of so many milliseconds.
fn encoder(millis: u32) -> Result<opus::Encoder, opus::Error> {
    // Frames below 10 ms are always CELT, which has no in-band FEC; then the mode with least delay is right.
    let mode = if millis < 10 { opus::Application::LowDelay } else { opus::Application::Audio };
    let mut encoder = opus::Encoder::new(48_000, opus::Channels::Stereo, mode)?;
    encoder.set_bitrate(opus::Bitrate::Bits(BITRATE))?;
    encoder.set_inband_fec(true)?;
    encoder.set_packet_loss_perc(i32::from(EXPECTED_LOSS))?;
    Ok(encoder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::games;

    /// Whether a packet of one frame carries a copy of the one before: the LBRR flag of the middle or the side channel
    /// (RFC 6716 sections 3.1, 4.2.3 and 4.2.4; in SILK's first byte, after one flag for voice each).
    fn carries_copy(packet: &[u8]) -> bool {
        let [toc, first, ..] = packet else { return false };
        let (silk, stereo) = (toc >> 3 < 16, toc & 4 != 0);
        assert_eq!(toc & 3, 0, "one frame in each packet");
        silk && (first & 0x40 != 0 || (stereo && first & 0x10 != 0))
    }

    /// Packets with a copy, of a hundred.
    fn copies(game: &str, millis: u32) -> usize {
        let mut game = games::open(game, 7).unwrap();
        let mut encoder = encoder(millis).unwrap();
        let mut pcm = vec![0; (PER_MILLI * millis) as usize * 2];
        let count = 20_000 / millis as usize;
        let with = (0..count).filter(|_| {
            game.step(u64::from(millis) * 1000);
            game.sound(&mut pcm);
            carries_copy(&encoder.encode_vec(&pcm, MAX_PACKET).unwrap())
        });
        with.count() * 100 / count
    }

    #[test]
    fn lost_sound_can_be_made_up_for() {
        for millis in [10, 20] {
            let share = copies("game", millis);
            assert!(share >= 50, "{share} % of the packets of {millis} ms carry a copy");
        }
        assert_eq!(copies("game", 5), 0, "short packets cannot");
    }
}
