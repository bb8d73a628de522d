//! Peers that nobody here wrote: Chromium and GStreamer sending to the player, Chromium playing the demo cloud, and a
//! second host in Python, written from the protocol document alone.
#![allow(clippy::disallowed_methods, reason = "tests read clocks and wait")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use entente_tests::browser::Browser;
use entente_tests::display::{Display, read_strip};
use entente_tests::picture::{Rgb, dumped};
use entente_tests::program::{Running, binary, skip};
use entente_tests::relay::Relay;
use serde_json::Value;

/// Until a page plays, with a slow codec on a busy machine.
const START: Duration = Duration::from_secs(40);
const SENDER_PAGE: &str = include_str!("../peers/chromium-sender.html");

/// Plays `url` for some seconds and gives the report and the dumped pictures.
fn play(url: &str, seconds: u32, more: &[&str]) -> (Value, Vec<Rgb>, Vec<i16>) {
    let folder = tempfile::tempdir().unwrap();
    let (report, wav) = (folder.path().join("r.json"), folder.path().join("sound.wav"));
    let mut command = Command::new(binary("entente-player"));
    command.args(["play", url, "--headless", "--seconds", &seconds.to_string(), "--dump-every", "20", "--report"]);
    command.arg(&report).arg("--dump").arg(folder.path()).arg("--wav").arg(&wav).args(more).stdin(Stdio::null());
    let outcome = Running::start(&mut command).finish(Duration::from_secs(u64::from(seconds) + 25));
    assert_eq!(outcome.code(), 0, "{outcome:#?}");
    let report = serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
    let pictures = dumped(folder.path()).iter().map(|path| Rgb::read(path)).collect();
    let sound = hound::WavReader::open(&wav).unwrap().into_samples::<i16>().map(Result::unwrap).collect();
    (report, pictures, sound)
}

/// Share of the signal's energy at `frequency` (Goertzel), left channel of 48 kHz stereo.
fn tone(sound: &[i16], frequency: f64) -> f64 {
    let left: Vec<f64> = sound.iter().step_by(2).map(|sample| f64::from(*sample)).collect();
    let loud: Vec<f64> = left.into_iter().skip_while(|sample| sample.abs() < 100.0).collect();
    let mut best = 0.0_f64;
    for window in loud.chunks_exact(4800) {
        let (mut re, mut im, mut energy) = (0.0, 0.0, 0.0);
        for (index, sample) in window.iter().enumerate() {
            let angle = std::f64::consts::TAU * frequency * index as f64 / 48000.0;
            re += sample * angle.cos();
            im += sample * angle.sin();
            energy += sample * sample;
        }
        if energy > 1e6 {
            best = best.max((re * re + im * im) * 2.0 / (window.len() as f64 * energy));
        }
    }
    best
}

fn from_chromium(codec: &str) {
    let browser = match Browser::start() {
        Ok(browser) => browser,
        Err(why) => return skip(&format!("Chromium sends {codec}"), &why),
    };
    let relay = Relay::start(SENDER_PAGE);
    browser.open(&format!("http://{}/?codec={codec}&width=640&height=360&fps=30", relay.address)).unwrap();
    browser.wait_for("return window.__ready", Duration::from_secs(10)).unwrap();
    let codec = codec.to_lowercase();
    let url = format!("whep+http://{}/whep/browser", relay.address);
    let (report, pictures, sound) = play(&url, 6, &["--codec", &codec]);

    assert_eq!(report["video"]["codec"], codec.as_str(), "{report:#}");
    // A software encoder on a busy machine may not hold 30 fps; every frame that it did send must arrive whole.
    let received = report["frames"]["received"].as_f64().unwrap();
    assert!(received > 30.0, "{report:#}");
    assert!(report["frames"]["decoded"].as_f64().unwrap() >= received - 8.0, "{report:#}");
    assert_eq!(report["frames"]["corrupt"], 0, "{report:#}");
    // AV1 in its fastest mode may leave stale cells, which then count as "no timecode".
    let read = report["latency_ms"]["captured_to_presented"]["count"].as_f64().unwrap();
    assert!(read > received * if codec == "av1" { 0.1 } else { 0.5 }, "{report:#}");
    let last = pictures.last().expect("pictures were dumped");
    let (width, height) = (last.width, last.height);
    assert_eq!((width, height), (640, 360));
    let psnr = last.psnr(width / 2 + 8..width, height / 2 + 8..height, |x, y| {
        let (x, y) = (x - width / 2, y - height / 2);
        let (w, h) = (width / 2, height / 2);
        [(40 + 160 * x / w) as u8, (40 + 160 * y / h) as u8, (200 - 80 * x / w - 80 * y / h) as u8]
    });
    assert!(psnr > 30.0, "{codec}: {psnr:.1} dB");
    let share = tone(&sound, 440.0);
    assert!(share > 0.8, "{codec}: {share:.2} of the sound is the tone");
    println!("Chromium sent {codec}: {received} frames, {psnr:.1} dB, tone {share:.2}");
}

