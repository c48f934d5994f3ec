//! `cogroup`: all rows of two streams that share a key, given to a plugin, or as JSON lists.
//!
//! Behind the exchange a partition brings the rows of both streams together by key, and calls the plugin with as many
//! keys as fit. A key on which it fails is set aside with its rows of both streams.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Fields, Schema, SchemaRef};
use serde::Deserialize;

use super::group_by_key::{GroupFactory, Lists, list_field};
use super::poison::{Blame, Cause};
use super::sides::{ByKey, Sides, SidesPlan};
use super::sorted::of_rows;
use super::{
    Exchange, Factory, Inputs, Opened, Opening, Operator, OperatorError, Output, Process, Shape, TaskInfo,
    Wide, plugin_of,
};
use crate::plugin::{Call, CogroupInput, Cogrouper, KeyedRows, Plugin, PluginError, call_bytes};
use crate::record::{DeadLetter, json_rows};

/// The most keys of one call; more don't make it faster.
const MAX_CALL_KEYS: usize = 64 * 1024;

/// The columns of the values of two streams.
const SIDES: [&str; 2] = ["left", "right"];

/// The options of `cogroup`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cogroup {
    /// The plugin, by its name in the manifest; without one, the values become lists.
    pub plugin: Option<String>,
    /// The columns that make the key, in both streams, or in the first where `right_key` is given.
    pub key: Vec<String>,
    /// The columns that make the key in the second stream, in the same order.
    pub right_key: Option<Vec<String>>,
}

impl Operator for Cogroup {
    fn kind(&self) -> &'static str {
        "cogroup"
    }

    fn inputs(&self) -> Inputs {
        Inputs::Two
    }

    fn plugin(&self) -> Option<&str> {
        self.plugin.as_deref()
    }

    fn open(&self, opening: &Opening<'_>) -> Result<Opened, OperatorError> {
        let right_key = self.right_key.as_ref().unwrap_or(&self.key);
        let plan = SidesPlan::new(opening.inputs, &[&self.key, right_key])?;
        let exchange = Exchange::ByKeyGroup(plan.keys());
        let (schema, after): (_, Arc<dyn Factory>) = if self.plugin.is_some() {
            let factory = CogroupFactory::open(opening, plan)?;
            (Arc::clone(&factory.shared.schema), Arc::new(factory))
        } else {
            let schema = plan.output(SIDES.map(list_field))?;
            (Arc::clone(&schema), Arc::new(GroupFactory { plan, schema, lists: Lists::Make }))
        };
        let wide = Wide::exchange(exchange, Some(after));
        Ok(Opened { shape: Shape::Wide(wide), ..Opened::new(opening, schema) })
    }
}

struct CogroupFactory {
    plugin: Arc<dyn Plugin>,
    stream: String,
    shared: Shared,
}

/// What all workers know.
#[derive(Clone)]
struct Shared {
    plan: SidesPlan,
    key: SchemaRef,
    /// The columns that come out: the key's, then the plugin's.
    schema: SchemaRef,
    /// The two streams, as the letters of their rows name them.
    inputs: Vec<LetterInput>,
    blame: Arc<Blame>,
}

/// A stream as the letters of its rows show it.
#[derive(Clone)]
struct LetterInput {
    name: String,
    /// The columns of the key by their names in this stream, then the values.
    schema: SchemaRef,
}

impl CogroupFactory {
    fn open(opening: &Opening<'_>, plan: SidesPlan) -> Result<Self, OperatorError> {
        let plugin = Arc::clone(plugin_of(opening)?);
        let key: SchemaRef = Arc::new(Schema::new(plan.key.clone()));
        let sides = plan.sides.iter().zip(opening.inputs).zip(opening.from);
        let inputs = sides.map(|((side, input), name)| {
            let named = side.key.iter().zip(&plan.key).filter_map(|(&column, field)| {
                let name = input.fields().get(column)?.name();
                Some(Arc::new(Field::new(name, field.data_type().clone(), field.is_nullable())))
            });
            let fields: Fields = named.chain(side.schema.fields().iter().cloned()).collect();
            LetterInput { name: name.clone(), schema: Arc::new(Schema::new(fields)) }
        });
        let inputs = inputs.collect();
        let blame = Arc::new(Blame::new(opening.tolerance, opening.stream, plugin.as_ref()));
        let shared = Shared { key, schema: Arc::new(Schema::empty()), inputs, blame, plan };
        let mut factory = Self { plugin, stream: opening.stream.to_owned(), shared };
        let fields = factory.cogrouper()?.output().fields().clone();
        factory.shared.schema = factory.shared.plan.output(fields.iter().cloned())?;
        Ok(factory)
    }

    fn cogrouper(&self) -> Result<Box<dyn Cogrouper>, OperatorError> {
        let nothing = Arc::new(Schema::empty());
        let side = |input: usize| self.shared.plan.sides.get(input).map_or(&nothing, |side| &side.schema);
        Ok(self.plugin.cogrouper(&self.stream, &self.shared.key, side(0), side(1))?)
    }
}

impl Factory for CogroupFactory {
    fn make(&self) -> Result<Box<dyn Process>, OperatorError> {
        let (sides, cogrouper) = (Sides::new(&self.shared.plan)?, self.cogrouper()?);
        Ok(Box::new(Cogrouping { sides, cogrouper, shared: self.shared.clone() }))
    }
}

struct Cogrouping {
    sides: Sides,
    cogrouper: Box<dyn Cogrouper>,
    shared: Shared,
}

impl Process for Cogrouping {
    fn process(&mut self, block: &RecordBatch, task: &TaskInfo, _: &mut Output) -> Result<(), OperatorError> {
        self.sides.add(task.input, block)
    }

