//! What makes a stream from streams: a file an operator, one trait, and the chooser.
//!
//! An operator is described by its options. Against the schemas of its inputs it answers the schema of its
//! output and its *shape*: work within a task, or work before and after an exchange of rows between tasks.
//! The work itself is a `Process`, made once a worker. Knows nothing of threads or sinks, and of sources all but
//! how to read a file whole.

mod aggregate_by_key;
mod cogroup;
mod combine;
mod combiner;
mod count;
mod count_by_value;
mod filter;
mod group_by_key;
mod initial_state;
mod inverse;
mod join;
mod map_batches;
mod migration;
mod poison;
mod reduce;
mod reduce_by_key;
mod repartition;
mod scope;
mod set_aside;
mod sides;
mod sliding;
mod sorted;
mod state_snapshots;
mod transform;
mod union;
mod update_state;
mod window;

use std::any::Any;
use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use serde::de::{Deserialize, Deserializer, Error};

use self::inverse::Inverse;
use crate::partition::TooManyKeys;
use crate::plugin::{Plugin, PluginError};
use crate::record::{BatchTime, Bytes, DeadLetter, FunctionError, Interval, describe};
use crate::state::{Kept, KeptState, Save, StateSize};

pub use aggregate_by_key::AggregateByKey;
pub use cogroup::Cogroup;
pub use count::Count;
pub use count_by_value::CountByValue;
pub use filter::Filter;
pub use group_by_key::GroupByKey;
pub use initial_state::InitialState;
pub use join::{How, Join};
pub use map_batches::MapBatches;
pub use migration::Migration;
pub use poison::{OnError, Tolerance};
pub use reduce::Reduce;
pub use reduce_by_key::ReduceByKey;
pub use repartition::Repartition;
pub use scope::Scope;
pub use state_snapshots::StateSnapshots;
pub use transform::Transform;
pub use union::Union;
pub use update_state::{MapWithState, UpdateStateByKey};
pub use window::{WindowOf, WindowSpec};

/// The operators, as manifests name them.
pub const KINDS: [&str; 16] = [
    "transform",
    "filter",
    "union",
    "repartition",
    "window",
    "count",
    "count_by_value",
    "reduce",
    "reduce_by_key",
    "aggregate_by_key",
    "group_by_key",
    "cogroup",
    "join",
    "update_state_by_key",
    "map_with_state",
    "state_snapshots",
];

/// The operator of kind `kind`, from its options in a manifest.
pub fn from_options<'de, D: Deserializer<'de>>(
    kind: &str,
    options: D,
) -> Result<Box<dyn Operator>, D::Error> {
    Ok(match kind {
        "transform" => Box::new(Transform::deserialize(options)?),
        "filter" => Box::new(Filter::deserialize(options)?),
        "union" => Box::new(Union::deserialize(options)?),
        "repartition" => Box::new(Repartition::deserialize(options)?),
        "window" => Box::new(WindowOf::deserialize(options)?),
        "count" => Box::new(Count::deserialize(options)?),
        "count_by_value" => Box::new(CountByValue::deserialize(options)?),
        "reduce" => Box::new(Reduce::deserialize(options)?),
        "reduce_by_key" => Box::new(ReduceByKey::deserialize(options)?),
        "aggregate_by_key" => Box::new(AggregateByKey::deserialize(options)?),
        "group_by_key" => Box::new(GroupByKey::deserialize(options)?),
        "cogroup" => Box::new(Cogroup::deserialize(options)?),
        "join" => Box::new(Join::deserialize(options)?),
        "update_state_by_key" => Box::new(UpdateStateByKey::deserialize(options)?),
        "map_with_state" => Box::new(MapWithState::deserialize(options)?),
        "state_snapshots" => Box::new(StateSnapshots::deserialize(options)?),
        _ => return Err(D::Error::unknown_variant(kind, &KINDS)),
    })
}

/// An operator by its options, before it runs.
pub trait Operator: Debug + Send + Sync {
    /// The kind, as manifests name it.
    fn kind(&self) -> &'static str;

    /// How many streams it reads.
    fn inputs(&self) -> Inputs {
        Inputs::One
    }

    /// The plugin it calls, by its name in the manifest.
    fn plugin(&self) -> Option<&str> {
        None
    }

