//! Keeps the first row of each key, in arrival order, nulls included.

use tidemill_plugin::{Batch, Groups, Reduce, Schema, export_reduce, no_config};

/// The first row.
pub struct First;

impl Reduce for First {
    fn open(config: &str, _values: &Schema) -> Result<Self, String> {
        no_config(config).map(|()| First)
    }

    fn reduce(&self, groups: Groups<'_>, values: Batch) -> Result<Batch, String> {
        let rows: Vec<u32> = groups.iter().map(|rows| rows.start as u32).collect();
        values.gather(&rows)
    }
}

export_reduce!(First);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use tidemill_plugin::testing::{Table, reduce};

    #[test]
    fn a_row_stays_whole() {
        let values = Table::new().column("n", [1, 3, 2]).column("text", [Some("a"), None, None]);
        assert_eq!(reduce::<First>("null", &[2, 3], &values).unwrap().rows(), ["(1, a)", "(2, null)"]);
    }
}
