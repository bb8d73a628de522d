//! The floor: libavcodec alone on the frames that our player received, at the instants at which it received them.

use std::time::{Duration, Instant};

use ffmpeg_next as ffmpeg;

use crate::figures::Values;
use crate::ivf::Frame;

/// Threads of the software decoder; what the player uses on as many cores.
fn threads() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from).min(4)
}

/// What bare decoding cost.
#[derive(Debug, Default)]
pub(crate) struct Bare {
    /// Packet in to picture out, milliseconds.
    pub(crate) decode_ms: Values,
    /// Processor milliseconds of the run, all threads of the decoder.
    pub(crate) cpu_ms: f64,
}

/// Decodes `frames`, those within `from..to` (microseconds of their stamps) counting. `paced`: each at the time it came at,
/// so that caches and the processor's clock are as they are in a game; otherwise one after the other.
///
/// # Errors
/// When libavcodec lacks the decoder or refuses a frame.
pub(crate) fn decode(frames: &[Frame], (from, to): (u64, u64), paced: bool) -> Result<Bare, String> {
    ffmpeg::init().map_err(|error| error.to_string())?;
    ffmpeg::log::set_level(ffmpeg::log::Level::Fatal);
    let codec = ffmpeg::decoder::find(ffmpeg::codec::Id::H264).ok_or("libavcodec has no H.264 decoder")?;
    let mut context = ffmpeg::codec::Context::new_with_codec(codec);
    context.set_flags(ffmpeg::codec::Flags::LOW_DELAY);
    context.set_threading(ffmpeg::threading::Config {
        kind: ffmpeg::threading::Type::Slice,
        count: threads(),
        ..ffmpeg::threading::Config::default()
    });
    let mut decoder = context.decoder().video().map_err(|error| format!("the decoder does not open: {error}"))?;
    let mut picture = ffmpeg::frame::Video::empty();
    let mut bare = Bare::default();
    // Frames before the window build up the references; only their last second keeps its pace.
    let first_paced = from.saturating_sub(1_000_000);
    let mut origin: Option<(Instant, u64)> = None;
    let mut before = None;
    for frame in frames.iter().take_while(|frame| frame.micros < to) {
        if paced && frame.micros >= first_paced {
            let (start, micros) = *origin.get_or_insert_with(|| (Instant::now(), frame.micros));
            let due = start + Duration::from_micros(frame.micros.saturating_sub(micros));
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        let counts = frame.micros >= from;
        if counts && before.is_none() {
            before = Some(process_cpu());
        }
        let packet = ffmpeg::Packet::copy(&frame.data);
        let start = Instant::now();
        decoder.send_packet(&packet).map_err(|error| format!("a frame is refused: {error}"))?;
        decoder.receive_frame(&mut picture).map_err(|error| format!("a frame gives no picture: {error}"))?;
        if counts {
            bare.decode_ms.add(start.elapsed().as_secs_f64() * 1000.0);
        }
    }
    let before = before.ok_or("no frame of the recording lies in the measured time")?;
    bare.cpu_ms = process_cpu().saturating_sub(before).as_secs_f64() * 1000.0;
    Ok(bare)
}

/// Processor time of this process, which does nothing else meanwhile.
fn process_cpu() -> Duration {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(used.tv_sec.unsigned_abs(), u32::try_from(used.tv_nsec).unwrap_or(0))
}
