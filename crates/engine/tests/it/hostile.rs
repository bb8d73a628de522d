//! Links that misbehave end in a reason, never in a hang or a crash.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use entente_engine::{News, StreamConfig};
use entente_lab::pattern_frames;
use entente_model::media::{EncodedFrame, VideoCodec};
use entente_model::{EndReason, Event, Input, Link, LinkError, Output, Request};
use entente_stats::summary::FrameCounts;

use crate::rig::{Rig, config};

/// What frame number so and so is: its bytes, and whether it claims to be a key frame.
type Make = fn(u64) -> (Bytes, bool);

/// Sends frames at a steady pace and counts how often it is asked for a key frame.
struct Feed {
    make: Make,
    pace: Duration,
    next: u64,
    due: Option<Instant>,
    ended: Option<EndReason>,
    said: bool,
    asked: Arc<AtomicU64>,
}

impl Feed {
    fn new(pace: Duration, make: Make) -> Self {
        Self { make, pace, next: 0, due: None, ended: None, said: false, asked: Arc::default() }
    }
}

impl Link for Feed {
    fn handle(&mut self, now: Instant, input: Input<'_>) -> Result<(), LinkError> {
        match input {
            Input::Start { .. } => self.due = Some(now),
            Input::Request(Request::Stop(reason)) => self.ended = Some(reason),
            Input::Request(Request::Keyframe) => {
                self.asked.fetch_add(1, Ordering::Relaxed);
            }
            _ => {}
        }
        Ok(())
    }

    fn poll(&mut self, now: Instant) -> Output {
        if let Some(reason) = &self.ended {
            if std::mem::replace(&mut self.said, true) {
                return Output::Wait(None);
            }
            return Output::Event(Event::Ended(reason.clone()));
        }
        if self.due.is_none_or(|due| now < due) {
            return Output::Wait(self.due);
        }
        self.due = Some(now + self.pace);
        let id = self.next;
        self.next += 1;
        let (data, key) = (self.make)(id);
        Output::Event(Event::Video(EncodedFrame {
            id,
            codec: VideoCodec::H264,
            data,
            rtp_time: id * 90,
            key,
            color: None,
            after_gap: false,
            first_packet: now,
            last_packet: now,
            assembled: now,
        }))
    }
}

fn garbage(id: u64) -> (Bytes, bool) {
    let data: Vec<u8> = (0..200_u64).map(|at| (at * 37 + id * 101) as u8).collect();
    (Bytes::from(data), true)
}

fn picture(id: u64) -> Bytes {
    let clip = pattern_frames();
    clip[id as usize % clip.len()].clone()
}

/// Three good pictures, half a one, frames that need it, and a key frame that heals.
fn half(id: u64) -> (Bytes, bool) {
    let whole = picture(id);
    match id {
        3 => (whole.slice(..whole.len() / 2), true),
        4..20 => (whole, false),
        _ => (whole, true),
    }
}

#[test]
fn endless_garbage_is_given_up_with_a_reason() {
    for pace in [Duration::from_millis(1), Duration::from_secs(1)] {
        let rig = Rig::start(Box::new(Feed::new(pace, garbage)));
        let gave_up = |news: &News| matches!(news, News::Ended(EndReason::CannotPlay(_)));
        assert!(rig.wait_for(gave_up), "{:?}", rig.news.lock().unwrap());
        let finished = rig.stop(EndReason::User);
        assert!(matches!(finished.reason, EndReason::CannotPlay(_)), "{:?}", finished.reason);
        assert_eq!(finished.summary.counts().presented, 0);
    }
}

/// What came of [`half`] when frame 20 and a few more have passed.
fn half_played(allow_damaged: bool) -> (FrameCounts, u64) {
    let feed = Feed::new(Duration::from_millis(20), half);
    let asked = Arc::clone(&feed.asked);
    let rig = Rig::start_with(Box::new(feed), StreamConfig { allow_damaged, ..config() });
    std::thread::sleep(Duration::from_secs(1));
    let finished = rig.stop(EndReason::User);
    (*finished.summary.counts(), asked.load(Ordering::Relaxed))
}

#[test]
fn a_damaged_picture_is_not_shown_and_a_key_frame_is_asked_for() {
    let (counts, asked) = half_played(false);
    assert_eq!(counts.corrupt, 1, "{counts:?}");
    // The damaged one and the sixteen that follow it.
    assert_eq!((counts.dropped_undecodable, counts.dropped_behind), (17, 0), "{counts:?}");
    assert!(counts.decoded > 5 && counts.decoded + 17 + 2 >= counts.received, "{counts:?}");
    assert!(asked > 0);
}

#[test]
fn a_damaged_picture_is_shown_to_those_who_want_it() {
    let (counts, asked) = half_played(true);
    assert_eq!((counts.corrupt, counts.dropped_undecodable, asked), (1, 0, 0), "{counts:?}");
    assert!(counts.decoded + 2 >= counts.received, "{counts:?}");
}

/// Says nothing, ever, and does not stop either.
struct Deaf;

impl Link for Deaf {
    fn handle(&mut self, _: Instant, _: Input<'_>) -> Result<(), LinkError> {
        Ok(())
    }

    fn poll(&mut self, _: Instant) -> Output {
        Output::Wait(None)
    }
}

#[test]
fn a_deaf_link_cannot_hold_up_the_end() {
    let rig = Rig::start(Box::new(Deaf));
    let asked = Instant::now();
    let finished = rig.stop(EndReason::Interrupted);
    assert_eq!(finished.reason, EndReason::Interrupted);
    assert!(asked.elapsed() < Duration::from_secs(6), "{:?}", asked.elapsed());
}
