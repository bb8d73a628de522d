//! A tiny HTTP/1.1 server on loopback: one connection, one request, one answer of any bytes, close.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, unbounded};

use crate::script::{LOOPBACK, PATIENCE};

pub(crate) struct Web {
    pub(crate) address: SocketAddr,
    requests: Receiver<String>,
}

type Answer = Arc<dyn Fn(&str) -> Vec<u8> + Send + Sync>;

impl Web {
    /// `answer` gets the whole request and returns the raw bytes of the answer; none closes the connection.
    pub(crate) fn new(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::over(answer, |stream| Box::new(stream))
    }

    /// The same over whatever `wrap` makes of a connection, for example TLS.
    pub(crate) fn over(
        answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static,
        wrap: impl Fn(TcpStream) -> Box<dyn ReadWrite> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((LOOPBACK, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, requests) = unbounded();
        let (answer, wrap): (Answer, _) = (Arc::new(answer), Arc::new(wrap));
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let (answer, wrap, seen) = (Arc::clone(&answer), Arc::clone(&wrap), seen.clone());
                thread::spawn(move || {
                    let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
                    serve(wrap(stream), &answer, &seen);
                });
            }
        });
        Self { address, requests }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The next request that came, header and body.
    pub(crate) fn request(&self) -> String {
        self.requests.recv_timeout(PATIENCE).expect("a request")
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.len()
    }

    /// An answer with a length, for a connection that closes.
    pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {status} Test\r\nContent-Length: {}\r\nConnection: close\r\n", body.len());
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let mut bytes = (head + "\r\n").into_bytes();
        bytes.extend_from_slice(body);
        bytes
    }
}

pub(crate) trait ReadWrite: Read + Write {}
impl<T: Read + Write> ReadWrite for T {}

fn serve(mut stream: Box<dyn ReadWrite>, answer: &Answer, seen: &Sender<String>) {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(length) => request.extend_from_slice(&buffer[..length]),
        }
        let text = String::from_utf8_lossy(&request).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
        });
        if body.len() < length.unwrap_or(0) {
            continue;
        }
        let _ = seen.send(text.clone());
        let _ = stream.write_all(&answer(&text));
        let _ = stream.flush();
        return;
    }
}
