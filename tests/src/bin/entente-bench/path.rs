//! The clean path: what a receiver adds between the last packet of a frame and its picture.
//!
//! One demo cloud sends the same test card to one receiver after the other, all on this machine. Rounds are interleaved and
//! their order turns, so that a change of the machine's mood meets everybody.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use crate::bare;
use crate::chromium::{self, Setting};
use crate::cloud::Cloud;
use crate::figures::{Spread, Summary, Values};
use crate::ours;

/// What our player may add to bare decoding at the median, in milliseconds.
const GOAL_MS: f64 = 0.5;
/// A receiver that gets fewer frames than this share of the best one measured something else.
const WHOLE: f64 = 0.99;

/// Arguments of the benchmark.
#[derive(Args, Debug)]
pub(crate) struct Wish {
    /// Write everything as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Rounds for each receiver and size.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Measured seconds of each round.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Two short rounds.
    #[arg(long)]
    quick: bool,
    /// Exit status 1 when a goal is missed.
    #[arg(long)]
    check: bool,
}

/// One size of the stream, and how long it is looked at.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub(crate) game: &'static str,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) fps: u32,
    /// Between the first picture and what is measured.
    pub(crate) settle: Duration,
    pub(crate) window: Duration,
}

/// What one receiver did in one round.
#[derive(Debug)]
pub(crate) struct Round {
    pub(crate) last_packet_to_decoded: Values,
    pub(crate) captured_to_decoded: Values,
    pub(crate) cpu_ms_per_frame: f64,
    pub(crate) fps: f64,
    /// What the receiver says of itself, in milliseconds.
    pub(crate) own: Option<BTreeMap<String, f64>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Receiver {
    Ours,
    Installed,
    Tuned,
}

impl Receiver {
    const ALL: [Self; 3] = [Self::Ours, Self::Installed, Self::Tuned];

    const fn name(self) -> &'static str {
        match self {
            Self::Ours => "Entente",
            Self::Installed => "Chromium as installed",
            Self::Tuned => "Chromium, best tuned",
        }
    }
}

/// Everything of one size.
#[derive(Debug, Default)]
struct Cell {
    rounds: BTreeMap<Receiver, Vec<Round>>,
    paced: Vec<bare::Bare>,
    flat_out: Vec<bare::Bare>,
}

/// Runs it; `false`: a goal was missed and `--check` was given.
pub(crate) fn run(wish: &Wish) -> Result<bool, String> {
    let (rounds, seconds) = if wish.quick { (2, 2.5) } else { (wish.rounds, wish.seconds) };
    if !(0.5..=600.0).contains(&seconds) {
        return Err(format!("{seconds} seconds cannot be measured; take 0.5 to 600"));
    }
    let nice = quieten();
    let mut results = Vec::new();
    let mut met = true;
    println!("{rounds} rounds of {seconds} s each; {nice}; {}", machine());
    for (width, height) in [(640, 360), (1280, 720)] {
        let shape = Shape {
            game: "testcard",
            width,
            height,
            fps: 60,
            settle: Duration::from_millis(1500),
            window: Duration::from_secs_f64(seconds),
        };
        let cell = measure(&shape, rounds)?;
        let (value, good) = tell(&shape, &cell)?;
        results.push(value);
        met &= good;
    }
    if let Some(path) = &wish.json {
        let all = json!({
            "bench": "path", "rounds": rounds, "seconds": seconds, "priority": nice, "machine": machine(),
            "goal_met": met, "results": results,
        });
        let text = serde_json::to_string_pretty(&all).map_err(|error| error.to_string())?;
        std::fs::write(path, text + "\n").map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
    }
    Ok(met || !wish.check)
}

