//! Pads: the thread `pad`, hot-plug, and the list for `list-devices`.
#![allow(clippy::disallowed_methods, reason = "device time stamps are related to our clock here")]

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use entente_model::input::{Buttons, Feedback, InputEvent, PadState, PlayerInput};
use entente_model::time::RAISED_PRIORITY;
use gilrs::{Axis, Button, Event, EventType, GamepadId, Gilrs, GilrsBuilder, MappingSource};

use crate::mapping::{Mapping, RawPad, TriggersDown};
use crate::rumble::Motors;
use crate::slots::{SLOTS, Slots};

/// How long the thread waits for a device before it looks whether it should stop.
const PATIENCE: Duration = Duration::from_millis(100);

/// A device stamp older than this is not believed: the wall clock was set in between.
const OLDEST_STAMP: Duration = Duration::from_secs(1);

/// Owner of a claimed slot; gilrs counts devices from zero.
const NO_DEVICE: usize = usize::MAX;

/// Where the events of [`PadReader`] go; called on the thread `pad`, must not block.
pub type Sink = Box<dyn Fn(InputEvent) + Send>;

/// Where messages for the user go; called on the thread `pad`.
pub type Notice = Box<dyn Fn(String) + Send>;

/// How to read pads.
pub struct PadOptions {
    /// How all pads are mapped.
    pub mapping: Mapping,
    /// Play rumble.
    pub rumble: bool,
    /// Where messages for the user go, such as that no pad can be read and why. That none is there is no message.
    pub notice: Notice,
}

impl Default for PadOptions {
    fn default() -> Self {
        Self { mapping: Mapping::default(), rumble: true, notice: Box::new(|_| {}) }
    }
}

impl std::fmt::Debug for PadOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PadOptions")
            .field("mapping", &self.mapping)
            .field("rumble", &self.rumble)
            .finish_non_exhaustive()
    }
}

/// Reads all pads on the thread `pad` until it is dropped.
#[derive(Debug)]
pub struct PadReader {
    stop: Arc<AtomicBool>,
    motors: Arc<Motors>,
    slots: Arc<Mutex<Slots>>,
    thread: Option<JoinHandle<()>>,
}

impl PadReader {
    /// Starts reading. That none can be read is a notice, not an error: keyboard and pointer still play.
    #[must_use]
    pub fn start(sink: Sink, options: PadOptions) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let motors = Arc::new(Motors::default());
        let slots: Arc<Mutex<Slots>> = Arc::default();
        let body = {
            let (stop, motors, slots) = (Arc::clone(&stop), Arc::clone(&motors), Arc::clone(&slots));
            let PadOptions { mapping, rumble, notice } = options;
            move || {
                // Most systems give it to some users only; without it we go on.
                let _ = thread_priority::ThreadPriority::try_from(RAISED_PRIORITY)
                    .map(thread_priority::set_current_thread_priority);
                match open(rumble) {
                    Ok(gilrs) => Worker::new(sink, notice, mapping, (motors, slots)).run(gilrs, &stop),
                    Err(why) => notice(why),
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("pad".to_owned())
            .spawn(body)
            .inspect_err(|error| tracing::error!(%error, "the thread for controllers could not be started"))
            .ok();
        Self { stop, motors, slots, thread }
    }

    /// Takes a slot for a pad that is made of something else, such as a keyboard; no controller gets it from now on. The
    /// same one each time; `None` when controllers have them all.
    #[must_use]
    pub fn claim_slot(&self) -> Option<u8> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).connect(NO_DEVICE)
    }

    /// Plays what the host wants; false when the pad is not there or cannot do it. Does not block.
    pub fn feedback(&self, feedback: Feedback) -> bool {
        match feedback {
            Feedback::Rumble { pad, low, high, millis } => self.motors.rumble(pad, low, high, millis),
            // gilrs cannot set lights.
            Feedback::Light { .. } => false,
        }
    }

    /// Stops all rumble, as when the window loses the focus.
    pub fn stop_rumble(&self) {
        self.motors.stop();
    }
}

impl Drop for PadReader {
    fn drop(&mut self) {
        self.motors.stop();
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread for controllers had failed");
        }
    }
}

