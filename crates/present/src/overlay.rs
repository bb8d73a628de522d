//! What is drawn over the picture: figures, stage, notice, help. One egui painting for both bodies.

use egui::{Color32, Context, FontId, Galley, LayerId, Painter, Pos2, RawInput, Vec2};

use crate::placement::Rect;

pub use entente_stats::OverlayMode;

/// All that can lie over the picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OverlayModel {
    /// How much of `lines` is shown.
    pub mode: OverlayMode,
    /// Figures, the most important line first.
    pub lines: Vec<String>,
    /// A short message at the bottom ("press … to release the pointer").
    pub notice: Option<String>,
    /// Where the session stands ("finding a path to the host", "connection lost, trying again"): centred on black
    /// while there is no picture, a banner across the last picture afterwards.
    pub stage: Option<String>,
    /// A panel in the middle, several lines (keys).
    pub help: Option<String>,
}

/// What decides how the overlay looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Screen {
    /// Window size in pixels.
    pub(crate) size: (u32, u32),
    /// Text size factor.
    pub(crate) scale: f32,
    /// Rows at the top that stay free, because the timecode strip of the picture lies there.
    pub(crate) reserved: u32,
    /// Whether there is a picture below.
    pub(crate) picture: bool,
}

impl Screen {
    /// The screen of a window that shows a picture of `picture` pixels at `place`.
    pub(crate) fn new(size: (u32, u32), user_scale: f32, place: Rect, picture: Option<(u32, u32)>) -> Self {
        // Larger windows are looked at from further away: text grows with them, from 1080 rows on.
        let grown = (size.1 as f32 / 1080.0 * 4.0).floor() / 4.0;
        let user = if user_scale.is_finite() { user_scale.clamp(0.5, 4.0) } else { 1.0 };
        Self { size, scale: user.max(grown.min(4.0)), reserved: reserved(place, picture), picture: picture.is_some() }
    }
}

/// Rows from the window's top which belong to the timecode strip: 32 picture rows (`docs/timecode.md`).
fn reserved(place: Rect, picture: Option<(u32, u32)>) -> u32 {
    const STRIP_ROWS: u64 = 32;
    let scaled = match picture {
        Some((_, rows)) if rows > 0 => (STRIP_ROWS * u64::from(place.height)).div_ceil(u64::from(rows)),
        _ => STRIP_ROWS,
    };
    let bottom = i64::from(place.y) + i64::try_from(scaled).unwrap_or(0);
    u32::try_from(bottom.max(0)).unwrap_or(0)
}

/// Triangles for one overlay, in window pixels.
pub(crate) struct Painted {
    /// What to draw.
    pub(crate) primitives: Vec<egui::ClippedPrimitive>,
    /// Atlas changes to apply before.
    pub(crate) textures: egui::TexturesDelta,
    /// Pixels that are touched; they do not overlap.
    pub(crate) regions: Vec<Rect>,
}

/// Turns models into triangles; remembers the last one, so that an unchanged overlay costs a comparison.
pub(crate) struct OverlayPainter {
    context: Context,
    last: Option<(OverlayModel, Screen)>,
}

impl OverlayPainter {
    pub(crate) fn new() -> Self {
        let context = Context::default();
        // Flat: only axis-aligned quads of one colour, which the CPU body draws fast.
        context.tessellation_options_mut(|options| options.feathering = false);
        Self { context, last: None }
    }

    /// Triangles when something changed since the last call, else `None`.
    pub(crate) fn paint(&mut self, model: &OverlayModel, screen: Screen) -> Option<Painted> {
        if self.last.as_ref().is_some_and(|(last, at)| last == model && *at == screen) {
            return None;
        }
        self.last = Some((model.clone(), screen));
        let rect = egui::Rect::from_min_size(Pos2::ZERO, Vec2::new(screen.size.0 as f32, screen.size.1 as f32));
        let input = RawInput { screen_rect: Some(rect), ..RawInput::default() };
        let mut regions = Vec::new();
        let output = self.context.run_pass(input, |context| {
            regions.clear();
            let canvas = Canvas { painter: context.layer_painter(LayerId::background()), screen };
            canvas.all(model, &mut regions);
        });
        let egui::FullOutput { textures_delta, shapes, .. } = output;
        let primitives = self.context.tessellate(shapes, 1.0);
        Some(Painted { primitives, textures: textures_delta, regions: merged(regions, screen.size) })
    }
}

