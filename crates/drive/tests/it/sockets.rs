//! UDP and TCP.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use entente_drive::Stopped;
use entente_model::link::SocketSpec;
use entente_model::{EndReason, Output, Request};

use crate::script::{LOOPBACK, PATIENCE, Reply, Rig, Seen, socket};

fn open_udp(number: u32) -> Output {
    Output::Open { socket: socket(number), spec: SocketSpec::Udp { local: LOOPBACK } }
}

fn datagram(to: SocketAddr, bytes: &[u8]) -> Output {
    Output::Datagram { socket: socket(1), to, bytes: Bytes::copy_from_slice(bytes) }
}

#[test]
fn a_link_starts_with_addresses_and_loopback_comes_last() {
    let rig = Rig::new(|_, _| Reply::none());
    let addresses = rig.input("start", |_, seen| match seen {
        Seen::Start(addresses) => Some(addresses),
        other => panic!("first input is {other:?}"),
    });
    assert!(addresses.iter().all(|address| !address.is_unspecified()));
    let first_loopback = addresses.iter().position(|address| address.is_loopback()).expect("loopback is usable");
    assert!(addresses[first_loopback..].iter().all(|address| address.is_loopback()), "{addresses:?}");
}

#[test]
fn datagrams_go_both_ways_in_order_with_their_sizes() {
    let peer = UdpSocket::bind((LOOPBACK, 0)).unwrap();
    peer.set_read_timeout(Some(PATIENCE)).unwrap();
    let to = peer.local_addr().unwrap();
    let rig = Rig::new(move |_, seen| match seen {
        Seen::Start(_) => Reply::one(open_udp(1)),
        Seen::Opened(1, _) => Reply::one(datagram(to, b"hello")),
        // An echo.
        Seen::Datagram(1, from, bytes) => Reply::one(datagram(*from, bytes)),
        _ => Reply::none(),
    });
    let local = rig.input("opened", |_, seen| match seen {
        Seen::Opened(1, local) => Some(local),
        _ => None,
    });
    assert!(local.ip() == LOOPBACK && local.port() != 0, "{local}");

    let mut buffer = [0; 2048];
    let (length, from) = peer.recv_from(&mut buffer).unwrap();
    assert_eq!((&buffer[..length], from), (&b"hello"[..], local));

    // Sizes differ, so that coalesced datagrams (GRO) must be split at the right places.
    let sent: Vec<Vec<u8>> = (0..500_usize).map(|n| vec![(n % 251) as u8; 1 + (n * 37) % 1400]).collect();
    for part in sent.chunks(50) {
        for bytes in part {
            peer.send_to(bytes, local).unwrap();
        }
        for bytes in part {
            let (length, _) = peer.recv_from(&mut buffer).unwrap();
            assert_eq!(&buffer[..length], &bytes[..]);
        }
    }
    let counters = rig.driver.handle().counters();
    assert_eq!((counters.datagrams_in, counters.datagrams_out, counters.datagrams_refused), (500, 501, 0));
    assert_eq!(rig.driver.stop(EndReason::User), Stopped::Joined);
}

#[test]
fn a_datagram_is_stamped_with_its_arrival_not_with_its_handling() {
    // The link is busy for 60 ms while two datagrams arrive 30 ms apart. With kernel stamps the link still sees when
    // they came; without them both have the moment of the read.
    let rig = Rig::new(move |_, seen| match seen {
        Seen::Start(_) => Reply::one(open_udp(1)),
        Seen::Datagram(_, _, bytes) if bytes == b"work" => {
            thread::sleep(Duration::from_millis(120));
            Reply::none()
        }
        _ => Reply::none(),
    });
    let local = rig.input("opened", |_, seen| match seen {
        Seen::Opened(1, local) => Some(local),
        _ => None,
    });
    let peer = UdpSocket::bind((LOOPBACK, 0)).unwrap();
    peer.send_to(b"work", local).unwrap();
    thread::sleep(Duration::from_millis(20));
    let mut sent = Vec::new();
    for name in [b"a", b"b"] {
        let before = Instant::now();
        peer.send_to(name, local).unwrap();
        sent.push((before, Instant::now()));
        thread::sleep(Duration::from_millis(30));
    }
    for (name, (before, after)) in [b"a", b"b"].into_iter().zip(sent) {
        let at = rig.input("datagram", |at, seen| match seen {
            Seen::Datagram(_, _, bytes) if bytes == name => Some(at),
            _ => None,
        });
        // The clocks are read one after the other, and NTP may slew one of them meanwhile.
        let slack = Duration::from_millis(3);
        assert!(at + slack >= before, "stamped before it was sent");
        if cfg!(any(target_os = "linux", target_os = "android")) {
            assert!(at <= after + slack, "stamped {:?} late", at - after);
        }
    }
}

