//! Rows that wait, and their order by key.
//!
//! Blocks of values come in with the id of each row's key; out come the same rows sorted by it, those of a key in
//! the order in which they came. Knows nothing of plugins.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, PrimitiveArray, RecordBatch, UInt32Array,
};
use arrow::buffer::Buffer;
use arrow::compute::{concat, filter_record_batch, take};
use arrow::datatypes::{DataType, Float64Type, Int64Type, SchemaRef, TimeUnit, TimestampMicrosecondType};

use super::OperatorError;
use crate::partition::concatenate;

/// Rows of values that wait to be combined, with the id of each one's key.
pub(super) struct Waiting {
    schema: SchemaRef,
    pub(super) ids: Vec<u32>,
    pub(super) blocks: Vec<RecordBatch>,
    order: Order,
    spare: Spare,
}

/// Memory of rows that are done with.
#[derive(Default)]
struct Spare {
    ends: Vec<u32>,
    keys: Vec<u32>,
    /// Of columns of numbers.
    numbers: Vec<Buffer>,
}

/// Rows of values, those of each key together.
pub(super) struct Sorted {
    /// Where the rows of each key end.
    pub(super) ends: Vec<u32>,
    /// The ids of the keys, ascending.
    pub(super) keys: Vec<u32>,
    pub(super) values: RecordBatch,
}

impl Sorted {
    /// These of the rows. Those of a key may be others, too.
    pub(super) fn slice(&self, rows: Range<usize>) -> Self {
        let row = |row: usize| u32::try_from(row).unwrap_or(u32::MAX);
        let (start, end) = (row(rows.start), row(rows.end));
        let first = self.ends.partition_point(|key_end| *key_end <= start);
        let last = self.ends.partition_point(|key_end| *key_end < end);
        let ends = self.ends.get(first..=last).unwrap_or_default();
        Self {
            ends: ends.iter().map(|key_end| end.min(*key_end) - start).collect(),
            keys: self.keys.get(first..=last).unwrap_or_default().to_vec(),
            values: self.values.slice(rows.start, rows.len()),
        }
    }

    /// The rows of some of the keys, by their places in `keys`.
    pub(super) fn of_keys(&self, places: Range<usize>) -> Self {
        let end_of = |place: usize| {
            place.checked_sub(1).and_then(|last| self.ends.get(last)).map_or(0, |end| *end as usize)
        };
        let (start, end) = (end_of(places.start), end_of(places.end));
        let border = u32::try_from(start).unwrap_or(u32::MAX);
        let ends = self.ends.get(places.clone()).unwrap_or_default();
        Self {
            ends: ends.iter().map(|end| end - border).collect(),
            keys: self.keys.get(places).unwrap_or_default().to_vec(),
            values: self.values.slice(start, end - start),
        }
    }

    /// The rows whose key is `chosen`, and the others.
    pub(super) fn partition(
        &self,
        mut chosen: impl FnMut(u32) -> bool,
    ) -> Result<(Self, Self), OperatorError> {
        let is_chosen: Vec<bool> = self.keys.iter().map(|&key| chosen(key)).collect();
        Ok((self.only(&is_chosen)?, self.only(&is_chosen.iter().map(|chosen| !chosen).collect::<Vec<_>>())?))
    }

    /// The rows of the keys that are `wanted`.
    fn only(&self, wanted: &[bool]) -> Result<Self, OperatorError> {
        let (mut ends, mut keys, mut rows) = (Vec::new(), Vec::new(), Vec::new());
        let (mut start, mut total) = (0, 0);
        for ((&end, &key), &wanted) in self.ends.iter().zip(&self.keys).zip(wanted) {
            let num_rows = end - start;
            rows.resize(rows.len() + num_rows as usize, wanted);
            if wanted {
                total += num_rows;
                ends.push(total);
                keys.push(key);
            }
            start = end;
        }
        Ok(Self { ends, keys, values: filter_record_batch(&self.values, &BooleanArray::from(rows))? })
    }

    /// The id of each row's key.
    pub(super) fn ids(&self) -> Vec<u32> {
        let mut ids = Vec::with_capacity(self.values.num_rows());
        for (&end, &key) in self.ends.iter().zip(&self.keys) {
            ids.resize(end as usize, key);
        }
        ids
    }
}

impl Waiting {
    pub(super) fn new(schema: SchemaRef) -> Self {
        Self { schema, ids: Vec::new(), blocks: Vec::new(), order: Order::default(), spare: Spare::default() }
    }

