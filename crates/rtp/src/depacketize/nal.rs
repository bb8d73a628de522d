//! What H.264 and HEVC have in common: NAL units, Annex B, parameter sets.

use bytes::{BufMut, Bytes, BytesMut};

/// Start code of Annex B byte streams (H.264 and H.265 annex B.1), in the long form allowed everywhere.
pub(super) const START_CODE: [u8; 4] = [0, 0, 0, 1];
/// Most parameter sets kept; real streams have up to four.
const MAX_SETS: usize = 64;
/// Longest parameter set kept, in bytes.
const MAX_SET: usize = 4096;

/// Part of a frame as it comes out of a packet. `N` is the length of a NAL unit header.
pub(super) enum Piece<'a, const N: usize> {
    /// A whole NAL unit.
    Unit(&'a [u8]),
    /// The first fragment of one: its header, restored, and what follows that.
    Start([u8; N], &'a [u8]),
    /// A later fragment.
    Rest(&'a [u8]),
}

impl<const N: usize> Piece<'_, N> {
    /// Bytes that [`Piece::write`] appends.
    pub(super) const fn size(&self) -> usize {
        match self {
            Self::Unit(unit) => START_CODE.len() + unit.len(),
            Self::Start(_, data) => START_CODE.len() + N + data.len(),
            Self::Rest(data) => data.len(),
        }
    }

    pub(super) fn write(&self, out: &mut BytesMut) {
        match self {
            Self::Unit(unit) => {
                out.put_slice(&START_CODE);
                out.put_slice(unit);
            }
            Self::Start(header, data) => {
                out.put_slice(&START_CODE);
                out.put_slice(header);
                out.put_slice(data);
            }
            Self::Rest(data) => out.put_slice(data),
        }
    }
}

/// The length-prefixed NAL units of an aggregation packet, after its header. A remainder of less than a length is
/// ignored; a length past the end is given as `None`.
pub(super) fn aggregated(mut data: &[u8]) -> impl Iterator<Item = Option<&[u8]>> {
    std::iter::from_fn(move || {
        let (length, rest) = data.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_be_bytes(*length));
        if length > rest.len() {
            data = &[];
            return Some(None);
        }
        let (unit, rest) = rest.split_at(length);
        data = rest;
        Some(Some(unit))
    })
}

/// The parameter sets in force, by NAL unit type and their own id, ascending: which is the order to send them in.
#[derive(Debug, Default)]
pub(super) struct ParameterSets {
    sets: Vec<((u8, u32), Bytes)>,
}

impl ParameterSets {
    /// Keeps a copy of `unit`; a slice would keep its whole datagram.
    pub(super) fn keep(&mut self, kind: u8, id: u32, unit: &[u8]) {
        if unit.len() > MAX_SET {
            return;
        }
        match self.sets.binary_search_by_key(&(kind, id), |(key, _)| *key) {
            Ok(place) => {
                if let Some((_, kept)) = self.sets.get_mut(place)
                    && *kept != unit
                {
                    *kept = Bytes::copy_from_slice(unit);
                }
            }
            Err(place) if self.sets.len() < MAX_SETS => {
                self.sets.insert(place, ((kind, id), Bytes::copy_from_slice(unit)));
            }
            Err(_) => {}
        }
    }

    pub(super) fn has(&self, wanted: u8) -> bool {
        self.sets.iter().any(|((kind, _), _)| *kind == wanted)
    }

    pub(super) fn size(&self) -> usize {
        self.sets.iter().map(|(_, set)| START_CODE.len() + set.len()).sum()
    }

    pub(super) fn write(&self, out: &mut BytesMut) {
        for (_, set) in &self.sets {
            out.put_slice(&START_CODE);
            out.put_slice(set);
        }
    }
}

/// Reads a raw byte sequence payload bit by bit and passes over emulation prevention bytes.
pub(super) struct BitReader<'a> {
    data: std::slice::Iter<'a, u8>,
    zeros: u8,
    current: u8,
    left: u8,
}

impl<'a> BitReader<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self { data: data.iter(), zeros: 0, current: 0, left: 0 }
    }

    pub(super) fn bit(&mut self) -> Option<u32> {
        if self.left == 0 {
            let mut byte = *self.data.next()?;
            if self.zeros >= 2 && byte == 3 {
                self.zeros = 0;
                byte = *self.data.next()?;
            }
            self.zeros = if byte == 0 { self.zeros.saturating_add(1) } else { 0 };
            self.current = byte;
            self.left = 8;
        }
        self.left -= 1;
        Some(u32::from(self.current >> self.left & 1))
    }

    pub(super) fn bits(&mut self, count: u32) -> Option<u32> {
        (0..count).try_fold(0_u32, |value, _| Some(value << 1 | self.bit()?))
    }

    /// Unsigned Exp-Golomb code, `ue(v)`.
    pub(super) fn exp_golomb(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while self.bit()? == 0 {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        Some((1_u32 << zeros) - 1 + self.bits(zeros)?)
    }
}
