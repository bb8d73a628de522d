//! The Opus decoder for any channel layout.

use entente_model::media::AudioFormat;

use crate::AudioError;
use crate::stats::RATE;

/// 120 ms, the longest packet (RFC 6716 section 3.2.5), in frames.
pub(crate) const LONGEST: usize = 5760;

/// 2.5 ms, the shortest frame of Opus and the unit of concealment, in frames.
pub(crate) const SHORTEST: usize = 120;

/// Decodes packets of one stream to interleaved sound at 48 kHz.
#[derive(Debug)]
pub(crate) struct OpusStream {
    decoder: opus::MSDecoder,
    channels: usize,
    sound: Vec<f32>,
}

impl OpusStream {
    pub(crate) fn new(format: &AudioFormat) -> Result<Self, AudioError> {
        let channels = usize::from(format.channels);
        let decoded = u16::from(format.streams) + u16::from(format.coupled);
        if !(1..=8).contains(&channels) || format.mapping.len() != channels {
            return Err(AudioError::Layout(format!("{channels} channels, {} mapped", format.mapping.len())));
        }
        if format.streams == 0 || format.coupled > format.streams || decoded > 255 {
            return Err(AudioError::Layout(format!("{} streams, {} coupled", format.streams, format.coupled)));
        }
        // 255 means silence.
        if let Some(index) = format.mapping.iter().find(|index| u16::from(**index) >= decoded && **index != 255) {
            return Err(AudioError::Layout(format!("channel {index} of {decoded} decoded ones")));
        }
        let decoder = opus::MSDecoder::new(RATE, format.streams, format.coupled, &format.mapping)?;
        Ok(Self { decoder, channels, sound: vec![0.0; LONGEST * channels] })
    }

    pub(crate) fn channels(&self) -> usize {
        self.channels
    }

    /// Length of a packet in frames, if it is one (RFC 6716 section 3.1).
    pub(crate) fn length(packet: &[u8]) -> Option<usize> {
        if packet.is_empty() {
            return None;
        }
        opus::packet::get_nb_samples(packet, RATE).ok().filter(|length| (SHORTEST..=LONGEST).contains(length))
    }

    /// Decodes `packet`.
    pub(crate) fn decode(&mut self, packet: &[u8]) -> Result<&[f32], AudioError> {
        if packet.is_empty() {
            return Err(AudioError::Layout("empty packet".to_owned()));
        }
        self.run(packet, LONGEST, false)
    }

    /// The packet before `following`, `length` frames long, from the copy inside `following` (RFC 6716 section 2.1.7);
    /// extrapolated if there is none.
    pub(crate) fn recover(&mut self, following: &[u8], length: usize) -> Result<&[f32], AudioError> {
        self.run(following, length, true)
    }

    /// `length` frames (a multiple of [`SHORTEST`]) extrapolated from what was decoded last.
    pub(crate) fn conceal(&mut self, length: usize) -> Result<&[f32], AudioError> {
        self.run(&[], length, false)
    }

    pub(crate) fn reset(&mut self) {
        // Only fails for unknown requests, which this one is not.
        let _ = self.decoder.reset_state();
    }

    fn run(&mut self, packet: &[u8], length: usize, fec: bool) -> Result<&[f32], AudioError> {
        let room = length.clamp(SHORTEST, LONGEST) * self.channels;
        let sound = self.sound.get_mut(..room).unwrap_or_default();
        let frames = self.decoder.decode_float(packet, sound, fec)?;
        Ok(self.sound.get(..frames * self.channels).unwrap_or_default())
    }
}

/// Whether packets of this mode can carry a copy of their predecessor: SILK and hybrid ones, configurations 0 to 15
/// (RFC 6716 section 3.1).
pub(crate) fn may_carry_copy(packet: &[u8]) -> bool {
    packet.first().is_some_and(|first| first >> 3 < 16)
}

/// Discontinuous transmission: a packet of at most two bytes says "nothing to hear" (RFC 6716 section 2.1.9).
pub(crate) fn is_dtx(packet: &[u8]) -> bool {
    packet.len() <= 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_layouts_are_refused() {
        let good = AudioFormat::stereo();
        assert!(OpusStream::new(&good).is_ok());
        for bad in [
            AudioFormat { channels: 0, mapping: vec![], ..good.clone() },
            AudioFormat { channels: 9, mapping: vec![0; 9], ..good.clone() },
            AudioFormat { channels: 2, mapping: vec![0], ..good.clone() },
            AudioFormat { mapping: vec![0, 2], ..good.clone() },
            AudioFormat { streams: 0, coupled: 0, ..good.clone() },
            AudioFormat { coupled: 2, ..good.clone() },
        ] {
            assert!(matches!(OpusStream::new(&bad), Err(AudioError::Layout(_))), "{bad:?}");
        }
    }

    #[test]
    fn surround_is_decoded_to_its_channels() {
        let format = AudioFormat { channels: 6, streams: 4, coupled: 2, mapping: vec![0, 4, 1, 2, 3, 5] };
        let mut encoder = opus::MSEncoder::new(RATE, 4, 2, &[0, 4, 1, 2, 3, 5], opus::Application::Audio).unwrap();
        let mut stream = OpusStream::new(&format).unwrap();
        let mut loudness = [0.0f32; 6];
        for block in 0..20 {
            let sound: Vec<f32> = (0..480 * 6)
                .map(|at| match at % 6 {
                    // The centre speaks alone.
                    1 => ((block * 480 + at / 6) as f32 * 0.06).sin() * 0.5,
                    _ => 0.0,
                })
                .collect();
            let packet = encoder.encode_vec_float(&sound, 4000).unwrap();
            assert_eq!(OpusStream::length(&packet), Some(480));
            for frame in stream.decode(&packet).unwrap().chunks(6) {
                for (loud, sample) in loudness.iter_mut().zip(frame) {
                    *loud = loud.max(sample.abs());
                }
            }
        }
        assert!(loudness[1] > 0.4, "{loudness:?}");
        assert!(loudness[0] < 0.1 && loudness[5] < 0.1, "{loudness:?}");
    }
}