    /// Makes relative paths start at the manifest's folder.
    fn resolve(&mut self, _base: &Path) {}

    /// Checks it against the schemas of its inputs, opens its plugin, and answers how it runs.
    fn open(&self, opening: &Opening<'_>) -> Result<Opened, OperatorError>;
}

/// How many streams an operator reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inputs {
    /// Exactly one.
    One,
    /// Exactly two.
    Two,
    /// Two or more.
    Several,
}

/// What an operator is opened with.
pub struct Opening<'a> {
    /// The name of the stream it makes.
    pub stream: &'a str,
    /// The names of its inputs.
    pub from: &'a [String],
    /// The schemas of its inputs; as many as `Operator::inputs` asks for.
    pub inputs: &'a [SchemaRef],
    /// Its plugin, where it names one.
    pub plugin: Option<&'a Arc<dyn Plugin>>,
    /// What becomes of rows on which its plugin fails.
    pub tolerance: Tolerance,
    /// The time from one batch of the pipeline to the next.
    pub interval: Interval,
    /// How many of them it is from one batch of its inputs to the next.
    pub every: u64,
    /// How many partitions keys are spread over.
    pub partitions: usize,
    /// The state that its input keeps, where that has one.
    pub state: Option<Arc<dyn StateView>>,
    /// What the stream keeps already, where it runs and is opened once more.
    pub kept: Option<&'a Keeping>,
}

impl<'a> Opening<'a> {
    /// What the stream keeps already: an operator that is opened once more goes on with it. Whoever opens it compares
    /// what it says that it is.
    pub(crate) fn kept<T: Save>(&self) -> Option<Arc<Kept<T>>> {
        let state = Arc::clone(&self.kept?.state);
        (state as Arc<dyn Any + Send + Sync>).downcast().ok()
    }

    /// The schema of its first input.
    pub(crate) fn input(&self) -> Result<&'a SchemaRef, OperatorError> {
        self.inputs.first().ok_or_else(|| OperatorError::Option {
            key: "from",
            problem: "it reads no stream; name one".to_owned(),
        })
    }
}

/// The plugin that `opening` comes with.
fn plugin_of<'a>(opening: &Opening<'a>) -> Result<&'a Arc<dyn Plugin>, OperatorError> {
    opening.plugin.ok_or_else(|| OperatorError::Option {
        key: "plugin",
        problem: "it calls a plugin that isn't there; name one of [plugins]".to_owned(),
    })
}

/// The indices of the columns of `input` called `names`, which make a key.
fn key_columns(names: &[String], input: &Schema) -> Result<Vec<usize>, OperatorError> {
    let wrong = |problem: String| OperatorError::Option { key: "key", problem };
    if names.is_empty() {
        return Err(wrong("a key needs at least one column; name it".to_owned()));
    }
    let mut columns = Vec::with_capacity(names.len());
    for name in names {
        let Some((column, _)) = input.column_with_name(name) else {
            return Err(wrong(format!("its input has no column `{name}`; it has ({})", describe(input))));
        };
        if columns.contains(&column) {
            return Err(wrong(format!("column `{name}` is named twice; name it once")));
        }
        columns.push(column);
    }
    Ok(columns)
}

/// An operator that fits its inputs.
pub struct Opened {
    /// The columns of the stream it makes.
    pub schema: SchemaRef,
    /// How it runs.
    pub shape: Shape,
    /// How many batch intervals it is from one batch of the stream to the next.
    pub every: u64,
    /// Whether it keeps something from batch to batch.
    pub keeps: bool,
    /// The state that it keeps for keys.
    pub state: Option<Arc<dyn StateView>>,
}

/// The state of an operator, to be looked at.
pub trait StateView: Send + Sync {
    /// The columns of a row: those of the key, then those of the state.
    fn schema(&self) -> SchemaRef;

    /// How large it is, over all partitions.
    fn size(&self) -> StateSize;

    /// What a partition keeps, a row a key; none where that is nothing.
    fn rows(&self, partition: usize) -> Result<Option<RecordBatch>, OperatorError>;
}

impl Opened {
    /// An operator that passes rows on, at the pace of its input.
    pub(crate) fn new(opening: &Opening<'_>, schema: SchemaRef) -> Self {
        let shape = Shape::Wide(Wide::exchange(Exchange::Concatenate, None));
        Self { schema, shape, every: opening.every, keeps: false, state: None }
    }

