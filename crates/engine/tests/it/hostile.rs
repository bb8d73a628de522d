//! Links that misbehave end in a reason, never in a hang or a crash.

use std::time::{Duration, Instant};

use bytes::Bytes;
use entente_engine::News;
use entente_model::media::{EncodedFrame, VideoCodec};
use entente_model::{EndReason, Event, Input, Link, LinkError, Output, Request};

use crate::rig::Rig;

/// Sends frames that are no pictures, as fast as it is asked, and counts key frame requests.
struct Garbage {
    next: u64,
    due: Option<Instant>,
    ended: Option<EndReason>,
    said: bool,
}

impl Link for Garbage {
    fn handle(&mut self, now: Instant, input: Input<'_>) -> Result<(), LinkError> {
        match input {
            Input::Start { .. } => self.due = Some(now),
            Input::Request(Request::Stop(reason)) => self.ended = Some(reason),
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
        self.due = Some(now + Duration::from_millis(1));
        let id = self.next;
        self.next += 1;
        let data: Vec<u8> = (0..200_u64).map(|at| (at * 37 + id * 101) as u8).collect();
        Output::Event(Event::Video(EncodedFrame {
            id,
            codec: VideoCodec::H264,
            data: Bytes::from(data),
            rtp_time: id * 90,
            key: true,
            color: None,
            after_gap: false,
            first_packet: now,
            last_packet: now,
            assembled: now,
        }))
    }
}

#[test]
fn endless_garbage_is_given_up_with_a_reason() {
    let rig = Rig::start(Box::new(Garbage { next: 0, due: None, ended: None, said: false }));
    let gave_up = |news: &News| matches!(news, News::Ended(EndReason::CannotPlay(_)));
    assert!(rig.wait_for(gave_up), "{:?}", rig.news.lock().unwrap());
    let finished = rig.stop(EndReason::User);
    assert!(matches!(finished.reason, EndReason::CannotPlay(_)), "{:?}", finished.reason);
    assert_eq!(finished.summary.counts().presented, 0);
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
