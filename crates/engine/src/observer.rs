//! The observer thread: drains the journal ten times a second and keeps the overlay true. Not needed for playing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, bounded};
use entente_audio::AudioPlayer;
use entente_model::stage::Stage;
use entente_present::{Command, OverlayModel};
use entente_stats::overlay::{OverlayMode, overlay_lines};
use entente_stats::{AudioStats, Entry, JournalReader, JournalWriter, Summary};

use crate::frames::Frames;
use crate::{News, NewsSink, join_in_time};

/// How often figures are gathered.
const PERIOD: Duration = Duration::from_millis(100);

/// Lines of notices that are shown at once.
const NOTICES: usize = 3;

/// How long a notice stays.
const NOTICE: Duration = Duration::from_secs(6);

/// What the user wants to see over the picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OverlayView {
    /// How much of the figures.
    pub mode: OverlayMode,
    /// Where the session is, unless it plays.
    pub stage: Option<String>,
    /// A line for the user and when it appeared.
    pub notice: Option<(String, Instant)>,
    /// Keys and chords.
    pub help: Option<String>,
}

#[derive(Debug)]
struct Shared {
    view: Mutex<OverlayView>,
    wake: Sender<()>,
}

/// Changes the overlay from any thread.
#[derive(Clone, Debug)]
pub struct OverlayControl(Arc<Shared>);

impl OverlayControl {
    fn view(&self) -> MutexGuard<'_, OverlayView> {
        self.0.view.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        // One pending wake-up stands for any number of changes.
        let _ = self.0.wake.try_send(());
    }

    /// Shows the next mode: off, one line, compact, full.
    pub fn cycle(&self) {
        let mut view = self.view();
        view.mode = view.mode.next();
        drop(view);
        self.wake();
    }

    /// Shows `mode`.
    pub fn set_mode(&self, mode: OverlayMode) {
        self.view().mode = mode;
        self.wake();
    }

    /// Shows a line for some seconds.
    pub fn set_notice(&self, text: String) {
        self.view().notice = Some((text, Instant::now()));
        self.wake();
    }

    /// Shows a line for some seconds, below those that are still shown.
    pub fn add_notice(&self, text: String) {
        let now = Instant::now();
        let mut view = self.view();
        let fresh = view.notice.take().filter(|(_, since)| now.saturating_duration_since(*since) < NOTICE);
        let text = match fresh {
            Some((shown, _)) => {
                let lines: Vec<&str> = shown.lines().filter(|line| *line != text).chain([text.as_str()]).collect();
                let newest = lines.len().saturating_sub(NOTICES);
                lines.get(newest..).unwrap_or_default().join("\n")
            }
            None => text,
        };
        view.notice = Some((text, now));
        drop(view);
        self.wake();
    }

    /// Shows or hides the help panel.
    pub fn set_help(&self, text: Option<String>) {
        self.view().help = text;
        self.wake();
    }

    /// Whether the help panel is shown.
    #[must_use]
    pub fn has_help(&self) -> bool {
        self.view().help.is_some()
    }

    pub(crate) fn set_stage(&self, stage: Stage) {
        let text = stage.to_string();
        self.view().stage = (stage != Stage::Playing).then_some(text);
        self.wake();
    }
}

/// Puts the counters of sound into the journal until the link has ended: what is made up after that only fades out.
#[derive(Clone)]
pub(crate) struct Sound {
    player: Arc<AudioPlayer>,
    journal: JournalWriter,
    closed: Arc<Mutex<bool>>,
}

impl Sound {
    pub(crate) fn new(player: Arc<AudioPlayer>, journal: JournalWriter) -> Self {
        Self { player, journal, closed: Arc::default() }
    }

    /// Writes the counters as they are now.
    fn note(&self) {
        self.note_and(false);
    }

    /// Writes the counters for the last time.
    pub(crate) fn close(&self) {
        self.note_and(true);
    }

    fn note_and(&self, close: bool) {
        let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        if *closed {
            return;
        }
        *closed = close;
        let now = self.player.stats();
        self.journal.write(Entry::Audio(AudioStats {
            packets: now.packets,
            concealed_ms: now.concealed_ms,
            underruns: now.underruns,
            buffer_ms: now.buffer_ms,
        }));
        if let Some(at) = now.first_played {
            self.journal.write(Entry::SoundStarted { at });
        }
    }
}

pub(crate) struct Observer {
    control: OverlayControl,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<Summary>>,
    spare: Option<Summary>,
}