/// Clips to the window and joins rectangles which overlap, so that no pixel is blended twice.
fn merged(rects: Vec<Rect>, window: (u32, u32)) -> Vec<Rect> {
    let mut result: Vec<Rect> = Vec::new();
    for rect in rects {
        let mut joined = rect.clipped(window);
        while let Some(at) = result.iter().position(|other| overlap(*other, joined)) {
            joined = union(result.swap_remove(at), joined);
        }
        if !joined.is_empty() {
            result.push(joined);
        }
    }
    result
}

fn end(start: i32, length: u32) -> i32 {
    start.saturating_add(i32::try_from(length).unwrap_or(i32::MAX))
}

fn overlap(a: Rect, b: Rect) -> bool {
    !a.is_empty()
        && !b.is_empty()
        && a.x < end(b.x, b.width)
        && b.x < end(a.x, a.width)
        && a.y < end(b.y, b.height)
        && b.y < end(a.y, a.height)
}

fn union(a: Rect, b: Rect) -> Rect {
    let (x, y) = (a.x.min(b.x), a.y.min(b.y));
    let right = end(a.x, a.width).max(end(b.x, b.width));
    let bottom = end(a.y, a.height).max(end(b.y, b.height));
    Rect { x, y, width: right.abs_diff(x), height: bottom.abs_diff(y) }
}

const BACKING: Color32 = Color32::from_black_alpha(176);
const BANNER: Color32 = Color32::from_black_alpha(208);
const TEXT: Color32 = Color32::from_rgb(236, 236, 236);

struct Canvas {
    painter: Painter,
    screen: Screen,
}

impl Canvas {
    fn all(&self, model: &OverlayModel, regions: &mut Vec<Rect>) {
        let help = model.help.as_deref().filter(|text| !text.is_empty());
        // Text over text is read by nobody: the help panel is alone with the stage.
        if help.is_none() {
            self.figures(model, regions);
        }
        if let Some(stage) = model.stage.as_deref().filter(|text| !text.is_empty()) {
            self.stage(stage, help.is_some(), regions);
        }
        if let Some(help) = help {
            self.help(help, regions);
        } else if let Some(notice) = model.notice.as_deref().filter(|text| !text.is_empty()) {
            self.notice(notice, regions);
        }
    }

    fn px(&self, at_scale_one: f32) -> f32 {
        (at_scale_one * self.screen.scale).round().max(1.0)
    }

    fn width(&self) -> f32 {
        self.screen.size.0 as f32
    }

    fn height(&self) -> f32 {
        self.screen.size.1 as f32
    }

    fn backing(&self, min: Pos2, size: Vec2, color: Color32, regions: &mut Vec<Rect>) -> egui::Rect {
        let rect = egui::Rect::from_min_max(
            Pos2::new(min.x.floor(), min.y.floor()),
            Pos2::new((min.x + size.x).ceil(), (min.y + size.y).ceil()),
        );
        self.painter.rect_filled(rect, 0.0, color);
        regions.push(Rect {
            x: rect.min.x as i32,
            y: rect.min.y as i32,
            width: rect.width() as u32,
            height: rect.height() as u32,
        });
        rect
    }

    /// Text that is at most `width` wide: long lines are wrapped.
    fn wrapped(&self, text: &str, size: f32, width: f32) -> std::sync::Arc<Galley> {
        self.painter.layout(text.to_owned(), FontId::proportional(size), TEXT, width.max(1.0))
    }

    /// Lines in a fixed-width font, as large as fits the window's width, down to a readable limit.
    fn figures_text(&self, lines: &[String], pad: f32) -> std::sync::Arc<Galley> {
        const SMALLEST: f32 = 9.0;
        let text = lines.join("\n");
        let room = self.width() - 4.0 * pad;
        let size = self.px(13.0);
        let galley = self.painter.layout_no_wrap(text.clone(), FontId::monospace(size), TEXT);
        if galley.size().x <= room || room <= 0.0 {
            return galley;
        }
        let smaller = (size * room / galley.size().x).floor().max(SMALLEST);
        self.painter.layout_no_wrap(text, FontId::monospace(smaller), TEXT)
    }

