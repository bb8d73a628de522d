//! Input packets: a header, then records of type, length, payload. All integers are big endian.
//!
//! Every packet carries whole state (pads, held keys, pointer totals) and the newest edges, each in up to
//! [`EDGE_REPEATS`] packets, so that a lost packet loses no press, no motion and leaves no key stuck.

use std::time::Duration;

mod encoder;
mod tracker;

pub use encoder::InputEncoder;
pub use tracker::InputTracker;

use crate::input::{Buttons, Contact, Motion, PadState};

/// Bytes of the header: version, flags, sequence (u32), client stamp (u64).
pub const HEADER: usize = 14;
/// Longest packet that is sent or accepted, in bytes.
pub const MAX_PACKET: usize = 1200;
/// A client sends its state at least this often while the channel is open.
pub const REFRESH: Duration = Duration::from_millis(100);
/// A client that was silent for this long is not there any more: the host lets go of what it held.
pub const SILENCE: Duration = Duration::from_secs(1);
/// Packets in which an edge is repeated.
pub const EDGE_REPEATS: u32 = 8;
/// Edges in one packet at most.
pub const MAX_EDGES: usize = 32;
/// Pad slots.
pub const PADS: usize = 16;
/// Contacts at most.
pub const MAX_CONTACTS: usize = 10;
/// Places of touch edges in one packet at most; a record holds no more.
pub const MAX_PLACES: usize = 31;
/// Held keys at most; further ones travel as edges only.
pub const MAX_KEYS: usize = 32;

const RECORD_PAD: u8 = 1;
const RECORD_EDGES: u8 = 2;
const RECORD_KEYS: u8 = 3;
const RECORD_POINTER: u8 = 4;
const RECORD_POINTER_AT: u8 = 5;
const RECORD_CONTACTS: u8 = 6;
const RECORD_MOTION: u8 = 7;
const RECORD_PADS_PRESENT: u8 = 8;
const RECORD_PLACES: u8 = 9;

/// What an edge belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EdgeSource {
    /// Pad slot 0..=15; code = bit number in [`Buttons`].
    Pad(u8),
    /// Keyboard; code = HID usage.
    Keyboard,
    /// Pointer; code = button.
    Pointer,
    /// Touch; code = contact id.
    Touch,
}

impl EdgeSource {
    const fn to_byte(self) -> u8 {
        match self {
            Self::Pad(pad) => pad & 0x0f,
            Self::Keyboard => 0x80,
            Self::Pointer => 0x81,
            Self::Touch => 0x82,
        }
    }

    const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0..=0x0f => Some(Self::Pad(byte)),
            0x80 => Some(Self::Keyboard),
            0x81 => Some(Self::Pointer),
            0x82 => Some(Self::Touch),
            _ => None,
        }
    }
}

/// One press or release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Edge {
    /// Counts edges of the session, wrapping.
    pub number: u16,
    /// Of what.
    pub source: EdgeSource,
    /// Which button, key or contact.
    pub code: u16,
    /// Pressed.
    pub down: bool,
}

/// Where a finger came down or left. It travels with each repeat of its edge, because the list of contacts shows only
/// those that are still down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct EdgePlace {
    /// [`Edge::number`] of an edge of [`EdgeSource::Touch`].
    pub number: u16,
    /// As in [`Contact`].
    pub x: u16,
    /// As in [`Contact`].
    pub y: u16,
    /// As in [`Contact`].
    pub pressure: u16,
}

/// A parsed packet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InputPacket {
    /// Counts packets, wrapping.
    pub sequence: u32,
    /// Client's monotonic clock in microseconds at the newest input that this packet reflects.
    pub stamp_micros: u64,
    /// Slots with a pad, bit 0 = slot 0; `None` if the packet does not say.
    pub pads_present: Option<u16>,
    /// States of pads by slot.
    pub pads: Vec<(u8, PadState)>,
    /// Newest edges, oldest first.
    pub edges: Vec<Edge>,
    /// Held keys; `None` if the packet does not say.
    pub keys: Option<Vec<u16>>,
    /// Pointer motion and wheel totals, and held buttons.
    pub pointer: Option<PointerTotals>,
    /// Absolute pointer position, as long as it is known; `None` once the pointer moves by [`Self::pointer`].
    pub pointer_at: Option<(u16, u16)>,
    /// Contacts that are down; `None` if the packet does not say.
    pub contacts: Option<Vec<Contact>>,
    /// Places of the touch edges in `edges`, as far as they are known.
    pub places: Vec<EdgePlace>,
    /// Motion sensors by slot.
    pub motion: Vec<(u8, Motion)>,
}

