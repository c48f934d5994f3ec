//! Building columns: from Rust values, pushed row by row, to the columns of a batch.
//!
//! A builder is a column vector sized from the input. Short texts are copied as numbers,
//! because in Wasm a copy of unknown length is a call out of compiled code that costs more than the
//! copy. What must stay true: a builder can be cut back to any number of rows, to roll a row back.

use crate::{Batch, Column, DataType, Timestamp, Values, Varlen};

/// A value or a row that can be put into columns.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither a row nor a value that a column can hold",
    label = "use a struct with `#[derive(Row)]`, or for its fields `bool`, `i64`, `f64`, `&str`, `String`, `&[u8]`, `Vec<u8>`, `Timestamp`, or an `Option` of one of these"
)]
pub trait Push {
    /// The columns being built.
    type Builder: Builder;

    /// Appends one row.
    fn push_to(self, builder: &mut Self::Builder);
}

/// A value that one column can hold.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no value that a column can hold",
    label = "use `bool`, `i64`, `f64`, `&str`, `String`, `&[u8]`, `Vec<u8>`, `Timestamp`, or an `Option` of one of these"
)]
pub trait Cell: Push {
    /// The type of the column.
    const DATA_TYPE: DataType;
    /// Whether a row may hold no value.
    const NULLABLE: bool = false;
}

/// Columns being built.
pub trait Builder: Sized {
    /// Room for about so many rows, and for so many bytes of text in each column of varying length.
    fn with_capacity(rows: usize, bytes: usize) -> Self;
    /// The rows so far.
    fn num_rows(&self) -> usize;
    /// Takes back all rows from `rows` on.
    fn truncate(&mut self, rows: usize);
    /// Appends a row that means nothing.
    fn push_blank(&mut self);
    /// Appends the finished columns.
    fn finish(self, columns: &mut Vec<Column>);

    /// The finished columns as a batch.
    fn into_batch(self) -> Batch {
        let (rows, mut columns) = (self.num_rows() as u32, vec![]);
        self.finish(&mut columns);
        Batch { rows, columns }
    }
}

/// The builder of a single column without nulls, so that `Option` may stand around its values.
pub trait CellBuilder: Builder {}

/// Builds a `utf8` column.
pub struct TextBuilder(VarlenBuilder);

/// Builds a `binary` column.
pub struct BytesBuilder(VarlenBuilder);

/// Builds a `timestamp` column.
pub struct TimestampBuilder(Vec<i64>);

/// Builds a column in which rows may hold no value.
pub struct NullableBuilder<B> {
    values: B,
    valid: Vec<bool>,
    nulls: usize,
}

/// Builds values of varying length.
#[derive(Clone, Debug, PartialEq)]
pub struct VarlenBuilder {
    offsets: Vec<u32>,
    data: Vec<u8>,
}

impl VarlenBuilder {
    /// Room for so many values of so many bytes together.
    pub fn with_capacity(values: usize, bytes: usize) -> Self {
        let mut offsets = Vec::with_capacity(values + 1);
        offsets.push(0);
        Self { offsets, data: Vec::with_capacity(bytes + SLACK) }
    }

    /// The values so far.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether there is no value yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends a value.
    #[inline]
    pub fn push(&mut self, value: &[u8]) {
        append(&mut self.data, value);
        self.offsets.push(self.data.len() as u32);
    }

    /// Takes back all values from `len` on.
    pub fn truncate(&mut self, len: usize) {
        if let Some(end) = self.offsets.get(len) {
            self.data.truncate(*end as usize);
            self.offsets.truncate(len + 1);
        }
    }

    /// The values, in the form of the contract.
    pub fn finish(self) -> Varlen {
        Varlen { offsets: self.offsets, data: self.data }
    }
}

/// How far [`append`] may reach past the end of what it appends before it cuts back.
const SLACK: usize = 8;

/// Appends bytes; up to 16 of them as one number or two, of which the last has bytes of no meaning behind that are cut off.
#[inline]
fn append(data: &mut Vec<u8>, value: &[u8]) {
    let end = data.len() + value.len();
    let last = match (value.first_chunk::<8>(), value.last_chunk()) {
        (Some(first), Some(last)) if value.len() <= 16 => {
            data.extend_from_slice(first);
            data.truncate(end - 8);
            u64::from_le_bytes(*last)
        }
        (Some(_), _) => return data.extend_from_slice(value),
        _ => short(value),
    };
    data.extend_from_slice(&last.to_le_bytes());
    data.truncate(end);
}

/// Up to 7 bytes as a number.
#[inline]
fn short(value: &[u8]) -> u64 {
    if let (Some(first), Some(last)) = (value.first_chunk(), value.last_chunk()) {
        let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        return u64::from(first) | u64::from(last) << (8 * (value.len() - 4));
    }
    // Of one byte all three are the same; of two, the last two.
    match (value.first(), value.get(value.len() / 2), value.last()) {
        (Some(first), Some(middle), Some(last)) => {
            let place = |byte: u8, at: usize| u64::from(byte) << (8 * at);
            place(*first, 0) | place(*middle, value.len() / 2) | place(*last, value.len() - 1)
        }
        _ => 0,
    }
}