fn measure(shape: &Shape, rounds: u32) -> Result<Cell, String> {
    let cloud = Cloud::start()?;
    let mut cell = Cell::default();
    for round in 0..rounds {
        let turn = round as usize % Receiver::ALL.len();
        let order = Receiver::ALL.into_iter().cycle().skip(turn).take(Receiver::ALL.len());
        for receiver in order {
            eprintln!("  {}x{} round {}/{rounds}: {}", shape.width, shape.height, round + 1, receiver.name());
            let measured = match receiver {
                Receiver::Ours => {
                    let played = ours::play(&cloud.address, shape)?;
                    cell.paced.push(bare::decode(&played.frames, played.window, true)?);
                    cell.flat_out.push(bare::decode(&played.frames, played.window, false)?);
                    played.round
                }
                Receiver::Installed => chromium::play(&cloud.address, shape, Setting::AsInstalled)?,
                Receiver::Tuned => chromium::play(&cloud.address, shape, Setting::Tuned)?,
            };
            cell.rounds.entry(receiver).or_default().push(measured);
        }
    }
    Ok(cell)
}

/// All rounds of one quantity together, and how far their medians lay apart.
fn together<'a>(rounds: impl IntoIterator<Item = &'a Values>) -> Result<(Summary, Spread), String> {
    let mut all = Values::default();
    let mut medians = Vec::new();
    for round in rounds {
        all.extend(round);
        medians.extend(round.median());
    }
    all.summary().zip(Spread::of(medians)).ok_or_else(|| String::from("a receiver gave no figures"))
}

#[allow(clippy::cast_precision_loss, reason = "a few rounds")]
fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len().max(1) as f64;
    values.sum::<f64>() / count
}

/// Figures of one receiver.
struct Line {
    name: &'static str,
    decoded: (Summary, Spread),
    captured: Option<(Summary, Spread)>,
    cpu: f64,
    fps: f64,
    own: BTreeMap<String, f64>,
}

impl Line {
    fn of(name: &'static str, rounds: &[Round]) -> Result<Self, String> {
        let mut own: BTreeMap<String, f64> = BTreeMap::new();
        let told: Vec<_> = rounds.iter().filter_map(|round| round.own.as_ref()).collect();
        for (name, value) in told.iter().flat_map(|own| own.iter()) {
            #[allow(clippy::cast_precision_loss, reason = "a few rounds")]
            let share = value / told.len() as f64;
            *own.entry(name.clone()).or_default() += share;
        }
        Ok(Self {
            name,
            decoded: together(rounds.iter().map(|round| &round.last_packet_to_decoded))
                .map_err(|why| format!("{name}: {why}"))?,
            captured: Some(
                together(rounds.iter().map(|round| &round.captured_to_decoded))
                    .map_err(|why| format!("{name}: {why}"))?,
            ),
            cpu: mean(rounds.iter().map(|round| round.cpu_ms_per_frame)),
            fps: mean(rounds.iter().map(|round| round.fps)),
            own,
        })
    }

    fn bare(name: &'static str, runs: &[bare::Bare], fps: f64) -> Result<Self, String> {
        #[allow(clippy::cast_precision_loss, reason = "frames of a run")]
        let cpu = mean(runs.iter().map(|run| run.cpu_ms / run.decode_ms.len().max(1) as f64));
        let decoded = together(runs.iter().map(|run| &run.decode_ms))?;
        Ok(Self { name, decoded, captured: None, cpu, fps, own: BTreeMap::new() })
    }

    fn print(&self) {
        let (d, spread) = &self.decoded;
        let captured = self
            .captured
            .map_or_else(|| String::from("      -        -"), |(c, _)| format!("{:7.2}  {:7.2}", c.p50, c.p99));
        println!(
            "  {:<26} {:7.2}  {:7.2}   {:5.2}..{:<6.2} {captured}   {:6.2}  {:6.1}  {:6}",
            self.name, d.p50, d.p99, spread.least, spread.most, self.cpu, self.fps, d.count
        );
    }

    fn json(&self) -> Value {
        let figures = |(summary, spread): &(Summary, Spread)| json!({ "all": summary, "medians": spread });
        json!({
            "name": self.name,
            "last_packet_to_decoded_ms": figures(&self.decoded),
            "captured_to_decoded_ms": self.captured.as_ref().map(figures),
            "cpu_ms_per_frame": self.cpu,
            "fps": self.fps,
            "own_statistics_ms": self.own,
        })
    }
}

