//! Drawing straight into YUV420P planes.
//!
//! Everything is authored in RGB and converted once by [`color::bt709`]; a frame is then made of
//! row fills, row copies and blends on the planes themselves, so nothing is converted and nothing
//! is allocated per frame. Light (neon lines, sparks) is added in YUV: the colour transform is
//! linear, so adding luma and chroma is adding light, and the receiver's clamp is the saturation.

pub mod color;
pub mod fill;
pub mod font;
pub mod label;
pub mod neon;
pub mod sprite;
pub mod stroke;

pub use color::Yuv;
pub use label::Label;
pub use neon::{Neon, Pen};
pub use sprite::Sprite;

/// Axis-aligned rectangle in luma pixels; negative sizes are empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rect {
    /// Left edge.
    pub x: i32,
    /// Top edge.
    pub y: i32,
    /// Columns.
    pub w: i32,
    /// Rows.
    pub h: i32,
}

impl Rect {
    /// Rectangle from its top-left corner and size.
    #[must_use]
    pub const fn new(x: i32, y: i32, w: i32, h: i32) -> Self {
        Self { x, y, w, h }
    }

    /// First column right of it.
    #[must_use]
    pub const fn right(self) -> i32 {
        self.x.saturating_add(self.w)
    }

    /// First row below it.
    #[must_use]
    pub const fn bottom(self) -> i32 {
        self.y.saturating_add(self.h)
    }

    /// Same centre, every edge moved inwards by `by`.
    #[must_use]
    pub const fn inset(self, by: i32) -> Self {
        Self { x: self.x + by, y: self.y + by, w: self.w - 2 * by, h: self.h - 2 * by }
    }

    /// Whether the pixel lies in it.
    #[must_use]
    pub const fn contains(self, x: i32, y: i32) -> bool {
        x >= self.x && y >= self.y && x < self.right() && y < self.bottom()
    }
}

/// Rectangle relative to the picture, in thousandths of its width and height.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Left edge.
    pub x: u16,
    /// Top edge.
    pub y: u16,
    /// Width.
    pub w: u16,
    /// Height.
    pub h: u16,
}

impl Share {
    /// The rectangle in pixels of a picture, edges on even pixels so that chroma is exact.
    #[must_use]
    pub fn of(self, width: usize, height: usize) -> Rect {
        let at = |size: usize, share: u32| (size as u64 * u64::from(share) / 1000) as i32 & !1;
        let (x, y) = (at(width, u32::from(self.x)), at(height, u32::from(self.y)));
        let right = at(width, u32::from(self.x) + u32::from(self.w));
        let bottom = at(height, u32::from(self.y) + u32::from(self.h));
        Rect { x, y, w: right - x, h: bottom - y }
    }
}

/// Bytes `x0..x1` of row `y` of a plane, if the plane has them.
fn row(plane: &mut [u8], stride: usize, y: usize, x0: usize, x1: usize) -> Option<&mut [u8]> {
    let start = y.checked_mul(stride)?;
    plane.get_mut(start.checked_add(x0)?..start.checked_add(x1)?)
}

#[cfg(test)]
pub(crate) mod tests {
    use crate::games::Canvas;

    /// Planes of a picture with padding after every row, for tests.
    pub(crate) struct Planes {
        pub(crate) width: usize,
        pub(crate) height: usize,
        pub(crate) pad: usize,
        pub(crate) y: Vec<u8>,
        pub(crate) u: Vec<u8>,
        pub(crate) v: Vec<u8>,
    }

    /// Value of bytes which no drawing may touch.
    pub(crate) const UNTOUCHED: u8 = 0xA5;

    impl Planes {
        pub(crate) fn new(width: usize, height: usize, pad: usize) -> Self {
            let luma = vec![UNTOUCHED; (width + pad) * height];
            let chroma = vec![UNTOUCHED; (width.div_ceil(2) + pad) * height.div_ceil(2)];
            Self { width, height, pad, y: luma, u: chroma.clone(), v: chroma }
        }

        pub(crate) fn canvas(&mut self) -> Canvas<'_> {
            Canvas {
                width: self.width,
                height: self.height,
                y_stride: self.width + self.pad,
                uv_stride: self.width.div_ceil(2) + self.pad,
                y: &mut self.y,
                u: &mut self.u,
                v: &mut self.v,
            }
        }

        pub(crate) fn at(&self, x: usize, y: usize) -> (u8, u8, u8) {
            let chroma = (y / 2) * (self.width.div_ceil(2) + self.pad) + x / 2;
            (self.y[y * (self.width + self.pad) + x], self.u[chroma], self.v[chroma])
        }

        /// Whether the bytes between the rows still have their value.
        pub(crate) fn padding_is_whole(&self) -> bool {
            let luma = self.y.chunks(self.width + self.pad).all(|r| r[self.width..].iter().all(|&b| b == UNTOUCHED));
            let half = self.width.div_ceil(2);
            let mut chroma = self.u.chunks(half + self.pad).chain(self.v.chunks(half + self.pad));
            luma && chroma.all(|r| r[half..].iter().all(|&b| b == UNTOUCHED))
        }

        /// FNV-1a over all planes.
        pub(crate) fn hash(&self) -> u64 {
            let bytes = self.y.iter().chain(&self.u).chain(&self.v);
            bytes.fold(0xcbf2_9ce4_8422_2325, |hash, &b| (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
        }
    }
}
