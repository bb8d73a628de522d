//! `Link` headers with ICE servers.
#![no_main]

libfuzzer_sys::fuzz_target!(|header: &str| {
    let _ = entente_peer::whep::parse_link_header(header);
});
