//! A bounded table: when it is full the oldest entry goes.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// Entries by key, at most so many.
#[derive(Debug)]
pub(crate) struct Kept<K, V> {
    entries: HashMap<K, (u64, V)>,
    /// Keys in the order of their coming, with the number of that coming; removed and replaced ones stay until they are
    /// passed over.
    order: VecDeque<(u64, K)>,
    next: u64,
    most: usize,
}

impl<K: Clone + Eq + Hash, V> Kept<K, V> {
    pub(crate) fn new(most: usize) -> Self {
        Self { entries: HashMap::new(), order: VecDeque::new(), next: 0, most: most.max(1) }
    }

    /// Adds or replaces an entry, which is then the newest.
    pub(crate) fn put(&mut self, key: K, value: V) {
        self.next = self.next.wrapping_add(1);
        self.entries.insert(key.clone(), (self.next, value));
        self.order.push_back((self.next, key));
        while self.entries.len() > self.most {
            let Some((number, key)) = self.order.pop_front() else { break };
            if self.entries.get(&key).is_some_and(|(present, _)| *present == number) {
                self.entries.remove(&key);
            }
        }
        // Removed ones must not pile up either.
        if self.order.len() > self.most.saturating_mul(2) {
            let entries = &self.entries;
            self.order.retain(|(number, key)| entries.get(key).is_some_and(|(present, _)| present == number));
        }
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key).map(|(_, value)| value)
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.entries.get_mut(key).map(|(_, value)| value)
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        self.entries.remove(key).map(|(_, value)| value)
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.entries.values().map(|(_, value)| value)
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.entries.values_mut().map(|(_, value)| value)
    }

    /// All, the oldest first.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&K, &V)> {
        let present = self.order.iter().filter_map(|(number, key)| Some((number, key, self.entries.get(key)?)));
        present.filter(|(number, _, (present, _))| *number == present).map(|(_, key, (_, value))| (key, value))
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_oldest_goes_and_a_replaced_one_is_new() {
        let mut kept = Kept::new(2);
        kept.put('a', 1);
        kept.put('b', 2);
        kept.put('a', 3);
        kept.put('c', 4);
        assert_eq!((kept.get(&'a'), kept.get(&'b'), kept.get(&'c')), (Some(&3), None, Some(&4)));
        assert_eq!(kept.remove(&'a'), Some(3));
        kept.put('d', 5);
        assert_eq!((kept.get(&'c'), kept.get(&'d')), (Some(&4), Some(&5)), "a removed one makes room");
        assert_eq!(kept.entries().collect::<Vec<_>>(), [(&'c', &4), (&'d', &5)]);
    }

    proptest! {
        #[test]
        fn neither_entries_nor_their_order_grow_without_bound(
            actions in prop::collection::vec((any::<bool>(), 0_u8..20), 0..400)
        ) {
            let mut kept = Kept::new(4);
            for (add, key) in actions {
                if add {
                    kept.put(key, key);
                    prop_assert_eq!(kept.get(&key), Some(&key));
                } else {
                    kept.remove(&key);
                }
                prop_assert!(kept.len() <= 4 && kept.order.len() <= 9);
            }
        }
    }
}
