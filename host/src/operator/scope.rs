//! How much of a stream a plugin sees in one call, and the rows that wait for a call.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use serde::Deserialize;

use super::OperatorError;
use crate::partition::concatenate;

/// The most rows that are joined for a call that may have any number.
const MAX_JOINED_ROWS: usize = 8192;
/// So many rows are worth a call of their own.
const ENOUGH_ROWS: usize = MAX_JOINED_ROWS / 2;
/// So many bytes are, too.
const ENOUGH_BYTES: u64 = 32 << 10;

/// How much of a stream a plugin sees in one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Any number of rows of a partition: what is fastest.
    #[default]
    Rows,
    /// All rows of a partition of a batch.
    Partition,
    /// All rows of a batch.
    Batch,
}

impl Scope {
    /// What has to go into one call whole, in words; none where nothing has to.
    pub(super) fn whole(self) -> Option<&'static str> {
        match self {
            Self::Rows => None,
            Self::Partition => Some("partition"),
            Self::Batch => Some("batch"),
        }
    }
}

/// Blocks of a partition that wait to be one call.
pub(super) struct Waiting {
    scope: Scope,
    schema: SchemaRef,
    blocks: Vec<RecordBatch>,
    num_rows: usize,
    num_bytes: u64,
}

impl Waiting {
    pub(super) fn new(scope: Scope, schema: SchemaRef) -> Self {
        Self { scope, schema, blocks: Vec::new(), num_rows: 0, num_bytes: 0 }
    }

    /// Adds a block that takes `num_bytes` in a call, of which there may be `max_bytes`, and answers what is to be a
    /// call now. Blocks that are large enough are not copied.
    pub(super) fn add(
        &mut self,
        block: &RecordBatch,
        num_bytes: u64,
        max_bytes: u64,
    ) -> Result<Vec<RecordBatch>, OperatorError> {
        let mut due = Vec::new();
        let is_worth_it = block.num_rows() >= ENOUGH_ROWS || num_bytes >= ENOUGH_BYTES;
        let is_enough = self.scope == Scope::Rows && is_worth_it;
        let has_room = self.num_rows + block.num_rows() <= MAX_JOINED_ROWS
            && self.num_bytes.saturating_add(num_bytes) <= max_bytes;
        if self.scope == Scope::Rows && (is_enough || !has_room) {
            due.extend(self.take()?);
        }
        if is_enough {
            due.push(block.clone());
        } else {
            self.blocks.push(block.clone());
            self.num_rows += block.num_rows();
            self.num_bytes = self.num_bytes.saturating_add(num_bytes);
        }
        Ok(due)
    }

    /// All that waits, as one block.
    pub(super) fn take(&mut self) -> Result<Option<RecordBatch>, OperatorError> {
        (self.num_rows, self.num_bytes) = (0, 0);
        Ok(concatenate(&self.schema, &std::mem::take(&mut self.blocks))?)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array};

    use super::*;

    /// How many rows the calls have that blocks of `sizes` rows make, of 8 bytes a row.
    fn calls(scope: Scope, sizes: &[usize], max_bytes: u64) -> Vec<usize> {
        calls_of(scope, sizes, 8, max_bytes)
    }

    fn calls_of(scope: Scope, sizes: &[usize], row_bytes: u64, max_bytes: u64) -> Vec<usize> {
        let block = |size: usize| {
            let numbers: ArrayRef = Arc::new(Int64Array::from(vec![0; size]));
            RecordBatch::try_from_iter([("n", numbers)]).unwrap()
        };
        let mut waiting = Waiting::new(scope, block(0).schema());
        let mut calls = Vec::new();
        for &size in sizes {
            calls.extend(waiting.add(&block(size), row_bytes * size as u64, max_bytes).unwrap());
        }
        calls.extend(waiting.take().unwrap());
        calls.iter().map(RecordBatch::num_rows).collect()
    }

    #[test]
    fn small_blocks_are_joined_and_large_ones_are_calls_of_their_own() {
        assert_eq!(calls(Scope::Rows, &[1, 2, 3], 1000), [6]);
        assert_eq!(calls(Scope::Rows, &[1, 8192, 2, 4096, 3, 3], 1 << 20), [1, 8192, 2, 4096, 6]);
        assert_eq!(calls(Scope::Rows, &[3000; 4], 1 << 20), [6000, 6000]);
        assert_eq!(calls(Scope::Rows, &[10, 10, 10, 50], 200), [20, 10, 50]);
        assert!(calls(Scope::Rows, &[], 200).is_empty());
        // Of a KiB a row, so that 32 are worth a call.
        assert_eq!(calls_of(Scope::Rows, &[20, 11, 32, 9, 40, 1], 1 << 10, 1 << 20), [31, 32, 9, 40, 1]);
    }

    #[test]
    fn what_is_seen_whole_is_one_call() {
        assert_eq!(calls(Scope::Partition, &[1, 8192, 5000], 8), [13_193]);
        assert_eq!(calls(Scope::Batch, &[1, 2], 8), [3]);
        assert_eq!(calls_of(Scope::Partition, &[20, 32, 9], 1 << 10, 8), [61]);
    }
}
