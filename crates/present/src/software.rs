//! The CPU body: planes straight into the window's shared memory.
//!
//! Why: an emulated GPU needs 27 to 32 ms for a 720p frame that this path shows in 0.7 ms.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Instant;

use entente_model::picture::{Picture, PixelLayout};
use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use winit::window::Window;

use crate::convert::{Order, convert};
use crate::error::PresentError;
use crate::overlay::{OverlayPainter, Screen};
use crate::placement::{Rect, ScaleMode, placement};
use crate::planes::{PlaneView, Planes};
use crate::presenter::{Look, Shown};
use crate::raster::{Panel, Rasterizer};
use crate::x11::Display;

/// Draws into memory that has the shape of a window: rows of `width` pixels, 0x00RRGGBB.
pub struct SoftwareCanvas {
    resizer: Resizer,
    /// Scaled planes, or a picture that is to be multiplied; kept for its allocation.
    scratch: Vec<u16>,
    painter: OverlayPainter,
    rasterizer: Rasterizer,
    panels: Vec<Panel>,
    place: Rect,
    /// Drawings after which the bars of every buffer of the window are clean.
    unclean: u8,
}

/// Buffers a window may hand out in turn; after a change the bars are cleared that many times.
const BUFFERS: u8 = 3;

impl Default for SoftwareCanvas {
    fn default() -> Self {
        Self::new()
    }
}

impl SoftwareCanvas {
    /// A canvas for any window.
    #[must_use]
    pub fn new() -> Self {
        Self {
            resizer: Resizer::new(),
            scratch: Vec::new(),
            painter: OverlayPainter::new(),
            rasterizer: Rasterizer::default(),
            panels: Vec::new(),
            place: Rect::default(),
            unclean: BUFFERS,
        }
    }

    /// Draws picture, bars and overlay. `fresh`: the memory holds nothing that this canvas has drawn.
    ///
    /// Does nothing when `pixels` does not hold `size`.
    ///
    /// # Errors
    /// The picture's planes are unusable; the window is black then, with the overlay.
    pub fn draw(
        &mut self,
        pixels: &mut [u32],
        size: (u32, u32),
        fresh: bool,
        picture: Option<&Picture>,
        look: &Look<'_>,
    ) -> Result<(), PresentError> {
        let Some(pixels) = pixels.get_mut(..size.0 as usize * size.1 as usize) else { return Ok(()) };
        if pixels.is_empty() {
            return Ok(());
        }
        let shape = picture.map(|picture| (picture.width, picture.height));
        let place = shape.map_or_else(Rect::default, |shape| placement(size, shape, look.scale));
        if fresh || place != self.place {
            self.place = place;
            self.unclean = BUFFERS;
        }
        let visible = place.clipped(size);
        if self.overlay(size, place, shape, look) {
            self.unclean = BUFFERS;
        }
        // Panels are blended: below them there must be clean bars each time.
        let panels_on_bars = self.panels.iter().any(|panel| !within(panel.at, visible));
        if self.unclean > 0 || panels_on_bars {
            clear_around(pixels, size.0, visible);
            self.unclean = self.unclean.saturating_sub(1);
        }
        let drawn = match picture {
            Some(picture) => {
                let drawn = self.picture(pixels, size.0, place, visible, picture, look.scale);
                if drawn.is_err() {
                    clear(pixels, size.0, visible);
                }
                drawn
            }
            None => Ok(()),
        };
        for panel in &self.panels {
            panel.blend(pixels, size.0);
        }
        drawn
    }

    /// Paints the overlay anew if it has to; true when it did.
    fn overlay(&mut self, size: (u32, u32), place: Rect, shape: Option<(u32, u32)>, look: &Look<'_>) -> bool {
        let screen = Screen::new(size, look.text_scale, place, shape);
        let Some(mut painted) = self.painter.paint(look.overlay, screen) else { return false };
        self.rasterizer.apply(&mut painted.textures);
        self.panels.clear();
        let regions = painted.regions.into_iter();
        self.panels.extend(regions.map(|region| self.rasterizer.paint(&painted.primitives, region)));
        true
    }

