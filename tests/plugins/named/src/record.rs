//! How the records of a stream stand in its columns.

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

/// How a value stands in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cell {
    /// `int64`
    Int,
    /// `float64`
    Float,
    /// `utf8`, the text itself
    Text,
    /// `utf8`, any value as JSON
    Json,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// How its values stand in it, or, of a list, its items.
    pub cell: Cell,
    /// Whether it is `utf8` that holds JSON lists, as an operator that groups makes them.
    #[serde(default)]
    pub is_list: bool,
}

/// What records are: the value of a column, or a pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Record {
    /// The value of a column.
    Column(Column),
    /// A list of two.
    Pair(Box<Record>, Box<Record>),
}

impl Cell {
    /// The narrowest that holds all of `values`.
    pub fn of<'a>(values: impl Iterator<Item = &'a Value> + Clone) -> Self {
        let all = |fits: fn(&Value) -> bool| values.clone().all(fits);
        if all(Value::is_i64) {
            Self::Int
        } else if all(Value::is_number) {
            Self::Float
        } else if all(Value::is_string) {
            Self::Text
        } else {
            Self::Json
        }
    }

    /// The value that `text` stands for, in a `utf8` column or as an item of a list.
    fn parse(self, text: String) -> Result<Value, String> {
        match self {
            Self::Json => serde_json::from_str(&text).map_err(|e| format!("`{text}` is not JSON: {e}")),
            _ => Ok(Value::String(text)),
        }
    }
}

impl Column {
    /// A column of single values.
    pub fn new(name: &str, cell: Cell) -> Self {
        Self { name: name.to_owned(), cell, is_list: false }
    }

    /// A column of lists of values.
    pub fn list(name: &str, items: Cell) -> Self {
        Self { name: name.to_owned(), cell: items, is_list: true }
    }

    /// How its values stand in it, lists included.
    fn whole(&self) -> Cell {
        if self.is_list { Cell::Json } else { self.cell }
    }

    /// The value that a text in the column stands for.
    pub fn parse(&self, text: String) -> Result<Value, String> {
        if !self.is_list {
            return self.cell.parse(text);
        }
        match Cell::Json.parse(text)? {
            Value::Array(items) => items
                .into_iter()
                .map(|item| match item {
                    Value::String(text) => self.cell.parse(text),
                    other => Ok(other),
                })
                .collect(),
            other => Err(format!("`{other}` is not a list")),
        }
    }
}

impl Record {
    /// A lone value, in the column `v`.
    pub fn single(cell: Cell) -> Self {
        Self::Column(Column::new("v", cell))
    }

    /// A pair, in the columns `k` and `v`.
    pub fn pair(key: Cell, value: Cell) -> Self {
        Self::two(Self::Column(Column::new("k", key)), Self::single(value))
    }

    /// A pair of records.
    pub fn two(left: Self, right: Self) -> Self {
        Self::Pair(Box::new(left), Box::new(right))
    }

    /// The narrowest for all of `records`: pairs where each is a list of two, else single values.
    pub fn of(records: &[&Value]) -> Self {
        let pairs: Option<Vec<_>> = records.iter().map(|record| as_pair(record)).collect();
        match pairs {
            Some(pairs) if !pairs.is_empty() => Self::pair(
                Cell::of(pairs.iter().map(|(key, _)| *key)),
                Cell::of(pairs.iter().map(|(_, value)| *value)),
            ),
            _ => Self::single(Cell::of(records.iter().copied())),
        }
    }

    /// The same records in the columns `k` and `v`, or `v` alone.
    pub fn normal(&self) -> Self {
        match self {
            Self::Column(column) => Self::single(column.whole()),
            Self::Pair(key, value) => Self::pair(key.whole(), value.whole()),
        }
    }

    /// How a record stands in one column.
    pub fn whole(&self) -> Cell {
        match self {
            Self::Column(column) => column.whole(),
            Self::Pair(..) => Cell::Json,
        }
    }

    /// How the two sides of a pair stand in a column each.
    pub fn sides(&self) -> Option<(Cell, Cell)> {
        match self {
            Self::Pair(key, value) => Some((key.whole(), value.whole())),
            Self::Column(_) => None,
        }
    }

    /// Its columns, from left to right.
    pub fn columns(&self) -> Vec<&Column> {
        match self {
            Self::Column(column) => vec![column],
            Self::Pair(left, right) => left.columns().into_iter().chain(right.columns()).collect(),
        }
    }

    /// The record that the values of its columns, from left to right, make.
    pub fn join(&self, values: &mut impl Iterator<Item = Value>) -> Result<Value, String> {
        match self {
            Self::Column(column) => {
                values.next().ok_or_else(|| format!("column `{}` has no value", column.name))
            }
            Self::Pair(left, right) => Ok(Value::Array(vec![left.join(values)?, right.join(values)?])),
        }
    }

    /// The values of its columns, from left to right, that `record` is made of.
    pub fn split<'a>(&self, record: &'a Value, values: &mut Vec<&'a Value>) -> Result<(), String> {
        match self {
            Self::Column(_) => values.push(record),
            Self::Pair(left, right) => {
                let (a, b) = as_pair(record).ok_or_else(|| format!("{record} is not a pair"))?;
                left.split(a, values)?;
                right.split(b, values)?;
            }
        }
        Ok(())
    }
}

/// The two of a list of two.
pub fn as_pair(record: &Value) -> Option<(&Value, &Value)> {
    match record.as_array()?.as_slice() {
        [left, right] => Some((left, right)),
        _ => None,
    }
}

/// A number as JSON: whole ones without a fraction, so that equal numbers read the same.
pub fn number(value: f64) -> Value {
    let whole = value as i64;
    if whole as f64 == value {
        return Value::from(whole);
    }
    Number::from_f64(value).map_or(Value::Null, Value::Number)
}
