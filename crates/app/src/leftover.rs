//! Games that outlived the run of the app that started them.
//!
//! A player goes on when the app is killed. So that its game still counts, a record lies beside its report as long as
//! nobody has taken its end in. Whoever removes the record counts the game, so it counts once, whatever happens and
//! however many apps look.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::{Duration, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::report::{self, Played};
use crate::view::PlayState;
use crate::{App, AppEvent, blocking};

/// How often a game that still runs is looked for. A look reads one small file for each.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// Records whose player left no report by then are of players that crashed.
const GIVE_UP: Duration = Duration::from_secs(24 * 60 * 60);
/// Largest record and largest report that are read.
const LARGEST: u64 = 1024 * 1024;
/// What the names of records end with. Those of reports, `<millis>.json`, do not.
const ENDING: &str = ".pending.json";
const VERSION: u32 = 1;

/// A game whose end was not taken in yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    version: u32,
    /// `provider/title`.
    pub(crate) edition: String,
    /// For people.
    pub(crate) title: String,
    /// When its player was started, in Unix milliseconds.
    pub(crate) started_millis: u64,
    /// When its first picture came, if it did.
    pub(crate) playing_since_millis: Option<u64>,
}

impl Record {
    pub(crate) const fn new(edition: String, title: String, started_millis: u64) -> Self {
        Self { version: VERSION, edition, title, started_millis, playing_since_millis: None }
    }

    /// Writes it beside `report`: whole, or not at all.
    pub(crate) fn write(&self, report: &Path) -> std::io::Result<()> {
        let path = beside(report);
        let part = path.with_extension("part");
        std::fs::write(&part, serde_json::to_vec(self)?)?;
        std::fs::rename(&part, &path)
    }
}

/// The record's place.
fn beside(report: &Path) -> PathBuf {
    let name = report.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    report.with_file_name(name + ENDING)
}

/// Whether this file is a record, not a report.
pub(crate) fn is_record(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(ENDING))
}

/// Takes the record away; true for the one who did, who counts the game.
pub(crate) fn claim(report: &Path) -> bool {
    std::fs::remove_file(beside(report)).is_ok()
}

/// A game that has ended while nobody looked.
#[derive(Debug)]
struct Found {
    record: Record,
    report: Value,
    file: PathBuf,
    seconds: u64,
    ended_millis: u64,
}

/// Takes every record whose game is over, oldest first, and says whether others still wait.
fn collect(folder: &Path, own: Option<&Path>, now_millis: u64) -> (Vec<Found>, bool) {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| is_record(path)).collect();
    paths.sort();
    let (mut found, mut waiting) = (Vec::new(), false);
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let file = path.with_file_name(name.replace(ENDING, ".json"));
        if own.is_some_and(|own| own == file) {
            continue;
        }
        let Some(record) = read(&path).and_then(|bytes| record(&bytes)) else {
            // Nothing can be learnt from it, now or later.
            let _ = std::fs::remove_file(&path);
            continue;
        };
        match ended(&file) {
            Some((report, ended_millis)) if claim(&file) => {
                let ended_millis = ended_millis.min(now_millis);
                let seconds = seconds(&record, &report, ended_millis);
                found.push(Found { record, report, file, seconds, ended_millis });
            }
            Some(_) => {}
            None => {
                let age = Duration::from_millis(now_millis.saturating_sub(record.started_millis));
                if age >= GIVE_UP {
                    let _ = std::fs::remove_file(&path);
                } else {
                    waiting = true;
                }
            }
        }
    }
    (found, waiting)
}

fn read(path: &Path) -> Option<Vec<u8>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    std::fs::File::open(path).ok()?.take(LARGEST).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// One record; `None` = not one, or of a newer version.
fn record(bytes: &[u8]) -> Option<Record> {
    serde_json::from_slice(bytes).ok().filter(|record: &Record| record.version == VERSION)
}

/// The report, and when it was written, once it is whole: a player makes its file at the start and fills it at the end.
fn ended(file: &Path) -> Option<(Value, u64)> {
    let report: Value = serde_json::from_slice(&read(file)?).ok()?;
    let written = std::fs::metadata(file).ok()?.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some((report, u64::try_from(written.as_millis()).unwrap_or(u64::MAX)))
}

/// Seconds from the first picture to the end.
fn seconds(record: &Record, report: &Value, ended_millis: u64) -> u64 {
    let since = record.playing_since_millis.or_else(|| {
        // The app was gone before the first picture; the player knows how long that took.
        let first = report.pointer("/session/first_picture_ms")?.as_f64().filter(|first| *first >= 0.0)?;
        let first = Duration::try_from_secs_f64(first / 1000.0).ok()?;
        record.started_millis.checked_add(u64::try_from(first.as_millis()).ok()?)
    });
    since.map_or(0, |since| ended_millis.saturating_sub(since) / 1000)
}

