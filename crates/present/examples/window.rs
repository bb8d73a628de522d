//! A moving pattern with overlay in a window: `window [auto|gpu|software] [seconds] [WxH picture] [WxH window] [fit|integer|fill] [lost|wait]`.
#![allow(clippy::disallowed_methods, clippy::expect_used, reason = "an example at the edge")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use entente_model::picture::{Color, FrameTimes, OwnedPlanes, Picture, PixelLayout};
use entente_present::{
    Command, OverlayMode, OverlayModel, Presenter, Ready, RendererChoice, ScaleMode, Slot, Summary, command_queue,
    spawn,
};
use entente_stats::{Entry, JournalReader, Timecode, journal};
use winit::application::ApplicationHandler;
use winit::dpi::PhysicalSize;
use winit::event::WindowEvent;
use winit::event_loop::{ActiveEventLoop, EventLoop};
use winit::window::{Window, WindowId};

struct Arguments {
    choice: RendererChoice,
    seconds: u64,
    picture: (u32, u32),
    window: (u32, u32),
    scale: ScaleMode,
    lost: bool,
    wait: bool,
}

fn size(text: &str) -> Option<(u32, u32)> {
    let (width, height) = text.split_once('x')?;
    Some((width.parse().ok()?, height.parse().ok()?))
}

impl Arguments {
    fn read() -> Self {
        let all: Vec<String> = std::env::args().skip(1).collect();
        let at = |index: usize| all.get(index).map(String::as_str);
        let picture = at(2).and_then(size).unwrap_or((640, 360));
        Self {
            choice: at(0).and_then(|text| text.parse().ok()).unwrap_or_default(),
            seconds: at(1).and_then(|text| text.parse().ok()).unwrap_or(5),
            picture,
            window: at(3).and_then(size).unwrap_or(picture),
            scale: match at(4) {
                Some("integer") => ScaleMode::Integer,
                Some("fill") => ScaleMode::Fill,
                _ => ScaleMode::Fit,
            },
            lost: at(5) == Some("lost"),
            wait: at(5) == Some("wait"),
        }
    }
}

/// Colour bars, a moving block, and cells where the timecode strip would be.
fn pattern(frame: u64, (width, height): (u32, u32)) -> Picture {
    let layout = PixelLayout::I420;
    const BARS: [[u8; 3]; 8] = [
        [180, 128, 128],
        [168, 44, 136],
        [145, 147, 44],
        [133, 63, 52],
        [63, 193, 204],
        [51, 109, 212],
        [28, 212, 120],
        [16, 128, 128],
    ];
    let mut planes = OwnedPlanes::new(layout, width, height);
    for (component, (data, stride)) in planes.planes.iter_mut().enumerate() {
        let (samples, _) = layout.plane_size(component, width, height);
        let shrink = if component == 0 { 1 } else { 2 };
        for (y, row) in data.chunks_mut(*stride).enumerate() {
            for (x, sample) in row.iter_mut().take(samples as usize).enumerate() {
                let (x, y) = (x as u64 * shrink, y as u64 * shrink);
                let bar = BARS.get((x * 8 / u64::from(width)) as usize).and_then(|bar| bar.get(component));
                let block = (frame * 4) % u64::from(width);
                let cell = x < 512 && y < 32;
                *sample = match component {
                    0 if cell => {
                        if (x / 8 + y / 16 + frame).is_multiple_of(2) {
                            235
                        } else {
                            16
                        }
                    }
                    0 if x.abs_diff(block) < 24 && y.abs_diff(u64::from(height) * 3 / 4) < 24 => 235,
                    _ if cell => 128,
                    _ => *bar.unwrap_or(&128),
                };
            }
        }
    }
    let now = Instant::now();
    let times = FrameTimes { first_packet: now, last_packet: now, assembled: now, decode_in: now, decode_out: now };
    Picture { frame, width, height, layout, color: Color::default(), times, memory: Arc::new(planes) }
}

fn overlay(arguments: &Arguments, renderer: &str, delays: &[f32]) -> OverlayModel {
    let latest = delays.last().copied().unwrap_or(0.0);
    let mut lines = vec![format!("{latest:5.2} ms drawn  60 fps  {renderer}")];
    lines.extend([
        "input to picture   p50  18.4  p95  24.9 ms".to_owned(),
        "network rtt 3.1 ms  loss 0.0 %  14.8 Mbit/s".to_owned(),
        "decode p50 1.22  p95 2.04 ms  h264 ffmpeg".to_owned(),
        "present p50 0.48  p95 0.66 ms".to_owned(),
        "frames 4321 shown  2 newer  0 lost".to_owned(),
        "audio 21.3 ms  0 underruns".to_owned(),
    ]);
    OverlayModel {
        mode: OverlayMode::Full,
        lines,
        notice: Some("Ctrl+Alt+Z releases the pointer".into()),
        stage: match (arguments.wait, arguments.lost) {
            (true, _) => Some("finding a path to the host".into()),
            (_, true) => Some("connection lost, trying again (3 s)".into()),
            _ => None,
        },
        help: None,
    }
}

