//! The present thread with a body that draws nothing.
#![allow(clippy::disallowed_methods, reason = "a real thread runs on the real clock")]

use std::time::{Duration, Instant};

use entente_model::picture::PixelLayout;
use entente_present::{Command, OverlayMode, OverlayModel, Presenter, Ready, ScaleMode, Slot, command_queue, spawn};
use entente_stats::{DropReason, Entry, JournalReader, Timecode, journal};

use crate::pattern::flat;

fn ready(frame: u64) -> Ready {
    let mut picture = flat(PixelLayout::I420, (16, 16), [80, 128, 128]);
    picture.frame = frame;
    Ready { picture, timecode: Timecode { captured_micros: Some(frame), echo_micros: None } }
}

fn drain(reader: &mut JournalReader) -> Vec<Entry> {
    std::iter::from_fn(|| reader.next()).collect()
}

/// Entries until `done`, or a failed test after five seconds.
fn until(reader: &mut JournalReader, done: impl Fn(&[Entry]) -> bool) -> Vec<Entry> {
    let start = Instant::now();
    let mut entries = Vec::new();
    while !done(&entries) {
        assert!(start.elapsed() < Duration::from_secs(5), "never came: {entries:?}");
        entries.extend(drain(reader));
        std::thread::yield_now();
    }
    entries
}

fn presented(entries: &[Entry]) -> Vec<u64> {
    let frames = entries.iter().filter_map(|entry| match entry {
        Entry::Presented(record) => Some(record.frame),
        _ => None,
    });
    frames.collect()
}

#[test]
fn pictures_are_stamped_and_written_to_the_journal() {
    let (writer, mut reader) = journal(256);
    let slot = Slot::new();
    let (commands, queue) = command_queue();
    let (presenter, info) = Presenter::null();
    let thread = spawn(presenter, info, slot.clone(), queue, writer.clone(), Instant::now).unwrap();
    assert_eq!(thread.thread().name(), Some("present"));
    let mut entries = until(&mut reader, |entries| !entries.is_empty());
    assert!(matches!(&entries[0], Entry::Renderer { name, .. } if name == "null"));
    for frame in 1..=5 {
        slot.offer(ready(frame), &writer);
        entries.extend(until(&mut reader, |new| presented(new).contains(&frame)));
    }
    commands.send(Command::Quit).unwrap();
    let summary = thread.join().unwrap().unwrap();
    assert_eq!(presented(&entries), [1, 2, 3, 4, 5]);
    assert_eq!((summary.presented, summary.skipped), (5, 0));
    for entry in &entries {
        if let Entry::Presented(record) = entry {
            assert!(record.times.decode_out <= record.chosen);
            assert!(record.chosen <= record.queued && record.queued <= record.presented);
            assert_eq!(record.timecode.captured_micros, Some(record.frame));
        }
    }
}

#[test]
fn a_hidden_window_takes_only_the_newest_picture() {
    let (writer, mut reader) = journal(256);
    let slot = Slot::new();
    let (commands, queue) = command_queue();
    let (presenter, info) = Presenter::null();
    commands.send(Command::Occluded(true)).unwrap();
    let thread = spawn(presenter, info, slot.clone(), queue, writer.clone(), Instant::now).unwrap();
    let mut entries = Vec::new();
    for frame in 1..=6 {
        slot.offer(ready(frame), &writer);
    }
    let dropped = |entries: &[Entry]| {
        let newer = entries.iter().filter(|entry| matches!(entry, Entry::Dropped { why: DropReason::Newer, .. }));
        newer.count()
    };
    entries.extend(until(&mut reader, |new| dropped(new) >= 5));
    assert!(presented(&entries).is_empty());
    commands.send(Command::Occluded(false)).unwrap();
    entries.extend(until(&mut reader, |new| !presented(new).is_empty()));
    assert_eq!(presented(&entries), [6], "the newest one is seen when the window is");
    assert_eq!(dropped(&entries), 5);
    drop(commands);
    let summary = thread.join().unwrap().unwrap();
    assert_eq!(summary.presented, 1);
}

#[test]
fn a_changed_overlay_redraws_without_counting_the_frame_again() {
    let (writer, mut reader) = journal(256);
    let slot = Slot::new();
    let (commands, queue) = command_queue();
    let (presenter, info) = Presenter::null();
    let thread = spawn(presenter, info, slot.clone(), queue, writer.clone(), Instant::now).unwrap();
    slot.offer(ready(1), &writer);
    let _ = until(&mut reader, |entries| presented(entries) == [1]);
    for command in [
        Command::Redraw,
        Command::Resize { width: 100, height: 50, scale: 1.0 },
        Command::Mode(ScaleMode::Integer),
        Command::Overlay(Box::new(OverlayModel { mode: OverlayMode::Line, ..OverlayModel::default() })),
    ] {
        commands.send(command).unwrap();
        // Longer than a changed overlay waits for the next picture.
        std::thread::park_timeout(Duration::from_millis(90));
    }
    commands.send(Command::Quit).unwrap();
    let summary = thread.join().unwrap().unwrap();
    assert_eq!(summary.presented, 1);
    assert_eq!(summary.redrawn, 4);
    assert!(presented(&drain(&mut reader)).is_empty());
}
