//! Reading a catalogue page by page. Pages are put aside, each in a transaction, and take the place of the older state
//! in one step at the end: a reading that is cancelled or dies leaves that state whole.

use entente_model::catalogue::ProviderId;
use entente_model::provider::TitlePage;
use entente_model::{Problem, ProblemKind};
use rusqlite::{Transaction, TransactionBehavior};

use super::{Library, OptionalExtension, fold, params, stored};

/// Readings that began longer ago than this were left by a program that died: one day, milliseconds.
const ABANDONED_MILLIS: u64 = 24 * 60 * 60 * 1000;

/// A reading under way.
#[derive(Debug)]
#[must_use = "pages are seen after `Library::finish`"]
pub struct Refresh {
    id: i64,
    provider: ProviderId,
    started_millis: i64,
    /// Which state it began with.
    serial: i64,
    complete: bool,
    mark: Option<String>,
}

/// What a reading changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// New titles.
    pub added: usize,
    /// Titles that the provider describes differently now.
    pub changed: usize,
    /// Titles that are gone.
    pub removed: usize,
    /// Another shell was faster; what it read counts, and this reading was dropped.
    pub superseded: bool,
}

impl Library {
    /// Begins a reading at `now_millis`. `since` is what the provider is asked with: the mark of the last reading, or
    /// `None` for the whole catalogue.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn begin(&self, provider: &ProviderId, since: Option<&str>, now_millis: u64) -> Result<Refresh, Problem> {
        self.with(|connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let oldest = stored(now_millis.saturating_sub(ABANDONED_MILLIS));
            transaction.execute(
                "DELETE FROM staged WHERE refresh NOT IN (SELECT id FROM refresh WHERE started_millis >= ?)",
                [oldest],
            )?;
            transaction.execute("DELETE FROM refresh WHERE started_millis < ?", [oldest])?;
            let serial = serial(&transaction, provider)?;
            transaction.execute(
                "INSERT INTO refresh(provider, started_millis) VALUES (?, ?)",
                params![provider.0, stored(now_millis)],
            )?;
            let id = transaction.last_insert_rowid();
            transaction.commit()?;
            let started_millis = stored(now_millis);
            Ok(Refresh {
                id,
                provider: provider.clone(),
                started_millis,
                serial,
                complete: since.is_none(),
                mark: None,
            })
        })
    }

    /// Puts a page aside.
    ///
    /// # Errors
    /// The file cannot be written, and nothing of the page is kept; or the catalogue began anew meanwhile, and so must
    /// this reading.
    pub fn stage(&self, refresh: &mut Refresh, page: &TitlePage) -> Result<(), Problem> {
        let staged = self.with(|connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            if !is_known(&transaction, refresh)? {
                return Ok(false);
            }
            stage_in(&transaction, refresh.id, page)?;
            transaction.commit().map(|()| true)
        })?;
        if !staged {
            return Err(Problem::new(
                ProblemKind::Storage,
                "The list of titles was not kept.",
                "The catalogue began anew while it was being read.",
                "Refresh the library again.",
            )
            .retriable());
        }
        refresh.complete |= page.complete;
        if page.mark.is_some() {
            refresh.mark.clone_from(&page.mark);
        }
        Ok(())
    }

    /// Puts what was read in the place of the older state, in one step.
    ///
    /// # Errors
    /// The file cannot be written; the older state stays.
    pub fn finish(&self, refresh: Refresh, now_millis: u64) -> Result<Changes, Problem> {
        self.with(|connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let current =
                is_known(&transaction, &refresh)? && serial(&transaction, &refresh.provider)? == refresh.serial;
            let changes = if current {
                take_over(&transaction, &refresh, now_millis)?
            } else {
                Changes { superseded: true, ..Changes::default() }
            };
            clear(&transaction, refresh.id)?;
            transaction.commit()?;
            Ok(changes)
        })
    }

    /// Drops what was put aside.
    ///
    /// # Errors
    /// The file cannot be written; what was put aside goes with a later reading.
    pub fn abandon(&self, refresh: Refresh) -> Result<(), Problem> {
        self.with(|connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            clear(&transaction, refresh.id)?;
            transaction.commit()
        })
    }
}

/// A catalogue that began anew knows nothing of readings from before.
fn is_known(transaction: &Transaction<'_>, refresh: &Refresh) -> rusqlite::Result<bool> {
    transaction.prepare("SELECT 1 FROM refresh WHERE id = ? AND provider = ? AND started_millis = ?")?.exists(params![
        refresh.id,
        refresh.provider.0,
        refresh.started_millis
    ])
}

fn stage_in(transaction: &Transaction<'_>, refresh: i64, page: &TitlePage) -> rusqlite::Result<()> {
    let mut put =
        transaction.prepare("INSERT OR REPLACE INTO staged(refresh, id, folded, json) VALUES (?, ?, ?, ?)")?;
    for title in &page.titles {
        let json =
            serde_json::to_string(title).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        put.execute(params![refresh, title.id, fold(&title.name), json])?;
    }
    for id in &page.removed {
        put.execute(params![refresh, id, "", None::<String>])?;
    }
    Ok(())
}

/// Counts the complete readings of a provider.
fn serial(transaction: &Transaction<'_>, provider: &ProviderId) -> rusqlite::Result<i64> {
    let serial =
        transaction.query_row("SELECT serial FROM reading WHERE provider = ?", [&provider.0], |row| row.get(0));
    Ok(serial.optional()?.unwrap_or(0))
}

fn take_over(transaction: &Transaction<'_>, refresh: &Refresh, now_millis: u64) -> rusqlite::Result<Changes> {
    let (id, provider) = (refresh.id, &refresh.provider.0);
    let mut removed = transaction.execute(
        "DELETE FROM title WHERE provider = ?1
            AND id IN (SELECT id FROM staged WHERE refresh = ?2 AND json IS NULL)",
        params![provider, id],
    )?;
    if refresh.complete {
        removed += transaction.execute(
            "DELETE FROM title WHERE provider = ?1 AND id NOT IN (SELECT id FROM staged WHERE refresh = ?2)",
            params![provider, id],
        )?;
    }
    let changed = transaction.execute(
        "UPDATE title SET folded = s.folded, json = s.json FROM staged AS s
            WHERE s.refresh = ?2 AND title.provider = ?1 AND title.id = s.id AND s.json IS NOT NULL
            AND title.json IS NOT s.json",
        params![provider, id],
    )?;
    let added = transaction.execute(
        "INSERT INTO title(provider, id, folded, json, added_millis)
            SELECT ?1, id, folded, json, ?3 FROM staged WHERE refresh = ?2 AND json IS NOT NULL
            ON CONFLICT DO NOTHING",
        params![provider, id, stored(now_millis)],
    )?;
    transaction.execute(
        "INSERT OR REPLACE INTO reading(provider, mark, read_millis, serial) VALUES (?, ?, ?, ?)",
        params![provider, refresh.mark, stored(now_millis), refresh.serial + 1],
    )?;
    Ok(Changes { added, changed, removed, superseded: false })
}

fn clear(transaction: &Transaction<'_>, id: i64) -> rusqlite::Result<()> {
    transaction.execute("DELETE FROM staged WHERE refresh = ?", [id])?;
    transaction.execute("DELETE FROM refresh WHERE id = ?", [id]).map(|_| ())
}
