//! Voices, echo and limiter.

use super::RATE;

/// Voices sounding at once; a sound that finds none free is dropped, which nobody hears in a
/// mix that full, while stealing one would click.
const VOICES: usize = 40;

/// Echo time in samples: a dotted eighth at 120 beats a minute would be 18 000; a little less
/// keeps the echoes off the beat's own hits.
const ECHO: usize = 17_310;

/// Shape of one period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wave {
    /// Pure tone.
    Sine,
    /// Odd harmonics, soft.
    Triangle,
    /// All harmonics.
    Saw,
    /// Odd harmonics, hollow.
    Square,
    /// No pitch.
    Noise,
}

/// One sound: what [`Synth::play`] starts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Patch {
    /// Shape.
    pub wave: Wave,
    /// Frequency at the start in hertz.
    pub from: f32,
    /// Frequency which the sweep approaches, in hertz.
    pub to: f32,
    /// Time in which the sweep covers two thirds of its way, in seconds.
    pub sweep: f32,
    /// Seconds until it starts.
    pub delay: f32,
    /// Rise from silence in seconds; 2 ms at least are taken.
    pub attack: f32,
    /// Time at full level in seconds.
    pub hold: f32,
    /// Time in which the sound falls to a third, in seconds.
    pub fall: f32,
    /// Level, 0.0..=1.0.
    pub level: f32,
    /// Low-pass corner in hertz.
    pub bright: f32,
    /// -1.0 left, 1.0 right.
    pub pan: f32,
    /// Share that goes into the echo.
    pub echo: f32,
}

impl Patch {
    /// A plain tone to build others on.
    #[must_use]
    pub const fn tone(wave: Wave, frequency: f32, fall: f32, level: f32) -> Self {
        Self {
            wave,
            from: frequency,
            to: frequency,
            sweep: 1.0,
            delay: 0.0,
            attack: 0.003,
            hold: 0.0,
            fall,
            level,
            bright: 6_000.0,
            pan: 0.0,
            echo: 0.0,
        }
    }

    /// The same sound at another place.
    #[must_use]
    pub const fn at(self, pan: f32) -> Self {
        Self { pan, ..self }
    }
}

/// A sounding [`Patch`].
#[derive(Clone, Copy, Debug)]
struct Voice {
    wave: Wave,
    phase: f32,
    frequency: f32,
    to: f32,
    sweep: f32,
    /// 0 to 1 in the attack.
    rise: f32,
    rise_step: f32,
    wait: u32,
    hold: u32,
    level: f32,
    fall: f32,
    left: f32,
    right: f32,
    echo: f32,
    pole: f32,
    low: [f32; 2],
    noise: u32,
    busy: bool,
}

/// Level below which a voice is over: under one step of 16 bits.
const SILENT: f32 = 1.0 / 65_536.0;

impl Voice {
    const OFF: Self = Self {
        wave: Wave::Sine,
        phase: 0.0,
        frequency: 0.0,
        to: 0.0,
        sweep: 0.0,
        rise: 0.0,
        rise_step: 0.0,
        wait: 0,
        hold: 0,
        level: 0.0,
        fall: 0.0,
        left: 0.0,
        right: 0.0,
        echo: 0.0,
        pole: 0.0,
        low: [0.0; 2],
        noise: 1,
        busy: false,
    };

    fn start(patch: &Patch, seed: u32) -> Self {
        let rate = RATE as f32;
        let per_sample = |seconds: f32| 1.0 - (-1.0 / (seconds.max(0.001) * rate)).exp();
        let angle = (patch.pan.clamp(-1.0, 1.0) + 1.0) * std::f32::consts::FRAC_PI_4;
        let bright = patch.bright.clamp(30.0, 15_000.0);
        Self {
            wave: patch.wave,
            phase: 0.0,
            frequency: patch.from.clamp(10.0, 12_000.0) / rate,
            to: patch.to.clamp(10.0, 12_000.0) / rate,
            sweep: per_sample(patch.sweep),
            rise: 0.0,
            rise_step: 1.0 / (patch.attack.max(0.002) * rate),
            wait: (patch.delay.clamp(0.0, 10.0) * rate) as u32,
            hold: (patch.hold.clamp(0.0, 10.0) * rate) as u32,
            level: patch.level.clamp(0.0, 1.0),
            fall: 1.0 - per_sample(patch.fall.max(0.004)),
            left: angle.cos(),
            right: angle.sin(),
            echo: patch.echo.clamp(0.0, 1.0),
            pole: 1.0 - (-std::f32::consts::TAU * bright / rate).exp(),
            low: [0.0; 2],
            noise: seed | 1,
            busy: true,
        }
    }

