//! Signing in by OAuth 2.0: a code for another device (RFC 8628), or the system's browser with PKCE and a loopback
//! address (RFC 8252, RFC 7636). The grants themselves are the `oauth2` crate's.

use std::pin::Pin;
use std::time::Duration;

use entente_model::http::Method;
use entente_model::provider::{SignInStep, SignInSteps};
use entente_model::{Problem, ProblemKind, Secret};
use oauth2::basic::{BasicClient, BasicTokenResponse};
use oauth2::{
    AsyncHttpClient, AuthUrl, AuthorizationCode, ClientId, CsrfToken, DeviceAuthorizationUrl,
    HttpRequest as OauthRequest, HttpResponse as OauthResponse, PkceCodeChallenge, RedirectUrl, RefreshToken,
    RequestTokenError, RevocationUrl, Scope, StandardDeviceAuthorizationResponse, StandardRevocableToken,
    TokenResponse, TokenUrl,
};
use serde::Deserialize;
use url::Url;

use crate::service::{Service, sentence};

/// How long the browser may take.
const BROWSER_LIMIT: Duration = Duration::from_secs(5 * 60);
/// An access token is renewed so long before its end.
const MARGIN_MICROS: u64 = 30_000_000;
/// Life of an access token whose answer does not say it.
const DEFAULT_LIFE: Duration = Duration::from_secs(300);

/// Where a service does its parts (RFC 8414).
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Endpoints {
    pub(crate) authorization_endpoint: String,
    pub(crate) token_endpoint: String,
    #[serde(default)]
    pub(crate) device_authorization_endpoint: Option<String>,
    #[serde(default)]
    pub(crate) revocation_endpoint: Option<String>,
}

/// Who we are to a service.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) scopes: Vec<String>,
}

/// What a grant gave.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    pub(crate) access: Secret,
    /// On [`ClockPort::monotonic_micros`](entente_model::port::ClockPort::monotonic_micros).
    pub(crate) renew_at_micros: u64,
    pub(crate) refresh: Option<Secret>,
}

/// A failure of a request, kept whole through the library.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Failed(Problem);

/// The library's requests through our port. Not a closure: its future must be `Send` for every lifetime.
struct Through<'a>(&'a Service);

impl<'c> AsyncHttpClient<'c> for Through<'_> {
    type Error = Failed;
    type Future = Pin<Box<dyn Future<Output = Result<OauthResponse, Failed>> + Send + 'c>>;

    fn call(&'c self, request: OauthRequest) -> Self::Future {
        Box::pin(self.0.exchange(request))
    }
}

impl Service {
    /// Signs in with a code that the user types on any device.
    pub(crate) async fn device_code(
        &self,
        client: &Client,
        endpoints: &Endpoints,
        steps: &SignInSteps<'_>,
    ) -> Result<Tokens, Problem> {
        let url = endpoints
            .device_authorization_endpoint
            .clone()
            .ok_or_else(|| self.bad_answer("there is no address for sign-in by code"))?;
        let oauth = BasicClient::new(ClientId::new(client.id.clone()))
            .set_device_authorization_url(self.address(DeviceAuthorizationUrl::new(url))?)
            .set_token_uri(self.address(TokenUrl::new(endpoints.token_endpoint.clone()))?)
            .set_auth_uri(self.address(AuthUrl::new(endpoints.authorization_endpoint.clone()))?);
        let http = Through(self);
        let details: StandardDeviceAuthorizationResponse = oauth
            .exchange_device_code()
            .add_scopes(client.scopes.iter().cloned().map(Scope::new))
            .request_async(&http)
            .await
            .map_err(|error| self.failure(error))?;
        steps(SignInStep::Code {
            code: details.user_code().secret().clone(),
            url: details.verification_uri().to_string(),
            url_complete: details.verification_uri_complete().map(|uri| uri.secret().clone()),
            expires_millis: self.ports.clock.unix_millis().saturating_add(millis(details.expires_in())),
        });
        let clock = &self.ports.clock;
        // The library's deadline is one of the wall; ours must not move when the wall's clock is set.
        let time = || chrono::DateTime::from_timestamp_micros(clock.monotonic_micros() as i64).unwrap_or_default();
        let answer = oauth
            .exchange_device_access_token(&details)
            .set_time_fn(time)
            .request_async(&http, |wait| clock.sleep(wait), None)
            .await
            .map_err(|error| self.failure(error))?;
        steps(SignInStep::Finishing);
        Ok(self.tokens(&answer, None))
    }

