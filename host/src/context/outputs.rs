//! The sinks of a running pipeline, and how a batch reaches them: staged at all, then published at all.

use std::time::{Duration, Instant};

use super::report::{Listeners, OutputReport};
use super::running::RunError;
use crate::manifest::Pipeline;
use crate::plan::OpenedPipeline;
use crate::record::{BatchTime, Partition, num_rows};
use crate::sink::{SinkError, Writer};

/// All sinks of a running pipeline, in the order of the plan's outputs.
pub(super) struct Outputs(Vec<OutputOf>);

struct OutputOf {
    name: String,
    writer: Box<dyn Writer>,
    /// How long it took to stage the batch.
    staging: Duration,
}

/// What the sinks are given of a batch: partitions, or none where it isn't their turn.
type Batch<'a> = &'a [Option<Vec<Partition>>];

impl Outputs {
    /// Opens the sinks of `pipeline`.
    pub(super) fn open(pipeline: &Pipeline, opened: &OpenedPipeline) -> Result<Self, RunError> {
        let mut sinks = Vec::with_capacity(pipeline.sinks.len());
        for (name, output) in &pipeline.sinks {
            if let Some(schema) = opened.schemas.get(&output.from) {
                let writer = output.sink.open(schema).map_err(|error| failed(name, error))?;
                sinks.push(OutputOf { name: name.clone(), writer, staging: Duration::ZERO });
            }
        }
        Ok(Self(sinks))
    }

    /// The names of the sinks, in order.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.0.iter().map(|output| &output.name)
    }

    /// Whether a sink has published a batch of time `time` before.
    pub(super) fn is_published(&self, time: BatchTime) -> Result<bool, RunError> {
        for OutputOf { name, writer, .. } in &self.0 {
            if writer.is_published(time).map_err(|error| failed(name, error))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Hands the batch to each sink, which shows nothing of it yet.
    pub(super) fn stage(
        &mut self,
        time: BatchTime,
        batch: Batch<'_>,
        listeners: &mut Listeners,
    ) -> Result<(), RunError> {
        for (OutputOf { name, writer, staging }, partitions) in self.0.iter_mut().zip(batch) {
            let Some(partitions) = partitions else { continue };
            listeners.tell(|listener| listener.output_started(time, name));
            let begun = Instant::now();
            writer.stage(time, partitions).map_err(|error| failed(name, error))?;
            *staging = begun.elapsed();
        }
        Ok(())
    }

    /// Makes the batch visible at each sink.
    pub(super) fn publish(
        &mut self,
        time: BatchTime,
        batch: Batch<'_>,
        listeners: &mut Listeners,
    ) -> Result<(), RunError> {
        for (OutputOf { name, writer, staging }, partitions) in self.0.iter_mut().zip(batch) {
            let Some(partitions) = partitions else { continue };
            let begun = Instant::now();
            writer.publish(time).map_err(|error| failed(name, error))?;
            let report = OutputReport {
                time,
                sink: name.clone(),
                num_rows: rows_of(partitions),
                processing_time: *staging + begun.elapsed(),
            };
            listeners.tell(|listener| listener.output_completed(&report));
        }
        Ok(())
    }

    /// How many rows each sink was given, by name.
    pub(super) fn num_rows(&self, batch: Batch<'_>) -> Vec<(String, usize)> {
        let rows = batch.iter().map(|partitions| partitions.as_deref().map_or(0, rows_of));
        self.names().cloned().zip(rows).collect()
    }

    /// Closes all, up to the first that fails.
    pub(super) fn close(&mut self) -> Result<(), RunError> {
        self.0
            .iter_mut()
            .try_for_each(|OutputOf { name, writer, .. }| writer.close().map_err(|error| failed(name, error)))
    }
}

fn failed(name: &str, error: SinkError) -> RunError {
    RunError::Sink { name: name.to_owned(), error }
}

fn rows_of(partitions: &[Partition]) -> usize {
    partitions.iter().map(|blocks| num_rows(blocks)).sum()
}
