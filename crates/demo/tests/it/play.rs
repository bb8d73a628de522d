//! Whole sessions over loopback: picture, sound, input echo, control messages, several at a time.

use std::time::{Duration, Instant};

use bytes::Bytes;
use entente_demo::encoder::{EncoderRow, Layout, Machine, VideoFormat};
use entente_demo::{DemoCloud, DemoConfig, monotonic_micros};
use entente_model::input::PlayerInput;
use entente_model::media::VideoCodec;
use entente_model::wire::control::{Control, GoodbyeCode};
use entente_model::wire::input::InputEncoder;
use entente_stats::Timecode;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtp::codec::h264::H264Packet;
use rtc::rtp::packetizer::Depacketizer;
use webrtc::data_channel::DataChannelEvent;

use crate::client::Client;
use crate::codecs::{Decoder, read};
use crate::http;

const PATH: &str = "/whep/testcard?width=640&height=360&fps=30&codec=h264";

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(50), test).await.expect("in time") });
    runtime.shutdown_background();
}

/// Client side of H.264: frames into pictures.
struct Screen {
    decoder: Decoder,
    size: (u32, u32),
}

impl Screen {
    fn new() -> Self {
        Self { decoder: Decoder::new(VideoCodec::H264).unwrap(), size: (0, 0) }
    }

    async fn show(&mut self, client: &mut Client) -> Option<Timecode> {
        let mut unit = Vec::new();
        let mut splitter = H264Packet::default();
        for packet in client.frame().await {
            unit.extend_from_slice(&splitter.depacketize(&packet.payload).ok()?);
        }
        let picture = self.decoder.decode(&unit)?;
        self.size = (picture.width(), picture.height());
        Some(read(&picture))
    }
}

fn key_inside(frame: &[rtc::rtp::Packet]) -> bool {
    frame.iter().any(|packet| {
        let kind = packet.payload.first().map_or(0, |byte| byte & 0x1f);
        // STAP-A with parameter sets, or the first fragment of an IDR slice.
        kind == 24 || kind == 5 || (kind == 28 && packet.payload.get(1).is_some_and(|byte| byte & 0x9f == 0x85))
    })
}

#[test]
fn the_picture_carries_the_hosts_clock_and_the_clients_stamp() {
    run(async {
        let host = DemoCloud::start(DemoConfig::default()).unwrap();
        let mut client = Client::connect(host.address(), PATH).await;
        let mut screen = Screen::new();
        let mut codes = Vec::new();
        while codes.len() < 10 {
            if let Some(code) = screen.show(&mut client).await {
                codes.push(code);
            }
        }
        assert_eq!(screen.size, (640, 360));
        let captured: Vec<_> = codes.iter().map(|code| code.captured_micros.expect("a readable strip")).collect();
        assert!(captured.windows(2).all(|pair| pair[0] < pair[1]), "{captured:?}");
        let age = monotonic_micros() - captured[9];
        assert!(age < 5_000_000, "the host's clock is this machine's: {age} us old");
        assert_eq!(codes[0].echo_micros, Some(0), "no input yet");

        let mut encoder = InputEncoder::new();
        let stamp = 123_456_789;
        encoder.apply(&PlayerInput::Key { usage: 4, down: true }, stamp);
        client.send_input(&encoder.packet().to_bytes()).await;
        let begun = Instant::now();
        loop {
            let echo = screen.show(&mut client).await.and_then(|code| code.echo_micros);
            if echo == Some(stamp) {
                break;
            }
            assert!(begun.elapsed() < Duration::from_secs(5), "the input is echoed in the picture");
        }
        client.send_input(b"\x01garbage").await;
        assert!(screen.show(&mut client).await.is_some(), "garbage does not end a session");
        client.close().await;
        host.stop();
    });
}

#[test]
fn sound_comes_in_even_packets_on_the_clock_of_the_picture() {
    run(async {
        let host = DemoCloud::start(DemoConfig::default()).unwrap();
        for (millis, samples) in [(5_u64, 240_u32), (20, 960)] {
            let mut client = Client::connect(host.address(), &format!("{PATH}&audio_ms={millis}")).await;
            let mut decoder = opus::Decoder::new(48_000, opus::Channels::Stereo).unwrap();
            let (mut loud, mut stamps) = (false, Vec::new());
            let begun = Instant::now();
            for _ in 0..60 {
                let packet = tokio::time::timeout(Duration::from_secs(5), client.audio.recv()).await.unwrap().unwrap();
                let mut pcm = vec![0_i16; 5760 * 2];
                let decoded = decoder.decode(&packet.payload, &mut pcm, false).unwrap();
                assert_eq!(decoded, samples as usize);
                loud |= pcm[..decoded * 2].iter().any(|sample| sample.unsigned_abs() > 200);
                stamps.push(packet.header.timestamp);
            }
            assert!(loud, "the test card is heard");
            assert!(stamps.windows(2).all(|pair| pair[1].wrapping_sub(pair[0]) % samples == 0), "{stamps:?}");
            let steps = stamps.windows(2).filter(|pair| pair[1].wrapping_sub(pair[0]) == samples).count();
            assert!(steps > 40, "packets follow each other: {steps}");
            // 60 packets cannot come faster than real time, apart from what waited while connecting.
            assert!(begun.elapsed() > Duration::from_millis(millis * 30), "{:?}", begun.elapsed());
            client.close().await;
        }
        host.stop();
    });
}

