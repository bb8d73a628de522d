//! The HTTP server under the routes: how long a client may take, and how many there may be.

use std::future::{Ready, ready};
use std::net::{SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum_server::accept::Accept;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use axum_server::{Handle, Server};
use hyper_util::rt::TokioTimer;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::HttpLimits;

/// Serves `app` on a listener in the runtime of the caller.
///
/// # Errors
/// When the runtime cannot take the listener.
pub(super) fn serve(
    listener: TcpListener,
    tls: Option<RustlsConfig>,
    limits: &HttpLimits,
    app: Router,
    handle: Handle<SocketAddr>,
) -> std::io::Result<()> {
    let gate = Gate { places: Arc::new(Semaphore::new(limits.connections.min(Semaphore::MAX_PERMITS))) };
    let server = axum_server::from_tcp(listener)?.handle(handle);
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    if let Some(tls) = tls {
        let server = limited(server.acceptor(RustlsAcceptor::new(tls).acceptor(gate)), limits);
        tokio::spawn(async move { ended(server.serve(app).await) });
    } else {
        let server = limited(server.acceptor(gate), limits);
        tokio::spawn(async move { ended(server.serve(app).await) });
    }
    Ok(())
}

/// After the acceptor is set, which forgets the version of HTTP: without one, the time for the first byte is unlimited.
fn limited<A>(server: Server<SocketAddr, A>, limits: &HttpLimits) -> Server<SocketAddr, A> {
    let mut server = server.http1_only();
    server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(limits.header);
    server
}

fn ended(how: std::io::Result<()>) {
    if let Err(error) = how {
        tracing::error!(%error, "the HTTP server ended");
    }
}

/// Closes at once what comes beyond the limit: waiting connections would only hold more of the system.
#[derive(Clone)]
struct Gate {
    places: Arc<Semaphore>,
}

impl<S> Accept<TcpStream, S> for Gate {
    type Stream = Counted;
    type Service = S;
    type Future = Ready<std::io::Result<(Counted, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            tracing::debug!("too many HTTP connections");
            return ready(Err(std::io::Error::other("too many connections")));
        };
        // Without it an answer may wait for an acknowledgement; a system that refuses is merely slower.
        let _ = stream.set_nodelay(true);
        ready(Ok((Counted { stream, _place: place }, service)))
    }
}

/// A connection that gives its place back at its end.
struct Counted {
    stream: TcpStream,
    _place: OwnedSemaphorePermit,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
