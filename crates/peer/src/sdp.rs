//! Reading session descriptions, and mending answers so that `rtc` takes what real hosts send.
//!
//! `rtc` 0.21.1 refuses a whole answer for one candidate it cannot read, for a media section without `a=mid`, for a
//! sending section without `a=ssrc` beside another one, and for a codec whose parameters differ in the level; it does not
//! see `a=setup` at session level. Hosts do all of that, so an answer passes through [`Answer::read`] first.

use std::fmt::Write as _;
use std::net::IpAddr;

use entente_model::media::VideoCodec;
use entente_rtp::PayloadFormat;

use crate::control::for_people;

/// Longest description that is read, in bytes.
pub const MAX_SDP: usize = 128 * 1024;
/// Media sections that are read.
const MAX_SECTIONS: usize = 32;
/// Formats of a section that are read: there are no more payload types. `rtc` takes minutes for ten thousand.
const MAX_FORMATS: usize = 128;
/// Candidates that are kept; each one is paired with each of ours.
const MAX_CANDIDATES: usize = 24;

/// The header extension with a number for each packet of the transport
/// (draft-holmer-rmcat-transport-wide-cc-extensions-01).
pub(crate) const TRANSPORT_CC_URI: &str = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

/// Why a description cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SdpError {
    /// Not a session description, or not an answer to our offer.
    #[error("not a session description: {0}")]
    NotSdp(&'static str),
    /// The host refuses video, or offers no codec of ours.
    #[error("{0}")]
    NoVideo(String),
    /// The host did not choose who begins DTLS (RFC 5763 section 5); then both sides would wait for each other.
    #[error("its answer does not say who begins the security handshake (a=setup is {0}, not active or passive)")]
    NoSetup(String),
}

/// What arrives under a payload type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Payload {
    /// Nothing that we agreed on.
    #[default]
    Unknown,
    /// Video.
    Video(VideoCodec),
    /// Retransmissions (RFC 4588) of the video payload type inside.
    Rtx(u8),
    /// Opus.
    Audio,
}

/// Use of each of the 128 payload types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayloadMap([Payload; 128]);

impl Default for PayloadMap {
    fn default() -> Self {
        Self([Payload::Unknown; 128])
    }
}

impl PayloadMap {
    /// Use of `payload_type`.
    #[must_use]
    pub fn get(&self, payload_type: u8) -> Payload {
        self.0.get(usize::from(payload_type)).copied().unwrap_or_default()
    }

    fn set(&mut self, payload_type: u8, payload: Payload) {
        if let Some(slot) = self.0.get_mut(usize::from(payload_type)) {
            *slot = payload;
        }
    }
}

/// RTCP that the host takes about video of one payload type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Agreed {
    /// Requests for packets (RFC 4585 section 6.2.1).
    pub nack: bool,
    /// Picture loss indication (RFC 4585 section 6.3.1).
    pub pli: bool,
    /// Full intra request (RFC 5104 section 4.3.1).
    pub fir: bool,
}

/// One `m=` section.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Section {
    media: String,
    port: u32,
    protocol: String,
    formats: Vec<String>,
    /// Lines after `m=`, without line ends.
    lines: Vec<String>,
}

impl Section {
    fn value(&self, key: &str) -> Option<&str> {
        self.lines.iter().find_map(|line| attribute(line, key))
    }

    fn rejected(&self) -> bool {
        self.port == 0
    }

    fn sends(&self) -> bool {
        !self.rejected() && !self.lines.iter().any(|line| line == "a=recvonly" || line == "a=inactive")
    }

    /// Name and rest of `a=rtpmap` of a format.
    fn encoding(&self, format: &str) -> Option<&str> {
        self.lines.iter().filter_map(|line| attribute(line, "rtpmap")).find_map(|map| {
            let (number, rest) = map.split_once(' ')?;
            (number == format).then(|| rest.trim())
        })
    }

    fn parameters(&self, format: &str) -> Option<&str> {
        self.lines.iter().filter_map(|line| attribute(line, "fmtp")).find_map(|fmtp| {
            let (number, rest) = fmtp.split_once(' ')?;
            (number == format).then(|| rest.trim())
        })
    }

