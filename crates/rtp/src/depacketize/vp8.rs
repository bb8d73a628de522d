//! VP8 (RFC 7741).

use bytes::{BufMut, BytesMut};

use super::{AccessUnit, DepacketizeError};

/// VP8 keeps nothing between frames.
#[derive(Debug)]
pub struct Vp8;

/// Payload descriptor (RFC 7741 section 4.2).
struct Descriptor {
    /// Start of the first partition.
    starts: bool,
    non_reference: bool,
}

fn parse(payload: &[u8]) -> Option<(Descriptor, &[u8])> {
    let (first, mut rest) = payload.split_first()?;
    let descriptor = Descriptor { starts: first & 0x17 == 0x10, non_reference: first & 0x20 != 0 };
    if first & 0x80 != 0 {
        let (extension, after) = rest.split_first()?;
        rest = after;
        if extension & 0x80 != 0 {
            // PictureID of 7 or 15 bits.
            let long = rest.first()? & 0x80 != 0;
            rest = rest.get(if long { 2 } else { 1 }..)?;
        }
        if extension & 0x40 != 0 {
            rest = rest.get(1..)?;
        }
        if extension & 0x30 != 0 {
            rest = rest.get(1..)?;
        }
    }
    Some((descriptor, rest))
}

impl Vp8 {
    pub(super) fn assemble<'a>(
        &self,
        payloads: impl Iterator<Item = &'a [u8]> + Clone,
    ) -> Result<AccessUnit, DepacketizeError> {
        let mut out = BytesMut::with_capacity(payloads.clone().map(<[u8]>::len).sum());
        let mut discardable = false;
        for payload in payloads {
            let (descriptor, data) = parse(payload).ok_or(DepacketizeError::Truncated)?;
            if out.is_empty() {
                if !descriptor.starts {
                    return Err(DepacketizeError::Fragments);
                }
                discardable = descriptor.non_reference;
            }
            out.put_slice(data);
        }
        let key = out.first().ok_or(DepacketizeError::Truncated)? & 1 == 0;
        Ok(AccessUnit { data: out.freeze(), key, discardable: discardable && !key })
    }
}

pub(super) fn starts_frame(payload: &[u8]) -> bool {
    parse(payload).is_some_and(|(descriptor, _)| descriptor.starts)
}

pub(super) fn marks_key(payload: &[u8]) -> bool {
    // The lowest bit of the frame tag is set for inter frames (RFC 6386 section 9.1).
    parse(payload).is_some_and(|(descriptor, data)| descriptor.starts && data.first().is_some_and(|tag| tag & 1 == 0))
}

pub(super) fn discardable(payload: &[u8]) -> Option<bool> {
    parse(payload).map(|(descriptor, _)| descriptor.non_reference)
}
