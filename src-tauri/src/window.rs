//! The window: made, fed with events, closed.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use entente_app::view::PlayState;
use entente_app::{App, AppEvent, link};
use entente_model::Problem;
use entente_store::Folders;
use tauri::{AppHandle, Emitter as _, Manager as _, Url, WebviewUrl, WebviewWindow, WebviewWindowBuilder, WindowEvent};
use tauri_plugin_deep_link::DeepLinkExt as _;
use tauri_plugin_window_state::StateFlags;
use tokio::runtime::Runtime;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Notify, watch};

use crate::commands::{self, Shell};
use crate::pads::Pads;
use crate::told::{self, ShellEvent};
use crate::world::World;
use crate::{art, log};

const LABEL: &str = "main";
/// Exit status without a display, as the player has it.
const NO_DISPLAY: u8 = 16;
/// The window shows itself when its page listens, or after this.
const SHOW_LIMIT: Duration = Duration::from_secs(4);

/// What the window knows of itself.
struct Presence {
    /// The user closed it while a game was played: the program ends with the game.
    closed: AtomicBool,
    /// It has the keyboard. Without a window manager nobody says so, and then it is alone.
    focused: AtomicBool,
    /// The page listens.
    listening: AtomicBool,
    /// The place that a link asked for before the page listened.
    asked: std::sync::Mutex<Option<String>>,
}

/// Opens the window and returns when the program ends.
pub(crate) fn run(runtime: &Runtime, link: Option<&str>, services: Option<&Path>) -> ExitCode {
    if cfg!(target_os = "linux") && !has_display() {
        eprintln!(
            "There is no display here: neither DISPLAY nor WAYLAND_DISPLAY is set. Start Entente on a desktop, or use \
             its commands: entente --help"
        );
        return ExitCode::from(NO_DISPLAY);
    }
    restart_for_nvidia();
    tauri::async_runtime::set(runtime.handle().clone());
    let _context = runtime.enter();
    let opened = Folders::of_user().and_then(|folders| {
        folders.create()?;
        log::start(Some(&folders.state.join("entente.log")));
        World::open(folders, services, &[])
    });
    let world = match opened {
        Ok(world) => world,
        Err(problem) => return failed(&problem),
    };
    match start(world, link) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("The window could not be opened: {error}. The commands still work: entente --help");
            ExitCode::FAILURE
        }
    }
}

fn failed(problem: &Problem) -> ExitCode {
    eprintln!("{problem}");
    ExitCode::FAILURE
}

fn start(world: World, link: Option<&str>) -> tauri::Result<()> {
    let World { app, folders, notes } = world;
    let (restored, restored_later) = watch::channel(false);
    let listening = Arc::new(Notify::new());
    let presence = Presence {
        closed: AtomicBool::new(false),
        focused: AtomicBool::new(true),
        listening: AtomicBool::new(false),
        asked: std::sync::Mutex::new(link.and_then(link::target)),
    };
    let window_state = tauri_plugin_window_state::Builder::new()
        .with_filename(folders.state.join("window.json").display().to_string())
        .with_state_flags(StateFlags::all() - StateFlags::VISIBLE)
        .build();
    let (pictures, cache) = (app.clone(), folders.cache.join("page"));
    let shell = Shell { app: app.clone(), folders, restored: restored_later, listening: Arc::clone(&listening) };
    tauri::Builder::default()
        .plugin(tauri_plugin_single_instance::init(|handle, _arguments, _folder| come_forward(handle)))
        .plugin(tauri_plugin_deep_link::init())
        .plugin(window_state)
        .manage(shell)
        .manage(presence)
        .invoke_handler(commands::all().invoke_handler())
        .register_asynchronous_uri_scheme_protocol(art::SCHEME, move |_, request, responder| {
            let app = pictures.clone();
            tauri::async_runtime::spawn(async move {
                responder.respond(art::answer(&app, request.uri().path()).await);
            });
        })
        .on_window_event(|window, event| match event {
            // What stays behind the window decides when the program ends.
            WindowEvent::CloseRequested { api, .. } => {
                api.prevent_close();
                leave(window.app_handle());
            }
            WindowEvent::Focused(focused) => {
                window.state::<Presence>().focused.store(*focused, Ordering::Relaxed);
            }
            _ => {}
        })
        .setup(move |tauri| {
            let handle = tauri.handle().clone();
            let window = open(&handle, cache)?;
            let links = handle.clone();
            tauri.deep_link().on_open_url(move |event| {
                if let Some(target) = event.urls().iter().find_map(|url| link::target(url.as_str())) {
                    ask_for(&links, target);
                }
            });
            tauri.manage(pads(&handle, &app));
            tauri::async_runtime::spawn(feed(handle, window, app.clone(), notes, listening));
            tauri::async_runtime::spawn(wake(app, restored));
            Ok(())
        })
        .run(tauri::generate_context!())
}

/// The window, hidden until its page listens.
fn open(handle: &AppHandle, cache: PathBuf) -> tauri::Result<WebviewWindow> {
    let here = |url: &Url| url.scheme() == "tauri" || url.host_str() == Some("tauri.localhost");
    WebviewWindowBuilder::new(handle, LABEL, WebviewUrl::default())
        .title("Entente")
        .inner_size(1280.0, 800.0)
        .min_inner_size(640.0, 480.0)
        .center()
        .visible(false)
        // What the page looks like before it is there.
        .background_color(tauri::window::Color(14, 15, 20, 255))
        .data_directory(cache)
        .on_navigation(here)
        .build()
}

