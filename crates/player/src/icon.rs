//! The icon of the window.

use winit::window::Icon;

const PNG: &[u8] = include_bytes!("../../../assets/icon/entente-256.png");

/// The icon, `None` where it cannot be had; a window does without.
pub(crate) fn icon() -> Option<Icon> {
    let mut reader = png::Decoder::new(std::io::Cursor::new(PNG)).read_info().ok()?;
    let mut rgba = vec![0; reader.output_buffer_size()?];
    let info = reader.next_frame(&mut rgba).ok()?;
    rgba.truncate(info.buffer_size());
    Icon::from_rgba(rgba, info.width, info.height).ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_picture_is_an_icon() {
        assert!(super::icon().is_some());
    }
}
