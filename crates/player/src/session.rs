//! One game from start to report, the same with and without a window.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use entente_audio::{AudioConfig, AudioError, DeviceChoice};
use entente_demo::DemoCloud;
use entente_engine::{
    Dump, EngineError, Finished, News, NewsSink, OverlayControl, Screen, Stream, StreamConfig, join_in_time,
};
use entente_model::EndReason;
use entente_model::input::InputEvent;
use entente_model::stage::Stage;
use entente_model::ticket::{StreamRequest, Ticket};
use entente_present::{Command, Presenter, RendererInfo, Slot, command_queue};
use entente_stats::report::ReportContext;
use entente_stats::{Summary, journal};
use serde_json::json;

use crate::args::{Overlay, Play};
use crate::inbox::Inbox;
use crate::pads::{Asked, Pads, Probe};
use crate::shell::{self, Shell, Word};
use crate::target::Target;
use crate::{process, window};

/// How often a running game is looked after.
pub(crate) const LOOK: Duration = Duration::from_millis(50);
/// What is said when the library goes away in the middle of a game: what happened, what now, and how to end it. Two
/// lines, because the smallest window has no room for one.
const LEFT: [&str; 2] = ["The library window is gone. The game goes on.", "Ctrl+Alt+Q or closing this window ends it."];

/// What ends a game from outside of the stream.
#[derive(Clone, Debug)]
pub(crate) struct Outside {
    interrupts: Receiver<()>,
    shell: Option<Arc<Shell>>,
    /// Without its launcher nobody could end this game but by a signal: it has neither a window nor a time.
    needs_shell: bool,
}

/// What came from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Came {
    /// The game is over.
    End(EndReason),
    /// The launcher is gone, and the game goes on.
    Left,
}

impl Outside {
    fn listen(shell: Option<Shell>, needs_shell: bool) -> Self {
        let (asked, interrupts) = bounded(1);
        let handler = ctrlc::set_handler(move || {
            // A second Ctrl-C changes nothing: the end takes at most a few seconds.
            let _ = asked.try_send(());
        });
        if let Err(error) = handler {
            tracing::warn!(%error, "Ctrl-C will not end the game politely");
        }
        Self { interrupts, shell: shell.map(Arc::new), needs_shell }
    }

    /// What has come since the last call.
    pub(crate) fn came(&self) -> Option<Came> {
        if self.interrupts.try_recv().is_ok() {
            return Some(Came::End(EndReason::Interrupted));
        }
        let shell = self.shell.as_ref()?;
        match shell.words.try_recv() {
            Ok(Word::Stop) => Some(Came::End(EndReason::User)),
            // A ticket from a file or a script ends here too, and nobody has gone.
            Ok(Word::Gone) if !shell.supervised => None,
            Ok(Word::Gone) if self.needs_shell => Some(Came::End(EndReason::ShellGone)),
            Ok(Word::Gone) => Some(Came::Left),
            Err(_) => None,
        }
    }

    fn supervised(&self) -> bool {
        self.shell.as_ref().is_some_and(|shell| shell.supervised)
    }
}

/// Plays what the command line asks for.
pub(crate) fn play(play: &Play) -> EndReason {
    let started = Instant::now();
    let report = match play.report.as_deref().map(ReportFile::create).transpose() {
        Ok(report) => report,
        Err(reason) => return reason,
    };
    let mut supervised = false;
    let outcome = prepare(play).and_then(|(ticket, outside)| {
        supervised = outside.supervised();
        if play.headless { headless(play, ticket, outside) } else { window::play(play, ticket, outside) }
    });
    // When nothing ran the report has only the reason.
    let finished = outcome.unwrap_or_else(|reason| Finished {
        summary: Summary::new(entente_drive::mono_clock()),
        reason,
        started,
    });
    let reason = match report {
        Some(report) => report.write(&finished),
        None => finished.reason,
    };
    if supervised {
        let (name, text, code) = (reason.name(), reason.to_string(), reason.exit_code());
        shell::tell("ended", json!({ "reason": name, "text": text, "code": code }));
    }
    reason
}

