use super::*;
use crate::clock;

const REDIRECT: &str = "http://127.0.0.1:4711/done";
// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn accounts(config: AccountsConfig) -> Accounts {
    Accounts::new(config, rustls::crypto::ring::default_provider().secure_random)
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Signs a player in by a code: access and refresh token.
fn sign_in(accounts: &Accounts, now: Instant, scopes: Scopes) -> (String, String) {
    let code = accounts.authorize(now, Player::named("Ada"), scopes, REDIRECT, CHALLENGE).unwrap();
    split(&accounts.exchange(now, code.reveal(), REDIRECT, VERIFIER).unwrap())
}

fn split(tokens: &Tokens) -> (String, String) {
    (tokens.access.reveal().to_owned(), tokens.refresh.reveal().to_owned())
}

fn code_of(result: Result<Tokens, Refusal>) -> &'static str {
    result.unwrap_err().code()
}

#[test]
fn a_code_is_good_once_for_a_minute_and_with_its_verifier() {
    let (accounts, now) = (accounts(AccountsConfig::default()), clock::now());
    let code = || accounts.authorize(now, Player::named("Ada"), Scopes::ALL, REDIRECT, CHALLENGE).unwrap();
    let late = code();
    assert_eq!(code_of(accounts.exchange(now + seconds(60), late.reveal(), REDIRECT, VERIFIER)), "invalid_grant");
    for (redirect, verifier) in [("http://127.0.0.1:4712/done", VERIFIER), (REDIRECT, &VERIFIER.replace('d', "e"))] {
        let code = code();
        assert_eq!(code_of(accounts.exchange(now, code.reveal(), redirect, verifier)), "invalid_grant");
        assert_eq!(code_of(accounts.exchange(now, code.reveal(), REDIRECT, VERIFIER)), "invalid_grant", "one try");
    }
    assert_eq!(code_of(accounts.exchange(now, "unknown", REDIRECT, VERIFIER)), "invalid_grant");
    let code = code();
    let (access, refresh) = split(&accounts.exchange(now, code.reveal(), REDIRECT, VERIFIER).unwrap());
    assert!(accounts.access(now, &access).is_some());
    assert_eq!(code_of(accounts.exchange(now, code.reveal(), REDIRECT, VERIFIER)), "invalid_grant");
    assert!(accounts.access(now, &access).is_none(), "a code that comes twice ends what it gave");
    assert_eq!(code_of(accounts.refresh(now, &refresh, None)), "invalid_grant");
}

#[test]
fn refresh_tokens_are_used_once_and_a_stolen_one_ends_the_sign_in() {
    let (accounts, now) = (accounts(AccountsConfig::default()), clock::now());
    let (first, refresh) = sign_in(&accounts, now, Scopes::ALL);
    let (second, newer) = split(&accounts.refresh(now, &refresh, None).unwrap());
    assert!(first != second && refresh != newer);
    let library = Scopes { library: true, play: false };
    let narrow = accounts.refresh(now, &newer, Some(library)).unwrap();
    assert_eq!(narrow.scopes, library);
    let wide = accounts.refresh(now, narrow.refresh.reveal(), None).unwrap();
    assert_eq!(wide.scopes, Scopes::ALL, "narrowing is for one access token");
    assert_eq!(code_of(accounts.refresh(now, &refresh, None)), "invalid_grant");
    let (access, newest) = split(&wide);
    assert_eq!(code_of(accounts.refresh(now, &newest, None)), "invalid_grant", "the whole family is gone");
    for access in [first, second, access] {
        assert!(accounts.access(now, &access).is_none());
    }
    let (_, refresh) = sign_in(&accounts, now, library);
    assert_eq!(code_of(accounts.refresh(now, &refresh, Some(Scopes::ALL))), "invalid_scope");
    assert!(accounts.refresh(now, &refresh, None).is_ok(), "a mistake does not use it up");
    let (_, refresh) = sign_in(&accounts, now, library);
    assert_eq!(code_of(accounts.refresh(now + seconds(30 * 24 * 3600), &refresh, None)), "invalid_grant");
}

