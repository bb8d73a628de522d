//! OAuth 2.0 (RFC 6749) for the account side: discovery, device codes, tokens, revocation.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::account::check::{self, Scopes};
use crate::account::{Refusal, Tokens};
use crate::clock;
use crate::server::form::{Form, FormError, MAX_FORM};
use crate::server::problem::Problem;
use crate::server::{Cloud, body, json};

/// The one client that is known: public, on the user's own machine.
pub(super) const CLIENT: &str = "entente-desktop";
const FORM: &str = "application/x-www-form-urlencoded";
const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
const GUEST_GRANT: &str = "urn:entente:params:oauth:grant-type:guest";

/// Address under which the client sees this host: what it said in `Host`, if that can be an address.
pub(super) fn base(cloud: &Cloud, headers: &HeaderMap) -> String {
    let scheme = if cloud.config.tls.is_some() { "https" } else { "http" };
    let given = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let plain = |host: &str| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte));
    if !given.is_empty()
        && given.len() <= 256
        && plain(given)
        && url::Url::parse(&format!("{scheme}://{given}")).is_ok()
    {
        format!("{scheme}://{given}")
    } else {
        format!("{scheme}://{}", cloud.address)
    }
}

/// `GET /.well-known/oauth-authorization-server` (RFC 8414).
pub(super) async fn metadata(State(cloud): State<Arc<Cloud>>, headers: HeaderMap) -> Response {
    let base = base(&cloud, &headers);
    json(&serde_json::json!({
        "issuer": base,
        "authorization_endpoint": format!("{base}/oauth/authorize"),
        "token_endpoint": format!("{base}/oauth/token"),
        "device_authorization_endpoint": format!("{base}/oauth/device"),
        "revocation_endpoint": format!("{base}/oauth/revoke"),
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token", DEVICE_GRANT, GUEST_GRANT],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "scopes_supported": ["library", "play"],
        "service_documentation": format!("{base}/openapi.json"),
    }))
}

/// `GET /.well-known/entente-cloud`.
pub(super) async fn cloud(State(cloud): State<Arc<Cloud>>) -> Response {
    json(&serde_json::json!({
        "name": "Entente demo cloud",
        "version": env!("CARGO_PKG_VERSION"),
        "api": "/api/v1",
        "openapi": "/openapi.json",
        "guest": cloud.config.accounts.guests,
        "whep": "/whep",
    }))
}

/// An error of OAuth, or one below it.
pub(super) enum OAuthError {
    Refused(Refusal),
    Problem(Problem),
}

impl From<Refusal> for OAuthError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<FormError> for OAuthError {
    fn from(error: FormError) -> Self {
        Self::Refused(Refusal::InvalidRequest(match error {
            FormError::TooLarge => "the parameters are too long or too many",
            FormError::Twice => "a parameter is given twice",
        }))
    }
}

impl From<Problem> for OAuthError {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        let refusal = match self {
            Self::Refused(refusal) => refusal,
            Self::Problem(problem) => return problem.into_response(),
        };
        let status = match refusal {
            Refusal::InvalidClient => StatusCode::UNAUTHORIZED,
            Refusal::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        };
        let body = serde_json::json!({ "error": refusal.code(), "error_description": refusal.to_string() });
        let mut response = json(&body);
        *response.status_mut() = status;
        if status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Basic realm=\"entente\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

async fn form(headers: &HeaderMap, body: Body) -> Result<Form, OAuthError> {
    if headers.contains_key(header::AUTHORIZATION) {
        // The client is public: it has no secret to show.
        return Err(Refusal::InvalidClient.into());
    }
    Ok(Form::read(&body::text(headers, FORM, body, MAX_FORM).await?)?)
}

/// Whether the named client is ours; `needed` says whether it must be named.
fn client(form: &Form, needed: bool) -> Result<(), Refusal> {
    match form.get("client_id") {
        Some(CLIENT) => Ok(()),
        None if !needed => Ok(()),
        None => Err(Refusal::InvalidRequest("client_id is missing")),
        Some(_) => Err(Refusal::InvalidClient),
    }
}

fn scopes(form: &Form) -> Result<Scopes, Refusal> {
    Scopes::read(form.get("scope").unwrap_or_default()).ok_or(Refusal::InvalidScope)
}

fn needed<'a>(form: &'a Form, name: &str, missing: &'static str) -> Result<&'a str, Refusal> {
    form.get(name).ok_or(Refusal::InvalidRequest(missing))
}

/// Whole seconds, at least one.
fn seconds(duration: Duration) -> u64 {
    duration.as_secs_f32().ceil().max(1.0) as u64
}

/// `POST /oauth/device` (RFC 8628 section 3.1).
pub(super) async fn device(
    State(cloud): State<Arc<Cloud>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, OAuthError> {
    let form = form(&headers, body).await?;
    client(&form, true)?;
    let started = cloud.accounts.start_device(clock::now(), scopes(&form)?)?;
    let code = check::shown_code(&started.user);
    let base = base(&cloud, &headers);
    Ok(json(&serde_json::json!({
        "device_code": started.device.reveal(),
        "user_code": code,
        "verification_uri": format!("{base}/device"),
        "verification_uri_complete": format!("{base}/device?user_code={code}"),
        "expires_in": seconds(cloud.config.accounts.device_lifetime),
        "interval": seconds(cloud.config.accounts.device_interval),
    })))
}

/// `POST /oauth/token`.
pub(super) async fn token(
    State(cloud): State<Arc<Cloud>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, OAuthError> {
    let form = form(&headers, body).await?;
    // Sign-ins may be written to a file, and streams share this thread.
    let tokens = tokio::task::block_in_place(|| grant(&cloud, &form))?;
    Ok(answer(&tokens))
}

fn grant(cloud: &Cloud, form: &Form) -> Result<Tokens, OAuthError> {
    let (now, accounts) = (clock::now(), &cloud.accounts);
    Ok(match needed(form, "grant_type", "grant_type is missing")? {
        "authorization_code" => {
            client(form, true)?;
            let code = needed(form, "code", "code is missing")?;
            let redirect = needed(form, "redirect_uri", "redirect_uri is missing")?;
            let verifier = needed(form, "code_verifier", "code_verifier is missing")?;
            accounts.exchange(now, code, redirect, verifier)?
        }
        "refresh_token" => {
            client(form, false)?;
            let narrowed = form.get("scope").map(|_| scopes(form)).transpose()?;
            accounts.refresh(now, needed(form, "refresh_token", "refresh_token is missing")?, narrowed)?
        }
        DEVICE_GRANT => {
            client(form, true)?;
            accounts.poll_device(now, needed(form, "device_code", "device_code is missing")?)?
        }
        GUEST_GRANT => {
            client(form, false)?;
            accounts.guest(now, scopes(form)?)?
        }
        _ => return Err(Refusal::UnsupportedGrantType.into()),
    })
}

fn answer(tokens: &Tokens) -> Response {
    json(&serde_json::json!({
        "access_token": tokens.access.reveal(),
        "token_type": "Bearer",
        "expires_in": seconds(tokens.lifetime),
        "refresh_token": tokens.refresh.reveal(),
        "scope": tokens.scopes.to_string(),
    }))
}

/// `POST /oauth/revoke` (RFC 7009): unknown tokens are as good as revoked.
pub(super) async fn revoke(
    State(cloud): State<Arc<Cloud>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, OAuthError> {
    let form = form(&headers, body).await?;
    client(&form, false)?;
    let token = needed(&form, "token", "token is missing")?;
    tokio::task::block_in_place(|| cloud.accounts.revoke(clock::now(), token));
    Ok(StatusCode::OK.into_response())
}
