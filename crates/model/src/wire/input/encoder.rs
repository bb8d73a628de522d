//! The client's side of input packets.

use std::collections::VecDeque;

use super::{EDGE_REPEATS, Edge, EdgePlace, EdgeSource, InputPacket, MAX_EDGES, MAX_PLACES, PADS, PointerTotals};
use crate::input::{Contact, Motion, PadState, PlayerInput, TouchPhase};

/// An edge on its way to the host.
#[derive(Debug)]
struct Pending {
    edge: Edge,
    /// Where, for a finger.
    place: Option<EdgePlace>,
    /// Packets that had it.
    sent: u32,
}

/// Client side: folds inputs into the next packet.
#[derive(Debug, Default)]
pub struct InputEncoder {
    sequence: u32,
    stamp_micros: u64,
    pads: [Option<PadState>; PADS],
    edges: VecDeque<Pending>,
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
                // From here on it is elsewhere, and nobody knows where.
                self.pointer_at = None;
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
                    let number = self.edge(EdgeSource::Touch, u16::from(contact.id), *phase == TouchPhase::Down);
                    if let Some(pending) = self.edges.back_mut() {
                        let Contact { x, y, pressure, .. } = *contact;
                        pending.place = Some(EdgePlace { number, x, y, pressure });
                    }
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

    /// For a host that has seen nothing yet: counts and sums begin at zero again and edges are forgotten; what is held
    /// stays held.
    pub fn restart(&mut self) {
        self.sequence = 0;
        self.edges.clear();
        self.next_edge = 0;
        if let Some(totals) = &mut self.pointer {
            *totals = PointerTotals { buttons: totals.buttons, ..PointerTotals::default() };
        }
        self.motion = [None; PADS];
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

    /// The number of the new edge.
    fn edge(&mut self, source: EdgeSource, code: u16, down: bool) -> u16 {
        if self.edges.len() == MAX_EDGES {
            self.edges.pop_front();
        }
        let number = self.next_edge;
        self.edges.push_back(Pending { edge: Edge { number, source, code, down }, place: None, sent: 0 });
        self.next_edge = number.wrapping_add(1);
        number
    }

    /// Whether edges are waiting to be repeated; send another packet soon (8 ms) while this holds.
    #[must_use]
    pub fn wants_repeat(&self) -> bool {
        !self.edges.is_empty()
    }

    /// The next packet, taken as sent.
    pub fn packet(&mut self) -> InputPacket {
        let packet = self.draft();
        self.sent();
        packet
    }

    /// The next packet. It is the same one again until [`Self::sent`] is called, so one that could not be sent costs no
    /// repeat of an edge.
    #[must_use]
    pub fn draft(&self) -> InputPacket {
        let mut packet =
            InputPacket { sequence: self.sequence, stamp_micros: self.stamp_micros, ..InputPacket::default() };
        let mut present = 0_u16;
        for (slot, pad) in self.pads.iter().enumerate() {
            if let Some(state) = pad {
                present |= 1 << slot;
                packet.pads.push((u8::try_from(slot).unwrap_or(0), *state));
            }
        }
        packet.pads_present = Some(present);
        packet.edges = self.edges.iter().map(|pending| pending.edge).collect();
        let places = self.edges.iter().filter_map(|pending| pending.place);
        packet.places = places.rev().take(MAX_PLACES).collect();
        packet.places.reverse();
        packet.keys = self.keyboard_used.then(|| self.keys.clone());
        packet.pointer = self.pointer;
        packet.pointer_at = self.pointer_at;
        packet.contacts = self.touch_used.then(|| self.contacts.clone());
        for (slot, motion) in self.motion.iter().enumerate() {
            if let Some(motion) = motion {
                packet.motion.push((u8::try_from(slot).unwrap_or(0), *motion));
            }
        }
        packet
    }

    /// The last [`Self::draft`] is on its way.
    pub fn sent(&mut self) {
        self.sequence = self.sequence.wrapping_add(1);
        for pending in &mut self.edges {
            pending.sent += 1;
        }
        while self.edges.front().is_some_and(|pending| pending.sent >= EDGE_REPEATS) {
            self.edges.pop_front();
        }
        self.motion = [None; PADS];
    }
}
