//! The OAuth side over HTTP: every grant, every refusal, the pages of consent.

use std::net::SocketAddr;
use std::time::Duration;

use entente_demo::{AccountsConfig, DemoCloud, DemoConfig};
use serde_json::Value;

use crate::http::{Reply, send};

pub(crate) const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
pub(crate) const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
pub(crate) const GUEST_GRANT: &str = "urn:entente:params:oauth:grant-type:guest";
// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const REDIRECT: &str = "http://127.0.0.1:9/done?x=1";

/// Lives that do not make tests wait. No interval: four requests can be done within a millisecond.
pub(crate) fn quick() -> AccountsConfig {
    AccountsConfig { device_interval: Duration::ZERO, ..AccountsConfig::default() }
}

pub(crate) fn cloud(accounts: AccountsConfig) -> DemoCloud {
    DemoCloud::start(DemoConfig { accounts, ..DemoConfig::default() }).expect("the cloud starts")
}

pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

pub(crate) fn post_form(at: SocketAddr, path: &str, fields: &[(&str, &str)]) -> Reply {
    send(at, "POST", path, &[FORM], &form(fields))
}

pub(crate) fn json(reply: &Reply) -> Value {
    serde_json::from_str(&reply.body).unwrap_or_else(|error| panic!("{error}: {reply:?}"))
}

pub(crate) fn token(at: SocketAddr, fields: &[(&str, &str)]) -> Reply {
    post_form(at, "/oauth/token", fields)
}

pub(crate) fn error(reply: &Reply) -> String {
    assert!((400..500).contains(&reply.status), "{reply:?}");
    let body = json(reply);
    assert!(body["error_description"].is_string(), "{body}");
    body["error"].as_str().unwrap().to_owned()
}

/// A page with a form: its hidden fields, and the cookie that goes with them.
pub(crate) struct Page {
    pub(crate) cookie: String,
    pub(crate) fields: Vec<(String, String)>,
}

pub(crate) fn page(reply: &Reply) -> Page {
    assert_eq!(reply.header("content-type"), Some("text/html; charset=utf-8"), "{reply:?}");
    let policy = reply.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-") && policy.contains("frame-ancestors 'none'"));
    assert_eq!(reply.header("access-control-allow-origin"), None, "no other site may read it");
    let set = reply.header("set-cookie").expect("a cookie");
    assert!(set.contains("HttpOnly") && set.contains("SameSite=Strict"), "{set}");
    let mut fields = Vec::new();
    for input in reply.body.split("<input ").skip(1).filter(|input| input.starts_with("type=\"hidden\"")) {
        let value = |name: &str| {
            let (_, rest) = input.split_once(&format!("{name}=\"")).unwrap();
            rest.split('"').next().unwrap().replace("&amp;", "&").replace("&#39;", "'")
        };
        fields.push((value("name"), value("value")));
    }
    Page { cookie: set.split(';').next().unwrap().to_owned(), fields }
}

impl Page {
    pub(crate) fn send(&self, at: SocketAddr, path: &str, more: &[(&str, &str)]) -> Reply {
        let mut fields: Vec<(&str, &str)> =
            self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        fields.extend(more);
        send(at, "POST", path, &[FORM, ("Cookie", &self.cookie), ("Sec-Fetch-Site", "same-origin")], &form(&fields))
    }
}

fn decide(at: SocketAddr, code: &str, more: &[(&str, &str)]) -> Reply {
    let shown = send(at, "GET", &format!("/device?user_code={code}"), &[], "");
    assert_eq!(shown.status, 200, "{shown:?}");
    page(&shown).send(at, "/device", more)
}

