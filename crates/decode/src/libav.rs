//! The part of libavcodec, libavutil and libswscale that is used, behind safe types.
#![allow(unsafe_code, reason = "the only module that calls the C libraries")]

use std::ffi::{CStr, CString, c_int};
use std::ptr::{self, NonNull};
use std::sync::Once;

use entente_model::media::VideoCodec;
use entente_model::picture::{PixelLayout, Plane};
use ffmpeg_next::ffi;

use crate::format::Shape;

/// Pictures above this many pixels are refused before memory is allocated for them.
const MAX_PIXELS: i64 = 8192 * 8192;

/// An error code of the C libraries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Code(c_int);

impl Code {
    const MEMORY: Self = Self(ffi::AVERROR(ffmpeg_next::error::ENOMEM));
    const INVALID: Self = Self(ffi::AVERROR_INVALIDDATA);
    const AGAIN: Self = Self(ffi::AVERROR(ffmpeg_next::error::EAGAIN));

    fn check(code: c_int) -> Result<c_int, Self> {
        if code < 0 { Err(Self(code)) } else { Ok(code) }
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text: [std::ffi::c_char; ffi::AV_ERROR_MAX_STRING_SIZE] = [0; ffi::AV_ERROR_MAX_STRING_SIZE];
        // SAFETY: the library writes at most the given length, the zero byte included.
        let known = unsafe { ffi::av_strerror(self.0, text.as_mut_ptr(), text.len()) } >= 0;
        // SAFETY: as above; the last byte stays zero in any case.
        let words = unsafe { CStr::from_ptr(text.as_ptr()) }.to_string_lossy();
        // Drivers return codes of their own that FFmpeg has no words for.
        if known && !words.trim().is_empty() { out.write_str(&words) } else { write!(out, "error {}", self.0) }
    }
}

/// The libraries print to standard error by themselves; errors come back as codes, which is enough.
fn quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| ffmpeg_next::util::log::set_level(ffmpeg_next::util::log::Level::Quiet));
}

/// A decoder in the library's table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Codec(NonNull<ffi::AVCodec>);

// SAFETY: AVCodec entries are constant static data of the library.
unsafe impl Send for Codec {}

impl Codec {
    /// The library's own decoder, which is also the one that hardware hooks into.
    pub(crate) fn native(codec: VideoCodec) -> Option<Self> {
        Self::named(match codec {
            VideoCodec::H264 => c"h264",
            VideoCodec::Hevc => c"hevc",
            VideoCodec::Vp8 => c"vp8",
            VideoCodec::Vp9 => c"vp9",
            VideoCodec::Av1 => c"av1",
        })
    }

    /// The decoder called `name`.
    pub(crate) fn named(name: &CStr) -> Option<Self> {
        quiet();
        // SAFETY: the name is NUL-terminated; the result is null or static.
        let found = unsafe { ffi::avcodec_find_decoder_by_name(name.as_ptr()) };
        NonNull::new(found.cast_mut()).map(Self)
    }

    /// Its name in the library.
    pub(crate) fn name(self) -> String {
        // SAFETY: static entry with a NUL-terminated static name.
        unsafe { CStr::from_ptr(self.0.as_ref().name) }.to_string_lossy().into_owned()
    }

    /// The surface format that this decoder would give with devices of `kind`.
    fn surface_format(self, kind: ffi::AVHWDeviceType) -> Option<c_int> {
        for index in 0.. {
            // SAFETY: any index is allowed; null marks the end.
            let config = unsafe { ffi::avcodec_get_hw_config(self.0.as_ptr(), index).as_ref() }?;
            let by_device = config.methods & ffi::AV_CODEC_HW_CONFIG_METHOD_HW_DEVICE_CTX as c_int != 0;
            if by_device && config.device_type == kind {
                return Some(config.pix_fmt as c_int);
            }
        }
        None
    }
}

/// An open hardware device, and what the decoder will give on it.
#[derive(Debug)]
pub(crate) struct HardwareDevice {
    device: NonNull<ffi::AVBufferRef>,
    surface: c_int,
}

