//! The window: its events become input the moment they come; it never draws or waits.

use std::sync::Arc;
use std::time::{Duration, Instant};

use entente_engine::{Finished, News, NewsSink};
use entente_model::EndReason;
use entente_model::input::{InputEvent, PlayerInput};
use entente_model::ticket::Ticket;
use entente_present::{Command, Presenter, RendererChoice, ScaleMode, Tearing};
use winit::application::ApplicationHandler;
use winit::dpi::PhysicalSize;
use winit::event::{DeviceEvent, DeviceId, ElementState, KeyEvent, MouseButton, MouseScrollDelta, WindowEvent};
use winit::event_loop::{ActiveEventLoop, ControlFlow, EventLoop};
use winit::keyboard::{KeyCode, ModifiersState, PhysicalKey};
use winit::window::{Fullscreen, Window, WindowId};

use crate::args::{Play, Renderer, Scaling};
use crate::grab::Grab;
use crate::inbox::Inbox;
use crate::keyboard::Keyboard;
use crate::keys;
use crate::pointer::{Counts, over_picture};
use crate::session::{LOOK, Outside, Session};

/// Size of the window until the stream's size is known.
const FIRST_SIZE: (u32, u32) = (1280, 720);

const HELP: &str = "\
F1              this help
F3              figures (on a pad: hold Select + left shoulder)
F8              scaling: fit, whole multiples, fill
F11, Alt+Enter  full screen
Ctrl+Alt+G      capture or release the pointer
Ctrl+Alt+Q      stop the game (pad: Start + Select + both shoulders)";

/// Plays in a window, on the main thread.
pub(crate) fn play(play: &Play, ticket: Ticket, outside: Outside) -> Result<Finished, EndReason> {
    if cfg!(all(unix, not(target_os = "macos")))
        && std::env::var_os("DISPLAY").is_none()
        && std::env::var_os("WAYLAND_DISPLAY").is_none()
    {
        return Err(EndReason::NoDisplay(String::from("neither DISPLAY nor WAYLAND_DISPLAY is set")));
    }
    let events = EventLoop::<()>::with_user_event().build().map_err(|error| EndReason::NoDisplay(error.to_string()))?;
    let proxy = events.create_proxy();
    let inbox = Arc::new(Inbox::default());
    let filled = Arc::clone(&inbox);
    let news: NewsSink = Arc::new(move |news| {
        // One event stands for all that wait. The loop is gone only when the game is over.
        if filled.put(news) {
            let _ = proxy.send_event(());
        }
    });
    let mut app = App::new(play, ticket, outside, (inbox, news));
    events.run_app(&mut app).map_err(|error| EndReason::NoDisplay(error.to_string()))?;
    app.outcome()
}

struct App<'a> {
    play: &'a Play,
    start: Option<(Ticket, Outside)>,
    inbox: Arc<Inbox>,
    news: NewsSink,
    window: Option<Arc<Window>>,
    session: Option<Session>,
    failed: Option<EndReason>,
    ended: Option<EndReason>,
    scaling: ScaleMode,
    modifiers: ModifiersState,
    keyboard: Keyboard,
    grab: Grab,
    counts: Counts,
    /// Pointer buttons that are down, by number.
    pressed: u8,
    cursor: (f64, f64),
    picture: (u32, u32),
    /// The window follows the stream's size until the user changes it.
    follow: bool,
}

impl<'a> App<'a> {
    fn new(play: &'a Play, ticket: Ticket, outside: Outside, (inbox, news): (Arc<Inbox>, NewsSink)) -> Self {
        let follow = play.size.is_none() && !play.fullscreen;
        let (width, height) = FIRST_SIZE;
        let picture = (ticket.want.width.unwrap_or(width), ticket.want.height.unwrap_or(height));
        Self {
            play,
            start: Some((ticket, outside)),
            inbox,
            news,
            window: None,
            session: None,
            failed: None,
            ended: None,
            scaling: match play.scaling {
                Scaling::Fit => ScaleMode::Fit,
                Scaling::Integer => ScaleMode::Integer,
                Scaling::Fill => ScaleMode::Fill,
            },
            modifiers: ModifiersState::empty(),
            keyboard: Keyboard::new(play.keyboard),
            grab: Grab::default(),
            counts: Counts::default(),
            pressed: 0,
            cursor: (0.0, 0.0),
            picture,
            follow,
        }
    }

