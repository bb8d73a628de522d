//! The timecode strip: how latency is measured in pixels (`docs/timecode.md`).
//!
//! A host that knows about measuring draws two rows of 64 black and white cells into the top-left corner of every
//! frame before it encodes it; any receiver reads them back from the decoded luma. [`draw`] is the host's half,
//! [`read`] and [`read_picture`] are the receiver's.

use entente_model::picture::{Picture, PixelLayout};

/// Width of a cell in coded pixels.
pub const CELL_WIDTH: usize = 8;
/// Height of a cell in coded pixels.
pub const CELL_HEIGHT: usize = 16;
/// Cells of a row.
pub const CELLS: usize = 64;
/// Rows of the strip.
pub const ROWS: usize = 2;
/// Values are taken modulo 2^48.
pub const VALUE_MASK: u64 = (1 << 48) - 1;
/// Smallest picture that may carry a strip, in pixels.
pub const MIN_SIZE: (u32, u32) = (640, 360);

/// Luma of a zero cell.
const BLACK: u8 = 16;
/// Luma of a one cell.
const WHITE: u8 = 235;
/// A cell's mean luma from which on it is a one, on the 8-bit scale.
const THRESHOLD: u64 = 126;
/// First four cells of a row.
const HEAD: u64 = 0b1010;
/// Last four cells of a row.
const TAIL: u64 = 0b0101;

/// What a picture's strip says; `None` = no valid row there, never a guess.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timecode {
    /// Row 0: host clock in microseconds (modulo 2^48) when the frame was drawn.
    pub captured_micros: Option<u64>,
    /// Row 1: client stamp of the newest input that this frame reflects; 0 = none yet.
    pub echo_micros: Option<u64>,
}

/// How luma samples lie in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LumaSamples {
    /// One byte each.
    Eight,
    /// Two bytes each, little endian, 10 significant low bits.
    LowTen,
    /// Two bytes each, little endian, 10 significant high bits.
    HighTen,
}

impl LumaSamples {
    /// Of a picture's layout.
    #[must_use]
    pub const fn of(layout: PixelLayout) -> Self {
        match layout {
            PixelLayout::I420 | PixelLayout::I422 | PixelLayout::I444 | PixelLayout::Nv12 => Self::Eight,
            PixelLayout::I010 | PixelLayout::I210 | PixelLayout::I410 => Self::LowTen,
            PixelLayout::P010 => Self::HighTen,
        }
    }

    const fn bytes(self) -> usize {
        match self {
            Self::Eight => 1,
            Self::LowTen | Self::HighTen => 2,
        }
    }

    /// Sum of all samples in `row`, in quarters of the 8-bit scale (so that ten bits lose nothing).
    fn sum_quarters(self, row: &[u8]) -> u64 {
        match self {
            Self::Eight => row.iter().map(|&sample| u64::from(sample) * 4).sum(),
            Self::LowTen => pairs(row).map(u64::from).sum(),
            Self::HighTen => pairs(row).map(|sample| u64::from(sample >> 6)).sum(),
        }
    }
}

fn pairs(row: &[u8]) -> impl Iterator<Item = u16> {
    row.chunks_exact(2).map(|pair| match pair {
        [low, high] => u16::from_le_bytes([*low, *high]),
        _ => 0,
    })
}

/// CRC-8 with polynomial 0x07, start 0x00, not reflected, no final xor.
#[must_use]
pub fn crc8(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ byte, |crc, _| if crc & 0x80 == 0 { crc << 1 } else { (crc << 1) ^ 0x07 })
    })
}

/// The 64 cells of a row that carries `value` modulo 2^48; the leftmost cell is the most significant bit.
#[must_use]
pub fn encode_row(value: u64) -> u64 {
    let value = value & VALUE_MASK;
    (HEAD << 60) | (value << 12) | (u64::from(value_crc(value)) << 4) | TAIL
}

/// The value that a row of 64 cells carries, or `None` when a frame mark or the CRC is wrong.
#[must_use]
pub fn decode_row(cells: u64) -> Option<u64> {
    let value = (cells >> 12) & VALUE_MASK;
    let crc = u64::from(value_crc(value));
    (cells >> 60 == HEAD && cells & 0xF == TAIL && (cells >> 4) & 0xFF == crc).then_some(value)
}

