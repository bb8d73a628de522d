//! Who is signed in: players, grants, tokens, and the codes that become tokens. Time comes in as an argument.
//!
//! There are no passwords: whoever can open the page of the cloud chooses a player name, and the same name is the same
//! account. Of every token and code only a hash is kept.

pub(crate) mod check;
pub(crate) mod kept;
mod saved;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entente_model::Secret;
use parking_lot::Mutex;
use rustls::crypto::SecureRandom;
use sha2::{Digest, Sha256};

use crate::account::check::{CODE_LENGTH, CODE_LETTERS, Scopes};
use crate::account::kept::Kept;
use crate::account::saved::{Saved, SignIn};
use crate::clock;
use crate::config::AccountsConfig;

/// Device codes, codes, and consents kept at the same time.
const MAX_CODES: usize = 512;
/// Tokens of each kind kept at the same time.
const MAX_TOKENS: usize = 8192;
/// The same for guests. They have tables of their own: anybody can become a guest as often as he likes, and that must not
/// cost anybody his sign-in. The oldest go, and every refresh makes a guest new.
const MAX_GUEST_TOKENS: usize = 1024;
/// Player names that the page offers.
const MAX_NAMES: usize = 8;
/// Wrong codes in [`GUESS_TIME`] from one address.
const MAX_GUESSES: u32 = 10;
/// Time after which wrong codes are forgiven.
const GUESS_TIME: Duration = Duration::from_secs(60);

/// The hash under which a token is kept.
type Key = [u8; 32];

fn key(token: &str) -> Key {
    Sha256::digest(token).into()
}

/// Why a token is not given (RFC 6749 section 5.2, RFC 8628 section 3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("{0}")]
    InvalidRequest(&'static str),
    #[error("this client is not known here")]
    InvalidClient,
    #[error("{0}")]
    InvalidGrant(&'static str),
    #[error("known scopes are library and play; a refresh cannot ask for more than was granted")]
    InvalidScope,
    #[error("this kind of grant is not known here")]
    UnsupportedGrantType,
    #[error("nobody has decided yet")]
    AuthorizationPending,
    #[error("asked again before the interval was over")]
    SlowDown,
    #[error("access was denied")]
    AccessDenied,
    #[error("the code has expired")]
    ExpiredToken,
    #[error("this host has no randomness for a token")]
    ServerError,
}

impl Refusal {
    /// Name in the `error` field.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::InvalidRequest(_) => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant(_) => "invalid_grant",
            Self::InvalidScope => "invalid_scope",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::AccessDenied => "access_denied",
            Self::ExpiredToken => "expired_token",
            Self::ServerError => "server_error",
        }
    }
}

/// Somebody who plays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Player {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) guest: bool,
}

impl Player {
    /// The player of a name; names that differ only in case are the same player.
    pub(crate) fn named(name: &str) -> Self {
        let digest = Sha256::digest(name.to_lowercase());
        let id = URL_SAFE_NO_PAD.encode(digest.get(..12).unwrap_or_default());
        Self { id: format!("player-{id}"), name: name.to_owned(), guest: false }
    }
}

/// One sign-in: all tokens that came from it end with it.
#[derive(Debug)]
pub(crate) struct Grant {
    pub(crate) player: Player,
    scopes: Scopes,
    revoked: AtomicBool,
}

impl Grant {
    fn new(player: Player, scopes: Scopes) -> Arc<Self> {
        Arc::new(Self { player, scopes, revoked: AtomicBool::new(false) })
    }

    fn revoked(&self) -> bool {
        self.revoked.load(Ordering::Relaxed)
    }

    fn revoke(&self) {
        self.revoked.store(true, Ordering::Relaxed);
    }
}

/// What a request with an access token may do.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) grant: Arc<Grant>,
    pub(crate) scopes: Scopes,
    expires: Instant,
}

#[derive(Debug)]
struct Refresh {
    grant: Arc<Grant>,
    expires: Instant,
    used: bool,
}

#[derive(Debug)]
struct Code {
    player: Player,
    scopes: Scopes,
    redirect: String,
    challenge: String,
    expires: Instant,
    /// What it was exchanged for.
    spent: Option<Arc<Grant>>,
    dead: bool,
}

#[derive(Debug)]
enum Decision {
    Pending,
    Denied,
    Allowed(Player),
}

