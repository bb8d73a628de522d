//! Names every protocol that has a service, once.
//!
//! A provider is plain async code: requests, time, secrets and the browser come in as
//! [`Ports`](entente_model::port::Ports). The demo cloud is the first one (`docs/open-cloud-api.md`); it is also what any
//! service that speaks the open cloud API is played through.
#![warn(missing_docs)]

pub mod cloud;
mod oauth;
mod service;

#[doc(hidden)]
pub mod fuzzing;
