//! Grouping rows by key and combining the values of each key with a plugin.
//!
//! Blocks come in; per partition one row a key comes out: the key columns, then the values, in the order in
//! which keys first appeared. Rows wait until they are enough, are sorted by key, and are combined while they are
//! in the cache; what comes back waits to be combined with its like. So each key's values reach the plugin in
//! arrival order, cut into calls in a way that follows from the rows alone.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{Fields, Schema, SchemaRef};

use super::transform::{bytes_of, halves};
use super::{Factory, OperatorError, Output, Process, TaskInfo};
use crate::partition::{Groups, KeyEncoder, concatenate};
use crate::plugin::{Call, Plugin, Reducer};

/// How many rows are sorted and combined together: so many that most keys come several times, so few that they
/// stay in the cache.
const ENOUGH_ROWS: usize = 64 * 1024;
/// How many combined rows may wait to be combined with one another.
const MAX_COMBINED_ROWS: usize = 1024 * 1024;
/// The most rows of one call; more don't make it faster.
const MAX_CALL_ROWS: usize = 128 * 1024;

/// Makes the combining of one operator.
pub(super) struct CombineFactory {
    plugin: Arc<dyn Plugin>,
    stream: String,
    key: Vec<usize>,
    values: Vec<usize>,
    key_fields: Fields,
    value_schema: SchemaRef,
}

impl CombineFactory {
    /// For rows with schema `input`, by the columns `key`; all other columns are values. Opens the plugin, to see
    /// that it accepts them.
    pub(super) fn open(
        plugin: &Arc<dyn Plugin>,
        stream: &str,
        input: &SchemaRef,
        key: Vec<usize>,
    ) -> Result<Self, OperatorError> {
        let values: Vec<_> = (0..input.fields().len()).filter(|column| !key.contains(column)).collect();
        let fields = |columns: &[usize]| {
            columns.iter().filter_map(|&c| input.fields().get(c).cloned()).collect::<Fields>()
        };
        let (key_fields, value_schema) = (fields(&key), Arc::new(Schema::new(fields(&values))));
        plugin.reducer(stream, &value_schema)?;
        Ok(Self {
            plugin: Arc::clone(plugin),
            stream: stream.to_owned(),
            key,
            values,
            key_fields,
            value_schema,
        })
    }

    /// The key columns, then the values.
    pub(super) fn output(&self) -> SchemaRef {
        Arc::new(Schema::new(
            self.key_fields.iter().chain(self.value_schema.fields()).cloned().collect::<Fields>(),
        ))
    }
}

impl Factory for CombineFactory {
    fn make(&self) -> Result<Box<dyn Process>, OperatorError> {
        Ok(Box::new(Combine {
            key: self.key.clone(),
            values: self.values.clone(),
            output: self.output(),
            encoder: KeyEncoder::new(&self.key_fields)?,
            groups: Groups::default(),
            fresh: Waiting::new(Arc::clone(&self.value_schema)),
            combined: Waiting::new(Arc::clone(&self.value_schema)),
            merge_at: MAX_COMBINED_ROWS,
            reducer: self.plugin.reducer(&self.stream, &self.value_schema)?,
        }))
    }
}

struct Combine {
    key: Vec<usize>,
    values: Vec<usize>,
    output: SchemaRef,
    encoder: KeyEncoder,
    groups: Groups,
    /// Rows as they came in. Counted in rows, so that it doesn't matter how they came in blocks.
    fresh: Waiting,
    /// Rows that are combined already, a row a key for each call that the key was in.
    combined: Waiting,
    /// How many combined rows are combined with one another.
    merge_at: usize,
    reducer: Box<dyn Reducer>,
}

impl Process for Combine {
    fn process(&mut self, block: &RecordBatch, task: &TaskInfo, _: &mut Output) -> Result<(), OperatorError> {
        let mut start = 0;
        while start < block.num_rows() {
            let num_rows = (ENOUGH_ROWS - self.fresh.ids.len()).min(block.num_rows() - start);
            self.wait(&block.slice(start, num_rows))?;
            start += num_rows;
            if self.fresh.ids.len() == ENOUGH_ROWS {
                self.combine_fresh(task)?;
            }
            if self.combined.ids.len() >= self.merge_at {
                self.merge(task)?;
                self.merge_at = MAX_COMBINED_ROWS.max(self.groups.len() * 3);
            }
        }
        Ok(())
    }

    fn finish(&mut self, task: &TaskInfo, out: &mut Output) -> Result<(), OperatorError> {
        if self.groups.is_empty() {
            return Ok(());
        }
        self.combine_fresh(task)?;
        while self.combined.ids.len() > self.groups.len() {
            let before = self.combined.ids.len();
            self.merge(task)?;
            if self.combined.ids.len() == before {
                // Two rows of a key don't fit into one call, so they can never become one.
                return Err(OperatorError::KeyTooLarge(self.reducer.max_input()));
            }
        }
        // With a row a key, sorting leaves them in the order of the keys.
        let values = self.combined.take_sorted(self.groups.len())?;
        let (offsets, data) = self.groups.take();
        let mut columns = self.encoder.decode(offsets, data)?;
        columns.extend(values.iter().flat_map(|sorted| sorted.values.columns()).cloned());
        self.merge_at = MAX_COMBINED_ROWS;
        out.blocks.push(RecordBatch::try_new(Arc::clone(&self.output), columns)?);
        Ok(())
    }
}

