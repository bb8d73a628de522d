//! H.264 (RFC 6184).

use bytes::{Bytes, BytesMut};

use super::nal::{BitReader, ParameterSets, Piece, aggregated};
use super::{AccessUnit, DepacketizeError};

/// Length of a NAL unit header in bytes.
const HEADER: usize = 1;
const IDR: u8 = 5;
const SEI: u8 = 6;
const SPS: u8 = 7;
const PPS: u8 = 8;
const ACCESS_UNIT_DELIMITER: u8 = 9;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;
/// `nal_ref_idc`: zero when no picture refers to this one.
const REFERENCE: u8 = 0x60;

const fn kind(header: u8) -> u8 {
    header & 0x1f
}

/// State of an H.264 depacketiser: the parameter sets seen so far.
#[derive(Debug, Default)]
pub struct H264 {
    sets: ParameterSets,
    /// Key frames bring their parameter sets along.
    in_band: bool,
}

/// What the NAL units of an access unit are.
#[derive(Default)]
struct Content {
    size: usize,
    first: Option<u8>,
    sps: bool,
    pps: bool,
    idr: bool,
    picture: bool,
    referenced: bool,
}

impl H264 {
    pub(super) fn new(sets: &[Bytes]) -> Self {
        let mut codec = Self::default();
        for set in sets {
            codec.keep(set);
        }
        codec
    }

    fn keep(&mut self, unit: &[u8]) {
        let Some(header) = unit.first() else { return };
        let id = match kind(*header) {
            // After profile, constraints and level.
            SPS => unit.get(4..),
            PPS => unit.get(1..),
            _ => None,
        };
        if let Some(id) = id.and_then(|data| BitReader::new(data).exp_golomb()) {
            self.sets.keep(kind(*header), id, unit);
        }
    }

    pub(super) fn learn(&mut self, payload: &[u8]) {
        // A damaged packet teaches nothing.
        let _ = walk(std::iter::once(payload), |piece| {
            if let Piece::Unit(unit @ [header, ..]) = piece {
                self.in_band |= kind(*header) == SPS;
                self.keep(unit);
            }
        });
    }

    /// Whether nothing that its frame needs can come before this payload.
    pub(super) fn starts_frame(&self, payload: &[u8]) -> bool {
        // Where sets come with key frames, others than those known may have been in a packet before an IDR slice.
        let bare_key = !self.in_band && self.sets.has(SPS) && self.sets.has(PPS);
        let mut first = None;
        starts(payload, |header, data| {
            // `first_mb_in_slice` is 0, whose Exp-Golomb code is a single 1.
            let top = data.is_some_and(|byte| byte & 0x80 != 0);
            first.get_or_insert(match kind(header) {
                SPS | ACCESS_UNIT_DELIMITER => true,
                SEI => bare_key,
                IDR => bare_key && top,
                1 | 2 => top,
                _ => false,
            });
        });
        first.unwrap_or(false)
    }

    pub(super) fn assemble<'a>(
        &mut self,
        payloads: impl Iterator<Item = &'a [u8]> + Clone,
    ) -> Result<AccessUnit, DepacketizeError> {
        let mut content = Content::default();
        walk(payloads.clone(), |piece| {
            content.size += piece.size();
            let header = match piece {
                Piece::Unit(unit) => unit.first().copied().unwrap_or_default(),
                Piece::Start([header], _) => header,
                Piece::Rest(_) => return,
            };
            content.first = content.first.or(Some(kind(header)));
            match kind(header) {
                SPS => content.sps = true,
                PPS => content.pps = true,
                1..=IDR => {
                    content.picture = true;
                    content.idr |= kind(header) == IDR;
                    content.referenced |= header & REFERENCE != 0;
                }
                _ => {}
            }
            if let Piece::Unit(unit) = piece
                && matches!(kind(header), SPS | PPS)
            {
                self.keep(unit);
            }
        })?;
        self.in_band |= content.sps;
        if !content.picture {
            return Err(DepacketizeError::NoPicture);
        }
        let in_band = content.sps && content.pps;
        let key = content.idr && (in_band || (self.sets.has(SPS) && self.sets.has(PPS)));
        let mut prepend = key && !in_band;
        let extra = if prepend { self.sets.size() } else { 0 };
        let mut out = BytesMut::with_capacity(content.size + extra);
        // A delimiter must stay the first NAL unit (H.264 section 7.4.1.2.3).
        if prepend && content.first != Some(ACCESS_UNIT_DELIMITER) {
            self.sets.write(&mut out);
            prepend = false;
        }
        walk(payloads, |piece| {
            piece.write(&mut out);
            if prepend {
                self.sets.write(&mut out);
                prepend = false;
            }
        })?;
        Ok(AccessUnit { data: out.freeze(), key, discardable: !content.referenced })
    }
}

/// Takes payloads apart (RFC 6184 sections 5.6 to 5.8).
fn walk<'a>(
    payloads: impl Iterator<Item = &'a [u8]>,
    mut sink: impl FnMut(Piece<'a, HEADER>),
) -> Result<(), DepacketizeError> {
    let mut open = false;
    for payload in payloads {
        let Some(header) = payload.first() else { continue };
        match kind(*header) {
            1..=23 => {
                open = false;
                sink(Piece::Unit(payload));
            }
            STAP_A => {
                open = false;
                for unit in aggregated(payload.get(1..).unwrap_or_default()) {
                    let unit = unit.ok_or(DepacketizeError::Truncated)?;
                    if !unit.is_empty() {
                        sink(Piece::Unit(unit));
                    }
                }
            }
            FU_A => {
                // One without content is useless, but harmless.
                let [indicator, fragment, data @ ..] = payload else { continue };
                if fragment & 0x80 != 0 {
                    open = true;
                    sink(Piece::Start([indicator & 0xe0 | kind(*fragment)], data));
                } else if open {
                    sink(Piece::Rest(data));
                } else {
                    return Err(DepacketizeError::Fragments);
                }
                if fragment & 0x40 != 0 {
                    open = false;
                }
            }
            // Reserved types are ignored (RFC 6184 section 5.2).
            0 | 30 | 31 => {}
            other => return Err(DepacketizeError::Unsupported(other)),
        }
    }
    Ok(())
}

/// Calls `sink` with header and first content byte of each NAL unit that begins in `payload`.
fn starts(payload: &[u8], mut sink: impl FnMut(u8, Option<u8>)) {
    // What can be read before an error is as good as without one.
    let _ = walk(std::iter::once(payload), |piece| match piece {
        Piece::Unit([header, data @ ..]) => sink(*header, data.first().copied()),
        Piece::Start([header], data) => sink(header, data.first().copied()),
        Piece::Unit([]) | Piece::Rest(_) => {}
    });
}

/// Header of the slice, if `payload` has one or is a fragment of one.
fn slices(payload: &[u8], mut sink: impl FnMut(u8)) {
    match payload {
        [indicator, fragment, ..] if kind(*indicator) == FU_A => sink(indicator & 0xe0 | kind(*fragment)),
        _ => starts(payload, |header, _| sink(header)),
    }
}

pub(super) fn marks_key(payload: &[u8]) -> bool {
    let mut key = false;
    slices(payload, |header| key |= kind(header) == IDR);
    key
}

pub(super) fn discardable(payload: &[u8]) -> Option<bool> {
    let mut discardable = None;
    slices(payload, |header| {
        if (1..=IDR).contains(&kind(header)) {
            discardable = Some(discardable.unwrap_or(true) && header & REFERENCE == 0);
        }
    });
    discardable
}