impl Observer {
    pub(crate) fn start(
        (mut reader, mut summary, mut rows): (JournalReader, Summary, Option<Frames>),
        sound: Sound,
        commands: Sender<Command>,
        news: NewsSink,
    ) -> std::io::Result<Self> {
        let spare = Summary::new(summary.clock());
        let (wake, woken) = bounded(1);
        let (stop, stopped) = bounded::<()>(0);
        let control = OverlayControl(Arc::new(Shared { view: Mutex::default(), wake }));
        let shown = control.clone();
        let thread = std::thread::Builder::new().name(String::from("observer")).spawn(move || {
            let mut last = OverlayModel::default();
            loop {
                let over = crossbeam_channel::select! {
                    recv(stopped) -> _ => true,
                    recv(woken) -> _ => false,
                    default(PERIOD) => false,
                };
                let now = Instant::now();
                sound.note();
                while let Some(line) = sound.player.notice() {
                    shown.add_notice(line.clone());
                    news(News::Notice(line));
                }
                let clock = summary.clock();
                summary.drain_with(&mut reader, now, |entry| {
                    if let (Some(rows), Entry::Presented(record)) = (&mut rows, entry) {
                        rows.add(record, &clock);
                    }
                });
                if over {
                    return summary;
                }
                let model = model(&shown.view(), &summary, now);
                // A full queue means that the display hangs; the next look sends the newer overlay.
                if model != last && commands.try_send(Command::Overlay(Box::new(model.clone()))).is_ok() {
                    last = model;
                }
            }
        })?;
        Ok(Self { control, stop: Some(stop), thread: Some(thread), spare: Some(spare) })
    }

    pub(crate) fn control(&self) -> OverlayControl {
        self.control.clone()
    }

    /// Everything that was gathered.
    pub(crate) fn finish(mut self) -> Summary {
        drop(self.stop.take());
        let spare = self.spare.take();
        match (self.thread.take().and_then(join_in_time), spare) {
            (Some(summary), _) => summary,
            (_, Some(spare)) => spare,
            (_, None) => Summary::new(entente_drive::mono_clock()),
        }
    }
}

fn model(view: &OverlayView, summary: &Summary, now: Instant) -> OverlayModel {
    OverlayModel {
        mode: view.mode,
        lines: overlay_lines(summary, view.mode, now),
        notice: view
            .notice
            .as_ref()
            .filter(|(_, since)| now.saturating_duration_since(*since) < NOTICE)
            .map(|(text, _)| text.clone()),
        stage: view.stage.clone(),
        help: view.help.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_counts_after_sound_is_closed() {
        let config = entente_audio::AudioConfig {
            device: entente_audio::DeviceChoice::Null,
            ..entente_audio::AudioConfig::default()
        };
        let player = Arc::new(AudioPlayer::start(config, || {}).unwrap());
        let (writer, mut reader) = entente_stats::journal(64);
        let sound = Sound::new(player, writer);
        let mut counters =
            || std::iter::from_fn(|| reader.next()).filter(|entry| matches!(entry, Entry::Audio(_))).count();
        sound.note();
        assert_eq!(counters(), 1);
        sound.close();
        assert_eq!(counters(), 1);
        sound.note();
        sound.close();
        assert_eq!(counters(), 0);
    }

    #[test]
    fn notices_stack_and_repeat_only_once() {
        let (wake, _woken) = bounded(1);
        let control = OverlayControl(Arc::new(Shared { view: Mutex::default(), wake }));
        for line in ["one", "two", "two", "three", "four"] {
            control.add_notice(String::from(line));
        }
        let shown = |control: &OverlayControl| control.view().notice.clone().map(|(text, _)| text);
        assert_eq!(shown(&control).as_deref(), Some("two\nthree\nfour"));
        control.set_notice(String::from("five"));
        assert_eq!(shown(&control).as_deref(), Some("five"));
    }

    #[test]
    fn a_notice_goes_away_and_playing_hides_the_stage() {
        let (wake, woken) = bounded(1);
        let control = OverlayControl(Arc::new(Shared { view: Mutex::default(), wake }));
        let summary = Summary::new(entente_drive::mono_clock());
        control.set_stage(Stage::Connecting);
        control.set_notice(String::from("hello"));
        assert!(woken.try_recv().is_ok());
        let now = Instant::now();
        let shown = model(&control.view(), &summary, now);
        assert_eq!(shown.notice.as_deref(), Some("hello"));
        assert_eq!(shown.stage, Some(Stage::Connecting.to_string()));
        control.set_stage(Stage::Playing);
        let later = model(&control.view(), &summary, now + NOTICE + PERIOD);
        assert_eq!((later.notice, later.stage), (None, None));
    }
}
