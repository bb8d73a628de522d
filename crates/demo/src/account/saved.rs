//! The file that sign-ins survive a restart in. It has hashes of refresh tokens, never a token; access tokens are not in
//! it.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::account::{Key, Player};

/// Largest file that is read. The tables that it comes from are bounded, and a full one takes less.
const LARGEST: u64 = 16 * 1024 * 1024;
const VERSION: u32 = 1;

/// All that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Saved {
    version: u32,
    /// The oldest first.
    pub(crate) sign_ins: Vec<SignIn>,
}

/// One sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SignIn {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) guest: bool,
    pub(crate) scopes: String,
    /// Its refresh tokens, the oldest first: the last one is good, the others were used.
    pub(crate) tokens: Vec<Token>,
}

/// One refresh token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Token {
    /// SHA-256, base64url.
    hash: String,
    pub(crate) used: bool,
    pub(crate) expires_millis: u64,
}

impl Saved {
    pub(crate) const fn new(sign_ins: Vec<SignIn>) -> Self {
        Self { version: VERSION, sign_ins }
    }
}

impl SignIn {
    pub(crate) fn player(&self) -> Player {
        Player { id: self.id.clone(), name: self.name.clone(), guest: self.guest }
    }
}

impl Token {
    pub(crate) fn new(key: &Key, used: bool, expires_millis: u64) -> Self {
        Self { hash: URL_SAFE_NO_PAD.encode(key), used, expires_millis }
    }

    pub(crate) fn key(&self) -> Option<Key> {
        URL_SAFE_NO_PAD.decode(&self.hash).ok()?.try_into().ok()
    }
}

/// Reads what was kept. A file that cannot be read or understood is put aside, told about, and as good as none: a demo
/// that does not start would help nobody.
pub(crate) fn read(path: &Path) -> Vec<SignIn> {
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(LARGEST).read_to_end(&mut bytes));
    let why = match read {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => error.to_string(),
        Ok(_) => match parse(&bytes) {
            Ok(saved) => return saved,
            Err(why) => why,
        },
    };
    let aside = beside(path, "broken");
    let kept = std::fs::rename(path, &aside).is_ok();
    tracing::error!(
        file = %path.display(), %why, kept_as = kept.then(|| aside.display().to_string()),
        "the sign-ins of the last run cannot be read; everybody has to sign in again"
    );
    Vec::new()
}

/// Sign-ins of a file's bytes, or what is wrong with it.
pub(crate) fn parse(bytes: &[u8]) -> Result<Vec<SignIn>, String> {
    let saved: Saved = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if saved.version == VERSION { Ok(saved.sign_ins) } else { Err(format!("version {} is not known", saved.version)) }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    path.with_file_name(name)
}

/// Puts it in the place of the file, whole or not at all, for this user's eyes only.
pub(crate) fn write(path: &Path, saved: &Saved) -> std::io::Result<()> {
    let part = beside(path, "part");
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // What a program left that was killed in the middle.
    let _ = std::fs::remove_file(&part);
    let mut file = options.open(&part)?;
    file.write_all(&serde_json::to_vec(saved)?)?;
    file.sync_all()?;
    drop(file);
    std::fs::rename(&part, path)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_file_is_sign_ins_or_not(bytes: Vec<u8>, hash in ".{0,60}") {
            let _ = parse(&bytes);
            let _ = Token { hash, used: false, expires_millis: 0 }.key();
        }
    }
}
