//! Graphs run by the engine, with a clock that is moved by hand.

use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use tidemill::batch::ManualClock;
use tidemill::context::{PluginHandle, RunOptions, StreamHandle, StreamingContext};
use tidemill::manifest::Pipeline;
use tidemill::operator::{
    AggregateByKey, Cogroup, Count, CountByValue, GroupByKey, Join, Reduce, ReduceByKey, WindowOf, WindowSpec,
};
use tidemill::plugin::{Engine, PluginSpec};
use tidemill::record::{BatchTime, Interval, Partition, Period};

use super::functions::{Reduction, mark_rows, number_rows};
use super::graph::{Graph, Node, Op, Window};
use super::input::Input;
use super::made_up::MadeUp;
use super::plugins::{
    Tells, block, filter, folder, mapper, only_numbers, rows, schema, settler, sum, updater,
};
use crate::support::{PATIENCE, engine, plugin};

/// The time from one batch to the next, in milliseconds.
pub const INTERVAL: u64 = 1000;

/// What an output was given: the time of each batch in intervals, and its partitions, each in one block.
pub type Given = Vec<(u64, Vec<RecordBatch>)>;

static ENGINE: LazyLock<Engine> = LazyLock::new(engine);

/// Runs `graph` on `workers` threads, in runs that end after the batches `ends`, each going on from the checkpoint of the
/// one before. Answers what its outputs were given.
pub fn run(
    graph: &Graph,
    input: &Input,
    workers: usize,
    ends: &[u64],
    checkpoint: Option<&Path>,
) -> Result<Vec<Given>, String> {
    let given: Vec<Arc<Mutex<Given>>> = graph.outputs.iter().map(|_| Arc::default()).collect();
    let mut done = 0;
    for &end in ends {
        let mut pipeline = Pipeline::new("models", Interval::new(Duration::from_millis(INTERVAL)).unwrap());
        pipeline.checkpoint = checkpoint.map(Path::to_owned);
        pipeline.partitions = NonZeroUsize::new(input.partitions).unwrap();
        pipeline.workers = NonZeroUsize::new(workers);
        let clock = Arc::new(ManualClock::new(((input.first - 1 + done) * INTERVAL) as i64));
        let mut context = StreamingContext::from_pipeline(pipeline);
        context.engine(&ENGINE).clock(Arc::clone(&clock) as Arc<_>);
        let builder = Builder { context, graph, raw: Vec::new(), streams: Vec::new() };
        let context = builder.build(input, &given);
        let options = RunOptions { batches: Some(end - done), ..RunOptions::default() };
        let running = context.start(&options).map_err(|error| format!("it does not start: {error}"))?;
        clock.advance(((end - done) * INTERVAL) as i64);
        let ended = running.await_termination_or_timeout(PATIENCE).ok_or("it does not end")?;
        let summary = ended.map_err(|error| error.to_string())?;
        if summary.num_dead_letters > 0 {
            return Err(format!("{} rows were set aside", summary.num_dead_letters));
        }
        done = end;
    }
    Ok(given.iter().map(|given| given.lock().unwrap().clone()).collect())
}

/// Puts a graph into a context.
struct Builder<'a> {
    context: StreamingContext,
    graph: &'a Graph,
    /// The streams as operators put them out.
    raw: Vec<StreamHandle>,
    /// The same with key and number.
    streams: Vec<StreamHandle>,
}

