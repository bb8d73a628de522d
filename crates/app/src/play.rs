//! Playing: from the press to the first picture, and what comes after.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use entente_model::provider::{PlayRequest, Session, SessionState};
use entente_model::ticket::Ticket;
use entente_model::{Problem, ProblemKind, Provider};
use entente_store::Settings;
use entente_store::settings::{Context, Value};
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::leftover::{self, Record};
use crate::library::place_of;
use crate::merge::Entry;
use crate::report::{self, Played};
use crate::view::PlayState;
use crate::{App, AppEvent, blocking};

/// Reports that are kept; the oldest goes.
const REPORTS: usize = 50;
/// Stages from the press to the picture, in order: two of the service, the others of the player.
const STAGES: [&str; 8] =
    ["asking", "preparing", "gathering", "negotiating", "connecting", "securing", "waiting_for_picture", "playing"];

/// Starts players.
#[async_trait]
pub trait PlayerPort: Send + Sync {
    /// Starts one with `ticket`, which it gets in no way that others can read, and these switches.
    ///
    /// # Errors
    /// It cannot be started.
    async fn start(&self, ticket: &Ticket, options: &[String]) -> Result<Box<dyn RunningPlayer>, Problem>;
    /// Its name and version, which shows that it can be started.
    ///
    /// # Errors
    /// It cannot be started.
    async fn about(&self) -> Result<String, Problem>;
}

/// A player that runs.
#[async_trait]
pub trait RunningPlayer: Send {
    /// What happens next; `None` = it has nothing more to say. May be dropped and called again.
    async fn event(&mut self) -> Option<PlayerEvent>;
    /// Asks it to end, and sees to it that it does.
    async fn stop(&mut self);
    /// Waits for its end.
    async fn exit(self: Box<Self>) -> PlayerExit;
}

/// Something that a player said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlayerEvent {
    /// It is at this stage.
    Stage {
        /// For programs.
        name: String,
        /// For people.
        text: String,
    },
    /// A line for the user.
    Notice(String),
    /// A picture is on the screen.
    FirstPicture,
    /// It ends.
    Ended {
        /// Name of the reason (`docs/exit-codes.md`).
        name: String,
        /// In words.
        text: String,
    },
}

/// How a player ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlayerExit {
    /// Its exit code; `None` = a signal ended it.
    pub code: Option<i32>,
    /// Last line on standard error.
    pub said: String,
}

/// The game in play: one at a time.
#[derive(Default)]
pub(crate) struct Game {
    state: Mutex<PlayState>,
    /// `true` = stop.
    stop: Mutex<Option<watch::Sender<bool>>>,
    /// The report of the game in play, which this app takes in itself.
    report: Mutex<Option<PathBuf>>,
    /// Somebody looks for games that a former app left.
    watched: AtomicBool,
}

impl Game {
    /// Where the game in play will report.
    pub(crate) fn own_report(&self) -> Option<PathBuf> {
        self.report.lock().clone()
    }

    /// From now on the caller looks after left games; true if somebody does already.
    pub(crate) fn watch_leftovers(&self) -> bool {
        self.watched.swap(true, Ordering::AcqRel)
    }

    /// None is left.
    pub(crate) fn leftovers_are_in(&self) {
        self.watched.store(false, Ordering::Release);
    }
}

/// One press on "Play".
struct Run {
    app: App,
    provider: Arc<dyn Provider>,
    entry: Entry,
    request: PlayRequest,
    stop: watch::Receiver<bool>,
    report: PathBuf,
    /// A record says that this game has to be counted; whoever removes that counts it.
    counts: bool,
}

impl App {
    /// Where the game in play stands.
    #[must_use]
    pub fn play_state(&self) -> PlayState {
        self.inner.game.state.lock().clone()
    }

