//! From the steps of a case to operators: the one place that knows which of ours is which of Spark's.

mod keyed;
mod state;

use std::num::NonZeroUsize;
use std::path::Path;

use named::{Cell, Column, Form, Record, Step, is_function};
use serde_json::{Value, json};
use tidemill::context::{PluginHandle, StreamHandle, StreamingContext};
use tidemill::operator::{
    Count, CountByValue, OnError, Operator, Reduce, Scope, Tolerance, WindowOf, WindowSpec,
};
use tidemill::plugin::PluginSpec;
use tidemill::record::Period;

use crate::Failure;
use crate::case::{Other, StepSpec};

/// A stream of a case.
#[derive(Clone, Debug)]
pub struct Stream {
    /// Its name in the context.
    pub handle: StreamHandle,
    /// What its records are.
    pub record: Record,
    /// How long it is from one of its batches to the next.
    pub slide_ms: u64,
}

/// Puts the steps of a case into a context.
pub struct Builder<'a> {
    /// Where to.
    pub context: &'a mut StreamingContext,
    /// The folder of plugins.
    pub plugins: &'a Path,
    /// The streams of the case's inputs.
    pub inputs: Vec<Stream>,
    /// What becomes of records on which a function fails.
    pub on_error: OnError,
    /// The stream that keeps states which can be looked at; its record is a key with its state.
    pub keeper: Option<Stream>,
    /// How many names were given.
    pub num_names: usize,
}

