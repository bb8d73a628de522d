//! Links into Entente: `entente://play/demo/game`. Any web page can hold one, so a link only ever opens a place.

use url::Url;

/// Scheme of the links.
pub const SCHEME: &str = "entente";
/// Longest link.
const LONGEST: usize = 512;
/// Places without anything behind them.
const PLACES: [&str; 5] = ["library", "settings", "accounts", "hosts", "doctor"];
/// Places with an edition or a card behind them.
const OF_TITLE: [&str; 2] = ["play", "card"];

/// The place that a link opens: `library`, `settings`, `accounts`, `hosts`, `doctor`, `card/ID` or `play/ID`, where the
/// identifier is that of a card or of an edition (`provider/title`, or with `@place`). `None`: not a link of ours.
#[must_use]
pub fn target(link: &str) -> Option<String> {
    if link.len() > LONGEST {
        return None;
    }
    let url = Url::parse(link.trim()).ok()?;
    let plain = url.username().is_empty() && url.password().is_none() && url.port().is_none();
    if url.scheme() != SCHEME || !plain || url.query().is_some() || url.fragment().is_some() {
        return None;
    }
    let place = url.host_str()?;
    let rest = url.path().trim_matches('/');
    if rest.is_empty() {
        return PLACES.contains(&place).then(|| place.to_owned());
    }
    let parts: Vec<&str> = rest.split('/').collect();
    let known = |part: &&str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@~:".contains(&byte);
        !part.is_empty() && part.bytes().all(plain)
    };
    let right = OF_TITLE.contains(&place) && parts.len() == 2 && parts.iter().all(known);
    right.then(|| format!("{place}/{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn links_open_places_and_nothing_else() {
        for (link, place) in [
            ("entente://library", Some("library")),
            ("entente://settings/", Some("settings")),
            ("entente://play/demo/game", Some("play/demo/game")),
            ("entente://play/demo/course-1@near", Some("play/demo/course-1@near")),
            ("ENTENTE://card/demo/game", Some("card/demo/game")),
            ("entente://play", None),
            ("entente://play/demo", None),
            ("entente://play/demo/a/b", None),
            ("entente://play/demo/%2e%2e", None),
            ("entente://play/demo/game?now", None),
            ("entente://someone@play/demo/game", None),
            ("entente://quit", None),
            ("entente:play/demo/game", None),
            ("https://play/demo/game", None),
            ("", None),
        ] {
            assert_eq!(target(link).as_deref(), place, "{link}");
        }
        assert_eq!(target(&format!("entente://play/demo/{}", "a".repeat(600))), None);
    }

    proptest! {
        #[test]
        fn what_is_taken_is_plain(link in "(entente://(play|card|library)/)?.{0,60}") {
            if let Some(place) = target(&link) {
                prop_assert!(place.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'%' && byte != b'?'));
                prop_assert!(!place.starts_with('/') && place.matches('/').count() != 1);
            }
        }
    }
}
