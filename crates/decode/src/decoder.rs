//! The decoder: which backend runs, which frame a picture came from, and what to do when a backend fails.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use entente_model::media::{ColorHint, EncodedFrame, VideoCodec};
use entente_model::picture::{FrameTimes, Picture, PictureMemory, PixelLayout, Plane};

use crate::format::{color_of, layout_of, nearest, stated};
use crate::hardware::{Candidate, candidates};
use crate::libav::{Codec, Context, Converter, Downloads, Frame, HardwareDevice, Options, Sent};
use crate::{DecodeError, HardwareChoice, probe};

/// Frames that a decoder may hold before the oldest is given up; H.264's largest reorder depth is 16.
const PENDING: usize = 32;

/// After so many refused frames in a row a hardware decoder is given up for software.
const HARDWARE_STRIKES: u32 = 3;

/// What to open.
#[derive(Clone, Debug)]
pub struct DecoderConfig {
    /// Codec of the stream.
    pub codec: VideoCodec,
    /// Whether hardware may decode.
    pub hardware: HardwareChoice,
    /// Threads for software decoding; 0 means as many as the machine has cores, up to 4.
    pub threads: usize,
}

impl DecoderConfig {
    /// The defaults for `codec`.
    #[must_use]
    pub const fn new(codec: VideoCodec) -> Self {
        Self { codec, hardware: HardwareChoice::Auto, threads: 0 }
    }
}

/// A picture out of the decoder.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// The picture.
    pub picture: Picture,
    /// The decoder knows that some samples are wrong (missing reference, concealed or broken slices).
    pub corrupt: bool,
}

/// A video decoder for one codec.
#[derive(Debug)]
pub struct Decoder {
    config: DecoderConfig,
    threads: usize,
    context: Context,
    name: String,
    hardware: Option<HardwareState>,
    untried: VecDeque<Candidate>,
    failed: Vec<String>,
    needs_key: bool,
    notice: Option<String>,
    pending: VecDeque<Pending>,
    serial: i64,
    /// The newest word of the transport about colour.
    color: Option<ColorHint>,
    downloads: Downloads,
    converter: Converter,
}

#[derive(Debug)]
struct HardwareState {
    kind: String,
    /// At least one picture came out of it.
    proven: bool,
    strikes: u32,
}

#[derive(Clone, Copy, Debug)]
struct Pending {
    serial: i64,
    frame: u64,
    times: FrameTimes,
}

impl Decoder {
    /// Opens a decoder. The text says in one line which one and why.
    ///
    /// A hardware decoder is taken if its device opens and decodes a test frame right; whether it takes the stream (its
    /// profile and size) shows at the first key frame. If it does not, the next candidate and at last software are opened
    /// in its place (see [`Self::take_notice`]).
    ///
    /// # Errors
    /// [`DecodeError::Unavailable`] if the build has no software decoder either, [`DecodeError::UnknownHardware`] for
    /// names that do not exist.
    pub fn open(config: DecoderConfig) -> Result<(Self, String), DecodeError> {
        let threads = match config.threads {
            0 => std::thread::available_parallelism().map_or(2, usize::from).min(4),
            wanted => wanted,
        };
        let mut untried: VecDeque<_> = candidates(&config.hardware)?.into();
        let mut failed = Vec::new();
        let (context, name, hardware) = open_next(config.codec, threads, &mut untried, &mut failed)?;
        let mut this = Self {
            config,
            threads,
            context,
            name,
            hardware,
            untried,
            failed,
            needs_key: false,
            notice: None,
            pending: VecDeque::with_capacity(PENDING),
            serial: 0,
            color: None,
            downloads: Downloads::default(),
            converter: Converter::default(),
        };
        if this.hardware.is_none() && !this.failed.is_empty() {
            this.notice = Some(this.short());
        }
        let line = this.line();
        Ok((this, line))
    }

    /// Library decoder and where it runs, for example `h264 (software)` or `hevc (vaapi)`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Codec that it was opened for.
    #[must_use]
    pub const fn codec(&self) -> VideoCodec {
        self.config.codec
    }

    /// Frames given whose picture has not come out; 0 after each frame of a low-delay stream.
    #[must_use]
    pub fn held(&self) -> usize {
        self.pending.len()
    }

    /// Why this decoder and no other.
    #[must_use]
    pub fn why(&self) -> String {
        match (&self.config.hardware, self.failed.is_empty()) {
            (_, false) if self.hardware.is_some() => format!("others do not work: {}", self.failed.join("; ")),
            (_, false) => format!("no hardware decoder works: {}", self.failed.join("; ")),
            (HardwareChoice::Never, true) => "hardware is switched off".to_owned(),
            (HardwareChoice::Named(_), true) => "as asked".to_owned(),
            (HardwareChoice::Auto, true) => "first of the platform".to_owned(),
        }
    }

    /// A line for the user since the last call: the decoder is not the first choice, or was replaced, and why.
    pub fn take_notice(&mut self) -> Option<String> {
        self.notice.take()
    }

