//! Rate conversion with a ratio that follows the clocks.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{
    Adjustable, Async, FixedAsync, Resampler as _, Resizable, SincInterpolationParameters, SincInterpolationType,
    WindowFunction,
};

use crate::AudioError;
use crate::stats::RATE;

/// The most that the speed is bent: 0.5 %, a twelfth of a semitone.
pub(crate) const MAX_BEND: f64 = 0.005;

/// Taps of the filter; its delay is half of that, 0.67 ms at 48 kHz.
const TAPS: usize = 64;

/// Converts interleaved blocks of any length up to the given one.
pub(crate) struct Resampler {
    inner: Async<f32>,
    channels: usize,
    longest: usize,
    out: Vec<f32>,
}

impl std::fmt::Debug for Resampler {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Resampler").field("channels", &self.channels).field("longest", &self.longest).finish()
    }
}

impl Resampler {
    /// From `from` to `to` Hz, blocks of up to `longest` frames.
    pub(crate) fn new(from: u32, to: u32, channels: usize, longest: usize) -> Result<Self, AudioError> {
        let fail = |why: String| AudioError::Resampler { rate: to, why };
        if from == 0 || to == 0 {
            return Err(fail("rate is zero".to_owned()));
        }
        let filter = SincInterpolationParameters::new(TAPS, WindowFunction::Blackman2)
            .interpolation(SincInterpolationType::Linear)
            .oversampling_factor(256);
        let ratio = f64::from(to) / f64::from(from);
        let bound = 1.0 + 2.0 * MAX_BEND;
        let inner = Async::new_sinc(ratio, bound, &filter, longest, channels, FixedAsync::Input)
            .map_err(|error| fail(error.to_string()))?;
        let room = inner.output_frames_max() + 16;
        Ok(Self { inner, channels, longest, out: vec![0.0; room * channels] })
    }

    /// Delay of the filter in seconds.
    pub(crate) fn delay() -> f64 {
        TAPS as f64 / 2.0 / f64::from(RATE)
    }

    /// Converts `input`. `bend` above 0 plays faster (less comes out), at most [`MAX_BEND`] either way.
    pub(crate) fn run(&mut self, input: &[f32], bend: f64) -> &[f32] {
        let frames = (input.len() / self.channels.max(1)).min(self.longest);
        if frames == 0 {
            return &[];
        }
        let bend = bend.clamp(-MAX_BEND, MAX_BEND);
        let done = self.convert(input, frames, 1.0 - bend);
        self.out.get(..done * self.channels).unwrap_or_default()
    }

    /// Frames written; 0 if the library refuses, which it has no reason to.
    fn convert(&mut self, input: &[f32], frames: usize, relative: f64) -> usize {
        if self.inner.set_chunk_size(frames).is_err() || self.inner.set_resample_ratio_relative(relative, true).is_err()
        {
            return 0;
        }
        let room = self.out.len() / self.channels.max(1);
        let (Ok(from), Ok(mut to)) = (
            InterleavedSlice::new(input, self.channels, frames),
            InterleavedSlice::new_mut(&mut self.out, self.channels, room),
        ) else {
            return 0;
        };
        self.inner.process_into_buffer(&from, &mut to, None).map_or(0, |(_, written)| written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(frames: usize, start: usize) -> Vec<f32> {
        (start..start + frames).flat_map(|at| [(at as f32 * 0.05).sin() * 0.5; 2]).collect()
    }

    #[test]
    fn blocks_of_any_length_join_without_a_seam() {
        let mut resampler = Resampler::new(RATE, RATE, 2, 5760).unwrap();
        let mut out = Vec::new();
        let mut at = 0;
        for (turn, frames) in [480, 120, 2880, 5760, 240, 960, 7, 480].into_iter().cycle().take(80).enumerate() {
            let bend = if turn % 2 == 0 { MAX_BEND } else { -MAX_BEND };
            out.extend_from_slice(resampler.run(&sine(frames, at), bend));
            at += frames;
        }
        assert!((out.len() / 2).abs_diff(at) < at / 100);
        let steps = out.chunks(2).map(|frame| frame[0]).collect::<Vec<_>>();
        let largest = steps[200..].windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
        assert!(largest < 0.5 * 0.05 * 1.08, "{largest}");
        assert!(steps.iter().skip(200).fold(0.0f32, |peak, sample| peak.max(sample.abs())) > 0.49);
    }

    #[test]
    fn a_bend_shortens_or_stretches() {
        for (bend, expected) in [(MAX_BEND, 47_760), (0.0, 48_000), (-MAX_BEND, 48_240)] {
            let mut resampler = Resampler::new(RATE, RATE, 2, 480).unwrap();
            let total: usize = (0..100).map(|turn| resampler.run(&sine(480, turn * 480), bend).len() / 2).sum();
            assert!(total.abs_diff(expected) < 80, "{bend}: {total}");
        }
    }

    #[test]
    fn other_device_rates() {
        let mut resampler = Resampler::new(RATE, 44_100, 2, 480).unwrap();
        let total: usize = (0..100).map(|turn| resampler.run(&sine(480, turn * 480), 0.0).len() / 2).sum();
        assert!(total.abs_diff(44_100) < 80, "{total}");
    }
}
