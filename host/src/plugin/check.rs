//! What a guest answers, as Arrow columns: nothing is believed until it was looked at.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Float64Array, Int64Array, RecordBatch, RecordBatchOptions,
    StringArray, TimestampMicrosecondArray,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{Field, FieldRef, Schema, SchemaRef};

use super::KeyedRows;
use super::bindings::types::{
    BatchResult, ColumnResult, DataType as Wit, FieldResult, ValuesResult, VarlenResult,
};
use super::error::{Limit, PluginFailure};
use super::limits::Limits;
use crate::record::{DataType, UTC, describe_field};

/// The most columns that a plugin may answer.
const MAX_COLUMNS: usize = 1000;
/// The longest name of a column, in bytes.
const MAX_NAME_BYTES: usize = 255;

/// The columns of `batch`, which are to fit `fields`. The error says how they don't.
fn columns(batch: BatchResult, fields: &[FieldRef]) -> Result<Vec<ArrayRef>, String> {
    if batch.columns.len() != fields.len() {
        return Err(format!("it has {} columns, and {} were promised", batch.columns.len(), fields.len()));
    }
    let num_rows = batch.rows as usize;
    let checked = batch.columns.into_iter().zip(fields).map(|(values, field)| {
        column(values, field, num_rows).map_err(|problem| format!("column `{}`: {problem}", field.name()))
    });
    checked.collect()
}

/// The columns of `batch`, which are to fit `fields` and the limits of an answer.
pub(super) fn columns_within(
    batch: BatchResult,
    fields: &[FieldRef],
    limits: &Limits,
) -> Result<Vec<ArrayRef>, PluginFailure> {
    if batch.rows > limits.output_rows {
        return Err(PluginFailure::Limit(Limit::OutputRows(limits.output_rows)));
    }
    let columns = columns(batch, fields).map_err(PluginFailure::InvalidAnswer)?;
    let num_bytes = columns.iter().map(|column| column.get_array_memory_size() as u64).sum::<u64>();
    if num_bytes > limits.output.0 {
        return Err(PluginFailure::Limit(Limit::Output(limits.output)));
    }
    Ok(columns)
}

/// The rows of `batch`, which are to fit `schema` and the limits of an answer.
pub(super) fn rows(
    batch: BatchResult,
    schema: &SchemaRef,
    limits: &Limits,
) -> Result<RecordBatch, PluginFailure> {
    let options = RecordBatchOptions::new().with_row_count(Some(batch.rows as usize));
    let columns = columns_within(batch, schema.fields(), limits)?;
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
        .map_err(|error| PluginFailure::InvalidAnswer(error.to_string()))
}

/// The rows of `batch`, which are to be one for each of `wanted` things called `what`.
pub(super) fn one_each(
    what: &str,
    wanted: usize,
    batch: BatchResult,
    schema: &SchemaRef,
    limits: &Limits,
) -> Result<RecordBatch, PluginFailure> {
    if batch.rows as usize != wanted {
        let problem = format!("it has {} rows, and there are {wanted} {what}", batch.rows);
        return Err(PluginFailure::InvalidAnswer(problem));
    }
    rows(batch, schema, limits)
}

/// The rows of `batch`, each of which is to belong to one of `num_keys` keys.
pub(super) fn keyed_rows(
    batch: BatchResult,
    keys: Vec<u32>,
    num_keys: usize,
    schema: &SchemaRef,
    limits: &Limits,
) -> Result<KeyedRows, PluginFailure> {
    origins(&keys, batch.rows as usize, num_keys).map_err(PluginFailure::InvalidAnswer)?;
    Ok(KeyedRows { rows: rows(batch, schema, limits)?, origins: keys })
}

/// Where each of `num_rows` rows comes from, which are to be indices below `end`.
pub(super) fn origins(answered: &[u32], num_rows: usize, end: usize) -> Result<(), String> {
    if answered.len() != num_rows {
        return Err(format!("it tells the origins of {} rows, and answers {num_rows}", answered.len()));
    }
    indices("origin", answered, end)
}

/// A schema that a plugin answers at `open` for `what`.
pub(super) fn schema(what: &str, answered: Vec<FieldResult>) -> Result<SchemaRef, PluginFailure> {
    let fields = fields(answered)
        .map_err(|problem| PluginFailure::InvalidAnswer(format!("open: {what}: {problem}")))?;
    Ok(Arc::new(Schema::new(fields)))
}