    /// Plays an edition (`provider/title`, or with `@place`). What happens comes as [`AppEvent::Play`].
    ///
    /// # Errors
    /// A game is running already, or there is no such edition.
    pub fn play(&self, edition: &str) -> Result<(), Problem> {
        let (title, place) = place_of(edition);
        let entry = self.entry(title)?;
        let provider = Arc::clone(self.provider(&entry.provider)?);
        let (sender, stop) = watch::channel(false);
        {
            let mut running = self.inner.game.stop.lock();
            if running.is_some() {
                return Err(Problem::new(
                    ProblemKind::BadInput,
                    "A game is running already.",
                    "One game is played at a time.",
                    "End it first.",
                ));
            }
            *running = Some(sender);
        }
        let context = Context { network: None, host: Some(entry.provider.clone()), game: Some(entry.edition()) };
        let run = Run {
            report: self.report_path(),
            counts: false,
            request: self.request(&entry, place, &context),
            app: self.clone(),
            provider,
            entry,
            stop,
        };
        tokio::spawn(async move {
            let app = run.app.clone();
            let title = run.entry.title.name.clone();
            let state = match run.go(&context).await {
                Ok(state) => state,
                Err(problem) if problem.kind == ProblemKind::Cancelled => PlayState::Idle,
                Err(problem) => PlayState::Failed { title, can_play_again: problem.retry, problem },
            };
            *app.inner.game.report.lock() = None;
            *app.inner.game.stop.lock() = None;
            app.show(state);
            app.shelf_changed();
        });
        Ok(())
    }

    /// Stops waiting or playing, and ends the game at its service.
    pub fn stop_play(&self) {
        if let Some(stop) = &*self.inner.game.stop.lock() {
            let _ = stop.send(true);
        }
    }

    /// Ends a game that waits at its service for the player to come back.
    ///
    /// # Errors
    /// The service cannot be reached.
    pub async fn end_running(&self, edition: &str) -> Result<(), Problem> {
        let (title, _) = place_of(edition);
        let entry = self.entry(title)?;
        let Some(session) = self.session_of(&entry.provider, &entry.title.id) else { return Ok(()) };
        self.provider(&entry.provider)?.stop(&session.id).await?;
        self.session_known(&entry.provider, None, &session.id);
        self.load_shelf().await
    }

    /// Puts the report or the failure of the last game away.
    pub fn dismiss_report(&self) {
        if self.inner.game.stop.lock().is_none() {
            self.show(PlayState::Idle);
        }
    }

    fn show(&self, play: PlayState) {
        self.inner.game.state.lock().clone_from(&play);
        self.tell(AppEvent::Play { play });
    }

    /// Shows the report of a game of a former run, unless there is something of this one.
    pub(crate) fn show_if_idle(&self, play: PlayState) {
        // Held until the state is there, so that no press comes between.
        let running = self.inner.game.stop.lock();
        if running.is_none() && matches!(*self.inner.game.state.lock(), PlayState::Idle) {
            self.show(play);
        }
    }

    fn report_path(&self) -> PathBuf {
        self.inner.parts.reports.join(format!("{}.json", self.inner.parts.clock.unix_millis()))
    }

    fn request(&self, entry: &Entry, place: Option<&str>, context: &Context) -> PlayRequest {
        let number = |key: &str| match self.value(key, context) {
            Value::Number(number) => u32::try_from(number).ok().filter(|number| *number > 0),
            Value::Text(text) => text.parse().ok(),
            Value::Toggle(_) => None,
        };
        let size = match self.value("video.size", context) {
            Value::Text(text) => {
                text.split_once('x').and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)))
            }
            _ => None,
        };
        let fps = number("video.fps");
        let quality =
            size.map(|(width, height)| entente_model::catalogue::Quality { width, height, fps: fps.unwrap_or(60) });
        PlayRequest {
            title: entry.title.id.clone(),
            place: place.map(str::to_owned),
            quality,
            bitrate_kbps: number("video.bitrate_kbps"),
            anew: false,
        }
    }

    fn value(&self, key: &str, context: &Context) -> Value {
        match self.inner.parts.settings.resolve(key, context) {
            Ok(resolved) => resolved.value,
            Err(_) => Value::Text(String::new()),
        }
    }
}

/// Switches of `entente-player play` for the settings that count in `context`.
#[must_use]
pub fn switches(settings: &Settings, context: &Context) -> Vec<String> {
    let value = |key: &str| settings.resolve(key, context).ok().map(|resolved| resolved.value);
    let text = |key: &str| match value(key) {
        Some(Value::Text(text)) if !text.is_empty() && text != "auto" && text != "default" => Some(text),
        _ => None,
    };
    let mut all = Vec::new();
    for (key, switch) in [
        ("video.codec", "--codec"),
        ("video.fps", "--fps"),
        ("video.decoder", "--decoder"),
        ("video.renderer", "--renderer"),
        ("audio.device", "--audio-device"),
        ("input.keyboard", "--keyboard"),
        ("window.scaling", "--scaling"),
        ("overlay.start", "--overlay"),
        ("network.root_certificate", "--root-certificate"),
    ] {
        if let Some(value) = text(key) {
            all.push(format!("{switch}={value}"));
        }
    }
    for (key, switch) in [("video.allow_damaged", "--allow-damaged"), ("video.tearing", "--tearing")] {
        if value(key) == Some(Value::Toggle(true)) {
            all.push(switch.to_owned());
        }
    }
    if text("window.mode").is_some_and(|mode| mode == "fullscreen") {
        all.push("--fullscreen".to_owned());
    }
    all
}

