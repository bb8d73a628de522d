//! Stopping, and links that do not behave.

use std::net::UdpSocket;
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use entente_drive::{Accepted, Stopped};
use entente_model::http::{HttpRequest, Method};
use entente_model::input::{InputEvent, PlayerInput};
use entente_model::link::SocketSpec;
use entente_model::{EndReason, Event, Input, Link, LinkError, Output, Request};

use crate::script::{LOOPBACK, PATIENCE, Reply, Rig, Seen, drive, ended, request, socket};
use crate::web::Web;

fn delete(url: String) -> Output {
    let request_made = HttpRequest {
        method: Method::Delete,
        url,
        headers: Vec::new(),
        bearer: None,
        body: Vec::new(),
        timeout_millis: 5000,
    };
    Output::Http { id: request(9), request: request_made }
}

#[test]
fn stopping_lets_the_last_datagram_and_the_last_request_out() {
    let peer = UdpSocket::bind((LOOPBACK, 0)).unwrap();
    peer.set_read_timeout(Some(PATIENCE)).unwrap();
    let to = peer.local_addr().unwrap();
    let web = Web::new(|_| {
        thread::sleep(Duration::from_millis(100));
        Web::answer(200, &[], b"")
    });
    let url = web.url("/session/1");
    let rig = Rig::new(move |_, seen| match seen {
        Seen::Start(_) => Reply::one(Output::Open { socket: socket(1), spec: SocketSpec::Udp { local: LOOPBACK } }),
        Seen::Request(Request::Stop(reason)) => Reply {
            outputs: vec![
                Output::Event(Event::Ended(reason.clone())),
                Output::Datagram { socket: socket(1), to, bytes: Bytes::from_static(b"bye") },
                delete(url.clone()),
                Output::Shut(socket(1)),
            ],
            deadline: None,
        },
        _ => Reply::none(),
    });
    rig.input("opened", |_, seen| matches!(seen, Seen::Opened(..)).then_some(()));
    let handle = rig.driver.handle();
    assert_eq!(rig.driver.stop(EndReason::TimeUp), Stopped::Joined);
    assert_eq!(ended(&rig.events), EndReason::TimeUp);
    assert!(rig.events.try_recv().is_err(), "one end only");
    let mut buffer = [0; 16];
    let (length, _) = peer.recv_from(&mut buffer).unwrap();
    assert_eq!(&buffer[..length], b"bye");
    assert!(web.request().starts_with("DELETE /session/1 "));
    // Its answer reached the link before the thread ended.
    assert!(rig.inputs.try_iter().any(|(_, seen)| matches!(seen, Seen::Http(9, Ok(_)))));

    assert!(handle.is_gone());
    assert!(!handle.request(Request::Keyframe));
    let event = InputEvent { at: Instant::now(), what: PlayerInput::Wheel { x: 0, y: 1 } };
    assert_eq!(handle.send_input(event), Accepted::Lost);
}

#[test]
fn a_link_that_ends_by_itself_ends_the_thread() {
    let rig = Rig::new(|now, seen| match seen {
        Seen::Tick => Reply::end(EndReason::HostEnded("bye".into())),
        _ => Reply::none().until(now + Duration::from_millis(10)),
    });
    assert_eq!(rig.ended(), EndReason::HostEnded("bye".into()));
    assert!(rig.driver.wait(PATIENCE));
    rig.driver.join();
}

/// Does nothing, whatever it is told.
struct Deaf;

impl Link for Deaf {
    fn handle(&mut self, _: Instant, _: Input<'_>) -> Result<(), LinkError> {
        Ok(())
    }

    fn poll(&mut self, _: Instant) -> Output {
        Output::Wait(None)
    }
}

#[test]
fn a_link_that_does_not_stop_is_ended_within_the_limit() {
    let (driver, events, _sent) = drive(Box::new(Deaf), |config| config.stop_limit = Duration::from_millis(150));
    let start = Instant::now();
    assert_eq!(driver.stop(EndReason::Interrupted), Stopped::Joined);
    let took = start.elapsed();
    assert_eq!(ended(&events), EndReason::Interrupted);
    assert!(took >= Duration::from_millis(140) && took < Duration::from_secs(3), "{took:?}");
}

#[test]
fn a_last_request_that_hangs_does_not_hold_the_end_up() {
    let web = Web::new(|_| {
        thread::sleep(Duration::from_secs(4));
        Vec::new()
    });
    let url = web.url("/");
    let rig = Rig::with(
        move |_, seen| match seen {
            Seen::Request(Request::Stop(reason)) => Reply {
                outputs: vec![delete(url.clone()), Output::Event(Event::Ended(reason.clone()))],
                deadline: None,
            },
            _ => Reply::none(),
        },
        |config| config.drain_limit = Duration::from_millis(200),
    );
    let start = Instant::now();
    assert_eq!(rig.driver.stop(EndReason::User), Stopped::Joined);
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
}

#[test]
fn the_first_reason_to_stop_wins_and_dropping_stops() {
    let rig = Rig::new(|_, _| Reply::none());
    let handle = rig.driver.handle();
    assert!(handle.request(Request::Stop(EndReason::ShellGone)));
    handle.request(Request::Stop(EndReason::User));
    drop(rig.driver);
    assert_eq!(ended(&rig.events), EndReason::ShellGone);
}

#[test]
fn a_flood_of_requests_is_bounded_and_a_stop_still_gets_through() {
    let rig = Rig::new(|_, seen| match seen {
        Seen::Request(Request::Keyframe) => {
            thread::sleep(Duration::from_millis(2));
            Reply::none()
        }
        _ => Reply::none(),
    });
    let handle = rig.driver.handle();
    let accepted = (0..1000).filter(|_| handle.request(Request::Keyframe)).count();
    assert!((64..1000).contains(&accepted), "{accepted}");
    assert_eq!(rig.driver.stop(EndReason::User), Stopped::Joined);
    assert_eq!(ended(&rig.events), EndReason::User);
}

/// Never says `Wait`.
struct Endless;

impl Link for Endless {
    fn handle(&mut self, _: Instant, _: Input<'_>) -> Result<(), LinkError> {
        Ok(())
    }

    fn poll(&mut self, _: Instant) -> Output {
        Output::Shut(socket(1))
    }
}

#[test]
fn a_link_that_never_waits_ends_as_a_fault() {
    let (driver, events, _sent) = drive(Box::new(Endless), |_| ());
    assert!(matches!(ended(&events), EndReason::Fault(_)));
    assert!(driver.wait(PATIENCE));
}

#[test]
fn a_link_that_reopens_at_once_is_still_stopped() {
    let rig = Rig::new(|_, seen| match seen {
        Seen::Start(_) | Seen::Closed(_) => {
            Reply::one(Output::Open { socket: socket(1), spec: SocketSpec::Udp { local: [192, 0, 2, 1].into() } })
        }
        _ => Reply::none(),
    });
    assert_eq!(rig.driver.stop(EndReason::User), Stopped::Joined);
    assert_eq!(ended(&rig.events), EndReason::User);
}

#[test]
fn a_panic_in_the_link_is_an_end_with_a_reason() {
    let rig = Rig::new(|_, seen| match seen {
        Seen::Request(Request::Keyframe) => panic!("this panic belongs to the test"),
        _ => Reply::none(),
    });
    rig.driver.handle().request(Request::Keyframe);
    assert!(matches!(rig.ended(), EndReason::Fault(_)));
    assert!(rig.driver.wait(PATIENCE));
}
