//! The program itself: what survives a restart, and when it stops.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::account::{GUEST_GRANT, access_token, error, get, json, sign_in, token};
use crate::http::send;

struct Program {
    child: Child,
    at: SocketAddr,
}

impl Program {
    fn start(args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_entente-demo"));
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let at = serde_json::from_str::<Value>(&line).unwrap()["address"].as_str().unwrap().parse().unwrap();
        Self { child, at }
    }

    fn with_state(file: &Path) -> Self {
        Self::start(&["--state", file.to_str().unwrap()])
    }

    /// Ends it without a warning, and gives what it had to say.
    fn kill(mut self) -> String {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        said
    }

    fn ends(&mut self, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        while Instant::now() < end {
            if let Some(status) = self.child.try_wait().unwrap() {
                assert!(status.success(), "{status}");
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn refreshed(at: SocketAddr, tokens: &Value) -> crate::http::Reply {
    token(at, &[("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())])
}

fn who(at: SocketAddr, tokens: &Value) -> Value {
    json(&get(at, "/api/v1/me", &access_token(tokens)))
}

#[test]
fn sign_ins_survive_a_restart_and_their_tokens_are_still_good_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sign-ins.json");
    let program = Program::with_state(&file);
    let ada = sign_in(program.at, "Ada", "library play");
    let bob = sign_in(program.at, "Bob", "library play");
    let guest = json(&token(program.at, &[("grant_type", GUEST_GRANT)]));
    let ids = [who(program.at, &ada), who(program.at, &guest)];
    let newer = json(&refreshed(program.at, &bob));
    program.kill();

    let kept = std::fs::read_to_string(&file).unwrap();
    for tokens in [&ada, &bob, &guest, &newer] {
        for name in ["access_token", "refresh_token"] {
            assert!(!kept.contains(tokens[name].as_str().unwrap()), "no token is in the file");
        }
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }

    let program = Program::with_state(&file);
    assert_eq!(get(program.at, "/api/v1/me", &access_token(&ada)).status, 401, "access tokens end with the program");
    let (ada_now, guest_now) = (json(&refreshed(program.at, &ada)), json(&refreshed(program.at, &guest)));
    assert_eq!([who(program.at, &ada_now), who(program.at, &guest_now)], ids);
    program.kill();

    // A used token that comes again, used before or after the first restart, ends its sign-in, and that is kept too.
    let program = Program::with_state(&file);
    assert_eq!(error(&refreshed(program.at, &bob)), "invalid_grant");
    assert_eq!(error(&refreshed(program.at, &newer)), "invalid_grant");
    assert_eq!(error(&refreshed(program.at, &ada)), "invalid_grant");
    program.kill();
    let program = Program::with_state(&file);
    for ended in [&ada_now, &newer] {
        assert_eq!(error(&refreshed(program.at, ended)), "invalid_grant");
    }
    assert_eq!(refreshed(program.at, &guest_now).status, 200, "others are not touched");
}

#[test]
fn a_broken_file_costs_the_sign_ins_and_is_told_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sign-ins.json");
    for broken in ["{\"version\":1,\"sign_", "{\"version\":9,\"sign_ins\":[]}", ""] {
        std::fs::write(&file, broken).unwrap();
        let program = Program::with_state(&file);
        let tokens = sign_in(program.at, "Ada", "library");
        let said = program.kill();
        assert!(said.contains("cannot be read") && said.contains("sign in again"), "{said}");
        assert_eq!(std::fs::read_to_string(folder.path().join("sign-ins.json.broken")).unwrap(), broken);
        let program = Program::with_state(&file);
        assert_eq!(refreshed(program.at, &tokens).status, 200);
        assert!(!program.kill().contains("cannot be read"));
    }
}

#[test]
fn a_file_that_cannot_be_written_is_told_and_nobody_is_sent_away() {
    let program = Program::with_state(Path::new("/proc/no/such/place"));
    assert_eq!(sign_in(program.at, "Ada", "library")["token_type"], "Bearer");
    let said = program.kill();
    assert!(said.contains("not written down"), "{said}");
}

#[test]
fn the_end_of_input_stops_it_at_once_when_nobody_plays() {
    let mut program = Program::start(&["--stop-on-eof"]);
    let access = access_token(&json(&token(program.at, &[("grant_type", GUEST_GRANT)])));
    // A session that nobody plays does not count.
    let bearer = format!("Bearer {access}");
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    assert_eq!(send(program.at, "POST", "/api/v1/sessions", &headers, r#"{"title":"testcard"}"#).status, 201);
    assert!(!program.ends(Duration::from_millis(700)), "not before the end of its input");
    drop(program.child.stdin.take());
    assert!(program.ends(Duration::from_secs(5)), "it stops");
}
