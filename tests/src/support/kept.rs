//! A sink that keeps what it is given, as text.

use std::sync::{Arc, Mutex};

use arrow::array::RecordBatch;
use tidemill::record::{BatchTime, Partition, TextRows};
use tidemill::sink::{Delivery, Opening, Sink, SinkError, Writer};

use super::wait_until;

/// The rows of batches, each with its time in milliseconds.
pub type Batches = Vec<(i64, Vec<String>)>;

/// Each row of a block as the console shows it.
pub fn shown(block: &RecordBatch) -> Result<Vec<String>, SinkError> {
    let text = TextRows::new(block)?;
    let line = |row| {
        let mut line = String::new();
        text.write(row, &mut line)?;
        Ok(line)
    };
    (0..block.num_rows()).map(line).collect()
}

/// What a sink was given, batch by batch.
#[derive(Clone, Debug, Default)]
pub struct Kept(Arc<Mutex<Batches>>);

impl Kept {
    /// What it was given so far.
    pub fn batches(&self) -> Batches {
        self.0.lock().unwrap().clone()
    }

    /// Waits until it was given so many batches.
    pub fn wait_for(&self, num_batches: usize) -> Batches {
        wait_until("batches", || Some(self.batches()).filter(|batches| batches.len() >= num_batches))
    }
}

impl Sink for Kept {
    fn kind(&self) -> &'static str {
        "kept"
    }

    fn delivery(&self) -> Delivery {
        Delivery::Nowhere
    }

    fn open(&self, _: &Opening) -> Result<Box<dyn Writer>, SinkError> {
        Ok(Box::new(self.clone()))
    }
}

impl Writer for Kept {
    fn stage(&mut self, time: BatchTime, partitions: &[Partition]) -> Result<(), SinkError> {
        let mut rows = Vec::new();
        for block in partitions.iter().flatten() {
            rows.extend(shown(block)?);
        }
        self.0.lock().unwrap().push((time.millis(), rows));
        Ok(())
    }

    fn publish(&mut self, _: BatchTime) -> Result<(), SinkError> {
        Ok(())
    }
}
