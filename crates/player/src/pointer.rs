//! Where the window's pointer is over the picture.

use entente_model::input::PlayerInput;
use entente_present::{Rect, ScaleMode, placement};

/// The pointer as the host sees it, 0..=65535 over the picture; `None` outside of it.
pub(crate) fn over_picture(
    (x, y): (f64, f64),
    window: (u32, u32),
    picture: (u32, u32),
    mode: ScaleMode,
) -> Option<PlayerInput> {
    let Rect { x: left, y: top, width, height } = placement(window, picture, mode);
    if width == 0 || height == 0 {
        return None;
    }
    let across = (x - f64::from(left)) / f64::from(width);
    let down = (y - f64::from(top)) / f64::from(height);
    let scale = |share: f64| {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the share is between 0 and 1")]
        (0.0..=1.0).contains(&share).then(|| (share * 65535.0).round() as u16)
    };
    Some(PlayerInput::PointerTo { x: scale(across)?, y: scale(down)? })
}

/// Adds up fractions of counts, so that slow motion on a HiDPI screen is not lost.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    x: f64,
    y: f64,
}

impl Counts {
    /// Whole counts so far; the rest is kept.
    pub(crate) fn add(&mut self, dx: f64, dy: f64) -> Option<(i32, i32)> {
        self.x += dx;
        self.y += dy;
        let (whole_x, whole_y) = (self.x.trunc(), self.y.trunc());
        self.x -= whole_x;
        self.y -= whole_y;
        #[allow(clippy::cast_possible_truncation, reason = "saturates, and a device never gets near")]
        let counts = (whole_x as i32, whole_y as i32);
        (counts != (0, 0)).then_some(counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_not_the_picture() {
        let at = |x, y| over_picture((x, y), (1280, 960), (1280, 720), ScaleMode::Fit);
        assert_eq!(at(640.0, 10.0), None);
        assert_eq!(at(0.0, 120.0), Some(PlayerInput::PointerTo { x: 0, y: 0 }));
        assert_eq!(at(1280.0, 840.0), Some(PlayerInput::PointerTo { x: 65535, y: 65535 }));
    }

    #[test]
    fn a_closed_window_has_no_pointer() {
        assert_eq!(over_picture((1.0, 1.0), (0, 0), (1280, 720), ScaleMode::Fit), None);
    }

    #[test]
    fn half_counts_add_up() {
        let mut counts = Counts::default();
        assert_eq!(counts.add(0.5, -0.5), None);
        assert_eq!(counts.add(0.5, -0.75), Some((1, -1)));
        assert_eq!(counts.add(0.0, -0.75), Some((0, -1)));
    }
}
