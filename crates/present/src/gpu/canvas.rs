//! Draws one picture and its overlay into any texture view.

use entente_model::picture::{Picture, PixelLayout, Transfer};

use crate::color;
use crate::error::PresentError;
use crate::overlay::{OverlayPainter, Screen};
use crate::placement::{Rect, ScaleMode, placement};
use crate::planes::Planes;
use crate::presenter::Look;

/// Textures of one layout and size, and what binds them to the shader.
struct Textures {
    layout: PixelLayout,
    size: (u32, u32),
    planes: Vec<wgpu::Texture>,
    binding: wgpu::BindGroup,
}

/// Pipelines and textures for one device and target format.
pub(super) struct Canvas {
    device: wgpu::Device,
    queue: wgpu::Queue,
    /// One- and two-byte samples in native formats.
    pipeline: wgpu::RenderPipeline,
    /// Two-byte samples split into bytes, where the device lacks 16-bit formats.
    split: Option<wgpu::RenderPipeline>,
    layout: wgpu::BindGroupLayout,
    sampler: wgpu::Sampler,
    params: wgpu::Buffer,
    textures: Option<Textures>,
    painter: OverlayPainter,
    egui: egui_wgpu::Renderer,
    primitives: Vec<egui::ClippedPrimitive>,
}

/// Bytes of the shader's `Params`.
const PARAMS: usize = 7 * 16;

impl Canvas {
    pub(super) fn new(device: wgpu::Device, queue: wgpu::Queue, format: wgpu::TextureFormat) -> Self {
        let shader = device.create_shader_module(wgpu::include_wgsl!("picture.wgsl"));
        let layout = bind_layout(&device);
        let wide = device.features().contains(wgpu::Features::TEXTURE_FORMAT_16BIT_NORM);
        let pipeline = pipeline(&device, &shader, &layout, format, false);
        let split = (!wide).then(|| self::pipeline(&device, &shader, &layout, format, true));
        let sampler = device.create_sampler(&wgpu::SamplerDescriptor {
            label: Some("picture"),
            mag_filter: wgpu::FilterMode::Linear,
            min_filter: wgpu::FilterMode::Linear,
            ..Default::default()
        });
        let params = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("picture"),
            size: PARAMS as u64,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        // No dithering: the overlay has flat colours, and tests compare it.
        let options = egui_wgpu::RendererOptions { dithering: false, ..Default::default() };
        let egui = egui_wgpu::Renderer::new(&device, format, options);
        Self {
            device,
            queue,
            pipeline,
            split,
            layout,
            sampler,
            params,
            textures: None,
            painter: OverlayPainter::new(),
            egui,
            primitives: Vec::new(),
        }
    }