fn prepare(play: &Play) -> Result<(Ticket, Outside), EndReason> {
    let (mut ticket, shell) = match (&play.ticket, &play.url) {
        (Some(source), _) if source == "-" => shell::read_ticket().map(|(ticket, shell)| (ticket, Some(shell)))?,
        (Some(other), _) => {
            return Err(EndReason::BadTicket(format!("tickets come from standard input (-), not from {other}")));
        }
        (None, Some(url)) => (ticket_for(url), None),
        (None, None) => return Err(EndReason::BadUrl(String::from("no address was given"))),
    };
    let want = &mut ticket.want;
    if let Some((width, height)) = play.size {
        (want.width, want.height) = (Some(width), Some(height));
    }
    want.fps = play.fps.or(want.fps);
    want.bitrate_kbps = play.bitrate.or(want.bitrate_kbps);
    if !play.codec.is_empty() {
        want.codecs.clone_from(&play.codec);
    }
    let needs_shell = play.headless && play.seconds.is_none();
    Ok((ticket, Outside::listen(shell, needs_shell)))
}

fn ticket_for(url: &str) -> Ticket {
    Ticket {
        version: 1,
        url: String::from(url),
        bearer: std::env::var("ENTENTE_BEARER").ok().map(entente_model::Secret::new),
        ice_servers: Vec::new(),
        supervised: false,
        title: None,
        want: StreamRequest::default(),
    }
}

/// A running game.
pub(crate) struct Session {
    stream: Stream,
    pads: Pads,
    _probe: Option<Probe>,
    present: std::thread::JoinHandle<Result<entente_present::Summary, entente_present::PresentError>>,
    commands: Sender<Command>,
    cloud: Option<DemoCloud>,
    title: String,
    outside: Outside,
    started: Instant,
    /// Place in the host's queue, while there is one.
    queued: Option<u32>,
    first_picture: Option<Instant>,
    limit: Option<Duration>,
}

impl Session {
    /// Starts link, decoder, sound, presenter and pads.
    pub(crate) fn start(
        play: &Play,
        ticket: Ticket,
        outside: Outside,
        (presenter, info): (Presenter, RendererInfo),
        news: &NewsSink,
    ) -> Result<Self, EndReason> {
        let clock = entente_drive::mono_clock();
        let target = Target::open(ticket, clock, Instant::now())?;
        let (commands, orders) = command_queue();
        let screen = Screen { slot: Slot::new(), commands: commands.clone() };
        let config = StreamConfig {
            clock,
            hardware: play.decoder.clone(),
            codec: target.codec,
            allow_damaged: play.allow_damaged,
            audio: audio(play),
            extra_root_pem: play.root_certificate.as_ref().map(|certificate| certificate.0.clone()),
            dump: play.dump.clone().map(|folder| Dump { folder, every: play.dump_every }),
            frames: play.frames.clone(),
            record: play.record.clone(),
            shared_clock: target.local,
        };
        let (writer, reader) = journal(entente_engine::JOURNAL);
        let present =
            entente_present::spawn(presenter, info, screen.slot.clone(), orders, writer.clone(), Instant::now)
                .map_err(|error| EndReason::CannotPlay(error.to_string()))?;
        let stream = Stream::with_journal(target.link, config, &screen, news, (writer, reader)).map_err(not_started)?;
        let overlay = stream.overlay();
        overlay.set_mode(match play.overlay {
            Overlay::Off => entente_stats::overlay::OverlayMode::Off,
            Overlay::Line => entente_stats::overlay::OverlayMode::Line,
            Overlay::Compact => entente_stats::overlay::OverlayMode::Compact,
            Overlay::Full => entente_stats::overlay::OverlayMode::Full,
        });
        let pads = Pads::start(stream.handle(), overlay);
        // Without a player there is no input, and without input no input-to-photon.
        let probe = play.headless.then(|| Probe::start(stream.handle(), &pads)).flatten();
        Ok(Self {
            stream,
            pads,
            _probe: probe,
            present,
            commands,
            cloud: target.cloud,
            title: target.title,
            outside,
            started: Instant::now(),
            queued: None,
            first_picture: None,
            limit: play.seconds.map(|seconds| Duration::from_secs_f64(seconds.clamp(0.0, 1e7))),
        })
    }

