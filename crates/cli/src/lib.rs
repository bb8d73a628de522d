//! What a user can do, on a command line. What happens goes to standard output, what went wrong is a [`Stop`].
#![warn(missing_docs)]

mod arguments;

use std::io::Write as _;
use std::time::Duration;

use entente_app::view::{AccountState, CardDetail, Check, CheckState, LibraryQuery, PlayState, SignInStep, Sort};
use entente_app::{App, AppEvent};
use entente_model::provider::SignInWay;
use entente_model::{Problem, ProblemKind, Secret};
use entente_store::vault::Kept;
use serde::Serialize;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

pub use arguments::{HostTask, Output, Task, Way};

/// Most cards of a list: more than any catalogue has.
const ALL: usize = 1_000_000;
/// How long the end of a game may take: the player and the service are told.
const END_LIMIT: Duration = Duration::from_secs(8);

/// Why a command ended early.
#[derive(Debug)]
pub enum Stop {
    /// Something went wrong.
    Problem(Problem),
    /// Nobody reads us any more.
    Unread,
    /// Everything was said.
    Said,
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// How a command ended.
pub type Outcome = Result<(), Stop>;

/// Does `task` with `app`, whose vault is not opened yet.
///
/// # Errors
/// It went wrong, or was stopped.
pub async fn run(app: App, task: Task, output: &Output) -> Outcome {
    let this = Cli { app, json: output.json };
    // A game has to be ended at its service first.
    let playing = matches!(task, Task::Play { .. });
    tokio::select! {
        outcome = this.go(task, output) => outcome,
        () = interrupted(), if !playing => Err(Stop::Said),
    }
}

/// Ctrl-C. Without a handler the system ends us, which is as good.
async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

struct Cli {
    app: App,
    json: bool,
}

impl Cli {
    async fn go(&self, task: Task, output: &Output) -> Outcome {
        self.app.load_shelf().await?;
        // The list is in the cache: it needs no secrets, and no keyring that asks for a password.
        if !matches!(&task, Task::List { refresh: false, .. }) {
            self.open_secrets(output, matches!(&task, Task::Doctor | Task::Accounts)).await?;
            self.app.restore().await;
        }
        match task {
            Task::List { search, refresh } => self.list(&search.join(" "), refresh).await,
            Task::Play { title, .. } => self.play(&title).await,
            Task::SignIn { service, way } => self.sign_in(&service, way.map(Into::into)).await,
            Task::SignOut { service } => self.sign_out(&service).await,
            Task::Accounts => self.accounts(),
            Task::Hosts { what } => self.hosts(what).await,
            Task::Doctor => self.doctor().await,
        }
    }

    /// Opens the vault as the command line says. `anyway`: the command has something to say without secrets too.
    async fn open_secrets(&self, output: &Output, anyway: bool) -> Outcome {
        let status = self.app.parts().vault.start().await;
        if status.kept != Kept::Locked {
            return Ok(());
        }
        if output.passphrase_stdin {
            let mut line = String::new();
            std::io::stdin().read_line(&mut line).map_err(|error| unreadable(&error))?;
            self.app.unlock_secrets(&Secret::new(line.trim_end_matches(['\r', '\n']))).await?;
        } else if output.memory {
            self.app.keep_secrets_in_memory().await?;
        } else if !anyway {
            return Err(Stop::Problem(Problem::new(
                ProblemKind::Secrets,
                "The secrets are locked.",
                status.why,
                "Unlock the keyring, or add --passphrase-stdin or --memory.",
            )));
        }
        Ok(())
    }

    /// Says something: a line for people, or a value for programs.
    fn say(&self, line: &str, value: &impl Serialize) -> Outcome {
        let text = if self.json { serde_json::to_string(value).unwrap_or_default() } else { line.to_owned() };
        let mut out = std::io::stdout().lock();
        writeln!(out, "{text}").and_then(|()| out.flush()).map_err(|_| Stop::Unread)
    }

    async fn list(&self, search: &str, refresh: bool) -> Outcome {
        if refresh {
            self.refresh().await?;
        }
        let query = LibraryQuery { search: search.to_owned(), sort: Sort::Name, limit: ALL, ..LibraryQuery::default() };
        let page = self.app.library(query).await?;
        for card in &page.cards {
            let played = if card.running { "  (waits for you)" } else { "" };
            self.say(&format!("{:<28} {}{played}", card.id, card.title), card)?;
        }
        if page.cards.is_empty() && !self.json {
            let why =
                if page.as_of.is_none() { "Sign in first: entente sign-in demo" } else { "No game is called so." };
            eprintln!("{why}");
        }
        Ok(())
    }

