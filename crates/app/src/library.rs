//! The library: asking services for their titles, and what the user does with the shelf.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use entente_model::catalogue::{Art, Entitlement, Region};
use entente_model::provider::{Session, SessionState};
use entente_model::{Problem, ProblemKind, Provider};
use entente_store::library::Refresh;
use parking_lot::Mutex;
use tokio::task::AbortHandle;

use crate::merge::Entry;
use crate::shelf::{self, Cards, Placed};
use crate::view::{AccountState, CardDetail, Edition, Entitled, LibraryPage, LibraryQuery, ProviderProblem};
use crate::{App, AppEvent, blocking};

/// Pages after which a service that never comes to an end is not asked further: 20 times the largest catalogue known.
const MOST_PAGES: usize = 1_000;
/// How long a card waits for regions and pings before it is shown without.
const PLACES_LIMIT: Duration = Duration::from_secs(3);

/// What is on the way.
#[derive(Default)]
pub(crate) struct Refreshing {
    task: Mutex<Option<AbortHandle>>,
    busy: AtomicBool,
    problems: Mutex<Vec<ProviderProblem>>,
    /// Sessions of each provider at the last look: what runs can be gone back to.
    sessions: Mutex<HashMap<String, Vec<Session>>>,
}

/// Says that refreshing is over, also when the task is stopped in its middle.
struct Busy(App);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.inner.refreshing.busy.store(false, Ordering::Release);
        self.0.tell(AppEvent::LibraryChanged);
    }
}

/// Drops what was read when the task is stopped in its middle.
struct Reading {
    app: App,
    refresh: Option<Refresh>,
}

impl Drop for Reading {
    fn drop(&mut self) {
        let Some(refresh) = self.refresh.take() else { return };
        let library = Arc::clone(&self.app.inner.parts.library);
        tokio::task::spawn_blocking(move || {
            if let Err(problem) = library.abandon(refresh) {
                tracing::warn!(%problem, "a reading was not dropped");
            }
        });
    }
}

impl App {
    /// The part of the shelf that `query` asks for.
    ///
    /// # Errors
    /// The cache cannot be read.
    pub async fn library(&self, query: LibraryQuery) -> Result<LibraryPage, Problem> {
        let library = Arc::clone(&self.inner.parts.library);
        let ids: Vec<_> = self.inner.parts.providers.iter().map(|provider| provider.info().id).collect();
        let cards = self.inner.shelf.get();
        let (page, total, as_of) = blocking(move || {
            let (page, total) = cards.find(&query);
            let mut newest = None;
            for id in &ids {
                newest = newest.max(library.reading(id)?.map(|reading| reading.read_millis));
            }
            Ok((page, total, newest))
        })
        .await?;
        Ok(LibraryPage {
            cards: page,
            total,
            as_of,
            refreshing: self.inner.refreshing.busy.load(Ordering::Acquire),
            problems: self.inner.refreshing.problems.lock().clone(),
            genres: self.inner.shelf.get().genres.clone(),
        })
    }

    /// Puts the shelf together from the cache: what is there at once, without any service.
    ///
    /// # Errors
    /// The cache cannot be read.
    pub async fn load_shelf(&self) -> Result<(), Problem> {
        let parts = &self.inner.parts;
        let (library, choices) = (Arc::clone(&parts.library), Arc::clone(&parts.choices));
        let now = parts.clock.unix_millis();
        let running = self.running_editions();
        let cards = blocking(move || Ok(Cards::build(library.titles()?, &choices.chosen(), &running, now))).await?;
        self.inner.shelf.put(cards);
        self.tell(AppEvent::LibraryChanged);
        Ok(())
    }

    /// The shelf is another one: puts it together behind the scenes.
    pub(crate) fn shelf_changed(&self) {
        let app = self.clone();
        tokio::spawn(async move {
            if let Err(problem) = app.load_shelf().await {
                app.tell(AppEvent::Note { problem });
            }
        });
    }

