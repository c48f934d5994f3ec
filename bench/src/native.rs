//! The operators of the word count as native code, with the same algorithms as the plugins that ship.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Int64Type};
use tidemill::plugin::{NativeReducer, NativeTransformer, TransformPlan, Transformed};
use tidemill_plugin::{ColumnWords, Groups};

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
    let offsets = lines.offsets().inner().inner().typed_data();
    let ColumnWords { words, origins } =
        tidemill_plugin::words_of(offsets, lines.value_data(), |row| lines.is_valid(row))
            .map_err(arrow::error::ArrowError::ComputeError)?;
    let num_rows = origins.len();
    let offsets = OffsetBuffer::new(ScalarBuffer::from(Buffer::from_vec(words.offsets)));
    let words = StringArray::try_new(offsets, Buffer::from_vec(words.data), None)?;
    let columns: Vec<ArrayRef> = vec![Arc::new(words), Arc::new(Int64Array::from(vec![1; num_rows]))];
    Ok(Transformed { columns, num_rows, origins: Some(origins), rejects: Vec::new() })
}

/// Adds up a column of integers.
pub fn sum() -> NativeReducer {
    NativeReducer::new("sum", |ends, values| {
        let column = values.column(0).as_primitive::<Int64Type>().values();
        let groups = Groups::new(ends, column.len() as u32)?;
        let totals = tidemill_plugin::sums_of(column, groups).ok_or("a sum does not fit int64")?;
        let columns: Vec<ArrayRef> = vec![Arc::new(Int64Array::from(totals))];
        RecordBatch::try_new(values.schema(), columns).map_err(|error| error.to_string())
    })
}
