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

use super::transform::bytes_of;
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
        let num_rows = sorted.values.num_rows();
        let is_large =
            num_rows > MAX_CALL_ROWS || bytes_of(sorted.values.columns()) > self.reducer.max_input().0;
        if is_large && num_rows > 1 {
            let (first, second) = sorted.split_at(num_rows / 2);
            self.combine(task, &first)?;
            return self.combine(task, &second);
        }
        let call = Call { time: task.time, partition: task.partition };
        let combined = self.reducer.reduce(&call, &sorted.ends, &sorted.values)?;
        self.combined.ids.extend(&sorted.keys);
        self.combined.blocks.push(combined);
        Ok(())
    }
}

/// Rows of values that wait to be combined, with the id of each one's key.
struct Waiting {
    schema: SchemaRef,
    ids: Vec<u32>,
    blocks: Vec<RecordBatch>,
}

/// Rows of values, those of each key together.
struct Sorted {
    /// Where the rows of each key end.
    ends: Vec<u32>,
    /// The ids of the keys, ascending.
    keys: Vec<u32>,
    values: RecordBatch,
}

impl Sorted {
    /// The first `row` rows, and the others. The rows of a key may fall to both.
    fn split_at(&self, row: usize) -> (Self, Self) {
        let (left, right) = (row, self.values.num_rows() - row);
        let border = u32::try_from(row).unwrap_or(u32::MAX);
        let whole = self.ends.partition_point(|end| *end <= border);
        let (ends, later_ends) = self.ends.split_at(whole);
        let (keys, later_keys) = self.keys.split_at(whole);
        let (mut ends, mut keys) = (ends.to_vec(), keys.to_vec());
        if ends.last().copied().unwrap_or(0) < border {
            ends.push(border);
            keys.extend(later_keys.first());
        }
        let later_ends = later_ends.iter().map(|end| end - border).collect();
        (
            Self { ends, keys, values: self.values.slice(0, left) },
            Self { ends: later_ends, keys: later_keys.to_vec(), values: self.values.slice(left, right) },
        )
    }
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
        let mut order = Order::of(&ids, num_keys);
        let (ends, keys) = order.ends();
        let values = match ids.is_sorted() {
            true => values,
            false => take_record_batch(&values, &UInt32Array::from(order.rows(&ids)))?,
        };
        Ok(Some(Sorted { ends, keys, values }))
    }
}

/// The order of rows by their ids, found by counting.
struct Order {
    /// Where the rows of each id begin, and behind the last one where all end.
    starts: Vec<u32>,
}

impl Order {
    fn of(ids: &[u32], num_keys: usize) -> Self {
        let mut starts = vec![0_u32; num_keys + 1];
        for &id in ids {
            if let Some(count) = starts.get_mut(id as usize + 1) {
                *count += 1;
            }
        }
        let mut total = 0;
        for start in &mut starts {
            total += *start;
            *start = total;
        }
        Self { starts }
    }

    /// Where the rows of each id end that has any, and these ids.
    fn ends(&self) -> (Vec<u32>, Vec<u32>) {
        let (mut ends, mut keys) = (Vec::new(), Vec::new());
        for (id, (start, end)) in (0_u32..).zip(self.starts.iter().zip(self.starts.iter().skip(1))) {
            if start < end {
                ends.push(*end);
                keys.push(id);
            }
        }
        (ends, keys)
    }

    /// The rows in their order. Afterwards the starts are ends.
    fn rows(&mut self, ids: &[u32]) -> Vec<u32> {
        let mut rows = vec![0_u32; ids.len()];
        for (row, &id) in (0_u32..).zip(ids) {
            let Some(place) = self.starts.get_mut(id as usize) else { continue };
            if let Some(at) = rows.get_mut(*place as usize) {
                *at = row;
            }
            *place += 1;
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, Int64Array};
    use arrow::datatypes::Int64Type;

    use super::*;

    #[test]
    fn sorting_by_id_is_stable() {
        let ids = [2, 0, 2, 4, 0];
        let mut order = Order::of(&ids, 5);
        assert_eq!(order.ends(), (vec![2, 4, 5], vec![0, 2, 4]));
        assert_eq!(order.rows(&ids), [1, 4, 0, 2, 3]);
    }

    #[test]
    fn sorted_rows_are_split_within_a_key_or_between_two() {
        let column: ArrayRef = Arc::new(Int64Array::from_iter_values(0..5));
        let values = RecordBatch::try_from_iter([("n", column)]).unwrap();
        let sorted = Sorted { ends: vec![2, 4, 5], keys: vec![0, 2, 4], values };
        let shape = |half: &Sorted| {
            (
                half.ends.clone(),
                half.keys.clone(),
                half.values.column(0).as_primitive::<Int64Type>().values().to_vec(),
            )
        };
        let (first, second) = sorted.split_at(2);
        assert_eq!(shape(&first), (vec![2], vec![0], vec![0, 1]));
        assert_eq!(shape(&second), (vec![2, 3], vec![2, 4], vec![2, 3, 4]));
        let (first, second) = sorted.split_at(3);
        assert_eq!(shape(&first), (vec![2, 3], vec![0, 2], vec![0, 1, 2]));
        assert_eq!(shape(&second), (vec![1, 2], vec![2, 4], vec![3, 4]));
    }
}
