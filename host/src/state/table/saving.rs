//! A table in pieces: what batches changed, one piece a batch, and *chunks* of slots as they are.
//!
//! A batch writes the slots that it changed, and in turn as many bytes of chunks as it wrote of changes. So what has
//! to be read to have the table again stays below twice its size, and no batch writes all of it at once. A
//! chunk of which a batch changed more than half is written whole instead. A change is out of date once every
//! chunk was written after it.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type, Schema, SchemaRef};
use arrow::error::ArrowError;

use super::super::pieces::{Changes, LoadError, PieceKey, Save};
use super::{KeyedTable, ShortHash, Slot};
use crate::record::{BatchTime, decode_rows, encode_rows};

/// How many slots a chunk has.
const CHUNK_SLOTS: u32 = 8192;

/// Kinds of pieces. Chunks are loaded first.
const CHUNK: u8 = 0;
const CHANGE: u8 = 1;

/// The columns of a piece before those of the state.
const NUM_OWN_COLUMNS: usize = 3;

/// What was saved of a table.
#[derive(Default)]
pub(super) struct Saved {
    /// The number of the last change.
    number: u64,
    chunks: Vec<Chunk>,
    /// The changes that some chunk is older than, as (number, bytes).
    changes: VecDeque<(u64, usize)>,
    /// How many bytes of changes were written for which no chunk was.
    credit: usize,
    /// The chunk whose turn it is.
    next: usize,
    /// Slots that were filled outside of batches.
    filled: Vec<u32>,
}

/// A chunk that was saved.
#[derive(Clone, Copy, Default)]
struct Chunk {
    /// After which change; 0 where it never was.
    number: u64,
    bytes: usize,
}

impl Saved {
    /// Has `slots` saved with the next batch.
    pub(super) fn fill(&mut self, slots: impl Iterator<Item = u32>) {
        self.filled.extend(slots);
    }
}

/// How many of so many slots are worth looking at all of them rather than sorting.
const MANY: usize = 16;

/// Some of `num_slots` slots, which may come several times, once each and ascending.
fn in_order(mut slots: Vec<u32>, num_slots: usize) -> Vec<u32> {
    if slots.len() < num_slots / MANY {
        slots.sort_unstable();
        slots.dedup();
        return slots;
    }
    let mut is_in = vec![false; num_slots];
    for slot in slots {
        is_in.get_mut(slot as usize).into_iter().for_each(|is_in| *is_in = true);
    }
    (0..).zip(is_in).filter_map(|(slot, is_in)| is_in.then_some(slot)).collect()
}

impl Save for KeyedTable {
    fn changes(&mut self, time: BatchTime) -> Result<Changes, ArrowError> {
        let mut slots = self.changed(time);
        slots.append(&mut self.saved.filled);
        let mut slots = in_order(slots, self.slots.len());
        let mut changes = Changes::default();
        if slots.is_empty() {
            return Ok(changes);
        }
        self.saved.number += 1;
        let num_chunks = self.slots.len().div_ceil(CHUNK_SLOTS as usize);
        self.saved.chunks.resize(num_chunks, Chunk::default());
        let mostly = Self::mostly_changed(&slots);
        slots.retain(|slot| mostly.binary_search(&(slot / CHUNK_SLOTS)).is_err());
        for chunk in mostly {
            self.save_chunk(chunk, &mut changes)?;
        }
        if !slots.is_empty() {
            let number = self.saved.number;
            let bytes = self.piece(&slots)?;
            self.saved.changes.push_back((number, bytes.len()));
            self.saved.credit += bytes.len();
            changes.put.push((PieceKey { kind: CHANGE, number }, bytes));
        }
        self.save_in_turn(&mut changes)?;
        let oldest = self.saved.chunks.iter().map(|chunk| chunk.number).min().unwrap_or(0);
        while let Some((number, _)) = self.saved.changes.pop_front_if(|(number, _)| *number <= oldest) {
            let key = PieceKey { kind: CHANGE, number };
            // One that was written just now need not be.
            match changes.put.iter().position(|(put, _)| *put == key) {
                Some(place) => drop(changes.put.swap_remove(place)),
                None => changes.removed.push(key),
            }
        }
        Ok(changes)
    }

