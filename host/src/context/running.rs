//! Starting a pipeline, and what is held of it while it runs.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Select, bounded};

use super::StreamHandle;
use super::control::{Control, StopMode};
use super::driver::Driver;
use super::measured::MetricsFileError;
use super::options::RunOptions;
use super::report::{Listener, Summary};
use super::slices::{NotRemembered, Pace, Slices};
use super::swap::{self, Shared, SwapError, Swapped, Swapper, Watch};
use super::workers::{Workers, WorkersChange, WorkersError};
use crate::batch::Clock;
use crate::batch::rate::RateError;
use crate::checkpoint::{Checkpoint, CheckpointError, CodeFolder};
use crate::dead_letters::LetterError;
use crate::manifest::{Fault, Pipeline};
use crate::metrics::Metrics;
use crate::plan::lay_out;
use crate::plugin::{Engine, EngineError, STACK_BYTES};
use crate::record::BatchTime;
use crate::schedule::{TaskError, Version};
use crate::sink::{Remember, SinkError, TimedBatch};
use crate::source::SourceError;

/// Why a pipeline did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The pipeline is wrong.
    #[error(transparent)]
    Wrong(#[from] Fault),
    /// There is no engine to run plugins.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The pipeline is right, and something around it isn't.
    #[error(transparent)]
    Failed(#[from] RunError),
}

/// Why a pipeline failed.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A source failed.
    #[error("source `{name}` failed: {error}")]
    Source {
        /// Which.
        name: String,
        /// Why.
        #[source]
        error: SourceError,
    },
    /// A batch failed.
    #[error("batch {time} failed: {error}")]
    Batch {
        /// The batch's time.
        time: BatchTime,
        /// Why.
        #[source]
        error: TaskError,
    },
    /// A sink failed.
    #[error("sink `{name}` failed: {error}")]
    Sink {
        /// Which.
        name: String,
        /// Why.
        #[source]
        error: SinkError,
    },
    /// Rows set aside could not be kept.
    #[error(transparent)]
    DeadLetters(#[from] LetterError),
    /// The file of metrics could not be written at the start.
    #[error(transparent)]
    Metrics(#[from] MetricsFileError),
    /// The checkpoint can't be used.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// Rates can't be decided as the pipeline says.
    #[error("pipeline.rate: {0}")]
    Rate(#[from] RateError),
    /// A thread could not be started.
    #[error("cannot start a thread: {0}")]
    Thread(#[source] io::Error),
    /// It failed, which was told before in full.
    #[error("{0}")]
    Told(String),
    /// The host itself failed; this is a bug.
    #[error("the pipeline's thread panicked; this is a bug in tidemill, please report it")]
    Panic,
}

/// A pipeline that runs. Dropping it stops it at once. All but `await_termination` may be called again and again, and
/// from several threads.
pub struct RunningContext {
    control: Control,
    metrics: Metrics,
    swapper: Swapper,
    /// Its end ends the watching of files.
    _watch: Option<Watch>,
    ended: Receiver<Result<Summary, RunError>>,
    /// What it ended with, once that was told.
    told: Mutex<Option<Result<Summary, String>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    slices: Slices,
}

/// Starts `pipeline`. Nothing is left running where it fails.
pub fn start(
    pipeline: &Arc<Pipeline>,
    options: &RunOptions,
    engine: &Engine,
    clock: Arc<dyn Clock>,
    listeners: Vec<Box<dyn Listener>>,
) -> Result<RunningContext, StartError> {
    start_remembering(pipeline, options, engine, clock, listeners, HashMap::new())
}

/// Starts `pipeline`, in which the batches of some streams go to sinks that remember them.
pub(super) fn start_remembering(
    pipeline: &Arc<Pipeline>,
    options: &RunOptions,
    engine: &Engine,
    clock: Arc<dyn Clock>,
    listeners: Vec<Box<dyn Listener>>,
    remembered: HashMap<String, Remember>,
) -> Result<RunningContext, StartError> {
    let checkpoint = pipeline.checkpoint.as_deref().map(Checkpoint::open_if_there);
    let checkpoint = checkpoint.transpose().map_err(RunError::from)?.flatten();
    let code = pipeline.checkpoint.as_deref().map(CodeFolder::of);
    let ran = checkpoint.as_ref().map(Checkpoint::contents);
    let (opened, grown) = swap::open(pipeline, engine, options, ran, code.clone())?;
    let checkpoint = match (checkpoint, &pipeline.checkpoint) {
        (None, Some(path)) => Some(Checkpoint::open(path).map_err(RunError::from)?),
        (checkpoint, _) => checkpoint,
    };
    let version = Version::new(lay_out(pipeline, &opened));
    let (control, metrics) = (Control::default(), opened.metrics.clone());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let num_workers = options.workers.or(pipeline.workers).map_or(cores, usize::from);
    let swapper = Swapper {
        pipeline: Arc::clone(pipeline),
        engine: engine.clone(),
        shared: Arc::new(Shared::new(pipeline, opened, version)),
        workers: Workers::new(num_workers),
        code,
    };
    let (shared, workers, waking) = (&swapper.shared, &swapper.workers, control.clone());
    let driver =
        Driver::open(pipeline, shared, checkpoint, workers, options.clone(), clock, waking, listeners)?;
    swapper.forget_old();
    let path = pipeline.checkpoint.as_deref().unwrap_or_else(|| Path::new(""));
    swapper.begin_with(&grown).map_err(|error| RunError::from(grown.unfit(path, &error)))?;
    let streams = swapper.shared.running();
    let streams = streams.opened();
    let streams = streams.schemas.keys().map(|name| (name, streams.every(name)));
    let slices = Slices::new(remembered, Pace::new(driver.zero(), pipeline.interval, streams));
    let (end, ended) = bounded(1);
    let thread = std::thread::Builder::new().name("driver".into()).stack_size(STACK_BYTES).spawn(move || {
        // Whoever waits may have gone.
        let _ = end.send(driver.run());
    });
    let thread = thread.map_err(RunError::Thread)?;
    let watch = Watch::start(&swapper).map_err(RunError::Thread)?;
    Ok(RunningContext {
        control,
        metrics,
        swapper,
        _watch: watch,
        ended,
        told: Mutex::default(),
        thread: Mutex::new(Some(thread)),
        slices,
    })
}

impl RunningContext {
    /// A handle to stop it from elsewhere.
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// What is measured of it: a handle that goes on to tell after its end. Its `text` is in the format of
    /// OpenMetrics.
    pub fn metrics(&self) -> Metrics {
        self.metrics.clone()
    }

    /// The batches of `stream` from `from` to `to`, both included, in order; where there is no batch at `from`, the last
    /// one before it too. Those that are too old, or still to come, are not there, and the stream has to be one that
    /// [`StreamingContext::remember`](super::StreamingContext::remember) was called for.
    pub fn slice(
        &self,
        stream: &StreamHandle,
        from: BatchTime,
        to: BatchTime,
    ) -> Result<Vec<TimedBatch>, NotRemembered> {
        self.slices.of(stream, from, to)
    }

    /// Lets the plugin `plugin`, or that of the stream `plugin`, run the code in `file` from the next batch on. Answers
    /// when it is in use, or why not: then what ran goes on.
    pub fn swap(&self, plugin: &str, file: impl Into<PathBuf>) -> Result<Swapped, SwapError> {
        self.swapper.swap(plugin, file)
    }

    /// A handle to swap plugins from elsewhere.
    pub fn swapper(&self) -> Swapper {
        self.swapper.clone()
    }

    /// Lets so many workers run batches from the next one on; answers when they do, or why not. What batches give doesn't
    /// change. Not to be called by a listener or a sink, which the next batch waits for.
    pub fn set_workers(&self, number: usize) -> Result<WorkersChange, WorkersError> {
        self.swapper.workers.set(number)
    }

    /// A handle to its workers, to change their number from elsewhere.
    pub fn workers(&self) -> Workers {
        self.swapper.workers.clone()
    }

    /// Asks it to stop, and doesn't wait; `await_termination` tells when it has. Asking again changes nothing, but for an
    /// immediate stop after a graceful one, which waits for receivers as long as they need.
    pub fn stop(&self, mode: StopMode) {
        self.control.stop(mode);
    }

    /// Waits until it has ended, by itself, by a stop, or by an error; where it has ended before, answers at once.
    pub fn await_termination(self) -> Result<Summary, RunError> {
        loop {
            if let Some(result) = self.await_termination_or_timeout(Duration::MAX) {
                return result;
            }
        }
    }

    /// Waits until it has ended, or for `limit`; none where it still runs. The first who hears of an error gets all of
    /// it, the others its text.
    pub fn await_termination_or_timeout(&self, limit: Duration) -> Option<Result<Summary, RunError>> {
        let mut select = Select::new();
        select.recv(&self.ended);
        // Whoever else waits may take the result away, and has left it in `told` then.
        let is_ready = self.is_told() || select.ready_timeout(limit).is_ok();
        is_ready.then(|| self.result())
    }

    fn is_told(&self) -> bool {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// What it has ended with.
    fn result(&self) -> Result<Summary, RunError> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(told) = &*told {
            return told.clone().map_err(RunError::Told);
        }
        // It is ready, or the thread has gone without a word.
        let result = self.ended.try_recv().unwrap_or(Err(RunError::Panic));
        *told = Some(result.as_ref().map(|summary| *summary).map_err(ToString::to_string));
        self.join();
        result
    }

    fn join(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A panic was told by the channel.
            let _ = thread.join();
        }
    }
}

impl Drop for RunningContext {
    fn drop(&mut self) {
        self.control.stop(StopMode::Immediate);
        self.join();
    }
}