    /// `a=rtcp-fb` of a format or of all (RFC 4585 section 4.2).
    fn feedback(&self, format: &str) -> Agreed {
        let mut agreed = Agreed::default();
        for line in self.lines.iter().filter_map(|line| attribute(line, "rtcp-fb")) {
            let line = line.to_ascii_lowercase();
            let mut words = line.split_ascii_whitespace();
            if words.next().is_none_or(|of| of != format && of != "*") {
                continue;
            }
            match (words.next(), words.next()) {
                (Some("nack"), None) => agreed.nack = true,
                (Some("nack"), Some("pli")) => agreed.pli = true,
                (Some("ccm"), Some("fir")) => agreed.fir = true,
                _ => {}
            }
        }
        agreed
    }

    fn write(&self, out: &mut String) {
        let _ = write!(out, "m={} {} {} {}\r\n", self.media, self.port, self.protocol, self.formats.join(" "));
        for line in &self.lines {
            let _ = write!(out, "{line}\r\n");
        }
    }
}

/// `a=key:value`
fn attribute<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    line.strip_prefix("a=")?.strip_prefix(key)?.strip_prefix(':')
}

/// A description split into its sections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Description {
    session: Vec<String>,
    sections: Vec<Section>,
}

impl Description {
    fn read(text: &str) -> Result<Self, SdpError> {
        if text.len() > MAX_SDP {
            return Err(SdpError::NotSdp("too long"));
        }
        let mut description = Self::default();
        for line in text.split(['\r', '\n']).map(str::trim_end).filter(|line| !line.is_empty()) {
            // A line is one letter, `=`, text (RFC 8866 section 5).
            if line.as_bytes().get(1) != Some(&b'=') || !line.as_bytes().first().is_some_and(u8::is_ascii_lowercase) {
                return Err(SdpError::NotSdp("a line is not of the form x=..."));
            }
            if let Some(rest) = line.strip_prefix("m=") {
                let mut words = rest.split_ascii_whitespace();
                let media = words.next().unwrap_or_default().to_owned();
                let port = words.next().and_then(|port| port.split('/').next()).and_then(|port| port.parse().ok());
                let protocol = words.next().unwrap_or_default().to_owned();
                let port = port.ok_or(SdpError::NotSdp("a media line has no port"))?;
                if description.sections.len() == MAX_SECTIONS {
                    return Err(SdpError::NotSdp("too many media sections"));
                }
                let mut formats: Vec<String> = Vec::new();
                for format in words {
                    if formats.len() < MAX_FORMATS && !formats.iter().any(|known| known == format) {
                        formats.push(format.to_owned());
                    }
                }
                description.sections.push(Section { media, port, protocol, formats, lines: Vec::new() });
            } else if let Some(section) = description.sections.last_mut() {
                section.lines.push(line.to_owned());
            } else {
                description.session.push(line.to_owned());
            }
        }
        if description.session.first().is_none_or(|line| line != "v=0") {
            return Err(SdpError::NotSdp("it does not begin with v=0"));
        }
        Ok(description)
    }

    /// Id of a header extension (RFC 8285 section 5); BUNDLE makes it the same in all sections.
    fn extension(&self, uri: &str) -> Option<u8> {
        let sections = self.sections.iter().filter(|section| !section.rejected());
        let mut lines = sections.flat_map(|section| &section.lines).chain(&self.session);
        lines.find_map(|line| {
            let mut words = attribute(line, "extmap")?.split_ascii_whitespace();
            let id = words.next()?.split('/').next()?.parse().ok()?;
            (words.next()? == uri).then_some(id)
        })
    }

    fn write(&self) -> String {
        let mut out = String::with_capacity(4096);
        for line in &self.session {
            let _ = write!(out, "{line}\r\n");
        }
        for section in &self.sections {
            section.write(&mut out);
        }
        out
    }
}

/// A mended answer and what it says about media.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The answer as `rtc` takes it.
    pub text: String,
    /// What arrives under which payload type.
    pub payloads: PayloadMap,
    /// Video payload types with the parameter sets that the answer itself carries.
    pub formats: Vec<PayloadFormat>,
    /// Video payload types with the RTCP that the host takes about them.
    pub feedback: Vec<(u8, Agreed)>,
    /// Id of the header extension for transport-wide feedback.
    pub transport_cc: Option<u8>,
    /// Id of the header extension that tells the colour space of video.
    pub color_space: Option<u8>,
    /// Candidates that can be tried.
    pub candidates: usize,
}

