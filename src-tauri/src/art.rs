//! Pictures of games for the page: from the cache, or fetched once.

use entente_app::App;
use tauri::http::{Response, StatusCode, header};

/// Scheme of their addresses.
pub(crate) const SCHEME: &str = "entente-art";
/// An address names its version, so a picture never changes.
const KEEP: &str = "max-age=31536000, immutable";

/// The answer for the path of an address.
pub(crate) async fn answer(app: &App, path: &str) -> Response<Vec<u8>> {
    let answer = match app.art_at(path).await {
        Ok((bytes, mime)) => Response::builder()
            .header(header::CONTENT_TYPE, mime)
            .header(header::CACHE_CONTROL, KEEP)
            .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
            .body(bytes),
        Err(problem) => {
            tracing::debug!(%problem, path, "no picture");
            Response::builder().status(StatusCode::NOT_FOUND).body(Vec::new())
        }
    };
    // Constant headers: it cannot fail, and an empty answer is as good.
    answer.unwrap_or_default()
}
