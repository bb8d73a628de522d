//! The loop of the link thread.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use entente_model::input::InputEvent;
use entente_model::link::SocketId;
use entente_model::time::RAISED_PRIORITY;
use entente_model::{EndReason, Event, Input, Link, Output, Request};
use polling::Events;

use crate::clock::StampClock;
use crate::driver::{DriverConfig, Shared, count};
use crate::http::Http;
use crate::sockets::{Kind, Sockets};
use crate::tcp::READS_PER_TURN;
use crate::udp::Batch;

/// Outputs of one input after which a link is called faulty. A key frame at 100 Mbit/s is some 2000 packets, and no
/// single input carries more than one.
const MAX_OUTPUTS: u32 = 20_000;
/// Answers to `Open` in one turn; a link that opens a socket for every one that fails must not stop the loop.
const MAX_ANSWERS: usize = 64;
/// Ticks in a row, without any other input, that are due at once before the loop takes a breath.
const MAX_IDLE_TICKS: u32 = 32;
/// That breath.
const BREATH: Duration = Duration::from_millis(1);
/// Reads of one UDP socket in one turn, before input and timers get their turn.
const BATCHES_PER_TURN: usize = 4;
/// Bytes of one TCP read.
const STREAM_BUFFER: usize = 65_536;

/// The answer to an `Open`.
#[derive(Debug)]
enum Answer {
    Opened(SocketId, SocketAddr),
    Closed(SocketId),
}

pub(crate) struct EventLoop {
    link: Box<dyn Link>,
    config: DriverConfig,
    shared: Arc<Shared>,
    requests: Receiver<Request>,
    http: Http,
    sockets: Sockets,
    answers: VecDeque<Answer>,
    stamps: StampClock,
    inputs: VecDeque<InputEvent>,
    batch: Batch,
    stream: Vec<u8>,
    /// The latest instant that the link was given.
    now: Instant,
    /// What the link asked for with its last `Wait`.
    deadline: Option<Instant>,
    /// Datagrams handed over since the current input.
    sent: u32,
    /// The link did something other than wait since the current input.
    active: bool,
    idle_ticks: u32,
    stopping: Option<(EndReason, Instant)>,
    ended: Option<Instant>,
}

impl EventLoop {
    pub(crate) fn new(
        link: Box<dyn Link>,
        config: DriverConfig,
        shared: Arc<Shared>,
        http: Http,
        requests: Receiver<Request>,
    ) -> Self {
        let sockets = Sockets::new(Arc::clone(&shared.poller));
        Self {
            link,
            config,
            shared,
            requests,
            http,
            sockets,
            answers: VecDeque::new(),
            stamps: StampClock::new(),
            inputs: VecDeque::new(),
            batch: Batch::new(),
            stream: vec![0; STREAM_BUFFER],
            now: Instant::now(),
            deadline: None,
            sent: 0,
            active: false,
            idle_ticks: 0,
            stopping: None,
            ended: None,
        }
    }

    /// Runs until the session is over.
    pub(crate) fn run(&mut self) {
        // Most systems give it to some users only; without it we go on.
        let _ = thread_priority::ThreadPriority::try_from(RAISED_PRIORITY)
            .map(thread_priority::set_current_thread_priority);
        let mut events = Events::new();
        let addresses = crate::interfaces::local_addresses();
        self.feed(Instant::now(), Input::Start { local_addresses: &addresses });
        loop {
            self.take_answers();
            self.keep_limits();
            if self.is_over() {
                return;
            }
            events.clear();
            if let Err(error) = self.wait(&mut events) {
                self.end(EndReason::Fault(format!("the system's event queue failed: {error}")));
                return;
            }
            count(&self.shared.counters.turns);
            self.take_inputs();
            self.take_requests();
            self.take_http();
            for event in events.iter() {
                self.take_socket(event);
            }
            self.give_up_connecting();
            self.tick();
        }
    }

    /// Says the end for a link that cannot.
    pub(crate) fn end_after_panic(&mut self) {
        self.end(EndReason::Fault("the link thread panicked".to_owned()));
    }

