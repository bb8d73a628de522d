//! The shell as a user meets it: how soon it is there, what it costs while it waits, how fast it finds and plays.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use clap::Args;
use entente_demo::{AccountsConfig, DemoCloud, DemoConfig};
use entente_tests::browser::Browser;
use entente_tests::display::wait;
use entente_tests::shell::{Desk, Shell, below_all};
use entente_tests::webdriver::Page;
use serde_json::{Value, json};

use crate::figures::{Summary, Values};

/// Titles of the large catalogue, as the issue of every service with a subscription has at most.
const TITLES: usize = 20_000;
/// Words to search for: each names some of the made-up courses.
const WORDS: [&str; 12] =
    ["comet", "ring", "night", "19999", "course 77", "long", "x", "a", "relay", "deep", "harbour", "zzz"];
/// Until something is there, on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// Memory is read when this has passed without anything to do.
const IDLE: Duration = Duration::from_secs(10);
/// Nobody types while a shelf of 20 000 is still being built.
const SETTLED: Duration = Duration::from_secs(4);
/// Goal of the search, in milliseconds.
const SEARCH_GOAL: f64 = 50.0;

#[derive(Clone, Debug, Args)]
pub(crate) struct Wish {
    /// Write everything as JSON: to a file, or without one instead of the table.
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    json: Option<PathBuf>,
    /// Starts of each program.
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(2..=100))]
    rounds: u32,
    /// Two starts.
    #[arg(long)]
    quick: bool,
    /// Exit status 1 when a goal is missed.
    #[arg(long)]
    check: bool,
}

/// Measures; false when a goal was missed and `--check` asks.
pub(crate) fn run(wish: &Wish) -> Result<bool, String> {
    let rounds = if wish.quick { 2 } else { wish.rounds };
    let desk = Desk::start(true)?;
    let mut starts = Values::default();
    let mut peer_starts = Values::default();
    let mut memory = None;
    let mut peer_memory = None;
    for round in 0..rounds {
        let last = round + 1 == rounds;
        let shell = desk.open(&[], &[])?;
        // The first start of all fills caches of the system.
        let start = interactive(&shell, shell.process)?;
        if round > 0 {
            starts.add(start);
        }
        if last {
            memory = Some(idle_memory(shell.process)?);
        }
        drop(shell);
        let peer = peer(&desk)?;
        let start = interactive(&peer, browser_below(peer.process())?)?;
        if round > 0 {
            peer_starts.add(start);
        }
        if last {
            peer_memory = Some(idle_memory(browser_below(peer.process())?)?);
        }
        eprintln!("start {} of {rounds}", round + 1);
    }
    let first = first_picture(&desk, rounds)?;
    let search = search(&desk)?;
    let found = Found {
        start: starts.summary().ok_or("no start")?,
        peer_start: peer_starts.summary().ok_or("no start of the peer")?,
        memory: memory.ok_or("no memory")?,
        peer_memory: peer_memory.ok_or("no memory of the peer")?,
        first,
        search,
    };
    let text = serde_json::to_string_pretty(&found.json()).map_err(|error| error.to_string())?;
    match &wish.json {
        Some(file) if file.as_os_str() == "-" => println!("{text}"),
        Some(file) => {
            std::fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))?;
            found.print();
        }
        None => found.print(),
    }
    Ok(!wish.check || found.search.laid_out.p95 <= SEARCH_GOAL)
}

struct Found {
    start: Summary,
    peer_start: Summary,
    memory: f64,
    peer_memory: f64,
    first: Summary,
    search: Search,
}

/// How fast something is found.
struct Search {
    /// Until the new view is laid out: the search, the talk with the program, the page.
    laid_out: Summary,
    /// Until it is painted, which is the web view's part: without a GPU that is most of it.
    painted: Summary,
}

impl Found {
    fn json(&self) -> Value {
        json!({
            "start_ms": self.start,
            "peer_start_ms": self.peer_start,
            "idle_pss_mib": self.memory,
            "peer_idle_pss_mib": self.peer_memory,
            "press_to_first_picture_ms": self.first,
            "search_ms": self.search.laid_out,
            "search_painted_ms": self.search.painted,
            "search_titles": TITLES,
            "ratio": {
                "start": self.start.p50 / self.peer_start.p50,
                "memory": self.memory / self.peer_memory,
            },
            "peer": "Chromium as an app window with one line of text (an Electron hello-world cannot be installed offline)",
        })
    }

