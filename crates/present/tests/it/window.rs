//! A real window on a virtual X server of the test's own: what is presented is seen without anything after it.
#![allow(clippy::disallowed_methods, reason = "a real window lives on the real clock")]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use entente_model::picture::PixelLayout;
use entente_present::{Look, OverlayModel, Presenter, RendererChoice, ScaleMode, Shown};
use winit::application::ApplicationHandler;
use winit::dpi::PhysicalSize;
use winit::event::WindowEvent;
use winit::event_loop::{ActiveEventLoop, ControlFlow, EventLoop};
use winit::platform::x11::EventLoopBuilderExtX11;
use winit::window::{Window, WindowId};

use crate::pattern::flat;

struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts an X server on a display that it chooses itself; `None` when there is none on this machine.
fn server() -> Option<(Ended, String)> {
    let mut server = Command::new("Xvfb")
        .args(["-displayfd", "1", "-screen", "0", "640x480x24", "-noreset", "-ac"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut number = String::new();
    BufReader::new(server.stdout.take()?).read_line(&mut number).ok()?;
    let display = format!(":{}", number.trim());
    Some((Ended(server), display))
}

/// Red, green and blue in the middle of the display, read by somebody else.
fn seen(display: &str) -> Option<[u8; 3]> {
    let taken = Command::new("import")
        .args(["-display", display, "-window", "root", "-crop", "1x1+100+100", "-depth", "8", "rgb:-"])
        .stderr(Stdio::null())
        .output()
        .ok()?;
    taken.stdout.get(..3)?.try_into().ok()
}

#[test]
fn one_picture_alone_reaches_the_window() {
    let Some((_server, display)) = server() else {
        println!("skipped: no Xvfb");
        return;
    };
    if seen(&display).is_none() {
        println!("skipped: no ImageMagick");
        return;
    }
    for renderer in ["software", "gpu"] {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "window::show_one_picture", "--nocapture"])
            .env("DISPLAY", &display)
            .env("ENTENTE_TEST_RENDERER", renderer)
            .env_remove("WAYLAND_DISPLAY")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut child = Ended(child);
        let lines = BufReader::new(child.0.stdout.take().unwrap()).lines();
        let said = lines.map_while(Result::ok).find(|line| line.starts_with("entente:")).unwrap_or_default();
        if renderer == "gpu" && said.contains("no usable GPU") {
            println!("skipped: {said}");
            continue;
        }
        assert_eq!(said, "entente: presented", "{renderer}");
        // An emulated GPU draws after `present` has returned; the software body must be done by now.
        let patience = Instant::now() + Duration::from_secs(if renderer == "gpu" { 5 } else { 0 });
        let mut pixel = seen(&display).unwrap();
        while pixel[0] < 200 && Instant::now() < patience {
            pixel = seen(&display).unwrap();
        }
        assert!(pixel[0] > 250 && pixel[1] < 5 && pixel[2] < 5, "{renderer}: {pixel:?} is not red");
    }
}

/// The other process of [`one_picture_alone_reaches_the_window`], which tells it what to do; nothing to do without.
#[test]
fn show_one_picture() {
    let Ok(renderer) = std::env::var("ENTENTE_TEST_RENDERER") else { return };
    let events = EventLoop::builder().with_any_thread(true).with_x11().build().unwrap();
    events.set_control_flow(ControlFlow::Wait);
    events.run_app(&mut One { renderer: renderer.parse().unwrap(), window: None }).unwrap();
}

struct One {
    renderer: RendererChoice,
    window: Option<Arc<Window>>,
}

impl ApplicationHandler for One {
    fn resumed(&mut self, events: &ActiveEventLoop) {
        let attributes = Window::default_attributes().with_inner_size(PhysicalSize::new(320, 200));
        self.window = Some(Arc::new(events.create_window(attributes).unwrap()));
    }

    fn window_event(&mut self, events: &ActiveEventLoop, _: WindowId, event: WindowEvent) {
        let (WindowEvent::RedrawRequested, Some(window)) = (event, &self.window) else { return };
        let (mut presenter, _) = match Presenter::open(Arc::clone(window), self.renderer) {
            Ok(opened) => opened,
            Err(error) => {
                println!("entente: {error}");
                return events.exit();
            }
        };
        let picture = flat(PixelLayout::I420, (320, 200), [63, 102, 240]);
        let overlay = OverlayModel::default();
        let look = Look { overlay: &overlay, scale: ScaleMode::Fit, text_scale: 1.0 };
        let shown = presenter.show(&mut || Some(picture.clone()), &look, &Instant::now);
        assert!(matches!(shown, Ok(Shown::Presented { .. })), "{shown:?}");
        println!("entente: presented");
        // Until the other process has seen it and ends this one; its end closes the pipe.
        let _ = std::io::stdin().read(&mut [0]);
        events.exit();
    }
}
