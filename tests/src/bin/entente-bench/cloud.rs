//! The host of a benchmark: the demo cloud as a program of its own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use entente_tests::program::binary;
use serde_json::Value;

/// A running demo cloud; it ends with the value.
#[derive(Debug)]
pub(crate) struct Cloud {
    child: Child,
    /// `host:port` of its HTTP server.
    pub(crate) address: String,
}

impl Cloud {
    pub(crate) fn start() -> Result<Self, String> {
        let mut child = Command::new(binary("entente-demo"))
            .args(["--listen", "127.0.0.1:0", "--stop-on-eof"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("the demo cloud does not start: {error}"))?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            let _ = BufReader::new(output).read_line(&mut line);
        }
        let mut cloud = Self { child, address: String::new() };
        let said: Value = serde_json::from_str(&line).map_err(|_| String::from("the demo cloud said no address"))?;
        let address = said.get("address").and_then(Value::as_str);
        cloud.address = address.map(str::to_owned).ok_or("the demo cloud said no address")?;
        Ok(cloud)
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
