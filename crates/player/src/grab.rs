//! Capturing the pointer for games that want relative motion.

use winit::dpi::{PhysicalPosition, PhysicalSize};
use winit::window::{CursorGrabMode, Window};

/// How the pointer is held.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Grab {
    /// Not at all.
    #[default]
    Off,
    /// The system holds it; motion comes as raw device events.
    Locked,
    /// Hidden, kept inside of the window, and put back to the middle before it gets to an edge. X11 has no lock, and
    /// reports raw motion twice while a pointer is confined (winit issue 3773), so there the position is what counts.
    Warped(Warp),
}

impl Grab {
    /// Takes the pointer, which is at `cursor`, in the best way there is.
    pub(crate) fn take(window: &Window, cursor: (f64, f64)) -> Self {
        window.set_cursor_visible(false);
        if window.set_cursor_grab(CursorGrabMode::Locked).is_ok() {
            return Self::Locked;
        }
        let mut warp = Warp::new(window.inner_size(), cursor);
        if warp.go_home(window) {
            // Fast motion would leave the window between two events otherwise; where that cannot be had it is rare.
            let _ = window.set_cursor_grab(CursorGrabMode::Confined);
            return Self::Warped(warp);
        }
        window.set_cursor_visible(true);
        Self::Off
    }

    /// Gives the pointer back.
    pub(crate) fn release(self, window: &Window) -> Self {
        if self.is_on() {
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

    /// The window has another size, so another middle.
    pub(crate) fn resized(&mut self, size: PhysicalSize<u32>) {
        if let Self::Warped(warp) = self {
            *warp = Warp::new(size, warp.last);
        }
    }

    /// Motion of a warped pointer that is now at `x`, `y`; puts it back when it comes near an edge.
    pub(crate) fn warped(&mut self, window: &Window, x: f64, y: f64) -> Option<(f64, f64)> {
        let Self::Warped(warp) = self else { return None };
        let moved = warp.moved((x, y));
        if warp.is_due() {
            warp.go_home(window);
        }
        moved
    }
}

/// A pointer that is put back to the middle now and then.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Warp {
    /// Where it is put.
    home: (f64, f64),
    /// How far from there it may get, in pixels.
    reach: f64,
    last: (f64, f64),
    /// It was put back, and this many positions were seen since that do not show it yet.
    pending: Option<u8>,
}

/// After so many positions the window system has swallowed the wish.
const PATIENCE: u8 = 32;

impl Warp {
    fn new(size: PhysicalSize<u32>, cursor: (f64, f64)) -> Self {
        let home = (f64::from(size.width / 2), f64::from(size.height / 2));
        let reach = f64::from(size.width.min(size.height)) / 4.0;
        Self { home, reach, last: cursor, pending: None }
    }

    fn distance(a: (f64, f64), b: (f64, f64)) -> f64 {
        (a.0 - b.0).hypot(a.1 - b.1)
    }

    /// How far it was moved by hand to get to `position`. Positions from before it was put back may still come after
    /// that; the first one that is nearer to the middle than to the last position is the first from after.
    fn moved(&mut self, position: (f64, f64)) -> Option<(f64, f64)> {
        let from = match self.pending {
            Some(_) if Self::distance(position, self.home) < Self::distance(position, self.last) => {
                self.pending = None;
                self.home
            }
            Some(seen) => {
                self.pending = Some(seen.saturating_add(1));
                self.last
            }
            None => self.last,
        };
        self.last = position;
        let moved = (position.0 - from.0, position.1 - from.1);
        (moved != (0.0, 0.0)).then_some(moved)
    }

    fn is_due(&self) -> bool {
        self.pending.is_none_or(|seen| seen > PATIENCE) && Self::distance(self.last, self.home) > self.reach
    }

    /// Puts it back; one that cannot be goes on from where it is, and stops at the window's edge.
    fn go_home(&mut self, window: &Window) -> bool {
        let done = window.set_cursor_position(PhysicalPosition::new(self.home.0, self.home.1)).is_ok();
        if done {
            self.pending = Some(0);
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warp() -> Warp {
        Warp::new(PhysicalSize::new(800, 400), (10.0, 10.0))
    }

    #[test]
    fn motion_is_what_changed_since_the_last_position() {
        let mut warp = warp();
        assert_eq!(warp.moved((12.0, 9.0)), Some((2.0, -1.0)));
        assert_eq!(warp.moved((12.0, 9.0)), None);
        assert_eq!(warp.moved((15.0, 9.0)), Some((3.0, 0.0)));
        assert!(warp.is_due(), "the middle is far away");
    }

    #[test]
    fn putting_it_back_is_no_motion_and_loses_none() {
        let mut warp = warp();
        warp.last = (510.0, 200.0);
        assert!(warp.is_due());
        warp.pending = Some(0);
        // Moved on before the window system put it back.
        assert_eq!(warp.moved((520.0, 201.0)), Some((10.0, 1.0)));
        assert!(!warp.is_due(), "once is enough");
        assert_eq!(warp.moved((400.0, 200.0)), None);
        assert_eq!(warp.moved((403.0, 200.0)), Some((3.0, 0.0)));
        // The echo itself may be missing.
        warp.last = (510.0, 200.0);
        warp.pending = Some(0);
        assert_eq!(warp.moved((404.0, 198.0)), Some((4.0, -2.0)));
        assert!(!warp.is_due());
    }

    #[test]
    fn a_wish_that_was_swallowed_is_repeated() {
        let mut warp = warp();
        warp.pending = Some(0);
        for step in 0..=PATIENCE {
            assert!(!warp.is_due());
            warp.moved((10.0 + f64::from(step), 10.0));
        }
        assert!(warp.is_due());
    }
}