    /// Signs in through the system's browser.
    pub(crate) async fn browser(
        &self,
        client: &Client,
        endpoints: &Endpoints,
        steps: &SignInSteps<'_>,
    ) -> Result<Tokens, Problem> {
        let mut redirect = self.ports.browser.listen().await?;
        let oauth = BasicClient::new(ClientId::new(client.id.clone()))
            .set_auth_uri(self.address(AuthUrl::new(endpoints.authorization_endpoint.clone()))?)
            .set_token_uri(self.address(TokenUrl::new(endpoints.token_endpoint.clone()))?)
            .set_redirect_uri(self.address(RedirectUrl::new(redirect.url()))?);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (page, state) = oauth
            .authorize_url(CsrfToken::new_random)
            .add_scopes(client.scopes.iter().cloned().map(Scope::new))
            .set_pkce_challenge(challenge)
            .url();
        // The page is shown first: without a browser the user can carry the address to one.
        steps(SignInStep::Browser { url: page.to_string() });
        let opened = self.ports.browser.open(page.as_str()).await;
        let query = tokio::select! {
            query = redirect.query() => query?,
            () = self.ports.clock.sleep(BROWSER_LIMIT) => {
                opened?;
                return Err(self.expired());
            }
        };
        let code = self.code_of(&query, &state)?;
        steps(SignInStep::Finishing);
        let http = Through(self);
        let answer = oauth
            .exchange_code(code)
            .set_pkce_verifier(verifier)
            .request_async(&http)
            .await
            .map_err(|error| self.failure(error))?;
        Ok(self.tokens(&answer, None))
    }

    /// The code in a redirect, if it is the answer to our question.
    fn code_of(&self, query: &str, state: &CsrfToken) -> Result<AuthorizationCode, Problem> {
        let answer = Redirected::read(query);
        if answer.state.as_deref() != Some(state.secret()) {
            return Err(self.bad_answer("the browser came back from another sign-in"));
        }
        match (answer.code, answer.error) {
            (_, Some(error)) => Err(self.said(&error, "")),
            (Some(code), None) => Ok(AuthorizationCode::new(code)),
            (None, None) => Err(self.bad_answer("the browser came back without a code")),
        }
    }

    /// New tokens for `refresh`.
    pub(crate) async fn renew(
        &self,
        client: &Client,
        endpoints: &Endpoints,
        refresh: &Secret,
    ) -> Result<Tokens, Problem> {
        let oauth = BasicClient::new(ClientId::new(client.id.clone()))
            .set_token_uri(self.address(TokenUrl::new(endpoints.token_endpoint.clone()))?);
        let http = Through(self);
        let answer = oauth
            .exchange_refresh_token(&RefreshToken::new(refresh.reveal().to_owned()))
            .request_async(&http)
            .await
            .map_err(|error| self.failure(error))?;
        // A service that does not rotate leaves the old one good (RFC 6749, section 6).
        Ok(self.tokens(&answer, Some(refresh)))
    }

