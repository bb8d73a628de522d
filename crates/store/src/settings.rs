//! What the user chose, typed, versioned and in layers.
//!
//! `settings.json`, version 2:
//!
//! ```json
//! {"version": 2, "user": {"video.fps": "60"}, "game": {"demo/meadow": {"video.fps": "120"}}}
//! ```
//!
//! Keys and values that this version does not know are kept as they are.

mod registry;

use std::path::{Path, PathBuf};

use entente_model::{Problem, ProblemKind};
use serde::{Deserialize, Serialize};
use serde_json::Map;

use crate::disk;
use crate::document::{self, Document, Rules};

pub use self::registry::{Kind, Layer, Preset, REGISTRY, Setting, Value, find};

/// Name of the file in the folder for what the user chose.
pub const FILE: &str = "settings.json";

/// Layers that a file may hold, weakest first.
const STORED: [Layer; 4] = [Layer::User, Layer::Network, Layer::Host, Layer::Game];
/// Longest name of a network, host or game, bytes.
const LONGEST_SCOPE: usize = 512;
const RULES: Rules = Rules { noun: "Settings", migrations: &[from_version_1] };

/// What is being played, where and with whom; names which layers count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Context {
    /// Network that this machine is in.
    pub network: Option<String>,
    /// Console, computer or service.
    pub host: Option<String>,
    /// Game.
    pub game: Option<String>,
}

impl Context {
    fn scope(&self, layer: Layer) -> Option<&str> {
        match layer {
            Layer::Default | Layer::User => None,
            Layer::Network => self.network.as_deref(),
            Layer::Host => self.host.as_deref(),
            Layer::Game => self.game.as_deref(),
        }
    }
}

/// One value of a setting in one layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Layer.
    pub layer: Layer,
    /// Network, host or game.
    pub scope: Option<String>,
    /// Value there.
    pub value: Value,
}

/// A stored value that is not used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ignored {
    /// Layer.
    pub layer: Layer,
    /// Network, host or game.
    pub scope: Option<String>,
    /// What stands there, as JSON, shortened.
    pub found: String,
    /// Why it is not used: a sentence.
    pub why: String,
}

/// A value, and why it is what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolved {
    /// The value that counts.
    pub value: Value,
    /// Where it comes from.
    pub from: Layer,
    /// All values for this context, strongest first; the last one is the default.
    pub chain: Vec<Link>,
    /// What stands in the file but makes no sense.
    pub ignored: Vec<Ignored>,
}

/// The settings of one user.
#[derive(Debug)]
pub struct Settings {
    document: Document,
}

impl Settings {
    /// Reads `file`. What goes wrong is found in [`Settings::take_notes`]; the usual values are used then.
    #[must_use]
    pub fn open(file: PathBuf) -> Self {
        Self { document: Document::open(file, RULES) }
    }

    /// What the user should hear about. Each is given once.
    pub fn take_notes(&self) -> Vec<Problem> {
        self.document.take_notes()
    }

