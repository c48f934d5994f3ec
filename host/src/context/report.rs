//! What a pipeline tells of its batches, and who listens.

use std::time::Duration;

use crate::record::BatchTime;

/// What became of one batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchReport {
    /// Its time.
    pub time: BatchTime,
    /// Rows that came in, source by source.
    pub num_input_rows: Vec<(String, usize)>,
    /// Rows that went out, sink by sink.
    pub num_output_rows: Vec<(String, usize)>,
    /// Rows set aside.
    pub num_dead_letters: usize,
    /// How long after its time it began.
    pub scheduling_delay: Duration,
    /// How long it took from the cut to the last sink.
    pub processing_time: Duration,
}

impl BatchReport {
    /// Rows that came in, over all sources.
    pub fn num_rows_in(&self) -> usize {
        self.num_input_rows.iter().map(|(_, rows)| rows).sum()
    }
}

/// Listens to a running pipeline. Called on the thread that drives batches, so it should be quick.
pub trait Listener: Send {
    /// A batch begins.
    fn batch_started(&mut self, _time: BatchTime) {}

    /// A batch was processed and published.
    fn batch_completed(&mut self, report: &BatchReport);
}

impl<F: FnMut(&BatchReport) + Send> Listener for F {
    fn batch_completed(&mut self, report: &BatchReport) {
        self(report);
    }
}

/// What became of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Batches processed.
    pub num_batches: u64,
    /// Rows that came in.
    pub num_rows_in: u64,
    /// Rows set aside.
    pub num_dead_letters: u64,
}

impl Summary {
    pub(super) fn add(&mut self, report: &BatchReport) {
        self.num_batches += 1;
        self.num_rows_in += report.num_rows_in() as u64;
        self.num_dead_letters += report.num_dead_letters as u64;
    }
}
