//! HEVC (RFC 7798), sent in decoding order (`sprop-max-don-diff` 0).

use bytes::{Bytes, BytesMut};

use super::nal::{BitReader, ParameterSets, Piece, aggregated};
use super::{AccessUnit, DepacketizeError};

/// Length of a NAL unit header in bytes.
const HEADER: usize = 2;
/// Types of intra random access point pictures without the reserved ones (H.265 table 7-1).
const IRAP: std::ops::RangeInclusive<u8> = 16..=21;
/// Types below this are slices.
const NOT_A_SLICE: u8 = 32;
const VPS: u8 = 32;
const SPS: u8 = 33;
const PPS: u8 = 34;
const ACCESS_UNIT_DELIMITER: u8 = 35;
const PREFIX_SEI: u8 = 39;
const AGGREGATION: u8 = 48;
const FRAGMENTATION: u8 = 49;

const fn kind(header: u8) -> u8 {
    header >> 1 & 0x3f
}

/// `TemporalId` plus 1.
const fn layer(second: u8) -> u8 {
    second & 7
}

/// State of an HEVC depacketiser: the parameter sets seen so far.
#[derive(Debug, Default)]
pub struct Hevc {
    sets: ParameterSets,
    /// Key frames bring their parameter sets along.
    in_band: bool,
    /// Highest temporal sub-layer seen: only its non-reference pictures can be done without.
    top_layer: u8,
}

#[derive(Default)]
struct Content {
    size: usize,
    first: Option<u8>,
    vps: bool,
    sps: bool,
    pps: bool,
    irap: bool,
    picture: bool,
    referenced: bool,
}

/// Types below 16 alternate between sub-layer non-reference (even) and reference pictures.
const fn non_reference(kind: u8) -> bool {
    kind < 16 && kind.is_multiple_of(2)
}

/// `sps_seq_parameter_set_id` of what follows the NAL unit header (H.265 sections 7.3.2.2 and 7.3.3).
fn sps_id(data: &[u8]) -> Option<u32> {
    let mut reader = BitReader::new(data);
    reader.bits(4)?;
    let sub_layers = reader.bits(3)?;
    reader.bit()?;
    // general_profile_space to general_level_idc.
    reader.bits(96)?;
    let mut present = 0;
    for _ in 0..sub_layers {
        present += 88 * reader.bit()? + 8 * reader.bit()?;
    }
    if sub_layers > 0 {
        reader.bits(2 * (8 - sub_layers))?;
    }
    reader.bits(present)?;
    reader.exp_golomb()
}

impl Hevc {
    pub(super) fn new(sets: &[Bytes]) -> Self {
        let mut codec = Self::default();
        for set in sets {
            codec.keep(set);
        }
        codec
    }

    fn keep(&mut self, unit: &[u8]) {
        let [first, _, data @ ..] = unit else { return };
        let id = match kind(*first) {
            VPS => data.first().map(|byte| u32::from(byte >> 4)),
            SPS => sps_id(data),
            PPS => BitReader::new(data).exp_golomb(),
            _ => None,
        };
        if let Some(id) = id {
            self.sets.keep(kind(*first), id, unit);
        }
    }

    pub(super) fn learn(&mut self, payload: &[u8]) {
        // A damaged packet teaches nothing.
        let _ = walk(std::iter::once(payload), |piece| {
            if let Piece::Unit(unit @ [first, ..]) = piece {
                self.in_band |= kind(*first) == SPS;
                self.keep(unit);
            }
        });
    }

    /// Whether nothing that its frame needs can come before this payload.
    pub(super) fn starts_frame(&self, payload: &[u8]) -> bool {
        // Where sets come with key frames, others than those known may have been in a packet before.
        let bare_key = !self.in_band && self.sets.has(SPS) && self.sets.has(PPS);
        let mut begins = None;
        starts(payload, |[first, _], data| {
            // `first_slice_segment_in_pic_flag`.
            let top = data.is_some_and(|byte| byte & 0x80 != 0);
            begins.get_or_insert(match kind(first) {
                VPS | ACCESS_UNIT_DELIMITER => true,
                SPS => bare_key || !self.sets.has(VPS),
                PREFIX_SEI => bare_key,
                kind if IRAP.contains(&kind) => bare_key && top,
                0..NOT_A_SLICE => top,
                _ => false,
            });
        });
        begins.unwrap_or(false)
    }