    fn running_editions(&self) -> BTreeSet<String> {
        let sessions = self.inner.refreshing.sessions.lock();
        let all = sessions.iter().flat_map(|(provider, list)| list.iter().map(move |session| (provider, session)));
        all.filter(|(_, session)| session.state == SessionState::Ready)
            .map(|(provider, session)| format!("{provider}/{}", session.title))
            .collect()
    }

    /// Asks every service that somebody is signed in to for its titles. Goes on behind the scenes; one that is on the
    /// way already goes on instead.
    pub fn refresh(&self) {
        if self.inner.refreshing.busy.swap(true, Ordering::AcqRel) {
            return;
        }
        let busy = Busy(self.clone());
        self.tell(AppEvent::LibraryChanged);
        let app = self.clone();
        let task = tokio::spawn(async move {
            let _busy = busy;
            let mut problems = Vec::new();
            for provider in &app.inner.parts.providers {
                let id = provider.info().id.0;
                let signed = app
                    .account(&id)
                    .is_some_and(|account| matches!(account.state, AccountState::SignedIn | AccountState::Guest));
                if !signed {
                    continue;
                }
                if let Err(problem) = app.refresh_one(provider).await {
                    if problem.kind == ProblemKind::SignedOut || problem.kind == ProblemKind::WrongClock {
                        app.account_failed(&id, problem.clone());
                    }
                    problems.push(ProviderProblem { provider: id, problem });
                }
            }
            *app.inner.refreshing.problems.lock() = problems;
            app.take_in_leftovers().await;
            if let Err(problem) = app.load_shelf().await {
                app.tell(AppEvent::Note { problem });
            }
        });
        *self.inner.refreshing.task.lock() = Some(task.abort_handle());
    }

    /// Stops refreshing; the shelf stays as it was.
    pub fn cancel_refresh(&self) {
        if let Some(task) = self.inner.refreshing.task.lock().take() {
            task.abort();
        }
    }

    async fn refresh_one(&self, provider: &Arc<dyn Provider>) -> Result<(), Problem> {
        let id = provider.info().id;
        let sessions = provider.sessions().await?;
        self.inner.refreshing.sessions.lock().insert(id.0.clone(), sessions);
        let library = Arc::clone(&self.inner.parts.library);
        let now = self.inner.parts.clock.unix_millis();
        let (since, refresh) = {
            let (library, id) = (Arc::clone(&library), id.clone());
            blocking(move || {
                let since = library.reading(&id)?.and_then(|reading| reading.mark);
                let refresh = library.begin(&id, since.as_deref(), now)?;
                Ok((since, refresh))
            })
            .await?
        };
        let mut reading = Reading { app: self.clone(), refresh: Some(refresh) };
        let (mut done, mut cursor) = (0, None);
        let result = loop_pages(self, provider, &mut reading, since.as_deref(), &mut cursor, &mut done).await;
        self.tell(AppEvent::Refresh { provider: id.0.clone(), done, total: Some(done), finished: true });
        result?;
        let Some(refresh) = reading.refresh.take() else { return Ok(()) };
        let now = self.inner.parts.clock.unix_millis();
        blocking(move || library.finish(refresh, now)).await?;
        Ok(())
    }

    /// A card with its editions, places measured now.
    ///
    /// # Errors
    /// There is no such card.
    pub async fn card(&self, id: &str) -> Result<CardDetail, Problem> {
        let cards = self.inner.shelf.get();
        let placed = cards.card(id).ok_or_else(no_such_card)?;
        let mut editions = Vec::new();
        for entry in cards.entries(placed) {
            editions.extend(self.editions(entry).await);
        }
        editions.sort_by_key(rank);
        let best = editions.iter().find(|edition| edition.available).map(|edition| edition.id.clone());
        Ok(detail(&cards, placed, editions, best))
    }

