//! Settings, library cache, secrets, folders.
#![warn(missing_docs)]
