//! Capturing the pointer for games that want relative motion.

use winit::dpi::PhysicalPosition;
use winit::window::{CursorGrabMode, Window};

/// How the pointer is held.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Grab {
    /// Not at all.
    #[default]
    Off,
    /// The system holds it; motion comes as raw device events.
    Locked,
    /// Hidden, and put back to the middle after each motion. X11 has no lock, and reports raw motion twice while a
    /// pointer is confined (winit issue 3773), so there the position is what counts.
    Warped {
        /// Where it was put.
        home: (f64, f64),
    },
}

impl Grab {
    /// Takes the pointer in the best way there is.
    pub(crate) fn take(window: &Window) -> Self {
        window.set_cursor_visible(false);
        if window.set_cursor_grab(CursorGrabMode::Locked).is_ok() {
            return Self::Locked;
        }
        let size = window.inner_size();
        let home = (f64::from(size.width / 2), f64::from(size.height / 2));
        if window.set_cursor_position(PhysicalPosition::new(home.0, home.1)).is_ok() {
            return Self::Warped { home };
        }
        window.set_cursor_visible(true);
        Self::Off
    }

    /// Gives the pointer back.
    pub(crate) fn release(self, window: &Window) -> Self {
        if self == Self::Locked {
            // Releasing what the system has taken back already is not worth a word.
            let _ = window.set_cursor_grab(CursorGrabMode::None);
        }
        window.set_cursor_visible(true);
        Self::Off
    }

    pub(crate) fn is_on(self) -> bool {
        self != Self::Off
    }

    /// Whether raw device motion is the truth.
    pub(crate) fn raw(self) -> bool {
        self == Self::Locked
    }

    /// Motion of a warped pointer that is now at `x`, `y`; puts it back.
    pub(crate) fn warped(self, window: &Window, x: f64, y: f64) -> Option<(f64, f64)> {
        let Self::Warped { home } = self else { return None };
        let moved = (x - home.0, y - home.1);
        if moved == (0.0, 0.0) {
            return None;
        }
        // A pointer that cannot be put back goes on from where it is, and stops at the window's edge.
        let _ = window.set_cursor_position(PhysicalPosition::new(home.0, home.1));
        Some(moved)
    }
}
