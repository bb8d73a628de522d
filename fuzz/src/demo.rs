//! What clients send to the demo cloud.

use entente_demo::encoder::VideoFormat;
use entente_demo::fuzzing::{
    answer_fragment, place, read_fragment, read_offer, read_query, tidy_answer, video_choices, with_credentials,
};
use entente_demo::games::{Canvas, catalogue, open};
use entente_model::input::PlayerInput;
use entente_model::wire::input::{InputPacket, InputTracker};

use crate::{parts, text};

/// An offer; also what the host makes of its own answer.
pub fn demo_offer(data: &[u8]) {
    let text = text(data);
    let offer = read_offer(text);
    let choices = video_choices(&offer);
    for (index, (codec, offered)) in choices.iter().enumerate() {
        assert!(choices.iter().skip(index + 1).all(|(other, _)| other != codec), "{codec:?} once");
        assert!(offered.payload_type < 128 && offered.rtx.is_none_or(|rtx| rtx < 128));
    }
    let restart = with_credentials(text, "new", "password");
    let again = read_offer(&restart);
    assert_eq!((&again.video, &again.audio), (&offer.video, &offer.audio), "only credentials differ");
    assert_eq!(again.ufrag, offer.ufrag.map(|_| "new".to_owned()));
    assert!(read_fragment(&restart).candidates.is_empty(), "candidates of before are gone");
    let tidy = tidy_answer(text);
    assert_eq!(tidy_answer(&tidy), tidy, "tidy is tidy");
    let fragment = read_fragment(&answer_fragment(&tidy));
    assert!(fragment.candidates.iter().all(|(_, candidate)| tidy.contains(candidate.as_str())));
}

/// Candidates that arrive later, or an ICE restart.
pub fn demo_fragment(data: &[u8]) {
    let fragment = read_fragment(text(data));
    assert!(fragment.candidates.len() <= 64);
    for (_, candidate) in &fragment.candidates {
        assert!(candidate.starts_with("candidate:") && !candidate.contains('\n'));
    }
    let (ufrag, password) = (fragment.ufrag.unwrap_or_default(), fragment.password.unwrap_or_default());
    let offer = with_credentials("v=0\r\na=ice-ufrag:old\r\na=ice-pwd:older\r\n", &ufrag, &password);
    assert_eq!(offer.lines().count(), 3, "credentials add no line");
}

/// The query of a request for a session.
pub fn demo_query(data: &[u8]) {
    let query = text(data);
    let default = VideoFormat { width: 1280, height: 720, fps: 60, bitrate_kbps: 5000 };
    let Some((format, _)) = read_query(query, default) else { return };
    assert_eq!(format, format.nearest(), "a format that the host makes");
    // Whoever waits asks for the same again, with a ticket.
    let place = place("game", query, "tick&et=\u{e9}");
    let again = place.split_once('?').and_then(|(_, query)| read_query(query, default));
    assert_eq!(again, Some((format, Some("tick&et=\u{e9}".to_owned()))));
}

/// A byte for the game, then input packets as [`parts`], each after a byte: time that passes first, in ms. A packet that is
/// none is composed text.
pub fn demo_game(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    let games = catalogue();
    let Some(mut game) = games.get(usize::from(*first) % games.len()).and_then(|(name, _)| open(name, 7)) else {
        return;
    };
    let mut tracker = InputTracker::new();
    let mut sound = [0_i16; 96];
    for part in parts(rest).into_iter().take(64) {
        let Some((millis, packet)) = part.split_first() else { continue };
        match InputPacket::parse(packet) {
            Ok(packet) => tracker.accept(&packet, |what| game.input(&what)),
            Err(_) => game.input(&PlayerInput::Text(text(packet).to_owned())),
        }
        game.step(u64::from(*millis) * 1000);
        game.sound(&mut sound);
        for _ in 0..64 {
            if game.feedback().is_none() {
                break;
            }
        }
    }
    draw(game.as_mut());
}

fn draw(game: &mut dyn entente_demo::games::Game) {
    let (width, height) = (640, 360);
    let (mut y, mut u, mut v) = (vec![0; width * height], vec![0; width * height / 4], vec![0; width * height / 4]);
    let (y, u, v) = (y.as_mut_slice(), u.as_mut_slice(), v.as_mut_slice());
    game.draw(&mut Canvas { width, height, y, u, v, y_stride: width, uv_stride: width / 2 });
}
