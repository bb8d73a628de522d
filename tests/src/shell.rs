//! The shell in its real window, driven through WebKitWebDriver.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::display::{Display, wait};
use crate::program::binary;
use crate::webdriver::Page;

const DRIVER: &str = "/usr/bin/WebKitWebDriver";

/// A user's machine: a screen, a session bus with a keyring, and folders of their own.
#[derive(Debug)]
pub struct Desk {
    /// The screen.
    pub display: Display,
    /// Where everything of Entente is kept (`ENTENTE_HOME`).
    pub home: PathBuf,
    folder: tempfile::TempDir,
    bus: String,
    daemons: Vec<Child>,
}

impl Desk {
    /// Starts all of it, or says what is missing here. `keyring`: with an unlocked keyring.
    ///
    /// # Errors
    /// A sentence for the list of skipped tests.
    pub fn start(keyring: bool) -> Result<Self, String> {
        if !Path::new(DRIVER).exists() {
            return Err(format!("{DRIVER} is not installed"));
        }
        let display = Display::start()?;
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let mut desk =
            Self { display, home: folder.path().join("entente"), folder, bus: String::new(), daemons: Vec::new() };
        desk.start_bus()?;
        if keyring {
            desk.start_keyring()?;
        }
        Ok(desk)
    }

    fn start_bus(&mut self) -> Result<(), String> {
        let socket = self.folder.path().join("bus");
        self.bus = format!("unix:path={}", socket.display());
        let mut command = Command::new("dbus-daemon");
        command.args(["--session", "--nofork", "--nopidfile", &format!("--address={}", self.bus)]);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        self.daemons.push(child.map_err(|error| format!("dbus-daemon does not start: {error}"))?);
        wait(Duration::from_secs(5), || socket.exists().then_some(())).ok_or("the bus does not get ready")?;
        Ok(())
    }

    fn start_keyring(&mut self) -> Result<(), String> {
        let mut command = Command::new("gnome-keyring-daemon");
        command.args(["--foreground", "--unlock", "--components=secrets"]);
        self.dress(&mut command);
        let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut child = child.map_err(|error| format!("gnome-keyring-daemon does not start: {error}"))?;
        if let Some(mut input) = child.stdin.take() {
            use std::io::Write as _;
            input.write_all(b"password").map_err(|error| error.to_string())?;
        }
        self.daemons.push(child);
        let there = || {
            let mut ask = Command::new("dbus-send");
            ask.args(["--session", "--print-reply", "--dest=org.freedesktop.DBus", "/org/freedesktop/DBus"]);
            ask.args(["org.freedesktop.DBus.NameHasOwner", "string:org.freedesktop.secrets"]);
            self.dress(&mut ask);
            let answer = ask.output().ok()?;
            String::from_utf8_lossy(&answer.stdout).contains("true").then_some(())
        };
        wait(Duration::from_secs(10), there).ok_or("the keyring does not get ready")?;
        Ok(())
    }

    /// Gives a program this machine's screen, bus and folders.
    pub fn dress(&self, command: &mut Command) {
        let folder = |name: &str| {
            let path = self.folder.path().join(name);
            let _ = std::fs::create_dir_all(&path);
            path
        };
        command
            .env("DISPLAY", self.display.name())
            .env_remove("WAYLAND_DISPLAY")
            .env("DBUS_SESSION_BUS_ADDRESS", &self.bus)
            .env("ENTENTE_HOME", &self.home)
            .env("HOME", folder("home"))
            .env("XDG_RUNTIME_DIR", folder("run"))
            .env("XDG_DATA_HOME", folder("share"))
            .env("XDG_CONFIG_HOME", folder("config"))
            .env("XDG_CACHE_HOME", folder("cache"))
            .env("NO_AT_BRIDGE", "1")
            .env("ENTENTE_LOG", "debug,hyper=info,zbus=info");
    }

    /// The shell of this machine's user without its window.
    #[must_use]
    pub fn entente(&self) -> Command {
        let mut command = Command::new(binary("entente"));
        self.dress(&mut command);
        command.stdin(Stdio::null());
        command
    }