    fn outcome(self) -> Result<Finished, EndReason> {
        match (self.session, self.failed) {
            (Some(session), failed) => {
                let reason = self.ended.or(failed).unwrap_or(EndReason::User);
                Ok(session.finish(reason))
            }
            (None, Some(reason)) => Err(reason),
            (None, None) => Err(EndReason::User),
        }
    }

    /// Window, presenter, session; all on the main thread, as macOS asks.
    fn open(&mut self, events: &ActiveEventLoop) -> Result<(), EndReason> {
        let Some((ticket, outside)) = self.start.take() else { return Ok(()) };
        let title = ticket.title.clone().unwrap_or_else(|| ticket.url.clone());
        let attributes = Window::default_attributes()
            .with_title(format!("{title} - Entente"))
            .with_window_icon(crate::icon::icon())
            .with_inner_size(PhysicalSize::new(self.picture.0, self.picture.1))
            .with_min_inner_size(PhysicalSize::new(320_u32, 180_u32))
            .with_fullscreen(self.play.fullscreen.then_some(Fullscreen::Borderless(None)));
        let window =
            events.create_window(attributes).map_err(|error| EndReason::NoDisplay(error.to_string())).map(Arc::new)?;
        let choice = match self.play.renderer {
            Renderer::Auto => RendererChoice::Auto,
            Renderer::Gpu => RendererChoice::Gpu,
            Renderer::Software => RendererChoice::Software,
        };
        let tearing = if self.play.tearing { Tearing::Allow } else { Tearing::Avoid };
        let presenter = Presenter::open_with(Arc::clone(&window), choice, tearing)
            .map_err(|error| EndReason::CannotPlay(error.to_string()))?;
        let session = Session::start(self.play, ticket, outside, presenter, &self.news)?;
        window.set_title(&format!("{} - Entente", session.title()));
        let size = window.inner_size();
        session.show(resize(size, window.scale_factor()));
        session.show(Command::Mode(self.scaling));
        session.overlay().add_notice(String::from("F1 shows the keys"));
        self.window = Some(window);
        self.session = Some(session);
        Ok(())
    }

    fn end(&mut self, events: &ActiveEventLoop, reason: EndReason) {
        self.ended.get_or_insert(reason);
        events.exit();
    }

    fn send(&self, what: PlayerInput) {
        if let Some(session) = &self.session {
            session.input(InputEvent { at: Instant::now(), what });
        }
    }

    fn key(&mut self, events: &ActiveEventLoop, event: &KeyEvent) {
        let PhysicalKey::Code(code) = event.physical_key else { return };
        let down = event.state == ElementState::Pressed;
        if event.repeat || (down && self.hotkey(events, code)) {
            return;
        }
        let Some(pads) = self.session.as_ref().map(Session::pads) else { return };
        if let Some(usage) = keys::usage(code)
            && let Some(what) = self.keyboard.key(usage, down, pads.connected(), || pads.claim_slot())
        {
            self.send(what);
        }
    }

