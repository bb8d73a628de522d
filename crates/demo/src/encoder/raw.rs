//! The fields and pictures of FFmpeg that its safe wrapper does not reach.
#![allow(unsafe_code)]

use ffmpeg::ffi;
use ffmpeg_next as ffmpeg;

/// Writable planes of a picture with their strides.
pub(super) struct Planes<'a> {
    pub(super) y: &'a mut [u8],
    pub(super) u: &'a mut [u8],
    pub(super) v: &'a mut [u8],
    pub(super) y_stride: usize,
    pub(super) uv_stride: usize,
}

/// Bit rate, its upper limit and the buffer that enforces it, in bits; taken by the encoder at the next picture.
pub(super) fn set_rate(encoder: &mut ffmpeg::codec::Context, bits_per_second: i64, buffer_bits: i32) {
    // SAFETY: the pointer is the wrapper's own live AVCodecContext, borrowed mutably, so nobody else uses it; the
    // fields are plain integers which libavcodec reads at open and before each picture.
    unsafe {
        let context = encoder.as_mut_ptr();
        (*context).bit_rate = bits_per_second;
        (*context).rc_max_rate = bits_per_second;
        (*context).rc_min_rate = 0;
        (*context).rc_buffer_size = buffer_bits;
    }
}

/// The planes of a YUV420P picture, made writable first (an encoder may still hold the previous content).
pub(super) fn planes(frame: &mut ffmpeg::frame::Video) -> Option<Planes<'_>> {
    if frame.format() != ffmpeg::format::Pixel::YUV420P {
        return None;
    }
    // SAFETY: the frame is live and borrowed mutably for the result's lifetime. After `av_frame_make_writable`
    // succeeds its buffers belong to this frame alone. For YUV420P plane 0 has `height` rows of `linesize[0]` bytes,
    // planes 1 and 2 have `(height + 1) / 2` rows of `linesize[1]`, `linesize[2]`; they do not overlap.
    unsafe {
        let raw = frame.as_mut_ptr();
        if ffi::av_frame_make_writable(raw) < 0 {
            return None;
        }
        let height = usize::try_from((*raw).height).ok()?;
        let [y_stride, u_stride, v_stride, ..] = (*raw).linesize;
        let y_stride = usize::try_from(y_stride).ok()?;
        let uv_stride = usize::try_from(u_stride).ok()?;
        let [y, u, v, ..] = (*raw).data;
        if u_stride != v_stride || y.is_null() || u.is_null() || v.is_null() {
            return None;
        }
        let uv_rows = height.div_ceil(2);
        Some(Planes {
            y: std::slice::from_raw_parts_mut(y, y_stride * height),
            u: std::slice::from_raw_parts_mut(u, uv_stride * uv_rows),
            v: std::slice::from_raw_parts_mut(v, uv_stride * uv_rows),
            y_stride,
            uv_stride,
        })
    }
}

/// A VA-API device with a pool of surfaces for one picture size.
pub(super) struct VaapiSurfaces {
    device: *mut ffi::AVBufferRef,
    pool: *mut ffi::AVBufferRef,
}

// SAFETY: both are reference counted buffers of libavutil, whose counts are atomic; the value is used by one thread
// at a time (it is owned by one encoder).
unsafe impl Send for VaapiSurfaces {}

impl VaapiSurfaces {
    /// Opens the default device and hands the pool to the encoder (before it is opened).
    pub(super) fn attach(context: &mut ffmpeg::codec::Context, width: i32, height: i32) -> Option<Self> {
        // SAFETY: plain libavutil set-up calls; every pointer is checked before use, and `Drop` releases what was
        // made. The context is live, not open yet and borrowed mutably; it takes a reference of its own.
        unsafe {
            let mut surfaces = Self { device: std::ptr::null_mut(), pool: std::ptr::null_mut() };
            let kind = ffi::AVHWDeviceType::AV_HWDEVICE_TYPE_VAAPI;
            let null = std::ptr::null_mut();
            if ffi::av_hwdevice_ctx_create(&raw mut surfaces.device, kind, std::ptr::null(), null, 0) < 0 {
                return None;
            }
            surfaces.pool = ffi::av_hwframe_ctx_alloc(surfaces.device);
            if surfaces.pool.is_null() {
                return None;
            }
            let settings = (*surfaces.pool).data.cast::<ffi::AVHWFramesContext>();
            (*settings).format = ffi::AVPixelFormat::AV_PIX_FMT_VAAPI;
            (*settings).sw_format = ffi::AVPixelFormat::AV_PIX_FMT_NV12;
            (*settings).width = width;
            (*settings).height = height;
            (*settings).initial_pool_size = 8;
            if ffi::av_hwframe_ctx_init(surfaces.pool) < 0 {
                return None;
            }
            (*context.as_mut_ptr()).hw_frames_ctx = ffi::av_buffer_ref(surfaces.pool);
            Some(surfaces)
        }
    }

    /// Copies an NV12 picture onto a surface.
    pub(super) fn upload(&self, picture: &ffmpeg::frame::Video) -> Option<ffmpeg::frame::Video> {
        let mut surface = ffmpeg::frame::Video::empty();
        // SAFETY: both frames are live; the surface is taken from our own pool and released with its frame.
        unsafe {
            if ffi::av_hwframe_get_buffer(self.pool, surface.as_mut_ptr(), 0) < 0
                || ffi::av_hwframe_transfer_data(surface.as_mut_ptr(), picture.as_ptr(), 0) < 0
            {
                return None;
            }
        }
        Some(surface)
    }
}

impl Drop for VaapiSurfaces {
    fn drop(&mut self) {
        // SAFETY: `av_buffer_unref` accepts pointers to null and to references that we own.
        unsafe {
            ffi::av_buffer_unref(&raw mut self.pool);
            ffi::av_buffer_unref(&raw mut self.device);
        }
    }
}
