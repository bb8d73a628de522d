//! A display handle that makes the software surface open its own X11 connection.
#![allow(unsafe_code)]

use std::sync::Arc;

use winit::raw_window_handle::{
    DisplayHandle, HandleError, HasDisplayHandle, HasWindowHandle, RawDisplayHandle, RawWindowHandle, XcbDisplayHandle,
};
use winit::window::Window;

/// The display which a software surface uses.
pub(crate) enum Display {
    /// A new connection to the X server of `DISPLAY`: waiting for replies on the window's own connection from another
    /// thread would read input events away from the event loop.
    OwnX11,
    /// The window's.
    OfWindow(Arc<Window>),
}

impl Display {
    /// The right one for `window`.
    pub(crate) fn of(window: &Arc<Window>) -> Self {
        match window.window_handle().map(|handle| handle.as_raw()) {
            Ok(RawWindowHandle::Xlib(_) | RawWindowHandle::Xcb(_)) => Self::OwnX11,
            _ => Self::OfWindow(Arc::clone(window)),
        }
    }
}

impl HasDisplayHandle for Display {
    fn display_handle(&self) -> Result<DisplayHandle<'_>, HandleError> {
        match self {
            // SAFETY: the handle holds no connection pointer (`None`), so there is nothing that could dangle.
            Self::OwnX11 => {
                Ok(unsafe { DisplayHandle::borrow_raw(RawDisplayHandle::Xcb(XcbDisplayHandle::new(None, 0))) })
            }
            Self::OfWindow(window) => window.display_handle(),
        }
    }
}