    /// Asks every service, and waits for their answers.
    async fn refresh(&self) -> Outcome {
        let mut events = self.app.events();
        self.app.refresh();
        while self.app.library(LibraryQuery { limit: 0, ..LibraryQuery::default() }).await?.refreshing {
            let _ = next(&mut events).await;
        }
        let page = self.app.library(LibraryQuery { limit: 0, ..LibraryQuery::default() }).await?;
        match page.problems.into_iter().next() {
            None => Ok(()),
            Some(failed) => Err(Stop::Problem(failed.problem)),
        }
    }

    /// The card that `title` names: an edition, or a name that only one card has.
    async fn card(&self, title: &str) -> Result<CardDetail, Stop> {
        if title.contains('/')
            && let Ok(card) = self.app.card(title.split('@').next().unwrap_or(title)).await
        {
            return Ok(card);
        }
        let query = LibraryQuery { search: title.to_owned(), limit: ALL, ..LibraryQuery::default() };
        let cards = self.app.library(query).await?.cards;
        let exact = cards.iter().find(|card| card.title.to_lowercase() == title.to_lowercase());
        let named = exact.or_else(|| cards.first().filter(|_| cards.len() == 1));
        let Some(card) = named else {
            let names: Vec<&str> = cards.iter().take(5).map(|card| card.title.as_str()).collect();
            let why = match names.len() {
                0 => format!("No game on the shelf is called {title:?}."),
                _ => format!("It could be {}.", names.join(", or ")),
            };
            let next = "Give the whole name, or the edition as `entente list` shows it.";
            return Err(Stop::Problem(Problem::new(
                ProblemKind::NotFound,
                "Which game is meant is not clear.",
                why,
                next,
            )));
        };
        Ok(self.app.card(&card.id).await?)
    }

    async fn play(&self, title: &str) -> Outcome {
        if self.app.library(LibraryQuery { limit: 1, ..LibraryQuery::default() }).await?.total == 0 {
            self.refresh().await?;
        }
        let card = self.card(title).await?;
        let edition = match card.editions.iter().find(|edition| edition.id == title) {
            Some(edition) => Some(edition.id.clone()),
            None => card.best.clone(),
        };
        let Some(edition) = edition else {
            let why = card.editions.iter().find_map(|edition| edition.why.clone()).unwrap_or_default();
            let what = format!("{} cannot be played now.", card.card.title);
            return Err(Stop::Problem(Problem::new(ProblemKind::NotEntitled, what, why, "Sign in: entente sign-in")));
        };
        let mut events = self.app.events();
        self.app.play(&edition)?;
        tokio::select! {
            outcome = self.follow(&mut events) => outcome,
            () = interrupted() => {
                self.app.stop_play();
                let _ = tokio::time::timeout(END_LIMIT, self.follow(&mut events)).await;
                Err(Stop::Said)
            }
        }
    }

    async fn follow(&self, events: &mut Receiver<AppEvent>) -> Outcome {
        while let Some(event) = next(events).await {
            let AppEvent::Play { play } = event else { continue };
            match &play {
                PlayState::Idle => return Err(Stop::Said),
                PlayState::Queued { position, .. } => self.say(&format!("Waiting: place {position}."), &play)?,
                PlayState::Starting { title, stage, .. } => {
                    self.say(&format!("{title}: {} ...", stage.replace('_', " ")), &play)?;
                }
                PlayState::Playing { title, .. } => self.say(&format!("{title} is played."), &play)?,
                PlayState::Ended { report } => {
                    self.say(&format!("{} Played for {} s.", report.ended, report.seconds), &play)?;
                    if !self.json {
                        for figure in &report.figures {
                            self.say(&format!("  {:<24} {}", figure.name.replace('_', " "), figure.value), figure)?;
                        }
                        for advice in &report.advice {
                            self.say(&format!("  {advice}"), advice)?;
                        }
                    }
                    return Ok(());
                }
                PlayState::Failed { problem, .. } => return Err(Stop::Problem(problem.clone())),
            }
        }
        Err(Stop::Said)
    }

