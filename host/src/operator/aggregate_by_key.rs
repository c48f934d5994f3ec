//! `aggregate_by_key`: the rows of each key become one of other columns, through an accumulator of a plugin's.

use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Fields, SchemaRef};
use serde::Deserialize;

use super::combine::{Combining, values_of};
use super::combiner::CombinePlugin;
use super::poison::Blame;
use super::set_aside::with_key;
use super::window::windowed;
use super::{
    Exchange, Factory, Opened, Opening, Operator, OperatorError, Output, Process, Shape, TaskInfo, Wide,
    WindowSpec, key_columns, plugin_of,
};
use crate::plugin::{Aggregator, Call, Plugin, PluginError, Reducer, call_bytes};
use crate::record::{Bytes, describe, json_rows};

/// The options of `aggregate_by_key`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AggregateByKey {
    /// The plugin, by its name in the manifest.
    pub plugin: String,
    /// The columns that make the key.
    pub key: Vec<String>,
    /// What it aggregates over, where that is more than a batch.
    pub window: Option<WindowSpec>,
}

impl Operator for AggregateByKey {
    fn kind(&self) -> &'static str {
        "aggregate_by_key"
    }

    fn plugin(&self) -> Option<&str> {
        Some(&self.plugin)
    }

    fn open(&self, opening: &Opening<'_>) -> Result<Opened, OperatorError> {
        let input = opening.input()?;
        let key = key_columns(&self.key, input)?;
        let num_key_columns = key.len();
        let key_fields: Fields =
            key.iter().filter_map(|&column| input.fields().get(column).cloned()).collect();
        let values = values_of(input, &key)?;
        let plugin = Arc::clone(plugin_of(opening)?);
        let output = Arc::clone(plugin.aggregator(opening.stream, &values)?.output());
        let stream = opening.stream.to_owned();
        let aggregating = Arc::new(Aggregating { plugin: Arc::clone(&plugin), stream: stream.clone() });
        let Combining { before, after, again } = Combining::open(opening, key, aggregating)?;
        let accumulators = describe(&after.output());
        let schema = with_key(&key_fields, &output);
        let blame = Arc::new(Blame::new(opening.tolerance, &stream, plugin.as_ref()));
        let finishing = |inner: Arc<dyn Factory>| -> Arc<dyn Factory> {
            Arc::new(FinishFactory {
                inner,
                plugin: Arc::clone(&plugin),
                stream: stream.clone(),
                values: Arc::clone(&values),
                schema: Arc::clone(&schema),
                num_key_columns,
                blame: Arc::clone(&blame),
            })
        };
        let exchange = Exchange::ByKey((0..num_key_columns).collect());
        let Some(window) = self.window else {
            let wide = Wide { before: Some(before), ..Wide::exchange(exchange, Some(finishing(after))) };
            return Ok(Opened { shape: Shape::Wide(wide), ..Opened::new(opening, schema) });
        };
        let window = window.resolve(opening)?;
        let mut wide = windowed(opening, window, Some(before), exchange, after, again);
        wide.after = wide.after.map(finishing);
        if let Some(keeping) = &mut wide.keeping {
            keeping.what.push_str(&format!(", as accumulators ({accumulators})"));
        }
        let (shape, every) = (Shape::Wide(wide), window.pace());
        Ok(Opened { shape, every, keeps: true, ..Opened::new(opening, schema) })
    }
}

/// A plugin that aggregates, as combining sees it.
struct Aggregating {
    plugin: Arc<dyn Plugin>,
    stream: String,
}

impl CombinePlugin for Aggregating {
    fn combined(&self, values: &SchemaRef) -> Result<SchemaRef, OperatorError> {
        Ok(Arc::clone(self.plugin.aggregator(&self.stream, values)?.accumulator()))
    }

    fn first(&self, values: &SchemaRef) -> Result<Box<dyn Reducer>, OperatorError> {
        let aggregator = self.plugin.aggregator(&self.stream, values)?;
        Ok(Box::new(Step { aggregator, takes: Takes::Values }))
    }

    fn again(&self, values: &SchemaRef) -> Result<Option<Box<dyn Reducer>>, OperatorError> {
        let aggregator = self.plugin.aggregator(&self.stream, values)?;
        Ok(Some(Box::new(Step { aggregator, takes: Takes::Accumulators })))
    }
}

/// One of the two ways in which an aggregation reduces.
struct Step {
    aggregator: Box<dyn Aggregator>,
    takes: Takes,
}

/// What is reduced.
#[derive(Clone, Copy)]
enum Takes {
    /// Values, to accumulators.
    Values,
    /// Accumulators, to fewer.
    Accumulators,
}

impl Reducer for Step {
    fn max_input(&self) -> Bytes {
        self.aggregator.max_input()
    }

    fn renew(&mut self) {
        self.aggregator.renew();
    }

    fn reduce(
        &mut self,
        call: &Call,
        ends: &[u32],
        values: &RecordBatch,
    ) -> Result<RecordBatch, PluginError> {
        match self.takes {
            Takes::Values => self.aggregator.accumulate(call, ends, values),
            Takes::Accumulators => self.aggregator.merge(call, ends, values),
        }
    }
}

