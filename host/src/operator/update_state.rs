//! `update_state_by_key` and `map_with_state`: a state for each key, kept from batch to batch, that a plugin updates.
//!
//! The first calls the plugin for every key that is known or has values, in every batch, and puts out all states; the
//! second only for keys with values and for those that were idle for too long, and puts out what the plugin says.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Fields, Schema, SchemaRef};
use serde::Deserialize;

use super::initial_state::InitialState;
use super::migration::Migration;
use super::poison::{Blame, Cause};
use super::sides::{Encoded, Sides, SidesPlan};
use super::sorted::of_rows;
use super::state_snapshots::KeptStates;
use super::{
    Exchange, Factory, Keeping, Opened, Opening, Operator, OperatorError, Output, Process, Shape, TaskInfo,
    Wide, plugin_of,
};
use crate::partition::KeyEncoder;
use crate::plugin::{Call, Plugin, PluginError, UpdateInput, Updated, Updater, call_bytes};
use crate::record::{Period, describe, json_rows};
use crate::state::{Kept, KeptState, KeyedTable};

/// The most keys of one call; more don't make it faster.
const MAX_CALL_KEYS: usize = 64 * 1024;

/// The options of `update_state_by_key`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateStateByKey {
    /// The plugin, by its name in the manifest.
    pub plugin: String,
    /// The columns that make the key.
    pub key: Vec<String>,
    /// The states that keys begin with; by default no key has one. They are there in the first batch.
    pub initial_state: Option<InitialState>,
}

/// The options of `map_with_state`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MapWithState {
    /// The plugin, by its name in the manifest.
    pub plugin: String,
    /// The columns that make the key.
    pub key: Vec<String>,
    /// How long a key may go without values before its state is dropped; by default for ever.
    pub timeout: Option<Period>,
    /// The states that keys begin with; by default no key has one. They count as touched by the first batch.
    pub initial_state: Option<InitialState>,
}

impl Operator for UpdateStateByKey {
    fn kind(&self) -> &'static str {
        "update_state_by_key"
    }

    fn plugin(&self) -> Option<&str> {
        Some(&self.plugin)
    }

    fn resolve(&mut self, base: &Path) {
        self.initial_state.iter_mut().for_each(|initial| initial.resolve(base));
    }

    fn open(&self, opening: &Opening<'_>) -> Result<Opened, OperatorError> {
        open(opening, &self.key, Calls::EveryKey, self.initial_state.as_ref())
    }
}

impl Operator for MapWithState {
    fn kind(&self) -> &'static str {
        "map_with_state"
    }

    fn plugin(&self) -> Option<&str> {
        Some(&self.plugin)
    }

    fn resolve(&mut self, base: &Path) {
        self.initial_state.iter_mut().for_each(|initial| initial.resolve(base));
    }

    fn open(&self, opening: &Opening<'_>) -> Result<Opened, OperatorError> {
        let millis = |period: Period| i64::try_from(period.0.as_millis()).unwrap_or(i64::MAX);
        let calls = Calls::Touched { timeout: self.timeout.map(millis) };
        open(opening, &self.key, calls, self.initial_state.as_ref())
    }
}

/// Which keys the plugin is called for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Calls {
    /// All that are known or have values.
    EveryKey,
    /// Those that have values, or had none for longer than so many milliseconds.
    Touched { timeout: Option<i64> },
}

