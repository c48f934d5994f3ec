//! The operators of the word count as native code, with the same algorithms as the plugins that ship.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Int64Type};
use tidemill::plugin::{NativeReducer, NativeTransformer, TransformPlan, Transformed};

/// Splits lines into words, each with a 1.
pub fn split_words() -> NativeTransformer {
    let field = |name, data_type| Arc::new(Field::new(name, data_type, false));
    let produces = vec![field("word", DataType::Utf8), field("n", DataType::Int64)];
    let plan = TransformPlan { reads: vec![0], carries: Vec::new(), produces };
    NativeTransformer::new("split_words", plan, |columns, _| {
        let [column] = columns else { return Err("one column is wanted".to_owned()) };
        split(column).map_err(|error| error.to_string())
    })
}

fn split(column: &ArrayRef) -> Result<Transformed, arrow::error::ArrowError> {
    let lines = column.as_string::<i32>();
    let num_bytes = lines.value_data().len();
    let mut data = Vec::with_capacity(num_bytes);
    let mut offsets = Vec::with_capacity(num_bytes / 4);
    let mut origins = Vec::with_capacity(num_bytes / 4);
    offsets.push(0_i32);
    for (row, line) in (0_u32..).zip(lines.iter()) {
        tidemill_plugin::words(line.unwrap_or_default()).for_each(|word| {
            data.extend_from_slice(word.as_bytes());
            offsets.push(data.len() as i32);
            origins.push(row);
        });
    }
    let num_rows = origins.len();
    let words =
        StringArray::try_new(OffsetBuffer::new(ScalarBuffer::from(offsets)), Buffer::from_vec(data), None)?;
    let columns: Vec<ArrayRef> = vec![Arc::new(words), Arc::new(Int64Array::from(vec![1; num_rows]))];
    Ok(Transformed { columns, num_rows, origins: Some(origins), rejects: Vec::new() })
}

/// Adds up a column of integers.
pub fn sum() -> NativeReducer {
    NativeReducer::new("sum", |ends, values| {
        let column = values.column(0).as_primitive::<Int64Type>().values();
        let mut start = 0;
        let mut totals = Vec::with_capacity(ends.len());
        for &end in ends {
            let group = column.get(start..end as usize).unwrap_or_default();
            let total = group.iter().try_fold(0_i64, |total, value| total.checked_add(*value));
            totals.push(total.ok_or("a sum does not fit int64")?);
            start = end as usize;
        }
        let columns: Vec<ArrayRef> = vec![Arc::new(Int64Array::from(totals))];
        RecordBatch::try_new(values.schema(), columns).map_err(|error| error.to_string())
    })
}
