//! What is in the arena.

/// Width of the arena in world units.
pub(crate) const WIDTH: f32 = 1600.0;
/// Height of the arena in world units.
pub(crate) const HEIGHT: f32 = 760.0;
/// Ticks per second.
pub(crate) const TICKS: u64 = 240;
/// Seconds per tick.
pub(crate) const TICK: f32 = 1.0 / TICKS as f32;
/// The beacon, where shards are delivered.
pub(crate) const BEACON: (f32, f32) = (WIDTH / 2.0, HEIGHT / 2.0);
/// Distance at which a ship delivers.
pub(crate) const BEACON_REACH: f32 = 74.0;
/// Shards a ship can tow.
pub(crate) const TOW: u32 = 10;
/// Points on the way a ship came, newest first, for the shards it tows.
pub(crate) const TRAIL: usize = 64;
/// Distance up to which two ships link and fire faster.
pub(crate) const LINK: f32 = 330.0;
/// Corners of a comet.
pub(crate) const CORNERS: usize = 11;
/// Ships at the start of a game.
pub(crate) const LIVES: u32 = 3;

/// Colours of things; the scene says how they look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tint {
    /// First player.
    Cyan,
    /// Second player.
    Magenta,
    /// Shards and points.
    Gold,
    /// Comets.
    Violet,
    /// Wasps and danger.
    Red,
    /// Flashes.
    White,
}

/// What a player wants, in world directions (x right, y down).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Controls {
    /// Direction and strength of flight, length up to 1.
    pub(crate) go: (f32, f32),
    /// Direction to fire in, where it differs from flight.
    pub(crate) aim: Option<(f32, f32)>,
    /// Point to fly to (touch).
    pub(crate) goal: Option<(f32, f32)>,
    /// Point to aim at (pointer).
    pub(crate) mark: Option<(f32, f32)>,
    /// Fire.
    pub(crate) fire: bool,
    /// Dash.
    pub(crate) dash: bool,
}

/// Something that is heard and felt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cue {
    /// A ship fired.
    Fire(usize),
    /// A bolt hit something that held.
    Clink,
    /// A comet of this size broke.
    Break(u32),
    /// A ship took up its n-th shard.
    Take(usize, u32),
    /// A ship delivered that many shards.
    Deliver(usize, u32),
    /// A ship dashed.
    Dash(usize),
    /// A ship was lost.
    Lost(usize),
    /// A ship came back.
    Back(usize),
    /// A ship was won.
    Extra(usize),
    /// A wasp appeared.
    Wasp,
    /// The relay is charged.
    Clear,
}

/// A player's ship.
#[derive(Clone, Debug)]
pub(crate) struct Ship {
    /// Takes part in this game.
    pub(crate) active: bool,
    /// Position.
    pub(crate) at: (f32, f32),
    /// Units per second.
    pub(crate) speed: (f32, f32),
    /// Unit vector of the nose.
    pub(crate) nose: (f32, f32),
    /// How hard it flies, 0 to 1, for the flame.
    pub(crate) thrust: f32,
    /// Ships left, this one included.
    pub(crate) lives: u32,
    /// Points.
    pub(crate) score: u32,
    /// Shards towed.
    pub(crate) tow: u32,
    /// Seconds of invulnerability left.
    pub(crate) safe: f32,
    /// Seconds until it comes back; 0 when it is there.
    pub(crate) gone: f32,
    /// Seconds of dash left.
    pub(crate) dash: f32,
    /// Seconds until it can dash again.
    pub(crate) dash_wait: f32,
    /// Where it was, every sixth tick.
    pub(crate) trail: [(f32, f32); TRAIL],
    pub(super) fire_wait: f32,
    /// Ships won.
    pub(super) extras: u32,
}

impl Ship {
    /// A ship of nobody.
    pub(super) const fn new(at: (f32, f32)) -> Self {
        Self {
            active: false,
            at,
            speed: (0.0, 0.0),
            nose: (0.0, -1.0),
            thrust: 0.0,
            lives: 0,
            score: 0,
            tow: 0,
            safe: 0.0,
            gone: 0.0,
            dash: 0.0,
            dash_wait: 0.0,
            trail: [at; TRAIL],
            fire_wait: 0.0,
            extras: 0,
        }
    }

    /// Whether it flies now.
    #[must_use]
    pub(crate) fn flies(&self) -> bool {
        self.active && self.lives > 0 && self.gone <= 0.0
    }