    fn wait(&mut self, events: &mut Events) -> std::io::Result<()> {
        let mut until = self.deadline;
        if !self.answers.is_empty() {
            until = Some(self.now);
        } else if self.idle_ticks >= MAX_IDLE_TICKS {
            // The link's deadline lies in the past again and again: go on, but do not burn the core.
            until = until.map(|until| until.max(Instant::now() + BREATH));
        }
        let stop = self.stopping.as_ref().map(|(_, until)| *until).filter(|_| self.ended.is_none());
        for other in [self.sockets.deadline(), stop, self.ended].into_iter().flatten() {
            until = Some(until.map_or(other, |until| until.min(other)));
        }
        match until {
            Some(until) => self.shared.poller.wait_deadline(events, until)?,
            None => self.shared.poller.wait(events, None)?,
        };
        Ok(())
    }

    fn is_over(&self) -> bool {
        if self.shared.abandoned.load(Ordering::Acquire) {
            return true;
        }
        self.ended.is_some_and(|until| self.http.is_idle() || until <= Instant::now())
    }

    /// Ends a link that does not end by itself.
    fn keep_limits(&mut self) {
        if self.ended.is_some() {
            return;
        }
        if let Some((reason, _)) = self.stopping.take_if(|(_, until)| *until <= Instant::now()) {
            tracing::warn!("the link did not end in time");
            self.end(reason);
        }
    }

    fn end(&mut self, reason: EndReason) {
        if self.ended.is_none() {
            let now = Instant::now();
            self.ended = Some(now + self.config.drain_limit);
            (self.config.sink)(Event::Ended(reason), now);
        }
    }

    /// One input, and all that the link wants to do about it.
    fn feed(&mut self, at: Instant, input: Input<'_>) {
        self.now = self.now.max(at);
        self.sent = 0;
        self.active = false;
        if let Err(error) = self.link.handle(self.now, input) {
            tracing::debug!(%error, "the link refused an input");
        }
        for _ in 0..MAX_OUTPUTS {
            match self.link.poll(self.now) {
                Output::Wait(deadline) => {
                    self.deadline = deadline;
                    return;
                }
                output => {
                    self.active = true;
                    self.perform(output);
                }
            }
        }
        // Not asked again before the next input; it may have nothing sensible to say any more.
        self.deadline = None;
        self.end(EndReason::Fault("the link never waits".to_owned()));
        self.shared.abandoned.store(true, Ordering::Release);
    }

    fn perform(&mut self, output: Output) {
        match output {
            Output::Open { socket, spec } => match self.sockets.open(socket, spec, self.now) {
                Ok(Some(local)) => self.answers.push_back(Answer::Opened(socket, local)),
                Ok(None) => {}
                Err(error) => {
                    tracing::info!(?socket, ?spec, %error, "socket not opened");
                    self.answers.push_back(Answer::Closed(socket));
                }
            },
            Output::Shut(socket) => {
                self.sockets.close(socket);
                self.answers.retain(|answer| match answer {
                    Answer::Opened(id, _) | Answer::Closed(id) => *id != socket,
                });
            }
            Output::Datagram { socket, to, bytes } => self.send(socket, to, &bytes),
            Output::Stream { socket, bytes } => {
                if let Some(entry) = self.sockets.by_id(socket)
                    && let Kind::Tcp(tcp) = &mut entry.kind
                    && let Err(error) = tcp.send(bytes)
                {
                    self.lose(socket, &error);
                }
            }
            Output::Http { id, request } => self.http.start(id, request, Instant::now()),
            Output::Event(Event::Ended(reason)) => self.end(reason),
            Output::Event(event) => {
                if self.ended.is_none() {
                    (self.config.sink)(event, Instant::now());
                }
            }
            // Handled by the caller.
            Output::Wait(_) => {}
        }
    }

    fn send(&mut self, socket: SocketId, to: SocketAddr, bytes: &[u8]) {
        let Some(entry) = self.sockets.by_id(socket) else { return };
        let Kind::Udp(udp) = &entry.kind else { return };
        if udp.send(to, bytes) {
            self.sent += 1;
            count(&self.shared.counters.datagrams_out);
        } else {
            count(&self.shared.counters.datagrams_refused);
        }
    }

    /// Closes a socket that failed and tells the link later.
    fn lose(&mut self, socket: SocketId, error: &std::io::Error) {
        tracing::debug!(?socket, %error, "socket lost");
        if self.sockets.close(socket) {
            self.answers.push_back(Answer::Closed(socket));
        }
    }