#[test]
fn tokens_end_with_their_time_and_with_their_revocation() {
    let (accounts, now) = (accounts(AccountsConfig::default()), clock::now());
    let (access, refresh) = sign_in(&accounts, now, Scopes::ALL);
    assert!(accounts.access(now + seconds(599), &access).is_some());
    assert!(accounts.access(now + seconds(600), &access).is_none());
    accounts.revoke(now, "unknown");
    let (other, other_refresh) = sign_in(&accounts, now, Scopes::ALL);
    accounts.revoke(now, &other);
    assert!(accounts.access(now, &other).is_none());
    assert!(accounts.refresh(now, &other_refresh, None).is_ok(), "an access token ends alone");
    accounts.revoke(now, &refresh);
    assert!(accounts.access(now, &access).is_none(), "a refresh token takes all with it");
    assert_eq!(code_of(accounts.refresh(now, &refresh, None)), "invalid_grant");
}

#[test]
fn a_device_waits_is_allowed_denied_or_too_late() {
    let (accounts, now) = (accounts(AccountsConfig::default()), clock::now());
    let start = || accounts.start_device(now, Scopes::ALL).unwrap();
    let waiting = start();
    let poll = |code: &DeviceCode, after: u64| accounts.poll_device(now + seconds(after), code.device.reveal());
    assert_eq!(check::user_code(&waiting.user).as_ref(), Some(&waiting.user));
    assert_eq!(code_of(poll(&waiting, 0)), "authorization_pending");
    assert_eq!(code_of(poll(&waiting, 2)), "slow_down");
    assert_eq!(code_of(poll(&waiting, 7)), "authorization_pending");
    assert_eq!(accounts.waiting_device(now, &waiting.user), Some(Scopes::ALL));
    assert!(accounts.decide(now, &waiting.user, Some(Player::named("Ada"))));
    assert!(!accounts.decide(now, &waiting.user, None), "decided once");
    assert_eq!(accounts.waiting_device(now, &waiting.user), None);
    let (access, _) = split(&poll(&waiting, 12).unwrap());
    assert_eq!(accounts.access(now, &access).unwrap().grant.player, Player::named("Ada"));
    assert_eq!(Player::named("ADA").id, Player::named("Ada").id);
    assert_eq!(code_of(poll(&waiting, 17)), "invalid_grant", "used once");
    let denied = start();
    assert!(accounts.decide(now, &denied.user, None));
    assert_eq!(code_of(poll(&denied, 5)), "access_denied");
    let late = start();
    assert_eq!(code_of(poll(&late, 600)), "expired_token");
    assert!(!accounts.decide(now + seconds(600), &late.user, Some(Player::named("Ada"))));
    assert_eq!(accounts.names(), ["Ada"]);
}

#[test]
fn guests_are_all_different_and_stay_who_they_are() {
    let (accounts, now) = (accounts(AccountsConfig::default()), clock::now());
    let (one, two) = (accounts.guest(now, Scopes::ALL).unwrap(), accounts.guest(now, Scopes::ALL).unwrap());
    let player = |tokens: &Tokens| accounts.access(now, tokens.access.reveal()).unwrap().grant.player.clone();
    assert!(player(&one).guest && player(&one).id != player(&two).id);
    let later = accounts.refresh(now, one.refresh.reveal(), None).unwrap();
    assert_eq!(player(&later), player(&one));
    let closed = self::accounts(AccountsConfig { guests: false, ..AccountsConfig::default() });
    assert_eq!(code_of(closed.guest(now, Scopes::ALL)), "unsupported_grant_type");
}

