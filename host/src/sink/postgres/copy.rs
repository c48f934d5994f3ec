//! Blocks as the bytes of PostgreSQL's binary COPY: a row is the number of its fields, then each field's length and value.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::array::{
    BinaryArray, BooleanArray, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{Float64Type, Int64Type, TimestampMicrosecondType};
use arrow::error::ArrowError;
use bytes::{BufMut, Bytes, BytesMut};

use crate::record::DataType;

/// What a copy begins with: the signature, no flags, no extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// About how many bytes are sent at a time.
const CHUNK_BYTES: usize = 256 << 10;

/// PostgreSQL counts from the year 2000: this many microseconds after the Unix epoch.
const YEAR_2000_MICROS: i64 = 946_684_800_000_000;

/// The first time that PostgreSQL has, in its own microseconds: the year 4713 BC. It has all the later ones of ours.
const FIRST_TIME: i64 = -211_813_488_000_000_000;

/// Whether rows are numbered, in a last field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Numbering {
    None,
    Last,
}

/// The rows of several blocks as bytes, a chunk at a time.
pub(super) struct Copy<'a> {
    blocks: std::slice::Iter<'a, RecordBatch>,
    numbering: Numbering,
    /// The block at hand, and its next row.
    columns: Vec<Values<'a>>,
    row: usize,
    num_rows: usize,
    number: i64,
    buffer: BytesMut,
    is_complete: bool,
}

