//! Running a case: building its pipeline, moving the clock, collecting what comes out.

use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use named::Record;
use serde_json::{Value, json};
use tidemill::batch::ManualClock;
use tidemill::context::{
    BatchReport, RunError, RunOptions, RunningContext, StartError, StreamHandle, StreamingContext, Summary,
};
use tidemill::manifest::Pipeline;
use tidemill::operator::OnError;
use tidemill::plugin::{Engine, EngineOptions};
use tidemill::record::{BatchTime, Interval, Partition};
use tidemill::source::{Queue, Take};

use crate::case::{Input, StepSpec};
use crate::checks::{check, check_states};
use crate::pipeline::{Builder, Stream};
use crate::rows::{schema, to_records, to_rows};
use crate::{
    Case, Failure, ensure, lifecycle, listeners, mapped, rates, recovery, slices, sources, states, times,
};

/// How long to wait for what should come. Far more than it takes.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What all cases run with.
pub struct Harness {
    engine: Engine,
    plugins: PathBuf,
}

/// Whether the expectation was that of Spark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// It was.
    AsIs,
    /// It was adapted to a difference on purpose.
    Adapted,
}

/// What a sink was given.
#[derive(Clone, Debug, Default)]
pub struct Collected(Arc<Mutex<Vec<Kept>>>);

/// The time of a batch and its partitions.
type Kept = (i64, Vec<Partition>);

/// The ends of the batches of a context.
pub struct BatchEnds(Receiver<()>);

/// A batch that came out.
pub struct Batch {
    /// Its time.
    pub time: i64,
    /// The records of each partition.
    pub partitions: Vec<Vec<Value>>,
}

impl Harness {
    /// With the plugins in the folder `plugins`, whose compiled code is kept in `cache`.
    pub fn new(plugins: &Path, cache: Option<PathBuf>) -> anyhow::Result<Self> {
        let engine = Engine::new(&EngineOptions { cache, ..EngineOptions::default() })?;
        Ok(Self { engine, plugins: plugins.to_owned() })
    }

    /// Runs `case`.
    pub fn run(&self, case: &Case) -> Result<Held, Failure> {
        if case.all_inputs().iter().any(|input| input.iter().any(Option::is_none)) {
            return Err(Failure::unsupported("a source that makes no batch"));
        }
        if let Some(stop_after) = case.number("stop_after_batch").and_then(|n| u64::try_from(n).ok()) {
            return recovery::pipeline(self, case, stop_after);
        }
        match case.op.as_str() {
            "textFileStream+reduceByWindow" => recovery::files(self, case).map(|()| Held::AsIs),
            // What differs is what happens to a damaged checkpoint, and to settings.
            "context" if case.id.ends_with("/getOrCreate") => {
                recovery::any_folder(self, case).map(|()| Held::Adapted)
            }
            "context" if case.is_about_blocks() => recovery::blocks(self, case).map(|()| Held::Adapted),
            "slice" => slices::run(self, case).map(|()| Held::AsIs),
            "listener" => listeners::run(self, case).map(|()| Held::AsIs),
            "retention" => Err(Failure::unsupported("batches of the past that can be asked for")),
            "context" => lifecycle::run(self, case).map(|()| Held::AsIs),
            // What a state doesn't tell is left out.
            "mapWithState.record" | "mapWithState.batch" => mapped::run(self, case).map(|()| Held::AsIs),
            "State object" => states::run(case).map(|()| Held::Adapted),
            op if op.starts_with("pid.") || op.starts_with("rate ") => {
                rates::run(self, case).map(|()| Held::AsIs)
            }
            op if op.starts_with("time.") => times::run(case).map(|()| Held::AsIs),
            _ if case.pipeline.is_some() => self.run_pipeline(case),
            _ => sources::run(self, case).map(|()| Held::AsIs),
        }
    }

    /// A context with batches of `interval_ms`, at the times of `clock`.
    pub fn context(&self, interval_ms: u64, clock: &Arc<ManualClock>) -> Result<StreamingContext, Failure> {
        let interval = Duration::from_millis(interval_ms);
        let mut context = StreamingContext::new("conformance", interval).map_err(Failure::wrong)?;
        context.engine(&self.engine).clock(Arc::clone(clock) as Arc<_>).workers(TWO);
        Ok(context)
    }

