//! Encoded frame in, picture in memory out.
