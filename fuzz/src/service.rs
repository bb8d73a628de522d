//! Services and their clients: what people and programs send to the demo cloud, what a service answers, what a browser
//! and a player say to the shell, and files that another program may have written.

use entente_app::edge::{read_line, request_target};
use entente_demo::fuzzing::{
    Cursor, Form, Mark, StartBody, loopback_redirect, player_name, title_index, user_code, verifies,
};

use crate::{parts, text};

/// Any of the texts that the account side takes.
pub fn account_request(data: &[u8]) {
    let text = text(data);
    if let Some(code) = user_code(text) {
        assert_eq!(user_code(&code), Some(code), "a code is itself");
    }
    if let Some(url) = loopback_redirect(text) {
        assert!(matches!(url.host_str(), Some("127.0.0.1" | "[::1]")) && url.scheme() == "http", "{url}");
    }
    if let Some(name) = player_name(text) {
        assert!((1..=24).contains(&name.chars().count()) && !name.chars().any(char::is_control), "{name:?}");
        assert_eq!(player_name(&name), Some(name), "a name is itself");
    }
    if let Some(cursor) = Cursor::read(text) {
        let written = cursor.write();
        assert_eq!(Cursor::read(&written).map(Cursor::write), Some(written), "a cursor is itself");
    }
    let _ = (Mark::read(text), title_index(text), StartBody::read(text));
    if let Ok(form) = Form::read(text) {
        let field = |name| form.get(name).unwrap_or_default();
        let _ = verifies(field("code_verifier"), field("code_challenge"));
    }
}

/// What a service answers, as [`parts`]: pages of titles, lists of sessions, and the query that a browser brings back.
pub fn cloud_answer(data: &[u8]) {
    for part in parts(data).into_iter().take(16) {
        entente_providers::fuzzing::catalogue(part);
        entente_providers::fuzzing::redirect(part);
    }
}

/// Files of the store: settings, choices, the sealed file.
pub fn kept_file(data: &[u8]) {
    entente_store::fuzzing::settings(data);
    entente_store::fuzzing::choices(data);
    entente_store::fuzzing::vault(data);
}

/// The head of a browser's request, and a line of the player.
pub fn shell_line(data: &[u8]) {
    if let Some(target) = request_target(data) {
        assert!(target.starts_with('/') && !target.contains(['\r', '\n', ' ']), "{target:?}");
    }
    let _ = read_line(text(data));
    if let Some(place) = entente_app::link::target(text(data)) {
        assert!(place.bytes().all(|byte| byte.is_ascii_graphic()), "{place:?}");
    }
}
