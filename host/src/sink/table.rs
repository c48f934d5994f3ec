//! The table of a database as a sink writes it: which columns, and what becomes of a row whose key is there.
//!
//! A manifest's options and a stream's columns come in; a `Target` goes out, or which option is wrong. It says nothing
//! of any database: whether its table fits is for each sink to look at.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::{Field, Schema, SchemaRef};
use serde::Deserialize;

use super::SinkError;
use crate::record::{BatchTime, DataType, Partition, UTC, describe};

/// The table in which sinks remember which batch they wrote last. Each database has it once.
pub(super) const EPOCHS: &str = "tidemill_epochs";

/// What becomes of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WriteMode {
    /// It is added to the table.
    #[default]
    Append,
    /// It takes the place of the row with the same key, where there is one.
    Upsert,
}

/// What manifests say of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct TableOptions<'a> {
    pub(super) table: &'a str,
    pub(super) mode: WriteMode,
    pub(super) key: &'a [String],
    pub(super) time_column: Option<&'a str>,
}

/// A table, and the rows that are written to it.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// Its name.
    pub(super) table: String,
    /// What is written, in order.
    pub(super) columns: Vec<Column>,
    /// The columns of its key; none where rows are added.
    pub(super) key: Vec<String>,
    /// The columns with that of the batch's time, where there is one.
    schema: SchemaRef,
    has_time: bool,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) data_type: DataType,
    /// Whether rows may have no value in it.
    pub(super) is_nullable: bool,
}

impl Target {
    /// For rows of `schema`, as `options` say.
    pub(super) fn new(options: TableOptions<'_>, schema: &SchemaRef) -> Result<Self, SinkError> {
        let TableOptions { table, mode, key, time_column } = options;
        if table.is_empty() || table.contains('\0') {
            return Err(SinkError::key("table", "there is no such name; write the name of a table"));
        }
        if table.eq_ignore_ascii_case(EPOCHS) {
            let problem = format!("sinks keep `{EPOCHS}` for themselves; name another table");
            return Err(SinkError::key("table", problem));
        }
        let schema = with_time_column(schema, time_column)?;
        let columns = schema.fields().iter().map(|field| column(field)).collect::<Result<Vec<_>, _>>()?;
        check_key(mode, key, &columns, &schema)?;
        Ok(Self {
            table: table.to_owned(),
            columns,
            key: key.to_vec(),
            schema,
            has_time: time_column.is_some(),
        })
    }

    /// The columns that aren't part of the key.
    pub(super) fn values(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|column| !self.key.contains(&column.name))
    }

    /// The rows of the batch of time `time`, as they are written.
    pub(super) fn rows(&self, time: BatchTime, partitions: &[Partition]) -> Result<Partition, SinkError> {
        let blocks = partitions.iter().flatten().filter(|block| block.num_rows() > 0);
        if !self.has_time {
            return Ok(blocks.cloned().collect());
        }
        let with_time = |block: &RecordBatch| {
            let times = TimestampMicrosecondArray::from_value(time.micros(), block.num_rows());
            let mut columns = block.columns().to_vec();
            columns.push(Arc::new(times.with_timezone(UTC)) as ArrayRef);
            Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
        };
        blocks.map(with_time).collect()
    }
}

fn with_time_column(schema: &SchemaRef, name: Option<&str>) -> Result<SchemaRef, SinkError> {
    let Some(name) = name else { return Ok(Arc::clone(schema)) };
    if name.is_empty() || schema.fields().iter().any(|field| field.name().eq_ignore_ascii_case(name)) {
        let problem = format!("its rows have a column `{name}` already; name another one");
        return Err(SinkError::key("time_column", problem));
    }
    let mut fields = schema.fields().to_vec();
    fields.push(Arc::new(Field::new(name, DataType::Timestamp.arrow(), false)));
    Ok(Arc::new(Schema::new(fields)))
}

fn column(field: &Field) -> Result<Column, SinkError> {
    let data_type = DataType::from_arrow(field.data_type()).ok_or_else(|| {
        let problem = format!("column `{}` has no type that tables have", field.name());
        arrow::error::ArrowError::SchemaError(problem)
    })?;
    Ok(Column { name: field.name().clone(), data_type, is_nullable: field.is_nullable() })
}