    /// The schema of the values.
    pub(super) fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Takes all rows, sorted by key; those of a key stay in order. None where nothing waits. Memory is kept for more rows,
    /// until `give_back`.
    pub(super) fn take_sorted(&mut self, num_keys: usize) -> Result<Option<Sorted>, OperatorError> {
        let blocks = std::mem::take(&mut self.blocks);
        if blocks.is_empty() {
            return Ok(None);
        }
        let spare = std::mem::take(&mut self.spare);
        self.order.count(&self.ids, num_keys);
        let (ends, keys) = self.order.ends(spare.ends, spare.keys);
        // Rows without columns are all alike.
        let values = match self.ids.is_sorted() || self.schema.fields().is_empty() {
            true => concatenate(&self.schema, &blocks)?,
            false => Some(arranged(&self.schema, &blocks, self.order.places(&self.ids), spare.numbers)?),
        };
        self.ids.clear();
        Ok(values.map(|values| Sorted { ends, keys, values }))
    }

    /// Takes the memory of rows that were taken and are done with, to sort more of them into it.
    pub(super) fn recycle(&mut self, sorted: Sorted) {
        let columns = sorted.values.columns().iter().filter(|column| column.data_type().is_numeric());
        let numbers = columns.flat_map(|column| column.to_data().buffers().to_vec()).collect();
        self.spare = Spare { ends: sorted.ends, keys: sorted.keys, numbers };
    }

    /// Gives the memory back that is kept for more rows.
    pub(super) fn give_back(&mut self) {
        self.ids.shrink_to_fit();
        self.order = Order::default();
        self.spare = Spare::default();
    }
}

/// The rows of `blocks`, each at its place. Numbers go into the memory of `spare`, as far as it goes.
fn arranged(
    schema: &SchemaRef,
    blocks: &[RecordBatch],
    places: &[u32],
    mut spare: Vec<Buffer>,
) -> Result<RecordBatch, OperatorError> {
    let mut rows = None;
    let columns = (0..schema.fields().len()).map(|column| {
        let parts: Vec<&dyn Array> =
            blocks.iter().filter_map(|block| block.columns().get(column)).map(AsRef::as_ref).collect();
        Ok(match scattered_numbers(&parts, places, &mut spare) {
            Some(values) => values,
            None => take(&concat(&parts)?, rows.get_or_insert_with(|| rows_at(places)), None)?,
        })
    });
    let columns = columns.collect::<Result<_, OperatorError>>()?;
    Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
}

/// Which row is at each place.
fn rows_at(places: &[u32]) -> UInt32Array {
    let mut rows = vec![0; places.len()];
    for (row, place) in (0..).zip(places) {
        rows.get_mut(*place as usize).into_iter().for_each(|at| *at = row);
    }
    UInt32Array::from(rows)
}

/// The values of `parts`, each at its place, where they are numbers and all there: written there at once, without a
/// copy of them all in between.
fn scattered_numbers(parts: &[&dyn Array], places: &[u32], spare: &mut Vec<Buffer>) -> Option<ArrayRef> {
    let data_type = parts.first()?.data_type();
    match data_type {
        _ if parts.iter().any(|part| part.null_count() > 0) => None,
        DataType::Int64 => Some(Arc::new(scattered::<Int64Type>(parts, places, spare)?)),
        DataType::Float64 => Some(Arc::new(scattered::<Float64Type>(parts, places, spare)?)),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let times = scattered::<TimestampMicrosecondType>(parts, places, spare)?;
            Some(Arc::new(times.with_data_type(data_type.clone())))
        }
        _ => None,
    }
}

/// None where the values are not as many as their places.
fn scattered<T: ArrowPrimitiveType>(
    parts: &[&dyn Array],
    places: &[u32],
    spare: &mut Vec<Buffer>,
) -> Option<PrimitiveArray<T>> {
    if parts.iter().map(|part| part.len()).sum::<usize>() != places.len() {
        return None;
    }
    // Not where most of it would be held for nothing, as long as these rows are.
    let num_bytes = places.len() * size_of::<T::Native>();
    let spare = spare.pop().filter(|spare| spare.capacity() / 2 <= num_bytes);
    let mut values = spare
        .and_then(|spare| spare.into_vec().ok())
        .unwrap_or_else(|| vec![T::Native::default(); places.len()]);
    // What it holds is written over: each place comes once.
    values.resize(places.len(), T::Native::default());
    let mut places = places.iter();
    for part in parts {
        for (value, place) in part.as_primitive_opt::<T>()?.values().iter().zip(places.by_ref()) {
            *values.get_mut(*place as usize)? = *value;
        }
    }
    Some(PrimitiveArray::new(values.into(), None))
}

