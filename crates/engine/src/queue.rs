//! The queue between link and decoder: whole frames, bounded, and honest about what it throws away.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use entente_model::media::EncodedFrame;
use entente_stats::DropReason;

/// Frames that may wait for the decoder; more than that is delay that nobody wants.
pub(crate) const CAPACITY: usize = 8;

/// What became of a pushed frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// It waits for the decoder.
    Queued,
    /// The decoder is too far behind: these frames were thrown away, a key frame is needed.
    Flushed(Vec<u64>),
    /// Thrown away, since an earlier one that it may depend on was too: for that one's reason.
    Refused(u64, DropReason),
}

#[derive(Debug, Default)]
struct State {
    frames: VecDeque<EncodedFrame>,
    /// Only a key frame is taken, and why that is so.
    needs_key: Option<DropReason>,
    closed: bool,
}

/// Between one link thread and one video thread. When it is full everything in it is dropped, and what follows too
/// until a key frame comes: a decoder that is behind gets newer pictures, never broken ones.
#[derive(Debug, Default)]
pub(crate) struct FrameQueue {
    state: Mutex<State>,
    ready: Condvar,
}

impl FrameQueue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a frame.
    pub(crate) fn push(&self, frame: EncodedFrame) -> Pushed {
        let mut state = self.state();
        if frame.key {
            // Nothing before a key frame is worth decoding once the queue had to be cut.
            state.needs_key = None;
        } else if let Some(why) = state.needs_key {
            return Pushed::Refused(frame.id, why);
        }
        if state.frames.len() < CAPACITY {
            state.frames.push_back(frame);
            self.ready.notify_one();
            return Pushed::Queued;
        }
        let mut dropped: Vec<u64> = state.frames.drain(..).map(|old| old.id).collect();
        if frame.key {
            state.frames.push_back(frame);
            self.ready.notify_one();
        } else {
            dropped.push(frame.id);
            state.needs_key = Some(DropReason::DecoderBehind);
        }
        Pushed::Flushed(dropped)
    }

    /// The decoder lost its way: what waits is of no use before the next key frame.
    pub(crate) fn skip_to_key(&self) -> Vec<u64> {
        let mut state = self.state();
        let mut dropped = Vec::new();
        while state.frames.front().is_some_and(|frame| !frame.key) {
            dropped.extend(state.frames.pop_front().map(|frame| frame.id));
        }
        state.needs_key = state.frames.is_empty().then_some(DropReason::Undecodable);
        dropped
    }

    /// Waits for the next frame; `None` after `close`, or when `limit` is over.
    pub(crate) fn pop(&self, limit: Duration) -> Option<EncodedFrame> {
        let state = self.state();
        let (mut state, _) = self
            .ready
            .wait_timeout_while(state, limit, |state| state.frames.is_empty() && !state.closed)
            .unwrap_or_else(PoisonError::into_inner);
        if state.closed { None } else { state.frames.pop_front() }
    }

    /// Ends every wait.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.ready.notify_all();
    }

    /// Whether [`FrameQueue::close`] was called.
    pub(crate) fn is_closed(&self) -> bool {
        self.state().closed
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use entente_model::media::VideoCodec;

    use super::*;

    const BEHIND: DropReason = DropReason::DecoderBehind;

    fn frame(id: u64, key: bool) -> EncodedFrame {
        #[allow(clippy::disallowed_methods, reason = "any instant will do")]
        let at = Instant::now();
        EncodedFrame {
            id,
            codec: VideoCodec::H264,
            data: bytes::Bytes::new(),
            rtp_time: id * 1500,
            key,
            color: None,
            after_gap: false,
            first_packet: at,
            last_packet: at,
            assembled: at,
        }
    }

    fn pop(queue: &FrameQueue) -> Option<u64> {
        queue.pop(Duration::ZERO).map(|frame| frame.id)
    }

    #[test]
    fn a_full_queue_is_flushed_and_waits_for_a_key_frame() {
        let queue = FrameQueue::default();
        for id in 0..CAPACITY as u64 {
            assert_eq!(queue.push(frame(id, id == 0)), Pushed::Queued);
        }
        assert_eq!(queue.push(frame(8, false)), Pushed::Flushed((0..=8).collect()));
        assert_eq!(queue.push(frame(9, false)), Pushed::Refused(9, BEHIND));
        assert_eq!(pop(&queue), None);
        assert_eq!(queue.push(frame(10, true)), Pushed::Queued);
        assert_eq!(queue.push(frame(11, false)), Pushed::Queued);
        assert_eq!((pop(&queue), pop(&queue), pop(&queue)), (Some(10), Some(11), None));
    }

    #[test]
    fn a_key_frame_survives_the_flush_that_it_causes() {
        let queue = FrameQueue::default();
        for id in 0..CAPACITY as u64 {
            queue.push(frame(id, id == 0));
        }
        assert_eq!(queue.push(frame(8, true)), Pushed::Flushed((0..8).collect()));
        assert_eq!(pop(&queue), Some(8));
    }

    #[test]
    fn after_a_decoder_error_the_waiting_key_frame_is_next() {
        let queue = FrameQueue::default();
        for (id, key) in [(1, false), (2, false), (3, true), (4, false)] {
            queue.push(frame(id, key));
        }
        assert_eq!(queue.skip_to_key(), [1, 2]);
        assert_eq!((pop(&queue), pop(&queue)), (Some(3), Some(4)));
        assert!(queue.skip_to_key().is_empty());
        assert_eq!(queue.push(frame(5, false)), Pushed::Refused(5, DropReason::Undecodable));
    }

    #[test]
    fn closing_ends_a_wait() {
        let queue = FrameQueue::default();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| queue.pop(Duration::from_secs(60)));
            queue.close();
            assert_eq!(waiting.join().unwrap(), None);
        });
        assert!(queue.is_closed());
    }
}
