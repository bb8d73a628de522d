//! Sound devices of the platform.
#![allow(clippy::disallowed_methods, reason = "the device's callback reads the clock")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{BufferSize, ErrorKind, FromSample, SampleFormat, SizedSample, StreamConfig, SupportedBufferSize};

use crate::AudioError;
use crate::puller::Puller;
use crate::stats::RATE;

/// A sound device as offered to the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Name for people and for [`crate::DeviceChoice::Named`].
    pub name: String,
    /// Stable name of the platform, also accepted.
    pub id: String,
    /// The system's choice.
    pub default: bool,
}

/// Output devices of this machine; empty if there are none.
#[must_use]
pub fn list_devices() -> Vec<DeviceInfo> {
    let _quiet = quiet();
    let host = cpal::default_host();
    let default = host.default_output_device().map(|device| id_of(&device));
    let Ok(devices) = host.output_devices() else { return Vec::new() };
    devices
        .filter(|device| !discards(device))
        .map(|device| {
            let id = id_of(&device);
            DeviceInfo { name: device.to_string(), default: default.as_ref() == Some(&id), id }
        })
        .collect()
}

fn id_of(device: &cpal::Device) -> String {
    device.id().map(|id| id.to_string()).unwrap_or_default()
}

/// ALSA's `null` is no loudspeaker: it takes sound as fast as it is given.
fn discards(device: &cpal::Device) -> bool {
    let id = id_of(device);
    id.rsplit(':').next() == Some("null")
}

/// Keeps alsa-lib from printing on this thread as long as the value lives.
#[cfg(target_os = "linux")]
pub(crate) fn quiet() -> impl Sized {
    alsa::Output::local_error_handler().ok()
}

/// Other platforms do not print.
#[cfg(not(target_os = "linux"))]
pub(crate) fn quiet() -> impl Sized {}

/// What the device reports, for the thread that owns it.
#[derive(Debug, Default)]
pub(crate) struct Trouble {
    /// The stream is dead and has to be opened anew.
    pub(crate) lost: AtomicBool,
    /// Times that the device itself ran dry.
    pub(crate) xruns: AtomicU64,
}

/// A device and the format to open it with.
pub(crate) struct Plan {
    device: cpal::Device,
    pub(crate) name: String,
    pub(crate) rate: u32,
    pub(crate) channels: u16,
    format: SampleFormat,
    buffer: SupportedBufferSize,
}

/// A playing device.
pub(crate) struct DeviceOutput {
    _stream: cpal::Stream,
    pub(crate) period: Option<u32>,
}

impl Plan {
    /// Finds `name` (or the default device) and a format for it.
    pub(crate) fn find(name: Option<&str>) -> Result<Self, AudioError> {
        let _quiet = quiet();
        let host = cpal::default_host();
        let device = match name {
            None => host.default_output_device(),
            Some(name) => host
                .output_devices()
                .map_err(|error| AudioError::Device(error.to_string()))?
                .find(|device| device.to_string().eq_ignore_ascii_case(name) || id_of(device) == name),
        };
        let Some(device) = device.filter(|device| name.is_some() || !discards(device)) else {
            return Err(AudioError::Device(name.map_or("there is none".to_owned(), |name| format!("no {name:?}"))));
        };
        let name = device.to_string();
        let default = device.default_output_config();
        let ranges = device.supported_output_configs().map(Iterator::collect::<Vec<_>>).unwrap_or_default();
        // Stereo at 48 kHz in a plain format needs no conversion anywhere.
        let best = ranges
            .iter()
            .filter(|range| range.channels() == 2 && range.contains_rate(RATE))
            .filter_map(|range| Some((rank(range.sample_format())?, range)))
            .min_by_key(|(rank, _)| *rank)
            .map(|(_, range)| range.with_sample_rate(RATE));
        let config = match (best, default) {
            (Some(best), _) => best,
            (None, Ok(default)) => default,
            (None, Err(error)) => return Err(AudioError::Device(format!("{name}: {error}"))),
        };
        if rank(config.sample_format()).is_none() {
            return Err(AudioError::Device(format!("{name}: sample format {}", config.sample_format())));
        }
        Ok(Self {
            name,
            rate: config.sample_rate(),
            channels: config.channels(),
            format: config.sample_format(),
            buffer: *config.buffer_size(),
            device,
        })
    }