#[test]
fn a_stream_token_opens_one_session_for_a_short_time() {
    let (accounts, now) = (accounts(AccountsConfig::default()), clock::now());
    let (access, refresh) = sign_in(&accounts, now, Scopes::ALL);
    let grant = accounts.access(now, &access).unwrap().grant;
    let token = accounts.issue_stream(now, &grant, "one").unwrap();
    let opens = |after: u64, play: &str| accounts.opens_stream(now + seconds(after), token.reveal(), play);
    assert!(opens(59, "one") && !opens(59, "two") && !opens(60, "one"));
    assert!(accounts.access(now, token.reveal()).is_none(), "and is good for nothing else");
    assert!(!accounts.opens_stream(now, &access, "one"));
    assert_eq!(accounts.stream_of(token.reveal()).as_deref(), Some("one"));
    accounts.revoke(now, &refresh);
    assert!(!opens(0, "one"));
}

#[test]
fn consents_are_taken_once_and_guesses_are_limited() {
    let (accounts, now) = (accounts(AccountsConfig::default()), clock::now());
    let token = accounts.consent(now).unwrap();
    assert!(accounts.take_consent(now, token.reveal()) && !accounts.take_consent(now, token.reveal()));
    let late = accounts.consent(now).unwrap();
    assert!(!accounts.take_consent(now + seconds(600), late.reveal()));
    let (here, there) = ([127, 0, 0, 1].into(), [127, 0, 0, 2].into());
    for _ in 0..MAX_GUESSES {
        assert!(accounts.may_guess(now, here, true));
    }
    assert!(!accounts.may_guess(now, here, false) && accounts.may_guess(now, there, false));
    assert!(accounts.may_guess(now + GUESS_TIME, here, false));
}

#[test]
fn what_is_kept_is_bounded_and_the_oldest_goes() {
    let (accounts, now) = (accounts(AccountsConfig::default()), clock::now());
    let first = accounts.start_device(now, Scopes::ALL).unwrap();
    for _ in 0..MAX_CODES {
        accounts.start_device(now, Scopes::ALL).unwrap();
    }
    assert_eq!(code_of(accounts.poll_device(now, first.device.reveal())), "invalid_grant");
    assert_eq!(accounts.state.lock().devices.len(), MAX_CODES);
}

#[test]
fn guests_push_out_only_guests_and_the_unused_go_first() {
    let (accounts, now) = (accounts(AccountsConfig::default()), clock::now());
    let (access, refresh) = sign_in(&accounts, now, Scopes::ALL);
    let (idle, busy) = (accounts.guest(now, Scopes::ALL).unwrap(), accounts.guest(now, Scopes::ALL).unwrap());
    for _ in 0..MAX_GUEST_TOKENS / 2 {
        accounts.guest(now, Scopes::ALL).unwrap();
    }
    let busy = accounts.refresh(now, busy.refresh.reveal(), None).unwrap();
    for _ in 0..MAX_GUEST_TOKENS / 2 {
        accounts.guest(now, Scopes::ALL).unwrap();
    }
    assert!(accounts.access(now, idle.access.reveal()).is_none());
    assert_eq!(code_of(accounts.refresh(now, idle.refresh.reveal(), None)), "invalid_grant");
    assert!(accounts.access(now, busy.access.reveal()).is_some() && accounts.access(now, &access).is_some());
    assert!(
        accounts.refresh(now, busy.refresh.reveal(), None).is_ok() && accounts.refresh(now, &refresh, None).is_ok()
    );
    let state = accounts.state.lock();
    assert_eq!((state.access.guests.len(), state.refresh.guests.len()), (MAX_GUEST_TOKENS, MAX_GUEST_TOKENS));
}

#[test]
fn nothing_secret_is_printed() {
    let (accounts, now) = (accounts(AccountsConfig::default()), clock::now());
    let tokens = accounts.guest(now, Scopes::ALL).unwrap();
    let printed = format!("{accounts:?} {tokens:?} {:?}", accounts.start_device(now, Scopes::ALL).unwrap().device);
    assert!(!printed.contains(tokens.access.reveal()), "{printed}");
}
