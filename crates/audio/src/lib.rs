//! Opus in, speakers out with the smallest buffer that does not crackle.
