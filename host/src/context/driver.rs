//! Driving batches: wait for the time, cut, run, stage, publish, report; and ending in order.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::datatypes::SchemaRef;

use super::control::{Control, StopMode};
use super::dead_letters::DeadLetters;
use super::durable::Durable;
use super::inputs::{Inputs, Reach};
use super::measured::Measured;
use super::options::RunOptions;
use super::report::{BatchReport, Listener, Summary};
use super::running::RunError;
use super::swap::{Shared, Switch};
use crate::batch::Clock;
use crate::checkpoint::{Checkpoint, Undelivered};
use crate::manifest::Pipeline;
use crate::plan::OpenedPipeline;
use crate::record::{BatchTime, Interval, Partition, num_rows};
use crate::schedule::{Executor, JobResult};
use crate::sink::{SinkError, Writer};
use crate::source::{Extent, Opening};

/// Drives the batches of one pipeline, on a thread of its own.
pub(super) struct Driver {
    interval: Interval,
    options: RunOptions,
    clock: Arc<dyn Clock>,
    control: Control,
    inputs: Inputs,
    executor: Executor,
    switch: Switch,
    sinks: Vec<OpenSink>,
    dead_letters: DeadLetters,
    durable: Option<Durable>,
    listeners: Vec<Box<dyn Listener>>,
    measured: Measured,
    start: i64,
    /// The time of the batch before the first.
    zero: BatchTime,
    summary: Summary,
}

/// A sink that runs.
struct OpenSink {
    name: String,
    schema: SchemaRef,
    writer: Box<dyn Writer>,
}

impl OpenSink {
    fn failed(&self) -> impl FnOnce(SinkError) -> RunError + use<> {
        let name = self.name.clone();
        move |error| RunError::Sink { name, error }
    }
}

/// How far a run is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// A batch an interval.
    Ticking,
    /// As fast as input comes, until there is no more.
    Draining(Reach),
}

impl Driver {
    #[allow(clippy::too_many_arguments, reason = "all that a run is made of, passed on once")]
    /// Opens sinks, then sources, and starts workers.
    pub(super) fn open(
        pipeline: &Pipeline,
        shared: &Arc<Shared>,
        checkpoint: Option<Checkpoint>,
        num_workers: usize,
        options: RunOptions,
        clock: Arc<dyn Clock>,
        control: Control,
        listeners: Vec<Box<dyn Listener>>,
    ) -> Result<Self, RunError> {
        let running = shared.running();
        let opened = running.opened();
        let start = clock.now_millis();
        let dead_letters = DeadLetters::open(pipeline)?;
        let begin = BatchTime::from_millis(start);
        let durable = checkpoint.map(|c| Durable::open(c, pipeline, opened, &options.drop_state, begin));
        let mut durable = durable.transpose()?;
        if let Some(durable) = &durable {
            shared.set_history(durable.history()?);
        }
        let mut sinks = open_sinks(pipeline, opened)?;
        durable.as_mut().map_or(Ok(()), |durable| recover(&mut sinks, durable))?;
        let source_names = opened.schemas.keys().filter(|name| pipeline.sources.contains_key(*name));
        let sink_names = sinks.iter().map(|sink| &sink.name);
        let file = options.metrics_file.as_deref();
        let measured = Measured::open(&opened.metrics, source_names, sink_names, file)?;
        let executor = Executor::start(running.version(), num_workers).map_err(RunError::Thread)?;
        let opening = Opening {
            name: String::new(),
            time: BatchTime::from_millis(start),
            extent: options.extent,
            position: None,
        };
        let sources =
            opened.schemas.keys().filter_map(|name| Some((name, pipeline.sources.get(name)?.as_ref())));
        let inputs = Inputs::open(
            sources,
            &opening,
            durable.as_ref(),
            pipeline.partitions.get(),
            &clock,
            &control.wake,
        )?;
        Ok(Self {
            interval: pipeline.interval,
            options,
            clock,
            control,
            inputs,
            executor,
            switch: Switch::new(Arc::clone(shared)),
            sinks,
            dead_letters,
            listeners,
            measured,
            zero: durable
                .as_ref()
                .and_then(Durable::zero)
                .unwrap_or_else(|| pipeline.interval.next_after(start).previous(pipeline.interval)),
            durable,
            start,
            summary: Summary::default(),
        })
    }

