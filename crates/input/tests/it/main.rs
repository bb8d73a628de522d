#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(clippy::disallowed_methods, reason = "tests read the clock")]

mod reader;
#[cfg(target_os = "linux")]
mod uinput;