    fn print(&self) {
        let line = |name: &str, of: &Summary| {
            println!("{name:<44} p50 {:>7.1}  p95 {:>7.1}  max {:>7.1}  n {}", of.p50, of.p95, of.max, of.count);
        };
        line("start to interactive, ms", &self.start);
        line("  Chromium with one line of text, ms", &self.peer_start);
        println!("{:<44} {:>11.1}", "idle memory of all processes (PSS), MiB", self.memory);
        println!("{:<44} {:>11.1}", "  Chromium with one line of text, MiB", self.peer_memory);
        line("press play to first picture, ms", &self.first);
        line("search among 20000 titles to laid out, ms", &self.search.laid_out);
        line("  to painted, ms", &self.search.painted);
    }
}

/// Milliseconds from the start of a process to the mark `interactive` of its page.
fn interactive(page: &Page, process: u32) -> Result<f64, String> {
    let mark = "const mark = performance.getEntriesByName('interactive')[0]; \
                return mark ? performance.timeOrigin + mark.startTime : 0";
    let at = page.wait_for(mark, PATIENCE)?.as_f64().ok_or("the mark is no time")?;
    Ok(at - started(process)?)
}

/// When a process was started, in Unix milliseconds (proc_pid_stat(5), field 22; proc_stat(5), `btime`). The kernel
/// counts in hundredths of a second.
fn started(process: u32) -> Result<f64, String> {
    let read = |path: String| std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"));
    let stat = read(format!("/proc/{process}/stat"))?;
    let ticks: f64 = stat
        .rsplit_once(") ")
        .and_then(|(_, rest)| rest.split(' ').nth(22 - 3)?.parse().ok())
        .ok_or("no start time")?;
    let uptime = read("/proc/uptime".to_owned())?;
    let uptime: f64 = uptime.split(' ').next().and_then(|text| text.parse().ok()).ok_or("no uptime")?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_err(|error| error.to_string())?;
    #[allow(clippy::cast_precision_loss, reason = "a rate of 100 or 1000")]
    let since_boot = ticks / rustix::param::clock_ticks_per_second() as f64;
    Ok((now.as_secs_f64() - uptime + since_boot) * 1000.0)
}

/// MiB of a process and everything below it, pages that are shared counted in parts.
fn idle_memory(process: u32) -> Result<f64, String> {
    std::thread::sleep(IDLE);
    let mut kib = 0.0;
    for process in below_all(process) {
        let rollup = std::fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap_or_default();
        let pss =
            rollup.lines().find_map(|line| line.strip_prefix("Pss:")?.split_whitespace().next()?.parse::<f64>().ok());
        kib += pss.unwrap_or(0.0);
    }
    if kib > 0.0 { Ok(kib / 1024.0) } else { Err("no memory could be read".to_owned()) }
}

/// A browser's window with one line of text, which is what an Electron program starts from.
fn peer(desk: &Desk) -> Result<Browser, String> {
    let page = desk.home.join("hello.html");
    std::fs::create_dir_all(&desk.home).map_err(|error| error.to_string())?;
    let text = "<!doctype html><title>Hello</title><h1>Hello</h1><script>requestAnimationFrame(() => \
                requestAnimationFrame(() => performance.mark('interactive')))</script>";
    std::fs::write(&page, text).map_err(|error| error.to_string())?;
    Browser::start_window(desk.display.name(), &format!("file://{}", page.display()))
}

/// The browser's main process: the driver's own child.
fn browser_below(driver: u32) -> Result<u32, String> {
    below_all(driver).get(1).copied().ok_or_else(|| "the browser is gone".to_owned())
}

