//! What plugins that work on whole columns have in common: types, lengths, picking rows.

use crate::{Batch, Column, DataType, Groups, Values, Varlen, VarlenBuilder};
use std::cmp::Ordering;

impl Column {
    /// The type of its values.
    pub fn data_type(&self) -> DataType {
        match self.values {
            Values::Boolean(_) => DataType::Boolean,
            Values::Int64(_) => DataType::Int64,
            Values::Float64(_) => DataType::Float64,
            Values::Utf8(_) => DataType::Utf8,
            Values::Binary(_) => DataType::Binary,
            Values::Timestamp(_) => DataType::Timestamp,
        }
    }

    /// Whether row `row` holds a value.
    #[inline]
    pub fn is_valid(&self, row: usize) -> bool {
        self.valid.as_ref().is_none_or(|valid| valid.get(row) == Some(&true))
    }

    /// A column of the values in these rows, in this order.
    ///
    /// # Errors
    /// Where one of them is not a row of this column.
    pub fn gather(&self, rows: &[u32]) -> Result<Column, String> {
        let values = match &self.values {
            Values::Boolean(values) => Values::Boolean(pick(values, rows)?),
            Values::Int64(values) => Values::Int64(pick(values, rows)?),
            Values::Float64(values) => Values::Float64(pick(values, rows)?),
            Values::Timestamp(values) => Values::Timestamp(pick(values, rows)?),
            Values::Utf8(varlen) => Values::Utf8(varlen.gather(rows)?),
            Values::Binary(varlen) => Values::Binary(varlen.gather(rows)?),
        };
        let valid = self.valid.as_ref().map(|valid| pick(valid, rows)).transpose()?;
        Ok(Column { values, valid })
    }

    /// The row of the smallest ([`Ordering::Less`]) or largest ([`Ordering::Greater`]) value of each
    /// group; the first of equals. Nulls count only where a group holds nothing else. Numbers that are
    /// none (NaN) are larger than all others; texts compare by their bytes.
    ///
    /// # Errors
    /// Where the groups are not of this column.
    pub fn extremes(&self, groups: Groups<'_>, wanted: Ordering) -> Result<Vec<u32>, String> {
        let wins: &dyn Fn(usize, usize) -> Option<Ordering> = &|a, b| match &self.values {
            Values::Boolean(values) => Some(values.get(a)?.cmp(values.get(b)?)),
            Values::Int64(values) | Values::Timestamp(values) => Some(values.get(a)?.cmp(values.get(b)?)),
            Values::Float64(values) => Some(compare(*values.get(a)?, *values.get(b)?)),
            Values::Utf8(varlen) | Values::Binary(varlen) => Some(varlen.get(a)?.cmp(varlen.get(b)?)),
        };
        let best = |rows: std::ops::Range<usize>| {
            let mut best = rows.start;
            for row in rows.skip(1).filter(|row| self.is_valid(*row)) {
                let order = wins(row, best).ok_or("a group ends after the batch")?;
                if order == wanted || !self.is_valid(best) {
                    best = row;
                }
            }
            Ok(best as u32)
        };
        groups.iter().map(best).collect()
    }
}

impl Batch {
    /// A batch of these rows, in this order.
    ///
    /// # Errors
    /// Where one of them is not a row of this batch.
    pub fn gather(&self, rows: &[u32]) -> Result<Batch, String> {
        let columns = self.columns.iter().map(|column| column.gather(rows));
        Ok(Batch { rows: rows.len() as u32, columns: columns.collect::<Result<_, _>>()? })
    }
}

impl Varlen {
    /// The bytes of the value in row `row`.
    #[inline]
    pub fn get(&self, row: usize) -> Option<&[u8]> {
        match self.offsets.get(row..)? {
            [start, end, ..] => self.data.get(*start as usize..*end as usize),
            _ => None,
        }
    }

    fn gather(&self, rows: &[u32]) -> Result<Varlen, String> {
        let mut values = VarlenBuilder::with_capacity(rows.len(), 0);
        for row in rows {
            values.push(self.get(*row as usize).ok_or_else(|| no_row(*row))?);
        }
        Ok(values.finish())
    }
}

fn compare(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

fn pick<T: Copy>(values: &[T], rows: &[u32]) -> Result<Vec<T>, String> {
    let get = |row: &u32| values.get(*row as usize).copied().ok_or_else(|| no_row(*row));
    rows.iter().map(get).collect()
}

fn no_row(row: u32) -> String {
    format!("row {row} is wanted, but the batch ends before it")
}