    async fn sign_in(&self, service: &str, way: Option<SignInWay>) -> Outcome {
        let mut events = self.app.events();
        // A code works everywhere, also where no browser is.
        let ways = self.app.accounts().into_iter().find(|account| account.provider == service).map(|found| found.ways);
        let first = ways.as_ref().and_then(|ways| ways.first()).copied().unwrap_or(SignInWay::DeviceCode);
        let code = ways.is_some_and(|ways| ways.contains(&SignInWay::DeviceCode));
        self.app.sign_in(service, way.unwrap_or(if code { SignInWay::DeviceCode } else { first }))?;
        while let Some(event) = next(&mut events).await {
            let AppEvent::SignIn { step, .. } = event else { continue };
            match &step {
                SignInStep::Starting | SignInStep::Finishing => {}
                SignInStep::Code { code, url, .. } => self.say(&format!("Open {url} and type {code}"), &step)?,
                SignInStep::Browser { url } => self.say(&format!("Go on in the browser: {url}"), &step)?,
                SignInStep::Done { who } => {
                    let who = who.as_deref().unwrap_or("Somebody");
                    self.say(&format!("{who} is signed in."), &step)?;
                    // The list comes with it.
                    return self.refresh().await;
                }
                SignInStep::Failed { problem } => return Err(Stop::Problem(problem.clone())),
                SignInStep::Cancelled => return Err(Stop::Said),
            }
        }
        Err(Stop::Said)
    }

    async fn sign_out(&self, service: &str) -> Outcome {
        self.app.sign_out(service).await?;
        self.accounts()
    }

    fn accounts(&self) -> Outcome {
        for account in self.app.accounts() {
            let state = match account.state {
                AccountState::SignedIn => account.who.clone().unwrap_or_else(|| "signed in".to_owned()),
                AccountState::Guest => "guest".to_owned(),
                AccountState::SigningIn => "signing in".to_owned(),
                AccountState::SignedOut => "signed out".to_owned(),
                AccountState::Expired => "sign in again".to_owned(),
            };
            self.say(&format!("{:<12} {:<20} {state}", account.provider, account.name), &account)?;
        }
        Ok(())
    }

    async fn hosts(&self, what: Option<HostTask>) -> Outcome {
        match what {
            None => {}
            Some(HostTask::Add { address }) => {
                self.app.add_host(&address).await?;
            }
            Some(HostTask::Pair { host, pin }) => self.app.pair(&host, &pin).await?,
            Some(HostTask::Wake { host }) => self.app.wake(&host).await?,
            Some(HostTask::Forget { host }) => self.app.forget_host(&host).await?,
        }
        let hosts = self.app.hosts().await;
        if hosts.is_empty() && !self.json {
            eprintln!("There are no consoles or computers yet.");
        }
        for host in &hosts {
            self.say(&format!("{:<28} {:<20} {}", host.id, host.name, host.address), host)?;
        }
        Ok(())
    }

    async fn doctor(&self) -> Outcome {
        let mut events = self.app.events();
        let all = self.app.doctor();
        tokio::pin!(all);
        let mut bad = false;
        let mut show = |check: &Check| {
            let mark = match check.state {
                CheckState::Good => "ok  ",
                CheckState::Warning => "hm  ",
                CheckState::Bad => "bad ",
                CheckState::Skipped => "-   ",
            };
            bad |= check.state == CheckState::Bad;
            let next = check.next_step.as_deref().map(|next| format!(" {next}")).unwrap_or_default();
            self.say(&format!("{mark} {:<14} {}{next}", check.name, check.found), check)
        };
        let mut shown = 0;
        let checks = loop {
            tokio::select! {
                biased;
                event = next(&mut events) => {
                    if let Some(AppEvent::Check { check }) = event {
                        show(&check)?;
                        shown += 1;
                    }
                }
                checks = &mut all => break checks,
            }
        };
        // Told while the last one was given.
        for check in checks.iter().skip(shown) {
            show(check)?;
        }
        if bad { Err(Stop::Said) } else { Ok(()) }
    }
}

/// The next event; those that were lost are passed over.
async fn next(events: &mut Receiver<AppEvent>) -> Option<AppEvent> {
    loop {
        match events.recv().await {
            Ok(event) => return Some(event),
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return None,
        }
    }
}

fn unreadable(error: &std::io::Error) -> Problem {
    let why = format!("Standard input: {error}.");
    Problem::new(ProblemKind::BadInput, "The passphrase could not be read.", why, "Give it as one line.")
}