fn tell(shape: &Shape, cell: &Cell) -> Result<(Value, bool), String> {
    let rounds = |receiver: Receiver| cell.rounds.get(&receiver).map(Vec::as_slice).unwrap_or_default();
    let lines: Vec<Line> =
        Receiver::ALL.into_iter().map(|who| Line::of(who.name(), rounds(who))).collect::<Result<_, _>>()?;
    let [ours, installed, tuned] = lines.as_slice() else { return Err(String::from("a receiver is missing")) };
    let paced = Line::bare("bare decoder, same pace", &cell.paced, ours.fps)?;
    let flat_out = Line::bare("bare decoder, flat out", &cell.flat_out, 0.0)?;
    println!("\nH.264 {}x{} at {} frames/s, milliseconds", shape.width, shape.height, shape.fps);
    println!(
        "  {:<26} {:^16}   {:^13} {:^16}   {:>6}  {:>6}  {:>6}",
        "", "last packet→decoded", "medians", "captured→decoded", "CPU", "frames", "frames"
    );
    println!(
        "  {:<26} {:>7}  {:>7}   {:^13} {:>7}  {:>7}   {:>6}  {:>6}  {:>6}",
        "", "p50", "p99", "of rounds", "p50", "p99", "/frame", "/s", ""
    );
    for line in [ours, installed, tuned, &paced, &flat_out] {
        line.print();
    }
    let mut ratios = serde_json::Map::new();
    for peer in [installed, tuned] {
        let ratio = |pick: fn(&Line) -> f64| pick(ours) / pick(peer);
        let values = [
            ("last_packet_to_decoded_p50", ratio(|line| line.decoded.0.p50)),
            ("last_packet_to_decoded_p99", ratio(|line| line.decoded.0.p99)),
            ("captured_to_decoded_p50", ratio(|line| line.captured.map_or(f64::NAN, |c| c.0.p50))),
            ("captured_to_decoded_p99", ratio(|line| line.captured.map_or(f64::NAN, |c| c.0.p99))),
            ("cpu_per_frame", ratio(|line| line.cpu)),
        ];
        let shown: Vec<String> = values.iter().map(|(name, value)| format!("{name} {value:.2}")).collect();
        println!("  ours / {}: {}", peer.name, shown.join(", "));
        ratios.insert(
            peer.name.to_owned(),
            values.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect(),
        );
    }
    for line in [installed, tuned] {
        let own: Vec<String> = line.own.iter().map(|(name, value)| format!("{name} {value:.2}")).collect();
        println!("  {}, own statistics, means: {}", line.name, own.join(", "));
    }
    let added = ours.decoded.0.p50 - paced.decoded.0.p50;
    let most = lines.iter().map(|line| line.fps).fold(0.0, f64::max);
    let whole = ours.fps >= most * WHOLE;
    let met = added <= GOAL_MS && whole;
    println!(
        "  Goal: {added:.2} ms over the bare decoder at the median, at most {GOAL_MS}: {}{}",
        if met { "met" } else { "MISSED" },
        if whole { String::new() } else { format!(" (void: {:.1} of {most:.1} frames/s)", ours.fps) }
    );
    let value = json!({
        "width": shape.width, "height": shape.height, "fps": shape.fps, "game": shape.game,
        "receivers": lines.iter().map(Line::json).collect::<Vec<_>>(),
        "bare": [paced.json(), flat_out.json()],
        "ours_over": ratios,
        "goal": { "added_ms": added, "at_most_ms": GOAL_MS, "frames_whole": whole, "met": met },
    });
    Ok((value, met))
}

/// Raises the priority of this process and of all that it starts, where that is allowed.
fn quieten() -> String {
    match rustix::process::setpriority_process(None, -15) {
        Ok(()) => String::from("nice -15"),
        Err(_) => String::from("usual priority (raising it is not allowed)"),
    }
}

fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map_or("?", |(_, name)| name);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{model}, {cores} cores, load at start {}", load.split(' ').next().unwrap_or("?"))
}