impl Builder<'_> {
    fn build(mut self, input: &Input, given: &[Arc<Mutex<Given>>]) -> StreamingContext {
        for source in 0..self.graph.num_sources {
            let made_up = MadeUp { source, input: Arc::new(input.clone()) };
            let stream = self.context.source(&format!("source_{source}"), made_up);
            self.raw.push(stream.clone());
            self.streams.push(stream);
        }
        for (index, node) in self.graph.nodes.iter().enumerate() {
            let name = format!("{}_{index}", word(node.op));
            let raw = self.raw(&name, node);
            self.raw.push(raw.clone());
            let stream = if node.op.is_folded() {
                let folder = folder(&columns(node.op), self.graph.keeps_order(node));
                let plugin = self.context.native_plugin(&format!("{name}_fold"), folder);
                self.context.transform(&format!("{name}_folded"), &raw, &plugin)
            } else {
                raw
            };
            self.streams.push(stream);
        }
        for (&output, given) in self.graph.outputs.iter().zip(given) {
            let given = Arc::clone(given);
            let stream = self.streams[output].clone();
            let keep = move |time: BatchTime, partitions: &[Partition]| {
                let whole = |partition: &Partition| concat_batches(&schema(), partition).unwrap();
                let time = time.millis() as u64 / INTERVAL;
                given.lock().unwrap().push((time, partitions.iter().map(whole).collect()));
                Ok::<(), Infallible>(())
            };
            self.context.for_each_batch(&format!("output_{output}"), &stream, keep);
        }
        self.context
    }

    /// The stream that `node` makes, as it is.
    fn raw(&mut self, name: &str, node: &Node) -> StreamHandle {
        let pace = self.graph.every(node.from[0]);
        let from: Vec<StreamHandle> = node.from.iter().map(|&from| self.streams[from].clone()).collect();
        let (first, all) = (&from[0], from.iter().collect::<Vec<_>>());
        let wasm = |name: &str| PluginSpec::new(plugin(name));
        let called = format!("{name}_plugin");
        let window = |window: Option<Window>| window.map(|window| spec(window, pace));
        let key = || vec!["k".to_owned()];
        let context = &mut self.context;
        match node.op {
            Op::Map(map) => {
                let plugin = context.native_plugin(&called, mapper(map));
                context.transform(name, first, &plugin)
            }
            Op::Select => {
                let config = serde_json::json!({ "columns": ["k", "n"] });
                let plugin = context.plugin(&called, PluginSpec { config, ..wasm("select") });
                context.transform(name, first, &plugin)
            }
            Op::Filter => {
                let plugin = context.native_plugin(&called, filter());
                context.filter(name, first, &plugin)
            }
            Op::Union => context.union(name, &all),
            Op::Repartition(num) => context.repartition(name, first, NonZeroUsize::new(num).unwrap()),
            Op::Window(of) => {
                let spec = spec(of, pace);
                context.operator(name, &all, WindowOf { length: spec.length, slide: spec.slide })
            }
            Op::Count(of) => context.operator(name, &all, Count { window: window(of) }),
            Op::CountByValue(of) => context.operator(name, &all, CountByValue { window: window(of) }),
            Op::Reduce(reduction, of, inverse) => {
                let only = context.native_plugin(&format!("{name}_only"), only_numbers());
                let numbers = context.transform(&format!("{name}_numbers"), first, &only);
                add_reduction(context, &called, reduction);
                context.operator(name, &[&numbers], Reduce { plugin: called, window: window(of), inverse })
            }
            Op::ReduceByKey(reduction, of, inverse) => {
                add_reduction(context, &called, reduction);
                let reduce = ReduceByKey { plugin: called, key: key(), window: window(of), inverse };
                context.operator(name, &all, reduce)
            }
            Op::AggregateByKey(of) => {
                context.plugin(&called, wasm("mean"));
                let aggregate = AggregateByKey { plugin: called, key: key(), window: window(of) };
                context.operator(name, &all, aggregate)
            }
            Op::GroupByKey(of) => context.operator(name, &all, GroupByKey { key: key(), window: window(of) }),
            Op::Cogroup => {
                context.operator(name, &all, Cogroup { plugin: None, key: key(), right_key: None })
            }
            Op::CogroupWith => {
                context.native_plugin(&called, settler());
                context.operator(name, &all, Cogroup { plugin: Some(called), key: key(), right_key: None })
            }
            Op::Join(how) => {
                let join = Join { key: key(), right_key: None, how, right_prefix: "right_".to_owned() };
                context.operator(name, &all, join)
            }
            Op::RunningSum => {
                let plugin = context.plugin(&called, wasm("running_sum"));
                context.update_state_by_key(name, first, &["k"], &plugin)
            }
            Op::Drift => {
                let plugin = context.native_plugin(&called, updater(Tells::Nothing));
                context.update_state_by_key(name, first, &["k"], &plugin)
            }
            Op::MapWithState { timeout_ms, each } => {
                let tells = if each { Tells::Numbers } else { Tells::Keys };
                let plugin = context.native_plugin(&called, updater(tells));
                context.map_with_state(name, first, &["k"], &plugin, timeout_ms.map(Duration::from_millis))
            }
            Op::Snapshots => context.state_snapshots(name, &self.raw[node.from[0]]),
            Op::NumberRows => {
                let number = |time: BatchTime, blocks: &[RecordBatch]| {
                    let batch = time.millis() / INTERVAL as i64;
                    Ok::<_, Infallible>(vec![block(&number_rows(batch, all_rows(blocks)))])
                };
                context.map_batch(name, first, schema(), number)
            }
            Op::MarkRows => {
                let mark = |_: BatchTime, batches: &[Partition]| {
                    let rows = mark_rows(all_rows(&batches[0]), &all_rows(&batches[1]));
                    Ok::<_, Infallible>(vec![block(&rows)])
                };
                context.map_batches(name, &all, schema(), mark)
            }
        }
    }
}

fn add_reduction(context: &mut StreamingContext, name: &str, reduction: Reduction) -> PluginHandle {
    let file = match reduction {
        Reduction::NativeSum => return context.native_plugin(name, sum()),
        Reduction::Sum => "sum",
        Reduction::Max => "max",
        Reduction::Min => "min",
        Reduction::First => "first",
        Reduction::Last => "last",
    };
    context.plugin(name, PluginSpec::new(plugin(file)))
}

/// A window over batches that are `pace` intervals apart.
fn spec(window: Window, pace: u64) -> WindowSpec {
    let period = |batches: u64| Period::millis(batches * pace * INTERVAL);
    let slide = Some(period(window.slide)).filter(|_| window.slide > 1 || window.length.is_multiple_of(2));
    WindowSpec { length: period(window.length), slide }
}

/// The rows of all `blocks`.
pub fn all_rows(blocks: &[RecordBatch]) -> Vec<super::functions::Row> {
    blocks.iter().flat_map(|block| rows(block.columns())).collect()
}

/// The columns that `op` puts out, where they are not those of all streams.
fn columns(op: Op) -> SchemaRef {
    use arrow::datatypes::{DataType, Field, Schema};
    let key = Field::new("k", DataType::Utf8, true);
    let int = |name: &str| Field::new(name, DataType::Int64, true);
    let list = |name: &str| Field::new(name, DataType::Utf8, false);
    Arc::new(Schema::new(match op {
        Op::Count(_) => vec![int("count")],
        Op::Reduce(..) => vec![int("n")],
        Op::CountByValue(_) => vec![key, int("n"), int("count")],
        Op::GroupByKey(_) => vec![key, list("values")],
        Op::Cogroup => vec![key, list("left"), list("right")],
        Op::Join(_) => vec![key, int("n"), int("right_n")],
        _ => vec![key, int("n")],
    }))
}

/// The first word of what `op` looks like.
pub fn word(op: Op) -> String {
    format!("{op:?}").chars().take_while(|c| c.is_alphanumeric()).collect()
}