/// The order of rows by their ids, found by counting.
#[derive(Default)]
struct Order {
    /// Where the rows of each id begin, and behind the last one where all end.
    starts: Vec<u32>,
    places: Vec<u32>,
}

impl Order {
    /// Counts rows with these ids, of which there are `num_keys`, instead of those before.
    fn count(&mut self, ids: &[u32], num_keys: usize) {
        self.starts.clear();
        self.starts.resize(num_keys + 1, 0);
        for &id in ids {
            if let Some(count) = self.starts.get_mut(id as usize + 1) {
                *count += 1;
            }
        }
        let mut total = 0;
        for start in &mut self.starts {
            total += *start;
            *start = total;
        }
    }

    /// Where the rows of each id end that has any, and these ids, in the memory of `ends` and `keys`.
    fn ends(&self, mut ends: Vec<u32>, mut keys: Vec<u32>) -> (Vec<u32>, Vec<u32>) {
        let num_keys = self.starts.len().saturating_sub(1);
        ends.resize(num_keys, 0);
        keys.resize(num_keys, 0);
        // Written for every id, and written over where it has no row: no branch that could be guessed wrong.
        let mut found = 0;
        for (id, (start, end)) in (0_u32..).zip(self.starts.iter().zip(self.starts.iter().skip(1))) {
            if let (Some(last_end), Some(key)) = (ends.get_mut(found), keys.get_mut(found)) {
                (*last_end, *key) = (*end, id);
            }
            found += usize::from(start < end);
        }
        ends.truncate(found);
        keys.truncate(found);
        (ends, keys)
    }

    /// Where each row goes. Afterwards the starts are ends.
    fn places(&mut self, ids: &[u32]) -> &[u32] {
        let place = |id: &u32| match self.starts.get_mut(*id as usize) {
            Some(place) => std::mem::replace(place, place.wrapping_add(1)),
            None => u32::MAX,
        };
        self.places.clear();
        self.places.extend(ids.iter().map(place));
        &self.places
    }
}

