//! The rules: ships, comets, wasps, shards and the beacon, 240 ticks a second.

use super::super::dice::Dice;
use super::things::bounce;
pub(crate) use super::things::*;

const SPEED: f32 = 560.0;
const DASH_SPEED: f32 = 1_500.0;
const DASH_TIME: f32 = 0.14;
const DASH_PAUSE: f32 = 1.0;
const SHIP_RADIUS: f32 = 20.0;
const BOLT_SPEED: f32 = 1_150.0;
/// The first extra ship comes at twice as many points, each next one after a longer way.
const EXTRA_SHIP_POINTS: u32 = 10_000;

/// Everything there is.
#[derive(Clone, Debug)]
pub(crate) struct World {
    /// Both players' ships.
    pub(crate) ships: [Ship; 2],
    /// Comets.
    pub(crate) comets: Vec<Comet>,
    /// Hunters.
    pub(crate) wasps: Vec<Wasp>,
    /// Shots.
    pub(crate) bolts: Vec<Bolt>,
    /// Free shards.
    pub(crate) shards: Vec<Shard>,
    /// Particles.
    pub(crate) sparks: Vec<Spark>,
    /// Growing circles.
    pub(crate) waves: Vec<Wave>,
    /// Floating points.
    pub(crate) pops: Vec<Pop>,
    /// From 1.
    pub(crate) level: u32,
    /// Shards delivered in this level.
    pub(crate) charge: u32,
    /// Seconds of celebration left after a level.
    pub(crate) clear: f32,
    /// Strength of the shake, 0 to 1.
    pub(crate) shake: f32,
    /// Ticks since the start.
    pub(crate) ticks: u64,
    /// What was heard in the ticks since they were last taken.
    pub(crate) cues: Vec<(Cue, f32)>,
    dice: Dice,
    comet_wait: f32,
    wasp_wait: f32,
}

/// Most elements of each kind; more are not made, so nothing grows while playing.
mod most {
    pub(super) const COMETS: usize = 40;
    pub(super) const WASPS: usize = 6;
    pub(super) const BOLTS: usize = 64;
    pub(super) const SHARDS: usize = 40;
    pub(super) const SPARKS: usize = 260;
    pub(super) const WAVES: usize = 10;
    pub(super) const POPS: usize = 10;
    pub(super) const CUES: usize = 24;
}

/// Adds while there is room.
fn add<T>(list: &mut Vec<T>, item: T) {
    if list.len() < list.capacity() {
        list.push(item);
    }
}

