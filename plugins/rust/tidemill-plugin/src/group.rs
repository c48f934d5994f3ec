//! Groups: which rows of a batch belong to which key, and reading the rows of a key one after the other.

use crate::{Batch, Builder, Column, Push, ReadRow};
use std::cell::Cell;
use std::ops::Range;

/// Which rows belong to which key. They are rows of the batch, all of them.
#[derive(Clone, Copy, Debug)]
pub struct Groups<'a> {
    ends: &'a [u32],
}

impl<'a> Groups<'a> {
    /// Groups of a batch of `rows` rows, by where each one ends. None is empty.
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
        Self::sparse(ends, rows)
    }

    /// The same, where a group may have no rows.
    ///
    /// # Errors
    /// Where a group ends before it begins, or the last does not end with the batch.
    pub fn sparse(ends: &'a [u32], rows: u32) -> Result<Self, String> {
        if !ends.is_sorted() {
            return Err("a group ends before it begins".into());
        }
        let end = ends.last().copied().unwrap_or(0);
        if end != rows {
            return Err(format!("the groups end at row {end} of {rows}"));
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

/// The columns of a batch, made ready for reading rows of type `T`.
pub struct Reading<'a, T: ReadRow<'a>> {
    reader: T::Reader,
    /// A row that could not be read, because it holds no value where `T` needs one.
    null: Cell<Option<usize>>,
}

impl<'a, T: ReadRow<'a>> Reading<'a, T> {
    /// Of the columns at `order`, as [`ReadRow::bind`] answered it.
    ///
    /// # Errors
    /// Where the batch is not as it was bound.
    pub fn new(order: &[usize], batch: &'a Batch) -> Result<Self, String> {
        let columns = order.iter().map(|index| batch.column(*index)).collect::<Result<Vec<_>, _>>()?;
        Self::of(&columns, batch)
    }

    /// Of all columns, in the order of the fields.
    ///
    /// # Errors
    /// Where they are not those of `T`.
    pub fn whole(batch: &'a Batch) -> Result<Self, String> {
        Self::of(&batch.columns.iter().collect::<Vec<_>>(), batch)
    }

    fn of(columns: &[&'a Column], batch: &'a Batch) -> Result<Self, String> {
        Ok(Self { reader: T::reader(columns, batch.rows as usize)?, null: Cell::new(None) })
    }

    /// The row `row`.
    ///
    /// # Errors
    /// Where it holds no value and `T` cannot say so.
    #[inline]
    pub fn row(&self, row: usize) -> Result<T, String> {
        T::read(&self.reader, row).ok_or_else(|| no_value(row))
    }

    /// The rows of a group. Where one can't be read they end, and [`check`](Self::check) tells.
    pub fn rows(&self, rows: Range<usize>) -> Rows<'_, 'a, T> {
        Rows { reading: self, rows }
    }

    /// Whether all rows could be read.
    ///
    /// # Errors
    /// Where one could not.
    #[inline]
    pub fn check(&self) -> Result<(), String> {
        self.null.get().map_or(Ok(()), |row| Err(no_value(row)))
    }
}

/// The rows of a group, one after the other.
pub struct Rows<'r, 'a, T: ReadRow<'a>> {
    reading: &'r Reading<'a, T>,
    rows: Range<usize>,
}

impl<'a, T: ReadRow<'a>> Iterator for Rows<'_, 'a, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        let row = self.rows.next()?;
        let value = T::read(&self.reading.reader, row);
        if value.is_none() {
            self.reading.null.set(Some(row));
            self.rows.start = self.rows.end;
        }
        value
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.rows.len()))
    }
}

/// A batch of rows.
///
/// # Errors
/// The first that is one.
pub fn collect<T: Push>(rows: impl ExactSizeIterator<Item = Result<T, String>>) -> Result<Batch, String> {
    let mut builder = T::Builder::with_capacity(rows.len(), 0);
    for row in rows {
        row?.push_to(&mut builder);
    }
    Ok(builder.into_batch())
}

#[cold]
fn no_value(row: usize) -> String {
    format!("row {row} holds no value")
}
