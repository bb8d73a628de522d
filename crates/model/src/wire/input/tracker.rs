//! The host's side of input packets.

use std::time::Instant;

use super::{Edge, EdgeSource, InputPacket, MAX_CONTACTS, MAX_KEYS, PADS, PointerTotals, SILENCE};
use crate::input::{Buttons, Contact, PadState, PlayerInput, TouchPhase};

/// Host side: turns packets back into the inputs that happened, each once and in order.
#[derive(Debug, Default)]
pub struct InputTracker {
    newest: Option<u32>,
    /// When [`Self::silence`] first saw that packet.
    heard: Option<(u32, Instant)>,
    next_edge: Option<u16>,
    stamp_micros: u64,
    pads: [Option<PadState>; PADS],
    keys: Vec<u16>,
    pointer: PointerTotals,
    /// What the newest packet said.
    pointer_at: Option<(u16, u16)>,
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
        self.positions(packet, &mut emit);
        for edge in &packet.edges {
            if self.is_fresh(edge) {
                self.next_edge = Some(edge.number.wrapping_add(1));
                self.apply_edge(edge, packet, &mut emit);
            }
        }
        self.reconcile(packet, &mut emit);
    }

    /// Lets go of everything that is held once no packet was accepted for [`SILENCE`]; `emit` gets the releases, each once.
    /// Call it regularly, for example once a frame. When the client is heard again, its next packet presses what it
    /// still holds.
    pub fn silence(&mut self, now: Instant, emit: impl FnMut(PlayerInput)) {
        let Some(newest) = self.newest else { return };
        match self.heard {
            Some((sequence, at)) if sequence == newest => {
                if now.saturating_duration_since(at) >= SILENCE {
                    self.release(emit);
                }
            }
            _ => self.heard = Some((newest, now)),
        }
    }

    /// Lets go of everything that is held. Pads stay, centred.
    pub fn release(&mut self, mut emit: impl FnMut(PlayerInput)) {
        for (slot, pad) in self.pads.iter_mut().enumerate() {
            if let Some(state) = pad
                && *state != PadState::default()
            {
                *state = PadState::default();
                emit(PlayerInput::Pad { pad: u8::try_from(slot).unwrap_or(0), state: *state });
            }
        }
        for usage in self.keys.drain(..) {
            emit(PlayerInput::Key { usage, down: false });
        }
        for button in 0..8 {
            self.pointer_button(button, false, &mut emit);
        }
        for contact in self.contacts.drain(..) {
            emit(PlayerInput::Touch { contact, phase: TouchPhase::Up });
        }
    }

    fn is_fresh(&self, edge: &Edge) -> bool {
        self.next_edge.is_none_or(|next| edge.number.wrapping_sub(next) <= u16::MAX / 2)
    }

    /// Where everything is by now, before any edge acts: an edge leaves at once, so what its first packet shows had
    /// moved before it, and a click must not land at the place before a lost move.
    fn positions(&mut self, packet: &InputPacket, emit: &mut impl FnMut(PlayerInput)) {
        for (pad, state) in &packet.pads {
            let Some(Some(known)) = self.pads.get_mut(usize::from(*pad)) else { continue };
            let moved = PadState { buttons: known.buttons, ..*state };
            if *known != moved {
                *known = moved;
                emit(PlayerInput::Pad { pad: *pad, state: moved });
            }
        }
        if let Some(totals) = packet.pointer {
            let (dx, dy) = (totals.x.wrapping_sub(self.pointer.x), totals.y.wrapping_sub(self.pointer.y));
            (self.pointer.x, self.pointer.y) = (totals.x, totals.y);
            if dx != 0 || dy != 0 {
                emit(PlayerInput::PointerMove { dx, dy });
            }
        }
        // The record comes in every packet as long as it holds; a captured pointer must not be pulled back to it.
        if let Some((x, y)) = packet.pointer_at
            && self.pointer_at != packet.pointer_at
        {
            emit(PlayerInput::PointerTo { x, y });
        }
        self.pointer_at = packet.pointer_at;
        for contact in packet.contacts.iter().flatten() {
            // A finger that came or went since has not merely moved.
            let id = u16::from(contact.id);
            let turned = |edge: &Edge| edge.source == EdgeSource::Touch && edge.code == id && self.is_fresh(edge);
            if packet.edges.iter().any(turned) {
                continue;
            }
            if let Some(known) = self.contacts.iter_mut().find(|known| known.id == contact.id)
                && known != contact
            {
                *known = *contact;
                emit(PlayerInput::Touch { contact: *contact, phase: TouchPhase::Move });
            }
        }
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
                let place = packet.places.iter().find(|place| place.number == edge.number);
                let place = place.map(|place| Contact { id, x: place.x, y: place.y, pressure: place.pressure });
                match (known, edge.down) {
                    (None, true) => {
                        let listed = || packet.contacts.iter().flatten().find(|contact| contact.id == id).copied();
                        // A tap whose place was lost is better left out than made up.
                        let Some(contact) = place.or_else(listed) else { return };
                        if self.contacts.len() < MAX_CONTACTS {
                            self.contacts.push(contact);
                            emit(PlayerInput::Touch { contact, phase: TouchPhase::Down });
                        }
                    }
                    (Some(index), false) => {
                        let last = self.contacts.remove(index);
                        let contact = place.unwrap_or(last);
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
        if let Some(contacts) = &packet.contacts {
            self.reconcile_contacts(contacts, emit);
        }
        for (pad, motion) in &packet.motion {
            emit(PlayerInput::Motion { pad: *pad, motion: *motion });
        }
    }

    fn reconcile_pointer(&mut self, totals: PointerTotals, emit: &mut impl FnMut(PlayerInput)) {
        let x = totals.wheel_x.wrapping_sub(self.pointer.wheel_x);
        let y = totals.wheel_y.wrapping_sub(self.pointer.wheel_y);
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
        let mut listed: Vec<Contact> = Vec::with_capacity(contacts.len());
        for contact in contacts {
            // A finger that is listed twice came down once.
            if listed.iter().any(|known| known.id == contact.id) {
                continue;
            }
            match self.contacts.iter().find(|known| known.id == contact.id) {
                None => emit(PlayerInput::Touch { contact: *contact, phase: TouchPhase::Down }),
                Some(known) if known != contact => {
                    emit(PlayerInput::Touch { contact: *contact, phase: TouchPhase::Move });
                }
                Some(_) => {}
            }
            listed.push(*contact);
        }
        self.contacts = listed;
    }
}
