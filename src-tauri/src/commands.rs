//! What the page can ask for. Each is one function of the app.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use entente_app::App;
use entente_app::edge::SystemBrowser;
use entente_app::view::{Account, CardDetail, Check, HostView, LibraryPage, LibraryQuery, PlayState, SettingView};
use entente_model::port::BrowserPort as _;
use entente_model::provider::SignInWay;
use entente_model::{Problem, ProblemKind, Secret};
use entente_store::Folders;
use entente_store::settings::{Context, Layer, Value};
use entente_store::vault::VaultStatus;
use serde::Serialize;
use tauri::{AppHandle, State};
use tokio::sync::{Notify, watch};

/// Name, version and licence of what is inside.
const PARTS: &[(&str, &str, &str)] = include!(concat!(env!("OUT_DIR"), "/parts.rs"));
/// How long the first questions wait for the keyring, which may be asking the user.
const KEYRING_LIMIT: Duration = Duration::from_secs(3);

/// What the commands work on.
pub(crate) struct Shell {
    pub(crate) app: App,
    pub(crate) folders: Folders,
    /// The accounts of the last run are back, as far as they can be.
    pub(crate) restored: watch::Receiver<bool>,
    /// The page listens.
    pub(crate) listening: Arc<Notify>,
}

impl Shell {
    async fn restored(&self) {
        let mut restored = self.restored.clone();
        // Later is fine too: changes are told.
        let _ = tokio::time::timeout(KEYRING_LIMIT, restored.wait_for(|restored| *restored)).await;
    }
}

type Answer<T> = Result<T, Problem>;
type This<'a> = State<'a, Shell>;

/// What is inside Entente and where its files are.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub(crate) struct About {
    version: &'static str,
    licence: &'static str,
    parts: Vec<Part>,
    folders: Vec<Folder>,
}

/// A library that Entente is made of.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub(crate) struct Part {
    name: &'static str,
    version: &'static str,
    licence: &'static str,
}

/// A folder of Entente's.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub(crate) struct Folder {
    name: &'static str,
    path: String,
}

/// Every command, with the types of what it takes and gives.
pub(crate) fn all() -> tauri_specta::Builder<tauri::Wry> {
    tauri_specta::Builder::new()
        .commands(tauri_specta::collect_commands![
            listening,
            accounts,
            secrets,
            unlock_secrets,
            keep_secrets_in_memory,
            sign_in,
            cancel_sign_in,
            sign_out,
            open_sign_in_page,
            library,
            card,
            refresh,
            cancel_refresh,
            set_favourite,
            set_hidden,
            split,
            join,
            hosts,
            add_host,
            pair,
            wake,
            forget_host,
            play,
            play_state,
            cancel_play,
            stop_play,
            end_running,
            dismiss_report,
            settings,
            set_setting,
            reset_setting,
            doctor,
            about,
            open_folder,
            quit,
        ])
        .typ::<crate::told::ShellEvent>()
        // Milliseconds and counts stay far below 2^53.
        .dangerously_cast_bigints_to_number()
        // Each type goes one way only.
        .disable_serde_phases()
}

/// The page listens to events from now on.
#[tauri::command]
#[specta::specta]
async fn listening(shell: This<'_>) -> Answer<()> {
    shell.listening.notify_one();
    Ok(())
}

#[tauri::command]
#[specta::specta]
async fn accounts(shell: This<'_>) -> Answer<Vec<Account>> {
    shell.restored().await;
    Ok(shell.app.accounts())
}

#[tauri::command]
#[specta::specta]
async fn secrets(shell: This<'_>) -> Answer<VaultStatus> {
    shell.restored().await;
    Ok(shell.app.secrets())
}

#[tauri::command]
#[specta::specta]
async fn unlock_secrets(shell: This<'_>, passphrase: String) -> Answer<VaultStatus> {
    let status = shell.app.unlock_secrets(&Secret::new(passphrase)).await?;
    shell.app.refresh();
    Ok(status)
}

