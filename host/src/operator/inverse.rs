//! Taking values back out of what was combined: a plugin's inverse, and that of counting.
//!
//! Totals come in, a row a key, with the values that leave each; out come the totals without them. Keys on which a
//! plugin's inverse fails are left out, and counted as elsewhere: whoever asks has another way to their totals.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{AsArray, Int64Array, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{Int64Type, SchemaRef};

use super::poison::Blame;
use super::sorted::Sorted;
use super::transform::bytes_of;
use super::{Opening, OperatorError, TaskInfo, WindowSpec, plugin_of};
use crate::plugin::{Call, Inverter, Plugin, PluginError};

/// The most rows of one call; more don't make it faster.
const MAX_CALL_ROWS: usize = 128 * 1024;

/// Makes what takes values out, once for each worker.
pub(super) trait Inverse: Send + Sync {
    fn make(&self) -> Result<Box<dyn Subtract>, OperatorError>;
}

/// Takes values out of totals.
pub(super) trait Subtract: Send {
    /// Takes the values of each key of `leaving` out of its row of `totals`.
    fn subtract(
        &mut self,
        task: &TaskInfo,
        totals: &RecordBatch,
        leaving: &Sorted,
    ) -> Result<Rest, OperatorError>;
}

/// What is left of totals.
pub(super) struct Rest {
    /// The places of the keys of which something can be said, ascending.
    pub(super) places: Vec<usize>,
    /// A row for each of these.
    pub(super) totals: RecordBatch,
}

/// The inverse of the reduction that the plugin of `opening` is, over values with the columns `values`. `wanted` is the
/// option `inverse`: by default, one that is there is used.
pub(super) fn plugin_inverse(
    opening: &Opening<'_>,
    values: &SchemaRef,
    window: Option<WindowSpec>,
    wanted: Option<bool>,
) -> Result<Option<Arc<dyn Inverse>>, OperatorError> {
    let wrong = |problem: &str| OperatorError::Option { key: "inverse", problem: problem.to_owned() };
    match (wanted, window) {
        (Some(_), None) => {
            return Err(wrong("an inverse is for windows; give `window`, or leave `inverse` out"));
        }
        (None, None) | (Some(false), _) => return Ok(None),
        (None | Some(true), Some(_)) => {}
    }
    let plugin = Arc::clone(plugin_of(opening)?);
    let stream = opening.stream.to_owned();
    match (plugin.inverter(&stream, values)?, wanted) {
        (None, Some(_)) => {
            Err(wrong("the plugin has none; leave `inverse` out, or use a plugin that has one"))
        }
        (None, None) => Ok(None),
        (Some(_), _) => {
            let blame = Arc::new(Blame::new(opening.tolerance, &stream, plugin.as_ref()));
            Ok(Some(Arc::new(PluginInverse { plugin, stream, values: Arc::clone(values), blame })))
        }
    }
}

struct PluginInverse {
    plugin: Arc<dyn Plugin>,
    stream: String,
    values: SchemaRef,
    blame: Arc<Blame>,
}

impl Inverse for PluginInverse {
    fn make(&self) -> Result<Box<dyn Subtract>, OperatorError> {
        let inverter = self.plugin.inverter(&self.stream, &self.values)?;
        let none = || self.plugin.is_another(&self.stream, "inverse");
        Ok(Box::new(Inverting { inverter: inverter.ok_or_else(none)?, blame: Arc::clone(&self.blame) }))
    }
}

struct Inverting {
    inverter: Box<dyn Inverter>,
    blame: Arc<Blame>,
}

/// What is to be taken out, and what was.
struct Work<'a> {
    totals: &'a RecordBatch,
    leaving: &'a Sorted,
    places: Vec<usize>,
    done: Vec<RecordBatch>,
}

impl Subtract for Inverting {
    fn subtract(
        &mut self,
        task: &TaskInfo,
        totals: &RecordBatch,
        leaving: &Sorted,
    ) -> Result<Rest, OperatorError> {
        let mut work = Work { totals, leaving, places: Vec::new(), done: Vec::new() };
        self.subtract_from(task, 0..leaving.keys.len(), &mut work)?;
        Ok(Rest { places: work.places, totals: concat_batches(&totals.schema(), &work.done)? })
    }
}

