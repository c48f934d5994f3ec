//! The last batches of a stream, kept in memory for the program to ask for.
//!
//! Comes in: the partitions of each batch, which are there from its publication on until they are too old.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::{Delivery, Opening, Sink, SinkError, Writer};
use crate::record::{BatchTime, Partition};

/// The time of a batch and its partitions.
pub type TimedBatch = (BatchTime, Vec<Partition>);

/// A sink that keeps the last batches; its clones keep the same ones.
#[derive(Clone, Debug)]
pub struct Remember {
    length: Duration,
    batches: Arc<Mutex<VecDeque<TimedBatch>>>,
}

impl Remember {
    /// Keeps the last batch, and those that are less than `length` older.
    pub fn new(length: Duration) -> Self {
        Self { length, batches: Arc::default() }
    }

    /// The batches that are kept whose times are from `from` to `to`, both included, in order.
    pub fn between(&self, from: BatchTime, to: BatchTime) -> Vec<TimedBatch> {
        let batches = self.batches.lock().unwrap_or_else(PoisonError::into_inner);
        batches.iter().filter(|(time, _)| (from..=to).contains(time)).cloned().collect()
    }
}

impl Sink for Remember {
    fn kind(&self) -> &'static str {
        "remember"
    }

    fn delivery(&self) -> Delivery {
        Delivery::Nowhere
    }

    fn open(&self, _opening: &Opening) -> Result<Box<dyn Writer>, SinkError> {
        Ok(Box::new(Remembering { to: self.clone(), staged: None }))
    }
}

struct Remembering {
    to: Remember,
    staged: Option<Vec<Partition>>,
}

impl Writer for Remembering {
    fn stage(&mut self, _time: BatchTime, partitions: &[Partition]) -> Result<(), SinkError> {
        self.staged = Some(partitions.to_vec());
        Ok(())
    }

    fn publish(&mut self, time: BatchTime) -> Result<(), SinkError> {
        let Some(partitions) = self.staged.take() else { return Ok(()) };
        let mut batches = self.to.batches.lock().unwrap_or_else(PoisonError::into_inner);
        while batches.front().is_some_and(|(old, _)| time.since(*old) >= self.to.length) {
            batches.pop_front();
        }
        batches.push_back((time, partitions));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::line_schema;

    #[test]
    fn batches_are_there_once_published_and_as_long_as_they_are_young() {
        let sink = Remember::new(Duration::from_secs(3));
        let mut writer = sink.open(&Opening::new("p", "s", &line_schema())).unwrap();
        let time = BatchTime::from_millis;
        let times = |from, to| -> Vec<i64> {
            sink.between(time(from), time(to)).iter().map(|(time, _)| time.millis()).collect()
        };
        for second in 1..=5 {
            writer.stage(time(second * 1000), &[Partition::new()]).unwrap();
            assert!(times(second * 1000, 9000).is_empty());
            writer.publish(time(second * 1000)).unwrap();
            writer.publish(time(second * 1000)).unwrap();
        }
        assert_eq!(times(0, 9000), [3000, 4000, 5000]);
        assert_eq!(times(3000, 4000), [3000, 4000]);
        assert_eq!(times(3001, 4999), [4000]);
        assert!(times(4000, 3000).is_empty());
    }

    #[test]
    fn the_last_batch_is_always_there() {
        let sink = Remember::new(Duration::ZERO);
        let mut writer = sink.open(&Opening::new("p", "s", &line_schema())).unwrap();
        for millis in [1000, 2000] {
            writer.stage(BatchTime::from_millis(millis), &[]).unwrap();
            writer.publish(BatchTime::from_millis(millis)).unwrap();
        }
        let all = sink.between(BatchTime::from_millis(0), BatchTime::from_millis(9000));
        assert_eq!(all.len(), 1);
    }
}
