//! Typed columns that grow by a row at a time: texts in, a `RecordBatch` out.
//!
//! A row goes in whole or not at all: where one of its values does not fit, what the row left in other columns
//! is taken back and the reason names column and value. Nothing is allocated a row.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;

use super::value;
use crate::record::{DataType, UTC};

/// Rows of a schema in the making.
pub struct Columns {
    schema: SchemaRef,
    columns: Vec<Column>,
    num_rows: usize,
}

impl Columns {
    /// Without rows.
    pub fn new(schema: &SchemaRef) -> Result<Self, ArrowError> {
        let columns = schema.fields().iter().map(|field| {
            let data_type = DataType::from_arrow(field.data_type()).ok_or_else(|| {
                ArrowError::SchemaError(format!("column `{}` has no type of ours", field.name()))
            })?;
            Ok(Column {
                name: field.name().clone(),
                data_type,
                nullable: field.is_nullable(),
                values: Values::new(data_type),
                valid: Vec::new(),
            })
        });
        Ok(Self { schema: schema.clone(), columns: columns.collect::<Result<_, ArrowError>>()?, num_rows: 0 })
    }

    /// How many rows there are.
    pub fn num_rows(&self) -> usize {
        self.num_rows
    }

    /// The names of the columns.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    /// Adds a row; `fill` is called for each column with its index and must push one value to it.
    pub fn push_row(
        &mut self,
        mut fill: impl FnMut(usize, &mut Column) -> Result<(), String>,
    ) -> Result<(), String> {
        for (i, column) in self.columns.iter_mut().enumerate() {
            if let Err(reason) = fill(i, column) {
                let num_rows = self.num_rows;
                self.columns.iter_mut().take(i + 1).for_each(|column| column.truncate(num_rows));
                return Err(reason);
            }
        }
        self.num_rows += 1;
        Ok(())
    }

    /// The rows so far; after it there are none.
    pub fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        self.num_rows = 0;
        let columns = self.columns.iter_mut().map(Column::finish).collect::<Result<_, _>>()?;
        RecordBatch::try_new(self.schema.clone(), columns)
    }
}

/// One column in the making.
pub struct Column {
    name: String,
    data_type: DataType,
    nullable: bool,
    values: Values,
    /// Whether each row has a value; kept for nullable columns only.
    valid: Vec<bool>,
}

impl Column {
    /// Adds a value of csv: an empty one is null where the column allows it.
    pub fn push_text(&mut self, text: &str) -> Result<(), String> {
        if text.is_empty() && (self.nullable || self.data_type != DataType::Utf8) {
            return self.push_null("is empty");
        }
        self.push(text).ok_or_else(|| self.misfit(text))
    }

    /// Adds a JSON value, given as it is written. A utf8 column takes objects and arrays as their JSON text, and
    /// a float64 column strings for the numbers that JSON has no word for.
    pub fn push_json(&mut self, raw: &str) -> Result<(), String> {
        let quoted = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let fits = match (quoted, self.data_type) {
            _ if raw == "null" => return self.push_null("is null"),
            (Some(text), DataType::Utf8 | DataType::Binary | DataType::Timestamp) if !text.contains('\\') => {
                self.push(text)
            }
            (Some(_), DataType::Utf8 | DataType::Binary | DataType::Timestamp) => {
                serde_json::from_str::<String>(raw).ok().and_then(|text| self.push(&text))
            }
            (Some("NaN" | "Infinity" | "-Infinity"), DataType::Float64) => {
                quoted.and_then(|text| self.push(text))
            }
            (None, DataType::Utf8) if raw.starts_with(['{', '[']) => self.push(raw),
            (None, DataType::Int64 | DataType::Float64 | DataType::Boolean) => self.push(raw),
            _ => None,
        };
        fits.ok_or_else(|| self.misfit(raw))
    }

    /// Adds a null; `problem` is what is wrong with that where the column has none.
    pub fn push_null(&mut self, problem: &str) -> Result<(), String> {
        if !self.nullable {
            return Err(format!(
                "column `{}` {problem}, and its type {} has no `?`",
                self.name, self.data_type
            ));
        }
        self.values.push_default();
        self.valid.push(false);
        Ok(())
    }