impl HardwareDevice {
    /// Opens the device `kind` for `codec`.
    pub(crate) fn open(codec: Codec, kind: &str, device: Option<&str>) -> Result<Self, String> {
        quiet();
        let kind_c = CString::new(kind).map_err(|_| "name holds a zero byte".to_owned())?;
        let device_c = device.map(CString::new).transpose().map_err(|_| "device holds a zero byte".to_owned())?;
        // SAFETY: NUL-terminated name; unknown names give NONE.
        let kind = unsafe { ffi::av_hwdevice_find_type_by_name(kind_c.as_ptr()) };
        if kind == ffi::AVHWDeviceType::AV_HWDEVICE_TYPE_NONE {
            return Err("not in this build of FFmpeg".to_owned());
        }
        let surface = codec.surface_format(kind).ok_or_else(|| "cannot decode this codec".to_owned())?;
        let mut opened = ptr::null_mut();
        let path = device_c.as_ref().map_or(ptr::null(), |text| text.as_ptr());
        // SAFETY: out pointer and strings outlive the call; no options.
        let code = unsafe { ffi::av_hwdevice_ctx_create(&mut opened, kind, path, ptr::null_mut(), 0) };
        Code::check(code).map_err(|code| format!("no usable device ({code})"))?;
        NonNull::new(opened).map(|device| Self { device, surface }).ok_or_else(|| Code::MEMORY.to_string())
    }
}

impl Drop for HardwareDevice {
    fn drop(&mut self) {
        let mut device = self.device.as_ptr();
        // SAFETY: we own this reference.
        unsafe { ffi::av_buffer_unref(&mut device) };
    }
}

/// Picks the hardware surface format if it is on offer, else the first software format.
///
/// `opaque` of the context holds the wanted format as a number.
unsafe extern "C" fn choose_format(
    context: *mut ffi::AVCodecContext,
    offered: *const ffi::AVPixelFormat,
) -> ffi::AVPixelFormat {
    const NONE: c_int = ffi::AVPixelFormat::AV_PIX_FMT_NONE as c_int;
    let mut software = ffi::AVPixelFormat::AV_PIX_FMT_NONE;
    let mut at = offered;
    // SAFETY: the library calls with its own context and a list that ends with NONE; entries are compared as numbers
    // before they are read as enum values, so a format newer than our headers is never materialised unless asked for.
    unsafe {
        let wanted = (*context).opaque.addr() as c_int;
        while *at.cast::<c_int>() != NONE {
            if *at.cast::<c_int>() == wanted {
                return *at;
            }
            let description = ffi::av_pix_fmt_desc_get(*at);
            let hardware = description.is_null() || (*description).flags & ffi::AV_PIX_FMT_FLAG_HWACCEL as u64 != 0;
            if !hardware && software == ffi::AVPixelFormat::AV_PIX_FMT_NONE {
                software = *at;
            }
            at = at.add(1);
        }
    }
    software
}

/// How to open a [`Context`].
#[derive(Debug, Default)]
pub(crate) struct Options {
    /// Slice threads (tile threads for dav1d).
    pub(crate) threads: usize,
    /// Private options of the decoder.
    pub(crate) private: Vec<(&'static CStr, &'static CStr)>,
    /// Decode on this device.
    pub(crate) hardware: Option<HardwareDevice>,
}

/// An open decoder.
#[derive(Debug)]
pub(crate) struct Context {
    context: NonNull<ffi::AVCodecContext>,
    packet: NonNull<ffi::AVPacket>,
}

// SAFETY: a codec context may be used from any thread, by one at a time; `&mut self` guards that.
unsafe impl Send for Context {}

