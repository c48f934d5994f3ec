//! What a batch found of the keys that it changed, so that it can run again.

use arrow::array::RecordBatch;

use crate::record::BatchTime;

/// What a batch found, to be put back.
pub(super) struct Undo {
    pub(super) time: BatchTime,
    pub(super) calls: Vec<Before>,
}

/// What there was of some keys.
pub(super) struct Before {
    /// Key i is `data[offsets[i] .. offsets[i + 1]]`.
    pub(super) offsets: Vec<i32>,
    pub(super) data: Vec<u8>,
    /// In which slot each was, and when it was last touched; none where it wasn't there.
    pub(super) places: Vec<Option<(u32, i64)>>,
    /// The slots in which those are now that are still there.
    pub(super) slots: Vec<u32>,
    pub(super) states: RecordBatch,
}

impl Before {
    /// Of no keys yet; `states` are those of all that may come.
    pub(super) fn of(states: &RecordBatch) -> Self {
        let states = states.clone();
        Self { offsets: vec![0], data: Vec::new(), places: Vec::new(), slots: Vec::new(), states }
    }

    pub(super) fn push(&mut self, key: &[u8], place: Option<(u32, i64)>) {
        self.data.extend_from_slice(key);
        self.offsets.push(i32::try_from(self.data.len()).unwrap_or(i32::MAX));
        self.places.push(place);
    }
}
