//! Rows of files as JSON objects, by key, and as blocks.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use serde_json::{Map, Value};

use super::super::End;
use crate::record::{DataType, describe, line_schema};
use crate::source::jsonl_rows;

/// A row.
pub(super) type Row = Map<String, Value>;

/// The rows of one input, and their columns.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) schema: SchemaRef,
    pub(super) rows: Vec<Row>,
}

impl Rows {
    /// Those of the file `path`: JSON lines with these columns, or lines of text without any.
    pub(super) fn read(path: &Path, columns: Option<&SchemaRef>) -> Result<Self, End> {
        let text = read(path)?;
        let Some(schema) = columns else {
            let row = |line: &str| Map::from_iter([("line".to_owned(), line.into())]);
            return Ok(Self { schema: line_schema(), rows: text.lines().map(row).collect() });
        };
        let rows = json_lines(path, &text)?;
        // Once as a block, for what is wrong with them to be told with its line.
        let rows =
            rows.into_iter().zip(1..).map(|(row, line)| match block(schema, std::slice::from_ref(&row)) {
                Ok(_) => Ok(row),
                Err(problem) => Err(End::wrong(format!("{}:{line}: {problem}", path.display()))),
            });
        Ok(Self { schema: Arc::clone(schema), rows: rows.collect::<Result<_, _>>()? })
    }

    /// The columns `key`, in this order, and the others.
    pub(super) fn split(&self, key: &[String]) -> Result<(SchemaRef, SchemaRef), End> {
        let named = |name: &String| {
            let problem = || {
                End::wrong(format!(
                    "there is no column `{name}` for the key; there are {}",
                    describe(&self.schema)
                ))
            };
            self.schema.field_with_name(name).cloned().map_err(|_| problem())
        };
        let keys = key.iter().map(named).collect::<Result<Vec<Field>, End>>()?;
        let others = self.schema.fields().iter().filter(|field| !key.contains(field.name())).cloned();
        Ok((Arc::new(Schema::new(keys)), Arc::new(Schema::new(others.collect::<Vec<_>>()))))
    }
}

/// Keys in the order in which they first appear.
#[derive(Debug, Default)]
pub(super) struct Keys {
    pub(super) keys: Vec<Row>,
    places: HashMap<String, usize>,
}

impl Keys {
    /// Where the key of `row` stands, which may be new.
    pub(super) fn place(&mut self, row: &Row, key: &SchemaRef) -> usize {
        let of =
            |field: &Arc<Field>| (field.name().clone(), row.get(field.name()).cloned().unwrap_or_default());
        let key: Row = key.fields().iter().map(of).collect();
        let next = self.keys.len();
        *self.places.entry(Value::from(key.clone()).to_string()).or_insert_with(|| {
            self.keys.push(key);
            next
        })
    }

    /// The rows of each key.
    pub(super) fn group(&mut self, rows: &Rows, key: &SchemaRef) -> Vec<Vec<Row>> {
        let places: Vec<usize> = rows.rows.iter().map(|row| self.place(row, key)).collect();
        let mut groups = vec![Vec::new(); self.keys.len()];
        for (place, row) in places.into_iter().zip(&rows.rows) {
            if let Some(group) = groups.get_mut(place) {
                group.push(row.clone());
            }
        }
        groups
    }
}

/// Where the rows of each group end, and all of them as a block.
pub(super) fn grouped(schema: &SchemaRef, groups: &[Vec<Row>]) -> Result<(Vec<u32>, RecordBatch), End> {
    let mut end = 0;
    let ends = groups.iter().map(|group| {
        end += group.len();
        u32::try_from(end).unwrap_or(u32::MAX)
    });
    Ok((ends.collect(), block(schema, &groups.concat()).map_err(End::wrong)?))
}

/// Rows as a block.
pub(super) fn block(schema: &SchemaRef, rows: &[Row]) -> Result<RecordBatch, String> {
    let lines: String = rows.iter().map(|row| format!("{}\n", Value::from(row.clone()))).collect();
    jsonl_rows(schema, lines.as_bytes())
}

/// A row that means nothing, to stand where there is none.
pub(super) fn blank(schema: &Schema) -> Row {
    let value = |field: &Field| match DataType::from_arrow(field.data_type()) {
        _ if field.is_nullable() => Value::Null,
        Some(DataType::Boolean) => false.into(),
        Some(DataType::Int64 | DataType::Float64) => 0.into(),
        Some(DataType::Timestamp) => "0us".into(),
        _ => "".into(),
    };
    schema.fields().iter().map(|field| (field.name().clone(), value(field))).collect()
}

/// The objects in a file of JSON lines.
pub(super) fn json_lines(path: &Path, text: &str) -> Result<Vec<Row>, End> {
    let lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
    let row = |(line, number): (&str, u32)| {
        serde_json::from_str(line)
            .map_err(|error| End::wrong(format!("{}:{number}: no JSON object: {error}", path.display())))
    };
    lines.map(row).collect()
}

/// The text of a file, or of standard input for `-`.
pub(super) fn read(path: &Path) -> Result<String, End> {
    let mut text = String::new();
    let read = match path.to_str() {
        Some("-") => std::io::stdin().read_to_string(&mut text).map(|_| text),
        _ => std::fs::read_to_string(path),
    };
    read.map_err(|error| End::wrong(format!("cannot read {}: {error}", path.display())))
}
