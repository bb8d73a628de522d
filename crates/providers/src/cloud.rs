//! A service that speaks the open cloud API (`docs/open-cloud-api.md`): the demo cloud, and any other.

mod wire;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use entente_model::catalogue::{ProviderId, Region};
use entente_model::http::{HttpRequest, HttpResponse, Method};
use entente_model::media::VideoCodec;
use entente_model::port::Ports;
use entente_model::provider::{
    Account, PlayRequest, Provider, ProviderInfo, Session, SignInStep, SignInSteps, SignInWay, TitlePage,
};
use entente_model::ticket::{StreamRequest, Ticket};
use entente_model::{Problem, ProblemKind, Secret};
use serde_json::json;
use tokio::sync::Mutex;
use url::Url;

use crate::oauth::{Client, Endpoints, Tokens};
use crate::service::Service;

#[doc(hidden)]
pub use wire::{read_sessions, read_titles};

/// Titles asked for at once.
const PAGE: usize = 500;
/// Exchanges that a ping is the best of; the first also opens the connection.
const PINGS: usize = 4;

/// Where a service is. The embedded demo cloud is started when somebody asks.
#[async_trait]
pub trait ServiceAddress: Send + Sync {
    /// Base address, for example `http://127.0.0.1:4711`.
    ///
    /// # Errors
    /// It cannot be started.
    async fn base(&self) -> Result<String, Problem>;
}

#[async_trait]
impl ServiceAddress for String {
    async fn base(&self) -> Result<Self, Problem> {
        Ok(self.clone())
    }
}

/// A service that speaks the open cloud API.
pub struct OpenCloud {
    id: ProviderId,
    service: Service,
    address: Arc<dyn ServiceAddress>,
    client: Client,
    /// Held while tokens are renewed, so that a refresh token is used once (it is rotated).
    signed: Mutex<Signed>,
}

#[derive(Default)]
struct Signed {
    tokens: Option<Tokens>,
    guest: bool,
    /// Base address and its endpoints; read again when the base changes.
    endpoints: Option<(String, Endpoints)>,
}

impl OpenCloud {
    /// A service called `name`, kept as `id`.
    #[must_use]
    pub fn new(id: &str, name: &str, address: Arc<dyn ServiceAddress>, ports: Ports) -> Self {
        Self {
            id: ProviderId(id.to_owned()),
            service: Service::new(name.to_owned(), ports),
            address,
            client: Client { id: "entente-desktop".to_owned(), scopes: vec!["library".to_owned(), "play".to_owned()] },
            signed: Mutex::default(),
        }
    }

    fn secret_name(&self) -> String {
        format!("{}/refresh", self.id)
    }

    fn account_name(&self) -> String {
        format!("{}/account", self.id)
    }

    async fn url(&self, path: &str) -> Result<String, Problem> {
        let base = self.address.base().await?;
        let base = Url::parse(&base).map_err(|error| self.wrong_address(&base, &error))?;
        base.join(path).map(String::from).map_err(|error| self.wrong_address(path, &error))
    }

    fn wrong_address(&self, address: &str, error: &url::ParseError) -> Problem {
        Problem::new(
            ProblemKind::BadInput,
            format!("{} cannot be asked.", self.service.name),
            format!("The address {address:?} cannot be used: {error}."),
            "Check the address of the service in the settings.",
        )
    }

    /// The service's endpoints, read once.
    async fn endpoints(&self, signed: &mut Signed) -> Result<Endpoints, Problem> {
        let base = self.address.base().await?;
        if let Some((of, endpoints)) = &signed.endpoints
            && *of == base
        {
            return Ok(endpoints.clone());
        }
        let url = self.url("/.well-known/oauth-authorization-server").await?;
        let response = self.service.send(Service::request(Method::Get, url)).await?;
        let endpoints: Endpoints = self.service.read(&response)?;
        signed.endpoints = Some((base, endpoints.clone()));
        Ok(endpoints)
    }

