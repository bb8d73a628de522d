//! The W3C WebDriver protocol: one session with one page.

use std::time::{Duration, Instant};

use base64::Engine as _;
use serde_json::{Value, json};

/// Name of an element's reference (W3C WebDriver, section 12).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A page that a driver shows. Its driver ends it when the value goes.
#[derive(Debug)]
pub struct Page {
    session: String,
    agent: ureq::Agent,
}

impl Page {
    /// A new session at the driver that listens on `port` of this machine.
    ///
    /// # Errors
    /// What the driver said.
    pub fn create(port: u16, capabilities: &Value) -> Result<Self, String> {
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(60)))
            .http_status_as_error(false)
            .build()
            .new_agent();
        let base = format!("http://127.0.0.1:{port}/session");
        let mut page = Self { session: String::new(), agent };
        let created = page.call(&base, &json!({ "capabilities": { "alwaysMatch": capabilities } }))?;
        let id = created["sessionId"].as_str().ok_or_else(|| format!("no session: {created}"))?;
        page.session = format!("{base}/{id}");
        Ok(page)
    }

    fn call(&self, url: &str, body: &Value) -> Result<Value, String> {
        let sent = self.agent.post(url).header("content-type", "application/json").send(body.to_string());
        answer(sent.map_err(|error| error.to_string())?)
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

    /// Runs the body of a function that calls its last argument with what it found.
    ///
    /// # Errors
    /// What the driver or the script said.
    pub fn run_async(&self, script: &str) -> Result<Value, String> {
        self.call(&format!("{}/execute/async", self.session), &json!({ "script": script, "args": [] }))
    }

    /// Runs `script` until it returns something truthy.
    ///
    /// # Errors
    /// When `limit` is over, with the last value.
    pub fn wait_for(&self, script: &str, limit: Duration) -> Result<Value, String> {
        let end = Instant::now() + limit;
        loop {
            let value = self.run(script)?;
            if !matches!(value, Value::Null | Value::Bool(false)) && value != json!(0) && value != json!("") {
                return Ok(value);
            }
            if Instant::now() > end {
                return Err(format!("{script} stayed {value} for {limit:?}"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn element(&self, selector: &str) -> Result<String, String> {
        let body = json!({ "using": "css selector", "value": selector });
        let found = self.call(&format!("{}/element", self.session), &body)?;
        found[ELEMENT].as_str().map(str::to_owned).ok_or_else(|| format!("{selector}: {found}"))
    }

    /// Clicks the element with a pointer.
    ///
    /// # Errors
    /// There is none, or it cannot be clicked.
    pub fn click(&self, selector: &str) -> Result<(), String> {
        let element = self.element(selector)?;
        self.call(&format!("{}/element/{element}/click", self.session), &json!({})).map(|_| ())
    }

    /// Presses keys one after the other wherever the focus is. Special keys are those of the protocol (section 17.4.2).
    ///
    /// # Errors
    /// What the driver said.
    pub fn keys(&self, text: &str) -> Result<(), String> {
        let actions: Vec<Value> = text
            .chars()
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key.to_string() })))
            .collect();
        let body = json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": actions }] });
        self.call(&format!("{}/actions", self.session), &body).map(|_| ())
    }

    /// What the page looks like, as PNG.
    ///
    /// # Errors
    /// What the driver said.
    pub fn screenshot(&self) -> Result<Vec<u8>, String> {
        let got = self.agent.get(format!("{}/screenshot", self.session)).call();
        let text = answer(got.map_err(|error| error.to_string())?)?;
        let text = text.as_str().ok_or("no screenshot")?;
        base64::engine::general_purpose::STANDARD.decode(text).map_err(|error| error.to_string())
    }

    /// Gives the page this size in pixels.
    ///
    /// # Errors
    /// What the driver said.
    pub fn resize(&self, width: u32, height: u32) -> Result<(), String> {
        let body = json!({ "x": 0, "y": 0, "width": width, "height": height });
        self.call(&format!("{}/window/rect", self.session), &body).map(|_| ())
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            let _ = self.agent.delete(&self.session).call();
        }
    }
}

fn answer(mut response: ureq::http::Response<ureq::Body>) -> Result<Value, String> {
    let text = response.body_mut().with_config().limit(64 << 20).read_to_string().map_err(|error| error.to_string())?;
    let value: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let value = value.get("value").cloned().unwrap_or_default();
    if let Some(error) = value.get("error") { Err(format!("{error}: {}", value["message"])) } else { Ok(value) }
}