    /// Every place where a title can be played.
    async fn editions(&self, entry: &Entry) -> Vec<Edition> {
        let Ok(provider) = self.provider(&entry.provider).map(Arc::clone) else { return Vec::new() };
        let regions = tokio::time::timeout(PLACES_LIMIT, measured(&provider, entry)).await.ok().unwrap_or_default();
        let sessions = self.inner.refreshing.sessions.lock().get(&entry.provider).cloned().unwrap_or_default();
        let account = self.account(&entry.provider);
        let signed = account
            .as_ref()
            .is_some_and(|account| matches!(account.state, AccountState::SignedIn | AccountState::Guest));
        let name = account.map_or_else(|| entry.provider.clone(), |account| account.name);
        let now = self.inner.parts.clock.unix_millis();
        let places = if regions.is_empty() { vec![(None, None)] } else { regions };
        places
            .into_iter()
            .map(|(region, ping)| {
                let here = |session: &&Session| {
                    session.title == entry.title.id
                        && (session.place.is_none() || session.place == region.as_ref().map(|region| region.id.clone()))
                };
                let session = sessions.iter().find(here);
                let why = reason(entry, signed, &name, now);
                edition_of(entry, &name, region, ping, session, why)
            })
            .collect()
    }

    /// Marks or unmarks a favourite.
    ///
    /// # Errors
    /// It cannot be kept.
    pub async fn set_favourite(&self, id: &str, on: bool) -> Result<(), Problem> {
        self.for_each_edition(id, move |choices, edition| choices.set_favourite(edition, on)).await
    }

    /// Puts a card away, or brings it back.
    ///
    /// # Errors
    /// It cannot be kept.
    pub async fn set_hidden(&self, id: &str, on: bool) -> Result<(), Problem> {
        self.for_each_edition(id, move |choices, edition| choices.set_hidden(edition, on)).await
    }

    async fn for_each_edition(
        &self,
        id: &str,
        change: impl Fn(&entente_store::Choices, &str) -> Result<(), Problem> + Send + 'static,
    ) -> Result<(), Problem> {
        let cards = self.inner.shelf.get();
        let placed = cards.card(id).ok_or_else(no_such_card)?;
        let editions: Vec<String> = cards.entries(placed).map(Entry::edition).collect();
        let choices = Arc::clone(&self.inner.parts.choices);
        blocking(move || editions.iter().try_for_each(|edition| change(&choices, edition))).await?;
        self.load_shelf().await
    }

    /// Makes the title of an edition a card of its own.
    ///
    /// # Errors
    /// There is no such edition, or it cannot be kept.
    pub async fn split(&self, edition: &str) -> Result<(), Problem> {
        let (title, _) = place_of(edition);
        self.inner.shelf.get().edition(title).ok_or_else(no_such_card)?;
        let (choices, title) = (Arc::clone(&self.inner.parts.choices), title.to_owned());
        blocking(move || choices.split(&title)).await?;
        self.load_shelf().await
    }

    /// Makes two cards one.
    ///
    /// # Errors
    /// There are no such cards, or it cannot be kept.
    pub async fn join(&self, one: &str, other: &str) -> Result<(), Problem> {
        let cards = self.inner.shelf.get();
        let name = |id: &str| cards.card(id).map(|placed| placed.card.id.clone()).ok_or_else(no_such_card);
        let (one, other) = (name(one)?, name(other)?);
        let choices = Arc::clone(&self.inner.parts.choices);
        blocking(move || choices.join(&one, &other)).await?;
        self.load_shelf().await
    }

    /// A picture of a title, `tile` or `hero`: from the cache, or fetched once. Bytes and MIME type.
    ///
    /// # Errors
    /// There is none, it cannot be fetched, or it is not a picture.
    pub async fn art(&self, which: &str, edition: &str) -> Result<(Vec<u8>, &'static str), Problem> {
        let cards = self.inner.shelf.get();
        let entry = cards.edition(edition).ok_or_else(no_such_card)?;
        let art = if which == "hero" { entry.title.hero.as_ref() } else { entry.title.tile.as_ref() };
        let art: Art = art.cloned().ok_or_else(no_such_card)?;
        let cache = Arc::clone(&self.inner.parts.art);
        let now = self.inner.parts.clock.unix_millis();
        let kept = {
            let (cache, art) = (Arc::clone(&cache), art.clone());
            blocking(move || cache.get(&art, now)).await
        };
        if let Ok(Some(picture)) = kept {
            return Ok((picture.bytes, picture.mime.name()));
        }
        let bytes = self.provider(&entry.provider)?.art(&art.url).await?;
        blocking(move || {
            let mime = cache.put(&art, &bytes, now)?;
            Ok((bytes, mime.name()))
        })
        .await
    }

