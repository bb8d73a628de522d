//! The browser page's own side of the input channel, run without a browser.

use std::process::{Command, Stdio};

use entente_model::input::{Buttons, PlayerInput};
use entente_model::wire::input::{InputPacket, InputTracker};

const PAGE: &str = include_str!("../../src/page.html");

/// A stick is moved and a button pressed; every packet that the page sends is printed in hex, a line each.
const SCRIPT: &str = r#"
const sent = [];
const channel = { readyState: "connecting", bufferedAmount: 0, send: (bytes) => sent.push(Buffer.from(bytes).toString("hex")) };
const input = new Input(channel);
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
(async () => {
  const refreshing = setInterval(() => input.refresh(), REFRESH_MS);
  channel.readyState = "open";
  await sleep(150);
  if (sent.length) throw new Error("nothing is sent before the first input");
  channel.readyState = "connecting";
  input.pad(0, { buttons: 1, lx: 1000, ly: 0, rx: 0, ry: 0, lt: 0, rt: 0 });
  input.flush();
  channel.readyState = "open";
  await sleep(550);
  clearInterval(refreshing);
  console.log(sent.join("\n"));
})();
"#;

#[test]
fn one_lost_packet_of_the_page_leaves_nothing_stuck() {
    let begin = PAGE.find("/* ---------- input packets").unwrap();
    let end = PAGE.find("/* ---------- the session").unwrap();
    let clock = "const micros = () => BigInt(Math.round(performance.now() * 1000));\n";
    let script = format!("{clock}{}{SCRIPT}", &PAGE[begin..end]);
    let Ok(ran) = Command::new("node").args(["-e", &script]).stderr(Stdio::inherit()).output() else {
        println!("skipped: node is not installed");
        return;
    };
    assert!(ran.status.success());
    let text = String::from_utf8(ran.stdout).unwrap();
    let packets: Vec<InputPacket> = text
        .lines()
        .map(|line| {
            let byte = |at: usize| u8::from_str_radix(&line[at..at + 2], 16).unwrap();
            let bytes: Vec<u8> = (0..line.len()).step_by(2).map(byte).collect();
            InputPacket::parse(&bytes).expect("a packet of the protocol")
        })
        .collect();
    // Edges in 8 packets 8 ms apart, then the state every 100 ms.
    let (with, without): (Vec<_>, Vec<_>) = packets.iter().partition(|packet| !packet.edges.is_empty());
    assert_eq!(with.len(), 8, "{text}");
    assert!((3..=5).contains(&without.len()), "{} packets after the edges", without.len());
    assert!(packets.iter().all(|packet| packet.stamp_micros == packets[0].stamp_micros), "nobody played on");
    // The last one alone says everything.
    let mut tracker = InputTracker::new();
    let mut states = Vec::new();
    tracker.accept(packets.last().unwrap(), |what| {
        if let PlayerInput::Pad { state, .. } = what {
            states.push((state.buttons, state.left_x));
        }
    });
    assert_eq!(states.last(), Some(&(Buttons::SOUTH, 1000)));
}

#[test]
fn a_page_that_only_reads_the_track_sends_no_input() {
    let timers: Vec<_> = PAGE.lines().filter(|line| line.contains("mine.input.refresh()")).collect();
    assert_eq!(timers.len(), 1);
    let reading = PAGE.find("if (!trackOnly) {").unwrap();
    let block = &PAGE[reading..reading + PAGE[reading..].find("\n  }\n").unwrap()];
    assert!(block.contains(timers[0]), "{block}");
}