impl Answer {
    /// Reads and mends `answer` to our `offer`.
    ///
    /// # Errors
    /// [`SdpError::NotSdp`] for something else than an answer to this offer, [`SdpError::NoVideo`] when video is
    /// refused or in no codec of ours, [`SdpError::NoSetup`] without a DTLS role.
    pub fn read(answer: &str, offer: &str) -> Result<Self, SdpError> {
        let mut answer = Description::read(answer)?;
        let offer = Description::read(offer)?;
        if answer.sections.len() != offer.sections.len() {
            return Err(SdpError::NotSdp("it has not the media sections of the offer"));
        }
        let mut payloads = PayloadMap::default();
        let mut formats = Vec::new();
        let mut candidates = Vec::new();
        for (index, (section, offered)) in answer.sections.iter_mut().zip(&offer.sections).enumerate() {
            if section.media != offered.media {
                return Err(SdpError::NotSdp("its media sections are in another order"));
            }
            collect_candidates(section, &mut candidates);
            note_payloads(section, offered, &mut payloads, &mut formats);
            mend_section(section, offered, index);
        }
        let feedback = agreed_feedback(&answer, &payloads);
        let transport_cc = answer.extension(TRANSPORT_CC_URI);
        let color_space = answer.extension(crate::codecs::COLOR_SPACE_URI);
        check_video(&answer, &payloads)?;
        settle_setup(&mut answer)?;
        settle_fingerprints(&mut answer);
        let count = candidates.len();
        if let Some(first) = answer.sections.iter_mut().find(|section| !section.rejected()) {
            first.lines.extend(candidates.into_iter().map(|candidate| format!("a=candidate:{candidate}")));
        }
        Ok(Self { text: answer.write(), payloads, formats, feedback, transport_cc, color_space, candidates: count })
    }

    /// The same answer with the credentials and candidates of an ICE restart's `fragment`
    /// (`application/trickle-ice-sdpfrag`, RFC 8840 section 9). `None` when the fragment restarts nothing.
    #[must_use]
    pub fn restarted(&self, fragment: &str) -> Option<Self> {
        let (text, candidates) = restarted(&self.text, fragment)?;
        Some(Self { text, candidates, ..self.clone() })
    }
}

/// A description with the credentials and candidates of an ICE restart's `fragment` instead of its own. `None` when the
/// fragment restarts nothing.
#[must_use]
pub fn with_credentials(description: &str, fragment: &str) -> Option<String> {
    restarted(description, fragment).map(|(text, _)| text)
}

fn restarted(description: &str, fragment: &str) -> Option<(String, usize)> {
    if fragment.len() > MAX_SDP {
        return None;
    }
    let mut description = Description::read(description).ok()?;
    let lines = || fragment.split(['\r', '\n']).map(str::trim_end);
    let ufrag = lines().find_map(|line| attribute(line, "ice-ufrag"))?.to_owned();
    let password = lines().find_map(|line| attribute(line, "ice-pwd"))?.to_owned();
    let mut carrier = Section { port: 9, lines: lines().map(str::to_owned).collect(), ..Section::default() };
    let mut candidates = Vec::new();
    collect_candidates(&mut carrier, &mut candidates);
    let unchanged = |line: &String| {
        attribute(line, "ice-ufrag").is_none()
            && attribute(line, "ice-pwd").is_none()
            && attribute(line, "candidate").is_none()
    };
    description.session.retain(unchanged);
    for section in &mut description.sections {
        section.lines.retain(unchanged);
        if !section.rejected() {
            section.lines.push(format!("a=ice-ufrag:{ufrag}"));
            section.lines.push(format!("a=ice-pwd:{password}"));
        }
    }
    let count = candidates.len();
    if let Some(first) = description.sections.iter_mut().find(|section| !section.rejected()) {
        first.lines.extend(candidates.into_iter().map(|candidate| format!("a=candidate:{candidate}")));
    }
    Some((description.write(), count))
}

/// Takes the candidates out of a section; keeps UDP ones of component 1 with a literal address.
///
/// mDNS names are skipped: nobody here can resolve them. That costs nothing with a host that also checks us, because
/// its address is then learned from its checks (RFC 8445 section 7.3.1.3).
fn collect_candidates(section: &mut Section, candidates: &mut Vec<String>) {
    let refused = section.rejected();
    section.lines.retain(|line| {
        let Some(candidate) = attribute(line, "candidate") else { return line != "a=end-of-candidates" };
        if !refused
            && usable_candidate(candidate)
            && candidates.len() < MAX_CANDIDATES
            && !candidates.iter().any(|known| same_address(known, candidate))
        {
            candidates.push(candidate.to_owned());
        }
        false
    });
}