/// Signs a player in with a code: the token answer.
pub(crate) fn sign_in(at: SocketAddr, name: &str, scope: &str) -> Value {
    let started = json(&post_form(at, "/oauth/device", &[("client_id", "entente-desktop"), ("scope", scope)]));
    let allowed = decide(at, started["user_code"].as_str().unwrap(), &[("name", name), ("decision", "allow")]);
    assert!(allowed.body.contains("Signed in"), "{allowed:?}");
    let code = started["device_code"].as_str().unwrap();
    let fields = [("grant_type", DEVICE_GRANT), ("client_id", "entente-desktop"), ("device_code", code)];
    let reply = token(at, &fields);
    assert_eq!((reply.status, reply.header("cache-control")), (200, Some("no-store")), "{reply:?}");
    json(&reply)
}

pub(crate) fn access_token(tokens: &Value) -> String {
    tokens["access_token"].as_str().unwrap().to_owned()
}

pub(crate) fn get(at: SocketAddr, path: &str, token: &str) -> Reply {
    send(at, "GET", path, &[("Authorization", &format!("Bearer {token}"))], "")
}

#[test]
fn a_device_signs_in_with_a_code() {
    let cloud = cloud(quick());
    let at = cloud.address();
    let reply = post_form(at, "/oauth/device", &[("client_id", "entente-desktop"), ("scope", "library play")]);
    let started = json(&reply);
    assert_eq!((reply.status, started["expires_in"].as_u64(), started["interval"].as_u64()), (200, Some(600), Some(1)));
    let (device, user) = (started["device_code"].as_str().unwrap(), started["user_code"].as_str().unwrap());
    assert!(user.len() == 9 && user.chars().nth(4) == Some('-'), "{user}");
    assert_eq!(started["verification_uri"], format!("http://localhost/device"), "as the client called the host");
    assert!(started["verification_uri_complete"].as_str().unwrap().ends_with(&format!("/device?user_code={user}")));
    let poll = || token(at, &[("grant_type", DEVICE_GRANT), ("client_id", "entente-desktop"), ("device_code", device)]);
    assert_eq!(error(&poll()), "authorization_pending");
    // Typed by hand, in small letters and without the dash.
    let first = page(&send(at, "GET", "/device", &[], ""));
    let typed = user.replace('-', "").to_lowercase();
    let asked = first.send(at, "/device", &[("user_code", &typed)]);
    assert!(asked.status == 200 && asked.body.contains("no passwords") && asked.body.contains(user), "{asked:?}");
    let question = page(&asked);
    let unnamed = question.send(at, "/device", &[("decision", "allow"), ("name", "  ")]);
    assert!(unnamed.status == 400 && unnamed.body.contains("role=\"alert\""), "{unnamed:?}");
    let done = page(&unnamed).send(at, "/device", &[("decision", "allow"), ("name", " Ada <b> ")]);
    assert!(done.status == 200 && done.body.contains("Signed in"), "{done:?}");
    let tokens = json(&poll());
    assert_eq!(
        (&tokens["token_type"], &tokens["expires_in"], &tokens["scope"]),
        (&"Bearer".into(), &600.into(), &"library play".into())
    );
    let me = json(&get(at, "/api/v1/me", &access_token(&tokens)));
    assert_eq!((me["name"].as_str(), me["guest"].as_bool()), (Some("Ada <b>"), Some(false)));
    assert_eq!(error(&poll()), "invalid_grant");
    let again = send(at, "GET", &format!("/device?user_code={user}"), &[], "");
    assert!(again.status == 404 && again.body.contains("used"), "{again:?}");
    assert!(!again.body.contains("<b>"), "names are no markup");
}

#[test]
fn devices_are_denied_slowed_down_and_too_late() {
    let lives = AccountsConfig {
        device_interval: Duration::from_secs(60),
        device_lifetime: Duration::from_millis(900),
        ..AccountsConfig::default()
    };
    let cloud = cloud(lives);
    let at = cloud.address();
    let start = || json(&post_form(at, "/oauth/device", &[("client_id", "entente-desktop")]));
    let poll = |started: &Value| {
        let code = started["device_code"].as_str().unwrap();
        error(&token(at, &[("grant_type", DEVICE_GRANT), ("client_id", "entente-desktop"), ("device_code", code)]))
    };
    let (hasty, denied) = (start(), start());
    assert_eq!(poll(&hasty), "authorization_pending");
    assert_eq!(poll(&hasty), "slow_down");
    let page = decide(at, denied["user_code"].as_str().unwrap(), &[("decision", "deny")]);
    assert!(page.body.contains("Denied"), "{page:?}");
    assert_eq!(poll(&denied), "access_denied");
    std::thread::sleep(Duration::from_millis(950));
    assert_eq!(poll(&start()), "authorization_pending");
    assert_eq!(poll(&hasty), "expired_token");
}

