//! The demo cloud: a complete small game cloud, embedded.
