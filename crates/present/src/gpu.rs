//! The GPU body: one texture per plane, colour and scaling in a shader.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use entente_model::picture::Picture;
use winit::window::Window;

use crate::error::PresentError;
use crate::presenter::{Look, Shown, Tearing};

mod canvas;

use canvas::Canvas;

/// What the driver reported from any thread; the first report counts.
type Failure = Arc<Mutex<Option<String>>>;

/// Adapter, device, and their failure.
struct Opened {
    adapter: wgpu::Adapter,
    device: wgpu::Device,
    queue: wgpu::Queue,
    failure: Failure,
}

fn no_gpu(error: &dyn std::fmt::Display) -> PresentError {
    PresentError::NoGpu(error.to_string())
}

fn describe(info: &wgpu::AdapterInfo) -> String {
    format!("gpu ({}, {:?})", info.name, info.backend)
}

/// Finds an adapter that `accept`s and opens its device.
fn open(
    instance: &wgpu::Instance,
    surface: Option<&wgpu::Surface<'_>>,
    wide: bool,
    accept: &dyn Fn(&wgpu::AdapterInfo) -> bool,
) -> Result<Opened, PresentError> {
    let options = wgpu::RequestAdapterOptions {
        power_preference: wgpu::PowerPreference::HighPerformance,
        compatible_surface: surface,
        ..Default::default()
    };
    let adapter = pollster::block_on(instance.request_adapter(&options)).map_err(|error| no_gpu(&error))?;
    let info = adapter.get_info();
    if !accept(&info) {
        return Err(PresentError::NoGpu(format!("{} is emulated on the CPU", info.name)));
    }
    let wanted = if wide { wgpu::Features::TEXTURE_FORMAT_16BIT_NORM } else { wgpu::Features::empty() };
    let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor {
        label: Some("entente"),
        required_features: wanted & adapter.features(),
        required_limits: adapter.limits(),
        memory_hints: wgpu::MemoryHints::MemoryUsage,
        ..Default::default()
    }))
    .map_err(|error| no_gpu(&error))?;
    let failure = Failure::default();
    let report = {
        let failure = Arc::clone(&failure);
        move |text: String| {
            tracing::error!(error = %text, "GPU");
            failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(text);
        }
    };
    device.set_device_lost_callback({
        let report = report.clone();
        move |reason, text| {
            // Our own drop of the device is reported, too.
            if reason != wgpu::DeviceLostReason::Destroyed {
                report(text);
            }
        }
    });
    device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| report(error.to_string())));
    Ok(Opened { adapter, device, queue, failure })
}

/// Formats without automatic gamma first: colours are already encoded for the display.
fn target_format(formats: &[wgpu::TextureFormat]) -> Option<wgpu::TextureFormat> {
    let wanted = [wgpu::TextureFormat::Bgra8Unorm, wgpu::TextureFormat::Rgba8Unorm];
    let plain = wanted.into_iter().find(|format| formats.contains(format));
    plain.or_else(|| formats.iter().copied().find(|format| !format.is_srgb())).or_else(|| formats.first().copied())
}

/// The offered mode with the least delay. Fifo is always there.
fn present_mode(offered: &[wgpu::PresentMode], tearing: Tearing) -> wgpu::PresentMode {
    let order: &[wgpu::PresentMode] = match tearing {
        // With a variable refresh rate Immediate is the faster one; whoever allows tearing wants that.
        Tearing::Allow => &[wgpu::PresentMode::Immediate, wgpu::PresentMode::Mailbox],
        Tearing::Avoid => &[wgpu::PresentMode::Mailbox],
    };
    order.iter().copied().find(|mode| offered.contains(mode)).unwrap_or(wgpu::PresentMode::Fifo)
}

/// A window that a GPU draws into.
pub struct GpuBody {
    // Dropped before the window that it belongs to.
    surface: wgpu::Surface<'static>,
    canvas: Canvas,
    device: wgpu::Device,
    instance: wgpu::Instance,
    config: wgpu::SurfaceConfiguration,
    /// The window's size; the configuration lags behind it.
    size: (u32, u32),
    configured: bool,
    failure: Failure,
    /// Acquisitions in a row that brought nothing although the window can be seen.
    refused: u32,
    name: String,
    window: Arc<Window>,
}

/// After this many refused acquisitions in a row (about 5 s at one retry each 100 ms) the surface is given up.
const REFUSALS: u32 = 50;