/// Brings back the last run: the shelf at once, then the accounts, then what services say now.
async fn wake(app: App, restored: watch::Sender<bool>) {
    if let Err(problem) = app.load_shelf().await {
        tracing::warn!(%problem, "the shelf could not be read");
    }
    app.parts().vault.start().await;
    app.restore().await;
    let _ = restored.send(true);
    app.refresh();
}

/// Hands the app's events to the page, from when it listens.
async fn feed(handle: AppHandle, window: WebviewWindow, app: App, notes: Vec<Problem>, listening: Arc<Notify>) {
    let mut events = app.events();
    let in_time = tokio::time::timeout(SHOW_LIMIT, listening.notified()).await.is_ok();
    if let Err(error) = window.show() {
        tracing::error!(%error, "the window cannot be shown");
    }
    if !in_time {
        tracing::warn!("the page is slow to listen");
        listening.notified().await;
    }
    let presence = handle.state::<Presence>();
    presence.listening.store(true, Ordering::Release);
    let asked = presence.asked.lock().ok().and_then(|mut asked| asked.take());
    for problem in notes {
        tell(&handle, ShellEvent::App(AppEvent::Note { problem }));
    }
    if let Some(target) = asked {
        tell(&handle, ShellEvent::Window(told::WindowEvent::Open { target }));
    }
    loop {
        let events = match events.recv().await {
            Ok(event) => vec![event],
            // What was lost is told as it is now.
            Err(RecvError::Lagged(_)) => vec![
                AppEvent::Accounts { accounts: app.accounts() },
                AppEvent::Play { play: app.play_state() },
                AppEvent::LibraryChanged,
                AppEvent::SettingsChanged,
            ],
            Err(RecvError::Closed) => return,
        };
        for event in events {
            if let AppEvent::Play { play } = &event {
                played(&handle, play);
            }
            tell(&handle, ShellEvent::App(event));
        }
    }
}

fn tell(handle: &AppHandle, event: ShellEvent) {
    if let Err(error) = handle.emit_to(LABEL, told::EVENT, event) {
        tracing::warn!(%error, "the page was not told");
    }
}

/// A window that was closed during a game stays away until the game is over, and the program ends with it.
fn played(handle: &AppHandle, play: &PlayState) {
    let over = matches!(play, PlayState::Idle | PlayState::Ended { .. } | PlayState::Failed { .. });
    if over && handle.state::<Presence>().closed.load(Ordering::Acquire) {
        handle.exit(0);
    }
}

/// The user wants to be rid of the window: during a game it hides; otherwise the program ends.
pub(crate) fn leave(handle: &AppHandle) {
    let playing = !matches!(
        handle.state::<Shell>().app.play_state(),
        PlayState::Idle | PlayState::Ended { .. } | PlayState::Failed { .. }
    );
    if playing {
        handle.state::<Presence>().closed.store(true, Ordering::Release);
        if let Some(window) = handle.get_webview_window(LABEL) {
            let _ = window.hide();
        }
    } else {
        handle.exit(0);
    }
}

/// A second start: the first window shows itself again.
fn come_forward(handle: &AppHandle) {
    handle.state::<Presence>().closed.store(false, Ordering::Release);
    if let Some(window) = handle.get_webview_window(LABEL) {
        let _ = window.show().and_then(|()| window.unminimize()).and_then(|()| window.set_focus());
    }
}

fn ask_for(handle: &AppHandle, target: String) {
    let presence = handle.state::<Presence>();
    if presence.listening.load(Ordering::Acquire) {
        tell(handle, ShellEvent::Window(told::WindowEvent::Open { target }));
    } else if let Ok(mut asked) = presence.asked.lock() {
        *asked = Some(target);
    }
}

fn pads(handle: &AppHandle, app: &App) -> Pads {
    let (handle, app) = (handle.clone(), app.clone());
    Pads::start(move |button| {
        // In a game the controller is the player's; and another program's when that has the screen.
        let ours = handle.state::<Presence>().focused.load(Ordering::Relaxed);
        if ours && !matches!(app.play_state(), PlayState::Playing { .. }) {
            tell(&handle, ShellEvent::Window(told::WindowEvent::Pad { button }));
        }
    })
}

fn has_display() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"].into_iter().any(set)
}

/// On X11 with NVIDIA's driver WebKit shows an empty window unless it is told to leave one way of drawing alone, and it
/// reads that from the environment of the process. The user's own value stays.
#[cfg(target_os = "linux")]
fn restart_for_nvidia() {
    use std::os::unix::process::CommandExt as _;
    const VARIABLE: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";
    let wayland = std::env::var_os("WAYLAND_DISPLAY").is_some();
    let nvidia = Path::new("/proc/driver/nvidia/version").exists();
    if wayland || !nvidia || std::env::var_os(VARIABLE).is_some() {
        return;
    }
    if let Ok(own) = std::env::current_exe() {
        let error = std::process::Command::new(own).args(std::env::args_os().skip(1)).env(VARIABLE, "1").exec();
        eprintln!("Entente goes on as it is, because it could not start itself again: {error}");
    }
}

#[cfg(not(target_os = "linux"))]
const fn restart_for_nvidia() {}