#[test]
fn chromium_sends_vp8() {
    from_chromium("VP8");
}

#[test]
fn chromium_sends_vp9() {
    from_chromium("VP9");
}

#[test]
fn chromium_sends_h264() {
    from_chromium("H264");
}

#[test]
fn chromium_sends_av1() {
    from_chromium("AV1");
}

/// A host that is another program: it says its address in one JSON line and ends with its input.
struct Host {
    child: std::process::Child,
    address: String,
    said: std::sync::mpsc::Receiver<Value>,
}

impl Host {
    fn start(command: &mut Command) -> Result<Self, String> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| error.to_string())?;
        let output = BufReader::new(child.stdout.take().ok_or("no output")?);
        let (sender, said) = std::sync::mpsc::sync_channel(4096);
        std::thread::Builder::new()
            .name(String::from("host"))
            .spawn(move || {
                for line in output.lines().map_while(Result::ok) {
                    if let Ok(value) = serde_json::from_str(&line) {
                        let _ = sender.try_send(value);
                    }
                }
            })
            .map_err(|error| error.to_string())?;
        let mut host = Self { child, address: String::new(), said };
        let first: Value = host.said.recv_timeout(Duration::from_secs(15)).map_err(|_| "it did not start")?;
        host.address = String::from(first["address"].as_str().ok_or("it names no address")?);
        Ok(host)
    }

    fn everything_said(&self) -> Vec<Value> {
        self.said.try_iter().collect()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn peers() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/peers"))
}

fn from_gstreamer(codec: &str) {
    from_gstreamer_as(codec, codec);
}

/// `what` is the host's own name for the codec with its sampling.
fn from_gstreamer_as(codec: &str, what: &str) {
    let probe = "import gi; gi.require_version('GstWebRTC', '1.0'); from gi.repository import Gst; Gst.init(None); \
        assert all(map(Gst.ElementFactory.find, ['webrtcbin', 'nicesrc', 'x264enc', 'vp8enc', 'opusenc']))";
    let ready = Command::new("/usr/bin/python3").args(["-c", probe]).stderr(Stdio::null()).status();
    if !ready.is_ok_and(|status| status.success()) {
        return skip(
            &format!("GStreamer sends {codec}"),
            "GStreamer's webrtcbin with Python bindings is not installed",
        );
    }
    let mut command = Command::new("/usr/bin/python3");
    command.arg(peers().join("gstreamer_host.py")).args(["--codec", what]);
    let host = Host::start(&mut command).expect("the GStreamer host");
    let (report, pictures, sound) = play(&format!("whep+http://{}/whep/bars", host.address), 5, &["--codec", codec]);
    assert_eq!(report["video"]["codec"], codec, "{report:#}");
    assert!(report["frames"]["decoded"].as_f64().unwrap() > 60.0, "{report:#}");
    assert_eq!(report["frames"]["corrupt"], 0, "{report:#}");
    let bars = [[191, 191, 191], [191, 191, 0], [0, 191, 191], [0, 191, 0], [191, 0, 191], [191, 0, 0], [0, 0, 191]];
    let last = pictures.last().expect("pictures were dumped");
    for (index, bar) in bars.iter().enumerate() {
        let middle = 640 * (2 * index + 1) / 14;
        let psnr = last.psnr(middle - 12..middle + 12, 40..200, |_, _| *bar);
        assert!(psnr > 28.0, "{codec}: bar {index} is {:?}, not {bar:?}: {psnr:.1} dB", last.at(middle, 100));
    }
    assert!(tone(&sound, 440.0) > 0.8, "{codec}");
    assert!(host.everything_said().iter().any(|said| said["deleted"] == true), "the session was not deleted");
}

#[test]
fn gstreamer_sends_h264() {
    from_gstreamer("h264");
}

#[test]
fn gstreamer_sends_h264_in_444() {
    from_gstreamer_as("h264", "h264-444");
}

#[test]
fn gstreamer_sends_vp8() {
    from_gstreamer("vp8");
}

/// Python with aiortc: the one of `ENTENTE_PEER_PYTHON`, else of `cargo xtask setup --test`, else the system's.
fn peer_python() -> std::ffi::OsString {
    if let Some(named) = std::env::var_os("ENTENTE_PEER_PYTHON") {
        return named;
    }
    let venv = binary("entente-player").ancestors().nth(2).map(|target| target.join("peer-venv/bin/python"));
    venv.filter(|python| python.exists()).map_or_else(|| "python3".into(), std::path::PathBuf::into_os_string)
}