    fn picture(
        &mut self,
        pixels: &mut [u32],
        width: u32,
        place: Rect,
        visible: Rect,
        picture: &Picture,
        mode: ScaleMode,
    ) -> Result<(), PresentError> {
        let planes = Planes::of(picture)?;
        if visible.is_empty() {
            return Ok(());
        }
        let stride = width as usize * 4;
        let start = (visible.y.unsigned_abs() as usize * width as usize) + visible.x.unsigned_abs() as usize;
        let target = pixels.get_mut(start..).unwrap_or_default();
        let whole = place == visible;
        if whole && (place.width, place.height) == (planes.width, planes.height) {
            return convert(&planes, Order::Bgra, bytemuck::cast_slice_mut(target), stride);
        }
        let factor = place.width / planes.width;
        let exact = factor >= 2 && (planes.width * factor, planes.height * factor) == (place.width, place.height);
        if whole && exact && (factor == 2 || mode == ScaleMode::Integer) {
            return self.multiply(&planes, target, width as usize, factor as usize);
        }
        self.scale(&planes, bytemuck::cast_slice_mut(target), stride, place, visible)
    }

    /// Whole factors: converted once, then pixels and rows are repeated.
    fn multiply(
        &mut self,
        planes: &Planes<'_>,
        target: &mut [u32],
        width: usize,
        factor: usize,
    ) -> Result<(), PresentError> {
        let row = planes.width as usize;
        self.scratch.resize(row * planes.height as usize * 2, 0);
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut self.scratch);
        convert(planes, Order::Bgra, bytes, row * 4)?;
        // Byte-wise, because the scratch memory is aligned for 16-bit samples only.
        let lines = bytes.chunks_exact(row * 4);
        for (line, block) in lines.zip(target.chunks_mut(width * factor)) {
            let (first, others) = block.split_at_mut(width.min(block.len()));
            let Some(first) = first.get_mut(..row * factor) else { continue };
            for (pixel, copies) in line.as_chunks::<4>().0.iter().zip(first.chunks_exact_mut(factor)) {
                copies.fill(u32::from_ne_bytes(*pixel));
            }
            for other in others.chunks_mut(width).take(factor - 1) {
                if let Some(other) = other.get_mut(..row * factor) {
                    other.copy_from_slice(first);
                }
            }
        }
        Ok(())
    }

    /// Any size: planes are scaled, then converted in place. Only what is visible is computed.
    fn scale(
        &mut self,
        planes: &Planes<'_>,
        target: &mut [u8],
        stride: usize,
        place: Rect,
        visible: Rect,
    ) -> Result<(), PresentError> {
        let layout = planes.layout;
        let (width, height) = (visible.width, visible.height);
        let sizes = [0, 1, 2].map(|index| match index < layout.planes() {
            true => layout.plane_size(index, width, height),
            false => (0, 0),
        });
        let words = sizes.map(|(samples, rows)| (samples as usize * layout.sample_bytes() * rows as usize).div_ceil(2));
        self.scratch.resize(words.iter().sum(), 0);
        let part = Part {
            x: f64::from(visible.x - place.x) / f64::from(place.width),
            y: f64::from(visible.y - place.y) / f64::from(place.height),
            width: f64::from(width) / f64::from(place.width),
            height: f64::from(height) / f64::from(place.height),
        };
        let mut rest: &mut [u16] = &mut self.scratch;
        let mut all = [PlaneView::default(); 3];
        for (index, view) in all.iter_mut().enumerate().take(layout.planes()) {
            let (Some(source), Some((samples, rows)), Some(words)) =
                (planes.all.get(index), sizes.get(index), words.get(index))
            else {
                break;
            };
            let (mine, others) = std::mem::take(&mut rest).split_at_mut(*words);
            rest = others;
            let pairs = index == 1 && planes.interleaved();
            let bytes: &mut [u8] = bytemuck::cast_slice_mut(mine);
            let halves = source_shape(planes, index);
            resize(&mut self.resizer, layout, pairs, source, (bytes, *samples, *rows), (part, halves))?;
            let stride = *samples as usize * layout.sample_bytes();
            *view = PlaneView { data: bytes, stride, samples: *samples, rows: *rows };
        }
        let scaled = Planes { layout, color: planes.color, width, height, all };
        convert(&scaled, Order::Bgra, target, stride)
    }
}