    pub(crate) fn overlay(&self) -> OverlayControl {
        self.stream.overlay()
    }

    /// What is played, for the window's title.
    pub(crate) fn title(&self) -> &str {
        &self.title
    }

    pub(crate) fn input(&self, event: InputEvent) {
        self.stream.input(event);
    }

    pub(crate) const fn pads(&self) -> &Pads {
        &self.pads
    }

    /// Tells the present thread something that may be dropped when the display hangs.
    pub(crate) fn show(&self, command: Command) {
        let _ = self.commands.try_send(command);
    }

    /// Takes news; a reason means that the game is over.
    pub(crate) fn take(&mut self, news: &News) -> Option<EndReason> {
        if self.outside.supervised() {
            tell(news);
        }
        match news {
            News::FirstPicture { .. } => {
                self.first_picture.get_or_insert_with(Instant::now);
            }
            News::Feedback(feedback) => self.pads.feedback(*feedback),
            News::Notice(line) => tracing::info!("{line}"),
            News::Ended(reason) => return Some(reason.clone()),
            News::Stage(Stage::Queued { position }) => self.queued = Some(*position),
            News::Stage(_) => self.queued = None,
            News::Host(_) | News::Format { .. } => {}
        }
        None
    }

    /// Looks whether it is time to end.
    pub(crate) fn look(&self) -> Option<EndReason> {
        match self.outside.came() {
            Some(Came::End(reason)) => return Some(reason),
            Some(Came::Left) => self.left(),
            None => {}
        }
        if self.stream.wait(Duration::ZERO) {
            return Some(EndReason::ConnectionLost(String::from("the session ended")));
        }
        match self.pads.asked() {
            Some(Asked::Quit) => return Some(EndReason::User),
            Some(Asked::Overlay) => self.overlay().cycle(),
            None => {}
        }
        let drawing = self.present.is_finished().then_some("the thread that draws");
        if let Some(part) = self.stream.lost_part().or(drawing) {
            return Some(EndReason::Fault(format!("{part} has ended")));
        }
        let limit = self.limit?;
        match (self.first_picture, self.queued) {
            (Some(first), _) => (first.elapsed() >= limit).then_some(EndReason::TimeUp),
            (None, Some(place)) if self.started.elapsed() >= limit => {
                let waited = limit.as_secs_f64();
                Some(EndReason::Busy(format!("after {waited} s we were still in its queue, at place {place}")))
            }
            (None, _) => None,
        }
    }

    /// Tells whoever plays that the library is gone.
    fn left(&self) {
        for line in LEFT {
            self.overlay().add_notice(String::from(line));
        }
        tracing::warn!(
            "the launcher is gone; the game goes on until its window is closed, its time is over or it ends"
        );
    }

    /// Ends everything.
    pub(crate) fn finish(self, reason: EndReason) -> Finished {
        let mut finished = self.stream.stop(reason);
        let _ = self.commands.send_timeout(Command::Quit, Duration::from_millis(500));
        drop(self.commands);
        let vague = finished.reason.exit_code() == 0 || matches!(finished.reason, EndReason::Fault(_));
        if let Some(Err(error)) = join_in_time(self.present)
            && vague
        {
            finished.reason = EndReason::CannotPlay(error.to_string());
        }
        drop(self.pads);
        if let Some(cloud) = self.cloud {
            cloud.stop();
        }
        finished
    }
}

fn tell(news: &News) {
    match news {
        News::Stage(stage) => shell::tell("stage", json!({ "name": stage.name(), "text": stage.to_string() })),
        News::Host(name) => shell::tell("host", json!({ "name": name })),
        News::Notice(text) => shell::tell("notice", json!({ "text": text })),
        News::FirstPicture { width, height } => {
            shell::tell("first_picture", json!({ "width": width, "height": height }))
        }
        News::Format { .. } | News::Feedback(_) | News::Ended(_) => {}
    }
}