    /// The same with the checkpoint `folder`, after `num_batches` of them have passed.
    pub fn durable_context(
        &self,
        interval_ms: u64,
        num_batches: u64,
        folder: &Path,
    ) -> Result<(StreamingContext, Arc<ManualClock>), Failure> {
        let clock = Arc::new(ManualClock::new(0));
        advance(&clock, num_batches * interval_ms);
        let interval = Interval::new(Duration::from_millis(interval_ms));
        let interval = interval.ok_or_else(|| Failure::wrong("an interval of nothing"))?;
        let mut pipeline = Pipeline::new("conformance", interval);
        pipeline.checkpoint = Some(folder.to_owned());
        let mut context = StreamingContext::from_pipeline(pipeline);
        context.engine(&self.engine).clock(Arc::clone(&clock) as Arc<_>).workers(TWO);
        Ok((context, clock))
    }

    /// A builder of steps in `context`, behind `inputs`.
    pub fn builder<'a>(&'a self, context: &'a mut StreamingContext, inputs: Vec<Stream>) -> Builder<'a> {
        Builder {
            context,
            plugins: &self.plugins,
            inputs,
            on_error: OnError::DeadLetter,
            keeper: None,
            num_names: 0,
        }
    }

    fn run_pipeline(&self, case: &Case) -> Result<Held, Failure> {
        let steps = case.pipeline.as_deref().unwrap_or_default();
        let interval_ms = case.batch_ms.ok_or_else(|| Failure::wrong("`batch_ms` is missing"))?;
        let clock = Arc::new(ManualClock::new(0));
        let mut context = self.context(interval_ms, &clock)?;
        let inputs = inputs_from(case, interval_ms, &mut context, 0)?;
        let mut builder = self.builder(&mut context, inputs);
        if case.expected_error.is_some() {
            builder.on_error = OnError::Stop;
        }
        let stream = build(&mut builder, case, steps)?;
        let snapshots = case.has_states().then(|| builder.state_snapshots()).transpose()?;
        let (collected, states) = (Collected::default(), Collected::default());
        collected.collect(&mut context, &stream.handle);
        if let Some(snapshots) = &snapshots {
            states.collect_as("states", &mut context, &snapshots.handle);
        }
        let num_batches = num_batches(case, interval_ms, stream.slide_ms);
        let options = RunOptions { batches: Some(num_batches), ..RunOptions::default() };
        let started = context.start(&options);
        if let Some(error) = &case.expected_error {
            return fails(&error.when, started, &clock, num_batches * interval_ms).map(|()| Held::AsIs);
        }
        advance(&clock, num_batches * interval_ms);
        ended(&started.map_err(Failure::wrong)?)?.map_err(Failure::wrong)?;
        if let Some(snapshots) = &snapshots {
            check_states(case, &states.records(&snapshots.record)?)?;
        }
        check(case, &collected.batches(&stream.record)?)
    }
}

const TWO: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1);

/// The streams of the inputs of `case`, as queues in `context`, without those of the first `done` batches.
pub fn inputs_from(
    case: &Case,
    interval_ms: u64,
    context: &mut StreamingContext,
    done: u64,
) -> Result<Vec<Stream>, Failure> {
    let done = usize::try_from(done).map_err(Failure::wrong)?;
    let stream = |(number, input): (usize, &Input)| {
        let records: Vec<&Value> = input.iter().flatten().flatten().collect();
        let record = Record::of(&records);
        let queue = Queue::new(schema(&record), Take::One);
        // It stays open, so that empty batches follow the last one.
        for batch in input.iter().skip(done).flatten() {
            queue.push(to_rows(&record, batch)?).map_err(Failure::wrong)?;
        }
        let handle = context.queue_stream(&format!("input_{number}"), &queue);
        Ok(Stream { handle, record, slide_ms: interval_ms })
    };
    (1..).zip(case.all_inputs()).map(stream).collect()
}

/// Puts the steps of `case` behind its first input.
pub fn build(builder: &mut Builder<'_>, case: &Case, steps: &[StepSpec]) -> Result<Stream, Failure> {
    let partitions = case.number("input_partitions").and_then(|n| usize::try_from(n).ok());
    if let Some(partitions) = partitions.and_then(NonZeroUsize::new).filter(|n| n.get() > 1) {
        let inputs = std::mem::take(&mut builder.inputs);
        builder.inputs = inputs.iter().map(|input| builder.repartition(input, partitions)).collect();
    }
    let first = builder.inputs.first().cloned().ok_or_else(|| Failure::wrong("there is no input"))?;
    builder.steps(first, steps)
}

