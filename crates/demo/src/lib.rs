//! The demo cloud: a complete small game cloud, embedded.

pub mod draw;
pub mod games;
pub mod sound;
