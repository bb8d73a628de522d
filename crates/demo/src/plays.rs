//! Sessions of accounts: a place in the queue, then a game that stays when its stream ends, until it is ended, or nobody
//! has played it for too long.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::account::kept::Kept;
use crate::games::Game;
use crate::session::Session;
use crate::slots::{Slot, Slots, Turn};

/// Ended sessions that can still be asked about.
const MAX_ENDED: usize = 256;
/// Lengths from which the waiting time is guessed.
const LENGTHS: usize = 16;

/// A game that can outlive its stream.
pub(crate) type SharedGame = Arc<Mutex<Box<dyn Game>>>;

/// What is asked for at the start.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) owner: String,
    pub(crate) title: String,
    pub(crate) game: &'static str,
    pub(crate) seed: u64,
    pub(crate) region: String,
    /// Width, height, frames per second.
    pub(crate) quality: Option<(u32, u32, u32)>,
    pub(crate) bitrate_kbps: Option<u32>,
}

enum Stage {
    Waiting { position: usize, of: usize },
    Starting { slot: Slot },
    Ready { slot: Slot, game: SharedGame, begun: Instant, begun_millis: u64, watched: Watched },
}

/// Whether somebody plays.
enum Watched {
    /// Nobody, since.
    No(Instant),
    /// Through this stream.
    By(Arc<Session>),
}

struct Play {
    order: Order,
    stage: Stage,
}

#[derive(Clone, Debug)]
struct Ended {
    owner: String,
    title: String,
    region: String,
    why: String,
}

/// A session as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) region: String,
    pub(crate) state: State,
}

/// How far a session is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Queued { position: usize, of: usize, eta: Option<Duration> },
    Starting,
    Ready { since_millis: u64 },
    Ended { why: String },
}

/// The time and the means of one call.
#[derive(Clone, Copy)]
pub(crate) struct Now<'a> {
    pub(crate) at: Instant,
    /// The same in Unix milliseconds.
    pub(crate) millis: u64,
    pub(crate) slots: &'a Slots,
    /// What can be encoded is known.
    pub(crate) prepared: bool,
}

/// What is left of a session that was ended. The place is free when this is dropped.
pub(crate) struct Rest {
    /// Its stream, which must be ended first.
    pub(crate) stream: Option<Arc<Session>>,
    _slot: Option<Slot>,
}

/// What a new stream of a session needs.
pub(crate) struct Joining {
    pub(crate) game: SharedGame,
    pub(crate) order: Order,
    /// A stream that must end first: only one plays.
    pub(crate) before: Option<Arc<Session>>,
}

/// Why a session cannot start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoStart {
    /// Every place and the queue are taken.
    Full,
    /// The account has these titles in play already, and no more at a time.
    Enough(Vec<String>),
}

/// Why a stream cannot join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoJoin {
    /// No such session, or it has ended.
    Gone,
    /// It still waits.
    NotReady,
}

struct Table {
    plays: HashMap<String, Play>,
    ended: Kept<String, Ended>,
    lengths: VecDeque<Duration>,
}

/// All sessions of accounts.
pub(crate) struct Plays {
    table: Mutex<Table>,
    parked_limit: Duration,
    /// Sessions of one account.
    most: usize,
}

impl Play {
    /// Goes on as far as it can; the reason when it ends instead.
    fn advance(&mut self, now: Now<'_>, id: &str) -> Result<(), String> {
        if let Stage::Waiting { position, of } = &mut self.stage {
            match now.slots.ask_again(now.at, id) {
                None => return Err("the place in the queue was lost: nobody asked about it in time".to_owned()),
                Some(Turn::Now(slot)) => self.stage = Stage::Starting { slot },
                Some(Turn::Wait { position: place, length, .. }) => (*position, *of) = (place, length),
                Some(Turn::Full) => {}
            }
        }
        if matches!(self.stage, Stage::Starting { .. }) && now.prepared {
            let order = &self.order;
            let Some(game) = crate::games::open(order.game, order.seed) else {
                return Err(format!("the game {} does not open", order.game));
            };
            let before = std::mem::replace(&mut self.stage, Stage::Waiting { position: 0, of: 0 });
            if let Stage::Starting { slot } = before {
                self.stage = Stage::Ready {
                    slot,
                    game: Arc::new(Mutex::new(game)),
                    begun: now.at,
                    begun_millis: now.millis,
                    watched: Watched::No(now.at),
                };
            }
        }
        Ok(())
    }
}

