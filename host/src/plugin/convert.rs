//! Arrow columns as the arguments of a call: borrowed where the layouts agree, copied where they don't.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{Field, Float64Type, Int64Type, Schema, TimestampMicrosecondType};

use super::bindings::types::{
    BatchParam, ColumnParam, DataType as Wit, FieldParam, ValuesParam, VarlenParam,
};
use super::error::PluginFailure;
use crate::record::DataType;

/// A column, with copies of what can't be borrowed from it.
pub(super) struct Lent<'a> {
    array: &'a ArrayRef,
    data_type: DataType,
    offsets: Vec<u32>,
    flags: Vec<bool>,
    valid: Option<Vec<bool>>,
}

impl<'a> Lent<'a> {
    /// Makes `array` ready to be lent. The error is a type that isn't in the contract.
    fn new(array: &'a ArrayRef) -> Result<Self, String> {
        let data_type = DataType::from_arrow(array.data_type())
            .ok_or_else(|| format!("columns of type {} can't be given to plugins", array.data_type()))?;
        let mut lent = Self { array, data_type, offsets: Vec::new(), flags: Vec::new(), valid: None };
        match data_type {
            DataType::Boolean => lent.flags = flags(array.as_boolean()),
            DataType::Utf8 => lent.offsets = rebased(array.as_string::<i32>().offsets()),
            DataType::Binary => lent.offsets = rebased(array.as_binary::<i32>().offsets()),
            DataType::Int64 | DataType::Float64 | DataType::Timestamp => {}
        }
        lent.valid = array.nulls().filter(|nulls| nulls.null_count() > 0).map(|nulls| nulls.iter().collect());
        Ok(lent)
    }

    /// The argument.
    pub(super) fn column(&self) -> ColumnParam<'_> {
        let values = match self.data_type {
            DataType::Boolean => ValuesParam::Boolean(&self.flags),
            DataType::Int64 => ValuesParam::Int64(self.array.as_primitive::<Int64Type>().values()),
            DataType::Float64 => ValuesParam::Float64(self.array.as_primitive::<Float64Type>().values()),
            DataType::Timestamp => {
                ValuesParam::Timestamp(self.array.as_primitive::<TimestampMicrosecondType>().values())
            }
            DataType::Utf8 => {
                let array = self.array.as_string::<i32>();
                ValuesParam::Utf8(self.varlen(array.offsets(), array.value_data()))
            }
            DataType::Binary => {
                let array = self.array.as_binary::<i32>();
                ValuesParam::Binary(self.varlen(array.offsets(), array.value_data()))
            }
        };
        ColumnParam { values, valid: self.valid.as_deref() }
    }

    fn varlen<'b>(&'b self, offsets: &'b OffsetBuffer<i32>, data: &'b [u8]) -> VarlenParam<'b> {
        let bound = |offset: Option<&i32>| offset.and_then(|o| usize::try_from(*o).ok()).unwrap_or(0);
        let used = data.get(bound(offsets.first())..bound(offsets.last())).unwrap_or_default();
        // The sign bit of an Arrow offset is never set, so its bits are those of the contract's.
        let offsets =
            if self.offsets.is_empty() { offsets.inner().inner().typed_data() } else { &self.offsets };
        VarlenParam { offsets, data: used }
    }
}

/// Makes columns ready to be lent.
pub(super) fn lend(columns: &[ArrayRef]) -> Result<Vec<Lent<'_>>, PluginFailure> {
    columns.iter().map(Lent::new).collect::<Result<_, _>>().map_err(PluginFailure::Host)
}

/// A batch of lent columns.
pub(super) fn batch<'a>(columns: &'a [ColumnParam<'a>], num_rows: usize) -> BatchParam<'a> {
    BatchParam { rows: u32::try_from(num_rows).unwrap_or(u32::MAX), columns }
}

/// The fields of a schema as the contract has them.
pub(super) fn fields(schema: &Schema) -> Result<Vec<FieldParam<'_>>, PluginFailure> {
    schema.fields().iter().map(|f| field(f)).collect::<Result<_, _>>().map_err(PluginFailure::Host)
}

/// A field as the contract has it. The error is a type that isn't in the contract.
fn field(field: &Field) -> Result<FieldParam<'_>, String> {
    let data_type = match DataType::from_arrow(field.data_type()) {
        Some(DataType::Boolean) => Wit::Boolean,
        Some(DataType::Int64) => Wit::Int64,
        Some(DataType::Float64) => Wit::Float64,
        Some(DataType::Utf8) => Wit::Utf8,
        Some(DataType::Binary) => Wit::Binary,
        Some(DataType::Timestamp) => Wit::Timestamp,
        None => {
            return Err(format!(
                "column `{}` of type {} can't be given to plugins",
                field.name(),
                field.data_type()
            ));
        }
    };
    Ok(FieldParam { name: field.name(), data_type, nullable: field.is_nullable() })
}

/// How many bytes the columns take in a call.
pub fn call_bytes(columns: &[ArrayRef]) -> u64 {
    columns.iter().map(column_bytes).fold(0, u64::saturating_add)
}

fn column_bytes(column: &ArrayRef) -> u64 {
    let rows = column.len() as u64;
    let span = |offsets: &OffsetBuffer<i32>| {
        let (first, last) = (offsets.first().copied().unwrap_or(0), offsets.last().copied().unwrap_or(0));
        u64::from(last.abs_diff(first)) + 4 * (rows + 1)
    };
    let values = match DataType::from_arrow(column.data_type()) {
        Some(DataType::Utf8) => span(column.as_string::<i32>().offsets()),
        Some(DataType::Binary) => span(column.as_binary::<i32>().offsets()),
        Some(DataType::Boolean) => rows,
        _ => 8 * rows,
    };
    values + if column.null_count() > 0 { rows } else { 0 }
}

fn flags(array: &BooleanArray) -> Vec<bool> {
    array.values().iter().collect()
}

/// Offsets that start at 0; empty where they do already.
fn rebased(offsets: &OffsetBuffer<i32>) -> Vec<u32> {
    match offsets.first() {
        Some(&first) if first != 0 => offsets.iter().map(|offset| offset.abs_diff(first)).collect(),
        _ => Vec::new(),
    }
}
