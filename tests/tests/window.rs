//! The player in a window, used as a player uses it: looked at, typed at, resized, closed, and left alone by its host.
#![allow(clippy::disallowed_methods, reason = "tests read clocks and wait")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use entente_tests::display::{Display, Window, read_strip, wait};
use entente_tests::picture::Rgb;
use entente_tests::program::{Running, binary, skip};
use serde_json::Value;

/// Until the first picture, on a machine that draws everything by CPU.
const START: Duration = Duration::from_secs(20);
/// Until a key press is seen.
const SOON: Duration = Duration::from_secs(5);

fn display(test: &str) -> Option<Display> {
    Display::start().map_err(|why| skip(test, &why)).ok()
}

/// The player with a 640x360 window.
fn player(display: &Display, args: &[&str]) -> Command {
    let mut command = display.command(binary("entente-player"));
    command.arg("play").args(args).args(["--size", "640x360", "--fps", "30", "--audio-device", "none"]);
    command
}

fn first_picture(window: &Window<'_>) -> u64 {
    window.until("a readable timecode", START, |shown| read_strip(shown, (0, 0), 1.0).captured_micros)
}

/// Pixels of a rectangle for which `is` holds.
fn count(shown: &Rgb, xs: std::ops::Range<usize>, ys: std::ops::Range<usize>, is: impl Fn([u8; 3]) -> bool) -> usize {
    ys.flat_map(|y| xs.clone().map(move |x| (x, y))).filter(|&(x, y)| is(shown.at(x, y))).count()
}

/// Whether a pixel has a colour, within what encoding and scaling change.
fn near(pixel: [u8; 3], colour: [u8; 3], off: u8) -> bool {
    pixel.iter().zip(colour).all(|(is, should)| is.abs_diff(should) <= off)
}

/// Pixels in the ink of the overlay where its figures are; the game has no such grey there.
fn ink(shown: &Rgb) -> usize {
    count(shown, 4..520, 33..64, |pixel| near(pixel, [236; 3], 3))
}

/// Processes whose command line names `mark`.
fn left_over(mark: &str) -> Vec<String> {
    std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(mark))
        .collect()
}

fn shows_the_game_and_its_figures(renderer: &str) {
    let test = format!("the_window_shows_the_game_and_its_figures({renderer})");
    let Some(display) = display(&test) else { return };
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("r.json");
    let mut command = player(&display, &["demo://game", "--renderer", renderer, "--report", report.to_str().unwrap()]);
    let mut running = Running::start(&mut command);
    if renderer == "gpu"
        && let Some(status) = wait(Duration::from_secs(2), || running.child().try_wait().unwrap())
    {
        assert_eq!(status.code(), Some(15), "ends at once, and not for want of a GPU");
        return skip(&test, "no GPU adapter, not even an emulated one");
    }
    let window = display.window_of(running.child().id());
    let first = first_picture(&window);
    let shown = window.picture();
    assert_eq!((shown.width, shown.height), (640, 360));
    let lit = count(&shown, 0..640, 40..360, |pixel| pixel.iter().any(|part| *part > 120));
    assert!(lit > 2000, "only {lit} lit pixels");
    window.until("the game moves on", SOON, |shown| {
        read_strip(shown, (0, 0), 1.0).captured_micros.filter(|then| *then > first)
    });

    let before = ink(&window.picture());
    window.key("F3");
    window.until("one line of figures after F3", SOON, |shown| (ink(shown) > before + 100).then_some(()));
    for _ in 0..2 {
        window.key("F3");
    }
    // The figures cover the left of the picture, never the strip.
    window.until("all figures", SOON, |shown| {
        let lines = count(shown, 4..520, 200..300, |pixel| near(pixel, [236; 3], 3));
        (lines > 300 && read_strip(shown, (0, 0), 1.0).captured_micros.is_some()).then_some(())
    });
    window.key("F3");
    window.until("no figures", SOON, |shown| (ink(shown) < before + 50).then_some(()));
    window.key("F1");
    window.until("the help", SOON, |shown| {
        let lines = count(shown, 60..600, 33..350, |pixel| near(pixel, [236; 3], 3));
        (lines > 2000 && read_strip(shown, (0, 0), 1.0).captured_micros.is_some()).then_some(())
    });

    window.key("ctrl+alt+q");
    let outcome = running.finish(SOON);
    assert_eq!(outcome.code(), 0, "{outcome:#?}");
    let report: Value = serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
    let name = report["video"]["renderer"].as_str().unwrap();
    assert!(name.starts_with(renderer), "{name} drew");
}

#[test]
fn the_window_shows_the_game_and_its_figures_by_cpu() {
    shows_the_game_and_its_figures("software");
}

