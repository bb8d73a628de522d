//! Readers of what clients and people hand in: codes, addresses, names, scopes.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// Letters of a user code: no vowels, so that no words come about, and nothing that looks like something else
/// (RFC 8628 section 6.1).
pub(crate) const CODE_LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
/// Letters of a user code.
pub(crate) const CODE_LENGTH: usize = 8;
/// Longest name of a player, in characters.
const MAX_NAME: usize = 24;
/// Longest redirect address.
const MAX_REDIRECT: usize = 512;

/// A user code as it is kept: eight capital letters. People may leave out or add dashes and spaces, and write small
/// letters.
#[must_use]
pub fn user_code(typed: &str) -> Option<String> {
    if typed.len() > 64 {
        return None;
    }
    let mut code = String::with_capacity(CODE_LENGTH);
    for character in typed.chars() {
        let upper = character.to_ascii_uppercase();
        match u8::try_from(upper) {
            Ok(b'-' | b' ') => {}
            Ok(letter) if CODE_LETTERS.contains(&letter) => code.push(upper),
            _ => return None,
        }
    }
    (code.len() == CODE_LENGTH).then_some(code)
}

/// A user code as it is shown: `XXXX-XXXX`.
pub(crate) fn shown_code(code: &str) -> String {
    let (left, right) = code.split_at_checked(CODE_LENGTH / 2).unwrap_or((code, ""));
    format!("{left}-{right}")
}

/// A redirect address of a program on the user's own machine (RFC 8252 section 7.3): `http`, a loopback address as
/// digits, any port, any path and query, no fragment.
#[must_use]
pub fn loopback_redirect(text: &str) -> Option<url::Url> {
    // As written: the parser would also take `http://2130706433/` for loopback.
    let literal = ["http://127.0.0.1", "http://[::1]"].iter().find_map(|start| text.strip_prefix(start))?;
    if text.len() > MAX_REDIRECT
        || !literal.starts_with([':', '/'])
        || !text.bytes().all(|byte| byte.is_ascii_graphic())
    {
        return None;
    }
    let url = url::Url::parse(text).ok()?;
    let loopback = match url.host()? {
        url::Host::Ipv4(address) => address.is_loopback(),
        url::Host::Ipv6(address) => address.is_loopback(),
        url::Host::Domain(_) => false,
    };
    let plain = url.scheme() == "http" && url.username().is_empty() && url.password().is_none();
    (loopback && plain && url.fragment().is_none()).then_some(url)
}

/// The name of a player as it is kept: trimmed, single spaces, at most 24 characters, nothing that cannot be seen.
#[must_use]
pub fn player_name(typed: &str) -> Option<String> {
    if typed.len() > MAX_NAME * 8 {
        return None;
    }
    let name = typed.split_whitespace().collect::<Vec<_>>().join(" ");
    // Besides control characters those that turn the direction of text, or have no width.
    let unseen = |character: char| {
        character.is_control()
            || matches!(u32::from(character), 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff)
    };
    let fits = !name.is_empty() && name.chars().count() <= MAX_NAME && !name.chars().any(unseen);
    fits.then_some(name)
}

/// What a token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scopes {
    pub(crate) library: bool,
    pub(crate) play: bool,
}

impl Scopes {
    pub(crate) const ALL: Self = Self { library: true, play: true };

    /// From a list with spaces (RFC 6749 section 3.3); an empty one asks for everything.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut scopes = Self { library: false, play: false };
        for name in text.split(' ').filter(|name| !name.is_empty()) {
            match name {
                "library" => scopes.library = true,
                "play" => scopes.play = true,
                _ => return None,
            }
        }
        Some(if scopes.library || scopes.play { scopes } else { Self::ALL })
    }

    /// Whether everything in it is in `other` too.
    pub(crate) const fn within(self, other: Self) -> bool {
        (!self.library || other.library) && (!self.play || other.play)
    }
}

impl std::fmt::Display for Scopes {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match (self.library, self.play) {
            (true, true) => "library play",
            (true, false) => "library",
            (false, true) => "play",
            (false, false) => "",
        })
    }
}

/// Whether this can be the S256 challenge of PKCE: the 32 bytes of a hash (RFC 7636 section 4.2).
pub(crate) fn is_challenge(text: &str) -> bool {
    URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == 32)
}

