//! The app against the real demo cloud, over real HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod bad_days;
mod journeys;
mod leftovers;
mod world;
