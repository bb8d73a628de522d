//! Every setting there is.

use serde::{Deserialize, Serialize};

/// A value of a setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(specta::Type))]
#[serde(untagged)]
pub enum Value {
    /// On or off.
    Toggle(bool),
    /// In the unit of the setting.
    Number(i64),
    /// One of the choices, or free text.
    Text(String),
}

impl std::fmt::Display for Value {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Toggle(on) => write!(out, "{on}"),
            Self::Number(number) => write!(out, "{number}"),
            Self::Text(text) => out.write_str(text),
        }
    }
}

/// What values a setting has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// On or off.
    Toggle,
    /// One of these.
    Choice(&'static [&'static str]),
    /// A whole number.
    Number {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
        /// Distance of the values that are offered; others are fine too.
        step: i64,
        /// For people.
        unit: &'static str,
    },
    /// Free text.
    Text {
        /// Most bytes.
        longest: usize,
    },
}

/// Where a value can be set. Later ones are stronger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// Of the program.
    Default,
    /// Of this user, everywhere.
    User,
    /// In one network.
    Network,
    /// With one console, computer or service.
    Host,
    /// In one game.
    Game,
}

impl Layer {
    /// Name in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::User => "user",
            Self::Network => "network",
            Self::Host => "host",
            Self::Game => "game",
        }
    }

    /// Values of this layer belong to one network, host or game.
    #[must_use]
    pub const fn has_scope(self) -> bool {
        matches!(self, Self::Network | Self::Host | Self::Game)
    }
}

/// The value that the program comes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// On or off.
    Toggle(bool),
    /// In the unit of the setting.
    Number(i64),
    /// Choice or text.
    Text(&'static str),
}

/// A setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// `section.name`.
    pub key: &'static str,
    /// What values it has.
    pub kind: Kind,
    /// The value if nobody sets one.
    pub preset: Preset,
    /// Where it may be set.
    pub layers: &'static [Layer],
}

impl Setting {
    /// First part of the key.
    #[must_use]
    pub fn section(&self) -> &'static str {
        self.key.split_once('.').map_or(self.key, |(section, _)| section)
    }

    /// The value if nobody sets one.
    #[must_use]
    pub fn default_value(&self) -> Value {
        match self.preset {
            Preset::Toggle(on) => Value::Toggle(on),
            Preset::Number(number) => Value::Number(number),
            Preset::Text(text) => Value::Text(text.to_owned()),
        }
    }

    /// Whether `value` fits.
    ///
    /// # Errors
    /// Why it does not: a sentence.
    pub fn check(&self, value: &Value) -> Result<(), String> {
        match (self.kind, value) {
            (Kind::Toggle, Value::Toggle(_)) => Ok(()),
            (Kind::Choice(options), Value::Text(text)) if options.contains(&text.as_str()) => Ok(()),
            (Kind::Choice(options), _) => Err(format!("It must be one of {}.", options.join(", "))),
            (Kind::Number { min, max, .. }, Value::Number(number)) if (min..=max).contains(number) => Ok(()),
            (Kind::Number { min, max, unit, .. }, _) => {
                Err(format!("It must be a whole number from {min} to {max} {unit}.").replace(" .", "."))
            }
            (Kind::Text { longest }, Value::Text(text)) if text.len() > longest => {
                Err(format!("It must not be longer than {longest} bytes."))
            }
            (Kind::Text { .. }, Value::Text(text)) if text.chars().any(char::is_control) => {
                Err("It must be one line.".to_owned())
            }
            (Kind::Text { .. }, Value::Text(_)) => Ok(()),
            (Kind::Text { .. }, _) => Err("It must be text.".to_owned()),
            (Kind::Toggle, _) => Err("It must be true or false.".to_owned()),
        }
    }
}

/// Of the whole program.
const USER: &[Layer] = &[Layer::User];
/// What depends on where one plays, with whom and what.
const STREAM: &[Layer] = &[Layer::User, Layer::Network, Layer::Host, Layer::Game];
/// What depends on the game.
const PLAY: &[Layer] = &[Layer::User, Layer::Game];

/// Decoders that the player can have on this system (`entente-player play --decoder`).
const DECODERS: &[&str] = if cfg!(target_os = "macos") {
    &["auto", "software", "videotoolbox"]
} else if cfg!(windows) {
    &["auto", "software", "d3d11va", "cuda", "vulkan"]
} else {
    &["auto", "software", "vaapi", "cuda", "vulkan"]
};

