//! Sums of columns, for plugins that take whatever numbers a stream has. Nulls add nothing.

use crate::{Column, Groups, Values};
use std::ops::Range;

const OVERFLOW: &str = "does not fit int64";
const UNEQUAL: &str = "ends after the batch";
const NO_NUMBERS: &str = "was agreed to be of numbers";

/// How many values are added up before it is looked at which groups end among them.
const ADDED: usize = 1024;
/// How many values a turn of the loop adds: in the sandbox each turn looks at the clock of the call's deadline.
const ADDED_A_TURN: usize = 8;

/// The sum of each group of `values`, 0 where it has no rows. None where one does not fit, or a group ends behind them.
///
/// ```
/// use tidemill_plugin::{Groups, sums_of};
/// assert_eq!(sums_of(&[1, 2, 3], Groups::new(&[2, 3], 3)?), Some(vec![3, 3]));
/// # Ok::<(), String>(())
/// ```
pub fn sums_of(values: &[i64], groups: Groups<'_>) -> Option<Vec<i64>> {
    match all_fit(values) {
        true => running_sums(values, groups),
        false => totals(values, groups, i64::checked_add),
    }
}

/// The total of each group, value by value; none where `add` has none, or a group ends behind the values.
fn totals<T: Copy + Default>(
    values: &[T],
    groups: Groups<'_>,
    add: impl Fn(T, T) -> Option<T>,
) -> Option<Vec<T>> {
    let total = |rows: Range<usize>| {
        values.get(rows)?.iter().try_fold(T::default(), |total, value| add(total, *value))
    };
    groups.iter().map(total).collect()
}

/// Whether it is certain that any sum of some of `values` fits.
fn all_fit(values: &[i64]) -> bool {
    // As many bits as the largest has, its sign aside. With those of their number, they are at most the 63 of a sum.
    let bits_of = |values: &[i64]| values.iter().fold(0, |bits, value| bits | (value ^ (value >> 63)));
    let (turns, rest) = values.as_chunks::<{ 2 * ADDED_A_TURN }>();
    let bits = turns.iter().fold(bits_of(rest), |bits, turn| bits | bits_of(turn));
    bits.leading_zeros() + (values.len() as u64).leading_zeros() > u64::BITS
}

/// The sums of groups that are known to fit, as differences of a running sum: most groups are short, and a guess at how
/// short, gone wrong, costs more than to add up all values.
fn running_sums(values: &[i64], groups: Groups<'_>) -> Option<Vec<i64>> {
    let mut sums = Vec::with_capacity(groups.len());
    let mut ends = groups.iter().map(|rows| rows.end).peekable();
    let (mut total, mut reached) = (0_i64, 0_i64);
    // What the values before each one come to, and behind them what all do.
    let mut before = [0; ADDED + ADDED_A_TURN];
    for (first, values) in (0..).step_by(ADDED).zip(values.chunks(ADDED)) {
        let (turns, rest) = values.as_chunks::<ADDED_A_TURN>();
        let mut places = before.as_chunks_mut::<ADDED_A_TURN>().0.iter_mut();
        let mut add = |places: &mut [i64; ADDED_A_TURN], values: &[i64]| {
            for (before, value) in places.iter_mut().zip(values) {
                *before = total;
                total = total.wrapping_add(*value);
            }
        };
        turns.iter().zip(places.by_ref()).for_each(|(turn, places)| add(places, turn));
        places.next().into_iter().for_each(|places| add(places, rest));
        *before.get_mut(values.len())? = total;
        while let Some(end) = ends.next_if(|end| *end <= first + values.len()) {
            let here = *before.get(end - first)?;
            sums.push(here.wrapping_sub(reached));
            reached = here;
        }
    }
    // Groups of no values have no chunk that they end in.
    ends.try_for_each(|end| (end == 0).then(|| sums.push(0)))?;
    Some(sums)
}

impl Column {
    /// The sum of each group, in arrival order; null where a group holds nothing but nulls, and 0 where it
    /// has no rows.
    ///
    /// # Errors
    /// Where an int64 sum does not fit, or these are no numbers; what a sentence about the column ends with.
    pub fn sums(&self, groups: Groups<'_>) -> Result<Column, &'static str> {
        let values = match &self.values {
            Values::Int64(values) if self.valid.is_none() => {
                Values::Int64(sums_of(values, groups).ok_or(OVERFLOW)?)
            }
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
        if self.valid.is_none() {
            return totals(values, groups, add);
        }
        let total = |rows: Range<usize>| {
            let mut rows = rows.filter(|row| self.is_valid(*row));
            rows.try_fold(T::default(), |total, row| add(total, *values.get(row)?))
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// Checks the sums of `values` in groups that end at `ends`, one value after the other.
    fn same(values: &[i64], ends: &[u32]) {
        let groups = Groups::sparse(ends, values.len() as u32).unwrap();
        let sum = |rows: Range<usize>| values[rows].iter().try_fold(0_i64, |sum, n| sum.checked_add(*n));
        let expected: Option<Vec<i64>> = groups.iter().map(sum).collect();
        assert_eq!(sums_of(values, groups), expected, "{} values, {ends:?}", values.len());
    }

    #[test]
    fn groups_of_any_size_are_added_up_wherever_they_end() {
        for num_values in [0, 1, 7, 8, 9, 1023, 1024, 1025, 3000] {
            let values: Vec<i64> = (0..num_values).map(|n| (n * 7919 % 1000 - 500) << (n % 40)).collect();
            for step in [1, 3, 8, 700, 1024, 5000] {
                let mut ends: Vec<u32> = (0..num_values as u32).step_by(step).collect();
                ends.extend([num_values as u32; 2]);
                same(&values, &ends);
            }
        }
    }

    #[test]
    fn sums_fit_or_not_at_the_very_end_of_int64() {
        for value in [i64::MAX, i64::MIN, i64::MAX / 2, i64::MIN / 2, i64::MAX / 2 + 1, 1 << 61, -1 << 61] {
            for others in [[0, 0], [1, 0], [-1, 0], [value, 0], [value, -value.max(-i64::MAX)]] {
                let values = [&[value][..], &others].concat();
                same(&values, &[3]);
                same(&values, &[1, 1, 3]);
                same(&values, &[2, 3]);
            }
        }
    }

    #[test]
    fn sums_of_many_are_known_to_fit_only_where_they_do() {
        for num_values in [2, 3, 4, 1023, 1024, 1025] {
            for bits in 50..63 {
                for value in [(1 << bits) - 1, -1 << bits] {
                    let values = vec![value; num_values];
                    same(&values, &[num_values as u32]);
                    same(&values, &[1, num_values as u32]);
                }
            }
        }
    }

    #[test]
    fn a_group_that_ends_behind_the_values_has_no_sum() {
        let groups = Groups::new(&[1, 3], 3).unwrap();
        assert_eq!((sums_of(&[1, 2], groups), sums_of(&[i64::MAX, 2], groups)), (None, None));
    }
}