/// Part of a picture as fractions of its size.
#[derive(Clone, Copy)]
struct Part {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

/// The picture's size in pixels of plane `index`; half a pixel where a chroma plane rounds up an odd size.
fn source_shape(planes: &Planes<'_>, index: usize) -> (f64, f64) {
    let (width, height) = (f64::from(planes.width), f64::from(planes.height));
    match (index, planes.layout) {
        (0, _) | (_, PixelLayout::I444 | PixelLayout::I410) => (width, height),
        (_, PixelLayout::I422 | PixelLayout::I210) => (width / 2.0, height),
        _ => (width / 2.0, height / 2.0),
    }
}

fn resize(
    resizer: &mut Resizer,
    layout: PixelLayout,
    pairs: bool,
    source: &PlaneView<'_>,
    (target, samples, rows): (&mut [u8], u32, u32),
    (part, (across, down)): (Part, (f64, f64)),
) -> Result<(), PresentError> {
    let failed = |error: &dyn std::fmt::Display| PresentError::Scale(error.to_string());
    let pixel = match (layout.sample_bytes(), pairs) {
        (1, false) => PixelType::U8,
        (1, true) => PixelType::U8x2,
        (_, false) => PixelType::U16,
        (_, true) => PixelType::U16x2,
    };
    let in_pixel = if pairs { 2 } else { 1 };
    let pixel_bytes = in_pixel * layout.sample_bytes();
    // The resizer knows no stride: rows are taken as wide as the stride and cut by the crop. Its last row must be whole
    // then; memory that ends early, or a stride that is no whole number of pixels, is copied.
    let tight;
    let whole = source.stride.is_multiple_of(pixel_bytes)
        && source.data.len() >= source.stride * source.rows as usize
        && (source.data.as_ptr() as usize).is_multiple_of(layout.sample_bytes());
    let (data, stride) = if whole {
        (source.data.get(..source.stride * source.rows as usize).unwrap_or_default(), source.stride)
    } else {
        let row = source.row_bytes(layout);
        let lines = source.data.chunks(source.stride.max(1)).take(source.rows as usize);
        let copied: Vec<u8> = lines.flat_map(|line| line.get(..row).unwrap_or_default()).copied().collect();
        tight = Aligned::new(&copied);
        (tight.bytes(copied.len()), row)
    };
    let width = u32::try_from(stride / pixel_bytes).unwrap_or(u32::MAX);
    let image = ImageRef::new(width, source.rows, data, pixel).map_err(|error| failed(&error))?;
    let mut scaled =
        Image::from_slice_u8(samples / in_pixel as u32, rows, target, pixel).map_err(|error| failed(&error))?;
    // Rounding may put an edge past the picture by less than can be seen, which the resizer refuses.
    let (left, wide) = inside(part.x * across, part.width * across, f64::from(width));
    let (top, high) = inside(part.y * down, part.height * down, f64::from(source.rows));
    let bilinear = ResizeAlg::Convolution(FilterType::Bilinear);
    let options = ResizeOptions::new().resize_alg(bilinear).use_alpha(false).crop(left, top, wide, high);
    resizer.resize(&image, &mut scaled, &options).map_err(|error| failed(&error))
}

/// Start and length of a stretch, cut to `0..end` so that their sum is within it as the machine adds.
fn inside(start: f64, length: f64, end: f64) -> (f64, f64) {
    let start = start.clamp(0.0, end);
    let mut length = length.clamp(0.0, end - start);
    while start + length > end {
        length = length.next_down();
    }
    (start, length)
}

/// Bytes aligned for 16-bit samples.
struct Aligned(Vec<u16>);

impl Aligned {
    fn new(bytes: &[u8]) -> Self {
        Self(
            bytes
                .chunks(2)
                .map(|pair| u16::from_ne_bytes([pair.first().copied().unwrap_or(0), pair.get(1).copied().unwrap_or(0)]))
                .collect(),
        )
    }