    fn load(&mut self, key: PieceKey, bytes: &[u8]) -> Result<(), LoadError> {
        self.forget_filled();
        let damaged = || LoadError::Damaged { key };
        let (number, rows) = bytes.split_first_chunk().ok_or_else(damaged)?;
        let number = u64::from_le_bytes(*number);
        let rows =
            decode_rows(Some(&self.piece_schema()), rows).map_err(|error| LoadError::Rows { key, error })?;
        let saved = &mut self.saved;
        saved.number = saved.number.max(number);
        if key.kind == CHUNK {
            let chunk = usize::try_from(key.number).map_err(|_| damaged())?;
            if saved.chunks.len() <= chunk {
                saved.chunks.resize(chunk + 1, Chunk::default());
            }
            saved.chunks.get_mut(chunk).into_iter().for_each(|c| *c = Chunk { number, bytes: bytes.len() });
        } else {
            saved.changes.push_back((number, bytes.len()));
        }
        rows.iter().try_for_each(|rows| self.place(rows, number, key.kind).ok_or_else(damaged))
    }

    fn loaded(&mut self) {
        self.forget_filled();
        let occupied = self.slots.iter().filter(|slot| slot.key.is_some()).count();
        self.index.reserve(occupied, |_| 0);
        for (number, slot) in (0_u32..).zip(&mut self.slots) {
            let Some(key) = &slot.key else {
                self.free.insert(number);
                continue;
            };
            slot.hash = ShortHash::of(key);
            self.key_bytes += key.len();
            if self.watches {
                slot.is_watched = true;
                self.idle.entry(slot.touched).or_default().push(number);
            }
        }
        let slots = &self.slots;
        let hash = |slot: &u32| slots.get(*slot as usize).map_or(0, |slot| slot.hash.spread());
        for (number, slot) in (0_u32..).zip(slots).filter(|(_, slot)| slot.key.is_some()) {
            self.index.insert_unique(slot.hash.spread(), number, hash);
        }
    }

    fn save_anew(&mut self) {
        self.saved = Saved { filled: self.all(), ..Saved::default() };
    }
}

impl KeyedTable {
    /// Forgets the states to begin with: what was saved goes on from them.
    fn forget_filled(&mut self) {
        if std::mem::take(&mut self.is_filled) {
            self.index.clear();
            self.slots.clear();
            self.free.clear();
            self.key_bytes = 0;
            self.saved = Saved::default();
        }
    }

    /// The chunks of which more than half is among `slots`, which ascend.
    fn mostly_changed(slots: &[u32]) -> Vec<u32> {
        let of_chunks = slots.chunk_by(|one, next| one / CHUNK_SLOTS == next / CHUNK_SLOTS);
        let mostly = of_chunks.filter(|slots| slots.len() > CHUNK_SLOTS as usize / 2);
        mostly.filter_map(|slots| slots.first().map(|slot| slot / CHUNK_SLOTS)).collect()
    }

    /// Saves chunks in turn, as many bytes of them as there were of changes.
    fn save_in_turn(&mut self, changes: &mut Changes) -> Result<(), ArrowError> {
        for _ in 0..self.saved.chunks.len() {
            let turn = self.saved.next % self.saved.chunks.len();
            let cost = self.saved.chunks.get(turn).map_or(0, |chunk| chunk.bytes);
            if self.saved.changes.is_empty() || self.saved.credit < cost.max(1) {
                break;
            }
            self.saved.next = turn + 1;
            let chunk = u32::try_from(turn).unwrap_or(u32::MAX);
            let bytes = match self.saved.chunks.get(turn) {
                Some(done) if done.number == self.saved.number => 0,
                _ => self.save_chunk(chunk, changes)?,
            };
            self.saved.credit = self.saved.credit.saturating_sub(bytes);
        }
        Ok(())
    }

    /// Saves a chunk as it is; answers how many bytes that were.
    fn save_chunk(&mut self, chunk: u32, changes: &mut Changes) -> Result<usize, ArrowError> {
        let first = chunk * CHUNK_SLOTS;
        let end = (first + CHUNK_SLOTS).min(u32::try_from(self.slots.len()).unwrap_or(u32::MAX));
        let holds = |slot: &u32| self.slots.get(*slot as usize).is_some_and(|slot| slot.key.is_some());
        let slots: Vec<u32> = (first..end).filter(holds).collect();
        let bytes = self.piece(&slots)?;
        let (number, length) = (self.saved.number, bytes.len());
        let saved = self.saved.chunks.get_mut(chunk as usize);
        saved.into_iter().for_each(|saved| *saved = Chunk { number, bytes: length });
        changes.put.push((PieceKey { kind: CHUNK, number: u64::from(chunk) }, bytes));
        Ok(length)
    }

