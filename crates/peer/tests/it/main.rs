//! The link against a fake host in virtual time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::disallowed_methods)]

mod connect;
mod failures;
mod hostile;
mod input;
mod loss;
mod outage;
mod support;