    fn bytes(&self, length: usize) -> &[u8] {
        bytemuck::cast_slice(&self.0).get(..length).unwrap_or_default()
    }
}

fn within(inner: Rect, outer: Rect) -> bool {
    let end = |start: i32, length: u32| i64::from(start) + i64::from(length);
    inner.x >= outer.x
        && inner.y >= outer.y
        && end(inner.x, inner.width) <= end(outer.x, outer.width)
        && end(inner.y, inner.height) <= end(outer.y, outer.height)
}

fn clear(pixels: &mut [u32], width: u32, rect: Rect) {
    let rows = pixels.chunks_exact_mut(width as usize).skip(rect.y.unsigned_abs() as usize);
    for row in rows.take(rect.height as usize) {
        row.iter_mut().skip(rect.x.unsigned_abs() as usize).take(rect.width as usize).for_each(|pixel| *pixel = 0);
    }
}

fn clear_around(pixels: &mut [u32], width: u32, inside: Rect) {
    let (top, left) = (inside.y.unsigned_abs() as usize, inside.x.unsigned_abs() as usize);
    let (bottom, right) = (top + inside.height as usize, left + inside.width as usize);
    for (y, row) in pixels.chunks_exact_mut(width as usize).enumerate() {
        if inside.is_empty() || y < top || y >= bottom {
            row.fill(0);
        } else {
            row.iter_mut().take(left).for_each(|pixel| *pixel = 0);
            row.iter_mut().skip(right).for_each(|pixel| *pixel = 0);
        }
    }
}

/// A window that the CPU draws into.
pub struct SoftwareBody {
    surface: softbuffer::Surface<Display, Arc<Window>>,
    window: Arc<Window>,
    canvas: SoftwareCanvas,
    size: (u32, u32),
    resized: bool,
    own_connection: bool,
    name: String,
}

fn software(error: &softbuffer::SoftBufferError) -> PresentError {
    PresentError::Software(error.to_string())
}

impl SoftwareBody {
    /// Takes over `window`; call it on the main thread.
    ///
    /// # Errors
    /// The platform has no such surface for this window.
    pub fn open(window: Arc<Window>) -> Result<Self, PresentError> {
        let display = Display::of(&window);
        let own_connection = matches!(display, Display::OwnX11);
        let platform = if own_connection { "X11" } else { "window memory" };
        let context = softbuffer::Context::new(display).map_err(|error| software(&error))?;
        let surface = softbuffer::Surface::new(&context, Arc::clone(&window)).map_err(|error| software(&error))?;
        let size = window.inner_size();
        Ok(Self {
            surface,
            window,
            canvas: SoftwareCanvas::new(),
            size: (size.width, size.height),
            resized: true,
            own_connection,
            name: format!("software ({platform})"),
        })
    }

    /// Name for overlay and log.
    #[must_use]
    pub fn name(&self) -> String {
        self.name.clone()
    }

    /// The window has this size now.
    pub fn resize(&mut self, width: u32, height: u32) {
        if self.size != (width, height) {
            self.size = (width, height);
            self.resized = true;
        }
    }

    /// See [`crate::Presenter::show`].
    ///
    /// # Errors
    /// See [`crate::Presenter::show`].
    pub fn show(
        &mut self,
        choose: &mut dyn FnMut() -> Option<Picture>,
        look: &Look<'_>,
        clock: &dyn Fn() -> Instant,
    ) -> Result<Shown, PresentError> {
        let (Some(width), Some(height)) = (NonZeroU32::new(self.size.0), NonZeroU32::new(self.size.1)) else {
            return Ok(Shown::NotNow);
        };
        if self.resized {
            self.surface.resize(width, height).map_err(|error| software(&error))?;
            self.resized = false;
        }
        // May wait until the compositor gives a buffer back: the picture is chosen after it.
        let mut buffer = self.surface.buffer_mut().map_err(|error| software(&error))?;
        let picture = choose();
        let fresh = buffer.age() == 0;
        let drawn = self.canvas.draw(&mut buffer, self.size, fresh, picture.as_ref(), look);
        let queued = clock();
        self.window.pre_present_notify();
        buffer.present().map_err(|error| software(&error))?;
        if self.own_connection {
            // softbuffer 0.4.8 leaves its request in the connection's memory, where it would wait for the next
            // picture: asking for the next buffer sends it and waits until the server has copied this picture.
            drop(self.surface.buffer_mut().map_err(|error| software(&error))?);
        }
        drawn.map(|()| Shown::Presented { queued, presented: clock() })
    }
}
