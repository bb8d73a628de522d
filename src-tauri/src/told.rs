//! What the page is told: the app's events and those of the window.

use entente_app::AppEvent;
use serde::Serialize;

/// Name of the one event that the page listens to.
pub(crate) const EVENT: &str = "shell";

/// Something that the page may want to show.
#[derive(Clone, Debug, Serialize, specta::Type)]
#[serde(untagged)]
pub(crate) enum ShellEvent {
    /// Of the app.
    App(AppEvent),
    /// Of the window.
    Window(WindowEvent),
}

/// What comes from the window's own devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
#[serde(tag = "event", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub(crate) enum WindowEvent {
    /// A press on a controller; repeats come as further presses.
    Pad {
        /// What it means here.
        button: PadButton,
    },
    /// A link asks for a place (`entente_app::link`).
    Open {
        /// The place.
        target: String,
    },
}

/// What a press on a controller means in the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PadButton {
    /// One up.
    Up,
    /// One down.
    Down,
    /// One to the left.
    Left,
    /// One to the right.
    Right,
    /// Take it.
    Accept,
    /// One step back.
    Back,
    /// The menu.
    Menu,
    /// Search.
    Search,
    /// The section before.
    Previous,
    /// The next section.
    Next,
}