#[tauri::command]
#[specta::specta]
async fn keep_secrets_in_memory(shell: This<'_>) -> Answer<VaultStatus> {
    shell.app.keep_secrets_in_memory().await
}

#[tauri::command]
#[specta::specta]
async fn sign_in(shell: This<'_>, provider: String, way: SignInWay) -> Answer<()> {
    shell.app.sign_in(&provider, way)
}

#[tauri::command]
#[specta::specta]
async fn cancel_sign_in(shell: This<'_>, provider: String) -> Answer<()> {
    shell.app.cancel_sign_in(&provider);
    Ok(())
}

#[tauri::command]
#[specta::specta]
async fn sign_out(shell: This<'_>, provider: String) -> Answer<()> {
    shell.app.sign_out(&provider).await
}

#[tauri::command]
#[specta::specta]
async fn open_sign_in_page(shell: This<'_>, provider: String) -> Answer<()> {
    let page = shell.app.sign_in_page(&provider)?;
    SystemBrowser.open(&page).await
}

#[tauri::command]
#[specta::specta]
async fn library(shell: This<'_>, query: LibraryQuery) -> Answer<LibraryPage> {
    shell.app.library(query).await
}

#[tauri::command]
#[specta::specta]
async fn card(shell: This<'_>, id: String) -> Answer<CardDetail> {
    shell.app.card(&id).await
}

#[tauri::command]
#[specta::specta]
async fn refresh(shell: This<'_>) -> Answer<()> {
    shell.app.refresh();
    Ok(())
}

#[tauri::command]
#[specta::specta]
async fn cancel_refresh(shell: This<'_>) -> Answer<()> {
    shell.app.cancel_refresh();
    Ok(())
}

#[tauri::command]
#[specta::specta]
async fn set_favourite(shell: This<'_>, id: String, on: bool) -> Answer<()> {
    shell.app.set_favourite(&id, on).await
}

#[tauri::command]
#[specta::specta]
async fn set_hidden(shell: This<'_>, id: String, on: bool) -> Answer<()> {
    shell.app.set_hidden(&id, on).await
}

#[tauri::command]
#[specta::specta]
async fn split(shell: This<'_>, edition_id: String) -> Answer<()> {
    shell.app.split(&edition_id).await
}

#[tauri::command]
#[specta::specta]
async fn join(shell: This<'_>, card_id: String, other_card_id: String) -> Answer<()> {
    shell.app.join(&card_id, &other_card_id).await
}

#[tauri::command]
#[specta::specta]
async fn hosts(shell: This<'_>) -> Answer<Vec<HostView>> {
    Ok(shell.app.hosts().await)
}

#[tauri::command]
#[specta::specta]
async fn add_host(shell: This<'_>, address: String) -> Answer<HostView> {
    shell.app.add_host(&address).await
}

#[tauri::command]
#[specta::specta]
async fn pair(shell: This<'_>, host_id: String, pin: String) -> Answer<()> {
    shell.app.pair(&host_id, &pin).await
}

#[tauri::command]
#[specta::specta]
async fn wake(shell: This<'_>, host_id: String) -> Answer<()> {
    shell.app.wake(&host_id).await
}

#[tauri::command]
#[specta::specta]
async fn forget_host(shell: This<'_>, host_id: String) -> Answer<()> {
    shell.app.forget_host(&host_id).await
}

#[tauri::command]
#[specta::specta]
async fn play(shell: This<'_>, edition_id: String) -> Answer<()> {
    shell.app.play(&edition_id)
}

#[tauri::command]
#[specta::specta]
async fn play_state(shell: This<'_>) -> Answer<PlayState> {
    Ok(shell.app.play_state())
}

#[tauri::command]
#[specta::specta]
async fn cancel_play(shell: This<'_>) -> Answer<()> {
    shell.app.stop_play();
    Ok(())
}

