//! A versioned JSON file that two programs of different age may share.

use std::path::{Path, PathBuf};

use entente_model::{Problem, ProblemKind};
use parking_lot::{Mutex, RwLock};
use serde_json::{Map, Value};

use crate::disk::{self, Guard};

/// Largest file that is read, bytes.
pub(crate) const LARGEST: u64 = 8 * 1024 * 1024;

/// Turns a file of one version into the next.
pub(crate) type Migration = fn(&mut Map<String, Value>);

/// What kind of file it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// What a user calls the content, for sentences: "Settings".
    pub(crate) noun: &'static str,
    /// `migrations[0]` turns version 1 into 2, and so on; the newest version is one more than there are.
    pub(crate) migrations: &'static [Migration],
}

impl Rules {
    pub(crate) fn version(&self) -> u64 {
        u64::try_from(self.migrations.len()).unwrap_or(u64::MAX).saturating_add(1)
    }

    /// The content in today's form, and the version that the file had. A newer file stays as it is: what is known in
    /// it is used, the rest survives.
    pub(crate) fn parse(&self, bytes: &[u8]) -> Result<(Map<String, Value>, u64), String> {
        let mut root: Map<String, Value> =
            serde_json::from_slice(bytes).map_err(|error| format!("It is not a JSON object ({error})."))?;
        let version = root.get("version").and_then(Value::as_u64).filter(|version| *version > 0);
        let version = version.ok_or("It does not say its version.")?;
        if version < self.version() {
            let done = usize::try_from(version - 1).unwrap_or(usize::MAX);
            for migrate in self.migrations.iter().skip(done) {
                migrate(&mut root);
            }
            root.insert("version".to_owned(), self.version().into());
        }
        Ok((root, version))
    }
}

/// The file and what is known of it.
#[derive(Debug)]
pub(crate) struct Document {
    path: PathBuf,
    rules: Rules,
    known: RwLock<Map<String, Value>>,
    notes: Mutex<Vec<Problem>>,
}

impl Document {
    /// Reads the file. What goes wrong is a note; the content is then empty.
    pub(crate) fn open(path: PathBuf, rules: Rules) -> Self {
        let this = Self { path, rules, known: RwLock::default(), notes: Mutex::default() };
        if let Err(problem) = this.reload() {
            this.notes.lock().push(problem);
        }
        this
    }

    pub(crate) fn take_notes(&self) -> Vec<Problem> {
        std::mem::take(&mut *self.notes.lock())
    }

    pub(crate) fn read<T>(&self, read: impl FnOnce(&Map<String, Value>) -> T) -> T {
        read(&self.known.read())
    }

    /// Takes in what another program wrote.
    pub(crate) fn reload(&self) -> Result<(), Problem> {
        // A disk that cannot be written can still be read; then nothing is mended.
        let guard = Guard::of(&self.path, disk::LOCK_PATIENCE).ok();
        self.load(guard.is_some())
    }

    /// Changes the file: what another program wrote meanwhile is kept.
    pub(crate) fn update(&self, change: impl FnOnce(&mut Map<String, Value>)) -> Result<(), Problem> {
        let _guard = Guard::of(&self.path, disk::LOCK_PATIENCE)?;
        self.load(true)?;
        let mut root = self.known.read().clone();
        change(&mut root);
        root.entry("version").or_insert_with(|| self.rules.version().into());
        self.write(&root)?;
        *self.known.write() = root;
        Ok(())
    }

    /// With the guard, `mend` sets a broken file aside and keeps the old form of a migrated one.
    fn load(&self, mend: bool) -> Result<(), Problem> {
        let bytes = match disk::read_whole(&self.path, LARGEST) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::FileTooLarge => {
                return self.broken("It is too large.", mend);
            }
            Err(error) => {
                let what = format!("{} cannot be read.", self.rules.noun);
                return Err(disk::problem(&what, &self.path, &error));
            }
        };
        match self.rules.parse(&bytes) {
            Ok((root, version)) => {
                if mend && version < self.rules.version() {
                    self.keep_old(version, &bytes)?;
                }
                *self.known.write() = root;
                Ok(())
            }
            Err(why) => self.broken(&why, mend),
        }
    }

    fn broken(&self, why: &str, mend: bool) -> Result<(), Problem> {
        let what = format!("{} could not be read.", self.rules.noun);
        if !mend {
            return Err(Problem::new(ProblemKind::Storage, what, why, "Repair the file, or take it away."));
        }
        let aside = disk::set_aside(&self.path, "broken").map_err(|error| disk::problem(&what, &self.path, &error))?;
        let known = self.known.read().clone();
        let then = if known.is_empty() {
            "the usual values are used"
        } else {
            self.write(&known)?;
            "what was read before is used"
        };
        self.notes.lock().push(Problem::new(
            ProblemKind::Storage,
            what,
            format!("{why} The file is now {}, and {then}.", aside.display()),
            "Go on, or repair that file and put it back.",
        ));
        Ok(())
    }

    fn keep_old(&self, version: u64, bytes: &[u8]) -> Result<(), Problem> {
        let stem = self.path.file_stem().unwrap_or_default().to_string_lossy();
        let old = self.path.with_file_name(format!("{stem}.v{version}.json"));
        if old.exists() {
            return Ok(());
        }
        disk::write_whole(&old, bytes).map_err(|error| self.cannot_write(&old, &error))
    }

    fn write(&self, root: &Map<String, Value>) -> Result<(), Problem> {
        let mut bytes = serde_json::to_vec_pretty(root)
            .map_err(|error| self.cannot_write(&self.path, &std::io::Error::from(error)))?;
        bytes.push(b'\n');
        disk::write_whole(&self.path, &bytes).map_err(|error| self.cannot_write(&self.path, &error))
    }

    fn cannot_write(&self, path: &Path, error: &std::io::Error) -> Problem {
        disk::problem(&format!("{} cannot be kept.", self.rules.noun), path, error)
    }
}

/// Changes the object under `key`, which is made if it is missing or something else.
pub(crate) fn change_object(root: &mut Map<String, Value>, key: &str, change: impl FnOnce(&mut Map<String, Value>)) {
    let mut object = match root.remove(key) {
        Some(Value::Object(object)) => object,
        _ => Map::new(),
    };
    change(&mut object);
    root.insert(key.to_owned(), Value::Object(object));
}
