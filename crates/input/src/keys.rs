//! Names of keys by HID usage, page 7 (HID Usage Tables 1.5, section 10). Letters and signs are those of a US layout.

/// Usages 0x04 to 0x73 without a gap.
const MAIN: [&str; 112] = [
    "A",
    "B",
    "C",
    "D",
    "E",
    "F",
    "G",
    "H",
    "I",
    "J",
    "K",
    "L",
    "M",
    "N",
    "O",
    "P",
    "Q",
    "R",
    "S",
    "T",
    "U",
    "V",
    "W",
    "X",
    "Y",
    "Z",
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "8",
    "9",
    "0",
    "Enter",
    "Escape",
    "Backspace",
    "Tab",
    "Space",
    "-",
    "=",
    "[",
    "]",
    "\\",
    "Non-US #",
    ";",
    "'",
    "`",
    ",",
    ".",
    "/",
    "Caps Lock",
    "F1",
    "F2",
    "F3",
    "F4",
    "F5",
    "F6",
    "F7",
    "F8",
    "F9",
    "F10",
    "F11",
    "F12",
    "Print Screen",
    "Scroll Lock",
    "Pause",
    "Insert",
    "Home",
    "Page Up",
    "Delete",
    "End",
    "Page Down",
    "Right",
    "Left",
    "Down",
    "Up",
    "Num Lock",
    "Keypad /",
    "Keypad *",
    "Keypad -",
    "Keypad +",
    "Keypad Enter",
    "Keypad 1",
    "Keypad 2",
    "Keypad 3",
    "Keypad 4",
    "Keypad 5",
    "Keypad 6",
    "Keypad 7",
    "Keypad 8",
    "Keypad 9",
    "Keypad 0",
    "Keypad .",
    "Non-US \\",
    "Menu",
    "Power",
    "Keypad =",
    "F13",
    "F14",
    "F15",
    "F16",
    "F17",
    "F18",
    "F19",
    "F20",
    "F21",
    "F22",
    "F23",
    "F24",
];

/// Usages 0xE0 to 0xE7.
const MODIFIERS: [&str; 8] = [
    "Left Control",
    "Left Shift",
    "Left Alt",
    "Left Super",
    "Right Control",
    "Right Shift",
    "Right Alt",
    "Right Super",
];

const FIRST_MAIN: u16 = 0x04;
const FIRST_MODIFIER: u16 = 0xE0;

/// Name of the key with this usage, if it has one here.
#[must_use]
pub fn key_name(usage: u16) -> Option<&'static str> {
    let other = match usage {
        0x7F => Some("Mute"),
        0x80 => Some("Volume Up"),
        0x81 => Some("Volume Down"),
        0x85 => Some("Keypad ,"),
        0x87 => Some("International 1"),
        0x88 => Some("International 2"),
        0x89 => Some("International 3"),
        0x8A => Some("International 4"),
        0x8B => Some("International 5"),
        0x90 => Some("Language 1"),
        0x91 => Some("Language 2"),
        _ => None,
    };
    let of = |table: &[&'static str], first: u16| {
        usage.checked_sub(first).and_then(|index| table.get(usize::from(index)).copied())
    };
    other.or_else(|| of(&MODIFIERS, FIRST_MODIFIER)).or_else(|| of(&MAIN, FIRST_MAIN))
}

/// Usage of the key with this name, whatever its case.
#[must_use]
pub fn key_usage(name: &str) -> Option<u16> {
    (0..=0xFF_u16).find(|usage| key_name(*usage).is_some_and(|known| known.eq_ignore_ascii_case(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_usage_tables() {
        for (usage, name) in [
            (0x04, "A"),
            (0x1D, "Z"),
            (0x1E, "1"),
            (0x27, "0"),
            (0x28, "Enter"),
            (0x29, "Escape"),
            (0x2C, "Space"),
            (0x32, "Non-US #"),
            (0x39, "Caps Lock"),
            (0x3A, "F1"),
            (0x45, "F12"),
            (0x46, "Print Screen"),
            (0x4F, "Right"),
            (0x52, "Up"),
            (0x53, "Num Lock"),
            (0x58, "Keypad Enter"),
            (0x62, "Keypad 0"),
            (0x64, "Non-US \\"),
            (0x67, "Keypad ="),
            (0x73, "F24"),
            (0xE0, "Left Control"),
            (0xE7, "Right Super"),
        ] {
            assert_eq!(key_name(usage), Some(name));
        }
        for usage in [0, 3, 0x74, 0xDF, 0xE8, u16::MAX] {
            assert_eq!(key_name(usage), None);
        }
    }

    #[test]
    fn every_name_leads_back_to_its_usage() {
        for usage in 0..=0xFF {
            if let Some(name) = key_name(usage) {
                assert_eq!(key_usage(&name.to_lowercase()), Some(usage));
            }
        }
        assert_eq!(key_usage("any key"), None);
    }
}
