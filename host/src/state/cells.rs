//! A column whose rows can be changed in place, by slot: what Arrow's arrays can't do.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Float64Array, Int64Array, StringArray,
    TimestampMicrosecondArray,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow::error::ArrowError;

use crate::record::UTC;

/// One column of a table, row by slot.
pub(super) struct Cells {
    values: Values,
    /// Which are not null, where the column may have nulls.
    valid: Option<Vec<bool>>,
    /// The bytes of all texts.
    text_bytes: usize,
}

enum Values {
    Boolean(Vec<bool>),
    Int64(Vec<i64>),
    Float64(Vec<f64>),
    Utf8(Vec<Box<str>>),
    Binary(Vec<Box<[u8]>>),
    Timestamp(Vec<i64>),
}

impl Cells {
    pub(super) fn new(field: &Field) -> Result<Self, ArrowError> {
        let values = match field.data_type() {
            DataType::Boolean => Values::Boolean(Vec::new()),
            DataType::Int64 => Values::Int64(Vec::new()),
            DataType::Float64 => Values::Float64(Vec::new()),
            DataType::Utf8 => Values::Utf8(Vec::new()),
            DataType::Binary => Values::Binary(Vec::new()),
            DataType::Timestamp(..) => Values::Timestamp(Vec::new()),
            other => return Err(ArrowError::NotYetImplemented(format!("a state of type {other}"))),
        };
        Ok(Self { values, valid: field.is_nullable().then(Vec::new), text_bytes: 0 })
    }

    /// Makes room for slots up to `len`.
    pub(super) fn grow(&mut self, len: usize) {
        match &mut self.values {
            Values::Boolean(values) => values.resize(len, false),
            Values::Int64(values) | Values::Timestamp(values) => values.resize(len, 0),
            Values::Float64(values) => values.resize(len, 0.0),
            Values::Utf8(values) => values.resize_with(len, Box::default),
            Values::Binary(values) => values.resize_with(len, Box::default),
        }
        if let Some(valid) = &mut self.valid {
            valid.resize(len, false);
        }
    }

    /// Puts row `row` of `from` into slot `slot`, for each of `to`, pairs of (slot, row).
    pub(super) fn scatter(&mut self, to: &[(u32, u32)], from: &ArrayRef) {
        match &mut self.values {
            Values::Boolean(values) => {
                let Some(from) = from.as_boolean_opt() else { return };
                put(values, to, |row| from.value(row));
            }
            Values::Int64(values) => {
                let Some(from) = from.as_primitive_opt::<Int64Type>() else { return };
                put(values, to, |row| from.value(row));
            }
            Values::Timestamp(values) => {
                let Some(from) = from.as_primitive_opt::<TimestampMicrosecondType>() else { return };
                put(values, to, |row| from.value(row));
            }
            Values::Float64(values) => {
                let Some(from) = from.as_primitive_opt::<Float64Type>() else { return };
                put(values, to, |row| from.value(row));
            }
            Values::Utf8(values) => {
                let Some(from) = from.as_string_opt::<i32>() else { return };
                put_texts(values, to, &mut self.text_bytes, |row| from.value(row));
            }
            Values::Binary(values) => {
                let Some(from) = from.as_binary_opt::<i32>() else { return };
                put_texts(values, to, &mut self.text_bytes, |row| from.value(row));
            }
        }
        if let Some(valid) = &mut self.valid {
            put(valid, to, |row| from.is_valid(row));
        }
    }

    /// The rows in `slots`; where there is no slot, something.
    pub(super) fn gather(&self, slots: &[Option<u32>]) -> ArrayRef {
        let nulls = self.valid.as_ref().map(|valid| NullBuffer::from_iter(pick(valid, slots)));
        match &self.values {
            Values::Boolean(values) => Arc::new(BooleanArray::new(pick(values, slots).collect(), nulls)),
            Values::Int64(values) => Arc::new(Int64Array::new(pick(values, slots).collect(), nulls)),
            Values::Timestamp(values) => {
                let times = TimestampMicrosecondArray::new(pick(values, slots).collect(), nulls);
                Arc::new(times.with_timezone(UTC))
            }
            Values::Float64(values) => Arc::new(Float64Array::new(pick(values, slots).collect(), nulls)),
            Values::Utf8(values) => {
                let all = StringArray::from_iter_values(texts(values, slots));
                Arc::new(StringArray::new(all.offsets().clone(), all.values().clone(), nulls))
            }
            Values::Binary(values) => {
                let all = BinaryArray::from_iter_values(texts(values, slots));
                Arc::new(BinaryArray::new(all.offsets().clone(), all.values().clone(), nulls))
            }
        }
    }

    /// About how many bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        let values = match &self.values {
            Values::Boolean(values) => values.len(),
            Values::Int64(values) | Values::Timestamp(values) => values.len() * 8,
            Values::Float64(values) => values.len() * 8,
            Values::Utf8(values) => values.len() * size_of::<Box<str>>(),
            Values::Binary(values) => values.len() * size_of::<Box<[u8]>>(),
        };
        values + self.text_bytes + self.valid.as_ref().map_or(0, Vec::len)
    }
}

fn put<T>(values: &mut [T], to: &[(u32, u32)], from: impl Fn(usize) -> T) {
    for &(slot, row) in to {
        if let Some(value) = values.get_mut(slot as usize) {
            *value = from(row as usize);
        }
    }
}

/// As `put`, for texts, whose bytes are counted.
fn put_texts<'a, T: ?Sized + AsRef<[u8]> + 'a>(
    values: &mut [Box<T>],
    to: &[(u32, u32)],
    num_bytes: &mut usize,
    from: impl Fn(usize) -> &'a T,
) where
    Box<T>: From<&'a T>,
{
    for &(slot, row) in to {
        if let Some(value) = values.get_mut(slot as usize) {
            let new = from(row as usize);
            *num_bytes = (*num_bytes + new.as_ref().len()).saturating_sub((**value).as_ref().len());
            *value = new.into();
        }
    }
}

fn pick<T: Copy + Default>(values: &[T], slots: &[Option<u32>]) -> impl Iterator<Item = T> {
    slots.iter().map(|slot| slot.and_then(|slot| values.get(slot as usize)).copied().unwrap_or_default())
}

fn texts<'a, T: ?Sized>(values: &'a [Box<T>], slots: &'a [Option<u32>]) -> impl Iterator<Item = &'a T>
where
    &'a T: Default,
{
    slots.iter().map(|slot| {
        slot.and_then(|slot| values.get(slot as usize)).map_or_else(Default::default, |value| &**value)
    })
}