impl Context {
    /// Opens `codec` for one frame in, one frame out.
    pub(crate) fn open(codec: Codec, options: &Options) -> Result<Self, Code> {
        quiet();
        // SAFETY: the codec entry is static.
        let context = NonNull::new(unsafe { ffi::avcodec_alloc_context3(codec.0.as_ptr()) }).ok_or(Code::MEMORY)?;
        // SAFETY: plain allocation.
        let Some(packet) = NonNull::new(unsafe { ffi::av_packet_alloc() }) else {
            let mut context = context.as_ptr();
            // SAFETY: allocated above and not shared.
            unsafe { ffi::avcodec_free_context(&mut context) };
            return Err(Code::MEMORY);
        };
        let this = Self { context, packet };
        let mut private: *mut ffi::AVDictionary = ptr::null_mut();
        // SAFETY: the context is valid and not open yet, so all fields below may be set (avcodec.h, "set by user").
        let code = unsafe {
            let raw = this.context.as_ptr();
            // AV_CODEC_FLAG2_FAST is left out on purpose: with several slices it skips deblocking across their edges,
            // and the error builds up until the next key frame.
            (*raw).flags |= (ffi::AV_CODEC_FLAG_LOW_DELAY
                | ffi::AV_CODEC_FLAG_OUTPUT_CORRUPT
                | ffi::AV_CODEC_FLAG_UNALIGNED) as c_int;
            (*raw).thread_type = ffi::FF_THREAD_SLICE as c_int;
            (*raw).thread_count = options.threads.clamp(1, 64) as c_int;
            (*raw).max_pixels = MAX_PIXELS;
            (*raw).pkt_timebase = ffi::AVRational { num: 1, den: 90_000 };
            if let Some(hardware) = &options.hardware {
                (*raw).hw_device_ctx = ffi::av_buffer_ref(hardware.device.as_ptr());
                (*raw).opaque = ptr::without_provenance_mut(hardware.surface as usize);
                (*raw).get_format = Some(choose_format);
                (*raw).hwaccel_flags |= ffi::AV_HWACCEL_FLAG_IGNORE_LEVEL | ffi::AV_HWACCEL_FLAG_ALLOW_PROFILE_MISMATCH;
                // Surfaces of frames that were asked for but not yet copied out.
                (*raw).extra_hw_frames = 2;
                (*raw).thread_count = 1;
            }
            for (name, value) in &options.private {
                ffi::av_dict_set(&mut private, name.as_ptr(), value.as_ptr(), 0);
            }
            ffi::avcodec_open2(raw, codec.0.as_ptr(), &mut private)
        };
        // SAFETY: whatever the library left in the dictionary is ours to free; null is allowed.
        unsafe { ffi::av_dict_free(&mut private) };
        Code::check(code).map(|_| this)
    }

    /// Gives `data` to the decoder.
    pub(crate) fn send(&mut self, data: &[u8], pts: i64, key: bool) -> Result<Sent, Code> {
        // An empty packet would mean "end of stream".
        let size = c_int::try_from(data.len()).ok().filter(|size| *size > 0).ok_or(Code::INVALID)?;
        if size > c_int::MAX - ffi::AV_INPUT_BUFFER_PADDING_SIZE {
            return Err(Code::INVALID);
        }
        let packet = self.packet.as_ptr();
        // SAFETY: the packet is valid and blank; av_new_packet gives `size` writable bytes plus zeroed padding; the
        // packet is blank again after the unref.
        let code = unsafe {
            Code::check(ffi::av_new_packet(packet, size))?;
            ptr::copy_nonoverlapping(data.as_ptr(), (*packet).data, data.len());
            (*packet).pts = pts;
            (*packet).dts = pts;
            if key {
                (*packet).flags |= ffi::AV_PKT_FLAG_KEY;
            }
            let code = ffi::avcodec_send_packet(self.context.as_ptr(), packet);
            ffi::av_packet_unref(packet);
            code
        };
        match Code::check(code) {
            Ok(_) => Ok(Sent::Taken),
            Err(Code::AGAIN) => Ok(Sent::Full),
            Err(code) => Err(code),
        }
    }

    /// Takes the next picture, if there is one.
    pub(crate) fn receive(&mut self) -> Result<Option<Frame>, Code> {
        let frame = Frame::blank()?;
        // SAFETY: both are valid.
        let code = unsafe { ffi::avcodec_receive_frame(self.context.as_ptr(), frame.0.as_ptr()) };
        match Code::check(code) {
            Ok(_) => Ok(Some(frame)),
            Err(Code::AGAIN | Code(ffi::AVERROR_EOF)) => Ok(None),
            Err(code) => Err(code),
        }
    }

