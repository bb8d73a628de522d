//! The embedded demo cloud: a process of its own, which starts when it is first asked for.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use entente_model::http::{HttpRequest, Method};
use entente_model::port::HttpPort;
use entente_model::{Problem, ProblemKind};
use entente_providers::cloud::ServiceAddress;
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::Mutex;

/// How long it may take to say where it is. On a slow machine it measures how fast it can draw first.
const START_LIMIT: Duration = Duration::from_secs(20);
/// How long one that is noted may take to answer, in milliseconds.
const ANSWER_MILLIS: u64 = 500;

/// The demo cloud beside our own program.
pub(crate) struct DemoProgram {
    program: PathBuf,
    /// Where the accounts of the cloud stay.
    state: PathBuf,
    /// Where the one that runs is noted: a second program of this user takes the same cloud.
    note: PathBuf,
    http: Arc<dyn HttpPort>,
    running: Mutex<Option<Running>>,
}

struct Running {
    child: Child,
    /// The cloud ends with it, once nobody plays.
    _open: Option<ChildStdin>,
    url: String,
}

/// Its first line.
#[derive(Deserialize)]
struct Ready {
    url: String,
}

impl DemoProgram {
    pub(crate) fn new(program: PathBuf, state: PathBuf, note: PathBuf, http: Arc<dyn HttpPort>) -> Self {
        Self { program, state, note, http, running: Mutex::new(None) }
    }

    /// The cloud that another program of this user has started, if it answers.
    async fn noted(&self) -> Option<String> {
        let note = self.note.clone();
        let url = tokio::task::spawn_blocking(move || std::fs::read_to_string(note)).await.ok()?.ok()?;
        let loopback = url.strip_prefix("http://127.0.0.1:").is_some_and(|port| port.parse::<u16>().is_ok());
        if !loopback {
            return None;
        }
        let request = HttpRequest {
            method: Method::Get,
            url: format!("{url}/openapi.json"),
            headers: Vec::new(),
            bearer: None,
            body: Vec::new(),
            timeout_millis: ANSWER_MILLIS,
        };
        let answer = self.http.send(request).await.ok()?;
        (answer.status == 200).then_some(url)
    }

    async fn start(&self) -> Result<Running, Problem> {
        let mut child = Command::new(&self.program)
            .args(["--listen", "127.0.0.1:0", "--stop-on-eof", "--state"])
            .arg(&self.state)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| self.failed(&error.to_string()))?;
        let open = child.stdin.take();
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            let mut output = BufReader::new(output);
            let read = tokio::time::timeout(START_LIMIT, output.read_line(&mut line)).await;
            read.map_err(|_| self.failed("it did not get ready in time"))?.map_err(|e| self.failed(&e.to_string()))?;
        }
        let ready: Ready = serde_json::from_str(&line).map_err(|_| self.failed("it ended at once"))?;
        if let Err(error) = std::fs::write(&self.note, &ready.url) {
            tracing::warn!(%error, "other programs will not find this demo cloud");
        }
        Ok(Running { child, _open: open, url: ready.url })
    }

    fn failed(&self, why: &str) -> Problem {
        Problem::new(
            ProblemKind::Fault,
            "The demo cloud could not be started.",
            format!("{}: {why}.", self.program.display()),
            "Install Entente again; the demo cloud belongs beside it.",
        )
        .retriable()
    }
}

#[async_trait]
impl ServiceAddress for DemoProgram {
    async fn base(&self) -> Result<String, Problem> {
        // Held while it starts: it is started once.
        let mut running = self.running.lock().await;
        if let Some(cloud) = &mut *running
            && matches!(cloud.child.try_wait(), Ok(None))
        {
            return Ok(cloud.url.clone());
        }
        *running = None;
        if let Some(url) = self.noted().await {
            return Ok(url);
        }
        let started = self.start().await?;
        let url = started.url.clone();
        *running = Some(started);
        Ok(url)
    }
}