/// The rows `rows` of `columns`.
pub(super) fn of_rows(columns: &[ArrayRef], rows: &[u32]) -> Result<Vec<ArrayRef>, OperatorError> {
    let rows = UInt32Array::from_iter_values(rows.iter().copied());
    Ok(columns.iter().map(|column| take(column, &rows, None)).collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use arrow::array::{Float64Array, Int64Array, StringArray, TimestampMicrosecondArray};
    use arrow::datatypes::{Field, Schema};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        // Several times, because each time goes into the memory of the last.
        #[test]
        fn rows_of_any_columns_are_sorted_like_their_numbers(
            rounds in prop::collection::vec(
                prop::collection::vec(prop::collection::vec((0_u32..9, prop::option::of(0_i64..1000)), 0..9), 0..5),
                1..4,
            ),
        ) {
            let utc: Option<Arc<str>> = Some("+00:00".into());
            let time = DataType::Timestamp(TimeUnit::Microsecond, utc.clone());
            let types = [DataType::Int64, DataType::Float64, time, DataType::Utf8, DataType::Int64];
            let fields = types.into_iter().enumerate();
            let fields: Vec<_> =
                fields.map(|(i, data_type)| Field::new(i.to_string(), data_type, i == 4)).collect();
            let schema: SchemaRef = Arc::new(Schema::new(fields));
            let mut waiting = Waiting::new(Arc::clone(&schema));
            let mut num_rows = 0;
            for blocks in rounds {
                let mut expected: Vec<(u32, i64, Option<i64>)> = Vec::new();
                let is_empty = blocks.is_empty();
                for block in blocks {
                    let numbers: Vec<i64> = (num_rows..).take(block.len()).collect();
                    num_rows += block.len() as i64;
                    let each = || numbers.iter().copied();
                    let columns: Vec<ArrayRef> = vec![
                        Arc::new(Int64Array::from_iter_values(each())),
                        Arc::new(Float64Array::from_iter_values(each().map(|n| n as f64))),
                        Arc::new(TimestampMicrosecondArray::from_iter_values(each()).with_timezone_opt(utc.clone())),
                        Arc::new(StringArray::from_iter_values(each().map(|n| n.to_string()))),
                        Arc::new(Int64Array::from_iter(block.iter().map(|(_, value)| *value))),
                    ];
                    waiting.ids.extend(block.iter().map(|(id, _)| id));
                    waiting.blocks.push(RecordBatch::try_new(Arc::clone(&schema), columns).unwrap());
                    expected.extend(block.iter().zip(numbers).map(|((id, value), number)| (*id, number, *value)));
                }
                expected.sort_by_key(|(id, ..)| *id);
                let sorted = waiting.take_sorted(9).unwrap();
                prop_assert_eq!(sorted.is_none(), is_empty);
                let Some(sorted) = sorted else { continue };
                prop_assert_eq!(sorted.ids(), expected.iter().map(|(id, ..)| *id).collect::<Vec<_>>());
                let column = |index: usize| arrow::compute::cast(sorted.values.column(index), &DataType::Int64).unwrap();
                let numbers: Vec<_> = expected.iter().map(|(_, number, _)| Some(*number)).collect();
                for index in 0..4 {
                    prop_assert_eq!(column(index).as_primitive::<Int64Type>().iter().collect::<Vec<_>>(), numbers.clone());
                }
                let values: Vec<_> = expected.iter().map(|(.., value)| *value).collect();
                prop_assert_eq!(column(4).as_primitive::<Int64Type>().iter().collect::<Vec<_>>(), values);
                waiting.recycle(sorted);
            }
        }
    }

    #[test]
    fn numbers_are_sorted_into_memory_that_was_given_for_it_unless_it_is_far_too_much() {
        let numbers = |numbers: &[i64]| -> ArrayRef { Arc::new(Int64Array::from(numbers.to_vec())) };
        let schema = RecordBatch::try_from_iter([("n", numbers(&[]))]).unwrap().schema();
        let mut waiting = Waiting::new(Arc::clone(&schema));
        let mut sort = |ids: &[u32], column| {
            waiting.ids.extend(ids);
            waiting.blocks.push(RecordBatch::try_new(Arc::clone(&schema), vec![column]).unwrap());
            let sorted = waiting.take_sorted(2).unwrap().unwrap();
            let values = sorted.values.column(0).as_primitive::<Int64Type>().values().clone();
            let found = (values.to_vec(), values.as_ptr(), values.inner().capacity());
            drop(values);
            waiting.recycle(sorted);
            found
        };
        let (first, place, _) = sort(&[1, 0, 1, 1, 0, 0], numbers(&[1, 2, 3, 4, 5, 6]));
        let (second, same_place, _) = sort(&[1, 0, 1, 0], numbers(&[7, 8, 9, 0]));
        assert_eq!((first, second), (vec![2, 5, 6, 1, 3, 4], vec![8, 0, 7, 9]));
        assert_eq!(place, same_place);
        let (third, _, capacity) = sort(&[1, 0], numbers(&[1, 2]));
        assert_eq!((third, capacity), (vec![2, 1], 2 * size_of::<i64>()));
    }

    #[test]
    fn sorting_by_id_is_stable() {
        let ids = [2, 0, 2, 4, 0];
        let mut order = Order::default();
        order.count(&ids, 5);
        assert_eq!(order.ends(vec![7; 9], vec![]), (vec![2, 4, 5], vec![0, 2, 4]));
        assert_eq!(order.places(&ids), [2, 0, 3, 4, 1]);
    }

    #[test]
    fn sorted_rows_are_cut_within_a_key_or_between_two() {
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
        let halves = |row: usize| (sorted.slice(0..row), sorted.slice(row..5));
        let (first, second) = halves(2);
        assert_eq!(shape(&first), (vec![2], vec![0], vec![0, 1]));
        assert_eq!(shape(&second), (vec![2, 3], vec![2, 4], vec![2, 3, 4]));
        let (first, second) = halves(3);
        assert_eq!(shape(&first), (vec![2, 3], vec![0, 2], vec![0, 1, 2]));
        assert_eq!(shape(&second), (vec![1, 2], vec![2, 4], vec![3, 4]));
    }

    #[test]
    fn sorted_rows_are_chosen_by_key() {
        let column: ArrayRef = Arc::new(Int64Array::from_iter_values(0..5));
        let values = RecordBatch::try_from_iter([("n", column)]).unwrap();
        let sorted = Sorted { ends: vec![2, 4, 5], keys: vec![0, 2, 4], values };
        let shape = |part: &Sorted| {
            let values = part.values.column(0).as_primitive::<Int64Type>().values().to_vec();
            (part.ends.clone(), part.ids(), values)
        };
        assert_eq!(shape(&sorted.of_keys(1..3)), (vec![2, 3], vec![2, 2, 4], vec![2, 3, 4]));
        assert_eq!(shape(&sorted.of_keys(0..1)), (vec![2], vec![0, 0], vec![0, 1]));
        let (chosen, others) = sorted.partition(|key| key == 2).unwrap();
        assert_eq!(shape(&chosen), (vec![2], vec![2, 2], vec![2, 3]));
        assert_eq!(shape(&others), (vec![2, 3], vec![0, 0, 4], vec![0, 1, 4]));
    }
}