#[derive(Debug)]
struct Device {
    user_code: String,
    scopes: Scopes,
    expires: Instant,
    asked: Option<Instant>,
    decision: Decision,
}

#[derive(Debug)]
struct StreamPass {
    grant: Arc<Grant>,
    play: String,
    expires: Instant,
}

/// What the token endpoint gives.
#[derive(Debug)]
pub(crate) struct Tokens {
    pub(crate) access: Secret,
    pub(crate) refresh: Secret,
    pub(crate) scopes: Scopes,
    pub(crate) lifetime: Duration,
}

/// What the device authorization endpoint gives.
#[derive(Debug)]
pub(crate) struct DeviceCode {
    pub(crate) device: Secret,
    /// Eight letters.
    pub(crate) user: String,
}

/// Tokens of one kind, those of guests apart.
#[derive(Debug)]
struct Tables<V> {
    accounts: Kept<Key, V>,
    guests: Kept<Key, V>,
}

impl<V> Tables<V> {
    fn new(most: usize) -> Self {
        Self { accounts: Kept::new(most), guests: Kept::new(most.min(MAX_GUEST_TOKENS)) }
    }

    fn put(&mut self, grant: &Grant, key: Key, value: V) {
        if grant.player.guest { self.guests.put(key, value) } else { self.accounts.put(key, value) }
    }

    fn get(&self, key: &Key) -> Option<&V> {
        self.accounts.get(key).or_else(|| self.guests.get(key))
    }

    fn get_mut(&mut self, key: &Key) -> Option<&mut V> {
        self.accounts.get_mut(key).or_else(|| self.guests.get_mut(key))
    }

    fn remove(&mut self, key: &Key) -> Option<V> {
        self.accounts.remove(key).or_else(|| self.guests.remove(key))
    }
}

#[derive(Debug)]
struct State {
    access: Tables<Access>,
    refresh: Tables<Refresh>,
    codes: Kept<Key, Code>,
    devices: Kept<Key, Device>,
    streams: Tables<StreamPass>,
    consents: Kept<Key, Instant>,
    guesses: Kept<std::net::IpAddr, (u32, Instant)>,
    names: Kept<String, String>,
}

/// All accounts of a cloud, in memory; sign-ins in a file too, if there is one.
pub(crate) struct Accounts {
    config: AccountsConfig,
    random: &'static dyn SecureRandom,
    state: Mutex<State>,
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Accounts").finish_non_exhaustive()
    }
}

impl Accounts {
    pub(crate) fn new(config: AccountsConfig, random: &'static dyn SecureRandom) -> Self {
        let state = State {
            access: Tables::new(MAX_TOKENS),
            refresh: Tables::new(MAX_TOKENS),
            codes: Kept::new(MAX_CODES),
            devices: Kept::new(MAX_CODES),
            streams: Tables::new(MAX_CODES),
            consents: Kept::new(MAX_CODES),
            guesses: Kept::new(MAX_CODES),
            names: Kept::new(MAX_NAMES),
        };
        let accounts = Self { config, random, state: Mutex::new(state) };
        if let Some(file) = &accounts.config.state {
            accounts.restore(clock::now(), clock::unix_micros() / 1000, saved::read(file));
        }
        accounts
    }

    /// Brings back the sign-ins of a former run.
    fn restore(&self, now: Instant, now_millis: u64, sign_ins: Vec<SignIn>) {
        let mut state = self.state.lock();
        for sign_in in sign_ins {
            let Some(scopes) = Scopes::read(&sign_in.scopes) else { continue };
            let grant = Grant::new(sign_in.player(), scopes);
            for token in sign_in.tokens {
                // A file of a wrong clock makes no token that lives longer than a new one.
                let left = Duration::from_millis(token.expires_millis.saturating_sub(now_millis));
                let (left, used) = (left.min(self.config.refresh_lifetime), token.used);
                if let Some(key) = token.key().filter(|_| !left.is_zero()) {
                    state.refresh.put(&grant, key, Refresh { grant: Arc::clone(&grant), expires: now + left, used });
                }
            }
            if !grant.player.guest {
                state.names.put(grant.player.name.to_lowercase(), grant.player.name.clone());
            }
        }
    }