fn same_address(one: &str, other: &str) -> bool {
    let key = |candidate: &str| {
        let words: Vec<&str> = candidate.split_ascii_whitespace().collect();
        (words.get(4).map(|word| (*word).to_owned()), words.get(5).map(|word| (*word).to_owned()))
    };
    key(one) == key(other)
}

/// Whether `rtc` can use it: `foundation component transport priority address port typ type ...` (RFC 8839).
fn usable_candidate(candidate: &str) -> bool {
    let words: Vec<&str> = candidate.split_ascii_whitespace().collect();
    let word = |index: usize| words.get(index).copied().unwrap_or_default();
    !word(0).is_empty()
        && word(0).len() <= 32
        && word(1) == "1"
        && word(2).eq_ignore_ascii_case("udp")
        && word(3).parse::<u32>().is_ok()
        && word(4).parse::<IpAddr>().is_ok_and(|ip| !ip.is_unspecified() && !ip.is_multicast())
        && word(5).parse::<u16>().is_ok_and(|port| port != 0)
        && word(6) == "typ"
        && matches!(word(7), "host" | "srflx" | "prflx" | "relay")
}

fn mend_section(section: &mut Section, offered: &Section, index: usize) {
    if section.value("mid").is_none_or(str::is_empty) {
        let mid = offered.value("mid").map_or_else(|| index.to_string(), str::to_owned);
        section.lines.retain(|line| attribute(line, "mid").is_none());
        section.lines.push(format!("a=mid:{mid}"));
    }
    if section.media == "application" {
        return;
    }
    if section.rejected() {
        // What a host writes into a refused section is arbitrary; keep only that it is refused.
        let mid = section.value("mid").unwrap_or_default().to_owned();
        section.formats.clone_from(&offered.formats);
        section.protocol.clone_from(&offered.protocol);
        section.lines = offered
            .lines
            .iter()
            .filter(|line| attribute(line, "rtpmap").is_some() || attribute(line, "fmtp").is_some())
            .cloned()
            .chain([format!("a=mid:{mid}"), "a=inactive".to_owned()])
            .collect();
        return;
    }
    mend_parameters(section, offered);
    // Layers cannot be chosen by us, and `rtc` would wait for header extensions that say which layer is which.
    section.lines.retain(|line| attribute(line, "rid").is_none() && attribute(line, "simulcast").is_none());
    if section.sends() && section.value("ssrc").is_none() {
        if section.value("msid").is_none() {
            section.lines.push(format!("a=msid:- {}", section.media));
        }
        // `rtc` refuses a sending section without a source; the real one is caught by its payload type.
        section.lines.push(format!("a=ssrc:{} cname:undeclared", PLACEHOLDER_SSRC + u32::try_from(index).unwrap_or(0)));
    }
}

/// Puts the DTLS role into every section. There is one transport, so the first section that says something says it for
/// all; `a=setup` may also stand at session level (RFC 4145 section 4, RFC 8122 section 6).
fn settle_setup(answer: &mut Description) -> Result<(), SdpError> {
    let in_sections = answer.sections.iter().filter(|section| !section.rejected()).find_map(|s| s.value("setup"));
    let said = in_sections.or_else(|| answer.session.iter().find_map(|line| attribute(line, "setup")));
    let role = said.unwrap_or("missing").trim().to_ascii_lowercase();
    if !matches!(role.as_str(), "active" | "passive") {
        return Err(SdpError::NoSetup(for_people(&role)));
    }
    for section in answer.sections.iter_mut().filter(|section| !section.rejected()) {
        section.lines.retain(|line| attribute(line, "setup").is_none());
        section.lines.push(format!("a=setup:{role}"));
    }
    Ok(())
}

/// Leaves the fingerprints that `rtc` reads: it takes the first one of each place, fails when that is of another hash than
/// SHA-256, and compares them letter by letter. RFC 8122 section 5 allows several, and hash names in any case.
fn settle_fingerprints(answer: &mut Description) {
    let sections = answer.sections.iter_mut().map(|section| &mut section.lines);
    for lines in sections.chain([&mut answer.session]) {
        lines.retain_mut(|line| {
            let Some(fingerprint) = attribute(line, "fingerprint") else { return true };
            let mut words = fingerprint.split_ascii_whitespace();
            let (hash, value) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            let ours = hash.eq_ignore_ascii_case("sha-256");
            *line = format!("a=fingerprint:sha-256 {}", value.to_ascii_uppercase());
            ours
        });
    }
}

