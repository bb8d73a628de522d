//! Control messages: one JSON object per message, told apart by `type`.
//!
//! Unknown fields are ignored, unknown types become [`Control::Unknown`] and are ignored too, so that a later
//! version can add both.

use serde::{Deserialize, Serialize};

/// Longest control message that a receiver must accept and that a sender may send, in bytes.
pub const MAX_MESSAGE: usize = 16 * 1024;
/// What is left for the text of [`Control::Text`].
const MAX_TEXT: usize = MAX_MESSAGE - r#"{"type":"text","text":""}"#.len();
/// What is left of each string in a message that would be too long.
const SHORTENED: usize = 4096;

/// Why a side says goodbye.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GoodbyeCode {
    /// A person ended it.
    User,
    /// No input for longer than the host allows.
    Idle,
    /// The host stops.
    Shutdown,
    /// Something failed.
    Error,
    /// A code of a later version.
    #[serde(other)]
    Unknown,
}

/// A message on the `control` channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Control {
    /// First message of the client.
    Hello {
        /// Protocol versions that the client speaks, best first.
        versions: Vec<u8>,
        /// Name and version, for people.
        client: String,
        /// What the client can do: `rumble`, `light`, `pointer`, `touch`, `motion`, `text`, `format`.
        #[serde(default)]
        capabilities: Vec<String>,
    },
    /// The host's answer to `hello`.
    Welcome {
        /// The version used from now on: one of the client's.
        version: u8,
        /// Name and version, for people.
        host: String,
        /// What runs, for people.
        #[serde(default)]
        game: String,
        /// What the host can use: as in `hello`, and `keyboard`, `pads`.
        #[serde(default)]
        capabilities: Vec<String>,
    },
    /// Client asks for the host's clock.
    Ping {
        /// Echoed.
        id: u32,
        /// Client's clock at sending, in microseconds; echoed.
        client_micros: u64,
    },
    /// Answer to `ping`, sent at once.
    Pong {
        /// Of the ping.
        id: u32,
        /// Of the ping.
        client_micros: u64,
        /// Host's clock when the ping was read, in microseconds; the clock of the timecode strip.
        host_received_micros: u64,
        /// Host's clock when the answer was written.
        host_sent_micros: u64,
    },
    /// Host asks for vibration.
    Rumble {
        /// Slot.
        pad: u8,
        /// Heavy motor, 0 to 1.
        low: f32,
        /// Light motor, 0 to 1.
        high: f32,
        /// Milliseconds.
        millis: u32,
    },
    /// Host sets a pad's light.
    Light {
        /// Slot.
        pad: u8,
        /// Red.
        r: u8,
        /// Green.
        g: u8,
        /// Blue.
        b: u8,
    },
    /// Client needs a key frame (besides RTCP PLI/FIR).
    Keyframe,
    /// Client wants, or host confirms, a picture format.
    Format {
        /// Picture width in pixels.
        width: u32,
        /// Picture height in pixels.
        height: u32,
        /// Frames per second.
        fps: u32,
        /// Upper limit of the video bit rate in kbit/s; absent = unchanged.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bitrate_kbps: Option<u32>,
    },
    /// Client sends composed text.
    Text {
        /// Unicode text.
        text: String,
    },
    /// Host has a message for the user.
    Notice {
        /// One sentence.
        text: String,
    },
    /// Either side ends the session.
    Goodbye {
        /// For programs.
        code: GoodbyeCode,
        /// For people.
        #[serde(default)]
        reason: String,
    },
    /// A type of a later version; ignored.
    #[serde(other)]
    Unknown,
}

/// Why a control message cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// Longer than [`MAX_MESSAGE`].
    #[error("control message of {0} bytes")]
    TooLong(usize),
    /// Not a JSON object of the described shape.
    #[error("control message is not valid: {0}")]
    Invalid(String),
}

impl Control {
    /// Reads a message.
    ///
    /// # Errors
    /// When it is too long or not of the described shape; an unknown `type` is not an error.
    pub fn parse(bytes: &[u8]) -> Result<Self, ControlError> {
        if bytes.len() > MAX_MESSAGE {
            return Err(ControlError::TooLong(bytes.len()));
        }
        serde_json::from_slice(bytes).map_err(|error| ControlError::Invalid(error.to_string()))
    }

    /// `text` as messages that each fit [`MAX_MESSAGE`], in order.
    pub fn texts(text: &str) -> impl Iterator<Item = Self> {
        let mut rest = text;
        std::iter::from_fn(move || {
            let head = fitting(rest, MAX_TEXT);
            rest = rest.get(head.len()..)?;
            (!head.is_empty()).then(|| Self::Text { text: head.to_owned() })
        })
    }

