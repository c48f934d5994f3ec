//! The keys that a partition sets aside while it combines, with all their rows.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{Fields, Schema, SchemaRef};
use hashbrown::HashMap;

use super::poison::{Blame, Cause};
use super::sorted::{Sorted, of_rows};
use super::{OperatorError, TaskInfo};
use crate::record::{DeadLetter, json_rows};

/// What a partition sets aside.
#[derive(Default)]
pub(super) struct SetAside {
    /// The keys, by their ids.
    pub(super) causes: HashMap<u32, Cause>,
    /// Their rows, of values alone, with the id of each one's key.
    rows: Vec<(Vec<u32>, RecordBatch)>,
}

impl SetAside {
    pub(super) fn add(&mut self, id: u32, cause: Cause) {
        self.causes.insert(id, cause);
    }

    /// Keeps the rows of the keys that are set aside, and answers the others.
    pub(super) fn divert(&mut self, sorted: &Sorted) -> Result<Sorted, OperatorError> {
        let (aside, rest) = sorted.partition(|id| self.causes.contains_key(&id))?;
        if !aside.keys.is_empty() {
            self.rows.push((aside.ids(), aside.values));
        }
        Ok(rest)
    }

    /// Tells the other side of the exchange.
    pub(super) fn mark(&self, task: &TaskInfo, blame: &Blame, offsets: &[i32], data: &[u8]) {
        for (&id, cause) in &self.causes {
            let bounds = offsets.get(id as usize..).and_then(<[i32]>::first_chunk::<2>);
            let bounds = bounds.map(|bounds| bounds.map(|offset| usize::try_from(offset).unwrap_or(0)));
            if let Some(key) = bounds.and_then(|[start, end]| data.get(start..end)) {
                blame.mark(task.time, key, cause.clone());
            }
        }
    }

    /// The dead letters, in the order in which rows were set aside. `keys` are the columns of all keys, by id.
    pub(super) fn letters(
        &self,
        keys: &[ArrayRef],
        key_fields: &Fields,
        blame: &Blame,
    ) -> Result<Vec<DeadLetter>, OperatorError> {
        let mut letters = Vec::new();
        for (ids, values) in &self.rows {
            let mut columns = of_rows(keys, ids)?;
            columns.extend(values.columns().iter().cloned());
            let rows = json_rows(&RecordBatch::try_new(with_key(key_fields, &values.schema()), columns)?)?;
            let causes = ids.iter().filter_map(|id| self.causes.get(id));
            letters.extend(causes.zip(rows).map(|(cause, row)| blame.letter(cause.clone(), row)));
        }
        Ok(letters)
    }
}

/// The columns of a key, then those of `values`.
pub(super) fn with_key(key: &Fields, values: &SchemaRef) -> SchemaRef {
    Arc::new(Schema::new(key.iter().chain(values.fields()).cloned().collect::<Fields>()))
}
