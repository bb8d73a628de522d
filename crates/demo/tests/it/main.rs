//! The demo cloud from outside: over HTTP, as a WebRTC client, and its encoders with real decoders.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests fail by panicking, and stand at the edge where clocks are read"
)]

mod client;
mod codecs;
mod hosts;
mod http;
mod page;
mod play;
mod tls;
