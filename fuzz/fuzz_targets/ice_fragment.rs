//! A host's answer to an ICE restart.
#![no_main]

const OFFER: &str = include_str!("../offer.sdp");

libfuzzer_sys::fuzz_target!(|fragment: &str| {
    // An offer answers itself well enough to have something to restart.
    if let Ok(answer) = entente_peer::sdp::Answer::read(OFFER, OFFER) {
        let _ = answer.restarted(fragment);
    }
    let _ = entente_peer::sdp::restart_fragment(fragment);
});
