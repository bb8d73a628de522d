//! Programs of this workspace, run as a user runs them.

use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Where the workspace's binaries are: beside the running test.
///
/// # Panics
/// When the binary was not built; `cargo xtask test` builds all of them first.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the path of this test");
    let folder = test.ancestors().find(|folder| folder.join(".cargo-lock").exists()).expect("the target folder");
    let path = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(path.exists(), "{} is missing: run `cargo build --workspace --bins` first", path.display());
    path
}

/// What a program left behind.
#[derive(Debug)]
pub struct Outcome {
    /// How it ended.
    pub status: ExitStatus,
    /// What it said on standard output.
    pub stdout: String,
    /// What it said on standard error.
    pub stderr: String,
    /// How long it ran.
    pub took: Duration,
}

impl Outcome {
    /// Exit code, -1 for a signal.
    #[must_use]
    pub fn code(&self) -> i32 {
        self.status.code().unwrap_or(-1)
    }
}

/// A child that is killed when the test lets go of it.
#[derive(Debug)]
pub struct Running {
    child: Option<Child>,
    started: Instant,
}

impl Running {
    /// Starts `command` with captured output and no input unless one was set.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start(command: &mut Command) -> Self {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        Self { child: Some(child), started: Instant::now() }
    }

    /// The child itself.
    ///
    /// # Panics
    /// Never before `finish`.
    pub fn child(&mut self) -> &mut Child {
        self.child.as_mut().expect("not finished")
    }

    /// Waits for the end and gathers what it said.
    ///
    /// # Panics
    /// When it is still running after `limit`; it is killed then, and its output shown.
    #[must_use]
    pub fn finish(mut self, limit: Duration) -> Outcome {
        let mut child = self.child.take().expect("not finished");
        let (stdout, stderr) = (reader(child.stdout.take()), reader(child.stderr.take()));
        let end = Instant::now() + limit;
        let (status, timely) = loop {
            if let Some(status) = child.try_wait().expect("the child's state") {
                break (status, true);
            }
            if Instant::now() > end {
                let _ = child.kill();
                break (child.wait().expect("the child's state"), false);
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        let outcome = Outcome {
            status,
            stdout: stdout.join().unwrap_or_default(),
            stderr: stderr.join().unwrap_or_default(),
            took: self.started.elapsed(),
        };
        assert!(timely, "still running after {limit:?}: {outcome:#?}");
        outcome
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn reader(pipe: Option<impl std::io::Read + Send + 'static>) -> std::thread::JoinHandle<String> {
    std::thread::Builder::new()
        .name(String::from("pipe"))
        .spawn(move || {
            let mut bytes = Vec::new();
            if let Some(mut pipe) = pipe {
                let _ = pipe.read_to_end(&mut bytes);
            }
            String::from_utf8_lossy(&bytes).into_owned()
        })
        .expect("a thread")
}

/// Notes a test that cannot run here; `cargo xtask test` lists these at the end.
pub fn skip(test: &str, why: &str) {
    println!("skipped: {test}: {why}");
    if let Some(path) = std::env::var_os("ENTENTE_SKIP_LOG") {
        use std::io::Write;
        if let Ok(mut file) = std::fs::OpenOptions::new().create(true).append(true).open(path) {
            let _ = writeln!(file, "{test}: {why}");
        }
    }
}