    /// The picture at the path of an address that a [`crate::view::Card`] has: `/tile/` or `/hero/`, then the edition.
    ///
    /// # Errors
    /// It is no such path; else as [`App::art`].
    pub async fn art_at(&self, path: &str) -> Result<(Vec<u8>, &'static str), Problem> {
        let (which, edition) = shelf::art_named(path).ok_or_else(no_such_card)?;
        self.art(which, &edition).await
    }

    /// Notes a session that was started, so that the shelf offers to go back to it.
    pub(crate) fn session_known(&self, provider: &str, session: Option<Session>, id: &str) {
        let mut all = self.inner.refreshing.sessions.lock();
        let list = all.entry(provider.to_owned()).or_default();
        list.retain(|known| known.id != id);
        list.extend(session);
    }

    /// The running session of a title, as far as it is known.
    pub(crate) fn session_of(&self, provider: &str, title: &str) -> Option<Session> {
        let all = self.inner.refreshing.sessions.lock();
        all.get(provider)?.iter().find(|session| session.title == title).cloned()
    }

    pub(crate) fn entry(&self, edition: &str) -> Result<Entry, Problem> {
        self.inner.shelf.get().edition(edition).cloned().ok_or_else(no_such_card)
    }
}

async fn loop_pages(
    app: &App,
    provider: &Arc<dyn Provider>,
    reading: &mut Reading,
    since: Option<&str>,
    cursor: &mut Option<String>,
    done: &mut u64,
) -> Result<(), Problem> {
    let id = provider.info().id.0;
    for _ in 0..MOST_PAGES {
        let page = provider.titles(since, cursor.as_deref()).await?;
        *done += page.titles.len() as u64;
        app.tell(AppEvent::Refresh { provider: id.clone(), done: *done, total: page.total, finished: false });
        let next = page.next.clone();
        let library = Arc::clone(&app.inner.parts.library);
        let Some(mut refresh) = reading.refresh.take() else { return Ok(()) };
        let (refresh, result) = blocking(move || {
            let result = library.stage(&mut refresh, &page);
            Ok((refresh, result))
        })
        .await?;
        reading.refresh = Some(refresh);
        result?;
        if next.is_none() {
            return Ok(());
        }
        *cursor = next;
    }
    Err(Problem::new(
        ProblemKind::BadAnswer,
        format!("{} lists more titles than there can be.", provider.info().name),
        "Its list has no end.",
        "Try again in a while.",
    )
    .retriable())
}

/// Regions that run the title, with the round trip to each.
async fn measured(provider: &Arc<dyn Provider>, entry: &Entry) -> Vec<(Option<Region>, Option<Duration>)> {
    let Ok(regions) = provider.regions().await else { return Vec::new() };
    let runs = |region: &Region| entry.title.regions.is_empty() || entry.title.regions.contains(&region.id);
    let mut pings = tokio::task::JoinSet::new();
    for (index, region) in regions.into_iter().filter(|region| runs(region)).enumerate() {
        let provider = Arc::clone(provider);
        pings.spawn(async move {
            let ping = provider.ping(&region).await.ok();
            (index, region, ping)
        });
    }
    let mut all = pings.join_all().await;
    all.sort_by_key(|(index, ..)| *index);
    all.into_iter().map(|(_, region, ping)| (Some(region), ping)).collect()
}

/// Why it cannot be played now.
fn reason(entry: &Entry, signed: bool, service: &str, now: u64) -> Option<String> {
    if !signed {
        return Some(format!("Sign in to {service} first."));
    }
    match entry.title.entitlement {
        Entitlement::None => Some(format!("Your account at {service} does not have this game.")),
        entitlement if !entitlement.allows(now) => Some(format!("Your subscription at {service} is over.")),
        _ => None,
    }
}

