//! Reducers: the combination of a key's values, associative and commutative.
//!
//! In come values sorted by key, with where each key's rows end. Out goes one row a key, with the
//! schema of the values. The host combines partial results with the same reducer.

use crate::group::{Reading, collect};
use crate::{Batch, Column, Groups, Push, ReadRow, Schema};
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

/// A reducer that can also take values back out of a total, so that a sliding window costs what enters
/// and leaves it.
///
/// ```
/// use tidemill_plugin::{reduce, testing};
///
/// #[reduce(inverse = subtract)]
/// fn add(a: i64, b: i64) -> i64 {
///     a + b
/// }
///
/// fn subtract(total: i64, b: i64) -> i64 {
///     total - b
/// }
///
/// let (totals, values) = (testing::Table::new().column("n", [10, 20]), testing::Table::new().column("n", [1, 2]));
/// let left = testing::subtract::<add>("null", &totals, &[2, 2], &values).unwrap();
/// assert_eq!(left.rows(), ["(7)", "(20)"]);
/// ```
pub trait Invert: Reduce {
    /// Takes the rows of each group, which may have none, out of one row of `totals`. Answers one row a
    /// total, with the schema of the values.
    ///
    /// # Errors
    /// Where the whole call fails; the host finds the keys to blame by calling again with fewer.
    fn subtract(&self, totals: Batch, groups: Groups<'_>, values: Batch) -> Result<Batch, String>;
}

/// Where the columns of `T`'s fields stand among those of the values of a reducer, which has to have a
/// field for each.
///
/// # Errors
/// Where the columns and the fields are not the same.
pub fn bind_all<'a, T: ReadRow<'a>>(values: &Schema) -> Result<Vec<usize>, String> {
    let order = T::bind(values)?;
    let spare = values.fields().iter().enumerate().find(|(index, _)| !order.contains(index));
    match spare {
        Some((_, field)) => Err(format!("the reducer has no field for column `{}`", field.name)),
        None => Ok(order),
    }
}

/// Combines each group with a function of two values: what `#[reduce]` becomes.
///
/// `order` says where the columns of `T`'s fields stand.
///
/// # Errors
/// Where a value is null and `T` cannot say so, or the function fails.
pub fn fold<'a, T: ReadRow<'a> + Push>(
    order: &[usize],
    groups: Groups<'_>,
    values: &'a Batch,
    mut combine: impl FnMut(T, T) -> Result<T, String>,
) -> Result<Batch, String> {
    let values = Reading::<T>::new(order, values)?;
    let total = |mut rows: Range<usize>| {
        let mut total = values.row(rows.start)?;
        rows.start += 1;
        for row in rows {
            total = combine(total, values.row(row)?)?;
        }
        Ok(total)
    };
    collect_in_order(order, groups.iter().map(total))
}

/// Takes each group out of a total with a function of two values: what an inverse becomes.
///
/// # Errors
/// Where a value is null and `T` cannot say so, or the function fails.
pub fn fold_back<'a, T: ReadRow<'a> + Push>(
    order: &[usize],
    totals: &'a Batch,
    groups: Groups<'_>,
    values: &'a Batch,
    mut subtract: impl FnMut(T, T) -> Result<T, String>,
) -> Result<Batch, String> {
    let (totals, values) = (Reading::<T>::new(order, totals)?, Reading::<T>::new(order, values)?);
    let rest = |(group, rows): (usize, Range<usize>)| {
        let mut total = totals.row(group)?;
        for row in rows {
            total = subtract(total, values.row(row)?)?;
        }
        Ok(total)
    };
    collect_in_order(order, groups.iter().enumerate().map(rest))
}

/// A batch of rows whose columns stand where the schema of the values has them.
fn collect_in_order<T: Push>(
    order: &[usize],
    rows: impl ExactSizeIterator<Item = Result<T, String>>,
) -> Result<Batch, String> {
    let Batch { rows, columns } = collect(rows)?;
    Ok(Batch { rows, columns: in_order(order, columns) })
}

/// Puts the columns of the fields where the schema of the values has them.
fn in_order(order: &[usize], columns: Vec<Column>) -> Vec<Column> {
    let mut columns: Vec<_> = order.iter().zip(columns).collect();
    columns.sort_by_key(|(index, _)| **index);
    columns.into_iter().map(|(_, column)| column).collect()
}
