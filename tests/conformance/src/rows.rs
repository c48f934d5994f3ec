//! Records as Arrow rows, and back.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use named::{Cell, Column, Record};
use serde_json::Value;
use tidemill::record::json_rows;

use crate::Failure;

/// The columns of `record`.
pub fn schema(record: &Record) -> SchemaRef {
    let field = |column: &Column| {
        let data_type = match (column.is_list, column.cell) {
            (false, Cell::Int) => DataType::Int64,
            (false, Cell::Float) => DataType::Float64,
            _ => DataType::Utf8,
        };
        Field::new(&column.name, data_type, false)
    };
    Arc::new(Schema::new(record.columns().into_iter().map(field).collect::<Vec<_>>()))
}

/// `records` in the columns of `record`.
pub fn to_rows(record: &Record, records: &[Value]) -> Result<RecordBatch, Failure> {
    let columns = record.columns();
    let mut values = vec![Vec::new(); columns.len()];
    for one in records {
        let mut row = Vec::new();
        record.split(one, &mut row).map_err(Failure::wrong)?;
        values.iter_mut().zip(row).for_each(|(column, value)| column.push(value));
    }
    let arrays = columns.into_iter().zip(values).map(|(column, values)| array(column.cell, &values));
    RecordBatch::try_new(schema(record), arrays.collect()).map_err(Failure::wrong)
}

fn array(cell: Cell, values: &[&Value]) -> ArrayRef {
    match cell {
        Cell::Int => Arc::new(values.iter().map(|value| value.as_i64()).collect::<Int64Array>()),
        Cell::Float => Arc::new(values.iter().map(|value| value.as_f64()).collect::<Float64Array>()),
        Cell::Text => Arc::new(values.iter().map(|value| value.as_str()).collect::<StringArray>()),
        Cell::Json => Arc::new(values.iter().map(|value| Some(value.to_string())).collect::<StringArray>()),
    }
}

/// The records of `blocks`, which have the columns of `record`.
pub fn to_records(record: &Record, blocks: &[RecordBatch]) -> Result<Vec<Value>, Failure> {
    let columns = record.columns();
    let mut records = Vec::new();
    for block in blocks {
        for row in json_rows(block).map_err(Failure::wrong)? {
            let mut values = Vec::with_capacity(columns.len());
            for column in &columns {
                let missing = || Failure::wrong(format!("there is no column `{}` in {row}", column.name));
                values.push(match row.get(&column.name).ok_or_else(missing)?.clone() {
                    Value::String(text) => column.parse(text).map_err(Failure::wrong)?,
                    other => other,
                });
            }
            records.push(record.join(&mut values.into_iter()).map_err(Failure::wrong)?);
        }
    }
    Ok(records)
}