/// Stands for a source that the host did not declare; a real one hits it once in four thousand million.
const PLACEHOLDER_SSRC: u32 = 0x0e17_e47e;

/// Parameters under a payload type of our own are ours again: only level and packetisation may differ, which do not
/// matter to a receiver that takes every level it offers.
fn mend_parameters(section: &mut Section, offered: &Section) {
    let formats = section.formats.clone();
    for format in &formats {
        let wanted = if same_encoding(section, offered, format) {
            offered.parameters(format).map(str::to_owned)
        } else if section.encoding(format).is_some_and(|name| encoding_name(name).eq_ignore_ascii_case("H264")) {
            // RFC 6184 section 8.1: absent means mode 0 and, by section 8.2.2, the baseline profile.
            let mut text = section.parameters(format).unwrap_or_default().trim_end_matches(';').to_owned();
            for (key, default) in [("packetization-mode", "0"), ("profile-level-id", "42e01f")] {
                if !text.contains(key) {
                    if !text.is_empty() {
                        text.push(';');
                    }
                    let _ = write!(text, "{key}={default}");
                }
            }
            Some(text)
        } else {
            continue;
        };
        let prefix = format!("{format} ");
        section.lines.retain(|line| !attribute(line, "fmtp").is_some_and(|fmtp| fmtp.starts_with(&prefix)));
        if let Some(wanted) = wanted {
            section.lines.push(format!("a=fmtp:{format} {wanted}"));
        }
    }
}

/// Whether a payload type of the answer is what we offered under it.
fn same_encoding(section: &Section, offered: &Section, format: &str) -> bool {
    match (section.encoding(format), offered.encoding(format)) {
        (Some(theirs), Some(ours)) => encoding_name(theirs).eq_ignore_ascii_case(encoding_name(ours)),
        _ => false,
    }
}

fn encoding_name(encoding: &str) -> &str {
    encoding.split('/').next().unwrap_or_default()
}

fn video_codec(name: &str) -> Option<VideoCodec> {
    match name.to_ascii_uppercase().as_str() {
        "H264" => Some(VideoCodec::H264),
        "H265" => Some(VideoCodec::Hevc),
        "VP8" => Some(VideoCodec::Vp8),
        "VP9" => Some(VideoCodec::Vp9),
        "AV1" => Some(VideoCodec::Av1),
        _ => None,
    }
}

/// Parameters of a format as they will be after [`mend_parameters`].
fn parameters<'a>(section: &'a Section, offered: &'a Section, format: &str) -> Option<&'a str> {
    if same_encoding(section, offered, format) { offered.parameters(format) } else { section.parameters(format) }
}

fn note_payloads(section: &Section, offered: &Section, payloads: &mut PayloadMap, formats: &mut Vec<PayloadFormat>) {
    if section.rejected() {
        return;
    }
    let offered_names: Vec<&str> =
        offered.formats.iter().filter_map(|format| offered.encoding(format)).map(encoding_name).collect();
    for format in &section.formats {
        let (Ok(number), Some(encoding)) = (format.parse::<u8>(), section.encoding(format)) else { continue };
        let name = encoding_name(encoding);
        if !offered_names.iter().any(|offered| offered.eq_ignore_ascii_case(name)) {
            continue;
        }
        let payload = match section.media.as_str() {
            "video" if name.eq_ignore_ascii_case("rtx") => parameters(section, offered, format)
                .and_then(|text| text.split(';').find_map(|pair| pair.trim().strip_prefix("apt=")))
                .and_then(|apt| apt.trim().parse().ok())
                .map(Payload::Rtx),
            "video" => video_codec(name).map(Payload::Video),
            "audio" if name.eq_ignore_ascii_case("opus") => Some(Payload::Audio),
            _ => None,
        };
        if let Some(Payload::Video(codec)) = payload {
            let parameters = section.parameters(format).unwrap_or_default();
            formats.push(PayloadFormat::new(number, codec).with_fmtp(parameters));
        }
        if let Some(payload) = payload {
            payloads.set(number, payload);
        }
    }
}