impl Builder<'_> {
    /// Adds `steps` behind `stream`.
    pub fn steps(&mut self, stream: Stream, steps: &[StepSpec]) -> Result<Stream, Failure> {
        steps.iter().try_fold(stream, |stream, step| self.step(stream, step))
    }

    fn step(&mut self, from: Stream, step: &StepSpec) -> Result<Stream, Failure> {
        let function = step.function.as_str();
        match step.op.as_str() {
            "map" => self.apply(from, Form::Map, function),
            "flatMap" => self.apply(from, Form::FlatMap, function),
            "filter" => self.apply(from, Form::Filter, function),
            "mapValues" => self.apply(from, Form::MapValues, function),
            "flatMapValues" => self.apply(from, Form::FlatMapValues, function),
            "mapPartitions" => self.apply_to(Scope::Partition, from, Form::Whole, function),
            "glom" => self.apply_to(Scope::Partition, from, Form::Glom, ""),
            "transform" => self.apply_to(Scope::Batch, from, Form::Whole, function),
            "repartition" => {
                let partitions = step.n.and_then(NonZeroUsize::new);
                Ok(self.repartition(&from, partitions.ok_or_else(|| Failure::wrong("`n` is missing"))?))
            }
            "union" | "unionAll" => {
                let streams = self.with_others(from, step)?;
                self.union(&streams)
            }
            "transformWith" | "transformAll" => self.whole_batches(from, step),
            "window" => self.window(from, step),
            "count" | "countByWindow" => Ok(self.count(from, step)),
            "countByValue" | "countByValueAndWindow" => Ok(self.count_by_value(from, step)),
            "reduce" | "reduceByWindow" => self.reduce(from, step),
            "reduceByKey" | "reduceByKeyAndWindow" => self.reduce_by_key(from, step),
            "groupByKey" | "groupByKeyAndWindow" => self.group_by_key(from, step),
            "cogroup" => self.cogroup(from, step),
            "join" | "leftOuterJoin" | "rightOuterJoin" | "fullOuterJoin" => {
                let other = self.other(step.other.as_ref())?;
                self.join(from, other, &step.op)
            }
            "combineByKey" => self.combine_by_key(from, step),
            "updateStateByKey" => self.update_state_by_key(from, step),
            "mapWithState" => self.map_with_state(from, step),
            "stateSnapshots" => self.state_snapshots(),
            other => Err(Failure::unsupported(format!("the harness has no operator for `{other}`"))),
        }
    }

    /// A function of a plugin, applied to records.
    fn apply(&mut self, from: Stream, form: Form, function: &str) -> Result<Stream, Failure> {
        self.apply_to(Scope::Rows, from, form, function)
    }

    /// A function of a plugin that sees as much in one call as `scope` says.
    fn apply_to(
        &mut self,
        scope: Scope,
        from: Stream,
        form: Form,
        function: &str,
    ) -> Result<Stream, Failure> {
        if !function.is_empty() && !is_function(function) {
            return Err(Failure::unsupported(format!("no plugin has a function `{function}`")));
        }
        let step = Step { form, function: function.to_owned(), input: from.record.clone() };
        let record = step.output().map_err(Failure::wrong)?;
        let config = serde_json::to_value(&step).map_err(Failure::wrong)?;
        let (_, plugin) = self.plugin("named_transform", config);
        let name = self.name(function);
        let handle = self.context.transform_whole(&name, &from.handle, &plugin, scope);
        let tolerance = Tolerance { on_error: self.on_error, ..Tolerance::default() };
        self.context.tolerance(&handle, tolerance);
        Ok(Stream { handle, record, ..from })
    }

    /// The same records in the columns `v`, or `k` and `v`.
    fn normal(&mut self, from: Stream) -> Result<Stream, Failure> {
        if from.record == from.record.normal() {
            return Ok(from);
        }
        self.apply(from, Form::Map, "identity")
    }

    /// The same records as pairs; single ones are paired with 1.
    fn pairs(&mut self, from: Stream) -> Result<(Stream, Cell), Failure> {
        let pairs = match from.record.sides() {
            Some(_) => self.normal(from)?,
            None => self.apply(from, Form::Map, "pair_with_1")?,
        };
        let (_, value) = pairs.record.sides().ok_or_else(|| Failure::wrong("pairs are no pairs"))?;
        Ok((pairs, value))
    }

    /// The same records in `partitions` partitions.
    pub fn repartition(&mut self, from: &Stream, partitions: NonZeroUsize) -> Stream {
        let name = self.name("repartition");
        let handle = self.context.repartition(&name, &from.handle, partitions);
        Stream { handle, ..from.clone() }
    }

    fn union(&mut self, streams: &[Stream]) -> Result<Stream, Failure> {
        let streams: Vec<Stream> =
            streams.iter().map(|stream| self.normal(stream.clone())).collect::<Result<_, _>>()?;
        let Some(first) = streams.first() else { return Err(Failure::wrong("a union of nothing")) };
        let handles: Vec<&StreamHandle> = streams.iter().map(|stream| &stream.handle).collect();
        let name = self.name("union");
        Ok(Stream { handle: self.context.union(&name, &handles), ..first.clone() })
    }

    /// Functions of whole batches of several streams are what operators do to them.
    fn whole_batches(&mut self, from: Stream, step: &StepSpec) -> Result<Stream, Failure> {
        let streams = self.with_others(from, step)?;
        match (step.function.as_str(), streams.as_slice()) {
            ("concat_batches", all) => self.union(all),
            ("order_2_3_1", [one, two, three]) => self.union(&[two.clone(), three.clone(), one.clone()]),
            ("join_batches", [left, right]) => self.join(left.clone(), right.clone(), "join"),
            ("union12_pair_join3", [one, two, three]) => {
                let both = self.union(&[one.clone(), two.clone()])?;
                let pairs = self.apply(both, Form::Map, "pair_with_itself")?;
                self.join(pairs, three.clone(), "join")
            }
            (other, _) => Err(Failure::unsupported(format!("no operator does `{other}` to whole batches"))),
        }
    }

    fn window(&mut self, from: Stream, step: &StepSpec) -> Result<Stream, Failure> {
        let WindowSpec { length, slide } =
            window(step).ok_or_else(|| Failure::wrong("the window has no length"))?;
        let handle = self.operator("window", &[&from], WindowOf { length, slide });
        Ok(slid(Stream { handle, ..from }, step))
    }

    fn count(&mut self, from: Stream, step: &StepSpec) -> Stream {
        let handle = self.operator("count", &[&from], Count { window: window(step) });
        let record = Record::Column(Column::new("count", Cell::Int));
        slid(Stream { handle, record, ..from }, step)
    }

    fn count_by_value(&mut self, from: Stream, step: &StepSpec) -> Stream {
        let handle = self.operator("count_by_value", &[&from], CountByValue { window: window(step) });
        let count = Record::Column(Column::new("count", Cell::Int));
        let record = Record::two(from.record.clone(), count);
        slid(Stream { handle, record, ..from }, step)
    }

    fn reduce(&mut self, from: Stream, step: &StepSpec) -> Result<Stream, Failure> {
        let from = self.normal(from)?;
        let Record::Column(value) = &from.record else {
            return Err(Failure::unsupported("no plugin reduces pairs to one"));
        };
        let (plugin, _) = self.reducer(step, value.cell);
        let handle = self.operator(
            "reduce",
            &[&from],
            Reduce { plugin, window: window(step), inverse: inverse(step) },
        );
        Ok(slid(Stream { handle, ..from }, step))
    }

    fn with_others(&mut self, from: Stream, step: &StepSpec) -> Result<Vec<Stream>, Failure> {
        let others = step.others.iter().flatten().chain(&step.other);
        let mut streams = vec![from];
        for other in others {
            streams.push(self.other(Some(other))?);
        }
        Ok(streams)
    }

    fn other(&mut self, other: Option<&Other>) -> Result<Stream, Failure> {
        let other = other.ok_or_else(|| Failure::wrong("the other stream is missing"))?;
        let input = other.input.checked_sub(1).and_then(|index| self.inputs.get(index)).cloned();
        let input = input.ok_or_else(|| Failure::wrong(format!("there is no input {}", other.input)))?;
        self.steps(input, &other.pipeline)
    }

    /// A plugin that combines two values that stand so in the column `v`, with the inverse of the step, if any.
    fn reducer(&mut self, step: &StepSpec, cell: Cell) -> (String, PluginHandle) {
        let config = json!({ "function": step.function, "inverse": step.inv, "cell": cell });
        self.plugin("named_reduce", config)
    }

    fn plugin(&mut self, file: &str, config: Value) -> (String, PluginHandle) {
        let name = self.name(file);
        let path = self.plugins.join(format!("{file}.wasm"));
        let handle = self.context.plugin(&name, PluginSpec { config, ..PluginSpec::new(path) });
        (name, handle)
    }

    fn operator(&mut self, what: &str, from: &[&Stream], op: impl Operator + 'static) -> StreamHandle {
        let name = self.name(what);
        let from: Vec<&StreamHandle> = from.iter().map(|stream| &stream.handle).collect();
        let handle = self.context.operator(&name, &from, op);
        let tolerance = Tolerance { on_error: self.on_error, ..Tolerance::default() };
        self.context.tolerance(&handle, tolerance);
        handle
    }

    fn name(&mut self, what: &str) -> String {
        self.num_names += 1;
        format!("{what}_{}", self.num_names)
    }
}

/// The columns that make the key of pairs.
fn key() -> Vec<String> {
    vec!["k".to_owned()]
}

fn key_of(pairs: &Stream) -> Record {
    match &pairs.record {
        Record::Pair(key, _) => (**key).clone(),
        single @ Record::Column(_) => single.clone(),
    }
}

fn window(step: &StepSpec) -> Option<WindowSpec> {
    let length = Period::millis(step.window_ms?);
    Some(WindowSpec { length, slide: step.slide_ms.map(Period::millis) })
}

/// Whether the window of a step has an inverse.
fn inverse(step: &StepSpec) -> Option<bool> {
    step.window_ms.map(|_| step.inv.is_some())
}

/// The stream at the pace of the step's window.
fn slid(stream: Stream, step: &StepSpec) -> Stream {
    let slide_ms = step.slide_ms.filter(|_| step.window_ms.is_some()).unwrap_or(stream.slide_ms);
    Stream { slide_ms, ..stream }
}