fn not_started(error: EngineError) -> EndReason {
    match error {
        EngineError::File { path, why } => EndReason::CannotWrite(format!("{path} ({why})")),
        EngineError::Audio(AudioError::Wav { path, why }) => EndReason::CannotWrite(format!("{path} ({why})")),
        other => EndReason::CannotPlay(other.to_string()),
    }
}

fn audio(play: &Play) -> AudioConfig {
    let device = match play.audio_device.as_deref() {
        Some("none") => DeviceChoice::Null,
        Some("default") => DeviceChoice::Default,
        Some(name) => DeviceChoice::Named(String::from(name)),
        None if play.headless => DeviceChoice::Null,
        None => DeviceChoice::Default,
    };
    AudioConfig { device, wav: play.wav.clone(), ..AudioConfig::default() }
}

/// A report that is wanted: made at the start, so that nobody plays for an hour to hear that it cannot be written.
struct ReportFile {
    path: PathBuf,
    file: File,
}

impl ReportFile {
    fn create(path: &Path) -> Result<Self, EndReason> {
        match File::create(path) {
            Ok(file) => Ok(Self { path: path.to_owned(), file }),
            Err(error) => Err(EndReason::CannotWrite(format!("the report {} ({error})", path.display()))),
        }
    }

    /// Why the game ended. A report that cannot be written is an end of its own: somebody waits for it.
    fn write(mut self, finished: &Finished) -> EndReason {
        let reason = &finished.reason;
        let report = finished.summary.report(ReportContext {
            started: finished.started,
            first_picture: finished.summary.first_presented(),
            ended: reason,
            cpu_seconds: process::cpu_seconds(),
            peak_rss_mib: process::peak_rss_mib(),
        });
        let written = report
            .to_json()
            .map_err(|error| error.to_string())
            .and_then(|text| self.file.write_all(text.as_bytes()).map_err(|error| error.to_string()));
        match written {
            Ok(()) => reason.clone(),
            Err(error) => EndReason::CannotWrite(format!("the report {} ({error})", self.path.display())),
        }
    }
}

/// Plays without a window.
fn headless(play: &Play, ticket: Ticket, outside: Outside) -> Result<Finished, EndReason> {
    let inbox = Arc::new(Inbox::default());
    let news: NewsSink = {
        let inbox = Arc::clone(&inbox);
        Arc::new(move |news| {
            inbox.put(news);
        })
    };
    let mut session = Session::start(play, ticket, outside, Presenter::null(), &news)?;
    loop {
        for news in inbox.wait(LOOK) {
            if let Some(reason) = session.take(&news) {
                return Ok(session.finish(reason));
            }
        }
        if let Some(reason) = session.look() {
            return Ok(session.finish(reason));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outside(supervised: bool, needs_shell: bool) -> (Outside, Sender<Word>) {
        let (said, words) = bounded(4);
        let shell = Some(Arc::new(Shell { words, supervised }));
        (Outside { interrupts: crossbeam_channel::never(), shell, needs_shell }, said)
    }

    #[test]
    fn a_game_outlives_its_launcher_where_somebody_can_end_it() {
        let (window, said) = outside(true, false);
        assert_eq!(window.came(), None);
        said.send(Word::Gone).unwrap();
        drop(said);
        assert_eq!((window.came(), window.came()), (Some(Came::Left), None), "it is told once");

        let (unseen, said) = outside(true, true);
        said.send(Word::Gone).unwrap();
        assert_eq!(unseen.came(), Some(Came::End(EndReason::ShellGone)));

        let (script, said) = outside(false, true);
        said.send(Word::Gone).unwrap();
        assert_eq!(script.came(), None);
    }

    #[test]
    fn a_launcher_that_asks_for_the_end_gets_it() {
        let (outside, said) = outside(true, false);
        said.send(Word::Stop).unwrap();
        said.send(Word::Gone).unwrap();
        assert_eq!(outside.came(), Some(Came::End(EndReason::User)));
    }
}
