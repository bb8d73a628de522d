//! Pictures and overlay onto a surface at the right moment.
#![warn(missing_docs)]

pub mod color;
pub mod convert;
mod error;
pub mod gpu;
pub mod overlay;
pub mod placement;
mod planes;
pub mod presenter;
pub mod raster;
pub mod run;
pub mod slot;
pub mod software;
mod x11;

pub use convert::to_rgba;
pub use error::PresentError;
pub use overlay::{OverlayMode, OverlayModel};
pub use placement::{Rect, ScaleMode, placement};
pub use presenter::{Look, Presenter, RendererChoice, RendererInfo, Shown, Tearing};
pub use run::{Command, Ready, Summary, command_queue, run, spawn};
pub use slot::Slot;
