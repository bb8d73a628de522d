//! A Chromium, mostly headless, driven through ChromeDriver (W3C WebDriver).

use std::io::{BufRead, BufReader};
use std::ops::Deref;
use std::process::{Child, Command, Stdio};

use serde_json::json;

use crate::webdriver::Page;

/// A browser with one page. Ends with the value.
#[derive(Debug)]
pub struct Browser {
    page: Page,
    driver: Driver,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts Chromium, or says why there is none.
    ///
    /// # Errors
    /// A sentence for the list of skipped tests.
    pub fn start() -> Result<Self, String> {
        Self::launch(None, &["--headless".to_owned()])
    }

    /// Starts Chromium with a window of its own on an X display, without tabs and menus, with this page in it.
    ///
    /// # Errors
    /// As [`Browser::start`].
    pub fn start_window(display: &str, url: &str) -> Result<Self, String> {
        Self::launch(Some(display), &[format!("--app={url}"), "--window-size=1280,800".to_owned()])
    }

    fn launch(display: Option<&str>, more: &[String]) -> Result<Self, String> {
        for program in ["/usr/bin/chromium", "/usr/bin/chromedriver"] {
            if !std::path::Path::new(program).exists() {
                return Err(format!("{program} is not installed"));
            }
        }
        let mut command = Command::new("/usr/bin/chromedriver");
        if let Some(display) = display {
            command.env("DISPLAY", display);
        }
        let mut driver = command
            .args(["--port=0", "--allowed-ips=127.0.0.1"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("chromedriver does not start: {error}"))?;
        let output = driver.stdout.take().ok_or("chromedriver has no output")?;
        let mut lines = BufReader::new(output).lines();
        let port = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| {
                let (_, port) = line.split_once("started successfully on port ")?;
                port.trim_end_matches('.').parse::<u16>().ok()
            })
            .ok_or("chromedriver names no port")?;
        let profile = tempfile::tempdir().map_err(|error| error.to_string())?;
        let mut args: Vec<String> = FLAGS.iter().map(|flag| String::from(*flag)).collect();
        args.extend_from_slice(more);
        args.push(format!("--user-data-dir={}", profile.path().display()));
        let wanted = json!({
            "browserName": "chrome",
            "goog:chromeOptions": {"binary": "/usr/bin/chromium", "args": args},
        });
        let driver = Driver(driver);
        let page = Page::create(port, &wanted)?;
        Ok(Self { page, driver, _profile: profile })
    }

    /// Process of the driver; the browser is below it.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.driver.0.id()
    }
}

impl Deref for Browser {
    type Target = Page;

    fn deref(&self) -> &Page {
        &self.page
    }
}

/// Ends with the value, after the page.
#[derive(Debug)]
struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const FLAGS: &[&str] = &[
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--allow-loopback-in-peer-connection",
];
