//! The few things that are read from offers and candidate fragments as text.

use entente_model::media::VideoCodec;

/// Formats of a media section: there are no more payload types (RFC 3550 section 5.1).
pub(crate) const MAX_FORMATS: usize = 128;

/// One payload of an offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered {
    /// 0 to 127.
    pub payload_type: u8,
    /// Encoding name in lower case; empty without `a=rtpmap`.
    pub name: String,
    /// Parameters of `a=fmtp`.
    pub fmtp: String,
    /// Payload type of its retransmissions.
    pub rtx: Option<u8>,
}

/// What matters of an offer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// Payloads of video sections, retransmissions left out.
    pub video: Vec<Offered>,
    /// Payloads of audio sections.
    pub audio: Vec<Offered>,
    /// First `a=ice-ufrag`.
    pub ufrag: Option<String>,
    /// First `a=ice-pwd`.
    pub password: Option<String>,
}

/// Whether no section of a description lists more formats than there can be. `rtc` looks each one up again and again: it
/// takes a quarter of a minute for the ten thousand that fit into a request.
pub(crate) fn is_bounded(text: &str) -> bool {
    // It skips carriage returns before a line.
    let media = text.lines().filter_map(|line| line.trim_start_matches('\r').strip_prefix("m="));
    // The kind, the port and the protocol come first.
    media.map(|media| media.split_ascii_whitespace().count()).all(|words| words <= 3 + MAX_FORMATS)
}

/// Reads an offer; lines that are not understood are skipped.
pub fn read_offer(text: &str) -> Offer {
    let mut offer = Offer::default();
    let mut video = false;
    let mut section: Vec<Offered> = Vec::new();
    let mut known = false;
    let finish = |offer: &mut Offer, section: Vec<Offered>, known: bool, video: bool| {
        if known {
            let target = if video { &mut offer.video } else { &mut offer.audio };
            target.extend(pair_retransmissions(section));
        }
    };
    for line in text.lines().map(str::trim_end) {
        if let Some(media) = line.strip_prefix("m=") {
            finish(&mut offer, std::mem::take(&mut section), known, video);
            let mut words = media.split(' ');
            let kind = words.next().unwrap_or("");
            video = kind == "video";
            known = video || kind == "audio";
            let types = words.skip(2).filter_map(|word| word.parse().ok()).filter(|payload_type| *payload_type < 128);
            section = types
                .take(MAX_FORMATS)
                .map(|payload_type| Offered { payload_type, name: String::new(), fmtp: String::new(), rtx: None })
                .collect();
        } else if let Some((payload_type, map)) = numbered(line, "a=rtpmap:") {
            if let Some(entry) = section.iter_mut().find(|entry| entry.payload_type == payload_type) {
                entry.name = map.split('/').next().unwrap_or("").to_ascii_lowercase();
            }
        } else if let Some((payload_type, fmtp)) = numbered(line, "a=fmtp:") {
            if let Some(entry) = section.iter_mut().find(|entry| entry.payload_type == payload_type) {
                fmtp.clone_into(&mut entry.fmtp);
            }
        } else if let Some(ufrag) = line.strip_prefix("a=ice-ufrag:") {
            offer.ufrag.get_or_insert_with(|| ufrag.to_owned());
        } else if let Some(password) = line.strip_prefix("a=ice-pwd:") {
            offer.password.get_or_insert_with(|| password.to_owned());
        }
    }
    finish(&mut offer, section, known, video);
    offer
}

fn numbered<'a>(line: &'a str, prefix: &str) -> Option<(u8, &'a str)> {
    let (number, rest) = line.strip_prefix(prefix)?.split_once(' ')?;
    Some((number.parse().ok()?, rest.trim()))
}

fn pair_retransmissions(section: Vec<Offered>) -> Vec<Offered> {
    let (rtx, mut media): (Vec<_>, Vec<_>) = section.into_iter().partition(|entry| entry.name == "rtx");
    for entry in rtx {
        let apt = parameter(&entry.fmtp, "apt").and_then(|apt| apt.parse::<u8>().ok());
        if let Some(primary) = media.iter_mut().find(|primary| Some(primary.payload_type) == apt) {
            primary.rtx = Some(entry.payload_type);
        }
    }
    media
}

