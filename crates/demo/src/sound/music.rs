//! A step sequencer with one tune: eight bars, four chords, bass, drums, arpeggio and lead.

use super::synth::{Patch, Synth, Wave};
use super::{RATE, note};

/// How full the music is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    /// Silence.
    #[default]
    Off,
    /// Chords and arpeggio.
    Calm,
    /// Everything.
    Drive,
    /// Everything, with more drums.
    Rush,
}

/// Sixteenths per bar.
const BAR: usize = 16;

/// Roots of the chords, one per bar, as MIDI notes: A minor, F, C, G, then A minor, F, D minor, E.
const ROOTS: [u8; 8] = [45, 41, 48, 43, 45, 41, 50, 40];

/// Third above each root, in semitones.
const THIRDS: [u8; 8] = [3, 4, 4, 4, 3, 4, 3, 4];

/// Bass line in semitones over the root; `.` rests.
const BASS: &[u8; BAR] = b"0..0..0.7..0..C.";

/// Arpeggio as index into root, third, fifth, octave.
const ARP: [u8; BAR] = [0, 2, 3, 1, 2, 3, 0, 2, 3, 1, 3, 2, 0, 3, 2, 1];

/// Lead, one string per bar: letters are notes of the scale from A4 (`a`), `.` holds or rests.
const LEAD: [&[u8; BAR]; 8] = [
    b"e..d..c...a.....",
    b"c..d..e...f.e...",
    b"g..f..e...c.....",
    b"d..e..d...b.....",
    b"e..d..c...a...c.",
    b"f..e..f...h.g...",
    b"f..e..d...f.....",
    b"e.......g...i...",
];

/// The natural minor scale from A4: what the letters of the lead mean.
const SCALE: [u8; 9] = [69, 71, 72, 74, 76, 77, 79, 81, 83];

const KICK: &[u8; BAR] = b"x...x...x...x...";
const KICK_RUSH: &[u8; BAR] = b"x...x..xx...x.x.";
const SNARE: &[u8; BAR] = b"....x.......x..o";
const HAT: &[u8; BAR] = b"o.x.o.x.o.x.o.xo";

/// The sequencer. It plays into a [`Synth`] and cuts the time at the steps, so every step starts
/// on its own sample whatever the chunks are.
pub struct Music {
    mood: Mood,
    /// Beats per minute.
    tempo: f64,
    step: usize,
    /// Samples until the next step.
    wait: f64,
}

impl Default for Music {
    fn default() -> Self {
        Self { mood: Mood::Off, tempo: 116.0, step: 0, wait: 0.0 }
    }
}

impl Music {
    /// Changes the mood; the tune goes on where it is, and starts anew out of silence.
    pub fn set(&mut self, mood: Mood, tempo: f64) {
        if self.mood == Mood::Off {
            (self.step, self.wait) = (0, 0.0);
        }
        (self.mood, self.tempo) = (mood, tempo.clamp(60.0, 200.0));
    }

    /// Writes the next stereo samples of music and of whatever else the synth plays.
    pub fn render(&mut self, synth: &mut Synth, out: &mut [i16]) {
        let mut rest = out;
        while self.mood != Mood::Off && !rest.is_empty() {
            if self.wait < 1.0 {
                self.play_step(synth);
                self.step = (self.step + 1) % (BAR * ROOTS.len());
                self.wait += f64::from(RATE) * 60.0 / self.tempo / 4.0;
            }
            let frames = (self.wait as usize).min(rest.len().div_ceil(2));
            let (now, later) = rest.split_at_mut((frames * 2).min(rest.len()));
            synth.render(now);
            self.wait -= frames as f64;
            rest = later;
        }
        synth.render(rest);
    }

