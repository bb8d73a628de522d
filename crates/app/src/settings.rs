//! Settings and secrets, as a view shows them.

use entente_model::{Problem, Secret};
use entente_store::settings::{Context, Kind, Layer, Value};
use entente_store::vault::VaultStatus;
use std::sync::Arc;

use crate::view::{SettingKind, SettingLayer, SettingView};
use crate::{App, AppEvent, blocking};

impl App {
    /// Every setting with its layers, strongest first, where `context` is played.
    #[must_use]
    pub fn settings(&self, context: &Context) -> Vec<SettingView> {
        let all = self.inner.parts.settings.all(context);
        all.into_iter()
            .map(|(setting, resolved)| SettingView {
                key: setting.key.to_owned(),
                section: setting.section().to_owned(),
                kind: match setting.kind {
                    Kind::Toggle => SettingKind::Toggle,
                    Kind::Choice(options) => {
                        SettingKind::Choice { options: options.iter().map(|option| (*option).to_owned()).collect() }
                    }
                    Kind::Number { min, max, step, unit } => {
                        SettingKind::Number { min, max, step, unit: unit.to_owned() }
                    }
                    Kind::Text { .. } => SettingKind::Text,
                },
                value: resolved.value,
                default_value: setting.default_value(),
                allowed: setting.layers.to_vec(),
                layers: resolved
                    .chain
                    .into_iter()
                    .map(|link| SettingLayer { layer: link.layer, scope: link.scope, value: link.value })
                    .collect(),
            })
            .collect()
    }

    /// Sets a value in a layer.
    ///
    /// # Errors
    /// No such setting, not in this layer, the value does not fit, or it cannot be kept.
    pub async fn set_setting(&self, key: &str, layer: Layer, scope: Option<&str>, value: Value) -> Result<(), Problem> {
        let (settings, key, scope) = (Arc::clone(&self.inner.parts.settings), key.to_owned(), scope.map(str::to_owned));
        let changed = key.clone();
        blocking(move || settings.set(&key, layer, scope.as_deref(), value)).await?;
        self.setting_changed(&changed).await
    }

    /// Takes a value away, so that a weaker layer counts.
    ///
    /// # Errors
    /// No such setting, not in this layer, or it cannot be kept.
    pub async fn reset_setting(&self, key: &str, layer: Layer, scope: Option<&str>) -> Result<(), Problem> {
        let (settings, key, scope) = (Arc::clone(&self.inner.parts.settings), key.to_owned(), scope.map(str::to_owned));
        let changed = key.clone();
        blocking(move || settings.reset(&key, layer, scope.as_deref())).await?;
        self.setting_changed(&changed).await
    }

    /// What has to follow a setting at once; the others are read when they are needed.
    async fn setting_changed(&self, key: &str) -> Result<(), Problem> {
        self.tell(AppEvent::SettingsChanged);
        if key == "library.art_cache_mib"
            && let Value::Number(limit) = self.inner.parts.settings.resolve(key, &Context::default())?.value
        {
            let art = Arc::clone(&self.inner.parts.art);
            return blocking(move || art.set_limit(u64::try_from(limit).unwrap_or(0))).await;
        }
        Ok(())
    }

    /// Where secrets are kept, and why there.
    #[must_use]
    pub fn secrets(&self) -> VaultStatus {
        self.inner.parts.vault.status()
    }

    /// Opens the file that a passphrase seals, or makes one. Accounts come back afterwards.
    ///
    /// # Errors
    /// The passphrase is wrong or too short, or the file cannot be read or written.
    pub async fn unlock_secrets(&self, passphrase: &Secret) -> Result<VaultStatus, Problem> {
        let vault = &self.inner.parts.vault;
        let status = if vault.status().has_passphrase {
            vault.unlock(passphrase).await?
        } else {
            vault.use_passphrase(passphrase).await?
        };
        self.restore().await;
        Ok(status)
    }

    /// Keeps secrets in memory only.
    ///
    /// # Errors
    /// A fault of our own.
    pub async fn keep_secrets_in_memory(&self) -> Result<VaultStatus, Problem> {
        self.inner.parts.vault.use_memory().await
    }
}