    /// Uploads, draws and submits; the target is `size` pixels.
    pub(super) fn draw(
        &mut self,
        view: &wgpu::TextureView,
        size: (u32, u32),
        picture: Option<&Picture>,
        look: &Look<'_>,
    ) -> Result<(), PresentError> {
        let shape = picture.map(|picture| (picture.width, picture.height));
        let place = shape.map_or_else(Rect::default, |shape| placement(size, shape, look.scale));
        let uploaded = picture.map_or(Ok(()), |picture| self.upload(picture, place, look.scale));
        let overlay = self.overlay(size, place, shape, look);
        let mut encoder =
            self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("present") });
        let screen = egui_wgpu::ScreenDescriptor { size_in_pixels: [size.0, size.1], pixels_per_point: 1.0 };
        if overlay {
            let _ = self.egui.update_buffers(&self.device, &self.queue, &mut encoder, &self.primitives, &screen);
        }
        {
            let mut pass = encoder
                .begin_render_pass(&wgpu::RenderPassDescriptor {
                    label: Some("present"),
                    color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                        view,
                        depth_slice: None,
                        resolve_target: None,
                        ops: wgpu::Operations {
                            load: wgpu::LoadOp::Clear(wgpu::Color::BLACK),
                            store: wgpu::StoreOp::Store,
                        },
                    })],
                    ..Default::default()
                })
                .forget_lifetime();
            let visible = place.clipped(size);
            if let (Some(textures), true, false) = (&self.textures, uploaded.is_ok(), visible.is_empty()) {
                pass.set_scissor_rect(
                    visible.x.unsigned_abs(),
                    visible.y.unsigned_abs(),
                    visible.width,
                    visible.height,
                );
                let split = self.split.as_ref().filter(|_| textures.layout.sample_bytes() == 2);
                pass.set_pipeline(split.unwrap_or(&self.pipeline));
                pass.set_bind_group(0, &textures.binding, &[]);
                pass.draw(0..3, 0..1);
            }
            if !self.primitives.is_empty() {
                self.egui.render(&mut pass, &self.primitives, &screen);
            }
        }
        self.queue.submit([encoder.finish()]);
        uploaded
    }

    /// Hands a drawn surface texture to the display.
    pub(super) fn present(&self, texture: wgpu::SurfaceTexture) {
        self.queue.present(texture);
    }

    /// Paints the overlay anew if it has to; true when its buffers must be filled again.
    fn overlay(&mut self, size: (u32, u32), place: Rect, shape: Option<(u32, u32)>, look: &Look<'_>) -> bool {
        let screen = Screen::new(size, look.text_scale, place, shape);
        let Some(mut painted) = self.painter.paint(look.overlay, screen) else { return false };
        for (id, changes) in painted.textures.set.drain() {
            for change in &changes {
                self.egui.update_texture(&self.device, &self.queue, id, change);
            }
        }
        for id in painted.textures.free.drain() {
            self.egui.free_texture(&id);
        }
        self.primitives = painted.primitives;
        true
    }

    fn upload(&mut self, picture: &Picture, place: Rect, mode: ScaleMode) -> Result<(), PresentError> {
        let planes = Planes::of(picture)?;
        let size = (planes.width, planes.height);
        let largest = self.device.limits().max_texture_dimension_2d;
        if size.0.max(size.1) > largest {
            return Err(PresentError::Picture { width: size.0, height: size.1, layout: planes.layout });
        }
        if !self.textures.as_ref().is_some_and(|textures| textures.layout == planes.layout && textures.size == size) {
            self.textures = Some(self.textures_for(planes.layout, size));
        }
        let Some(textures) = &self.textures else { return Ok(()) };
        for (texture, plane) in textures.planes.iter().zip(planes.all) {
            self.queue.write_texture(
                texture.as_image_copy(),
                plane.data,
                wgpu::TexelCopyBufferLayout {
                    offset: 0,
                    bytes_per_row: u32::try_from(plane.stride).ok(),
                    rows_per_image: None,
                },
                texture.size(),
            );
        }
        self.queue.write_buffer(&self.params, 0, bytemuck::cast_slice(&params(&planes, place, mode)));
        Ok(())
    }

    fn textures_for(&self, layout: PixelLayout, (width, height): (u32, u32)) -> Textures {
        let planes: Vec<wgpu::Texture> = (0..layout.planes())
            .map(|plane| {
                let pairs = plane == 1 && layout.planes() == 2;
                let (samples, rows) = layout.plane_size(plane, width, height);
                let width = if pairs { samples / 2 } else { samples };
                self.device.create_texture(&wgpu::TextureDescriptor {
                    label: Some("plane"),
                    size: wgpu::Extent3d { width, height: rows, depth_or_array_layers: 1 },
                    mip_level_count: 1,
                    sample_count: 1,
                    dimension: wgpu::TextureDimension::D2,
                    format: self.format(layout, pairs),
                    usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
                    view_formats: &[],
                })
            })
            .collect();
        let views: Vec<wgpu::TextureView> = planes.iter().map(|plane| plane.create_view(&Default::default())).collect();
        let mut entries = vec![
            wgpu::BindGroupEntry { binding: 0, resource: self.params.as_entire_binding() },
            wgpu::BindGroupEntry { binding: 1, resource: wgpu::BindingResource::Sampler(&self.sampler) },
        ];
        // The shader has three; an interleaved layout binds its second plane twice.
        for (binding, view) in (2..=4).zip(views.iter().chain(views.last())) {
            entries.push(wgpu::BindGroupEntry { binding, resource: wgpu::BindingResource::TextureView(view) });
        }
        let binding = self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("picture"),
            layout: &self.layout,
            entries: &entries,
        });
        Textures { layout, size: (width, height), planes, binding }
    }

    fn format(&self, layout: PixelLayout, pairs: bool) -> wgpu::TextureFormat {
        match (layout.sample_bytes(), self.split.is_some(), pairs) {
            (1, _, false) => wgpu::TextureFormat::R8Unorm,
            (1, _, true) | (_, true, false) => wgpu::TextureFormat::Rg8Unorm,
            (_, true, true) => wgpu::TextureFormat::Rgba8Unorm,
            (_, false, false) => wgpu::TextureFormat::R16Unorm,
            (_, false, true) => wgpu::TextureFormat::Rg16Unorm,
        }
    }
}

