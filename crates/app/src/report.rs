//! The player's report (`docs/report.md`) as words: how the game was, and what would make it better.

use serde_json::Value;

use crate::view::{AfterPlay, Figure, Grade};

/// Frames below which a run is too short to be judged: half a second.
const FEWEST_FRAMES: f64 = 30.0;

/// What is known of a game besides its report.
#[derive(Clone, Debug, Default)]
pub struct Played {
    /// Its card.
    pub card_id: Option<String>,
    /// Its name.
    pub title: String,
    /// How long the player ran.
    pub seconds: u64,
    /// Where the report is.
    pub file: Option<String>,
    /// Why it ended, if the report does not say.
    pub ended: String,
}

/// Judges `report`; anything that is missing in it is left out.
#[must_use]
pub fn after_play(played: Played, report: &Value) -> AfterPlay {
    let facts = Facts(report);
    let ended = facts.text("/session/ended_because").map_or(played.ended, str::to_owned);
    let mut judged = Judged::default();
    if facts.number("/frames/received").is_some_and(|frames| frames >= FEWEST_FRAMES) {
        picture(&facts, &mut judged);
        delay(&facts, &mut judged);
        network(&facts, &mut judged);
        sound(&facts, &mut judged);
        reconnects(&facts, &mut judged);
    }
    let score = judged.score();
    AfterPlay {
        card_id: played.card_id,
        title: played.title,
        ended,
        seconds: played.seconds,
        score,
        figures: judged.figures,
        advice: judged.advice,
        file: played.file,
    }
}

struct Facts<'a>(&'a Value);

impl Facts<'_> {
    fn number(&self, path: &str) -> Option<f64> {
        self.0.pointer(path)?.as_f64().filter(|number| number.is_finite())
    }

    fn text(&self, path: &str) -> Option<&str> {
        self.0.pointer(path)?.as_str().filter(|text| !text.is_empty())
    }
}

#[derive(Default)]
struct Judged {
    figures: Vec<Figure>,
    advice: Vec<String>,
    /// Points and weight of each part.
    parts: Vec<(f64, f64)>,
}

impl Judged {
    fn figure(&mut self, name: &str, value: String, grade: Grade, explained: &str) {
        let (name, explained) = (name.to_owned(), explained.to_owned());
        self.figures.push(Figure { name, value, grade, explained });
    }

    fn advise(&mut self, text: &str) {
        self.advice.push(text.to_owned());
    }

    /// 100 points down to `good`, none from `poor` on, a straight line between.
    fn weigh(&mut self, value: f64, good: f64, poor: f64, weight: f64) {
        let points = 100.0 * (1.0 - ((value - good) / (poor - good)).clamp(0.0, 1.0));
        self.parts.push((points, weight));
    }

    fn score(&self) -> Option<u32> {
        let weight: f64 = self.parts.iter().map(|(_, weight)| weight).sum();
        let points: f64 = self.parts.iter().map(|(points, weight)| points * weight).sum();
        (weight > 0.0).then(|| (points / weight).round() as u32)
    }
}

/// Smaller is better.
fn grade(value: f64, good: f64, fair: f64) -> Grade {
    if value <= good {
        Grade::Good
    } else if value <= fair {
        Grade::Fair
    } else {
        Grade::Poor
    }
}

fn picture(facts: &Facts<'_>, judged: &mut Judged) {
    let (Some(received), Some(presented)) = (facts.number("/frames/received"), facts.number("/frames/presented"))
    else {
        return;
    };
    let incomplete = facts.number("/frames/incomplete").unwrap_or(0.0);
    let missed = 100.0 * (1.0 - presented / (received + incomplete).max(1.0)).clamp(0.0, 1.0);
    let rate = facts.number("/video/presented_fps").unwrap_or(0.0);
    judged.figure(
        "picture",
        format!("{rate:.0} fps, {missed:.1} % missed"),
        grade(missed, 1.0, 5.0),
        "Pictures of the game that reached your screen, and the share that did not.",
    );
    judged.weigh(missed, 0.5, 15.0, 3.0);
    if missed <= 1.0 {
        return;
    }
    let share = |path: &str| facts.number(path).unwrap_or(0.0) / received.max(1.0);
    if share("/frames/dropped_behind") + share("/frames/dropped_newer") > 0.01 {
        judged
            .advise("This computer was too slow for every picture: choose a smaller picture or fewer frames a second.");
    } else if incomplete > 0.0 || share("/frames/dropped_undecodable") > 0.01 {
        judged
            .advise("Pictures were lost on the way: use a cable or move closer to the router, or lower the bit rate.");
    }
}

