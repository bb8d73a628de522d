//! AV1 (RTP payload format for AV1, version 1.0).

use bytes::{BufMut, BytesMut};

use super::{AccessUnit, DepacketizeError};

const SEQUENCE_HEADER: u8 = 1;
const TEMPORAL_DELIMITER: u8 = 2;
const FRAME_HEADER: u8 = 3;
const FRAME: u8 = 6;
const TILE_LIST: u8 = 8;
const HAS_EXTENSION: u8 = 0x04;
const HAS_SIZE: u8 = 0x02;
/// Longest `leb128()` (AV1 section 4.10.5), in bytes.
const MAX_LEB128: usize = 8;

/// State of an AV1 depacketiser.
#[derive(Debug, Default)]
pub struct Av1 {
    /// Lengths of the OBUs of the temporal unit in work.
    sizes: Vec<usize>,
}

/// The aggregation header (section 4.4).
struct Aggregation {
    continues: bool,
    to_be_continued: bool,
    count: u8,
    new_sequence: bool,
}

fn parse(payload: &[u8]) -> Option<(Aggregation, &[u8])> {
    let (header, rest) = payload.split_first()?;
    let aggregation = Aggregation {
        continues: header & 0x80 != 0,
        to_be_continued: header & 0x40 != 0,
        count: header >> 4 & 3,
        new_sequence: header & 0x08 != 0,
    };
    Some((aggregation, rest))
}

fn leb128(data: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0_u64;
    for (place, byte) in data.iter().enumerate().take(MAX_LEB128) {
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some((usize::try_from(value).ok()?, data.get(place + 1..)?));
        }
    }
    None
}

fn leb128_size(value: usize) -> usize {
    (usize::BITS - value.leading_zeros()).div_ceil(7).max(1) as usize
}

fn put_leb128(mut value: usize, out: &mut BytesMut) {
    while value > 0x7f {
        out.put_u8(value as u8 & 0x7f | 0x80);
        value >>= 7;
    }
    out.put_u8(value as u8);
}

/// Part of an OBU out of one packet.
struct Element<'a> {
    data: &'a [u8],
    starts: bool,
    ends: bool,
}

/// Takes payloads apart into OBU elements (section 4.3).
fn walk<'a>(
    payloads: impl Iterator<Item = &'a [u8]>,
    mut sink: impl FnMut(Element<'a>),
) -> Result<(), DepacketizeError> {
    let mut open = false;
    for payload in payloads {
        let (aggregation, mut rest) = parse(payload).ok_or(DepacketizeError::Truncated)?;
        if aggregation.continues != open {
            return Err(DepacketizeError::Fragments);
        }
        let mut index = 0;
        while !rest.is_empty() {
            index += 1;
            // The last of a counted row goes without a length.
            let data = if index == usize::from(aggregation.count) {
                std::mem::take(&mut rest)
            } else {
                let (length, after) = leb128(rest).ok_or(DepacketizeError::Truncated)?;
                if length > after.len() {
                    return Err(DepacketizeError::Truncated);
                }
                let (data, after) = after.split_at(length);
                rest = after;
                data
            };
            let ends = !(rest.is_empty() && aggregation.to_be_continued);
            sink(Element { data, starts: !open, ends });
            open = !ends;
        }
    }
    if open { Err(DepacketizeError::Fragments) } else { Ok(()) }
}

const fn kind(header: u8) -> u8 {
    header >> 3 & 0xf
}

/// Type of the OBU, and the first byte of its payload where it can be seen.
fn peek(data: &[u8]) -> Option<(u8, Option<u8>)> {
    let header = *data.first()?;
    let start = if header & HAS_EXTENSION == 0 { 1 } else { 2 };
    let mut payload = data.get(start..).unwrap_or_default();
    if header & HAS_SIZE != 0 {
        payload = leb128(payload).map_or(&[], |(_, payload)| payload);
    }
    Some((kind(header), payload.first().copied()))
}