    /// An access token that is good for a while.
    async fn access(&self) -> Result<Secret, Problem> {
        let mut signed = self.signed.lock().await;
        let now = self.service.ports.clock.monotonic_micros();
        if let Some(tokens) = signed.tokens.as_ref().filter(|tokens| now < tokens.renew_at_micros) {
            return Ok(tokens.access.clone());
        }
        self.renewed(&mut signed).await
    }

    /// A new access token in place of `stale`, which the service refused.
    async fn access_after(&self, stale: &Secret) -> Result<Secret, Problem> {
        let mut signed = self.signed.lock().await;
        // Somebody else may have renewed it in the meantime.
        if let Some(tokens) = signed.tokens.as_ref().filter(|tokens| tokens.access != *stale) {
            return Ok(tokens.access.clone());
        }
        self.renewed(&mut signed).await
    }

    async fn renewed(&self, signed: &mut Signed) -> Result<Secret, Problem> {
        let endpoints = self.endpoints(signed).await?;
        let vault = &self.service.ports.vault;
        let in_memory = signed.tokens.as_ref().and_then(|tokens| tokens.refresh.clone());
        // The vault first: a second shell may have rotated the token.
        let kept = vault.get(&self.secret_name()).await?.or(in_memory);
        signed.guest = signed.guest || self.remembered().await?.is_some_and(|account| account.guest);
        let refresh = match kept {
            Some(refresh) => refresh,
            None if signed.guest => return self.new_guest(signed, &endpoints).await,
            None => return Err(self.service.signed_out("There is no sign-in on this computer.")),
        };
        match self.service.renew(&self.client, &endpoints, &refresh).await {
            Ok(tokens) => self.keep(signed, tokens).await,
            // A guest has no name that could sign in again: a service that forgot it makes another one.
            Err(problem) if problem.kind == ProblemKind::SignedOut && signed.guest => {
                self.new_guest(signed, &endpoints).await
            }
            Err(problem) if problem.kind == ProblemKind::SignedOut => {
                signed.tokens = None;
                vault.delete(&self.secret_name()).await?;
                Err(problem)
            }
            Err(problem) => Err(problem),
        }
    }

    async fn new_guest(&self, signed: &mut Signed, endpoints: &Endpoints) -> Result<Secret, Problem> {
        let tokens = self.service.guest(&self.client, endpoints).await?;
        signed.guest = true;
        if tokens.refresh.is_none() {
            // What is there belongs to somebody else, or is good for nothing.
            self.service.ports.vault.delete(&self.secret_name()).await?;
        }
        self.keep(signed, tokens).await
    }

    async fn keep(&self, signed: &mut Signed, tokens: Tokens) -> Result<Secret, Problem> {
        let access = tokens.access.clone();
        let refresh = tokens.refresh.clone();
        // In memory first: when the vault fails, this run still goes on.
        signed.tokens = Some(tokens);
        if let Some(refresh) = refresh {
            self.service.ports.vault.set(&self.secret_name(), refresh).await?;
        }
        Ok(access)
    }

    /// One exchange as the account.
    async fn call(&self, method: Method, path: &str, body: Option<serde_json::Value>) -> Result<HttpResponse, Problem> {
        let access = self.access().await?;
        let response = self.service.send(self.as_bearer(method, path, body.as_ref(), &access).await?).await?;
        if response.status != 401 {
            return Ok(response);
        }
        let access = self.access_after(&access).await?;
        self.service.send(self.as_bearer(method, path, body.as_ref(), &access).await?).await
    }

    async fn as_bearer(
        &self,
        method: Method,
        path: &str,
        body: Option<&serde_json::Value>,
        access: &Secret,
    ) -> Result<HttpRequest, Problem> {
        let mut request = Service::bearing(Service::request(method, self.url(path).await?), access);
        if let Some(body) = body {
            request.headers.push(("content-type".to_owned(), "application/json".to_owned()));
            request.body = body.to_string().into_bytes();
        }
        Ok(request)
    }