    /// Where the n-th shard in tow is.
    #[must_use]
    pub(crate) fn towed(&self, index: u32) -> (f32, f32) {
        self.trail.get(4 + index as usize * 4).copied().unwrap_or(self.at)
    }
}

/// A comet.
#[derive(Clone, Debug)]
pub(crate) struct Comet {
    /// Position.
    pub(crate) at: (f32, f32),
    /// Units per second.
    pub(crate) speed: (f32, f32),
    /// Turn in radians.
    pub(crate) turn: f32,
    /// 3 large, 2, 1 small.
    pub(crate) size: u32,
    /// Seconds until it is really there.
    pub(crate) warm: f32,
    /// Distance of every corner relative to the radius.
    pub(crate) corners: [f32; CORNERS],
    /// Seconds it shows a hit.
    pub(crate) lit: f32,
    pub(super) spin: f32,
    pub(super) hits: u32,
}

impl Comet {
    /// Radius in world units.
    #[must_use]
    pub(crate) const fn radius(&self) -> f32 {
        match self.size {
            0 | 1 => 27.0,
            2 => 47.0,
            _ => 78.0,
        }
    }
}

/// A hunter.
#[derive(Clone, Debug)]
pub(crate) struct Wasp {
    /// Position.
    pub(crate) at: (f32, f32),
    /// Units per second.
    pub(crate) speed: (f32, f32),
    /// Seconds until it is really there.
    pub(crate) warm: f32,
    pub(super) hits: u32,
}

/// A shot.
#[derive(Clone, Debug)]
pub(crate) struct Bolt {
    /// Position.
    pub(crate) at: (f32, f32),
    /// Units per second.
    pub(crate) speed: (f32, f32),
    /// Player.
    pub(crate) owner: usize,
    pub(super) left: f32,
}

/// A piece of a comet, to be delivered.
#[derive(Clone, Debug)]
pub(crate) struct Shard {
    /// Position.
    pub(crate) at: (f32, f32),
    /// Units per second.
    pub(crate) speed: (f32, f32),
    /// Seconds until it fades.
    pub(crate) left: f32,
}

/// A particle.
#[derive(Clone, Debug)]
pub(crate) struct Spark {
    /// Position.
    pub(crate) at: (f32, f32),
    /// Units per second.
    pub(crate) speed: (f32, f32),
    /// Colour.
    pub(crate) tint: Tint,
    /// Share of its life left.
    pub(crate) left: f32,
    pub(super) fade: f32,
}

/// A circle that grows.
#[derive(Clone, Debug)]
pub(crate) struct Wave {
    /// Centre.
    pub(crate) at: (f32, f32),
    /// Radius now.
    pub(crate) radius: f32,
    /// Colour.
    pub(crate) tint: Tint,
    /// Share of its life left.
    pub(crate) left: f32,
    pub(super) grow: f32,
    pub(super) fade: f32,
}

/// Points floating up.
#[derive(Clone, Debug)]
pub(crate) struct Pop {
    /// Position.
    pub(crate) at: (f32, f32),
    /// Points.
    pub(crate) points: u32,
    /// Share of its life left.
    pub(crate) left: f32,
}

/// Distance between two points.
#[must_use]
pub(crate) fn distance(a: (f32, f32), b: (f32, f32)) -> f32 {
    (a.0 - b.0).hypot(a.1 - b.1)
}

/// Unit vector of a direction, if it has one.
#[must_use]
pub(crate) fn unit(v: (f32, f32)) -> Option<(f32, f32)> {
    let length = v.0.hypot(v.1);
    (length > 1e-3).then(|| (v.0 / length, v.1 / length))
}

/// A player's colour.
#[must_use]
pub(crate) const fn tint_of(who: usize) -> Tint {
    if who == 0 { Tint::Cyan } else { Tint::Magenta }
}

/// Turns things back at the walls.
pub(super) fn bounce(at: &mut (f32, f32), speed: &mut (f32, f32), radius: f32) {
    let turn = |at: &mut f32, speed: &mut f32, size: f32| {
        if (*at < radius && *speed < 0.0) || (*at > size - radius && *speed > 0.0) {
            *speed = -*speed;
        }
        *at = at.clamp(0.0, size);
    };
    turn(&mut at.0, &mut speed.0, WIDTH);
    turn(&mut at.1, &mut speed.1, HEIGHT);
}
