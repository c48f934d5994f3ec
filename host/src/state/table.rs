//! Keys and their states, for one partition.
//!
//! A key has a slot; its state is what the columns hold there. Keys are looked up by their bytes, states come out and go
//! in as Arrow columns, for many keys at once. What the last batch changed is remembered until the next begins, so
//! that the batch may run again.

mod followed;
mod saving;
mod short_hash;
mod undo;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::compute::kernels::cmp::not_distinct;
use arrow::compute::take_record_batch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use hashbrown::HashTable;

pub use self::followed::Followed;
use self::saving::Saved;
use self::short_hash::ShortHash;
use self::undo::{Before, Undo};
use super::cells::Cells;
use crate::partition::Keys;
use crate::record::BatchTime;

/// How many keys there are, and about how many bytes they and their states take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StateSize {
    /// Keys.
    pub keys: usize,
    /// Bytes.
    pub bytes: usize,
}

/// The keys of a partition and their states.
pub struct KeyedTable {
    schema: SchemaRef,
    index: HashTable<u32>,
    slots: Vec<Slot>,
    columns: Vec<Cells>,
    /// Free slots; the lowest is filled first, so that where a key goes follows from the slots alone.
    free: BTreeSet<u32>,
    key_bytes: usize,
    /// The slots that may become idle, by the time at which each was put here, no later than it was touched.
    idle: BTreeMap<i64, Vec<u32>>,
    watches: bool,
    /// Whether there are keys that were never in a batch, which count as touched by the first.
    is_filled: bool,
    undo: Option<Undo>,
    saved: Saved,
    /// The slots that changed, where a successor follows.
    followed: Option<Vec<u32>>,
}

/// A place for a key.
#[derive(Default)]
struct Slot {
    /// None where the slot is free.
    key: Option<Box<[u8]>>,
    /// When it was last touched, in milliseconds.
    touched: i64,
    hash: ShortHash,
    /// Whether it stands in `idle`.
    is_watched: bool,
}

impl KeyedTable {
    /// An empty table for states with the columns `schema`; `watches` where it is to tell which keys are idle.
    pub fn new(schema: &SchemaRef, watches: bool) -> Result<Self, ArrowError> {
        Ok(Self {
            watches,
            schema: Arc::clone(schema),
            index: HashTable::new(),
            slots: Vec::new(),
            columns: schema.fields().iter().map(|field| Cells::new(field)).collect::<Result<_, _>>()?,
            free: BTreeSet::new(),
            key_bytes: 0,
            idle: BTreeMap::new(),
            is_filled: false,
            undo: None,
            saved: Saved::default(),
            followed: None,
        })
    }

    /// How large it is, without what it takes to run the last batch again. Costs nothing to ask for.
    pub fn size(&self) -> StateSize {
        let watched = if self.watches { size_of::<u32>() } else { 0 };
        let bytes = self.key_bytes
            + self.slots.len() * (size_of::<Slot>() + watched)
            // A slot's number and a byte for each place of the index, of which an eighth stays empty.
            + self.index.capacity() * 5 * 8 / 7
            + self.columns.iter().map(Cells::bytes).sum::<usize>();
        StateSize { keys: self.index.len(), bytes }
    }

    /// Puts `keys` in with their states, before the first batch, whose time will count as the one at which they were
    /// touched. Answers the row of the first key that was there before.
    pub fn fill(&mut self, keys: &Keys, states: &[ArrayRef]) -> Option<u32> {
        let (mut row, mut twice, mut written) = (0, None, Vec::with_capacity(keys.len()));
        keys.for_each(|key| {
            match self.slot(key) {
                Some(_) => drop(twice.get_or_insert(row)),
                None => {
                    let slot = self.free.pop_first().unwrap_or_else(|| self.new_slot());
                    self.insert(key, slot);
                    written.push((slot, row));
                }
            }
            row += 1;
        });
        self.write(&written, states);
        self.saved.fill(written.iter().map(|(slot, _)| *slot));
        self.is_filled = true;
        twice
    }

