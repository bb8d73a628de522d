//! The encoded frames as they arrived, as an IVF file, written by a thread of its own so that the link never waits for a disk.
//!
//! IVF (the container of the VPx tools) keeps the borders between access units for every codec; ffmpeg and ffplay read it.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::thread::JoinHandle;

use crossbeam_channel::{Sender, bounded};
use entente_model::media::{EncodedFrame, VideoCodec};
use entente_model::time::MonoClock;

use crate::{EngineError, join_in_time};

/// Frames that may wait for the disk, half a second of 120; when full a frame is left out and said so.
const WAITING: usize = 64;

/// A recording; finished when dropped.
pub(crate) struct Recorder {
    frames: Option<Sender<EncodedFrame>>,
    thread: Option<JoinHandle<()>>,
}

impl Recorder {
    pub(crate) fn start(path: PathBuf, clock: MonoClock) -> Result<Self, EngineError> {
        let why = |why| EngineError::File { path: path.display().to_string(), why };
        let file = BufWriter::new(File::create(&path).map_err(why)?);
        let (frames, waiting) = bounded::<EncodedFrame>(WAITING);
        let thread = std::thread::Builder::new().name(String::from("record")).spawn(move || {
            let mut ivf = Ivf { file, codec: None };
            for frame in waiting {
                if let Err(error) = ivf.add(&frame, &clock) {
                    tracing::warn!(path = %path.display(), %error, "the recording ends here");
                    return;
                }
            }
            if let Err(error) = ivf.file.flush() {
                tracing::warn!(path = %path.display(), %error, "the end of the recording is missing");
            }
        })?;
        Ok(Self { frames: Some(frames), thread: Some(thread) })
    }

    /// Takes a copy of the frame's handle, not of its bytes.
    pub(crate) fn offer(&self, frame: &EncodedFrame) {
        if let Some(frames) = &self.frames
            && let Err(crossbeam_channel::TrySendError::Full(frame)) = frames.try_send(frame.clone())
        {
            tracing::warn!(frame = frame.id, "the disk is behind; a frame is missing in the recording");
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        drop(self.frames.take());
        if let Some(thread) = self.thread.take() {
            let _ = join_in_time(thread);
        }
    }
}

struct Ivf<W> {
    file: W,
    /// Of the header; unknown before the first frame.
    codec: Option<VideoCodec>,
}

impl<W: Write> Ivf<W> {
    fn add(&mut self, frame: &EncodedFrame, clock: &MonoClock) -> std::io::Result<()> {
        match self.codec {
            None => self.header(frame.codec)?,
            Some(codec) if codec != frame.codec => {
                return Err(std::io::Error::other(format!("the codec changes to {}", frame.codec.name())));
            }
            Some(_) => {}
        }
        let size = u32::try_from(frame.data.len()).map_err(std::io::Error::other)?;
        self.file.write_all(&size.to_le_bytes())?;
        self.file.write_all(&clock.micros(frame.last_packet).to_le_bytes())?;
        self.file.write_all(&frame.data)
    }

    fn header(&mut self, codec: VideoCodec) -> std::io::Result<()> {
        self.codec = Some(codec);
        let fourcc = match codec {
            VideoCodec::H264 => b"H264",
            VideoCodec::Hevc => b"HEVC",
            VideoCodec::Vp8 => b"VP80",
            VideoCodec::Vp9 => b"VP90",
            VideoCodec::Av1 => b"AV01",
        };
        self.file.write_all(b"DKIF\0\0\x20\0")?;
        self.file.write_all(fourcc)?;
        // Width and height are in the stream and may change; stamps are in 1/1000000 s; the number of frames is open.
        self.file.write_all(&[0; 4])?;
        self.file.write_all(&1_000_000_u32.to_le_bytes())?;
        self.file.write_all(&1_u32.to_le_bytes())?;
        self.file.write_all(&[0; 8])
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn frame(codec: VideoCodec, at: Instant, data: &'static [u8]) -> EncodedFrame {
        EncodedFrame {
            id: 0,
            codec,
            data: bytes::Bytes::from_static(data),
            rtp_time: 0,
            key: true,
            color: None,
            after_gap: false,
            first_packet: at,
            last_packet: at,
            assembled: at,
        }
    }

    #[test]
    fn a_file_has_the_layout_that_players_read() {
        let at = Instant::now();
        let clock = MonoClock::new(at, 1000);
        let mut ivf = Ivf { file: Vec::new(), codec: None };
        ivf.add(&frame(VideoCodec::Vp8, at, b"one"), &clock).unwrap();
        ivf.add(&frame(VideoCodec::Vp8, at + Duration::from_millis(16), b"three"), &clock).unwrap();
        assert_eq!(&ivf.file[..12], b"DKIF\0\0\x20\0VP80");
        assert_eq!(&ivf.file[16..24], [0x40, 0x42, 0x0f, 0, 1, 0, 0, 0]);
        let frames = &ivf.file[32..];
        assert_eq!(&frames[..15], [&[3, 0, 0, 0, 0xe8, 3, 0, 0, 0, 0, 0, 0], &b"one"[..]].concat());
        assert_eq!(&frames[15..23], [5, 0, 0, 0, 0x68, 0x42, 0, 0]);
        assert!(ivf.add(&frame(VideoCodec::H264, at, b"x"), &clock).is_err());
    }
}