impl Combine {
    fn wait(&mut self, block: &RecordBatch) -> Result<(), OperatorError> {
        let key: Vec<ArrayRef> =
            self.key.iter().filter_map(|&column| block.columns().get(column).cloned()).collect();
        let keys = self.encoder.encode(&key, block.num_rows())?;
        self.groups.ids(&keys, &mut self.fresh.ids)?;
        self.fresh.blocks.push(block.project(&self.values)?);
        Ok(())
    }

    fn combine_fresh(&mut self, task: &TaskInfo) -> Result<(), OperatorError> {
        match self.fresh.take_sorted(self.groups.len())? {
            Some(sorted) => self.combine(task, &sorted),
            None => Ok(()),
        }
    }

    fn merge(&mut self, task: &TaskInfo) -> Result<(), OperatorError> {
        match self.combined.take_sorted(self.groups.len())? {
            Some(sorted) => self.combine(task, &sorted),
            None => Ok(()),
        }
    }

    /// Combines sorted rows, so that a key has one row, or one for each call that its rows were in.
    fn combine(&mut self, task: &TaskInfo, sorted: &Sorted) -> Result<(), OperatorError> {
        let call = Call { time: task.time, partition: task.partition };
        let num_rows = sorted.ids.len();
        let mut start = 0;
        while start < num_rows {
            let end = num_rows.min(start + MAX_CALL_ROWS);
            let ids = sorted.ids.get(start..end).unwrap_or_default();
            self.call(&call, ids, &sorted.values.slice(start, end - start))?;
            start = end;
        }
        Ok(())
    }

    /// Combines rows that are sorted by key, in as few calls as the plugin's limit allows.
    fn call(&mut self, call: &Call, ids: &[u32], values: &RecordBatch) -> Result<(), OperatorError> {
        if ids.len() > 1 && bytes_of(values.columns()) > self.reducer.max_input().0 {
            let (first, second) = halves(values);
            let (first_ids, second_ids) = ids.split_at(first.num_rows());
            self.call(call, first_ids, &first)?;
            return self.call(call, second_ids, &second);
        }
        let (ends, keys) = runs(ids);
        let combined = self.reducer.reduce(call, &ends, values)?;
        self.combined.ids.extend(keys);
        self.combined.blocks.push(combined);
        Ok(())
    }
}

/// Where each run of equal ids ends, and its id.
fn runs(ids: &[u32]) -> (Vec<u32>, Vec<u32>) {
    let (mut ends, mut keys) = (Vec::new(), Vec::new());
    let mut end = 0_u32;
    for run in ids.chunk_by(|a, b| a == b) {
        end = end.saturating_add(u32::try_from(run.len()).unwrap_or(u32::MAX));
        ends.push(end);
        keys.extend(run.first());
    }
    (ends, keys)
}

/// Rows of values that wait to be combined, with the id of each one's key.
struct Waiting {
    schema: SchemaRef,
    ids: Vec<u32>,
    blocks: Vec<RecordBatch>,
}

struct Sorted {
    ids: Vec<u32>,
    values: RecordBatch,
}

impl Waiting {
    fn new(schema: SchemaRef) -> Self {
        Self { schema, ids: Vec::new(), blocks: Vec::new() }
    }

    /// Takes all rows, sorted by key; those of a key stay in order. None where nothing waits.
    fn take_sorted(&mut self, num_keys: usize) -> Result<Option<Sorted>, OperatorError> {
        let ids = std::mem::take(&mut self.ids);
        let Some(values) = concatenate(&self.schema, &std::mem::take(&mut self.blocks))? else {
            return Ok(None);
        };
        if ids.is_sorted() {
            return Ok(Some(Sorted { ids, values }));
        }
        let (rows, ids) = counting_sort(&ids, num_keys);
        Ok(Some(Sorted { ids, values: take_record_batch(&values, &UInt32Array::from(rows))? }))
    }
}

/// The rows in the order of their ids, and the ids in that order.
fn counting_sort(ids: &[u32], num_keys: usize) -> (Vec<u32>, Vec<u32>) {
    let mut next = vec![0_u32; num_keys + 1];
    for &id in ids {
        if let Some(count) = next.get_mut(id as usize + 1) {
            *count += 1;
        }
    }
    let mut total = 0;
    for start in &mut next {
        total += *start;
        *start = total;
    }
    let mut rows = vec![0_u32; ids.len()];
    let mut sorted = vec![0_u32; ids.len()];
    for (row, &id) in (0_u32..).zip(ids) {
        let Some(place) = next.get_mut(id as usize) else { continue };
        if let (Some(at), Some(key)) = (rows.get_mut(*place as usize), sorted.get_mut(*place as usize)) {
            (*at, *key) = (row, id);
        }
        *place += 1;
    }
    (rows, sorted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorting_by_id_is_stable() {
        let (rows, sorted) = counting_sort(&[2, 0, 2, 1, 0], 3);
        assert_eq!(rows, [1, 4, 3, 0, 2]);
        assert_eq!(sorted, [0, 0, 1, 2, 2]);
        assert_eq!(runs(&sorted), (vec![2, 3, 5], vec![0, 1, 2]));
    }
}
