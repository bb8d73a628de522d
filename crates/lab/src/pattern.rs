//! A link without a network.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use entente_model::input::{Feedback, PlayerInput};
use entente_model::media::{AudioFormat, AudioPacket, EncodedFrame, VideoCodec};
use entente_model::stage::Stage;
use entente_model::{Event, Input, Link, LinkError, LinkStats, Output, Request};

use crate::clip::pattern_frames;

/// 20 ms of silence in stereo: code 0, 20 ms CELT full band, one empty frame (RFC 6716 sections 3.1 and 3.2).
const SILENCE: &[u8] = &[0xfc, 0xff, 0xfe];
const AUDIO_INTERVAL: Duration = Duration::from_millis(20);

/// Shows a test picture at 30 frames per second with silent sound, and answers each button of a pad with a rumble.
///
/// Time is what the driver says, so it runs in real and in virtual time. Whoever runs late gets only the newest frame.
#[derive(Debug)]
pub struct PatternLink {
    interval: Duration,
    out: VecDeque<Output>,
    begin: Option<Instant>,
    frames: u64,
    sounds: u64,
    next_stats: Option<Instant>,
    stats: LinkStats,
    ended: bool,
    inputs: u64,
}

impl Default for PatternLink {
    fn default() -> Self {
        Self::new(30)
    }
}

impl PatternLink {
    /// A link that shows `fps` frames a second.
    #[must_use]
    pub fn new(fps: u32) -> Self {
        Self {
            interval: Duration::from_secs(1) / fps.max(1),
            out: VecDeque::new(),
            begin: None,
            frames: 0,
            sounds: 0,
            next_stats: None,
            stats: LinkStats::default(),
            ended: false,
            inputs: 0,
        }
    }

    /// Inputs that came so far.
    #[must_use]
    pub const fn inputs(&self) -> u64 {
        self.inputs
    }

    fn event(&mut self, event: Event) {
        self.out.push_back(Output::Event(event));
    }

    fn due(begin: Instant, interval: Duration, count: u64) -> Instant {
        begin + interval * u32::try_from(count).unwrap_or(u32::MAX)
    }

    fn advance(&mut self, now: Instant) {
        let Some(begin) = self.begin.filter(|_| !self.ended) else { return };
        while Self::due(begin, self.interval, self.frames) <= now {
            let number = self.frames;
            self.frames += 1;
            if Self::due(begin, self.interval, self.frames) > now {
                self.show(now, begin, number);
            }
        }
        while Self::due(begin, AUDIO_INTERVAL, self.sounds) <= now {
            let number = self.sounds;
            self.sounds += 1;
            self.stats.audio_packets += 1;
            let data = Bytes::from_static(SILENCE);
            self.event(Event::Audio(AudioPacket { sequence: number, rtp_time: number * 960, data, arrived: now }));
        }
        if self.next_stats.is_some_and(|at| at <= now) {
            self.next_stats = Some(now + Duration::from_millis(250));
            self.event(Event::Stats(self.stats));
        }
    }

    fn show(&mut self, now: Instant, begin: Instant, number: u64) {
        let clip = pattern_frames();
        let place = usize::try_from(number).unwrap_or(0) % clip.len().max(1);
        let Some(data) = clip.get(place).cloned() else { return };
        let captured = Self::due(begin, self.interval, number).saturating_duration_since(begin);
        let rtp_time = u64::try_from(captured.as_nanos() * 90_000 / 1_000_000_000).unwrap_or(0);
        self.stats.packets += 1;
        self.stats.bytes += data.len() as u64;
        let id = self.stats.frames;
        self.stats.frames += 1;
        self.event(Event::Video(EncodedFrame {
            id,
            codec: VideoCodec::H264,
            data,
            rtp_time,
            key: true,
            color: None,
            after_gap: false,
            first_packet: now,
            last_packet: now,
            assembled: now,
        }));
    }
}

impl Link for PatternLink {
    fn handle(&mut self, now: Instant, input: Input<'_>) -> Result<(), LinkError> {
        match input {
            Input::Start { .. } if self.begin.is_some() => return Err(LinkError::OutOfOrder("a second start")),
            Input::Start { .. } => {
                self.begin = Some(now);
                self.next_stats = Some(now + Duration::from_millis(250));
                self.event(Event::Stage(Stage::WaitingForPicture));
                self.event(Event::Host { name: "test picture".to_owned() });
                self.event(Event::AudioFormat(AudioFormat::stereo()));
                self.event(Event::Stage(Stage::Playing));
            }
            Input::Player(event) => {
                self.inputs += 1;
                if let PlayerInput::Pad { pad, state } = &event.what {
                    let low = if state.buttons.is_empty() { 0.0 } else { 1.0 };
                    self.event(Event::Feedback(Feedback::Rumble { pad: *pad, low, high: 0.0, millis: 100 }));
                }
            }
            Input::Request(Request::Stop(reason)) if !self.ended => {
                self.event(Event::Stats(self.stats));
                self.event(Event::Ended(reason));
                self.ended = true;
            }
            _ => {}
        }
        self.advance(now);
        Ok(())
    }

    fn poll(&mut self, _now: Instant) -> Output {
        if let Some(output) = self.out.pop_front() {
            return output;
        }
        let next = self.begin.filter(|_| !self.ended).map(|begin| {
            Self::due(begin, self.interval, self.frames).min(Self::due(begin, AUDIO_INTERVAL, self.sounds))
        });
        Output::Wait(next)
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a first instant")]
mod tests {
    use entente_model::EndReason;
    use entente_model::input::{Buttons, InputEvent, PadState};

    use super::*;

    fn drain(link: &mut PatternLink, now: Instant) -> (Vec<Event>, Option<Instant>) {
        let mut events = Vec::new();
        loop {
            match link.poll(now) {
                Output::Event(event) => events.push(event),
                Output::Wait(until) => return (events, until),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_second_has_thirty_frames_and_fifty_packets() {
        let base = Instant::now();
        let mut link = PatternLink::new(30);
        link.handle(base, Input::Start { local_addresses: &[] }).unwrap();
        let (mut video, mut audio, mut now) = (0, 0, base);
        while now < base + Duration::from_millis(999) {
            let (events, until) = drain(&mut link, now);
            video += events.iter().filter(|event| matches!(event, Event::Video(_))).count();
            audio += events.iter().filter(|event| matches!(event, Event::Audio(_))).count();
            now = until.unwrap();
            link.handle(now, Input::Tick).unwrap();
        }
        assert_eq!((video, audio), (30, 50));
    }

    #[test]
    fn buttons_come_back_as_rumble_and_a_stop_ends() {
        let base = Instant::now();
        let mut link = PatternLink::default();
        link.handle(base, Input::Start { local_addresses: &[] }).unwrap();
        drain(&mut link, base);
        let state = PadState { buttons: Buttons::SOUTH, ..PadState::default() };
        let press = InputEvent { at: base, what: PlayerInput::Pad { pad: 2, state } };
        link.handle(base, Input::Player(&press)).unwrap();
        let (events, _) = drain(&mut link, base);
        assert!(matches!(events[..], [Event::Feedback(Feedback::Rumble { pad: 2, low: 1.0, .. })]));
        link.handle(base, Input::Request(Request::Stop(EndReason::User))).unwrap();
        let (events, until) = drain(&mut link, base);
        assert!(matches!(events.last(), Some(Event::Ended(EndReason::User))) && until.is_none());
    }
}