    pub(super) fn assemble<'a>(
        &mut self,
        payloads: impl Iterator<Item = &'a [u8]> + Clone,
    ) -> Result<AccessUnit, DepacketizeError> {
        let mut content = Content::default();
        walk(payloads.clone(), |piece| {
            content.size += piece.size();
            let [first, second] = match piece {
                Piece::Unit(unit) => unit.first_chunk().copied().unwrap_or_default(),
                Piece::Start(header, _) => header,
                Piece::Rest(_) => return,
            };
            let kind = kind(first);
            content.first = content.first.or(Some(kind));
            match kind {
                VPS => content.vps = true,
                SPS => content.sps = true,
                PPS => content.pps = true,
                0..NOT_A_SLICE => {
                    content.picture = true;
                    content.irap |= IRAP.contains(&kind);
                    self.top_layer = self.top_layer.max(layer(second));
                    content.referenced |= !non_reference(kind) || layer(second) < self.top_layer;
                }
                _ => {}
            }
            if let Piece::Unit(unit) = piece
                && matches!(kind, VPS | SPS | PPS)
            {
                self.keep(unit);
            }
        })?;
        self.in_band |= content.sps;
        if !content.picture {
            return Err(DepacketizeError::NoPicture);
        }
        let in_band = content.vps && content.sps && content.pps;
        // Decoders do without a VPS, but not without the others.
        let known = (content.sps || self.sets.has(SPS)) && (content.pps || self.sets.has(PPS));
        let key = content.irap && known;
        let mut prepend = key && !in_band;
        let extra = if prepend { self.sets.size() } else { 0 };
        let mut out = BytesMut::with_capacity(content.size + extra);
        // A delimiter must stay the first NAL unit (H.265 section 7.4.2.4.4).
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

    pub(super) fn discardable(&self, payload: &[u8]) -> Option<bool> {
        let mut discardable = None;
        slices(payload, |kind, second| {
            if kind < NOT_A_SLICE {
                let free = non_reference(kind) && layer(second) >= self.top_layer;
                discardable = Some(discardable.unwrap_or(true) && free);
            }
        });
        discardable
    }
}

/// Takes payloads apart (RFC 7798 section 4.4).
fn walk<'a>(
    payloads: impl Iterator<Item = &'a [u8]>,
    mut sink: impl FnMut(Piece<'a, HEADER>),
) -> Result<(), DepacketizeError> {
    let mut open = false;
    for payload in payloads {
        // Less than a header is useless, but harmless.
        let [first, second, data @ ..] = payload else { continue };
        match kind(*first) {
            AGGREGATION => {
                open = false;
                for unit in aggregated(data) {
                    let unit = unit.ok_or(DepacketizeError::Truncated)?;
                    if unit.len() >= HEADER {
                        sink(Piece::Unit(unit));
                    }
                }
            }
            FRAGMENTATION => {
                let [fragment, data @ ..] = data else { continue };
                if fragment & 0x80 != 0 {
                    open = true;
                    sink(Piece::Start([first & 0x81 | (fragment & 0x3f) << 1, *second], data));
                } else if open {
                    sink(Piece::Rest(data));
                } else {
                    return Err(DepacketizeError::Fragments);
                }
                if fragment & 0x40 != 0 {
                    open = false;
                }
            }
            // 50 is PACI, the others are not specified.
            other @ 50..=63 => return Err(DepacketizeError::Unsupported(other)),
            _ => {
                open = false;
                sink(Piece::Unit(payload));
            }
        }
    }
    Ok(())
}

/// Calls `sink` with the type and the first content byte of each NAL unit that begins in `payload`.
fn starts(payload: &[u8], mut sink: impl FnMut([u8; HEADER], Option<u8>)) {
    // What can be read before an error is as good as without one.
    let _ = walk(std::iter::once(payload), |piece| match piece {
        Piece::Unit([first, second, data @ ..]) => sink([*first, *second], data.first().copied()),
        Piece::Start(header, data) => sink(header, data.first().copied()),
        Piece::Unit(_) | Piece::Rest(_) => {}
    });
}

/// Calls `sink` with the type and the second header byte of each NAL unit of which `payload` has a part.
fn slices(payload: &[u8], mut sink: impl FnMut(u8, u8)) {
    match payload {
        [first, second, fragment, ..] if kind(*first) == FRAGMENTATION => sink(fragment & 0x3f, *second),
        _ => starts(payload, |[first, second], _| sink(kind(first), second)),
    }
}

pub(super) fn marks_key(payload: &[u8]) -> bool {
    let mut key = false;
    slices(payload, |kind, _| key |= IRAP.contains(&kind));
    key
}
