//! The states that keys begin with, before the first batch: rows of a file or of the program.
//!
//! Rows with the columns of the key and those of the state come in; each goes to the partition that owns its key
//! group, where the batches will look for it. A key is there once.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::{Schema, SchemaRef};
use serde::{Deserialize, Deserializer};

use super::OperatorError;
use super::state_snapshots::KeptStates;
use crate::partition::{KeyEncoder, into_buckets};
use crate::record::{TextRows, describe};
use crate::source::{RowsFile, SourceError};

/// The states that keys begin with. A manifest names a file.
#[derive(Clone, Debug)]
pub enum InitialState {
    /// In a file. Csv without a header has the columns of the key and then those of the state.
    File(RowsFile),
    /// In columns of the names and types of the key and of the state, in any order.
    Rows(Vec<RecordBatch>),
}

impl From<RecordBatch> for InitialState {
    fn from(rows: RecordBatch) -> Self {
        Self::Rows(vec![rows])
    }
}

impl<'de> Deserialize<'de> for InitialState {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        RowsFile::deserialize(deserializer).map(Self::File)
    }
}

impl InitialState {
    /// Makes a relative path start at the manifest's folder.
    pub(super) fn resolve(&mut self, base: &Path) {
        match self {
            Self::File(file) => file.resolve(base),
            Self::Rows(_) => {}
        }
    }

    /// Puts the states into the tables of `kept`, which are those of `partitions` partitions.
    pub(super) fn load(&self, kept: &KeptStates, partitions: usize) -> Result<(), OperatorError> {
        let encoder = KeyEncoder::new(&kept.key)?;
        let key: Vec<usize> = (0..kept.key.len()).collect();
        for block in self.rows(&kept.schema)? {
            for (partition, rows) in into_buckets(&block, &key, &encoder, partitions)?.into_iter().enumerate()
            {
                rows.iter().try_for_each(|rows| load(kept, partition, &encoder, rows))?;
            }
        }
        Ok(())
    }

    /// All rows, with the columns of `schema`.
    fn rows(&self, schema: &SchemaRef) -> Result<Vec<RecordBatch>, OperatorError> {
        match self {
            Self::File(file) => file.read(schema).map_err(|error| match error {
                SourceError::Path { .. } => wrong(format!("{error}; correct its `path`")),
                SourceError::Misfit { .. } => wrong(format!(
                    "{error}; every record needs the columns of the key and of the state, ({})",
                    describe(schema)
                )),
                error => wrong(error.to_string()),
            }),
            Self::Rows(blocks) => blocks.iter().map(|block| arranged(block, schema)).collect(),
        }
    }
}

fn wrong(problem: String) -> OperatorError {
    OperatorError::Option { key: "initial_state", problem }
}

/// The rows of `block` with its columns as `schema` has them.
fn arranged(block: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, OperatorError> {
    let column = |field: &arrow::datatypes::FieldRef| -> Option<ArrayRef> {
        let column = block.column_by_name(field.name())?;
        let fits =
            column.data_type() == field.data_type() && (field.is_nullable() || column.null_count() == 0);
        fits.then(|| Arc::clone(column))
    };
    let columns: Option<Vec<ArrayRef>> = schema.fields().iter().map(column).collect();
    match columns.filter(|columns| columns.len() == block.num_columns()) {
        Some(columns) => Ok(RecordBatch::try_new(Arc::clone(schema), columns)?),
        None => Err(wrong(format!(
            "its rows have the columns ({}); give them those of the key and of the state, ({})",
            describe(&block.schema()),
            describe(schema)
        ))),
    }
}

/// Puts rows into the table of the partition that owns their keys.
fn load(
    kept: &KeptStates,
    partition: usize,
    encoder: &KeyEncoder,
    rows: &RecordBatch,
) -> Result<(), OperatorError> {
    let (key, states) = rows.columns().split_at(kept.key.len().min(rows.num_columns()));
    let keys = encoder.encode(key, rows.num_rows())?;
    match kept.tables.with(partition, |table| table.fill(&keys, states)).flatten() {
        None => Ok(()),
        Some(row) => {
            let key = RecordBatch::try_new(Arc::new(Schema::new(kept.key.clone())), key.to_vec())?;
            let mut text = String::new();
            TextRows::new(&key)?.write(row as usize, &mut text)?;
            Err(wrong(format!("the key `{text}` is there twice; keep one of its states")))
        }
    }
}
