//! What a window remembers, in pieces: one for each entry, named by its first batch.

use std::collections::BTreeMap;

use arrow::error::ArrowError;

use super::super::pieces::{Changes, LoadError, PieceKey, Save};
use super::{Entry, History};
use crate::record::{BatchTime, decode_rows, encode_rows};

/// The kind of piece that is an entry.
const ENTRY: u8 = 0;

impl Save for History {
    fn changes(&mut self, _: BatchTime) -> Result<Changes, ArrowError> {
        let held: BTreeMap<u64, u64> = self.entries.iter().map(|entry| (entry.first, entry.last)).collect();
        let mut changes = Changes::default();
        for entry in self.entries.iter().filter(|entry| self.saved.get(&entry.first) != Some(&entry.last)) {
            if let Some(block) = entry.blocks.first() {
                let bytes = encode_rows(&block.schema(), &entry.blocks, entry.last.to_le_bytes().to_vec())?;
                changes.put.push((PieceKey { kind: ENTRY, number: entry.first }, bytes));
            }
        }
        let gone = self.saved.keys().filter(|first| !held.contains_key(first));
        changes.removed = gone.map(|first| PieceKey { kind: ENTRY, number: *first }).collect();
        self.saved = held;
        Ok(changes)
    }

    fn load(&mut self, key: PieceKey, bytes: &[u8]) -> Result<(), LoadError> {
        let (last, rows) = bytes.split_first_chunk().ok_or(LoadError::Damaged { key })?;
        let (first, last) = (key.number, u64::from_le_bytes(*last));
        let blocks = decode_rows(None, rows).map_err(|error| LoadError::Rows { key, error })?;
        self.saved.insert(first, last);
        self.entries.push_back(Entry { first, last, blocks });
        Ok(())
    }

    fn save_anew(&mut self) {
        self.saved.clear();
    }
}