impl Inverting {
    fn subtract_from(
        &mut self,
        task: &TaskInfo,
        keys: Range<usize>,
        work: &mut Work<'_>,
    ) -> Result<(), OperatorError> {
        if keys.is_empty() {
            return Ok(());
        }
        let middle = keys.start + keys.len() / 2;
        let (totals, leaving) = work.of(&keys);
        let bytes = bytes_of(totals.columns()) + bytes_of(leaving.values.columns());
        let is_large = bytes > self.inverter.max_input().0;
        match keys.len() {
            // It doesn't fit into a call.
            1 if is_large => return Ok(()),
            1 => {}
            _ if is_large || leaving.values.num_rows() > MAX_CALL_ROWS => {
                self.subtract_from(task, keys.start..middle, work)?;
                return self.subtract_from(task, middle..keys.end, work);
            }
            _ => {}
        }
        let blame = Arc::clone(&self.blame);
        match self.call(task, work, &keys) {
            Ok(rest) => {
                work.add(keys, rest);
                return Ok(());
            }
            // The instance may have failed over what it did before.
            Err(error) => drop(blame.pardon(task.time, error)?),
        }
        let cause = match self.call_anew(task, work, &keys) {
            Ok(rest) => {
                work.add(keys, rest);
                return Ok(());
            }
            Err(error) => blame.pardon(task.time, error)?,
        };
        self.call_anew(task, work, &(0..0)).map_err(OperatorError::FailsWithoutRows)?;
        let poison = blame.search(task.time, keys.clone(), cause, &mut |keys| {
            self.call_anew(task, work, &keys).map(drop)
        })?;
        if poison.is_empty() {
            // Its keys fail only in company.
            self.subtract_from(task, keys.start..middle, work)?;
            return self.subtract_from(task, middle..keys.end, work);
        }
        let mut start = keys.start;
        for (key, _) in poison {
            self.subtract_from(task, start..key, work)?;
            start = key + 1;
        }
        self.subtract_from(task, start..keys.end, work)
    }

    fn call(
        &mut self,
        task: &TaskInfo,
        work: &Work<'_>,
        keys: &Range<usize>,
    ) -> Result<RecordBatch, PluginError> {
        let (totals, leaving) = work.of(keys);
        let call = Call { time: task.time, partition: task.partition };
        self.inverter.subtract(&call, &totals, &leaving.ends, &leaving.values)
    }

    fn call_anew(
        &mut self,
        task: &TaskInfo,
        work: &Work<'_>,
        keys: &Range<usize>,
    ) -> Result<RecordBatch, PluginError> {
        self.inverter.renew();
        self.call(task, work, keys)
    }
}

impl Work<'_> {
    /// Some of the keys.
    fn of(&self, keys: &Range<usize>) -> (RecordBatch, Sorted) {
        (self.totals.slice(keys.start, keys.len()), self.leaving.of_keys(keys.clone()))
    }

    fn add(&mut self, keys: Range<usize>, rest: RecordBatch) {
        self.places.extend(keys);
        self.done.push(rest);
    }
}

/// The inverse of counting: totals and values are a column of counts.
pub(super) struct CountInverse;

impl Inverse for CountInverse {
    fn make(&self) -> Result<Box<dyn Subtract>, OperatorError> {
        Ok(Box::new(Self))
    }
}

impl Subtract for CountInverse {
    fn subtract(
        &mut self,
        _: &TaskInfo,
        totals: &RecordBatch,
        leaving: &Sorted,
    ) -> Result<Rest, OperatorError> {
        let counts = |rows: &RecordBatch| rows.column(0).as_primitive::<Int64Type>().values().clone();
        let (before, values) = (counts(totals), counts(&leaving.values));
        let mut start = 0;
        let rest = before.iter().zip(&leaving.ends).map(|(total, &end)| {
            let rows = start..end as usize;
            start = end as usize;
            total - values.get(rows).unwrap_or_default().iter().sum::<i64>()
        });
        let rest = Arc::new(Int64Array::from_iter_values(rest));
        let rest = RecordBatch::try_new(totals.schema(), vec![rest])?;
        Ok(Rest { places: (0..leaving.keys.len()).collect(), totals: rest })
    }
}