/// A pad as `list-devices` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PadInfo {
    /// Slot that it would get.
    pub slot: u8,
    /// Device name.
    pub name: String,
    /// It has motors.
    pub rumble: bool,
    /// Its layout is known; otherwise buttons may lie in unexpected places.
    pub known_layout: bool,
}

/// The pads that are there, and what the user should know about them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PadList {
    /// Pads by slot.
    pub pads: Vec<PadInfo>,
    /// Why there are none, when that can be told.
    pub notice: Option<String>,
}

/// Looks once which pads are there.
#[must_use]
pub fn list_pads() -> PadList {
    let gilrs = match open(false) {
        Ok(gilrs) => gilrs,
        Err(why) => return PadList { pads: Vec::new(), notice: Some(why) },
    };
    let mut slots = Slots::default();
    let pads: Vec<_> = gilrs
        .gamepads()
        .filter_map(|(id, pad)| {
            let slot = slots.connect(id.into())?;
            let known_layout = pad.mapping_source() == MappingSource::SdlMappings;
            Some(PadInfo { slot, name: pad.name().to_owned(), rumble: pad.is_ff_supported(), known_layout })
        })
        .collect();
    let notice = pads.is_empty().then(none_found);
    PadList { pads, notice }
}

/// Filters of gilrs stay off: they would cut the sticks before our dead zones see them.
fn open(rumble: bool) -> Result<Gilrs, String> {
    GilrsBuilder::new().with_default_filters(false).with_force_feedback(rumble).build().map_err(|error| match error {
        gilrs::Error::NotImplemented(_) => "Controllers are not supported on this system.".to_owned(),
        other => format!("Controllers cannot be read: {other}. Keyboard and pointer still work."),
    })
}

/// Fits over a small picture.
const BLIND: &str = "No controllers: udev is not running here; GILRS_DISABLE_UDEV=1 does without.";

/// gilrs finds pads by a property that only udev sets.
fn is_blind() -> bool {
    cfg!(target_os = "linux") && !Path::new("/run/udev").exists() && std::env::var_os("GILRS_DISABLE_UDEV").is_none()
}

fn none_found() -> String {
    if is_blind() {
        "No controller was found, and udev is not running here, which finds them; \
         with GILRS_DISABLE_UDEV=1 they are looked for in /dev/input."
            .to_owned()
    } else {
        "No controller was found. One that is plugged in later is used at once.".to_owned()
    }
}

/// One pad while it is there.
#[derive(Clone, Copy, Debug, Default)]
struct Pad {
    raw: RawPad,
    down: TriggersDown,
    sent: PadState,
}

struct Worker {
    sink: Sink,
    notice: Notice,
    mapping: Mapping,
    motors: Arc<Motors>,
    slots: Arc<Mutex<Slots>>,
    pads: [Pad; SLOTS],
}

impl Worker {
    fn new(sink: Sink, notice: Notice, mapping: Mapping, (motors, slots): (Arc<Motors>, Arc<Mutex<Slots>>)) -> Self {
        Self { sink, notice, mapping, motors, slots, pads: [Pad::default(); SLOTS] }
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&mut self, mut gilrs: Gilrs, stop: &AtomicBool) {
        let ids: Vec<_> = gilrs.gamepads().map(|(id, _)| id).collect();
        if ids.is_empty() {
            tracing::info!("{}", none_found());
            // Playing without a controller is not worth a word; one that cannot be found is.
            if is_blind() {
                (self.notice)(BLIND.to_owned());
            }
        }
        for id in ids {
            self.connect(id, &mut gilrs, Instant::now());
        }
        while !stop.load(Ordering::Relaxed) {
            let asked = Instant::now();
            match gilrs.next_event_blocking(Some(PATIENCE)) {
                Some(event) => self.take(event, &mut gilrs),
                // Normal when the time is over; sooner it means that waiting failed, which must not become a busy loop.
                None if asked.elapsed() < PATIENCE / 10 => std::thread::park_timeout(PATIENCE / 10),
                None => {}
            }
        }
    }

