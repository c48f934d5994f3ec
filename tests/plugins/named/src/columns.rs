//! Records from the columns of a plugin's call, and back.

use serde_json::Value;
use tidemill_plugin::{Batch, Column as Data, DataType, Field, Schema, Values, VarlenBuilder};

use crate::record::{Cell, Column, Record, number};

impl Column {
    /// The type of the column.
    pub fn data_type(&self) -> DataType {
        match (self.is_list, self.cell) {
            (false, Cell::Int) => DataType::Int64,
            (false, Cell::Float) => DataType::Float64,
            _ => DataType::Utf8,
        }
    }
}

impl Record {
    /// The columns as a plugin answers them.
    pub fn fields(&self) -> Vec<Field> {
        self.columns().into_iter().map(|column| Field::new(&column.name, column.data_type())).collect()
    }

    /// Where its columns stand in `input`.
    pub fn find(&self, input: &Schema) -> Result<Vec<u32>, String> {
        self.columns().into_iter().map(|column| input.want(&column.name, column.data_type())).collect()
    }
}

/// The records of `batch`, whose columns are those of `record`.
pub fn read(record: &Record, batch: &Batch) -> Result<Vec<Value>, String> {
    (0..batch.rows as usize).map(row_of(record, batch)?).collect()
}

/// The records of `batch` where `wanted` says so.
pub(crate) fn read_some(
    record: &Record,
    batch: &Batch,
    wanted: &[bool],
) -> Result<Vec<Option<Value>>, String> {
    let row = row_of(record, batch)?;
    wanted.iter().enumerate().map(|(at, wanted)| wanted.then(|| row(at)).transpose()).collect()
}

/// Answers the record of a row of `batch`.
fn row_of<'a>(
    record: &'a Record,
    batch: &'a Batch,
) -> Result<impl Fn(usize) -> Result<Value, String> + 'a, String> {
    let mut columns = Vec::new();
    for (index, column) in record.columns().into_iter().enumerate() {
        columns.push((column, batch.column(index)?));
    }
    Ok(move |row: usize| {
        let values = columns.iter().map(|(column, data)| value(column, data, row));
        record.join(&mut values.collect::<Result<Vec<_>, _>>()?.into_iter())
    })
}

/// `records` in the columns of `record`.
pub fn write(record: &Record, records: &[Value]) -> Result<Batch, String> {
    let columns = record.columns();
    let mut values = vec![Vec::with_capacity(records.len()); columns.len()];
    for one in records {
        let mut row = Vec::new();
        record.split(one, &mut row)?;
        values.iter_mut().zip(row).for_each(|(column, value)| column.push(value));
    }
    let columns = columns.into_iter().zip(values).map(|(column, values)| data(column.cell, &values));
    Ok(Batch { rows: records.len() as u32, columns: columns.collect::<Result<_, _>>()? })
}

fn value(column: &Column, data: &Data, row: usize) -> Result<Value, String> {
    if !data.is_valid(row) {
        return Ok(Value::Null);
    }
    let found = match &data.values {
        Values::Int64(values) => values.get(row).copied().map(Value::from),
        Values::Float64(values) => values.get(row).copied().map(number),
        Values::Utf8(texts) => {
            let text = texts.get(row).map(|text| String::from_utf8_lossy(text).into_owned());
            text.map(|text| column.parse(text)).transpose()?
        }
        _ => None,
    };
    found.ok_or_else(|| format!("column `{}` has no value in row {row}", column.name))
}

fn data(cell: Cell, values: &[&Value]) -> Result<Data, String> {
    let wrong = |value: &Value| format!("{value} does not fit a column of {cell:?}");
    let values = match cell {
        Cell::Int => {
            let ints = values.iter().map(|value| value.as_i64().ok_or_else(|| wrong(value)));
            Values::Int64(ints.collect::<Result<_, _>>()?)
        }
        Cell::Float => {
            let floats = values.iter().map(|value| value.as_f64().ok_or_else(|| wrong(value)));
            Values::Float64(floats.collect::<Result<_, _>>()?)
        }
        Cell::Text => {
            let mut texts = VarlenBuilder::with_capacity(values.len(), 0);
            for value in values {
                texts.push(value.as_str().ok_or_else(|| wrong(value))?.as_bytes());
            }
            Values::Utf8(texts.finish())
        }
        Cell::Json => {
            let mut texts = VarlenBuilder::with_capacity(values.len(), 0);
            values.iter().for_each(|value| texts.push(value.to_string().as_bytes()));
            Values::Utf8(texts.finish())
        }
    };
    Ok(Data { values, valid: None })
}
