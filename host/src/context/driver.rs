//! Driving batches: wait for the time, cut, run, stage, publish, report; and ending in order.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::control::{Control, StopMode};
use super::dead_letters::DeadLetters;
use super::inputs::{Inputs, Reach};
use super::measured::Measured;
use super::options::RunOptions;
use super::report::{BatchReport, Listener, Summary};
use super::running::RunError;
use crate::batch::Clock;
use crate::manifest::Pipeline;
use crate::plan::OpenedPipeline;
use crate::record::{BatchTime, Interval, Partition, num_rows};
use crate::schedule::{Executor, JobResult, StagePlan};
use crate::sink::Writer;
use crate::source::{Extent, Opening};

/// Drives the batches of one pipeline, on a thread of its own.
pub(super) struct Driver {
    interval: Interval,
    options: RunOptions,
    clock: Arc<dyn Clock>,
    control: Control,
    inputs: Inputs,
    executor: Executor,
    sinks: NamedWriters,
    dead_letters: DeadLetters,
    listeners: Vec<Box<dyn Listener>>,
    measured: Measured,
    start: i64,
    /// The time of the batch before the first.
    zero: BatchTime,
    summary: Summary,
}

/// Sinks that run, by name.
type NamedWriters = Vec<(String, Box<dyn Writer>)>;

/// How far a run is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// A batch an interval.
    Ticking,
    /// As fast as input comes, until there is no more.
    Draining(Reach),
}

impl Driver {
    /// Opens sinks, then sources, and starts workers.
    pub(super) fn open(
        pipeline: &Pipeline,
        opened: &OpenedPipeline,
        plan: StagePlan,
        options: RunOptions,
        clock: Arc<dyn Clock>,
        control: Control,
        listeners: Vec<Box<dyn Listener>>,
    ) -> Result<Self, RunError> {
        let start = clock.now_millis();
        let dead_letters = DeadLetters::open(pipeline)?;
        let sinks = open_sinks(pipeline, opened)?;
        let source_names = opened.schemas.keys().filter(|name| pipeline.sources.contains_key(*name));
        let sink_names = sinks.iter().map(|(name, _)| name);
        let file = options.metrics_file.as_deref();
        let measured = Measured::open(&opened.metrics, source_names, sink_names, file)?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let num_workers = options.workers.or(pipeline.workers).map_or(cores, usize::from);
        let executor = Executor::start(plan, num_workers).map_err(RunError::Thread)?;
        let opening =
            Opening { name: String::new(), time: BatchTime::from_millis(start), extent: options.extent };
        let sources =
            opened.schemas.keys().filter_map(|name| Some((name, pipeline.sources.get(name)?.as_ref())));
        let inputs = Inputs::open(sources, &opening, pipeline.partitions.get(), &clock, &control.wake)?;
        Ok(Self {
            interval: pipeline.interval,
            options,
            clock,
            control,
            inputs,
            executor,
            sinks,
            dead_letters,
            listeners,
            measured,
            start,
            zero: pipeline.interval.next_after(start).previous(pipeline.interval),
            summary: Summary::default(),
        })
    }

    /// Runs until it is stopped, has nothing more to do, or fails.
    pub(super) fn run(mut self) -> Result<Summary, RunError> {
        let ran = self.batches();
        let closed = self.sinks.iter_mut().try_for_each(|(name, sink)| {
            sink.close().map_err(|error| RunError::Sink { name: name.clone(), error })
        });
        self.inputs.abandon();
        self.measured.close();
        ran.and(closed).map(|()| self.summary)
    }

