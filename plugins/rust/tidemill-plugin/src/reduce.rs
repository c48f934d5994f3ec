//! Reducers: the combination of a key's values, associative and commutative.
//!
//! In come values sorted by key, with where each key's rows end. Out goes one row a key, with the
//! schema of the values. The host combines partial results with the same reducer.

use crate::{Batch, Builder, Column, Push, ReadRow, Schema};
use std::ops::Range;

/// A plugin that combines the values of each key into one.
///
/// ```
/// use tidemill_plugin::{Batch, Groups, Reduce, Schema, testing};
///
/// /// Keeps the first row of each key.
/// struct First;
///
/// impl Reduce for First {
///     fn open(_config: &str, _values: &Schema) -> Result<Self, String> {
///         Ok(First)
///     }
///
///     fn reduce(&self, groups: Groups<'_>, values: Batch) -> Result<Batch, String> {
///         let rows: Vec<u32> = groups.iter().map(|rows| rows.start as u32).collect();
///         values.gather(&rows)
///     }
/// }
/// tidemill_plugin::export_reduce!(First);
///
/// let values = testing::Table::new().column("n", [1, 2, 3]);
/// assert_eq!(testing::reduce::<First>("null", &[2, 3], &values).unwrap().rows(), ["(1)", "(3)"]);
/// ```
pub trait Reduce: Sized + 'static {
    /// Reads the config (JSON, `null` where the manifest gives none) and looks at the schema of the
    /// values, keys left out.
    ///
    /// # Errors
    /// A text for the author of the manifest; the pipeline does not start.
    fn open(config: &str, values: &Schema) -> Result<Self, String>;

    /// Answers one row a group, with the schema of the values.
    ///
    /// # Errors
    /// Where the whole call fails; the host finds the keys to blame by calling again with fewer.
    fn reduce(&self, groups: Groups<'_>, values: Batch) -> Result<Batch, String>;
}

/// Which rows belong to which key. Every group has rows, and they are rows of the batch.
#[derive(Clone, Copy, Debug)]
pub struct Groups<'a> {
    ends: &'a [u32],
}

impl<'a> Groups<'a> {
    /// Groups of a batch of `rows` rows, by where each one ends.
    ///
    /// # Errors
    /// Where a group has no rows, or the last does not end with the batch.
    pub fn new(ends: &'a [u32], rows: u32) -> Result<Self, String> {
        let mut start = 0;
        for (group, end) in ends.iter().enumerate() {
            if *end <= start {
                return Err(format!("group {group} has no rows"));
            }
            start = *end;
        }
        if start != rows {
            return Err(format!("the groups end at row {start} of {rows}"));
        }
        Ok(Self { ends })
    }

    /// How many groups there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are no groups.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The rows of each group, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Range<usize>> + use<'a> {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let rows = start..*end as usize;
            start = rows.end;
            rows
        })
    }
}

/// Combines each group with a function of two values: what `#[reduce]` becomes.
///
/// `order` says where the columns of `T`'s fields stand, as [`ReadRow::bind`] answered it.
///
/// # Errors
/// Where a value is null and `T` cannot say so, or the function fails.
pub fn fold<'a, T: ReadRow<'a> + Push>(
    order: &[usize],
    groups: Groups<'_>,
    values: &'a Batch,
    mut combine: impl FnMut(T, T) -> Result<T, String>,
) -> Result<Batch, String> {
    let columns = order.iter().map(|index| values.column(*index)).collect::<Result<Vec<_>, _>>()?;
    let reader = T::reader(&columns, values.rows as usize)?;
    let read = |row| T::read(&reader, row).ok_or_else(|| format!("row {row} holds no value"));
    let mut builder = T::Builder::with_capacity(groups.len(), 0);
    for mut rows in groups.iter() {
        let mut total = read(rows.start)?;
        rows.start += 1;
        for row in rows {
            total = combine(total, read(row)?)?;
        }
        total.push_to(&mut builder);
    }
    let mut columns = vec![];
    builder.finish(&mut columns);
    Ok(Batch { rows: groups.len() as u32, columns: in_order(order, columns) })
}

/// Puts the columns of the fields where the schema of the values has them.
fn in_order(order: &[usize], columns: Vec<Column>) -> Vec<Column> {
    let mut columns: Vec<_> = order.iter().zip(columns).collect();
    columns.sort_by_key(|(index, _)| **index);
    columns.into_iter().map(|(_, column)| column).collect()
}
