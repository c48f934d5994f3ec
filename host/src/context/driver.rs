//! Driving batches: wait for the time, cut, run, have them made final; and ending in order.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::control::{Control, StopMode};
use super::dead_letters::DeadLetters;
use super::durable::{Durable, Keepings};
use super::finish::{Finisher, Finishing, Kept, Ran};
use super::inputs::{Cut, Inputs, Reach};
use super::measured::{Measured, Weighed};
use super::options::RunOptions;
use super::outputs::Outputs;
use super::rates::Rates;
use super::report::{BatchStart, BatchSubmission, Listener, Listeners, ReceiverEvent, Summary};
use super::running::RunError;
use super::swap::{Shared, Switch};
use super::workers::{Staff, Workers};
use crate::batch::Clock;
use crate::checkpoint::Checkpoint;
use crate::manifest::Pipeline;
use crate::record::{BatchTime, Interval};
use crate::schedule::{Executor, Input, JobResult};
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
    switch: Switch,
    /// What is saved after each batch; none where nothing survives a restart.
    keepings: Option<Keepings>,
    finishing: Finishing,
    listeners: Listeners,
    weighed: Weighed,
    start: i64,
    /// Whether it goes on from a run before it.
    is_resumed: bool,
    /// The time of the batch before the first, and of the first.
    zero: BatchTime,
    first: BatchTime,
    /// How long the last batch ran, by the system's clock, as that is what its being made final is waited for by.
    ran: Duration,
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
        let (mut durable, keepings) = durable.transpose()?.unzip();
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
        let weighed = Weighed::new(&opened.metrics, &opened.streams);
        let measured = Measured::open(&opened.metrics, source_names, outputs.names(), file)?;
        let executor = Executor::start(running.version(), workers.number()).map_err(RunError::Thread)?;
        weighed.workers(executor.num_workers());
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
        let resumed = durable.as_ref().filter(|durable| durable.last_time().is_some());
        let due = pipeline.interval.next_after(start);
        let (is_resumed, zero, first) = (
            resumed.is_some(),
            resumed.and_then(Durable::zero).unwrap_or_else(|| due.previous(pipeline.interval)),
            resumed.map_or(due, |durable| durable.first_time(pipeline.interval, start)),
        );
        let listeners = Listeners::new(listeners);
        let finisher = Finisher {
            outputs,
            durable,
            dead_letters,
            listeners: listeners.clone(),
            measured,
            clock: Arc::clone(&clock),
        };
        let finishing = Finishing::start(finisher, &control.wake).map_err(RunError::Thread)?;
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
            switch: Switch::new(Arc::clone(shared)),
            keepings,
            finishing,
            listeners,
            weighed,
            start,
            is_resumed,
            zero,
            first,
            ran: Duration::ZERO,
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
        // What failed first is told first.
        let ran = self.finishing.wait().and(ran);
        let closed = self.finishing.close();
        self.tell_of_ends(ran.as_ref().err());
        self.inputs.abandon();
        ran.and(closed).map(|()| self.summary)
    }

    fn batches(&mut self) -> Result<(), RunError> {
        let mut time = self.free(self.first)?;
        let mut phase = match self.options.extent {
            Extent::Endless => Phase::Ticking,
            Extent::Available => Phase::Draining(Reach::Everything),
        };
        loop {
            match self.wait(time, phase)? {
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
            let due = self.clock.instant();
            self.finishing.wait_to_run(self.ran)?;
            let (reach, num_merged) = match phase {
                Phase::Ticking => (Reach::UpToTime, self.num_late(time)),
                Phase::Draining(reach) => (reach, 0),
            };
            time = self.batch(time.after(self.interval, num_merged), Some(reach), num_merged, due)?;
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
            time = self.batch(time, None, 0, self.clock.instant())?;
        }
        Ok(())
    }

    /// `time`, or the first one after it that leaves room for the batches of the pipeline beside this one, and for those
    /// that sinks have of runs before: of runs that this one doesn't go on from, and of batches that had nothing to commit.
    fn free(&mut self, mut time: BatchTime) -> Result<BatchTime, RunError> {
        if self.options.beside.is_none() && self.is_resumed && time.millis() > self.start {
            return Ok(time);
        }
        loop {
            // Where there is a batch every millisecond there is no room between two.
            let is_theirs =
                self.options.beside.is_some_and(|beside| beside.millis() > 1 && beside.divides(time));
            if !is_theirs && !self.finishing.idle()?.outputs.is_published(time)? {
                return Ok(time);
            }
            time = time.next(self.interval);
        }
    }

    /// Waits until there is something to do.
    fn wait(&mut self, time: BatchTime, phase: Phase) -> Result<Next, RunError> {
        let takes_input = phase != Phase::Draining(Reach::Received);
        loop {
            self.finishing.look()?;
            match self.control.asked() {
                Some(StopMode::Immediate) => return Ok(Next::End),
                Some(StopMode::Graceful) if takes_input => return Ok(Next::Drain),
                _ => {}
            }
            match phase {
                Phase::Draining(_) if self.inputs.is_pressing() => return Ok(Next::Batch),
                Phase::Draining(_) => {
                    self.control.wake.wait(None);
                }
                Phase::Ticking
                    if self.deadline().is_some_and(|end| self.clock.now_millis() >= end.millis()) =>
                {
                    return Ok(Next::Drain);
                }
                Phase::Ticking => {
                    let due = self.deadline().map_or(time, |end| end.min(time));
                    if self.clock.wait_until(due, &self.control.wake) && due == time {
                        return Ok(Next::Batch);
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
    /// windows alone, where it doesn't. It could have begun at `due`. Answers the time of the next one.
    fn batch(
        &mut self,
        time: BatchTime,
        reach: Option<Reach>,
        num_merged: u64,
        due: Instant,
    ) -> Result<BatchTime, RunError> {
        if self.staff.change(&mut self.executor, time) {
            self.weighed.workers(self.executor.num_workers());
        }
        let (begun, running) = (self.clock.instant(), Instant::now());
        let delay = self.clock.now_millis().saturating_sub(time.millis());
        let scheduling_delay = Duration::from_millis(u64::try_from(delay).unwrap_or(0));
        let cut = reach.map(|reach| self.inputs.cut(time, reach, &mut self.rates)).transpose()?;
        self.tell_of_start(time, cut.as_ref(), num_merged, scheduling_delay);
        let result = self.job(time, cut)?;
        self.ran = running.elapsed();
        let num_rows = result.num_input_rows.clone();
        let ran = Ran {
            time,
            begun,
            scheduling_delay,
            num_input_rows: self.inputs.names().map(str::to_owned).zip(result.num_input_rows).collect(),
            num_merged,
            outputs: result.outputs,
            dead: result.dead,
            kept: self.keep(time)?,
        };
        self.weighed.weigh();
        self.summary.add(num_rows.iter().sum(), ran.dead.len());
        let next = self.free(time.next(self.interval))?;
        let free = self.finishing.begin(ran)?;
        if !self.switch.is_settled() {
            // Whoever waits is told once it is final, and before the next one changes anything.
            self.finishing.wait()?;
            self.switch.settle();
        }
        let occupied = free.saturating_duration_since(due);
        self.rates.learn(time, &num_rows, occupied, scheduling_delay);
        Ok(next)
    }

    /// Tells that a batch of what is `cut` is there, and begins.
    fn tell_of_start(&self, time: BatchTime, cut: Option<&Cut>, num_merged: u64, scheduling_delay: Duration) {
        let inputs = cut.map_or(&[][..], |cut| &cut.inputs);
        let received = inputs.iter().map(|input| input.iter().map(Input::num_rows).sum());
        let received = received.chain(std::iter::repeat(Some(0)));
        let num_input_rows = self.inputs.names().map(str::to_owned).zip(received).collect();
        let submission = BatchSubmission { time, num_input_rows, num_merged };
        self.listeners.tell(|listener| listener.batch_submitted(&submission));
        self.listeners.tell(|listener| listener.batch_started(&BatchStart { time, scheduling_delay }));
    }

    /// Runs what is `cut`, or windows alone. Among the dead letters are those of the cut.
    fn job(&mut self, time: BatchTime, cut: Option<Cut>) -> Result<JobResult, RunError> {
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
        let mut result = ran.map_err(|error| RunError::Batch { time, error })?;
        dead.append(&mut result.dead);
        result.dead = dead;
        Ok(result)
    }

    /// What of the batch of time `time`, which has run, is to survive a restart; none where nothing does.
    fn keep(&mut self, time: BatchTime) -> Result<Option<Kept>, RunError> {
        let versions = self.switch.changes();
        if !versions.is_empty() {
            self.weighed.follow(&self.switch.opened().streams);
        }
        let Some(keepings) = &mut self.keepings else { return Ok(None) };
        if !versions.is_empty() {
            keepings.follow(self.switch.opened());
        }
        let saved = keepings.save(time)?;
        Ok(Some(Kept { zero: self.zero, positions: self.inputs.positions(), versions, saved }))
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