/// `show_existing_frame` 0, `frame_type` KEY_FRAME, `show_frame` 1: the first four bits of a frame header.
const fn shows_key_frame(first: u8) -> bool {
    first & 0xf0 == 0x10
}

/// Writes one OBU with a size field, from elements.
struct Writer {
    /// Bytes of the OBU in the packets.
    size: usize,
    /// Of these, already written.
    written: usize,
    /// Bytes before the place of the size field.
    header: usize,
    sized: bool,
    skip: bool,
}

impl Writer {
    const fn new(size: usize, first: u8) -> Self {
        Self {
            size,
            written: 0,
            header: if first & HAS_EXTENSION == 0 { 1 } else { 2 },
            sized: first & HAS_SIZE != 0,
            // Not to be sent, to be ignored if they are (section 5).
            skip: matches!(kind(first), TEMPORAL_DELIMITER | TILE_LIST),
        }
    }

    fn write(&mut self, data: &[u8], out: &mut BytesMut) {
        if self.skip {
            return;
        }
        let mut rest = data;
        while !self.sized
            && self.written < self.header
            && let Some((byte, after)) = rest.split_first()
        {
            out.put_u8(if self.written == 0 { byte | HAS_SIZE } else { *byte });
            self.written += 1;
            rest = after;
            if self.written == self.header {
                put_leb128(self.size.saturating_sub(self.header), out);
            }
        }
        out.put_slice(rest);
    }
}

impl Av1 {
    pub(super) fn assemble<'a>(
        &mut self,
        payloads: impl Iterator<Item = &'a [u8]> + Clone,
    ) -> Result<AccessUnit, DepacketizeError> {
        let new_sequence = payloads.clone().next().and_then(parse).is_some_and(|(header, _)| header.new_sequence);
        self.sizes.clear();
        let mut total = 0;
        let mut sequence_header = false;
        let mut key_frame = None;
        let sizes = &mut self.sizes;
        walk(payloads.clone(), |element| {
            if element.starts {
                sizes.push(0);
                match peek(element.data) {
                    Some((SEQUENCE_HEADER, _)) => sequence_header = true,
                    Some((FRAME_HEADER | FRAME, first)) => {
                        key_frame.get_or_insert(first.is_some_and(shows_key_frame));
                    }
                    _ => {}
                }
            }
            if let Some(size) = sizes.last_mut() {
                *size += element.data.len();
                if element.ends {
                    total += *size + leb128_size(*size);
                }
            }
        })?;
        let mut out = BytesMut::with_capacity(total);
        let mut sizes = self.sizes.iter();
        let mut size = 0;
        let mut writer = None;
        walk(payloads, |element| {
            if element.starts {
                size = sizes.next().copied().unwrap_or_default();
                writer = None;
            }
            // An element without bytes may come before the one with the header.
            if writer.is_none()
                && let Some(first) = element.data.first()
            {
                writer = Some(Writer::new(size, *first));
            }
            if let Some(writer) = writer.as_mut() {
                writer.write(element.data, &mut out);
            }
        })?;
        if out.is_empty() {
            return Err(DepacketizeError::NoPicture);
        }
        let Some(key_frame) = key_frame else { return Err(DepacketizeError::NoPicture) };
        let key = sequence_header && (new_sequence || key_frame);
        Ok(AccessUnit { data: out.freeze(), key, discardable: false })
    }
}

pub(super) fn starts_frame(payload: &[u8]) -> bool {
    let Some((aggregation, rest)) = parse(payload) else { return false };
    if aggregation.continues {
        return false;
    }
    let first = if aggregation.count == 1 { Some(rest) } else { leb128(rest).map(|(_, data)| data) };
    aggregation.new_sequence
        || first
            .and_then(peek)
            .is_some_and(|(kind, _)| matches!(kind, SEQUENCE_HEADER | TEMPORAL_DELIMITER | FRAME_HEADER | FRAME))
}

pub(super) fn marks_key(payload: &[u8]) -> bool {
    parse(payload).is_some_and(|(aggregation, _)| aggregation.new_sequence)
}