/// The columns that a plugin answers at `open`.
pub(super) fn fields(answered: Vec<FieldResult>) -> Result<Vec<FieldRef>, String> {
    if answered.len() > MAX_COLUMNS {
        return Err(format!("it has {} columns; at most {MAX_COLUMNS} are allowed", answered.len()));
    }
    let mut fields: Vec<FieldRef> = Vec::with_capacity(answered.len());
    for field in answered {
        if field.name.is_empty() || field.name.len() > MAX_NAME_BYTES {
            return Err(format!(
                "a column's name has {} bytes; it needs 1 to {MAX_NAME_BYTES}",
                field.name.len()
            ));
        }
        if fields.iter().any(|other| *other.name() == field.name) {
            return Err(format!("two columns are called `{}`", field.name));
        }
        let data_type = match field.data_type {
            Wit::Boolean => DataType::Boolean,
            Wit::Int64 => DataType::Int64,
            Wit::Float64 => DataType::Float64,
            Wit::Utf8 => DataType::Utf8,
            Wit::Binary => DataType::Binary,
            Wit::Timestamp => DataType::Timestamp,
        };
        fields.push(Arc::new(Field::new(field.name, data_type.arrow(), field.nullable)));
    }
    Ok(fields)
}

/// Row or column indices that are to be below `end`.
pub(super) fn indices(what: &str, answered: &[u32], end: usize) -> Result<(), String> {
    match answered.iter().copied().max() {
        Some(most) if most as usize >= end => Err(format!("{what} {most} doesn't exist; there are {end}")),
        _ => Ok(()),
    }
}

fn column(answered: ColumnResult, field: &Field, num_rows: usize) -> Result<ArrayRef, String> {
    let nulls = nulls(answered.valid, field, num_rows)?;
    let failed = |error: arrow::error::ArrowError| error.to_string();
    let array: ArrayRef = match answered.values {
        ValuesResult::Boolean(values) => {
            counted(values.len(), num_rows)?;
            Arc::new(BooleanArray::new(BooleanBuffer::from(values), nulls))
        }
        ValuesResult::Int64(values) => {
            Arc::new(Int64Array::try_new(scalars(values, num_rows)?, nulls).map_err(failed)?)
        }
        ValuesResult::Float64(values) => {
            Arc::new(Float64Array::try_new(scalars(values, num_rows)?, nulls).map_err(failed)?)
        }
        ValuesResult::Timestamp(values) => {
            let array =
                TimestampMicrosecondArray::try_new(scalars(values, num_rows)?, nulls).map_err(failed)?;
            Arc::new(array.with_timezone(UTC))
        }
        ValuesResult::Utf8(values) => {
            let (offsets, data) = varlen(values, num_rows)?;
            Arc::new(StringArray::try_new(offsets, data, nulls).map_err(failed)?)
        }
        ValuesResult::Binary(values) => {
            let (offsets, data) = varlen(values, num_rows)?;
            Arc::new(BinaryArray::try_new(offsets, data, nulls).map_err(failed)?)
        }
    };
    if array.data_type() != field.data_type() {
        let found = DataType::from_arrow(array.data_type()).map_or("unknown", DataType::name);
        return Err(format!("it is of type {found}, and {} was promised", describe_field(field)));
    }
    Ok(array)
}

fn nulls(valid: Option<Vec<bool>>, field: &Field, num_rows: usize) -> Result<Option<NullBuffer>, String> {
    let Some(valid) = valid else { return Ok(None) };
    if valid.len() != num_rows {
        return Err(format!(
            "it says of {} rows whether they are null, and there are {num_rows}",
            valid.len()
        ));
    }
    if valid.iter().all(|valid| *valid) {
        return Ok(None);
    }
    if !field.is_nullable() {
        return Err("a row is null, where the schema promised none".to_owned());
    }
    Ok(Some(NullBuffer::from(valid)))
}

fn counted(found: usize, num_rows: usize) -> Result<(), String> {
    if found == num_rows {
        Ok(())
    } else {
        Err(format!("it holds {found} values, and there are {num_rows} rows"))
    }
}

fn scalars<T: arrow::datatypes::ArrowNativeType>(
    values: Vec<T>,
    num_rows: usize,
) -> Result<ScalarBuffer<T>, String> {
    counted(values.len(), num_rows)?;
    Ok(ScalarBuffer::from(values))
}

fn varlen(values: VarlenResult, num_rows: usize) -> Result<(OffsetBuffer<i32>, Buffer), String> {
    let VarlenResult { offsets, data } = values;
    if offsets.len().checked_sub(1) != Some(num_rows) {
        return Err(format!("it has {} offsets, and {num_rows} rows need {}", offsets.len(), num_rows + 1));
    }
    let last = offsets.last().copied().unwrap_or(0);
    if offsets.first() != Some(&0) || last as usize != data.len() || i32::try_from(last).is_err() {
        return Err(format!("its offsets don't run from 0 to the {} bytes of its data", data.len()));
    }
    let offsets = ScalarBuffer::<i32>::from(Buffer::from_vec(offsets));
    // One beyond an `i32` is negative here, and so it descends too.
    let next = offsets.get(1..).unwrap_or_default();
    if !offsets.iter().zip(next).fold(true, |ascend, (a, b)| ascend & (a <= b)) {
        return Err("its offsets descend".to_owned());
    }
    Ok((OffsetBuffer::new(offsets), Buffer::from_vec(data)))
}

#[cfg(test)]
mod tests;
