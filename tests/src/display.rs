//! A screen of its own: Xvfb with openbox, keys by xdotool, screenshots by ImageMagick.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use entente_stats::Timecode;
use entente_stats::timecode::{self, LumaSamples};

use crate::picture::Rgb;

/// A virtual display with a window manager. Both end with the value.
#[derive(Debug)]
pub struct Display {
    name: String,
    server: Child,
    manager: Option<Child>,
    folder: tempfile::TempDir,
}

impl Display {
    /// Starts both, or says what is missing here.
    ///
    /// # Errors
    /// A sentence for the list of skipped tests.
    pub fn start() -> Result<Self, String> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        for program in ["Xvfb", "openbox", "xdotool", "import"] {
            if !std::env::split_paths(&path).any(|folder| folder.join(program).exists()) {
                return Err(format!("{program} is not installed"));
            }
        }
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        // The server picks a free number and says it. Without -noreset it forgets everything when its last client goes.
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1920x1200x24", "-noreset", "-ac", "-nolisten", "tcp"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("Xvfb does not start: {error}"))?;
        let mut number = String::new();
        if let Some(pipe) = server.stdout.take() {
            let _ = BufReader::new(pipe).read_line(&mut number);
        }
        let mut display = Self { name: format!(":{}", number.trim()), server, manager: None, folder };
        if number.trim().is_empty() {
            return Err(String::from("Xvfb finds no free display"));
        }
        // Without a window manager no window gets the keyboard.
        let manager = display
            .command("openbox")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("openbox does not start: {error}"))?;
        display.manager = Some(manager);
        let managed = wait(Duration::from_secs(15), || display.xdotool(&["get_desktop"]));
        managed.ok_or_else(|| String::from("openbox does not answer"))?;
        Ok(display)
    }

    /// As `DISPLAY` names it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `program` on this display.
    #[must_use]
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env("DISPLAY", &self.name).env_remove("WAYLAND_DISPLAY").stdin(Stdio::null());
        command
    }

    /// Runs xdotool; `None` when it fails.
    #[must_use]
    pub fn xdotool(&self, args: &[&str]) -> Option<String> {
        let output = self.command("xdotool").args(args).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// The visible window of a process.
    ///
    /// # Panics
    /// When it has none within 20 s.
    #[must_use]
    pub fn window_of(&self, process: u32) -> Window<'_> {
        let process = process.to_string();
        let id = wait(Duration::from_secs(20), || {
            let found = self.xdotool(&["search", "--onlyvisible", "--pid", &process])?;
            found.lines().last().map(str::to_owned)
        });
        Window { display: self, id: id.expect("a window") }
    }

    fn import(&self, window: &str) -> Rgb {
        let file = self.folder.path().join("screenshot.png");
        let target = format!("png24:{}", file.display());
        let done = self.command("import").args(["-silent", "-window", window, &target]).output().expect("import");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        Rgb::read(Path::new(&file))
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        for child in self.manager.iter_mut().chain([&mut self.server]) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// One window.
#[derive(Debug)]
pub struct Window<'a> {
    display: &'a Display,
    id: String,
}

impl Window<'_> {
    /// What it shows, without its frame.
    #[must_use]
    pub fn picture(&self) -> Rgb {
        self.display.import(&self.id)
    }

    /// Types `keys` ("F3", "ctrl+alt+q") into it.
    ///
    /// # Panics
    /// When it cannot be activated.
    pub fn key(&self, keys: &str) {
        self.act(&["key", keys]);
    }

    /// Asks it to close by the window manager's key, as its frame's button does.
    ///
    /// # Panics
    /// When it cannot be activated.
    pub fn close(&self) {
        self.key("alt+F4");
    }

    /// Presses `key` and keeps it down.
    ///
    /// # Panics
    /// As [`Window::key`].
    pub fn hold(&self, key: &str) {
        self.act(&["keydown", key]);
    }

    /// Lets go of `key`.
    ///
    /// # Panics
    /// As [`Window::key`].
    pub fn let_go(&self, key: &str) {
        self.act(&["keyup", key]);
    }

    fn act(&self, what: &[&str]) {
        let args: Vec<&str> = ["windowactivate", "--sync", &self.id].into_iter().chain(what.iter().copied()).collect();
        assert!(self.display.xdotool(&args).is_some(), "xdotool {args:?}");
    }

    /// Asks the window manager for a size and waits until the window has it.
    ///
    /// # Panics
    /// When it does not get it.
    pub fn resize(&self, width: usize, height: usize) {
        let (w, h) = (width.to_string(), height.to_string());
        assert!(self.display.xdotool(&["windowsize", &self.id, &w, &h]).is_some(), "the window is gone");
        let resized = wait(Duration::from_secs(5), || {
            let picture = self.picture();
            ((picture.width, picture.height) == (width, height)).then_some(())
        });
        assert!(resized.is_some(), "the window does not become {width}x{height}");
    }

    /// Takes pictures until `look` finds something in one.
    ///
    /// # Panics
    /// When it found nothing within `limit`; `what` says what was looked for.
    pub fn until<T>(&self, what: &str, limit: Duration, mut look: impl FnMut(&Rgb) -> Option<T>) -> T {
        wait(limit, || look(&self.picture())).unwrap_or_else(|| panic!("not seen within {limit:?}: {what}"))
    }
}

/// The timecode of a game picture that was scaled by `scale` and whose left top corner is at `corner`.
#[must_use]
pub fn read_strip(shown: &Rgb, corner: (usize, usize), scale: f64) -> Timecode {
    let (width, height) = (shown.width.saturating_sub(corner.0), shown.height.saturating_sub(corner.1));
    // Black and white only, so any channel stands for luma.
    let luma: Vec<u8> = (0..height)
        .flat_map(|y| (0..width).map(move |x| (x, y)))
        .map(|(x, y)| shown.at(x + corner.0, y + corner.1)[1])
        .collect();
    let side = |side: usize| u32::try_from(side).unwrap_or(0);
    timecode::read(&luma, width, side(width), side(height), LumaSamples::Eight, scale)
}

/// Asks every 50 ms until there is an answer or `limit` is over.
pub fn wait<T>(limit: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + limit;
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if Instant::now() > end {
            return None;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}
