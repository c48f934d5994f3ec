//! A table: a batch with its schema, written down column by column and read row by row.

use crate::{Batch, Builder, Cell, Column, DataType, Field, Values, Varlen};

/// Rows with their schema.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    fields: Vec<Field>,
    columns: Vec<Column>,
    num_rows: u32,
}

impl Table {
    /// No columns yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A table with one more column. It is nullable where the values are `Option`s.
    ///
    /// ```
    /// use tidemill_plugin::testing::Table;
    /// let table = Table::new().column("item", ["tea", "silk"]).column("price", [Some(2.5), None]);
    /// assert_eq!(table.rows(), ["(tea, 2.5)", "(silk, null)"]);
    /// ```
    #[must_use]
    pub fn column<T: Cell>(mut self, name: &str, values: impl IntoIterator<Item = T>) -> Self {
        let mut builder = T::Builder::with_capacity(0, 0);
        for value in values {
            value.push_to(&mut builder);
        }
        self.num_rows = builder.num_rows() as u32;
        builder.finish(&mut self.columns);
        self.fields.push(Field { name: name.into(), data_type: T::DATA_TYPE, nullable: T::NULLABLE });
        self
    }

    /// A batch with its schema.
    ///
    /// # Errors
    /// Where the two do not fit, or text is not UTF-8.
    pub fn of(fields: Vec<Field>, batch: Batch) -> Result<Self, String> {
        if fields.len() != batch.columns.len() {
            return Err(format!("{} columns for {} fields", batch.columns.len(), fields.len()));
        }
        for (field, column) in fields.iter().zip(&batch.columns) {
            check(field, column, batch.rows as usize).map_err(|e| format!("column `{}`: {e}", field.name))?;
        }
        Ok(Self { fields, columns: batch.columns, num_rows: batch.rows })
    }

    /// A batch with its schema that is to have so many rows.
    pub(super) fn of_rows(rows: usize, fields: Vec<Field>, batch: Batch) -> Result<Self, String> {
        if batch.rows as usize != rows {
            return Err(format!("{} rows answer {rows} groups", batch.rows));
        }
        Self::of(fields, batch)
    }

    /// Rows that mean nothing.
    pub(super) fn blank(fields: &[Field], rows: usize) -> Self {
        let blank = |field: &Field| {
            let empty = || Varlen { offsets: vec![0; rows + 1], data: vec![] };
            let values = match field.data_type {
                DataType::Boolean => Values::Boolean(vec![false; rows]),
                DataType::Int64 => Values::Int64(vec![0; rows]),
                DataType::Float64 => Values::Float64(vec![0.0; rows]),
                DataType::Timestamp => Values::Timestamp(vec![0; rows]),
                DataType::Utf8 => Values::Utf8(empty()),
                DataType::Binary => Values::Binary(empty()),
            };
            Column { values, valid: None }
        };
        let columns = fields.iter().map(blank).collect();
        Self { fields: fields.to_vec(), columns, num_rows: rows as u32 }
    }

    /// The schema.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// How many rows there are.
    pub fn num_rows(&self) -> u32 {
        self.num_rows
    }

    /// Each row as the console would show it: `(tea, 2.5)`.
    pub fn rows(&self) -> Vec<String> {
        let row = |row| {
            let cells: Vec<_> = self.columns.iter().map(|column| cell(column, row)).collect();
            format!("({})", cells.join(", "))
        };
        (0..self.num_rows as usize).map(row).collect()
    }

    pub(super) fn into_batch(self) -> Batch {
        Batch { rows: self.num_rows, columns: self.columns }
    }

    /// The columns at these indices.
    pub(super) fn select(&self, indices: &[u32]) -> Result<Self, String> {
        let mut selected = Table { num_rows: self.num_rows, ..Table::new() };
        for index in indices {
            let index = *index as usize;
            let pair = self.fields.get(index).zip(self.columns.get(index));
            let (field, column) = pair.ok_or_else(|| format!("the plan names column {index}"))?;
            selected.fields.push(field.clone());
            selected.columns.push(column.clone());
        }
        Ok(selected)
    }

    pub(super) fn gather(&self, rows: &[u32]) -> Result<Self, String> {
        let batch = self.clone().into_batch().gather(rows)?;
        Table::of(self.fields.clone(), batch)
    }

    /// This table with the columns of a batch of as many rows behind its own.
    pub(super) fn beside(mut self, fields: Vec<Field>, batch: Batch) -> Result<Self, String> {
        let right = Table::of_rows(self.num_rows as usize, fields, batch)?;
        if let Some(twice) = right.fields.iter().find(|f| self.fields.iter().any(|c| c.name == f.name)) {
            return Err(format!("column `{}` is both carried and produced", twice.name));
        }
        self.fields.extend(right.fields);
        self.columns.extend(right.columns);
        Ok(self)
    }
}

fn check(field: &Field, column: &Column, rows: usize) -> Result<(), String> {
    let (wanted, found) = (field.data_type, column.data_type());
    if found != wanted {
        return Err(format!("{found} where the plan has {wanted}"));
    }
    let flags = column.valid.as_ref().map_or(rows, Vec::len);
    if super::len(column) != rows || flags != rows {
        return Err(format!("{} values and {flags} flags for {rows} rows", super::len(column)));
    }
    if !field.nullable && (0..rows).any(|row| !column.is_valid(row)) {
        return Err("a null where the plan has none".into());
    }
    match &column.values {
        Values::Utf8(v) | Values::Binary(v) => {
            let whole =
                v.offsets.first() == Some(&0) && v.offsets.last().map(|o| *o as usize) == Some(v.data.len());
            if !whole || !v.offsets.is_sorted() {
                return Err("offsets that do not cover the data in order".into());
            }
            let is_text = |row| v.get(row).is_some_and(|bytes| str::from_utf8(bytes).is_ok());
            if wanted == DataType::Utf8 && !(0..rows).all(is_text) {
                return Err("text that is not UTF-8".into());
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn cell(column: &Column, row: usize) -> String {
    if !column.is_valid(row) {
        return "null".into();
    }
    let shown = match &column.values {
        Values::Boolean(values) => values.get(row).map(|value| value.to_string()),
        Values::Int64(values) | Values::Timestamp(values) => values.get(row).map(|value| value.to_string()),
        Values::Float64(values) => values.get(row).map(|value| format!("{value:?}")),
        Values::Utf8(varlen) => varlen.get(row).map(|text| String::from_utf8_lossy(text).into_owned()),
        Values::Binary(varlen) => varlen.get(row).map(|bytes| format!("{bytes:?}")),
    };
    shown.unwrap_or_default()
}
