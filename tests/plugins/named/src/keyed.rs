//! The keys of a call, their values and their states, as records.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tidemill_plugin::{Batch, Groups, Schema, UpdateInput};

use crate::columns::{read, read_some, write};
use crate::record::{Cell, Column, Record};
use crate::state::state_cell;

/// Which function works on the states of keys, and how keys and values stand in their columns, `k` and `v`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keyed {
    /// The name of the function.
    pub function: String,
    /// How a key stands in its column.
    pub key: Cell,
    /// How a value stands in its column.
    pub value: Cell,
}

/// A key of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyCall {
    /// The key.
    pub key: Value,
    /// Its new values.
    pub values: Vec<Value>,
    /// Its state, if it has one.
    pub state: Option<Value>,
    /// Whether it was idle for too long.
    pub timed_out: bool,
}

impl Keyed {
    /// How a key stands in its column.
    pub fn key(&self) -> Record {
        Record::Column(Column::new("k", self.key))
    }

    /// How the state of a key stands in its column, `v`.
    pub fn state(&self) -> Result<Record, String> {
        let cell = state_cell(&self.function);
        cell.map(Record::single).ok_or_else(|| format!("no function `{}` keeps a state", self.function))
    }

    /// Fails where keys and values don't have the columns.
    pub fn check(&self, key: &Schema, values: &Schema) -> Result<(), String> {
        self.key().find(key)?;
        Record::single(self.value).find(values).map(drop)
    }

    /// The keys of `input`, in order.
    pub fn calls(&self, input: &UpdateInput) -> Result<Vec<KeyCall>, String> {
        let keys = read(&self.key(), &input.keys)?;
        let values = read(&Record::single(self.value), &input.values)?;
        let groups = Groups::sparse(&input.ends, input.values.rows)?;
        // What stands where there is no state is no record.
        let states = read_some(&self.state()?, &input.states, &input.known)?;
        let flags = states.into_iter().zip(&input.timed_out);
        let calls =
            keys.into_iter().zip(groups.iter()).zip(flags).map(|((key, rows), (state, timed_out))| {
                let values = values.get(rows).unwrap_or_default().to_vec();
                KeyCall { key, values, state, timed_out: *timed_out }
            });
        Ok(calls.collect())
    }

    /// The states of keys as they become, and whether each is kept.
    pub fn states(&self, states: Vec<Option<Value>>) -> Result<(Batch, Vec<bool>), String> {
        let kept = states.iter().map(Option::is_some).collect();
        let record = self.state()?;
        let blank = if record == Record::single(Cell::Int) { json!(0) } else { Value::Null };
        let states: Vec<Value> =
            states.into_iter().map(|state| state.unwrap_or_else(|| blank.clone())).collect();
        Ok((write(&record, &states)?, kept))
    }
}
