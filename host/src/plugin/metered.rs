//! Any plugin, with its calls measured: how many, how long, and how they fail.

use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::SchemaRef;

use super::error::{PluginError, PluginFailure};
use super::guest::Call;
use super::keyed::{
    Aggregator, CogroupInput, Cogrouper, Inverter, KeyedRows, Migrator, UpdateInput, Updated, Updater,
};
use super::{Plugin, PluginSpec, Reducer, TransformPlan, Transformed, Transformer};
use crate::metrics::{Metrics, OperatorMetrics};
use crate::record::{Bytes, DeadLetterKind, PluginId};

/// A plugin whose calls are measured.
#[derive(Debug)]
pub struct Metered {
    plugin: Arc<dyn Plugin>,
    metrics: Metrics,
}

impl Metered {
    /// Measures the calls of `plugin`.
    pub fn new(plugin: Arc<dyn Plugin>, metrics: &Metrics) -> Self {
        Self { plugin, metrics: metrics.clone() }
    }

    fn opened<T>(&self, stream: &str, inner: T) -> Opened<T> {
        Opened { inner, metrics: self.metrics.operator(stream, &self.plugin.id().name) }
    }
}

impl Plugin for Metered {
    fn id(&self) -> &PluginId {
        self.plugin.id()
    }

    fn with_spec(&self, spec: &PluginSpec) -> Result<Option<Arc<dyn Plugin>>, PluginError> {
        self.plugin.with_spec(spec)
    }

    fn transformer(&self, stream: &str, input: &SchemaRef) -> Result<Box<dyn Transformer>, PluginError> {
        Ok(Box::new(self.opened(stream, self.plugin.transformer(stream, input)?)))
    }

    fn reducer(&self, stream: &str, value: &SchemaRef) -> Result<Box<dyn Reducer>, PluginError> {
        Ok(Box::new(self.opened(stream, self.plugin.reducer(stream, value)?)))
    }

    fn inverter(&self, stream: &str, value: &SchemaRef) -> Result<Option<Box<dyn Inverter>>, PluginError> {
        let inverter = self.plugin.inverter(stream, value)?;
        Ok(inverter.map(|inverter| Box::new(self.opened(stream, inverter)) as Box<dyn Inverter>))
    }

    fn aggregator(&self, stream: &str, value: &SchemaRef) -> Result<Box<dyn Aggregator>, PluginError> {
        Ok(Box::new(self.opened(stream, self.plugin.aggregator(stream, value)?)))
    }

    fn cogrouper(
        &self,
        stream: &str,
        key: &SchemaRef,
        left: &SchemaRef,
        right: &SchemaRef,
    ) -> Result<Box<dyn Cogrouper>, PluginError> {
        Ok(Box::new(self.opened(stream, self.plugin.cogrouper(stream, key, left, right)?)))
    }

    fn updater(
        &self,
        stream: &str,
        key: &SchemaRef,
        value: &SchemaRef,
    ) -> Result<Box<dyn Updater>, PluginError> {
        Ok(Box::new(self.opened(stream, self.plugin.updater(stream, key, value)?)))
    }

    fn migrator(
        &self,
        stream: &str,
        key: &SchemaRef,
        value: &SchemaRef,
    ) -> Result<Option<Box<dyn Migrator>>, PluginError> {
        let migrator = self.plugin.migrator(stream, key, value)?;
        Ok(migrator.map(|migrator| Box::new(self.opened(stream, migrator)) as Box<dyn Migrator>))
    }
}

/// What a worker has of it.
struct Opened<T> {
    inner: T,
    metrics: OperatorMetrics,
}

impl<T> Opened<T> {
    fn measure<R>(&mut self, call: impl FnOnce(&mut T) -> Result<R, PluginError>) -> Result<R, PluginError> {
        let begun = Instant::now();
        let answer = call(&mut self.inner);
        self.metrics.call(begun.elapsed());
        if let Err(error) = &answer {
            self.metrics.failed(kind(&error.failure));
        }
        answer
    }
}