    /// Forgets all references and pictures.
    pub(crate) fn flush(&mut self) {
        // SAFETY: the context is open.
        unsafe { ffi::avcodec_flush_buffers(self.context.as_ptr()) };
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        let (mut context, mut packet) = (self.context.as_ptr(), self.packet.as_ptr());
        // SAFETY: both are ours and valid.
        unsafe {
            ffi::avcodec_free_context(&mut context);
            ffi::av_packet_free(&mut packet);
        }
    }
}

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// The decoder has it.
    Taken,
    /// Pictures have to be taken first.
    Full,
}

/// A picture of the library with the reference to its buffers.
#[derive(Debug)]
pub(crate) struct Frame(NonNull<ffi::AVFrame>);

// SAFETY: a frame owns counted references to its buffers, the count is atomic, and nothing here writes to a frame or
// its samples once it is shared; the decoder only reads samples of pictures that it has given out.
unsafe impl Send for Frame {}
// SAFETY: as above.
unsafe impl Sync for Frame {}

impl Frame {
    fn blank() -> Result<Self, Code> {
        // SAFETY: plain allocation.
        NonNull::new(unsafe { ffi::av_frame_alloc() }).map(Self).ok_or(Code::MEMORY)
    }

    fn get(&self) -> &ffi::AVFrame {
        // SAFETY: valid as long as self.
        unsafe { self.0.as_ref() }
    }

    /// A 4:2:0 picture of one colour.
    #[cfg(test)]
    pub(crate) fn of_one_color((width, height): (u32, u32), color: [u8; 3]) -> Result<Self, Code> {
        let frame = Self::blank()?;
        let raw = frame.0.as_ptr();
        // SAFETY: the frame is blank and ours; it gets buffers of its size and format before they are written to, each
        // plane over its stride times its rows.
        unsafe {
            (*raw).format = ffi::AVPixelFormat::AV_PIX_FMT_YUV420P as c_int;
            (*raw).width = width as c_int;
            (*raw).height = height as c_int;
            Code::check(ffi::av_frame_get_buffer(raw, 0))?;
            for (plane, value) in color.into_iter().enumerate() {
                let rows = if plane == 0 { height } else { height / 2 } as usize;
                ptr::write_bytes((*raw).data[plane], value, (*raw).linesize[plane] as usize * rows);
            }
        }
        Ok(frame)
    }

    /// Width and height after cropping.
    pub(crate) fn size(&self) -> (u32, u32) {
        (u32::try_from(self.get().width).unwrap_or(0), u32::try_from(self.get().height).unwrap_or(0))
    }

    /// `AVPixelFormat` as a number.
    pub(crate) fn format(&self) -> i32 {
        self.get().format
    }

    /// The timestamp of the packet that it came from.
    pub(crate) fn pts(&self) -> Option<i64> {
        Some(self.get().pts).filter(|pts| *pts != ffi::AV_NOPTS_VALUE)
    }

    /// Whether the decoder knows that samples are wrong.
    pub(crate) fn corrupt(&self) -> bool {
        self.get().flags & ffi::AV_FRAME_FLAG_CORRUPT != 0 || self.get().decode_error_flags != 0
    }

    /// Whether samples are on a hardware surface.
    pub(crate) fn on_hardware(&self) -> bool {
        !self.get().hw_frames_ctx.is_null()
    }

    /// Matrix, range and transfer as H.273 numbers.
    pub(crate) fn color_codes(&self) -> (i32, i32, i32) {
        let frame = self.0.as_ptr();
        // SAFETY: the fields are C enums, read as numbers so that codes newer than our headers stay harmless.
        unsafe {
            (
                (&raw const (*frame).colorspace).cast::<c_int>().read(),
                (&raw const (*frame).color_range).cast::<c_int>().read(),
                (&raw const (*frame).color_trc).cast::<c_int>().read(),
            )
        }
    }

    /// The shape of its format, for [`crate::format::nearest`].
    pub(crate) fn shape(&self) -> Option<Shape> {
        let format = self.known_format()?;
        // SAFETY: null or static.
        let description = unsafe { ffi::av_pix_fmt_desc_get(format).as_ref() }?;
        let flags = description.flags as c_int;
        if flags & ffi::AV_PIX_FMT_FLAG_HWACCEL != 0 {
            return None;
        }
        Some(Shape {
            bits: description.comp.first().map_or(8, |component| component.depth),
            chroma_shift: (description.log2_chroma_w, description.log2_chroma_h),
            has_chroma: description.nb_components >= 3,
            rgb: flags & ffi::AV_PIX_FMT_FLAG_RGB != 0,
        })
    }