fn value_crc(value: u64) -> u8 {
    match value.to_be_bytes() {
        [_, _, bytes @ ..] => crc8(&bytes),
    }
}

/// Draws both rows into 8-bit luma rows of `stride` bytes; chroma is left to the caller (neutral is 128).
///
/// Draws nothing when the strip does not fit.
pub fn draw(luma: &mut [u8], stride: usize, captured_micros: u64, echo_micros: u64) {
    let width = CELLS * CELL_WIDTH;
    let needed = stride.checked_mul(ROWS * CELL_HEIGHT - 1).and_then(|start| start.checked_add(width));
    if stride < width || needed.is_none_or(|needed| luma.len() < needed) {
        return;
    }
    let rows = [encode_row(captured_micros), encode_row(echo_micros)];
    for (cells, lines) in rows.into_iter().zip(luma.chunks_mut(stride * CELL_HEIGHT)) {
        for line in lines.chunks_mut(stride).take(CELL_HEIGHT) {
            for (index, cell) in line.chunks_exact_mut(CELL_WIDTH).take(CELLS).enumerate() {
                let one = (cells >> (CELLS - 1 - index)) & 1 == 1;
                cell.fill(if one { WHITE } else { BLACK });
            }
        }
    }
}

/// Reads both rows from a luma plane whose rows start every `stride` bytes and are `width` x `height` samples.
///
/// `scale` is decoded width / coded width, 1.0 unless the host or somebody on the way scaled the picture after the
/// strip was drawn. A plane that is too small, too short or has a nonsensical stride has no timecode.
#[must_use]
pub fn read(luma: &[u8], stride: usize, width: u32, height: u32, samples: LumaSamples, scale: f64) -> Timecode {
    if !scale.is_finite() || scale <= 0.0 || scale > 64.0 {
        return Timecode::default();
    }
    let plane = Luma { data: luma, stride, width: width as usize, height: height as usize, samples, scale };
    Timecode { captured_micros: plane.row(0).and_then(decode_row), echo_micros: plane.row(1).and_then(decode_row) }
}

/// Reads both rows from a decoded picture that was not scaled.
#[must_use]
pub fn read_picture(picture: &Picture) -> Timecode {
    read_picture_scaled(picture, 1.0)
}

/// Reads both rows from a decoded picture; `scale` is decoded width / coded width.
#[must_use]
pub fn read_picture_scaled(picture: &Picture, scale: f64) -> Timecode {
    picture.memory.plane(0).map_or_else(Timecode::default, |plane| {
        read(plane.data, plane.stride, picture.width, picture.height, LumaSamples::of(picture.layout), scale)
    })
}

struct Luma<'a> {
    data: &'a [u8],
    stride: usize,
    width: usize,
    height: usize,
    samples: LumaSamples,
    scale: f64,
}

impl Luma<'_> {
    /// The 64 cells of `row`, most significant bit first.
    fn row(&self, row: usize) -> Option<u64> {
        (0..CELLS).try_fold(0, |cells, index| Some(cells << 1 | u64::from(self.cell(index, row)?)))
    }

    /// Whether the mean of a cell's middle (4 x 8 coded pixels) is white; `None` outside of the plane.
    fn cell(&self, column: usize, row: usize) -> Option<bool> {
        let (left, right) = self.span(column * CELL_WIDTH + 2, 4);
        let (top, bottom) = self.span(row * CELL_HEIGHT + 4, 8);
        if right > self.width || bottom > self.height || self.width * self.samples.bytes() > self.stride {
            return None;
        }
        let mut sum = 0;
        for y in top..bottom {
            let start = y.checked_mul(self.stride)?;
            let from = start.checked_add(left * self.samples.bytes())?;
            let to = start.checked_add(right * self.samples.bytes())?;
            sum += self.samples.sum_quarters(self.data.get(from..to)?);
        }
        let count = ((right - left) * (bottom - top)) as u64;
        Some(sum >= THRESHOLD * 4 * count)
    }

    /// `length` coded pixels from `start` on, in decoded pixels; at least one pixel.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "small")]
    fn span(&self, start: usize, length: usize) -> (usize, usize) {
        let from = (start as f64 * self.scale).round() as usize;
        let to = ((start + length) as f64 * self.scale).round() as usize;
        (from, to.max(from + 1))
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "one instant to count from")]
mod tests {
    use std::sync::Arc;
    use std::time::Instant;

