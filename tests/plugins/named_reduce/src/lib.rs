//! Combines values with a function of two that a conformance case names, as the config says.

use named::{Cell, Record, combine, read, write};
use tidemill_plugin::{Batch, Groups, Reduce, Schema, config, export_reduce, parse_config};

/// Which function, and how the values stand in their column, `v`.
#[config]
struct Config {
    function: String,
    cell: Cell,
}

/// A function at work.
pub struct NamedReduce {
    function: String,
    value: Record,
}

impl Reduce for NamedReduce {
    fn open(config: &str, values: &Schema) -> Result<Self, String> {
        let Config { function, cell } = parse_config(config)?;
        let value = Record::single(cell);
        value.find(values)?;
        Ok(Self { function, value })
    }

    fn reduce(&self, groups: Groups<'_>, values: Batch) -> Result<Batch, String> {
        let values = read(&self.value, &values)?;
        let mut totals = Vec::with_capacity(groups.len());
        for rows in groups.iter() {
            let (first, rest) = values.get(rows).and_then(<[_]>::split_first).ok_or("a group has no rows")?;
            totals.push(
                rest.iter().try_fold(first.clone(), |total, value| combine(&self.function, &total, value))?,
            );
        }
        write(&self.value, &totals)
    }
}

export_reduce!(NamedReduce);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use tidemill_plugin::testing::{Table, reduce};

    #[test]
    fn each_group_is_combined_from_left_to_right() {
        let numbers = Table::new().column("v", [5, 2, 1]);
        let config = r#"{"function": "sub", "cell": "int"}"#;
        assert_eq!(reduce::<NamedReduce>(config, &[2, 3], &numbers).unwrap().rows(), ["(3)", "(1)"]);
        let lists = Table::new().column("v", ["[1]", "[2,3]"]);
        let config = r#"{"function": "add", "cell": "json"}"#;
        assert_eq!(reduce::<NamedReduce>(config, &[2], &lists).unwrap().rows(), ["([1,2,3])"]);
    }
}