impl App {
    /// Counts games that ended while no app was there, shows the last one's report, and goes on looking as long as one
    /// still runs.
    pub(crate) async fn take_in_leftovers(&self) {
        if self.look_for_leftovers().await && !self.inner.game.watch_leftovers() {
            let app = Arc::downgrade(&self.inner);
            let clock = Arc::clone(&self.inner.parts.clock);
            tokio::spawn(async move {
                loop {
                    clock.sleep(LOOK_AGAIN).await;
                    let Some(inner) = Weak::upgrade(&app) else { return };
                    let app = Self { inner };
                    if !app.look_for_leftovers().await {
                        app.inner.game.leftovers_are_in();
                        return;
                    }
                }
            });
        }
    }

    /// One look; true while games still run that a former app started.
    pub(crate) async fn look_for_leftovers(&self) -> bool {
        let (folder, own) = (self.inner.parts.reports.clone(), self.inner.game.own_report());
        let now = self.inner.parts.clock.unix_millis();
        let choices = Arc::clone(&self.inner.parts.choices);
        let looked = blocking(move || {
            let (found, waiting) = collect(&folder, own.as_deref(), now);
            let mut failed = None;
            for game in found.iter().filter(|game| game.seconds > 0) {
                if let Err(problem) = choices.played(&game.record.edition, game.ended_millis, game.seconds) {
                    failed = Some(problem);
                }
            }
            Ok((found, waiting, failed))
        });
        let (mut found, waiting, failed) = match looked.await {
            Ok(looked) => looked,
            Err(problem) => {
                self.tell(AppEvent::Note { problem });
                return false;
            }
        };
        if let Some(problem) = failed {
            self.tell(AppEvent::Note { problem });
        }
        let counted = !found.is_empty();
        if let Some(last) = found.pop().filter(|last| last.seconds > 0) {
            let played = Played {
                card_id: Some(last.record.edition),
                title: last.record.title,
                seconds: last.seconds,
                file: Some(last.file.display().to_string()),
                ended: String::new(),
            };
            self.show_if_idle(PlayState::Ended { report: report::after_play(played, &last.report) });
        }
        if counted {
            self.shelf_changed();
        }
        waiting
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn started(millis: u64) -> Record {
        Record::new("demo/game".to_owned(), "Comet Relay".to_owned(), millis)
    }

    #[test]
    fn a_game_is_found_when_its_report_is_whole_and_by_one_only() {
        let folder = tempfile::tempdir().unwrap();
        let report = folder.path().join("1000.json");
        let now = 1_000_000_000_000_000;
        started(now).write(&report).unwrap();
        std::fs::write(&report, "").unwrap();
        assert!(matches!(collect(folder.path(), None, now), (found, true) if found.is_empty()));
        std::fs::write(&report, "{\"session\":").unwrap();
        assert!(matches!(collect(folder.path(), None, now), (found, true) if found.is_empty()));
        std::fs::write(&report, "{}").unwrap();
        assert!(matches!(collect(folder.path(), Some(&report), now), (found, false) if found.is_empty()), "our own");
        let (found, waiting) = collect(folder.path(), None, now);
        assert_eq!((found.len(), waiting), (1, false));
        assert!(!claim(&report), "it is claimed");
        assert!(collect(folder.path(), None, now).0.is_empty());
    }

    #[test]
    fn what_a_crash_left_goes_after_a_day_and_rubbish_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let report = folder.path().join("5.json");
        started(0).write(&report).unwrap();
        let day = 24 * 60 * 60 * 1000;
        assert!(collect(folder.path(), None, day - 1).1);
        assert!(!collect(folder.path(), None, day).1);
        std::fs::write(beside(&report), "no record").unwrap();
        assert!(!collect(folder.path(), None, 0).1);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn play_time_begins_with_the_first_picture() {
        let mut record = started(10_000);
        let report = json!({ "session": { "first_picture_ms": 1500.0 } });
        assert_eq!(seconds(&record, &report, 71_500), 60);
        assert_eq!(seconds(&record, &json!({}), 71_500), 0, "there was none");
        record.playing_since_millis = Some(12_000);
        assert_eq!(seconds(&record, &report, 72_000), 60);
        assert_eq!(seconds(&record, &report, 1), 0, "the clock was set back");
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_record_or_not(bytes: Vec<u8>, first: f64, started: u64, ended: u64) {
            let _ = record(&bytes);
            let record = Record::new(String::new(), String::new(), started);
            let _ = seconds(&record, &json!({ "session": { "first_picture_ms": first } }), ended);
        }
    }
}