enum Values<'a> {
    Boolean(&'a BooleanArray),
    Int64(&'a Int64Array),
    Float64(&'a Float64Array),
    Utf8(&'a StringArray),
    Binary(&'a BinaryArray),
    Timestamp(&'a TimestampMicrosecondArray),
}

impl<'a> Copy<'a> {
    /// Of `blocks`, in order.
    pub(super) fn new(blocks: &'a [RecordBatch], numbering: Numbering) -> Self {
        let mut buffer = BytesMut::with_capacity(CHUNK_BYTES + (CHUNK_BYTES >> 3));
        buffer.put_slice(HEADER);
        let blocks = blocks.iter();
        Self {
            blocks,
            numbering,
            columns: Vec::new(),
            row: 0,
            num_rows: 0,
            number: 0,
            buffer,
            is_complete: false,
        }
    }

    /// The next bytes; none where that was all.
    pub(super) fn next_chunk(&mut self) -> Result<Option<Bytes>, ArrowError> {
        if self.is_complete {
            return Ok(None);
        }
        while self.buffer.len() < CHUNK_BYTES {
            if self.row < self.num_rows {
                self.put_row()?;
            } else if !self.next_block()? {
                self.buffer.put_i16(-1);
                self.is_complete = true;
                break;
            }
        }
        Ok(Some(self.buffer.split().freeze()))
    }

    fn next_block(&mut self) -> Result<bool, ArrowError> {
        let Some(block) = self.blocks.next() else { return Ok(false) };
        self.columns = block.columns().iter().map(|column| Values::new(column)).collect::<Result<_, _>>()?;
        (self.row, self.num_rows) = (0, block.num_rows());
        Ok(true)
    }

    fn put_row(&mut self) -> Result<(), ArrowError> {
        let num_fields = self.columns.len() + usize::from(self.numbering == Numbering::Last);
        self.buffer.put_i16(i16::try_from(num_fields).map_err(|_| too_large("a row has too many columns"))?);
        for column in &self.columns {
            column.put(self.row, &mut self.buffer)?;
        }
        if self.numbering == Numbering::Last {
            put(&mut self.buffer, &self.number.to_be_bytes())?;
        }
        self.number += 1;
        self.row += 1;
        Ok(())
    }
}

impl<'a> Values<'a> {
    fn new(column: &'a dyn Array) -> Result<Self, ArrowError> {
        Ok(match DataType::from_arrow(column.data_type()) {
            Some(DataType::Boolean) => Self::Boolean(column.as_boolean()),
            Some(DataType::Int64) => Self::Int64(column.as_primitive::<Int64Type>()),
            Some(DataType::Float64) => Self::Float64(column.as_primitive::<Float64Type>()),
            Some(DataType::Utf8) => Self::Utf8(column.as_string()),
            Some(DataType::Binary) => Self::Binary(column.as_binary()),
            Some(DataType::Timestamp) => Self::Timestamp(column.as_primitive::<TimestampMicrosecondType>()),
            None => return Err(ArrowError::SchemaError(format!("no type of ours: {}", column.data_type()))),
        })
    }

    fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Boolean(column) => column.is_null(row),
            Self::Int64(column) => column.is_null(row),
            Self::Float64(column) => column.is_null(row),
            Self::Utf8(column) => column.is_null(row),
            Self::Binary(column) => column.is_null(row),
            Self::Timestamp(column) => column.is_null(row),
        }
    }

    fn put(&self, row: usize, buffer: &mut BytesMut) -> Result<(), ArrowError> {
        if self.is_null(row) {
            buffer.put_i32(-1);
            return Ok(());
        }
        match self {
            Self::Boolean(column) => put(buffer, &[u8::from(column.value(row))]),
            Self::Int64(column) => put(buffer, &column.value(row).to_be_bytes()),
            Self::Float64(column) => put(buffer, &column.value(row).to_be_bytes()),
            Self::Utf8(column) => put_text(buffer, column.value(row)),
            Self::Binary(column) => put(buffer, column.value(row)),
            Self::Timestamp(column) => put(buffer, &since_2000(column.value(row)).to_be_bytes()),
        }
    }
}

fn put(buffer: &mut BytesMut, value: &[u8]) -> Result<(), ArrowError> {
    let length = i32::try_from(value.len()).map_err(|_| too_large("a value has more than 2 GiB"))?;
    buffer.put_i32(length);
    buffer.put_slice(value);
    Ok(())
}

/// PostgreSQL has no text with U+0000 in it.
fn put_text(buffer: &mut BytesMut, text: &str) -> Result<(), ArrowError> {
    match memchr::memchr(0, text.as_bytes()) {
        None => put(buffer, text.as_bytes()),
        Some(_) => put(buffer, text.replace('\0', "\u{fffd}").as_bytes()),
    }
}

/// A time as PostgreSQL counts it; `-infinity` before those that it has.
fn since_2000(micros: i64) -> i64 {
    micros.checked_sub(YEAR_2000_MICROS).filter(|time| *time >= FIRST_TIME).unwrap_or(i64::MIN)
}

fn too_large(problem: &str) -> ArrowError {
    ArrowError::InvalidArgumentError(problem.to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn rows_are_fields_with_lengths_and_may_be_numbered() {
        let numbers = Arc::new(Int64Array::from(vec![Some(258), None]));
        let block = RecordBatch::try_from_iter([("n", numbers as _)]).unwrap();
        let mut copy = Copy::new(std::slice::from_ref(&block), Numbering::Last);
        let bytes = copy.next_chunk().unwrap().unwrap();
        let rows = bytes.strip_prefix(HEADER).unwrap();
        let first = [0, 2, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0];
        let second = [0, 2, 255, 255, 255, 255, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 1];
        assert_eq!(rows, [&first[..], &second[..], &[255, 255]].concat());
        assert_eq!(copy.next_chunk().unwrap(), None);
    }

    #[test]
    fn many_rows_are_many_chunks() {
        let block =
            RecordBatch::try_from_iter([("n", Arc::new((0..100_000).collect::<Int64Array>()) as _)]).unwrap();
        let mut copy = Copy::new(std::slice::from_ref(&block), Numbering::None);
        let mut sizes = Vec::new();
        while let Some(chunk) = copy.next_chunk().unwrap() {
            sizes.push(chunk.len());
        }
        assert!(sizes.len() > 4 && sizes.iter().all(|size| *size < CHUNK_BYTES + 100), "{sizes:?}");
        assert_eq!(sizes.iter().sum::<usize>(), HEADER.len() + 100_000 * 14 + 2);
    }

    #[test]
    fn times_before_those_of_postgresql_are_infinite() {
        assert_eq!(since_2000(YEAR_2000_MICROS + 1), 1);
        assert_eq!(since_2000(0), -YEAR_2000_MICROS);
        assert_eq!((since_2000(i64::MIN), since_2000(i64::MAX)), (i64::MIN, i64::MAX - YEAR_2000_MICROS));
    }
}
