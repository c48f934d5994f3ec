//! Driving batches: wait for the time, cut, run, stage, publish, report; and ending in order.

use std::sync::Arc;
use std::time::Duration;

use super::control::{Control, StopMode};
use super::dead_letters::DeadLetters;
use super::durable::Durable;
use super::inputs::{Inputs, Reach};
use super::measured::Measured;
use super::options::RunOptions;
use super::outputs::Outputs;
use super::rates::Rates;
use super::report::{BatchReport, BatchStart, BatchSubmission, Listener, Listeners, ReceiverEvent, Summary};
use super::running::RunError;
use super::swap::{Shared, Switch};
use super::workers::{Staff, Workers};
use crate::batch::Clock;
use crate::checkpoint::{Checkpoint, Commit, Epoch};
use crate::manifest::Pipeline;
use crate::record::{BatchTime, DeadLetter, Interval, Partition};
use crate::schedule::{Executor, Input};
use crate::source::{Extent, Opening};

/// Drives the batches of one pipeline, on a thread of its own.
pub(super) struct Driver {
    interval: Interval,
    options: RunOptions,
    clock: Arc<dyn Clock>,
    control: Control,
    inputs: Inputs,
    rates: Rates,
    /// Whether batches that are late run as one.
    merges: bool,
    executor: Executor,
    staff: Staff,
    outputs: Outputs,
    switch: Switch,
    dead_letters: DeadLetters,
    durable: Option<Durable>,
    listeners: Listeners,
    measured: Measured,
    start: i64,
    /// The time of the batch before the first.
    zero: BatchTime,
    summary: Summary,
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
        workers: &Workers,
        options: RunOptions,
        clock: Arc<dyn Clock>,
        control: Control,
        listeners: Vec<Box<dyn Listener>>,
    ) -> Result<Self, RunError> {
        let running = shared.running();
        let opened = running.opened();
        let start = clock.now_millis();
        let mut dead_letters = DeadLetters::open(pipeline)?;
        let begin = BatchTime::from_millis(start);
        let durable = checkpoint.map(|c| Durable::open(c, pipeline, opened, &options.drop_state, begin));
        let mut durable = durable.transpose()?;
        if let Some(durable) = &durable {
            shared.set_history(durable.history()?);
        }
        let id = durable.as_ref().map(Durable::id);
        let mut outputs = Outputs::open(pipeline, opened, id, &control.immediate())?;
        if let Some(durable) = &mut durable {
            dead_letters.recover(durable)?;
            outputs.recover(durable)?;
        }
        let source_names = opened.schemas.keys().filter(|name| pipeline.sources.contains_key(*name));
        let file = options.metrics_file.as_deref();
        let measured = Measured::open(&opened.metrics, source_names, outputs.names(), &opened.streams, file)?;
        let executor = Executor::start(running.version(), workers.number()).map_err(RunError::Thread)?;
        measured.workers(executor.num_workers());
        let opening = Opening {
            name: String::new(),
            time: BatchTime::from_millis(start),
            extent: options.extent,
            position: None,
        };
        let sources =
            opened.schemas.keys().filter_map(|name| Some((name, pipeline.sources.get(name)?.as_ref())));
        let inputs = Inputs::open(
            sources.clone(),
            &opening,
            durable.as_ref(),
            pipeline.partitions.get(),
            &clock,
            &control.wake,
        )?;
        let sources = sources.map(|(name, source)| (source, opened.metrics.batches().rate(name)));
        let rates = Rates::new(&pipeline.rate, pipeline.interval, sources)?;
        let is_counted = options.batches.is_some() || options.beside.is_some() || inputs.need_every_batch();
        let merges = pipeline.merge_late && !is_counted && !opened.needs_every_batch();
        Ok(Self {
            interval: pipeline.interval,
            options,
            clock,
            control,
            inputs,
            rates,
            merges,
            executor,
            staff: Staff(workers.clone()),
            outputs,
            switch: Switch::new(Arc::clone(shared)),
            dead_letters,
            listeners: Listeners(listeners),
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

    /// The time of the batch before the first.
    pub(super) fn zero(&self) -> BatchTime {
        self.zero
    }

    /// Runs until it is stopped, has nothing more to do, or fails.
    pub(super) fn run(mut self) -> Result<Summary, RunError> {
        let started: Vec<String> = self.inputs.receivers().map(str::to_owned).collect();
        for source in &started {
            self.listeners.tell(|listener| listener.receiver_changed(source, &ReceiverEvent::Started));
        }
        let ran = self.batches();
        let closed = self.outputs.close();
        let closed = closed.and_then(|()| Ok(self.durable.as_mut().map_or(Ok(()), Durable::close)?));
        self.tell_of_ends(ran.as_ref().err());
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
            let (reach, num_merged) = match phase {
                Phase::Ticking => (Reach::UpToTime, self.num_late(time)),
                Phase::Draining(reach) => (reach, 0),
            };
            time = time.after(self.interval, num_merged);
            self.batch(time, Some(reach), num_merged)?;
            time = self.free(time.next(self.interval))?;
            let is_finished = self.inputs.is_finished(reach)?;
            for source in self.inputs.newly_returned() {
                self.listeners.tell(|listener| listener.receiver_changed(&source, &ReceiverEvent::Stopped));
            }
            match (is_finished, reach) {
                _ if self.is_over() => return Ok(()),
                (false, _) => {}
                (true, Reach::Received) => return Ok(()),
                (true, Reach::UpToTime | Reach::Everything) => return self.last_windows(time),
            }
        }
    }

    /// How many batches are due after the one of time `time` that can run as one with it.
    fn num_late(&self, time: BatchTime) -> u64 {
        let now = BatchTime::from_millis(self.clock.now_millis());
        if self.merges { self.interval.count(time, now) } else { 0 }
    }

    /// Tells of the receivers that end with the run, one of them perhaps by its `error`.
    fn tell_of_ends(&mut self, error: Option<&RunError>) {
        for source in self.inputs.newly_closed() {
            let event = match error {
                Some(RunError::Source { name, error }) if *name == source => ReceiverEvent::Failed(error),
                _ => ReceiverEvent::Stopped,
            };
            self.listeners.tell(|listener| listener.receiver_changed(&source, &event));
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
            self.batch(time, None, 0)?;
            time = self.free(time.next(self.interval))?;
        }
        Ok(())
    }

    /// `time`, or the first one after it that leaves room for the batches of the pipeline beside this one, and for those
    /// that sinks have of runs before: of runs that this one doesn't go on from, and of batches that had nothing to commit.
    fn free(&mut self, mut time: BatchTime) -> Result<BatchTime, RunError> {
        let is_resumed = self.durable.as_ref().is_some_and(|durable| durable.last_time().is_some());
        if self.options.beside.is_none() && is_resumed && time.millis() > self.start {
            return Ok(time);
        }
        loop {
            // Where there is a batch every millisecond there is no room between two.
            let is_theirs =
                self.options.beside.is_some_and(|beside| beside.millis() > 1 && beside.divides(time));
            if !is_theirs && !self.outputs.is_published(time)? {
                return Ok(time);
            }
            time = time.next(self.interval);
        }
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

    /// Runs the batch of time `time`, into which so many others are merged, on what `reach` says; without anything, and for
    /// windows alone, where it doesn't.
    fn batch(&mut self, time: BatchTime, reach: Option<Reach>, num_merged: u64) -> Result<(), RunError> {
        if self.staff.change(&mut self.executor, time) {
            self.measured.workers(self.executor.num_workers());
        }
        let begun = self.clock.instant();
        let delay = self.clock.now_millis().saturating_sub(time.millis());
        let scheduling_delay = Duration::from_millis(u64::try_from(delay).unwrap_or(0));
        let cut = reach.map(|reach| self.inputs.cut(time, reach, &mut self.rates)).transpose()?;
        let inputs = cut.as_ref().map_or(&[][..], |cut| &cut.inputs);
        let received = inputs.iter().map(|input| input.iter().map(Input::num_rows).sum());
        let received = received.chain(std::iter::repeat(Some(0)));
        let num_input_rows = self.inputs.names().map(str::to_owned).zip(received).collect();
        let submission = BatchSubmission { time, num_input_rows, num_merged };
        self.listeners.tell(|listener| listener.batch_submitted(&submission));
        self.listeners.tell(|listener| listener.batch_started(&BatchStart { time, scheduling_delay }));
        let number = self.interval.count(self.zero, time);
        let (ran, mut dead) = match cut {
            Some(cut) => {
                let job = |executor: &mut Executor| executor.run(time, number, cut.inputs.clone());
                (self.switch.run(&mut self.executor, time, job), cut.dead)
            }
            None => {
                let job = |executor: &mut Executor| executor.run_windows(time, number);
                (self.switch.run(&mut self.executor, time, job), Vec::new())
            }
        };
        let result = ran.map_err(|error| RunError::Batch { time, error })?;
        dead.extend(result.dead.iter().cloned());
        self.outputs.stage(time, &result.outputs, &mut self.listeners)?;
        let is_changed = !self.switch.changes().is_empty();
        self.commit(time, &result.outputs, &dead)?;
        self.outputs.publish(time, &result.outputs, self.durable.as_mut(), &mut self.listeners)?;
        self.switch.settle();
        let report = BatchReport {
            time,
            num_input_rows: self.inputs.names().map(str::to_owned).zip(result.num_input_rows).collect(),
            num_output_rows: self.outputs.num_rows(&result.outputs),
            num_dead_letters: dead.len(),
            num_merged,
            scheduling_delay,
            processing_time: self.clock.instant().saturating_duration_since(begun),
        };
        self.summary.add(&report);
        self.rates.learn(&report);
        if is_changed {
            self.measured.follow(&self.switch.opened().streams);
        }
        self.measured.batch(&report, &dead);
        self.listeners.tell(|listener| listener.batch_completed(&report));
        Ok(())
    }
}

impl Driver {
    /// Makes the batch of time `time` final, and writes its dead letters.
    fn commit(
        &mut self,
        time: BatchTime,
        outputs: &[Option<Vec<Partition>>],
        dead: &[DeadLetter],
    ) -> Result<(), RunError> {
        let Some(durable) = &mut self.durable else {
            return Ok(self.dead_letters.write(time, dead)?);
        };
        let (outbox, is_seen) = self.outputs.outbox(outputs);
        let letters = self.dead_letters.lines(time, dead)?;
        let (millis, zero) = (time.millis(), self.zero.millis());
        let epoch = Epoch { number: 0, time: millis, zero, sources: self.inputs.positions() };
        let versions = self.switch.changes();
        if !versions.is_empty() {
            durable.follow(self.switch.opened());
        }
        let commit = Commit { epoch, versions, outbox, letters: &letters, ..Commit::default() };
        durable.commit(commit, is_seen)?;
        if !letters.is_empty() {
            self.dead_letters.write_lines(time, &letters)?;
            durable.letters_written(time);
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
