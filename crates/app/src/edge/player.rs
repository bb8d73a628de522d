//! The player's process: the ticket goes in on standard input, what happens comes out line by line.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use async_trait::async_trait;
use entente_model::ticket::Ticket;
use entente_model::{Problem, ProblemKind};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::play::{PlayerEvent, PlayerExit, PlayerPort, RunningPlayer};

/// How long a player may take to end after it was asked to.
const STOP_LIMIT: Duration = Duration::from_secs(5);
/// Bytes of standard error that are kept: its end says why it ended.
const KEPT: usize = 8 * 1024;

/// The player beside our own program.
#[derive(Clone, Debug)]
pub struct PlayerProgram {
    path: PathBuf,
    more: Vec<String>,
}

impl PlayerProgram {
    /// The program at `path`.
    #[must_use]
    pub const fn new(path: PathBuf) -> Self {
        Self { path, more: Vec::new() }
    }

    /// The same with these switches in every start, behind those of the settings: a command line's own wishes.
    #[must_use]
    pub fn with(mut self, more: impl IntoIterator<Item = String>) -> Self {
        self.more.extend(more);
        self
    }
}

#[async_trait]
impl PlayerPort for PlayerProgram {
    async fn start(&self, ticket: &Ticket, options: &[String]) -> Result<Box<dyn RunningPlayer>, Problem> {
        let mut child = Command::new(&self.path)
            .arg("play")
            .args(["--ticket", "-"])
            .args(options)
            .args(&self.more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| self.missing(&error))?;
        let broken = || {
            let why = "Its input or output is not there.";
            Problem::new(ProblemKind::Player, "The player could not be started.", why, "Try again.").retriable()
        };
        let mut input = child.stdin.take().ok_or_else(broken)?;
        let output = child.stdout.take().ok_or_else(broken)?;
        let errors = child.stderr.take().ok_or_else(broken)?;
        let mut line = ticket.line();
        line.push('\n');
        // A player that ended at once says why by its exit, not here.
        let _ = input.write_all(line.as_bytes()).await;
        let last_words = tokio::spawn(last_words(errors));
        Ok(Box::new(Process { child, input: Some(input), output: BufReader::new(output).lines(), last_words }))
    }

    async fn about(&self) -> Result<String, Problem> {
        let asked = Command::new(&self.path).arg("--version").stdin(Stdio::null()).kill_on_drop(true).output();
        let answer = match tokio::time::timeout(STOP_LIMIT, asked).await {
            Ok(answer) => answer.map_err(|error| self.missing(&error))?,
            Err(_) => return Err(self.missing(&std::io::ErrorKind::TimedOut.into())),
        };
        let text = String::from_utf8_lossy(&answer.stdout);
        match text.lines().next().map(str::trim).filter(|line| answer.status.success() && !line.is_empty()) {
            Some(line) => Ok(line.to_owned()),
            // A library of the system that is missing shows here.
            None => {
                let errors = String::from_utf8_lossy(&answer.stderr);
                let why = errors.lines().next().unwrap_or("it says nothing").trim().to_owned();
                Err(self.missing(&std::io::Error::other(why)))
            }
        }
    }
}

impl PlayerProgram {
    fn missing(&self, error: &std::io::Error) -> Problem {
        Problem::new(
            ProblemKind::Player,
            "The player could not be started.",
            format!("{}: {error}.", self.path.display()),
            "Install Entente again; the player belongs beside it.",
        )
    }
}

struct Process {
    child: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
    last_words: tokio::task::JoinHandle<String>,
}

#[async_trait]
impl RunningPlayer for Process {
    async fn event(&mut self) -> Option<PlayerEvent> {
        loop {
            let line = self.output.next_line().await.ok().flatten()?;
            if let Some(event) = read_line(&line) {
                return Some(event);
            }
        }
    }

    async fn stop(&mut self) {
        if let Some(input) = &mut self.input {
            let _ = input.write_all(b"{\"command\":\"stop\"}\n").await;
            let _ = input.flush().await;
        }
        if tokio::time::timeout(STOP_LIMIT, self.child.wait()).await.is_err() {
            tracing::warn!("the player did not end when asked");
            let _ = self.child.kill().await;
        }
    }

    async fn exit(mut self: Box<Self>) -> PlayerExit {
        let status = self.child.wait().await;
        self.input = None;
        let text = tokio::time::timeout(Duration::from_secs(1), self.last_words).await;
        let text = text.ok().and_then(Result::ok).unwrap_or_default();
        PlayerExit {
            code: status.ok().and_then(|status| status.code()),
            said: text.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().to_owned(),
        }
    }
}

/// Reads everything and keeps the end.
async fn last_words(mut errors: impl tokio::io::AsyncRead + Unpin) -> String {
    let mut kept = Vec::new();
    let mut chunk = [0; 2048];
    while let Ok(count) = errors.read(&mut chunk).await {
        let Some(new) = chunk.get(..count).filter(|new| !new.is_empty()) else { break };
        kept.extend_from_slice(new);
        let extra = kept.len().saturating_sub(KEPT);
        kept.drain(..extra);
    }
    String::from_utf8_lossy(&kept).into_owned()
}

/// One line of the player; `None` for lines of a newer player that are not known here.
#[must_use]
pub fn read_line(line: &str) -> Option<PlayerEvent> {
    let value: Value = serde_json::from_str(line).ok()?;
    let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    match value.get("event")?.as_str()? {
        "stage" => Some(PlayerEvent::Stage { name: text("name").unwrap_or_default(), text: text("text")? }),
        "notice" => Some(PlayerEvent::Notice(text("text")?)),
        "first_picture" => Some(PlayerEvent::FirstPicture),
        "ended" => Some(PlayerEvent::Ended {
            name: text("reason").unwrap_or_default(),
            text: text("text").unwrap_or_default(),
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_of_the_player_are_read_and_others_left() {
        let stage = read_line(r#"{"event":"stage","name":"securing","text":"securing the connection","new":1}"#);
        let (name, text) = ("securing".to_owned(), "securing the connection".to_owned());
        assert_eq!(stage, Some(PlayerEvent::Stage { name, text }));
        assert_eq!(read_line(r#"{"event":"dances"}"#), None);
        assert_eq!(read_line("thread panicked"), None);
    }

    proptest! {
        #[test]
        fn any_line_is_read_or_left(line in ".{0,200}") {
            let _ = read_line(&line);
        }
    }
}
