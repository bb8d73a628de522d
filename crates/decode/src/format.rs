//! What libavutil's pixel formats and colour codes mean in the terms of the house.

use entente_model::media::{ColorHint, VideoCodec};
use entente_model::picture::{Color, Matrix, PixelLayout, Transfer};
use ffmpeg_next::ffi::{AVColorRange, AVColorSpace, AVColorTransferCharacteristic, AVPixelFormat};

/// A layout that can be shown without conversion, and whether the format itself says "full range".
pub(crate) fn layout_of(format: i32) -> Option<(PixelLayout, bool)> {
    use AVPixelFormat as F;
    const TABLE: [(AVPixelFormat, PixelLayout, bool); 11] = [
        (F::AV_PIX_FMT_YUV420P, PixelLayout::I420, false),
        (F::AV_PIX_FMT_YUVJ420P, PixelLayout::I420, true),
        (F::AV_PIX_FMT_YUV422P, PixelLayout::I422, false),
        (F::AV_PIX_FMT_YUVJ422P, PixelLayout::I422, true),
        (F::AV_PIX_FMT_YUV444P, PixelLayout::I444, false),
        (F::AV_PIX_FMT_YUVJ444P, PixelLayout::I444, true),
        (F::AV_PIX_FMT_NV12, PixelLayout::Nv12, false),
        (F::AV_PIX_FMT_YUV420P10LE, PixelLayout::I010, false),
        (F::AV_PIX_FMT_YUV422P10LE, PixelLayout::I210, false),
        (F::AV_PIX_FMT_YUV444P10LE, PixelLayout::I410, false),
        (F::AV_PIX_FMT_P010LE, PixelLayout::P010, false),
    ];
    TABLE.iter().find(|(known, ..)| *known as i32 == format).map(|(_, layout, full)| (*layout, *full))
}

/// The shape of a format that [`layout_of`] does not know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) bits: i32,
    pub(crate) chroma_shift: (u8, u8),
    pub(crate) has_chroma: bool,
    pub(crate) rgb: bool,
}

/// The nearest showable format for `shape`.
pub(crate) fn nearest(shape: Shape) -> (AVPixelFormat, PixelLayout) {
    use AVPixelFormat as F;
    let full = shape.rgb || (shape.has_chroma && shape.chroma_shift == (0, 0));
    let wide = shape.has_chroma && shape.chroma_shift.1 == 0;
    match (shape.bits > 8, full, wide) {
        (false, true, _) => (F::AV_PIX_FMT_YUV444P, PixelLayout::I444),
        (false, false, true) => (F::AV_PIX_FMT_YUV422P, PixelLayout::I422),
        (false, false, false) => (F::AV_PIX_FMT_YUV420P, PixelLayout::I420),
        (true, true, _) => (F::AV_PIX_FMT_YUV444P10LE, PixelLayout::I410),
        (true, false, true) => (F::AV_PIX_FMT_YUV422P10LE, PixelLayout::I210),
        (true, false, false) => (F::AV_PIX_FMT_YUV420P10LE, PixelLayout::I010),
    }
}

/// Colour of a frame from its H.273 codes (libavutil uses the same numbers).
///
/// "Unspecified" means BT.709 limited range at every size; see [`stated`].
pub(crate) fn color_of(matrix: i32, range: i32, transfer: i32, format_full: bool) -> Color {
    let matrix = if [AVColorSpace::AVCOL_SPC_BT470BG, AVColorSpace::AVCOL_SPC_SMPTE170M, AVColorSpace::AVCOL_SPC_FCC]
        .iter()
        .any(|known| *known as i32 == matrix)
    {
        Matrix::Bt601
    } else if [AVColorSpace::AVCOL_SPC_BT2020_NCL, AVColorSpace::AVCOL_SPC_BT2020_CL]
        .iter()
        .any(|known| *known as i32 == matrix)
    {
        Matrix::Bt2020
    } else {
        Matrix::Bt709
    };
    let transfer = if transfer == AVColorTransferCharacteristic::AVCOL_TRC_SMPTE2084 as i32 {
        Transfer::Pq
    } else if transfer == AVColorTransferCharacteristic::AVCOL_TRC_ARIB_STD_B67 as i32 {
        Transfer::Hlg
    } else {
        Transfer::Sdr
    };
    let full_range = format_full || range == AVColorRange::AVCOL_RANGE_JPEG as i32;
    Color { matrix, full_range, transfer }
}

/// Matrix, range and transfer of a stream: what the bitstream states, else what the transport does. VP8 cannot state its
/// matrix; FFmpeg says BT.601 for it (RFC 6386 section 9.2), which a transport that knows better overrules.
pub(crate) fn stated(codec: VideoCodec, codes: (i32, i32, i32), hint: Option<ColorHint>) -> (i32, i32, i32) {
    let (matrix, range, transfer) = codes;
    let silent = codec == VideoCodec::Vp8 || matrix == AVColorSpace::AVCOL_SPC_UNSPECIFIED as i32;
    match hint.filter(|_| silent) {
        Some(hint) => {
            let range = if hint.full_range { AVColorRange::AVCOL_RANGE_JPEG } else { AVColorRange::AVCOL_RANGE_MPEG };
            (i32::from(hint.matrix), range as i32, i32::from(hint.transfer))
        }
        None => (matrix, range, transfer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unspecified_is_bt709_limited_sdr() {
        assert_eq!(color_of(2, 0, 2, false), Color::default());
    }

    #[test]
    fn the_transport_speaks_for_streams_that_cannot() {
        let hint = Some(ColorHint { matrix: 1, transfer: 1, full_range: false });
        let matrix = |codec, stated_matrix, hint| {
            let (matrix, range, transfer) = stated(codec, (stated_matrix, 0, 2), hint);
            color_of(matrix, range, transfer, false).matrix
        };
        assert_eq!(matrix(VideoCodec::Vp8, 5, None), Matrix::Bt601);
        assert_eq!(matrix(VideoCodec::Vp8, 5, hint), Matrix::Bt709);
        assert_eq!(matrix(VideoCodec::H264, 6, hint), Matrix::Bt601);
        let full = Some(ColorHint { matrix: 9, transfer: 16, full_range: true });
        assert_eq!(stated(VideoCodec::H264, (2, 1, 2), full), (9, 2, 16));
    }

    #[test]
    fn h273_codes_are_told_apart() {
        assert_eq!(color_of(6, 1, 6, false).matrix, Matrix::Bt601);
        assert_eq!(
            color_of(9, 1, 16, false),
            Color { matrix: Matrix::Bt2020, full_range: false, transfer: Transfer::Pq }
        );
        assert_eq!(
            color_of(9, 2, 18, false),
            Color { matrix: Matrix::Bt2020, full_range: true, transfer: Transfer::Hlg }
        );
        assert!(color_of(1, 0, 1, true).full_range);
    }

    #[test]
    fn odd_shapes_keep_depth_and_chroma() {
        let shape = |bits, chroma_shift, has_chroma, rgb| nearest(Shape { bits, chroma_shift, has_chroma, rgb }).1;
        assert_eq!(shape(8, (0, 0), true, true), PixelLayout::I444);
        assert_eq!(shape(12, (1, 1), true, false), PixelLayout::I010);
        assert_eq!(shape(12, (1, 0), true, false), PixelLayout::I210);
        assert_eq!(shape(10, (0, 0), true, true), PixelLayout::I410);
        assert_eq!(shape(8, (0, 0), false, false), PixelLayout::I420);
    }
}
