//! Making batches final: staged at all sinks, committed, published, reported.
//!
//! Comes in: what a job made of a batch, and what the batch changed of what streams keep. Where there is a checkpoint, a thread
//! of its own does it, so that the next batch runs while the disk is waited for; else there is nothing to wait for, and
//! the driver does it. One batch is under way at a time: it is final before the next one is staged, and a batch is never
//! seen before the one before it.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError, bounded};
use indexmap::IndexMap;

use super::dead_letters::DeadLetters;
use super::durable::{Durable, Saved};
use super::measured::Measured;
use super::outputs::Outputs;
use super::report::{BatchReport, Listeners};
use super::running::RunError;
use crate::batch::{Clock, Wake};
use crate::checkpoint::{Commit, Epoch, SourcePosition, VersionChange};
use crate::record::{BatchTime, DeadLetter, Partition};

/// A batch that has run.
pub(super) struct Ran {
    pub(super) time: BatchTime,
    /// When it began, by the clock.
    pub(super) begun: Instant,
    /// How long after its time that was.
    pub(super) scheduling_delay: Duration,
    pub(super) num_input_rows: Vec<(String, usize)>,
    pub(super) num_merged: u64,
    /// What the job made, for each sink; none where it isn't its turn.
    pub(super) outputs: Vec<Option<Vec<Partition>>>,
    pub(super) dead: Vec<DeadLetter>,
    /// What survives a restart, where anything does.
    pub(super) kept: Option<Kept>,
}

/// What of a batch survives a restart, beside its rows.
pub(super) struct Kept {
    /// The time from which batches are counted.
    pub(super) zero: BatchTime,
    /// How far sources were read for it.
    pub(super) positions: IndexMap<String, SourcePosition>,
    /// Plugins with other code from this batch on.
    pub(super) versions: Vec<VersionChange>,
    pub(super) saved: Saved,
}

/// Makes batches final.
pub(super) struct Finisher {
    pub(super) outputs: Outputs,
    pub(super) durable: Option<Durable>,
    pub(super) dead_letters: DeadLetters,
    pub(super) listeners: Listeners,
    pub(super) measured: Measured,
    pub(super) clock: Arc<dyn Clock>,
}

impl Finisher {
    /// Makes `batch` final; answers when it was, by the clock. After an error nothing more of it is done.
    fn finish(&mut self, mut batch: Ran) -> Result<Instant, RunError> {
        let kept = batch.kept.take();
        self.outputs.stage(batch.time, &batch.outputs, &self.listeners)?;
        self.commit(&batch, kept)?;
        self.outputs.publish(batch.time, &batch.outputs, self.durable.as_mut(), &self.listeners)?;
        let end = self.clock.instant();
        let report = BatchReport {
            time: batch.time,
            num_input_rows: batch.num_input_rows,
            num_output_rows: self.outputs.num_rows(&batch.outputs),
            num_dead_letters: batch.dead.len(),
            num_merged: batch.num_merged,
            scheduling_delay: batch.scheduling_delay,
            processing_time: end.saturating_duration_since(batch.begun),
        };
        self.measured.batch(&report, &batch.dead);
        self.listeners.tell(|listener| listener.batch_completed(&report));
        Ok(end)
    }

    /// Commits a batch with what is `kept` of it, where there is a checkpoint, and writes its dead letters.
    fn commit(&mut self, batch: &Ran, kept: Option<Kept>) -> Result<(), RunError> {
        let (Some(durable), Some(kept)) = (&mut self.durable, kept) else {
            return Ok(self.dead_letters.write(batch.time, &batch.dead)?);
        };
        let (outbox, is_seen) = self.outputs.outbox(&batch.outputs);
        let letters = self.dead_letters.lines(batch.time, &batch.dead)?;
        let Kept { zero, positions, versions, saved } = kept;
        let epoch = Epoch { number: 0, time: batch.time.millis(), zero: zero.millis(), sources: positions };
        let commit = Commit { epoch, versions, outbox, letters: &letters, ..Commit::default() };
        durable.commit(commit, saved, is_seen)?;
        if !letters.is_empty() {
            self.dead_letters.write_lines(batch.time, &letters)?;
            durable.letters_written(batch.time);
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), RunError> {
        let closed = self.outputs.close();
        let closed = closed.and_then(|()| Ok(self.durable.as_mut().map_or(Ok(()), Durable::close)?));
        self.measured.close();
        closed
    }
}

/// The driver's side of it: hands batches over, one at a time.
pub(super) struct Finishing {
    /// It is with its thread while a batch is under way.
    finisher: Option<Box<Finisher>>,
    thread: Option<Thread>,
    /// Since when a batch is under way.
    since: Option<Instant>,
    /// How long the last one took.
    took: Duration,
    clock: Arc<dyn Clock>,
}

struct Thread {
    /// None at the end alone.
    orders: Option<Sender<(Box<Finisher>, Ran)>>,
    done: Receiver<Done>,
    handle: Option<JoinHandle<()>>,
}

struct Done {
    finisher: Box<Finisher>,
    took: Duration,
    result: Result<(), RunError>,
}

impl Finishing {
    /// By `finisher`. Where it fails beside the driver, `wake` rings.
    pub(super) fn start(finisher: Finisher, wake: &Arc<Wake>) -> std::io::Result<Self> {
        let has_checkpoint = finisher.durable.is_some();
        let thread = has_checkpoint.then(|| Thread::start(Arc::clone(wake))).transpose()?;
        let clock = Arc::clone(&finisher.clock);
        Ok(Self { finisher: Some(Box::new(finisher)), thread, since: None, took: Duration::ZERO, clock })
    }