    use entente_model::picture::{Color, FrameTimes, OwnedPlanes};
    use proptest::prelude::*;

    use super::*;

    const WIDTH: usize = 640;
    const HEIGHT: usize = 360;

    fn drawn(captured: u64, echo: u64) -> Vec<u8> {
        let mut luma = vec![100; WIDTH * HEIGHT];
        draw(&mut luma, WIDTH, captured, echo);
        luma
    }

    fn read_eight(luma: &[u8]) -> Timecode {
        read(luma, WIDTH, 640, 360, LumaSamples::Eight, 1.0)
    }

    #[test]
    fn crc_has_its_published_check_value() {
        assert_eq!(crc8(b"123456789"), 0xF4);
        assert_eq!(crc8(&[0; 6]), 0);
    }

    #[test]
    fn rows_have_the_documented_bits() {
        assert_eq!(encode_row(0), 0xA000_0000_0000_0005);
        // 0x07 is the CRC of a final byte 0x01: one shift of the polynomial.
        assert_eq!(encode_row(1), 0xA000_0000_0000_1075);
        assert_eq!(encode_row(u64::MAX), encode_row(VALUE_MASK));
        let mut bytes = [0; 6];
        bytes.copy_from_slice(&0x1234_5678_9ABC_u64.to_be_bytes()[2..]);
        assert_eq!(encode_row(0x1234_5678_9ABC), 0xA123_4567_89AB_C005 | u64::from(crc8(&bytes)) << 4);
    }

    #[test]
    fn cells_are_where_the_document_says() {
        let luma = drawn(0, VALUE_MASK);
        // Marks 1010 at the left of row 0, each cell 8 px wide and 16 px high.
        assert_eq!((luma[0], luma[7], luma[8], luma[15], luma[16], luma[24]), (235, 235, 16, 16, 235, 16));
        assert_eq!(luma[15 * WIDTH], 235);
        assert_eq!(luma[511], 235, "last cell of the tail is a one");
        assert_eq!(luma[512], 100, "nothing right of the strip");
        assert_eq!(luma[16 * WIDTH + 4 * 8], 235, "row 1 starts at y 16 with its own bits");
        assert_eq!(luma[4 * 8], 16);
        assert_eq!(luma[32 * WIDTH], 100, "nothing below the strip");
    }

    #[test]
    fn a_strip_that_does_not_fit_is_not_drawn() {
        for (length, stride) in [(0, 0), (511, 511), (640 * 31 + 511, 640), (100_000, 511), (10, usize::MAX)] {
            let mut luma = vec![7; length];
            draw(&mut luma, stride, 1, 2);
            assert!(luma.iter().all(|&sample| sample == 7));
        }
        let mut exact = vec![7; 640 * 31 + 512];
        draw(&mut exact, 640, 1, 2);
        assert_eq!(
            read(&exact, 640, 640, 32, LumaSamples::Eight, 1.0),
            Timecode { captured_micros: Some(1), echo_micros: Some(2) }
        );
    }

    #[test]
    fn a_plain_picture_has_no_timecode() {
        for luma in [0, 16, 126, 235, 255] {
            assert_eq!(read_eight(&vec![luma; WIDTH * HEIGHT]), Timecode::default());
        }
    }

    #[test]
    fn one_bad_row_leaves_the_other() {
        let mut luma = drawn(77, 88);
        for line in luma.chunks_mut(WIDTH).take(16) {
            line[..8].fill(16);
        }
        assert_eq!(read_eight(&luma), Timecode { captured_micros: None, echo_micros: Some(88) });
    }

    #[test]
    fn ten_bit_pictures_are_read() {
        let eight = drawn(0xFEDC_BA98_7654, 42);
        let wanted = Timecode { captured_micros: Some(0xFEDC_BA98_7654), echo_micros: Some(42) };
        for (layout, shift) in [(PixelLayout::I010, 2), (PixelLayout::P010, 8), (PixelLayout::I410, 2)] {
            let mut planes = OwnedPlanes::new(layout, 640, 360);
            planes.planes[0].0 = eight.iter().flat_map(|&s| (u16::from(s) << shift).to_le_bytes()).collect();
            assert_eq!(read_picture(&picture(layout, planes)), wanted, "{layout:?}");
        }
        let mut planes = OwnedPlanes::new(PixelLayout::Nv12, 640, 360);
        planes.planes[0].0 = eight;
        assert_eq!(read_picture(&picture(PixelLayout::Nv12, planes)), wanted);
    }