    /// The format as an enum value, if the linked library knows it.
    fn known_format(&self) -> Option<ffi::AVPixelFormat> {
        let format = self.get().format;
        if !(0..ffi::AVPixelFormat::AV_PIX_FMT_NB as c_int).contains(&format) {
            return None;
        }
        // SAFETY: the enum has a value for every number below NB in the headers that it was made from.
        Some(unsafe { std::mem::transmute::<c_int, ffi::AVPixelFormat>(format) })
    }

    /// Plane `index` if this frame has `layout`; checked against the buffer that holds it.
    pub(crate) fn plane(&self, layout: PixelLayout, index: usize) -> Option<Plane<'_>> {
        if index >= layout.planes() {
            return None;
        }
        let frame = self.get();
        let data = *frame.data.get(index)?;
        let stride = usize::try_from(*frame.linesize.get(index)?).ok()?;
        let (width, height) = self.size();
        let (samples, rows) = layout.plane_size(index, width, height);
        let row = samples as usize * layout.sample_bytes();
        if data.is_null() || rows == 0 || row == 0 || row > stride {
            return None;
        }
        let length = stride.checked_mul(rows as usize - 1)?.checked_add(row)?;
        // SAFETY: a valid frame; the result is null or a buffer of the frame.
        let buffer = unsafe { ffi::av_frame_get_plane_buffer(self.0.as_ptr(), index as c_int).as_ref() }?;
        let offset = data.addr().checked_sub(buffer.data.addr())?;
        if offset.checked_add(length)? > buffer.size {
            return None;
        }
        // SAFETY: the range was just checked to lie inside a buffer that self holds a reference to, and it is not
        // written to while shared.
        Some(Plane { data: unsafe { std::slice::from_raw_parts(data, length) }, stride })
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        let mut frame = self.0.as_ptr();
        // SAFETY: ours and valid; this gives buffers back to their pool.
        unsafe { ffi::av_frame_free(&mut frame) };
    }
}

/// Memory for pictures that are copied out of hardware surfaces, used again and again.
#[derive(Debug, Default)]
pub(crate) struct Downloads {
    pool: Option<(NonNull<ffi::AVBufferPool>, usize)>,
}

// SAFETY: buffer pools are internally locked.
unsafe impl Send for Downloads {}

impl Downloads {
    /// Copies the samples of `surface` into memory.
    pub(crate) fn fetch(&mut self, surface: &Frame) -> Result<Frame, Code> {
        let frames = surface.get().hw_frames_ctx;
        if frames.is_null() {
            return Err(Code::INVALID);
        }
        let out = Frame::blank()?;
        // SAFETY: a frame on hardware refers to a frames context, whose buffer data is an AVHWFramesContext; `out` is
        // blank and only ours; the buffer is as large as the library says an image of this format and size needs.
        unsafe {
            let context = (*frames).data.cast::<ffi::AVHWFramesContext>();
            let (format, width, height) = ((*context).sw_format, (*context).width, (*context).height);
            let size = Code::check(ffi::av_image_get_buffer_size(format, width, height, 64))? as usize;
            let target = out.0.as_ptr();
            (*target).buf[0] = self.buffer(size)?;
            (*target).format = format as c_int;
            (*target).width = width;
            (*target).height = height;
            let memory = (*(*target).buf[0]).data;
            let (planes, strides) = (&raw mut (*target).data, &raw mut (*target).linesize);
            Code::check(ffi::av_image_fill_arrays(planes.cast(), strides.cast(), memory, format, width, height, 64))?;
            Code::check(ffi::av_hwframe_transfer_data(target, surface.0.as_ptr(), 0))?;
            Code::check(ffi::av_frame_copy_props(target, surface.0.as_ptr()))?;
            // Surfaces are cropped at the right and bottom only; what is left of the crop is applied here.
            (*target).width = surface.get().width;
            (*target).height = surface.get().height;
            (*target).crop_left = surface.get().crop_left;
            (*target).crop_top = surface.get().crop_top;
            (*target).crop_right = 0;
            (*target).crop_bottom = 0;
            (*target).decode_error_flags = surface.get().decode_error_flags;
            Code::check(ffi::av_frame_apply_cropping(target, ffi::AV_FRAME_CROP_UNALIGNED as c_int))?;
        }
        Ok(out)
    }

