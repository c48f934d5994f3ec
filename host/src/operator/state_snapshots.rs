//! `state_snapshots`: all that an operator keeps for its keys, after each batch.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{FieldRef, SchemaRef};
use serde::Deserialize;

use super::{Factory, Opened, Opening, Operator, OperatorError, Output, Process, Shape, StateView, TaskInfo};
use crate::partition::KeyEncoder;
use crate::state::{Kept, KeyedTable, StateSize};

/// The options of `state_snapshots`: none.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateSnapshots {}

impl Operator for StateSnapshots {
    fn kind(&self) -> &'static str {
        "state_snapshots"
    }

    fn open(&self, opening: &Opening<'_>) -> Result<Opened, OperatorError> {
        let Some(state) = &opening.state else {
            let problem =
                "it reads a stream that keeps no state; name one made by `map_with_state`".to_owned();
            return Err(OperatorError::Option { key: "from", problem });
        };
        let factory = SnapshotFactory { state: Arc::clone(state) };
        Ok(Opened { shape: Shape::Narrow(Arc::new(factory)), ..Opened::new(opening, state.schema()) })
    }
}

/// The states of an operator, partition by partition.
pub(super) struct KeptStates {
    pub(super) key: Vec<FieldRef>,
    /// Key columns, then those of the state.
    pub(super) schema: SchemaRef,
    pub(super) tables: Arc<Kept<KeyedTable>>,
}

impl StateView for KeptStates {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn size(&self) -> StateSize {
        let sizes = self.tables.each(KeyedTable::size);
        sizes.into_iter().fold(StateSize::default(), |sum, size| StateSize {
            keys: sum.keys + size.keys,
            bytes: sum.bytes + size.bytes,
        })
    }

    fn rows(&self, partition: usize) -> Result<Option<RecordBatch>, OperatorError> {
        let encoder = KeyEncoder::new(&self.key)?;
        let rows = self.tables.with(partition, |table| {
            let slots = table.all();
            if slots.is_empty() {
                return Ok(None);
            }
            let (offsets, data) = table.keys(slots.iter().copied());
            let mut columns = encoder.decode(offsets, data)?;
            let slots: Vec<Option<u32>> = slots.into_iter().map(Some).collect();
            columns.extend(table.states(&slots)?.columns().iter().cloned());
            Ok(Some(RecordBatch::try_new(Arc::clone(&self.schema), columns)?))
        });
        rows.unwrap_or(Ok(None))
    }
}

struct SnapshotFactory {
    state: Arc<dyn StateView>,
}

impl Factory for SnapshotFactory {
    fn make(&self) -> Result<Box<dyn Process>, OperatorError> {
        Ok(Box::new(Snapshot { state: Arc::clone(&self.state) }))
    }
}

struct Snapshot {
    state: Arc<dyn StateView>,
}

impl Process for Snapshot {
    fn process(&mut self, _: &RecordBatch, _: &TaskInfo, _: &mut Output) -> Result<(), OperatorError> {
        Ok(())
    }

    fn finish(&mut self, task: &TaskInfo, out: &mut Output) -> Result<(), OperatorError> {
        out.blocks.extend(self.state.rows(task.partition)?);
        Ok(())
    }
}
