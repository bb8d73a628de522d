//! One presenter, three bodies: GPU, CPU, none.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Instant;

use entente_model::picture::Picture;
use winit::window::Window;

use crate::error::PresentError;
use crate::gpu::GpuBody;
use crate::overlay::OverlayModel;
use crate::placement::ScaleMode;
use crate::software::SoftwareBody;

/// Which body shall draw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RendererChoice {
    /// The GPU if there is a real one, else the CPU.
    #[default]
    Auto,
    /// The GPU, even one that is emulated.
    Gpu,
    /// The CPU.
    Software,
    /// Nothing is drawn; pictures are only counted and stamped.
    Null,
}

impl FromStr for RendererChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "gpu" => Ok(Self::Gpu),
            "software" => Ok(Self::Software),
            "null" => Ok(Self::Null),
            other => Err(format!("`{other}` is not a renderer (auto, gpu, software, null)")),
        }
    }
}

/// Whether pictures may tear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Tearing {
    /// Whole pictures only.
    #[default]
    Avoid,
    /// A picture may replace another one in the middle of a refresh, which saves waiting for the display.
    Allow,
}

/// Which body draws, for overlay, log and journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RendererInfo {
    /// Body, and adapter or platform.
    pub name: String,
    /// Why this one.
    pub why: String,
}

/// How to draw a picture.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// What lies over it.
    pub overlay: &'a OverlayModel,
    /// How it is scaled.
    pub scale: ScaleMode,
    /// Text size factor, the window's scale factor.
    pub text_scale: f32,
}

/// What [`Presenter::show`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// On the surface.
    Presented {
        /// Drawing commands were handed over.
        queued: Instant,
        /// The platform took the finished picture; with software on X11 the server has copied it into the window.
        presented: Instant,
    },
    /// Nothing can be seen now (no area, hidden, or the surface is being remade); try again with the next picture.
    NotNow,
}

/// Draws pictures onto one surface. Open it on the main thread, use it on the present thread.
pub enum Presenter {
    /// wgpu.
    Gpu(Box<GpuBody>),
    /// CPU into the window's shared memory.
    Software(Box<SoftwareBody>),
    /// No surface.
    Null,
}

impl std::fmt::Debug for Presenter {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Gpu(_) => "Presenter::Gpu",
            Self::Software(_) => "Presenter::Software",
            Self::Null => "Presenter::Null",
        })
    }
}

/// Parts of adapter names that mean emulation on the CPU, for drivers that do not say so themselves.
const EMULATED: [&str; 5] = ["llvmpipe", "lavapipe", "softpipe", "swiftshader", "basic render"];

/// Whether an adapter is a CPU in disguise (`device_type`, or its name gives it away).
#[must_use]
pub fn is_emulated(info: &wgpu::AdapterInfo) -> bool {
    let name = info.name.to_lowercase();
    info.device_type == wgpu::DeviceType::Cpu || EMULATED.iter().any(|part| name.contains(part))
}

impl Presenter {
    /// Opens a body for `window`; whole pictures only. Call it on the main thread (a rule of macOS).
    ///
    /// With [`RendererChoice::Auto`] the CPU draws when there is no adapter, when opening it fails, or when the adapter
    /// is emulated: the CPU body needs a fraction of the time of an emulated GPU.
    ///
    /// # Errors
    /// The chosen body, or with `Auto` the last one, cannot be opened.
    pub fn open(window: Arc<Window>, choice: RendererChoice) -> Result<(Self, RendererInfo), PresentError> {
        Self::open_with(window, choice, Tearing::Avoid)
    }

    /// As [`Self::open`], and says whether pictures may tear.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with(
        window: Arc<Window>,
        choice: RendererChoice,
        tearing: Tearing,
    ) -> Result<(Self, RendererInfo), PresentError> {
        match choice {
            RendererChoice::Null => Ok(Self::null()),
            RendererChoice::Software => Self::software(window, "chosen by the user"),
            RendererChoice::Gpu => {
                let body = GpuBody::open(window, tearing, |_| true)?;
                let info = RendererInfo { name: body.name(), why: "chosen by the user".into() };
                Ok((Self::Gpu(Box::new(body)), info))
            }
            RendererChoice::Auto => match GpuBody::open(Arc::clone(&window), tearing, |info| !is_emulated(info)) {
                Ok(body) => {
                    let info = RendererInfo { name: body.name(), why: "a GPU is there".into() };
                    Ok((Self::Gpu(Box::new(body)), info))
                }
                Err(error) => Self::software(window, &error.to_string()),
            },
        }
    }

    fn software(window: Arc<Window>, why: &str) -> Result<(Self, RendererInfo), PresentError> {
        let body = SoftwareBody::open(window)?;
        let info = RendererInfo { name: body.name(), why: why.to_owned() };
        Ok((Self::Software(Box::new(body)), info))
    }

    /// A presenter without a surface.
    #[must_use]
    pub fn null() -> (Self, RendererInfo) {
        (Self::Null, RendererInfo { name: "null".into(), why: "nothing shall be drawn".into() })
    }

    /// The window has this size now, in pixels.
    pub fn resize(&mut self, width: u32, height: u32) {
        match self {
            Self::Gpu(body) => body.resize(width, height),
            Self::Software(body) => body.resize(width, height),
            Self::Null => {}
        }
    }

    /// Draws one picture with its overlay and hands it to the display.
    ///
    /// `choose` is called once the surface is ready, as late as possible, so that a picture which arrived while waiting
    /// for the display is the one that is shown; `None` = no picture yet. `clock` is the monotonic clock.
    ///
    /// # Errors
    /// [`PresentError::Picture`] and the like: this picture cannot be shown. [`PresentError::GpuLost`],
    /// [`PresentError::Software`]: nothing can be shown any more with this body.
    pub fn show(
        &mut self,
        choose: &mut dyn FnMut() -> Option<Picture>,
        look: &Look<'_>,
        clock: &dyn Fn() -> Instant,
    ) -> Result<Shown, PresentError> {
        match self {
            Self::Gpu(body) => body.show(choose, look, clock),
            Self::Software(body) => body.show(choose, look, clock),
            Self::Null => {
                let _ = choose();
                let now = clock();
                Ok(Shown::Presented { queued: now, presented: now })
            }
        }
    }

    /// Replaces a lost GPU body by the CPU on the same window.
    ///
    /// # Errors
    /// There is no window, or its software surface cannot be opened.
    pub(crate) fn fall_back(&mut self, why: &str) -> Result<RendererInfo, PresentError> {
        let Self::Gpu(body) = self else { return Err(PresentError::NoWindow) };
        let window = body.window();
        // The GPU's surface must be gone before another one takes the window.
        *self = Self::Null;
        let (software, info) = Self::software(window, why)?;
        *self = software;
        Ok(info)
    }
}
