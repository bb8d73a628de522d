//! Everything a user can do, one async function each, for shell, command line and tests.
#![warn(missing_docs)]
