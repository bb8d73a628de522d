//! Input packets: a header, then records of type, length, payload. All integers are big endian.
//!
//! Every packet carries whole state (pads, held keys, pointer totals) and the newest edges, each in up to
//! [`EDGE_REPEATS`] packets, so that a lost packet loses no press, no motion and leaves no key stuck.

use std::collections::VecDeque;

use crate::input::{Buttons, Contact, Motion, PadState, PlayerInput, TouchPhase};

/// Bytes of the header: version, flags, sequence (u32), client stamp (u64).
pub const HEADER: usize = 14;
/// Longest packet that is sent or accepted, in bytes.
pub const MAX_PACKET: usize = 1200;
/// Packets in which an edge is repeated.
pub const EDGE_REPEATS: u32 = 8;
/// Edges in one packet at most.
pub const MAX_EDGES: usize = 32;
/// Pad slots.
pub const PADS: usize = 16;
/// Contacts at most.
pub const MAX_CONTACTS: usize = 10;
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
    /// Absolute pointer position.
    pub pointer_at: Option<(u16, u16)>,
    /// Contacts that are down; `None` if the packet does not say.
    pub contacts: Option<Vec<Contact>>,
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
    /// Reads a packet. Unknown record types are skipped; a record longer than described is read as far as known; a
    /// shorter one is ignored.
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

/// Client side: folds inputs into the next packet.
#[derive(Debug, Default)]
pub struct InputEncoder {
    sequence: u32,
    stamp_micros: u64,
    pads: [Option<PadState>; PADS],
    edges: VecDeque<(Edge, u32)>,
    next_edge: u16,
    keys: Vec<u16>,
    keyboard_used: bool,
    pointer: Option<PointerTotals>,
    pointer_at: Option<(u16, u16)>,
    contacts: Vec<Contact>,
    touch_used: bool,
    motion: [Option<Motion>; PADS],
}

impl InputEncoder {
    /// An encoder with nothing held.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes an input that the device reported at `stamp_micros`. `Text` is not for this channel and is ignored.
    pub fn apply(&mut self, what: &PlayerInput, stamp_micros: u64) {
        self.stamp_micros = self.stamp_micros.max(stamp_micros);
        match what {
            PlayerInput::PadConnected { pad, .. } => {
                if let Some(slot) = self.pads.get_mut(usize::from(*pad)) {
                    slot.get_or_insert_default();
                }
            }
            PlayerInput::PadGone { pad } => {
                self.pad_edges(*pad, PadState::default());
                if let Some(slot) = self.pads.get_mut(usize::from(*pad)) {
                    *slot = None;
                }
            }
            PlayerInput::Pad { pad, state } => {
                self.pad_edges(*pad, *state);
                if let Some(slot) = self.pads.get_mut(usize::from(*pad)) {
                    *slot = Some(*state);
                }
            }
            PlayerInput::Key { usage, down } => {
                self.keyboard_used = true;
                let held = self.keys.contains(usage);
                if *down && !held {
                    self.keys.push(*usage);
                } else if !*down {
                    self.keys.retain(|key| key != usage);
                }
                if held != *down {
                    self.edge(EdgeSource::Keyboard, *usage, *down);
                }
            }
            PlayerInput::PointerMove { dx, dy } => {
                let totals = self.pointer.get_or_insert_default();
                totals.x = totals.x.wrapping_add(*dx);
                totals.y = totals.y.wrapping_add(*dy);
            }
            PlayerInput::PointerTo { x, y } => self.pointer_at = Some((*x, *y)),
            PlayerInput::PointerButton { button, down } => {
                let Some(bit) = 1_u8.checked_shl(u32::from(*button)) else { return };
                let totals = self.pointer.get_or_insert_default();
                totals.buttons = if *down { totals.buttons | bit } else { totals.buttons & !bit };
                self.edge(EdgeSource::Pointer, u16::from(*button), *down);
            }
            PlayerInput::Wheel { x, y } => {
                let totals = self.pointer.get_or_insert_default();
                totals.wheel_x = totals.wheel_x.wrapping_add(*x);
                totals.wheel_y = totals.wheel_y.wrapping_add(*y);
            }
            PlayerInput::Touch { contact, phase } => {
                self.touch_used = true;
                self.contacts.retain(|known| known.id != contact.id);
                if *phase != TouchPhase::Up {
                    self.contacts.push(*contact);
                }
                if *phase != TouchPhase::Move {
                    self.edge(EdgeSource::Touch, u16::from(contact.id), *phase == TouchPhase::Down);
                }
            }
            PlayerInput::Motion { pad, motion } => {
                if let Some(slot) = self.motion.get_mut(usize::from(*pad)) {
                    *slot = Some(*motion);
                }
            }
            PlayerInput::Text(_) => {}
        }
    }

