//! Comet Relay: shoot comets, tow their shards to the beacon, charge the relay.
//!
//! One or two players. The more shards a ship tows, the stronger its guns and the more the
//! delivery pays (it grows with the square), but a crash loses them. Two ships close together link
//! and fire faster. A charged relay ends the level; the next has more comets, and wasps which hunt.

mod autopilot;
mod effects;
mod pilot;
mod scene;
mod things;
mod world;

use entente_model::input::{Feedback, PlayerInput};

use self::pilot::{Pilot, Press};
use self::scene::Scene;
use self::world::{Controls, TICKS, World};
use super::dice::Dice;
use super::{Canvas, Game};
use crate::sound::{Mood, Music, Synth};

/// What is on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Title over a game that plays itself.
    Title,
    /// Playing.
    Play,
    /// Playing, held.
    Paused,
    /// The last score.
    Over,
}

/// Longest step in microseconds: a stall is not played after.
const LONGEST_STEP: u64 = 250_000;

/// Ticks for which the end of a game cannot be skipped, so that nobody misses the score.
const OVER_HOLD: u64 = TICKS * 3 / 2;

/// Ticks after which the end of a game gives way to the title.
const OVER_END: u64 = TICKS * 30;

/// The game.
pub struct CometRelay {
    dice: Dice,
    world: World,
    mode: Mode,
    /// Ticks in this mode.
    since: u64,
    /// Microseconds times [`TICKS`] not played yet.
    rest: u64,
    pilots: [Pilot; 2],
    best: u32,
    synth: Synth,
    music: Music,
    feedback: Queue,
    scene: Option<Scene>,
    /// Size of the last picture, for pointer and touch.
    size: (usize, usize),
}

/// What the pads shall do; the oldest gives way.
#[derive(Default)]
struct Queue {
    items: [Option<Feedback>; 8],
}

impl Queue {
    fn push(&mut self, feedback: Feedback) {
        if self.items.iter().all(Option::is_some) {
            self.items.rotate_left(1);
            self.items.last_mut().map(|last| last.replace(feedback));
        } else if let Some(free) = self.items.iter_mut().find(|item| item.is_none()) {
            *free = Some(feedback);
        }
    }

    fn pop(&mut self) -> Option<Feedback> {
        self.items.rotate_left(1);
        self.items.last_mut().and_then(Option::take)
    }
}