    /// Runs until it is stopped, has nothing more to do, or fails.
    pub(super) fn run(mut self) -> Result<Summary, RunError> {
        let ran = self.batches();
        let closed = self.sinks.iter_mut().try_for_each(|sink| sink.writer.close().map_err(sink.failed()));
        let closed = closed.and_then(|()| Ok(self.durable.as_mut().map_or(Ok(()), Durable::close)?));
        self.inputs.abandon();
        self.measured.close();
        ran.and(closed).map(|()| self.summary)
    }

    fn batches(&mut self) -> Result<(), RunError> {
        let first = match &self.durable {
            Some(durable) => durable.first_time(self.interval, self.start),
            None => self.interval.next_after(self.start),
        };
        let mut time = self.free(first)?;
        let mut phase = match self.options.extent {
            Extent::Endless => Phase::Ticking,
            Extent::Available => Phase::Draining(Reach::Everything),
        };
        loop {
            match self.wait(time, phase) {
                Next::Batch
                    if phase == Phase::Draining(Reach::Received)
                        && self.inputs.is_finished(Reach::Received)? =>
                {
                    return Ok(());
                }
                Next::Batch => {}
                Next::Drain => {
                    self.inputs.stop();
                    phase = Phase::Draining(Reach::Received);
                    continue;
                }
                Next::End => return Ok(()),
            }
            let reach = match phase {
                Phase::Ticking => Reach::UpToTime,
                Phase::Draining(reach) => reach,
            };
            self.batch(time, reach)?;
            time = self.free(time.next(self.interval))?;
            if self.inputs.is_finished(reach)? || self.is_over() {
                return Ok(());
            }
        }
    }

    /// `time`, or the first one after it that leaves room for the batches of the pipeline beside this one, and for those
    /// that were published before a restart and had nothing to commit.
    fn free(&self, mut time: BatchTime) -> Result<BatchTime, RunError> {
        let is_resumed = self.durable.as_ref().is_some_and(|durable| durable.last_time().is_some());
        if self.options.beside.is_none() && !(is_resumed && time.millis() <= self.start) {
            return Ok(time);
        }
        loop {
            // Where there is a batch every millisecond there is no room between two.
            let is_theirs =
                self.options.beside.is_some_and(|beside| beside.millis() > 1 && beside.divides(time));
            if !is_theirs && !self.is_published(time)? {
                return Ok(time);
            }
            time = time.next(self.interval);
        }
    }