    fn next(&mut self) -> f32 {
        if self.wait > 0 {
            self.wait -= 1;
            return 0.0;
        }
        self.phase += self.frequency;
        if self.phase >= 1.0 {
            self.phase -= 1.0;
        }
        self.frequency += (self.to - self.frequency) * self.sweep;
        let raw = match self.wave {
            Wave::Sine => sine(self.phase),
            Wave::Triangle => 1.0 - 4.0 * (((self.phase + 0.25) % 1.0) - 0.5).abs(),
            Wave::Saw => 2.0 * self.phase - 1.0 - step_residue(self.phase, self.frequency),
            Wave::Square => {
                let half = (self.phase + 0.5) % 1.0;
                let flat = if self.phase < 0.5 { 1.0 } else { -1.0 };
                flat + step_residue(self.phase, self.frequency) - step_residue(half, self.frequency)
            }
            Wave::Noise => {
                // xorshift32
                self.noise ^= self.noise << 13;
                self.noise ^= self.noise >> 17;
                self.noise ^= self.noise << 5;
                self.noise as f32 / 2_147_483_648.0 - 1.0
            }
        };
        let [a, b] = &mut self.low;
        *a += (raw - *a) * self.pole;
        *b += (*a - *b) * self.pole;
        let out = *b * self.level * self.rise;
        if self.rise < 1.0 {
            self.rise = (self.rise + self.rise_step).min(1.0);
        } else if self.hold > 0 {
            self.hold -= 1;
        } else {
            self.level *= self.fall;
            self.busy = self.level > SILENT;
        }
        out
    }
}

/// Sine of a phase in 0..1, within 0.1 %.
fn sine(phase: f32) -> f32 {
    let x = 1.0 - 2.0 * phase;
    let parabola = 4.0 * x * (1.0 - x.abs());
    parabola * (0.775 + 0.225 * parabola.abs())
}

/// What a step at phase 0 must lose so that it does not alias (PolyBLEP).
fn step_residue(phase: f32, step: f32) -> f32 {
    let step = step.max(1e-6);
    if phase < step {
        let t = phase / step;
        2.0 * t - t * t - 1.0
    } else if phase > 1.0 - step {
        let t = (phase - 1.0) / step;
        t * t + 2.0 * t + 1.0
    } else {
        0.0
    }
}

/// All voices and what they are mixed into.
pub struct Synth {
    voices: [Voice; VOICES],
    echo: Vec<[f32; 2]>,
    at: usize,
    seed: u32,
}

impl Default for Synth {
    fn default() -> Self {
        Self { voices: [Voice::OFF; VOICES], echo: vec![[0.0; 2]; ECHO], at: 0, seed: 0x9E37_79B9 }
    }
}

impl Synth {
    /// Starts a sound with the next sample. Dropped when all voices are busy.
    pub fn play(&mut self, patch: &Patch) {
        self.seed = self.seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        if let Some(voice) = self.voices.iter_mut().find(|voice| !voice.busy) {
            *voice = Voice::start(patch, self.seed);
        }
    }

    /// Voices sounding now.
    #[must_use]
    pub fn busy(&self) -> usize {
        self.voices.iter().filter(|voice| voice.busy).count()
    }

    /// Writes the next stereo samples; an odd last value is set to silence.
    pub fn render(&mut self, out: &mut [i16]) {
        let (frames, rest) = out.as_chunks_mut::<2>();
        rest.fill(0);
        for frame in frames {
            let (mut mix, mut send) = ([0.0; 2], [0.0; 2]);
            for voice in self.voices.iter_mut().filter(|voice| voice.busy) {
                let value = voice.next();
                let (left, right) = (value * voice.left, value * voice.right);
                mix[0] += left;
                mix[1] += right;
                send[0] += left * voice.echo;
                send[1] += right * voice.echo;
            }
            if let Some(tap) = self.echo.get_mut(self.at) {
                let [left, right] = *tap;
                mix[0] += left;
                mix[1] += right;
                // The echo wanders from side to side. Tiny values end, or they would stay denormal.
                let keep = |x: f32| if x.abs() < 1e-9 { 0.0 } else { x };
                *tap = [keep(send[0] + right * 0.42), keep(send[1] + left * 0.42)];
            }
            self.at = (self.at + 1) % ECHO;
            *frame = mix.map(|x| (limit(x) * 32_000.0) as i16);
        }
    }
}