    /// An operator that combines rows: before an exchange, after it, and, over a window, what came of several batches
    /// again, in this order in `steps`. `inverse` is that of the last.
    fn combining(
        opening: &Opening<'_>,
        schema: SchemaRef,
        window: Option<WindowSpec>,
        steps: [Arc<dyn Factory>; 3],
        inverse: Option<Arc<dyn Inverse>>,
        exchange: Exchange,
    ) -> Result<Self, OperatorError> {
        let Some(window) = window else {
            let [before, after, _] = steps;
            let shape = Shape::Wide(Wide::combine(before, exchange, after));
            return Ok(Self { shape, ..Self::new(opening, schema) });
        };
        let window = window.resolve(opening)?;
        let num_key_columns = if let Exchange::ByKey(key) = &exchange { key.len() } else { 0 };
        // Windows that don't overlap share nothing, and rows without values have no total.
        let overlaps = window.slide < window.length && num_key_columns < schema.fields().len();
        let wide = match inverse.filter(|_| overlaps) {
            Some(inverse) => {
                sliding::sliding(opening, window, &schema, num_key_columns, steps, inverse, exchange)?
            }
            None => {
                let [before, after, again] = steps;
                window::windowed(opening, window, Some(before), exchange, after, again)
            }
        };
        let (shape, every) = (Shape::Wide(wide), window.pace());
        Ok(Self { shape, every, keeps: true, ..Self::new(opening, schema) })
    }
}

/// How an operator runs.
#[derive(Clone)]
pub enum Shape {
    /// On each partition by itself.
    Narrow(Arc<dyn Factory>),
    /// With an exchange of rows between partitions.
    Wide(Wide),
}

/// Work with an exchange of rows in it.
#[derive(Clone)]
pub struct Wide {
    /// What runs on each partition before the exchange.
    pub before: Option<Arc<dyn Factory>>,
    /// How rows change partitions.
    pub exchange: Exchange,
    /// What runs on each partition after the exchange.
    pub after: Option<Arc<dyn Factory>>,
    /// Whether `after` only completes what `before` did on each partition, so that a lone partition needs neither
    /// it nor the exchange.
    pub completes: bool,
    /// Whether what comes out is cut anew, because it comes from one partition.
    pub spread: bool,
    /// What `after` keeps from batch to batch, so that it can be saved.
    pub keeping: Option<Keeping>,
}

/// Something that an operator keeps from batch to batch.
#[derive(Clone)]
pub struct Keeping {
    /// What it is, for people. What was kept by an operator that says otherwise isn't taken up.
    pub what: String,
    /// Whether every batch has to be there at its own time, also those of a time at which nothing ran.
    pub needs_every_batch: bool,
    /// The thing itself.
    pub state: Arc<dyn KeptState>,
    /// What has to be carried over to it before it is used, where it takes the place of what the stream kept before.
    pub migration: Option<Arc<Migration>>,
}

impl Wide {
    /// Without anything before, and nothing but the exchange and `after`.
    pub(crate) fn exchange(exchange: Exchange, after: Option<Arc<dyn Factory>>) -> Self {
        Self { before: None, exchange, after, completes: false, spread: false, keeping: None }
    }

    /// With `before` on each partition, whose result over a lone partition is the operator's result, and `after`
    /// where there are several.
    pub(crate) fn combine(before: Arc<dyn Factory>, exchange: Exchange, after: Arc<dyn Factory>) -> Self {
        Self {
            before: Some(before),
            exchange,
            after: Some(after),
            completes: true,
            spread: false,
            keeping: None,
        }
    }
}

/// How rows change partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exchange {
    /// Rows with equal values in these columns meet in one partition; few rows make fewer partitions.
    ByKey(Vec<usize>),
    /// Rows with equal values in these columns of their input meet in the partition that owns their key group,
    /// in every batch the same one. What comes from each input is told apart.
    ByKeyGroup(Vec<Vec<usize>>),
    /// All rows meet in one partition, in order.
    Gather,
    /// All rows meet in one partition, in order. What comes from each input is told apart.
    GatherApart,
    /// The rows of all inputs, one input after the other, are cut anew.
    Concatenate,
    /// The rows are cut into exactly this many partitions.
    Recut(usize),
}

