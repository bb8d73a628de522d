//! The page on which a person allows a sign-in: after typing a code, or on the way of a redirect. Works without scripts.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{ConnectInfo, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::account::Player;
use crate::account::check::{self, Scopes};
use crate::clock;
use crate::server::form::{Form, MAX_FORM};
use crate::server::problem::Problem;
use crate::server::{Cloud, body, oauth};

const FORM: &str = "application/x-www-form-urlencoded";
/// Carries the token of the form a second time, where other sites cannot put it (the double-submit pattern).
const COOKIE: &str = "entente_consent";
/// Longest `state` that is sent back.
const MAX_STATE: usize = 1024;

const STYLE: &str = "\
:root{color-scheme:light dark}\
body{font:1.125rem/1.5 system-ui,sans-serif;margin:0;min-height:100vh;display:grid;place-items:center;\
background:#eef1f6;color:#141a26}\
main{box-sizing:border-box;width:min(30rem,100% - 2rem);margin:1rem;padding:2rem;border-radius:1rem;background:#fff}\
h1{font-size:1.5rem;margin:0 0 1rem}\
label{display:block;font-weight:600;margin:1rem 0 .25rem}\
input{box-sizing:border-box;width:100%;font:inherit;padding:.6rem .8rem;border:2px solid #5b6780;border-radius:.5rem;\
background:#fff;color:#141a26}\
input.code{font-family:ui-monospace,monospace;font-size:1.5rem;letter-spacing:.15em;text-transform:uppercase}\
p.buttons{display:flex;gap:1rem;margin:1.5rem 0 0}\
button{flex:1;font:inherit;font-weight:600;padding:.7rem;border-radius:.5rem;border:2px solid #1d4ed8;\
background:#1d4ed8;color:#fff}\
button.second{background:#fff;color:#1d4ed8}\
:focus-visible{outline:3px solid #d97706;outline-offset:2px}\
.error{border-left:.3rem solid #b91c1c;padding-left:.8rem;color:#b91c1c}\
.small{font-size:.95rem;color:#46506a}\
@media(prefers-color-scheme:dark){body{background:#0c1018;color:#e8ecf5}main{background:#171d2a}\
input,button.second{background:#0c1018;color:#e8ecf5}input{border-color:#8b97b3}button.second{color:#a9c1ff}\
.error{color:#ff9b9b;border-color:#ff9b9b}.small{color:#b3bdd4}}";

fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// A page of ours; `target` is where its form may lead besides here.
fn page(status: StatusCode, title: &str, main: &str, target: &str) -> Response {
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title} - Entente demo cloud\
         </title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n{main}</main>\n</body>\n</html>\n",
        title = escape(title),
    );
    let style = STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; form-action 'self'{target}; base-uri 'none'; \
         frame-ancestors 'none'"
    );
    let mut response = (status, html).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

fn message(status: StatusCode, title: &str, text: &str) -> Response {
    page(status, title, &format!("<p role=\"status\">{}</p>\n", escape(text)), "")
}

fn hidden(name: &str, value: &str) -> String {
    format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">\n", escape(name), escape(value))
}

fn said(error: Option<&str>) -> String {
    error.map_or_else(String::new, |error| format!("<p class=\"error\" role=\"alert\">{}</p>\n", escape(error)))
}

/// The question itself: who plays, allow or deny.
fn question(cloud: &Cloud, scopes: Scopes, what: &str, name: &str) -> String {
    let names: String =
        cloud.accounts.names().iter().map(|name| format!("<option value=\"{}\">", escape(name))).collect();
    let may = match (scopes.library, scopes.play) {
        (true, true) => "see the library and play",
        (true, false) => "see the library",
        _ => "play",
    };
    format!(
        "<p>{what} asks to <strong>{may}</strong> as the player that you name here.</p>\n\
         <label for=\"name\">Player name</label>\n\
         <input id=\"name\" name=\"name\" list=\"names\" maxlength=\"24\" autocomplete=\"nickname\" value=\"{name}\">\n\
         <datalist id=\"names\">{names}</datalist>\n\
         <p class=\"small\">This is a demo: there are no passwords. Whoever can open this page can choose any name, and \
         the same name is the same account.</p>\n\
         <p class=\"buttons\"><button name=\"decision\" value=\"allow\">Allow</button>\
         <button class=\"second\" name=\"decision\" value=\"deny\">Deny</button></p>\n",
        what = escape(what),
        name = escape(name),
    )
}

