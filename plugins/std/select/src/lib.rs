//! Passes on the columns that the config names in `columns`, in that order; those in `rename` get new
//! names and stand behind the others, since only columns that keep their names can be carried.

use std::collections::BTreeMap;
use tidemill_plugin::{Batch, Output, Plan, Schema, Transform, config, export_transform, parse_config};

/// Which columns to pass on.
#[config]
struct Config {
    columns: Vec<String>,
    #[serde(default)]
    rename: BTreeMap<String, String>,
}

/// Some of the columns.
pub struct Select;

impl Transform for Select {
    fn open(config: &str, input: &Schema) -> Result<(Self, Plan), String> {
        let Config { columns, rename } = parse_config(config)?;
        if let Some(name) = rename.keys().find(|name| !columns.contains(name)) {
            return Err(format!("config: `rename` has column `{name}`, which `columns` has not"));
        }
        let mut plan = Plan { reads: vec![], carries: vec![], produces: vec![] };
        let mut names = vec![];
        for name in &columns {
            let (index, field) = input.column(name)?;
            let new = rename.get(name).unwrap_or(name);
            if names.contains(&new) {
                return Err(format!("config: two columns would be called `{new}`"));
            }
            names.push(new);
            if new == name {
                plan.carries.push(index);
            } else {
                plan.reads.push(index);
                plan.produces.push(tidemill_plugin::Field { name: new.clone(), ..field.clone() });
            }
        }
        Ok((Select, plan))
    }

    fn process(&self, input: Batch) -> Result<Output, String> {
        Ok(Output { batch: input, origins: None, rejects: vec![] })
    }
}

export_transform!(Select);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use tidemill_plugin::testing::{Table, transform};

    fn input() -> Table {
        Table::new().column("a", [1, 2]).column("b", ["x", "y"]).column("c", [Some(0.5), None])
    }

    #[test]
    fn columns_come_in_the_order_asked_for() {
        let outcome = transform::<Select>(r#"{"columns": ["c", "a"]}"#, &input()).unwrap();
        assert_eq!(outcome.table.rows(), ["(0.5, 1)", "(null, 2)"]);
    }

    #[test]
    fn renamed_columns_stand_behind_the_others() {
        let config = r#"{"columns": ["c", "a"], "rename": {"c": "ratio"}}"#;
        let table = transform::<Select>(config, &input()).unwrap().table;
        let names: Vec<_> = table.fields().iter().map(|field| field.name.as_str()).collect();
        assert_eq!(names, ["a", "ratio"]);
        assert_eq!(table.rows(), ["(1, 0.5)", "(2, null)"]);
    }

    #[test]
    fn what_cannot_be_selected_is_an_error() {
        let open = |config| transform::<Select>(config, &input()).unwrap_err();
        assert_eq!(open("null"), "config: missing field `columns`");
        assert_eq!(
            open(r#"{"columns": ["d"]}"#),
            "there is no column `d`; the columns are: a: int64, b: utf8, c: float64?"
        );
        assert_eq!(
            open(r#"{"columns": ["a", "b"], "rename": {"a": "b"}}"#),
            "config: two columns would be called `b`"
        );
    }
}