/// A parameter of an fmtp line.
pub(crate) fn parameter<'a>(fmtp: &'a str, name: &str) -> Option<&'a str> {
    fmtp.split(';').filter_map(|part| part.trim().split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// Codec of an offered payload, if this host could send it in that form.
fn usable(entry: &Offered) -> Option<VideoCodec> {
    match entry.name.as_str() {
        // Mode 0 has no fragments (RFC 6184 section 6.2), too small for pictures of this host.
        "h264" => (parameter(&entry.fmtp, "packetization-mode") == Some("1")).then_some(VideoCodec::H264),
        "h265" => {
            let is = |name: &str, usual: &str| parameter(&entry.fmtp, name).is_none_or(|value| value == usual);
            // Main profile and tier, one stream: the defaults (RFC 7798 section 7.1).
            (is("profile-id", "1") && is("tier-flag", "0") && is("tx-mode", "SRST")).then_some(VideoCodec::Hevc)
        }
        "vp8" => Some(VideoCodec::Vp8),
        "vp9" => matches!(parameter(&entry.fmtp, "profile-id"), None | Some("0")).then_some(VideoCodec::Vp9),
        "av1" => matches!(parameter(&entry.fmtp, "profile"), None | Some("0")).then_some(VideoCodec::Av1),
        _ => None,
    }
}

/// Constrained baseline first: that is what the encoders make, and what every decoder takes.
fn h264_rank(entry: &Offered) -> u8 {
    match parameter(&entry.fmtp, "profile-level-id").map(str::to_ascii_lowercase).as_deref() {
        Some(id) if id.starts_with("42e0") => 0,
        Some(id) if id.starts_with("42") => 1,
        Some(id) if id.starts_with("4d") => 2,
        _ => 3,
    }
}

/// The offered payloads that this host could send, one for each codec, in the offer's order.
pub fn video_choices(offer: &Offer) -> Vec<(VideoCodec, Offered)> {
    let mut choices: Vec<(VideoCodec, Offered)> = Vec::new();
    for entry in &offer.video {
        let Some(codec) = usable(entry) else { continue };
        match choices.iter_mut().find(|(known, _)| *known == codec) {
            None => choices.push((codec, entry.clone())),
            Some((VideoCodec::H264, best)) if h264_rank(entry) < h264_rank(best) => *best = entry.clone(),
            Some(_) => {}
        }
    }
    choices
}

/// A body of type `application/trickle-ice-sdpfrag` (RFC 8840).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fragment {
    /// First `a=ice-ufrag`.
    pub ufrag: Option<String>,
    /// First `a=ice-pwd`.
    pub password: Option<String>,
    /// Candidate lines without `a=`, with the `mid` they belong to.
    pub candidates: Vec<(Option<String>, String)>,
}

/// Candidates that one fragment may bring.
const MAX_CANDIDATES: usize = 64;

/// Reads a fragment; lines that are not understood are skipped.
pub fn read_fragment(text: &str) -> Fragment {
    let mut fragment = Fragment::default();
    let mut mid = None;
    for line in text.lines().map(str::trim_end) {
        if let Some(value) = line.strip_prefix("a=ice-ufrag:") {
            fragment.ufrag.get_or_insert_with(|| value.to_owned());
        } else if let Some(value) = line.strip_prefix("a=ice-pwd:") {
            fragment.password.get_or_insert_with(|| value.to_owned());
        } else if let Some(value) = line.strip_prefix("a=mid:") {
            mid = Some(value.to_owned());
        } else if let Some(value) = line.strip_prefix("a=")
            && value.starts_with("candidate:")
            && fragment.candidates.len() < MAX_CANDIDATES
        {
            fragment.candidates.push((mid.clone(), value.to_owned()));
        }
    }
    fragment
}

/// The offer with new ICE credentials and without candidates, as an ICE restart needs it.
pub fn with_credentials(offer: &str, ufrag: &str, password: &str) -> String {
    let mut out = String::with_capacity(offer.len());
    for line in offer.lines().map(str::trim_end) {
        if line.starts_with("a=ice-ufrag:") {
            out.push_str("a=ice-ufrag:");
            out.push_str(ufrag);
        } else if line.starts_with("a=ice-pwd:") {
            out.push_str("a=ice-pwd:");
            out.push_str(password);
        } else if line.starts_with("a=candidate:") || line == "a=end-of-candidates" {
            continue;
        } else {
            out.push_str(line);
        }
        out.push_str("\r\n");
    }
    out
}

/// The answer as it is sent: without candidates of component 2 (RTCP), which this host never uses, and saying that
/// the sound will be stereo (RFC 7587 section 6.1).
pub fn tidy_answer(answer: &str) -> String {
    let opus = read_offer(answer).audio.iter().find(|entry| entry.name == "opus").map(|entry| entry.payload_type);
    let mut out = String::with_capacity(answer.len() + 32);
    let mut audio = false;
    for line in answer.lines().map(str::trim_end) {
        if line.starts_with("m=") {
            audio = line.starts_with("m=audio");
        }
        if line.starts_with("a=candidate:") && line.split(' ').nth(1) == Some("2") {
            continue;
        }
        out.push_str(line);
        let about_opus = audio && opus.is_some() && numbered(line, "a=fmtp:").map(|(number, _)| number) == opus;
        if about_opus && !line.contains("sprop-stereo=") {
            out.push_str(";sprop-stereo=1");
        }
        out.push_str("\r\n");
    }
    out
}