    fn pad_edges(&mut self, pad: u8, state: PadState) {
        let before = self.pads.get(usize::from(pad)).copied().flatten().unwrap_or_default();
        let changed = before.buttons.symmetric_difference(state.buttons).bits();
        for bit in 0..32_u16 {
            if changed >> bit & 1 == 1 {
                self.edge(EdgeSource::Pad(pad), bit, state.buttons.bits() >> bit & 1 == 1);
            }
        }
    }

    fn edge(&mut self, source: EdgeSource, code: u16, down: bool) {
        if self.edges.len() == MAX_EDGES {
            self.edges.pop_front();
        }
        self.edges.push_back((Edge { number: self.next_edge, source, code, down }, 0));
        self.next_edge = self.next_edge.wrapping_add(1);
    }

    /// Whether edges are waiting to be repeated; send another packet soon (8 ms) while this holds.
    #[must_use]
    pub fn wants_repeat(&self) -> bool {
        !self.edges.is_empty()
    }

    /// The next packet.
    pub fn packet(&mut self) -> InputPacket {
        let sequence = self.sequence;
        self.sequence = self.sequence.wrapping_add(1);
        let mut packet = InputPacket { sequence, stamp_micros: self.stamp_micros, ..InputPacket::default() };
        let mut present = 0_u16;
        for (slot, pad) in self.pads.iter().enumerate() {
            if let Some(state) = pad {
                present |= 1 << slot;
                packet.pads.push((u8::try_from(slot).unwrap_or(0), *state));
            }
        }
        packet.pads_present = Some(present);
        packet.edges = self.edges.iter().map(|(edge, _)| *edge).collect();
        for (_, sent) in &mut self.edges {
            *sent += 1;
        }
        while self.edges.front().is_some_and(|(_, sent)| *sent >= EDGE_REPEATS) {
            self.edges.pop_front();
        }
        packet.keys = self.keyboard_used.then(|| self.keys.clone());
        packet.pointer = self.pointer;
        packet.pointer_at = self.pointer_at;
        packet.contacts = self.touch_used.then(|| self.contacts.clone());
        for (slot, motion) in self.motion.iter_mut().enumerate() {
            if let Some(motion) = motion.take() {
                packet.motion.push((u8::try_from(slot).unwrap_or(0), motion));
            }
        }
        packet
    }
}

/// Host side: turns packets back into the inputs that happened, each once and in order.
#[derive(Debug, Default)]
pub struct InputTracker {
    newest: Option<u32>,
    next_edge: Option<u16>,
    stamp_micros: u64,
    pads: [Option<PadState>; PADS],
    keys: Vec<u16>,
    pointer: PointerTotals,
    pointer_known: bool,
    contacts: Vec<Contact>,
}

impl InputTracker {
    /// A tracker that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The newest client stamp that was accepted, for the input echo of the timecode strip; 0 before the first.
    #[must_use]
    pub const fn stamp_micros(&self) -> u64 {
        self.stamp_micros
    }

    /// Takes a packet and gives what is new in it to `emit`. A packet older than the newest one brings nothing.
    /// Pads appear as `PadConnected` with an empty name.
    pub fn accept(&mut self, packet: &InputPacket, mut emit: impl FnMut(PlayerInput)) {
        if let Some(newest) = self.newest {
            let ahead = packet.sequence.wrapping_sub(newest);
            if ahead == 0 || ahead > u32::MAX / 2 {
                return;
            }
        }
        self.newest = Some(packet.sequence);
        self.stamp_micros = packet.stamp_micros;
        if let Some(mask) = packet.pads_present {
            for slot in 0..PADS {
                if let Some(pad) = self.pads.get_mut(slot)
                    && mask >> slot & 1 == 1
                    && pad.is_none()
                {
                    *pad = Some(PadState::default());
                    emit(PlayerInput::PadConnected { pad: u8::try_from(slot).unwrap_or(0), name: String::new() });
                }
            }
        }
        for edge in &packet.edges {
            let fresh = self.next_edge.is_none_or(|next| edge.number.wrapping_sub(next) <= u16::MAX / 2);
            if fresh {
                self.next_edge = Some(edge.number.wrapping_add(1));
                self.apply_edge(edge, packet, &mut emit);
            }
        }
        self.reconcile(packet, &mut emit);
    }

    fn apply_edge(&mut self, edge: &Edge, packet: &InputPacket, emit: &mut impl FnMut(PlayerInput)) {
        match edge.source {
            EdgeSource::Pad(pad) => {
                let Some(Some(state)) = self.pads.get_mut(usize::from(pad)) else { return };
                let Some(bit) = 1_u32.checked_shl(u32::from(edge.code)) else { return };
                let button = Buttons::from_bits_truncate(bit);
                if state.buttons.contains(button) != edge.down {
                    state.buttons.set(button, edge.down);
                    emit(PlayerInput::Pad { pad, state: *state });
                }
            }
            EdgeSource::Keyboard => self.key(edge.code, edge.down, emit),
            EdgeSource::Pointer => self.pointer_button(edge.code, edge.down, emit),
            EdgeSource::Touch => {
                let Ok(id) = u8::try_from(edge.code) else { return };
                let known = self.contacts.iter().position(|contact| contact.id == id);
                let now = packet.contacts.iter().flatten().find(|contact| contact.id == id).copied();
                match (known, edge.down) {
                    (None, true) => {
                        let contact = now.unwrap_or(Contact { id, ..Contact::default() });
                        if self.contacts.len() < MAX_CONTACTS {
                            self.contacts.push(contact);
                            emit(PlayerInput::Touch { contact, phase: TouchPhase::Down });
                        }
                    }
                    (Some(index), false) => {
                        let contact = self.contacts.remove(index);
                        emit(PlayerInput::Touch { contact, phase: TouchPhase::Up });
                    }
                    _ => {}
                }
            }
        }
    }

