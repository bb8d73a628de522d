//! The demo cloud from outside: over HTTP, as a WebRTC client, and its encoders with real decoders.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests fail by panicking, and stand at the edge where clocks are read"
)]

mod account;
mod client;
mod codecs;
mod foreign;
mod hosts;
mod http;
mod openapi;
mod page;
mod play;
mod program;
mod sessions;
mod tls;
