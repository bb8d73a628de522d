//! Virtual time, and everything that happens in it.

use std::collections::BinaryHeap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use entente_model::http::{HttpError, HttpRequest, HttpResponse};
use entente_model::input::{InputEvent, PlayerInput};
use entente_model::link::{RequestId, SocketId, SocketSpec};
use entente_model::{EndReason, Event, Input, Link, Output, Request};

use crate::host::FakeHost;
use crate::net::{Path, Random};

/// A world that is stuck at one instant for this many steps has a link or a host that spins.
const MAX_STEPS_AT_ONCE: u32 = 5000;

/// How a world is made.
#[derive(Clone, Debug)]
pub struct WorldConfig {
    /// Decides every loss.
    pub seed: u64,
    /// From the link to the host.
    pub up: Path,
    /// From the host to the link.
    pub down: Path,
    /// Addresses of the link's machine.
    pub addresses: Vec<IpAddr>,
}

impl Default for WorldConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            up: Path::clean(10),
            down: Path::clean(10),
            addresses: vec![IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2))],
        }
    }
}

/// One line of the trace: what passed, without its bytes, which differ from run to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Traced {
    /// Since the world began.
    pub micros: u128,
    /// From the link to the host.
    pub up: bool,
    /// First byte's class (RFC 7983): `S`tun, `D`tls, `R`tp, `H`ttp, `?`.
    pub kind: char,
}

enum What {
    Opened { socket: SocketId, local: SocketAddr },
    ToHost { from: SocketAddr, to: SocketAddr, bytes: Vec<u8> },
    ToLink { from: SocketAddr, to: SocketAddr, bytes: Vec<u8> },
    Ask { id: RequestId, request: HttpRequest },
    Reply { id: RequestId, result: Result<HttpResponse, HttpError> },
}

struct Due {
    at: Instant,
    order: u64,
    what: What,
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}
impl Eq for Due {}
impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        // The earliest is the greatest, for the heap.
        (other.at, other.order).cmp(&(self.at, self.order))
    }
}

/// A link, a host and the network between them.
pub struct World<L: Link> {
    /// The link under test.
    pub link: L,
    /// The host.
    pub host: FakeHost,
    /// From the link to the host; may change while the world runs.
    pub up: Path,
    /// From the host to the link.
    pub down: Path,
    /// What the link told, with the time since the beginning.
    pub events: Vec<(Duration, Event)>,
    /// Requests that the link made, with the time since the beginning.
    pub requests: Vec<(Duration, HttpRequest)>,
    /// What passed.
    pub trace: Vec<Traced>,
    begin: Instant,
    now: Instant,
    addresses: Vec<IpAddr>,
    random: Random,
    queue: BinaryHeap<Due>,
    order: u64,
    sockets: Vec<(SocketId, SocketAddr)>,
    next_port: u16,
    wait: Option<Instant>,
    steps: u32,
    /// In order of arrival, unless reordered.
    last_up: Instant,
    last_down: Instant,
    damage: f64,
}

impl<L: Link> World<L> {
    /// A world in which nothing has happened yet.
    pub fn new(config: WorldConfig, now: Instant, link: L, host: FakeHost) -> Self {
        Self {
            link,
            host,
            up: config.up,
            down: config.down,
            events: Vec::new(),
            requests: Vec::new(),
            trace: Vec::new(),
            begin: now,
            now,
            addresses: config.addresses,
            random: Random::new(config.seed),
            queue: BinaryHeap::new(),
            order: 0,
            sockets: Vec::new(),
            next_port: 40_000,
            wait: None,
            steps: 0,
            last_up: now,
            last_down: now,
            damage: 0.0,
        }
    }

    /// The present.
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// Time since the beginning.
    pub fn elapsed(&self) -> Duration {
        self.now.saturating_duration_since(self.begin)
    }

    /// Sends `Start`.
    pub fn start(&mut self) {
        let addresses = self.addresses.clone();
        self.give(Input::Start { local_addresses: &addresses });
    }

    /// The player does something now.
    pub fn play(&mut self, what: PlayerInput) {
        let event = InputEvent { at: self.now, what };
        self.give(Input::Player(&event));
    }

    /// The program asks for something now.
    pub fn ask(&mut self, request: Request) {
        self.give(Input::Request(request));
    }

    /// From now on this part of what arrives at the link is accompanied by a damaged copy.
    pub const fn damage(&mut self, part: f64) {
        self.damage = part;
    }

    fn give(&mut self, input: Input<'_>) {
        self.link.handle(self.now, input).expect("the world uses links as it should");
        self.drain();
    }

    /// Gives bytes to the link as if they came from `from` to each of its sockets.
    pub fn inject(&mut self, from: SocketAddr, bytes: &[u8]) {
        for (socket, _) in self.sockets.clone() {
            self.give(Input::Datagram { socket, from, bytes });
        }
    }

    /// Lets `millis` pass.
    pub fn run_millis(&mut self, millis: u64) {
        self.run_until(|_| false, Duration::from_millis(millis));
    }