    fn finish(&mut self, task: &TaskInfo, out: &mut Output) -> Result<(), OperatorError> {
        let Some(by_key) = self.sides.take()? else { return Ok(()) };
        let num_keys = by_key.num_keys;
        let Some(all) = input_of(by_key, &self.shared.key)? else { return Ok(()) };
        self.cogroup(&all, 0..num_keys, task, out)
    }
}

/// All keys with their rows.
fn input_of(by_key: ByKey, key: &SchemaRef) -> Result<Option<CogroupInput>, OperatorError> {
    let (left_ends, right_ends) = (by_key.ends(0), by_key.ends(1));
    let keys = RecordBatch::try_new(Arc::clone(key), by_key.keys)?;
    let Ok([left, right]) = <[_; 2]>::try_from(by_key.sides) else { return Ok(None) };
    Ok(Some(CogroupInput { keys, left_ends, left: left.values, right_ends, right: right.values }))
}

impl Cogrouping {
    /// Calls the plugin for some of the keys.
    fn cogroup(
        &mut self,
        all: &CogroupInput,
        keys: Range<usize>,
        task: &TaskInfo,
        out: &mut Output,
    ) -> Result<(), OperatorError> {
        if keys.is_empty() {
            return Ok(());
        }
        let input = slice(all, &keys);
        let middle = keys.start + keys.len() / 2;
        let bytes: u64 =
            [&input.keys, &input.left, &input.right].map(|rows| call_bytes(rows.columns())).iter().sum();
        let is_large = keys.len() > MAX_CALL_KEYS || bytes > self.cogrouper.max_input().0;
        if is_large && keys.len() > 1 {
            self.cogroup(all, keys.start..middle, task, out)?;
            return self.cogroup(all, middle..keys.end, task, out);
        }
        let blame = Arc::clone(&self.shared.blame);
        match self.call(task, &input) {
            Ok(answer) => return self.put_out(&input, answer, out),
            // The instance may have failed over what it did before.
            Err(error) => drop(blame.pardon(task.time, error)?),
        }
        let cause = match self.call_anew(task, &input) {
            Ok(answer) => return self.put_out(&input, answer, out),
            Err(error) => blame.pardon(task.time, error)?,
        };
        self.call_anew(task, &slice(all, &(0..0))).map_err(OperatorError::FailsWithoutRows)?;
        let poison = blame.search(task.time, keys.clone(), cause, &mut |keys| {
            self.call_anew(task, &slice(all, &keys)).map(drop)
        })?;
        if poison.is_empty() {
            // Its keys fail only in company.
            self.cogroup(all, keys.start..middle, task, out)?;
            return self.cogroup(all, middle..keys.end, task, out);
        }
        let mut start = keys.start;
        for (key, cause) in poison {
            self.cogroup(all, start..key, task, out)?;
            self.set_aside(&slice(all, &(key..key + 1)), &cause, out)?;
            start = key + 1;
        }
        self.cogroup(all, start..keys.end, task, out)
    }

    fn call(&mut self, task: &TaskInfo, input: &CogroupInput) -> Result<KeyedRows, PluginError> {
        self.cogrouper.process(&Call { time: task.time, partition: task.partition }, input)
    }

    fn call_anew(&mut self, task: &TaskInfo, input: &CogroupInput) -> Result<KeyedRows, PluginError> {
        self.cogrouper.renew();
        self.call(task, input)
    }

    fn put_out(
        &self,
        input: &CogroupInput,
        answer: KeyedRows,
        out: &mut Output,
    ) -> Result<(), OperatorError> {
        if !answer.origins.is_empty() {
            let mut columns = of_rows(input.keys.columns(), &answer.origins)?;
            columns.extend(answer.rows.columns().iter().cloned());
            out.blocks.push(RecordBatch::try_new(Arc::clone(&self.shared.schema), columns)?);
        }
        Ok(())
    }

    /// Makes dead letters of the rows of a lone key.
    fn set_aside(&self, input: &CogroupInput, cause: &Cause, out: &mut Output) -> Result<(), OperatorError> {
        for (side, rows) in self.shared.inputs.iter().zip([&input.left, &input.right]) {
            let mut columns = of_rows(input.keys.columns(), &vec![0; rows.num_rows()])?;
            columns.extend(rows.columns().iter().cloned());
            let rows = json_rows(&RecordBatch::try_new(Arc::clone(&side.schema), columns)?)?;
            out.dead.extend(rows.into_iter().map(|row| DeadLetter {
                input: Some(side.name.clone()),
                ..self.shared.blame.letter(cause.clone(), row)
            }));
        }
        Ok(())
    }
}

/// Some of the keys.
fn slice(all: &CogroupInput, keys: &Range<usize>) -> CogroupInput {
    let (left_ends, left) = rows_of(&all.left_ends, &all.left, keys);
    let (right_ends, right) = rows_of(&all.right_ends, &all.right, keys);
    CogroupInput { keys: all.keys.slice(keys.start, keys.len()), left_ends, left, right_ends, right }
}

/// The rows of some of the keys, whose rows end at `ends`, and where they end among these.
fn rows_of(ends: &[u32], rows: &RecordBatch, keys: &Range<usize>) -> (Vec<u32>, RecordBatch) {
    let end_of =
        |place: usize| place.checked_sub(1).and_then(|last| ends.get(last)).map_or(0, |end| *end as usize);
    let (start, end) = (end_of(keys.start), end_of(keys.end));
    let border = u32::try_from(start).unwrap_or(u32::MAX);
    let ends = ends.get(keys.clone()).unwrap_or_default();
    let ends = ends.iter().map(|end| end.saturating_sub(border)).collect();
    (ends, rows.slice(start, end.saturating_sub(start)))
}
