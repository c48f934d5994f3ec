//! Keys as bytes: equal keys have equal bytes, whatever the types of their columns.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, FieldRef, Schema};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, Rows, SortField};
use xxhash_rust::xxh3::xxh3_64;

use crate::record::describe_field;

/// How many groups all keys fall into. A partition owns key groups, so that the number of partitions can change
/// while what is kept for a key stays with its group.
pub const NUM_KEY_GROUPS: usize = 128;

/// The hash of a key: XXH3 of 64 bits, a published format, because key groups outlive a process.
pub fn key_hash(key: &[u8]) -> u64 {
    xxh3_64(key)
}

/// The key group of a key with hash `hash`.
pub const fn key_group(hash: u64) -> usize {
    // Lossless: the remainder is below 128.
    (hash % NUM_KEY_GROUPS as u64) as usize
}

/// The fields of a key that the columns of several inputs make, each with its key columns: named as in the first,
/// nullable where any is. The error is that their types differ.
pub fn common_key_fields(inputs: &[(&Schema, &[usize])]) -> Result<Vec<FieldRef>, String> {
    let fields = |(schema, key): &(&Schema, &[usize])| -> Vec<FieldRef> {
        key.iter().filter_map(|&column| schema.fields().get(column).cloned()).collect()
    };
    let mut common = inputs.first().map(fields).unwrap_or_default();
    for input in inputs.iter().skip(1) {
        let other = fields(input);
        if other.len() != common.len() {
            return Err(format!(
                "the keys have {} and {} columns; name as many on both sides",
                common.len(),
                other.len()
            ));
        }
        for (field, other) in common.iter_mut().zip(other) {
            if field.data_type() != other.data_type() {
                return Err(format!(
                    "the key has ({}) on one side, and ({}) on the other; both need the same types",
                    describe_field(field),
                    describe_field(&other)
                ));
            }
            if other.is_nullable() && !field.is_nullable() {
                *field = Arc::new(field.as_ref().clone().with_nullable(true));
            }
        }
    }
    Ok(common)
}

/// Turns key columns into bytes and back.
pub struct KeyEncoder(Encoding);

enum Encoding {
    /// A lone column of strings without nulls: its own bytes.
    Text,
    /// Anything else: Arrow's row format.
    Rows(RowConverter),
    /// No columns: all rows have the same, empty key.
    Nothing,
}

impl KeyEncoder {
    /// For key columns with these fields. The error is a type that can't be a key.
    pub fn new(fields: &[FieldRef]) -> Result<Self, ArrowError> {
        Ok(Self(match fields {
            [] => Encoding::Nothing,
            [only] if *only.data_type() == DataType::Utf8 && !only.is_nullable() => Encoding::Text,
            several => {
                let fields = several.iter().map(|field| SortField::new(field.data_type().clone()));
                Encoding::Rows(RowConverter::new(fields.collect())?)
            }
        }))
    }

    /// The keys of rows whose key columns are `columns`.
    pub fn encode(&self, columns: &[ArrayRef], num_rows: usize) -> Result<Keys, ArrowError> {
        match (&self.0, columns) {
            (Encoding::Text, [only]) => Ok(Keys::Text(only.as_string::<i32>().clone())),
            (Encoding::Rows(converter), columns) => Ok(Keys::Rows(converter.convert_columns(columns)?)),
            _ => Ok(Keys::Nothing(num_rows)),
        }
    }

    /// The columns of keys that lie one after the other in `data`, key i in `data[offsets[i] .. offsets[i + 1]]`.
    pub fn decode(&self, offsets: Vec<i32>, data: Vec<u8>) -> Result<Vec<ArrayRef>, ArrowError> {
        match &self.0 {
            Encoding::Nothing => Ok(Vec::new()),
            Encoding::Text => {
                let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
                Ok(vec![Arc::new(StringArray::try_new(offsets, Buffer::from_vec(data), None)?)])
            }
            Encoding::Rows(converter) => {
                let parser = converter.parser();
                let starts = offsets.iter().zip(offsets.iter().skip(1));
                let rows = starts.map(|(start, end)| {
                    let bytes = usize::try_from(*start).ok().zip(usize::try_from(*end).ok());
                    parser.parse(bytes.and_then(|(start, end)| data.get(start..end)).unwrap_or_default())
                });
                converter.convert_rows(rows)
            }
        }
    }
}

/// The keys of some rows.
pub enum Keys {
    /// Strings as they are.
    Text(StringArray),
    /// Arrow's row format.
    Rows(Rows),
    /// So many empty keys.
    Nothing(usize),
}

impl Keys {
    /// How many keys there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(array) => array.len(),
            Self::Rows(rows) => rows.num_rows(),
            Self::Nothing(num_rows) => *num_rows,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Calls `visit` with the key of each row, in order.
    pub fn for_each(&self, mut visit: impl FnMut(&[u8])) {
        match self {
            Self::Text(array) => (0..array.len()).for_each(|row| visit(array.value(row).as_bytes())),
            Self::Rows(rows) => rows.iter().for_each(|row| visit(row.as_ref())),
            Self::Nothing(num_rows) => (0..*num_rows).for_each(|_| visit(&[])),
        }
    }
}
