//! Chromium as a receiver, on the demo cloud's own page.

use std::time::Duration;

use entente_tests::browser::Browser;
use serde_json::Value;

use crate::cost;
use crate::path::{Round, Shape};

/// Time for the page to get going.
const START: Duration = Duration::from_secs(20);

/// How much the page asks Chromium to hurry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setting {
    /// As any page gets it.
    AsInstalled,
    /// The host sends a playout delay of zero and the page wants no jitter buffer.
    Tuned,
}

/// Plays one round.
pub(crate) fn play(address: &str, shape: &Shape, setting: Setting) -> Result<Round, String> {
    let browser = Browser::start()?;
    let playout = match setting {
        Setting::AsInstalled => "browser",
        Setting::Tuned => "least",
    };
    browser.open(&format!(
        "http://{address}/?auto=1&view=track&playout={playout}&game={}&width={}&height={}&fps={}&codec=h264",
        shape.game, shape.width, shape.height, shape.fps
    ))?;
    browser.wait_for("return window.__decoded_frames > 0 && window.__clock !== null || window.__error", START)?;
    if let Some(error) = browser.run("return window.__error")?.as_str() {
        return Err(format!("the page says: {error}"));
    }
    std::thread::sleep(shape.settle);

    browser.run("window.__sample(true)")?;
    std::thread::sleep(shape.window);
    browser.run("window.__sample(false)")?;
    let samples = browser.run(SAMPLES)?;
    let offset = browser.run("return window.__clock.offset_micros + performance.timeOrigin * 1000")?;
    let offset = offset.as_f64().ok_or("the page does not know the host's clock")?;

    // Without a look at the pixels, which our player does in less time than a page can.
    let before = (browser.run(STATISTICS)?, cost::below(browser.process())?);
    std::thread::sleep(shape.window);
    let after = (browser.run(STATISTICS)?, cost::below(browser.process())?);
    let grown = |name: &str| {
        let value = |statistics: &Value| statistics[name].as_f64().unwrap_or_default();
        value(&after.0) - value(&before.0)
    };
    let frames = grown("framesDecoded");
    if frames < 1.0 {
        return Err(String::from("Chromium decoded nothing"));
    }
    let own = OWN.map(|(name, total, count)| (name, 1000.0 * grown(total) / grown(count).max(1.0)));
    let number = |sample: &Value, name: &str| sample[name].as_f64();
    let samples = samples.as_array().map(Vec::as_slice).unwrap_or_default();
    Ok(Round {
        last_packet_to_decoded: samples
            .iter()
            .filter_map(|sample| Some(number(sample, "read_ms")? - number(sample, "receive_ms")?))
            .collect(),
        captured_to_decoded: samples
            .iter()
            .filter_map(|sample| {
                Some((number(sample, "read_ms")? * 1000.0 + offset - number(sample, "captured_micros")?) / 1000.0)
            })
            .collect(),
        cpu_ms_per_frame: (after.1 - before.1) / frames,
        fps: frames / (grown("timestamp") / 1000.0).max(0.001),
        own: Some(own.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
    })
}

/// Every sample with the arrival of its frame's last packet (video.requestVideoFrameCallback, `receiveTime`), where told.
const SAMPLES: &str =
    "return window.__decoded.map((s) => ({ ...s, receive_ms: window.__received[s.rtp_timestamp] ?? null }))";
const STATISTICS: &str = "return window.__stats().then((stats) => stats.video)";

/// Means of Chromium's own statistics (W3C webrtc-stats, `RTCInboundRtpStreamStats`): name, total in seconds, its count.
const OWN: [(&str, &str, &str); 4] = [
    ("first_packet_to_decoded", "totalProcessingDelay", "framesDecoded"),
    ("jitter_buffer", "jitterBufferDelay", "jitterBufferEmittedCount"),
    ("assembly", "totalAssemblyTime", "framesAssembledFromMultiplePackets"),
    ("decode", "totalDecodeTime", "framesDecoded"),
];