impl World {
    /// A fresh arena at level 1 with no player in it.
    #[must_use]
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            ships: [Ship::new((WIDTH * 0.3, HEIGHT * 0.5)), Ship::new((WIDTH * 0.7, HEIGHT * 0.5))],
            comets: Vec::with_capacity(most::COMETS),
            wasps: Vec::with_capacity(most::WASPS),
            bolts: Vec::with_capacity(most::BOLTS),
            shards: Vec::with_capacity(most::SHARDS),
            sparks: Vec::with_capacity(most::SPARKS),
            waves: Vec::with_capacity(most::WAVES),
            pops: Vec::with_capacity(most::POPS),
            level: 1,
            charge: 0,
            clear: 0.0,
            shake: 0.0,
            ticks: 0,
            cues: Vec::with_capacity(most::CUES),
            dice: Dice::new(seed),
            comet_wait: 0.0,
            wasp_wait: 4.0,
        }
    }

    /// A player comes in with all ships.
    pub(crate) fn join(&mut self, who: usize) {
        if let Some(ship) = self.ships.get_mut(who).filter(|ship| !ship.active) {
            (ship.active, ship.lives, ship.safe) = (true, LIVES, 2.0);
            let at = ship.at;
            self.cue(Cue::Back(who), at);
            self.wave(at, tint_of(who), 500.0, 2.0);
        }
    }

    /// Shards that charge the relay in this level.
    #[must_use]
    pub(crate) const fn goal(&self) -> u32 {
        8 + 4 * if self.level < 13 { self.level } else { 13 }
    }

    /// Whether nobody has a ship left.
    #[must_use]
    pub(crate) fn over(&self) -> bool {
        self.ships.iter().all(|ship| !ship.active || ship.lives == 0)
    }

    /// Whether both ships fly close enough to link.
    #[must_use]
    pub(crate) fn linked(&self) -> bool {
        let [a, b] = &self.ships;
        a.flies() && b.flies() && distance(a.at, b.at) < LINK
    }

    /// Advances by one tick.
    pub(crate) fn tick(&mut self, controls: &[Controls; 2]) {
        self.ticks += 1;
        self.shake = (self.shake - TICK * 2.5).max(0.0);
        let linked = self.linked();
        for (who, controls) in controls.iter().enumerate() {
            self.fly(who, controls, linked);
        }
        self.move_things();
        self.hit_with_bolts();
        self.collect();
        self.crash();
        self.progress();
        self.spawn();
    }

    fn cue(&mut self, cue: Cue, at: (f32, f32)) {
        add(&mut self.cues, (cue, (at.0 / WIDTH * 2.0 - 1.0).clamp(-1.0, 1.0) * 0.8));
    }

    fn wave(&mut self, at: (f32, f32), tint: Tint, grow: f32, fade: f32) {
        add(&mut self.waves, Wave { at, radius: 8.0, tint, left: 1.0, grow, fade });
    }

    fn burst(&mut self, at: (f32, f32), tint: Tint, count: u32, speed: f32) {
        for _ in 0..count {
            let angle = self.dice.range(0.0, std::f32::consts::TAU);
            let fast = speed * self.dice.range(0.15, 1.0);
            let speed = (angle.cos() * fast, angle.sin() * fast);
            let fade = self.dice.range(1.1, 2.8);
            add(&mut self.sparks, Spark { at, speed, tint, left: 1.0, fade });
        }
    }

    fn fly(&mut self, who: usize, controls: &Controls, linked: bool) {
        let Some(ship) = self.ships.get_mut(who).filter(|ship| ship.active && ship.lives > 0) else { return };
        for time in [&mut ship.safe, &mut ship.dash, &mut ship.dash_wait, &mut ship.fire_wait] {
            *time = (*time - TICK).max(0.0);
        }
        if ship.gone > 0.0 {
            ship.gone -= TICK;
            if ship.gone <= 0.0 {
                (ship.gone, ship.safe, ship.speed) = (0.0, 2.5, (0.0, 0.0));
                ship.at = (WIDTH * if who == 0 { 0.44 } else { 0.56 }, HEIGHT * 0.5);
                ship.trail = [ship.at; TRAIL];
                let at = ship.at;
                self.cue(Cue::Back(who), at);
                self.wave(at, tint_of(who), 400.0, 2.0);
            }
            return;
        }
        let go = match controls.goal {
            Some(goal) => {
                let way = (goal.0 - ship.at.0, goal.1 - ship.at.1);
                let near = (way.0.hypot(way.1) / 60.0).min(1.0);
                unit(way).map_or((0.0, 0.0), |(x, y)| (x * near, y * near))
            }
            None => controls.go,
        };
        let mark = controls.mark.and_then(|mark| unit((mark.0 - ship.at.0, mark.1 - ship.at.1)));
        ship.thrust = go.0.hypot(go.1).min(1.0);
        if let Some(nose) = controls.aim.or(mark).or_else(|| (ship.thrust > 0.15).then(|| unit(go)).flatten()) {
            ship.nose = nose;
        }
        let dashes = controls.dash && ship.dash_wait <= 0.0;
        if dashes {
            (ship.dash, ship.dash_wait) = (DASH_TIME, DASH_PAUSE);
            ship.safe = ship.safe.max(DASH_TIME + 0.06);
            let (x, y) = unit(go).unwrap_or(ship.nose);
            ship.speed = (x * DASH_SPEED, y * DASH_SPEED);
        } else if ship.dash <= 0.0 {
            // Reaches two fifths of the wanted speed within a frame: the stick is felt at once.
            ship.speed.0 += (go.0 * SPEED - ship.speed.0) * 0.12;
            ship.speed.1 += (go.1 * SPEED - ship.speed.1) * 0.12;
        }
        ship.at.0 = (ship.at.0 + ship.speed.0 * TICK).clamp(26.0, WIDTH - 26.0);
        ship.at.1 = (ship.at.1 + ship.speed.1 * TICK).clamp(26.0, HEIGHT - 26.0);
        if self.ticks.is_multiple_of(6) {
            ship.trail.rotate_right(1);
            if let Some(newest) = ship.trail.first_mut() {
                *newest = ship.at;
            }
        }
        let fires = controls.fire && ship.fire_wait <= 0.0;
        let (at, nose, tow) = (ship.at, ship.nose, ship.tow);
        if fires {
            ship.fire_wait = if linked { 0.085 } else { 0.14 };
            self.fire(who, at, nose, tow);
        }
        if dashes {
            self.cue(Cue::Dash(who), at);
            self.burst(at, tint_of(who), 14, 260.0);
        }
    }

    /// Towing makes the guns stronger: the risk pays.
    fn fire(&mut self, who: usize, at: (f32, f32), nose: (f32, f32), tow: u32) {
        let offsets: &[f32] = match tow {
            0..=2 => &[0.0],
            3..=5 => &[-9.0, 9.0],
            _ => &[-16.0, 0.0, 16.0],
        };
        for offset in offsets {
            let at = (at.0 + nose.0 * 24.0 - nose.1 * offset, at.1 + nose.1 * 24.0 + nose.0 * offset);
            let fan = offset * 0.004;
            let way = (nose.0 - nose.1 * fan, nose.1 + nose.0 * fan);
            add(&mut self.bolts, Bolt { at, speed: (way.0 * BOLT_SPEED, way.1 * BOLT_SPEED), owner: who, left: 0.75 });
        }
        self.cue(Cue::Fire(who), at);
    }

    fn move_things(&mut self) {
        let step = |at: &mut (f32, f32), speed: (f32, f32)| {
            at.0 += speed.0 * TICK;
            at.1 += speed.1 * TICK;
        };
        for comet in &mut self.comets {
            comet.warm = (comet.warm - TICK).max(0.0);
            comet.lit = (comet.lit - TICK).max(0.0);
            if comet.warm <= 0.0 {
                comet.turn += comet.spin * TICK;
                let radius = comet.radius();
                step(&mut comet.at, comet.speed);
                bounce(&mut comet.at, &mut comet.speed, radius * 0.8);
            }
        }
        let prey = [&self.ships[0], &self.ships[1]].map(|ship| ship.flies().then_some(ship.at));
        let top = 190.0 + 24.0 * self.level.min(16) as f32;
        for wasp in &mut self.wasps {
            wasp.warm = (wasp.warm - TICK).max(0.0);
            if wasp.warm > 0.0 {
                continue;
            }
            let nearest =
                prey.iter().flatten().min_by(|a, b| distance(**a, wasp.at).total_cmp(&distance(**b, wasp.at)));
            if let Some((x, y)) = nearest.and_then(|prey| unit((prey.0 - wasp.at.0, prey.1 - wasp.at.1))) {
                wasp.speed.0 += (x * top - wasp.speed.0) * 0.008;
                wasp.speed.1 += (y * top - wasp.speed.1) * 0.008;
            }
            step(&mut wasp.at, wasp.speed);
            bounce(&mut wasp.at, &mut wasp.speed, 18.0);
        }
        for bolt in &mut self.bolts {
            bolt.left -= TICK;
            step(&mut bolt.at, bolt.speed);
        }
        let inside = |at: (f32, f32)| at.0 > 0.0 && at.1 > 0.0 && at.0 < WIDTH && at.1 < HEIGHT;
        self.bolts.retain(|bolt| bolt.left > 0.0 && inside(bolt.at));
        for shard in &mut self.shards {
            shard.left -= TICK;
            step(&mut shard.at, shard.speed);
            bounce(&mut shard.at, &mut shard.speed, 12.0);
            (shard.speed.0, shard.speed.1) = (shard.speed.0 * 0.994, shard.speed.1 * 0.994);
        }
        self.shards.retain(|shard| shard.left > 0.0);
        for spark in &mut self.sparks {
            spark.left -= TICK * spark.fade;
            step(&mut spark.at, spark.speed);
            (spark.speed.0, spark.speed.1) = (spark.speed.0 * 0.992, spark.speed.1 * 0.992);
        }
        self.sparks.retain(|spark| spark.left > 0.0);
        for wave in &mut self.waves {
            wave.radius += wave.grow * TICK;
            wave.left -= wave.fade * TICK;
        }
        self.waves.retain(|wave| wave.left > 0.0);
        for pop in &mut self.pops {
            pop.at.1 -= 46.0 * TICK;
            pop.left -= TICK * 0.9;
        }
        self.pops.retain(|pop| pop.left > 0.0);
    }

    fn hit_with_bolts(&mut self) {
        let mut index = 0;
        while let Some(bolt) = self.bolts.get(index) {
            let (at, owner) = (bolt.at, bolt.owner);
            if self.hit_comet(at, owner) || self.hit_wasp(at, owner) {
                self.bolts.swap_remove(index);
            } else {
                index += 1;
            }
        }
    }

    fn hit_comet(&mut self, at: (f32, f32), owner: usize) -> bool {
        let touched = |comet: &Comet| comet.warm <= 0.0 && distance(comet.at, at) < comet.radius() + 4.0;
        let Some(index) = self.comets.iter().position(touched) else { return false };
        let Some(comet) = self.comets.get_mut(index) else { return false };
        comet.hits = comet.hits.saturating_sub(1);
        comet.lit = 0.09;
        if comet.hits > 0 {
            self.burst(at, Tint::White, 3, 220.0);
            self.cue(Cue::Clink, at);
        } else {
            self.break_comet(index, Some(owner));
        }
        true
    }

    fn hit_wasp(&mut self, at: (f32, f32), owner: usize) -> bool {
        let touched = |wasp: &Wasp| wasp.warm <= 0.0 && distance(wasp.at, at) < 30.0;
        let Some(index) = self.wasps.iter().position(touched) else { return false };
        let Some(wasp) = self.wasps.get_mut(index) else { return false };
        wasp.hits = wasp.hits.saturating_sub(1);
        if wasp.hits > 0 {
            self.cue(Cue::Clink, at);
            return true;
        }
        let wasp = self.wasps.swap_remove(index);
        self.burst(wasp.at, Tint::Red, 22, 420.0);
        self.wave(wasp.at, Tint::Red, 240.0, 3.0);
        self.cue(Cue::Break(2), wasp.at);
        self.drop_shard(wasp.at);
        self.reward(owner, 150, wasp.at);
        true
    }

    fn reward(&mut self, who: usize, points: u32, at: (f32, f32)) {
        let Some(ship) = self.ships.get_mut(who) else { return };
        ship.score = ship.score.saturating_add(points);
        let next = EXTRA_SHIP_POINTS.saturating_mul((ship.extras + 1).saturating_mul(ship.extras + 2));
        if ship.score >= next {
            ship.extras += 1;
            ship.lives += 1;
            self.cue(Cue::Extra(who), at);
        }
        if points >= 100 {
            add(&mut self.pops, Pop { at, points, left: 1.0 });
        }
    }

    fn drop_shard(&mut self, at: (f32, f32)) {
        let speed = (self.dice.range(-90.0, 90.0), self.dice.range(-90.0, 90.0));
        add(&mut self.shards, Shard { at, speed, left: 11.0 });
    }

    /// Breaks a comet into two smaller ones and a shard.
    fn break_comet(&mut self, index: usize, owner: Option<usize>) {
        if index >= self.comets.len() {
            return;
        }
        let comet = self.comets.swap_remove(index);
        self.burst(comet.at, Tint::Violet, 6 + comet.size * 6, 160.0 + 90.0 * comet.size as f32);
        self.burst(comet.at, Tint::White, 3, 300.0);
        self.wave(comet.at, Tint::Violet, 120.0 + 90.0 * comet.size as f32, 3.0);
        self.cue(Cue::Break(comet.size), comet.at);
        if let Some(owner) = owner {
            self.reward(owner, [100, 100, 50, 20].get(comet.size as usize).copied().unwrap_or(20), comet.at);
        }
        if comet.size > 1 || !self.dice.once_in(3) {
            self.drop_shard(comet.at);
        }
        if comet.size > 1 {
            let side = unit((-comet.speed.1, comet.speed.0)).unwrap_or((1.0, 0.0));
            for sign in [-1.0, 1.0] {
                let push = self.dice.range(50.0, 120.0) * sign;
                let speed = (comet.speed.0 * 0.9 + side.0 * push, comet.speed.1 * 0.9 + side.1 * push);
                let at = (comet.at.0 + side.0 * 24.0 * sign, comet.at.1 + side.1 * 24.0 * sign);
                self.add_comet(at, speed, comet.size - 1, 0.0);
            }
        }
    }

    fn add_comet(&mut self, at: (f32, f32), speed: (f32, f32), size: u32, warm: f32) {
        let corners = std::array::from_fn(|_| self.dice.range(0.74, 1.12));
        let turn = self.dice.range(0.0, 6.0);
        let spin = self.dice.range(-1.6, 1.6);
        add(&mut self.comets, Comet { at, speed, turn, size, warm, corners, lit: 0.0, spin, hits: size.max(1) });
    }

    fn collect(&mut self) {
        for who in 0..self.ships.len() {
            let Some(ship) = self.ships.get_mut(who).filter(|ship| ship.flies()) else { continue };
            let at = ship.at;
            for shard in &mut self.shards {
                let far = distance(shard.at, at);
                if let Some((x, y)) = unit((at.0 - shard.at.0, at.1 - shard.at.1)).filter(|_| far < 130.0) {
                    let pull = (130.0 - far) * 26.0 * TICK;
                    shard.speed = (shard.speed.0 + x * pull, shard.speed.1 + y * pull);
                }
            }
            let before = ship.tow;
            let tow = &mut ship.tow;
            self.shards.retain(|shard| {
                let taken = *tow < TOW && distance(shard.at, at) < 34.0;
                *tow += u32::from(taken);
                !taken
            });
            let (tow, delivers) = (ship.tow, ship.tow > 0 && distance(at, BEACON) < BEACON_REACH);
            if tow > before {
                self.cue(Cue::Take(who, tow), at);
                self.burst(at, Tint::Gold, 5, 160.0);
            }
            if delivers && self.clear <= 0.0 {
                self.deliver(who, tow);
            }
        }
    }

    fn deliver(&mut self, who: usize, tow: u32) {
        if let Some(ship) = self.ships.get_mut(who) {
            ship.tow = 0;
        }
        self.charge += tow;
        self.reward(who, 50 * tow * tow + 50, (BEACON.0, BEACON.1 - 60.0));
        self.burst(BEACON, Tint::Gold, 8 + tow * 4, 420.0);
        self.wave(BEACON, Tint::Gold, 420.0, 1.8);
        self.cue(Cue::Deliver(who, tow), BEACON);
    }

    fn crash(&mut self) {
        for who in 0..self.ships.len() {
            let Some(ship) = self.ships.get(who).filter(|ship| ship.flies() && ship.safe <= 0.0) else { continue };
            let at = ship.at;
            let comet = self
                .comets
                .iter()
                .position(|comet| comet.warm <= 0.0 && distance(comet.at, at) < comet.radius() * 0.9 + SHIP_RADIUS);
            let wasp = self.wasps.iter().position(|wasp| wasp.warm <= 0.0 && distance(wasp.at, at) < 40.0);
            if comet.is_none() && wasp.is_none() {
                continue;
            }
            if let Some(index) = comet {
                self.break_comet(index, None);
            }
            if let Some(index) = wasp {
                self.wasps.swap_remove(index);
            }
            self.lose(who, at);
        }
    }

    fn lose(&mut self, who: usize, at: (f32, f32)) {
        let Some(ship) = self.ships.get_mut(who) else { return };
        ship.lives = ship.lives.saturating_sub(1);
        ship.gone = 1.4;
        let tow = std::mem::take(&mut ship.tow);
        for _ in 0..tow.div_ceil(2) {
            self.drop_shard(at);
        }
        self.burst(at, tint_of(who), 50, 640.0);
        self.burst(at, Tint::White, 20, 380.0);
        self.wave(at, tint_of(who), 700.0, 1.6);
        self.wave(at, Tint::White, 420.0, 2.4);
        self.shake = 1.0;
        self.cue(Cue::Lost(who), at);
    }

    /// The end of a level and the start of the next.
    fn progress(&mut self) {
        if self.clear > 0.0 {
            self.clear -= TICK;
            if self.clear <= 0.0 {
                (self.clear, self.charge, self.wasp_wait) = (0.0, 0, 5.0);
                self.level += 1;
            }
        } else if self.charge >= self.goal() {
            self.clear = 3.0;
            self.shake = 0.6;
            for (grow, tint) in [(900.0, Tint::Gold), (700.0, Tint::White), (500.0, Tint::Cyan)] {
                self.wave(BEACON, tint, grow, 0.8);
            }
            self.cue(Cue::Clear, BEACON);
            let level = self.level;
            for who in 0..self.ships.len() {
                if self.ships.get(who).is_some_and(|ship| ship.active && ship.lives > 0) {
                    self.reward(who, 1_000 * level, (BEACON.0, BEACON.1 - 110.0));
                }
            }
            while let Some(comet) = self.comets.pop() {
                self.burst(comet.at, Tint::Violet, 5, 380.0);
            }
            while let Some(wasp) = self.wasps.pop() {
                self.burst(wasp.at, Tint::Red, 8, 380.0);
            }
        }
    }

    /// A place at the edge that is far from all ships.
    fn edge(&mut self) -> (f32, f32) {
        let mut at = (0.0, 0.0);
        for _ in 0..8 {
            let along = self.dice.range(0.0, 2.0 * (WIDTH + HEIGHT) - 1.0);
            at = match along {
                x if x < WIDTH => (x, 60.0),
                x if x < 2.0 * WIDTH => (x - WIDTH, HEIGHT - 60.0),
                y if y < 2.0 * WIDTH + HEIGHT => (60.0, y - 2.0 * WIDTH),
                y => (WIDTH - 60.0, y - 2.0 * WIDTH - HEIGHT),
            };
            at = (at.0.clamp(60.0, WIDTH - 60.0), at.1.clamp(60.0, HEIGHT - 60.0));
            if self.ships.iter().all(|ship| !ship.flies() || distance(ship.at, at) > 300.0) {
                break;
            }
        }
        at
    }

    fn spawn(&mut self) {
        self.comet_wait -= TICK;
        self.wasp_wait -= TICK;
        if self.clear > 0.0 {
            return;
        }
        let mass: u32 = self.comets.iter().map(|comet| comet.size).sum();
        let want = (6 + 2 * self.level).min(44);
        if mass + 2 <= want && self.comet_wait <= 0.0 {
            self.comet_wait = 0.55;
            let at = self.edge();
            let harder = 1.0 + 0.13 * self.level.min(30) as f32;
            let aim = (self.dice.range(0.2, 0.8) * WIDTH - at.0, self.dice.range(0.2, 0.8) * HEIGHT - at.1);
            let fast = self.dice.range(60.0, 130.0) * harder;
            let (x, y) = unit(aim).unwrap_or((1.0, 0.0));
            let size = if self.dice.once_in(4) { 2 } else { 3 };
            self.add_comet(at, (x * fast, y * fast), size, 0.8);
        }
        let wasps = (self.level / 2).min(most::WASPS as u32) as usize;
        if self.wasps.len() < wasps && self.wasp_wait <= 0.0 {
            self.wasp_wait = 7.0 - 0.4 * self.level.min(15) as f32;
            let at = self.edge();
            add(&mut self.wasps, Wasp { at, speed: (0.0, 0.0), warm: 1.0, hits: 2 + self.level / 5 });
            self.cue(Cue::Wasp, at);
        }
    }
}
