//! The only crate that opens sockets or reads the clock for a Link.
//!
//! [`Driver::start`] puts a [`entente_model::Link`] on a thread of its own (named `link`) and does what its outputs
//! ask: UDP and TCP sockets, timers, HTTP requests. News go to [`DriverConfig::sink`] on that thread, without another
//! hop; input and requests come in through a [`Handle`]. [`mono_clock`] is the clock that the rest of the program
//! measures with.
//!
//! What a link can rely on:
//!
//! - `now` never runs backwards, over all calls. For a datagram it is the kernel's receive stamp on Linux and
//!   Android (`SO_TIMESTAMPNS`), the moment right after the read elsewhere. [`entente_model::Link::poll`] gets the
//!   same instant as the input before it.
//! - Inputs are never nested: the answer to an output comes after `poll` has said `Wait`.
//! - A datagram that the socket cannot take at once is dropped and counted, as any router would.
//! - `Closed` is said once for a socket, whether it was never opened, failed, or was closed by the peer; it is not
//!   said for a socket that the link itself shut.
#![warn(missing_docs)]
#![allow(clippy::disallowed_methods, reason = "this crate is the edge: it reads the clocks so that links need not")]

mod clock;
mod driver;
mod event_loop;
mod http;
mod input_queue;
mod interfaces;
mod registered;
mod sockets;
mod tcp;
mod udp;

pub use clock::mono_clock;
pub use driver::{Counters, Driver, DriverConfig, Handle, InputSent, Sink, StartError, Stopped};
pub use input_queue::Accepted;
pub use interfaces::local_addresses;
