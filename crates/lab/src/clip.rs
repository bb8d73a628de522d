//! A real H.264 clip, small enough to keep.

use std::sync::OnceLock;

use bytes::Bytes;

/// 15 pictures of ffmpeg's `testsrc`, 160x96, baseline, every one a key frame with parameter sets. Made by
/// `ffmpeg -f lavfi -i testsrc=size=160x96:rate=30 -frames:v 15 -pix_fmt yuv420p -c:v libx264 -profile:v baseline
/// -tune zerolatency -x264-params keyint=1:repeat-headers=1:annexb=1 -crf 38 -f h264 pattern.h264`.
static CLIP: &[u8] = include_bytes!("../assets/pattern.h264");

/// The clip's access units in Annex B form.
pub fn pattern_frames() -> &'static [Bytes] {
    static FRAMES: OnceLock<Vec<Bytes>> = OnceLock::new();
    FRAMES.get_or_init(|| {
        let mut frames: Vec<Vec<u8>> = Vec::new();
        for unit in units(CLIP) {
            // A sequence parameter set (NAL type 7, ITU-T H.264 table 7-1) begins each picture of this clip.
            if unit.first().is_some_and(|header| header & 0x1f == 7) || frames.is_empty() {
                frames.push(Vec::new());
            }
            if let Some(frame) = frames.last_mut() {
                frame.extend([0, 0, 0, 1]);
                frame.extend(unit);
            }
        }
        frames.into_iter().map(Bytes::from).collect()
    })
}

/// NAL units of an Annex B stream, without start codes.
pub(crate) fn units(stream: &[u8]) -> Vec<&[u8]> {
    let starts: Vec<usize> =
        stream.windows(3).enumerate().filter(|(_, window)| *window == [0, 0, 1]).map(|(at, _)| at + 3).collect();
    let mut found = Vec::new();
    for (index, start) in starts.iter().enumerate() {
        let end = starts.get(index + 1).map_or(stream.len(), |next| next - 3);
        let mut unit = stream.get(*start..end).unwrap_or_default();
        while let Some(rest) = unit.strip_suffix(&[0]) {
            unit = rest;
        }
        if !unit.is_empty() {
            found.push(unit);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_clip_has_fifteen_key_frames() {
        let frames = super::pattern_frames();
        assert_eq!(frames.len(), 15);
        assert!(frames.iter().all(|frame| frame.starts_with(&[0, 0, 0, 1, 0x67])));
        assert!(frames.iter().all(|frame| super::units(frame).iter().any(|unit| unit[0] & 0x1f == 5)));
    }
}