    /// Decodes one frame. Each picture that comes out goes to `out`: one for most frames, none for a frame that is not
    /// to be shown. `now` is read once per picture, after its samples are complete.
    ///
    /// # Errors
    /// The frame was refused, or a key frame is needed first ([`DecodeError::wants_key`]). The decoder stays usable.
    pub fn decode(
        &mut self,
        frame: &EncodedFrame,
        decode_in: Instant,
        now: &mut dyn FnMut() -> Instant,
        out: &mut dyn FnMut(Decoded),
    ) -> Result<(), DecodeError> {
        if frame.codec != self.config.codec {
            return Err(DecodeError::WrongCodec { frame: frame.id, got: frame.codec, want: self.config.codec });
        }
        loop {
            if self.needs_key && !frame.key {
                return Err(DecodeError::NeedsKey { frame: frame.id });
            }
            match self.attempt(frame, decode_in, now, out) {
                Ok(()) => {
                    self.needs_key = false;
                    return Ok(());
                }
                Err(why) if self.hardware_is_lost(frame.key) => self.replace(&why)?,
                Err(why) => return Err(DecodeError::Rejected { frame: frame.id, why }),
            }
        }
    }

    /// Forgets references and held frames; continue with a key frame.
    pub fn reset(&mut self) {
        self.context.flush();
        self.pending.clear();
    }

    fn attempt(
        &mut self,
        frame: &EncodedFrame,
        decode_in: Instant,
        now: &mut dyn FnMut() -> Instant,
        out: &mut dyn FnMut(Decoded),
    ) -> Result<(), String> {
        let serial = self.remember(frame, decode_in);
        self.color = frame.color.or(self.color);
        let sent = match self.context.send(&frame.data, serial, frame.key) {
            Ok(Sent::Full) => {
                self.drain(now, out)?;
                self.context.send(&frame.data, serial, frame.key)
            }
            other => other,
        };
        let drained = self.drain(now, out);
        let result = match sent {
            Ok(Sent::Taken) => drained,
            Ok(Sent::Full) => Err("the decoder takes no more frames".to_owned()),
            Err(code) => Err(code.to_string()),
        };
        if result.is_err() {
            self.pending.retain(|entry| entry.serial != serial);
        }
        result
    }

    fn drain(&mut self, now: &mut dyn FnMut() -> Instant, out: &mut dyn FnMut(Decoded)) -> Result<(), String> {
        let mut first_error = None;
        // A decoder gives a bounded number of pictures per packet; the bound here only stops a broken one.
        for _ in 0..PENDING {
            match self.context.receive() {
                Ok(Some(frame)) => match self.finish(frame, now) {
                    Ok(decoded) => out(decoded),
                    Err(why) => first_error = first_error.or(Some(why)),
                },
                Ok(None) => break,
                Err(code) => first_error = first_error.or(Some(code.to_string())),
            }
        }
        first_error.map_or(Ok(()), Err)
    }

    /// Makes a picture of what the library gave.
    fn finish(&mut self, frame: Frame, now: &mut dyn FnMut() -> Instant) -> Result<Decoded, String> {
        let source = self.match_pending(frame.pts());
        let mut frame = frame;
        if let Some(hardware) = &mut self.hardware {
            if !frame.on_hardware() {
                return Err(format!("{} does not take this stream", hardware.kind));
            }
            frame = self.downloads.fetch(&frame).map_err(|code| format!("copy from {}: {code}", hardware.kind))?;
            hardware.proven = true;
            hardware.strikes = 0;
        }
        let (layout, format_full) = match layout_of(frame.format()) {
            Some(known) => known,
            None => {
                let shape = frame.shape().ok_or_else(|| format!("unknown sample format {}", frame.format()))?;
                let (to, layout) = nearest(shape);
                frame = self.converter.convert(&frame, to, shape.rgb).map_err(|code| format!("conversion: {code}"))?;
                (layout, false)
            }
        };
        let (matrix, range, transfer) = stated(self.config.codec, frame.color_codes(), self.color);
        let (width, height) = frame.size();
        let corrupt = frame.corrupt();
        let memory = FrameMemory { frame, layout };
        if (0..layout.planes()).any(|index| memory.plane(index).is_none()) {
            return Err("planes do not fit their buffers".to_owned());
        }
        let source = source.ok_or_else(|| "a picture without a frame".to_owned())?;
        let picture = Picture {
            frame: source.frame,
            width,
            height,
            layout,
            color: color_of(matrix, range, transfer, format_full),
            times: FrameTimes { decode_out: now(), ..source.times },
            memory: Arc::new(memory),
        };
        Ok(Decoded { picture, corrupt })
    }

    fn remember(&mut self, frame: &EncodedFrame, decode_in: Instant) -> i64 {
        if self.pending.len() >= PENDING {
            self.pending.pop_front();
        }
        self.serial += 1;
        let times = FrameTimes {
            first_packet: frame.first_packet,
            last_packet: frame.last_packet,
            assembled: frame.assembled,
            decode_in,
            decode_out: decode_in,
        };
        self.pending.push_back(Pending { serial: self.serial, frame: frame.id, times });
        self.serial
    }