impl Table {
    fn view(&self, id: &str, play: &Play, places: usize) -> View {
        let state = match &play.stage {
            Stage::Waiting { position, of } => {
                let known = u32::try_from(self.lengths.len()).ok().filter(|known| *known > 0);
                let mean = known.map(|known| self.lengths.iter().sum::<Duration>() / known);
                let rounds = position.div_ceil(places.max(1));
                let eta = mean.map(|mean| mean.saturating_mul(u32::try_from(rounds).unwrap_or(u32::MAX)));
                State::Queued { position: *position, of: *of, eta }
            }
            Stage::Starting { .. } => State::Starting,
            Stage::Ready { begun_millis, .. } => State::Ready { since_millis: *begun_millis },
        };
        View { id: id.to_owned(), title: play.order.title.clone(), region: play.order.region.clone(), state }
    }

    /// Takes a session out of the table.
    fn end(&mut self, now: Instant, slots: &Slots, id: &str, why: String) -> Option<Rest> {
        let Play { order, stage } = self.plays.remove(id)?;
        tracing::info!(session = %id, title = %order.title, %why, "session of an account ended");
        let Order { owner, title, region, .. } = order;
        self.ended.put(id.to_owned(), Ended { owner, title, region, why });
        Some(match stage {
            Stage::Waiting { .. } => {
                slots.leave(now, id);
                Rest { stream: None, _slot: None }
            }
            Stage::Starting { slot } => Rest { stream: None, _slot: Some(slot) },
            Stage::Ready { slot, begun, watched, .. } => {
                self.lengths.push_back(now.saturating_duration_since(begun));
                if self.lengths.len() > LENGTHS {
                    self.lengths.pop_front();
                }
                let stream = match watched {
                    Watched::No(_) => None,
                    Watched::By(stream) => Some(stream),
                };
                Rest { stream, _slot: Some(slot) }
            }
        })
    }

    fn advance(&mut self, now: Now<'_>, id: &str) {
        let Some(play) = self.plays.get_mut(id) else { return };
        if let Err(why) = play.advance(now, id) {
            // Not yet ready, so there is no stream to wait for.
            self.end(now.at, now.slots, id, why);
        }
    }

    fn owned(&self, owner: &str, title: Option<&str>) -> Vec<String> {
        let own = |play: &Play| play.order.owner == owner && title.is_none_or(|title| play.order.title == title);
        let mut ids: Vec<_> = self.plays.iter().filter(|(_, play)| own(play)).map(|(id, _)| id.clone()).collect();
        ids.sort();
        ids
    }
}

impl Plays {
    pub(crate) fn new(parked_limit: Duration, most: usize) -> Self {
        let table = Table { plays: HashMap::new(), ended: Kept::new(MAX_ENDED), lengths: VecDeque::new() };
        Self { table: Mutex::new(table), parked_limit, most: most.max(1) }
    }

    /// The running or waiting session of an account and a title.
    pub(crate) fn running(&self, now: Now<'_>, owner: &str, title: &str) -> Option<View> {
        let mut table = self.table.lock();
        for id in table.owned(owner, Some(title)) {
            table.advance(now, &id);
            if let Some(play) = table.plays.get(&id) {
                return Some(table.view(&id, play, now.slots.places()));
            }
        }
        None
    }

    /// Starts a session under an id that nobody can guess.
    pub(crate) fn start(&self, now: Now<'_>, id: String, order: Order) -> Result<View, NoStart> {
        let mut table = self.table.lock();
        let own = table.owned(&order.owner, None);
        if own.len() >= self.most {
            let titles = own.iter().filter_map(|id| table.plays.get(id)).map(|play| play.order.title.clone());
            return Err(NoStart::Enough(titles.collect()));
        }
        let stage = match now.slots.ask(now.at, None, || id.clone()) {
            Turn::Now(slot) => Stage::Starting { slot },
            Turn::Wait { position, length, .. } => Stage::Waiting { position, of: length },
            Turn::Full => return Err(NoStart::Full),
        };
        let begins = matches!(stage, Stage::Starting { .. });
        table.plays.insert(id.clone(), Play { order, stage });
        if begins {
            table.advance(now, &id);
        }
        let play = table.plays.get(&id).ok_or(NoStart::Full)?;
        Ok(table.view(&id, play, now.slots.places()))
    }

