//! Things that go wrong on demand, for tests of clients.

use std::str::FromStr;
use std::time::Duration;

/// How an answer is spoiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// This status with a problem body instead of the answer; nothing is done.
    Status(u16),
    /// The answer comes so much later.
    Slow(Duration),
    /// The first half of the body.
    Truncated,
    /// The connection breaks after the first half of the body.
    Cut,
    /// A page of HTML instead of the body, with the same status and type.
    NotJson,
    /// The `Date` of the answer is off by so many seconds.
    Clock(i64),
}

/// Something that goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Beginning of the paths that it meets.
    pub path: String,
    /// What happens.
    pub kind: FaultKind,
    /// Answers that are spoiled; `None` = all.
    pub times: Option<u32>,
}

/// Why a fault is not understood.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a fault is PATH=KIND or PATH=KIND*TIMES, KIND one of 400 to 599, slow:MILLIS, truncated, cut, not-json, clock:SECONDS"
)]
pub struct FaultError;

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let (path, rest) = text.split_once('=').ok_or(FaultError)?;
        let (kind, times) = match rest.split_once('*') {
            Some((kind, times)) => (kind, Some(times.parse().ok().filter(|times| *times > 0).ok_or(FaultError)?)),
            None => (rest, None),
        };
        let kind = match kind.split_once(':') {
            None if kind == "truncated" => FaultKind::Truncated,
            None if kind == "cut" => FaultKind::Cut,
            None if kind == "not-json" => FaultKind::NotJson,
            None => {
                let status = kind.parse().ok().filter(|status| (400..600).contains(status));
                FaultKind::Status(status.ok_or(FaultError)?)
            }
            Some(("slow", millis)) => {
                FaultKind::Slow(Duration::from_millis(millis.parse::<u32>().map_err(|_| FaultError)?.into()))
            }
            Some(("clock", seconds)) => FaultKind::Clock(seconds.parse::<i32>().map_err(|_| FaultError)?.into()),
            Some(_) => return Err(FaultError),
        };
        if !path.starts_with('/') {
            return Err(FaultError);
        }
        Ok(Self { path: path.to_owned(), kind, times })
    }
}

/// What goes wrong with a request for this path; counts down.
pub(crate) fn take(faults: &mut Vec<Fault>, path: &str) -> Vec<FaultKind> {
    let mut met = Vec::new();
    for fault in faults.iter_mut().filter(|fault| path.starts_with(&fault.path)) {
        met.push(fault.kind.clone());
        if let Some(times) = &mut fault.times {
            *times = times.saturating_sub(1);
        }
    }
    faults.retain(|fault| fault.times != Some(0));
    met
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn faults_are_read_and_counted() {
        let mut faults: Vec<Fault> = [
            "/api/v1/titles=500*2",
            "/api=slow:30",
            "/oauth/token=truncated",
            "/=clock:-86400",
            "/b=not-json",
            "/c=cut",
        ]
        .iter()
        .map(|text| text.parse().unwrap())
        .collect();
        let slow = FaultKind::Slow(Duration::from_millis(30));
        let clock = FaultKind::Clock(-86400);
        assert_eq!(take(&mut faults, "/api/v1/me"), [slow.clone(), clock.clone()]);
        for _ in 0..2 {
            let met = take(&mut faults, "/api/v1/titles");
            assert_eq!(met, [FaultKind::Status(500), slow.clone(), clock.clone()]);
        }
        assert_eq!(take(&mut faults, "/api/v1/titles"), [slow, clock]);
        for bad in ["", "api=500", "/api=200", "/api=slow", "/api=slow:x", "/api=500*x", "/api=sad"] {
            assert_eq!(bad.parse::<Fault>(), Err(FaultError), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_faults_never_panic(text in ".{0,60}") {
            let _ = text.parse::<Fault>();
            let _ = format!("/{text}={text}").parse::<Fault>();
        }
    }
}
