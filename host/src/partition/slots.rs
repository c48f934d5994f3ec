//! Ids found by hash: a vector of ids, 4 bytes each, so that much of a large table is in the cache.
//!
//! An id stands where the highest bits of its hash say, or in the next empty place behind. At most half of the
//! places are taken, and the first ids, which mostly are the ones asked for most, come first when the table grows,
//! so that the first look mostly answers.

/// Ids by hash. Neither hashes nor keys are kept: whoever asks compares.
#[derive(Default)]
pub struct Slots {
    /// An id and one; 0 is an empty place. Empty, or a power of two.
    slots: Vec<u32>,
    num_ids: u32,
}

/// The places of a table with an id in it, at least.
const LEAST_SLOTS: usize = 1024;
/// A table with fewer ids than one in so many places is given back rather than wiped.
const SPARSE: usize = 32;

impl Slots {
    /// An id that may have this hash, found without a branch; one that was never given where there is none.
    #[inline]
    pub fn guess(&self, hash: u32) -> u32 {
        self.slots.get(self.place(hash)).copied().unwrap_or(0).wrapping_sub(1)
    }

    /// The id that is `wanted`, whose key has this hash.
    #[inline]
    pub fn find(&self, hash: u32, wanted: impl Fn(u32) -> bool) -> Option<u32> {
        let mut place = self.place(hash);
        // Half of the places are empty, so that the search ends.
        loop {
            match self.slots.get(place) {
                None if place == 0 => return None,
                None => place = 0,
                Some(0) => return None,
                Some(slot) if wanted(slot - 1) => return Some(slot - 1),
                Some(_) => place += 1,
            }
        }
    }

    /// Adds the next id, counted from 0 to below 2^31, whose key has this hash. `hash_of` answers that of an id
    /// that was added before.
    pub fn add(&mut self, hash: u32, hash_of: impl Fn(u32) -> u32) {
        if (self.num_ids as usize + 1) * 2 > self.slots.len() {
            let more = (self.slots.len() * 2).max(LEAST_SLOTS);
            self.slots = vec![0; more];
            (0..self.num_ids).for_each(|id| self.put(hash_of(id), id + 1));
        }
        self.num_ids += 1;
        self.put(hash, self.num_ids);
    }

    /// Forgets all ids.
    pub fn clear(&mut self) {
        if self.slots.len() > LEAST_SLOTS && (self.num_ids as usize) < self.slots.len() / SPARSE {
            self.slots = Vec::new();
        }
        self.slots.fill(0);
        self.num_ids = 0;
    }

    fn put(&mut self, hash: u32, slot: u32) {
        let mut place = self.place(hash);
        loop {
            match self.slots.get_mut(place) {
                None => place = 0,
                Some(empty @ 0) => return *empty = slot,
                Some(_) => place += 1,
            }
        }
    }

    /// The highest bits of `hash`, as many as number the places.
    #[inline]
    fn place(&self, hash: u32) -> usize {
        ((u64::from(hash) * self.slots.len() as u64) >> 32) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_whatever_their_hashes_have_in_common() {
        for hash in [|_| 0, |_| u32::MAX, |i: u32| i, |i: u32| i << 20, |i: u32| i.wrapping_mul(0x9e37_79b9)]
        {
            let mut slots = Slots::default();
            assert_eq!(slots.find(hash(0), |_| true), None);
            (0..1000).for_each(|id| slots.add(hash(id), hash));
            for id in 0..1000 {
                assert_eq!(slots.find(hash(id), |found| found == id), Some(id));
            }
            assert_eq!(slots.find(hash(0), |_| false), None);
            slots.clear();
            assert_eq!(slots.find(hash(0), |_| true), None);
        }
    }

    #[test]
    fn a_guess_is_an_id_that_is_there_or_none() {
        let mut slots = Slots::default();
        assert_eq!(slots.guess(7), u32::MAX);
        slots.add(7, |_| 7);
        assert_eq!((slots.guess(7), slots.guess(u32::MAX)), (0, u32::MAX));
    }

    #[test]
    fn the_first_of_two_ids_stands_where_both_belong_however_the_table_grows() {
        let mut slots = Slots::default();
        // Two ids a hash.
        let hash = |id: u32| (id % 20_000).wrapping_mul(0x9e37_79b9);
        (0..40_000).for_each(|id| slots.add(hash(id), hash));
        assert!((0..2000).filter(|id| slots.guess(hash(*id)) == *id).count() > 1900);
    }

    #[test]
    fn a_table_that_was_large_once_does_not_stay_so() {
        let mut slots = Slots::default();
        let hash = |id: u32| id.wrapping_mul(0x9e37_79b9);
        (0..100_000_u32).for_each(|id| slots.add(hash(id), hash));
        slots.clear();
        assert!(slots.slots.len() > 100_000);
        slots.add(1, |_| 1);
        slots.clear();
        assert!(slots.slots.is_empty());
    }
}
