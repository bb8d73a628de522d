//! Text put together without allocating.

use std::fmt::{self, Write};

/// Longest text in bytes.
const CAPACITY: usize = 96;

/// A short text on the stack; what does not fit is cut off at a character boundary.
#[derive(Clone)]
pub struct Label {
    bytes: [u8; CAPACITY],
    len: usize,
}

impl Label {
    /// Formats like `format!`, without the heap.
    #[must_use]
    pub fn new(arguments: fmt::Arguments<'_>) -> Self {
        let mut label = Self { bytes: [0; CAPACITY], len: 0 };
        // Cutting off is the only failure, and it is wanted.
        let _ = label.write_fmt(arguments);
        label
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.bytes.get(..self.len).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

impl Write for Label {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            let mut buffer = [0; 4];
            let encoded = character.encode_utf8(&mut buffer).as_bytes();
            let Some(room) = self.bytes.get_mut(self.len..self.len + encoded.len()) else { return Err(fmt::Error) };
            room.copy_from_slice(encoded);
            self.len += encoded.len();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_and_cuts() {
        assert_eq!(Label::new(format_args!("{:06} {}", 42, "x")).as_str(), "000042 x");
        let long = "\u{e9}".repeat(100);
        assert_eq!(Label::new(format_args!("a{long}")).as_str(), format!("a{}", "\u{e9}".repeat(47)));
    }
}
