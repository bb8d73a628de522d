#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(clippy::disallowed_methods, reason = "one instant to count from")]

mod overlay;
mod session;
mod summary;
mod verdict;