    /// A file for lines of a scripted controller (`ENTENTE_TEST_PAD`).
    #[must_use]
    pub fn pad(&self) -> PathBuf {
        self.folder.path().join("pad")
    }

    /// Adds every file that this machine's programs have written: its path and what is in it.
    pub fn files(&self, found: &mut Vec<(String, Vec<u8>)>) {
        let mut open = vec![self.folder.path().to_owned()];
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => open.push(entry.path()),
                    Ok(kind) if kind.is_file() => {
                        let bytes = std::fs::read(entry.path()).unwrap_or_default();
                        found.push((entry.path().display().to_string(), bytes));
                    }
                    _ => {}
                }
            }
        }
    }

    /// Opens the shell's window with these arguments and `more` in its environment.
    ///
    /// # Errors
    /// The driver's words.
    pub fn open(&self, arguments: &[&str], more: &[(&str, &str)]) -> Result<Shell, String> {
        self.open_program(&binary("entente"), arguments, more)
    }

    /// As [`Desk::open`], with another shell than the one of this build.
    ///
    /// # Errors
    /// As [`Desk::open`].
    pub fn open_program(&self, program: &Path, arguments: &[&str], more: &[(&str, &str)]) -> Result<Shell, String> {
        let port = free_port()?;
        let mut command = Command::new(DRIVER);
        command.args([format!("--port={port}"), "--host=127.0.0.1".to_owned()]);
        self.dress(&mut command);
        command.env("TAURI_WEBVIEW_AUTOMATION", "true").envs(more.iter().copied());
        let log = std::fs::File::create(self.folder.path().join("driver.log")).map_err(|error| error.to_string())?;
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let driver = Driver(command.spawn().map_err(|error| format!("{DRIVER} does not start: {error}"))?);
        let listens = || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok().then_some(());
        wait(Duration::from_secs(10), listens).ok_or("the driver does not listen")?;
        let wanted = json!({
            "browserName": "wry",
            "webkitgtk:browserOptions": { "binary": program, "args": arguments },
        });
        let page = Page::create(port, &wanted)?;
        let process = below(driver.0.id(), "entente").first().copied().ok_or("the shell is not below its driver")?;
        Ok(Shell { page, driver, process })
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        for child in self.daemons.iter_mut().rev() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The shell's window. It ends with the value.
#[derive(Debug)]
pub struct Shell {
    page: Page,
    driver: Driver,
    /// Its process.
    pub process: u32,
}

impl Shell {
    /// The driver's process; the shell is below it.
    #[must_use]
    pub fn driver(&self) -> u32 {
        self.driver.0.id()
    }
}

impl Deref for Shell {
    type Target = Page;

    fn deref(&self) -> &Page {
        &self.page
    }
}

#[derive(Debug)]
struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        // A session that was not ended leaves its program behind.
        let left = below(self.0.id(), "entente");
        let _ = self.0.kill();
        let _ = self.0.wait();
        for process in left {
            let _ = Command::new("kill").arg(process.to_string()).status();
        }
    }
}

fn free_port() -> Result<u16, String> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    listener.local_addr().map(|address| address.port()).map_err(|error| error.to_string())
}

/// Processes below `parent` whose program is called `name`.
#[must_use]
pub fn below(parent: u32, name: &str) -> Vec<u32> {
    let program = |process: &u32| std::fs::read_link(format!("/proc/{process}/exe")).unwrap_or_default();
    let named = |process: &u32| program(process).file_name().is_some_and(|file| file == name);
    below_all(parent).into_iter().filter(named).collect()
}

/// A process and every one below it, parents first.
#[must_use]
pub fn below_all(parent: u32) -> Vec<u32> {
    let mut found = vec![parent];
    let mut next = 0;
    while let Some(process) = found.get(next).copied() {
        next += 1;
        let Ok(tasks) = std::fs::read_dir(format!("/proc/{process}/task")) else { continue };
        for task in tasks.flatten() {
            // proc_tid_children(5)
            let children = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
            found.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
        }
    }
    found
}