    #[test]
    fn a_picture_without_planes_or_with_a_lying_size_has_none() {
        assert_eq!(read_picture(&picture(PixelLayout::I420, OwnedPlanes::default())), Timecode::default());
        let mut planes = OwnedPlanes::new(PixelLayout::I420, 640, 360);
        planes.planes[0].0.truncate(640 * 20);
        assert_eq!(read_picture(&picture(PixelLayout::I420, planes)), Timecode::default());
    }

    fn picture(layout: PixelLayout, planes: OwnedPlanes) -> Picture {
        let at = Instant::now();
        Picture {
            frame: 0,
            width: 640,
            height: 360,
            layout,
            color: Color::default(),
            times: FrameTimes { first_packet: at, last_packet: at, assembled: at, decode_in: at, decode_out: at },
            memory: Arc::new(planes),
        }
    }

    /// Nearest-neighbour scaling, as crude as it gets.
    fn scaled(luma: &[u8], width: usize, height: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(width * height);
        for y in 0..height {
            for x in 0..width {
                out.push(luma[(y * HEIGHT / height) * WIDTH + x * WIDTH / width]);
            }
        }
        out
    }

    #[test]
    fn scaled_pictures_are_read_with_their_scale() {
        let luma = drawn(123_456_789, 987_654);
        let wanted = Timecode { captured_micros: Some(123_456_789), echo_micros: Some(987_654) };
        for (width, height) in [(1280, 720), (960, 540), (320, 180), (800, 450)] {
            let picture = scaled(&luma, width, height);
            let scale = width as f64 / WIDTH as f64;
            let seen = read(&picture, width, width as u32, height as u32, LumaSamples::Eight, scale);
            assert_eq!(seen, wanted, "{width}x{height}");
        }
        for scale in [f64::NAN, f64::INFINITY, 0.0, -1.0, 1e300] {
            assert_eq!(read(&luma, WIDTH, 640, 360, LumaSamples::Eight, scale), Timecode::default());
        }
    }

    proptest! {
        #[test]
        fn every_value_comes_back(captured: u64, echo: u64, stride in 512_usize..700) {
            let mut luma = vec![0; stride * 32];
            draw(&mut luma, stride, captured, echo);
            let seen = read(&luma, stride, stride as u32, 32, LumaSamples::Eight, 1.0);
            prop_assert_eq!(seen.captured_micros, Some(captured & VALUE_MASK));
            prop_assert_eq!(seen.echo_micros, Some(echo & VALUE_MASK));
        }

        #[test]
        fn every_single_flipped_cell_is_noticed(value: u64, cell in 0..64_u32) {
            prop_assert_eq!(decode_row(encode_row(value) ^ (1 << cell)), None);
        }

        #[test]
        fn coding_noise_does_not_hurt(value: u64, noise in proptest::collection::vec(-90_i16..=90, 512 * 32)) {
            let mut luma = vec![0; 512 * 32];
            draw(&mut luma, 512, value, 0);
            for (sample, noise) in luma.iter_mut().zip(noise) {
                *sample = (i16::from(*sample) + noise).clamp(0, 255) as u8;
            }
            let seen = read(&luma, 512, 512, 32, LumaSamples::Eight, 1.0);
            prop_assert_eq!(seen, Timecode { captured_micros: Some(value & VALUE_MASK), echo_micros: Some(0) });
        }

        #[test]
        fn arbitrary_planes_never_panic(
            data in proptest::collection::vec(any::<u8>(), 0..40_000),
            stride in prop_oneof![0_usize..2000, Just(usize::MAX), Just(usize::MAX / 2)],
            width: u32, small in 0_u32..1500, height: u32, kind in 0..3, scale: f64,
        ) {
            let samples = [LumaSamples::Eight, LumaSamples::LowTen, LumaSamples::HighTen][kind as usize];
            let _ = read(&data, stride, width, height, samples, scale);
            let _ = read(&data, stride, small, small, samples, 1.0);
            let mut data = data;
            draw(&mut data, stride, u64::from(width), u64::from(height));
        }
    }
}