fn agreed_feedback(answer: &Description, payloads: &PayloadMap) -> Vec<(u8, Agreed)> {
    let video = answer.sections.iter().filter(|section| section.media == "video");
    let formats = video.flat_map(|section| section.formats.iter().map(move |format| (section, format)));
    let agreed = formats.filter_map(|(section, format)| Some((format.parse().ok()?, section.feedback(format))));
    agreed.filter(|(number, _)| matches!(payloads.get(*number), Payload::Video(_))).collect()
}

fn check_video(answer: &Description, payloads: &PayloadMap) -> Result<(), SdpError> {
    let Some(video) = answer.sections.iter().find(|section| section.media == "video") else {
        return Err(SdpError::NotSdp("it has no video section"));
    };
    if video.rejected() {
        return Err(SdpError::NoVideo("it refused every codec that was asked for".to_owned()));
    }
    if !video.sends() {
        return Err(SdpError::NoVideo("it does not send video".to_owned()));
    }
    let agreed = |format: &String| format.parse().is_ok_and(|number| matches!(payloads.get(number), Payload::Video(_)));
    if !video.formats.iter().any(agreed) {
        let names: Vec<&str> = video.formats.iter().filter_map(|format| video.encoding(format)).take(8).collect();
        return Err(SdpError::NoVideo(for_people(&format!("it offers {}", names.join(", ")))));
    }
    Ok(())
}

/// Our offer without what `rtc` adds for nothing: each candidate once more for RTCP, although RTP and RTCP share one
/// component (RFC 8843 section 9.3.1.1).
#[must_use]
pub fn one_component(offer: &str) -> String {
    let rtcp = |line: &str| {
        attribute(line, "candidate").is_some_and(|candidate| candidate.split_ascii_whitespace().nth(1) == Some("2"))
    };
    offer.split_inclusive('\n').filter(|line| !rtcp(line)).collect()
}

