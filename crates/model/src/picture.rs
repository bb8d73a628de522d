//! Decoded pictures on their way from the decoder to a surface.

use std::sync::Arc;
use std::time::Instant;

/// How samples lie in memory. Planar YUV, 8 bit unless named otherwise; 16-bit samples are little endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PixelLayout {
    /// Y, U, V planes, chroma halved both ways.
    I420,
    /// Y, U, V planes, chroma halved horizontally.
    I422,
    /// Y, U, V planes, full chroma.
    I444,
    /// Y plane, interleaved UV plane, chroma halved both ways.
    Nv12,
    /// As I420, 10 significant low bits in 16.
    I010,
    /// As I422, 10 significant low bits in 16.
    I210,
    /// As I444, 10 significant low bits in 16.
    I410,
    /// As NV12, 10 significant **high** bits in 16.
    P010,
}

impl PixelLayout {
    /// Number of planes.
    #[must_use]
    pub const fn planes(self) -> usize {
        match self {
            Self::Nv12 | Self::P010 => 2,
            _ => 3,
        }
    }

    /// Bytes of one sample.
    #[must_use]
    pub const fn sample_bytes(self) -> usize {
        match self {
            Self::I420 | Self::I422 | Self::I444 | Self::Nv12 => 1,
            _ => 2,
        }
    }

    /// Significant bits of one sample.
    #[must_use]
    pub const fn bits(self) -> u8 {
        if self.sample_bytes() == 1 { 8 } else { 10 }
    }

    /// Size of `plane` in samples for a picture of `width` x `height`; an interleaved UV pair counts as two samples.
    #[must_use]
    pub const fn plane_size(self, plane: usize, width: u32, height: u32) -> (u32, u32) {
        if plane == 0 {
            return (width, height);
        }
        let half_width = width.div_ceil(2);
        let half_height = height.div_ceil(2);
        match self {
            Self::I420 | Self::I010 => (half_width, half_height),
            Self::I422 | Self::I210 => (half_width, height),
            Self::I444 | Self::I410 => (width, height),
            Self::Nv12 | Self::P010 => (half_width * 2, half_height),
        }
    }
}

/// YUV to RGB matrix (ITU-T H.273 table 4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Matrix {
    /// BT.601 (SD).
    Bt601,
    /// BT.709 (HD); also what "unspecified" means for game streams.
    #[default]
    Bt709,
    /// BT.2020 non-constant luminance.
    Bt2020,
}

/// Transfer characteristics, as far as presentation must tell them apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Transfer {
    /// Any gamma-like SDR curve; shown as it is.
    #[default]
    Sdr,
    /// SMPTE ST 2084.
    Pq,
    /// ARIB STD-B67.
    Hlg,
}

/// How sample values mean colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Color {
    /// YUV to RGB matrix.
    pub matrix: Matrix,
    /// Samples use 0..=255 instead of 16..=235.
    pub full_range: bool,
    /// Transfer curve.
    pub transfer: Transfer,
}

/// One plane of a picture.
#[derive(Clone, Copy, Debug)]
pub struct Plane<'a> {
    /// Rows, the first at the start; at least `stride * (rows - 1) + row bytes` long.
    pub data: &'a [u8],
    /// Bytes from one row to the next.
    pub stride: usize,
}

/// Memory that holds a picture's planes; the decoder's own frame, so that nothing is copied.
pub trait PictureMemory: Send + Sync + std::fmt::Debug {
    /// Plane `index`, or `None` if the layout has fewer.
    fn plane(&self, index: usize) -> Option<Plane<'_>>;
}

/// Stages of a frame up to the decoder's output (`docs/stages.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameTimes {
    /// Arrival of the first packet.
    pub first_packet: Instant,
    /// Arrival of the packet that made the frame whole.
    pub last_packet: Instant,
    /// Handed over by the link.
    pub assembled: Instant,
    /// Given to the decoder.
    pub decode_in: Instant,
    /// Out of the decoder.
    pub decode_out: Instant,
}

/// A decoded picture. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Picture {
    /// [`crate::media::EncodedFrame::id`] of the frame that it came from.
    pub frame: u64,
    /// Visible width in pixels.
    pub width: u32,
    /// Visible height in pixels.
    pub height: u32,
    /// Sample layout.
    pub layout: PixelLayout,
    /// Colour meaning.
    pub color: Color,
    /// Stages so far.
    pub times: FrameTimes,
    /// The samples.
    pub memory: Arc<dyn PictureMemory>,
}

/// Plain owned planes, for tests, patterns and converted pictures.
#[derive(Debug, Default)]
pub struct OwnedPlanes {
    /// Samples and stride of each plane.
    pub planes: Vec<(Vec<u8>, usize)>,
}

impl OwnedPlanes {
    /// Zeroed tight planes for a picture of this layout and size.
    #[must_use]
    pub fn new(layout: PixelLayout, width: u32, height: u32) -> Self {
        let planes = (0..layout.planes())
            .map(|plane| {
                let (samples, rows) = layout.plane_size(plane, width, height);
                let stride = samples as usize * layout.sample_bytes();
                (vec![0; stride * rows as usize], stride)
            })
            .collect();
        Self { planes }
    }
}

impl PictureMemory for OwnedPlanes {
    fn plane(&self, index: usize) -> Option<Plane<'_>> {
        self.planes.get(index).map(|(data, stride)| Plane { data, stride: *stride })
    }
}
