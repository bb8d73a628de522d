//! A host, a network and a sound device in virtual time.

use std::time::{Duration, Instant};

use bytes::Bytes;
use entente_audio::{AudioStats, Feeder, PlayoutConfig, Puller, playout};
use entente_model::media::{AudioFormat, AudioPacket};

pub(crate) const TONE: f64 = 440.0;

/// xorshift64*, seeded: the same run every time.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    /// 0 ..= 1.
    pub(crate) fn unit(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// How the host encodes.
#[derive(Clone, Copy)]
pub(crate) struct Host {
    /// Packet length in frames of 1/48000 s.
    pub(crate) frames: usize,
    /// Voice with copies for error correction, instead of music.
    pub(crate) fec: bool,
}

pub(crate) const MUSIC: Host = Host { frames: 480, fec: false };

/// A steady stereo tone of half amplitude; packets repeat every second after the first, where the tone does too.
pub(crate) fn tone(host: Host, packets: usize) -> Vec<Bytes> {
    let application = if host.fec { opus::Application::Voip } else { opus::Application::Audio };
    let mut encoder = opus::Encoder::new(48_000, opus::Channels::Stereo, application).unwrap();
    encoder.set_complexity(4).unwrap();
    if host.fec {
        encoder.set_bitrate(opus::Bitrate::Bits(32_000)).unwrap();
        encoder.set_inband_fec(true).unwrap();
        encoder.set_packet_loss_perc(20).unwrap();
    } else {
        encoder.set_bitrate(opus::Bitrate::Bits(128_000)).unwrap();
    }
    // Whole packets in whole seconds.
    let second = (1..=10).map(|n| n * 48_000 / host.frames).find(|n| (n * host.frames).is_multiple_of(48_000)).unwrap();
    let mut out: Vec<Bytes> = Vec::new();
    for number in 0..packets.min(2 * second) {
        let sound: Vec<f32> = (0..host.frames)
            .flat_map(|at| {
                let phase = (number * host.frames + at) as f64 / 48_000.0 * TONE * std::f64::consts::TAU;
                [(phase.sin() * 0.5) as f32; 2]
            })
            .collect();
        out.push(encoder.encode_vec_float(&sound, 4000).unwrap().into());
    }
    while out.len() < packets {
        out.push(out[out.len() - second].clone());
    }
    out
}

pub(crate) struct Device {
    pub(crate) rate: u32,
    pub(crate) period: u32,
    /// Parts per million that its clock is fast.
    pub(crate) drift: f64,
}

pub(crate) const DEVICE: Device = Device { rate: 48_000, period: 480, drift: 0.0 };

/// Result of a run.
pub(crate) struct Played {
    pub(crate) stats: AudioStats,
    /// Left channel of everything that the device got.
    pub(crate) sound: Vec<f32>,
    /// Depth in ms at each pull while playing, with its time in s.
    pub(crate) depth: Vec<(f64, f64)>,
}

impl Played {
    pub(crate) fn depth_between(&self, from: f64, to: f64) -> Vec<f64> {
        self.depth.iter().filter(|(at, _)| (from..to).contains(at)).map(|(_, depth)| *depth).collect()
    }

    /// The largest difference between two samples next to each other.
    pub(crate) fn largest_step(&self) -> f32 {
        self.sound.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max)
    }

    /// The longest run of near-silence after the first sound, in ms at 48 kHz.
    pub(crate) fn longest_silence(&self) -> f64 {
        let (mut longest, mut run) = (0, 0);
        for sample in self.sound.iter().skip_while(|sample| sample.abs() < 0.01) {
            run = if sample.abs() < 0.001 { run + 1 } else { 0 };
            longest = longest.max(run);
        }
        longest as f64 / 48.0
    }
}

pub(crate) fn packet(sequence: u64, rtp_time: u64, data: Bytes, arrived: Instant) -> AudioPacket {
    AudioPacket { sequence, rtp_time, data, arrived }
}

