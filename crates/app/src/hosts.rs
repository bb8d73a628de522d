//! Consoles and computers of the user.

use std::sync::Arc;

use entente_model::catalogue::Host;
use entente_model::{Problem, ProblemKind, Provider};

use crate::App;
use crate::view::HostView;

impl App {
    /// Every host of every service that has such, as they are now. A service that fails costs its own hosts only.
    pub async fn hosts(&self) -> Vec<HostView> {
        let mut asked = tokio::task::JoinSet::new();
        for (index, provider) in self.hosting().into_iter().enumerate() {
            asked.spawn(async move { (index, provider.info(), provider.hosts().await) });
        }
        let mut answers = asked.join_all().await;
        answers.sort_by_key(|(index, ..)| *index);
        let mut all = Vec::new();
        for (_, info, answer) in answers {
            match answer {
                Ok(hosts) => all.extend(hosts.into_iter().map(|host| view(&info.id.0, &info.name, host))),
                Err(problem) => self.account_failed(&info.id.0, problem),
            }
        }
        all
    }

    /// Adds the host at `address`: the first service that knows it has it.
    ///
    /// # Errors
    /// No service knows it; the last one's words.
    pub async fn add_host(&self, address: &str) -> Result<HostView, Problem> {
        let address = address.trim();
        let mut failure = Problem::new(
            ProblemKind::Unsupported,
            "No host can be added.",
            "None of your services has consoles or computers of your own.",
            "Choose a service that has.",
        );
        for provider in self.hosting() {
            let info = provider.info();
            match provider.add_host(address).await {
                Ok(host) => return Ok(view(&info.id.0, &info.name, host)),
                Err(problem) => failure = problem,
            }
        }
        Err(failure)
    }

    /// Exchanges keys with a host.
    ///
    /// # Errors
    /// The PIN is wrong, or the host does not answer.
    pub async fn pair(&self, host: &str, pin: &str) -> Result<(), Problem> {
        let (provider, id) = self.host(host)?;
        provider.pair(id, pin.trim()).await
    }

    /// Wakes a host.
    ///
    /// # Errors
    /// It cannot be woken.
    pub async fn wake(&self, host: &str) -> Result<(), Problem> {
        let (provider, id) = self.host(host)?;
        provider.wake(id).await
    }

    /// Forgets a host and its keys.
    ///
    /// # Errors
    /// It cannot be kept in mind that it is forgotten.
    pub async fn forget_host(&self, host: &str) -> Result<(), Problem> {
        let (provider, id) = self.host(host)?;
        provider.forget_host(id).await
    }

    fn hosting(&self) -> Vec<Arc<dyn Provider>> {
        let all = self.inner.parts.providers.iter();
        all.filter(|provider| provider.info().has_hosts).map(Arc::clone).collect()
    }

    fn host<'a>(&self, host: &'a str) -> Result<(Arc<dyn Provider>, &'a str), Problem> {
        let (provider, id) = host.split_once('/').unwrap_or((host, ""));
        Ok((Arc::clone(self.provider(provider)?), id))
    }
}

fn view(provider: &str, kind: &str, host: Host) -> HostView {
    HostView {
        id: format!("{provider}/{}", host.id),
        name: host.name,
        kind: kind.to_owned(),
        address: host.address,
        state: host.state,
        paired: host.paired,
        can_wake: host.can_wake,
        problem: None,
    }
}