fn delay(facts: &Facts<'_>, judged: &mut Judged) {
    if let Some(photon) = facts.number("/latency_ms/input_to_photon/p50") {
        let worst = facts.number("/latency_ms/input_to_photon/p99").unwrap_or(photon);
        judged.figure(
            "input_to_photon",
            format!("{photon:.0} ms (1 in 100: {worst:.0} ms)"),
            grade(photon, 60.0, 110.0),
            "From your press to the first picture that shows it.",
        );
        judged.weigh(photon, 40.0, 180.0, 3.0);
    }
    if let Some(glass) = facts.number("/latency_ms/captured_to_presented/p50") {
        judged.figure(
            "captured_to_presented",
            format!("{glass:.0} ms"),
            grade(glass, 40.0, 80.0),
            "From the moment the host drew a picture to your screen.",
        );
    }
    let decode = facts.number("/latency_ms/last_packet_to_decoded/p50");
    let interval = facts.number("/video/fps").filter(|fps| *fps > 0.0).map(|fps| 1000.0 / fps);
    if let (Some(decode), Some(interval)) = (decode, interval)
        && decode > interval * 0.7
    {
        let hardware = facts.text("/video/decoder").is_some_and(|name| !name.contains("software"));
        judged.advise(if hardware {
            "Decoding takes most of the time between two pictures: choose fewer frames a second or a smaller picture."
        } else {
            "The processor decodes the pictures and is hardly fast enough: update the graphics driver, or choose a \
             smaller picture."
        });
    }
}

fn network(facts: &Facts<'_>, judged: &mut Judged) {
    let rtt = facts.number("/network/rtt_ms");
    if let Some(rtt) = rtt {
        judged.figure(
            "rtt",
            format!("{rtt:.0} ms"),
            grade(rtt, 30.0, 70.0),
            "There and back between you and the host.",
        );
        if rtt > 70.0 {
            judged.advise("The host is far away: choose a nearer region if the service has one.");
        }
    }
    let (Some(lost), Some(packets)) = (facts.number("/network/lost"), facts.number("/network/packets")) else { return };
    let recovered = facts.number("/network/recovered").unwrap_or(0.0);
    let share = 100.0 * lost / (packets + lost - recovered).max(1.0);
    judged.figure(
        "loss",
        format!("{share:.1} % ({:.0} % came back)", if lost > 0.0 { 100.0 * recovered / lost } else { 100.0 }),
        grade(share, 0.5, 2.0),
        "Packets of the picture that were missing, and how many of them came back in time.",
    );
    judged.weigh(share, 0.3, 6.0, 2.0);
    if share > 0.5 {
        judged.advise("Packets were lost on the way: a cable is better than Wi-Fi, and 5 GHz is better than 2.4 GHz.");
    }
}

fn sound(facts: &Facts<'_>, judged: &mut Judged) {
    let (Some(packets), Some(concealed)) = (facts.number("/audio/packets"), facts.number("/audio/concealed_ms")) else {
        return;
    };
    if packets < 50.0 {
        return;
    }
    let underruns = facts.number("/audio/underruns").unwrap_or(0.0);
    // Packets hold 5 to 20 ms; 10 is the middle, and the share is a guide only.
    let share = 100.0 * concealed / (packets * 10.0);
    judged.figure(
        "sound",
        format!("{concealed:.0} ms mended, {underruns:.0} gaps"),
        grade(share + underruns, 0.5, 3.0),
        "Sound that was made up for missing packets, and moments without any.",
    );
    judged.weigh(share + underruns, 0.5, 10.0, 1.0);
}

