//! A pipeline put together from Rust. Its operators stand in `operators.rs`.

mod operators;

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::options::RunOptions;
use super::report::Listener;
use super::running::{RunningContext, StartError, start_remembering};
use crate::batch::rate::RateOptions;
use crate::batch::{Clock, SystemClock};
use crate::manifest::{DeadLetterSpec, Fault, Output, Pipeline, Place, PluginSource, Stream};
use crate::operator::{Operator, Tolerance};
use crate::plugin::{Engine, EngineOptions, Plugin, PluginSpec};
use crate::record::{BatchTime, Interval, Partition};
use crate::sink::{Console, Discard, Files, ForEach, FunctionError, Remember, Sink};
use crate::source::{Directory, Generate, Queue, Socket, Source};

/// A pipeline in the making. `start` consumes it, so nothing can be added to a pipeline that runs.
///
/// ```
/// use std::time::Duration;
/// use tidemill::context::{RunOptions, StreamingContext};
/// use tidemill::source::{Extent, Generate};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut context = StreamingContext::new("how_many", Duration::from_millis(100))?;
/// let lines = context.generate("lines", Generate { rows: Some(1000), ..Generate::default() });
/// let counts = context.count("counts", &lines);
/// context.discard("nowhere", &counts);
///
/// let running = context.start(&RunOptions { extent: Extent::Available, ..RunOptions::default() })?;
/// let summary = running.await_termination()?;
/// assert_eq!(summary.num_rows_in, 1000);
/// # Ok(())
/// # }
/// ```
///
/// What is wrong with the pipeline, such as a name given twice, is told by `start`.
///
/// A context has no state to ask for: before `start` it is a `StreamingContext`, after it a [`RunningContext`], and once
/// [`await_termination`](RunningContext::await_termination) has answered it is stopped. One that is never started is
/// dropped.
///
/// Several may run in a program at the same time, each with threads, metrics, states and dead letters of its own.
/// They share what is given to both, such as a clock, a queue, or an [`Engine`], which compiles a plugin once for all of
/// them and has room for two thousand instances. When one fails or is stopped the others go on. Two of them should not
/// write to the same folder.
pub struct StreamingContext {
    pipeline: Pipeline,
    engine: Option<Engine>,
    clock: Arc<dyn Clock>,
    listeners: Vec<Box<dyn Listener>>,
    /// The streams whose batches are kept, and where.
    remembered: HashMap<String, Remember>,
    fault: Option<Fault>,
}

/// A stream of a pipeline in the making.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamHandle(String);

impl StreamHandle {
    /// The stream's name.
    pub fn name(&self) -> &str {
        &self.0
    }
}

/// A plugin of a pipeline in the making.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginHandle(String);

impl StreamingContext {
    /// A pipeline called `name` with a batch every `interval`, which is to be a whole number of milliseconds.
    pub fn new(name: &str, interval: Duration) -> Result<Self, Fault> {
        let interval = Interval::new(interval).ok_or_else(|| {
            let problem = format!("{interval:?} is not a whole number of milliseconds");
            Fault::new(Place::key("pipeline", "batch_interval"), problem, "give at least 1 ms")
        })?;
        Ok(Self::from_pipeline(Pipeline::new(name, interval)))
    }

    /// A pipeline that was described before, for example by a manifest.
    pub fn from_pipeline(pipeline: Pipeline) -> Self {
        Self {
            pipeline,
            engine: None,
            clock: Arc::new(SystemClock),
            listeners: Vec::new(),
            remembered: HashMap::new(),
            fault: None,
        }
    }

    /// Runs tasks on `workers` threads; as many as there are cores where this isn't called.
    pub fn workers(&mut self, workers: NonZeroUsize) -> &mut Self {
        self.pipeline.workers = Some(workers);
        self
    }

    /// Cuts batches into at most `partitions` partitions; 8 where this isn't called.
    pub fn partitions(&mut self, partitions: NonZeroUsize) -> &mut Self {
        self.pipeline.partitions = partitions;
        self
    }

