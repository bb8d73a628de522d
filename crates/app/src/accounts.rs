//! Who is signed in where.

use std::collections::HashMap;
use std::sync::Arc;

use entente_model::provider::{self, SignInWay};
use entente_model::{Problem, ProblemKind, Provider};
use parking_lot::Mutex;
use tokio::task::AbortHandle;

use crate::view::{Account, AccountState, SignInStep};
use crate::{App, AppEvent};

/// State of all accounts.
pub(crate) struct Accounts {
    all: Mutex<Vec<Account>>,
    /// Sign-ins on the way, and what each account was before.
    running: Mutex<HashMap<String, (AbortHandle, AccountState)>>,
    /// Pages of the services where those sign-ins go on.
    pages: Mutex<HashMap<String, String>>,
}

impl Accounts {
    pub(crate) fn new(providers: &[Arc<dyn Provider>]) -> Self {
        let all = providers
            .iter()
            .map(|provider| {
                let info = provider.info();
                Account {
                    provider: info.id.0,
                    name: info.name,
                    state: AccountState::SignedOut,
                    who: None,
                    ways: info.ways,
                    problem: None,
                }
            })
            .collect();
        Self { all: Mutex::new(all), running: Mutex::default(), pages: Mutex::default() }
    }
}

impl App {
    /// Every service and who is signed in there.
    #[must_use]
    pub fn accounts(&self) -> Vec<Account> {
        self.inner.accounts.all.lock().clone()
    }

    /// Brings back the accounts of the last run, and takes in games that went on without it. The shelf needs neither: see
    /// [`App::load_shelf`].
    pub async fn restore(&self) {
        self.tell_notes().await;
        self.take_in_leftovers().await;
        for provider in &self.inner.parts.providers {
            let id = provider.info().id.0;
            match provider.restore().await {
                Ok(Some(account)) => self.signed_in(&id, account),
                Ok(None) => {}
                Err(problem) => self.account_failed(&id, problem),
            }
        }
    }

    /// Starts signing in at `provider`. What happens comes as [`AppEvent::SignIn`]; one that is on the way is stopped.
    ///
    /// # Errors
    /// There is no such service, or it does not know this way.
    pub fn sign_in(&self, provider: &str, way: SignInWay) -> Result<(), Problem> {
        let service = Arc::clone(self.provider(provider)?);
        if !service.info().ways.contains(&way) {
            return Err(Problem::new(
                ProblemKind::Unsupported,
                format!("{} cannot be signed in to in this way.", service.info().name),
                "",
                "Choose another way.",
            ));
        }
        let id = provider.to_owned();
        // Held until the new task is noted, which takes itself off the table when it is done.
        let mut running = self.inner.accounts.running.lock();
        let older = running.remove(provider);
        let before = match &older {
            Some((task, before)) => {
                task.abort();
                *before
            }
            None => self.account(provider).map(|account| account.state).unwrap_or_default(),
        };
        self.change_account(provider, |account| {
            account.state = AccountState::SigningIn;
            account.problem = None;
        });
        self.tell(AppEvent::SignIn { provider: id.clone(), step: SignInStep::Starting });
        let app = self.clone();
        let task = tokio::spawn(async move {
            let shown = app.clone();
            let name = id.clone();
            let steps = move |step: provider::SignInStep| {
                shown.page_known(&name, &step);
                shown.tell(AppEvent::SignIn { provider: name.clone(), step: step_of(step) });
            };
            let result = service.sign_in(way, &steps).await;
            // From here on it cannot be stopped any more.
            app.inner.accounts.running.lock().remove(&id);
            app.inner.accounts.pages.lock().remove(&id);
            match result {
                Ok(account) => {
                    let who = account.who.clone();
                    app.signed_in(&id, account);
                    app.tell(AppEvent::SignIn { provider: id.clone(), step: SignInStep::Done { who } });
                    app.refresh();
                }
                Err(problem) => {
                    app.change_account(&id, |account| {
                        account.state = before;
                        account.problem = Some(problem.clone());
                    });
                    app.tell(AppEvent::SignIn { provider: id.clone(), step: SignInStep::Failed { problem } });
                }
            }
        });
        running.insert(provider.to_owned(), (task.abort_handle(), before));
        Ok(())
    }

