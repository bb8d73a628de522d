//! What services list, kept here so that the shelf appears at once and offline: the catalogue, pictures, and apart from
//! both what the user said about titles.

mod art;
mod choices;
mod refresh;

use std::path::{Path, PathBuf};
use std::time::Duration;

use entente_model::catalogue::{ProviderId, Title};
use entente_model::{Problem, ProblemKind};
use parking_lot::Mutex;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, params};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::disk::{self, Guard};

pub use self::art::{ArtCache, LARGEST_PICTURE, Mime, Picture};
pub(crate) use self::choices::fuzz as fuzz_choices;
pub use self::choices::{Choices, Chosen, Played};
pub use self::refresh::{Changes, Refresh};

/// Name of the catalogue in the folder for what can be got again. A new form gets a new number: what an older version
/// left is not read, and an older version does not read this.
pub const FILE: &str = "library-1.sqlite";
/// Name of the file with what the user said, in the folder for what cannot be got again.
pub const CHOICES_FILE: &str = "choices.json";
/// Name of the folder with pictures, in the folder for what can be got again.
pub const ART_FOLDER: &str = "art";

/// "Ent" and the form, in the head of the file.
const APPLICATION_ID: i32 = 0x456e_7401;
/// How long to wait for another shell that writes.
const BUSY: Duration = Duration::from_secs(5);
const SCHEMA: &str = "
    CREATE TABLE title(
        provider TEXT NOT NULL, id TEXT NOT NULL, folded TEXT NOT NULL, json TEXT NOT NULL, added_millis INTEGER NOT NULL,
        PRIMARY KEY(provider, id));
    CREATE TABLE reading(
        provider TEXT PRIMARY KEY, mark TEXT, read_millis INTEGER NOT NULL, serial INTEGER NOT NULL);
    CREATE TABLE refresh(id INTEGER PRIMARY KEY AUTOINCREMENT, provider TEXT NOT NULL, started_millis INTEGER NOT NULL);
    CREATE TABLE staged(
        refresh INTEGER NOT NULL, id TEXT NOT NULL, folded TEXT NOT NULL, json TEXT, PRIMARY KEY(refresh, id));
    PRAGMA user_version = 1;";

/// A title that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Whose.
    pub provider: ProviderId,
    /// As the provider gave it.
    pub title: Title,
    /// When it was seen here first, Unix milliseconds.
    pub added_millis: u64,
}

/// The last complete reading of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Whose.
    pub provider: ProviderId,
    /// What to give as `since` the next time.
    pub mark: Option<String>,
    /// When it was complete, Unix milliseconds.
    pub read_millis: u64,
}

/// The catalogue. Calls block for the time of a database access.
#[derive(Debug)]
pub struct Library {
    file: PathBuf,
    connection: Mutex<Connection>,
    notes: Mutex<Vec<Problem>>,
}

impl Library {
    /// Opens the catalogue in `file`. A damaged one is begun anew; one that cannot be written can be read, and if there is
    /// none, it is in memory. All this is found in [`Library::take_notes`].
    ///
    /// # Errors
    /// Not even memory is left.
    pub fn open(file: PathBuf) -> Result<Self, Problem> {
        let mut notes = Vec::new();
        let connection = match open_sound(&file, &mut notes) {
            Ok(connection) => connection,
            Err(problem) => {
                notes.push(problem);
                connect_in_memory().map_err(|error| say(&file, &error))?
            }
        };
        Ok(Self { file, connection: Mutex::new(connection), notes: Mutex::new(notes) })
    }

    /// What the user should hear about. Each is given once.
    pub fn take_notes(&self) -> Vec<Problem> {
        std::mem::take(&mut *self.notes.lock())
    }

