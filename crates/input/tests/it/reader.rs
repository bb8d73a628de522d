use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use entente_input::{PadOptions, PadReader, list_pads};
use entente_model::input::Feedback;

#[test]
fn without_a_pad_there_is_a_slot_and_a_quick_end() {
    if !list_pads().pads.is_empty() {
        println!("skipped: a controller is plugged in");
        return;
    }
    let (notices, seen) = sync_channel(8);
    let notice = Box::new(move |text| {
        let _ = notices.try_send(text);
    });
    let reader = PadReader::start(Box::new(|_| {}), PadOptions { notice, ..PadOptions::default() });
    assert_eq!((reader.claim_slot(), reader.claim_slot()), (Some(0), Some(0)));
    // Only where controllers cannot be found is there something to say.
    if list_pads().notice.is_some_and(|why| why.contains("udev is not running")) {
        let text: String = seen.recv_timeout(Duration::from_secs(10)).unwrap();
        assert!(text.contains("udev"), "{text}");
    }
    assert!(!reader.feedback(Feedback::Rumble { pad: 0, low: 1.0, high: 1.0, millis: 100 }));
    assert!(!reader.feedback(Feedback::Light { pad: 0, rgb: [1, 2, 3] }));
    let asked = Instant::now();
    drop(reader);
    assert!(asked.elapsed() < Duration::from_secs(5));
}

#[test]
fn the_list_says_why_it_is_empty() {
    let list = list_pads();
    assert_eq!(list.pads.is_empty(), list.notice.is_some(), "{list:?}");
}