/// Our side of an ICE restart: credentials and candidates of `offer` as `application/trickle-ice-sdpfrag`
/// (RFC 9725 section 4.3.3).
#[must_use]
pub fn restart_fragment(offer: &str) -> String {
    let Ok(offer) = Description::read(offer) else { return String::new() };
    let mut out = String::from("a=ice-options:trickle ice2\r\n");
    for line in offer.session.iter().filter(|line| attribute(line, "group").is_some()) {
        let _ = write!(out, "{line}\r\n");
    }
    let session = |key: &str| offer.session.iter().find_map(|line| attribute(line, key));
    if let Some(first) = offer.sections.first() {
        let _ = write!(out, "m={} 9 {} {}\r\n", first.media, first.protocol, first.formats.join(" "));
        for key in ["mid", "ice-ufrag", "ice-pwd"] {
            if let Some(value) = first.value(key).or_else(|| session(key)) {
                let _ = write!(out, "a={key}:{value}\r\n");
            }
        }
        for line in first.lines.iter().filter(|line| attribute(line, "candidate").is_some()) {
            let _ = write!(out, "{line}\r\n");
        }
        out.push_str("a=end-of-candidates\r\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1 2\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96 97 98\r\na=mid:0\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789\r\na=recvonly\r\n\
        a=rtpmap:96 H264/90000\r\na=fmtp:96 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e034\r\n\
        a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\na=rtpmap:98 VP8/90000\r\n\
        a=candidate:1 1 udp 2130706431 10.0.0.2 5000 typ host\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:1\r\na=recvonly\r\na=rtpmap:111 opus/48000/2\r\n\
        m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:2\r\n";

    fn answer(video: &str) -> String {
        format!(
            "v=0\r\no=- 2 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=setup:passive\r\n{video}\
             m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:1\r\na=sendonly\r\na=rtpmap:111 opus/48000/2\r\na=ssrc:5 cname:x\r\n\
             m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:2\r\n"
        )
    }

    #[test]
    fn only_candidates_that_can_be_tried_stay() {
        let text = answer(
            "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=sendonly\r\na=rtpmap:96 H264/90000\r\na=rtpmap:97 rtx/90000\r\n\
             a=fmtp:97 apt=96\r\na=ssrc:7 cname:x\r\n\
             a=candidate:1 1 udp 1 5b4c-11.local 5000 typ host\r\na=candidate:2 1 tcp 1 10.0.0.1 9 typ host tcptype active\r\n\
             a=candidate:3 2 udp 1 10.0.0.1 5001 typ host\r\na=candidate:4 1 UDP 1 10.0.0.1 5002 typ host generation 0\r\n\
             a=candidate:4 1 udp 1 10.0.0.1 5002 typ host\r\na=end-of-candidates\r\n",
        );
        let read = Answer::read(&text, OFFER).unwrap();
        assert_eq!(read.candidates, 1);
        assert!(read.text.contains("10.0.0.1 5002") && !read.text.contains(".local"));
        assert!(read.text.contains("a=mid:0"), "a missing mid is filled in");
        assert_eq!(read.payloads.get(96), Payload::Video(VideoCodec::H264));
        assert_eq!(read.payloads.get(97), Payload::Rtx(96));
        assert_eq!(read.payloads.get(111), Payload::Audio);
    }

    #[test]
    fn level_and_missing_mode_are_made_ours() {
        let text = answer(
            "m=video 9 UDP/TLS/RTP/SAVPF 96 120\r\na=mid:0\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 profile-level-id=42e01f\r\n\
             a=rtpmap:120 H264/90000\r\na=ssrc:7 cname:x\r\n",
        );
        let read = Answer::read(&text, OFFER).unwrap();
        assert!(read.text.contains("a=fmtp:96 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e034"));
        assert!(read.text.contains("a=fmtp:120 packetization-mode=0;profile-level-id=42e01f"));
        assert_eq!(read.payloads.get(120), Payload::Video(VideoCodec::H264));
    }

    #[test]
    fn a_retransmission_belongs_to_what_we_offered_it_for() {
        let text = answer(
            "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=mid:0\r\na=rtpmap:96 H264/90000\r\n\
             a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=97\r\na=ssrc:7 cname:x\r\n",
        );
        assert_eq!(Answer::read(&text, OFFER).unwrap().payloads.get(97), Payload::Rtx(96));
    }

    #[test]
    fn ten_thousand_formats_are_as_few_as_there_are() {
        let many = format!("m=video 9 UDP/TLS/RTP/SAVPF 96{}\r\n", " 98 96".repeat(10_000));
        let text = answer(&format!(
            "{many}a=mid:0\r\na=rtpmap:96 H264/90000\r\na=rtpmap:98 VP8/90000\r\na=ssrc:7 cname:x\r\n"
        ));
        let read = Answer::read(&text, OFFER).unwrap();
        assert_eq!(read.formats.len(), 2);
        assert!(read.text.contains("m=video 9 UDP/TLS/RTP/SAVPF 96 98\r\n"));
    }

    #[test]
    fn refusals_are_told_apart_from_garbage() {
        let refused = answer("m=video 0 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n");
        assert!(matches!(Answer::read(&refused, OFFER), Err(SdpError::NoVideo(_))));
        let other = answer("m=video 9 UDP/TLS/RTP/SAVPF 100\r\na=mid:0\r\na=rtpmap:100 theora/90000\r\n");
        assert!(matches!(Answer::read(&other, OFFER), Err(SdpError::NoVideo(_))));
        assert!(matches!(Answer::read("<html>", OFFER), Err(SdpError::NotSdp(_))));
        assert!(matches!(Answer::read("v=0\r\n", OFFER), Err(SdpError::NotSdp(_))));
    }

    #[test]
    fn feedback_is_agreed_on_for_each_format_or_for_all() {
        let section = "m=video 9 UDP/TLS/RTP/SAVPF 96 97 98\r\na=mid:0\r\na=rtpmap:96 H264/90000\r\na=rtpmap:97 rtx/90000\r\n\
            a=fmtp:97 apt=96\r\na=rtpmap:98 VP8/90000\r\na=ssrc:7 cname:x\r\n";
        let read = |lines: &str| {
            let agreed = Answer::read(&answer(&format!("{section}{lines}")), OFFER).unwrap().feedback;
            assert_eq!(agreed.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [96, 98]);
            [agreed[0].1, agreed[1].1]
        };
        let none = Agreed::default();
        assert_eq!(read(""), [none, none]);
        assert_eq!(
            read("a=rtcp-fb:96 nack pli\r\na=rtcp-fb:98 nack\r\na=rtcp-fb:9 nack\r\n"),
            [Agreed { pli: true, ..none }, Agreed { nack: true, ..none }]
        );
        assert_eq!(
            read("a=rtcp-fb:* NACK\r\na=rtcp-fb:98  ccm fir\r\na=rtcp-fb:96 ccm tmmbr\r\n"),
            [Agreed { nack: true, ..none }, Agreed { nack: true, fir: true, ..none }]
        );
    }

    #[test]
    fn the_dtls_role_is_put_where_rtc_looks_for_it() {
        let video = "m=video 9 UDP/TLS/RTP/SAVPF 98\r\na=mid:0\r\na=rtpmap:98 VP8/90000\r\na=ssrc:7 cname:x\r\n";
        let text = answer(video);
        let read = |text: &str| Answer::read(text, OFFER);
        let mended = read(&text).unwrap().text;
        assert_eq!(mended.matches("a=setup:passive\r\n").count(), 1 + 3, "{mended}");
        let own = read(&answer(&format!("{video}a=setup:ACTIVE\r\n"))).unwrap().text;
        assert_eq!(own.matches("a=setup:active\r\n").count(), 3, "a section's own word counts: {own}");
        for (wrong, said) in [("", "missing"), ("a=setup:actpass\r\n", "actpass"), ("a=setup:holdconn\r\n", "holdconn")]
        {
            let error = read(&text.replace("a=setup:passive\r\n", wrong)).unwrap_err();
            assert_eq!(error, SdpError::NoSetup(said.to_owned()));
        }
    }

    #[test]
    fn fingerprints_of_other_hashes_are_left_out() {
        let video = "m=video 9 UDP/TLS/RTP/SAVPF 98\r\na=mid:0\r\na=rtpmap:98 VP8/90000\r\na=ssrc:7 cname:x\r\n\
            a=fingerprint:sha-512 CC:DD\r\na=fingerprint:SHA-256 aa:0b\r\n";
        let text = answer(video).replacen("t=0 0\r\n", "t=0 0\r\na=fingerprint:sha-1 EE\r\n", 1);
        let mended = Answer::read(&text, OFFER).unwrap().text;
        let left: Vec<&str> = mended.lines().filter(|line| line.contains("fingerprint")).collect();
        assert_eq!(left, ["a=fingerprint:sha-256 AA:0B"]);
    }

    #[test]
    fn undeclared_sources_get_a_placeholder() {
        let text = answer("m=video 9 UDP/TLS/RTP/SAVPF 98\r\na=mid:0\r\na=sendonly\r\na=rtpmap:98 VP8/90000\r\n");
        let read = Answer::read(&text, OFFER).unwrap();
        assert_eq!(read.text.matches("cname:undeclared").count(), 1);
    }

    #[test]
    fn a_restart_replaces_credentials_and_candidates() {
        let text = answer(
            "m=video 9 UDP/TLS/RTP/SAVPF 98\r\na=mid:0\r\na=ice-ufrag:old1\r\na=ice-pwd:oldpassword\r\na=rtpmap:98 VP8/90000\r\n\
             a=ssrc:7 cname:x\r\na=candidate:4 1 udp 1 10.0.0.1 5002 typ host\r\n",
        );
        let read = Answer::read(&text, OFFER).unwrap();
        let again = read
            .restarted("a=ice-ufrag:new1\r\na=ice-pwd:newpassword\r\na=candidate:9 1 udp 1 10.0.0.9 6000 typ host\r\n")
            .unwrap();
        assert!(!again.text.contains("old") && !again.text.contains("5002"));
        assert!(again.text.contains("a=ice-ufrag:new1") && again.text.contains("10.0.0.9 6000"));
        assert_eq!(read.restarted("a=candidate:9 1 udp 1 10.0.0.9 6000 typ host\r\n"), None);
        let ours = restart_fragment(OFFER);
        assert!(ours.contains("a=ice-ufrag:abcd") && ours.contains("10.0.0.2 5000") && !ours.contains("fmtp"));
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in "\\PC{0,400}") {
            let _ = Answer::read(&text, OFFER);
            let _ = restart_fragment(&text);
        }

        #[test]
        fn damaged_answers_never_panic(cut in 0usize..600, put in "\\PC{0,12}") {
            let whole = answer("m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=rtpmap:96 H264/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n");
            let cut = cut.min(whole.len());
            let text = format!("{}{put}{}", &whole[..cut], &whole[cut..]);
            if let Ok(read) = Answer::read(&text, OFFER) {
                let _ = read.restarted(&text);
            }
        }
    }
}