    /// Lets time pass until `done` or for `at_most`; whether it was done.
    pub fn run_until(&mut self, mut done: impl FnMut(&Self) -> bool, at_most: Duration) -> bool {
        let end = self.now + at_most;
        loop {
            if done(self) {
                return true;
            }
            let due = self.queue.peek().map(|due| due.at);
            let next = [due, self.wait, self.host.deadline()].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= end) else {
                self.now = end;
                return done(self);
            };
            if next > self.now {
                self.now = next;
                self.steps = 0;
            }
            self.steps += 1;
            assert!(self.steps < MAX_STEPS_AT_ONCE, "stuck at {:?}", self.elapsed());
            self.step(due);
        }
    }

    fn step(&mut self, due: Option<Instant>) {
        if due.is_some_and(|at| at <= self.now)
            && let Some(due) = self.queue.pop()
        {
            self.happen(due.what);
        } else if self.wait.is_some_and(|at| at <= self.now) {
            self.give(Input::Tick);
        } else {
            self.host.tick(self.now);
        }
        self.drain_host();
    }

    fn happen(&mut self, what: What) {
        match what {
            What::Opened { socket, local } => self.give(Input::Opened { socket, local }),
            What::ToHost { from, to, bytes } => {
                self.note(true, kind(&bytes));
                self.host.receive(self.now, from, to, &bytes);
            }
            What::ToLink { from, to, bytes } => {
                let Some((socket, _)) = self.sockets.iter().copied().find(|(_, local)| *local == to) else { return };
                self.note(false, kind(&bytes));
                if self.random.happens(self.damage) {
                    let mut damaged = bytes.clone();
                    for _ in 0..=self.random.number() % 4 {
                        let place = self.random.number() as usize % damaged.len().max(1);
                        if let Some(byte) = damaged.get_mut(place) {
                            *byte = self.random.number() as u8;
                        }
                    }
                    damaged.truncate(1 + self.random.number() as usize % damaged.len().max(1) * 2);
                    self.give(Input::Datagram { socket, from, bytes: &damaged });
                }
                self.give(Input::Datagram { socket, from, bytes: &bytes });
            }
            What::Ask { id, request } => {
                self.note(true, 'H');
                let reply = self.host.http(self.now, &request);
                // Without an answer the driver gives up after the request's own time.
                let (takes, result) = match reply {
                    Some(result) => (self.down.delay, result),
                    None => (Duration::from_millis(request.timeout_millis), Err(HttpError::Timeout)),
                };
                self.push(self.now + takes, What::Reply { id, result });
            }
            What::Reply { id, result } => {
                self.note(false, 'H');
                self.give(Input::Http { id, result });
            }
        }
    }

    fn note(&mut self, up: bool, kind: char) {
        self.trace.push(Traced { micros: self.elapsed().as_micros(), up, kind });
    }

    fn push(&mut self, at: Instant, what: What) {
        self.order += 1;
        self.queue.push(Due { at, order: self.order, what });
    }

    fn drain(&mut self) {
        loop {
            match self.link.poll(self.now) {
                Output::Open { socket, spec: SocketSpec::Udp { local } } => {
                    self.next_port += 1;
                    let local = SocketAddr::new(local, self.next_port);
                    self.sockets.push((socket, local));
                    self.push(self.now, What::Opened { socket, local });
                }
                Output::Shut(socket) => self.sockets.retain(|(known, _)| *known != socket),
                Output::Datagram { socket, to, bytes } => {
                    if let Some((_, from)) = self.sockets.iter().copied().find(|(known, _)| *known == socket) {
                        for takes in self.up.pass(&mut self.random) {
                            let at =
                                in_order(self.now + takes, &mut self.last_up, takes > self.up.delay + self.up.jitter);
                            self.push(at, What::ToHost { from, to, bytes: bytes.to_vec() });
                        }
                    }
                }
                Output::Http { id, request } => {
                    self.requests.push((self.elapsed(), request.clone()));
                    // A connection has to be made first: one and a half round trips before the request is there.
                    let takes = self.up.delay * 2 + self.down.delay;
                    self.push(self.now + takes, What::Ask { id, request });
                }
                Output::Event(event) => self.events.push((self.elapsed(), event)),
                Output::Wait(until) => {
                    self.wait = until;
                    return;
                }
                Output::Open { .. } | Output::Stream { .. } => panic!("this world has no TCP"),
            }
        }
    }

    fn drain_host(&mut self) {
        while let Some((from, to, bytes)) = self.host.poll(self.now) {
            for takes in self.down.pass(&mut self.random) {
                let late = takes > self.down.delay + self.down.jitter;
                let at = in_order(self.now + takes, &mut self.last_down, late);
                self.push(at, What::ToLink { from, to, bytes: bytes.clone() });
            }
        }
    }

    /// How the link ended, if it did.
    pub fn ended(&self) -> Option<&EndReason> {
        self.events.iter().rev().find_map(|(_, event)| match event {
            Event::Ended(reason) => Some(reason),
            _ => None,
        })
    }

    /// Frames that the link delivered.
    pub fn frames(&self) -> usize {
        self.events.iter().filter(|(_, event)| matches!(event, Event::Video(_))).count()
    }

    /// The newest counters.
    pub fn stats(&self) -> entente_model::LinkStats {
        let stats = self.events.iter().rev().find_map(|(_, event)| match event {
            Event::Stats(stats) => Some(*stats),
            _ => None,
        });
        stats.unwrap_or_default()
    }

    /// A number for the whole trace.
    pub fn trace_hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.trace.hash(&mut hasher);
        hasher.finish()
    }
}

/// Jitter alone does not reorder.
fn in_order(at: Instant, last: &mut Instant, late: bool) -> Instant {
    if late {
        return at;
    }
    *last = at.max(*last);
    *last
}

fn kind(bytes: &[u8]) -> char {
    match bytes.first() {
        Some(0..=3) => 'S',
        Some(20..=63) => 'D',
        Some(128..=191) => 'R',
        _ => '?',
    }
}
