//! Planes into packed pixels on the CPU.

use entente_model::picture::{Matrix, Picture, PixelLayout, Transfer};
use yuv::{YuvBiPlanarImage, YuvConversionMode, YuvError, YuvPlanarImage, YuvRange, YuvStandardMatrix};

use crate::color;
use crate::error::PresentError;
use crate::planes::Planes;

/// Order of the bytes of a pixel; the fourth is opaque alpha.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// What windows take: 0x00RRGGBB read as a little-endian number.
    Bgra,
    /// What image files take.
    Rgba,
}

/// The picture as tight rows of RGBA, 8 bits each, alpha 255; HDR is mapped to SDR.
///
/// # Errors
/// The planes are too small.
pub fn to_rgba(picture: &Picture) -> Result<Vec<u8>, PresentError> {
    let planes = Planes::of(picture)?;
    let stride = planes.width as usize * 4;
    let mut pixels = vec![0; stride * planes.height as usize];
    convert(&planes, Order::Rgba, &mut pixels, stride)?;
    Ok(pixels)
}

/// Converts into rows of `stride` bytes; nothing right of the picture is written.
pub(crate) fn convert(planes: &Planes<'_>, order: Order, target: &mut [u8], stride: usize) -> Result<(), PresentError> {
    let range = if planes.color.full_range { YuvRange::Full } else { YuvRange::Limited };
    let matrix = match planes.color.matrix {
        Matrix::Bt601 => YuvStandardMatrix::Bt601,
        Matrix::Bt709 => YuvStandardMatrix::Bt709,
        Matrix::Bt2020 => YuvStandardMatrix::Bt2020,
    };
    // Not one byte more than the picture's rows: yuv 0.8.20 looks for the last row of an odd height at the end of the
    // memory that it is given.
    let bytes = target.len().min(stride * planes.height as usize);
    let target = target.get_mut(..bytes).unwrap_or_default();
    let meaning = Meaning { range, matrix };
    let done = if planes.layout.sample_bytes() == 1 {
        narrow(planes, order, target, stride, meaning)
    } else {
        wide(planes, order, target, stride, meaning)
    };
    done.map_err(|error| PresentError::Convert(error.to_string()))?;
    if planes.color.transfer != Transfer::Sdr {
        ToneMap::new(planes.color.transfer).apply(order, target, stride, planes.width, planes.height);
    }
    Ok(())
}