    /// Buffer sizes to try, smallest sane one first.
    fn buffers(&self) -> Vec<BufferSize> {
        let mut sizes = Vec::new();
        if let SupportedBufferSize::Range { min, max } = self.buffer {
            for milliseconds in [5, 10, 20] {
                let size = (self.rate * milliseconds / 1000).clamp(min, max.max(min));
                let size = BufferSize::Fixed(size);
                if !sizes.contains(&size) {
                    sizes.push(size);
                }
            }
        }
        sizes.push(BufferSize::Default);
        sizes
    }

    /// Opens the device. `make` is called once for each buffer size tried.
    pub(crate) fn open(
        &self,
        trouble: &Arc<Trouble>,
        wake: &std::thread::Thread,
        make: &mut dyn FnMut(u32) -> Result<Puller, AudioError>,
    ) -> Result<DeviceOutput, AudioError> {
        let _quiet = quiet();
        let mut last = AudioError::Device("no format".to_owned());
        for buffer_size in self.buffers() {
            let period = match buffer_size {
                BufferSize::Fixed(size) => size,
                BufferSize::Default => self.rate / 50,
            };
            let puller = make(period)?;
            let config = StreamConfig { channels: self.channels, sample_rate: self.rate, buffer_size };
            match self.build(config, puller, trouble, wake) {
                Ok(stream) => match stream.play() {
                    Ok(()) => return Ok(DeviceOutput { _stream: stream, period: Some(period) }),
                    Err(error) => last = AudioError::Device(format!("{}: {error}", self.name)),
                },
                Err(error) => last = AudioError::Device(format!("{}: {error}", self.name)),
            }
        }
        Err(last)
    }

    fn build(
        &self,
        config: StreamConfig,
        puller: Puller,
        trouble: &Arc<Trouble>,
        wake: &std::thread::Thread,
    ) -> Result<cpal::Stream, cpal::Error> {
        let (trouble, wake) = (Arc::clone(trouble), wake.clone());
        let on_error = move |error: cpal::Error| match error.kind() {
            // Sound goes on, on another device or with less priority.
            ErrorKind::DeviceChanged | ErrorKind::RealtimeDenied => {}
            ErrorKind::Xrun => {
                trouble.xruns.fetch_add(1, Ordering::Relaxed);
            }
            _ => {
                trouble.lost.store(true, Ordering::Release);
                wake.unpark();
            }
        };
        match self.format {
            SampleFormat::F32 => stream::<f32>(&self.device, config, puller, on_error),
            SampleFormat::I16 => stream::<i16>(&self.device, config, puller, on_error),
            SampleFormat::I32 => stream::<i32>(&self.device, config, puller, on_error),
            SampleFormat::U16 => stream::<u16>(&self.device, config, puller, on_error),
            _ => stream::<u8>(&self.device, config, puller, on_error),
        }
    }
}

/// Formats that can be written, best first.
fn rank(format: SampleFormat) -> Option<u8> {
    match format {
        SampleFormat::F32 => Some(0),
        SampleFormat::I16 => Some(1),
        SampleFormat::I32 => Some(2),
        SampleFormat::U16 => Some(3),
        SampleFormat::U8 => Some(4),
        _ => None,
    }
}

/// Frames mixed at once in the callback.
const BLOCK: usize = 512;

fn stream<T: SizedSample + FromSample<f32>>(
    device: &cpal::Device,
    config: StreamConfig,
    mut puller: Puller,
    on_error: impl FnMut(cpal::Error) + Send + 'static,
) -> Result<cpal::Stream, cpal::Error> {
    let channels = usize::from(config.channels).max(1);
    let mixed = puller.channels();
    let mut room = vec![0.0f32; BLOCK * mixed];
    let callback = move |out: &mut [T], info: &cpal::OutputCallbackInfo| {
        let now = Instant::now();
        let times = info.timestamp();
        let latency = times.playback.saturating_duration_since(times.callback);
        puller.note_device(latency, out.len() / channels, now);
        // Only the first call finds it empty.
        let _ = puller.gate.counters.first_played.set(now + latency);
        for part in out.chunks_mut(BLOCK * channels) {
            let frames = part.len() / channels;
            let Some(sound) = room.get_mut(..frames * mixed) else { continue };
            puller.pull_part(sound);
            for (target, source) in part.chunks_mut(channels).zip(sound.chunks(mixed)) {
                for (index, sample) in target.iter_mut().enumerate() {
                    *sample = T::from_sample(source.get(index).copied().unwrap_or(0.0));
                }
            }
        }
    };
    device.build_output_stream(config, callback, on_error, None)
}