/// Puts a form around its fields, with a token against other sites.
fn form_page(cloud: &Cloud, path: &str, status: StatusCode, title: &str, inner: &str, target: &str) -> Response {
    let Ok(token) = cloud.accounts.consent(clock::now()) else {
        return message(StatusCode::INTERNAL_SERVER_ERROR, "Not now", "This host has no randomness. Try again later.");
    };
    let token = token.reveal();
    let main = format!("<form method=\"post\" action=\"{path}\">\n{}{inner}</form>\n", hidden("consent", token));
    let mut response = page(status, title, &main, target);
    let secure = if cloud.config.tls.is_some() { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={token}; Path={path}; HttpOnly; SameSite=Strict{secure}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// Whether the form was sent from our own page.
fn own_form(cloud: &Cloud, headers: &HeaderMap, form: &Form) -> bool {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    if !matches!(site, None | Some(b"same-origin" | b"none")) {
        return false;
    }
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let Some((_, cookie)) = pairs.find(|(name, _)| *name == COOKIE) else { return false };
    let Some(token) = form.get("consent") else { return false };
    body::same(cookie.as_bytes(), token.as_bytes()) && cloud.accounts.take_consent(clock::now(), token)
}

fn foreign_form() -> Response {
    let text = "This form is too old, was sent twice, or came from elsewhere. Open the page again.";
    message(StatusCode::FORBIDDEN, "Not accepted", text)
}

async fn read_form(headers: &HeaderMap, body: Body) -> Result<Form, Problem> {
    let text = body::text(headers, FORM, body, MAX_FORM).await?;
    Form::read(&text).map_err(|error| Problem::bad_request(error.to_string()))
}

/// The player whom a form names.
fn player(form: &Form) -> Result<Player, &'static str> {
    let name = form.get("name").ok_or("Type a player name.")?;
    check::player_name(name)
        .map(|name| Player::named(&name))
        .ok_or("That name cannot be used: 1 to 24 visible characters, please.")
}

fn code_fields(typed: &str, error: Option<&str>) -> String {
    format!(
        "{}<label for=\"code\">Code</label>\n\
         <input class=\"code\" id=\"code\" name=\"user_code\" required autofocus autocomplete=\"off\" spellcheck=\"false\" \
         maxlength=\"16\" placeholder=\"XXXX-XXXX\" value=\"{}\">\n\
         <p class=\"buttons\"><button>Continue</button></p>\n",
        said(error),
        escape(typed)
    )
}

/// Addresses of one household count as one.
fn guesser(peer: SocketAddr) -> IpAddr {
    match peer.ip().to_canonical() {
        IpAddr::V6(address) => {
            let network = u128::from(address) & !u128::from(u64::MAX);
            IpAddr::V6(network.into())
        }
        address => address,
    }
}

/// What `/device` shows for a typed code: the question, or why there is none.
fn code_page(cloud: &Cloud, peer: SocketAddr, typed: &str, name: &str, error: Option<&str>) -> Response {
    let ask = |status, error: Option<&str>| {
        form_page(cloud, "/device", status, "Sign in with a code", &code_fields(typed, error), "")
    };
    if typed.is_empty() {
        return ask(StatusCode::OK, error);
    }
    let (now, from) = (clock::now(), guesser(peer));
    if !cloud.accounts.may_guess(now, from, false) {
        return ask(StatusCode::TOO_MANY_REQUESTS, Some("Too many wrong codes. Wait a minute and try again."));
    }
    let waiting = check::user_code(typed).and_then(|code| {
        let scopes = cloud.accounts.waiting_device(now, &code)?;
        Some((code, scopes))
    });
    let Some((code, scopes)) = waiting else {
        cloud.accounts.may_guess(now, from, true);
        return ask(StatusCode::NOT_FOUND, Some("This code is unknown, has expired, or was used."));
    };
    let shown = check::shown_code(&code);
    let what = format!("The program that shows the code {shown}");
    let inner = format!("{}{}{}", said(error), hidden("user_code", &shown), question(cloud, scopes, &what, name));
    let status = if error.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    form_page(cloud, "/device", status, "Allow this sign-in?", &inner, "")
}

/// `GET /device`.
pub(super) async fn device(
    State(cloud): State<Arc<Cloud>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    RawQuery(query): RawQuery,
) -> Response {
    let form = Form::read(&query.unwrap_or_default()).unwrap_or_default();
    code_page(&cloud, peer, form.get("user_code").unwrap_or_default(), "", None)
}

/// `POST /device`.
pub(super) async fn decide_device(
    State(cloud): State<Arc<Cloud>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let form = read_form(&headers, body).await?;
    if !own_form(&cloud, &headers, &form) {
        return Ok(foreign_form());
    }
    let typed = form.get("user_code").unwrap_or_default();
    let player = match form.get("decision") {
        None => return Ok(code_page(&cloud, peer, typed, "", None)),
        Some("allow") => match player(&form) {
            Ok(player) => Some(player),
            Err(error) => {
                return Ok(code_page(&cloud, peer, typed, form.get("name").unwrap_or_default(), Some(error)));
            }
        },
        Some(_) => None,
    };
    if !cloud.accounts.may_guess(clock::now(), guesser(peer), false) {
        return Ok(code_page(&cloud, peer, typed, "", None));
    }
    let allowed = player.is_some();
    let decided = check::user_code(typed).is_some_and(|code| cloud.accounts.decide(clock::now(), &code, player));
    Ok(match (decided, allowed) {
        (true, true) => message(StatusCode::OK, "Signed in", "You can close this page and go back to the program."),
        (true, false) => message(StatusCode::OK, "Denied", "Nobody was signed in. You can close this page."),
        (false, _) => code_page(&cloud, peer, typed, "", None),
    })
}

/// A request of the redirect flow whose client and address are good.
struct Wanted {
    redirect: url::Url,
    state: Option<String>,
    /// Scopes and challenge, or the error for the client.
    rest: Result<(Scopes, String), (&'static str, &'static str)>,
}

/// Reads the parameters; the error is for the person, because there is nobody to send it to.
fn wanted(form: &Form) -> Result<Wanted, &'static str> {
    if form.get("client_id") != Some(oauth::CLIENT) {
        return Err("The program that sent you here is not known to this cloud.");
    }
    let redirect = form.get("redirect_uri").and_then(check::loopback_redirect);
    let redirect = redirect.ok_or("The program that sent you here named no address on this computer to return to.")?;
    let state = form.get("state").filter(|state| state.len() <= MAX_STATE).map(str::to_owned);
    let rest = rest(form, state.is_some());
    Ok(Wanted { redirect, state, rest })
}

