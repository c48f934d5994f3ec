//! Rows as people and log files read them: `(spark, 2)`, or as a JSON object; and what a panic said.

use std::fmt::Write;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int64Type, TimestampMicrosecondType};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use serde_json::{Map, Number, Value};

use super::DataType;

/// Writes the rows of one batch as text: a lone column as its value, several as `(a, b)`.
pub struct TextRows<'a> {
    columns: Vec<ArrayFormatter<'a>>,
}

impl<'a> TextRows<'a> {
    /// For the rows of `batch`. Nulls read `null`, timestamps RFC 3339.
    pub fn new(batch: &'a RecordBatch) -> Result<Self, ArrowError> {
        let options = FormatOptions::new().with_null("null");
        let columns = batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options));
        Ok(Self { columns: columns.collect::<Result<_, _>>()? })
    }

    /// Appends row `row`, without a line end.
    pub fn write(&self, row: usize, out: &mut String) -> Result<(), ArrowError> {
        let [only] = self.columns.as_slice() else {
            out.push('(');
            for (i, column) in self.columns.iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                column.value(row).write(out)?;
            }
            out.push(')');
            return Ok(());
        };
        only.value(row).write(out)
    }
}

/// The rows of `batch` as JSON objects, nulls included, from which the same rows can be read again.
///
/// A number that JSON has no word for is a string, `"NaN"`, `"Infinity"` or `"-Infinity"`; binary is hexadecimal;
/// a timestamp is RFC 3339, or beyond the years that this can say its microseconds, as in `"9223372036854775807us"`.
pub fn json_rows(batch: &RecordBatch) -> Result<Vec<Value>, ArrowError> {
    let mut rows = vec![Map::with_capacity(batch.num_columns()); batch.num_rows()];
    for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        let data_type = DataType::from_arrow(field.data_type()).ok_or_else(|| {
            ArrowError::SchemaError(format!("column `{}` has no type of ours", field.name()))
        })?;
        let value = |row| match data_type {
            DataType::Boolean => column.as_boolean().value(row).into(),
            DataType::Int64 => column.as_primitive::<Int64Type>().value(row).into(),
            DataType::Float64 => json_float(column.as_primitive::<Float64Type>().value(row)),
            DataType::Utf8 => column.as_string::<i32>().value(row).into(),
            DataType::Binary => hexadecimal(column.as_binary::<i32>().value(row)).into(),
            DataType::Timestamp => {
                json_timestamp(column.as_primitive::<TimestampMicrosecondType>().value(row)).into()
            }
        };
        for (i, row) in rows.iter_mut().enumerate() {
            let value = if column.is_null(i) { Value::Null } else { value(i) };
            row.insert(field.name().clone(), value);
        }
    }
    Ok(rows.into_iter().map(Value::Object).collect())
}

fn json_float(number: f64) -> Value {
    match Number::from_f64(number) {
        Some(number) => Value::Number(number),
        None if number.is_nan() => "NaN".into(),
        None if number > 0.0 => "Infinity".into(),
        None => "-Infinity".into(),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string can't fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn json_timestamp(micros: i64) -> String {
    // As Arrow writes them: a fraction of three or six digits, or none.
    match jiff::Timestamp::from_microsecond(micros) {
        Ok(time) if micros % 1_000_000 == 0 => time.to_string(),
        Ok(time) if micros % 1000 == 0 => format!("{time:.3}"),
        Ok(time) => format!("{time:.6}"),
        Err(_) => format!("{micros}us"),
    }
}

/// What a panic said.
pub fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}