    async fn me(&self) -> Result<Account, Problem> {
        let response = self.call(Method::Get, "/api/v1/me", None).await?;
        let me: wire::Me = self.service.read(&response)?;
        let account = Account { who: Some(me.name).filter(|_| !me.guest), guest: me.guest };
        let text = serde_json::to_string(&account).unwrap_or_default();
        self.service.ports.vault.set(&self.account_name(), Secret::new(text)).await?;
        Ok(account)
    }

    /// Who it was, for times without the service.
    async fn remembered(&self) -> Result<Option<Account>, Problem> {
        let text = self.service.ports.vault.get(&self.account_name()).await?;
        Ok(text.and_then(|text| serde_json::from_str(text.reveal()).ok()))
    }

    fn session_path(id: &str) -> String {
        let quoted: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
        format!("/api/v1/sessions/{quoted}")
    }

    fn session_of(&self, response: &HttpResponse) -> Result<Session, Problem> {
        let session: wire::Session = self.service.read(response)?;
        session.into_model().map_err(|why| self.service.bad_answer(&why))
    }
}

fn titles_path(since: Option<&str>, cursor: Option<&str>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("limit", &PAGE.to_string());
    for (name, value) in [("since", since), ("cursor", cursor)] {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    format!("/api/v1/titles?{}", query.finish())
}

#[async_trait]
impl Provider for OpenCloud {
    fn info(&self) -> ProviderInfo {
        ProviderInfo {
            id: self.id.clone(),
            name: self.service.name.clone(),
            ways: vec![SignInWay::Guest, SignInWay::DeviceCode, SignInWay::Browser],
            has_hosts: false,
        }
    }

    async fn restore(&self) -> Result<Option<Account>, Problem> {
        if self.service.ports.vault.get(&self.secret_name()).await?.is_none() {
            return Ok(None);
        }
        match self.me().await {
            Ok(account) => Ok(Some(account)),
            // Without the service the account is what it was; the shelf comes from the cache.
            Err(problem) if problem.retry => match self.remembered().await? {
                Some(account) => Ok(Some(account)),
                None => Err(problem),
            },
            Err(problem) => Err(problem),
        }
    }

    async fn sign_in(&self, way: SignInWay, steps: &SignInSteps<'_>) -> Result<Account, Problem> {
        let endpoints = self.endpoints(&mut Signed::default()).await?;
        let tokens = match way {
            SignInWay::DeviceCode => self.service.device_code(&self.client, &endpoints, steps).await?,
            SignInWay::Browser => self.service.browser(&self.client, &endpoints, steps).await?,
            SignInWay::Guest => {
                steps(SignInStep::Finishing);
                self.service.guest(&self.client, &endpoints).await?
            }
        };
        let mut signed = self.signed.lock().await;
        signed.guest = way == SignInWay::Guest;
        // Until the service says who it is, nobody is known: least of all the one before.
        let vault = &self.service.ports.vault;
        vault.delete(&self.account_name()).await?;
        if tokens.refresh.is_none() {
            vault.delete(&self.secret_name()).await?;
        }
        self.keep(&mut signed, tokens).await?;
        drop(signed);
        self.me().await
    }

    async fn sign_out(&self) -> Result<(), Problem> {
        let mut signed = self.signed.lock().await;
        let vault = &self.service.ports.vault;
        let kept = vault.get(&self.secret_name()).await?;
        // Gone here whatever the service says; there it ends by itself.
        vault.delete(&self.secret_name()).await?;
        vault.delete(&self.account_name()).await?;
        signed.tokens = None;
        signed.guest = false;
        let Some(refresh) = kept else { return Ok(()) };
        let told = match self.endpoints(&mut signed).await {
            Ok(endpoints) => self.service.revoke(&self.client, &endpoints, &refresh).await,
            Err(problem) => Err(problem),
        };
        match told {
            Err(problem) if problem.retry => Ok(()),
            other => other,
        }
    }

    async fn titles(&self, since: Option<&str>, cursor: Option<&str>) -> Result<TitlePage, Problem> {
        let response = self.call(Method::Get, &titles_path(since, cursor), None).await?;
        self.service.check(&response)?;
        read_titles(&response.body).map_err(|why| self.service.bad_answer(&why))
    }

    async fn art(&self, url: &str) -> Result<Vec<u8>, Problem> {
        // Relative to the service; another machine is asked without our token.
        let base = self.url("/").await?;
        let url = Url::parse(&base).and_then(|base| base.join(url)).map_err(|error| self.wrong_address(url, &error))?;
        let mut request = Service::request(Method::Get, url.to_string());
        request.headers = vec![("accept".to_owned(), "image/webp, image/png, image/jpeg".to_owned())];
        if Url::parse(&base).is_ok_and(|base| base.origin() == url.origin()) {
            request = Service::bearing(request, &self.access().await?);
        }
        let response = self.service.send(request).await?;
        self.service.check(&response)?;
        Ok(response.body)
    }

    async fn regions(&self) -> Result<Vec<Region>, Problem> {
        let response = self.call(Method::Get, "/api/v1/regions", None).await?;
        let answer: wire::Regions = self.service.read(&response)?;
        Ok(answer.regions.into_iter().map(wire::Region::into_model).collect())
    }

    async fn ping(&self, region: &Region) -> Result<Duration, Problem> {
        let path =
            region.ping_url.as_deref().ok_or_else(|| self.service.bad_answer("the region has no ping address"))?;
        let url = self.url(path).await?;
        let clock = &self.service.ports.clock;
        let mut best = u64::MAX;
        for _ in 0..PINGS {
            let before = clock.monotonic_micros();
            self.service.check(&self.service.send(Service::request(Method::Get, url.clone())).await?)?;
            best = best.min(clock.monotonic_micros().saturating_sub(before));
        }
        Ok(Duration::from_micros(best))
    }

    async fn start(&self, request: &PlayRequest) -> Result<Session, Problem> {
        let mut body = json!({ "title": request.title, "anew": request.anew });
        if let Some(fields) = body.as_object_mut() {
            if let Some(place) = &request.place {
                fields.insert("region".to_owned(), place.as_str().into());
            }
            if let Some(quality) = request.quality {
                let value = json!({ "width": quality.width, "height": quality.height, "fps": quality.fps });
                fields.insert("quality".to_owned(), value);
            }
            if let Some(kbps) = request.bitrate_kbps {
                fields.insert("bitrate_kbps".to_owned(), kbps.into());
            }
        }
        let response = self.call(Method::Post, "/api/v1/sessions", Some(body)).await?;
        self.session_of(&response)
    }

    async fn sessions(&self) -> Result<Vec<Session>, Problem> {
        let response = self.call(Method::Get, "/api/v1/sessions", None).await?;
        self.service.check(&response)?;
        read_sessions(&response.body).map_err(|why| self.service.bad_answer(&why))
    }

    async fn session(&self, id: &str) -> Result<Session, Problem> {
        let response = self.call(Method::Get, &Self::session_path(id), None).await?;
        self.session_of(&response)
    }

    async fn ticket(&self, session: &str, request: &PlayRequest) -> Result<Ticket, Problem> {
        let path = format!("{}/stream", Self::session_path(session));
        let response = self.call(Method::Post, &path, Some(json!({}))).await?;
        let stream: wire::Stream = self.service.read(&response)?;
        let quality = request.quality;
        Ok(Ticket {
            version: 1,
            url: stream.url,
            bearer: stream.token,
            ice_servers: Vec::new(),
            supervised: true,
            title: None,
            want: StreamRequest {
                width: quality.map(|quality| quality.width),
                height: quality.map(|quality| quality.height),
                fps: quality.map(|quality| quality.fps),
                codecs: Vec::<VideoCodec>::new(),
                bitrate_kbps: request.bitrate_kbps,
            },
        })
    }

    async fn stop(&self, session: &str) -> Result<(), Problem> {
        let response = self.call(Method::Delete, &Self::session_path(session), None).await?;
        // Gone already is what was wanted.
        if matches!(response.status, 404 | 410) { Ok(()) } else { self.service.check(&response) }
    }
}
