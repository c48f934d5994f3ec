//! What plugins do with the values of keys beside reducing them: aggregate, group with another stream, keep a state.
//!
//! The traits that stand behind `aggregate`, `inverse`, `cogroup`, `update-state` and `migrate-state` of the contract. All answers are
//! checked: lengths agree, and indices are in range.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::{Call, PluginError};
use crate::record::Bytes;

/// An opened inverse of a reduction.
pub trait Inverter: Send {
    /// The most bytes of columns that one call may be given.
    fn max_input(&self) -> Bytes;

    /// Makes the next call run on a new instance, where there are instances.
    fn renew(&mut self) {}

    /// Takes rows `ends[i - 1] .. ends[i]` of `values` (from 0 where i is 0) out of row i of `totals`. All three have the
    /// same schema; the answer has a row for each of `totals`.
    fn subtract(
        &mut self,
        call: &Call,
        totals: &RecordBatch,
        ends: &[u32],
        values: &RecordBatch,
    ) -> Result<RecordBatch, PluginError>;
}

/// An opened aggregation: a reduction through an accumulator of another type than the values.
pub trait Aggregator: Send {
    /// The columns of an accumulator.
    fn accumulator(&self) -> &SchemaRef;

    /// The columns that come out.
    fn output(&self) -> &SchemaRef;

    /// The most bytes of columns that one call may be given.
    fn max_input(&self) -> Bytes;

    /// Makes the next call run on a new instance, where there are instances.
    fn renew(&mut self) {}

    /// One accumulator for each group of values, in the form of `Reducer::reduce`.
    fn accumulate(
        &mut self,
        call: &Call,
        ends: &[u32],
        values: &RecordBatch,
    ) -> Result<RecordBatch, PluginError>;

    /// One accumulator for each group of accumulators.
    fn merge(
        &mut self,
        call: &Call,
        ends: &[u32],
        accumulators: &RecordBatch,
    ) -> Result<RecordBatch, PluginError>;

    /// One row out for each accumulator.
    fn finish(&mut self, call: &Call, accumulators: &RecordBatch) -> Result<RecordBatch, PluginError>;
}

/// An opened function of all rows of two streams that share a key.
pub trait Cogrouper: Send {
    /// The columns that come out beside the key.
    fn output(&self) -> &SchemaRef;

    /// The most bytes of columns that one call may be given.
    fn max_input(&self) -> Bytes;

    /// Makes the next call run on a new instance, where there are instances.
    fn renew(&mut self) {}

    /// Processes keys with the rows of both sides, either of which may have none.
    fn process(&mut self, call: &Call, input: &CogroupInput) -> Result<KeyedRows, PluginError>;
}

/// Keys with the rows of two sides: rows `left_ends[i - 1] .. left_ends[i]` of `left` belong to key i, and likewise on
/// the right.
#[derive(Clone, Debug)]
pub struct CogroupInput {
    /// One row a key.
    pub keys: RecordBatch,
    /// Where the rows of each key end in `left`.
    pub left_ends: Vec<u32>,
    /// The values of the first stream.
    pub left: RecordBatch,
    /// Where the rows of each key end in `right`.
    pub right_ends: Vec<u32>,
    /// The values of the second stream.
    pub right: RecordBatch,
}

/// Rows that came out, each of a key.
#[derive(Clone, Debug)]
pub struct KeyedRows {
    /// The rows.
    pub rows: RecordBatch,
    /// The key of each, by its index among the keys that went in.
    pub origins: Vec<u32>,
}

/// An opened function of keys, their new values and their states.
pub trait Updater: Send {
    /// The columns of a state.
    fn state(&self) -> &SchemaRef;

    /// The columns that come out beside the key; none where only states matter.
    fn output(&self) -> &SchemaRef;

    /// The most bytes of columns that one call may be given.
    fn max_input(&self) -> Bytes;

    /// Makes the next call run on a new instance, where there are instances.
    fn renew(&mut self) {}

    /// Updates the states of keys.
    fn update(&mut self, call: &Call, input: &UpdateInput) -> Result<Updated, PluginError>;
}

/// What carries states over that an earlier version of a plugin kept.
pub trait Migrator: Send {
    /// The most bytes of columns that one call may be given.
    fn max_input(&self) -> Bytes;

    /// Answers a state of this version for each of `states`. To be called on a thread with a stack of
    /// [`STACK_BYTES`](super::STACK_BYTES).
    fn migrate(&mut self, call: &Call, states: &RecordBatch) -> Result<RecordBatch, PluginError>;
}

/// Keys to update: rows `ends[i - 1] .. ends[i]` of `values` (from 0 where i is 0) are the new values of key i.
#[derive(Clone, Debug)]
pub struct UpdateInput {
    /// One row a key.
    pub keys: RecordBatch,
    /// Where the values of each key end.
    pub ends: Vec<u32>,
    /// The new values, in arrival order within a key.
    pub values: RecordBatch,
    /// One row a key; meaningless where `known` is false.
    pub states: RecordBatch,
    /// Whether each key has a state.
    pub known: Vec<bool>,
    /// Whether each key is here because it was idle for too long.
    pub timed_out: Vec<bool>,
}

/// What became of keys.
#[derive(Clone, Debug)]
pub struct Updated {
    /// One row a key; meaningless where `kept` is false.
    pub states: RecordBatch,
    /// Whether each key still has a state.
    pub kept: Vec<bool>,
    /// What comes out.
    pub output: KeyedRows,
}
