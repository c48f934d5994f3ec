//! Which of SQLite's types a column becomes, and how its values are bound.
//!
//! A table that is made has the types of `new_type`. In one that is there, the type that its column was declared with
//! says what is stored; what SQLite would change on the way in, such as the text `007` in a column of numbers, is
//! refused.

use arrow::array::{Array, AsArray, BinaryArray, BooleanArray, RecordBatch, StringArray};
use arrow::datatypes::{Float64Type, Int64Type, TimestampMicrosecondType};
use rusqlite::Statement;

use crate::record::DataType;
use crate::sink::fit::Ways;

/// How the values of a column are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Storage {
    /// As they are; a boolean is 1 or 0.
    Plain(DataType),
    /// A time as text, `2026-11-20T21:53:53.000000Z`.
    TimeText,
    /// A time as microseconds since the Unix epoch.
    TimeMicros,
}

/// What SQLite makes of values in a column, by its rules for declared types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Affinity {
    Integer,
    Text,
    Blob,
    Real,
    Numeric,
}

impl Affinity {
    fn of(declared: &str) -> Self {
        let declared = declared.to_ascii_uppercase();
        let has = |parts: &[&str]| parts.iter().any(|part| declared.contains(part));
        if has(&["INT"]) {
            Self::Integer
        } else if has(&["CHAR", "CLOB", "TEXT"]) {
            Self::Text
        } else if has(&["BLOB"]) || declared.is_empty() {
            Self::Blob
        } else if has(&["REAL", "FLOA", "DOUB"]) {
            Self::Real
        } else {
            Self::Numeric
        }
    }
}

impl Ways for Storage {
    fn new_type(data_type: DataType) -> &'static str {
        match data_type {
            DataType::Boolean => "BOOLEAN",
            DataType::Int64 => "INTEGER",
            DataType::Float64 => "REAL",
            DataType::Utf8 | DataType::Timestamp => "TEXT",
            DataType::Binary => "BLOB",
        }
    }

    fn of(data_type: DataType, there: &str) -> Option<Self> {
        use Affinity::{Blob, Integer, Numeric, Real, Text};
        let plain = Some(Self::Plain(data_type));
        match (data_type, Affinity::of(there)) {
            (DataType::Timestamp, Integer) => Some(Self::TimeMicros),
            (DataType::Timestamp, Text | Blob | Numeric) => Some(Self::TimeText),
            (DataType::Boolean | DataType::Int64, Integer | Numeric | Blob)
            | (DataType::Float64, Real | Numeric | Blob)
            | (DataType::Utf8, Text | Blob)
            | (DataType::Binary, Blob) => plain,
            _ => None,
        }
    }
}

/// The values of a column of one block.
pub(super) enum Values<'a> {
    Boolean(&'a BooleanArray),
    Int64(&'a arrow::array::Int64Array),
    Float64(&'a arrow::array::Float64Array),
    Utf8(&'a StringArray),
    Binary(&'a BinaryArray),
    TimeText(&'a arrow::array::TimestampMicrosecondArray),
    TimeMicros(&'a arrow::array::TimestampMicrosecondArray),
}

impl<'a> Values<'a> {
    /// Those of column `index` of `block`, which has the type that `storage` is for.
    pub(super) fn new(block: &'a RecordBatch, index: usize, storage: Storage) -> Self {
        let column = block.column(index);
        match storage {
            Storage::Plain(DataType::Boolean) => Self::Boolean(column.as_boolean()),
            Storage::Plain(DataType::Int64) => Self::Int64(column.as_primitive::<Int64Type>()),
            Storage::Plain(DataType::Float64) => Self::Float64(column.as_primitive::<Float64Type>()),
            Storage::Plain(DataType::Utf8) => Self::Utf8(column.as_string()),
            Storage::Plain(DataType::Binary) => Self::Binary(column.as_binary()),
            Storage::TimeMicros => Self::TimeMicros(column.as_primitive::<TimestampMicrosecondType>()),
            Storage::TimeText | Storage::Plain(DataType::Timestamp) => {
                Self::TimeText(column.as_primitive::<TimestampMicrosecondType>())
            }
        }
    }

    fn array(&self) -> &dyn Array {
        match self {
            Self::Boolean(column) => column,
            Self::Int64(column) => column,
            Self::Float64(column) => column,
            Self::Utf8(column) => column,
            Self::Binary(column) => column,
            Self::TimeText(column) | Self::TimeMicros(column) => column,
        }
    }

    /// Binds the value of row `row` to the parameter `index` of `statement`.
    pub(super) fn bind(
        &self,
        statement: &mut Statement<'_>,
        index: usize,
        row: usize,
    ) -> Result<(), rusqlite::Error> {
        if self.array().is_null(row) {
            return statement.raw_bind_parameter(index, rusqlite::types::Null);
        }
        match self {
            Self::Boolean(column) => statement.raw_bind_parameter(index, column.value(row)),
            Self::Int64(column) => statement.raw_bind_parameter(index, column.value(row)),
            Self::Float64(column) => statement.raw_bind_parameter(index, column.value(row)),
            Self::Utf8(column) => statement.raw_bind_parameter(index, column.value(row)),
            Self::Binary(column) => statement.raw_bind_parameter(index, column.value(row)),
            Self::TimeMicros(column) => statement.raw_bind_parameter(index, column.value(row)),
            Self::TimeText(column) => statement.raw_bind_parameter(index, time_text(column.value(row))),
        }
    }
}

/// A time as SQLite's own functions read it. All have the same length, so that they sort as text; beyond the years that
/// this can say they are microseconds.
fn time_text(micros: i64) -> String {
    match jiff::Timestamp::from_microsecond(micros) {
        Ok(time) => format!("{time:.6}"),
        Err(_) => format!("{micros}us"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_not_stay_what_it_is_has_no_storage() {
        use DataType::{Binary, Boolean, Float64, Int64, Timestamp, Utf8};
        for data_type in DataType::ALL {
            assert!(Storage::of(data_type, Storage::new_type(data_type)).is_some(), "{data_type}");
            assert!(Storage::of(data_type, "").is_some(), "{data_type}");
        }
        assert_eq!(Storage::of(Timestamp, "BIGINT"), Some(Storage::TimeMicros));
        assert_eq!(Storage::of(Timestamp, "DATETIME"), Some(Storage::TimeText));
        assert_eq!(Storage::of(Timestamp, "varchar(30)"), Some(Storage::TimeText));
        for (data_type, declared) in [
            (Utf8, "INTEGER"),
            (Utf8, "NUMERIC"),
            (Int64, "TEXT"),
            (Int64, "REAL"),
            (Float64, "INT"),
            (Boolean, "TEXT"),
            (Binary, "TEXT"),
            (Timestamp, "REAL"),
        ] {
            assert_eq!(Storage::of(data_type, declared), None, "{data_type} in {declared}");
        }
    }

    #[test]
    fn times_have_the_same_length_and_sort() {
        let texts = [-1, 0, 500_000, 1_795_548_601_000_001].map(time_text);
        assert_eq!(texts[1], "1970-01-01T00:00:00.000000Z");
        assert!(texts.is_sorted() && texts.iter().all(|text| text.len() == texts[0].len()), "{texts:?}");
        assert_eq!(time_text(i64::MAX), "9223372036854775807us");
    }
}
