//! The functions as plugins of the program, and rows as blocks of columns.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type, Schema, SchemaRef};
use tidemill::plugin::{
    CogroupInput, KeyedRows, NativeCogrouper, NativeReducer, NativeTransformer, NativeUpdater, TransformPlan,
    Transformed, UpdateInput, Updated,
};

use super::functions::{Key, Map, Row, Value, drift, fold, key_of, key_text, passes, settle, timed_out};

/// The columns of all streams: `k` and `n`.
pub fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("k", DataType::Utf8, true),
        Field::new("n", DataType::Int64, false),
    ]))
}

fn number_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]))
}

fn columns(rows: &[Row]) -> Vec<ArrayRef> {
    let keys: StringArray = rows.iter().map(|row| row.0.map(key_text)).collect();
    vec![Arc::new(keys), Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.1)))]
}

/// Rows as a block.
pub fn block(rows: &[Row]) -> RecordBatch {
    RecordBatch::try_new(schema(), columns(rows)).unwrap()
}

/// The rows of a block, or of the columns of one.
pub fn rows(columns: &[ArrayRef]) -> Vec<Row> {
    keys(&columns[0]).into_iter().zip(numbers(&columns[1]).iter().copied()).collect()
}

fn keys(column: &ArrayRef) -> Vec<Key> {
    column.as_string::<i32>().iter().map(|key| key.map(key_of)).collect()
}

fn numbers(column: &ArrayRef) -> &[i64] {
    column.as_primitive::<Int64Type>().values()
}

fn number_block(numbers: Vec<i64>) -> RecordBatch {
    RecordBatch::try_new(number_schema(), vec![Arc::new(Int64Array::from(numbers))]).unwrap()
}

/// A transform that makes any number of rows of each.
fn transformer(
    name: &str,
    reads: Vec<usize>,
    make: impl Fn(&[ArrayRef], usize) -> Vec<Row> + Send + Sync + 'static,
) -> NativeTransformer {
    let plan = TransformPlan { reads, carries: Vec::new(), produces: schema().fields().to_vec() };
    NativeTransformer::new(name, plan, move |given, num_rows| {
        let (mut made, mut origins) = (Vec::new(), Vec::new());
        for row in 0..num_rows {
            made.extend(make(given, row));
            origins.resize(made.len(), row as u32);
        }
        Ok(Transformed {
            columns: columns(&made),
            num_rows: made.len(),
            origins: Some(origins),
            rejects: Vec::new(),
        })
    })
}

/// `map` as a transform.
pub fn mapper(map: Map) -> NativeTransformer {
    transformer("map", vec![0, 1], move |given, row| {
        map.apply((keys(&given[0].slice(row, 1))[0], numbers(&given[1])[row]))
    })
}

/// A transform of any columns to key and number. Rows without a key, `k`, get the same.
pub fn folder(input: &SchemaRef, in_order: bool) -> NativeTransformer {
    let key = input.index_of("k").ok();
    transformer("fold", (0..input.fields().len()).collect(), move |given, row| {
        let values = given.iter().enumerate().filter(|(index, _)| Some(*index) != key);
        let values: Vec<Value> = values.map(|(_, column)| value(column, row)).collect();
        let key = key.map_or(Some(0), |key| keys(&given[key].slice(row, 1))[0]);
        vec![(key, fold(&values, in_order))]
    })
}

fn value(column: &ArrayRef, row: usize) -> Value {
    match column.data_type() {
        DataType::Int64 => Value::Int(column.is_valid(row).then(|| numbers(column)[row])),
        DataType::Float64 => Value::Float(column.as_primitive::<Float64Type>().value(row)),
        _ => Value::List(serde_json::from_str(column.as_string::<i32>().value(row)).unwrap()),
    }
}

