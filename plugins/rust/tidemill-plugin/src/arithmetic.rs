//! Sums of columns, for plugins that take whatever numbers a stream has. Nulls add nothing.

use crate::{Column, Groups, Values};
use std::ops::Range;

const OVERFLOW: &str = "does not fit int64";
const UNEQUAL: &str = "ends after the batch";
const NO_NUMBERS: &str = "was agreed to be of numbers";

impl Column {
    /// The sum of each group, in arrival order; null where a group holds nothing but nulls, and 0 where it
    /// has no rows.
    ///
    /// # Errors
    /// Where an int64 sum does not fit, or these are no numbers; what a sentence about the column ends with.
    pub fn sums(&self, groups: Groups<'_>) -> Result<Column, &'static str> {
        let values = match &self.values {
            Values::Int64(values) => {
                Values::Int64(self.fold(values, groups, i64::checked_add).ok_or(OVERFLOW)?)
            }
            Values::Float64(values) => {
                Values::Float64(self.fold(values, groups, |a, b| Some(a + b)).ok_or(UNEQUAL)?)
            }
            _ => return Err(NO_NUMBERS),
        };
        let any = |rows: Range<usize>| rows.is_empty() || rows.into_iter().any(|row| self.is_valid(row));
        Ok(Column { values, valid: self.valid.is_some().then(|| groups.iter().map(any).collect()) })
    }

    /// Row by row the sum of two columns of one type and length.
    ///
    /// # Errors
    /// Where an int64 sum does not fit, or the columns are not alike.
    pub fn plus(&self, other: &Column) -> Result<Column, &'static str> {
        self.zip(other, i64::checked_add, |a, b| a + b)
    }

    /// Row by row the difference of two columns of one type and length.
    ///
    /// # Errors
    /// Where an int64 difference does not fit, or the columns are not alike.
    pub fn minus(&self, other: &Column) -> Result<Column, &'static str> {
        self.zip(other, i64::checked_sub, |a, b| a - b)
    }

    /// The total of each group; none where `add` has none, or a group is not of these values.
    fn fold<T: Copy + Default>(
        &self,
        values: &[T],
        groups: Groups<'_>,
        add: impl Fn(T, T) -> Option<T>,
    ) -> Option<Vec<T>> {
        let total = |rows: Range<usize>| match self.valid {
            None => values.get(rows)?.iter().try_fold(T::default(), |total, value| add(total, *value)),
            Some(_) => rows
                .filter(|row| self.is_valid(*row))
                .try_fold(T::default(), |total, row| add(total, *values.get(row)?)),
        };
        groups.iter().map(total).collect()
    }

    fn zip(
        &self,
        other: &Column,
        int: impl Fn(i64, i64) -> Option<i64>,
        float: impl Fn(f64, f64) -> f64,
    ) -> Result<Column, &'static str> {
        let values = match (&self.values, &other.values) {
            (Values::Int64(a), Values::Int64(b)) if a.len() == b.len() => {
                let pairs = (0..).zip(a.iter().zip(b));
                let pair =
                    |(row, (a, b)): (usize, (&i64, &i64))| int(self.or_zero(row, *a), other.or_zero(row, *b));
                Values::Int64(pairs.map(pair).collect::<Option<_>>().ok_or(OVERFLOW)?)
            }
            (Values::Float64(a), Values::Float64(b)) if a.len() == b.len() => {
                let pairs = (0..).zip(a.iter().zip(b));
                let pair = |(row, (a, b)): (usize, (&f64, &f64))| {
                    float(self.or_zero(row, *a), other.or_zero(row, *b))
                };
                Values::Float64(pairs.map(pair).collect())
            }
            (Values::Int64(_), Values::Int64(_)) | (Values::Float64(_), Values::Float64(_)) => {
                return Err(UNEQUAL);
            }
            _ => return Err(NO_NUMBERS),
        };
        let flags = self.valid.as_ref().zip(other.valid.as_ref());
        let valid = flags.map(|(a, b)| a.iter().zip(b).map(|(a, b)| *a || *b).collect());
        Ok(Column { values, valid })
    }

    fn or_zero<T: Default>(&self, row: usize, value: T) -> T {
        if self.is_valid(row) { value } else { T::default() }
    }
}
