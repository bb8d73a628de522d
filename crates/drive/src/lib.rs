//! The only crate that opens sockets or reads the clock for a Link.