impl GpuBody {
    /// Opens the best adapter for `window` that `accept`s; call it on the main thread.
    ///
    /// # Errors
    /// [`PresentError::NoGpu`].
    pub fn open(
        window: Arc<Window>,
        tearing: Tearing,
        accept: impl Fn(&wgpu::AdapterInfo) -> bool,
    ) -> Result<Self, PresentError> {
        let display = Box::new(Arc::clone(&window));
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_with_display_handle_from_env(display));
        let surface = instance.create_surface(Arc::clone(&window)).map_err(|error| no_gpu(&error))?;
        let Opened { adapter, device, queue, failure } = open(&instance, Some(&surface), true, &accept)?;
        let offered = surface.get_capabilities(&adapter);
        let format = target_format(&offered.formats).ok_or_else(|| no_gpu(&"the surface offers no format"))?;
        let present_mode = present_mode(&offered.present_modes, tearing);
        let size = window.inner_size();
        let config = wgpu::SurfaceConfiguration {
            usage: wgpu::TextureUsages::RENDER_ATTACHMENT,
            format,
            color_space: wgpu::SurfaceColorSpace::Auto,
            width: size.width.max(1),
            height: size.height.max(1),
            present_mode,
            // One picture in flight: anything more is delay.
            desired_maximum_frame_latency: 1,
            alpha_mode: wgpu::CompositeAlphaMode::Auto,
            view_formats: Vec::new(),
        };
        let name = format!("{}, {present_mode:?}", describe(&adapter.get_info()));
        let canvas = Canvas::new(device.clone(), queue, format);
        Ok(Self {
            surface,
            canvas,
            device,
            instance,
            config,
            size: (size.width, size.height),
            configured: false,
            failure,
            refused: 0,
            name,
            window,
        })
    }

    /// Adapter, back end and present mode, for overlay and log.
    #[must_use]
    pub fn name(&self) -> String {
        self.name.clone()
    }

    pub(crate) fn window(&self) -> Arc<Window> {
        Arc::clone(&self.window)
    }

    /// The window has this size now.
    pub fn resize(&mut self, width: u32, height: u32) {
        if self.size != (width, height) {
            self.size = (width, height);
            self.configured = false;
        }
    }

    fn healthy(&self) -> Result<(), PresentError> {
        match self.failure.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            Some(text) => Err(PresentError::GpuLost(text.clone())),
            None => Ok(()),
        }
    }

    fn configure(&mut self) {
        let largest = self.device.limits().max_texture_dimension_2d;
        self.config.width = self.size.0.min(largest);
        self.config.height = self.size.1.min(largest);
        self.surface.configure(&self.device, &self.config);
        self.configured = true;
    }

    /// The next texture; waits for the display as long as the present mode asks.
    fn acquire(&mut self) -> Result<Option<wgpu::SurfaceTexture>, PresentError> {
        if !self.configured {
            self.configure();
        }
        for _ in 0..2 {
            match self.surface.get_current_texture() {
                wgpu::CurrentSurfaceTexture::Success(texture) => {
                    self.refused = 0;
                    return Ok(Some(texture));
                }
                wgpu::CurrentSurfaceTexture::Suboptimal(texture) => {
                    self.refused = 0;
                    self.configured = false;
                    return Ok(Some(texture));
                }
                wgpu::CurrentSurfaceTexture::Outdated => self.configure(),
                wgpu::CurrentSurfaceTexture::Lost => {
                    self.healthy()?;
                    let remade = self.instance.create_surface(Arc::clone(&self.window));
                    self.surface = remade.map_err(|error| PresentError::GpuLost(error.to_string()))?;
                    self.configure();
                }
                // Nobody sees the window: no reason to give up, however long it lasts.
                wgpu::CurrentSurfaceTexture::Timeout | wgpu::CurrentSurfaceTexture::Occluded => return Ok(None),
                wgpu::CurrentSurfaceTexture::Validation => break,
            }
        }
        self.healthy()?;
        self.refused += 1;
        if self.refused > REFUSALS {
            return Err(PresentError::GpuLost("the surface refuses every picture".into()));
        }
        Ok(None)
    }

    /// See [`crate::Presenter::show`].
    ///
    /// # Errors
    /// See [`crate::Presenter::show`].
    pub fn show(
        &mut self,
        choose: &mut dyn FnMut() -> Option<Picture>,
        look: &Look<'_>,
        clock: &dyn Fn() -> Instant,
    ) -> Result<Shown, PresentError> {
        self.healthy()?;
        if self.size.0 == 0 || self.size.1 == 0 {
            return Ok(Shown::NotNow);
        }
        let Some(texture) = self.acquire()? else { return Ok(Shown::NotNow) };
        let picture = choose();
        let view = texture.texture.create_view(&wgpu::TextureViewDescriptor::default());
        let size = (texture.texture.width(), texture.texture.height());
        let drawn = self.canvas.draw(&view, size, picture.as_ref(), look);
        let queued = clock();
        self.window.pre_present_notify();
        self.canvas.present(texture);
        self.healthy()?;
        drawn.map(|()| Shown::Presented { queued, presented: clock() })
    }
}