    /// Stops a sign-in; fine if there is none.
    pub fn cancel_sign_in(&self, provider: &str) {
        let running = self.inner.accounts.running.lock().remove(provider);
        if let Some((task, before)) = running {
            task.abort();
            self.inner.accounts.pages.lock().remove(provider);
            self.change_account(provider, |account| account.state = before);
            self.tell(AppEvent::SignIn { provider: provider.to_owned(), step: SignInStep::Cancelled });
        }
    }

    /// The page where the sign-in on the way goes on, for a browser.
    ///
    /// # Errors
    /// There is no sign-in on the way, or the service has not said yet where it goes on.
    pub fn sign_in_page(&self, provider: &str) -> Result<String, Problem> {
        self.inner.accounts.pages.lock().get(provider).cloned().ok_or_else(|| {
            let why = "No sign-in waits for its page.";
            Problem::new(ProblemKind::BadInput, "There is no page to open.", why, "Start the sign-in again.")
        })
    }

    fn page_known(&self, provider: &str, step: &provider::SignInStep) {
        let page = match step {
            provider::SignInStep::Code { url, url_complete, .. } => url_complete.as_ref().unwrap_or(url),
            provider::SignInStep::Browser { url } => url,
            provider::SignInStep::Finishing => return,
        };
        self.inner.accounts.pages.lock().insert(provider.to_owned(), page.clone());
    }

    /// Signs out, here and at the service, and forgets what it listed.
    ///
    /// # Errors
    /// Secrets or files cannot be changed. The account is signed out all the same.
    pub async fn sign_out(&self, provider: &str) -> Result<(), Problem> {
        let service = Arc::clone(self.provider(provider)?);
        self.cancel_sign_in(provider);
        let result = service.sign_out().await;
        self.change_account(provider, |account| {
            account.state = AccountState::SignedOut;
            account.who = None;
            account.problem = None;
        });
        let library = Arc::clone(&self.inner.parts.library);
        let forgotten = crate::blocking(move || library.forget(&service.info().id)).await;
        self.shelf_changed();
        result.and(forgotten)
    }

    /// The account at `provider`.
    pub(crate) fn account(&self, provider: &str) -> Option<Account> {
        self.inner.accounts.all.lock().iter().find(|account| account.provider == provider).cloned()
    }

    /// Takes in a failure of something that was done for an account.
    pub(crate) fn account_failed(&self, provider: &str, problem: Problem) {
        let gone = matches!(problem.kind, ProblemKind::SignedOut | ProblemKind::WrongClock);
        self.change_account(provider, |account| {
            if gone {
                account.state = AccountState::Expired;
            }
            account.problem = Some(problem);
        });
    }

    fn signed_in(&self, provider: &str, who: provider::Account) {
        self.change_account(provider, |account| {
            account.state = if who.guest { AccountState::Guest } else { AccountState::SignedIn };
            account.who = who.who;
            account.problem = None;
        });
    }

    fn change_account(&self, provider: &str, change: impl FnOnce(&mut Account)) {
        let accounts = {
            let mut all = self.inner.accounts.all.lock();
            if let Some(account) = all.iter_mut().find(|account| account.provider == provider) {
                change(account);
            }
            all.clone()
        };
        self.tell(AppEvent::Accounts { accounts });
    }
}

fn step_of(step: provider::SignInStep) -> SignInStep {
    match step {
        provider::SignInStep::Code { code, url, url_complete, expires_millis } => {
            SignInStep::Code { code, url, url_complete, expires_at: expires_millis }
        }
        provider::SignInStep::Browser { url } => SignInStep::Browser { url },
        provider::SignInStep::Finishing => SignInStep::Finishing,
    }
}
