//! Names every protocol that has a service, once.
#![warn(missing_docs)]
