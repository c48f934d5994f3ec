//! A transform in Wasm: opens instances, gives them columns, checks plans and answers.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::SchemaRef;

use super::bindings::transform::{Guest as Exports, GuestIndices, Output, Plan};
use super::convert::{self, Lent};
use super::error::{Limit, PluginError, PluginFailure};
use super::guest::Call;
use super::instance::{Instance, bounded};
use super::load::Loaded;
use super::random::CallNumbers;
use super::{Rejected, TransformPlan, Transformed, Transformer, check};
use crate::record::Bytes;

/// A transform opened for one worker.
pub(super) struct WasmTransformer {
    plugin: Arc<Loaded>,
    stream: String,
    input: SchemaRef,
    plan: TransformPlan,
    live: Option<Instance<Exports>>,
    numbers: CallNumbers,
}

impl WasmTransformer {
    pub(super) fn open(plugin: Arc<Loaded>, stream: &str, input: &SchemaRef) -> Result<Self, PluginError> {
        let (live, plan) = begin(&plugin, stream, input).map_err(|failure| plugin.error(stream, failure))?;
        Ok(Self {
            plugin,
            stream: stream.to_owned(),
            input: Arc::clone(input),
            plan,
            live: Some(live),
            numbers: CallNumbers::default(),
        })
    }

    /// The live instance, or a new one. What answered its plan before must answer it again.
    fn instance(&mut self, call: &Call) -> Result<Instance<Exports>, PluginFailure> {
        if let Some(live) = self.live.take().filter(|live| live.serves(call)) {
            return Ok(live);
        }
        let (live, plan) = begin(&self.plugin, &self.stream, &self.input)?;
        if plan != self.plan {
            return Err(PluginFailure::InvalidAnswer(
                "open answered another plan than the first time".to_owned(),
            ));
        }
        Ok(live)
    }

    fn call(
        &mut self,
        call: &Call,
        columns: &[ArrayRef],
        num_rows: usize,
    ) -> Result<Transformed, PluginFailure> {
        if convert::call_bytes(columns) > self.plugin.limits.input.0 {
            return Err(PluginFailure::Limit(Limit::Input(self.plugin.limits.input)));
        }
        let lent =
            columns.iter().map(Lent::new).collect::<Result<Vec<_>, _>>().map_err(PluginFailure::Host)?;
        let params: Vec<_> = lent.iter().map(Lent::column).collect();
        let input = convert::batch(&params, num_rows);
        let mut live = self.instance(call)?;
        let number = self.numbers.next(call);
        let answer =
            live.call(&self.plugin, call, number, |store, exports| exports.call_process(store, input))?;
        let transformed = checked(answer, &self.plan, num_rows, &self.plugin)?;
        self.numbers.done();
        // Only an instance that did well is used again.
        self.live = Some(live).filter(|live| !live.is_worn());
        Ok(transformed)
    }
}

impl Transformer for WasmTransformer {
    fn plan(&self) -> &TransformPlan {
        &self.plan
    }

    fn max_input(&self) -> Bytes {
        self.plugin.limits.input
    }

    fn renew(&mut self) {
        self.live = None;
    }

    fn process(
        &mut self,
        call: &Call,
        columns: &[ArrayRef],
        num_rows: usize,
    ) -> Result<Transformed, PluginError> {
        self.call(call, columns, num_rows).map_err(|failure| self.plugin.error(&self.stream, failure))
    }
}

fn begin(
    plugin: &Loaded,
    stream: &str,
    input: &SchemaRef,
) -> Result<(Instance<Exports>, TransformPlan), PluginFailure> {
    let indices = GuestIndices::new(&plugin.code).map_err(|e| {
        PluginFailure::Unsuitable(format!(
            "its `transform` isn't ours: {e:#}; build it with this version's `wit`"
        ))
    })?;
    let mut live = Instance::new(plugin, stream, |store, instance| indices.load(store, instance))?;
    let fields = input
        .fields()
        .iter()
        .map(|f| convert::field(f))
        .collect::<Result<Vec<_>, _>>()
        .map_err(PluginFailure::Host)?;
    let plan = live.open(plugin, |store, exports| exports.call_open(store, &plugin.config, &fields))?;
    let plan = checked_plan(plan, input.fields().len())
        .map_err(|problem| PluginFailure::InvalidAnswer(format!("open: {problem}")))?;
    Ok((live, plan))
}

fn checked_plan(plan: Plan, num_columns: usize) -> Result<TransformPlan, String> {
    check::indices("column to read", &plan.reads, num_columns)?;
    check::indices("column to carry", &plan.carries, num_columns)?;
    let usizes = |indices: Vec<u32>| indices.into_iter().map(|i| i as usize).collect::<Vec<_>>();
    Ok(TransformPlan {
        reads: usizes(plan.reads),
        carries: usizes(plan.carries),
        produces: check::fields(plan.produces)?,
    })
}

fn checked(
    answer: Output,
    plan: &TransformPlan,
    num_input_rows: usize,
    plugin: &Loaded,
) -> Result<Transformed, PluginFailure> {
    let num_rows = answer.batch.rows as usize;
    if answer.batch.rows > plugin.limits.output_rows {
        return Err(PluginFailure::Limit(Limit::OutputRows(plugin.limits.output_rows)));
    }
    let checked = || -> Result<Transformed, String> {
        let columns = check::columns(answer.batch, &plan.produces)?;
        match &answer.origins {
            Some(origins) if origins.len() != num_rows => {
                return Err(format!(
                    "it tells the origins of {} rows, and answers {num_rows}",
                    origins.len()
                ));
            }
            Some(origins) => check::indices("origin", origins, num_input_rows)?,
            None if num_rows != num_input_rows => {
                return Err(format!(
                    "it tells no origins, so its {num_rows} rows should be {num_input_rows}"
                ));
            }
            None => {}
        }
        let rejected: Vec<u32> = answer.rejects.iter().map(|reject| reject.row).collect();
        check::indices("rejected row", &rejected, num_input_rows)?;
        if let Some(both) = kept_and_rejected(&rejected, answer.origins.as_deref()) {
            return Err(format!("it rejects input row {both} and answers rows for it"));
        }
        let rejects =
            answer.rejects.iter().map(|r| Rejected { row: r.row as usize, reason: bounded(&r.reason) });
        Ok(Transformed { columns, num_rows, rejects: rejects.collect(), origins: answer.origins })
    };
    let transformed = checked().map_err(PluginFailure::InvalidAnswer)?;
    let bytes = transformed.columns.iter().map(|column| column.get_array_memory_size()).sum::<usize>();
    if bytes as u64 > plugin.limits.output.0 {
        return Err(PluginFailure::Limit(Limit::Output(plugin.limits.output)));
    }
    Ok(transformed)
}

/// A row that was rejected and is an output row's origin too.
fn kept_and_rejected(rejected: &[u32], origins: Option<&[u32]>) -> Option<u32> {
    let rejected: HashSet<u32> = rejected.iter().copied().collect();
    match origins {
        _ if rejected.is_empty() => None,
        Some(origins) => origins.iter().find(|origin| rejected.contains(origin)).copied(),
        None => rejected.into_iter().next(),
    }
}
