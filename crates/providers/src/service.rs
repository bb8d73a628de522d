//! Requests to one service, and what their failures mean to a user.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use entente_model::http::{HttpError, HttpRequest, HttpResponse, Method};
use entente_model::port::Ports;
use entente_model::{Problem, ProblemKind, Secret};
use serde::de::DeserializeOwned;

/// Time for one exchange.
const TIMEOUT: Duration = Duration::from_secs(15);
/// A clock that is off by more is worth a word: tokens and certificates are judged by it.
const WORTH_A_WORD_MILLIS: i64 = 5 * 60 * 1000;
/// Longest text of a service that is shown.
const SHOWN: usize = 200;

/// One service, by its name for people.
pub(crate) struct Service {
    pub(crate) name: String,
    pub(crate) ports: Ports,
    /// The service's clock minus ours, as of the last answer; see [`Service::skew_millis`].
    skew: AtomicI64,
}

impl Service {
    pub(crate) const fn new(name: String, ports: Ports) -> Self {
        Self { name, ports, skew: AtomicI64::new(0) }
    }

    /// A request with nothing but its address.
    pub(crate) fn request(method: Method, url: String) -> HttpRequest {
        let headers = vec![("accept".to_owned(), "application/json".to_owned())];
        HttpRequest { method, url, headers, bearer: None, body: Vec::new(), timeout_millis: TIMEOUT.as_millis() as u64 }
    }

    /// A request as a bearer of `token`.
    pub(crate) fn bearing(mut request: HttpRequest, token: &Secret) -> HttpRequest {
        request.bearer = Some(token.clone());
        request
    }

    /// One exchange; the answer has any status.
    pub(crate) async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Problem> {
        let response = self.ports.http.send(request).await.map_err(|error| self.unreachable(&error))?;
        if let Some(theirs) = response.header("date").and_then(date_millis) {
            let ours = i64::try_from(self.ports.clock.unix_millis()).unwrap_or(i64::MAX);
            self.skew.store(theirs.saturating_sub(ours), Ordering::Relaxed);
        }
        Ok(response)
    }

    /// How far this machine's clock is behind the service's, milliseconds; 0 until an answer came.
    pub(crate) fn skew_millis(&self) -> i64 {
        self.skew.load(Ordering::Relaxed)
    }

    /// The body of a good answer, or what the answer means.
    pub(crate) fn read<T: DeserializeOwned>(&self, response: &HttpResponse) -> Result<T, Problem> {
        self.check(response)?;
        serde_json::from_slice(&response.body).map_err(|error| self.bad_answer(&error.to_string()))
    }

    /// Fails for any status that is not 2xx.
    pub(crate) fn check(&self, response: &HttpResponse) -> Result<(), Problem> {
        if (200..300).contains(&response.status) { Ok(()) } else { Err(self.refused(response)) }
    }

    fn unreachable(&self, error: &HttpError) -> Problem {
        let name = &self.name;
        match error {
            HttpError::Tls(_) => Problem::new(
                ProblemKind::NotSecure,
                format!("The connection to {name} is not secure."),
                sentence(&error.to_string()),
                "Check the date and time of this computer, and the network that you are in.",
            ),
            HttpError::BadUrl(_) => Problem::new(
                ProblemKind::BadInput,
                format!("{name} cannot be asked."),
                sentence(&error.to_string()),
                "Check the address of the service in the settings.",
            ),
            HttpError::TooLarge | HttpError::Broken(_) => self.bad_answer(&error.to_string()),
            HttpError::UnknownHost(_) | HttpError::Connect(_) | HttpError::Timeout => Problem::new(
                ProblemKind::Offline,
                format!("{name} does not answer."),
                sentence(&error.to_string()),
                "Check the network and try again.",
            )
            .retriable(),
        }
    }

    /// The answer is not what the service's document says.
    pub(crate) fn bad_answer(&self, why: &str) -> Problem {
        Problem::new(
            ProblemKind::BadAnswer,
            format!("{} answered something that is not understood.", self.name),
            sentence(why),
            "Try again in a while; if it stays, a newer Entente may be needed.",
        )
        .retriable()
    }

    fn refused(&self, response: &HttpResponse) -> Problem {
        let name = &self.name;
        let detail = sentence(&detail(response).unwrap_or_else(|| format!("The answer was {}", response.status)));
        match response.status {
            401 => self.signed_out(detail),
            403 => Problem::new(
                ProblemKind::NotEntitled,
                format!("{name} does not allow this with your account."),
                detail,
                "Sign in with another account, or look at what the service offers for it.",
            ),
            404 | 410 => Problem::new(
                ProblemKind::NotFound,
                format!("{name} does not have this any more."),
                detail,
                "Refresh the library and try again.",
            ),
            429 | 500..=599 => Problem::new(
                ProblemKind::ServiceBusy,
                format!("{name} cannot do this right now."),
                detail,
                "Try again in a while.",
            )
            .retriable(),
            _ => self.bad_answer(&detail),
        }
    }

    /// The account is gone; a wrong clock is the likelier reason if there is one.
    pub(crate) fn signed_out(&self, why: impl Into<String>) -> Problem {
        let name = &self.name;
        let skew = self.skew_millis();
        if skew.abs() > WORTH_A_WORD_MILLIS {
            let (minutes, way) = (skew.abs() / 60_000, if skew > 0 { "behind" } else { "ahead" });
            return Problem::new(
                ProblemKind::WrongClock,
                format!("{name} does not accept the sign-in of this computer."),
                format!("The clock of this computer is {minutes} minutes {way}."),
                "Set the date and time of this computer, then sign in again.",
            );
        }
        Problem::new(
            ProblemKind::SignedOut,
            format!("You are signed out of {name}."),
            why,
            format!("Sign in to {name} again."),
        )
    }
}

/// The `detail` of a problem body (RFC 9457), shortened and on one line.
fn detail(response: &HttpResponse) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(&response.body).ok()?;
    let text = body.get("detail").or_else(|| body.get("error_description"))?.as_str()?;
    let plain: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(SHOWN).collect();
    Some(plain.trim().to_owned()).filter(|plain| !plain.is_empty())
}

/// `text` with a capital letter and a full stop.
pub(crate) fn sentence(text: &str) -> String {
    let text = text.trim();
    let mut letters = text.chars();
    let Some(first) = letters.next() else { return String::new() };
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{}{}{end}", first.to_uppercase(), letters.as_str())
}

/// An HTTP date (RFC 9110, section 5.6.7; the obsolete forms are not sent by anybody) in Unix milliseconds.
fn date_millis(text: &str) -> Option<i64> {
    chrono::DateTime::parse_from_rfc2822(text).ok().map(|date| date.timestamp_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_closed_once() {
        assert_eq!(sentence("no answer in time"), "No answer in time.");
        assert_eq!(sentence(" Was it you? "), "Was it you?");
        assert_eq!(sentence(""), "");
        assert_eq!(sentence("ärger"), "Ärger.");
    }

    #[test]
    fn the_date_of_http_is_read() {
        assert_eq!(date_millis("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777_000));
        assert_eq!(date_millis("yesterday"), None);
    }

    #[test]
    fn a_long_or_wild_detail_is_tamed() {
        let body = serde_json::json!({ "detail": format!("a\nb{}", "x".repeat(1000)) }).to_string().into_bytes();
        let response = HttpResponse { status: 500, headers: Vec::new(), body, url: String::new() };
        let text = detail(&response).unwrap();
        assert!(text.starts_with("a b") && text.chars().count() == SHOWN, "{text}");
    }
}
