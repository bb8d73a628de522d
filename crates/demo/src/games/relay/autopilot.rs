//! Plays by itself behind the title.

use super::world::{BEACON, Controls, World, distance, unit};

/// What a careful player would do now.
#[must_use]
pub(crate) fn fly(world: &World, who: usize) -> Controls {
    let Some(ship) = world.ships.get(who).filter(|ship| ship.flies()) else { return Controls::default() };
    let nearest = |all: &mut dyn Iterator<Item = (f32, f32)>| {
        all.min_by(|a, b| distance(*a, ship.at).total_cmp(&distance(*b, ship.at)))
    };
    let prey = nearest(&mut world.wasps.iter().map(|wasp| wasp.at).chain(world.comets.iter().map(|comet| comet.at)));
    let shard = nearest(&mut world.shards.iter().map(|shard| shard.at)).filter(|_| ship.tow < 6);
    let want = match shard {
        Some(shard) => shard,
        None if ship.tow > 0 => BEACON,
        // Each keeps to its own half.
        None => (BEACON.0 + if who == 0 { -330.0 } else { 330.0 }, BEACON.1),
    };
    let far = distance(want, ship.at);
    let mut go = unit((want.0 - ship.at.0, want.1 - ship.at.1)).unwrap_or_default();
    let eager = (far / 120.0).min(0.75);
    go = (go.0 * eager, go.1 * eager);
    for comet in &world.comets {
        let gap = distance(comet.at, ship.at) - comet.radius();
        if let Some((x, y)) = unit((ship.at.0 - comet.at.0, ship.at.1 - comet.at.1)).filter(|_| gap < 130.0) {
            let push = (130.0 - gap) / 70.0;
            go = (go.0 + x * push, go.1 + y * push);
        }
    }
    let length = go.0.hypot(go.1).max(1.0);
    let aim = prey.and_then(|prey| unit((prey.0 - ship.at.0, prey.1 - ship.at.1)));
    Controls { go: (go.0 / length, go.1 / length), aim, fire: aim.is_some(), ..Controls::default() }
}

#[cfg(test)]
mod tests {
    use super::super::world::{TICKS, World};
    use super::fly;

    #[test]
    fn a_careful_player_wins_points_and_levels_and_loses_ships_in_the_end() {
        let mut world = World::new(77);
        world.join(0);
        world.join(1);
        let mut ticks = 0;
        while !world.over() && ticks < TICKS * 60 * 20 {
            let controls = [fly(&world, 0), fly(&world, 1)];
            world.tick(&controls);
            world.cues.clear();
            ticks += 1;
            for ship in &world.ships {
                assert!(ship.at.0.is_finite() && ship.at.1.is_finite());
            }
        }
        let points: u32 = world.ships.iter().map(|ship| ship.score).sum();
        println!("level {}, {points} points after {} s", world.level, ticks / TICKS);
        assert!(world.level >= 2 && points > 3_000, "level {} with {points} points", world.level);
        assert!(world.over(), "it gets hard enough");
    }
}
