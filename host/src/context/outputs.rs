//! The sinks of a running pipeline, and how a batch reaches them: staged at all, then published at all.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::datatypes::SchemaRef;

use super::durable::Durable;
use super::report::{Listeners, OutputReport};
use super::running::RunError;
use crate::checkpoint::Undelivered;
use crate::failpoint::{Point, reach};
use crate::manifest::Pipeline;
use crate::plan::OpenedPipeline;
use crate::record::{BatchTime, Partition, num_rows};
use crate::sink::{Opening, SinkError, Writer};
use crate::source::Stop;

/// All sinks of a running pipeline, in the order of the plan's outputs.
pub(super) struct Outputs(Vec<OutputOf>);

struct OutputOf {
    name: String,
    schema: SchemaRef,
    writer: Box<dyn Writer>,
    /// How long it took to stage the batch.
    staging: Duration,
}

/// Rows on their way to a sink: its name, their schema, and the partitions.
type Outgoing<'a> = (&'a str, &'a SchemaRef, &'a [Partition]);

/// What the sinks are given of a batch: partitions, or none where it isn't their turn.
type Batch<'a> = &'a [Option<Vec<Partition>>];

impl Outputs {
    /// Opens the sinks of `pipeline`, whose checkpoint has the id `checkpoint`. They wait for whom they write to until
    /// `stop`.
    pub(super) fn open(
        pipeline: &Pipeline,
        opened: &OpenedPipeline,
        checkpoint: Option<&str>,
        stop: &Stop,
    ) -> Result<Self, RunError> {
        let mut sinks = Vec::with_capacity(pipeline.sinks.len());
        for (name, output) in &pipeline.sinks {
            if let Some(schema) = opened.schemas.get(&output.from) {
                let opening = Opening {
                    checkpoint: checkpoint.map(str::to_owned),
                    stop: stop.clone(),
                    ..Opening::new(&pipeline.name, name, schema)
                };
                let writer = output.sink.open(&opening).map_err(|error| failed(name, error))?;
                sinks.push(OutputOf {
                    name: name.clone(),
                    schema: Arc::clone(schema),
                    writer,
                    staging: Duration::ZERO,
                });
            }
        }
        Ok(Self(sinks))
    }

    /// The names of the sinks, in order.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.0.iter().map(|output| &output.name)
    }

    /// Whether a sink has published a batch of time `time` before.
    pub(super) fn is_published(&mut self, time: BatchTime) -> Result<bool, RunError> {
        for OutputOf { name, writer, .. } in &mut self.0 {
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
        listeners: &Listeners,
    ) -> Result<(), RunError> {
        for (OutputOf { name, writer, staging, .. }, partitions) in self.0.iter_mut().zip(batch) {
            let Some(partitions) = partitions else { continue };
            listeners.tell(|listener| listener.output_started(time, name));
            let begun = Instant::now();
            pass(name, Point::Stage)?;
            writer.stage(time, partitions).map_err(|error| failed(name, error))?;
            pass(name, Point::Staged)?;
            *staging = begun.elapsed();
        }
        Ok(())
    }

    /// Makes the batch visible at each sink.
    pub(super) fn publish(
        &mut self,
        time: BatchTime,
        batch: Batch<'_>,
        mut durable: Option<&mut Durable>,
        listeners: &Listeners,
    ) -> Result<(), RunError> {
        for (OutputOf { name, writer, staging, .. }, partitions) in self.0.iter_mut().zip(batch) {
            let Some(partitions) = partitions else { continue };
            let begun = Instant::now();
            pass(name, Point::Publish)?;
            writer.publish(time).map_err(|error| failed(name, error))?;
            pass(name, Point::Published)?;
            if let Some(durable) = durable.as_mut().filter(|_| is_in_outbox(writer.as_ref(), partitions)) {
                durable.delivered(time, name);
            }
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

    /// The rows that are to be kept with the batch until sinks have them, and whether any sink gets rows.
    pub(super) fn outbox<'a>(&'a self, batch: Batch<'a>) -> (Vec<Outgoing<'a>>, bool) {
        let given = self.0.iter().zip(batch);
        let given = given.filter_map(|(output, partitions)| Some((output, partitions.as_deref()?)));
        let kept = given.clone().filter(|(output, rows)| is_in_outbox(output.writer.as_ref(), rows));
        let kept = kept.map(|(output, rows)| (output.name.as_str(), &output.schema, rows)).collect();
        (kept, given.map(|(_, rows)| rows_of(rows)).any(|rows| rows > 0))
    }

    /// Gives sinks what was committed for them before a restart, and no more.
    pub(super) fn recover(&mut self, durable: &mut Durable) -> Result<(), RunError> {
        for OutputOf { name, writer, .. } in &mut self.0 {
            pass(name, Point::Recover)?;
            writer.recover(durable.last_time()).map_err(|error| failed(name, error))?;
            pass(name, Point::Recovered)?;
        }
        for Undelivered { time, sink, partitions } in durable.undelivered()? {
            match self.0.iter_mut().find(|output| output.name == sink) {
                Some(OutputOf { name, writer, .. }) => {
                    let failed = |error| failed(name, error);
                    pass(name, Point::Deliver)?;
                    if !writer.is_published(time).map_err(failed)? {
                        writer.stage(time, &partitions).map_err(failed)?;
                        writer.publish(time).map_err(failed)?;
                    }
                    pass(name, Point::Delivered)?;
                }
                None => tracing::warn!(%sink, batch = %time, "rows for a sink that is gone are left behind"),
            }
            durable.delivered(time, &sink);
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

/// Whether rows for `writer` are kept with the batch until it has them.
fn is_in_outbox(writer: &dyn Writer, partitions: &[Partition]) -> bool {
    !writer.stages_outside() && rows_of(partitions) > 0
}

/// Passes `point` with the sink `name`.
fn pass(name: &str, point: Point) -> Result<(), RunError> {
    let broken = |source| SinkError::Path { action: "reach", path: name.into(), source };
    reach(point).map_err(|error| failed(name, broken(error)))
}

fn failed(name: &str, error: SinkError) -> RunError {
    RunError::Sink { name: name.to_owned(), error }
}

fn rows_of(partitions: &[Partition]) -> usize {
    partitions.iter().map(|blocks| num_rows(blocks)).sum()
}