macro_rules! cell {
    ($($type:ty),* => $data_type:ident, $builder:ty, $self:ident, $target:ident, $push:expr) => {$(
        impl Push for $type {
            type Builder = $builder;

            #[inline]
            fn push_to($self, $target: &mut Self::Builder) {
                $push;
            }
        }

        impl Cell for $type {
            const DATA_TYPE: DataType = DataType::$data_type;
        }
    )*};
}

cell!(bool => Boolean, Vec<bool>, self, builder, builder.push(self));
cell!(i64 => Int64, Vec<i64>, self, builder, builder.push(self));
cell!(f64 => Float64, Vec<f64>, self, builder, builder.push(self));
cell!(Timestamp => Timestamp, TimestampBuilder, self, builder, builder.0.push(self.0));
cell!(&str, String => Utf8, TextBuilder, self, builder, builder.0.push(self.as_bytes()));
cell!(&[u8], Vec<u8> => Binary, BytesBuilder, self, builder, builder.0.push(self.as_ref()));

impl<T: Push<Builder: CellBuilder>> Push for Option<T> {
    type Builder = NullableBuilder<T::Builder>;

    #[inline]
    fn push_to(self, builder: &mut Self::Builder) {
        builder.valid.push(self.is_some());
        match self {
            Some(value) => value.push_to(&mut builder.values),
            None => {
                builder.nulls += 1;
                builder.values.push_blank();
            }
        }
    }
}

impl<T: Cell<Builder: CellBuilder>> Cell for Option<T> {
    const DATA_TYPE: DataType = T::DATA_TYPE;
    const NULLABLE: bool = true;
}

macro_rules! fixed_builder {
    ($builder:ty, $variant:ident, $new:expr, $vec:ident => $inner:expr, $blank:expr) => {
        impl Builder for $builder {
            fn with_capacity(rows: usize, _bytes: usize) -> Self {
                $new(Vec::with_capacity(rows))
            }

            #[inline]
            fn num_rows(&self) -> usize {
                let $vec = self;
                $inner.len()
            }

            fn truncate(&mut self, rows: usize) {
                let $vec = self;
                $inner.truncate(rows);
            }

            fn push_blank(&mut self) {
                let $vec = self;
                $inner.push($blank);
            }

            fn finish(self, columns: &mut Vec<Column>) {
                let $vec = self;
                columns.push(Column { values: Values::$variant($inner), valid: None });
            }
        }

        impl CellBuilder for $builder {}
    };
}

fixed_builder!(Vec<bool>, Boolean, std::convert::identity, vec => vec, false);
fixed_builder!(Vec<i64>, Int64, std::convert::identity, vec => vec, 0);
fixed_builder!(Vec<f64>, Float64, std::convert::identity, vec => vec, 0.0);
fixed_builder!(TimestampBuilder, Timestamp, TimestampBuilder, vec => vec.0, 0);

macro_rules! varlen_builder {
    ($builder:ident, $variant:ident) => {
        impl Builder for $builder {
            fn with_capacity(rows: usize, bytes: usize) -> Self {
                $builder(VarlenBuilder::with_capacity(rows, bytes))
            }

            #[inline]
            fn num_rows(&self) -> usize {
                self.0.len()
            }

            fn truncate(&mut self, rows: usize) {
                self.0.truncate(rows);
            }

            fn push_blank(&mut self) {
                self.0.push(&[]);
            }

            fn finish(self, columns: &mut Vec<Column>) {
                columns.push(Column { values: Values::$variant(self.0.finish()), valid: None });
            }
        }

        impl CellBuilder for $builder {}
    };
}

varlen_builder!(TextBuilder, Utf8);
varlen_builder!(BytesBuilder, Binary);

impl<B: CellBuilder> Builder for NullableBuilder<B> {
    fn with_capacity(rows: usize, bytes: usize) -> Self {
        let values = B::with_capacity(rows, bytes);
        Self { values, valid: Vec::with_capacity(rows), nulls: 0 }
    }

    #[inline]
    fn num_rows(&self) -> usize {
        self.valid.len()
    }

    fn truncate(&mut self, rows: usize) {
        let cut = self.valid.get(rows..).unwrap_or_default();
        self.nulls -= cut.iter().filter(|valid| !**valid).count();
        self.valid.truncate(rows);
        self.values.truncate(rows);
    }

    fn push_blank(&mut self) {
        self.valid.push(false);
        self.nulls += 1;
        self.values.push_blank();
    }

    fn finish(self, columns: &mut Vec<Column>) {
        self.values.finish(columns);
        if let (Some(column), true) = (columns.last_mut(), self.nulls > 0) {
            column.valid = Some(self.valid);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_every_length_stand_one_behind_the_other() {
        let bytes: Vec<u8> = (1..=40).collect();
        let values = || (0..=40).rev().chain(0..=40).map(|len| &bytes[..len]);
        let mut builder = VarlenBuilder::with_capacity(0, 0);
        values().for_each(|value| builder.push(value));
        let Varlen { offsets, data } = builder.finish();
        assert_eq!(data, values().flatten().copied().collect::<Vec<u8>>());
        assert!(
            offsets
                .windows(2)
                .zip(values())
                .all(|(bounds, value)| (bounds[1] - bounds[0]) as usize == value.len())
        );
    }
}