/// Whether the verifier has the form of RFC 7636 section 4.1 and its hash is the challenge.
#[must_use]
pub fn verifies(verifier: &str, challenge: &str) -> bool {
    let formed = (43..=128).contains(&verifier.len())
        && verifier.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
    // Who measures the comparison learns about a hash that only lives for a minute and once.
    formed && URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)) == challenge
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn user_codes_are_read_as_people_type_them() {
        for typed in ["BCDF-GHJK", "bcdfghjk", " bcdf ghjk ", "b-c-d-f-g-h-j-k"] {
            assert_eq!(user_code(typed).as_deref(), Some("BCDFGHJK"), "{typed}");
        }
        for typed in ["", "BCDF-GHJ", "BCDF-GHJKL", "ACDF-GHJK", "BCDF-GHJ0", "BCDF_GHJK", "BCDF-GHJ\u{212a}"] {
            assert_eq!(user_code(typed), None, "{typed}");
        }
        assert_eq!(shown_code("BCDFGHJK"), "BCDF-GHJK");
    }

    #[test]
    fn only_loopback_addresses_are_redirected_to() {
        for good in
            ["http://127.0.0.1:1/", "http://127.0.0.1/", "http://[::1]:65535/callback?a=1", "http://127.0.0.1:80"]
        {
            assert!(loopback_redirect(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "https://127.0.0.1:1/",
            "http://localhost:1/",
            "http://127.0.0.1.example.invalid/",
            "http://127.0.0.1@example.invalid/",
            "http://127.0.0.1:1@example.invalid/",
            "http://127.0.0.1:x/",
            "http://127.0.0.2:1/",
            "http://2130706433/",
            "http://[::1].example.invalid/",
            "http://[::2]:1/",
            "http://127.0.0.1:1/#fragment",
            "http://127.0.0.1:1/a b",
            "http://127.0.0.1:1/\r\nx: y",
            "javascript:alert(1)",
            "entente://callback",
        ] {
            assert!(loopback_redirect(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn names_are_tidied_and_bounded() {
        assert_eq!(player_name("  Ada   Lovelace ").as_deref(), Some("Ada Lovelace"));
        assert_eq!(player_name(&"\u{e9}".repeat(24)), Some("\u{e9}".repeat(24)));
        for bad in ["", " \t ", "a\u{7}b", "a\u{202e}b", "a\u{200b}b"] {
            assert_eq!(player_name(bad), None, "{bad:?}");
        }
        assert_eq!(player_name(&"x".repeat(25)), None);
    }

    #[test]
    fn the_example_of_the_standard_verifies() {
        // RFC 7636 appendix B.
        let (verifier, challenge) =
            ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert!(is_challenge(challenge) && verifies(verifier, challenge));
        assert!(!verifies("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl", challenge));
        assert!(!verifies("short", challenge) && !is_challenge("short"));
    }

    #[test]
    fn scopes_are_read_and_compared() {
        let library = Scopes::read("library").unwrap();
        assert_eq!((Scopes::read("play library"), Scopes::read("")), (Some(Scopes::ALL), Some(Scopes::ALL)));
        assert!(library.within(Scopes::ALL) && !Scopes::ALL.within(library));
        assert_eq!((Scopes::read("admin"), Scopes::ALL.to_string().as_str()), (None, "library play"));
    }

    proptest! {
        #[test]
        fn whatever_is_typed_is_read_or_refused(text in ".{0,80}", code in "[A-Za-z -]{0,20}") {
            for typed in [&text, &code] {
                if let Some(code) = user_code(typed) {
                    prop_assert!(code.len() == 8 && code.bytes().all(|letter| CODE_LETTERS.contains(&letter)));
                    let shown = shown_code(&code);
                    prop_assert_eq!(user_code(&shown), Some(code));
                }
                if let Some(name) = player_name(typed) {
                    prop_assert_eq!(player_name(&name), Some(name.clone()), "tidying twice changes nothing");
                }
                let _ = (Scopes::read(typed), verifies(typed, typed), is_challenge(typed));
            }
        }

        #[test]
        fn what_is_redirected_to_is_loopback(rest in ".{0,40}", port in any::<u16>()) {
            for text in [format!("http://127.0.0.1{rest}"), format!("http://[::1]:{port}{rest}"), rest] {
                if let Some(url) = loopback_redirect(&text) {
                    prop_assert!(matches!(url.host_str(), Some("127.0.0.1" | "[::1]")));
                }
            }
        }
    }
}
