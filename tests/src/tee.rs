//! A relay for TCP that keeps what passes, to learn which secrets were on the wire.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// A relay to one address; it goes on until the process ends.
#[derive(Debug)]
pub struct Tee {
    /// Where it listens.
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<u8>>>,
}

/// Names of secrets in JSON and in forms.
const NAMES: [&str; 6] = ["access_token", "refresh_token", "device_code", "code_verifier", "token", "code"];
/// Shorter values are words such as `invalid_token`, not secrets.
const SHORTEST: usize = 20;

impl Tee {
    /// Listens on a free port of this machine.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        let seen: Arc<Mutex<Vec<u8>>> = Arc::default();
        let kept = Arc::clone(&seen);
        let accept = move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(target) else { continue };
                let (Ok(from_server), Ok(to_client)) = (server.try_clone(), client.try_clone()) else { continue };
                for (from, to) in [(client, server), (from_server, to_client)] {
                    let kept = Arc::clone(&kept);
                    let name = "tee".to_owned();
                    let _ = std::thread::Builder::new().name(name).spawn(move || copy(from, to, &kept));
                }
            }
        };
        std::thread::Builder::new().name("tee".to_owned()).spawn(accept).expect("a thread");
        Self { address, seen }
    }

    /// Every secret that passed so far.
    #[must_use]
    pub fn secrets(&self) -> BTreeSet<String> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&seen);
        let mut found = BTreeSet::new();
        let starts = NAMES
            .iter()
            .flat_map(|name| [format!("\"{name}\":\""), format!("{name}=")])
            .chain([String::from("Bearer "), String::from("bearer ")]);
        for start in starts {
            for (at, _) in text.match_indices(&start) {
                let rest = text.get(at + start.len()..).unwrap_or_default();
                let plain = |c: char| !c.is_ascii_alphanumeric() && !"-_.~+/=".contains(c);
                let value = rest.split(plain).next().unwrap_or_default();
                if value.len() >= SHORTEST {
                    found.insert(value.to_owned());
                }
            }
        }
        found
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream, kept: &Mutex<Vec<u8>>) {
    let mut chunk = [0; 16 * 1024];
    while let Ok(count) = from.read(&mut chunk) {
        let Some(bytes) = chunk.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
        kept.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        if to.write_all(bytes).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Write);
}
