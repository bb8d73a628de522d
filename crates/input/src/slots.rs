//! Which pad has which number.

/// Number of slots, so of pads at the same time.
pub const SLOTS: usize = 16;

/// Gives each device a slot and gives it the same one when it comes back.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slots {
    /// Device that has or last had the slot, and whether it is there now.
    owners: [Option<(usize, bool)>; SLOTS],
}

impl Slots {
    /// Slot of `device` from now on: its old one if nobody took it, else the lowest that nobody ever had, else the
    /// lowest that nobody has now. `None` when all are taken.
    pub(crate) fn connect(&mut self, device: usize) -> Option<u8> {
        let old = self.owners.iter().position(|owner| owner.is_some_and(|(id, _)| id == device));
        let fresh = || self.owners.iter().position(Option::is_none);
        let gone = || self.owners.iter().position(|owner| owner.is_some_and(|(_, there)| !there));
        let slot = old.or_else(fresh).or_else(gone)?;
        *self.owners.get_mut(slot)? = Some((device, true));
        u8::try_from(slot).ok()
    }

    /// Slot that `device` leaves.
    pub(crate) fn disconnect(&mut self, device: usize) -> Option<u8> {
        let slot = usize::from(self.slot(device)?);
        *self.owners.get_mut(slot)? = Some((device, false));
        u8::try_from(slot).ok()
    }

    /// Slot of `device` while it is there.
    pub(crate) fn slot(&self, device: usize) -> Option<u8> {
        let slot = self.owners.iter().position(|owner| *owner == Some((device, true)))?;
        u8::try_from(slot).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pad_that_comes_back_has_its_old_slot() {
        let mut slots = Slots::default();
        assert_eq!((slots.connect(10), slots.connect(11), slots.connect(12)), (Some(0), Some(1), Some(2)));
        assert_eq!(slots.disconnect(11), Some(1));
        assert_eq!(slots.slot(11), None);
        assert_eq!(slots.disconnect(11), None);
        assert_eq!(slots.connect(13), Some(3), "the slot waits for its owner");
        assert_eq!(slots.connect(11), Some(1));
        assert_eq!(slots.connect(11), Some(1), "told twice");
    }

    #[test]
    fn a_waiting_slot_is_taken_when_there_is_no_other() {
        let mut slots = Slots::default();
        for device in 0..SLOTS {
            assert_eq!(slots.connect(device).map(usize::from), Some(device));
        }
        assert_eq!(slots.connect(99), None);
        slots.disconnect(7);
        assert_eq!(slots.connect(99), Some(7));
        assert_eq!(slots.connect(7), None);
    }
}