    /// The slots that the batch of time `time` changed.
    fn changed(&self, time: BatchTime) -> Vec<u32> {
        let Some(undo) = self.undo.as_ref().filter(|undo| undo.time == time) else { return Vec::new() };
        let before = undo.calls.iter().flat_map(|call| call.places.iter().flatten().map(|(slot, _)| *slot));
        let now = undo.calls.iter().flat_map(|call| call.slots.iter().copied());
        before.chain(now).collect()
    }

    /// What is in `slots` now, as a piece.
    fn piece(&self, slots: &[u32]) -> Result<Vec<u8>, ArrowError> {
        let places = || slots.iter().map(|slot| self.slots.get(*slot as usize));
        let holders =
            places().zip(slots).map(|(place, slot)| place.and_then(|p| p.key.as_ref()).map(|_| *slot));
        let states = self.states(&holders.collect::<Vec<_>>())?;
        let keys: BinaryArray = places().map(|place| place.and_then(|place| place.key.as_deref())).collect();
        let own: [ArrayRef; NUM_OWN_COLUMNS] = [
            Arc::new(slots.iter().map(|slot| i64::from(*slot)).collect::<Int64Array>()),
            Arc::new(keys),
            Arc::new(places().map(|place| place.map_or(0, |place| place.touched)).collect::<Int64Array>()),
        ];
        let columns = own.into_iter().chain(states.columns().iter().cloned()).collect();
        let schema = self.piece_schema();
        let rows = RecordBatch::try_new(Arc::clone(&schema), columns)?;
        encode_rows(&schema, [&rows], self.saved.number.to_le_bytes().to_vec())
    }

    fn piece_schema(&self) -> SchemaRef {
        let own = [
            ("slot", DataType::Int64, false),
            ("key", DataType::Binary, true),
            ("touched", DataType::Int64, false),
        ];
        let own =
            own.into_iter().map(|(name, kind, nullable)| FieldRef::new(Field::new(name, kind, nullable)));
        Arc::new(Schema::new(own.chain(self.schema.fields().iter().cloned()).collect::<Vec<_>>()))
    }

    /// Puts saved rows into their slots, where these aren't newer. None where they can't be.
    fn place(&mut self, rows: &RecordBatch, number: u64, kind: u8) -> Option<()> {
        let slots = rows.column(0).as_primitive_opt::<Int64Type>()?;
        let keys = rows.column(1).as_binary_opt::<i32>()?;
        let touched = rows.column(2).as_primitive_opt::<Int64Type>()?;
        let last = slots.values().iter().copied().max().unwrap_or(-1);
        let len = usize::try_from(last + 1).ok()?.max(self.slots.len());
        self.slots.resize_with(len, Slot::default);
        self.columns.iter_mut().for_each(|column| column.grow(len));
        let mut written = Vec::with_capacity(rows.num_rows());
        for row in 0..rows.num_rows() {
            let number_of_slot = u32::try_from(slots.value(row)).ok()?;
            let chunk = self.saved.chunks.get((number_of_slot / CHUNK_SLOTS) as usize);
            if kind == CHANGE && chunk.is_some_and(|chunk| chunk.number >= number) {
                continue;
            }
            let slot = self.slots.get_mut(number_of_slot as usize)?;
            slot.key = keys.is_valid(row).then(|| keys.value(row).into());
            slot.touched = touched.value(row);
            written.push((number_of_slot, u32::try_from(row).ok()?));
        }
        self.write(&written, rows.columns().get(NUM_OWN_COLUMNS..)?);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_slots_and_many_come_once_each_and_ascend() {
        for num_slots in [8, 1_000_000] {
            assert_eq!(in_order(vec![7, 0, 3, 7, 0], num_slots), [0, 3, 7], "of {num_slots}");
        }
        assert!(in_order(Vec::new(), 5).is_empty() && in_order(Vec::new(), 0).is_empty());
    }

    #[test]
    fn a_chunk_is_mostly_changed_by_more_than_half_of_its_slots() {
        let slots = |chunk: u32, num: u32| chunk * CHUNK_SLOTS..chunk * CHUNK_SLOTS + num;
        let half = CHUNK_SLOTS / 2;
        let changed: Vec<u32> =
            slots(0, half).chain(slots(1, half + 1)).chain(slots(5, CHUNK_SLOTS)).collect();
        assert_eq!(KeyedTable::mostly_changed(&changed), [1, 5]);
    }
}