fn rest(form: &Form, stated: bool) -> Result<(Scopes, String), (&'static str, &'static str)> {
    if form.get("response_type") != Some("code") {
        return Err(("unsupported_response_type", "response_type must be code"));
    }
    if !stated {
        return Err(("invalid_request", "state is missing or too long"));
    }
    if form.get("code_challenge_method") != Some("S256") {
        return Err(("invalid_request", "code_challenge_method must be S256"));
    }
    let challenge = form.get("code_challenge").filter(|challenge| check::is_challenge(challenge));
    let challenge = challenge.ok_or(("invalid_request", "code_challenge is missing or no SHA-256"))?;
    let scopes = Scopes::read(form.get("scope").unwrap_or_default());
    Ok((scopes.ok_or(("invalid_scope", "known scopes are library and play"))?, challenge.to_owned()))
}

fn redirect(mut to: url::Url, state: Option<&str>, fields: &[(&str, &str)]) -> Response {
    to.query_pairs_mut().extend_pairs(fields).extend_pairs(state.map(|state| ("state", state)));
    // 303: the browser must not send the form on (RFC 9700 section 4.12).
    let mut response = StatusCode::SEE_OTHER.into_response();
    if let Ok(location) = HeaderValue::from_str(to.as_str()) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

fn refused(wanted: &Wanted, (error, description): (&str, &str)) -> Response {
    let fields = [("error", error), ("error_description", description)];
    redirect(wanted.redirect.clone(), wanted.state.as_deref(), &fields)
}

fn authorize_page(cloud: &Cloud, form: &Form, wanted: &Wanted, scopes: Scopes, error: Option<&str>) -> Response {
    let mut inner = said(error);
    let names =
        ["response_type", "client_id", "redirect_uri", "state", "scope", "code_challenge", "code_challenge_method"];
    for name in names {
        if let Some(value) = form.get(name) {
            inner.push_str(&hidden(name, value));
        }
    }
    let name = form.get("name").unwrap_or_default();
    inner.push_str(&question(cloud, scopes, "Entente on this computer", name));
    // Browsers hold redirects of a form to the same rule; addresses of IPv6 have no spelling in it.
    let v6 = matches!(wanted.redirect.host(), Some(url::Host::Ipv6(_)));
    let target = if v6 { " http:" } else { " http://127.0.0.1:*" };
    let status = if error.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    form_page(cloud, "/oauth/authorize", status, "Sign in to the demo cloud", &inner, target)
}

/// `GET /oauth/authorize`.
pub(super) async fn authorize(State(cloud): State<Arc<Cloud>>, RawQuery(query): RawQuery) -> Response {
    let form = match Form::read(&query.unwrap_or_default()) {
        Ok(form) => form,
        Err(error) => return message(StatusCode::BAD_REQUEST, "Sign-in not possible", &error.to_string()),
    };
    match wanted(&form) {
        Err(text) => message(StatusCode::BAD_REQUEST, "Sign-in not possible", text),
        Ok(wanted) => match &wanted.rest {
            Err(error) => refused(&wanted, *error),
            Ok((scopes, _)) => authorize_page(&cloud, &form, &wanted, *scopes, None),
        },
    }
}

/// `POST /oauth/authorize`.
pub(super) async fn decide_authorize(
    State(cloud): State<Arc<Cloud>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let form = read_form(&headers, body).await?;
    if !own_form(&cloud, &headers, &form) {
        return Ok(foreign_form());
    }
    let wanted = match wanted(&form) {
        Ok(wanted) => wanted,
        Err(text) => return Ok(message(StatusCode::BAD_REQUEST, "Sign-in not possible", text)),
    };
    let (scopes, challenge) = match &wanted.rest {
        Ok(rest) => rest,
        Err(error) => return Ok(refused(&wanted, *error)),
    };
    if form.get("decision") != Some("allow") {
        return Ok(refused(&wanted, ("access_denied", "the player did not agree")));
    }
    let player = match player(&form) {
        Ok(player) => player,
        Err(error) => return Ok(authorize_page(&cloud, &form, &wanted, *scopes, Some(error))),
    };
    let address = form.get("redirect_uri").unwrap_or_default();
    Ok(match cloud.accounts.authorize(clock::now(), player, *scopes, address, challenge) {
        Ok(code) => redirect(wanted.redirect, wanted.state.as_deref(), &[("code", code.reveal())]),
        Err(error) => refused(&wanted, ("server_error", &error.to_string())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type_is_no_markup() {
        assert_eq!(escape("<a href=\"x\" id='y'>&"), "&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;");
    }

    #[test]
    fn a_network_of_version_six_is_one_guesser() {
        let at = |text: &str| guesser(text.parse().unwrap());
        assert_eq!(at("[2001:db8::1]:1"), at("[2001:db8::2]:9"));
        assert_ne!(at("[2001:db8::1]:1"), at("[2001:db8:0:1::1]:1"));
        assert_eq!(at("[::ffff:192.0.2.1]:1"), at("192.0.2.1:2"));
    }
}
