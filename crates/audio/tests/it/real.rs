//! The real thread with the silent output, in real time.
#![allow(clippy::disallowed_methods)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use entente_audio::{AudioConfig, AudioPlayer, DeviceChoice, list_devices};
use entente_model::media::AudioFormat;

use crate::sim::{MUSIC, amplitude_at, packet, tone};

/// Sends a tone in real time and returns the depth in the middle of it, in ms.
fn send(player: &AudioPlayer, seconds: f64) -> f64 {
    let start = Instant::now();
    let count = (seconds * 100.0) as usize;
    let mut depth = 0.0;
    for (n, data) in tone(MUSIC, count).into_iter().enumerate() {
        let due = start + Duration::from_millis(10 * n as u64);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        player.push(packet(n as u64, n as u64 * 480, data, Instant::now()));
        if n == count / 2 {
            depth = player.stats().buffer_ms;
        }
    }
    // Until the thread has taken the last one.
    std::thread::sleep(Duration::from_millis(60));
    depth
}

#[test]
fn without_a_device_the_wav_file_holds_the_tone() {
    let path = std::env::temp_dir().join(format!("entente-audio-{}.wav", std::process::id()));
    let woken = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&woken);
    let config = AudioConfig { device: DeviceChoice::Null, wav: Some(path.clone()), ..AudioConfig::default() };
    let player = AudioPlayer::start(config, move || {
        counter.fetch_add(1, Ordering::Relaxed);
    })
    .unwrap();
    let depth = send(&player, 1.5);
    assert_eq!(player.stats().packets, 150);
    assert!((5.0..200.0).contains(&depth), "{depth}");
    assert!(player.notice().unwrap().contains("silence"));
    assert_eq!(woken.load(Ordering::Relaxed), 1);
    player.stop();

    let mut wav = hound::WavReader::open(&path).unwrap();
    assert_eq!((wav.spec().sample_rate, wav.spec().channels, wav.spec().bits_per_sample), (48_000, 2, 16));
    let left: Vec<f32> = wav.samples::<i16>().step_by(2).map(|sample| f32::from(sample.unwrap()) / 32_767.0).collect();
    std::fs::remove_file(&path).unwrap();
    let first = left.iter().position(|sample| sample.abs() > 0.1).expect("sound");
    assert!(left.len() > first + 48_000, "{} frames, sound from {first}", left.len());
    let level = amplitude_at(&left[first + 4800..first + 4800 + 24_000], 440.0);
    assert!((level - 0.5).abs() < 0.05, "{level}");
    // The tone and hardly anything else.
    assert!(amplitude_at(&left[first + 4800..first + 4800 + 24_000], 880.0) < 0.01);
}

#[test]
fn volume_reaches_the_output() {
    let path = std::env::temp_dir().join(format!("entente-audio-volume-{}.wav", std::process::id()));
    let config =
        AudioConfig { device: DeviceChoice::Null, wav: Some(path.clone()), volume: 0.5, ..AudioConfig::default() };
    let player = AudioPlayer::start(config, || {}).unwrap();
    send(&player, 0.5);
    player.set_volume(0.0);
    send(&player, 0.4);
    player.stop();
    let left: Vec<f32> = hound::WavReader::open(&path)
        .unwrap()
        .samples::<i16>()
        .step_by(2)
        .map(|sample| f32::from(sample.unwrap()) / 32_767.0)
        .collect();
    std::fs::remove_file(&path).unwrap();
    let loudest = left.iter().fold(0.0f32, |loudest, sample| loudest.max(sample.abs()));
    assert!((0.2..0.3).contains(&loudest), "{loudest}");
    assert!(left[left.len() - 9600..].iter().all(|sample| sample.abs() < 0.001));
}

#[test]
fn a_default_device_or_silence_plays_and_says_so() {
    let devices = list_devices();
    println!("{} devices: {devices:?}", devices.len());
    let player = AudioPlayer::start(AudioConfig::default(), || {}).unwrap();
    send(&player, 0.3);
    let notice = player.notice().expect("a line about the device");
    println!("{notice}");
    if devices.is_empty() {
        println!("skipped the device itself: there is none");
    }
    assert_eq!(player.stats().packets, 30);
    player.set_volume(0.2);
    player.set_format(AudioFormat { channels: 0, ..AudioFormat::stereo() });
    send(&player, 0.1);
    let refused = player.notice().expect("a line about the layout");
    assert!(refused.contains("layout"), "{refused}");
}

#[test]
fn what_cannot_start_says_why() {
    let config = AudioConfig { wav: Some("/nonexistent/x.wav".into()), ..AudioConfig::default() };
    assert!(AudioPlayer::start(config, || {}).unwrap_err().to_string().contains("/nonexistent/x.wav"));
    let format = AudioFormat { mapping: vec![7, 7], ..AudioFormat::stereo() };
    assert!(AudioPlayer::start(AudioConfig { format, ..AudioConfig::default() }, || {}).is_err());
}