    fn buffer(&mut self, size: usize) -> Result<*mut ffi::AVBufferRef, Code> {
        if self.pool.is_none_or(|(_, had)| had != size) {
            self.release();
            // SAFETY: null asks for the default allocator.
            let pool = NonNull::new(unsafe { ffi::av_buffer_pool_init(size, None) }).ok_or(Code::MEMORY)?;
            self.pool = Some((pool, size));
        }
        let (pool, _) = self.pool.ok_or(Code::MEMORY)?;
        // SAFETY: a live pool of ours.
        let buffer = unsafe { ffi::av_buffer_pool_get(pool.as_ptr()) };
        if buffer.is_null() { Err(Code::MEMORY) } else { Ok(buffer) }
    }

    fn release(&mut self) {
        if let Some((pool, _)) = self.pool.take() {
            let mut pool = pool.as_ptr();
            // SAFETY: ours; buffers that are out keep the pool alive until they come back.
            unsafe { ffi::av_buffer_pool_uninit(&mut pool) };
        }
    }
}

impl Drop for Downloads {
    fn drop(&mut self) {
        self.release();
    }
}

/// Converts formats that no surface takes.
#[derive(Debug, Default)]
pub(crate) struct Converter {
    context: Option<NonNull<ffi::SwsContext>>,
}

// SAFETY: used by one thread at a time through `&mut self`.
unsafe impl Send for Converter {}

impl Converter {
    /// `source` in format `to`. RGB becomes BT.709 limited range; YUV keeps its matrix and range.
    pub(crate) fn convert(&mut self, source: &Frame, to: ffi::AVPixelFormat, rgb: bool) -> Result<Frame, Code> {
        let from = source.known_format().ok_or(Code::INVALID)?;
        let (width, height) = (source.get().width, source.get().height);
        let out = Frame::blank()?;
        // SAFETY: the cached context is ours or null and is replaced by what comes back; the coefficient tables are
        // static; `out` gets buffers for its size and format before samples are written to it.
        unsafe {
            let before = self.context.take().map_or(ptr::null_mut(), NonNull::as_ptr);
            let context = ffi::sws_getCachedContext(
                before,
                width,
                height,
                from,
                width,
                height,
                to,
                ffi::SWS_BILINEAR | ffi::SWS_ACCURATE_RND,
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null(),
            );
            self.context = NonNull::new(context);
            if context.is_null() {
                return Err(Code::INVALID);
            }
            let full = c_int::from(source.color_codes().1 == ffi::AVColorRange::AVCOL_RANGE_JPEG as c_int);
            let table = ffi::sws_getCoefficients(ffi::SWS_CS_ITU709);
            let (from_range, to_range) = if rgb { (1, 0) } else { (full, full) };
            ffi::sws_setColorspaceDetails(context, table, from_range, table, to_range, 0, 1 << 16, 1 << 16);
            let target = out.0.as_ptr();
            (*target).format = to as c_int;
            (*target).width = width;
            (*target).height = height;
            Code::check(ffi::av_frame_get_buffer(target, 0))?;
            let rows = ffi::sws_scale(
                context,
                (&raw const source.get().data).cast(),
                (&raw const source.get().linesize).cast(),
                0,
                height,
                (&raw const (*target).data).cast(),
                (&raw const (*target).linesize).cast(),
            );
            Code::check(rows)?;
            Code::check(ffi::av_frame_copy_props(target, source.0.as_ptr()))?;
            (*target).decode_error_flags = source.get().decode_error_flags;
            if rgb {
                (*target).colorspace = ffi::AVColorSpace::AVCOL_SPC_BT709;
                (*target).color_range = ffi::AVColorRange::AVCOL_RANGE_MPEG;
            }
        }
        Ok(out)
    }
}

impl Drop for Converter {
    fn drop(&mut self) {
        if let Some(context) = self.context.take() {
            // SAFETY: ours.
            unsafe { ffi::sws_freeContext(context.as_ptr()) };
        }
    }
}