/// Strides and sizes were checked by [`Planes::of`], and fit.
fn small(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// Range and matrix in the conversion crate's terms.
#[derive(Clone, Copy)]
struct Meaning {
    range: YuvRange,
    matrix: YuvStandardMatrix,
}

fn narrow(
    planes: &Planes<'_>,
    order: Order,
    target: &mut [u8],
    stride: usize,
    Meaning { range, matrix }: Meaning,
) -> Result<(), YuvError> {
    let Planes { width, height, all: [y, u, v], .. } = *planes;
    if planes.interleaved() {
        let to = match order {
            Order::Bgra => yuv::yuv_nv12_to_bgra,
            Order::Rgba => yuv::yuv_nv12_to_rgba,
        };
        let whole = Pairs { y: y.data, y_stride: y.stride, uv: u.data, uv_stride: u.stride, width, height };
        return whole.convert(target, stride, |image, target, stride| {
            to(image, target, stride, range, matrix, YuvConversionMode::Balanced)
        });
    }
    let image = YuvPlanarImage {
        y_plane: y.data,
        y_stride: small(y.stride),
        u_plane: u.data,
        u_stride: small(u.stride),
        v_plane: v.data,
        v_stride: small(v.stride),
        width,
        height,
    };
    let to = match (planes.layout, order) {
        (PixelLayout::I444, Order::Bgra) => yuv::yuv444_to_bgra,
        (PixelLayout::I444, Order::Rgba) => yuv::yuv444_to_rgba,
        (PixelLayout::I422, Order::Bgra) => yuv::yuv422_to_bgra,
        (PixelLayout::I422, Order::Rgba) => yuv::yuv422_to_rgba,
        (_, Order::Bgra) => yuv::yuv420_to_bgra,
        (_, Order::Rgba) => yuv::yuv420_to_rgba,
    };
    to(&image, target, small(stride), range, matrix)
}

fn wide(
    planes: &Planes<'_>,
    order: Order,
    target: &mut [u8],
    stride: usize,
    Meaning { range, matrix }: Meaning,
) -> Result<(), YuvError> {
    let Planes { width, height, .. } = *planes;
    let [(y, y_stride), (u, u_stride), (v, v_stride)] = planes.all.map(|plane| plane.wide());
    if planes.interleaved() {
        let to = match order {
            Order::Bgra => yuv::p010_to_bgra,
            Order::Rgba => yuv::p010_to_rgba,
        };
        let whole = Pairs { y: y.as_ref(), y_stride, uv: u.as_ref(), uv_stride: u_stride, width, height };
        return whole.convert(target, stride, |image, target, stride| {
            to(image, target, stride, range, matrix, YuvConversionMode::Balanced)
        });
    }
    let image = YuvPlanarImage {
        y_plane: y.as_ref(),
        y_stride: small(y_stride),
        u_plane: u.as_ref(),
        u_stride: small(u_stride),
        v_plane: v.as_ref(),
        v_stride: small(v_stride),
        width,
        height,
    };
    if planes.layout == PixelLayout::I410 {
        // yuv 0.8.20 puts the last pixels of a 10-bit 4:4:4 row at the end of the row's memory: it gets exact rows.
        let lines = target.chunks_mut(stride.max(1)).take(height as usize);
        for (y, line) in lines.enumerate() {
            let Some(line) = line.get_mut(..width as usize * 4) else { continue };
            let row = YuvPlanarImage {
                y_plane: image.y_plane.get(y * y_stride..).unwrap_or_default(),
                u_plane: image.u_plane.get(y * u_stride..).unwrap_or_default(),
                v_plane: image.v_plane.get(y * v_stride..).unwrap_or_default(),
                height: 1,
                ..image.clone()
            };
            yuv::i410_to_rgba(&row, line, width * 4, range, matrix)?;
            if order == Order::Bgra {
                // The crate has no such function for BGRA.
                line.as_chunks_mut::<4>().0.iter_mut().for_each(|pixel| pixel.swap(0, 2));
            }
        }
        return Ok(());
    }
    let to = match (planes.layout, order) {
        (PixelLayout::I210, Order::Bgra) => yuv::i210_to_bgra,
        (PixelLayout::I210, Order::Rgba) => yuv::i210_to_rgba,
        (_, Order::Bgra) => yuv::i010_to_bgra,
        (_, Order::Rgba) => yuv::i010_to_rgba,
    };
    if width.is_multiple_of(2) {
        return to(&image, target, small(stride), range, matrix);
    }
    // yuv 0.8.20 panics at some odd widths, where chroma fills its vectors and luma does not: made even on the side.
    let even = width + 1;
    let mut luma = Vec::with_capacity(even as usize * height as usize);
    for line in image.y_plane.chunks(y_stride.max(1)).take(height as usize) {
        let line = line.get(..width as usize).unwrap_or_default();
        luma.extend_from_slice(line);
        luma.extend(line.last());
    }
    let image = YuvPlanarImage { y_plane: &luma, y_stride: even, width: even, ..image };
    let mut done = vec![0; even as usize * 4 * height as usize];
    to(&image, &mut done, even * 4, range, matrix)?;
    for (line, done) in target.chunks_mut(stride.max(1)).zip(done.chunks_exact(even as usize * 4)) {
        for (pixel, done) in line.as_chunks_mut::<4>().0.iter_mut().take(width as usize).zip(done.as_chunks::<4>().0) {
            *pixel = *done;
        }
    }
    Ok(())
}

/// A Y plane and an interleaved chroma plane of half its size.
struct Pairs<'a, T> {
    y: &'a [T],
    y_stride: usize,
    uv: &'a [T],
    uv_stride: usize,
    width: u32,
    height: u32,
}