#[test]
fn forms_from_elsewhere_and_guesses_are_refused() {
    let cloud = cloud(quick());
    let at = cloud.address();
    let started = json(&post_form(at, "/oauth/device", &[("client_id", "entente-desktop")]));
    let user = started["user_code"].as_str().unwrap();
    let mine = page(&send(at, "GET", &format!("/device?user_code={user}"), &[], ""));
    let consent = mine.fields.iter().find(|(name, _)| name == "consent").unwrap().1.clone();
    let fields = form(&[("user_code", user), ("name", "Eve"), ("decision", "allow"), ("consent", &consent)]);
    let cookie = ("Cookie", mine.cookie.as_str());
    for headers in
        [vec![FORM], vec![FORM, ("Cookie", "entente_consent=x")], vec![FORM, cookie, ("Sec-Fetch-Site", "cross-site")]]
    {
        let reply = send(at, "POST", "/device", &headers, &fields);
        assert_eq!(reply.status, 403, "{reply:?}");
    }
    let allowed = mine.send(at, "/device", &[("name", "Ada"), ("decision", "allow")]);
    assert_eq!(allowed.status, 200, "{allowed:?}");
    assert_eq!(mine.send(at, "/device", &[("name", "Ada"), ("decision", "allow")]).status, 403, "a form is good once");
    let other = json(&post_form(at, "/oauth/device", &[("client_id", "entente-desktop")]));
    for _ in 0..10 {
        assert_eq!(send(at, "GET", "/device?user_code=BBBB-BBBB", &[], "").status, 404);
    }
    let right = send(at, "GET", &format!("/device?user_code={}", other["user_code"].as_str().unwrap()), &[], "");
    assert_eq!(right.status, 429, "after too many guesses even the right one waits");
}

