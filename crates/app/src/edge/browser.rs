//! The user's browser, and the way back from it.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use async_trait::async_trait;
use entente_model::port::{BrowserPort, RedirectPort};
use entente_model::{Problem, ProblemKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The path that a service sends the browser back to.
const PATH: &str = "/callback";
/// Longest head of a request.
const LONGEST: usize = 16 * 1024;
/// Time for a head; browsers open connections that they do not use.
const HEAD_LIMIT: Duration = Duration::from_secs(10);
/// What the browser shows at the end.
const PAGE: &str = include_str!("returned.html");

/// The system's browser.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemBrowser;

#[async_trait]
impl BrowserPort for SystemBrowser {
    async fn listen(&self) -> Result<Box<dyn RedirectPort>, Problem> {
        let failed = |error: std::io::Error| {
            Problem::new(
                ProblemKind::Fault,
                "The browser could not be waited for.",
                format!("No port of this computer can be opened ({error})."),
                "Sign in with a code instead.",
            )
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Box::new(Loopback { listener, address }))
    }

    async fn open(&self, url: &str) -> Result<(), Problem> {
        let url = url.to_owned();
        // Starting a browser can block for seconds.
        let opened = tokio::task::spawn_blocking(move || webbrowser::open(&url)).await;
        match opened {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(no_browser(&error.to_string())),
            Err(error) => Err(no_browser(&error.to_string())),
        }
    }
}

fn no_browser(why: &str) -> Problem {
    Problem::new(
        ProblemKind::Unsupported,
        "No browser could be opened.",
        format!("The system said: {why}."),
        "Open the shown address yourself, or sign in with a code.",
    )
}

struct Loopback {
    listener: TcpListener,
    address: SocketAddr,
}

#[async_trait]
impl RedirectPort for Loopback {
    fn url(&self) -> String {
        format!("http://{}{PATH}", self.address)
    }

    async fn query(&mut self) -> Result<String, Problem> {
        loop {
            let accepted = self.listener.accept().await;
            let (mut stream, _) = accepted.map_err(|error| {
                Problem::new(
                    ProblemKind::Fault,
                    "The browser could not be waited for.",
                    format!("The open port failed ({error})."),
                    "Start the sign-in again.",
                )
                .retriable()
            })?;
            // Other requests (an icon, a curious program) get their answer and change nothing.
            match tokio::time::timeout(HEAD_LIMIT, target(&mut stream)).await {
                Ok(Some(target)) => match target.strip_prefix(PATH).and_then(|rest| rest.strip_prefix('?')) {
                    Some(query) => {
                        answer(&mut stream, "200 OK", PAGE).await;
                        return Ok(query.to_owned());
                    }
                    None => answer(&mut stream, "404 Not Found", "").await,
                },
                Ok(None) => answer(&mut stream, "400 Bad Request", "").await,
                Err(_) => {}
            }
        }
    }
}

/// The target of a GET, once its head is there.
async fn target(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut chunk = [0; 2048];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let count = stream.read(&mut chunk).await.ok().filter(|count| *count > 0)?;
        head.extend_from_slice(chunk.get(..count)?);
        if head.len() > LONGEST {
            return None;
        }
    }
    request_target(&head)
}

/// The target in the head of a GET request (RFC 9112, section 3).
#[must_use]
pub fn request_target(head: &[u8]) -> Option<String> {
    let line = head.split(|byte| *byte == b'\n').next()?;
    let line = std::str::from_utf8(line).ok()?.trim_end_matches('\r');
    let mut parts = line.split(' ');
    let (method, target, version) = (parts.next()?, parts.next()?, parts.next()?);
    // RFC 3986 leaves no control characters and nothing beyond ASCII in a target.
    let plain = target.starts_with('/') && target.bytes().all(|byte| byte.is_ascii_graphic());
    let right = method == "GET" && plain && version.starts_with("HTTP/1.") && parts.next().is_none();
    right.then(|| target.to_owned())
}

async fn answer(stream: &mut TcpStream, status: &str, page: &str) {
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\nconnection: close\r\n\
         cache-control: no-store\r\nreferrer-policy: no-referrer\r\n\
         content-security-policy: default-src 'none'; style-src 'unsafe-inline'\r\n\r\n",
        page.len()
    );
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(page.as_bytes()).await;
    let _ = stream.shutdown().await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    async fn ask(address: &str, text: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn the_first_callback_counts_and_nothing_else() {
        let mut redirect = SystemBrowser.listen().await.unwrap();
        let url = redirect.url();
        let address = url.strip_prefix("http://").unwrap().strip_suffix(PATH).unwrap().to_owned();
        let asking = async {
            assert!(ask(&address, "GET /favicon.ico HTTP/1.1\r\n\r\n").await.starts_with("HTTP/1.1 404"));
            assert!(ask(&address, "POST /callback?code=evil HTTP/1.1\r\n\r\n").await.starts_with("HTTP/1.1 400"));
            let page = ask(&address, "GET /callback?code=a&state=b HTTP/1.1\r\nhost: x\r\n\r\n").await;
            assert!(page.starts_with("HTTP/1.1 200") && page.contains("</html>"), "{page}");
        };
        let (query, ()) = tokio::join!(redirect.query(), asking);
        assert_eq!(query.unwrap(), "code=a&state=b");
    }

    proptest! {
        #[test]
        fn any_head_is_read_or_refused(head in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = request_target(&head);
        }
    }
}