    /// The frame that a picture came from; frames before it were not to be shown, or will not come.
    fn match_pending(&mut self, pts: Option<i64>) -> Option<Pending> {
        let at = match pts {
            Some(pts) => self.pending.iter().position(|entry| entry.serial == pts)?,
            None => self.pending.len().checked_sub(1)?,
        };
        self.pending.drain(..=at).next_back()
    }

    /// Counts a failure of a hardware decoder; true when it has to go.
    fn hardware_is_lost(&mut self, key: bool) -> bool {
        self.hardware.as_mut().is_some_and(|hardware| {
            hardware.strikes += 1;
            (key && !hardware.proven) || hardware.strikes >= HARDWARE_STRIKES
        })
    }

    /// Opens the next candidate, or software, in place of a failed hardware decoder.
    fn replace(&mut self, why: &str) -> Result<(), DecodeError> {
        if let Some(hardware) = self.hardware.take() {
            self.failed.push(format!("{}: {why}", hardware.kind));
            if hardware.proven {
                // It broke in the middle of a stream: do not gamble on another one.
                self.untried.clear();
            }
        }
        let (context, name, hardware) =
            open_next(self.config.codec, self.threads, &mut self.untried, &mut self.failed)?;
        self.context = context;
        self.name = name;
        self.hardware = hardware;
        self.pending.clear();
        self.needs_key = true;
        let line = self.line();
        tracing::warn!("{line}");
        self.notice = Some(self.short());
        Ok(())
    }

    /// One line over the picture has room for the names only.
    fn short(&self) -> String {
        let failed: Vec<&str> =
            self.failed.iter().map(|line| line.split_once(':').map_or(line.as_str(), |(kind, _)| kind)).collect();
        let who = if self.hardware.is_some() { self.name.as_str() } else { "the processor" };
        format!("Pictures are decoded by {who}: {} cannot be used.", failed.join(", "))
    }

    fn line(&self) -> String {
        format!("decoding {} with {}: {}", self.config.codec.name(), self.name, self.why())
    }
}

/// The picture memory of the house on top of a frame of the library.
#[derive(Debug)]
struct FrameMemory {
    frame: Frame,
    layout: PixelLayout,
}

impl PictureMemory for FrameMemory {
    fn plane(&self, index: usize) -> Option<Plane<'_>> {
        self.frame.plane(self.layout, index)
    }
}

type Opened = (Context, String, Option<HardwareState>);

fn open_next(
    codec: VideoCodec,
    threads: usize,
    untried: &mut VecDeque<Candidate>,
    failed: &mut Vec<String>,
) -> Result<Opened, DecodeError> {
    while let Some(candidate) = untried.pop_front() {
        match open_hardware(codec, &candidate) {
            Ok((context, name)) => {
                return Ok((context, name, Some(HardwareState { kind: candidate.kind, proven: false, strikes: 0 })));
            }
            Err(why) => failed.push(format!("{}: {why}", candidate.kind)),
        }
    }
    let (context, name) = open_software(codec, threads)?;
    Ok((context, name, None))
}

fn open_hardware(codec: VideoCodec, candidate: &Candidate) -> Result<(Context, String), String> {
    let native = Codec::native(codec).ok_or_else(|| "not in this build of FFmpeg".to_owned())?;
    let device = HardwareDevice::open(native, &candidate.kind, candidate.device.as_deref())?;
    let options = Options { threads: 1, private: Vec::new(), hardware: Some(device) };
    let open = || Context::open(native, &options).map_err(|code| code.to_string());
    probe::prove(&mut open()?, codec)?;
    // The stream gets a context without a past.
    Ok((open()?, format!("{} ({})", native.name(), candidate.kind)))
}

pub(crate) fn open_software(codec: VideoCodec, threads: usize) -> Result<(Context, String), DecodeError> {
    // FFmpeg's own "av1" decodes on hardware only.
    let entries = match codec {
        VideoCodec::Av1 => vec![Codec::named(c"libdav1d"), Codec::named(c"libaom-av1")],
        other => vec![Codec::native(other)],
    };
    let mut why = "not in this build of FFmpeg".to_owned();
    for entry in entries.into_iter().flatten() {
        // dav1d keeps one frame per thread in flight unless told otherwise.
        let private = if entry.name() == "libdav1d" { vec![(c"max_frame_delay", c"1")] } else { Vec::new() };
        match Context::open(entry, &Options { threads, private, hardware: None }) {
            Ok(context) => return Ok((context, format!("{} (software)", entry.name()))),
            Err(code) => why = format!("{}: {code}", entry.name()),
        }
    }
    Err(DecodeError::Unavailable { codec, why })
}

/// Codecs that a software decoder opens for, in the house's order of preference.
#[must_use]
pub fn available_codecs() -> Vec<VideoCodec> {
    VideoCodec::ALL.into_iter().filter(|codec| open_software(*codec, 1).is_ok()).collect()
}