    fn figures(&self, model: &OverlayModel, regions: &mut Vec<Rect>) {
        let shown = match model.mode {
            OverlayMode::Off => 0,
            OverlayMode::Line => 1,
            // Whoever made the lines chose them for the mode.
            OverlayMode::Compact | OverlayMode::Full => usize::MAX,
        };
        let lines: &[String] = model.lines.get(..shown.min(model.lines.len())).unwrap_or_default();
        if lines.is_empty() {
            return;
        }
        let pad = self.px(6.0);
        let top = self.screen.reserved as f32 + self.px(4.0);
        let galley = self.figures_text(lines, pad);
        let room = Vec2::new(self.width() - 2.0 * pad, self.height() - top);
        let size = (galley.size() + Vec2::splat(2.0 * pad)).min(room);
        if size.x <= 0.0 || size.y <= 0.0 {
            return;
        }
        let rect = self.backing(Pos2::new(pad, top), size, BACKING, regions);
        let inside = self.painter.with_clip_rect(rect);
        inside.galley(rect.min + Vec2::splat(pad), galley, TEXT);
    }

    fn stage(&self, text: &str, above_help: bool, regions: &mut Vec<Rect>) {
        let galley = self.wrapped(text, self.px(20.0), self.width() * 0.9);
        let size = galley.size();
        let middle = self.height() * if above_help { 0.12 } else { 0.5 };
        let pad = self.px(12.0);
        let top = (middle - size.y / 2.0).max(self.screen.reserved as f32 + pad).round();
        let left = ((self.width() - size.x) / 2.0).round();
        if self.screen.picture {
            self.backing(Pos2::new(0.0, top - pad), Vec2::new(self.width(), size.y + 2.0 * pad), BANNER, regions);
        } else {
            self.backing(Pos2::new(left, top), size, Color32::BLACK, regions);
        }
        self.painter.galley(Pos2::new(left, top), galley, TEXT);
    }

    fn help(&self, text: &str, regions: &mut Vec<Rect>) {
        let pad = self.px(10.0);
        let galley = self.help_text(text, pad);
        let size = galley.size() + Vec2::splat(2.0 * pad);
        let top = ((self.height() - size.y) / 2.0).max(self.screen.reserved as f32);
        let min = Pos2::new(((self.width() - size.x) / 2.0).max(0.0), top);
        let rect = self.backing(min, size, BANNER, regions);
        self.painter.galley(rect.min + Vec2::splat(pad), galley, TEXT);
    }

    /// Lines in a fixed-width font, so that columns stay columns, as large as fits, down to a readable limit.
    fn help_text(&self, text: &str, pad: f32) -> std::sync::Arc<Galley> {
        const SMALLEST: f32 = 8.0;
        let width = self.width() - 4.0 * pad;
        let height = self.height() - self.screen.reserved as f32 - 2.0 * pad;
        let mut size = self.px(14.0);
        loop {
            let galley = self.painter.layout(text.to_owned(), FontId::monospace(size), TEXT, width.max(1.0));
            let fits = galley.size().y <= height && galley.rows.len() <= text.lines().count();
            if fits || size <= SMALLEST {
                return galley;
            }
            size = (size - 1.0).max(SMALLEST);
        }
    }

    fn notice(&self, text: &str, regions: &mut Vec<Rect>) {
        let galley = self.wrapped(text, self.px(15.0), self.width() * 0.9);
        let pad = self.px(8.0);
        let size = galley.size() + Vec2::splat(2.0 * pad);
        let top = (self.height() - size.y - self.px(16.0)).max(self.screen.reserved as f32);
        let min = Pos2::new(((self.width() - size.x) / 2.0).max(0.0), top);
        let rect = self.backing(min, size, BANNER, regions);
        self.painter.galley(rect.min + Vec2::splat(pad), galley, TEXT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_help_fits_below_the_strip_of_a_small_window() {
        let line = format!("{:<15} {:<19} {:<15} {}", "Keypad 8", "right stick up", "Keypad 2", "right stick down");
        let help = vec![line; 21].join("\n");
        for size in [(640, 360), (800, 450), (1280, 720), (1920, 1080)] {
            let screen = Screen { size, scale: 1.0, reserved: 32 * size.1 / 360, picture: true };
            let model = OverlayModel { help: Some(help.clone()), ..OverlayModel::default() };
            let mut painted = OverlayPainter::new().paint(&model, screen).unwrap();
            // Nothing is drawn here; epaint panics in debug builds when atlas changes are dropped unapplied.
            painted.textures.clear();
            let panel = painted.regions.first().copied().unwrap();
            assert!(panel.y >= i32::try_from(screen.reserved).unwrap(), "{size:?}: {panel:?}");
            for primitive in &painted.primitives {
                if let egui::epaint::Primitive::Mesh(mesh) = &primitive.primitive {
                    let bounds = mesh.calc_bounds();
                    assert!(bounds.max.y <= size.1 as f32 && bounds.max.x <= size.0 as f32, "{size:?}: {bounds:?}");
                }
            }
        }
    }
}