    /// Takes in what another program wrote.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn reload(&self) -> Result<(), Problem> {
        self.document.reload()
    }

    /// The value of `key` in `context`, and why it is that.
    ///
    /// # Errors
    /// There is no such setting.
    pub fn resolve(&self, key: &str, context: &Context) -> Result<Resolved, Problem> {
        let setting = find(key).ok_or_else(|| unknown(key))?;
        Ok(self.document.read(|root| resolve_in(root, setting, context)))
    }

    /// All settings in `context`, in the order of the view.
    #[must_use]
    pub fn all(&self, context: &Context) -> Vec<(&'static Setting, Resolved)> {
        self.document
            .read(|root| REGISTRY.iter().map(|setting| (setting, resolve_in(root, setting, context))).collect())
    }

    /// Sets a value.
    ///
    /// # Errors
    /// [`ProblemKind::BadInput`]: no such setting, not in this layer, or the value does not fit. Else the disk.
    pub fn set(&self, key: &str, layer: Layer, scope: Option<&str>, value: Value) -> Result<(), Problem> {
        let setting = find(key).ok_or_else(|| unknown(key))?;
        allowed(setting, layer, scope)?;
        setting.check(&value).map_err(|why| bad_value(key, why))?;
        self.document.update(|root| put(root, key, layer, scope, &value))
    }

    /// Takes a value away, so that a weaker layer counts.
    ///
    /// # Errors
    /// [`ProblemKind::BadInput`]: no such setting, or not in this layer. Else the disk.
    pub fn reset(&self, key: &str, layer: Layer, scope: Option<&str>) -> Result<(), Problem> {
        let setting = find(key).ok_or_else(|| unknown(key))?;
        allowed(setting, layer, scope)?;
        self.document.update(|root| {
            change_layer(root, layer, scope, |values| {
                values.remove(key);
            });
            if let Some(scope) = scope {
                document::change_object(root, layer.name(), |scopes| {
                    if scopes.get(scope).is_some_and(|values| values.as_object().is_some_and(Map::is_empty)) {
                        scopes.remove(scope);
                    }
                });
            }
        })
    }

    /// Writes all settings that are known and sound to a file of the user's choice. There are no secrets in settings.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn export(&self, file: &Path) -> Result<(), Problem> {
        let mut root = Map::new();
        root.insert("version".to_owned(), RULES.version().into());
        self.document.read(|from| {
            each(from, |layer, scope, key, value| {
                if let Ok(value) = sound(layer, scope, key, value) {
                    put(&mut root, key, layer, scope, &value);
                }
            });
        });
        let write = || disk::write_whole(file, &serde_json::to_vec_pretty(&root)?);
        write().map_err(|error| disk::problem("Settings cannot be exported.", file, &error))
    }

    /// Takes over the settings of an exported file; those that it does not name stay. Gives a sentence for each value
    /// that was not taken.
    ///
    /// # Errors
    /// [`ProblemKind::BadInput`]: it is no such file. Else the disk.
    pub fn import(&self, file: &Path) -> Result<Vec<String>, Problem> {
        let what = "Settings cannot be imported.";
        let bytes = disk::read_whole(file, document::LARGEST)
            .and_then(|bytes| bytes.ok_or_else(|| std::io::ErrorKind::NotFound.into()))
            .map_err(|error| disk::problem(what, file, &error))?;
        let (from, _) = RULES
            .parse(&bytes)
            .map_err(|why| Problem::new(ProblemKind::BadInput, what, why, "Choose a file that Entente exported."))?;
        let (mut taken, mut left) = (Vec::new(), Vec::new());
        each(&from, |layer, scope, key, value| match sound(layer, scope, key, value) {
            Ok(value) => taken.push((key.to_owned(), layer, scope.map(str::to_owned), value)),
            Err(why) => left.push(format!("{key} ({}) was not taken. {why}", layer.name())),
        });
        self.document.update(|root| {
            for (key, layer, scope, value) in &taken {
                put(root, key, *layer, scope.as_deref(), value);
            }
        })?;
        Ok(left)
    }
}

fn resolve_in(root: &Map<String, serde_json::Value>, setting: &Setting, context: &Context) -> Resolved {
    let (mut chain, mut ignored) = (Vec::new(), Vec::new());
    for layer in STORED.into_iter().rev() {
        let scope = context.scope(layer);
        let stored = root.get(layer.name()).and_then(|values| match scope {
            Some(scope) => values.get(scope)?.get(setting.key),
            None if layer.has_scope() => None,
            None => values.get(setting.key),
        });
        let Some(stored) = stored else { continue };
        let scope_owned = scope.map(str::to_owned);
        match sound(layer, scope, setting.key, stored) {
            Ok(value) => chain.push(Link { layer, scope: scope_owned, value }),
            Err(why) => {
                let found = stored.to_string().chars().take(80).collect();
                ignored.push(Ignored { layer, scope: scope_owned, found, why });
            }
        }
    }
    chain.push(Link { layer: Layer::Default, scope: None, value: setting.default_value() });
    let (value, from) = chain
        .first()
        .map_or_else(|| (setting.default_value(), Layer::Default), |link| (link.value.clone(), link.layer));
    Resolved { value, from, chain, ignored }
}