    fn push(&mut self, text: &str) -> Option<()> {
        match &mut self.values {
            Values::Boolean(values) => values.push(value::boolean(text)?),
            Values::Int64(values) => values.push(value::int64(text)?),
            Values::Timestamp(values) => values.push(value::timestamp(text)?),
            Values::Float64(values) => values.push(value::float64(text)?),
            Values::Bytes { bytes, offsets } => {
                match self.data_type {
                    DataType::Binary => value::binary(text, bytes)?,
                    _ => bytes.extend_from_slice(text.as_bytes()),
                }
                offsets.push(i32::try_from(bytes.len()).ok()?);
            }
        }
        if self.nullable {
            self.valid.push(true);
        }
        Some(())
    }

    fn misfit(&self, text: &str) -> String {
        let shown = text.char_indices().nth(SHOWN_CHARS).and_then(|(end, _)| text.get(..end));
        let (shown, more) = shown.map_or((text, ""), |shown| (shown, "…"));
        format!("column `{}`: `{shown}{more}` is no {}", self.name, self.data_type)
    }

    fn truncate(&mut self, num_rows: usize) {
        self.valid.truncate(num_rows);
        self.values.truncate(num_rows);
    }

    fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let nulls = self.nullable.then(|| NullBuffer::from(std::mem::take(&mut self.valid)));
        let values = std::mem::replace(&mut self.values, Values::new(self.data_type));
        Ok(match values {
            Values::Boolean(values) => Arc::new(BooleanArray::new(BooleanBuffer::from(values), nulls)),
            Values::Int64(values) => Arc::new(Int64Array::try_new(values.into(), nulls)?),
            Values::Float64(values) => Arc::new(Float64Array::try_new(values.into(), nulls)?),
            Values::Timestamp(values) => {
                Arc::new(TimestampMicrosecondArray::try_new(values.into(), nulls)?.with_timezone(UTC))
            }
            Values::Bytes { bytes, offsets } => {
                let (offsets, bytes) =
                    (OffsetBuffer::new(ScalarBuffer::from(offsets)), Buffer::from_vec(bytes));
                match self.data_type {
                    DataType::Binary => Arc::new(BinaryArray::try_new(offsets, bytes, nulls)?),
                    _ => Arc::new(StringArray::try_new(offsets, bytes, nulls)?),
                }
            }
        })
    }
}

/// How much of a value that does not fit is shown.
const SHOWN_CHARS: usize = 64;

enum Values {
    Boolean(Vec<bool>),
    Int64(Vec<i64>),
    Float64(Vec<f64>),
    Timestamp(Vec<i64>),
    Bytes { bytes: Vec<u8>, offsets: Vec<i32> },
}

impl Values {
    fn new(data_type: DataType) -> Self {
        match data_type {
            DataType::Boolean => Self::Boolean(Vec::new()),
            DataType::Int64 => Self::Int64(Vec::new()),
            DataType::Float64 => Self::Float64(Vec::new()),
            DataType::Timestamp => Self::Timestamp(Vec::new()),
            DataType::Utf8 | DataType::Binary => Self::Bytes { bytes: Vec::new(), offsets: vec![0] },
        }
    }

    fn push_default(&mut self) {
        match self {
            Self::Boolean(values) => values.push(false),
            Self::Int64(values) | Self::Timestamp(values) => values.push(0),
            Self::Float64(values) => values.push(0.0),
            Self::Bytes { offsets, .. } => offsets.extend(offsets.last().copied()),
        }
    }

    fn truncate(&mut self, num_rows: usize) {
        match self {
            Self::Boolean(values) => values.truncate(num_rows),
            Self::Int64(values) | Self::Timestamp(values) => values.truncate(num_rows),
            Self::Float64(values) => values.truncate(num_rows),
            Self::Bytes { bytes, offsets } => {
                offsets.truncate(num_rows.saturating_add(1));
                let end = offsets.last().and_then(|&end| usize::try_from(end).ok());
                bytes.truncate(end.unwrap_or(0));
            }
        }
    }
}