    fn is_published(&self, time: BatchTime) -> Result<bool, RunError> {
        for sink in &self.sinks {
            if sink.writer.is_published(time).map_err(sink.failed())? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Waits until there is something to do.
    fn wait(&self, time: BatchTime, phase: Phase) -> Next {
        let takes_input = phase != Phase::Draining(Reach::Received);
        loop {
            match self.control.asked() {
                Some(StopMode::Immediate) => return Next::End,
                Some(StopMode::Graceful) if takes_input => return Next::Drain,
                _ => {}
            }
            match phase {
                Phase::Draining(_) if self.inputs.is_pressing() => return Next::Batch,
                Phase::Draining(_) => {
                    self.control.wake.wait(None);
                }
                Phase::Ticking
                    if self.deadline().is_some_and(|end| self.clock.now_millis() >= end.millis()) =>
                {
                    return Next::Drain;
                }
                Phase::Ticking => {
                    let due = self.deadline().map_or(time, |end| end.min(time));
                    if self.clock.wait_until(due, &self.control.wake) && due == time {
                        return Next::Batch;
                    }
                }
            }
        }
    }

    /// When the time that the run was given is up.
    fn deadline(&self) -> Option<BatchTime> {
        let millis = i64::try_from(self.options.duration?.as_millis()).unwrap_or(i64::MAX);
        Some(BatchTime::from_millis(self.start.saturating_add(millis)))
    }

    fn is_over(&self) -> bool {
        self.options.batches.is_some_and(|limit| self.summary.num_batches >= limit)
    }

    fn batch(&mut self, time: BatchTime, reach: Reach) -> Result<(), RunError> {
        let begun = Instant::now();
        self.listeners.iter_mut().for_each(|listener| listener.batch_started(time));
        let delay = self.clock.now_millis().saturating_sub(time.millis());
        let cut = self.inputs.cut(time, reach)?;
        let number = self.interval.count(self.zero, time);
        let result = self.switch.run(&mut self.executor, time, number, cut.inputs);
        let result = result.map_err(|error| RunError::Batch { time, error })?;
        let mut dead = cut.dead;
        dead.extend(result.dead.iter().cloned());
        self.stage(time, &result)?;
        self.dead_letters.write(time, &dead)?;
        self.commit(time, &result)?;
        self.publish(time, &result)?;
        self.switch.settle();
        let report = BatchReport {
            time,
            num_input_rows: self.inputs.names().map(str::to_owned).zip(result.num_input_rows).collect(),
            num_output_rows: self
                .sinks
                .iter()
                .map(|sink| sink.name.clone())
                .zip(sizes(&result.outputs))
                .collect(),
            num_dead_letters: dead.len(),
            scheduling_delay: Duration::from_millis(u64::try_from(delay).unwrap_or(0)),
            processing_time: begun.elapsed(),
        };
        self.summary.add(&report);
        self.measured.batch(&report, &dead);
        self.listeners.iter_mut().for_each(|listener| listener.batch_completed(&report));
        Ok(())
    }

    fn stage(&mut self, time: BatchTime, result: &JobResult) -> Result<(), RunError> {
        for (sink, partitions) in self.sinks.iter_mut().zip(&result.outputs) {
            let Some(partitions) = partitions else { continue };
            sink.writer.stage(time, partitions).map_err(sink.failed())?;
        }
        Ok(())
    }

    /// Makes the batch final, where there is a checkpoint.
    fn commit(&mut self, time: BatchTime, result: &JobResult) -> Result<(), RunError> {
        let Some(durable) = &mut self.durable else { return Ok(()) };
        let outputs = self.sinks.iter().zip(&result.outputs);
        let outputs = outputs.filter_map(|(sink, partitions)| Some((sink, partitions.as_deref()?)));
        let has_rows = |partitions: &[Partition]| partitions.iter().any(|blocks| num_rows(blocks) > 0);
        let is_seen = outputs.clone().any(|(_, partitions)| has_rows(partitions));
        let outbox = outputs
            .filter(|(sink, partitions)| !sink.writer.stages_outside() && has_rows(partitions))
            .map(|(sink, partitions)| (sink.name.as_str(), &sink.schema, partitions));
        durable.commit(
            time,
            self.zero,
            self.inputs.positions(),
            outbox.collect(),
            is_seen,
            self.switch.changes(),
        )
    }

    fn publish(&mut self, time: BatchTime, result: &JobResult) -> Result<(), RunError> {
        let due = self.sinks.iter_mut().zip(&result.outputs).filter(|(_, output)| output.is_some());
        for (sink, partitions) in due {
            sink.writer.publish(time).map_err(sink.failed())?;
            let is_in_outbox = !sink.writer.stages_outside() && partitions.is_some();
            if let Some(durable) = self.durable.as_mut().filter(|_| is_in_outbox) {
                durable.delivered(time, &sink.name);
            }
        }
        Ok(())
    }
}

enum Next {
    /// Run a batch.
    Batch,
    /// Take no more input, and process what there is.
    Drain,
    /// End at once.
    End,
}

/// Gives sinks what was committed for them before a restart, and no more.
fn recover(sinks: &mut [OpenSink], durable: &mut Durable) -> Result<(), RunError> {
    for sink in sinks.iter_mut() {
        sink.writer.recover(durable.last_time()).map_err(sink.failed())?;
    }
    for Undelivered { time, sink: name, partitions } in durable.undelivered()? {
        match sinks.iter_mut().find(|sink| sink.name == name) {
            Some(sink) if sink.writer.is_published(time).map_err(sink.failed())? => {}
            Some(sink) => {
                sink.writer.stage(time, &partitions).map_err(sink.failed())?;
                sink.writer.publish(time).map_err(sink.failed())?;
            }
            None => {
                tracing::warn!(sink = %name, batch = %time, "rows for a sink that is gone are left behind")
            }
        }
        durable.delivered(time, &name);
    }
    Ok(())
}

fn open_sinks(pipeline: &Pipeline, opened: &OpenedPipeline) -> Result<Vec<OpenSink>, RunError> {
    let mut sinks = Vec::with_capacity(pipeline.sinks.len());
    for (name, output) in &pipeline.sinks {
        if let Some(schema) = opened.schemas.get(&output.from) {
            let writer =
                output.sink.open(schema).map_err(|error| RunError::Sink { name: name.clone(), error })?;
            sinks.push(OpenSink { name: name.clone(), schema: Arc::clone(schema), writer });
        }
    }
    Ok(sinks)
}

fn sizes(outputs: &[Option<Vec<Partition>>]) -> impl Iterator<Item = usize> {
    outputs.iter().map(|partitions| partitions.iter().flatten().map(|blocks| num_rows(blocks)).sum())
}
