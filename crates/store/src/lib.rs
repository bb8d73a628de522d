//! Settings, library cache, secrets, folders.
//!
//! Everything that outlives the program is kept here, and only here. The rules of all files: written to a neighbour
//! and renamed, under a lock that a second shell waits for, read again before each change; a file that makes no sense is
//! set aside under another name, never overwritten, and said to the user as a [`Problem`](entente_model::Problem).
//!
//! All calls block for the time of a file access; the vault alone is async, because keyrings may ask the user.
#![warn(missing_docs)]

mod disk;
mod document;
pub mod folders;
pub mod library;
pub mod settings;
pub mod vault;

pub use folders::Folders;
pub use library::{ArtCache, Choices, Library};
pub use settings::Settings;
pub use vault::Vault;

#[doc(hidden)]
pub mod fuzzing {
    //! Readers of files, for the fuzz targets: any bytes, no panic.

    /// Reads `bytes` as settings.
    pub fn settings(bytes: &[u8]) {
        crate::settings::fuzz(bytes);
    }

    /// Reads `bytes` as what the user said about titles.
    pub fn choices(bytes: &[u8]) {
        crate::library::fuzz_choices(bytes);
    }

    /// Reads `bytes` as a sealed file.
    pub fn vault(bytes: &[u8]) {
        crate::vault::fuzz(bytes);
    }
}