#[tauri::command]
#[specta::specta]
async fn stop_play(shell: This<'_>) -> Answer<()> {
    shell.app.stop_play();
    Ok(())
}

#[tauri::command]
#[specta::specta]
async fn end_running(shell: This<'_>, edition_id: String) -> Answer<()> {
    shell.app.end_running(&edition_id).await
}

#[tauri::command]
#[specta::specta]
async fn dismiss_report(shell: This<'_>) -> Answer<()> {
    shell.app.dismiss_report();
    Ok(())
}

#[tauri::command]
#[specta::specta]
async fn settings(shell: This<'_>, host: Option<String>, game: Option<String>) -> Answer<Vec<SettingView>> {
    Ok(shell.app.settings(&Context { network: None, host, game }))
}

#[tauri::command]
#[specta::specta]
async fn set_setting(shell: This<'_>, key: String, layer: Layer, scope: Option<String>, value: Value) -> Answer<()> {
    shell.app.set_setting(&key, layer, scope.as_deref(), value).await
}

#[tauri::command]
#[specta::specta]
async fn reset_setting(shell: This<'_>, key: String, layer: Layer, scope: Option<String>) -> Answer<()> {
    shell.app.reset_setting(&key, layer, scope.as_deref()).await
}

#[tauri::command]
#[specta::specta]
async fn doctor(shell: This<'_>) -> Answer<Vec<Check>> {
    Ok(shell.app.doctor().await)
}

#[tauri::command]
#[specta::specta]
async fn about(shell: This<'_>) -> Answer<About> {
    let folders = folders(&shell.folders);
    Ok(About {
        version: env!("CARGO_PKG_VERSION"),
        licence: "MIT OR Apache-2.0",
        parts: PARTS.iter().map(|&(name, version, licence)| Part { name, version, licence }).collect(),
        folders: folders.iter().map(|(name, path)| Folder { name, path: path.display().to_string() }).collect(),
    })
}

#[tauri::command]
#[specta::specta]
async fn open_folder(shell: This<'_>, name: String) -> Answer<()> {
    let folders = folders(&shell.folders);
    // Only ours: the page names one, it gives no path.
    let path = folders.iter().find(|(known, _)| *known == name).map(|(_, path)| path.clone());
    let failed = |why: String| {
        let next = "Open it yourself: its path is shown.";
        Problem::new(ProblemKind::Unsupported, "The folder could not be opened.", why, next)
    };
    let path = path.ok_or_else(|| failed(format!("There is no folder called {name:?}.")))?;
    let opened = tokio::task::spawn_blocking(move || open::that_detached(path)).await;
    opened.map_err(|error| failed(format!("{error}.")))?.map_err(|error| failed(format!("{error}.")))
}

#[tauri::command]
#[specta::specta]
async fn quit(handle: AppHandle) -> Answer<()> {
    crate::window::leave(&handle);
    Ok(())
}

fn folders(folders: &Folders) -> [(&'static str, PathBuf); 5] {
    [
        ("settings", folders.config.clone()),
        ("data", folders.data.clone()),
        ("cache", folders.cache.clone()),
        ("logs", folders.state.clone()),
        ("reports", crate::world::reports(folders)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page is written against these. To take a change over: `ENTENTE_BLESS=1 cargo test -p entente-shell`.
    #[test]
    fn the_bindings_of_the_page_are_those_of_the_commands() {
        let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/../ui/src/backend/bindings.ts");
        let made = std::env::temp_dir().join(format!("entente-bindings-{}.ts", std::process::id()));
        all().export(specta_typescript::Typescript::default(), &made).unwrap();
        let text = std::fs::read_to_string(&made).unwrap();
        std::fs::remove_file(&made).unwrap();
        if std::env::var_os("ENTENTE_BLESS").is_some() {
            std::fs::write(committed, &text).unwrap();
        }
        let old = std::fs::read_to_string(committed).unwrap_or_default();
        assert!(old == text, "ui/src/backend/bindings.ts is not what the commands are: see this test");
    }
}