/// Totals since the session started, modulo 2^32; a receiver uses differences, so a lost packet loses no motion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PointerTotals {
    /// To the right, counts.
    pub x: i32,
    /// Downwards, counts.
    pub y: i32,
    /// Wheel to the right, 1/120 notch.
    pub wheel_x: i32,
    /// Wheel up, 1/120 notch.
    pub wheel_y: i32,
    /// Held buttons, bit 0 = left.
    pub buttons: u8,
}

/// Why a packet cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// Shorter than the header, longer than [`MAX_PACKET`], or a record runs over the end.
    #[error("input packet of wrong length")]
    Length,
    /// A version that was not agreed on.
    #[error("input packet of version {0}")]
    Version(u8),
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }
    fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }
    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }
    fn i16(&mut self) -> Option<i16> {
        self.array().map(i16::from_be_bytes)
    }
    fn i32(&mut self) -> Option<i32> {
        self.array().map(i32::from_be_bytes)
    }
    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }
    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }
}

impl InputPacket {
    /// Reads a packet. Unknown record types are skipped. A record of fixed size that is longer than described is read
    /// as far as known, a shorter one is ignored. Edges, keys, contacts and places are lists that fill their record:
    /// longer ones have more entries, of which those beyond the limit are ignored; an incomplete last entry is ignored,
    /// among contacts the whole list with it, because a missing contact would mean a lifted finger.
    ///
    /// # Errors
    /// On a wrong length or version.
    pub fn parse(bytes: &[u8]) -> Result<Self, InputError> {
        if bytes.len() > MAX_PACKET {
            return Err(InputError::Length);
        }
        let mut reader = Reader(bytes);
        let version = reader.u8().ok_or(InputError::Length)?;
        if version != super::VERSION {
            return Err(InputError::Version(version));
        }
        reader.u8().ok_or(InputError::Length)?;
        let mut packet = Self {
            sequence: reader.u32().ok_or(InputError::Length)?,
            stamp_micros: reader.u64().ok_or(InputError::Length)?,
            ..Self::default()
        };
        while !reader.0.is_empty() {
            let kind = reader.u8().ok_or(InputError::Length)?;
            let length = reader.u8().ok_or(InputError::Length)?;
            let payload = reader.take(usize::from(length)).ok_or(InputError::Length)?;
            packet.read_record(kind, payload);
        }
        Ok(packet)
    }

    /// `None` = record too short, ignored.
    fn read_record(&mut self, kind: u8, payload: &[u8]) -> Option<()> {
        let mut r = Reader(payload);
        match kind {
            RECORD_PAD => {
                let pad = r.u8().filter(|pad| usize::from(*pad) < PADS)?;
                let state = PadState {
                    buttons: Buttons::from_bits_truncate(r.u32()?),
                    left_x: r.i16()?.max(-i16::MAX),
                    left_y: r.i16()?.max(-i16::MAX),
                    right_x: r.i16()?.max(-i16::MAX),
                    right_y: r.i16()?.max(-i16::MAX),
                    left_trigger: r.u16()?,
                    right_trigger: r.u16()?,
                };
                if self.pads.len() < PADS {
                    self.pads.push((pad, state));
                }
            }
            RECORD_EDGES => {
                while !r.0.is_empty() && self.edges.len() < MAX_EDGES {
                    let number = r.u16()?;
                    let source = r.u8()?;
                    let down = r.u8()? & 1 == 1;
                    let code = r.u16()?;
                    if let Some(source) = EdgeSource::from_byte(source) {
                        self.edges.push(Edge { number, source, code, down });
                    }
                }
            }
            RECORD_KEYS => {
                let mut keys = Vec::new();
                while let Some(usage) = r.u16() {
                    if keys.len() < MAX_KEYS {
                        keys.push(usage);
                    }
                }
                self.keys = Some(keys);
            }
            RECORD_POINTER => {
                self.pointer = Some(PointerTotals {
                    x: r.i32()?,
                    y: r.i32()?,
                    wheel_x: r.i32()?,
                    wheel_y: r.i32()?,
                    buttons: r.u8()?,
                });
            }
            RECORD_POINTER_AT => self.pointer_at = Some((r.u16()?, r.u16()?)),
            RECORD_CONTACTS => {
                let mut contacts = Vec::new();
                while !r.0.is_empty() && contacts.len() < MAX_CONTACTS {
                    contacts.push(Contact { id: r.u8()?, x: r.u16()?, y: r.u16()?, pressure: r.u16()? });
                }
                self.contacts = Some(contacts);
            }
            RECORD_MOTION => {
                let pad = r.u8().filter(|pad| usize::from(*pad) < PADS)?;
                let motion = Motion { gyro: [r.i16()?, r.i16()?, r.i16()?], accel: [r.i16()?, r.i16()?, r.i16()?] };
                if self.motion.len() < PADS {
                    self.motion.push((pad, motion));
                }
            }
            RECORD_PLACES => {
                while !r.0.is_empty() && self.places.len() < MAX_PLACES {
                    self.places.push(EdgePlace { number: r.u16()?, x: r.u16()?, y: r.u16()?, pressure: r.u16()? });
                }
            }
            RECORD_PADS_PRESENT => self.pads_present = Some(r.u16()?),
            _ => {}
        }
        Some(())
    }