    /// Writes the sign-ins down, if they are to be kept. Before an answer leaves: a token that is in no file after a
    /// crash would end its sign-in.
    fn save(&self, state: &State, now: Instant) {
        let Some(file) = &self.config.state else { return };
        let now_millis = clock::unix_micros() / 1000;
        let mut sign_ins: Vec<SignIn> = Vec::new();
        let mut places: HashMap<*const Grant, usize> = HashMap::new();
        for (key, refresh) in state.refresh.accounts.entries().chain(state.refresh.guests.entries()) {
            let left = refresh.expires.saturating_duration_since(now);
            if refresh.grant.revoked() || left.is_zero() {
                continue;
            }
            let left = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
            let token = saved::Token::new(key, refresh.used, now_millis.saturating_add(left));
            let place = *places.entry(Arc::as_ptr(&refresh.grant)).or_insert_with(|| {
                let player = refresh.grant.player.clone();
                sign_ins.push(SignIn {
                    id: player.id,
                    name: player.name,
                    guest: player.guest,
                    scopes: refresh.grant.scopes.to_string(),
                    tokens: Vec::new(),
                });
                sign_ins.len() - 1
            });
            if let Some(sign_in) = sign_ins.get_mut(place) {
                sign_in.tokens.push(token);
            }
        }
        if let Err(error) = saved::write(file, &Saved::new(sign_ins)) {
            tracing::error!(file = %file.display(), %error, "the sign-ins are not written down; a restart forgets them");
        }
    }