    /// Begins the batch of time `time`. Where it ran before, what it did is undone.
    pub fn begin(&mut self, time: BatchTime) -> Result<(), ArrowError> {
        if std::mem::take(&mut self.is_filled) {
            self.all().into_iter().for_each(|slot| self.touch(slot, time.millis()));
        }
        let Some(undo) = self.undo.take().filter(|undo| undo.time == time) else {
            self.undo = Some(Undo { time, calls: Vec::new() });
            return Ok(());
        };
        for before in undo.calls.into_iter().rev() {
            self.restore(&before);
        }
        self.undo = Some(Undo { time, calls: Vec::new() });
        Ok(())
    }

    fn restore(&mut self, before: &Before) {
        let mut back = Vec::with_capacity(before.places.len());
        let keys: Vec<&[u8]> = keys_of(&before.offsets, &before.data).collect();
        let rows = keys.into_iter().zip(&before.places).zip(0_u32..).collect::<Vec<_>>();
        // Last change first, so that the slot that a key is put back into is free again.
        for ((key, place), row) in rows.into_iter().rev() {
            match place {
                Some((slot, touched)) => {
                    if self.free.remove(slot) {
                        self.insert(key, *slot);
                    }
                    self.touch(*slot, *touched);
                    back.push((*slot, row));
                }
                None => self.slot(key).into_iter().for_each(|slot| self.remove(slot)),
            }
        }
        self.write(&back, before.states.columns());
    }

    /// The slot of each key, keys lying one after the other in `data`, key i in `data[offsets[i] .. offsets[i + 1]]`.
    pub fn find(&self, offsets: &[i32], data: &[u8]) -> Vec<Option<u32>> {
        keys_of(offsets, data).map(|key| self.slot(key)).collect()
    }

    /// Every slot that holds a key, oldest slot first.
    pub fn all(&self) -> Vec<u32> {
        (0_u32..).zip(&self.slots).filter(|(_, slot)| slot.key.is_some()).map(|(number, _)| number).collect()
    }

    /// The keys in `slots`, as offsets (one more than there are keys) and bytes.
    pub fn keys(&self, slots: impl Iterator<Item = u32>) -> (Vec<i32>, Vec<u8>) {
        let (mut offsets, mut data) = (vec![0], Vec::new());
        for slot in slots {
            let key = self.slots.get(slot as usize).and_then(|slot| slot.key.as_deref());
            data.extend_from_slice(key.unwrap_or_default());
            offsets.push(i32::try_from(data.len()).unwrap_or(i32::MAX));
        }
        (offsets, data)
    }

