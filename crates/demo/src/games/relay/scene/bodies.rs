//! Ships, comets and everything else that moves.

use super::super::world::{Comet, Wasp};
use super::{BEACON, BEACON_REACH, Canvas, GOLD, Label, Pen, Ship, TICKS, Tint, View, Wave, World, light, tint_of};

/// Draws all of them, moved on by `ahead` seconds, with or without the points that float up.
pub(super) fn draw(canvas: &mut Canvas<'_>, view: &View, world: &World, ahead: f32, points: bool) {
    let on = |at: (f32, f32), speed: (f32, f32)| view.at((at.0 + speed.0 * ahead, at.1 + speed.1 * ahead));
    beacon(canvas, view, world);
    for wave in &world.waves {
        ripple(canvas, view, wave);
    }
    for comet in &world.comets {
        draw_comet(canvas, view, comet, on(comet.at, comet.speed), ahead);
    }
    for wasp in &world.wasps {
        draw_wasp(canvas, view, wasp, on(wasp.at, wasp.speed), world.ticks);
    }
    let turn = world.ticks as f32 / TICKS as f32 * 2.4;
    for shard in &world.shards {
        // The last seconds blink.
        if shard.left > 3.0 || ((shard.left * 8.0) as u32).is_multiple_of(2) {
            crystal(canvas, view, on(shard.at, shard.speed), turn + shard.left, 1.0);
        }
    }
    if world.linked() {
        let [a, b] = &world.ships;
        let pulse = 0.35 + 0.15 * (turn * 6.0).sin();
        canvas.line(on(a.at, a.speed), on(b.at, b.speed), &view.pen(Tint::White).times(pulse));
    }
    for bolt in &world.bolts {
        let head = on(bolt.at, bolt.speed);
        let tail = (bolt.at.0 - bolt.speed.0 * 0.022, bolt.at.1 - bolt.speed.1 * 0.022);
        canvas.line(head, on(tail, bolt.speed), &view.pen(tint_of(bolt.owner)));
    }
    for (who, ship) in world.ships.iter().enumerate() {
        draw_ship(canvas, view, ship, who, ahead, turn);
    }
    for spark in &world.sparks {
        let shine = light(spark.tint).times(spark.left * 0.9);
        let (x, y) = on(spark.at, spark.speed);
        canvas.spark(x, y, (1.4 + 2.2 * spark.left) * view.unit.max(0.7), shine);
    }
    for pop in world.pops.iter().filter(|_| points) {
        let (x, y) = view.at(pop.at);
        let points = Label::new(format_args!("+{}", pop.points));
        canvas.text_centred(x as i32, y as i32, view.text, GOLD, points.as_str());
    }
}

/// A point at an angle and distance from a centre, in pixels.
fn polar(centre: (f32, f32), angle: f32, radius: f32) -> (f32, f32) {
    (centre.0 + angle.cos() * radius, centre.1 + angle.sin() * radius)
}

/// The relay: rings that turn, and an arc that grows with its charge.
fn beacon(canvas: &mut Canvas<'_>, view: &View, world: &World) {
    let centre = view.at(BEACON);
    let time = world.ticks as f32 / TICKS as f32;
    let awaited = world.ships.iter().any(|ship| ship.flies() && ship.tow > 0);
    let pulse = if awaited { 0.75 + 0.25 * (time * 9.0).sin() } else { 0.4 };
    let radius = BEACON_REACH * view.scale;
    canvas.ring(centre.0, centre.1, radius, &view.pen(Tint::Gold).times(0.45 * pulse));
    for corner in 0..3 {
        let angle = time * 0.8 + corner as f32 * std::f32::consts::TAU / 3.0;
        let next = angle + std::f32::consts::TAU / 3.0;
        let pen = view.pen(Tint::Gold).times(pulse);
        canvas.line(polar(centre, angle, radius * 0.55), polar(centre, next, radius * 0.55), &pen);
    }
    canvas.spark(centre.0, centre.1, radius * 0.45, light(Tint::Gold).times(0.8 * pulse));
    let share = (world.charge as f32 / world.goal().max(1) as f32).min(1.0);
    let steps = (share * 30.0) as u32;
    let arc = |step: u32| {
        let angle = step as f32 / 30.0 * std::f32::consts::TAU - std::f32::consts::FRAC_PI_2;
        polar(centre, angle, radius * 0.82)
    };
    canvas.polyline((0..=steps).filter(|_| steps > 0).map(arc), &view.pen(Tint::Gold));
}

fn ripple(canvas: &mut Canvas<'_>, view: &View, wave: &Wave) {
    let (x, y) = view.at(wave.at);
    canvas.ring(x, y, wave.radius * view.scale, &view.pen(wave.tint).times(wave.left * wave.left * 0.9));
}

