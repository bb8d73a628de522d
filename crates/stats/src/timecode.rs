//! The timecode strip: how latency is measured in pixels (`docs/timecode.md`).

/// What a picture's strip says; `None` = no valid row there, never a guess.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timecode {
    /// Row 0: host clock in microseconds (modulo 2^48) when the frame was drawn.
    pub captured_micros: Option<u64>,
    /// Row 1: client stamp of the newest input that this frame reflects; 0 = none yet.
    pub echo_micros: Option<u64>,
}