/// How many batches of the inputs `case` takes.
pub fn num_batches(case: &Case, interval_ms: u64, slide_ms: u64) -> u64 {
    let num_inputs = case.inputs.len() as u64;
    let wanted = case.expected.as_ref().map_or(num_inputs, |expected| expected.len() as u64);
    let needed = wanted * slide_ms / interval_ms.max(1);
    let least = if case.drops_empty { num_inputs } else { 0 };
    case.batches_run.unwrap_or(needed.max(least))
}

/// Moves `clock` forward.
pub fn advance(clock: &ManualClock, millis: u64) {
    clock.advance(i64::try_from(millis).unwrap_or(i64::MAX));
}

/// What a run ended with.
pub fn ended(running: &RunningContext) -> Result<Result<Summary, RunError>, Failure> {
    running.await_termination_or_timeout(PATIENCE).ok_or_else(|| Failure::wrong("it does not end"))
}

/// Fails where a pipeline did not fail as it should.
fn fails(
    when: &str,
    started: Result<RunningContext, StartError>,
    clock: &ManualClock,
    millis: u64,
) -> Result<(), Failure> {
    match (when, started) {
        ("construct", Err(StartError::Wrong(fault))) => {
            ensure(fault.to_string().contains("multiple"), || {
                format!("it is refused for another reason: {fault}")
            })
        }
        ("construct", Ok(_)) => Err(Failure::wrong("it starts")),
        (_, Err(error)) => Err(Failure::wrong(format!("it does not start: {error}"))),
        (_, Ok(running)) => {
            advance(clock, millis);
            match ended(&running)? {
                Ok(_) => Err(Failure::wrong("it ends without an error")),
                Err(error) => {
                    ensure(error.to_string().contains("user error"), || format!("it says `{error}`"))
                }
            }
        }
    }
}

impl BatchEnds {
    /// Listens to `context`.
    pub fn of(context: &mut StreamingContext) -> Self {
        let (sender, receiver) = channel();
        context.listener(move |_: &BatchReport| {
            // Whoever listened may have gone.
            let _ = sender.send(());
        });
        Self(receiver)
    }

    /// Waits for the end of the next batch.
    pub fn wait(&self) -> Result<(), Failure> {
        self.0.recv_timeout(PATIENCE).map_err(|_| Failure::wrong("a batch did not come"))
    }
}

impl Collected {
    /// Collects all batches of `stream`.
    pub fn collect(&self, context: &mut StreamingContext, stream: &StreamHandle) {
        self.collect_as("collected", context, stream);
    }

    /// Collects all batches of `stream` in the sink `name`.
    pub fn collect_as(&self, name: &str, context: &mut StreamingContext, stream: &StreamHandle) {
        let kept = Arc::clone(&self.0);
        context.for_each_batch(name, stream, move |time: BatchTime, partitions: &[Partition]| {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.push((time.millis(), partitions.to_vec()));
            Ok::<(), Infallible>(())
        });
    }

    /// What was collected, where records stand as `record` says.
    pub fn batches(&self, record: &Record) -> Result<Vec<Batch>, Failure> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let batch = |(time, partitions): &Kept| {
            let partitions = partitions.iter().map(|blocks| to_records(record, blocks));
            Ok(Batch { time: *time, partitions: partitions.collect::<Result<_, Failure>>()? })
        };
        kept.iter().map(batch).collect()
    }

    /// The records of all batches, batch by batch.
    pub fn records(&self, record: &Record) -> Result<Vec<Vec<Value>>, Failure> {
        Ok(self.batches(record)?.into_iter().map(|batch| batch.partitions.concat()).collect())
    }

    /// How often the function was called, and how many records it saw.
    pub fn totals(&self) -> Value {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let rows =
            |(_, partitions): &Kept| partitions.iter().flatten().map(|block| block.num_rows()).sum::<usize>();
        json!([kept.len(), kept.iter().map(rows).sum::<usize>()])
    }
}
