//! A failure as a user sees it: what happened, why, what to do next.

use serde::{Deserialize, Serialize};

/// Names of failures that programs may act on; the words beside them are for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProblemKind {
    /// Nobody answers: no network, name not known, connection refused.
    Offline,
    /// The service answered that it cannot, or not now (5xx, 429).
    ServiceBusy,
    /// The service answered something that is not understood.
    BadAnswer,
    /// The connection is not secure (certificate, name).
    NotSecure,
    /// The user said no, at the service.
    Declined,
    /// The time for an answer is over.
    Expired,
    /// Signed out by the service, or never signed in.
    SignedOut,
    /// The account may not do this.
    NotEntitled,
    /// The thing asked for is not there (any more).
    NotFound,
    /// What was asked for makes no sense: a wrong address, PIN or value.
    BadInput,
    /// The clock of this machine is wrong.
    WrongClock,
    /// Secrets cannot be read or kept.
    Secrets,
    /// Files cannot be read or written.
    Storage,
    /// Stopped by the user.
    Cancelled,
    /// The game ended or could not start.
    Player,
    /// This provider has no such thing.
    Unsupported,
    /// A fault of our own.
    Fault,
}

/// A failure in words. `Display` is all three sentences.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(feature = "types", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
#[error("{what} {why} {next_step}")]
pub struct Problem {
    /// For programs.
    pub kind: ProblemKind,
    /// What happened: one sentence.
    pub what: String,
    /// Why: one sentence, may be empty.
    pub why: String,
    /// What to do: one sentence.
    pub next_step: String,
    /// The same action may work when it is tried again.
    pub retry: bool,
}

impl Problem {
    /// A failure that trying again does not mend.
    pub fn new(
        kind: ProblemKind,
        what: impl Into<String>,
        why: impl Into<String>,
        next_step: impl Into<String>,
    ) -> Self {
        Self { kind, what: what.into(), why: why.into(), next_step: next_step.into(), retry: false }
    }

    /// The same, and trying again may help.
    #[must_use]
    pub fn retriable(mut self) -> Self {
        self.retry = true;
        self
    }

    /// The user stopped it.
    #[must_use]
    pub fn cancelled() -> Self {
        Self::new(ProblemKind::Cancelled, "Stopped.", "", "Start again whenever you like.").retriable()
    }
}
