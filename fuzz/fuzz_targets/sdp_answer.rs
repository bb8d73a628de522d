//! A host's answer to an offer of ours.
#![no_main]

const OFFER: &str = include_str!("../offer.sdp");

libfuzzer_sys::fuzz_target!(|answer: &str| {
    if let Ok(read) = entente_peer::sdp::Answer::read(answer, OFFER) {
        // What was mended once is an answer still.
        let _ = entente_peer::sdp::Answer::read(&read.text, OFFER);
    }
});
