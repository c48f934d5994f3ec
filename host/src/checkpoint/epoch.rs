//! What is known of a batch that was committed.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::record::BatchTime;
use crate::source::Position;

/// A batch that was committed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Epochs are counted from 1.
    pub number: u64,
    /// The time of the batch, in milliseconds since the Unix epoch.
    pub time: i64,
    /// The time from which batches are counted, in milliseconds since the Unix epoch.
    pub zero: i64,
    /// How far each source was read.
    pub sources: IndexMap<String, SourcePosition>,
}

/// How far a source was read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SourcePosition {
    /// How far, as the source says it; none where it can't.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// The last block of its log that batches took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logged: Option<u64>,
}

impl Epoch {
    /// The time of the batch.
    pub const fn batch_time(&self) -> BatchTime {
        BatchTime::from_millis(self.time)
    }
}