    /// Keeps in the directory `path` what survives a restart; nothing does where this isn't called.
    pub fn checkpoint(&mut self, path: impl Into<PathBuf>) -> &mut Self {
        self.pipeline.checkpoint = Some(path.into());
        self
    }

    /// Decides by `rate` how much a batch takes of each source; so that batches fit their interval where this isn't called.
    pub fn rate(&mut self, rate: RateOptions) -> &mut Self {
        self.pipeline.rate = rate;
        self
    }

    /// Whether batches that are late run as one, where nothing depends on their number: there is no window, no
    /// `update_state_by_key` and no queue of which each batch takes a block. They do where this isn't called.
    pub fn merge_late(&mut self, merges: bool) -> &mut Self {
        self.pipeline.merge_late = merges;
        self
    }

    /// Takes the time from `clock` rather than from the system.
    pub fn clock(&mut self, clock: Arc<dyn Clock>) -> &mut Self {
        self.clock = clock;
        self
    }

    /// Compiles and runs plugins with `engine`, which several contexts may share; with one of its own where this isn't
    /// called.
    pub fn engine(&mut self, engine: &Engine) -> &mut Self {
        self.engine = Some(engine.clone());
        self
    }

    /// Tells `listener` of every batch.
    pub fn listener(&mut self, listener: impl Listener + 'static) -> &mut Self {
        self.listeners.push(Box::new(listener));
        self
    }

    /// Sends rows that are set aside there; to the log where this isn't called.
    pub fn dead_letters(&mut self, to: DeadLetterSpec) -> &mut Self {
        self.pipeline.dead_letters = Some(to);
        self
    }

    /// A plugin of Wasm.
    pub fn plugin(&mut self, name: &str, spec: PluginSpec) -> PluginHandle {
        self.add_plugin(name, PluginSource::File(spec))
    }

    /// A plugin that is Rust code of this program.
    pub fn native_plugin(&mut self, name: &str, plugin: impl Plugin + 'static) -> PluginHandle {
        self.add_plugin(name, PluginSource::Native(Arc::new(plugin)))
    }

    /// The rows of any source.
    pub fn source(&mut self, name: &str, source: impl Source + 'static) -> StreamHandle {
        let replaced = self.pipeline.sources.insert(name.to_owned(), Box::new(source)).is_some();
        self.once(replaced, "sources", name);
        StreamHandle(name.to_owned())
    }

    /// Lines from the TCP server at `address`, such as `127.0.0.1:9999`.
    pub fn socket_text(&mut self, name: &str, address: &str) -> StreamHandle {
        self.source(name, Socket::new(address))
    }

    /// Lines of the files that appear in a directory.
    pub fn text_files(&mut self, name: &str, directory: Directory) -> StreamHandle {
        self.source(name, directory)
    }

    /// Made-up lines, for trials.
    pub fn generate(&mut self, name: &str, generate: Generate) -> StreamHandle {
        self.source(name, generate)
    }

    /// Rows that the program puts into a queue, a block or all of them a batch.
    pub fn queue_stream(&mut self, name: &str, queue: &Queue) -> StreamHandle {
        self.source(name, queue.clone())
    }

    /// Any operator, with all its options.
    pub fn operator(
        &mut self,
        name: &str,
        from: &[&StreamHandle],
        op: impl Operator + 'static,
    ) -> StreamHandle {
        let from = from.iter().map(|stream| stream.0.clone()).collect();
        let stream = Stream { from, op: Box::new(op), tolerance: Tolerance::default() };
        let replaced = self.pipeline.streams.insert(name.to_owned(), stream).is_some();
        self.once(replaced, "streams", name);
        StreamHandle(name.to_owned())
    }

    /// Says what becomes of rows on which the plugin of `stream` fails; by default they are set aside, up to a
    /// hundred a batch.
    pub fn tolerance(&mut self, stream: &StreamHandle, tolerance: Tolerance) -> &mut Self {
        self.pipeline.streams.get_mut(&stream.0).into_iter().for_each(|stream| stream.tolerance = tolerance);
        self
    }

    /// Prints the first rows of each batch.
    pub fn console(&mut self, name: &str, from: &StreamHandle) -> &mut Self {
        self.sink(name, from, Console::default())
    }