fn edition_of(
    entry: &Entry,
    service: &str,
    region: Option<Region>,
    ping: Option<Duration>,
    session: Option<&Session>,
    why: Option<String>,
) -> Edition {
    let (entitlement, entitled_until) = match entry.title.entitlement {
        Entitlement::Unknown => (Entitled::Unknown, None),
        Entitlement::Free => (Entitled::Free, None),
        Entitlement::Owned => (Entitled::Owned, None),
        Entitlement::Subscription { until_millis } => (Entitled::Subscription, until_millis),
        Entitlement::None => (Entitled::None, None),
    };
    let queue_position = match session.map(|session| &session.state) {
        Some(SessionState::Queued { position, .. }) => Some(*position),
        _ => None,
    };
    Edition {
        id: match &region {
            Some(region) => format!("{}@{}", entry.edition(), region.id),
            None => entry.edition(),
        },
        provider: entry.provider.clone(),
        provider_name: service.to_owned(),
        place: region.as_ref().map_or_else(|| service.to_owned(), |region| region.name.clone()),
        entitlement,
        entitled_until,
        quality: entry.title.quality.map(|best| format!("{}x{} at {}", best.width, best.height, best.fps)),
        ping_ms: ping.map(|ping| ping.as_secs_f64() * 1000.0),
        queue_seconds: region.as_ref().and_then(|region| region.queue_seconds),
        queue_position,
        running: session.is_some_and(|session| session.state == SessionState::Ready),
        available: why.is_none(),
        why,
    }
}

/// Order of editions: what can be played, then what waits for us, then what starts soonest and answers fastest.
fn rank(edition: &Edition) -> (bool, bool, u32, u32) {
    let ping = edition.ping_ms.map_or(u32::MAX, |ping| ping.clamp(0.0, 1e6) as u32);
    // A service that has a place says 0; one that says nothing may have a queue.
    (!edition.available, !edition.running, edition.queue_seconds.unwrap_or(u32::MAX), ping)
}

fn detail(cards: &Cards, placed: &Placed, editions: Vec<Edition>, best: Option<String>) -> CardDetail {
    let longest = cards.entries(placed).map(|entry| entry.title.description.as_str()).max_by_key(|text| text.len());
    let with_hero = cards.entries(placed).find(|entry| entry.title.hero.is_some());
    let mut inputs = Vec::new();
    for entry in cards.entries(placed) {
        for input in &entry.title.inputs {
            if !inputs.contains(input) {
                inputs.push(*input);
            }
        }
    }
    CardDetail {
        card: placed.card.clone(),
        description: longest.unwrap_or_default().to_owned(),
        hero: with_hero.map(|entry| shelf::art_of(entry, "hero")),
        year: cards.entries(placed).filter_map(|entry| entry.title.year).min(),
        players: cards.entries(placed).find_map(|entry| entry.title.players.clone()),
        inputs,
        editions,
        best,
        by_hand: placed.by_hand,
    }
}

/// The title and the place of an edition's name. Names of titles may hold an `@`; names of places do not.
pub(crate) fn place_of(edition: &str) -> (&str, Option<&str>) {
    match edition.rsplit_once('@') {
        Some((title, place)) if !place.is_empty() && !place.contains('/') => (title, Some(place)),
        _ => (edition, None),
    }
}

fn no_such_card() -> Problem {
    Problem::new(
        ProblemKind::NotFound,
        "This game is not on the shelf any more.",
        "The service may have taken it off its list.",
        "Refresh the library.",
    )
}

#[cfg(test)]
mod tests {
    use super::place_of;

    #[test]
    fn the_place_is_behind_the_last_sign() {
        assert_eq!(place_of("demo/game@near"), ("demo/game", Some("near")));
        assert_eq!(place_of("demo/a@b@far"), ("demo/a@b", Some("far")));
        assert_eq!(place_of("demo/game"), ("demo/game", None));
        assert_eq!(place_of("demo@x/game"), ("demo@x/game", None));
    }
}