    /// Tokens without an account, by the extension grant of the open cloud API.
    pub(crate) async fn guest(&self, client: &Client, endpoints: &Endpoints) -> Result<Tokens, Problem> {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "urn:entente:params:oauth:grant-type:guest")
            .append_pair("client_id", &client.id)
            .append_pair("scope", &client.scopes.join(" "))
            .finish();
        let mut request = Self::request(Method::Post, endpoints.token_endpoint.clone());
        request.headers.push(("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
        request.body = body.into_bytes();
        let response = self.send(request).await?;
        let answer: BasicTokenResponse = self.read(&response)?;
        Ok(self.tokens(&answer, None))
    }

    /// Tells the service that `refresh` is no longer needed.
    pub(crate) async fn revoke(&self, client: &Client, endpoints: &Endpoints, refresh: &Secret) -> Result<(), Problem> {
        let Some(url) = endpoints.revocation_endpoint.clone() else { return Ok(()) };
        let oauth = BasicClient::new(ClientId::new(client.id.clone()))
            .set_revocation_url(self.address(RevocationUrl::new(url))?);
        let http = Through(self);
        let token = StandardRevocableToken::RefreshToken(RefreshToken::new(refresh.reveal().to_owned()));
        // The library wants TLS here; a service on this very machine (the demo cloud) has none.
        match oauth.revoke_token(token) {
            Ok(request) => request.request_async(&http).await.map_err(|error| self.failure(error)),
            Err(_) => self.revoke_in_clear(client, endpoints, refresh).await,
        }
    }

    async fn revoke_in_clear(&self, client: &Client, endpoints: &Endpoints, refresh: &Secret) -> Result<(), Problem> {
        let Some(url) = endpoints.revocation_endpoint.clone() else { return Ok(()) };
        let local = Url::parse(&url).ok().and_then(|url| url.host_str().map(is_loopback)).unwrap_or(false);
        if !local {
            return Err(self.bad_answer("tokens would be sent without encryption"));
        }
        let body = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("token", refresh.reveal())
            .append_pair("token_type_hint", "refresh_token")
            .append_pair("client_id", &client.id)
            .finish();
        let mut request = Self::request(Method::Post, url);
        request.headers.push(("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
        request.body = body.into_bytes();
        self.check(&self.send(request).await?)
    }

    fn tokens(&self, answer: &BasicTokenResponse, older: Option<&Secret>) -> Tokens {
        let life = answer.expires_in().unwrap_or(DEFAULT_LIFE);
        let micros = u64::try_from(life.as_micros()).unwrap_or(u64::MAX);
        // Short lives (tests, strict services) keep nine tenths of what they have.
        let usable = micros.saturating_sub(MARGIN_MICROS).max(micros / 10 * 9);
        Tokens {
            access: Secret::new(answer.access_token().secret().as_str()),
            renew_at_micros: self.ports.clock.monotonic_micros().saturating_add(usable),
            refresh: answer
                .refresh_token()
                .map(|token| Secret::new(token.secret().as_str()))
                .or_else(|| older.cloned()),
        }
    }

    /// The library's requests through our port.
    async fn exchange(&self, request: OauthRequest) -> Result<OauthResponse, Failed> {
        let (head, body) = request.into_parts();
        let mut ours = Self::request(Method::Post, head.uri.to_string());
        ours.headers.clear();
        for (name, value) in &head.headers {
            if let Ok(value) = value.to_str() {
                ours.headers.push((name.as_str().to_owned(), value.to_owned()));
            }
        }
        ours.body = body;
        let response = self.send(ours).await.map_err(Failed)?;
        if response.status == 429 || response.status >= 500 {
            self.check(&response).map_err(Failed)?;
        }
        let mut theirs = OauthResponse::new(response.body);
        *theirs.status_mut() = oauth2::http::StatusCode::from_u16(response.status)
            .map_err(|error| Failed(self.bad_answer(&error.to_string())))?;
        for (name, value) in response.headers {
            let name = oauth2::http::HeaderName::from_bytes(name.as_bytes());
            let value = oauth2::http::HeaderValue::from_str(&value);
            if let (Ok(name), Ok(value)) = (name, value) {
                theirs.headers_mut().append(name, value);
            }
        }
        Ok(theirs)
    }

    fn address<T>(&self, parsed: Result<T, url::ParseError>) -> Result<T, Problem> {
        parsed.map_err(|error| self.bad_answer(&format!("an address for sign-in is wrong: {error}")))
    }

    fn failure<K>(&self, error: RequestTokenError<Failed, oauth2::StandardErrorResponse<K>>) -> Problem
    where
        K: oauth2::ErrorResponseType + std::fmt::Display + 'static,
    {
        match error {
            RequestTokenError::Request(Failed(problem)) => problem,
            RequestTokenError::ServerResponse(answer) => {
                self.said(&answer.error().to_string(), answer.error_description().map_or("", String::as_str))
            }
            RequestTokenError::Parse(error, _) => self.bad_answer(&error.to_string()),
            RequestTokenError::Other(why) => self.bad_answer(&why),
        }
    }

    /// An error code of RFC 6749 or RFC 8628 in words.
    fn said(&self, code: &str, description: &str) -> Problem {
        let name = &self.name;
        let shown: String = description.chars().filter(|letter| !letter.is_control()).take(200).collect();
        match code {
            "access_denied" => Problem::new(
                ProblemKind::Declined,
                format!("You were not signed in to {name}."),
                "The sign-in was declined at the service.",
                "Start again and choose Allow, or play without an account.",
            )
            .retriable(),
            "expired_token" => self.expired(),
            "invalid_grant" => self.signed_out("The service no longer accepts the sign-in that was kept."),
            "temporarily_unavailable" | "server_error" => Problem::new(
                ProblemKind::ServiceBusy,
                format!("{name} cannot sign anybody in right now."),
                sentence(&shown),
                "Try again in a while.",
            )
            .retriable(),
            _ => {
                let safe: String = code.chars().filter(|letter| letter.is_ascii_graphic()).take(40).collect();
                self.bad_answer(if shown.is_empty() { &safe } else { &shown })
            }
        }
    }

    fn expired(&self) -> Problem {
        Problem::new(
            ProblemKind::Expired,
            format!("You were not signed in to {}.", self.name),
            "The time for it was over before the sign-in was finished.",
            "Start again to get a new code.",
        )
        .retriable()
    }
}

/// The query that a browser came back with (RFC 6749, sections 4.1.2 and 4.1.2.1).
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Redirected {
    pub(crate) code: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) error: Option<String>,
}

impl Redirected {
    /// The first value of each name counts.
    pub(crate) fn read(query: &str) -> Self {
        let mut this = Self::default();
        for (name, value) in url::form_urlencoded::parse(query.trim_start_matches('?').as_bytes()) {
            let place = match &*name {
                "code" => &mut this.code,
                "state" => &mut this.state,
                "error" => &mut this.error,
                _ => continue,
            };
            place.get_or_insert_with(|| value.into_owned());
        }
        this
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_this_machine_is_loopback() {
        for host in ["localhost", "127.0.0.1", "127.9.9.9", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["localhost.example.org", "128.0.0.1", "[::2]", ""] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn a_redirect_is_read_once() {
        let read = Redirected::read("code=a%20b&state=s&code=second");
        assert_eq!(read, Redirected { code: Some("a b".into()), state: Some("s".into()), error: None });
    }

    proptest! {
        #[test]
        fn any_query_is_read_without_a_fault(query in ".{0,200}") {
            let _ = Redirected::read(&query);
        }
    }
}
