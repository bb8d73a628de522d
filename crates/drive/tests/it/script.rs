//! A link made of a closure, and a recorder for what the driver says.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use entente_drive::{Driver, DriverConfig};
use entente_model::http::{HttpError, HttpResponse};
use entente_model::input::InputEvent;
use entente_model::link::{RequestId, SocketId};
use entente_model::{EndReason, Event, Input, Link, LinkError, Output, Request};

/// Longest wait of a test for something that must happen; generous, because machines are busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
pub(crate) const LOOPBACK: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

/// An input that a test may keep.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Seen {
    Start(Vec<IpAddr>),
    Tick,
    Opened(u32, SocketAddr),
    Closed(u32),
    Datagram(u32, SocketAddr, Vec<u8>),
    Stream(u32, Vec<u8>),
    Http(u32, Result<HttpResponse, HttpError>),
    Player(InputEvent),
    Request(Request),
}

impl From<Input<'_>> for Seen {
    fn from(input: Input<'_>) -> Self {
        match input {
            Input::Start { local_addresses } => Self::Start(local_addresses.to_vec()),
            Input::Tick => Self::Tick,
            Input::Opened { socket, local } => Self::Opened(socket.0, local),
            Input::Closed { socket } => Self::Closed(socket.0),
            Input::Datagram { socket, from, bytes } => Self::Datagram(socket.0, from, bytes.to_vec()),
            Input::Stream { socket, bytes } => Self::Stream(socket.0, bytes.to_vec()),
            Input::Http { id, result } => Self::Http(id.0, result),
            Input::Player(event) => Self::Player(event.clone()),
            Input::Request(request) => Self::Request(request),
        }
    }
}

/// What a script wants after an input: outputs, then a deadline.
#[derive(Default)]
pub(crate) struct Reply {
    pub(crate) outputs: Vec<Output>,
    pub(crate) deadline: Option<Instant>,
}

impl Reply {
    pub(crate) fn none() -> Self {
        Self::default()
    }

    pub(crate) fn one(output: Output) -> Self {
        Self { outputs: vec![output], deadline: None }
    }

    pub(crate) fn end(reason: EndReason) -> Self {
        Self::one(Output::Event(Event::Ended(reason)))
    }

    pub(crate) fn until(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }
}

type Script = Box<dyn FnMut(Instant, &Seen) -> Reply + Send>;

/// A link that asks a closure, records all inputs with their instants, and checks the driver's part of the contract.
struct Scripted {
    script: Script,
    seen: Sender<(Instant, Seen)>,
    outputs: VecDeque<Output>,
    deadline: Option<Instant>,
    last: Option<Instant>,
    waited: bool,
}

impl Link for Scripted {
    fn handle(&mut self, now: Instant, input: Input<'_>) -> Result<(), LinkError> {
        assert!(self.waited, "an input before the last one was polled dry: {input:?}");
        assert!(self.last.is_none_or(|last| last <= now), "time ran backwards");
        (self.last, self.waited) = (Some(now), false);
        let seen = Seen::from(input);
        let mut reply = (self.script)(now, &seen);
        // Polite unless the script says otherwise.
        if let (Seen::Request(Request::Stop(reason)), true) = (&seen, reply.outputs.is_empty()) {
            reply = Reply::end(reason.clone());
        }
        self.outputs.extend(reply.outputs);
        self.deadline = reply.deadline;
        let _ = self.seen.send((now, seen));
        Ok(())
    }

    fn poll(&mut self, now: Instant) -> Output {
        assert_eq!(self.last, Some(now), "poll has the time of its input");
        match self.outputs.pop_front() {
            Some(output) => output,
            None => {
                self.waited = true;
                Output::Wait(self.deadline)
            }
        }
    }
}

/// A driver with a scripted link in it.
pub(crate) struct Rig {
    pub(crate) driver: Driver,
    pub(crate) inputs: Receiver<(Instant, Seen)>,
    pub(crate) events: Receiver<Event>,
    /// Device and wire instants of sent inputs.
    pub(crate) sent: Receiver<(Instant, Instant)>,
}

impl Rig {
    pub(crate) fn new(script: impl FnMut(Instant, &Seen) -> Reply + Send + 'static) -> Self {
        Self::with(script, |_| ())
    }

    pub(crate) fn with(
        script: impl FnMut(Instant, &Seen) -> Reply + Send + 'static,
        configure: impl FnOnce(&mut DriverConfig),
    ) -> Self {
        let (seen, inputs) = unbounded();
        let script: Script = Box::new(script);
        let link = Scripted { script, seen, outputs: VecDeque::new(), deadline: None, last: None, waited: true };
        let (driver, events, sent) = drive(Box::new(link), configure);
        Self { driver, inputs, events, sent }
    }

    /// The first input that `pick` takes.
    pub(crate) fn input<T>(&self, what: &str, mut pick: impl FnMut(Instant, Seen) -> Option<T>) -> T {
        let until = Instant::now() + PATIENCE;
        loop {
            let (at, seen) = self.inputs.recv_deadline(until).unwrap_or_else(|_| panic!("no {what}"));
            if let Some(found) = pick(at, seen) {
                return found;
            }
        }
    }

    pub(crate) fn ended(&self) -> EndReason {
        ended(&self.events)
    }
}

pub(crate) fn ended(events: &Receiver<Event>) -> EndReason {
    let until = Instant::now() + PATIENCE;
    loop {
        match events.recv_deadline(until) {
            Ok(Event::Ended(reason)) => return reason,
            Ok(_) => {}
            Err(RecvTimeoutError::Timeout) => panic!("the session does not end"),
            Err(RecvTimeoutError::Disconnected) => panic!("the driver is gone and said no end"),
        }
    }
}

type Driven = (Driver, Receiver<Event>, Receiver<(Instant, Instant)>);

pub(crate) fn drive(link: Box<dyn Link>, configure: impl FnOnce(&mut DriverConfig)) -> Driven {
    let (sink, events) = unbounded();
    let (on_sent, sent) = unbounded();
    let mut config = DriverConfig::new(Box::new(move |event, _| {
        let _ = sink.send(event);
    }));
    config.on_input_sent = Some(Box::new(move |device, wire| {
        let _ = on_sent.send((device, wire));
    }));
    configure(&mut config);
    (Driver::start(link, config).expect("the driver starts"), events, sent)
}

pub(crate) const fn socket(number: u32) -> SocketId {
    SocketId(number)
}

pub(crate) const fn request(number: u32) -> RequestId {
    RequestId(number)
}
