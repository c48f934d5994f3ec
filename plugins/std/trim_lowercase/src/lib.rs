//! Takes white space off both ends of a text and turns it to lower case. The column (`column` in the
//! config, else `line`) is replaced; the others are carried.

use tidemill_plugin::{
    Batch, Column, DataType, Output, Plan, Read, Schema, Transform, Values, VarlenBuilder, config,
    export_transform, parse_config,
};

/// Which column to change.
#[config]
struct Config {
    #[serde(default = "line")]
    column: String,
}

/// Trims and lowers one column.
pub struct TrimLowercase;

impl Transform for TrimLowercase {
    fn open(config: &str, input: &Schema) -> Result<(Self, Plan), String> {
        let Config { column } = parse_config(config)?;
        let index = input.want(&column, DataType::Utf8)?;
        let produces = vec![input.column(&column)?.1.clone()];
        let plan = Plan { reads: vec![index], carries: input.all_but(&produces), produces };
        Ok((TrimLowercase, plan))
    }

    fn process(&self, mut input: Batch) -> Result<Output, String> {
        let column = input.column(0)?;
        let reader = <Option<&str>>::reader(column, input.rows as usize)?;
        let mut texts = VarlenBuilder::with_capacity(input.rows as usize, 0);
        let mut lower = String::new();
        for row in 0..input.rows as usize {
            let text = <Option<&str>>::read(&reader, row).flatten().unwrap_or_default();
            lower.clear();
            push_lower(&mut lower, text.trim());
            texts.push(lower.as_bytes());
        }
        let valid = input.columns.pop().and_then(|column| column.valid);
        let columns = vec![Column { values: Values::Utf8(texts.finish()), valid }];
        Ok(Output { batch: Batch { rows: input.rows, columns }, origins: None, rejects: vec![] })
    }
}

export_transform!(TrimLowercase);

fn line() -> String {
    "line".into()
}

/// Appends a text in lower case. Only texts beyond ASCII need the rules of Unicode.
fn push_lower(lower: &mut String, text: &str) {
    match text.is_ascii() {
        true => {
            lower.push_str(text);
            lower.make_ascii_lowercase();
        }
        false => lower.push_str(&text.to_lowercase()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use tidemill_plugin::testing::{Table, transform};

    #[test]
    fn the_column_is_replaced() {
        let input = Table::new()
            .column("line", [Some("  To BE "), None, Some("\u{2003}ÄRA ΟΔΟΣ\n")])
            .column("n", [1, 2, 3]);
        let outcome = transform::<TrimLowercase>("null", &input).unwrap();
        assert_eq!(outcome.table.rows(), ["(1, to be)", "(2, null)", "(3, ära οδος)"]);
    }

    #[test]
    fn the_config_names_the_column() {
        let input = Table::new().column("name", [" A"]);
        let outcome = transform::<TrimLowercase>(r#"{"column": "name"}"#, &input).unwrap();
        assert_eq!(outcome.table.rows(), ["(a)"]);
        let error = transform::<TrimLowercase>("null", &input).unwrap_err();
        assert_eq!(error, "there is no column `line` of type utf8; the columns are: name: utf8");
    }
}
