//! States that an earlier version of a plugin kept, carried over to those that the next one keeps, while batches go on
//! with the earlier one.
//!
//! The tables of the next version follow those that are in use: what changed since the last look is migrated and put
//! in. The last look happens between two batches, and has little left to do.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;

use super::OperatorError;
use crate::plugin::{Call, Migrator, call_bytes};
use crate::record::BatchTime;
use crate::state::{Kept, KeyedTable};

/// The most states of one call; more don't make it faster.
const MAX_CALL_STATES: usize = 64 * 1024;

/// States on their way to the version of a plugin that keeps others.
pub struct Migration(Mutex<Option<Carrying>>);

struct Carrying {
    from: Arc<Kept<KeyedTable>>,
    to: Arc<Kept<KeyedTable>>,
    migrator: Box<dyn Migrator>,
}

impl Migration {
    /// From the tables `from`, which are in use, to others with states of the columns `state`, which come with it.
    pub(super) fn begin(
        from: Arc<Kept<KeyedTable>>,
        state: &SchemaRef,
        migrator: Box<dyn Migrator>,
    ) -> Result<(Self, Arc<Kept<KeyedTable>>), OperatorError> {
        let successors = from.each_mut(|table| table.successor(state)).into_iter();
        let to = Arc::new(Kept::of(successors.collect::<Result<_, _>>()?));
        let carrying = Carrying { from, to: Arc::clone(&to), migrator };
        Ok((Self(Mutex::new(Some(carrying))), to))
    }

    /// Whether there is something to carry over.
    pub(crate) fn is_pending(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Carries over what changed since the last time. To be called on a thread with a stack of
    /// [`STACK_BYTES`](crate::plugin::STACK_BYTES).
    pub(crate) fn catch_up(&self) -> Result<(), OperatorError> {
        let mut carrying = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        carrying.as_mut().map_or(Ok(()), Carrying::catch_up)
    }

    /// The same for the last time: from now on the two go their own ways.
    pub(crate) fn finish(&self) -> Result<(), OperatorError> {
        let carrying = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        carrying.map_or(Ok(()), |mut carrying| carrying.catch_up())
    }
}

impl Carrying {
    fn catch_up(&mut self) -> Result<(), OperatorError> {
        for partition in 0..self.from.num_partitions() {
            // What changes meanwhile waits for the next time, so that there is an end.
            let mut left = self.from.with(partition, |table| table.num_followed()).unwrap_or(0);
            loop {
                self.carry_some(partition)?;
                match left.checked_sub(MAX_CALL_STATES) {
                    Some(more @ 1..) => left = more,
                    _ => break,
                }
            }
        }
        Ok(())
    }

    /// Carries over so many changes as one call takes. No lock is held while the plugin works, so that batches go on.
    fn carry_some(&mut self, partition: usize) -> Result<(), OperatorError> {
        let taken = self.from.with(partition, |table| table.take_followed(MAX_CALL_STATES));
        let Some(followed) = taken.transpose()? else { return Ok(()) };
        let mut migrated = Vec::new();
        self.migrate(partition, &followed.states, &mut migrated)?;
        let put = self.to.with(partition, |table| {
            let states = concat_batches(table.schema(), &migrated)?;
            table.put_followed(followed, states.columns());
            Ok(())
        });
        put.unwrap_or(Ok(()))
    }

    /// Migrates `states` in calls of a size that the plugin takes.
    fn migrate(
        &mut self,
        partition: usize,
        states: &RecordBatch,
        migrated: &mut Vec<RecordBatch>,
    ) -> Result<(), OperatorError> {
        let num_rows = states.num_rows();
        if num_rows == 0 {
            return Ok(());
        }
        let is_large = call_bytes(states.columns()) > self.migrator.max_input().0;
        if is_large && num_rows > 1 {
            let middle = num_rows / 2;
            self.migrate(partition, &states.slice(0, middle), migrated)?;
            return self.migrate(partition, &states.slice(middle, num_rows - middle), migrated);
        }
        // It belongs to no batch, and its clock stands still, so that the same states are the same again.
        let call = Call { time: BatchTime::from_millis(0), partition };
        migrated.push(self.migrator.migrate(&call, states)?);
        Ok(())
    }
}

impl Drop for Carrying {
    fn drop(&mut self) {
        self.from.each_mut(KeyedTable::unfollow);
    }
}