    /// The message as JSON text of at most [`MAX_MESSAGE`] bytes. Strings that do not fit are cut: what people read is
    /// shorter by far, and [`Self::texts`] cuts what is typed into messages that fit.
    #[must_use]
    pub fn to_json(&self) -> String {
        let whole = self.written();
        if whole.len() <= MAX_MESSAGE {
            return whole;
        }
        let cut = |text: &str| fitting(text, SHORTENED).to_owned();
        let shorter = match self {
            Self::Text { text } => Self::Text { text: fitting(text, MAX_TEXT).to_owned() },
            Self::Notice { text } => Self::Notice { text: cut(text) },
            Self::Goodbye { code, reason } => Self::Goodbye { code: *code, reason: cut(reason) },
            Self::Hello { versions, client, .. } => {
                Self::Hello { versions: versions.clone(), client: cut(client), capabilities: Vec::new() }
            }
            Self::Welcome { version, host, game, .. } => {
                Self::Welcome { version: *version, host: cut(host), game: cut(game), capabilities: Vec::new() }
            }
            other => other.clone(),
        };
        Some(shorter.written()).filter(|json| json.len() <= MAX_MESSAGE).unwrap_or_else(|| String::from("{}"))
    }

    fn written(&self) -> String {
        // Serialising these plain fields cannot fail; an empty object would be ignored by any receiver.
        serde_json::to_string(self).unwrap_or_else(|_| String::from("{}"))
    }
}

/// As much of `text` as `room` bytes of JSON hold (RFC 8259 section 7).
fn fitting(text: &str, room: usize) -> &str {
    let mut used = 0;
    for (at, character) in text.char_indices() {
        used += match character {
            '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
            '\0'..' ' => 6,
            _ => character.len_utf8(),
        };
        if used > room {
            return text.get(..at).unwrap_or_default();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_long_text_becomes_messages_that_fit() {
        for part in ["a", "é", "\u{1f3ae}", "\"", "\u{1}", "\n"] {
            let text = part.repeat(20_000);
            let messages: Vec<Control> = Control::texts(&text).collect();
            let mut whole = String::new();
            for message in &messages {
                let json = message.to_json();
                assert!(
                    json.len() <= MAX_MESSAGE && json.len() > MAX_MESSAGE - 12
                        || *message == messages[messages.len() - 1]
                );
                let Ok(Control::Text { text }) = Control::parse(json.as_bytes()) else { panic!("{part:?}") };
                whole += &text;
            }
            assert_eq!(whole, text);
        }
        assert_eq!(Control::texts("").count(), 0);
    }

    #[test]
    fn nothing_is_written_that_a_receiver_may_ignore() {
        let long = || "\u{2}".repeat(30_000);
        let messages = [
            Control::Notice { text: long() },
            Control::Text { text: long() },
            Control::Goodbye { code: GoodbyeCode::Error, reason: long() },
            Control::Hello { versions: vec![1], client: long(), capabilities: vec![long()] },
            Control::Welcome { version: 1, host: long(), game: long(), capabilities: vec![long()] },
        ];
        for message in messages {
            let read = Control::parse(message.to_json().as_bytes()).unwrap();
            assert_eq!(std::mem::discriminant(&read), std::mem::discriminant(&message));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_written_whole(text in "\\PC{0,3000}[\u{0}-\u{24}]{0,4000}") {
            let mut whole = String::new();
            for message in Control::texts(&text) {
                let Ok(Control::Text { text }) = Control::parse(message.to_json().as_bytes()) else { panic!() };
                whole += &text;
            }
            prop_assert_eq!(whole, text);
        }
    }

    #[test]
    fn unknown_types_and_fields_are_ignored() {
        assert_eq!(Control::parse(br#"{"type":"teleport","to":3}"#), Ok(Control::Unknown));
        assert_eq!(Control::parse(br#"{"type":"keyframe","why":"new"}"#), Ok(Control::Keyframe));
        assert_eq!(
            Control::parse(br#"{"type":"goodbye","code":"eclipse"}"#),
            Ok(Control::Goodbye { code: GoodbyeCode::Unknown, reason: String::new() })
        );
    }

    #[test]
    fn garbage_and_giants_are_errors() {
        assert!(matches!(Control::parse(b"hello"), Err(ControlError::Invalid(_))));
        assert!(matches!(Control::parse(&vec![b' '; MAX_MESSAGE + 1]), Err(ControlError::TooLong(_))));
    }

    #[test]
    fn messages_survive_the_wire() {
        let ping = Control::Ping { id: 7, client_micros: 1 << 50 };
        assert_eq!(Control::parse(ping.to_json().as_bytes()), Ok(ping));
    }
}
