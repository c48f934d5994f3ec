//! What a pipeline tells of its batches, and who listens.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::record::BatchTime;
use crate::source::SourceError;

/// A batch whose input is fixed, before it runs: it has no delays yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchSubmission {
    /// Its time.
    pub time: BatchTime,
    /// Rows that came in, source by source; none where they are only counted when they are read, as those of files.
    pub num_input_rows: Vec<(String, Option<usize>)>,
    /// How many batches were due before it and are part of it.
    pub num_merged: u64,
}

/// A batch that begins to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchStart {
    /// Its time.
    pub time: BatchTime,
    /// How long after its time it begins.
    pub scheduling_delay: Duration,
}

/// What a sink did with one batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputReport {
    /// The batch's time.
    pub time: BatchTime,
    /// The sink's name.
    pub sink: String,
    /// Rows it was given.
    pub num_rows: usize,
    /// How long the sink took to stage and to publish them.
    pub processing_time: Duration,
}

/// What happens to the receiver of a source.
#[derive(Debug)]
pub enum ReceiverEvent<'a> {
    /// It receives.
    Started,
    /// It has ended, or nobody listens to it any more, because the run ends.
    Stopped,
    /// It has failed, and with it the run. What a receiver mends by itself, as a socket that connects again does, is
    /// no failure.
    Failed(&'a SourceError),
}

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
    /// How many batches were due before it and are part of it.
    pub num_merged: u64,
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

    /// How long after its time it was done.
    pub fn total_delay(&self) -> Duration {
        self.scheduling_delay.saturating_add(self.processing_time)
    }
}

/// Listens to a running pipeline. Called by the threads that drive batches and make them final, by one at a time; both
/// wait for it, so it should be quick. Of a batch it hears in the order of the methods; of one that fails, the end of the run
/// tells. Where there is a checkpoint, the next batch may be submitted and start before this one is complete.
///
/// It may stop the run through a [`Control`](super::Control), which doesn't wait; it must not wait for the end.
pub trait Listener: Send {
    /// The receiver of the source `source` has started or ended.
    fn receiver_changed(&mut self, _source: &str, _event: &ReceiverEvent<'_>) {}

    /// A batch is due, and its input is fixed.
    fn batch_submitted(&mut self, _batch: &BatchSubmission) {}

    /// A batch begins to run.
    fn batch_started(&mut self, _batch: &BatchStart) {}

    /// The sink `sink` begins to take the batch of time `time`.
    fn output_started(&mut self, _time: BatchTime, _sink: &str) {}

    /// A sink has published a batch.
    fn output_completed(&mut self, _report: &OutputReport) {}

    /// A batch was processed, and published at all sinks.
    fn batch_completed(&mut self, report: &BatchReport);
}

/// All who listen to a run. Clones are the same.
#[derive(Clone)]
pub(super) struct Listeners(Arc<Mutex<Vec<Box<dyn Listener>>>>);

impl Listeners {
    pub(super) fn new(listeners: Vec<Box<dyn Listener>>) -> Self {
        Self(Arc::new(Mutex::new(listeners)))
    }

    /// Tells each of them.
    pub(super) fn tell(&self, mut tell: impl FnMut(&mut dyn Listener)) {
        let mut listeners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.iter_mut().for_each(|listener| tell(listener.as_mut()));
    }
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
    /// Adds a batch with so many rows in and so many set aside.
    pub(super) fn add(&mut self, num_rows_in: usize, num_dead_letters: usize) {
        self.num_batches += 1;
        self.num_rows_in += num_rows_in as u64;
        self.num_dead_letters += num_dead_letters as u64;
    }
}