/// The answer's credentials and candidates as a fragment (RFC 9725 section 4.3.3).
pub fn answer_fragment(answer: &str) -> String {
    let mut out = String::new();
    let mut media = 0;
    for line in answer.lines().map(str::trim_end) {
        if line.starts_with("m=") {
            media += 1;
        }
        let credentials = line.starts_with("a=ice-ufrag:") || line.starts_with("a=ice-pwd:");
        let rest = line.starts_with("m=")
            || line.starts_with("a=mid:")
            || line.starts_with("a=candidate:")
            || line == "a=end-of-candidates";
        if media <= 1 && (credentials || rest) {
            out.push_str(line);
            out.push_str("\r\n");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OFFER: &str = "v=0\r\na=ice-ufrag:abcd\r\na=ice-pwd:secretsecretsecretsecret\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96 97 102 103 125\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\n\
        a=fmtp:97 apt=96\r\na=rtpmap:102 H264/90000\r\n\
        a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=4d001f\r\n\
        a=rtpmap:103 H264/90000\r\na=fmtp:103 packetization-mode=0;profile-level-id=42e01f\r\n\
        a=rtpmap:125 H264/90000\r\na=fmtp:125 packetization-mode=1;profile-level-id=42e01f\r\n\
        a=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n";

    #[test]
    fn an_offer_is_read_in_its_order_with_the_best_profile() {
        let offer = read_offer(OFFER);
        assert_eq!(offer.ufrag.as_deref(), Some("abcd"));
        assert_eq!(offer.audio[0].name, "opus");
        let choices = video_choices(&offer);
        assert_eq!(choices.iter().map(|(codec, _)| *codec).collect::<Vec<_>>(), [VideoCodec::Vp8, VideoCodec::H264]);
        assert_eq!((choices[0].1.payload_type, choices[0].1.rtx), (96, Some(97)));
        assert_eq!(choices[1].1.payload_type, 125);
    }

    #[test]
    fn formats_beyond_what_there_can_be_are_no_offer() {
        assert!(is_bounded(OFFER));
        for end in ["\n", "\r\n", "\n\r"] {
            let many = format!("v=0{end}m=video 9 x{}{end}a=mid:0{end}", " 96".repeat(MAX_FORMATS + 1));
            assert!(!is_bounded(&many));
            assert!(is_bounded(&many.replacen(" 96", "", 1)));
        }
        assert_eq!(read_offer("m=video 9 x 96 127 128 255 256").video.len(), 2, "seven bits");
    }

    #[test]
    fn hevc_is_taken_in_the_form_that_encoders_make() {
        let offered = |fmtp: &str| {
            let text = format!("m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 H265/90000\r\na=fmtp:96 {fmtp}\r\n");
            video_choices(&read_offer(&text)).first().map(|(codec, _)| *codec)
        };
        assert_eq!(offered("level-id=156;profile-id=1;tier-flag=0;tx-mode=SRST"), Some(VideoCodec::Hevc));
        assert_eq!(offered("level-id=93"), Some(VideoCodec::Hevc));
        assert_eq!(offered("profile-id=2;level-id=93"), None, "ten bits");
        assert_eq!(offered("tx-mode=MRST"), None);
    }

    #[test]
    fn a_restart_offer_differs_in_credentials_only() {
        let text = with_credentials(OFFER, "new", "newpassword");
        assert!(text.contains("a=ice-ufrag:new\r\n") && text.contains("a=ice-pwd:newpassword\r\n"));
        assert!(!text.contains("a=candidate"));
        assert_eq!(read_offer(&text).video, read_offer(OFFER).video);
    }

    #[test]
    fn a_fragment_keeps_the_mid_of_its_candidates() {
        let fragment =
            read_fragment("a=ice-ufrag:u\r\na=ice-pwd:p\r\nm=audio 9 x 0\r\na=mid:1\r\na=candidate:2 1 udp\r\n");
        assert_eq!(fragment.ufrag.as_deref(), Some("u"));
        assert_eq!(fragment.candidates, [(Some("1".to_owned()), "candidate:2 1 udp".to_owned())]);
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in "(m=|a=|[ -~]|\r\n|a=rtpmap:|a=fmtp:|a=candidate:|[0-9 /=;]){0,200}") {
            let offer = read_offer(&text);
            let _ = video_choices(&offer);
            let _ = read_fragment(&text);
            let _ = tidy_answer(&with_credentials(&text, "a", "b"));
            let _ = answer_fragment(&text);
        }
    }
}
