//! Splits lines into words at Unicode white space, each with a 1 to count it by.

use tidemill_plugin::{
    Batch, Column, ColumnWords, DataType, Field, Output, Plan, Reject, Schema, Transform, Values,
    export_transform, no_config,
};

/// Splits the column `line`.
pub struct SplitWords;

impl Transform for SplitWords {
    fn open(config: &str, input: &Schema) -> Result<(Self, Plan), String> {
        no_config(config)?;
        let reads = vec![input.want("line", DataType::Utf8)?];
        let produces = vec![Field::new("word", DataType::Utf8), Field::new("n", DataType::Int64)];
        Ok((SplitWords, Plan { reads, carries: vec![], produces }))
    }

    fn process(&self, input: Batch) -> Result<Output, String> {
        let lines = input.column(0)?;
        let ColumnWords { words, origins } = lines.words()?;
        let rows = origins.len();
        let column = |values| Column { values, valid: None };
        // `vec!` would write them one by one, which the sandbox makes dear.
        let columns = vec![column(Values::Utf8(words)), column(Values::Int64([1].repeat(rows)))];
        let rejects = (0..input.rows).filter(|row| !lines.is_valid(*row as usize));
        let rejects = rejects.map(|row| Reject::new("column `line` holds no value").at(row)).collect();
        Ok(Output { batch: Batch { rows: rows as u32, columns }, origins: Some(origins), rejects })
    }
}

export_transform!(SplitWords);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use tidemill_plugin::testing::{Table, transform};

    #[test]
    fn words_are_cut_at_white_space_of_any_kind() {
        let lines = [Some(" to be,\tor\r"), None, Some(""), Some("n\u{f6}t\u{2003}to")];
        let outcome = transform::<SplitWords>("null", &Table::new().column("line", lines)).unwrap();
        assert_eq!(outcome.table.rows(), ["(to, 1)", "(be,, 1)", "(or, 1)", "(n\u{f6}t, 1)", "(to, 1)"]);
        assert_eq!(outcome.rejects, [(1, "column `line` holds no value".into())]);
    }
}