#[test]
fn control_messages_are_answered() {
    run(async {
        let host = DemoCloud::start(DemoConfig::default()).unwrap();
        let mut client = Client::connect(host.address(), PATH).await;
        client.tell(Control::Hello { versions: vec![9, 1], client: "test".to_owned(), capabilities: Vec::new() }).await;
        let (version, game) = client
            .hear(|message| match message {
                Control::Welcome { version, game, .. } => Some((version, game)),
                _ => None,
            })
            .await;
        assert_eq!((version, game.as_str()), (1, "testcard"));

        let before = monotonic_micros();
        client.tell(Control::Ping { id: 5, client_micros: before }).await;
        let (received, sent) = client
            .hear(|message| match message {
                Control::Pong { id: 5, client_micros, host_received_micros, host_sent_micros } => {
                    assert_eq!(client_micros, before);
                    Some((host_received_micros, host_sent_micros))
                }
                _ => None,
            })
            .await;
        assert!(before <= received && received <= sent && sent <= monotonic_micros());

        client.tell(Control::Format { width: 854, height: 480, fps: 60, bitrate_kbps: Some(1500) }).await;
        let confirmed = |message| match message {
            Control::Format { width, height, fps, bitrate_kbps } => Some((width, height, fps, bitrate_kbps)),
            _ => None,
        };
        assert_eq!(client.hear(confirmed).await, (854, 480, 60, Some(1500)));
        let mut screen = Screen::new();
        let begun = Instant::now();
        while screen.size != (854, 480) {
            screen.show(&mut client).await;
            assert!(begun.elapsed() < Duration::from_secs(10), "the picture changes: {:?}", screen.size);
        }
        client.tell(Control::Format { width: 851, height: 479, fps: 50, bitrate_kbps: None }).await;
        let usual = VideoFormat::usual_kbps(852, 480, 60);
        assert_eq!(client.hear(confirmed).await, (852, 480, 60, Some(usual)), "what comes nearest is said");

        client.tell(Control::Goodbye { code: GoodbyeCode::User, reason: String::new() }).await;
        client.hear(|message| matches!(message, Control::Goodbye { code: GoodbyeCode::User, .. }).then_some(())).await;
        let begun = Instant::now();
        while host.sessions() > 0 {
            assert!(begun.elapsed() < Duration::from_secs(5));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        client.close().await;
    });
}

#[test]
fn a_client_of_another_version_is_told_and_let_go() {
    run(async {
        let host = DemoCloud::start(DemoConfig::default()).unwrap();
        let mut client = Client::connect(host.address(), PATH).await;
        client.tell(Control::Hello { versions: vec![2], client: "new".to_owned(), capabilities: Vec::new() }).await;
        let reason = client
            .hear(|message| match message {
                Control::Goodbye { code: GoodbyeCode::Error, reason } => Some(reason),
                _ => None,
            })
            .await;
        assert!(reason.contains("version 1"), "{reason}");
        client.close().await;
    });
}

#[test]
fn the_player_reads_why_a_session_failed() {
    static BROKEN: EncoderRow = EncoderRow {
        name: "h264_abacus",
        codec: VideoCodec::H264,
        hardware: false,
        live_rate: false,
        layout: Layout::I420,
        threads_large: 1,
        threads_small: 1,
        options: &[],
    };
    run(async {
        let default_format = VideoFormat { width: 640, height: 360, fps: 30, bitrate_kbps: 1000 };
        let machine = Machine { encoders: vec![&BROKEN], refused: Vec::new(), default_format };
        let host = DemoCloud::start(DemoConfig { machine: Some(machine), ..DemoConfig::default() }).unwrap();
        let mut client = Client::connect(host.address(), PATH).await;
        let reason = client
            .hear(|message| match message {
                Control::Goodbye { code: GoodbyeCode::Error, reason } => Some(reason),
                _ => None,
            })
            .await;
        assert!(reason.contains("h264_abacus is not part of the FFmpeg"), "{reason}");
        client.close().await;
    });
}

#[test]
fn channels_of_no_use_are_closed_and_too_many_end_the_session() {
    run(async {
        let host = DemoCloud::start(DemoConfig::default()).unwrap();
        let mut client = Client::connect(host.address(), PATH).await;
        let mut others = Vec::new();
        for _ in 0..8 {
            others.push(client.open_other().await);
        }
        for other in &others {
            let closed = async { while !matches!(other.poll().await, Some(DataChannelEvent::OnClose) | None) {} };
            tokio::time::timeout(Duration::from_secs(5), closed).await.expect("the host closes it");
        }
        client.tell(Control::Ping { id: 1, client_micros: 2 }).await;
        client.hear(|message| matches!(message, Control::Pong { id: 1, .. }).then_some(())).await;
        assert_eq!(host.sessions(), 1);
        for _ in 0..40 {
            others.push(client.open_other().await);
        }
        let begun = Instant::now();
        while host.sessions() > 0 {
            assert!(begun.elapsed() < Duration::from_secs(5), "a flood of channels ends the session");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        client.close().await;
    });
}

#[test]
fn a_client_that_vanishes_gives_up_its_place() {
    let host = DemoCloud::start(DemoConfig::default()).unwrap();
    let at = host.address();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let client = runtime.block_on(async {
        let mut client = Client::connect(at, PATH).await;
        client.frame().await;
        client
    });
    assert_eq!(host.sessions(), 1);
    let begun = Instant::now();
    // Its sockets go with it, and nothing says so.
    runtime.shutdown_timeout(Duration::from_millis(100));
    while host.sessions() > 0 {
        assert!(begun.elapsed() < Duration::from_secs(12), "the place is free 10 s later");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(begun.elapsed() > Duration::from_secs(8), "the client has time to come back: {:?}", begun.elapsed());
    drop(client);
}

#[test]
fn key_frames_come_when_asked_for_and_only_then() {
    run(async {
        let host = DemoCloud::start(DemoConfig::default()).unwrap();
        let mut client = Client::connect(host.address(), PATH).await;
        let track = client.picture().await;
        let first = client.frame().await;
        assert!(key_inside(&first), "a session begins with a key frame");
        for _ in 0..20 {
            assert!(!key_inside(&client.frame().await), "nobody asked");
        }
        let media_ssrc = first[0].header.ssrc;
        let pli: Box<dyn rtc::rtcp::Packet> = Box::new(PictureLossIndication { sender_ssrc: 1, media_ssrc });
        for by_rtcp in [true, false] {
            if by_rtcp {
                track.write_rtcp(vec![pli.clone()]).await.unwrap();
            } else {
                client.tell(Control::Keyframe).await;
            }
            let mut frames = 0;
            while !key_inside(&client.frame().await) {
                frames += 1;
                assert!(frames < 60, "a key frame comes, by RTCP: {by_rtcp}");
            }
        }
        client.close().await;
        host.stop();
    });
}

#[test]
fn two_sessions_run_beside_each_other_and_end_alone() {
    run(async {
        let host = DemoCloud::start(DemoConfig::default()).unwrap();
        let mut one = Client::connect(host.address(), PATH).await;
        let mut two = Client::connect(host.address(), "/whep/padcheck?width=640&height=360&fps=30&codec=vp8").await;
        assert_eq!(host.sessions(), 2);
        one.frame().await;
        let vp8 = two.frame().await;
        assert_eq!(
            vp8[0].payload[0] & 0x10,
            0x10,
            "VP8 begins with a partition start: {:?}",
            Bytes::clone(&vp8[0].payload)
        );
        let (at, resource) = (host.address(), one.resource.clone());
        let gone = tokio::task::spawn_blocking(move || http::send(at, "DELETE", &resource, &[], "")).await.unwrap();
        assert_eq!((gone.status, host.sessions()), (200, 1));
        for _ in 0..5 {
            two.frame().await;
        }
        one.close().await;
        host.stop();
        two.hear(|message| matches!(message, Control::Goodbye { code: GoodbyeCode::Shutdown, .. }).then_some(())).await;
        two.close().await;
    });
}

#[test]
fn an_idle_player_is_sent_away_although_its_client_repeats_its_state() {
    run(async {
        let config = DemoConfig { idle_limit: Some(Duration::from_secs(1)), ..DemoConfig::default() };
        let host = DemoCloud::start(config).unwrap();
        let mut client = Client::connect(host.address(), PATH).await;
        let mut encoder = InputEncoder::new();
        let begun = Instant::now();
        // Somebody plays for longer than the limit.
        for stamp in 0..8 {
            encoder.apply(&PlayerInput::PointerMove { dx: 1, dy: 0 }, 1_000_000 + stamp * 200_000);
            client.send_input(&encoder.packet().to_bytes()).await;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let input = std::sync::Arc::clone(&client.input);
        let repeating = tokio::spawn(async move {
            loop {
                let packet = encoder.packet().to_bytes();
                if input.send(bytes::BytesMut::from(&packet[..])).await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        client.hear(|message| matches!(message, Control::Goodbye { code: GoodbyeCode::Idle, .. }).then_some(())).await;
        let after = begun.elapsed();
        assert!((Duration::from_millis(2400)..Duration::from_secs(7)).contains(&after), "{after:?}");
        repeating.abort();
        client.close().await;
    });
}
