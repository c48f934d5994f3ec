//! Grouping rows by key and combining the values of each key with a plugin.
//!
//! Blocks come in; per partition one row a key comes out: the key columns, then the values, in the order in
//! which keys first appeared. Rows wait until they are enough, are sorted by key, and are combined while they are
//! in the cache; what comes back waits to be combined with its like. So each key's values reach the plugin in
//! arrival order, cut into calls in a way that follows from the rows alone. A key that the plugin fails on is set
//! aside with all its rows, here and behind the exchange.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{Fields, SchemaRef};
use hashbrown::HashSet;

use super::combiner::CombinePlugin;
use super::poison::{Blame, Cause};
use super::set_aside::{SetAside, with_key};
use super::sorted::{Sorted, Waiting, of_rows};
use super::transform::bytes_of;
use super::{Factory, Opening, OperatorError, Output, Process, TaskInfo, plugin_of};
use crate::partition::{Groups, KeyEncoder};
use crate::plugin::{Call, PluginError, PluginFailure, Reducer};
use crate::record::DeadLetterKind;

/// How many rows are sorted and combined together: so many that most keys come several times, so few that they
/// stay in the cache.
const ENOUGH_ROWS: usize = 128 * 1024;
/// How many combined rows may wait to be combined with one another.
const MAX_COMBINED_ROWS: usize = 1024 * 1024;
/// The most rows of one call: so many that what a call costs doesn't show, so few that what the guest makes of them stays
/// in the cache of a core.
const MAX_CALL_ROWS: usize = 32 * 1024;

/// Combining before an exchange, after it, and after that.
pub(super) struct Combining {
    /// On rows as they come: key columns and values in any order.
    pub(super) before: Arc<CombineFactory>,
    /// On what `before` puts out.
    pub(super) after: Arc<CombineFactory>,
    /// On what `after` puts out in several batches.
    pub(super) again: Arc<CombineFactory>,
}

/// Where combining stands, which says how far it goes that a key is set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stand {
    /// Before an exchange: the key is set aside behind it too.
    Before,
    /// Behind it.
    After,
    /// On its own.
    Alone,
}

impl Combining {
    /// For the input of `opening`, by the columns `key`; all other columns are values. Opens the plugin, to see that
    /// it accepts them.
    pub(super) fn open(
        opening: &Opening<'_>,
        key: Vec<usize>,
        plugin: Arc<dyn CombinePlugin>,
    ) -> Result<Self, OperatorError> {
        let id = plugin_of(opening)?;
        let blame = Arc::new(Blame::new(opening.tolerance, opening.stream, id.as_ref()));
        let num_key_columns = key.len();
        let input = opening.input()?;
        let values = values_of(input, &key)?;
        let combined = plugin.combined(&values)?;
        let factory = |input: &SchemaRef,
                       key: Vec<usize>,
                       stand|
         -> Result<Arc<CombineFactory>, OperatorError> {
            Ok(Arc::new(CombineFactory {
                value_schema: values_of(input, &key)?,
                values: (0..input.fields().len()).filter(|column| !key.contains(column)).collect(),
                key_fields: key.iter().filter_map(|&column| input.fields().get(column).cloned()).collect(),
                key,
                plugin: Arc::clone(&plugin),
                plugin_name: id.id().name.clone(),
                stream: opening.stream.to_owned(),
                first_values: Arc::clone(&values),
                combined: Arc::clone(&combined),
                blame: Arc::clone(&blame),
                stand,
            }))
        };
        let before: Arc<CombineFactory> = factory(input, key, Stand::Before)?;
        let output = before.output();
        let rest =
            |stand| -> Result<_, OperatorError> { factory(&output, (0..num_key_columns).collect(), stand) };
        Ok(Self { after: rest(Stand::After)?, again: rest(Stand::Alone)?, before })
    }
}

/// The schema of the columns of `input` that aren't in `key`.
pub(super) fn values_of(input: &SchemaRef, key: &[usize]) -> Result<SchemaRef, OperatorError> {
    let values: Vec<_> = (0..input.fields().len()).filter(|column| !key.contains(column)).collect();
    Ok(Arc::new(input.project(&values)?))
}

/// Makes the combining of one operator on one side of an exchange.
pub(super) struct CombineFactory {
    plugin: Arc<dyn CombinePlugin>,
    plugin_name: String,
    stream: String,
    key: Vec<usize>,
    values: Vec<usize>,
    key_fields: Fields,
    /// The columns of values as they come in.
    value_schema: SchemaRef,
    /// The columns of values before anything was combined.
    first_values: SchemaRef,
    /// The columns of values that are combined.
    combined: SchemaRef,
    blame: Arc<Blame>,
    stand: Stand,
}

impl CombineFactory {
    /// The key columns, then the combined values.
    pub(super) fn output(&self) -> SchemaRef {
        with_key(&self.key_fields, &self.combined)
    }
}

