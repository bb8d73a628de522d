//! Where a picture lies in a window.

/// How a picture is scaled to a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ScaleMode {
    /// As large as fits, bars where the shapes differ.
    #[default]
    Fit,
    /// As [`Self::Fit`], but only by whole factors; a picture larger than the window is fitted.
    Integer,
    /// Covers the window; what does not fit is cut off evenly.
    Fill,
}

/// A rectangle in window pixels; may reach beyond the window with [`ScaleMode::Fill`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rect {
    /// Left edge.
    pub x: i32,
    /// Top edge.
    pub y: i32,
    /// Width; 0 when nothing is shown.
    pub width: u32,
    /// Height; 0 when nothing is shown.
    pub height: u32,
}

impl Rect {
    /// Whether it covers no pixel.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.width == 0 || self.height == 0
    }

    /// The part inside a window of this size.
    #[must_use]
    pub fn clipped(self, window: (u32, u32)) -> Self {
        let span = |start: i32, length: u32, limit: u32| {
            let from = i64::from(start).clamp(0, i64::from(limit));
            let to = (i64::from(start) + i64::from(length)).clamp(0, i64::from(limit));
            (i32::try_from(from).unwrap_or(i32::MAX), u32::try_from(to - from).unwrap_or(0))
        };
        let (x, width) = span(self.x, self.width, window.0);
        let (y, height) = span(self.y, self.height, window.1);
        Self { x, y, width, height }
    }

    /// A window position as a fraction of the picture, (0, 0) at its top left corner and (1, 1) at its bottom right
    /// one; clamped to the picture. `None` when the picture covers no pixel.
    #[must_use]
    pub fn relative(self, x: f64, y: f64) -> Option<(f64, f64)> {
        if self.is_empty() {
            return None;
        }
        let part = |at: f64, start: i32, length: u32| ((at - f64::from(start)) / f64::from(length)).clamp(0.0, 1.0);
        Some((part(x, self.x, self.width), part(y, self.y, self.height)))
    }

    /// Whether a window position lies on the picture.
    #[must_use]
    pub fn contains(self, x: f64, y: f64) -> bool {
        let inside =
            |at: f64, start: i32, length: u32| at >= f64::from(start) && at < f64::from(start) + f64::from(length);
        inside(x, self.x, self.width) && inside(y, self.y, self.height)
    }
}

/// Where a picture of size `picture` lies in a window of size `window` (both width, height in pixels).
///
/// Empty when either has no area. Pure: the player maps pointer positions with it.
#[must_use]
pub fn placement(window: (u32, u32), picture: (u32, u32), mode: ScaleMode) -> Rect {
    if window.0 == 0 || window.1 == 0 || picture.0 == 0 || picture.1 == 0 {
        return Rect::default();
    }
    let (width, height) = match mode {
        ScaleMode::Fit => fitted(window, picture),
        ScaleMode::Integer => match (window.0 / picture.0).min(window.1 / picture.1) {
            0 => fitted(window, picture),
            factor => (picture.0 * factor, picture.1 * factor),
        },
        ScaleMode::Fill => covering(window, picture),
    };
    Rect { x: centred(window.0, width), y: centred(window.1, height), width, height }
}

/// `value * by / of`, rounded to nearest, at least 1.
fn scaled(value: u32, by: u32, of: u32) -> u32 {
    let exact = (u64::from(value) * u64::from(by) + u64::from(of) / 2) / u64::from(of).max(1);
    u32::try_from(exact).unwrap_or(u32::MAX).max(1)
}

fn wider(picture: (u32, u32), window: (u32, u32)) -> bool {
    u64::from(picture.0) * u64::from(window.1) > u64::from(picture.1) * u64::from(window.0)
}

fn fitted(window: (u32, u32), picture: (u32, u32)) -> (u32, u32) {
    if wider(picture, window) {
        (window.0, scaled(picture.1, window.0, picture.0).min(window.1))
    } else {
        (scaled(picture.0, window.1, picture.1).min(window.0), window.1)
    }
}

fn covering(window: (u32, u32), picture: (u32, u32)) -> (u32, u32) {
    // A sliver of a picture would become wider than any surface: the scale stops at 2^24 pixels.
    const LIMIT: u32 = 1 << 24;
    if wider(picture, window) {
        (scaled(picture.0, window.1, picture.1).clamp(window.0, window.0.max(LIMIT)), window.1)
    } else {
        (window.0, scaled(picture.1, window.0, picture.0).clamp(window.1, window.1.max(LIMIT)))
    }
}

