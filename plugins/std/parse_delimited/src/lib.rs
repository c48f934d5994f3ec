//! Cuts lines at a separator into typed columns. The config names the fields; the line's column is
//! replaced by them, other columns are carried. A line that does not fit is refused, with the field
//! and the value that are to blame. Quotes have no meaning here.

mod cells;

use cells::Cells;
use tidemill_plugin::{
    Batch, DataType, Field, Output, Plan, Read, Reject, Schema, Transform, config, export_transform,
    parse_config,
};

/// What the lines hold.
#[config]
struct Config {
    /// What stands between two fields.
    #[serde(default = "comma")]
    separator: String,
    /// The column that holds the line.
    #[serde(default = "line")]
    column: String,
    /// The fields of a line, in order.
    fields: Vec<FieldConfig>,
}

/// A field of the lines.
#[config]
struct FieldConfig {
    name: String,
    r#type: DataType,
    /// Whether it may be empty, which makes it null.
    #[serde(default)]
    nullable: bool,
}

/// Cuts lines into columns.
pub struct ParseDelimited {
    separator: String,
    fields: Vec<Field>,
}

impl Transform for ParseDelimited {
    fn open(config: &str, input: &Schema) -> Result<(Self, Plan), String> {
        let Config { separator, column, fields } = parse_config(config)?;
        if separator.is_empty() {
            return Err("config: `separator` is empty".into());
        }
        let field = |f: FieldConfig| Field { name: f.name, data_type: f.r#type, nullable: f.nullable };
        let fields: Vec<_> = fields.into_iter().map(field).collect();
        check(&fields)?;
        let reads = vec![input.want(&column, DataType::Utf8)?];
        let mut carries = input.all_but(&fields);
        carries.retain(|index| !reads.contains(index));
        let plan = Plan { reads, carries, produces: fields.clone() };
        Ok((ParseDelimited { separator, fields }, plan))
    }

    fn process(&self, input: Batch) -> Result<Output, String> {
        let reader = <Option<&str>>::reader(input.column(0)?, input.rows as usize)?;
        let mut columns: Vec<_> = self.fields.iter().map(|f| Cells::new(f, input.rows as usize)).collect();
        let (mut origins, mut rejects) = (Vec::with_capacity(input.rows as usize), vec![]);
        for row in 0..input.rows {
            match self.line(&mut columns, <Option<&str>>::read(&reader, row as usize).flatten()) {
                Ok(()) => origins.push(row),
                Err(reject) => {
                    columns.iter_mut().for_each(|column| column.truncate(origins.len()));
                    rejects.push(reject.at(row));
                }
            }
        }
        let rows = origins.len() as u32;
        let mut batch = Batch { rows, columns: vec![] };
        columns.into_iter().for_each(|column| column.finish(&mut batch.columns));
        let origins = if rejects.is_empty() { None } else { Some(origins) };
        Ok(Output { batch, origins, rejects })
    }
}

export_transform!(ParseDelimited);

impl ParseDelimited {
    fn line(&self, columns: &mut [Cells], line: Option<&str>) -> Result<(), Reject> {
        let line = line.ok_or_else(|| Reject::new("the line holds no value"))?;
        let mut parts = line.split(&self.separator);
        for (field, column) in self.fields.iter().zip(columns) {
            let part = parts.next().ok_or_else(|| self.wrong_number(line))?;
            column.push(part, field.nullable).ok_or_else(|| {
                let Field { name, data_type, .. } = field;
                Reject::new(format!("field `{name}`: `{part}` is no {data_type}"))
            })?;
        }
        match parts.next() {
            None => Ok(()),
            Some(_) => Err(self.wrong_number(line)),
        }
    }

    fn wrong_number(&self, line: &str) -> Reject {
        let (wanted, found) = (self.fields.len(), line.split(&self.separator).count());
        Reject::new(format!("{wanted} fields are wanted, but `{line}` has {found}"))
    }
}

fn check(fields: &[Field]) -> Result<(), String> {
    if fields.is_empty() {
        return Err("config: `fields` is empty".into());
    }
    for (i, field) in fields.iter().enumerate() {
        if fields.iter().take(i).any(|earlier| earlier.name == field.name) {
            return Err(format!("config: two fields are called `{}`", field.name));
        }
        if field.data_type == DataType::Binary {
            return Err(format!("config: field `{}`: a line holds text, no binary", field.name));
        }
    }
    Ok(())
}

fn comma() -> String {
    ",".into()
}

fn line() -> String {
    "line".into()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use tidemill_plugin::testing::{Table, transform};

    const ORDERS: &str = r#"{"fields": [
        {"name": "time", "type": "timestamp"},
        {"name": "id", "type": "int64"},
        {"name": "price", "type": "float64", "nullable": true},
        {"name": "buys", "type": "boolean"},
        {"name": "symbol", "type": "utf8"}
    ]}"#;

    #[test]
    fn lines_become_columns_and_bad_ones_are_refused() {
        let lines = [
            Some("1970-01-01 00:00:01,1,2.5,true,ABC"),
            Some("1970-01-01T00:00:02Z, 2 ,,false,"),
            Some("1970-01-01 00:00:01,x,2.5,true,ABC"),
            Some("1970-01-01 00:00:01,3,2.5,true"),
            Some("1970-01-01 00:00:01,3,2.5,true,A,B"),
            None,
            Some("soon,3,2.5,true,A"),
            Some("7,4,1e3,true,Ä"),
        ];
        let input = Table::new().column("line", lines).column("n", 0..8);
        let outcome = transform::<ParseDelimited>(ORDERS, &input).unwrap();
        assert_eq!(
            outcome.table.rows(),
            [
                "(0, 1000000, 1, 2.5, true, ABC)",
                "(1, 2000000, 2, null, false, )",
                "(7, 7, 4, 1000.0, true, Ä)"
            ]
        );
        let reasons: Vec<_> = outcome.rejects.iter().map(|(row, reason)| (*row, reason.as_str())).collect();
        let expected = [
            (2, "field `id`: `x` is no int64"),
            (3, "5 fields are wanted, but `1970-01-01 00:00:01,3,2.5,true` has 4"),
            (4, "5 fields are wanted, but `1970-01-01 00:00:01,3,2.5,true,A,B` has 6"),
            (5, "the line holds no value"),
            (6, "field `time`: `soon` is no timestamp"),
        ];
        assert_eq!(reasons, expected);
    }

    #[test]
    fn a_config_that_cannot_be_is_an_error() {
        let input = Table::new().column("line", ["a"]);
        let open = |config| transform::<ParseDelimited>(config, &input).unwrap_err();
        assert_eq!(open("null"), "config: missing field `fields`");
        assert_eq!(open(r#"{"fields": []}"#), "config: `fields` is empty");
        assert_eq!(
            open(r#"{"fields": [{"name": "a", "type": "int"}]}"#),
            "config: unknown variant `int`, expected one of `boolean`, `int64`, `float64`, `utf8`, `binary`, `timestamp`"
        );
        assert_eq!(
            open(r#"{"fields": [{"name": "a", "type": "utf8"}, {"name": "a", "type": "utf8"}]}"#),
            "config: two fields are called `a`"
        );
    }
}