impl Factory for CombineFactory {
    fn make(&self) -> Result<Box<dyn Process>, OperatorError> {
        let again = self.plugin.again(&self.first_values)?;
        let (reducer, merger) = match (self.stand, again) {
            (Stand::Before, again) => (self.plugin.first(&self.first_values)?, again),
            (_, Some(again)) => (again, None),
            (_, None) => (self.plugin.first(&self.first_values)?, None),
        };
        Ok(Box::new(Combine {
            key_fields: self.key_fields.clone(),
            key: self.key.clone(),
            values: self.values.clone(),
            output: self.output(),
            encoder: KeyEncoder::new(&self.key_fields)?,
            groups: Groups::default(),
            fresh: Waiting::new(Arc::clone(&self.value_schema)),
            combined: Waiting::new(Arc::clone(&self.combined)),
            merge_at: MAX_COMBINED_ROWS,
            reducer,
            merger,
            plugin: self.plugin_name.clone(),
            stream: self.stream.clone(),
            blame: Arc::clone(&self.blame),
            stand: self.stand,
            aside: SetAside::default(),
        }))
    }
}

/// Which rows are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Those that came in.
    First,
    /// Those that are combined already.
    Again,
}

struct Combine {
    key_fields: Fields,
    key: Vec<usize>,
    values: Vec<usize>,
    output: SchemaRef,
    encoder: KeyEncoder,
    groups: Groups,
    /// Rows as they came in. Counted in rows, so that it doesn't matter how they came in blocks.
    fresh: Waiting,
    /// Rows that are combined already, a row a key for each call that the key was in.
    combined: Waiting,
    /// How many combined rows are combined with one another.
    merge_at: usize,
    /// Combines rows as they came in.
    reducer: Box<dyn Reducer>,
    /// Combines what is combined, where that is something else.
    merger: Option<Box<dyn Reducer>>,
    plugin: String,
    stream: String,
    blame: Arc<Blame>,
    stand: Stand,
    aside: SetAside,
}

impl Process for Combine {
    fn process(&mut self, block: &RecordBatch, task: &TaskInfo, _: &mut Output) -> Result<(), OperatorError> {
        let mut start = 0;
        while start < block.num_rows() {
            let num_rows = (ENOUGH_ROWS - self.fresh.ids.len()).min(block.num_rows() - start);
            self.wait(&block.slice(start, num_rows))?;
            start += num_rows;
            if self.fresh.ids.len() == ENOUGH_ROWS {
                self.combine_fresh(task)?;
            }
            if self.combined.ids.len() >= self.merge_at {
                self.merge(task)?;
                self.merge_at = MAX_COMBINED_ROWS.max(self.groups.len() * 3);
            }
        }
        Ok(())
    }

    fn finish(&mut self, task: &TaskInfo, out: &mut Output) -> Result<(), OperatorError> {
        if self.groups.is_empty() {
            return Ok(());
        }
        if self.stand == Stand::After {
            self.heed(task);
        }
        self.combine_fresh(task)?;
        while self.combined.ids.len() > self.groups.len() - self.aside.causes.len() {
            let before = self.combined.ids.len();
            self.merge(task)?;
            if self.combined.ids.len() == before {
                self.give_up_large_keys(task)?;
            }
        }
        // With a row a key, sorting leaves them in the order of the keys.
        let values = self.combined.take_sorted(self.groups.len())?;
        self.fresh.give_back();
        self.combined.give_back();
        let aside = std::mem::take(&mut self.aside);
        let (offsets, data) = self.groups.take();
        if self.stand == Stand::Before {
            aside.mark(task, &self.blame, &offsets, &data);
        }
        let mut keys = self.encoder.decode(offsets, data)?;
        out.dead.extend(aside.letters(&keys, &self.key_fields, &self.blame)?);
        self.merge_at = MAX_COMBINED_ROWS;
        let Some(sorted) = values else { return Ok(()) };
        if !aside.causes.is_empty() {
            keys = of_rows(&keys, &sorted.keys)?;
        }
        keys.extend(sorted.values.columns().iter().cloned());
        out.blocks.push(RecordBatch::try_new(Arc::clone(&self.output), keys)?);
        Ok(())
    }
}

impl Combine {
    fn wait(&mut self, block: &RecordBatch) -> Result<(), OperatorError> {
        let key: Vec<ArrayRef> =
            self.key.iter().filter_map(|&column| block.columns().get(column).cloned()).collect();
        let keys = self.encoder.encode(&key, block.num_rows())?;
        self.groups.ids(&keys, &mut self.fresh.ids)?;
        self.fresh.blocks.push(block.project(&self.values)?);
        Ok(())
    }

    fn combine_fresh(&mut self, task: &TaskInfo) -> Result<(), OperatorError> {
        let Some(sorted) = self.fresh.take_sorted(self.groups.len())? else { return Ok(()) };
        self.combine(task, &sorted, Step::First)?;
        self.fresh.recycle(sorted);
        Ok(())
    }