    /// A token of 256 random bits.
    fn fresh(&self) -> Result<String, Refusal> {
        let mut bytes = [0; 32];
        self.random.fill(&mut bytes).map_err(|_| Refusal::ServerError)?;
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    fn fresh_user_code(&self) -> Result<String, Refusal> {
        let mut code = String::with_capacity(CODE_LENGTH);
        // Bytes that would favour the first letters are passed over.
        let even = 256 / CODE_LETTERS.len() * CODE_LETTERS.len();
        while code.len() < CODE_LENGTH {
            let mut bytes = [0; 16];
            self.random.fill(&mut bytes).map_err(|_| Refusal::ServerError)?;
            let letters = bytes.iter().map(|byte| usize::from(*byte)).filter(|byte| *byte < even);
            let letters = letters.filter_map(|byte| CODE_LETTERS.get(byte % CODE_LETTERS.len()));
            code.extend(letters.take(CODE_LENGTH - code.len()).map(|letter| char::from(*letter)));
        }
        Ok(code)
    }

    /// Tokens for a grant.
    fn issue(&self, state: &mut State, now: Instant, grant: &Arc<Grant>, scopes: Scopes) -> Result<Tokens, Refusal> {
        let lifetime = self.config.access_lifetime;
        let access = self.fresh()?;
        let refresh = self.fresh()?;
        state.access.put(grant, key(&access), Access { grant: Arc::clone(grant), scopes, expires: now + lifetime });
        let expires = now + self.config.refresh_lifetime;
        state.refresh.put(grant, key(&refresh), Refresh { grant: Arc::clone(grant), expires, used: false });
        self.save(state, now);
        Ok(Tokens { access: Secret::new(access), refresh: Secret::new(refresh), scopes, lifetime })
    }

    /// Begins a sign-in with a code.
    pub(crate) fn start_device(&self, now: Instant, scopes: Scopes) -> Result<DeviceCode, Refusal> {
        let device = self.fresh()?;
        let mut user = self.fresh_user_code()?;
        let mut state = self.state.lock();
        while state.devices.values().any(|device| device.user_code == user) {
            user = self.fresh_user_code()?;
        }
        let expires = now + self.config.device_lifetime;
        let entry = Device { user_code: user.clone(), scopes, expires, asked: None, decision: Decision::Pending };
        state.devices.put(key(&device), entry);
        Ok(DeviceCode { device: Secret::new(device), user })
    }

    /// Scopes of a sign-in that waits for a decision.
    pub(crate) fn waiting_device(&self, now: Instant, user_code: &str) -> Option<Scopes> {
        let state = self.state.lock();
        let device = state.devices.values().find(|device| device.user_code == user_code)?;
        (now < device.expires && matches!(device.decision, Decision::Pending)).then_some(device.scopes)
    }

    /// Allows a waiting sign-in for a player, or denies it; false when it does not wait.
    pub(crate) fn decide(&self, now: Instant, user_code: &str, player: Option<Player>) -> bool {
        let mut state = self.state.lock();
        let Some(device) = state.devices.values_mut().find(|device| device.user_code == user_code) else {
            return false;
        };
        if now >= device.expires || !matches!(device.decision, Decision::Pending) {
            return false;
        }
        let name = player.as_ref().map(|player| player.name.clone());
        device.decision = player.map_or(Decision::Denied, Decision::Allowed);
        if let Some(name) = name {
            state.names.put(name.to_lowercase(), name);
        }
        true
    }

    /// What became of a sign-in with a code.
    pub(crate) fn poll_device(&self, now: Instant, device_code: &str) -> Result<Tokens, Refusal> {
        let mut state = self.state.lock();
        let code = key(device_code);
        let unknown = Refusal::InvalidGrant("this device code is unknown or was used");
        let device = state.devices.get_mut(&code).ok_or(unknown)?;
        if now >= device.expires {
            return Err(Refusal::ExpiredToken);
        }
        // A tenth is forgiven: timers and networks are not exact.
        let interval = self.config.device_interval.mul_f32(0.9);
        let early = device.asked.is_some_and(|asked| now.saturating_duration_since(asked) < interval);
        device.asked = Some(now);
        if early {
            return Err(Refusal::SlowDown);
        }
        let (player, scopes) = match &device.decision {
            Decision::Pending => return Err(Refusal::AuthorizationPending),
            Decision::Denied => return Err(Refusal::AccessDenied),
            Decision::Allowed(player) => (player.clone(), device.scopes),
        };
        state.devices.remove(&code);
        self.issue(&mut state, now, &Grant::new(player, scopes), scopes)
    }

    /// A code for the redirect, after the player has agreed.
    pub(crate) fn authorize(
        &self,
        now: Instant,
        player: Player,
        scopes: Scopes,
        redirect: &str,
        challenge: &str,
    ) -> Result<Secret, Refusal> {
        let code = self.fresh()?;
        let mut state = self.state.lock();
        state.names.put(player.name.to_lowercase(), player.name.clone());
        let entry = Code {
            player,
            scopes,
            redirect: redirect.to_owned(),
            challenge: challenge.to_owned(),
            expires: now + self.config.code_lifetime,
            spent: None,
            dead: false,
        };
        state.codes.put(key(&code), entry);
        Ok(Secret::new(code))
    }

    /// Tokens for a code. A code that comes twice was stolen: what it was exchanged for is revoked
    /// (RFC 6749 section 4.1.2).
    pub(crate) fn exchange(&self, now: Instant, code: &str, redirect: &str, verifier: &str) -> Result<Tokens, Refusal> {
        let mut state = self.state.lock();
        let code = key(code);
        let entry = state.codes.get_mut(&code).ok_or(Refusal::InvalidGrant("this code is unknown"))?;
        if let Some(grant) = &entry.spent {
            grant.revoke();
            self.save(&state, now);
            return Err(Refusal::InvalidGrant("this code was used before; the tokens that it gave are revoked"));
        }
        // Once, also when the rest is wrong: nobody shall try verifiers.
        if std::mem::replace(&mut entry.dead, true) {
            return Err(Refusal::InvalidGrant("this code was used before"));
        }
        if now >= entry.expires {
            return Err(Refusal::InvalidGrant("this code has expired"));
        }
        if entry.redirect != redirect {
            return Err(Refusal::InvalidGrant("redirect_uri is another one than before"));
        }
        if !check::verifies(verifier, &entry.challenge) {
            return Err(Refusal::InvalidGrant("code_verifier does not fit the challenge"));
        }
        let (grant, scopes) = (Grant::new(entry.player.clone(), entry.scopes), entry.scopes);
        entry.spent = Some(Arc::clone(&grant));
        self.issue(&mut state, now, &grant, scopes)
    }

    /// New tokens for a refresh token, which is then used up. One that comes twice was stolen, or its answer was lost;
    /// both end the sign-in (RFC 9700 section 4.14.2).
    pub(crate) fn refresh(&self, now: Instant, token: &str, narrowed: Option<Scopes>) -> Result<Tokens, Refusal> {
        let mut state = self.state.lock();
        let unknown = Refusal::InvalidGrant("this refresh token is unknown, expired or revoked");
        let entry = state.refresh.get_mut(&key(token)).ok_or(unknown)?;
        if entry.grant.revoked() || now >= entry.expires {
            return Err(unknown);
        }
        if entry.used {
            entry.grant.revoke();
            self.save(&state, now);
            tracing::warn!("a refresh token came twice; its sign-in is ended");
            return Err(Refusal::InvalidGrant("this refresh token was used before; the sign-in is ended"));
        }
        let scopes = narrowed.unwrap_or(entry.grant.scopes);
        if !scopes.within(entry.grant.scopes) {
            return Err(Refusal::InvalidScope);
        }
        entry.used = true;
        let grant = Arc::clone(&entry.grant);
        self.issue(&mut state, now, &grant, scopes)
    }

    /// Tokens for somebody without an account.
    pub(crate) fn guest(&self, now: Instant, scopes: Scopes) -> Result<Tokens, Refusal> {
        if !self.config.guests {
            return Err(Refusal::UnsupportedGrantType);
        }
        let id = self.fresh()?;
        let id = format!("guest-{}", id.get(..16).unwrap_or(&id));
        let player = Player { id, name: "Guest".to_owned(), guest: true };
        let mut state = self.state.lock();
        self.issue(&mut state, now, &Grant::new(player, scopes), scopes)
    }

    /// Ends what a token is good for: a refresh token takes its whole sign-in with it (RFC 7009 section 2.1).
    pub(crate) fn revoke(&self, now: Instant, token: &str) {
        let mut state = self.state.lock();
        let key = key(token);
        if let Some(refresh) = state.refresh.get(&key) {
            refresh.grant.revoke();
            self.save(&state, now);
        } else {
            state.access.remove(&key);
        }
    }

    /// What an access token is good for now.
    pub(crate) fn access(&self, now: Instant, token: &str) -> Option<Access> {
        let state = self.state.lock();
        let access = state.access.get(&key(token))?;
        (now < access.expires && !access.grant.revoked()).then(|| access.clone())
    }

    /// A token that opens the stream of a session.
    pub(crate) fn issue_stream(&self, now: Instant, grant: &Arc<Grant>, play: &str) -> Result<Secret, Refusal> {
        let token = self.fresh()?;
        let expires = now + self.config.stream_lifetime;
        let pass = StreamPass { grant: Arc::clone(grant), play: play.to_owned(), expires };
        self.state.lock().streams.put(grant, key(&token), pass);
        Ok(Secret::new(token))
    }

    /// Whether a token opens the stream of a session now.
    pub(crate) fn opens_stream(&self, now: Instant, token: &str, play: &str) -> bool {
        let state = self.state.lock();
        let pass = state.streams.get(&key(token));
        pass.is_some_and(|pass| pass.play == play && now < pass.expires && !pass.grant.revoked())
    }

    /// The session that a stream token was made for, also when it opens nothing any more.
    pub(crate) fn stream_of(&self, token: &str) -> Option<String> {
        self.state.lock().streams.get(&key(token)).map(|pass| pass.play.clone())
    }

    /// A token for one answer to the page of consent.
    pub(crate) fn consent(&self, now: Instant) -> Result<Secret, Refusal> {
        let token = self.fresh()?;
        self.state.lock().consents.put(key(&token), now + self.config.device_lifetime);
        Ok(Secret::new(token))
    }

    /// Takes such a token; false when it is none, or too old.
    pub(crate) fn take_consent(&self, now: Instant, token: &str) -> bool {
        self.state.lock().consents.remove(&key(token)).is_some_and(|expires| now < expires)
    }

    /// Whether an address may try another code; `wrong` says that this one was wrong.
    pub(crate) fn may_guess(&self, now: Instant, from: std::net::IpAddr, wrong: bool) -> bool {
        let mut state = self.state.lock();
        let (count, since) = state.guesses.get(&from).copied().unwrap_or((0, now));
        let (count, since) = if now.saturating_duration_since(since) >= GUESS_TIME { (0, now) } else { (count, since) };
        if wrong {
            state.guesses.put(from, (count.saturating_add(1), since));
        }
        count < MAX_GUESSES
    }

    /// Names that have signed in, for the page.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.state.lock().names.values().cloned().collect();
        names.sort();
        names
    }
}

#[cfg(test)]
mod tests;