    fn play_step(&self, synth: &mut Synth) {
        let (bar, step) = (self.step / BAR, self.step % BAR);
        let root = ROOTS.get(bar).copied().unwrap_or(45);
        let third = THIRDS.get(bar).copied().unwrap_or(3);
        let at = |pattern: &[u8; BAR]| pattern.get(step).copied().unwrap_or(b'.');
        if step == 0 {
            for (interval, pan) in [(0, -0.5), (third, 0.0), (7, 0.5)] {
                let chord = Patch::tone(Wave::Saw, note(f32::from(root + 12 + interval)), 0.9, 0.05);
                synth.play(&Patch { attack: 0.25, hold: 0.8, bright: 900.0, pan, echo: 0.2, ..chord });
            }
        }
        if step % 2 == 0 || self.mood == Mood::Rush {
            let index = ARP.get(step).copied().unwrap_or_default();
            let interval = [0, third, 7, 12].get(usize::from(index)).copied().unwrap_or_default();
            let pan = if step % 4 < 2 { -0.4 } else { 0.4 };
            let pluck = Patch::tone(Wave::Square, note(f32::from(root + 24 + interval)), 0.06, 0.06);
            synth.play(&Patch { bright: 2_600.0, pan, echo: 0.5, ..pluck });
        }
        if self.mood == Mood::Calm {
            return;
        }
        let interval = match at(BASS) {
            b'.' => None,
            b'C' => Some(12),
            digit => Some(digit.wrapping_sub(b'0')),
        };
        if let Some(interval) = interval {
            let bass = Patch::tone(Wave::Saw, note(f32::from(root.saturating_sub(12) + interval)), 0.14, 0.34);
            synth.play(&Patch { hold: 0.05, bright: 520.0, ..bass });
        }
        let letter = LEAD.get(bar).map_or(b'.', |bar| at(bar));
        let lead = usize::from(letter).checked_sub(usize::from(b'a')).and_then(|index| SCALE.get(index));
        if let Some(&number) = lead {
            let tone = Patch::tone(Wave::Triangle, note(f32::from(number)), 0.22, 0.16);
            synth.play(&Patch { attack: 0.006, hold: 0.1, echo: 0.45, pan: 0.1, ..tone });
        }
        self.play_drums(synth, at(if self.mood == Mood::Rush { KICK_RUSH } else { KICK }), at(SNARE), at(HAT));
    }

    fn play_drums(&self, synth: &mut Synth, kick: u8, snare: u8, hat: u8) {
        let loud = |hit: u8| match hit {
            b'x' => Some(1.0),
            b'o' => Some(0.5),
            _ => None,
        };
        if let Some(level) = loud(kick) {
            let kick = Patch::tone(Wave::Sine, 150.0, 0.1, 0.6 * level);
            synth.play(&Patch { to: 44.0, sweep: 0.03, attack: 0.002, hold: 0.03, ..kick });
        }
        if let Some(level) = loud(snare) {
            let rattle = Patch::tone(Wave::Noise, 100.0, 0.06, 0.2 * level);
            synth.play(&Patch { bright: 5_000.0, pan: 0.1, echo: 0.1, ..rattle });
            let skin = Patch::tone(Wave::Triangle, 210.0, 0.05, 0.2 * level);
            synth.play(&Patch { to: 150.0, sweep: 0.03, ..skin });
        }
        if let Some(level) = loud(hat) {
            let hat = Patch::tone(Wave::Noise, 100.0, 0.018, 0.1 * level);
            synth.play(&Patch { attack: 0.002, bright: 11_000.0, pan: 0.3, ..hat });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tune(mood: Mood, frames: usize, chunk: usize) -> Vec<i16> {
        let (mut synth, mut music) = (Synth::default(), Music::default());
        music.set(mood, 120.0);
        let mut out = vec![0; frames * 2];
        out.chunks_mut(chunk * 2).for_each(|part| music.render(&mut synth, part));
        out
    }

    #[test]
    fn the_tune_neither_clips_nor_jumps() {
        for mood in [Mood::Calm, Mood::Drive, Mood::Rush] {
            let out = tune(mood, 48_000 * 17, 480);
            let peak = out.iter().map(|x| x.unsigned_abs()).max().unwrap_or_default();
            assert!((2_000..32_000).contains(&peak), "{mood:?}: {peak}");
            let jump = out.windows(3).map(|w| w[2].abs_diff(w[0])).max().unwrap_or_default();
            assert!(jump < 6_500, "{mood:?} jumps by {jump}");
        }
    }

    #[test]
    fn chunks_do_not_change_the_tune() {
        assert!(tune(Mood::Drive, 48_000, 48_000) == tune(Mood::Drive, 48_000, 441));
    }

    #[test]
    fn off_is_silent() {
        assert!(tune(Mood::Off, 4_800, 480).iter().all(|&x| x == 0));
    }

    #[test]
    fn the_beat_keeps_its_tempo() {
        // 120 beats a minute: a kick drum every 24 000 samples.
        let out = tune(Mood::Drive, 48_000 * 3, 480);
        let level = |from: usize| out[from * 2..(from + 2_000) * 2].iter().map(|x| f64::from(*x).powi(2)).sum::<f64>();
        for beat in 1..5 {
            assert!(level(beat * 24_000) > level(beat * 24_000 - 2_100), "beat {beat}");
        }
    }

    #[test]
    fn every_letter_of_the_lead_is_a_note() {
        for letter in LEAD.iter().flat_map(|bar| bar.iter()).filter(|&&letter| letter != b'.') {
            assert!(SCALE.get(usize::from(*letter - b'a')).is_some(), "{}", char::from(*letter));
        }
    }
}