fn open(
    opening: &Opening<'_>,
    key: &[String],
    calls: Calls,
    initial: Option<&InitialState>,
) -> Result<Opened, OperatorError> {
    let plan = SidesPlan::new(opening.inputs, &[key])?;
    let plugin = plugin_of(opening)?;
    let key_schema: SchemaRef = Arc::new(Schema::new(plan.key.clone()));
    let value_schema =
        plan.sides.first().map_or_else(|| Arc::new(Schema::empty()), |side| Arc::clone(&side.schema));
    let updater = plugin.updater(opening.stream, &key_schema, &value_schema)?;
    let (state, output) = (Arc::clone(updater.state()), Arc::clone(updater.output()));
    if calls == Calls::EveryKey && !output.fields().is_empty() {
        let problem = "the plugin puts out rows of its own, and this operator puts out states; use `op = \"map_with_state\"`";
        return Err(OperatorError::Option { key: "plugin", problem: problem.to_owned() });
    }
    let watches = matches!(calls, Calls::Touched { timeout: Some(_) });
    let what =
        |state: &SchemaRef| format!("for each key ({}) a state ({})", describe(&key_schema), describe(state));
    let (tables, migration) = match opening.kept::<KeyedTable>() {
        None => (Arc::new(Kept::try_new(opening.partitions, || KeyedTable::new(&state, watches))?), None),
        Some(tables) => {
            let before =
                tables.with(0, |table| Arc::clone(table.schema())).unwrap_or_else(|| Arc::clone(&state));
            // Of a key with other columns there is nothing to carry over.
            let is_same_key = opening.kept.is_some_and(|kept| kept.what == what(&before));
            match plugin.migrator(opening.stream, &key_schema, &value_schema)? {
                Some(migrator) if before != state && is_same_key => {
                    let (migration, successors) = Migration::begin(tables, &state, migrator)?;
                    (successors, Some(Arc::new(migration)))
                }
                _ => (tables, None),
            }
        }
    };
    let keeping = Keeping {
        what: what(&state),
        needs_every_batch: calls == Calls::EveryKey,
        state: Arc::clone(&tables) as Arc<dyn KeptState>,
        migration,
    };
    let snapshot = plan.output(state.fields().iter().cloned())?;
    let kept = Arc::new(KeptStates { key: plan.key.clone(), schema: Arc::clone(&snapshot), tables });
    // One that is opened once more has them.
    if let Some(initial) = initial.filter(|_| opening.kept.is_none()) {
        initial.load(&kept, opening.partitions)?;
    }
    let schema = match calls {
        Calls::EveryKey => snapshot,
        Calls::Touched { .. } => plan.output(output.fields().iter().cloned())?,
    };
    let exchange = Exchange::ByKeyGroup(plan.keys());
    let factory = UpdateFactory {
        plan,
        plugin: Arc::clone(plugin),
        stream: opening.stream.to_owned(),
        key_schema,
        value_schema,
        schema: Arc::clone(&schema),
        calls,
        kept: Arc::clone(&kept),
        blame: Arc::new(Blame::new(opening.tolerance, opening.stream, plugin.as_ref())),
    };
    let wide = Wide { keeping: Some(keeping), ..Wide::exchange(exchange, Some(Arc::new(factory))) };
    Ok(Opened { shape: Shape::Wide(wide), state: Some(kept), keeps: true, ..Opened::new(opening, schema) })
}

struct UpdateFactory {
    plan: SidesPlan,
    plugin: Arc<dyn Plugin>,
    stream: String,
    key_schema: SchemaRef,
    value_schema: SchemaRef,
    schema: SchemaRef,
    calls: Calls,
    kept: Arc<KeptStates>,
    blame: Arc<Blame>,
}

impl Factory for UpdateFactory {
    fn make(&self) -> Result<Box<dyn Process>, OperatorError> {
        let fields: Fields =
            self.key_schema.fields().iter().chain(self.value_schema.fields()).cloned().collect();
        Ok(Box::new(Updating {
            sides: Sides::new(&self.plan)?,
            encoder: KeyEncoder::new(&self.plan.key)?,
            updater: self.plugin.updater(&self.stream, &self.key_schema, &self.value_schema)?,
            key_schema: Arc::clone(&self.key_schema),
            value_schema: Arc::clone(&self.value_schema),
            letter_schema: Arc::new(Schema::new(fields)),
            schema: Arc::clone(&self.schema),
            calls: self.calls,
            kept: Arc::clone(&self.kept),
            blame: Arc::clone(&self.blame),
        }))
    }
}

struct Updating {
    sides: Sides,
    encoder: KeyEncoder,
    updater: Box<dyn Updater>,
    key_schema: SchemaRef,
    value_schema: SchemaRef,
    /// Key columns, then values.
    letter_schema: SchemaRef,
    schema: SchemaRef,
    calls: Calls,
    kept: Arc<KeptStates>,
    blame: Arc<Blame>,
}

/// The keys of a batch that the plugin is called for, as they are before it.
struct Due {
    offsets: Vec<i32>,
    data: Vec<u8>,
    /// Where the table has them.
    slots: Vec<Option<u32>>,
    input: UpdateInput,
}

impl Process for Updating {
    fn process(&mut self, block: &RecordBatch, task: &TaskInfo, _: &mut Output) -> Result<(), OperatorError> {
        self.sides.add(task.input, block)
    }

    fn finish(&mut self, task: &TaskInfo, out: &mut Output) -> Result<(), OperatorError> {
        let kept = Arc::clone(&self.kept);
        let done = kept.tables.with(task.partition, |table| {
            table.begin(task.time)?;
            match self.due(table, task)? {
                Some(due) => self.update(table, &due, 0..due.input.keys.num_rows(), task, out),
                None => Ok(()),
            }
        });
        done.unwrap_or(Ok(()))
    }
}

