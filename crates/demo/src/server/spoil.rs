//! Answers that go wrong on demand ([`crate::Fault`]), for tests of clients.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, UNIX_EPOCH};

use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body::{Frame, SizeHint};

use crate::clock;
use crate::faults::{FaultKind, take};
use crate::server::Cloud;
use crate::server::problem::Problem;

/// Longest body that is spoiled; longer ones become empty.
const MAX_BODY: usize = 16 * 1024 * 1024;

/// Lets the faults of a path happen.
pub(super) async fn spoil(State(cloud): State<Arc<Cloud>>, request: Request, next: Next) -> Response {
    let met = take(&mut cloud.faults.lock(), request.uri().path());
    if met.is_empty() {
        return next.run(request).await;
    }
    tracing::warn!(path = request.uri().path(), faults = ?met, "this answer goes wrong on demand");
    let status = met.iter().find_map(|kind| match kind {
        FaultKind::Status(status) => StatusCode::from_u16(*status).ok(),
        _ => None,
    });
    for kind in &met {
        if let FaultKind::Slow(time) = kind {
            tokio::time::sleep(*time).await;
        }
    }
    let mut response = match status {
        Some(status) => {
            Problem::new(status, "on-demand", "Gone wrong on demand", "a fault was asked for").into_response()
        }
        None => next.run(request).await,
    };
    for kind in met {
        response = apply(response, &kind).await;
    }
    response
}

/// A body that breaks off.
struct Cut {
    /// What it claims to have.
    size: u64,
    rest: Option<Bytes>,
    flushed: bool,
}

impl HttpBody for Cut {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        if let Some(rest) = self.rest.take() {
            return Poll::Ready(Some(Ok(Frame::data(rest))));
        }
        // One pause, in which the first half is sent.
        if !std::mem::replace(&mut self.flushed, true) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(std::io::ErrorKind::ConnectionAborted.into())))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.size)
    }
}

async fn apply(mut response: Response, kind: &FaultKind) -> Response {
    match kind {
        FaultKind::Status(_) | FaultKind::Slow(_) => {}
        FaultKind::Truncated => {
            let (mut head, body) = response.into_parts();
            head.headers.remove(header::CONTENT_LENGTH);
            let mut whole = to_bytes(body, MAX_BODY).await.unwrap_or_default();
            whole.truncate(whole.len() / 2);
            response = Response::from_parts(head, Body::from(whole));
        }
        FaultKind::Cut => {
            let (head, body) = response.into_parts();
            // The length stays that of the whole body, so that the client knows what it did not get.
            let mut whole = to_bytes(body, MAX_BODY).await.unwrap_or_default();
            let size = u64::try_from(whole.len()).unwrap_or_default();
            whole.truncate(whole.len() / 2);
            response = Response::from_parts(head, Body::new(Cut { size, rest: Some(whole), flushed: false }));
        }
        FaultKind::NotJson => {
            let (mut head, _) = response.into_parts();
            head.headers.remove(header::CONTENT_LENGTH);
            response =
                Response::from_parts(head, Body::from("<html><body>Please log in to this network.</body></html>"));
        }
        FaultKind::Clock(seconds) => {
            let now = i64::try_from(clock::unix_micros() / 1_000_000).unwrap_or_default();
            let told = Duration::from_secs(u64::try_from(now.saturating_add(*seconds)).unwrap_or_default());
            let date = httpdate::fmt_http_date(UNIX_EPOCH + told);
            if let Ok(date) = HeaderValue::from_str(&date) {
                response.headers_mut().insert(header::DATE, date);
            }
        }
    }
    response
}