#[test]
fn the_window_shows_the_game_and_its_figures_by_gpu() {
    shows_the_game_and_its_figures("gpu");
}

#[test]
fn a_key_lights_its_button_and_starts_the_game() {
    let Some(display) = display("a_key_lights_its_button_and_starts_the_game") else { return };
    let mut running = Running::start(&mut player(&display, &["demo://padcheck", "--renderer", "software"]));
    let window = display.window_of(running.child().id());
    first_picture(&window);
    let lit = |shown: &Rgb| count(shown, 0..640, 33..360, |pixel| near(pixel, [0x30, 0xE8, 0xFF], 24));
    let before = lit(&window.picture());
    window.hold("space");
    window.until("the south button lights up", SOON, |shown| (lit(shown) > before + 150).then_some(()));
    window.let_go("space");
    window.until("the south button goes dark", SOON, |shown| (lit(shown) < before + 50).then_some(()));
    window.key("ctrl+alt+q");
    assert_eq!(running.finish(SOON).code(), 0);

    let mut running = Running::start(&mut player(&display, &["demo://game", "--renderer", "software"]));
    let window = display.window_of(running.child().id());
    first_picture(&window);
    // "PRESS START OR SPACE", white, below the middle; a playing game has few white pixels there.
    let words = |shown: &Rgb| count(shown, 150..490, 228..250, |pixel| pixel.iter().all(|part| *part > 200));
    let title = window.until("the title", SOON, |shown| Some(words(shown)).filter(|words| *words > 300));
    window.key("space");
    window.until("the title goes", SOON, |shown| (words(shown) < title / 4).then_some(()));
    std::thread::sleep(Duration::from_secs(1));
    let later = words(&window.picture());
    assert!(later < title / 4, "the title is back: {later} of {title} pixels");
    // The ship is the only thing in its colour around the middle; it starts beside the beacon, at rest.
    let ship = |shown: &Rgb| {
        let lit = |x: &usize| (140..210).any(|y| near(shown.at(*x, y), [0x40, 0xE8, 0xFF], 48));
        let columns: Vec<usize> = (0..640).filter(lit).collect();
        (columns.len() > 4).then(|| columns[columns.len() / 2])
    };
    let start = window.until("the ship", SOON, ship);
    window.hold("Right");
    window.until("the ship flies to the right", SOON, |shown| ship(shown).filter(|place| *place > start + 40));
    window.let_go("Right");
    window.key("ctrl+alt+q");
    assert_eq!(running.finish(SOON).code(), 0);
}

/// Left, top, right, bottom of what is not black.
fn bounds(shown: &Rgb) -> (usize, usize, usize, usize) {
    let lit = |x: usize, y: usize| shown.at(x, y).iter().map(|part| u32::from(*part)).sum::<u32>() > 24;
    let column = |x: &usize| (0..shown.height).any(|y| lit(*x, y));
    let row = |y: &usize| (0..shown.width).any(|x| lit(x, *y));
    let left = (0..shown.width).find(column).unwrap_or(0);
    let right = (0..shown.width).rfind(column).unwrap_or(0);
    let top = (0..shown.height).find(row).unwrap_or(0);
    let bottom = (0..shown.height).rfind(row).unwrap_or(0);
    (left, top, right, bottom)
}

#[test]
fn any_window_size_keeps_the_shape_of_the_picture() {
    let Some(display) = display("any_window_size_keeps_the_shape_of_the_picture") else { return };
    let mut running = Running::start(&mut player(&display, &["demo://testcard", "--renderer", "software"]));
    let window = display.window_of(running.child().id());
    first_picture(&window);
    // The hint at the keys lies on the bars; it goes by itself.
    std::thread::sleep(Duration::from_secs(7));
    for (width, height) in [(800, 300), (641, 357), (333, 501), (1280, 720), (1001, 1003)] {
        window.resize(width, height);
        let scale = (width as f64 / 640.0).min(height as f64 / 360.0);
        let (w, h) = (640.0 * scale, 360.0 * scale);
        let (x, y) = ((width as f64 - w) / 2.0, (height as f64 - h) / 2.0);
        let expected = [x, y, x + w - 1.0, y + h - 1.0];
        let what = format!("the picture at {expected:?} of {width}x{height}");
        window.until(&what, SOON, |shown| {
            let (left, top, right, bottom) = bounds(shown);
            let off =
                [left, top, right, bottom].into_iter().zip(expected).map(|(is, should)| (is as f64 - should).abs());
            off.fold(0.0, f64::max).lt(&2.5).then_some(())
        });
        if scale >= 1.0 {
            let corner = (x.round() as usize, y.round() as usize);
            window.until("the timecode", SOON, |shown| read_strip(shown, corner, scale).captured_micros);
        }
    }
    window.key("ctrl+alt+q");
    assert_eq!(running.finish(SOON).code(), 0);
}