const fn toggle(key: &'static str, on: bool, layers: &'static [Layer]) -> Setting {
    Setting { key, kind: Kind::Toggle, preset: Preset::Toggle(on), layers }
}

const fn choice(
    key: &'static str,
    options: &'static [&'static str],
    preset: &'static str,
    layers: &'static [Layer],
) -> Setting {
    Setting { key, kind: Kind::Choice(options), preset: Preset::Text(preset), layers }
}

const fn text(key: &'static str, preset: &'static str, layers: &'static [Layer]) -> Setting {
    Setting { key, kind: Kind::Text { longest: 4096 }, preset: Preset::Text(preset), layers }
}

const fn number(key: &'static str, kind: Kind, preset: i64, layers: &'static [Layer]) -> Setting {
    Setting { key, kind, preset: Preset::Number(preset), layers }
}

/// All, in the order of the view. Those up to `overlay` are switches of `entente-player play`, the others are the
/// shell's own.
pub const REGISTRY: &[Setting] = &[
    choice("video.size", &["auto", "1280x720", "1920x1080", "2560x1440", "3840x2160"], "auto", STREAM),
    choice("video.fps", &["auto", "30", "60", "90", "120", "144", "240"], "auto", STREAM),
    choice("video.codec", &["auto", "h264", "hevc", "av1", "vp9", "vp8"], "auto", STREAM),
    // 0: as the host likes.
    number("video.bitrate_kbps", Kind::Number { min: 0, max: 200_000, step: 500, unit: "kbit/s" }, 0, STREAM),
    choice("video.decoder", DECODERS, "auto", STREAM),
    choice("video.renderer", &["auto", "gpu", "software"], "auto", USER),
    toggle("video.allow_damaged", false, STREAM),
    toggle("video.tearing", false, PLAY),
    // `default`, `none`, or a name of `entente-player --list-devices`.
    text("audio.device", "default", USER),
    choice("input.keyboard", &["auto", "pad", "keys"], "auto", PLAY),
    choice("window.mode", &["windowed", "fullscreen"], "windowed", PLAY),
    choice("window.scaling", &["fit", "integer", "fill"], "fit", PLAY),
    choice("overlay.start", &["off", "line", "compact", "full"], "off", PLAY),
    // Path of a PEM file; empty: only the system's certificates.
    text("network.root_certificate", "", &[Layer::User, Layer::Host]),
    toggle("play.confirm_stop", true, USER),
    choice("look.theme", &["system", "dark", "light"], "system", USER),
    choice("look.language", &["system", "en", "de"], "system", USER),
    toggle("look.ten_foot", false, USER),
    choice("look.reduced_motion", &["system", "on", "off"], "system", USER),
    number("look.text_size", Kind::Number { min: 80, max: 200, step: 10, unit: "%" }, 100, USER),
    number("library.art_cache_mib", Kind::Number { min: 16, max: 8192, step: 16, unit: "MiB" }, 512, USER),
    toggle("privacy.hide_names", false, USER),
];

/// The setting called `key`.
#[must_use]
pub fn find(key: &str) -> Option<&'static Setting> {
    REGISTRY.iter().find(|setting| setting.key == key)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_registry_is_sound() {
        let keys: BTreeSet<_> = REGISTRY.iter().map(|setting| setting.key).collect();
        assert_eq!(keys.len(), REGISTRY.len(), "a key twice");
        for setting in REGISTRY {
            assert_eq!(setting.check(&setting.default_value()), Ok(()), "{}", setting.key);
            assert!(setting.section().len() < setting.key.len(), "{}", setting.key);
            assert!(setting.layers.contains(&Layer::User) && !setting.layers.contains(&Layer::Default));
        }
    }

    #[test]
    fn values_that_do_not_fit_are_told_why() {
        let rate = find("video.bitrate_kbps").unwrap();
        assert!(rate.check(&Value::Number(-1)).unwrap_err().contains("200000 kbit/s."));
        assert!(rate.check(&Value::Text("1".to_owned())).is_err());
        assert!(find("look.theme").unwrap().check(&Value::Text("pink".to_owned())).unwrap_err().contains("dark"));
        assert!(find("audio.device").unwrap().check(&Value::Text("a\nb".to_owned())).is_err());
        assert!(find("video.tearing").unwrap().check(&Value::Number(1)).is_err());
    }
}