fn reconnects(facts: &Facts<'_>, judged: &mut Judged) {
    if let Some(times) = facts.number("/session/reconnects").filter(|times| *times > 0.0) {
        let explained = "Times that the connection was gone and came back.";
        judged.figure("reconnects", format!("{times:.0}"), grade(times, 0.0, 1.0), explained);
        judged.weigh(times, 0.0, 4.0, 1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn good() -> Value {
        json!({
            "frames": { "received": 3600, "presented": 3598, "incomplete": 0, "dropped_newer": 2 },
            "video": { "decoder": "h264 (vaapi)", "fps": 60.0, "presented_fps": 59.9 },
            "latency_ms": { "input_to_photon": { "p50": 21.0, "p99": 40.0 }, "captured_to_presented": { "p50": 12.0 },
                            "last_packet_to_decoded": { "p50": 1.5 } },
            "network": { "rtt_ms": 8.0, "lost": 4, "recovered": 4, "packets": 36000 },
            "audio": { "packets": 6000, "concealed_ms": 0.0, "underruns": 0 },
            "session": { "ended_because": "You stopped the game.", "reconnects": 0 },
        })
    }

    #[test]
    fn a_good_game_is_told_so_and_needs_no_advice() {
        let view = after_play(Played { seconds: 60, ..Played::default() }, &good());
        assert_eq!(view.score, Some(100));
        assert_eq!(view.ended, "You stopped the game.");
        assert!(view.advice.is_empty(), "{:?}", view.advice);
        assert!(view.figures.iter().all(|figure| figure.grade == Grade::Good), "{:?}", view.figures);
    }

    #[test]
    fn each_fault_has_its_own_advice() {
        for (path, value, word) in [
            ("/frames/dropped_behind", json!(900), "too slow"),
            ("/frames/incomplete", json!(900), "lost on the way"),
            ("/network/lost", json!(3000), "cable"),
            ("/network/rtt_ms", json!(140), "nearer region"),
            ("/latency_ms/last_packet_to_decoded/p50", json!(15.0), "fewer frames"),
        ] {
            let mut report = good();
            for (name, other) in [("/frames/dropped_behind", json!(0)), ("/frames/incomplete", json!(0))] {
                let (parent, leaf) = name.rsplit_once('/').unwrap();
                report.pointer_mut(parent).unwrap()[leaf] = other;
            }
            let (parent, leaf) = path.rsplit_once('/').unwrap();
            report.pointer_mut(parent).unwrap()[leaf] = value;
            if path == "/frames/dropped_behind" {
                report["frames"]["presented"] = json!(2700);
            }
            let view = after_play(Played::default(), &report);
            assert!(view.advice.iter().any(|advice| advice.contains(word)), "{path}: {:?}", view.advice);
        }
    }

    #[test]
    fn too_little_is_not_judged() {
        let view = after_play(
            Played { ended: "The player stopped.".to_owned(), ..Played::default() },
            &json!({ "frames": { "received": 3 } }),
        );
        assert_eq!((view.score, view.figures.len()), (None, 0));
        assert_eq!(view.ended, "The player stopped.");
    }

    proptest! {
        #[test]
        fn no_number_breaks_the_score(numbers in proptest::array::uniform8(-1.0e9..1.0e9f64)) {
            let mut report = good();
            for (path, number) in ["/frames/received", "/frames/presented", "/network/lost", "/network/packets",
                "/audio/packets", "/audio/underruns", "/latency_ms/input_to_photon/p50", "/video/fps"].iter().zip(numbers)
            {
                let (parent, leaf) = path.rsplit_once('/').unwrap();
                report.pointer_mut(parent).unwrap()[leaf] = json!(number);
            }
            let view = after_play(Played::default(), &report);
            prop_assert!(view.score.is_none_or(|score| score <= 100));
        }
    }
}