#[test]
fn a_socket_that_cannot_be_opened_is_closed_at_once() {
    let rig = Rig::new(|_, seen| match seen {
        // TEST-NET-1 (RFC 5737) is nobody's address, certainly not ours; the unspecified one is not concrete.
        Seen::Start(_) => Reply {
            outputs: vec![
                Output::Open { socket: socket(1), spec: SocketSpec::Udp { local: [192, 0, 2, 1].into() } },
                Output::Open { socket: socket(2), spec: SocketSpec::Udp { local: [0, 0, 0, 0].into() } },
                open_udp(3),
                open_udp(3),
            ],
            deadline: None,
        },
        _ => Reply::none(),
    });
    let mut answers = Vec::new();
    while answers.len() < 4 {
        answers.push(rig.input("answer", |_, seen| match seen {
            Seen::Closed(number) => Some((number, false)),
            Seen::Opened(number, _) => Some((number, true)),
            _ => None,
        }));
    }
    assert_eq!(answers, [(1, false), (2, false), (3, true), (3, false)]);
}

#[test]
fn a_shut_socket_is_closed_and_its_number_can_be_used_again() {
    let rig = Rig::new(|_, seen| match seen {
        Seen::Start(_) => Reply::one(open_udp(1)),
        Seen::Request(Request::Keyframe) => {
            Reply { outputs: vec![Output::Shut(socket(1)), open_udp(1)], deadline: None }
        }
        _ => Reply::none(),
    });
    let opened = |_, seen| match seen {
        Seen::Opened(1, local) => Some(local),
        Seen::Closed(_) => panic!("closed is not said for a socket that the link shut"),
        _ => None,
    };
    let first = rig.input("opened", opened);
    assert!(rig.driver.handle().request(Request::Keyframe));
    let second = rig.input("opened again", opened);
    assert_ne!(first, second);
    // The first port is free again.
    UdpSocket::bind(first).unwrap();
}

#[test]
fn a_stream_connects_echoes_and_ends() {
    let listener = TcpListener::bind((LOOPBACK, 0)).unwrap();
    let remote = listener.local_addr().unwrap();
    // Larger than the system's buffers, so that the queue is used.
    let long: Vec<u8> = (0..900_000_u32).map(|n| n as u8).collect();
    let wanted = long.clone();
    let host = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        // Not read for a while: the sender must queue.
        thread::sleep(Duration::from_millis(50));
        let mut got = vec![0; wanted.len()];
        stream.read_exact(&mut got).unwrap();
        assert!(got == wanted);
        stream.write_all(b"thanks").unwrap();
    });
    let rig = Rig::new(move |_, seen| match seen {
        Seen::Start(_) => Reply::one(Output::Open { socket: socket(7), spec: SocketSpec::Tcp { remote } }),
        Seen::Opened(7, local) => {
            assert!(local.ip() == LOOPBACK && local.port() != 0);
            let outputs = long.chunks(100_000).map(Bytes::copy_from_slice);
            let outputs = outputs.map(|bytes| Output::Stream { socket: socket(7), bytes }).collect();
            Reply { outputs, deadline: None }
        }
        _ => Reply::none(),
    });
    let mut answer = Vec::new();
    rig.input("close", |_, seen| match seen {
        Seen::Stream(7, bytes) => {
            answer.extend(bytes);
            None
        }
        Seen::Closed(7) => Some(()),
        _ => None,
    });
    assert_eq!(answer, b"thanks");
    host.join().unwrap();
}

#[test]
fn a_refused_stream_is_closed() {
    let free = TcpListener::bind((LOOPBACK, 0)).unwrap().local_addr().unwrap();
    let rig = Rig::new(move |_, seen| match seen {
        Seen::Start(_) => Reply::one(Output::Open { socket: socket(7), spec: SocketSpec::Tcp { remote: free } }),
        Seen::Opened(..) => panic!("nobody listens there"),
        _ => Reply::none(),
    });
    rig.input("close", |_, seen| (seen == Seen::Closed(7)).then_some(()));
}

#[test]
fn a_peer_that_takes_nothing_loses_the_stream_and_memory_stays_bounded() {
    let listener = TcpListener::bind((LOOPBACK, 0)).unwrap();
    let remote = listener.local_addr().unwrap();
    let chunk = Bytes::from(vec![0; 256 * 1024]);
    let rig = Rig::new(move |now, seen| match seen {
        Seen::Start(_) => Reply::one(Output::Open { socket: socket(7), spec: SocketSpec::Tcp { remote } }),
        Seen::Closed(_) | Seen::Request(_) => Reply::none(),
        _ => {
            Reply::one(Output::Stream { socket: socket(7), bytes: chunk.clone() }).until(now + Duration::from_millis(1))
        }
    });
    let (_held, _) = listener.accept().unwrap();
    rig.input("close", |_, seen| (seen == Seen::Closed(7)).then_some(()));
}
