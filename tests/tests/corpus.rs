//! Every parser of outside bytes against the inputs that fuzzing kept, and against small changes of them.
//!
//! What libFuzzer finds with days of time is looked for here with seconds: `cargo xtask fuzz all` is the thorough way.
#![allow(clippy::disallowed_methods, reason = "tests read clocks")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use entente_fuzz::{TARGETS, Target};

/// Changed inputs that each seed is tried with, unless time is over before.
const MUTATIONS: u64 = 4000;
/// Time for the changed inputs of one target: a few seconds for all of them, also where a target takes its time.
const TIME: Duration = Duration::from_millis(250);
/// Largest sum of all files in the repository, in bytes.
const MAX_CORPUS: u64 = 200 * 1024;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("fuzz")
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

/// The files of a target, by name.
fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = fuzz().join("corpus").join(target);
    let Ok(entries) = std::fs::read_dir(&folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    files.iter().map(|path| (name(path), std::fs::read(path).unwrap())).collect()
}

/// A small generator (splitmix64, public domain, Sebastiano Vigna): each run does the same.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 11) as usize % limit.max(1)
    }
}

/// One to four small changes, as libFuzzer makes them.
fn mutated(seed: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut data = seed.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(data.len() + 1);
        let length = 1 + random.below(16);
        let end = (at + length).min(data.len());
        match random.below(8) {
            0 if at < data.len() => data[at] ^= 1 << random.below(8),
            1 if at < data.len() => data[at] = [0, 1, 0x7f, 0x80, 0xff, b'0', b'"', b'\n'][random.below(8)],
            2 => drop(data.drain(at..end)),
            3 => data.truncate(at),
            4 => {
                let copy = data[at..end].to_vec();
                let to = random.below(data.len() + 1);
                data.splice(to..to, copy);
            }
            5 => {
                let from = random.below(other.len() + 1);
                let piece = &other[from..(from + 4 * length).min(other.len())];
                data.splice(at..end, piece.iter().copied());
            }
            6 => {
                let byte = random.next() as u8;
                data.splice(at..at, std::iter::repeat_n(byte, length));
            }
            _ if at < data.len() => data[at] = random.next() as u8,
            _ => {}
        }
    }
    data
}

/// Runs `target` with `data`; a fault is told with a file that shows it again.
fn survives(name: &str, target: Target, data: &[u8], what: &str) {
    let outcome = catch_unwind(AssertUnwindSafe(|| target(data)));
    if outcome.is_err() {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-fault"));
        std::fs::write(&path, data).unwrap();
        panic!("{name} does not survive {what}; it is in {}", path.display());
    }
}

#[test]
fn every_target_has_a_corpus_and_every_corpus_a_target() {
    let known: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(known.len(), TARGETS.len(), "a name stands twice in the table");
    assert_eq!(names(&fuzz().join("fuzz_targets")), known, "fuzz_targets/ and the table differ");
    assert_eq!(names(&fuzz().join("corpus")), known, "corpus/ and the table differ");
    let manifest = std::fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    let mut size = 0;
    for (name, _) in TARGETS {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} is not in fuzz/Cargo.toml");
        let seeds = seeds(name);
        assert!(!seeds.is_empty(), "{name} has no corpus");
        size += seeds.iter().map(|(_, seed)| seed.len() as u64).sum::<u64>();
    }
    assert!(size <= MAX_CORPUS, "{size} bytes of corpus; keep what is minimised and needed");
}

#[test]
fn every_target_survives_its_corpus() {
    for (name, target) in TARGETS {
        survives(name, *target, &[], "nothing at all");
        for (file, seed) in seeds(name) {
            survives(name, *target, &seed, &format!("corpus/{name}/{file}"));
        }
    }
}

#[test]
fn every_target_survives_small_changes_of_its_corpus() {
    for (name, target) in TARGETS {
        let seeds = seeds(name);
        let end = Instant::now() + TIME;
        let mut random = Random(1);
        let mut tried = 0;
        // In turn, so that each seed gets its share when time is short.
        'target: for round in 0..MUTATIONS {
            for (file, seed) in &seeds {
                if Instant::now() >= end {
                    break 'target;
                }
                let (_, other) = &seeds[random.below(seeds.len())];
                let data = mutated(seed, other, &mut random);
                survives(name, *target, &data, &format!("change {round} of corpus/{name}/{file}"));
                tried += 1;
            }
        }
        println!("{name}: {tried} changed inputs");
        assert!(tried > 0, "{name}");
    }
}