/// Makes rows of the accumulators that another factory's work puts out.
struct FinishFactory {
    inner: Arc<dyn Factory>,
    plugin: Arc<dyn Plugin>,
    stream: String,
    values: SchemaRef,
    schema: SchemaRef,
    num_key_columns: usize,
    blame: Arc<Blame>,
}

impl Factory for FinishFactory {
    fn make(&self) -> Result<Box<dyn Process>, OperatorError> {
        Ok(Box::new(Finishing {
            inner: self.inner.make()?,
            aggregator: self.plugin.aggregator(&self.stream, &self.values)?,
            schema: Arc::clone(&self.schema),
            num_key_columns: self.num_key_columns,
            blame: Arc::clone(&self.blame),
        }))
    }
}

struct Finishing {
    inner: Box<dyn Process>,
    aggregator: Box<dyn Aggregator>,
    schema: SchemaRef,
    num_key_columns: usize,
    blame: Arc<Blame>,
}

impl Process for Finishing {
    fn process(
        &mut self,
        block: &RecordBatch,
        task: &TaskInfo,
        out: &mut Output,
    ) -> Result<(), OperatorError> {
        self.inner.process(block, task, out)
    }

    fn finish(&mut self, task: &TaskInfo, out: &mut Output) -> Result<(), OperatorError> {
        self.inner.finish(task, out)?;
        for block in std::mem::take(&mut out.blocks) {
            self.finish_block(&block, task, out)?;
        }
        Ok(())
    }
}

impl Finishing {
    fn finish_block(
        &mut self,
        block: &RecordBatch,
        task: &TaskInfo,
        out: &mut Output,
    ) -> Result<(), OperatorError> {
        let accumulators = self.accumulators(block)?;
        if block.num_rows() > 1 && call_bytes(accumulators.columns()) > self.aggregator.max_input().0 {
            return self.halve(block, task, out);
        }
        match self.call(&accumulators, task) {
            Ok(rows) => self.put_out(block, &rows, out),
            Err(error) => self.recover(block, &accumulators, error, task, out),
        }
    }

    /// The columns behind the key.
    fn accumulators(&self, block: &RecordBatch) -> Result<RecordBatch, OperatorError> {
        let columns: Vec<usize> = (self.num_key_columns..block.num_columns()).collect();
        Ok(block.project(&columns)?)
    }

    fn call(&mut self, accumulators: &RecordBatch, task: &TaskInfo) -> Result<RecordBatch, PluginError> {
        self.aggregator.finish(&Call { time: task.time, partition: task.partition }, accumulators)
    }

    fn call_anew(&mut self, accumulators: &RecordBatch, task: &TaskInfo) -> Result<RecordBatch, PluginError> {
        self.aggregator.renew();
        self.call(accumulators, task)
    }

    /// Puts out the keys of `block`, each with its row of `rows`.
    fn put_out(
        &self,
        block: &RecordBatch,
        rows: &RecordBatch,
        out: &mut Output,
    ) -> Result<(), OperatorError> {
        let keys = block.columns().get(..self.num_key_columns).unwrap_or_default();
        let columns = keys.iter().chain(rows.columns()).cloned().collect();
        out.blocks.push(RecordBatch::try_new(Arc::clone(&self.schema), columns)?);
        Ok(())
    }

    /// Sets aside the accumulators that fail alone, and finishes the others.
    fn recover(
        &mut self,
        block: &RecordBatch,
        accumulators: &RecordBatch,
        error: PluginError,
        task: &TaskInfo,
        out: &mut Output,
    ) -> Result<(), OperatorError> {
        let blame = Arc::clone(&self.blame);
        blame.pardon(task.time, error)?;
        // The instance may have failed over what it did before.
        let cause = match self.call_anew(accumulators, task) {
            Ok(rows) => return self.put_out(block, &rows, out),
            Err(error) => blame.pardon(task.time, error)?,
        };
        self.call_anew(&accumulators.slice(0, 0), task).map_err(OperatorError::FailsWithoutRows)?;
        let poison = blame.search(task.time, 0..block.num_rows(), cause, &mut |rows| {
            self.call_anew(&accumulators.slice(rows.start, rows.len()), task).map(drop)
        })?;
        if poison.is_empty() {
            // They fail only in company.
            return self.halve(block, task, out);
        }
        let mut is_good = vec![true; block.num_rows()];
        for (row, cause) in poison {
            is_good.get_mut(row).into_iter().for_each(|good| *good = false);
            let rows = json_rows(&block.slice(row, 1))?;
            out.dead.extend(rows.into_iter().map(|row| blame.letter(cause.clone(), row)));
        }
        let rest = filter_record_batch(block, &BooleanArray::from(is_good))?;
        if rest.num_rows() == 0 { Ok(()) } else { self.finish_block(&rest, task, out) }
    }

    /// Finishes the first half of `block`, and the second.
    fn halve(&mut self, block: &RecordBatch, task: &TaskInfo, out: &mut Output) -> Result<(), OperatorError> {
        let middle = block.num_rows() / 2;
        self.finish_block(&block.slice(0, middle), task, out)?;
        self.finish_block(&block.slice(middle, block.num_rows() - middle), task, out)
    }
}
