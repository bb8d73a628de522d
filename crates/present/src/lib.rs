//! Pictures and overlay onto a surface at the right moment.