    /// Writes the packet. Records that would make it longer than [`MAX_PACKET`] are left out, edges never are.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        out.push(super::VERSION);
        out.push(0);
        out.extend(self.sequence.to_be_bytes());
        out.extend(self.stamp_micros.to_be_bytes());
        if !self.edges.is_empty() {
            let mut payload = Vec::with_capacity(self.edges.len() * 6);
            for edge in self.edges.iter().rev().take(MAX_EDGES).rev() {
                payload.extend(edge.number.to_be_bytes());
                payload.push(edge.source.to_byte());
                payload.push(u8::from(edge.down));
                payload.extend(edge.code.to_be_bytes());
            }
            record(&mut out, RECORD_EDGES, &payload);
        }
        if let Some(mask) = self.pads_present {
            record(&mut out, RECORD_PADS_PRESENT, &mask.to_be_bytes());
        }
        for (pad, state) in &self.pads {
            let mut payload = vec![*pad];
            payload.extend(state.buttons.bits().to_be_bytes());
            for axis in [state.left_x, state.left_y, state.right_x, state.right_y] {
                payload.extend(axis.to_be_bytes());
            }
            payload.extend(state.left_trigger.to_be_bytes());
            payload.extend(state.right_trigger.to_be_bytes());
            record(&mut out, RECORD_PAD, &payload);
        }
        if let Some(keys) = &self.keys {
            let payload: Vec<u8> = keys.iter().take(MAX_KEYS).flat_map(|usage| usage.to_be_bytes()).collect();
            record(&mut out, RECORD_KEYS, &payload);
        }
        if let Some(totals) = &self.pointer {
            let mut payload = Vec::with_capacity(17);
            for total in [totals.x, totals.y, totals.wheel_x, totals.wheel_y] {
                payload.extend(total.to_be_bytes());
            }
            payload.push(totals.buttons);
            record(&mut out, RECORD_POINTER, &payload);
        }
        if let Some((x, y)) = self.pointer_at {
            let mut payload = Vec::with_capacity(4);
            payload.extend(x.to_be_bytes());
            payload.extend(y.to_be_bytes());
            record(&mut out, RECORD_POINTER_AT, &payload);
        }
        if let Some(contacts) = &self.contacts {
            let mut payload = Vec::with_capacity(contacts.len() * 7);
            for contact in contacts.iter().take(MAX_CONTACTS) {
                payload.push(contact.id);
                payload.extend(contact.x.to_be_bytes());
                payload.extend(contact.y.to_be_bytes());
                payload.extend(contact.pressure.to_be_bytes());
            }
            record(&mut out, RECORD_CONTACTS, &payload);
        }
        if !self.places.is_empty() {
            let mut payload = Vec::with_capacity(self.places.len() * 8);
            for place in self.places.iter().rev().take(MAX_PLACES).rev() {
                for value in [place.number, place.x, place.y, place.pressure] {
                    payload.extend(value.to_be_bytes());
                }
            }
            record(&mut out, RECORD_PLACES, &payload);
        }
        for (pad, motion) in &self.motion {
            let mut payload = vec![*pad];
            for value in motion.gyro.iter().chain(&motion.accel) {
                payload.extend(value.to_be_bytes());
            }
            record(&mut out, RECORD_MOTION, &payload);
        }
        out
    }
}

fn record(out: &mut Vec<u8>, kind: u8, payload: &[u8]) {
    let Ok(length) = u8::try_from(payload.len()) else { return };
    if out.len() + 2 + payload.len() <= MAX_PACKET {
        out.push(kind);
        out.push(length);
        out.extend_from_slice(payload);
    }
}
