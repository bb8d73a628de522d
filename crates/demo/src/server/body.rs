//! Bodies and bearer tokens of requests: read within limits of size and time.

use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::server::problem::Problem;

/// Time for a body to arrive.
const BODY_LIMIT: Duration = Duration::from_secs(10);
/// Longest token; ours have 43 characters.
const MAX_TOKEN: usize = 512;

/// The body of a request, which must be of this kind and at most so long.
pub(super) async fn text(
    headers: &HeaderMap,
    kind: &'static str,
    body: Body,
    longest: usize,
) -> Result<String, Problem> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    if !given.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case(kind) {
        let detail = format!("the body must be {kind}");
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type", "Wrong kind of body", detail));
    }
    let late = || Problem::new(StatusCode::REQUEST_TIMEOUT, "timeout", "Too slow", "the body did not arrive in time");
    let large = |_| {
        let detail = format!("at most {longest} bytes are read");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "Too large", detail)
    };
    let bytes: Bytes =
        tokio::time::timeout(BODY_LIMIT, to_bytes(body, longest)).await.map_err(|_| late())?.map_err(large)?;
    String::from_utf8(bytes.to_vec()).map_err(|_| Problem::bad_request("the body is not UTF-8"))
}

/// The bearer token of a request (RFC 6750 section 2.1).
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let given = headers.get(header::AUTHORIZATION).and_then(|value: &HeaderValue| value.to_str().ok())?;
    let (scheme, rest) = given.split_at_checked(7)?;
    let token = rest.trim();
    (scheme.eq_ignore_ascii_case("bearer ") && !token.is_empty() && token.len() <= MAX_TOKEN).then_some(token)
}

/// Compares without telling by time how much was right.
pub(super) fn same(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len() && left.iter().zip(right).fold(0, |all, (left, right)| all | (left ^ right)) == 0
}