/// The host that a stranger wrote from `docs/open-host-protocol.md`, having seen no line of this repository's code.
fn document_host(test: &str) -> Option<Host> {
    let python = peer_python();
    let ready = Command::new(&python).args(["-c", "import aiortc, aiohttp, numpy"]).stderr(Stdio::null()).status();
    if !ready.is_ok_and(|status| status.success()) {
        skip(test, "aiortc, aiohttp and numpy are not installed for Python");
        return None;
    }
    Some(Host::start(Command::new(python).arg(peers().join("python_host.py"))).expect("the Python host"))
}

#[test]
fn a_host_written_from_the_document_is_played() {
    let Some(host) = document_host("a_host_written_from_the_document_is_played") else { return };
    let (report, pictures, sound) = play(&format!("whep+http://{}/whep/square", host.address), 5, &["--codec", "vp8"]);
    assert!(report["frames"]["decoded"].as_f64().unwrap() > 50.0, "{report:#}");
    assert_eq!(report["frames"]["corrupt"], 0, "{report:#}");
    for latency in ["captured_to_presented", "input_to_photon"] {
        assert!(report["latency_ms"][latency]["count"].as_f64().unwrap() > 5.0, "{latency}: {report:#}");
    }
    // The square, around its starting place: BT.601 of Y 180, U 90, V 160, which VP8 means.
    let last = pictures.last().expect("pictures were dumped");
    let square = (0..last.height).flat_map(|y| (0..last.width).map(move |x| (x, y)));
    let square = square.filter(|&(x, y)| near(last.at(x, y), [242, 180, 114])).count();
    assert!((600..1400).contains(&square), "{square} pixels of the square's colour");
    assert!(tone(&sound, 440.0) > 0.8);
    let said = host.everything_said();
    assert!(said.iter().any(|line| line["hello"].is_string()), "{said:?}");
    assert!(said.iter().any(|line| line["goodbye"] == "user" || line["deleted"] == true), "{said:?}");
}

fn near(pixel: [u8; 3], colour: [u8; 3]) -> bool {
    pixel.iter().zip(colour).all(|(is, should)| is.abs_diff(should) <= 14)
}

#[test]
fn a_key_moves_the_square_of_a_host_written_from_the_document() {
    let test = "a_key_moves_the_square_of_a_host_written_from_the_document";
    let Some(host) = document_host(test) else { return };
    let display = match Display::start() {
        Ok(display) => display,
        Err(why) => return skip(test, &why),
    };
    let mut command = display.command(binary("entente-player"));
    command.args(["play", &format!("whep+http://{}/whep/square", host.address), "--codec", "vp8"]);
    let mut running = Running::start(command.args(["--renderer", "software", "--audio-device", "none"]));
    let window = display.window_of(running.child().id());
    window.until("a readable timecode", START, |shown| read_strip(shown, (0, 0), 1.0).captured_micros);
    window.hold("Right");
    std::thread::sleep(Duration::from_millis(600));
    window.let_go("Right");
    std::thread::sleep(Duration::from_millis(500));
    window.key("ctrl+alt+q");
    assert_eq!(running.finish(Duration::from_secs(10)).code(), 0);
    let said = host.everything_said();
    // Button 15 is the right of the d-pad.
    let edges: Vec<_> = said.iter().filter(|line| line["edge"] == 15).map(|line| &line["down"]).collect();
    assert_eq!(edges, [true, false], "{said:?}");
    let places: Vec<i64> = said.iter().filter_map(|line| line["square"][0].as_i64()).collect();
    assert!(places.len() > 1 && places.is_sorted() && places[places.len() - 1] > places[0] + 60, "{places:?}");
}

/// A demo cloud as a program of its own, which ends with the value.
struct Cloud {
    child: std::process::Child,
    address: String,
}

