//! What is kept, as the shell sees it: whole files, two shells at once, bad days.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod art;
mod choices;
mod full_disk;
mod inside;
mod keyring;
mod library;
mod settings;
mod vault;
