//! The driver over real loopback sockets, with scripted links.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests play the world that a driver talks to"
)]

mod ending;
mod http;
mod script;
mod sockets;
mod timing;
mod web;