    /// The sessions of an account that run or wait.
    pub(crate) fn list(&self, now: Now<'_>, owner: &str) -> Vec<View> {
        let mut table = self.table.lock();
        for id in table.owned(owner, None) {
            table.advance(now, &id);
        }
        let ids = table.owned(owner, None);
        let found = ids.iter().filter_map(|id| table.plays.get(id).map(|play| (id, play)));
        found.map(|(id, play)| table.view(id, play, now.slots.places())).collect()
    }

    /// One session of an account, also one that has ended.
    pub(crate) fn get(&self, now: Now<'_>, owner: &str, id: &str) -> Option<View> {
        let mut table = self.table.lock();
        if table.plays.get(id).is_some_and(|play| play.order.owner == owner) {
            table.advance(now, id);
        }
        if let Some(play) = table.plays.get(id) {
            return (play.order.owner == owner).then(|| table.view(id, play, now.slots.places()));
        }
        let ended = table.ended.get(&id.to_owned()).filter(|ended| ended.owner == owner)?;
        Some(View {
            id: id.to_owned(),
            title: ended.title.clone(),
            region: ended.region.clone(),
            state: State::Ended { why: ended.why.clone() },
        })
    }

    /// Ends sessions of an account: one, or all of a title.
    pub(crate) fn end(&self, now: Now<'_>, owner: &str, which: Which<'_>, why: &str) -> Vec<Rest> {
        let mut table = self.table.lock();
        let ids = match which {
            Which::Id(id) => {
                let own = table.plays.get(id).is_some_and(|play| play.order.owner == owner);
                if own { vec![id.to_owned()] } else { Vec::new() }
            }
            Which::Title(title) => table.owned(owner, Some(title)),
        };
        ids.iter().filter_map(|id| table.end(now.at, now.slots, id, why.to_owned())).collect()
    }

    /// What a new stream of a session needs. The time without a player begins anew, so that it does not end meanwhile.
    pub(crate) fn join(&self, now: Instant, id: &str) -> Result<Joining, NoJoin> {
        let mut table = self.table.lock();
        let Play { order, stage } = table.plays.get_mut(id).ok_or(NoJoin::Gone)?;
        let Stage::Ready { game, watched, .. } = stage else { return Err(NoJoin::NotReady) };
        let before = match watched {
            Watched::No(since) => {
                *since = now;
                None
            }
            Watched::By(stream) => Some(Arc::clone(stream)),
        };
        Ok(Joining { game: Arc::clone(game), order: order.clone(), before })
    }

    /// A stream plays a session now. Returns what must be ended: a stream that was faster, or this one when the session
    /// is gone.
    pub(crate) fn watched(&self, id: &str, stream: &Arc<Session>) -> Option<Arc<Session>> {
        let mut table = self.table.lock();
        match table.plays.get_mut(id).map(|play| &mut play.stage) {
            Some(Stage::Ready { watched, .. }) => match std::mem::replace(watched, Watched::By(Arc::clone(stream))) {
                Watched::No(_) => None,
                Watched::By(before) => Some(before),
            },
            _ => Some(Arc::clone(stream)),
        }
    }

    /// A stream has ended: its game waits for another one.
    pub(crate) fn parked(&self, now: Instant, id: &str, stream: &str) {
        let mut table = self.table.lock();
        if let Some(Stage::Ready { watched, .. }) = table.plays.get_mut(id).map(|play| &mut play.stage)
            && matches!(watched, Watched::By(present) if present.shared.id == stream)
        {
            *watched = Watched::No(now);
        }
    }

    /// Ends what nobody plays or waits for any more.
    pub(crate) fn sweep(&self, now: Instant, slots: &Slots) {
        let mut table = self.table.lock();
        let mut over = Vec::new();
        for (id, play) in &table.plays {
            match &play.stage {
                Stage::Waiting { .. } if !slots.waits(now, id) => {
                    over.push((
                        id.clone(),
                        "the place in the queue was lost: nobody asked about it in time".to_owned(),
                    ));
                }
                Stage::Ready { watched: Watched::No(since), .. }
                    if now.saturating_duration_since(*since) >= self.parked_limit =>
                {
                    let seconds = self.parked_limit.as_secs();
                    let time = match seconds {
                        1 => "1 second".to_owned(),
                        0..120 => format!("{seconds} seconds"),
                        _ => format!("{} minutes", seconds / 60),
                    };
                    over.push((id.clone(), format!("nobody played for {time}")));
                }
                _ => {}
            }
        }
        for (id, why) in over {
            table.end(now, slots, &id, why);
        }
    }

