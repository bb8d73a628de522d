//! VP9 (RFC 9628).

use bytes::{BufMut, BytesMut};

use super::nal::BitReader;
use super::{AccessUnit, DepacketizeError};

/// Most frames in a superframe (VP9 bitstream specification, annex B).
const MAX_LAYERS: usize = 8;

/// State of a VP9 depacketiser.
#[derive(Debug, Default)]
pub struct Vp9 {
    /// Where the layer frames of the picture in work end.
    ends: Vec<usize>,
}

/// What matters of the payload descriptor (RFC 9628 section 4.2).
struct Descriptor {
    starts: bool,
    ends: bool,
    spatial: u8,
}

fn parse(payload: &[u8]) -> Option<(Descriptor, &[u8])> {
    let (first, mut rest) = payload.split_first()?;
    let has = |bit: u8| first & bit != 0;
    let (picture_id, inter, layers, flexible, structure) = (has(0x80), has(0x40), has(0x20), has(0x10), has(0x02));
    let mut descriptor = Descriptor { starts: has(0x08), ends: has(0x04), spatial: 0 };
    if picture_id {
        let long = rest.first()? & 0x80 != 0;
        rest = rest.get(if long { 2 } else { 1 }..)?;
    }
    if layers {
        let (indices, after) = rest.split_first()?;
        descriptor.spatial = indices >> 1 & 7;
        // TL0PICIDX is there in non-flexible mode only.
        rest = after.get(if flexible { 0 } else { 1 }..)?;
    }
    if flexible && inter {
        // At most three P_DIFF; the lowest bit says that another one follows.
        for _ in 0..3 {
            let (difference, after) = rest.split_first()?;
            rest = after;
            if difference & 1 == 0 {
                break;
            }
        }
    }
    if structure {
        rest = skip_structure(rest)?;
    }
    Some((descriptor, rest))
}

/// Passes over the scalability structure (RFC 9628 section 4.2.1).
fn skip_structure(data: &[u8]) -> Option<&[u8]> {
    let (first, mut rest) = data.split_first()?;
    if first & 0x10 != 0 {
        // Width and height of each spatial layer.
        rest = rest.get(4 * (usize::from(first >> 5) + 1)..)?;
    }
    if first & 0x08 != 0 {
        let (pictures, after) = rest.split_first()?;
        rest = after;
        for _ in 0..*pictures {
            let references = usize::from(rest.first()? >> 2 & 3);
            rest = rest.get(1 + references..)?;
        }
    }
    Some(rest)
}

/// What the uncompressed header of a frame says (VP9 bitstream specification, section 6.2).
struct FrameHeader {
    key: bool,
    /// It replaces no reference.
    unreferenced: bool,
}

fn frame_header(data: &[u8]) -> Option<FrameHeader> {
    // VP9 has no emulation prevention. All that is read is in the first three bytes, too few for the reader to see any.
    let mut reader = BitReader::new(data.get(..data.len().min(3))?);
    if reader.bits(2)? != 2 {
        return None;
    }
    let profile = reader.bit()? | reader.bit()? << 1;
    if profile == 3 {
        reader.bit()?;
    }
    if reader.bit()? == 1 {
        // show_existing_frame
        return Some(FrameHeader { key: false, unreferenced: true });
    }
    if reader.bit()? == 0 {
        return Some(FrameHeader { key: true, unreferenced: false });
    }
    let shown = reader.bit()? == 1;
    let resilient = reader.bit()? == 1;
    let intra_only = !shown && reader.bit()? == 1;
    if intra_only {
        return Some(FrameHeader { key: false, unreferenced: false });
    }
    if !resilient {
        reader.bits(2)?;
    }
    Some(FrameHeader { key: false, unreferenced: reader.bits(8)? == 0 })
}

impl Vp9 {
    pub(super) fn assemble<'a>(
        &mut self,
        payloads: impl Iterator<Item = &'a [u8]> + Clone,
    ) -> Result<AccessUnit, DepacketizeError> {
        self.ends.clear();
        let size: usize = payloads.clone().map(<[u8]>::len).sum();
        let mut out = BytesMut::with_capacity(size + 2 + 4 * MAX_LAYERS);
        let mut inside = false;
        let mut key = false;
        let mut discardable = false;
        for payload in payloads {
            let (descriptor, data) = parse(payload).ok_or(DepacketizeError::Truncated)?;
            if descriptor.starts {
                let header = frame_header(data);
                let unreferenced = header.as_ref().is_some_and(|header| header.unreferenced);
                if out.is_empty() {
                    key = header.is_some_and(|header| header.key);
                    discardable = unreferenced;
                } else {
                    discardable &= unreferenced;
                }
                inside = true;
            } else if !inside {
                return Err(DepacketizeError::Fragments);
            }
            out.put_slice(data);
            if descriptor.ends {
                inside = false;
                if self.ends.len() < MAX_LAYERS {
                    self.ends.push(out.len());
                }
            }
        }
        if out.is_empty() {
            return Err(DepacketizeError::Truncated);
        }
        if self.ends.len() > 1 && self.ends.last() == Some(&out.len()) {
            self.write_index(&mut out);
        }
        Ok(AccessUnit { data: out.freeze(), key, discardable })
    }

    /// Tells the layer frames of a picture apart (VP9 bitstream specification, annex B).
    fn write_index(&self, out: &mut BytesMut) {
        let marker = 0b1100_0000 | 3 << 3 | (self.ends.len() - 1) as u8;
        out.put_u8(marker);
        let mut start = 0;
        for end in &self.ends {
            out.put_u32_le((end - start) as u32);
            start = *end;
        }
        out.put_u8(marker);
    }
}

pub(super) fn starts_frame(payload: &[u8]) -> bool {
    parse(payload).is_some_and(|(descriptor, _)| descriptor.starts && descriptor.spatial == 0)
}

pub(super) fn marks_key(payload: &[u8]) -> bool {
    parse(payload).is_some_and(|(descriptor, data)| {
        descriptor.starts && descriptor.spatial == 0 && frame_header(data).is_some_and(|header| header.key)
    })
}

pub(super) fn discardable(payload: &[u8]) -> Option<bool> {
    let (descriptor, data) = parse(payload)?;
    if descriptor.spatial > 0 {
        return Some(false);
    }
    if descriptor.starts { frame_header(data).map(|header| header.unreferenced) } else { None }
}
