//! What can go wrong between a picture and a surface.

/// Why nothing can be drawn, or why this picture cannot.
#[derive(Debug, thiserror::Error)]
pub enum PresentError {
    /// The planes are smaller than the picture says, or have an unusable stride.
    #[error("picture memory does not hold a {width}x{height} {layout:?} picture")]
    Picture {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Layout.
        layout: entente_model::picture::PixelLayout,
    },
    /// Colour conversion refused its arguments.
    #[error("colour conversion: {0}")]
    Convert(String),
    /// Scaling refused its arguments.
    #[error("scaling: {0}")]
    Scale(String),
    /// The window's software surface failed.
    #[error("software surface: {0}")]
    Software(String),
    /// No GPU path could be opened.
    #[error("no usable GPU: {0}")]
    NoGpu(String),
    /// The GPU, its driver or the surface went away and did not come back.
    #[error("the GPU was lost: {0}")]
    GpuLost(String),
    /// A body that draws needs a window.
    #[error("this renderer needs a window")]
    NoWindow,
    /// The thread could not be started.
    #[error("present thread: {0}")]
    Thread(#[from] std::io::Error),
}