    fn take_answers(&mut self) {
        for _ in 0..MAX_ANSWERS {
            let Some(answer) = self.answers.pop_front() else { return };
            let input = match answer {
                Answer::Opened(socket, local) => Input::Opened { socket, local },
                Answer::Closed(socket) => Input::Closed { socket },
            };
            self.feed(Instant::now(), input);
        }
    }

    fn take_inputs(&mut self) {
        let mut inputs = std::mem::take(&mut self.inputs);
        self.shared.inputs.take(&mut inputs);
        for event in inputs.drain(..) {
            if self.ended.is_some() {
                continue;
            }
            self.idle_ticks = 0;
            self.feed(Instant::now(), Input::Player(&event));
            if self.sent > 0
                && let Some(on_input_sent) = &mut self.config.on_input_sent
            {
                on_input_sent(event.at, Instant::now());
            }
        }
        // The emptied queue goes back at the next exchange, with its memory.
        self.inputs = inputs;
    }

    fn take_requests(&mut self) {
        while let Ok(request) = self.requests.try_recv() {
            if self.ended.is_none() {
                self.feed(Instant::now(), Input::Request(request));
            }
        }
        if self.shared.stop_asked.swap(false, Ordering::Acquire) && self.stopping.is_none() {
            let reason = self.shared.stop.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if let Some(reason) = reason.filter(|_| self.ended.is_none()) {
                let now = Instant::now();
                self.stopping = Some((reason.clone(), now + self.config.stop_limit));
                self.feed(now, Input::Request(Request::Stop(reason)));
            }
        }
    }

    fn take_http(&mut self) {
        while let Some((id, result)) = self.http.answer() {
            self.feed(Instant::now(), Input::Http { id, result });
        }
    }

    fn take_socket(&mut self, event: polling::Event) {
        let Some(entry) = self.sockets.by_key(event.key) else { return };
        let id = entry.id;
        match &mut entry.kind {
            Kind::Udp(_) => self.take_datagrams(event.key, id),
            Kind::Tcp(tcp) => {
                if event.writable {
                    match tcp.writable() {
                        Ok(None) => {}
                        Ok(Some(local)) => self.feed(Instant::now(), Input::Opened { socket: id, local }),
                        Err(error) => return self.lose(id, &error),
                    }
                }
                if event.readable {
                    self.take_stream(event.key, id);
                }
            }
        }
    }

    fn take_datagrams(&mut self, key: usize, id: SocketId) {
        // Taken out for the time of the reads, because the link may do anything to `self` in between.
        let mut batch = std::mem::take(&mut self.batch);
        for _ in 0..BATCHES_PER_TURN {
            let Some(entry) = self.sockets.by_key(key) else { break };
            let Kind::Udp(udp) = &mut entry.kind else { break };
            match udp.receive(&mut batch) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    self.lose(id, &error);
                    break;
                }
            }
            let read = self.stamps.read();
            self.idle_ticks = 0;
            for (from, stamp, bytes) in batch.datagrams() {
                count(&self.shared.counters.datagrams_in);
                self.feed(read.arrival(stamp), Input::Datagram { socket: id, from, bytes });
            }
        }
        self.batch = batch;
    }

    fn take_stream(&mut self, key: usize, id: SocketId) {
        let mut buffer = std::mem::take(&mut self.stream);
        for _ in 0..READS_PER_TURN {
            let Some(entry) = self.sockets.by_key(key) else { break };
            let Kind::Tcp(tcp) = &mut entry.kind else { break };
            let closed = match tcp.read(&mut buffer) {
                Ok(None) => break,
                Ok(Some(0)) => std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "closed by the peer"),
                Ok(Some(length)) => {
                    self.idle_ticks = 0;
                    let bytes = buffer.get(..length).unwrap_or_default();
                    self.feed(Instant::now(), Input::Stream { socket: id, bytes });
                    continue;
                }
                Err(error) => error,
            };
            self.lose(id, &closed);
            break;
        }
        self.stream = buffer;
    }

    fn give_up_connecting(&mut self) {
        if self.sockets.deadline().is_none() {
            return;
        }
        while let Some(id) = self.sockets.overdue(Instant::now()) {
            self.lose(id, &std::io::ErrorKind::TimedOut.into());
        }
    }

    fn tick(&mut self) {
        let now = Instant::now();
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            self.feed(now, Input::Tick);
            self.idle_ticks = if self.active { 0 } else { self.idle_ticks.saturating_add(1) };
        } else {
            self.idle_ticks = 0;
        }
    }
}
