//! Dead zones and curves of sticks and triggers.

/// Shape of a stick: radial dead zones, a curve, and the way round a game's own dead zone.
///
/// All fields are fractions of the full way; values that make no sense are pulled to the nearest that do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StickShape {
    /// Deflection up to which the stick rests.
    pub inner: f32,
    /// Deflection from which on it counts as full.
    pub outer: f32,
    /// Exponent of the way between: 1 is straight, 2 is finer around the middle.
    pub curve: f32,
    /// Smallest deflection that is sent once the stick has left its dead zone; undoes the dead zone of a game.
    pub floor: f32,
}

impl Default for StickShape {
    /// Worn sticks of common pads rest within 8 % and reach at least 97 %.
    fn default() -> Self {
        Self { inner: 0.08, outer: 0.97, curve: 1.0, floor: 0.0 }
    }
}

impl StickShape {
    /// What the device says, within the unit circle.
    pub const RAW: Self = Self { inner: 0.0, outer: 1.0, curve: 1.0, floor: 0.0 };

    /// The shaped position; its direction is that of the input, its length at most 1.
    #[must_use]
    pub fn apply(&self, x: f32, y: f32) -> (f32, f32) {
        let (x, y) = (number(x).clamp(-1.0, 1.0), number(y).clamp(-1.0, 1.0));
        let length = x.hypot(y);
        let shaped = ramp(length, self.inner, self.outer, self.curve, self.floor);
        if length <= 0.0 || shaped <= 0.0 {
            return (0.0, 0.0);
        }
        ((x / length * shaped).clamp(-1.0, 1.0), (y / length * shaped).clamp(-1.0, 1.0))
    }
}

/// Shape of a trigger.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TriggerShape {
    /// Pull up to which the trigger rests.
    pub inner: f32,
    /// Pull from which on it counts as full.
    pub outer: f32,
    /// Shaped pull at which the trigger's button goes down.
    pub press: f32,
    /// Shaped pull at which it comes up again; lower than `press`, so that a trembling finger presses once.
    pub release: f32,
}

impl Default for TriggerShape {
    fn default() -> Self {
        Self { inner: 0.03, outer: 0.98, press: 0.5, release: 0.4 }
    }
}

impl TriggerShape {
    /// The shaped pull, 0 to 1.
    #[must_use]
    pub fn apply(&self, value: f32) -> f32 {
        ramp(number(value).clamp(0.0, 1.0), self.inner, self.outer, 1.0, 0.0)
    }

    /// Whether the trigger's button is down at a shaped pull, given whether it was.
    #[must_use]
    pub fn pressed(&self, shaped: f32, was: bool) -> bool {
        if was { shaped > self.release.min(self.press) } else { shaped >= self.press.max(f32::EPSILON) }
    }
}

/// Where `value` is between `inner` and `outer`, bent by `curve`, lifted to `floor`.
fn ramp(value: f32, inner: f32, outer: f32, curve: f32, floor: f32) -> f32 {
    let inner = number(inner).clamp(0.0, 0.99);
    let outer = number(outer).clamp(inner + 0.01, 1.0);
    let floor = number(floor).clamp(0.0, 1.0);
    let curve = if curve.is_finite() { curve.clamp(0.1, 10.0) } else { 1.0 };
    if value <= inner {
        return 0.0;
    }
    let way = ((value - inner) / (outer - inner)).clamp(0.0, 1.0).powf(curve);
    floor + (1.0 - floor) * way
}

fn number(value: f32) -> f32 {
    if value.is_finite() { value } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn near(seen: (f32, f32), wanted: (f32, f32)) -> bool {
        (seen.0 - wanted.0).abs() < 1e-4 && (seen.1 - wanted.1).abs() < 1e-4
    }

    #[test]
    fn a_resting_stick_rests_and_a_full_one_is_full() {
        let shape = StickShape { inner: 0.1, outer: 0.9, curve: 1.0, floor: 0.0 };
        assert_eq!(shape.apply(0.06, -0.06), (0.0, 0.0));
        assert!(near(shape.apply(0.9, 0.0), (1.0, 0.0)));
        assert!(near(shape.apply(0.0, -1.0), (0.0, -1.0)));
        assert!(near(shape.apply(0.5, 0.0), (0.5, 0.0)));
        // Radial: a small sideways part survives when the stick is far out, so circles stay round.
        assert!(shape.apply(0.8, 0.05).1 > 0.04);
    }

    #[test]
    fn a_square_stick_is_pulled_to_the_circle() {
        assert!(near(
            StickShape::RAW.apply(1.0, 1.0),
            (std::f32::consts::FRAC_1_SQRT_2, std::f32::consts::FRAC_1_SQRT_2)
        ));
    }

    #[test]
    fn curve_and_floor() {
        let curved = StickShape { curve: 2.0, ..StickShape::RAW };
        assert!(near(curved.apply(0.5, 0.0), (0.25, 0.0)));
        let lifted = StickShape { inner: 0.1, floor: 0.2, ..StickShape::RAW };
        assert_eq!(lifted.apply(0.1, 0.0), (0.0, 0.0));
        assert!(lifted.apply(0.101, 0.0).0 > 0.2);
    }

    #[test]
    fn a_trembling_trigger_presses_once() {
        let shape = TriggerShape::default();
        assert!(!shape.pressed(0.49, false));
        assert!(shape.pressed(0.5, false));
        assert!(shape.pressed(0.45, true));
        assert!(!shape.pressed(0.45, false));
        assert!(!shape.pressed(0.4, true));
    }

    proptest! {
        #[test]
        fn a_shaped_stick_stays_in_the_unit_circle(
            x: f32, y: f32, inner: f32, outer: f32, curve: f32, floor: f32,
        ) {
            let (a, b) = StickShape { inner, outer, curve, floor }.apply(x, y);
            prop_assert!(a.is_finite() && b.is_finite());
            prop_assert!(a.hypot(b) <= 1.000_01);
        }

        #[test]
        fn direction_is_kept(x in -1.0_f32..1.0, y in -1.0_f32..1.0) {
            let (a, b) = StickShape::default().apply(x, y);
            prop_assert!((a * y - b * x).abs() < 1e-3, "{} {}", a, b);
            prop_assert!(a * x >= 0.0 && b * y >= 0.0);
        }

        #[test]
        fn further_out_is_never_less(
            near in 0.0_f32..1.0, far in 0.0_f32..1.0, inner in 0.0_f32..0.5, curve in 0.2_f32..4.0,
        ) {
            let (near, far) = (near.min(far), near.max(far));
            let shape = StickShape { inner, curve, ..StickShape::default() };
            prop_assert!(shape.apply(near, 0.0).0 <= shape.apply(far, 0.0).0);
        }

        #[test]
        fn a_trigger_stays_in_range(value: f32, inner: f32, outer: f32) {
            let shaped = TriggerShape { inner, outer, ..TriggerShape::default() }.apply(value);
            prop_assert!((0.0..=1.0).contains(&shaped));
        }
    }
}