/// The shader's `Params`.
fn params(planes: &Planes<'_>, place: Rect, mode: ScaleMode) -> [[u32; 4]; 7] {
    let layout = planes.layout;
    let (luma_width, luma_height) = (planes.width as f32, planes.height as f32);
    let (samples, rows) = layout.plane_size(1, planes.width, planes.height);
    let chroma_width = if planes.interleaved() { samples / 2 } else { samples } as f32;
    let (half_x, half_y) = match layout {
        PixelLayout::I444 | PixelLayout::I410 => (false, false),
        PixelLayout::I422 | PixelLayout::I210 => (true, false),
        _ => (true, true),
    };
    let per = |half: bool| if half { 0.5 } else { 1.0 };
    // Left siting: sample 0 lies on the centre of luma column 0, half a luma texel left of the pair's middle.
    let offset = if half_x { 0.25 } else { 0.0 };
    // Texture values are fractions of 255 or 65535, the rows want fractions of the largest code.
    let unit = match layout {
        PixelLayout::P010 => 65_535.0 / 64.0 / 1_023.0,
        PixelLayout::I010 | PixelLayout::I210 | PixelLayout::I410 => 65_535.0 / 1_023.0,
        _ => 1.0,
    };
    let [red, green, blue] = color::rows(planes.color, layout.bits())
        .map(|[y, u, v, constant]| [(y * unit) as f32, (u * unit) as f32, (v * unit) as f32, constant as f32]);
    let transfer = match planes.color.transfer {
        Transfer::Sdr => 0,
        Transfer::Pq => 1,
        Transfer::Hlg => 2,
    };
    let bits = |floats: [f32; 4]| floats.map(f32::to_bits);
    [
        bits([
            place.x as f32,
            place.y as f32,
            luma_width / place.width.max(1) as f32,
            luma_height / place.height.max(1) as f32,
        ]),
        bits([luma_width, luma_height, chroma_width, rows as f32]),
        bits([per(half_x), per(half_y), offset, 0.0]),
        bits(red),
        bits(green),
        bits(blue),
        [u32::from(planes.interleaved()), transfer, u32::from(whole_pixels(planes, place, mode)), 0],
    ]
}

/// Whether source pixels are to be seen as whole squares.
fn whole_pixels(planes: &Planes<'_>, place: Rect, mode: ScaleMode) -> bool {
    mode == ScaleMode::Integer && place.width >= planes.width
}

fn bind_layout(device: &wgpu::Device) -> wgpu::BindGroupLayout {
    let entry =
        |binding, ty| wgpu::BindGroupLayoutEntry { binding, visibility: wgpu::ShaderStages::FRAGMENT, ty, count: None };
    let plane = wgpu::BindingType::Texture {
        sample_type: wgpu::TextureSampleType::Float { filterable: true },
        view_dimension: wgpu::TextureViewDimension::D2,
        multisampled: false,
    };
    let params = wgpu::BindingType::Buffer {
        ty: wgpu::BufferBindingType::Uniform,
        has_dynamic_offset: false,
        min_binding_size: None,
    };
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some("picture"),
        entries: &[
            entry(0, params),
            entry(1, wgpu::BindingType::Sampler(wgpu::SamplerBindingType::Filtering)),
            entry(2, plane),
            entry(3, plane),
            entry(4, plane),
        ],
    })
}

fn pipeline(
    device: &wgpu::Device,
    shader: &wgpu::ShaderModule,
    layout: &wgpu::BindGroupLayout,
    format: wgpu::TextureFormat,
    split: bool,
) -> wgpu::RenderPipeline {
    let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: Some("picture"),
        bind_group_layouts: &[Some(layout)],
        immediate_size: 0,
    });
    let constants = [("split", f64::from(u8::from(split)))];
    let compilation = wgpu::PipelineCompilationOptions { constants: &constants, ..Default::default() };
    device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
        label: Some("picture"),
        layout: Some(&layout),
        vertex: wgpu::VertexState {
            module: shader,
            entry_point: Some("vs"),
            compilation_options: Default::default(),
            buffers: &[],
        },
        primitive: wgpu::PrimitiveState::default(),
        depth_stencil: None,
        multisample: wgpu::MultisampleState::default(),
        fragment: Some(wgpu::FragmentState {
            module: shader,
            entry_point: Some("fs"),
            compilation_options: compilation,
            targets: &[Some(format.into())],
        }),
        multiview_mask: None,
        cache: None,
    })
}