    /// Keys of the player itself; they do not reach the host.
    fn hotkey(&mut self, events: &ActiveEventLoop, code: KeyCode) -> bool {
        let Some(session) = &self.session else { return false };
        let chord = self.modifiers.control_key() && self.modifiers.alt_key();
        match code {
            KeyCode::F1 => {
                let overlay = session.overlay();
                overlay.set_help((!overlay.has_help()).then(|| format!("{HELP}\n\n{}", self.keyboard.help())));
            }
            KeyCode::F3 => session.overlay().cycle(),
            KeyCode::F8 => {
                self.scaling = match self.scaling {
                    ScaleMode::Fit => ScaleMode::Integer,
                    ScaleMode::Integer => ScaleMode::Fill,
                    ScaleMode::Fill => ScaleMode::Fit,
                };
                session.show(Command::Mode(self.scaling));
                session.overlay().set_notice(format!("Scaling: {:?}", self.scaling).to_lowercase());
            }
            KeyCode::F11 => self.toggle_fullscreen(),
            KeyCode::Enter if self.modifiers.alt_key() => self.toggle_fullscreen(),
            KeyCode::KeyG if chord => self.toggle_grab(),
            KeyCode::KeyQ if chord => self.end(events, EndReason::User),
            _ => return false,
        }
        true
    }

    fn toggle_fullscreen(&mut self) {
        let Some(window) = &self.window else { return };
        self.follow = false;
        let full = window.fullscreen().is_some();
        window.set_fullscreen((!full).then(|| Fullscreen::Borderless(window.current_monitor())));
    }

    fn toggle_grab(&mut self) {
        let (Some(window), Some(session)) = (&self.window, &self.session) else { return };
        let was_on = self.grab.is_on();
        self.grab = if was_on { self.grab.release(window) } else { Grab::take(window, self.cursor) };
        session.overlay().set_notice(String::from(match (was_on, self.grab.is_on()) {
            (true, _) => "Pointer released.",
            (false, true) => "Pointer captured. Ctrl+Alt+G releases it.",
            (false, false) => "The pointer cannot be captured here.",
        }));
    }

    /// What is held would stay held at the host: let go of it.
    fn lost_focus(&mut self) {
        for what in self.keyboard.release_all() {
            self.send(what);
        }
        for button in 0..8 {
            self.pointer_button(button, false);
        }
        if let Some(session) = &self.session {
            session.pads().stop_rumble();
        }
        if let Some(window) = &self.window
            && self.grab.is_on()
        {
            self.grab = self.grab.release(window);
        }
    }

    /// A button of the pointer; one that goes up without having gone down is not the host's.
    fn pointer_button(&mut self, button: u8, down: bool) {
        let bit = 1_u8.checked_shl(u32::from(button)).unwrap_or(0);
        if (self.pressed & bit != 0) != down {
            self.pressed ^= bit;
            self.send(PlayerInput::PointerButton { button, down });
        }
    }

    fn motion(&mut self, dx: f64, dy: f64) {
        if let Some((dx, dy)) = self.counts.add(dx, dy) {
            self.send(PlayerInput::PointerMove { dx, dy });
        }
    }

    fn cursor_moved(&mut self, x: f64, y: f64) {
        self.cursor = (x, y);
        let Some(window) = &self.window else { return };
        if self.grab.is_on() {
            if let Some((dx, dy)) = self.grab.warped(window, x, y) {
                self.motion(dx, dy);
            }
            return;
        }
        let size = window.inner_size();
        if let Some(what) = over_picture(self.cursor, (size.width, size.height), self.picture, self.scaling) {
            self.send(what);
        }
    }

    fn first_picture(&mut self, width: u32, height: u32) {
        self.picture = (width, height);
        if let Some(window) = &self.window
            && std::mem::take(&mut self.follow)
        {
            let _ = window.request_inner_size(PhysicalSize::new(width, height));
        }
    }
}

fn resize(size: PhysicalSize<u32>, scale: f64) -> Command {
    #[allow(clippy::cast_possible_truncation, reason = "a factor between 0.5 and 4")]
    let scale = scale as f32;
    Command::Resize { width: size.width, height: size.height, scale }
}