    fn key(&mut self, usage: u16, down: bool, emit: &mut impl FnMut(PlayerInput)) {
        let held = self.keys.contains(&usage);
        if held == down || (down && self.keys.len() >= 256) {
            return;
        }
        if down {
            self.keys.push(usage);
        } else {
            self.keys.retain(|key| *key != usage);
        }
        emit(PlayerInput::Key { usage, down });
    }

    fn pointer_button(&mut self, code: u16, down: bool, emit: &mut impl FnMut(PlayerInput)) {
        let Some(bit) = 1_u8.checked_shl(u32::from(code)) else { return };
        if (self.pointer.buttons & bit != 0) != down {
            self.pointer.buttons ^= bit;
            emit(PlayerInput::PointerButton { button: u8::try_from(code).unwrap_or(0), down });
        }
    }

    /// State wins over edges that never arrived.
    fn reconcile(&mut self, packet: &InputPacket, emit: &mut impl FnMut(PlayerInput)) {
        for (pad, state) in &packet.pads {
            let Some(slot) = self.pads.get_mut(usize::from(*pad)) else { continue };
            if *slot != Some(*state) {
                if slot.is_none() {
                    emit(PlayerInput::PadConnected { pad: *pad, name: String::new() });
                }
                *slot = Some(*state);
                emit(PlayerInput::Pad { pad: *pad, state: *state });
            }
        }
        if let Some(mask) = packet.pads_present {
            for (slot, pad) in self.pads.iter_mut().enumerate() {
                if mask >> slot & 1 == 0 && pad.take().is_some() {
                    emit(PlayerInput::PadGone { pad: u8::try_from(slot).unwrap_or(0) });
                }
            }
        }
        if let Some(keys) = &packet.keys {
            let stuck: Vec<u16> = self.keys.iter().copied().filter(|key| !keys.contains(key)).collect();
            // A full list may be cut, so only a list with room can prove a release.
            if keys.len() < MAX_KEYS {
                for usage in stuck {
                    self.key(usage, false, emit);
                }
            }
            for usage in keys {
                self.key(*usage, true, emit);
            }
        }
        if let Some(totals) = packet.pointer {
            self.reconcile_pointer(totals, emit);
        }
        if let Some((x, y)) = packet.pointer_at {
            emit(PlayerInput::PointerTo { x, y });
        }
        if let Some(contacts) = &packet.contacts {
            self.reconcile_contacts(contacts, emit);
        }
        for (pad, motion) in &packet.motion {
            emit(PlayerInput::Motion { pad: *pad, motion: *motion });
        }
    }

    fn reconcile_pointer(&mut self, totals: PointerTotals, emit: &mut impl FnMut(PlayerInput)) {
        let before = if self.pointer_known { self.pointer } else { PointerTotals::default() };
        self.pointer_known = true;
        let dx = totals.x.wrapping_sub(before.x);
        let dy = totals.y.wrapping_sub(before.y);
        if dx != 0 || dy != 0 {
            emit(PlayerInput::PointerMove { dx, dy });
        }
        let x = totals.wheel_x.wrapping_sub(before.wheel_x);
        let y = totals.wheel_y.wrapping_sub(before.wheel_y);
        if x != 0 || y != 0 {
            emit(PlayerInput::Wheel { x, y });
        }
        for button in 0..8 {
            self.pointer_button(button, totals.buttons >> button & 1 == 1, emit);
        }
        self.pointer = totals;
    }

    fn reconcile_contacts(&mut self, contacts: &[Contact], emit: &mut impl FnMut(PlayerInput)) {
        let gone: Vec<Contact> = self
            .contacts
            .iter()
            .filter(|known| !contacts.iter().any(|contact| contact.id == known.id))
            .copied()
            .collect();
        for contact in gone {
            emit(PlayerInput::Touch { contact, phase: TouchPhase::Up });
        }
        for contact in contacts {
            match self.contacts.iter().find(|known| known.id == contact.id) {
                None => emit(PlayerInput::Touch { contact: *contact, phase: TouchPhase::Down }),
                Some(known) if known != contact => {
                    emit(PlayerInput::Touch { contact: *contact, phase: TouchPhase::Move });
                }
                Some(_) => {}
            }
        }
        self.contacts = contacts.to_vec();
    }
}