/// Milliseconds from the press on "Play" to the picture that the player says is on the screen.
fn first_picture(desk: &Desk, rounds: u32) -> Result<Summary, String> {
    let mut times = Values::default();
    let shell = desk.open(&[], &[])?;
    shell.wait_for("return document.querySelector('[data-focus=guest]') !== null", PATIENCE)?;
    shell.click("[data-focus=guest]")?;
    for _ in 0..rounds {
        shell.wait_for("return document.querySelector('[data-focus^=play-]') !== null", PATIENCE)?;
        shell.run(
            "window.pressed = performance.now(); window.shown = 0; \
             const said = document.querySelector('[data-said]'); \
             new MutationObserver((_, all) => { if (said.textContent.includes('playing')) \
             { window.shown = performance.now(); all.disconnect(); } }) \
             .observe(said, { childList: true, characterData: true, subtree: true }); \
             document.querySelector('[data-focus^=play-]').click();",
        )?;
        let took = shell.wait_for("return window.shown && window.shown - window.pressed", PATIENCE)?;
        times.add(took.as_f64().ok_or("no time")?);
        let player = wait(PATIENCE, || entente_tests::shell::below(shell.process, "entente-player").first().copied());
        let player = player.ok_or("the player is gone")?;
        // As a window that is closed: politely.
        let asked = Command::new("kill").arg(player.to_string()).status();
        asked.map_err(|error| error.to_string())?;
        shell.wait_for("return document.querySelector('[data-focus=close]') !== null", PATIENCE)?;
        shell.click("[data-focus=close]")?;
    }
    times.summary().ok_or_else(|| "nothing was played".to_owned())
}

/// Milliseconds from a key in the search field to what was found.
fn search(desk: &Desk) -> Result<Search, String> {
    let accounts = AccountsConfig { catalogue: TITLES, ..AccountsConfig::default() };
    let cloud =
        DemoCloud::start(DemoConfig { accounts, ..DemoConfig::default() }).map_err(|error| error.to_string())?;
    let services = desk.home.join("services.json");
    let text = json!({ "demo": cloud.url() }).to_string();
    std::fs::write(&services, text).map_err(|error| error.to_string())?;
    let shell = desk.open(&["--services", &services.display().to_string()], &[])?;
    sign_in_again(&shell)?;
    let count = "return Number((document.querySelector('[data-total]')?.dataset.total ?? '0')) >= 20000";
    shell.wait_for(count, PATIENCE * 3)?;
    std::thread::sleep(SETTLED);
    let (mut laid_out, mut painted) = (Values::default(), Values::default());
    for word in WORDS {
        // The view is changed in a task of its own; what it changed is painted after the next frame's callbacks.
        let script = format!(
            "const done = arguments[arguments.length - 1]; const field = document.querySelector('[data-search]'); \
             const library = document.querySelector('[data-answered]'); const start = performance.now(); \
             new MutationObserver((_, all) => {{ if (library.dataset.answered !== {word:?}) return; all.disconnect(); \
             document.body.offsetHeight; const there = performance.now() - start; \
             requestAnimationFrame(() => setTimeout(() => done([there, performance.now() - start]))); }}) \
             .observe(library, {{ attributes: true }}); field.value = {word:?}; \
             field.dispatchEvent(new InputEvent('input', {{ bubbles: true }}));"
        );
        let took = shell.run_async(&script)?;
        let time = |at: usize| took.get(at).and_then(Value::as_f64).ok_or("no time");
        laid_out.add(time(0)?);
        painted.add(time(1)?);
        std::thread::sleep(SETTLED / 4);
    }
    let nothing = "nothing was searched";
    Ok(Search { laid_out: laid_out.summary().ok_or(nothing)?, painted: painted.summary().ok_or(nothing)? })
}

/// The account of another cloud means nothing to this one.
fn sign_in_again(shell: &Shell) -> Result<(), String> {
    shell.wait_for("return performance.getEntriesByName('interactive').length > 0", PATIENCE)?;
    let guest = "const invoke = window.__TAURI_INTERNALS__.invoke; const done = arguments[arguments.length - 1]; \
                 invoke('sign_in', { provider: 'demo', way: 'guest' }).then(() => done(null), (e) => done(String(e)))";
    match shell.run_async(guest)? {
        Value::Null => Ok(()),
        problem => Err(problem.to_string()),
    }
}
