//! Decoded channels to the device's channels.

/// Where a channel belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Left,
    Right,
    Center,
    Low,
    SideLeft,
    SideRight,
    BackLeft,
    BackRight,
    BackCenter,
}

/// Vorbis channel order (RFC 7845 section 5.1.1.2).
fn source_places(channels: usize) -> &'static [Place] {
    use Place::{BackCenter, BackLeft, BackRight, Center, Left, Low, Right, SideLeft, SideRight};
    match channels {
        1 => &[Center],
        2 => &[Left, Right],
        3 => &[Left, Center, Right],
        4 => &[Left, Right, BackLeft, BackRight],
        5 => &[Left, Center, Right, BackLeft, BackRight],
        6 => &[Left, Center, Right, BackLeft, BackRight, Low],
        7 => &[Left, Center, Right, SideLeft, SideRight, BackCenter, Low],
        _ => &[Left, Center, Right, SideLeft, SideRight, BackLeft, BackRight, Low],
    }
}

/// Order of WAVE devices (front, centre, low, back, side).
fn device_places(channels: usize) -> &'static [Place] {
    use Place::{BackLeft, BackRight, Center, Left, Low, Right, SideLeft, SideRight};
    match channels {
        1 => &[Center],
        6 => &[Left, Right, Center, Low, BackLeft, BackRight],
        8 => &[Left, Right, Center, Low, BackLeft, BackRight, SideLeft, SideRight],
        _ => &[Left, Right],
    }
}

/// Channels to mix for a device with `device` channels; the rest stays silent.
pub(crate) fn mixed_channels(device: usize) -> usize {
    match device {
        0 | 1 => 1,
        6 | 7 => 6,
        8.. => 8,
        _ => 2,
    }
}

const HALF_POWER: f32 = std::f32::consts::FRAC_1_SQRT_2;

/// A matrix from decoded to mixed channels. Rows are scaled so that full-scale sound cannot clip.
#[derive(Clone, Debug)]
pub(crate) struct Mixer {
    inputs: usize,
    outputs: usize,
    /// `outputs` rows of `inputs`.
    gains: Vec<f32>,
}

impl Mixer {
    pub(crate) fn new(inputs: usize, outputs: usize) -> Self {
        let places = device_places(outputs);
        let mut gains = vec![0.0; inputs * outputs];
        for (input, place) in source_places(inputs).iter().enumerate().take(inputs) {
            for (target, gain) in route(*place, places) {
                if let Some(output) = places.iter().position(|place| *place == target)
                    && let Some(cell) = gains.get_mut(output * inputs + input)
                {
                    *cell += gain;
                }
            }
        }
        let loudest = gains.chunks(inputs.max(1)).map(|row| row.iter().sum::<f32>()).fold(1.0, f32::max);
        gains.iter_mut().for_each(|gain| *gain /= loudest);
        Self { inputs, outputs, gains }
    }

    /// Appends the mix of `input` (interleaved) to `out`.
    pub(crate) fn mix(&self, input: &[f32], out: &mut Vec<f32>) {
        if self.inputs == self.outputs && self.inputs <= 2 {
            out.extend_from_slice(input);
            return;
        }
        for frame in input.chunks_exact(self.inputs.max(1)) {
            for row in self.gains.chunks_exact(self.inputs.max(1)).take(self.outputs) {
                out.push(row.iter().zip(frame).map(|(gain, sample)| gain * sample).sum());
            }
        }
    }
}

/// Where a channel goes if the device has only `places` (ITU-R BS.775-4 table 2 for folding down).
fn route(place: Place, places: &[Place]) -> Vec<(Place, f32)> {
    use Place::{BackCenter, BackLeft, BackRight, Center, Left, Low, Right, SideLeft, SideRight};
    if places.contains(&place) {
        return vec![(place, 1.0)];
    }
    let mono = places == [Center];
    let stereo = |gain: f32| vec![(Left, gain), (Right, gain)];
    match place {
        Left | Right => vec![(Center, 0.5)],
        // A lone centre (mono) keeps its level on both sides; with sides of its own it is folded 3 dB down.
        Center => stereo(HALF_POWER),
        Low => Vec::new(),
        SideLeft | BackLeft if mono => vec![(Center, 0.5 * HALF_POWER)],
        SideRight | BackRight if mono => vec![(Center, 0.5 * HALF_POWER)],
        SideLeft if places.contains(&BackLeft) => vec![(BackLeft, 1.0)],
        SideRight if places.contains(&BackRight) => vec![(BackRight, 1.0)],
        BackLeft | SideLeft => vec![(Left, HALF_POWER)],
        BackRight | SideRight => vec![(Right, HALF_POWER)],
        BackCenter if mono => vec![(Center, 0.5)],
        BackCenter if places.contains(&BackLeft) => vec![(BackLeft, HALF_POWER), (BackRight, HALF_POWER)],
        BackCenter => stereo(0.5),
    }
}

/// The left and right of a mixed frame, for the WAV tap.
pub(crate) fn to_stereo(frame: &[f32]) -> [f32; 2] {
    match frame {
        [] => [0.0, 0.0],
        [mono] => [*mono, *mono],
        [left, right] => [*left, *right],
        [left, right, center, _, back_left, back_right, rest @ ..] => {
            let side = |index: usize| rest.get(index).copied().unwrap_or(0.0);
            [left + HALF_POWER * (center + back_left + side(0)), right + HALF_POWER * (center + back_right + side(1))]
        }
        [left, right, ..] => [*left, *right],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mixed(inputs: usize, outputs: usize, frame: &[f32]) -> Vec<f32> {
        let mut out = Vec::new();
        Mixer::new(inputs, outputs).mix(frame, &mut out);
        out
    }

    #[test]
    fn stereo_passes_and_mono_reaches_both_sides_alike() {
        assert_eq!(mixed(2, 2, &[0.25, -0.5]), [0.25, -0.5]);
        let both = mixed(1, 2, &[0.5]);
        assert_eq!(both[0], both[1]);
        assert!(both[0] > 0.3);
        assert_eq!(mixed(2, 1, &[0.5, 0.5]), [0.5]);
    }

    #[test]
    fn surround_keeps_sides_apart_and_never_clips() {
        // Vorbis order of six: left, centre, right, back left, back right, low.
        let left = mixed(6, 2, &[1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
        assert!(left[0] > 0.5 && left[1] == 0.0);
        for inputs in 1..=8 {
            for outputs in [1, 2, 6, 8] {
                let full = mixed(inputs, outputs, &vec![1.0; inputs]);
                assert!(full.iter().all(|sample| *sample <= 1.0001), "{inputs} to {outputs}: {full:?}");
                assert!(full.iter().any(|sample| *sample > 0.3), "{inputs} to {outputs}: {full:?}");
            }
        }
    }

    #[test]
    fn surround_devices_get_their_own_order() {
        assert_eq!(mixed(6, 6, &[0.1, 0.2, 0.3, 0.4, 0.5, 0.6]), [0.1, 0.3, 0.2, 0.6, 0.4, 0.5]);
    }
}