/// A transform that keeps what passes, and carries both columns.
pub fn filter() -> NativeTransformer {
    let plan = TransformPlan { reads: vec![1], carries: vec![0, 1], produces: Vec::new() };
    NativeTransformer::new("filter", plan, |given, _| {
        let passing = numbers(&given[0]).iter().zip(0..).filter(|(number, _)| passes(**number));
        let origins: Vec<u32> = passing.map(|(_, row)| row).collect();
        Ok(Transformed {
            columns: Vec::new(),
            num_rows: origins.len(),
            origins: Some(origins),
            rejects: Vec::new(),
        })
    })
}

/// A transform that drops the key.
pub fn only_numbers() -> NativeTransformer {
    let plan = TransformPlan { reads: Vec::new(), carries: vec![1], produces: Vec::new() };
    NativeTransformer::new("only_numbers", plan, |_, num_rows| {
        Ok(Transformed { columns: Vec::new(), num_rows, origins: None, rejects: Vec::new() })
    })
}

/// The groups of `values`, which end where `ends` says.
fn groups<'a>(ends: &'a [u32], values: &'a RecordBatch) -> impl Iterator<Item = &'a [i64]> {
    let starts = std::iter::once(&0).chain(ends);
    let all = numbers(values.column(0));
    starts.zip(ends).map(move |(start, end)| &all[*start as usize..*end as usize])
}

/// A sum with its inverse.
pub fn sum() -> NativeReducer {
    let sums = |ends: &[u32], values: &RecordBatch| {
        groups(ends, values).map(|group| group.iter().sum::<i64>()).collect()
    };
    NativeReducer::new("sum", move |ends, values| Ok(number_block(sums(ends, values)))).with_inverse(
        move |totals, ends, values| {
            let sums: Vec<i64> = sums(ends, values);
            let rest = numbers(totals.column(0)).iter().zip(sums).map(|(total, sum)| total - sum);
            Ok(number_block(rest.collect()))
        },
    )
}

/// `settle` as a cogroup.
pub fn settler() -> NativeCogrouper {
    NativeCogrouper::new("settle", number_schema(), |input: &CogroupInput| {
        let sides = groups(&input.left_ends, &input.left).zip(groups(&input.right_ends, &input.right));
        let (mut told, mut origins) = (Vec::new(), Vec::new());
        for ((left, right), key) in sides.zip(0..) {
            told.extend(settle(left, right));
            origins.resize(told.len(), key);
        }
        Ok(KeyedRows { rows: number_block(told), origins })
    })
}

/// What an updater puts out beside the states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tells {
    /// Nothing.
    Nothing,
    /// A row for each number.
    Numbers,
    /// A row for each key.
    Keys,
}

/// `drift` as an updater.
pub fn updater(tells: Tells) -> NativeUpdater {
    let output = if tells == Tells::Nothing { Arc::new(Schema::empty()) } else { number_schema() };
    NativeUpdater::new("drift", number_schema(), Arc::clone(&output), move |_, input: &UpdateInput| {
        let known = numbers(input.states.column(0)).iter().zip(&input.known);
        let known = known.map(|(state, is_known)| is_known.then_some(*state));
        let (mut states, mut told, mut origins) = (Vec::new(), Vec::new(), Vec::new());
        let keys = groups(&input.ends, &input.values).zip(known).zip(&input.timed_out);
        for (((given, known), timed), key) in keys.zip(0..) {
            let whole = [given.iter().sum()];
            let given = if tells == Tells::Keys && !given.is_empty() { &whole } else { given };
            let mut state = known;
            match (tells, timed) {
                (Tells::Nothing, _) => state = drift(state, given),
                (_, true) => told.extend(state.take().map(timed_out)),
                _ => given.iter().for_each(|number| {
                    told.push(state.unwrap_or(0) + number);
                    state = drift(state, &[*number]);
                }),
            }
            origins.resize(told.len(), key);
            states.push(state);
        }
        let rows = match tells {
            Tells::Nothing => RecordBatch::new_empty(Arc::clone(&output)),
            _ => number_block(told),
        };
        Ok(Updated {
            kept: states.iter().map(Option::is_some).collect(),
            states: number_block(states.into_iter().map(Option::unwrap_or_default).collect()),
            output: KeyedRows { rows, origins },
        })
    })
}