fn draw_comet(canvas: &mut Canvas<'_>, view: &View, comet: &Comet, centre: (f32, f32), ahead: f32) {
    let radius = comet.radius() * view.scale;
    if comet.warm > 0.0 {
        // A circle closes in where it will be.
        let pen = view.pen(Tint::Violet).times(0.25 + 0.5 * (0.8 - comet.warm).max(0.0));
        canvas.ring(centre.0, centre.1, radius * (1.0 + comet.warm), &pen);
        return;
    }
    let back = comet.speed.1.atan2(comet.speed.0) + std::f32::consts::PI;
    let fast = comet.speed.0.hypot(comet.speed.1) * view.scale;
    for (side, long) in [(-0.55, 0.35), (0.0, 0.6), (0.55, 0.35)] {
        let from = polar(centre, back + side, radius * 1.08);
        let to = (from.0 + back.cos() * fast * long, from.1 + back.sin() * fast * long);
        let tail = view.pen(Tint::Cyan).times(0.28);
        canvas.line(from, to, &Pen { heat: 20.0, ..tail });
    }
    let pen = view.pen(if comet.lit > 0.0 { Tint::White } else { Tint::Violet });
    let step = std::f32::consts::TAU / comet.corners.len() as f32;
    let turn = comet.turn + ahead;
    let corner = |(index, share): (usize, &f32)| polar(centre, turn + index as f32 * step, radius * share);
    let closed = comet.corners.iter().enumerate().chain(comet.corners.first().map(|first| (0, first)));
    canvas.polyline(closed.map(corner), &pen);
    // Craters turn with it.
    let crater = pen.times(0.4);
    for (angle, far, size) in [(0.7, 0.42, 0.22), (2.6, 0.5, 0.09), (4.3, 0.3, 0.13)] {
        let (x, y) = polar(centre, turn + angle, radius * far);
        canvas.ring(x, y, radius * size, &crater);
    }
}

fn draw_wasp(canvas: &mut Canvas<'_>, view: &View, wasp: &Wasp, centre: (f32, f32), ticks: u64) {
    let size = 24.0 * view.scale;
    let pen = view.pen(Tint::Red);
    if wasp.warm > 0.0 {
        canvas.ring(centre.0, centre.1, size * (1.0 + 2.0 * wasp.warm), &pen.times(0.6));
        return;
    }
    let front = wasp.speed.1.atan2(wasp.speed.0);
    let flap = 0.5 + 0.25 * (ticks as f32 * 0.35).sin();
    let [nose, left, right] = [0.0, 2.5, -2.5].map(|angle| polar(centre, front + angle, size));
    let notch = polar(centre, front, -size * 0.25);
    canvas.polyline([nose, left, notch, right, nose], &pen);
    for side in [-1.0, 1.0] {
        let wing = polar(centre, front + side * (1.2 + flap), size * 1.7);
        canvas.line(notch, wing, &pen.times(0.6));
    }
}

fn crystal(canvas: &mut Canvas<'_>, view: &View, centre: (f32, f32), turn: f32, power: f32) {
    let (long, wide) = (13.0 * view.scale.max(0.3), 8.0 * view.scale.max(0.3));
    let narrow = wide * turn.cos().abs().max(0.25);
    let pen = view.pen(Tint::Gold).times(power);
    let (x, y) = centre;
    canvas.polyline([(x, y - long), (x + narrow, y), (x, y + long), (x - narrow, y), (x, y - long)], &pen);
}

fn draw_ship(canvas: &mut Canvas<'_>, view: &View, ship: &Ship, who: usize, ahead: f32, turn: f32) {
    if !ship.flies() {
        return;
    }
    let tint = tint_of(who);
    for index in 0..ship.tow {
        crystal(canvas, view, view.at(ship.towed(index)), turn + index as f32, 0.85);
    }
    let centre = view.at((ship.at.0 + ship.speed.0 * ahead, ship.at.1 + ship.speed.1 * ahead));
    let front = ship.nose.1.atan2(ship.nose.0);
    let size = 30.0 * view.scale;
    let [nose, left, right] =
        [(0.0, 1.0), (2.45, 0.95), (-2.45, 0.95)].map(|(a, r)| polar(centre, front + a, size * r));
    let notch = polar(centre, front, -size * 0.35);
    if ship.thrust > 0.1 || ship.dash > 0.0 {
        let way = ship.speed.1.atan2(ship.speed.0);
        let long = if ship.dash > 0.0 { 3.2 } else { 0.9 + 0.7 * ship.thrust + 0.25 * (turn * 31.0).sin() };
        let from = polar(centre, way, -size * 0.5);
        canvas.line(from, polar(centre, way, -size * (0.5 + long)), &view.pen(Tint::Gold).times(0.9));
    }
    let pen = view.pen(tint);
    let pen = Pen { core: pen.core * 1.25, glow: pen.glow * 1.25, ..pen };
    canvas.polyline([nose, left, notch, right, nose], &pen);
    canvas.spark(centre.0, centre.1, size * 0.45, light(tint).times(0.6));
    if ship.safe > 0.25 {
        let pulse = 0.3 + 0.2 * (turn * 9.0).sin();
        canvas.ring(centre.0, centre.1, size * 1.5, &view.pen(tint).times(pulse));
    }
}