    /// The states in `slots`; where there is no slot, something.
    pub fn states(&self, slots: &[Option<u32>]) -> Result<RecordBatch, ArrowError> {
        let columns = self.columns.iter().map(|column| column.gather(slots)).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(slots.len()));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
    }

    /// Changes some keys, all different: key i gets row i of `states` where `kept[i]` says so, and is removed else.
    /// `slots` are what `find` answers for them, and `before` the states as they were. What is kept counts as touched at
    /// `time`.
    pub fn update(
        &mut self,
        (offsets, data): (&[i32], &[u8]),
        slots: &[Option<u32>],
        before: &RecordBatch,
        states: &RecordBatch,
        kept: &[bool],
        time: BatchTime,
    ) -> Result<(), ArrowError> {
        let same = self.unchanged(before, states);
        let mut old = Before::of(before);
        let (mut rows, mut written) = (Vec::new(), Vec::new());
        for (row, ((key, &slot), &kept)) in (0_u32..).zip(keys_of(offsets, data).zip(slots).zip(kept)) {
            let place = slot.and_then(|slot| Some((slot, self.slots.get(slot as usize)?.touched)));
            match (kept, place) {
                (false, None) => continue,
                // Nobody asks when keys were touched that aren't watched.
                (true, Some((_, touched)))
                    if same(row as usize) && (touched == time.millis() || !self.watches) =>
                {
                    continue;
                }
                (false, Some((slot, _))) => self.remove(slot),
                (true, Some((slot, _))) => {
                    self.touch(slot, time.millis());
                    written.push((slot, row));
                }
                (true, None) => {
                    let slot = self.free.pop_first().unwrap_or_else(|| self.new_slot());
                    self.insert(key, slot);
                    self.touch(slot, time.millis());
                    written.push((slot, row));
                }
            }
            old.push(key, place);
            rows.push(row);
        }
        self.write(&written, states.columns());
        if let Some(undo) = self.undo.as_mut().filter(|undo| undo.time == time) {
            if rows.len() < before.num_rows() {
                let rows = UInt32Array::from(rows);
                old.states = take_record_batch(before, &rows)?;
            }
            old.slots = written.into_iter().map(|(slot, _)| slot).collect();
            undo.calls.push(old);
        }
        Ok(())
    }

    /// Tells of a row whether it is the same in both.
    fn unchanged(&self, before: &RecordBatch, after: &RecordBatch) -> impl Fn(usize) -> bool + use<> {
        let columns = before.columns().iter().zip(after.columns());
        let same = columns.map(|(before, after)| not_distinct(before, after)).collect::<Result<Vec<_>, _>>();
        let same = same.ok().filter(|columns| columns.len() == self.columns.len());
        move |row| same.as_ref().is_some_and(|columns| columns.iter().all(|column| column.value(row)))
    }

    /// The slots last touched before `limit`, in milliseconds.
    pub fn idle_since(&mut self, limit: i64) -> Vec<u32> {
        let (mut idle, mut earlier) = (Vec::new(), Vec::new());
        while let Some(entry) = self.idle.first_entry().filter(|entry| *entry.key() < limit) {
            earlier.extend(entry.remove());
        }
        earlier.sort_unstable();
        earlier.dedup();
        for slot in earlier {
            let Some(place) = self.slots.get_mut(slot as usize) else { continue };
            if place.key.is_none() {
                place.is_watched = false;
                continue;
            }
            if place.touched < limit {
                idle.push(slot);
            }
            // It is told again, unless it is removed or touched.
            self.idle.entry(place.touched).or_default().push(slot);
        }
        idle
    }

    fn slot(&self, key: &[u8]) -> Option<u32> {
        let same =
            |slot: &u32| self.slots.get(*slot as usize).is_some_and(|slot| slot.key.as_deref() == Some(key));
        self.index.find(ShortHash::of(key).spread(), same).copied()
    }

    /// Notes that the key in `slot` was touched at `time`.
    fn touch(&mut self, number: u32, time: i64) {
        self.followed.iter_mut().for_each(|followed| followed.push(number));
        if let Some(slot) = self.slots.get_mut(number as usize) {
            slot.touched = time;
            if self.watches && !slot.is_watched {
                slot.is_watched = true;
                self.idle.entry(time).or_default().push(number);
            }
        }
    }

    fn new_slot(&mut self) -> u32 {
        let number = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        self.slots.push(Slot::default());
        let len = self.slots.len();
        self.columns.iter_mut().for_each(|column| column.grow(len));
        number
    }

    /// Puts `key`, which has none, into a slot that isn't `free` any more.
    fn insert(&mut self, key: &[u8], number: u32) {
        let hash = ShortHash::of(key);
        if let Some(slot) = self.slots.get_mut(number as usize) {
            slot.hash = hash;
            slot.key = Some(key.into());
        }
        self.key_bytes += key.len();
        let slots = &self.slots;
        let rehash = |slot: &u32| slots.get(*slot as usize).map_or(0, |slot| slot.hash.spread());
        self.index.insert_unique(hash.spread(), number, rehash);
    }

    /// Takes the key in slot `number` out.
    fn remove(&mut self, number: u32) {
        let Some(slot) = self.slots.get_mut(number as usize) else { return };
        let Some(key) = slot.key.take() else { return };
        self.followed.iter_mut().for_each(|followed| followed.push(number));
        if let Ok(entry) = self.index.find_entry(slot.hash.spread(), |slot| *slot == number) {
            entry.remove();
        }
        self.key_bytes -= key.len();
        self.free.insert(number);
    }

    fn write(&mut self, to: &[(u32, u32)], columns: &[ArrayRef]) {
        for (cells, column) in self.columns.iter_mut().zip(columns) {
            cells.scatter(to, column);
        }
    }
}

fn keys_of<'a>(offsets: &'a [i32], data: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let at = |offset: &i32| usize::try_from(*offset).unwrap_or(0);
    let bounds = offsets.iter().zip(offsets.iter().skip(1));
    bounds.map(move |(start, end)| data.get(at(start)..at(end)).unwrap_or_default())
}

#[cfg(test)]
mod tests;
