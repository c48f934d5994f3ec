//! The columns being built: each parses the texts of its field.

use std::str::FromStr;
use tidemill_plugin::{Builder, Column, DataType, Field, Push, Timestamp};

type CellsOf<T> = <Option<T> as Push>::Builder;

/// A column of parsed texts, by its type.
pub enum Cells {
    Boolean(CellsOf<bool>),
    Int64(CellsOf<i64>),
    Float64(CellsOf<f64>),
    Utf8(CellsOf<&'static str>),
    Timestamp(CellsOf<Timestamp>),
}

/// The same expression for the column of any type.
macro_rules! each {
    ($cells:expr, $column:ident => $do:expr) => {
        match $cells {
            Cells::Boolean($column) => $do,
            Cells::Int64($column) => $do,
            Cells::Float64($column) => $do,
            Cells::Utf8($column) => $do,
            Cells::Timestamp($column) => $do,
        }
    };
}

impl Cells {
    /// Room for so many rows of a field.
    pub fn new(field: &Field, rows: usize) -> Self {
        match field.data_type {
            DataType::Boolean => Cells::Boolean(CellsOf::<bool>::with_capacity(rows, 0)),
            DataType::Int64 => Cells::Int64(CellsOf::<i64>::with_capacity(rows, 0)),
            DataType::Float64 => Cells::Float64(CellsOf::<f64>::with_capacity(rows, 0)),
            DataType::Timestamp => Cells::Timestamp(CellsOf::<Timestamp>::with_capacity(rows, 0)),
            DataType::Utf8 | DataType::Binary => Cells::Utf8(CellsOf::<&str>::with_capacity(rows, 0)),
        }
    }

    /// Appends the value of a text; none where it is not of this type. Around anything but text, white
    /// space does not matter.
    pub fn push(&mut self, text: &str, nullable: bool) -> Option<()> {
        match self {
            Cells::Boolean(column) => value::<bool>(text, nullable)?.push_to(column),
            Cells::Int64(column) => value::<i64>(text, nullable)?.push_to(column),
            Cells::Float64(column) => value::<f64>(text, nullable)?.push_to(column),
            Cells::Timestamp(column) => value::<Timestamp>(text, nullable)?.push_to(column),
            Cells::Utf8(column) => {
                let null = nullable && text.is_empty();
                (if null { None } else { Some(text) }).push_to(column);
            }
        }
        Some(())
    }

    /// Takes back all rows from `rows` on.
    pub fn truncate(&mut self, rows: usize) {
        each!(self, column => column.truncate(rows));
    }

    /// Appends the finished column.
    pub fn finish(self, columns: &mut Vec<Column>) {
        each!(self, column => column.finish(columns));
    }
}

/// The value of a text: null where it is empty and may be; none where it is not of this type.
fn value<T: FromStr>(text: &str, nullable: bool) -> Option<Option<T>> {
    if nullable && text.is_empty() {
        return Some(None);
    }
    text.trim().parse().ok().map(Some)
}