    /// Makes `batch` final, as soon as the one before is; beside the driver where there is a checkpoint. Answers since
    /// when the next one can run, by the clock.
    pub(super) fn begin(&mut self, batch: Ran) -> Result<Instant, RunError> {
        self.wait()?;
        let mut finisher = self.finisher.take().ok_or(RunError::Panic)?;
        let Some(thread) = &self.thread else {
            let finished = finisher.finish(batch);
            self.finisher = Some(finisher);
            return finished;
        };
        self.since = Some(Instant::now());
        let orders = thread.orders.as_ref().ok_or(RunError::Panic)?;
        orders.send((finisher, batch)).map_err(|_| RunError::Panic)?;
        Ok(self.clock.instant())
    }

    /// Waits until no batch is under way.
    pub(super) fn wait(&mut self) -> Result<(), RunError> {
        match self.done() {
            Some(done) => done.recv().map_err(|_| RunError::Panic).and_then(|done| self.take_back(done)),
            None => Ok(()),
        }
    }

    /// Waits until no batch is under way, or until the next one, which runs for so long as is `running`, would then have
    /// to be begun to be done no later than this one. It has all rows that come meanwhile.
    pub(super) fn wait_to_run(&mut self, running: Duration) -> Result<(), RunError> {
        let (Some(done), Some(since)) = (self.done(), self.since) else { return Ok(()) };
        let left = self.took.saturating_sub(running).saturating_sub(since.elapsed());
        match done.recv_timeout(left) {
            Ok(done) => self.take_back(done),
            Err(RecvTimeoutError::Timeout) => Ok(()),
            Err(RecvTimeoutError::Disconnected) => Err(RunError::Panic),
        }
    }

    /// Whether what is under way has failed meanwhile.
    pub(super) fn look(&mut self) -> Result<(), RunError> {
        match self.done().map(|done| done.try_recv()) {
            Some(Ok(done)) => self.take_back(done),
            Some(Err(TryRecvError::Disconnected)) => Err(RunError::Panic),
            Some(Err(TryRecvError::Empty)) | None => Ok(()),
        }
    }

    /// Who makes batches final, once none is under way.
    pub(super) fn idle(&mut self) -> Result<&mut Finisher, RunError> {
        self.wait()?;
        self.finisher.as_deref_mut().ok_or(RunError::Panic)
    }

    /// Ends in order, once no batch is under way.
    pub(super) fn close(&mut self) -> Result<(), RunError> {
        let waited = self.wait();
        let closed = self.finisher.as_mut().map_or(Ok(()), |finisher| finisher.close());
        waited.and(closed)
    }

    /// Where it is told that the batch under way is done; none where there is no such.
    fn done(&self) -> Option<Receiver<Done>> {
        self.since.and(self.thread.as_ref()).map(|thread| thread.done.clone())
    }

    fn take_back(&mut self, done: Done) -> Result<(), RunError> {
        (self.finisher, self.since, self.took) = (Some(done.finisher), None, done.took);
        done.result
    }
}

impl Thread {
    fn start(wake: Arc<Wake>) -> std::io::Result<Self> {
        let (orders, incoming) = bounded::<(Box<Finisher>, Ran)>(1);
        let (tell, done) = bounded(1);
        let thread = std::thread::Builder::new().name("finisher".into());
        let handle = thread.spawn(move || {
            // The driver may wait for a time that is far off.
            let _bell = RingAtEnd(wake);
            for (mut finisher, batch) in incoming {
                let begun = Instant::now();
                let result = finisher.finish(batch).map(drop);
                let has_failed = result.is_err();
                let done = Done { finisher, took: begun.elapsed(), result };
                if tell.send(done).is_err() || has_failed {
                    return;
                }
            }
        })?;
        Ok(Self { orders: Some(orders), done, handle: Some(handle) })
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.orders = None;
        // A panic is told by its channel.
        let _ = self.handle.take().map(JoinHandle::join);
    }
}

struct RingAtEnd(Arc<Wake>);

impl Drop for RingAtEnd {
    fn drop(&mut self) {
        self.0.ring();
    }
}