impl CometRelay {
    /// A game at its title.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let dice = Dice::new(seed);
        let mut game = Self {
            world: World::new(0),
            dice,
            mode: Mode::Title,
            since: 0,
            rest: 0,
            pilots: [Pilot::default(), Pilot::default()],
            best: 0,
            synth: Synth::default(),
            music: Music::default(),
            feedback: Queue::default(),
            scene: None,
            size: (1280, 720),
        };
        game.title();
        game
    }

    fn enter(&mut self, mode: Mode) {
        (self.mode, self.since) = (mode, 0);
        let level = f64::from(self.world.level.min(12));
        match mode {
            Mode::Title | Mode::Over => self.music.set(Mood::Calm, 104.0),
            Mode::Play => {
                let mood = if self.world.level >= 4 { Mood::Rush } else { Mood::Drive };
                self.music.set(mood, 112.0 + 3.0 * level);
            }
            Mode::Paused => self.music.set(Mood::Off, 112.0),
        }
    }

    fn title(&mut self) {
        self.world = World::new(self.dice.next());
        self.world.level = 3;
        self.world.join(0);
        self.world.join(1);
        self.world.cues.clear();
        self.enter(Mode::Title);
    }

    fn start(&mut self, who: usize) {
        self.world = World::new(self.dice.next());
        self.enter(Mode::Play);
        self.join(who);
    }

    fn join(&mut self, who: usize) {
        self.world.join(who);
        if let Ok(pad) = u8::try_from(who) {
            let rgb = if who == 0 { [0, 200, 255] } else { [255, 40, 170] };
            self.feedback.push(Feedback::Light { pad, rgb });
        }
    }

    fn press(&mut self, who: usize, press: Press) {
        match (self.mode, press) {
            (Mode::Title, Press::Go | Press::Menu) => self.start(who),
            (Mode::Over, Press::Go | Press::Menu) if self.since >= OVER_HOLD => self.start(who),
            (Mode::Play, Press::Go | Press::Menu) if self.world.ships.get(who).is_some_and(|ship| !ship.active) => {
                self.join(who);
            }
            (Mode::Play, Press::Menu) => self.enter(Mode::Paused),
            (Mode::Play, Press::Gone) if self.world.ships.get(who).is_some_and(|ship| ship.active) => {
                self.enter(Mode::Paused);
            }
            (Mode::Paused, Press::Go | Press::Menu) => self.enter(Mode::Play),
            _ => {}
        }
    }

    fn tick(&mut self) {
        self.since += 1;
        let mut controls = [self.pilots[0].controls(), self.pilots[1].controls()];
        match self.mode {
            Mode::Paused => return,
            Mode::Title => controls = [autopilot::fly(&self.world, 0), autopilot::fly(&self.world, 1)],
            Mode::Over => controls = [Controls::default(); 2],
            Mode::Play => self.pilots.iter_mut().for_each(Pilot::seen),
        }
        let level = self.world.level;
        self.world.tick(&controls);
        let audible = self.mode != Mode::Title;
        for (cue, pan) in self.world.cues.drain(..).filter(|_| audible) {
            effects::play(&mut self.synth, cue, pan);
            if let Some(feedback) = effects::rumble(cue) {
                self.feedback.push(feedback);
            }
        }
        if self.mode == Mode::Play && self.world.level != level {
            self.enter(Mode::Play);
        }
        self.best = match self.mode {
            Mode::Title => self.best,
            _ => self.world.ships.iter().map(|ship| ship.score).max().unwrap_or_default().max(self.best),
        };
        match self.mode {
            Mode::Play if self.world.over() => self.enter(Mode::Over),
            Mode::Over if self.since > OVER_END => self.title(),
            Mode::Title if self.world.over() => self.title(),
            _ => {}
        }
    }
}

impl Game for CometRelay {
    fn name(&self) -> &'static str {
        "Comet Relay"
    }

    fn input(&mut self, what: &PlayerInput) {
        let (width, height) = self.size;
        let place = |x: u16, y: u16| scene::View::of(width, height).world(x, y, width, height);
        let (who, press) = match what {
            PlayerInput::Pad { pad, state } => {
                let who = usize::from(*pad);
                (who, self.pilots.get_mut(who).and_then(|pilot| pilot.pad(*state)))
            }
            PlayerInput::PadGone { pad } => {
                let who = usize::from(*pad);
                (who, self.pilots.get_mut(who).map(Pilot::pad_gone))
            }
            other => (0, self.pilots[0].other(other, place)),
        };
        if let Some(press) = press {
            self.press(who, press);
        }
    }

    fn step(&mut self, micros: u64) {
        self.rest += micros.min(LONGEST_STEP) * TICKS;
        while self.rest >= 1_000_000 {
            self.rest -= 1_000_000;
            self.tick();
        }
    }

    fn draw(&mut self, canvas: &mut Canvas<'_>) {
        self.size = (canvas.width, canvas.height);
        let ahead = match self.mode {
            Mode::Paused => 0.0,
            // The part of a tick which has passed already.
            _ => self.rest as f32 / 1_000_000.0 * world::TICK,
        };
        let overlay = scene::Overlay {
            title: self.mode == Mode::Title,
            paused: self.mode == Mode::Paused,
            over: self.mode == Mode::Over,
            since: self.since,
            best: self.best,
        };
        let scene = match self.scene.take() {
            Some(scene) if scene.fits(canvas) => scene,
            _ => Scene::new(canvas.width, canvas.height),
        };
        scene.draw(canvas, &self.world, ahead, overlay);
        self.scene = Some(scene);
    }

    fn sound(&mut self, out: &mut [i16]) {
        self.music.render(&mut self.synth, out);
    }

    fn feedback(&mut self) -> Option<Feedback> {
        self.feedback.pop()
    }
}