/// Makes pictures at 60 per second until time is up.
fn produce(
    arguments: &Arguments,
    slot: &Slot<Ready>,
    commands: &Sender<Command>,
    mut reader: JournalReader,
    writer: &entente_stats::JournalWriter,
) {
    let start = Instant::now();
    let mut renderer = String::new();
    let mut delays = Vec::new();
    for frame in 0.. {
        if start.elapsed() > Duration::from_secs(arguments.seconds) {
            break;
        }
        if !arguments.wait {
            slot.offer(Ready { picture: pattern(frame, arguments.picture), timecode: Timecode::default() }, writer);
        }
        while let Some(entry) = reader.next() {
            match entry {
                Entry::Renderer { name, why } => {
                    println!("{name}: {why}");
                    renderer = name;
                }
                Entry::Presented(record) => {
                    delays.push((record.presented - record.times.decode_out).as_secs_f32() * 1000.0);
                }
                _ => {}
            }
        }
        if frame.is_multiple_of(6) {
            let _ = commands.try_send(Command::Overlay(Box::new(overlay(arguments, &renderer, &delays))));
        }
        let next = start + Duration::from_micros(16_667 * (frame + 1));
        std::thread::park_timeout(next.saturating_duration_since(Instant::now()));
    }
    delays.sort_by(f32::total_cmp);
    let at = |part: f64| delays.get((delays.len() as f64 * part) as usize).copied().unwrap_or(0.0);
    println!("{} shown, decoded to shown p50 {:.2} p95 {:.2} ms", delays.len(), at(0.5), at(0.95));
}

struct App {
    arguments: Arguments,
    window: Option<Arc<Window>>,
    commands: Option<Sender<Command>>,
    present: Option<std::thread::JoinHandle<Result<Summary, entente_present::PresentError>>>,
}

impl ApplicationHandler<()> for App {
    fn resumed(&mut self, event_loop: &ActiveEventLoop) {
        if self.window.is_some() {
            return;
        }
        let (width, height) = self.arguments.window;
        let attributes =
            Window::default_attributes().with_title("pattern").with_inner_size(PhysicalSize::new(width, height));
        let window = Arc::new(event_loop.create_window(attributes).expect("a window"));
        let (presenter, info) = Presenter::open(Arc::clone(&window), self.arguments.choice).expect("a renderer");
        let (writer, reader) = journal(4096);
        let (commands, queue) = command_queue();
        let slot = Slot::new();
        self.present = spawn(presenter, info, slot.clone(), queue, writer.clone(), Instant::now).ok();
        let _ = commands.send(Command::Mode(self.arguments.scale));
        let (arguments, sender) = (Arguments::read(), commands.clone());
        std::thread::Builder::new()
            .name("pattern".into())
            .spawn(move || {
                produce(&arguments, &slot, &sender, reader, &writer);
                let _ = sender.send(Command::Quit);
                std::process::exit(0);
            })
            .expect("a thread");
        self.window = Some(window);
        self.commands = Some(commands);
    }

    fn window_event(&mut self, event_loop: &ActiveEventLoop, _: WindowId, event: WindowEvent) {
        let (Some(commands), Some(window)) = (&self.commands, &self.window) else { return };
        let command = match event {
            WindowEvent::Resized(size) => {
                Command::Resize { width: size.width, height: size.height, scale: window.scale_factor() as f32 }
            }
            WindowEvent::Occluded(occluded) => Command::Occluded(occluded),
            WindowEvent::RedrawRequested => Command::Redraw,
            WindowEvent::CloseRequested => {
                event_loop.exit();
                Command::Quit
            }
            _ => return,
        };
        let _ = commands.try_send(command);
    }
}

fn main() {
    let event_loop = EventLoop::new().expect("a display");
    let mut app = App { arguments: Arguments::read(), window: None, commands: None, present: None };
    event_loop.run_app(&mut app).expect("the event loop");
    if let Some(present) = app.present {
        println!("{:?}", present.join());
    }
}