impl Transformer for Opened<Box<dyn Transformer>> {
    fn plan(&self) -> &TransformPlan {
        self.inner.plan()
    }

    fn max_input(&self) -> Bytes {
        self.inner.max_input()
    }

    fn renew(&mut self) {
        self.inner.renew();
    }

    fn process(
        &mut self,
        call: &Call,
        columns: &[ArrayRef],
        num_rows: usize,
    ) -> Result<Transformed, PluginError> {
        self.measure(|inner| inner.process(call, columns, num_rows))
    }
}

impl Reducer for Opened<Box<dyn Reducer>> {
    fn max_input(&self) -> Bytes {
        self.inner.max_input()
    }

    fn renew(&mut self) {
        self.inner.renew();
    }

    fn reduce(
        &mut self,
        call: &Call,
        ends: &[u32],
        values: &RecordBatch,
    ) -> Result<RecordBatch, PluginError> {
        self.measure(|inner| inner.reduce(call, ends, values))
    }
}

impl Inverter for Opened<Box<dyn Inverter>> {
    fn max_input(&self) -> Bytes {
        self.inner.max_input()
    }

    fn renew(&mut self) {
        self.inner.renew();
    }

    fn subtract(
        &mut self,
        call: &Call,
        totals: &RecordBatch,
        ends: &[u32],
        values: &RecordBatch,
    ) -> Result<RecordBatch, PluginError> {
        self.measure(|inner| inner.subtract(call, totals, ends, values))
    }
}

impl Aggregator for Opened<Box<dyn Aggregator>> {
    fn accumulator(&self) -> &SchemaRef {
        self.inner.accumulator()
    }

    fn output(&self) -> &SchemaRef {
        self.inner.output()
    }

    fn max_input(&self) -> Bytes {
        self.inner.max_input()
    }

    fn renew(&mut self) {
        self.inner.renew();
    }

    fn accumulate(
        &mut self,
        call: &Call,
        ends: &[u32],
        values: &RecordBatch,
    ) -> Result<RecordBatch, PluginError> {
        self.measure(|inner| inner.accumulate(call, ends, values))
    }

    fn merge(
        &mut self,
        call: &Call,
        ends: &[u32],
        accumulators: &RecordBatch,
    ) -> Result<RecordBatch, PluginError> {
        self.measure(|inner| inner.merge(call, ends, accumulators))
    }

    fn finish(&mut self, call: &Call, accumulators: &RecordBatch) -> Result<RecordBatch, PluginError> {
        self.measure(|inner| inner.finish(call, accumulators))
    }
}

impl Cogrouper for Opened<Box<dyn Cogrouper>> {
    fn output(&self) -> &SchemaRef {
        self.inner.output()
    }

    fn max_input(&self) -> Bytes {
        self.inner.max_input()
    }

    fn renew(&mut self) {
        self.inner.renew();
    }

    fn process(&mut self, call: &Call, input: &CogroupInput) -> Result<KeyedRows, PluginError> {
        self.measure(|inner| inner.process(call, input))
    }
}

impl Updater for Opened<Box<dyn Updater>> {
    fn state(&self) -> &SchemaRef {
        self.inner.state()
    }

    fn output(&self) -> &SchemaRef {
        self.inner.output()
    }

    fn max_input(&self) -> Bytes {
        self.inner.max_input()
    }

    fn renew(&mut self) {
        self.inner.renew();
    }

    fn update(&mut self, call: &Call, input: &UpdateInput) -> Result<Updated, PluginError> {
        self.measure(|inner| inner.update(call, input))
    }
}

impl Migrator for Opened<Box<dyn Migrator>> {
    fn max_input(&self) -> Bytes {
        self.inner.max_input()
    }

    fn migrate(&mut self, call: &Call, states: &RecordBatch) -> Result<RecordBatch, PluginError> {
        self.measure(|inner| inner.migrate(call, states))
    }
}

/// The kind of a failure, in the words of dead letters; `other` where no row can be to blame.
fn kind(failure: &PluginFailure) -> &'static str {
    failure.blames_rows().map_or("other", DeadLetterKind::name)
}