/// Asks for consent in the redirect flow and decides: where the browser is sent.
fn authorize(at: SocketAddr, change: &[(&str, &str)], more: &[(&str, &str)]) -> Reply {
    let mut fields = vec![
        ("response_type", "code"),
        ("client_id", "entente-desktop"),
        ("redirect_uri", REDIRECT),
        ("state", "s&t=1"),
        ("scope", "library"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    for (name, value) in change {
        fields.iter_mut().filter(|(known, _)| known == name).for_each(|field| field.1 = value);
    }
    let shown = send(at, "GET", &format!("/oauth/authorize?{}", form(&fields)), &[], "");
    if shown.status != 200 {
        return shown;
    }
    assert!(shown.header("content-security-policy").unwrap().contains("form-action 'self' http://127.0.0.1:*"));
    page(&shown).send(at, "/oauth/authorize", more)
}

fn sent_to(reply: &Reply) -> std::collections::HashMap<String, String> {
    assert_eq!(reply.status, 303, "{reply:?}");
    let location = url::Url::parse(reply.header("location").unwrap()).unwrap();
    assert!(location.as_str().starts_with("http://127.0.0.1:9/done?x=1&"), "{location}");
    location.query_pairs().into_owned().collect()
}

#[test]
fn a_browser_comes_back_with_a_code() {
    let cloud = cloud(quick());
    let at = cloud.address();
    let allow = [("name", "Ada"), ("decision", "allow")];
    let code = || {
        let fields = sent_to(&authorize(at, &[], &allow));
        assert_eq!(fields["state"], "s&t=1");
        fields["code"].clone()
    };
    let exchange = |code: &str, redirect: &str, verifier: &str| {
        token(
            at,
            &[
                ("grant_type", "authorization_code"),
                ("client_id", "entente-desktop"),
                ("code", code),
                ("redirect_uri", redirect),
                ("code_verifier", verifier),
            ],
        )
    };
    let good = code();
    let tokens = json(&exchange(&good, REDIRECT, VERIFIER));
    assert_eq!(tokens["scope"], "library");
    assert_eq!(get(at, "/api/v1/me", &access_token(&tokens)).status, 200);
    assert_eq!(error(&exchange(&good, REDIRECT, VERIFIER)), "invalid_grant");
    let gone = get(at, "/api/v1/me", &access_token(&tokens));
    assert_eq!(gone.status, 401, "a code that comes twice ends what it gave");
    assert_eq!(error(&exchange(&code(), REDIRECT, &VERIFIER.replace('d', "e"))), "invalid_grant");
    assert_eq!(error(&exchange(&code(), "http://127.0.0.1:9/other", VERIFIER)), "invalid_grant");
    assert_eq!(error(&exchange("nonsense", REDIRECT, VERIFIER)), "invalid_grant");
}

#[test]
fn a_browser_is_sent_back_with_an_error_or_not_at_all() {
    let cloud = cloud(quick());
    let at = cloud.address();
    let denied = sent_to(&authorize(at, &[], &[("decision", "deny")]));
    assert_eq!((denied["error"].as_str(), denied["state"].as_str()), ("access_denied", "s&t=1"));
    for (change, error) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("code_challenge", "short"), "invalid_request"),
        (("state", ""), "invalid_request"),
        (("scope", "admin"), "invalid_scope"),
    ] {
        assert_eq!(sent_to(&authorize(at, &[change], &[]))["error"], error, "{change:?}");
    }
    for change in [("client_id", "other"), ("redirect_uri", "https://example.invalid/"), ("redirect_uri", "")] {
        let reply = authorize(at, &[change], &[]);
        assert_eq!((reply.status, reply.header("location")), (400, None), "{change:?}: nobody to send it to");
    }
    assert_eq!(authorize(at, &[], &[("decision", "allow")]).status, 400, "without a name");
}

#[test]
fn tokens_are_renewed_and_a_second_use_ends_the_sign_in() {
    let cloud = cloud(quick());
    let at = cloud.address();
    let first = sign_in(at, "Ada", "");
    let refresh = |tokens: &Value| {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
        token(at, &fields)
    };
    let second = json(&refresh(&first));
    let third = json(&refresh(&second));
    assert_ne!(second["refresh_token"], third["refresh_token"]);
    assert_eq!(error(&refresh(&first)), "invalid_grant");
    assert_eq!(error(&refresh(&third)), "invalid_grant");
    for tokens in [first, second, third] {
        let reply = get(at, "/api/v1/me", &access_token(&tokens));
        assert_eq!(reply.status, 401);
        assert!(reply.header("www-authenticate").unwrap().contains("error=\"invalid_token\""), "{reply:?}");
        reply.problem();
    }
}

#[test]
fn revoked_tokens_are_good_for_nothing() {
    let cloud = cloud(quick());
    let at = cloud.address();
    let tokens = sign_in(at, "Ada", "");
    let revoke = |fields: &[(&str, &str)]| post_form(at, "/oauth/revoke", fields);
    let refresh = tokens["refresh_token"].as_str().unwrap();
    assert_eq!(revoke(&[("token", refresh), ("client_id", "entente-desktop")]).status, 200);
    assert_eq!(revoke(&[("token", "unknown")]).status, 200, "RFC 7009 section 2.2");
    assert_eq!(error(&revoke(&[])), "invalid_request");
    assert_eq!(get(at, "/api/v1/me", &access_token(&tokens)).status, 401);
    assert_eq!(error(&token(at, &[("grant_type", "refresh_token"), ("refresh_token", refresh)])), "invalid_grant");
}

