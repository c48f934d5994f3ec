//! `aggregate_by_key`: the rows of each key become one of other columns, through an accumulator of a plugin's.

use std::sync::Arc;

use arrow::array::RecordBatch;
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
use crate::plugin::{Aggregator, Call, Plugin, PluginError, Reducer};
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
        let (keys, accumulators) = block.columns().split_at_checked(self.num_key_columns).unwrap_or_default();
        if block.num_rows() > 1 && crate::plugin::call_bytes(accumulators) > self.aggregator.max_input().0 {
            let middle = block.num_rows() / 2;
            self.finish_block(&block.slice(0, middle), task, out)?;
            return self.finish_block(&block.slice(middle, block.num_rows() - middle), task, out);
        }
        match self.call(block, task)? {
            Ok(rows) => {
                let columns = keys.iter().chain(rows.columns()).cloned().collect();
                out.blocks.push(RecordBatch::try_new(Arc::clone(&self.schema), columns)?);
                Ok(())
            }
            Err(error) => self.recover(block, error, task, out),
        }
    }

    fn call(
        &mut self,
        block: &RecordBatch,
        task: &TaskInfo,
    ) -> Result<Result<RecordBatch, PluginError>, OperatorError> {
        let columns: Vec<usize> = (self.num_key_columns..block.num_columns()).collect();
        let call = Call { time: task.time, partition: task.partition };
        Ok(self.aggregator.finish(&call, &block.project(&columns)?))
    }

    /// Sets aside the accumulators that fail, which are found on new instances, and finishes the others.
    fn recover(
        &mut self,
        block: &RecordBatch,
        error: PluginError,
        task: &TaskInfo,
        out: &mut Output,
    ) -> Result<(), OperatorError> {
        let blame = Arc::clone(&self.blame);
        let cause = blame.pardon(task.time, error)?;
        self.aggregator.renew();
        self.call(&block.slice(0, 0), task)?.map_err(OperatorError::FailsWithoutRows)?;
        if block.num_rows() == 1 {
            blame.condemn(task.time, &cause)?;
            let rows = json_rows(block)?;
            out.dead.extend(rows.into_iter().map(|row| blame.letter(cause.clone(), row)));
            return Ok(());
        }
        let middle = block.num_rows() / 2;
        self.aggregator.renew();
        self.finish_block(&block.slice(0, middle), task, out)?;
        self.aggregator.renew();
        self.finish_block(&block.slice(middle, block.num_rows() - middle), task, out)
    }
}
