//! Keeps the columns that its config names, in that order: `config = { columns = ["symbol", "amount"] }`.
//!
//! No value enters the sandbox: the plugin reads no column and has the host carry those named past it.

use tidemill_plugin::{Batch, Output, Plan, Schema, Transform, parse_config};

#[tidemill_plugin::config]
struct Config {
    columns: Vec<String>,
}

/// The plugin; what it does is all in its plan.
pub struct Pick;

impl Transform for Pick {
    fn open(config: &str, input: &Schema) -> Result<(Self, Plan), String> {
        let config: Config = parse_config(config)?;
        let index = |name: &String| input.column(name).map(|(index, _)| index);
        let carries = config.columns.iter().map(index).collect::<Result<_, _>>()?;
        let plan = Plan {
            reads: vec![],
            carries,
            produces: vec![],
        };
        Ok((Pick, plan))
    }

    fn process(&self, input: Batch) -> Result<Output, String> {
        let batch = Batch {
            rows: input.rows,
            columns: vec![],
        };
        Ok(Output {
            batch,
            origins: None,
            rejects: vec![],
        })
    }
}

tidemill_plugin::export_transform!(Pick);

#[cfg(test)]
mod tests {
    use tidemill_plugin::testing::{self, Table};

    use super::*;

    #[test]
    fn columns_come_in_the_order_of_the_config() -> Result<(), String> {
        let table = Table::new()
            .column("a", [1, 2])
            .column("b", ["x", "y"])
            .column("c", [true, false]);
        let output = testing::transform::<Pick>(r#"{"columns": ["c", "a"]}"#, &table)?;
        assert_eq!(output.table.rows(), ["(true, 1)", "(false, 2)"]);
        Ok(())
    }

    #[test]
    fn a_column_that_is_not_there_is_named() {
        let table = Table::new().column("a", [1]);
        let error = testing::transform::<Pick>(r#"{"columns": ["z"]}"#, &table)
            .err()
            .unwrap_or_default();
        assert!(error.starts_with("there is no column `z`"), "{error}");
    }
}