/// Plays `arrivals` (seconds from the start, packet; any order) for `seconds`.
pub(crate) fn play(arrivals: Vec<(f64, u64, u64, Bytes)>, device: &Device, seconds: f64) -> Played {
    let start = Instant::now();
    let config = PlayoutConfig { rate: device.rate, channels: 2, period: device.period, format: AudioFormat::stereo() };
    let (feeder, puller) = playout(&config, start).unwrap();
    run(feeder, puller, start, arrivals, device, seconds)
}

fn run(
    mut feeder: Feeder,
    mut puller: Puller,
    start: Instant,
    mut arrivals: Vec<(f64, u64, u64, Bytes)>,
    device: &Device,
    seconds: f64,
) -> Played {
    arrivals.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut arrivals = arrivals.into_iter().peekable();
    let pull_every = f64::from(device.period) / f64::from(device.rate) / (1.0 + device.drift * 1e-6);
    let at = |time: f64| start + Duration::from_secs_f64(time);
    // The device runs at its own phase.
    let (mut pulls, mut due) = (0u64, f64::INFINITY);
    let mut out = vec![0.0; device.period as usize * 2];
    let mut played = Played { stats: AudioStats::default(), sound: Vec::new(), depth: Vec::new() };
    loop {
        let pull = 0.0037 + pulls as f64 * pull_every;
        let arrival = arrivals.peek().map_or(f64::INFINITY, |next| next.0);
        let time = pull.min(arrival).min(due);
        if time >= seconds {
            break;
        }
        if arrival <= time {
            let (_, sequence, rtp_time, data) = arrivals.next().unwrap();
            feeder.push(packet(sequence, rtp_time, data, at(time)), at(time));
        }
        if pull <= time {
            puller.pull(&mut out, at(time));
            pulls += 1;
            played.sound.extend(out.chunks(2).map(|frame| frame[0]));
            let depth = feeder.stats().buffer_ms;
            if depth > 0.0 {
                played.depth.push((time, depth));
            }
        }
        let next = feeder.advance(at(time)).map_or(f64::INFINITY, |due| (due - start).as_secs_f64());
        // A deadline that does not move on would hang virtual time, as it would spin a thread.
        due = if next > time { next } else { time + 1e-4 };
    }
    played.stats = feeder.stats();
    played
}

/// Packets of a tone, each sent on time and `delay` seconds under way; `None` is lost.
pub(crate) fn stream(
    host: Host,
    seconds: f64,
    mut delay: impl FnMut(usize) -> Option<f64>,
) -> Vec<(f64, u64, u64, Bytes)> {
    let count = (seconds * 48_000.0 / host.frames as f64) as usize;
    tone(host, count)
        .into_iter()
        .enumerate()
        .filter_map(|(n, data)| {
            let sent = n as f64 * host.frames as f64 / 48_000.0;
            delay(n).map(|delay| (sent + delay, 1000 + n as u64, 77_000 + (n * host.frames) as u64, data))
        })
        .collect()
}

/// Amplitude of `frequency` in `sound` (48 kHz): the mean over pieces of 50 ms, since a tone whose speed is bent by
/// 0.5 % does not stay in phase for longer.
pub(crate) fn amplitude_at(sound: &[f32], frequency: f64) -> f64 {
    let step = std::f64::consts::TAU * frequency / 48_000.0;
    let pieces = sound.chunks_exact(2400);
    let count = pieces.len();
    let sum: f64 = pieces
        .map(|piece| {
            let (mut re, mut im) = (0.0, 0.0);
            for (n, sample) in piece.iter().enumerate() {
                re += f64::from(*sample) * (step * n as f64).cos();
                im += f64::from(*sample) * (step * n as f64).sin();
            }
            2.0 * (re * re + im * im).sqrt() / piece.len() as f64
        })
        .sum();
    sum / count as f64
}
