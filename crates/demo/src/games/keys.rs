//! Names of keys.

/// First usage of a row, and the names from there on.
#[rustfmt::skip]
const ROWS: [(u16, &[&str]); 3] = [
    (0x04, &[
        "A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L", "M", "N", "O", "P", "Q", "R", "S",
        "T", "U", "V", "W", "X", "Y", "Z", "1", "2", "3", "4", "5", "6", "7", "8", "9", "0", "ENTER",
        "ESCAPE", "BACKSPACE", "TAB", "SPACE", "- MINUS", "= EQUAL", "[ BRACKET", "] BRACKET",
        "\\ BACKSLASH", "NON-US #", "; SEMICOLON", "' QUOTE", "` GRAVE", ", COMMA", ". PERIOD",
        "/ SLASH", "CAPS LOCK", "F1", "F2", "F3", "F4", "F5", "F6", "F7", "F8", "F9", "F10", "F11",
        "F12", "PRINT SCREEN", "SCROLL LOCK", "PAUSE", "INSERT", "HOME", "PAGE UP", "DELETE", "END",
        "PAGE DOWN", "RIGHT", "LEFT", "DOWN", "UP", "NUM LOCK", "KP /", "KP *", "KP -", "KP +",
        "KP ENTER", "KP 1", "KP 2", "KP 3", "KP 4", "KP 5", "KP 6", "KP 7", "KP 8", "KP 9", "KP 0",
        "KP .", "NON-US \\", "APPLICATION", "POWER", "KP =", "F13", "F14", "F15", "F16", "F17", "F18",
        "F19", "F20", "F21", "F22", "F23", "F24",
    ]),
    (0x7F, &[
        "MUTE", "VOLUME UP", "VOLUME DOWN",
    ]),
    (0xE0, &[
        "LEFT CTRL", "LEFT SHIFT", "LEFT ALT", "LEFT GUI", "RIGHT CTRL", "RIGHT SHIFT", "RIGHT ALT",
        "RIGHT GUI",
    ]),
];

/// Name of a key by its USB HID usage of page 7 (HID Usage Tables 1.5, section 10).
#[must_use]
pub(crate) fn name(usage: u16) -> Option<&'static str> {
    ROWS.iter().find_map(|(first, names)| names.get(usize::from(usage.checked_sub(*first)?)).copied())
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn names_stand_at_their_usages() {
        for (usage, want) in [
            (0x04, "A"),
            (0x1D, "Z"),
            (0x27, "0"),
            (0x28, "ENTER"),
            (0x2C, "SPACE"),
            (0x39, "CAPS LOCK"),
            (0x3A, "F1"),
            (0x45, "F12"),
            (0x4F, "RIGHT"),
            (0x52, "UP"),
            (0x58, "KP ENTER"),
            (0x62, "KP 0"),
            (0x67, "KP ="),
            (0x73, "F24"),
            (0x7F, "MUTE"),
            (0xE0, "LEFT CTRL"),
            (0xE7, "RIGHT GUI"),
        ] {
            assert_eq!(name(usage), Some(want), "{usage:#x}");
        }
        assert!([0, 3, 0x74, 0x82, 0xE8, 0xFFFF].into_iter().all(|usage| name(usage).is_none()));
    }
}
