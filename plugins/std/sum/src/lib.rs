//! Adds up the values of each key, column by column. An int64 sum that does not fit is an error;
//! float64 values are added in arrival order. Nulls add nothing, and nothing but nulls is null.
//!
//! Its inverse takes values back out, so that a sliding window costs what enters and leaves it. What is
//! left of a total once all its values are gone is 0.

use tidemill_plugin::{
    Batch, Column, DataType, Groups, Invert, Reduce, Schema, export_invertible, no_config,
};

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
        let sums = values.columns.iter().map(|column| column.sums(groups));
        self.batch(groups.len() as u32, "sum", sums)
    }
}

impl Invert for Sum {
    fn subtract(&self, totals: Batch, groups: Groups<'_>, values: Batch) -> Result<Batch, String> {
        let columns = totals.columns.iter().zip(&values.columns);
        let rest = columns.map(|(total, values)| total.minus(&values.sums(groups)?));
        self.batch(totals.rows, "rest", rest)
    }
}

impl Sum {
    /// The columns that were worked out, or which one could not be.
    fn batch(
        &self,
        rows: u32,
        what: &str,
        columns: impl Iterator<Item = Result<Column, &'static str>>,
    ) -> Result<Batch, String> {
        let named = self.columns.iter().zip(columns);
        let columns =
            named.map(|(name, column)| column.map_err(|e| format!("the {what} of column `{name}` {e}")));
        Ok(Batch { rows, columns: columns.collect::<Result<_, _>>()? })
    }
}

export_invertible!(Sum);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use tidemill_plugin::testing::{Table, reduce, subtract};

    #[test]
    fn columns_are_added_up_apart() {
        let values = Table::new().column("n", [1, 2, 3]).column("x", [Some(0.5), None, None]);
        assert_eq!(reduce::<Sum>("null", &[2, 3], &values).unwrap().rows(), ["(3, 0.5)", "(3, null)"]);
    }

    #[test]
    fn what_was_added_is_taken_back_out() {
        let totals = Table::new().column("n", [6, 3]).column("x", [Some(0.75), None]);
        let values = Table::new().column("n", [1, 2]).column("x", [Some(0.5), None]);
        let rest = subtract::<Sum>("null", &totals, &[2, 2], &values).unwrap();
        assert_eq!(rest.rows(), ["(3, 0.25)", "(3, 0.0)"]);
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