impl Cloud {
    fn start() -> Self {
        let mut command = Command::new(binary("entente-demo"));
        command.args(["--listen", "127.0.0.1:0"]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap();
        Self { child, address: String::from(said["address"].as_str().unwrap()) }
    }

    /// Codecs that it encodes here.
    fn codecs(&self) -> Vec<String> {
        let games = ureq::get(format!("http://{}/games", self.address)).call().unwrap().body_mut().read_to_string();
        let games: Value = serde_json::from_str(&games.unwrap()).unwrap();
        let encoders = games["encoders"].as_array().unwrap().iter();
        encoders.map(|encoder| String::from(encoder["codec"].as_str().unwrap())).collect()
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The test card's bars (`entente_demo::games`: SMPTE RP 219-1 at 75 %) as the page shows them: red, green, blue of the
/// middle of each, and how loud the sound was so far.
const LOOK: &str = "
    const video = document.getElementById('video'), canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    const context = canvas.getContext('2d');
    context.drawImage(video, 0, 0);
    const bars = [...Array(8).keys()].map((bar) => {
        const x = canvas.width * (0.04 + 0.92 * (bar + 0.5) / 8), y = canvas.height * 0.23;
        return [...context.getImageData(x, y, 1, 1).data].slice(0, 3);
    });
    return window.__stats().then((stats) => ({ bars, codecs: stats.codecs, energy: stats.audio?.totalAudioEnergy }));";

fn to_chromium(codec: &str) {
    let browser = match Browser::start() {
        Ok(browser) => browser,
        Err(why) => return skip(&format!("Chromium plays {codec} from the demo cloud"), &why),
    };
    let cloud = Cloud::start();
    if !cloud.codecs().iter().any(|made| made == codec) {
        return skip(&format!("Chromium plays {codec} from the demo cloud"), "no encoder for it in this FFmpeg");
    }
    let address = &cloud.address;
    let page = format!("http://{address}/?auto=1&game=testcard&width=640&height=360&fps=30&codec={codec}");
    let seen = browser
        .open(&page)
        .and_then(|()| browser.wait_for("return window.__samples.length >= 60 || window.__error", START))
        .and_then(|_| browser.run(LOOK));
    let share = browser.run("return window.__samples.length / (window.__samples.length + window.__unread)");
    let (seen, share) = (seen.unwrap(), share.unwrap().as_f64().unwrap());
    assert!(seen["codecs"].to_string().to_lowercase().contains(codec), "{seen:#}");
    // AV1 in its fastest mode may leave stale cells, which then count as "no timecode".
    assert!(
        share > if codec == "av1" { 0.5 } else { 0.9 },
        "{codec}: the timecode was read in {share:.2} of the pictures"
    );
    let bars =
        [[191, 191, 191], [191, 191, 0], [0, 191, 191], [0, 191, 0], [191, 0, 191], [191, 0, 0], [0, 0, 191], [0; 3]];
    for (index, (bar, shown)) in bars.iter().zip(seen["bars"].as_array().unwrap()).enumerate() {
        for (part, should) in shown.as_array().unwrap().iter().zip(bar) {
            let off = part.as_i64().unwrap() - should;
            assert!(off.abs() <= 12, "{codec}: bar {index} is {shown}, not {bar:?}");
        }
    }
    assert!(seen["energy"].as_f64().unwrap() > 0.0, "{codec}: silence");
}

#[test]
fn chromium_plays_h264_from_the_demo_cloud() {
    to_chromium("h264");
}

#[test]
fn chromium_plays_vp8_from_the_demo_cloud() {
    to_chromium("vp8");
}

#[test]
fn chromium_plays_vp9_from_the_demo_cloud() {
    to_chromium("vp9");
}

#[test]
fn chromium_plays_av1_from_the_demo_cloud() {
    to_chromium("av1");
}

/// Plays from a Chromium that misbehaves as `how` says (a query of the sender's page); report and exit code.
fn from_bad_chromium(test: &str, how: &str, seconds: &str) -> Option<(Value, i32, Duration)> {
    let browser = Browser::start().map_err(|why| skip(test, &why)).ok()?;
    let relay = Relay::start(SENDER_PAGE);
    browser.open(&format!("http://{}/?codec=VP8&width=640&height=360&fps=30&{how}", relay.address)).unwrap();
    browser.wait_for("return window.__ready", Duration::from_secs(10)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("r.json");
    let url = format!("whep+http://{}/whep/browser", relay.address);
    let mut command = Command::new(binary("entente-player"));
    command.args(["play", &url, "--headless", "--codec", "vp8", "--seconds", seconds, "--report"]).arg(&report);
    let outcome = Running::start(command.stdin(Stdio::null())).finish(Duration::from_secs(25));
    let report = serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
    Some((report, outcome.code(), outcome.took))
}

#[test]
fn a_host_that_connects_and_never_sends() {
    let Some((report, code, took)) = from_bad_chromium("a_host_that_connects_and_never_sends", "silent=1", "5") else {
        return;
    };
    assert_eq!((code, &report["session"]["ended"]), (11, &Value::from("no_media")), "{report:#}");
    assert!(took < Duration::from_secs(11), "{took:?}");
}

#[test]
fn a_timecode_that_lies_is_not_believed() {
    let Some((report, code, _)) = from_bad_chromium("a_timecode_that_lies_is_not_believed", "lie=1", "4") else {
        return;
    };
    assert_eq!(code, 0, "{report:#}");
    assert!(report["frames"]["presented"].as_f64().unwrap() > 20.0, "{report:#}");
    assert!(report["clock"]["timecodes_rejected"].as_f64().unwrap() > 20.0, "{report:#}");
    for latency in ["captured_to_presented", "input_to_photon"] {
        assert_eq!(report["latency_ms"][latency]["count"], 0, "{report:#}");
    }
}