/// Makes the work of an operator, once for each worker that does it.
pub trait Factory: Send + Sync {
    /// Makes it.
    fn make(&self) -> Result<Box<dyn Process>, OperatorError>;
}

/// The work of an operator on one partition after the other. What it keeps lives from the first `process` of a
/// partition to `finish`, and no longer. After an error it is thrown away.
pub trait Process: Send {
    /// Takes a block of the partition.
    fn process(
        &mut self,
        block: &RecordBatch,
        task: &TaskInfo,
        out: &mut Output,
    ) -> Result<(), OperatorError>;

    /// The partition is complete.
    fn finish(&mut self, _task: &TaskInfo, _out: &mut Output) -> Result<(), OperatorError> {
        Ok(())
    }
}

/// What a piece of work may know of the task it is part of.
#[derive(Clone, Copy, Debug)]
pub struct TaskInfo {
    /// The time of the batch.
    pub time: BatchTime,
    /// The index of the partition.
    pub partition: usize,
    /// The number of the batch, from 1; a stream with batches `every` so many intervals has those that are
    /// divisible by it.
    pub batch: u64,
    /// Which input a block is from, where there are several.
    pub input: usize,
}

/// What a piece of work puts out.
#[derive(Debug, Default)]
pub struct Output {
    /// Blocks of rows, in order; never without rows.
    pub blocks: Vec<RecordBatch>,
    /// Rows set aside.
    pub dead: Vec<DeadLetter>,
}

/// Why an operator can't be opened or failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OperatorError {
    /// An option doesn't fit the input.
    #[error("{problem}")]
    Option {
        /// The key in the manifest.
        key: &'static str,
        /// What is wrong with it and what to do.
        problem: String,
    },
    /// Its plugin refused or failed.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// It fails on rows that aren't there.
    #[error("{0}; it fails without any rows too, so that no row is to blame; mend the plugin")]
    FailsWithoutRows(PluginError),
    /// Too many rows or keys of a batch fail alone.
    #[error(
        "plugin `{plugin}`: {reason}; more than {max} rows or keys of the batch fail; mend the plugin, or raise the stream's `max_poison`"
    )]
    TooMuchPoison {
        /// The plugin's name in the manifest.
        plugin: String,
        /// Why the last one failed.
        reason: String,
        /// How many there may be.
        max: usize,
    },
    /// Too many calls of a batch failed, with few rows that fail alone.
    #[error(
        "{error}; more than {calls} calls of the batch failed, and few rows fail alone; mend the plugin, or raise the stream's `max_poison`"
    )]
    TooManyFailures {
        /// How many may fail.
        calls: usize,
        /// What the last one failed with.
        error: Box<PluginError>,
    },
    /// What a plugin has to see in one call is too large for one.
    #[error(
        "a {what} of {num_rows} rows takes {bytes}, and one call of plugin `{plugin}` takes {max}; raise its `limits.input`, or choose a smaller `scope`"
    )]
    TooLargeForOneCall {
        /// The plugin's name in the manifest.
        plugin: String,
        /// What it has to see.
        what: &'static str,
        /// How many rows that has.
        num_rows: usize,
        /// How many bytes they take.
        bytes: Bytes,
        /// How many a call takes.
        max: Bytes,
    },
    /// A plugin fails on what it has to see in one call, and on no row of it alone.
    #[error("plugin `{plugin}`: {reason}; no row of the {what} is to blame alone; mend the plugin")]
    FailsOnWhole {
        /// The plugin's name in the manifest.
        plugin: String,
        /// Why it failed.
        reason: String,
        /// What it has to see.
        what: &'static str,
    },
    /// A function of the program failed.
    #[error("the program's function failed: {0}")]
    Function(#[source] FunctionError),
    /// A join makes more rows than fit.
    #[error("the join makes more than {0} rows in a partition of the batch; is the key the right one?")]
    TooManyPairs(usize),
    /// There are more keys than fit.
    #[error(transparent)]
    TooManyKeys(#[from] TooManyKeys),
    /// Columns could not be computed.
    #[error("cannot compute columns: {0}")]
    Columns(#[from] arrow::error::ArrowError),
}
