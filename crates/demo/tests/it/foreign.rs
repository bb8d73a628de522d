//! An OAuth client that we did not write signs in: the `oauth2` crate, over our raw HTTP.

use oauth2::basic::BasicClient;
use oauth2::{
    AuthUrl, AuthorizationCode, ClientId, CsrfToken, DeviceAuthorizationUrl, PkceCodeChallenge, RedirectUrl,
    RequestTokenError, Scope, StandardDeviceAuthorizationResponse, TokenResponse, TokenUrl,
};

use crate::account::{cloud, get, page, quick};
use crate::http::send;

/// What the crate needs of an HTTP client.
fn http(request: oauth2::HttpRequest) -> Result<oauth2::HttpResponse, std::io::Error> {
    let url = url::Url::parse(&request.uri().to_string()).map_err(std::io::Error::other)?;
    let at = url.socket_addrs(|| None)?[0];
    let headers: Vec<_> =
        request.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    let body = String::from_utf8(request.body().clone()).map_err(std::io::Error::other)?;
    let reply = send(at, request.method().as_str(), url.path(), &headers, &body);
    let mut response = oauth2::http::Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        response = response.header(name, value);
    }
    response.body(reply.body.into_bytes()).map_err(std::io::Error::other)
}

#[test]
fn it_signs_in_with_a_device_code_and_renews() {
    let cloud = cloud(quick());
    let (at, base) = (cloud.address(), cloud.url());
    let client = BasicClient::new(ClientId::new("entente-desktop".to_owned()))
        .set_device_authorization_url(DeviceAuthorizationUrl::new(format!("{base}/oauth/device")).unwrap())
        .set_token_uri(TokenUrl::new(format!("{base}/oauth/token")).unwrap());
    let details: StandardDeviceAuthorizationResponse =
        client.exchange_device_code().add_scope(Scope::new("library".to_owned())).request(&http).unwrap();
    let path = format!("/device?user_code={}", details.user_code().secret());
    let question = page(&send(at, "GET", &path, &[], ""));
    // The person answers while the client waits.
    let answer = std::cell::Cell::new(Some(question));
    let pause = |time| {
        std::thread::sleep(time);
        if let Some(question) = answer.take() {
            let done = question.send(at, "/device", &[("name", "Ada"), ("decision", "allow")]);
            assert_eq!(done.status, 200, "{done:?}");
        }
    };
    let tokens = client.exchange_device_access_token(&details).request(&http, pause, None).unwrap();
    assert_eq!(tokens.scopes().unwrap(), &[Scope::new("library".to_owned())]);
    assert_eq!(get(at, "/api/v1/me", tokens.access_token().secret()).status, 200);
    let old = tokens.refresh_token().unwrap();
    let renewed = client.exchange_refresh_token(old).request(&http).unwrap();
    assert_eq!(get(at, "/api/v1/me", renewed.access_token().secret()).status, 200);
    let RequestTokenError::ServerResponse(refused) = client.exchange_refresh_token(old).request(&http).unwrap_err()
    else {
        panic!("an error of OAuth")
    };
    assert_eq!(refused.error().to_string(), "invalid_grant");
    assert_eq!(get(at, "/api/v1/me", renewed.access_token().secret()).status, 401);
}

#[test]
fn it_signs_in_through_a_browser() {
    let cloud = cloud(quick());
    let (at, base) = (cloud.address(), cloud.url());
    let client = BasicClient::new(ClientId::new("entente-desktop".to_owned()))
        .set_auth_uri(AuthUrl::new(format!("{base}/oauth/authorize")).unwrap())
        .set_token_uri(TokenUrl::new(format!("{base}/oauth/token")).unwrap())
        .set_redirect_uri(RedirectUrl::new("http://[::1]:4711/back".to_owned()).unwrap());
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, state) = client
        .authorize_url(CsrfToken::new_random)
        .add_scope(Scope::new("play".to_owned()))
        .set_pkce_challenge(challenge)
        .url();
    let question = page(&send(at, "GET", &format!("{}?{}", url.path(), url.query().unwrap()), &[], ""));
    let done = question.send(at, "/oauth/authorize", &[("name", "Ada"), ("decision", "allow")]);
    let back = url::Url::parse(done.header("location").expect("a redirect")).unwrap();
    assert_eq!((back.host_str(), back.port(), back.path()), (Some("[::1]"), Some(4711), "/back"));
    let field = |name: &str| back.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
    assert_eq!(&field("state"), state.secret());
    let code = AuthorizationCode::new(field("code"));
    let tokens = client.exchange_code(code).set_pkce_verifier(verifier).request(&http).unwrap();
    assert_eq!(get(at, "/api/v1/sessions", tokens.access_token().secret()).status, 200);
}
