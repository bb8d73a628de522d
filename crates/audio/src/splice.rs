//! Cuts and repetitions that are not heard: both ends are chosen to look alike, and cross-faded.

/// Length of a cross-fade for a block of `frames`, at most 2.5 ms.
fn fade_length(frames: usize) -> usize {
    (frames / 4).min(120)
}

fn channel(sound: &[f32], channels: usize, frame: usize) -> f32 {
    sound.get(frame * channels).copied().unwrap_or(0.0)
}

/// How alike `length` frames from `a` and from `b` are: normalised correlation of the first channel.
fn likeness(sound: &[f32], channels: usize, a: usize, b: usize, length: usize) -> f32 {
    let (mut cross, mut power_a, mut power_b) = (0.0f32, 1e-9f32, 1e-9f32);
    for offset in 0..length {
        let (x, y) = (channel(sound, channels, a + offset), channel(sound, channels, b + offset));
        cross += x * y;
        power_a += x * x;
        power_b += y * y;
    }
    cross / (power_a * power_b).sqrt()
}

/// The distance in `range` at which `at + distance` continues like `at`.
fn best_distance(
    sound: &[f32],
    channels: usize,
    range: std::ops::RangeInclusive<usize>,
    ends: impl Fn(usize) -> (usize, usize),
    length: usize,
) -> usize {
    let mut best = (f32::MIN, *range.end());
    for distance in range {
        let (a, b) = ends(distance);
        let score = likeness(sound, channels, a, b, length);
        if score > best.0 {
            best = (score, distance);
        }
    }
    best.1
}

/// Weight of the new side in a cross-fade.
fn weight(at: usize, length: usize) -> f32 {
    let phase = (at as f32 + 0.5) / length.max(1) as f32 * std::f32::consts::PI;
    0.5 - 0.5 * phase.cos()
}

fn push_faded(out: &mut Vec<f32>, sound: &[f32], channels: usize, from: usize, to: usize, length: usize) {
    for offset in 0..length {
        let gain = weight(offset, length);
        for index in 0..channels {
            let old = sound.get((from + offset) * channels + index).copied().unwrap_or(0.0);
            let new = sound.get((to + offset) * channels + index).copied().unwrap_or(0.0);
            out.push(old * (1.0 - gain) + new * gain);
        }
    }
}

/// Appends `sound` to `out` with up to `wanted` frames left out, and returns how many were.
pub(crate) fn shorten(sound: &[f32], channels: usize, wanted: usize, out: &mut Vec<f32>) -> usize {
    let frames = sound.len() / channels.max(1);
    let fade = fade_length(frames);
    let most = wanted.min(frames - fade.min(frames));
    if fade == 0 || most == 0 {
        out.extend_from_slice(sound);
        return 0;
    }
    let cut = best_distance(sound, channels, most.div_ceil(2)..=most, |distance| (0, distance), fade);
    push_faded(out, sound, channels, 0, cut, fade);
    out.extend_from_slice(sound.get((cut + fade) * channels..).unwrap_or_default());
    cut
}

/// Appends `sound` to `out` with up to `wanted` frames said twice, and returns how many were.
pub(crate) fn lengthen(sound: &[f32], channels: usize, wanted: usize, out: &mut Vec<f32>) -> usize {
    let frames = sound.len() / channels.max(1);
    let fade = fade_length(frames);
    let turn = frames - fade.min(frames);
    let most = wanted.min(turn);
    if fade == 0 || most == 0 {
        out.extend_from_slice(sound);
        return 0;
    }
    let repeat = best_distance(sound, channels, most.div_ceil(2)..=most, |distance| (turn, turn - distance), fade);
    out.extend_from_slice(sound.get(..turn * channels).unwrap_or_default());
    push_faded(out, sound, channels, turn, turn - repeat, fade);
    out.extend_from_slice(sound.get((turn - repeat + fade) * channels..).unwrap_or_default());
    repeat
}

/// Fades from `old` to the start of `sound` in place.
pub(crate) fn fade_in_from(old: &[f32], sound: &mut [f32], channels: usize) {
    let length = old.len().min(sound.len()) / channels.max(1);
    for (frame, (new, old)) in
        sound.chunks_exact_mut(channels.max(1)).zip(old.chunks_exact(channels.max(1))).enumerate()
    {
        let gain = weight(frame, length);
        for (new, old) in new.iter_mut().zip(old) {
            *new = old * (1.0 - gain) + *new * gain;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(frames: usize) -> Vec<f32> {
        (0..frames).flat_map(|at| [(at as f32 * 0.058).sin() * 0.5; 2]).collect()
    }

    fn largest_step(sound: &[f32]) -> f32 {
        let left: Vec<f32> = sound.chunks(2).map(|frame| frame[0]).collect();
        left.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn a_cut_and_a_repetition_of_a_tone_are_not_heard() {
        for frames in [120, 240, 480, 960, 2880] {
            let sound = sine(frames);
            let (mut short, mut long) = (Vec::new(), Vec::new());
            let cut = shorten(&sound, 2, frames / 3, &mut short);
            let added = lengthen(&sound, 2, frames / 3, &mut long);
            assert!(cut > 0 && added > 0);
            assert_eq!(short.len() / 2, frames - cut);
            assert_eq!(long.len() / 2, frames + added);
            for (what, spliced) in [("cut", &short), ("repetition", &long)] {
                assert!(largest_step(spliced) < 0.05, "{what} of {frames}: {}", largest_step(spliced));
            }
            assert_eq!(long[..2], sound[..2]);
            assert_eq!(long[long.len() - 2..], sound[sound.len() - 2..]);
        }
    }

    #[test]
    fn nothing_wanted_or_possible_changes_nothing() {
        for sound in [vec![], vec![0.1, 0.2], sine(480)] {
            let mut out = Vec::new();
            assert_eq!(shorten(&sound, 2, 0, &mut out), 0);
            assert_eq!(out, sound);
        }
    }
}
