//! A headless Chromium, driven through ChromeDriver (W3C WebDriver).

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// A browser with one page. Ends with the value.
#[derive(Debug)]
pub struct Browser {
    driver: Child,
    session: String,
    agent: ureq::Agent,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts Chromium, or says why there is none.
    ///
    /// # Errors
    /// A sentence for the list of skipped tests.
    pub fn start() -> Result<Self, String> {
        for program in ["/usr/bin/chromium", "/usr/bin/chromedriver"] {
            if !std::path::Path::new(program).exists() {
                return Err(format!("{program} is not installed"));
            }
        }
        let mut driver = Command::new("/usr/bin/chromedriver")
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
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(60)))
            .http_status_as_error(false)
            .build()
            .new_agent();
        let mut browser = Self { driver, session: String::new(), agent, _profile: profile };
        let base = format!("http://127.0.0.1:{port}/session");
        let mut args: Vec<String> = FLAGS.iter().map(|flag| String::from(*flag)).collect();
        args.push(format!("--user-data-dir={}", browser._profile.path().display()));
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": {"binary": "/usr/bin/chromium", "args": args},
        }}});
        let created = browser.call(&base, &wanted)?;
        let id = created["sessionId"].as_str().ok_or_else(|| format!("no session: {created}"))?;
        browser.session = format!("{base}/{id}");
        Ok(browser)
    }

    fn call(&self, url: &str, body: &Value) -> Result<Value, String> {
        let mut response = self
            .agent
            .post(url)
            .header("content-type", "application/json")
            .send(body.to_string())
            .map_err(|e| e.to_string())?;
        let text = response.body_mut().read_to_string().map_err(|error| error.to_string())?;
        let value: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        let value = value.get("value").cloned().unwrap_or_default();
        if let Some(error) = value.get("error") { Err(format!("{error}: {}", value["message"])) } else { Ok(value) }
    }

    /// Process of the driver; the browser is below it.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.driver.id()
    }

    /// Opens `url`.
    ///
    /// # Errors
    /// What the driver said.
    pub fn open(&self, url: &str) -> Result<(), String> {
        self.call(&format!("{}/url", self.session), &json!({ "url": url })).map(|_| ())
    }

    /// Runs the body of a function in the page and gives what it returns.
    ///
    /// # Errors
    /// What the driver or the script said.
    pub fn run(&self, script: &str) -> Result<Value, String> {
        self.call(&format!("{}/execute/sync", self.session), &json!({ "script": script, "args": [] }))
    }

    /// Runs `script` until it returns something truthy.
    ///
    /// # Errors
    /// When `limit` is over, with the last value.
    pub fn wait_for(&self, script: &str, limit: Duration) -> Result<Value, String> {
        let end = Instant::now() + limit;
        loop {
            let value = self.run(script)?;
            if !matches!(value, Value::Null | Value::Bool(false)) && value != json!(0) {
                return Ok(value);
            }
            if Instant::now() > end {
                return Err(format!("{script} stayed {value} for {limit:?}"));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            let _ = self.agent.delete(&self.session).call();
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

const FLAGS: &[&str] = &[
    "--headless",
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
