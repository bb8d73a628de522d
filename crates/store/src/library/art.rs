//! Pictures of titles, as many as fit.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use entente_model::catalogue::Art;
use entente_model::{Problem, ProblemKind};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use crate::disk;

/// Largest picture, bytes.
pub const LARGEST_PICTURE: usize = 4 * 1024 * 1024;
const MIB: u64 = 1024 * 1024;
/// When there are too many, so many of them go that this part of the limit stays, in percent: not one for each new one.
const STAY_PERCENT: u64 = 90;

/// What kind of picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mime {
    /// Portable Network Graphics.
    Png,
    /// JPEG.
    Jpeg,
    /// WebP.
    WebP,
}

impl Mime {
    /// What the first bytes say.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            Some(Self::Png)
        } else if bytes.starts_with(b"\xff\xd8\xff") {
            Some(Self::Jpeg)
        } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
            Some(Self::WebP)
        } else {
            None
        }
    }

    /// For example `image/png`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::WebP => "image/webp",
        }
    }
}

/// A picture, encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// The whole file.
    pub bytes: Vec<u8>,
    /// What kind.
    pub mime: Mime,
}

/// The folder with pictures.
#[derive(Debug)]
pub struct ArtCache {
    folder: PathBuf,
    limit: Mutex<u64>,
    /// Bytes in the folder, as far as known: another shell may have added some. Counted when it is over the limit.
    size: Mutex<u64>,
}

/// A file in the folder.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Kept {
    used: SystemTime,
    path: PathBuf,
    len: u64,
}

impl ArtCache {
    /// Opens the folder, which may be missing.
    ///
    /// # Errors
    /// It can be neither made nor read.
    pub fn open(folder: PathBuf, limit_mib: u64) -> Result<Self, Problem> {
        disk::create_folder(&folder).map_err(|error| cannot(&folder, &error))?;
        let size = kept(&folder).map_err(|error| cannot(&folder, &error))?.iter().map(|kept| kept.len).sum();
        Ok(Self { folder, limit: Mutex::new(limit_mib.saturating_mul(MIB)), size: Mutex::new(size) })
    }

    /// The picture, if it is here. Notes that it was used at `now_millis`.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn get(&self, art: &Art, now_millis: u64) -> Result<Option<Picture>, Problem> {
        let path = self.path(art);
        let limit = u64::try_from(LARGEST_PICTURE).unwrap_or(u64::MAX);
        let bytes = match disk::read_whole(&path, limit) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => Vec::new(),
            Err(error) => return Err(cannot(&path, &error)),
        };
        let Some(mime) = Mime::of(&bytes) else {
            // Damaged; it can be got again.
            std::fs::remove_file(&path).map_err(|error| cannot(&path, &error))?;
            return Ok(None);
        };
        // A disk that cannot be written still shows pictures.
        let _ = touch(&path, now_millis);
        Ok(Some(Picture { bytes, mime }))
    }

    /// Keeps a picture, at `now_millis`; those that were not used for longest go if there are too many.
    ///
    /// # Errors
    /// [`ProblemKind::BadAnswer`]: it is no PNG, JPEG or WebP, or too large. Else the disk.
    pub fn put(&self, art: &Art, bytes: &[u8], now_millis: u64) -> Result<Mime, Problem> {
        let mime = Mime::of(bytes).filter(|_| bytes.len() <= LARGEST_PICTURE).ok_or_else(|| {
            Problem::new(
                ProblemKind::BadAnswer,
                "A picture is not used.",
                "The service sent something that is no PNG, JPEG or WebP, or is larger than 4 MiB.",
                "Go on without it.",
            )
        })?;
        let path = self.path(art);
        let before = path.metadata().map_or(0, |meta| meta.len());
        disk::write_cache(&path, bytes).map_err(|error| cannot(&path, &error))?;
        let _ = touch(&path, now_millis);
        let mut size = self.size.lock();
        *size = size.saturating_sub(before).saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        self.shrink(&mut size)?;
        Ok(mime)
    }

    /// Changes how much may be kept; too much goes now.
    ///
    /// # Errors
    /// The folder cannot be changed.
    pub fn set_limit(&self, limit_mib: u64) -> Result<(), Problem> {
        *self.limit.lock() = limit_mib.saturating_mul(MIB);
        self.shrink(&mut self.size.lock())
    }

    /// Bytes in the folder.
    #[must_use]
    pub fn size(&self) -> u64 {
        *self.size.lock()
    }

    fn shrink(&self, size: &mut u64) -> Result<(), Problem> {
        let limit = *self.limit.lock();
        if *size <= limit {
            return Ok(());
        }
        let all = kept(&self.folder).map_err(|error| cannot(&self.folder, &error))?;
        *size = all.iter().map(|kept| kept.len).sum();
        if *size <= limit {
            return Ok(());
        }
        let stay = limit / 100 * STAY_PERCENT;
        for kept in all {
            if *size <= stay {
                break;
            }
            match std::fs::remove_file(&kept.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(cannot(&kept.path, &error)),
                _ => *size = size.saturating_sub(kept.len),
            }
        }
        Ok(())
    }

    fn path(&self, art: &Art) -> PathBuf {
        let hash = Sha256::new().chain_update(&art.url).chain_update(b"\0").chain_update(&art.version).finalize();
        let mut name = String::with_capacity(64);
        for byte in hash {
            // Writing to a string does not fail.
            let _ = write!(name, "{byte:02x}");
        }
        self.folder.join(name)
    }
}

/// All pictures, the one that was not used for longest first.
fn kept(folder: &Path) -> io::Result<BTreeSet<Kept>> {
    let mut all = BTreeSet::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        // Another shell may take one away meanwhile.
        let Ok(meta) = entry.metadata() else { continue };
        if meta.is_file() {
            let used = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            all.insert(Kept { used, path: entry.path(), len: meta.len() });
        }
    }
    Ok(all)
}

fn touch(path: &Path, now_millis: u64) -> io::Result<()> {
    let now = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(now_millis));
    File::options().write(true).open(path)?.set_modified(now.ok_or(io::ErrorKind::InvalidInput)?)
}

fn cannot(path: &Path, error: &io::Error) -> Problem {
    disk::problem("Pictures cannot be kept.", path, error)
}