fn check_key(mode: WriteMode, key: &[String], columns: &[Column], schema: &Schema) -> Result<(), SinkError> {
    let wrong = |problem: String| Err(SinkError::key("key", problem));
    match mode {
        WriteMode::Append if key.is_empty() => return Ok(()),
        WriteMode::Append => {
            return wrong(
                "rows are added, whatever is there; leave it out or set mode = \"upsert\"".to_owned(),
            );
        }
        WriteMode::Upsert if key.is_empty() => {
            return wrong("mode = \"upsert\" has to know which row a row replaces; name the columns, as in key = [\"id\"]".to_owned());
        }
        WriteMode::Upsert => {}
    }
    let mut seen = HashSet::new();
    for name in key {
        let Some(column) = columns.iter().find(|column| column.name == *name) else {
            return wrong(format!("its rows have no column `{name}`; they have ({})", describe(schema)));
        };
        if !seen.insert(name) {
            return wrong(format!("`{name}` is there twice; leave one out"));
        }
        if column.is_nullable {
            return wrong(format!(
                "rows may have no value in `{name}`, and then no other row is the same; use columns without `?`"
            ));
        }
        if column.data_type == DataType::Float64 {
            return wrong(format!(
                "`{name}` is float64, and such numbers are seldom the same; use other columns"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, Int64Array};
    use arrow::datatypes::{DataType as Arrow, TimestampMicrosecondType};

    use super::*;

    fn schema() -> SchemaRef {
        Arc::new(Schema::new(vec![
            Field::new("word", Arrow::Utf8, false),
            Field::new("n", Arrow::Int64, true),
            Field::new("share", Arrow::Float64, false),
        ]))
    }

    fn target(mode: WriteMode, key: &[&str], time_column: Option<&str>) -> Result<Target, SinkError> {
        let key: Vec<String> = key.iter().map(|&name| name.to_owned()).collect();
        Target::new(TableOptions { table: "counts", mode, key: &key, time_column }, &schema())
    }

    fn fault(mode: WriteMode, key: &[&str], time_column: Option<&str>) -> String {
        target(mode, key, time_column).unwrap_err().to_string()
    }

    #[test]
    fn a_key_has_to_tell_rows_apart() {
        use WriteMode::{Append, Upsert};
        assert!(target(Append, &[], None).is_ok());
        assert!(target(Upsert, &["word"], None).is_ok());
        assert!(fault(Append, &["word"], None).contains("set mode = \"upsert\""));
        assert!(fault(Upsert, &[], None).contains("as in key = [\"id\"]"));
        assert!(
            fault(Upsert, &["wrod"], None)
                .starts_with("key: its rows have no column `wrod`; they have (word: utf8")
        );
        assert!(fault(Upsert, &["word", "word"], None).contains("is there twice"));
        assert!(fault(Upsert, &["n"], None).contains("may have no value in `n`"));
        assert!(fault(Upsert, &["share"], None).contains("`share` is float64"));
        assert!(
            fault(Append, &[], Some("Word"))
                .starts_with("time_column: its rows have a column `Word` already")
        );
    }

    #[test]
    fn the_batch_time_may_be_a_column_and_part_of_the_key() {
        let target = target(WriteMode::Upsert, &["word", "at"], Some("at")).unwrap();
        assert_eq!(target.values().map(|column| column.name.as_str()).collect::<Vec<_>>(), ["n", "share"]);
        let block = RecordBatch::new_empty(schema());
        let one = RecordBatch::try_new(
            schema(),
            vec![
                Arc::new(arrow::array::StringArray::from(vec!["a"])),
                Arc::new(Int64Array::from(vec![None])),
                Arc::new(arrow::array::Float64Array::from(vec![0.5])),
            ],
        );
        let rows = target.rows(BatchTime::from_millis(7), &[vec![block], vec![one.unwrap()]]).unwrap();
        assert_eq!(rows.len(), 1, "blocks without rows are left out");
        assert_eq!(rows[0].column(3).as_primitive::<TimestampMicrosecondType>().values(), &[7000]);
    }
}