impl Updating {
    /// The keys that the plugin is called for: first those with values, in order, and then the others.
    fn due(&mut self, table: &mut KeyedTable, task: &TaskInfo) -> Result<Option<Due>, OperatorError> {
        let (mut offsets, mut data, mut ends, values) = match self.sides.take_encoded()? {
            // Every key of a lone input has values, so its ends are those of all keys.
            Some(Encoded { offsets, data, rows }) => (offsets, data, rows.ends, rows.values),
            None => (vec![0], Vec::new(), Vec::new(), RecordBatch::new_empty(Arc::clone(&self.value_schema))),
        };
        let mut slots = table.find(&offsets, &data);
        let num_touched = slots.len();
        let mut others = match self.calls {
            Calls::EveryKey => table.all(),
            Calls::Touched { timeout: Some(timeout) } => {
                table.idle_since(task.time.millis().saturating_sub(timeout))
            }
            Calls::Touched { timeout: None } => Vec::new(),
        };
        leave_out(&mut others, &slots);
        let (more, more_data) = table.keys(others.iter().copied());
        let start = offsets.last().copied().unwrap_or(0);
        offsets.extend(more.iter().skip(1).map(|offset| offset.saturating_add(start)));
        data.extend(more_data);
        slots.extend(others.into_iter().map(Some));
        if slots.is_empty() {
            return Ok(None);
        }
        ends.resize(slots.len(), ends.last().copied().unwrap_or(0));
        let keys = self.encoder.decode(offsets.clone(), data.clone())?;
        let is_timeout = matches!(self.calls, Calls::Touched { .. });
        let input = UpdateInput {
            keys: RecordBatch::try_new(Arc::clone(&self.key_schema), keys)?,
            ends,
            values,
            states: table.states(&slots)?,
            known: slots.iter().map(Option::is_some).collect(),
            timed_out: (0..slots.len()).map(|row| is_timeout && row >= num_touched).collect(),
        };
        Ok(Some(Due { offsets, data, slots, input }))
    }

    /// Updates some of the keys that are due.
    fn update(
        &mut self,
        table: &mut KeyedTable,
        due: &Due,
        keys: Range<usize>,
        task: &TaskInfo,
        out: &mut Output,
    ) -> Result<(), OperatorError> {
        if keys.is_empty() {
            return Ok(());
        }
        let input = due.slice(&keys);
        let middle = keys.start + keys.len() / 2;
        let is_large = keys.len() > MAX_CALL_KEYS || input_bytes(&input) > self.updater.max_input().0;
        if is_large && keys.len() > 1 {
            self.update(table, due, keys.start..middle, task, out)?;
            return self.update(table, due, middle..keys.end, task, out);
        }
        let blame = Arc::clone(&self.blame);
        match self.call(task, &input) {
            Ok(updated) => return self.put_out(table, due, &keys, &input, updated, task, out),
            // The instance may have failed over what it did before.
            Err(error) => drop(blame.pardon(task.time, error)?),
        }
        let cause = match self.call_anew(task, &input) {
            Ok(updated) => return self.put_out(table, due, &keys, &input, updated, task, out),
            Err(error) => blame.pardon(task.time, error)?,
        };
        self.call_anew(task, &due.slice(&(0..0))).map_err(OperatorError::FailsWithoutRows)?;
        let poison = blame.search(task.time, keys.clone(), cause, &mut |keys| {
            self.call_anew(task, &due.slice(&keys)).map(drop)
        })?;
        if poison.is_empty() {
            // Its keys fail only in company.
            self.update(table, due, keys.start..middle, task, out)?;
            return self.update(table, due, middle..keys.end, task, out);
        }
        let mut start = keys.start;
        for (key, cause) in poison {
            self.update(table, due, start..key, task, out)?;
            self.set_aside(table, due, key, &cause, task, out)?;
            start = key + 1;
        }
        self.update(table, due, start..keys.end, task, out)
    }

    fn call(&mut self, task: &TaskInfo, input: &UpdateInput) -> Result<Updated, PluginError> {
        self.updater.update(&Call { time: task.time, partition: task.partition }, input)
    }

    fn call_anew(&mut self, task: &TaskInfo, input: &UpdateInput) -> Result<Updated, PluginError> {
        self.updater.renew();
        self.call(task, input)
    }