    /// Writes each batch to a folder of files.
    pub fn files(&mut self, name: &str, from: &StreamHandle, files: Files) -> &mut Self {
        self.sink(name, from, files)
    }

    /// Calls `function` with the time and the partitions of each batch, empty ones too. Its error stops the pipeline.
    pub fn for_each_batch<E: Into<FunctionError>>(
        &mut self,
        name: &str,
        from: &StreamHandle,
        function: impl FnMut(BatchTime, &[Partition]) -> Result<(), E> + Send + 'static,
    ) -> &mut Self {
        self.sink(name, from, ForEach::new(function))
    }

    /// Keeps the last batch of the stream in memory, and those less than `length` older, for
    /// [`RunningContext::slice`] to answer. It is a sink, called as the stream with `_remembered` behind it.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tidemill::context::{RunOptions, StreamingContext};
    /// use tidemill::record::BatchTime;
    /// use tidemill::source::{Extent, Generate};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut context = StreamingContext::new("recent", Duration::from_millis(100))?;
    /// let lines = context.generate("lines", Generate { rows: Some(10), ..Generate::default() });
    /// let counts = context.count("counts", &lines);
    /// context.remember(&counts, Duration::from_secs(60));
    /// let running = context.start(&RunOptions { extent: Extent::Available, ..RunOptions::default() })?;
    /// let ended = running.await_termination_or_timeout(Duration::from_secs(60));
    /// let all = running.slice(&counts, BatchTime::from_millis(0), BatchTime::from_millis(i64::MAX))?;
    /// assert_eq!(all.len() as u64, ended.unwrap()?.num_batches);
    /// # Ok(())
    /// # }
    /// ```
    pub fn remember(&mut self, from: &StreamHandle, length: Duration) -> &mut Self {
        let remember = Remember::new(length);
        self.remembered.insert(from.0.clone(), remember.clone());
        self.sink(&format!("{}_remembered", from.0), from, remember)
    }

    /// Computes the stream and throws it away.
    pub fn discard(&mut self, name: &str, from: &StreamHandle) -> &mut Self {
        self.sink(name, from, Discard::default())
    }

    /// Writes the stream to any sink.
    pub fn sink(&mut self, name: &str, from: &StreamHandle, sink: impl Sink + 'static) -> &mut Self {
        let output = Output { from: from.0.clone(), sink: Box::new(sink) };
        let replaced = self.pipeline.sinks.insert(name.to_owned(), output).is_some();
        self.once(replaced, "sinks", name);
        self
    }

    /// Checks the pipeline, and sets it going. Nothing is left running where it fails.
    ///
    /// It takes the context, so nothing can be added to a pipeline that runs, and none can be started twice:
    ///
    /// ```compile_fail,E0382
    /// # use std::time::Duration;
    /// # use tidemill::context::{RunOptions, StreamingContext};
    /// let context = StreamingContext::new("twice", Duration::from_secs(1)).unwrap();
    /// let running = context.start(&RunOptions::default());
    /// let again = context.start(&RunOptions::default());
    /// ```
    pub fn start(self, options: &RunOptions) -> Result<RunningContext, StartError> {
        if let Some(fault) = self.fault {
            return Err(fault.into());
        }
        let engine = match self.engine {
            Some(engine) => engine,
            None => Engine::new(&EngineOptions::from_env())?,
        };
        start_remembering(
            &Arc::new(self.pipeline),
            options,
            &engine,
            self.clock,
            self.listeners,
            self.remembered,
        )
    }

    fn add_plugin(&mut self, name: &str, source: PluginSource) -> PluginHandle {
        let replaced = self.pipeline.plugins.insert(name.to_owned(), source).is_some();
        self.once(replaced, "plugins", name);
        PluginHandle(name.to_owned())
    }

    fn once(&mut self, replaced: bool, section: &str, name: &str) {
        if replaced && self.fault.is_none() {
            let place = Place::item(format!("{section}.{name}"));
            self.fault = Some(Fault::new(place, "the name is given twice", "give each its own"));
        }
    }
}