fn centred(outer: u32, inner: u32) -> i32 {
    let gap = (i64::from(outer) - i64::from(inner)).div_euclid(2);
    i32::try_from(gap).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rect(x: i32, y: i32, width: u32, height: u32) -> Rect {
        Rect { x, y, width, height }
    }

    #[test]
    fn same_size_is_the_whole_window() {
        for mode in [ScaleMode::Fit, ScaleMode::Integer, ScaleMode::Fill] {
            assert_eq!(placement((1366, 768), (1366, 768), mode), rect(0, 0, 1366, 768));
        }
    }

    #[test]
    fn fit_letterboxes() {
        assert_eq!(placement((1920, 1200), (1280, 720), ScaleMode::Fit), rect(0, 60, 1920, 1080));
        assert_eq!(placement((1000, 360), (640, 360), ScaleMode::Fit), rect(180, 0, 640, 360));
        assert_eq!(placement((641, 361), (640, 360), ScaleMode::Fit), rect(0, 0, 641, 361));
    }

    #[test]
    fn integer_keeps_whole_factors() {
        assert_eq!(placement((1920, 1080), (640, 360), ScaleMode::Integer), rect(0, 0, 1920, 1080));
        assert_eq!(placement((1919, 1080), (640, 360), ScaleMode::Integer), rect(319, 180, 1280, 720));
        assert_eq!(placement((320, 200), (640, 360), ScaleMode::Integer), rect(0, 10, 320, 180));
    }

    #[test]
    fn fill_covers() {
        assert_eq!(placement((1920, 1200), (1280, 720), ScaleMode::Fill), rect(-107, 0, 2133, 1200));
        assert_eq!(placement((640, 200), (640, 360), ScaleMode::Fill), rect(0, -80, 640, 360));
    }

    #[test]
    fn nothing_without_area() {
        for (window, picture) in [((0, 5), (5, 5)), ((5, 0), (5, 5)), ((5, 5), (0, 5)), ((5, 5), (5, 0))] {
            assert!(placement(window, picture, ScaleMode::Fit).is_empty());
        }
    }

    #[test]
    fn pointer_maps_to_the_picture() {
        let rect = placement((1920, 1200), (1280, 720), ScaleMode::Fit);
        assert_eq!(rect.relative(960.0, 600.0), Some((0.5, 0.5)));
        assert_eq!(rect.relative(0.0, 0.0), Some((0.0, 0.0)));
        assert!(!rect.contains(5.0, 59.0));
        assert!(rect.contains(5.0, 60.0));
        assert_eq!(Rect::default().relative(1.0, 1.0), None);
    }

    fn size() -> impl Strategy<Value = (u32, u32)> {
        (prop_oneof![0u32..4, 1u32..9000, Just(u32::MAX)], prop_oneof![0u32..4, 1u32..9000, Just(u32::MAX)])
    }

    fn mode() -> impl Strategy<Value = ScaleMode> {
        prop_oneof![Just(ScaleMode::Fit), Just(ScaleMode::Integer), Just(ScaleMode::Fill)]
    }

    proptest! {
        #[test]
        fn never_panics(window in size(), picture in size(), mode in mode()) {
            let rect = placement(window, picture, mode);
            let clipped = rect.clipped(window);
            prop_assert!(clipped.x >= 0 && clipped.y >= 0);
            prop_assert!(clipped.width <= window.0 && clipped.height <= window.1);
        }

        #[test]
        fn fit_stays_inside_and_touches(w in 1u32..5000, h in 1u32..5000, pw in 1u32..5000, ph in 1u32..5000) {
            for mode in [ScaleMode::Fit, ScaleMode::Integer] {
                let rect = placement((w, h), (pw, ph), mode);
                prop_assert!(rect.x >= 0 && rect.y >= 0 && !rect.is_empty());
                prop_assert!(rect.x.unsigned_abs() + rect.width <= w && rect.y.unsigned_abs() + rect.height <= h);
                if mode == ScaleMode::Fit {
                    prop_assert!(rect.width == w || rect.height == h);
                }
            }
        }

        #[test]
        fn fill_covers_every_pixel(w in 1u32..5000, h in 1u32..5000, pw in 1u32..5000, ph in 1u32..5000) {
            let rect = placement((w, h), (pw, ph), ScaleMode::Fill);
            prop_assert!(rect.x <= 0 && rect.y <= 0);
            prop_assert_eq!(rect.clipped((w, h)), Rect { x: 0, y: 0, width: w, height: h });
        }

        #[test]
        fn the_shape_is_kept_to_a_pixel(w in 1u32..5000, h in 1u32..5000, pw in 1u32..5000, ph in 1u32..5000) {
            let rect = placement((w, h), (pw, ph), ScaleMode::Fit);
            let height = f64::from(rect.width) * f64::from(ph) / f64::from(pw);
            let width = f64::from(rect.height) * f64::from(pw) / f64::from(ph);
            prop_assert!((height - f64::from(rect.height)).abs() <= 1.0 || (width - f64::from(rect.width)).abs() <= 1.0);
        }
    }
}
