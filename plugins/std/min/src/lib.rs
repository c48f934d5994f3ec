//! Keeps the smallest value of each column and key; nulls count only where there is nothing else.

use std::cmp::Ordering;
use tidemill_plugin::{Batch, Column, Groups, Reduce, Schema, export_reduce, no_config};

/// The smallest value of each column.
pub struct Min;

impl Reduce for Min {
    fn open(config: &str, _values: &Schema) -> Result<Self, String> {
        no_config(config).map(|()| Min)
    }

    fn reduce(&self, groups: Groups<'_>, values: Batch) -> Result<Batch, String> {
        let min = |column: &Column| column.gather(&column.extremes(groups, Ordering::Less)?);
        let columns = values.columns.iter().map(min).collect::<Result<_, _>>()?;
        Ok(Batch { rows: groups.len() as u32, columns })
    }
}

export_reduce!(Min);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use tidemill_plugin::testing::{Table, reduce};

    #[test]
    fn each_column_has_its_own() {
        let values = Table::new()
            .column("n", [3, 1, 5, 5])
            .column("text", ["a", "b", "c", "c"])
            .column("price", [None, None, Some(2.5), None]);
        let rows = reduce::<Min>("null", &[2, 4], &values).unwrap().rows();
        assert_eq!(rows, ["(1, a, null)", "(5, c, 2.5)"]);
    }

    #[test]
    fn what_is_no_number_is_larger_than_all_others() {
        let values = Table::new().column("price", [1.0, f64::NAN, -1.0]);
        let rows = reduce::<Min>("null", &[3], &values).unwrap().rows();
        assert_eq!(rows, ["(-1.0)"]);
    }
}
