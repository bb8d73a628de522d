//! What the cloud can play: the contract between a game and a session, and the list of games.
//!
//! A session owns the clock. It calls [`Game::input`] for everything a player did, [`Game::step`]
//! with the time since the last frame, [`Game::draw`] straight into the encoder's planes, and
//! [`Game::sound`] for as many samples as time has passed. A game reads no clock itself, so the
//! same inputs and steps always give the same pictures and the same sound.

mod dice;
mod keys;
pub mod padcheck;
pub mod relay;
pub mod testcard;

/// Height in pixels at the top of the picture which a game leaves to the timecode strip.
pub const STRIP_HEIGHT: usize = 32;

/// Planar YUV420P picture to draw into, BT.709 limited range.
///
/// Chroma planes hold `width.div_ceil(2)` by `height.div_ceil(2)` samples. Planes shorter than
/// their stride and height promise are drawn as far as they go.
pub struct Canvas<'a> {
    /// Luma columns.
    pub width: usize,
    /// Luma rows.
    pub height: usize,
    /// Luma plane.
    pub y: &'a mut [u8],
    /// Blue-difference plane.
    pub u: &'a mut [u8],
    /// Red-difference plane.
    pub v: &'a mut [u8],
    /// Bytes from one luma row to the next.
    pub y_stride: usize,
    /// Bytes from one chroma row to the next, the same in both chroma planes.
    pub uv_stride: usize,
}

/// Something that can be played. Sound is 48 kHz, stereo interleaved.
pub trait Game: Send {
    /// Title to show.
    fn name(&self) -> &'static str;
    /// Takes one thing a player did; the next [`Game::draw`] after a step shows it.
    fn input(&mut self, what: &entente_model::input::PlayerInput);
    /// Advances by `micros` microseconds since the last step.
    fn step(&mut self, micros: u64);
    /// Draws the whole picture; no pixel keeps its old value.
    fn draw(&mut self, canvas: &mut Canvas<'_>);
    /// Writes the next `out.len() / 2` stereo samples.
    fn sound(&mut self, out: &mut [i16]);
    /// Next thing a pad should do, oldest first.
    fn feedback(&mut self) -> Option<entente_model::input::Feedback>;
}

/// Starts a game by its id from [`catalogue`]; equal seeds give equal games.
#[must_use]
pub fn open(name: &str, seed: u64) -> Option<Box<dyn Game>> {
    match name {
        "game" => Some(Box::new(relay::CometRelay::new(seed))),
        "padcheck" => Some(Box::new(padcheck::PadCheck::new())),
        "testcard" => Some(Box::new(testcard::TestCard::new())),
        _ => None,
    }
}

/// Ids and titles of all games.
#[must_use]
pub const fn catalogue() -> &'static [(&'static str, &'static str)] {
    &[("game", "Comet Relay"), ("padcheck", "Pad Check"), ("testcard", "Test Card")]
}

#[cfg(test)]
mod tests;
