//! A table that takes the place of another one, key by key in the same slots, with other states.
//!
//! The one that is followed notes which of its slots change, all of them to begin with. What is in these is taken, its
//! states are made those of the successor, and put there. Done again, only what changed meanwhile is left to do.

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;

use super::{KeyedTable, Slot};

/// What was found in the slots that changed.
pub struct Followed {
    places: Vec<Place>,
    /// The states of those that have a key, in their order.
    pub states: RecordBatch,
    is_filled: bool,
}

/// A slot that changed.
struct Place {
    slot: u32,
    /// None where it is free.
    key: Option<Box<[u8]>>,
    /// When that was last touched, in milliseconds.
    touched: i64,
}

impl KeyedTable {
    /// The columns of the states.
    pub const fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// A table for states with the columns `schema` that is to follow this one, and has nothing yet.
    pub fn successor(&mut self, schema: &SchemaRef) -> Result<Self, ArrowError> {
        let new = Self::new(schema, self.watches)?;
        self.followed = Some(self.all());
        Ok(new)
    }

    /// Notes no changes any more.
    pub fn unfollow(&mut self) {
        self.followed = None;
    }

    /// How many changes wait to be taken.
    pub fn num_followed(&self) -> usize {
        self.followed.as_ref().map_or(0, Vec::len)
    }

    /// What is in slots that changed, taking up to `limit` changes.
    pub fn take_followed(&mut self, limit: usize) -> Result<Followed, ArrowError> {
        let take = |followed: &mut Vec<u32>| followed.split_off(followed.len().saturating_sub(limit));
        let mut slots = self.followed.as_mut().map(take).unwrap_or_default();
        slots.sort_unstable();
        slots.dedup();
        let place = |number: u32| {
            let slot = self.slots.get(number as usize);
            let (key, touched) =
                (slot.and_then(|slot| slot.key.clone()), slot.map_or(0, |slot| slot.touched));
            Place { slot: number, key, touched }
        };
        let places: Vec<Place> = slots.into_iter().map(place).collect();
        let held = places.iter().filter(|place| place.key.is_some());
        let held: Vec<Option<u32>> = held.map(|place| Some(place.slot)).collect();
        Ok(Followed { places, states: self.states(&held)?, is_filled: self.is_filled })
    }

    /// Puts in what was found in the slots of the table that this one follows; `states` are this one's, for each that has
    /// a key.
    pub fn put_followed(&mut self, followed: Followed, states: &[ArrayRef]) {
        let Followed { places, is_filled, .. } = followed;
        self.is_filled = is_filled;
        let len = places.last().map_or(0, |last| last.slot as usize + 1).max(self.slots.len());
        self.free.extend((self.slots.len()..len).filter_map(|slot| u32::try_from(slot).ok()));
        self.slots.resize_with(len, Slot::default);
        self.columns.iter_mut().for_each(|column| column.grow(len));
        // First out, then in: a key may have moved.
        places.iter().for_each(|place| self.remove(place.slot));
        let held = places.into_iter().filter_map(|place| Some((place.slot, place.key?, place.touched)));
        let mut written = Vec::with_capacity(states.first().map_or(0, |column| column.len()));
        for (row, (slot, key, touched)) in (0_u32..).zip(held) {
            self.free.remove(&slot);
            self.insert(&key, slot);
            // It may be there already for a batch that was undone; then it is listed twice until it is looked at.
            let is_earlier = self
                .slots
                .get(slot as usize)
                .is_some_and(|place| place.is_watched && touched < place.touched);
            self.touch(slot, touched);
            if is_earlier {
                self.idle.entry(touched).or_default().push(slot);
            }
            written.push((slot, row));
        }
        self.write(&written, states);
    }
}
