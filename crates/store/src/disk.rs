//! Files: whole or not at all, one writer at a time, failures in words.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use entente_model::{Problem, ProblemKind};

/// How long a writer waits for another one. Writers hold the lock for one file access.
pub(crate) const LOCK_PATIENCE: Duration = Duration::from_secs(5);
const LOCK_POLL: Duration = Duration::from_millis(5);
/// Broken files that are kept; more means that something breaks them again and again.
const KEPT_ASIDE: u32 = 99;

/// Words for a failed file access.
pub(crate) fn problem(what: &str, path: &Path, error: &io::Error) -> Problem {
    let path = path.display();
    let (why, next_step) = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            (format!("No space is left for {path}."), "Free some space, then try again.")
        }
        ErrorKind::ReadOnlyFilesystem => {
            (format!("The disk with {path} cannot be written."), "Mount it writable, or choose another ENTENTE_HOME.")
        }
        ErrorKind::PermissionDenied => {
            (format!("This user may not write {path}."), "Give the folder back to this user, then try again.")
        }
        ErrorKind::AlreadyExists | ErrorKind::NotADirectory | ErrorKind::IsADirectory => {
            (format!("Something else is in the way of {path}."), "Move it elsewhere, then try again.")
        }
        _ => (format!("The system says about {path}: {error}."), "Try again; if it stays, check the disk."),
    };
    Problem::new(ProblemKind::Storage, what, why, next_step).retriable()
}

/// Makes a folder and those above it, for the user alone.
pub(crate) fn create_folder(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(folder)
}

/// Puts `bytes` in the place of `path`: whole, or not at all, and there after a power cut. Only the user may read it
/// (0600).
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Some people keep their settings elsewhere and put a link here; the link stays.
    let target = path.is_symlink().then(|| path.canonicalize().ok()).flatten();
    let path = target.as_deref().unwrap_or(path);
    let folder = path.parent().ok_or(ErrorKind::InvalidInput)?;
    replace(path, folder, bytes, true)?;
    // The rename itself must reach the disk too. Windows has no such call for folders.
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    Ok(())
}

/// The same without waiting for the disk, for what can be got again.
pub(crate) fn write_cache(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace(path, path.parent().ok_or(ErrorKind::InvalidInput)?, bytes, false)
}

fn replace(path: &Path, folder: &Path, bytes: &[u8], sync: bool) -> io::Result<()> {
    create_folder(folder)?;
    // 0600 is how `tempfile` makes them, and what a renamed file keeps.
    let mut file = tempfile::Builder::new().prefix(".entente-").suffix(".part").tempfile_in(folder)?;
    file.write_all(bytes)?;
    if sync {
        file.as_file().sync_all()?;
    }
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// The whole file, `None` if there is none.
pub(crate) fn read_whole(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|len| len > limit) {
        return Err(ErrorKind::FileTooLarge.into());
    }
    Ok(Some(bytes))
}

/// Renames `path` to `stem.why-<n>.extension` with the first free number; the new name.
pub(crate) fn set_aside(path: &Path, why: &str) -> io::Result<PathBuf> {
    let stem = path.file_stem().ok_or(ErrorKind::InvalidInput)?.to_string_lossy();
    let extension = path.extension().map(|text| format!(".{}", text.to_string_lossy())).unwrap_or_default();
    for number in 1..=KEPT_ASIDE {
        let aside = path.with_file_name(format!("{stem}.{why}-{number}{extension}"));
        // A link fails if the name is taken, a rename would replace what is there.
        match std::fs::hard_link(path, &aside) {
            Ok(()) => return std::fs::remove_file(path).map(|()| aside),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(_) if !aside.exists() => return std::fs::rename(path, &aside).map(|()| aside),
            Err(error) => return Err(error),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

/// The file that guards `path`. A file of its own, because `path` itself is replaced by each writing.
#[derive(Debug)]
pub(crate) struct Guard {
    _file: Option<File>,
}

impl Guard {
    /// Waits at most `patience` for other processes and threads.
    pub(crate) fn of(path: &Path, patience: Duration) -> Result<Self, Problem> {
        let guard = lock_path(path);
        let say = |error: &io::Error| problem("A file cannot be changed.", &guard, error);
        if let Some(folder) = guard.parent() {
            create_folder(folder).map_err(|error| say(&error))?;
        }
        let file = match OpenOptions::new().create(true).truncate(false).write(true).open(&guard) {
            Ok(file) => file,
            // Nobody can change anything there.
            Err(error) if error.kind() == ErrorKind::ReadOnlyFilesystem => return Ok(Self { _file: None }),
            Err(error) => return Err(say(&error)),
        };
        let tries = patience.as_millis() / LOCK_POLL.as_millis();
        for _ in 0..=tries {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: Some(file) }),
                // Some network disks cannot lock; there, two writers at once are not told apart.
                Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {
                    return Ok(Self { _file: None });
                }
                Err(TryLockError::Error(error)) => return Err(say(&error)),
                Err(TryLockError::WouldBlock) => std::thread::park_timeout(LOCK_POLL),
            }
        }
        Err(Problem::new(
            ProblemKind::Storage,
            "A file is in use.",
            format!("Another Entente has been changing {} for long.", path.display()),
            "Close the other one, then try again.",
        )
        .retriable())
    }
}

fn lock_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_for_the_user_alone() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a/b.json");
        write_whole(&path, b"one").unwrap();
        write_whole(&path, b"two").unwrap();
        assert_eq!(read_whole(&path, 3).unwrap().unwrap(), b"two");
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no temporary file is left");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link() {
        let root = tempfile::tempdir().unwrap();
        let (link, target) = (root.path().join("link.json"), root.path().join("elsewhere/real.json"));
        write_whole(&target, b"one").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        write_whole(&link, b"two").unwrap();
        assert!(link.is_symlink());
        assert_eq!(std::fs::read(&target).unwrap(), b"two");
    }

    #[test]
    fn large_and_missing_files_are_told_apart() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("x");
        assert!(read_whole(&path, 3).unwrap().is_none());
        std::fs::write(&path, "four").unwrap();
        assert_eq!(read_whole(&path, 3).unwrap_err().kind(), ErrorKind::FileTooLarge);
    }

    #[test]
    fn set_aside_takes_the_first_free_name() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("settings.json");
        for number in 1..=2 {
            std::fs::write(&path, "x").unwrap();
            assert!(set_aside(&path, "broken").unwrap().ends_with(format!("settings.broken-{number}.json")));
            assert!(!path.exists());
        }
    }

    #[test]
    fn a_second_writer_waits_and_then_gives_up_in_words() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("x.json");
        let first = Guard::of(&path, LOCK_PATIENCE).unwrap();
        let problem = Guard::of(&path, Duration::from_millis(20)).unwrap_err();
        assert!(problem.retry && problem.why.contains("Another Entente"), "{problem}");
        drop(first);
        Guard::of(&path, Duration::ZERO).unwrap();
    }
}