    fn take(&mut self, event: Event, gilrs: &mut Gilrs) {
        let at = device_instant(event.time, SystemTime::now(), Instant::now());
        match event.event {
            EventType::Connected => self.connect(event.id, gilrs, at),
            EventType::Disconnected => self.disconnect(event.id, at),
            change => self.change(event.id, change, at),
        }
    }

    fn connect(&mut self, id: GamepadId, gilrs: &mut Gilrs, at: Instant) {
        if self.slots().slot(id.into()).is_some() {
            return;
        }
        let name = gilrs.gamepad(id).name().to_owned();
        let slot = self.slots().connect(id.into());
        let Some(slot) = slot else {
            (self.notice)(format!("{name} is not used: {SLOTS} controllers are there already."));
            return;
        };
        if let Some(pad) = self.pads.get_mut(usize::from(slot)) {
            *pad = Pad::default();
        }
        self.motors.connect(slot, id, gilrs);
        tracing::info!(slot, name, "controller connected");
        (self.sink)(InputEvent { at, what: PlayerInput::PadConnected { pad: slot, name } });
    }

    fn disconnect(&mut self, id: GamepadId, at: Instant) {
        let slot = self.slots().disconnect(id.into());
        let Some(slot) = slot else { return };
        self.motors.disconnect(slot);
        let held = self.pads.get(usize::from(slot)).is_some_and(|pad| pad.sent != PadState::default());
        if held {
            // A host that ignores the departure must not keep a button down.
            (self.sink)(InputEvent { at, what: PlayerInput::Pad { pad: slot, state: PadState::default() } });
        }
        if let Some(pad) = self.pads.get_mut(usize::from(slot)) {
            *pad = Pad::default();
        }
        tracing::info!(slot, "controller gone");
        (self.sink)(InputEvent { at, what: PlayerInput::PadGone { pad: slot } });
    }

    fn change(&mut self, id: GamepadId, change: EventType, at: Instant) {
        let slot = self.slots().slot(id.into());
        let Some(slot) = slot else { return };
        let Some(pad) = self.pads.get_mut(usize::from(slot)) else { return };
        apply(&mut pad.raw, change);
        let (state, down) = self.mapping.apply(&pad.raw, pad.down);
        pad.down = down;
        if state != pad.sent {
            pad.sent = state;
            (self.sink)(InputEvent { at, what: PlayerInput::Pad { pad: slot, state } });
        }
    }
}

/// Changes `raw` by what gilrs reports.
fn apply(raw: &mut RawPad, change: EventType) {
    match change {
        EventType::ButtonPressed(button, _) => raw.buttons.insert(bit(button)),
        EventType::ButtonReleased(button, _) => raw.buttons.remove(bit(button)),
        EventType::ButtonChanged(Button::LeftTrigger2, value, _) => raw.left_trigger = value,
        EventType::ButtonChanged(Button::RightTrigger2, value, _) => raw.right_trigger = value,
        EventType::AxisChanged(axis, value, _) => move_axis(raw, axis, value),
        _ => {}
    }
}

fn move_axis(raw: &mut RawPad, axis: Axis, value: f32) {
    match axis {
        Axis::LeftStickX => raw.left.0 = value,
        Axis::LeftStickY => raw.left.1 = value,
        Axis::RightStickX => raw.right.0 = value,
        Axis::RightStickY => raw.right.1 = value,
        // Triggers of pads without a known layout, at rest at one end.
        Axis::LeftZ => raw.left_trigger = f32::midpoint(value, 1.0),
        Axis::RightZ => raw.right_trigger = f32::midpoint(value, 1.0),
        // A hat says -1, 0 or 1; up is positive.
        Axis::DPadX => hat(&mut raw.buttons, Buttons::LEFT, Buttons::RIGHT, value),
        Axis::DPadY => hat(&mut raw.buttons, Buttons::DOWN, Buttons::UP, value),
        Axis::Unknown => {}
    }
}

fn hat(buttons: &mut Buttons, negative: Buttons, positive: Buttons, value: f32) {
    buttons.set(negative, value < -0.5);
    buttons.set(positive, value > 0.5);
}