    /// All titles, in the order of their names. Titles that cannot be read are left out, and their provider is read
    /// whole the next time.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn titles(&self) -> Result<Vec<Known>, Problem> {
        self.with(|connection| {
            let mut rows = connection.prepare("SELECT provider, json, added_millis, id FROM title ORDER BY folded")?;
            let (mut titles, mut strange) = (Vec::new(), Vec::new());
            let mut rows = rows.query(())?;
            while let Some(row) = rows.next()? {
                let provider: String = row.get(0)?;
                let title = row.get_ref(1)?.as_str().ok().and_then(|json| serde_json::from_str::<Title>(json).ok());
                match title {
                    Some(title) => {
                        titles.push(Known { provider: ProviderId(provider), title, added_millis: millis(row.get(2)?) })
                    }
                    None => strange.push(provider),
                }
            }
            strange.dedup();
            for provider in strange {
                connection.execute("UPDATE reading SET mark = NULL WHERE provider = ?", [provider])?;
            }
            Ok(titles)
        })
    }

    /// Titles whose name holds every word of `query`, accents and case aside; those that begin with it first.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn search(&self, query: &str, limit: usize) -> Result<Vec<(ProviderId, String)>, Problem> {
        let folded = fold(query);
        let words: Vec<String> =
            folded.split_whitespace().take(16).map(|word| format!("%{}%", escaped(word))).collect();
        let mut sql = "SELECT provider, id FROM title WHERE 1".to_owned();
        sql.extend(words.iter().map(|_| " AND folded LIKE ? ESCAPE '\\'"));
        sql.push_str(" ORDER BY folded NOT LIKE ? ESCAPE '\\', folded LIMIT ?");
        let begins = format!("{}%", escaped(folded.trim()));
        let limit = i64::try_from(limit).unwrap_or(i64::MAX).to_string();
        self.with(|connection| {
            let values = words.iter().chain([&begins, &limit]);
            let mut rows = connection.prepare(&sql)?;
            let found =
                rows.query_map(rusqlite::params_from_iter(values), |row| Ok((ProviderId(row.get(0)?), row.get(1)?)))?;
            found.collect()
        })
    }

    /// The last complete reading of `provider`, if there was one.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn reading(&self, provider: &ProviderId) -> Result<Option<Reading>, Problem> {
        self.with(|connection| {
            connection
                .query_row("SELECT mark, read_millis FROM reading WHERE provider = ?", [&provider.0], |row| {
                    Ok(Reading { provider: provider.clone(), mark: row.get(0)?, read_millis: millis(row.get(1)?) })
                })
                .optional()
        })
    }

    /// Forgets all titles of `provider`.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn forget(&self, provider: &ProviderId) -> Result<(), Problem> {
        self.with(|connection| {
            let transaction = connection.transaction()?;
            transaction.execute(
                "DELETE FROM staged WHERE refresh IN (SELECT id FROM refresh WHERE provider = ?)",
                [&provider.0],
            )?;
            for table in ["refresh", "title", "reading"] {
                transaction.execute(&format!("DELETE FROM {table} WHERE provider = ?"), [&provider.0])?;
            }
            transaction.commit()
        })
    }

    /// One access. A file that turns out to be damaged is begun anew, empty.
    fn with<T>(&self, work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T, Problem> {
        let mut connection = self.connection.lock();
        let error = match work(&mut connection) {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        if !is_damage(&error) {
            return Err(say(&self.file, &error));
        }
        let placeholder = Connection::open_in_memory().map_err(|error| say(&self.file, &error))?;
        // Closed first: some systems do not remove files that are open.
        drop(std::mem::replace(&mut *connection, placeholder));
        *connection = rebuild(&self.file, &mut self.notes.lock())?;
        Err(damaged(&self.file).retriable())
    }
}

/// Words of a name, for finding it: lower case, without accents.
fn fold(text: &str) -> String {
    text.nfkd().filter(|letter| !is_combining_mark(*letter)).flat_map(char::to_lowercase).collect()
}

fn escaped(word: &str) -> String {
    word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

fn millis(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or(0)
}

fn stored(millis: u64) -> i64 {
    i64::try_from(millis).unwrap_or(i64::MAX)
}

/// The database in `file`, made or begun anew if need be.
fn open_sound(file: &Path, notes: &mut Vec<Problem>) -> Result<Connection, Problem> {
    if let Some(folder) = file.parent() {
        disk::create_folder(folder).map_err(|error| disk::problem("The catalogue cannot be kept.", folder, &error))?;
    }
    // Left behind by a program that was ended hard, or in use by another one.
    let suspicious = with_ending(file, "-wal").metadata().is_ok_and(|meta| meta.len() > 0);
    match connect(file, suspicious) {
        Ok(connection) => Ok(connection),
        Err(error) if is_damage(&error) => rebuild(file, notes),
        Err(error) => {
            let problem = say(file, &error);
            // Not while another shell writes: reading without locks would see half of it.
            if !is_busy(&error)
                && let Ok(connection) = connect_to_read(file)
            {
                notes.push(problem);
                return Ok(connection);
            }
            Err(problem)
        }
    }
}

/// For a disk that is full or cannot be written: no lock, no log, no change.
fn connect_to_read(file: &Path) -> rusqlite::Result<Connection> {
    let name = file.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(format!("file:{name}?immutable=1"), flags)?;
    verify(&connection, true).map(|()| connection)
}

fn connect_in_memory() -> rusqlite::Result<Connection> {
    let connection = Connection::open_in_memory()?;
    connection.execute_batch(SCHEMA).map(|()| connection)
}

fn rebuild(file: &Path, notes: &mut Vec<Problem>) -> Result<Connection, Problem> {
    let _guard = Guard::of(file, disk::LOCK_PATIENCE)?;
    // Another shell may have been faster.
    if let Ok(connection) = connect(file, true) {
        return Ok(connection);
    }
    for ending in ["", "-wal", "-shm"] {
        let path = with_ending(file, ending);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(disk::problem("The catalogue is damaged.", &path, &error));
            }
            _ => {}
        }
    }
    notes.push(damaged(file));
    connect(file, false).map_err(|error| say(file, &error))
}

