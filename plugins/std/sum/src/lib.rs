//! Adds up the values of each key, column by column. An int64 sum that does not fit is an error;
//! float64 values are added in arrival order. Nulls add nothing, and nothing but nulls is null.

use tidemill_plugin::{Batch, Column, DataType, Groups, Reduce, Schema, Values, export_reduce, no_config};

/// The sum of each column.
pub struct Sum {
    columns: Vec<String>,
}

impl Reduce for Sum {
    fn open(config: &str, values: &Schema) -> Result<Self, String> {
        no_config(config)?;
        let numeric = |data_type| matches!(data_type, DataType::Int64 | DataType::Float64);
        if let Some(field) = values.fields().iter().find(|field| !numeric(field.data_type)) {
            return Err(format!(
                "column `{}` is {}, which has no sum; {values}",
                field.name, field.data_type
            ));
        }
        Ok(Sum { columns: values.fields().iter().map(|field| field.name.clone()).collect() })
    }

    fn reduce(&self, groups: Groups<'_>, values: Batch) -> Result<Batch, String> {
        let named = self.columns.iter().zip(&values.columns);
        let total = |(name, column): (&String, &Column)| {
            total(column, groups).map_err(|e| format!("the sum of column `{name}` {e}"))
        };
        Ok(Batch { rows: groups.len() as u32, columns: named.map(total).collect::<Result<_, _>>()? })
    }
}

export_reduce!(Sum);

fn total(column: &Column, groups: Groups<'_>) -> Result<Column, &'static str> {
    let overflow = "does not fit int64";
    let values = match &column.values {
        Values::Int64(values) => {
            Values::Int64(fold(column, values, groups, i64::checked_add).ok_or(overflow)?)
        }
        Values::Float64(values) => {
            let add = |a, b| Some(a + b);
            Values::Float64(fold(column, values, groups, add).ok_or("ends after the batch")?)
        }
        _ => return Err("was agreed to be of numbers"),
    };
    let any = |rows: std::ops::Range<usize>| rows.into_iter().any(|row| column.is_valid(row));
    let valid = column.valid.is_some().then(|| groups.iter().map(any).collect());
    Ok(Column { values, valid })
}

/// The total of each group; none where `add` has none, or a group is not of these values.
fn fold<T: Copy + Default>(
    column: &Column,
    values: &[T],
    groups: Groups<'_>,
    add: impl Fn(T, T) -> Option<T>,
) -> Option<Vec<T>> {
    let total = |rows: std::ops::Range<usize>| match column.valid {
        None => values.get(rows)?.iter().try_fold(T::default(), |total, value| add(total, *value)),
        Some(_) => rows
            .filter(|row| column.is_valid(*row))
            .try_fold(T::default(), |total, row| add(total, *values.get(row)?)),
    };
    groups.iter().map(total).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use tidemill_plugin::testing::{Table, reduce};

    #[test]
    fn columns_are_added_up_apart() {
        let values = Table::new().column("n", [1, 2, 3]).column("x", [Some(0.5), None, None]);
        assert_eq!(reduce::<Sum>("null", &[2, 3], &values).unwrap().rows(), ["(3, 0.5)", "(3, null)"]);
    }

    #[test]
    fn a_sum_that_does_not_fit_is_an_error() {
        let values = Table::new().column("n", [i64::MAX, 1]);
        let error = reduce::<Sum>("null", &[2], &values).unwrap_err();
        assert_eq!(error, "the sum of column `n` does not fit int64");
    }

    #[test]
    fn texts_have_no_sum() {
        let values = Table::new().column("word", ["a"]);
        let error = reduce::<Sum>("null", &[1], &values).unwrap_err();
        assert_eq!(error, "column `word` is utf8, which has no sum; the columns are: word: utf8");
    }
}
