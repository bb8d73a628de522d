//! The window and the command line; nothing else.