/// The triggers' own buttons are left out: they follow from the pull.
const fn bit(button: Button) -> Buttons {
    match button {
        Button::South => Buttons::SOUTH,
        Button::East => Buttons::EAST,
        Button::West => Buttons::WEST,
        Button::North => Buttons::NORTH,
        Button::LeftTrigger => Buttons::LEFT_SHOULDER,
        Button::RightTrigger => Buttons::RIGHT_SHOULDER,
        Button::Select => Buttons::SELECT,
        Button::Start => Buttons::START,
        Button::Mode => Buttons::GUIDE,
        Button::LeftThumb => Buttons::LEFT_STICK,
        Button::RightThumb => Buttons::RIGHT_STICK,
        Button::DPadUp => Buttons::UP,
        Button::DPadDown => Buttons::DOWN,
        Button::DPadLeft => Buttons::LEFT,
        Button::DPadRight => Buttons::RIGHT,
        Button::C => Buttons::EXTRA,
        Button::Z | Button::LeftTrigger2 | Button::RightTrigger2 | Button::Unknown => Buttons::empty(),
    }
}

/// The instant of a device's wall-clock stamp; `now` when the stamp cannot be right.
fn device_instant(stamp: SystemTime, wall: SystemTime, now: Instant) -> Instant {
    wall.duration_since(stamp)
        .ok()
        .filter(|age| *age <= OLDEST_STAMP)
        .and_then(|age| now.checked_sub(age))
        .unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_becomes_an_instant_of_the_same_age() {
        let (now, wall) = (Instant::now(), SystemTime::now());
        let age = Duration::from_millis(7);
        assert_eq!(device_instant(wall - age, wall, now), now - age);
        assert_eq!(device_instant(wall + age, wall, now), now, "from the future");
        assert_eq!(device_instant(wall - Duration::from_secs(3600), wall, now), now, "the clock was set");
        assert_eq!(device_instant(SystemTime::UNIX_EPOCH, wall, now), now);
    }

    #[test]
    fn hats_are_d_pads() {
        let mut raw = RawPad::default();
        move_axis(&mut raw, Axis::DPadY, 1.0);
        move_axis(&mut raw, Axis::DPadX, -1.0);
        assert_eq!(raw.buttons, Buttons::UP | Buttons::LEFT);
        move_axis(&mut raw, Axis::DPadX, 1.0);
        assert_eq!(raw.buttons, Buttons::UP | Buttons::RIGHT);
        move_axis(&mut raw, Axis::DPadY, 0.0);
        move_axis(&mut raw, Axis::DPadX, 0.0);
        assert_eq!(raw, RawPad::default());
    }

    #[test]
    fn axes_go_where_they_belong() {
        let mut raw = RawPad::default();
        for (axis, value) in [
            (Axis::LeftStickX, 0.1),
            (Axis::LeftStickY, 0.2),
            (Axis::RightStickX, 0.3),
            (Axis::RightStickY, 0.4),
            (Axis::LeftZ, -1.0),
            (Axis::RightZ, 1.0),
            (Axis::Unknown, 0.9),
        ] {
            move_axis(&mut raw, axis, value);
        }
        let wanted = RawPad { left: (0.1, 0.2), right: (0.3, 0.4), right_trigger: 1.0, ..RawPad::default() };
        assert_eq!(raw, wanted);
    }

    #[test]
    fn every_button_of_a_standard_pad_has_its_bit() {
        use Button::{
            DPadDown, DPadLeft, DPadRight, DPadUp, East, LeftThumb, LeftTrigger, Mode, North, RightThumb, RightTrigger,
            Select, South, Start, West,
        };
        let all = [
            South,
            East,
            North,
            West,
            LeftTrigger,
            RightTrigger,
            Select,
            Start,
            Mode,
            LeftThumb,
            RightThumb,
            DPadUp,
            DPadDown,
            DPadLeft,
            DPadRight,
        ];
        let bits = all.into_iter().map(bit).fold(Buttons::empty(), Buttons::union);
        let standard = Buttons::from_bits_truncate((1 << 17) - 1);
        assert_eq!(bits, standard - (Buttons::LEFT_TRIGGER | Buttons::RIGHT_TRIGGER));
    }
}
