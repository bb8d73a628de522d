//! Packets by sequence number, in bounded memory.

use std::ops::Range;
use std::time::Instant;

use bytes::Bytes;

/// What an assembler keeps of a packet.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) timestamp: u32,
    pub(crate) payload_type: u8,
    pub(crate) marker: bool,
    /// Padding, error correction: takes a sequence number but belongs to no frame.
    pub(crate) filler: bool,
    pub(crate) arrived: Instant,
    pub(crate) payload: Bytes,
}

#[derive(Debug)]
enum Cell {
    Empty,
    Lost,
    Held(Held),
}

/// A window over the sequence numbers; the owner keeps the window no wider than the capacity.
#[derive(Debug)]
pub(crate) struct Ring {
    cells: Box<[Cell]>,
}

impl Ring {
    /// Packets that fit. A power of two.
    pub(crate) const CAPACITY: u64 = 4096;

    pub(crate) fn new() -> Self {
        Self { cells: (0..Self::CAPACITY).map(|_| Cell::Empty).collect() }
    }

    fn cell(&self, sequence: u64) -> Option<&Cell> {
        self.cells.get((sequence % Self::CAPACITY) as usize)
    }

    fn set(&mut self, sequence: u64, cell: Cell) {
        if let Some(place) = self.cells.get_mut((sequence % Self::CAPACITY) as usize) {
            *place = cell;
        }
    }

    pub(crate) fn held(&self, sequence: u64) -> Option<&Held> {
        match self.cell(sequence) {
            Some(Cell::Held(held)) => Some(held),
            _ => None,
        }
    }

    pub(crate) fn is_lost(&self, sequence: u64) -> bool {
        matches!(self.cell(sequence), Some(Cell::Lost))
    }

    pub(crate) fn put(&mut self, sequence: u64, held: Held) {
        self.set(sequence, Cell::Held(held));
    }

    /// Notes that a packet will not come any more, unless it is there.
    pub(crate) fn give_up(&mut self, sequence: u64) {
        if self.held(sequence).is_none() {
            self.set(sequence, Cell::Lost);
        }
    }

    pub(crate) fn clear(&mut self, sequences: Range<u64>) {
        // A wider range than the ring would only clear the same cells again.
        let end = sequences.end.min(sequences.start.saturating_add(Self::CAPACITY));
        for sequence in sequences.start..end {
            self.set(sequence, Cell::Empty);
        }
    }
}