/// A stored value, if it may be used.
fn sound(layer: Layer, scope: Option<&str>, key: &str, value: &serde_json::Value) -> Result<Value, String> {
    let setting = find(key).ok_or("This version does not know it.")?;
    allowed(setting, layer, scope).map_err(|problem| problem.why)?;
    let value = Value::deserialize(value).map_err(|_| "It is neither a switch nor a number nor text.".to_owned())?;
    setting.check(&value).map(|()| value)
}

fn allowed(setting: &Setting, layer: Layer, scope: Option<&str>) -> Result<(), Problem> {
    let scope_fits = match scope {
        Some(scope) => layer.has_scope() && !scope.is_empty() && scope.len() <= LONGEST_SCOPE,
        None => !layer.has_scope(),
    };
    if scope_fits && setting.layers.contains(&layer) {
        return Ok(());
    }
    Err(bad_value(setting.key, format!("It cannot be set for one {}.", layer.name())))
}

fn change_layer(
    root: &mut Map<String, serde_json::Value>,
    layer: Layer,
    scope: Option<&str>,
    change: impl FnOnce(&mut Map<String, serde_json::Value>),
) {
    document::change_object(root, layer.name(), |values| match scope {
        Some(scope) => document::change_object(values, scope, change),
        None => change(values),
    });
}

fn put(root: &mut Map<String, serde_json::Value>, key: &str, layer: Layer, scope: Option<&str>, value: &Value) {
    let value = match value {
        Value::Toggle(on) => (*on).into(),
        Value::Number(number) => (*number).into(),
        Value::Text(text) => text.as_str().into(),
    };
    change_layer(root, layer, scope, |values| {
        values.insert(key.to_owned(), value);
    });
}

/// Everything that is stored, whether it makes sense or not.
fn each<'a>(
    root: &'a Map<String, serde_json::Value>,
    mut take: impl FnMut(Layer, Option<&'a str>, &'a str, &'a serde_json::Value),
) {
    for layer in STORED {
        let Some(values) = root.get(layer.name()).and_then(serde_json::Value::as_object) else { continue };
        for (name, value) in values {
            match value.as_object() {
                Some(values) if layer.has_scope() => {
                    values.iter().for_each(|(key, value)| take(layer, Some(name), key, value));
                }
                _ => take(layer, None, name, value),
            }
        }
    }
}

/// Version 1 had no layers, a switch for full screen, and the rate in Mbit/s.
fn from_version_1(root: &mut Map<String, serde_json::Value>) {
    let Some(serde_json::Value::Object(mut values)) = root.remove("values") else { return };
    if let Some(full) = values.remove("window.fullscreen").and_then(|full| full.as_bool()) {
        values.insert("window.mode".to_owned(), if full { "fullscreen" } else { "windowed" }.into());
    }
    if let Some(mbps) = values.remove("video.bitrate_mbps").and_then(|mbps| mbps.as_i64()) {
        values.insert("video.bitrate_kbps".to_owned(), mbps.saturating_mul(1000).into());
    }
    document::change_object(root, Layer::User.name(), |user| {
        for (key, value) in values {
            user.entry(key).or_insert(value);
        }
    });
}

fn unknown(key: &str) -> Problem {
    let shown: String = key.chars().take(80).collect();
    Problem::new(
        ProblemKind::BadInput,
        "There is no such setting.",
        format!("Nothing is called \"{shown}\"."),
        "Look at the list of settings.",
    )
}

fn bad_value(key: &str, why: String) -> Problem {
    Problem::new(ProblemKind::BadInput, format!("{key} cannot be set so."), why, "Choose another value.")
}

/// For fuzzing: reads any bytes as settings, resolves all.
pub(crate) fn fuzz(bytes: &[u8]) {
    let Ok((root, _)) = RULES.parse(bytes) else { return };
    let context = Context { network: Some("n".to_owned()), host: Some("h".to_owned()), game: Some("g".to_owned()) };
    for setting in REGISTRY {
        let resolved = resolve_in(&root, setting, &context);
        assert!(setting.check(&resolved.value).is_ok(), "a value that does not fit came through");
    }
    let mut copy = Map::new();
    each(&root, |layer, scope, key, value| {
        if let Ok(value) = sound(layer, scope, key, value) {
            put(&mut copy, key, layer, scope, &value);
        }
    });
}