    /// Sessions that run and that wait, of one account.
    #[cfg(test)]
    fn count(&self) -> usize {
        self.table.lock().plays.len()
    }
}

/// Which sessions of an account.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Which<'a> {
    Id(&'a str),
    Title(&'a str),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    fn order(owner: &str, title: &str) -> Order {
        Order {
            owner: owner.to_owned(),
            title: title.to_owned(),
            game: "padcheck",
            seed: 1,
            region: "near".to_owned(),
            quality: None,
            bitrate_kbps: None,
        }
    }

    #[test]
    fn places_move_up_and_lost_ones_are_told() {
        let slots = Slots::new(1, 4, Duration::from_secs(10));
        let plays = Plays::new(Duration::from_secs(60), 9);
        let begun = clock::now();
        let at = |seconds: u64| Now {
            at: begun + Duration::from_secs(seconds),
            millis: seconds * 1000,
            slots: &slots,
            prepared: true,
        };
        let state = |view: Option<View>| view.map(|view| view.state);
        assert_eq!(
            state(plays.start(at(0), "a".into(), order("ada", "x")).ok()),
            Some(State::Ready { since_millis: 0 })
        );
        let queued = |position, of, eta| Some(State::Queued { position, of, eta });
        assert_eq!(state(plays.start(at(0), "b".into(), order("bob", "x")).ok()), queued(1, 1, None));
        assert_eq!(state(plays.start(at(0), "c".into(), order("cy", "x")).ok()), queued(2, 2, None));
        assert_eq!(state(plays.start(at(0), "d".into(), order("di", "x")).ok()), queued(3, 3, None));
        // Nobody asks about b; c and d ask.
        assert_eq!(state(plays.get(at(8), "cy", "c")), queued(2, 3, None));
        assert_eq!(state(plays.get(at(8), "di", "d")), queued(3, 3, None));
        assert_eq!(state(plays.get(at(11), "di", "d")), queued(2, 2, None));
        plays.sweep(at(11).at, &slots);
        assert!(matches!(state(plays.get(at(11), "bob", "b")), Some(State::Ended { why }) if why.contains("in time")));
        assert_eq!(plays.get(at(11), "ada", "c"), None, "another's");
        drop(plays.end(at(12), "ada", Which::Id("a"), "ended by the player"));
        let twelve = Some(Duration::from_secs(12));
        let two = Some(Duration::from_secs(24));
        assert_eq!(state(plays.get(at(12), "di", "d")), queued(2, 2, two), "d does not overtake c");
        assert_eq!(state(plays.get(at(12), "cy", "c")), Some(State::Ready { since_millis: 12_000 }));
        assert_eq!(state(plays.get(at(12), "di", "d")), queued(1, 1, twelve));
        assert_eq!(plays.end(at(12), "ada", Which::Id("d"), "x").len(), 0, "another's");
        drop(plays.end(at(12), "di", Which::Title("x"), "left"));
        assert_eq!((slots.load(at(12).at), plays.count()), ((1, 0), 1));
    }

    #[test]
    fn a_game_that_nobody_plays_ends_after_its_time() {
        let slots = Slots::new(2, 4, Duration::from_secs(10));
        let plays = Plays::new(Duration::from_secs(600), 9);
        let begun = clock::now();
        let now = Now { at: begun, millis: 0, slots: &slots, prepared: false };
        let started = plays.start(now, "a".into(), order("ada", "x")).unwrap();
        assert_eq!(started.state, State::Starting);
        assert_eq!(plays.join(begun, "a").err(), Some(NoJoin::NotReady));
        let ready = Now { prepared: true, ..now };
        assert_eq!(plays.running(ready, "ada", "x").unwrap().state, State::Ready { since_millis: 0 });
        assert!(plays.join(begun + Duration::from_secs(100), "a").is_ok());
        plays.sweep(begun + Duration::from_secs(699), &slots);
        assert_eq!(plays.list(ready, "ada").len(), 1);
        plays.sweep(begun + Duration::from_secs(700), &slots);
        assert_eq!((plays.list(ready, "ada").len(), slots.load(begun)), (0, (0, 0)));
        let ended = plays.get(ready, "ada", "a").unwrap();
        assert_eq!(ended.state, State::Ended { why: "nobody played for 10 minutes".to_owned() });
        assert_eq!(plays.join(begun, "a").err(), Some(NoJoin::Gone));
    }
}
