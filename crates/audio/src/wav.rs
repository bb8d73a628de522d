//! What is played, as a 48 kHz stereo file.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use crate::AudioError;
use crate::resample::Resampler;
use crate::ring::Consumer;
use crate::stats::RATE;

/// Frames converted at once.
const BLOCK: usize = 960;

/// Writes played sound; the header is made right when it is dropped, and once a second before that.
pub(crate) struct WavTap {
    path: PathBuf,
    writer: Option<hound::WavWriter<BufWriter<File>>>,
    source: Option<(Consumer, Option<Resampler>)>,
    block: Vec<f32>,
    since_flush: usize,
}

impl std::fmt::Debug for WavTap {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("WavTap").field("path", &self.path).finish_non_exhaustive()
    }
}

impl WavTap {
    pub(crate) fn create(path: &Path) -> Result<Self, AudioError> {
        let spec = hound::WavSpec {
            channels: 2,
            sample_rate: RATE,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let writer = hound::WavWriter::create(path, spec).map_err(|error| fail(path, &error))?;
        Ok(Self {
            path: path.to_owned(),
            writer: Some(writer),
            source: None,
            block: vec![0.0; BLOCK * 2],
            since_flush: 0,
        })
    }

    /// Listens to another device from now on; `consumer` gives stereo at `rate`.
    pub(crate) fn listen(&mut self, consumer: Consumer, rate: u32) -> Result<(), AudioError> {
        let resampler = if rate == RATE { None } else { Some(Resampler::new(rate, RATE, 2, BLOCK)?) };
        self.source = Some((consumer, resampler));
        Ok(())
    }

    /// Writes what was played since the last call.
    pub(crate) fn drain(&mut self) -> Result<(), AudioError> {
        let (Some(writer), Some((consumer, resampler))) = (&mut self.writer, &mut self.source) else { return Ok(()) };
        let mut result = Ok(());
        while result.is_ok() {
            let read = consumer.read(&mut self.block);
            let sound = self.block.get(..read).unwrap_or_default();
            if sound.is_empty() {
                break;
            }
            let sound = match resampler {
                Some(resampler) => resampler.run(sound, 0.0),
                None => sound,
            };
            self.since_flush += sound.len();
            result = sound.iter().try_for_each(|sample| {
                writer.write_sample((sample.clamp(-1.0, 1.0) * f32::from(i16::MAX)).round() as i16)
            });
        }
        if result.is_ok() && self.since_flush > 2 * RATE as usize {
            self.since_flush = 0;
            result = writer.flush();
        }
        result.map_err(|error| {
            // Whatever is in the file so far stays; nothing more is written.
            self.writer = None;
            fail(&self.path, &error)
        })
    }
}

impl Drop for WavTap {
    fn drop(&mut self) {
        let _ = self.drain();
        if let Some(writer) = self.writer.take()
            && let Err(error) = writer.finalize()
        {
            tracing::warn!("{}", fail(&self.path, &error));
        }
    }
}

fn fail(path: &Path, error: &hound::Error) -> AudioError {
    AudioError::Wav { path: path.display().to_string(), why: error.to_string() }
}