    #[allow(clippy::too_many_arguments, reason = "all that one call is about")]
    fn put_out(
        &self,
        table: &mut KeyedTable,
        due: &Due,
        keys: &Range<usize>,
        input: &UpdateInput,
        updated: Updated,
        task: &TaskInfo,
        out: &mut Output,
    ) -> Result<(), OperatorError> {
        // A key that timed out is gone, whatever the plugin says.
        let kept: Vec<bool> =
            updated.kept.iter().zip(&input.timed_out).map(|(kept, timed_out)| *kept && !timed_out).collect();
        let (found, slots) = (due.bytes(keys), due.slots(keys));
        table.update(found, slots, &input.states, &updated.states, &kept, task.time)?;
        let (rows, of) = match self.calls {
            Calls::EveryKey => {
                let of: Vec<u32> =
                    (0_u32..).zip(&kept).filter(|(_, kept)| **kept).map(|(row, _)| row).collect();
                (of_rows(updated.states.columns(), &of)?, of)
            }
            Calls::Touched { .. } => (updated.output.rows.columns().to_vec(), updated.output.origins),
        };
        if !of.is_empty() {
            let mut columns = of_rows(input.keys.columns(), &of)?;
            columns.extend(rows);
            out.blocks.push(RecordBatch::try_new(Arc::clone(&self.schema), columns)?);
        }
        Ok(())
    }

    /// Makes dead letters of the values of key `key`. Its state stays as it is, unless it timed out.
    fn set_aside(
        &self,
        table: &mut KeyedTable,
        due: &Due,
        key: usize,
        cause: &Cause,
        task: &TaskInfo,
        out: &mut Output,
    ) -> Result<(), OperatorError> {
        let input = due.slice(&(key..key + 1));
        let rows = if input.values.num_rows() == 0 {
            json_rows(&input.keys)?
        } else {
            let mut columns = of_rows(input.keys.columns(), &vec![0; input.values.num_rows()])?;
            columns.extend(input.values.columns().iter().cloned());
            json_rows(&RecordBatch::try_new(Arc::clone(&self.letter_schema), columns)?)?
        };
        out.dead.extend(rows.into_iter().map(|row| self.blame.letter(cause.clone(), row)));
        if input.timed_out == [true] {
            let (found, slots) = (due.bytes(&(key..key + 1)), due.slots(&(key..key + 1)));
            table.update(found, slots, &input.states, &input.states, &[false], task.time)?;
        }
        Ok(())
    }
}

impl Due {
    /// Some of the keys as bytes: their offsets, in the bytes of all keys.
    fn bytes(&self, keys: &Range<usize>) -> (&[i32], &[u8]) {
        (self.offsets.get(keys.start..=keys.end).unwrap_or_default(), &self.data)
    }

    /// The slots of some of the keys.
    fn slots(&self, keys: &Range<usize>) -> &[Option<u32>] {
        self.slots.get(keys.clone()).unwrap_or_default()
    }

    /// Some of the keys.
    fn slice(&self, keys: &Range<usize>) -> UpdateInput {
        let input = &self.input;
        let end_of = |place: usize| {
            place.checked_sub(1).and_then(|last| input.ends.get(last)).map_or(0, |end| *end as usize)
        };
        let (start, end) = (end_of(keys.start), end_of(keys.end));
        let border = u32::try_from(start).unwrap_or(u32::MAX);
        let ends = input.ends.get(keys.clone()).unwrap_or_default();
        UpdateInput {
            keys: input.keys.slice(keys.start, keys.len()),
            ends: ends.iter().map(|end| end.saturating_sub(border)).collect(),
            values: input.values.slice(start, end.saturating_sub(start)),
            states: input.states.slice(keys.start, keys.len()),
            known: input.known.get(keys.clone()).unwrap_or_default().to_vec(),
            timed_out: input.timed_out.get(keys.clone()).unwrap_or_default().to_vec(),
        }
    }
}

/// Takes the slots `known` out of `others`, which ascend.
fn leave_out(others: &mut Vec<u32>, known: &[Option<u32>]) {
    if others.is_empty() {
        return;
    }
    let mut known: Vec<u32> = known.iter().flatten().copied().collect();
    known.sort_unstable();
    let mut known = known.into_iter().peekable();
    others.retain(|&slot| {
        while known.next_if(|&known| known < slot).is_some() {}
        known.peek() != Some(&slot)
    });
}

fn input_bytes(input: &UpdateInput) -> u64 {
    [&input.keys, &input.values, &input.states].map(|batch| call_bytes(batch.columns())).iter().sum()
}
