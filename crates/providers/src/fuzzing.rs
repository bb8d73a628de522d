//! Parsers of outside bytes, for the fuzz targets.

/// A page of titles and a list of sessions.
pub fn catalogue(bytes: &[u8]) {
    let _ = crate::cloud::read_titles(bytes);
    let _ = crate::cloud::read_sessions(bytes);
}

/// What a browser came back with.
pub fn redirect(bytes: &[u8]) {
    let _ = crate::oauth::Redirected::read(&String::from_utf8_lossy(bytes));
}