impl<T: Copy + Default + std::fmt::Debug> Pairs<'_, T> {
    /// Converts with `to`, which (yuv 0.8.20) silently leaves out a last row that is shorter than its stride, in
    /// sources and target; such rows are converted in memory of their own.
    fn convert(
        &self,
        target: &mut [u8],
        stride: usize,
        to: impl Fn(&YuvBiPlanarImage<'_, T>, &mut [u8], u32) -> Result<(), YuvError>,
    ) -> Result<(), YuvError> {
        let rows = self.height as usize;
        let complete = self.y.len() >= self.y_stride * rows
            && self.uv.len() >= self.uv_stride * rows.div_ceil(2)
            && target.len() >= stride * rows;
        // Chroma rows stay together with their luma rows.
        let direct = if complete { rows } else { rows.saturating_sub(1) & !1 };
        if direct > 0 {
            let image = YuvBiPlanarImage {
                y_plane: self.y.get(..self.y_stride * direct).unwrap_or_default(),
                y_stride: small(self.y_stride),
                uv_plane: self.uv.get(..self.uv_stride * direct.div_ceil(2)).unwrap_or_default(),
                uv_stride: small(self.uv_stride),
                width: self.width,
                height: small(direct),
            };
            to(&image, target.get_mut(..stride * direct).unwrap_or_default(), small(stride))?;
        }
        if direct == rows {
            return Ok(());
        }
        let width = self.width as usize;
        let pairs = width.div_ceil(2) * 2;
        let tight = |plane: &[T], stride: usize, from: usize, samples: usize| -> Vec<T> {
            let lines = plane.chunks(stride.max(1)).skip(from);
            lines.flat_map(|line| line.get(..samples).unwrap_or_default()).copied().collect()
        };
        let (y, uv) = (tight(self.y, self.y_stride, direct, width), tight(self.uv, self.uv_stride, direct / 2, pairs));
        let height = rows - direct;
        let image = YuvBiPlanarImage {
            y_plane: y.get(..width * height).unwrap_or_default(),
            y_stride: self.width,
            uv_plane: uv.get(..pairs).unwrap_or_default(),
            uv_stride: small(pairs),
            width: self.width,
            height: small(height),
        };
        let mut last = vec![0; width * 4 * height];
        to(&image, &mut last, self.width * 4)?;
        for (line, done) in target.chunks_mut(stride.max(1)).skip(direct).zip(last.chunks_exact(width * 4)) {
            if let Some(line) = line.get_mut(..width * 4) {
                line.copy_from_slice(done);
            }
        }
        Ok(())
    }
}

/// HDR codes to SDR, by tables for the curves; for pictures that were converted to 8 bits before.
struct ToneMap {
    /// Light of each code: display light for PQ, scene light for HLG.
    light: Vec<f32>,
    /// Gamma 2.2 over the square root of light.
    gamma: Vec<u8>,
    hlg: bool,
}

impl ToneMap {
    const STEPS: u16 = 4096;

    fn new(transfer: Transfer) -> Self {
        let hlg = transfer == Transfer::Hlg;
        let curve = if hlg { color::hlg_scene } else { color::pq_light };
        let light = (0..=255u8).map(|code| curve(f64::from(code) / 255.0) as f32).collect();
        let gamma = (0..Self::STEPS)
            .map(|step| {
                let root = f64::from(step) / f64::from(Self::STEPS - 1);
                ((root * root).powf(1.0 / 2.2) * 255.0).round() as u8
            })
            .collect();
        Self { light, gamma, hlg }
    }

    fn of(&self, code: u8) -> f32 {
        self.light.get(usize::from(code)).copied().unwrap_or(0.0)
    }

    fn out(&self, light: f32) -> u8 {
        let knee = color::KNEE as f32;
        let pressed =
            if light <= knee { light.max(0.0) } else { 1.0 - (1.0 - knee) * (-(light - knee) / (1.0 - knee)).exp() };
        let index = (pressed.sqrt() * f32::from(Self::STEPS - 1) + 0.5) as usize;
        self.gamma.get(index).copied().unwrap_or(255)
    }

    fn apply(&self, order: Order, target: &mut [u8], stride: usize, width: u32, height: u32) {
        let [to_r, to_g, to_b] = color::TO_709.map(|row| row.map(|factor| factor as f32));
        let dot = |[a, b, c]: [f32; 3], [x, y, z]: [f32; 3]| a * x + b * y + c * z;
        for line in target.chunks_mut(stride.max(1)).take(height as usize) {
            for pixel in line.as_chunks_mut::<4>().0.iter_mut().take(width as usize) {
                if order == Order::Bgra {
                    pixel.swap(0, 2);
                }
                let [r, g, b, _] = *pixel;
                let mut light = [self.of(r), self.of(g), self.of(b)];
                if self.hlg {
                    let luma = dot([0.2627, 0.678, 0.0593], light);
                    let gain =
                        luma.powf(color::HLG_GAMMA as f32 - 1.0) * (color::HLG_PEAK / color::REFERENCE_WHITE) as f32;
                    light = light.map(|value| value * gain);
                }
                *pixel = [self.out(dot(to_r, light)), self.out(dot(to_g, light)), self.out(dot(to_b, light)), 255];
                if order == Order::Bgra {
                    pixel.swap(0, 2);
                }
            }
        }
    }
}
