//! Reading columns: from a column of a batch to Rust values, row by row, without copying.
//!
//! A column is looked at once a batch (its type, its length, for text its UTF-8); after that a read is
//! a bounds check and a load. What must stay true: nothing a column holds can make a read panic.

use crate::{Column, DataType, Timestamp, Values, Varlen};

/// A type that a column can be read as: `bool`, `i64`, `f64`, `&str`, `&[u8]`, [`Timestamp`], or an
/// `Option` of one of these where a row may hold no value. `String` and `Vec<u8>` are copies, for what
/// has to outlast its batch.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no type that a column can be read as",
    label = "use `bool`, `i64`, `f64`, `&str`, `String`, `&[u8]`, `Vec<u8>`, `Timestamp`, or an `Option` of one of these"
)]
pub trait Read<'a>: Sized {
    /// The type of the column.
    const DATA_TYPE: DataType;
    /// Whether a row without a value can be read.
    const NULLABLE: bool;
    /// A column made ready for reading.
    type Reader;

    /// Checks a column of `rows` values and makes it ready.
    ///
    /// # Errors
    /// Where the column has another type or another length, or its text is not UTF-8.
    fn reader(column: &'a Column, rows: usize) -> Result<Self::Reader, String>;

    /// The value of a row; none where it is null and this type cannot say so.
    fn read(reader: &Self::Reader, row: usize) -> Option<Self>;
}

/// A type that has no null of its own, so that `Option` may stand around it.
pub trait NonNull {}

/// Values of fixed width, ready for reading.
pub struct FixedReader<'a, T> {
    values: &'a [T],
    valid: Option<&'a [bool]>,
}

/// Texts, ready for reading.
pub struct TextReader<'a> {
    text: &'a str,
    offsets: &'a [u32],
    valid: Option<&'a [bool]>,
}

/// Byte strings, ready for reading.
pub struct BytesReader<'a> {
    data: &'a [u8],
    offsets: &'a [u32],
    valid: Option<&'a [bool]>,
}

macro_rules! read_fixed {
    ($type:ty, $variant:ident, $stored:ty, $load:expr) => {
        impl NonNull for $type {}
        impl<'a> Read<'a> for $type {
            const DATA_TYPE: DataType = DataType::$variant;
            const NULLABLE: bool = false;
            type Reader = FixedReader<'a, $stored>;

            fn reader(column: &'a Column, rows: usize) -> Result<Self::Reader, String> {
                let Values::$variant(values) = &column.values else {
                    return Err(wrong_type(column, Self::DATA_TYPE));
                };
                let valid = valid(column, values.len(), rows)?;
                Ok(FixedReader { values, valid })
            }

            #[inline]
            fn read(reader: &Self::Reader, row: usize) -> Option<Self> {
                if is_null(reader.valid, row) {
                    return None;
                }
                reader.values.get(row).copied().map($load)
            }
        }
    };
}

read_fixed!(bool, Boolean, bool, |value| value);
read_fixed!(i64, Int64, i64, |value| value);
read_fixed!(f64, Float64, f64, |value| value);
read_fixed!(Timestamp, Timestamp, i64, Timestamp);

impl NonNull for &str {}
impl<'a> Read<'a> for &'a str {
    const DATA_TYPE: DataType = DataType::Utf8;
    const NULLABLE: bool = false;
    type Reader = TextReader<'a>;

    fn reader(column: &'a Column, rows: usize) -> Result<Self::Reader, String> {
        let Values::Utf8(Varlen { offsets, data }) = &column.values else {
            return Err(wrong_type(column, Self::DATA_TYPE));
        };
        let valid = valid(column, offsets.len().saturating_sub(1), rows)?;
        let text = simdutf8::basic::from_utf8(data).map_err(|e| format!("text is not UTF-8: {e}"))?;
        Ok(TextReader { text, offsets, valid })
    }

    #[inline]
    fn read(reader: &Self::Reader, row: usize) -> Option<Self> {
        if is_null(reader.valid, row) {
            return None;
        }
        let (start, end) = bounds(reader.offsets, row)?;
        reader.text.get(start..end)
    }
}

impl NonNull for &[u8] {}
impl<'a> Read<'a> for &'a [u8] {
    const DATA_TYPE: DataType = DataType::Binary;
    const NULLABLE: bool = false;
    type Reader = BytesReader<'a>;

    fn reader(column: &'a Column, rows: usize) -> Result<Self::Reader, String> {
        let Values::Binary(Varlen { offsets, data }) = &column.values else {
            return Err(wrong_type(column, Self::DATA_TYPE));
        };
        let valid = valid(column, offsets.len().saturating_sub(1), rows)?;
        Ok(BytesReader { data, offsets, valid })
    }

    #[inline]
    fn read(reader: &Self::Reader, row: usize) -> Option<Self> {
        if is_null(reader.valid, row) {
            return None;
        }
        let (start, end) = bounds(reader.offsets, row)?;
        reader.data.get(start..end)
    }
}

macro_rules! read_owned {
    ($type:ty, $borrowed:ty) => {
        impl NonNull for $type {}
        impl<'a> Read<'a> for $type {
            const DATA_TYPE: DataType = <&'a $borrowed>::DATA_TYPE;
            const NULLABLE: bool = false;
            type Reader = <&'a $borrowed as Read<'a>>::Reader;

            fn reader(column: &'a Column, rows: usize) -> Result<Self::Reader, String> {
                <&'a $borrowed>::reader(column, rows)
            }

            #[inline]
            fn read(reader: &Self::Reader, row: usize) -> Option<Self> {
                <&'a $borrowed>::read(reader, row).map(ToOwned::to_owned)
            }
        }
    };
}

read_owned!(String, str);
read_owned!(Vec<u8>, [u8]);

impl<'a, T: Read<'a> + NonNull> Read<'a> for Option<T> {
    const DATA_TYPE: DataType = T::DATA_TYPE;
    const NULLABLE: bool = true;
    type Reader = T::Reader;

    fn reader(column: &'a Column, rows: usize) -> Result<Self::Reader, String> {
        T::reader(column, rows)
    }

    #[inline]
    fn read(reader: &Self::Reader, row: usize) -> Option<Self> {
        Some(T::read(reader, row))
    }
}

#[inline]
fn is_null(valid: Option<&[bool]>, row: usize) -> bool {
    valid.is_some_and(|valid| valid.get(row) != Some(&true))
}

#[inline]
fn bounds(offsets: &[u32], row: usize) -> Option<(usize, usize)> {
    match offsets.get(row..)? {
        [start, end, ..] => Some((*start as usize, *end as usize)),
        _ => None,
    }
}

fn valid(column: &Column, len: usize, rows: usize) -> Result<Option<&[bool]>, String> {
    let valid = column.valid.as_deref();
    if len != rows || valid.is_some_and(|valid| valid.len() != rows) {
        return Err(format!("a column holds {len} values in a batch of {rows} rows"));
    }
    Ok(valid)
}

fn wrong_type(column: &Column, wanted: DataType) -> String {
    format!("a column is {}, but {wanted} was agreed", column.data_type())
}
