//! The proof that a hardware decoder decodes: a test frame goes through it and its samples are looked at.
//!
//! A device that opens proves little. Drivers list codecs that they refuse later, and some give a picture of one colour
//! without an error. So each candidate decodes one small key frame before it may have the stream.
//!
//! The frame is 320x192 (every decoder known takes that size) and holds 5 x 4 cells of one colour each. The files were
//! made with FFmpeg 5.1, for example
//!
//! ```text
//! ffmpeg -f lavfi -i "color=black:s=320x192:r=60,format=yuv420p,geq=lum='40+9*K':cb='64+mod(37*C,128)':cr='64+mod(53*C,128)'"
//!        -frames:v 1 -bitexact -c:v libx264 -profile:v high -tune zerolatency -qp 16 -f h264 h264.bin
//! ```
//!
//! with `K = floor(X/64)+5*floor(Y/48)` and `C = floor(X/32)+5*floor(Y/24)`, the others with libx265, libvpx,
//! libvpx-vp9 and libaom-av1.

use entente_model::media::VideoCodec;
use entente_model::picture::PixelLayout;

use crate::format::layout_of;
use crate::libav::{Context, Downloads, Frame};

const SIZE: (u32, u32) = (320, 192);
const CELLS: (usize, usize) = (5, 4);

/// Farthest that a sample may be from the colour of its cell. A right decoder gives exactly the colours here, and one that
/// forgets a transform, a plane or the prediction is off by tens.
const TOLERANCE: u8 = 2;

/// Times that the frame is given before "no picture" is believed: some drivers keep a frame until the next one.
const TRIES: i64 = 4;

const fn test_frame(codec: VideoCodec) -> &'static [u8] {
    match codec {
        VideoCodec::H264 => include_bytes!("probe/h264.bin"),
        VideoCodec::Hevc => include_bytes!("probe/hevc.bin"),
        VideoCodec::Vp8 => include_bytes!("probe/vp8.bin"),
        VideoCodec::Vp9 => include_bytes!("probe/vp9.bin"),
        VideoCodec::Av1 => include_bytes!("probe/av1.bin"),
    }
}

/// Y, Cb, Cr of cell `index`, counted by rows.
const fn color(index: usize) -> [u8; 3] {
    [(40 + 9 * index) as u8, (64 + 37 * index % 128) as u8, (64 + 53 * index % 128) as u8]
}

/// Has `context`, opened for `codec` on a device, decode the test frame.
///
/// The context is spent afterwards: open another for the stream.
///
/// # Errors
/// What went wrong, in words.
pub(crate) fn prove(context: &mut Context, codec: VideoCodec) -> Result<(), String> {
    let surface = decoded(context, codec)?;
    if !surface.on_hardware() {
        return Err("does not take the test frame".to_owned());
    }
    let frame =
        Downloads::default().fetch(&surface).map_err(|code| format!("the test frame cannot be copied: {code}"))?;
    compare(&frame)
}

fn decoded(context: &mut Context, codec: VideoCodec) -> Result<Frame, String> {
    for pts in 0..TRIES {
        context.send(test_frame(codec), pts, true).map_err(|code| format!("refuses the test frame: {code}"))?;
        match context.receive() {
            Ok(Some(frame)) => return Ok(frame),
            Ok(None) => {}
            Err(code) => return Err(format!("fails with the test frame: {code}")),
        }
    }
    Err("gives no picture for the test frame".to_owned())
}

fn compare(frame: &Frame) -> Result<(), String> {
    let layout = layout_of(frame.format()).map(|(layout, _)| layout);
    let Some(layout @ (PixelLayout::I420 | PixelLayout::Nv12)) = layout else {
        return Err("gives samples of a kind that the test frame does not have".to_owned());
    };
    let size = frame.size();
    if size != SIZE {
        return Err(format!("gives a test picture of {}x{} instead of {}x{}", size.0, size.1, SIZE.0, SIZE.1));
    }
    for index in 0..CELLS.0 * CELLS.1 {
        for (channel, wanted) in color(index).into_iter().enumerate() {
            let got =
                sample(frame, layout, channel, index).ok_or_else(|| "gives planes that are too small".to_owned())?;
            if got.abs_diff(wanted) > TOLERANCE {
                let channel = ["Y", "Cb", "Cr"].get(channel).copied().unwrap_or_default();
                return Err(format!("decodes the test frame wrong ({channel} of cell {index} is {got}, not {wanted})"));
            }
        }
    }
    Ok(())
}

/// The sample of `channel` in the middle of cell `index`.
fn sample(frame: &Frame, layout: PixelLayout, channel: usize, index: usize) -> Option<u8> {
    let halved = if channel == 0 { 1 } else { 2 };
    let step = (SIZE.0 as usize / CELLS.0 / halved, SIZE.1 as usize / CELLS.1 / halved);
    let (x, y) = (step.0 * (index % CELLS.0) + step.0 / 2, step.1 * (index / CELLS.0) + step.1 / 2);
    let (plane, x) = match (layout, channel) {
        (PixelLayout::Nv12, 1 | 2) => (1, x * 2 + channel - 1),
        _ => (channel, x),
    };
    let plane = frame.plane(layout, plane)?;
    plane.data.get(y * plane.stride + x).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decoder::open_software;

    fn in_software(codec: VideoCodec) -> Option<(Context, String)> {
        open_software(codec, 1).map_err(|error| println!("skipped: {error}")).ok()
    }

    #[test]
    fn every_test_frame_is_what_a_right_decoder_makes_of_it() {
        for codec in VideoCodec::ALL {
            let Some((mut context, name)) = in_software(codec) else { continue };
            let frame = decoded(&mut context, codec).unwrap();
            assert_eq!(compare(&frame), Ok(()), "{name}");
        }
    }

    #[test]
    fn the_processor_does_not_pass_for_hardware() {
        let (mut context, _) = in_software(VideoCodec::H264).unwrap();
        assert_eq!(prove(&mut context, VideoCodec::H264), Err("does not take the test frame".to_owned()));
    }

    #[test]
    fn a_wrong_picture_is_found() {
        // A black frame of the right size, as broken drivers give.
        let frame = Frame::of_one_color(SIZE, [16, 128, 128]).unwrap();
        let why = compare(&frame).unwrap_err();
        assert_eq!(why, "decodes the test frame wrong (Y of cell 0 is 16, not 40)");
        let small = Frame::of_one_color((160, 96), [16, 128, 128]).unwrap();
        assert_eq!(compare(&small).unwrap_err(), "gives a test picture of 160x96 instead of 320x192");
    }

    #[test]
    fn cells_differ_from_their_neighbours_by_more_than_the_tolerance() {
        for index in 1..CELLS.0 * CELLS.1 {
            let differ =
                (0..3).any(|channel| color(index)[channel].abs_diff(color(index - 1)[channel]) > 2 * TOLERANCE);
            assert!(differ, "{index}");
        }
    }
}