/// Draws into memory instead of a window: for tests and tools.
pub struct Offscreen {
    canvas: Canvas,
    device: wgpu::Device,
    queue: wgpu::Queue,
    failure: Failure,
    name: String,
}

impl Offscreen {
    /// Opens any adapter, emulated ones too. `wide`: use 16-bit texture formats where the device has them.
    ///
    /// # Errors
    /// [`PresentError::NoGpu`].
    pub fn open(wide: bool) -> Result<Self, PresentError> {
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
        let Opened { adapter, device, queue, failure } = open(&instance, None, wide, &|_| true)?;
        let canvas = Canvas::new(device.clone(), queue.clone(), wgpu::TextureFormat::Rgba8Unorm);
        Ok(Self { canvas, device, queue, failure, name: describe(&adapter.get_info()) })
    }

    /// Adapter and back end.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What a window of `size` would show, as tight rows of RGBA.
    ///
    /// # Errors
    /// The picture's planes are unusable, or the GPU failed.
    pub fn render(
        &mut self,
        size: (u32, u32),
        picture: Option<&Picture>,
        look: &Look<'_>,
    ) -> Result<Vec<u8>, PresentError> {
        let (width, height) = (size.0.max(1), size.1.max(1));
        let extent = wgpu::Extent3d { width, height, depth_or_array_layers: 1 };
        let target = self.device.create_texture(&wgpu::TextureDescriptor {
            label: Some("offscreen"),
            size: extent,
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: wgpu::TextureFormat::Rgba8Unorm,
            usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::COPY_SRC,
            view_formats: &[],
        });
        let view = target.create_view(&wgpu::TextureViewDescriptor::default());
        self.canvas.draw(&view, (width, height), picture, look)?;
        let row = width * 4;
        let padded = row.next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT);
        let buffer = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("offscreen"),
            size: u64::from(padded) * u64::from(height),
            usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
            mapped_at_creation: false,
        });
        let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let layout = wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(padded), rows_per_image: None };
        encoder.copy_texture_to_buffer(
            target.as_image_copy(),
            wgpu::TexelCopyBufferInfo { buffer: &buffer, layout },
            extent,
        );
        self.queue.submit([encoder.finish()]);
        buffer.map_async(wgpu::MapMode::Read, .., |_| {});
        let lost = |error: &dyn std::fmt::Display| PresentError::GpuLost(error.to_string());
        self.device.poll(wgpu::PollType::wait_indefinitely()).map_err(|error| lost(&error))?;
        if let Some(text) = self.failure.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            return Err(PresentError::GpuLost(text.clone()));
        }
        let mapped = buffer.get_mapped_range(..).map_err(|error| lost(&error))?;
        let rows = mapped.chunks_exact(padded as usize);
        Ok(rows.flat_map(|line| line.get(..row as usize).unwrap_or_default()).copied().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mode_with_the_least_delay_is_taken() {
        use wgpu::PresentMode::{Fifo, FifoRelaxed, Immediate, Mailbox};
        let all = [Fifo, FifoRelaxed, Immediate, Mailbox];
        assert_eq!(present_mode(&all, Tearing::Avoid), Mailbox);
        assert_eq!(present_mode(&all, Tearing::Allow), Immediate);
        assert_eq!(present_mode(&[Fifo, Immediate], Tearing::Avoid), Fifo);
        assert_eq!(present_mode(&[Fifo, Mailbox], Tearing::Allow), Mailbox);
        assert_eq!(present_mode(&[], Tearing::Avoid), Fifo);
    }

    #[test]
    fn a_format_without_gamma_is_taken() {
        use wgpu::TextureFormat::{Bgra8Unorm, Bgra8UnormSrgb, Rgb10a2Unorm, Rgba8Unorm};
        assert_eq!(target_format(&[Bgra8UnormSrgb, Rgba8Unorm, Bgra8Unorm]), Some(Bgra8Unorm));
        assert_eq!(target_format(&[Bgra8UnormSrgb, Rgb10a2Unorm]), Some(Rgb10a2Unorm));
        assert_eq!(target_format(&[Bgra8UnormSrgb]), Some(Bgra8UnormSrgb));
        assert_eq!(target_format(&[]), None);
    }
}