fn connect(file: &Path, check: bool) -> rusqlite::Result<Connection> {
    let mut connection = Connection::open(file)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    // With a write-ahead log this loses at most the last change at a power cut, and never the file.
    connection.pragma_update(None, "synchronous", "normal")?;
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let tables: i64 = transaction.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0))?;
    if tables == 0 {
        transaction.execute_batch(SCHEMA)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    transaction.commit()?;
    verify(&connection, check).map(|()| connection)
}

/// Whether it is a catalogue, and with `check` a whole one.
fn verify(connection: &Connection, check: bool) -> rusqlite::Result<()> {
    let id: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let verdict: String = if id != APPLICATION_ID {
        "a database of something else".to_owned()
    } else if check {
        connection.query_row("PRAGMA quick_check(1)", (), |row| row.get(0))?
    } else {
        "ok".to_owned()
    };
    if verdict == "ok" {
        return Ok(());
    }
    Err(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT), Some(verdict)))
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

fn with_ending(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(ending);
    file.with_file_name(name)
}

fn is_shared_memory_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|failure| failure.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE)
}

fn is_damage(error: &rusqlite::Error) -> bool {
    match error {
        rusqlite::Error::SqliteFailure(failure, text) => {
            matches!(failure.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
                || text.as_deref().is_some_and(|text| text.starts_with("no such "))
        }
        // A column that holds something else than it should.
        rusqlite::Error::InvalidColumnType(..) | rusqlite::Error::Utf8Error(..) => true,
        rusqlite::Error::SqlInputError { msg, .. } => msg.starts_with("no such "),
        _ => false,
    }
}

fn damaged(file: &Path) -> Problem {
    Problem::new(
        ProblemKind::Storage,
        "The catalogue was damaged and begins anew.",
        format!("{} made no sense.", file.display()),
        "Refresh the library; settings, secrets and favourites are kept elsewhere.",
    )
}

/// Words for a database that did not do what it was asked.
fn say(file: &Path, error: &rusqlite::Error) -> Problem {
    let what = "The catalogue cannot be kept.";
    let file_problem = |kind: std::io::ErrorKind| disk::problem(what, file, &kind.into());
    match error.sqlite_error_code() {
        // What SQLite says when there is no room for the index of its log.
        _ if is_shared_memory_full(error) => file_problem(std::io::ErrorKind::StorageFull),
        Some(ErrorCode::DiskFull) => file_problem(std::io::ErrorKind::StorageFull),
        Some(ErrorCode::ReadOnly) => file_problem(std::io::ErrorKind::ReadOnlyFilesystem),
        Some(ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => file_problem(std::io::ErrorKind::PermissionDenied),
        _ if is_busy(error) => Problem::new(
            ProblemKind::Storage,
            what,
            "Another Entente has been changing it for long.",
            "Close the other one, then try again.",
        )
        .retriable(),
        _ => disk::problem(what, file, &std::io::Error::other(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use entente_model::provider::TitlePage;

    use super::*;

    fn page(titles: std::ops::Range<u32>) -> TitlePage {
        let title = |number| Title {
            id: format!("t{number}"),
            name: format!("Title {number}"),
            description: "x".repeat(500),
            ..Title::default()
        };
        TitlePage { titles: titles.map(title).collect(), ..TitlePage::default() }
    }

    #[test]
    fn a_full_disk_is_said_and_leaves_the_old_state() {
        let root = tempfile::tempdir().unwrap();
        let library = Library::open(root.path().join(FILE)).unwrap();
        let demo = ProviderId("demo".to_owned());
        let mut refresh = library.begin(&demo, None, 1).unwrap();
        library.stage(&mut refresh, &page(0..10)).unwrap();
        library.finish(refresh, 2).unwrap();
        // The database answers as on a full disk when it may have no more pages.
        let pages: i64 = library.connection.lock().pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
        library.connection.lock().pragma_update_and_check(None, "max_page_count", pages + 20, |_| Ok(())).unwrap();
        let mut refresh = library.begin(&demo, None, 3).unwrap();
        let problem = library.stage(&mut refresh, &page(0..1000)).unwrap_err();
        assert!(problem.kind == ProblemKind::Storage && problem.why.contains("No space"), "{problem}");
        assert_eq!(library.titles().unwrap().len(), 10);
        assert_eq!(library.reading(&demo).unwrap().unwrap().read_millis, 2);
    }

    #[test]
    fn names_are_folded_for_finding() {
        assert_eq!(fold("Pokémon ÜBER Straße"), "pokemon uber straße");
        assert_eq!(escaped("50%_\\"), "50\\%\\_\\\\");
    }
}