impl Run {
    fn starting(&self, stage: &str) {
        self.app.show(PlayState::Starting {
            title: self.entry.title.name.clone(),
            stage: stage.to_owned(),
            stages: STAGES.map(str::to_owned).to_vec(),
        });
    }

    async fn go(mut self, context: &Context) -> Result<PlayState, Problem> {
        self.starting("asking");
        let session = tokio::select! {
            session = self.provider.start(&self.request) => session?,
            () = stopped(&mut self.stop) => return Err(Problem::cancelled()),
        };
        let session = match self.ready(session.clone()).await {
            Ok(session) => session,
            Err(problem) => {
                self.leave(&session.id).await;
                return Err(problem);
            }
        };
        let provider = self.entry.provider.clone();
        self.app.session_known(&provider, Some(session.clone()), &session.id);
        let mut ticket = self.provider.ticket(&session.id, &self.request).await?;
        ticket.title = Some(self.entry.title.name.clone());
        self.play(&session, &ticket, context).await
    }

    /// Waits for a session's turn.
    async fn ready(&mut self, mut session: Session) -> Result<Session, Problem> {
        loop {
            let wait = match &session.state {
                SessionState::Ready => return Ok(session),
                SessionState::Ended { why } => {
                    return Err(Problem::new(
                        ProblemKind::Player,
                        format!("{} could not be started.", self.entry.title.name),
                        why.clone(),
                        "Try again.",
                    )
                    .retriable());
                }
                SessionState::Queued { position, of, eta, ask_after } => {
                    self.app.show(PlayState::Queued {
                        title: self.entry.title.name.clone(),
                        position: *position,
                        of: *of,
                        eta_seconds: eta.map(|eta| u32::try_from(eta.as_secs()).unwrap_or(u32::MAX)),
                    });
                    *ask_after
                }
                SessionState::Starting { ask_after, .. } => {
                    self.starting("preparing");
                    *ask_after
                }
            };
            let clock = Arc::clone(&self.app.inner.parts.clock);
            tokio::select! {
                () = clock.sleep(wait) => {}
                () = stopped(&mut self.stop) => return Err(Problem::cancelled()),
            }
            session = tokio::select! {
                session = self.provider.session(&session.id) => session?,
                () = stopped(&mut self.stop) => return Err(Problem::cancelled()),
            };
        }
    }

    async fn play(&mut self, session: &Session, ticket: &Ticket, context: &Context) -> Result<PlayState, Problem> {
        let mut options = switches(&self.app.inner.parts.settings, context);
        options.push(format!("--report={}", self.report.display()));
        let clock = Arc::clone(&self.app.inner.parts.clock);
        let mut record = Record::new(self.entry.edition(), self.entry.title.name.clone(), clock.unix_millis());
        self.record(&record).await;
        let mut player = match self.app.inner.parts.player.start(ticket, &options).await {
            Ok(player) => player,
            Err(problem) => {
                self.taken_in().await;
                return Err(problem);
            }
        };
        let mut since = None;
        let mut ended = None;
        let mut by_us = false;
        loop {
            tokio::select! {
                event = player.event() => match event {
                    None => break,
                    Some(PlayerEvent::Stage { name, .. }) if since.is_none() => self.starting(&name),
                    Some(PlayerEvent::Stage { .. }) => {}
                    Some(PlayerEvent::Notice(text)) => tracing::info!(%text, "player"),
                    Some(PlayerEvent::FirstPicture) => {
                        if since.is_none() {
                            record.playing_since_millis = Some(clock.unix_millis());
                            since = record.playing_since_millis;
                            self.record(&record).await;
                        }
                        let title = self.entry.title.name.clone();
                        self.app.show(PlayState::Playing { title, since: since.unwrap_or_default() });
                    }
                    Some(PlayerEvent::Ended { name, text }) => ended = Some((name, text)),
                },
                () = stopped(&mut self.stop), if !by_us => {
                    by_us = true;
                    player.stop().await;
                }
            }
        }
        let exit = player.exit().await;
        let seconds = since.map_or(0, |since| clock.unix_millis().saturating_sub(since) / 1000);
        if self.taken_in().await {
            self.remember(seconds).await;
        }
        if by_us || ended.as_ref().is_some_and(|(name, _)| name == "host_ended") {
            self.leave(&session.id).await;
        }
        self.after(seconds, ended, &exit).await
    }

