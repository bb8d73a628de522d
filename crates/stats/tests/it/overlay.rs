use entente_stats::{OverlayMode, overlay_lines};

use crate::session::Session;

fn shown(session: &Session, mode: OverlayMode) -> String {
    overlay_lines(&session.summary, mode, session.now()).join("\n")
}

#[test]
fn off_shows_nothing_and_modes_cycle() {
    assert_eq!(shown(&Session::healthy(), OverlayMode::Off), "");
    let mut mode = OverlayMode::Off;
    for wanted in [OverlayMode::Line, OverlayMode::Compact, OverlayMode::Full, OverlayMode::Off] {
        mode = mode.next();
        assert_eq!(mode, wanted);
        assert_eq!(mode.name().parse(), Ok(mode));
    }
    assert!("loud".parse::<OverlayMode>().is_err());
}

#[test]
fn line() {
    assert_eq!(
        shown(&Session::healthy(), OverlayMode::Line),
        "fps 60 in, 60 decoded, 60 shown | rtt 12.3 ms | loss 0.0 %"
    );
}

#[test]
fn compact() {
    assert_eq!(
        shown(&Session::healthy(), OverlayMode::Compact),
        "\
fps 60 in, 60 decoded, 60 shown | rtt 12.3 ms | loss 0.0 %
4.8 Mbit/s | not recovered 0.0 %, 0 nacks, 0 key frames asked | audio 38 ms
input to wire 0.35/0.35 ms | input to photon 40.0/40.0 ms | host to shown 20.9/20.9 ms \u{b1} 0.4
all good; the round trip costs most, 12.3 ms"
    );
}

#[test]
fn full() {
    assert_eq!(
        shown(&Session::healthy(), OverlayMode::Full),
        "\
fps 60 in, 60 decoded, 60 shown | rtt 12.3 ms | loss 0.0 %
video h264 1280x720 | 4.8 Mbit/s
decoder h264 software, 2 threads (hardware is switched off)
renderer cpu (no GPU)
network not recovered 0.0 %, 0 nacks, 0 key frames asked
stage          p50     p99 ms
  receive      2.0     2.0
  assemble     0.1     0.1
  queue        0.3     0.3
  decode       4.0     4.0
  pace         0.5     0.5
  draw         1.0     1.0
  display      5.0     5.0
input to wire 0.35/0.35 ms
input to photon 40.0/40.0 ms
host to shown 20.9/20.9 ms \u{b1} 0.4
audio 38 ms deep, 0 ms made up, 0 dry
not shown 0 newer, 0 behind, 0 undecodable; 0 damaged
all good; the round trip costs most, 12.3 ms"
    );
}

#[test]
fn before_anything_arrived() {
    assert_eq!(
        shown(&Session::new(), OverlayMode::Compact),
        "\
fps 0 in, 0 decoded, 0 shown | rtt ? | loss 0.0 %
0.0 Mbit/s | not recovered 0.0 %, 0 nacks, 0 key frames asked | audio 0 ms
input to wire - | input to photon - | host to shown -
waiting for the first picture"
    );
}