fn signal(process: u32, name: &str) {
    let done = Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status().unwrap();
    assert!(done.success());
}

#[test]
fn every_way_out_is_quick_and_leaves_nothing() {
    let Some(display) = display("every_way_out_is_quick_and_leaves_nothing") else { return };
    let ways = [
        ("alt+F4", 0, "You stopped the game."),
        ("ctrl+alt+q", 0, "You stopped the game."),
        ("INT", 130, "Interrupted."),
        ("TERM", 130, "Interrupted."),
        ("launcher", 0, "You stopped the game."),
    ];
    for (way, code, sentence) in ways {
        let folder = tempfile::tempdir().unwrap();
        let report = folder.path().join("r.json");
        let target: &[&str] = if way == "launcher" { &["--ticket", "-"] } else { &["demo://game"] };
        let mut command = player(&display, target);
        command.args(["--renderer", "software", "--report"]).arg(&report);
        command.stdin(if way == "launcher" { Stdio::piped() } else { Stdio::null() });
        let mut running = Running::start(&mut command);
        let mut input = running.child().stdin.take();
        if let Some(pipe) = &mut input {
            pipe.write_all(b"{\"version\":1,\"url\":\"demo://game\",\"supervised\":true}\n").unwrap();
        }
        let process = running.child().id();
        let window = display.window_of(process);
        first_picture(&window);
        let asked = Instant::now();
        match way {
            "INT" | "TERM" => signal(process, way),
            "launcher" => input.as_mut().unwrap().write_all(b"{\"command\":\"stop\"}\n").unwrap(),
            keys => window.key(keys),
        }
        let outcome = running.finish(SOON);
        assert!(asked.elapsed() < Duration::from_secs(3), "{way}: {:?}", asked.elapsed());
        assert_eq!(outcome.code(), code, "{way}: {outcome:#?}");
        assert_eq!(outcome.stderr.lines().last(), Some(sentence), "{way}: {outcome:#?}");
        assert_eq!(left_over(report.to_str().unwrap()), Vec::<String>::new(), "{way}");
        let report: Value = serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
        assert_eq!(report["session"]["exit_code"], code, "{way}");
    }
}

#[test]
fn a_killed_host_leaves_the_last_picture_a_banner_and_a_reason() {
    let Some(display) = display("a_killed_host_leaves_the_last_picture_a_banner_and_a_reason") else { return };
    let mut command = Command::new(binary("entente-demo"));
    let mut host = Running::start(command.stdin(Stdio::null()));
    let mut line = String::new();
    BufReader::new(host.child().stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = serde_json::from_str::<Value>(&line).unwrap()["address"].as_str().unwrap().to_owned();
    let url = format!("whep+http://{address}/whep/testcard");
    let mut running = Running::start(&mut player(&display, &[&url, "--renderer", "software"]));
    let window = display.window_of(running.child().id());
    first_picture(&window);
    // The banner lies across the middle, where the bright ramp is.
    let middle = |shown: &Rgb| {
        let sum: u64 =
            (170..190).flat_map(|y| (40..600).map(move |x| (x, y))).map(|(x, y)| u64::from(shown.at(x, y)[1])).sum();
        sum / (20 * 560)
    };
    let before = middle(&window.picture());

    host.child().kill().unwrap();
    let killed = Instant::now();
    let kept = window.until("the banner over the last picture", Duration::from_secs(8), |shown| {
        let words = count(shown, 100..540, 165..195, |pixel| near(pixel, [236; 3], 3));
        let captured = read_strip(shown, (0, 0), 1.0).captured_micros?;
        (words > 100 && middle(shown) < before / 2).then_some(captured)
    });
    let bars = count(&window.picture(), 40..600, 60..100, |pixel| pixel.iter().any(|part| *part > 100));
    assert!(bars > 5000, "the last picture is gone: {bars} lit pixels");
    assert_eq!(read_strip(&window.picture(), (0, 0), 1.0).captured_micros, Some(kept));

    let outcome = running.finish(Duration::from_secs(25));
    let took = killed.elapsed();
    println!("ended {took:?} after the host was killed: {}", outcome.stderr.trim());
    assert!(took < Duration::from_secs(18), "{took:?}");
    assert!(matches!(outcome.code(), 13 | 14), "{outcome:#?}");
    let last = outcome.stderr.lines().last().unwrap_or_default();
    assert!(last.contains("host") && last.ends_with(['.', '?']) && !last.ends_with("?."), "{outcome:#?}");
}