    /// The report, or why there was nothing to report.
    async fn after(
        &self,
        seconds: u64,
        ended: Option<(String, String)>,
        exit: &PlayerExit,
    ) -> Result<PlayState, Problem> {
        let (path, folder) = (self.report.clone(), self.app.inner.parts.reports.clone());
        let report = blocking(move || {
            let report = read_report(&path);
            tidy(&folder);
            Ok(report)
        })
        .await?;
        let crashed = ended.is_none() && !matches!(exit.code, Some(0..=19 | 130));
        let failed = seconds == 0 && exit.code != Some(0) && exit.code != Some(130);
        if !crashed && !failed {
            let played = Played {
                card_id: Some(self.entry.edition()),
                title: self.entry.title.name.clone(),
                seconds,
                file: report.as_ref().map(|_| self.report.display().to_string()),
                ended: ended.map(|(_, text)| text).unwrap_or_default(),
            };
            return Ok(PlayState::Ended { report: report::after_play(played, &report.unwrap_or_default()) });
        }
        let problem = if crashed {
            tracing::error!(code = ?exit.code, said = %exit.said, "the player crashed");
            Problem::new(
                ProblemKind::Player,
                format!("{} stopped because the player crashed.", self.entry.title.name),
                "The library and your game at the service are not touched by that.",
                "Play again; the game goes on where the service has it.",
            )
        } else {
            let (_, text) = ended.unwrap_or_else(|| (String::new(), exit.said.clone()));
            let what = format!("{} could not be played.", self.entry.title.name);
            Problem::new(ProblemKind::Player, what, text, "Play again.")
        };
        Err(problem.retriable())
    }

    /// Leaves word of this game for a later run, should this one not see its end.
    async fn record(&mut self, record: &Record) {
        *self.app.inner.game.report.lock() = Some(self.report.clone());
        let (record, report) = (record.clone(), self.report.clone());
        let written = blocking(move || Ok(record.write(&report))).await;
        match written {
            Ok(Ok(())) => self.counts = true,
            // It costs nothing unless this run is killed too.
            Ok(Err(error)) => tracing::warn!(%error, "a game is not noted for a later run"),
            Err(problem) => tracing::warn!(%problem, "a game is not noted for a later run"),
        }
    }

    /// Takes the record away; whether the game is ours to count.
    async fn taken_in(&self) -> bool {
        let report = self.report.clone();
        let claimed = blocking(move || Ok(leftover::claim(&report))).await.unwrap_or(false);
        claimed || !self.counts
    }

    async fn remember(&self, seconds: u64) {
        if seconds == 0 {
            return;
        }
        let parts = &self.app.inner.parts;
        let (choices, edition) = (Arc::clone(&parts.choices), self.entry.edition());
        let now = parts.clock.unix_millis();
        if let Err(problem) = blocking(move || choices.played(&edition, now, seconds)).await {
            self.app.tell(AppEvent::Note { problem });
        }
    }

    /// Ends the session at the service. It would end by itself; a failure is not the user's concern.
    async fn leave(&self, session: &str) {
        let limit = tokio::time::timeout(Duration::from_secs(5), self.provider.stop(session));
        if let Ok(Err(problem)) = limit.await {
            tracing::warn!(%problem, "a session was not ended");
        }
        self.app.session_known(&self.entry.provider, None, session);
    }
}

/// Waits until the user stops it.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        // Nobody can stop it any more.
        std::future::pending::<()>().await;
    }
}

fn read_report(path: &Path) -> Option<serde_json::Value> {
    let file = std::fs::File::open(path).ok()?;
    serde_json::from_reader(std::io::BufReader::new(file)).ok()
}

/// Keeps the newest reports.
fn tidy(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut reports: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json") && !leftover::is_record(path))
        .collect();
    // Their names are their times.
    reports.sort();
    let extra = reports.len().saturating_sub(REPORTS);
    for old in reports.into_iter().take(extra) {
        let _ = std::fs::remove_file(old);
    }
}