const fn button(button: MouseButton) -> Option<u8> {
    match button {
        MouseButton::Left => Some(0),
        MouseButton::Right => Some(1),
        MouseButton::Middle => Some(2),
        MouseButton::Back => Some(3),
        MouseButton::Forward => Some(4),
        MouseButton::Other(_) => None,
    }
}

/// A wheel in 1/120 notch; a touchpad's pixels count as 1/100 notch each.
fn wheel(delta: MouseScrollDelta) -> PlayerInput {
    let (x, y) = match delta {
        MouseScrollDelta::LineDelta(x, y) => (f64::from(x) * 120.0, f64::from(y) * 120.0),
        MouseScrollDelta::PixelDelta(delta) => (delta.x * 1.2, delta.y * 1.2),
    };
    #[allow(clippy::cast_possible_truncation, reason = "saturates, and no wheel gets near")]
    PlayerInput::Wheel { x: x.round() as i32, y: y.round() as i32 }
}

impl ApplicationHandler<()> for App<'_> {
    fn resumed(&mut self, events: &ActiveEventLoop) {
        if let Err(reason) = self.open(events) {
            self.failed = Some(reason);
            events.exit();
        }
    }

    fn user_event(&mut self, events: &ActiveEventLoop, (): ()) {
        for news in self.inbox.take() {
            match news {
                News::FirstPicture { width, height } => self.first_picture(width, height),
                News::Format { width, height } => self.picture = (width, height),
                _ => {}
            }
            if let Some(reason) = self.session.as_mut().and_then(|session| session.take(&news)) {
                self.end(events, reason);
            }
        }
    }

    fn about_to_wait(&mut self, events: &ActiveEventLoop) {
        if let Some(reason) = self.session.as_ref().and_then(Session::look) {
            self.end(events, reason);
        }
        let period: Duration = LOOK;
        events.set_control_flow(ControlFlow::WaitUntil(Instant::now() + period));
    }

    fn device_event(&mut self, _: &ActiveEventLoop, _: DeviceId, event: DeviceEvent) {
        if let DeviceEvent::MouseMotion { delta: (dx, dy) } = event
            && self.grab.raw()
        {
            self.motion(dx, dy);
        }
    }

    fn window_event(&mut self, events: &ActiveEventLoop, _: WindowId, event: WindowEvent) {
        match event {
            WindowEvent::CloseRequested | WindowEvent::Destroyed => self.end(events, EndReason::User),
            WindowEvent::Resized(size) => {
                self.grab.resized(size);
                if let (Some(window), Some(session)) = (&self.window, &self.session) {
                    session.show(resize(size, window.scale_factor()));
                }
            }
            WindowEvent::ScaleFactorChanged { scale_factor, .. } => {
                if let (Some(window), Some(session)) = (&self.window, &self.session) {
                    session.show(resize(window.inner_size(), scale_factor));
                }
            }
            WindowEvent::RedrawRequested => {
                if let Some(session) = &self.session {
                    session.show(Command::Redraw);
                }
            }
            WindowEvent::Occluded(hidden) => {
                if let Some(session) = &self.session {
                    session.show(Command::Occluded(hidden));
                }
            }
            WindowEvent::Focused(false) => self.lost_focus(),
            WindowEvent::ModifiersChanged(modifiers) => self.modifiers = modifiers.state(),
            // Keys that were down when the window got the focus were pressed for somebody else.
            WindowEvent::KeyboardInput { event, is_synthetic, .. }
                if !is_synthetic || event.state == ElementState::Released =>
            {
                self.key(events, &event);
            }
            WindowEvent::CursorMoved { position, .. } => self.cursor_moved(position.x, position.y),
            WindowEvent::MouseInput { state, button: which, .. } => {
                if let Some(button) = button(which) {
                    self.pointer_button(button, state == ElementState::Pressed);
                }
            }
            WindowEvent::MouseWheel { delta, .. } => self.send(wheel(delta)),
            _ => {}
        }
    }
}