    fn merge(&mut self, task: &TaskInfo) -> Result<(), OperatorError> {
        let Some(sorted) = self.combined.take_sorted(self.groups.len())? else { return Ok(()) };
        self.combine(task, &sorted, Step::Again)?;
        self.combined.recycle(sorted);
        Ok(())
    }

    /// Combines sorted rows, so that a key has one row, or one for each call that its rows were in.
    fn combine(&mut self, task: &TaskInfo, sorted: &Sorted, step: Step) -> Result<(), OperatorError> {
        let rest = match self.aside.causes.is_empty() {
            true => None,
            false => Some(self.aside.divert(sorted)?),
        };
        let sorted = rest.as_ref().unwrap_or(sorted);
        let num_rows = sorted.values.num_rows();
        if num_rows == 0 {
            return Ok(());
        }
        let max_bytes = self.reducer(step).max_input().0.max(1);
        let of_bytes = usize::try_from(bytes_of(sorted.values.columns()).div_ceil(max_bytes));
        let num_calls = num_rows.div_ceil(MAX_CALL_ROWS).max(of_bytes.unwrap_or(num_rows)).min(num_rows);
        if num_calls > 1 {
            let row = |call: usize| num_rows * call / num_calls;
            return (0..num_calls)
                .try_for_each(|call| self.combine(task, &sorted.slice(row(call)..row(call + 1)), step));
        }
        match self.call(task, sorted, step) {
            Ok(combined) => self.keep(sorted, combined),
            Err(error) => return self.recover(task, sorted, step, error),
        }
        Ok(())
    }

    fn keep(&mut self, sorted: &Sorted, combined: RecordBatch) {
        self.combined.ids.extend(&sorted.keys);
        self.combined.blocks.push(combined);
    }

    fn reducer(&mut self, step: Step) -> &mut Box<dyn Reducer> {
        match (step, &mut self.merger) {
            (Step::Again, Some(merger)) => merger,
            _ => &mut self.reducer,
        }
    }

    fn call(&mut self, task: &TaskInfo, sorted: &Sorted, step: Step) -> Result<RecordBatch, PluginError> {
        let call = Call { time: task.time, partition: task.partition };
        self.reducer(step).reduce(&call, &sorted.ends, &sorted.values)
    }

    fn call_anew(
        &mut self,
        task: &TaskInfo,
        sorted: &Sorted,
        step: Step,
    ) -> Result<RecordBatch, PluginError> {
        self.reducer(step).renew();
        self.call(task, sorted, step)
    }

    /// Sets aside the keys that fail alone, and combines the rows of the others.
    fn recover(
        &mut self,
        task: &TaskInfo,
        sorted: &Sorted,
        step: Step,
        error: PluginError,
    ) -> Result<(), OperatorError> {
        let blame = Arc::clone(&self.blame);
        blame.pardon(task.time, error)?;
        // The instance may have failed over what it did before.
        let cause = match self.call_anew(task, sorted, step) {
            Ok(combined) => {
                self.keep(sorted, combined);
                return Ok(());
            }
            Err(error) => blame.pardon(task.time, error)?,
        };
        self.call_anew(task, &sorted.of_keys(0..0), step).map_err(OperatorError::FailsWithoutRows)?;
        let num_keys = sorted.keys.len();
        let poison = blame.search(task.time, 0..num_keys, cause, &mut |keys| {
            self.call_anew(task, &sorted.of_keys(keys), step).map(drop)
        })?;
        if poison.is_empty() {
            // Its keys fail only in company.
            self.combine(task, &sorted.of_keys(0..num_keys / 2), step)?;
            return self.combine(task, &sorted.of_keys(num_keys / 2..num_keys), step);
        }
        for (place, cause) in poison {
            sorted.keys.get(place).into_iter().for_each(|&id| self.aside.add(id, cause.clone()));
        }
        self.combine(task, sorted, step)
    }

    /// Sets aside keys of which two rows don't fit into one call, so that they can never become one.
    fn give_up_large_keys(&mut self, task: &TaskInfo) -> Result<(), OperatorError> {
        let mut seen = HashSet::new();
        let repeated: Vec<u32> = self.combined.ids.iter().copied().filter(|id| !seen.insert(*id)).collect();
        let (plugin, stream) = (self.plugin.clone(), Some(self.stream.clone()));
        let failure = PluginFailure::KeyTooLarge(self.reducer.max_input());
        let cause = Cause { kind: DeadLetterKind::InvalidOutput, reason: failure.to_string() };
        self.blame.pardon(task.time, PluginError { plugin, stream, failure })?;
        for id in repeated {
            if !self.aside.causes.contains_key(&id) {
                self.blame.condemn(task.time, &cause)?;
                self.aside.add(id, cause.clone());
            }
        }
        Ok(())
    }

    /// Sets aside the keys that were set aside before the exchange.
    fn heed(&mut self, task: &TaskInfo) {
        for (key, cause) in self.blame.marked(task.time) {
            if let Some(id) = self.groups.get(&key) {
                self.aside.add(id, cause);
            }
        }
    }
}
