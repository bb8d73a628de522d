//! RTP datagrams into whole access units, and what is missing.
