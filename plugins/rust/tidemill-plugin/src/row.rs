//! Rows: structs whose fields are columns. `#[derive(Row)]` implements the traits here.
//!
//! A row is pushed into a builder, field by field, and read from columns, field by field; as a value
//! it lives only on the stack. Single values can be read like rows of one column, so that a reducer
//! may combine plain numbers.

use crate::read::{NonNull, Read};
use crate::{Column, DataType, Field, Push, Schema, Timestamp};

/// A struct with a field a column. Implemented by `#[derive(Row)]`.
///
/// ```
/// use tidemill_plugin::{DataType, Field, Row};
///
/// #[derive(Row)]
/// struct Word<'a> {
///     word: &'a str,
///     length: Option<i64>,
/// }
///
/// let fields = vec![Field::new("word", DataType::Utf8), Field::new("length", DataType::Int64).nullable()];
/// assert_eq!(Word::fields(), fields);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a row",
    label = "a row is a struct with `#[derive(Row)]`, one field a column"
)]
pub trait Row: Push {
    /// The columns, in the order of the fields.
    fn fields() -> Vec<Field>;
}

/// What can be read from columns: a row, or a single value where there is one column.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from columns",
    label = "use a struct with `#[derive(Row)]`, or `bool`, `i64`, `f64`, `&str`, `String`, `&[u8]`, `Vec<u8>`, `Timestamp`, or an `Option` of one of these"
)]
pub trait ReadRow<'a>: Sized {
    /// The columns made ready for reading.
    type Reader;

    /// The columns, in the order of the fields; `single` is the name of that of a single value.
    fn columns(single: &str) -> Vec<Field>;

    /// Where the columns of each field stand among those of `schema`. A single value's may have any name.
    ///
    /// # Errors
    /// Where a column is missing or of another type; for a single value, where there are others.
    fn bind(schema: &Schema) -> Result<Vec<usize>, String>;

    /// Makes the columns ready, given in the order of the fields.
    ///
    /// # Errors
    /// Where they are not as they were bound.
    fn reader(columns: &[&'a Column], rows: usize) -> Result<Self::Reader, String>;

    /// A row; none where a value is null and its field cannot say so.
    fn read(reader: &Self::Reader, row: usize) -> Option<Self>;
}

/// Finds the columns of a row's fields among those of `schema`, for [`ReadRow::bind`].
///
/// # Errors
/// Where a column is missing or of another type.
pub fn bind(fields: &[(&str, DataType)], schema: &Schema) -> Result<Vec<usize>, String> {
    let find =
        |(name, data_type): &(&str, DataType)| schema.want(name, *data_type).map(|index| index as usize);
    fields.iter().map(find).collect()
}

/// The next of a row's columns, for [`ReadRow::reader`].
///
/// # Errors
/// Where there are fewer columns than fields.
pub fn next<'a>(columns: &mut &[&'a Column]) -> Result<&'a Column, String> {
    let (first, rest) = columns.split_first().ok_or("there are fewer columns than agreed")?;
    *columns = rest;
    Ok(first)
}

macro_rules! single {
    ($([$($generics:tt)*] $type:ty),*) => {$(
        impl<'a, $($generics)*> ReadRow<'a> for $type {
            type Reader = <Self as Read<'a>>::Reader;

            fn columns(single: &str) -> Vec<Field> {
                let (data_type, nullable) =
                    (<Self as Read<'a>>::DATA_TYPE, <Self as Read<'a>>::NULLABLE);
                vec![Field { name: single.into(), data_type, nullable }]
            }

            fn bind(schema: &Schema) -> Result<Vec<usize>, String> {
                bind_single(<Self as Read<'a>>::DATA_TYPE, schema)
            }

            fn reader(mut columns: &[&'a Column], rows: usize) -> Result<Self::Reader, String> {
                <Self as Read<'a>>::reader(next(&mut columns)?, rows)
            }

            #[inline]
            fn read(reader: &Self::Reader, row: usize) -> Option<Self> {
                <Self as Read<'a>>::read(reader, row)
            }
        }
    )*};
}

single!([] bool, [] i64, [] f64, [] Timestamp, [] &'a str, [] &'a [u8], [] String, [] Vec<u8>);
single!([T: Read<'a> + NonNull] Option<T>);

fn bind_single(wanted: DataType, schema: &Schema) -> Result<Vec<usize>, String> {
    match schema.fields() {
        [field] if field.data_type == wanted => Ok(vec![0]),
        _ => Err(format!("one column of type {wanted} is wanted; {schema}")),
    }
}

/// Stands for a key that a function doesn't take.
pub struct Unread;

impl<'a> ReadRow<'a> for Unread {
    type Reader = ();

    fn columns(_single: &str) -> Vec<Field> {
        vec![]
    }

    fn bind(_schema: &Schema) -> Result<Vec<usize>, String> {
        Ok(vec![])
    }

    fn reader(_columns: &[&'a Column], _rows: usize) -> Result<(), String> {
        Ok(())
    }

    #[inline]
    fn read(_reader: &(), _row: usize) -> Option<Self> {
        Some(Unread)
    }
}
