//! One line for each presented frame, for spreadsheets and plots.

use entente_model::time::MonoClock;

use crate::FrameRecord;

/// Names of the columns of [`row`]; instants are microseconds of the monotonic clock.
pub const HEADER: &str =
    "frame,captured,echo,first_packet,last_packet,assembled,decode_in,decode_out,chosen,queued,presented";

/// The line of one frame, without a line end; an unreadable timecode leaves its column empty.
#[must_use]
pub fn row(record: &FrameRecord, clock: &MonoClock) -> String {
    let optional = |value: Option<u64>| value.map_or_else(String::new, |value| value.to_string());
    let times = &record.times;
    format!(
        "{},{},{},{},{},{},{},{},{},{},{}",
        record.frame,
        optional(record.timecode.captured_micros),
        optional(record.timecode.echo_micros),
        clock.micros(times.first_packet),
        clock.micros(times.last_packet),
        clock.micros(times.assembled),
        clock.micros(times.decode_in),
        clock.micros(times.decode_out),
        clock.micros(record.chosen),
        clock.micros(record.queued),
        clock.micros(record.presented),
    )
}