/// Straight for quiet sound, never above 1.
fn limit(x: f32) -> f32 {
    let x = x.clamp(-3.0, 3.0);
    x * (27.0 + x * x) / (27.0 + 9.0 * x * x)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(synth: &mut Synth, frames: usize) -> Vec<i16> {
        let mut out = vec![0; frames * 2];
        synth.render(&mut out);
        out
    }

    #[test]
    fn a_sine_has_its_frequency_and_pan() {
        let mut synth = Synth::default();
        synth.play(&Patch { hold: 2.0, ..Patch::tone(Wave::Sine, 440.0, 0.1, 0.5).at(-1.0) });
        let out = render(&mut synth, 48_000);
        let left: Vec<i16> = out.iter().step_by(2).copied().collect();
        let rises = left.windows(2).filter(|w| w[0] < 0 && w[1] >= 0).count();
        assert!((439..=441).contains(&rises), "{rises}");
        assert!(left.iter().all(|x| x.abs() < 17_000) && left.iter().any(|&x| x > 14_000));
        assert!(out.iter().skip(1).step_by(2).all(|&x| x == 0));
    }

    #[test]
    fn silence_is_silent_and_voices_end() {
        let mut synth = Synth::default();
        assert!(render(&mut synth, 1000).iter().all(|&x| x == 0));
        for wave in [Wave::Sine, Wave::Triangle, Wave::Saw, Wave::Square, Wave::Noise] {
            synth.play(&Patch { echo: 0.5, ..Patch::tone(wave, 220.0, 0.05, 0.8) });
        }
        assert_eq!(synth.busy(), 5);
        render(&mut synth, 48_000);
        assert_eq!(synth.busy(), 0);
        render(&mut synth, 48_000 * 12);
        assert!(render(&mut synth, 1000).iter().all(|&x| x == 0), "the echo ends too");
    }

    #[test]
    fn the_loudest_mix_stays_in_range_without_jumps() {
        let mut synth = Synth::default();
        for _ in 0..VOICES + 5 {
            synth.play(&Patch { hold: 0.5, ..Patch::tone(Wave::Triangle, 110.0, 0.1, 1.0) });
        }
        let out = render(&mut synth, 30_000);
        assert!(out.iter().all(|x| x.unsigned_abs() <= 32_000));
        assert!(out.iter().any(|x| x.unsigned_abs() > 31_000));
    }

    #[test]
    fn sounds_start_and_end_without_a_click() {
        for wave in [Wave::Sine, Wave::Triangle, Wave::Saw, Wave::Square] {
            let mut synth = Synth::default();
            synth.play(&Patch { bright: 2_000.0, ..Patch::tone(wave, 100.0, 0.02, 0.5) });
            let out = render(&mut synth, 20_000);
            let first = out.iter().position(|&x| x != 0).unwrap_or_default();
            assert!(out[first].unsigned_abs() < 300, "{wave:?} starts with {}", out[first]);
            let last = out.iter().rposition(|&x| x != 0).unwrap_or_default();
            assert!(out[last].unsigned_abs() <= 2, "{wave:?} ends with {}", out[last]);
            let jump = out.windows(3).map(|w| w[2].abs_diff(w[0])).max().unwrap_or_default();
            assert!(jump < 6_000, "{wave:?} jumps by {jump}");
        }
    }

    #[test]
    fn chunks_of_any_size_give_the_same_sound() {
        let mut whole = Synth::default();
        let mut parts = Synth::default();
        for synth in [&mut whole, &mut parts] {
            synth.play(&Patch { echo: 0.5, ..Patch::tone(Wave::Saw, 330.0, 0.2, 0.5) });
        }
        let want = render(&mut whole, 4_000);
        let got: Vec<i16> = [1, 999, 480, 2_520].into_iter().flat_map(|n| render(&mut parts, n)).collect();
        assert_eq!(want, got);
    }
}
