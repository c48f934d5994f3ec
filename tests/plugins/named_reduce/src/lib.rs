//! Combines values with a function of two that a conformance case names, and takes them out again with its inverse, as
//! the config says.

use named::{Cell, Record, combine, read, write};
use tidemill_plugin::{Batch, Groups, Invert, Reduce, Schema, config, export_invertible, parse_config};

/// Which functions, and how the values stand in their column, `v`.
#[config]
struct Config {
    function: String,
    inverse: Option<String>,
    cell: Cell,
}

/// A function at work.
pub struct NamedReduce {
    function: String,
    inverse: Option<String>,
    value: Record,
}

impl Reduce for NamedReduce {
    fn open(config: &str, values: &Schema) -> Result<Self, String> {
        let Config { function, inverse, cell } = parse_config(config)?;
        let value = Record::single(cell);
        value.find(values)?;
        Ok(Self { function, inverse, value })
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

impl Invert for NamedReduce {
    fn subtract(&self, totals: Batch, groups: Groups<'_>, values: Batch) -> Result<Batch, String> {
        let inverse = self.inverse.as_deref().ok_or("the case names no inverse")?;
        let (mut totals, values) = (read(&self.value, &totals)?, read(&self.value, &values)?);
        for (total, rows) in totals.iter_mut().zip(groups.iter()) {
            for value in values.get(rows).unwrap_or_default() {
                *total = combine(inverse, total, value)?;
            }
        }
        write(&self.value, &totals)
    }
}

export_invertible!(NamedReduce);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use tidemill_plugin::testing::{Table, reduce, subtract};

    #[test]
    fn each_group_is_combined_from_left_to_right() {
        let numbers = Table::new().column("v", [5, 2, 1]);
        let config = r#"{"function": "sub", "cell": "int"}"#;
        assert_eq!(reduce::<NamedReduce>(config, &[2, 3], &numbers).unwrap().rows(), ["(3)", "(1)"]);
        let lists = Table::new().column("v", ["[1]", "[2,3]"]);
        let config = r#"{"function": "add", "cell": "json"}"#;
        assert_eq!(reduce::<NamedReduce>(config, &[2], &lists).unwrap().rows(), ["([1,2,3])"]);
    }

    #[test]
    fn each_value_of_a_group_is_taken_out() {
        let (totals, values) = (Table::new().column("v", [9, 4]), Table::new().column("v", [5, 2]));
        let config = r#"{"function": "add", "inverse": "sub", "cell": "int"}"#;
        assert_eq!(
            subtract::<NamedReduce>(config, &totals, &[2, 2], &values).unwrap().rows(),
            ["(2)", "(4)"]
        );
        let config = r#"{"function": "add", "cell": "int"}"#;
        assert!(subtract::<NamedReduce>(config, &totals, &[2, 2], &values).is_err());
    }
}
