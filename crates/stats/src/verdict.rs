//! One sentence: what is wrong now, or which part costs most.

use std::fmt;

use crate::latency::Measure;
use crate::summary::Recent;

/// The part of the chain that a verdict is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// Nothing is wrong.
    Nothing,
    /// The host or what it runs.
    Host,
    /// The way between host and client.
    Network,
    /// Decoding on this machine.
    Decoder,
    /// Drawing and display on this machine.
    Display,
    /// Sound.
    Audio,
}

/// A verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What it is about.
    pub part: Part,
    /// The sentence for the user.
    pub sentence: String,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

/// Loss from which on it is named, in percent.
const LOSS_PERCENT: f64 = 0.5;
/// Share of decoded frames that may stay unshown before the display is blamed, in percent.
const UNSHOWN_PERCENT: f64 = 10.0;
/// Round trip from which on it is felt, in milliseconds.
const LONG_RTT_MS: f64 = 80.0;
/// Time of one step on this machine from which on it is felt, in milliseconds.
const LONG_STEP_MS: f64 = 33.0;
/// Made-up sound in two seconds from which on it is heard, in milliseconds.
const CONCEALED_MS: f64 = 20.0;

/// What is wrong in the last two seconds, the worst first; without a fault, what costs most.
#[must_use]
pub fn verdict(recent: &Recent) -> Verdict {
    missing_picture(recent)
        .or_else(|| decoder(recent))
        .or_else(|| loss(recent))
        .or_else(|| display(recent))
        .or_else(|| audio(recent))
        .or_else(|| slow(recent))
        .unwrap_or_else(|| all_good(recent))
}

fn say(part: Part, sentence: String) -> Option<Verdict> {
    Some(Verdict { part, sentence })
}

fn missing_picture(recent: &Recent) -> Option<Verdict> {
    if !recent.started {
        return say(Part::Network, "waiting for the first picture".to_owned());
    }
    if recent.received_fps > 0.0 {
        return None;
    }
    if recent.link.packets == 0 {
        return say(Part::Network, "network: nothing arrives from the host".to_owned());
    }
    if recent.link.lost > recent.link.recovered {
        return say(Part::Network, "network: no picture arrives whole, too many packets are lost".to_owned());
    }
    say(Part::Host, "host: it sends no new picture".to_owned())
}

fn decoder(recent: &Recent) -> Option<Verdict> {
    let counts = &recent.counts;
    let decode = recent.latency(Measure::DecodeInToDecodeOut).p50;
    let waiting = recent.latency(Measure::AssembledToDecodeIn).p50;
    let interval = if recent.received_fps > 0.0 { 1000.0 / recent.received_fps } else { f64::INFINITY };
    if counts.dropped_behind > 0 {
        let dropped = counts.dropped_behind;
        return say(Part::Decoder, format!("decoder is behind: {decode:.1} ms a picture, {dropped} dropped"));
    }
    if waiting > interval {
        return say(
            Part::Decoder,
            format!("decoder is behind: {decode:.1} ms a picture, and each waits {waiting:.1} ms for its turn"),
        );
    }
    if recent.decoded_fps <= 0.0 {
        return say(Part::Decoder, "decoder: pictures arrive, but none can be decoded".to_owned());
    }
    // A damaged picture that is not shown counts in both.
    let bad = counts.dropped_undecodable.max(counts.corrupt);
    if bad > 0 {
        return say(Part::Decoder, format!("decoder: {bad} pictures could not be decoded cleanly"));
    }
    None
}

fn loss(recent: &Recent) -> Option<Verdict> {
    let lost = recent.loss_percent();
    if lost < LOSS_PERCENT {
        return None;
    }
    let gone = recent.unrecovered_percent();
    if gone < 0.05 {
        return say(Part::Network, format!("network: {lost:.1} % loss, recovered"));
    }
    say(Part::Network, format!("network: {lost:.1} % loss, {gone:.1} % not recovered"))
}

fn display(recent: &Recent) -> Option<Verdict> {
    let (decoded, shown) = (recent.decoded_fps, recent.presented_fps);
    if decoded - shown > decoded * UNSHOWN_PERCENT / 100.0 {
        return say(Part::Display, format!("display is behind: it shows {shown:.0} of {decoded:.0} pictures a second"));
    }
    None
}

fn audio(recent: &Recent) -> Option<Verdict> {
    if recent.audio.underruns > 0 {
        let count = recent.audio.underruns;
        let times = if count == 1 { "once" } else { "more than once" };
        return say(Part::Audio, format!("audio: the sound device ran dry {times}"));
    }
    if recent.audio.concealed_ms >= CONCEALED_MS {
        let made_up = recent.audio.concealed_ms;
        return say(Part::Audio, format!("audio: {made_up:.0} ms of sound made up for missing packets"));
    }
    None
}

/// The steps on this machine and the round trip, each with its part and its name in a sentence.
fn costs(recent: &Recent) -> [(Part, &'static str, f64); 4] {
    let p50 = |measure| recent.latency(measure).p50;
    let decoding = p50(Measure::AssembledToDecodeIn) + p50(Measure::DecodeInToDecodeOut);
    let receiving = p50(Measure::FirstPacketToLastPacket) + p50(Measure::LastPacketToAssembled);
    [
        (Part::Network, "the round trip", recent.link.rtt_micros.map_or(0.0, crate::latency::millis)),
        (Part::Network, "receiving", receiving),
        (Part::Decoder, "decoding", decoding),
        (Part::Display, "showing", p50(Measure::DecodedToPresented)),
    ]
}

fn most(recent: &Recent) -> (Part, &'static str, f64) {
    costs(recent).into_iter().fold((Part::Nothing, "", 0.0), |most, cost| if cost.2 > most.2 { cost } else { most })
}

fn slow(recent: &Recent) -> Option<Verdict> {
    let limit = |name: &str| if name == "the round trip" { LONG_RTT_MS } else { LONG_STEP_MS };
    let (part, name, cost) = costs(recent)
        .into_iter()
        .filter(|(_, name, cost)| *cost > limit(name))
        .fold((Part::Nothing, "", 0.0), |most, cost| if cost.2 > most.2 { cost } else { most });
    match part {
        Part::Network => say(part, format!("network: {name} costs most, {cost:.0} ms")),
        Part::Decoder => say(part, format!("decoder: {name} costs most, {cost:.0} ms")),
        Part::Display => say(part, format!("display: {name} costs most, {cost:.0} ms")),
        Part::Nothing | Part::Host | Part::Audio => None,
    }
}

fn all_good(recent: &Recent) -> Verdict {
    let (_, name, cost) = most(recent);
    let sentence =
        if cost > 0.0 { format!("all good; {name} costs most, {cost:.1} ms") } else { "all good".to_owned() };
    Verdict { part: Part::Nothing, sentence }
}