#[test]
fn guests_play_without_a_name_unless_nobody_may() {
    let open = cloud(quick());
    let at = open.address();
    let reply = token(at, &[("grant_type", GUEST_GRANT)]);
    let tokens = json(&reply);
    assert_eq!((reply.status, &tokens["scope"]), (200, &"library play".into()));
    assert!(tokens["refresh_token"].is_string(), "a guest can stay who he is");
    let me = json(&get(at, "/api/v1/me", &access_token(&tokens)));
    assert_eq!((me["guest"].as_bool(), me["name"].as_str()), (Some(true), Some("Guest")));
    let closed = cloud(AccountsConfig { guests: false, ..quick() });
    assert_eq!(error(&token(closed.address(), &[("grant_type", GUEST_GRANT)])), "unsupported_grant_type");
}

#[test]
fn what_is_not_understood_has_its_error() {
    let cloud = cloud(quick());
    let at = cloud.address();
    let client = ("client_id", "entente-desktop");
    for (fields, expected) in [
        (vec![], "invalid_request"),
        (vec![("grant_type", "password")], "unsupported_grant_type"),
        (vec![("grant_type", "authorization_code"), client], "invalid_request"),
        (vec![("grant_type", "refresh_token"), ("refresh_token", "unknown")], "invalid_grant"),
        (vec![("grant_type", "refresh_token"), ("refresh_token", "x"), ("client_id", "other")], "invalid_client"),
        (vec![("grant_type", DEVICE_GRANT), ("device_code", "x")], "invalid_request"),
        (vec![("grant_type", DEVICE_GRANT), ("device_code", "x"), client], "invalid_grant"),
        (vec![("grant_type", GUEST_GRANT), ("scope", "everything")], "invalid_scope"),
        (vec![("grant_type", GUEST_GRANT), ("grant_type", GUEST_GRANT)], "invalid_request"),
    ] {
        assert_eq!(error(&token(at, &fields)), expected, "{fields:?}");
    }
    assert_eq!(error(&post_form(at, "/oauth/device", &[])), "invalid_request");
    assert_eq!(error(&post_form(at, "/oauth/device", &[("client_id", "other")])), "invalid_client");
    let secret = send(at, "POST", "/oauth/token", &[FORM, ("Authorization", "Basic eDp5")], "grant_type=password");
    assert_eq!((secret.status, error(&secret).as_str()), (401, "invalid_client"));
    let large = format!("grant_type={}", "x".repeat(9000));
    assert_eq!(send(at, "POST", "/oauth/token", &[FORM], &large).status, 413);
    assert_eq!(send(at, "POST", "/oauth/token", &[("Content-Type", "application/json")], "{}").status, 415);
    for (method, path) in [("GET", "/oauth/token"), ("PUT", "/device"), ("POST", "/api/v1/me")] {
        let reply = send(at, method, path, &[], "");
        assert_eq!(reply.status, 405, "{method} {path}");
        reply.problem();
    }
}

#[test]
fn tokens_live_as_long_as_they_say() {
    let cloud = cloud(AccountsConfig { access_lifetime: Duration::from_secs(1), ..quick() });
    let at = cloud.address();
    let tokens = sign_in(at, "Ada", "play");
    assert_eq!(tokens["expires_in"], 1);
    assert_eq!(get(at, "/api/v1/me", &access_token(&tokens)).status, 200);
    std::thread::sleep(Duration::from_millis(1050));
    assert_eq!(get(at, "/api/v1/me", &access_token(&tokens)).status, 401);
    let fields = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
    let renewed = json(&token(at, &fields));
    assert_eq!(get(at, "/api/v1/me", &access_token(&renewed)).status, 200);
    let lacking = get(at, "/api/v1/titles", &access_token(&renewed));
    assert_eq!(lacking.status, 403, "the scope is play");
    assert!(lacking.header("www-authenticate").unwrap().contains("insufficient_scope"), "{lacking:?}");
    lacking.problem();
    let nobody = send(at, "GET", "/api/v1/me", &[], "");
    assert_eq!((nobody.status, nobody.header("www-authenticate")), (401, Some("Bearer realm=\"entente\"")));
}
