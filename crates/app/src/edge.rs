//! The world as it is: requests, time, the browser, the player's process.
//!
//! Everything else in this crate is handed these as ports.

mod browser;
mod clock;
mod http;
mod player;

pub use browser::SystemBrowser;
pub use clock::SystemClock;
pub use http::HttpClient;
pub use player::PlayerProgram;

#[doc(hidden)]
pub use browser::request_target;
#[doc(hidden)]
pub use player::read_line;
