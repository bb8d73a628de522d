//! Views of a picture's planes that were checked against its size once, so that nothing after has to.

use std::borrow::Cow;

use entente_model::picture::{Color, Picture, PixelLayout};

use crate::error::PresentError;

/// Larger pictures are refused; also the largest texture that GPUs commonly take.
const LARGEST_SIDE: u32 = 16_384;

/// One plane whose rows are all there.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PlaneView<'a> {
    pub(crate) data: &'a [u8],
    /// Bytes from row to row.
    pub(crate) stride: usize,
    /// Samples of a row; an interleaved pair counts as two.
    pub(crate) samples: u32,
    pub(crate) rows: u32,
}

/// All planes of one picture.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Planes<'a> {
    pub(crate) layout: PixelLayout,
    pub(crate) color: Color,
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// The third is empty for interleaved layouts.
    pub(crate) all: [PlaneView<'a>; 3],
}

impl<'a> Planes<'a> {
    /// Checks `picture`'s memory against its size.
    pub(crate) fn of(picture: &'a Picture) -> Result<Self, PresentError> {
        let Picture { width, height, layout, color, memory, .. } = picture;
        let (width, height, layout) = (*width, *height, *layout);
        let refused = || PresentError::Picture { width, height, layout };
        let sides = 1..=LARGEST_SIDE;
        if !sides.contains(&width) || !sides.contains(&height) {
            return Err(refused());
        }
        let mut all = [PlaneView::default(); 3];
        for (index, view) in all.iter_mut().enumerate().take(layout.planes()) {
            let plane = memory.plane(index).ok_or_else(refused)?;
            let (samples, rows) = layout.plane_size(index, width, height);
            *view = PlaneView { data: plane.data, stride: plane.stride, samples, rows };
            let row = view.row_bytes(layout);
            let needed = plane.stride.checked_mul(rows as usize - 1).and_then(|bytes| bytes.checked_add(row));
            let fits = needed.is_some_and(|needed| plane.data.len() >= needed);
            if plane.stride < row || !fits || u32::try_from(plane.stride).is_err() {
                return Err(refused());
            }
        }
        Ok(Self { layout, color: *color, width, height, all })
    }

    pub(crate) const fn interleaved(&self) -> bool {
        self.layout.planes() == 2
    }
}

impl<'a> PlaneView<'a> {
    pub(crate) const fn row_bytes(&self, layout: PixelLayout) -> usize {
        self.samples as usize * layout.sample_bytes()
    }

    /// 16-bit samples and their stride in samples; copied only when the memory is not aligned for them.
    pub(crate) fn wide(&self) -> (Cow<'a, [u16]>, usize) {
        let even = self.data.get(..self.data.len() & !1).unwrap_or_default();
        if self.stride.is_multiple_of(2)
            && let Ok(samples) = bytemuck::try_cast_slice(even)
        {
            return (Cow::Borrowed(samples), self.stride / 2);
        }
        let row = self.samples as usize * 2;
        let copied = self
            .data
            .chunks(self.stride.max(1))
            .take(self.rows as usize)
            .flat_map(|line| line.get(..row).unwrap_or_default().as_chunks::<2>().0)
            .map(|bytes| u16::from_ne_bytes(*bytes))
            .collect();
        (Cow::Owned(copied), self.samples as usize)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Instant;

    use entente_model::picture::{FrameTimes, OwnedPlanes};

    use super::*;

    #[allow(clippy::disallowed_methods, reason = "stamps of a test picture mean nothing")]
    fn picture(layout: PixelLayout, width: u32, height: u32, memory: OwnedPlanes) -> Picture {
        let now = Instant::now();
        let times = FrameTimes { first_packet: now, last_packet: now, assembled: now, decode_in: now, decode_out: now };
        Picture { frame: 0, width, height, layout, color: Color::default(), times, memory: Arc::new(memory) }
    }

    #[test]
    fn short_or_missing_planes_are_refused() {
        let good = OwnedPlanes::new(PixelLayout::I420, 7, 5);
        assert!(Planes::of(&picture(PixelLayout::I420, 7, 5, good)).is_ok());
        let mut short = OwnedPlanes::new(PixelLayout::I420, 7, 5);
        short.planes[1].0.pop();
        assert!(Planes::of(&picture(PixelLayout::I420, 7, 5, short)).is_err());
        let mut narrow = OwnedPlanes::new(PixelLayout::I420, 7, 5);
        narrow.planes[0].1 = 6;
        assert!(Planes::of(&picture(PixelLayout::I420, 7, 5, narrow)).is_err());
        let two = OwnedPlanes::new(PixelLayout::Nv12, 7, 5);
        assert!(Planes::of(&picture(PixelLayout::I420, 7, 5, two)).is_err());
        let mut huge = OwnedPlanes::new(PixelLayout::I420, 7, 5);
        huge.planes[0].1 = usize::MAX;
        assert!(Planes::of(&picture(PixelLayout::I420, 7, 5, huge)).is_err());
        let none = OwnedPlanes::new(PixelLayout::I420, 0, 5);
        assert!(Planes::of(&picture(PixelLayout::I420, 0, 5, none)).is_err());
    }

    #[test]
    fn odd_strides_of_wide_samples_are_copied() {
        let mut memory = OwnedPlanes::new(PixelLayout::I010, 2, 2);
        memory.planes[0] = (vec![1, 0, 2, 0, 99, 3, 0, 4, 0], 5);
        let picture = picture(PixelLayout::I010, 2, 2, memory);
        let planes = Planes::of(&picture).unwrap();
        let (samples, stride) = planes.all[0].wide();
        assert_eq!((samples.as_ref(), stride), ([1u16, 2, 3, 4].as_slice(), 2));
    }
}
