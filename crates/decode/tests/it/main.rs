//! Decoding what real encoders made.
#![allow(clippy::disallowed_methods, reason = "frames carry stamps, any instant will do")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod damage;
mod encode;
mod hardware;
mod quality;
mod resize;