    fn batches(&mut self) -> Result<(), RunError> {
        let mut time = self.free(self.interval.next_after(self.start))?;
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
            self.batch(time, Some(reach))?;
            time = self.free(time.next(self.interval))?;
            match (self.inputs.is_finished(reach)?, reach) {
                _ if self.is_over() => return Ok(()),
                (false, _) => {}
                (true, Reach::Received) => return Ok(()),
                (true, Reach::UpToTime | Reach::Everything) => return self.last_windows(time),
            }
        }
    }

    /// The sources have ended: lets time go on, from `time`, until each window with a longer slide has put out what
    /// came last. No clock is waited for. A pipeline that is stopped goes on some day, and puts out nothing early.
    fn last_windows(&mut self, mut time: BatchTime) -> Result<(), RunError> {
        let last = self.executor.last_windows(self.interval.count(self.zero, time).saturating_sub(1));
        while self.interval.count(self.zero, time) <= last
            && self.control.asked().is_none()
            && !self.is_over()
        {
            self.batch(time, None)?;
            time = self.free(time.next(self.interval))?;
        }
        Ok(())
    }

    /// `time`, or the first one after it that leaves room for the batches of the pipeline beside this one.
    fn free(&self, mut time: BatchTime) -> Result<BatchTime, RunError> {
        let Some(beside) = self.options.beside else { return Ok(time) };
        loop {
            // Where there is a batch every millisecond there is no room between two.
            let is_theirs = beside.millis() > 1 && beside.divides(time);
            if !is_theirs && !self.is_published(time)? {
                return Ok(time);
            }
            time = time.next(self.interval);
        }
    }

    fn is_published(&self, time: BatchTime) -> Result<bool, RunError> {
        for (name, sink) in &self.sinks {
            if sink.is_published(time).map_err(|error| RunError::Sink { name: name.clone(), error })? {
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

    /// Runs the batch of time `time` on what `reach` says; without anything, and for windows alone, where it doesn't.
    fn batch(&mut self, time: BatchTime, reach: Option<Reach>) -> Result<(), RunError> {
        let begun = Instant::now();
        self.listeners.iter_mut().for_each(|listener| listener.batch_started(time));
        let delay = self.clock.now_millis().saturating_sub(time.millis());
        let number = self.interval.count(self.zero, time);
        let (ran, mut dead) = match reach {
            Some(reach) => {
                let cut = self.inputs.cut(time, reach)?;
                (self.executor.run(time, number, cut.inputs), cut.dead)
            }
            None => (self.executor.run_windows(time, number), Vec::new()),
        };
        let result = ran.map_err(|error| RunError::Batch { time, error })?;
        dead.extend(result.dead.iter().cloned());
        self.stage(time, &result)?;
        self.dead_letters.write(time, &dead)?;
        self.publish(time, &result)?;
        let report = BatchReport {
            time,
            num_input_rows: self.inputs.names().map(str::to_owned).zip(result.num_input_rows).collect(),
            num_output_rows: self
                .sinks
                .iter()
                .map(|(name, _)| name.clone())
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
        for ((name, sink), partitions) in self.sinks.iter_mut().zip(&result.outputs) {
            let Some(partitions) = partitions else { continue };
            sink.stage(time, partitions).map_err(|error| RunError::Sink { name: name.clone(), error })?;
        }
        Ok(())
    }

    fn publish(&mut self, time: BatchTime, result: &JobResult) -> Result<(), RunError> {
        let due = self.sinks.iter_mut().zip(&result.outputs).filter(|(_, output)| output.is_some());
        for ((name, sink), _) in due {
            sink.publish(time).map_err(|error| RunError::Sink { name: name.clone(), error })?;
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

fn open_sinks(pipeline: &Pipeline, opened: &OpenedPipeline) -> Result<NamedWriters, RunError> {
    let mut sinks = Vec::with_capacity(pipeline.sinks.len());
    for (name, output) in &pipeline.sinks {
        if let Some(schema) = opened.schemas.get(&output.from) {
            let writer =
                output.sink.open(schema).map_err(|error| RunError::Sink { name: name.clone(), error })?;
            sinks.push((name.clone(), writer));
        }
    }
    Ok(sinks)
}

fn sizes(outputs: &[Option<Vec<Partition>>]) -> impl Iterator<Item = usize> {
    outputs.iter().map(|partitions| partitions.iter().flatten().map(|blocks| num_rows(blocks)).sum())
}
