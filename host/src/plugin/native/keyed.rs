//! Native aggregations, cogroups and functions of states.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::{MAX_INPUT, Opened, debug_by_id, native_id};
use crate::plugin::{
    Aggregator, Call, CogroupInput, Cogrouper, KeyedRows, Plugin, PluginError, UpdateInput, Updated, Updater,
};
use crate::record::{Bytes, PluginId};

type Combine = dyn Fn(&[u32], &RecordBatch) -> Result<RecordBatch, String> + Send + Sync;
type Finish = dyn Fn(&RecordBatch) -> Result<RecordBatch, String> + Send + Sync;
type Process = dyn Fn(&CogroupInput) -> Result<KeyedRows, String> + Send + Sync;
type Update = dyn Fn(&Call, &UpdateInput) -> Result<Updated, String> + Send + Sync;

/// An aggregation by Rust functions.
#[derive(Clone)]
pub struct NativeAggregator {
    id: PluginId,
    accumulator: SchemaRef,
    output: SchemaRef,
    accumulate: Arc<Combine>,
    merge: Arc<Combine>,
    finish: Arc<Finish>,
}

impl NativeAggregator {
    /// An aggregation called `name` through an accumulator with the columns `accumulator`, to rows with the columns
    /// `output`. The functions see what those of `Aggregator` do.
    pub fn new(
        name: &str,
        accumulator: SchemaRef,
        output: SchemaRef,
        accumulate: impl Fn(&[u32], &RecordBatch) -> Result<RecordBatch, String> + Send + Sync + 'static,
        merge: impl Fn(&[u32], &RecordBatch) -> Result<RecordBatch, String> + Send + Sync + 'static,
        finish: impl Fn(&RecordBatch) -> Result<RecordBatch, String> + Send + Sync + 'static,
    ) -> Self {
        let (accumulate, merge, finish) = (Arc::new(accumulate), Arc::new(merge), Arc::new(finish));
        Self { id: native_id(name), accumulator, output, accumulate, merge, finish }
    }
}

/// A function of all rows of two streams that share a key.
#[derive(Clone)]
pub struct NativeCogrouper {
    id: PluginId,
    output: SchemaRef,
    process: Arc<Process>,
}

impl NativeCogrouper {
    /// A cogroup called `name` that answers rows with the columns `output`.
    pub fn new(
        name: &str,
        output: SchemaRef,
        process: impl Fn(&CogroupInput) -> Result<KeyedRows, String> + Send + Sync + 'static,
    ) -> Self {
        Self { id: native_id(name), output, process: Arc::new(process) }
    }
}

/// A function of keys, their values and states.
#[derive(Clone)]
pub struct NativeUpdater {
    id: PluginId,
    state: SchemaRef,
    output: SchemaRef,
    update: Arc<Update>,
}

impl NativeUpdater {
    /// A function called `name` that keeps states with the columns `state`, and answers rows with the columns
    /// `output`. It sees the batch's time beside the keys.
    pub fn new(
        name: &str,
        state: SchemaRef,
        output: SchemaRef,
        update: impl Fn(&Call, &UpdateInput) -> Result<Updated, String> + Send + Sync + 'static,
    ) -> Self {
        Self { id: native_id(name), state, output, update: Arc::new(update) }
    }
}

impl Plugin for NativeAggregator {
    fn id(&self) -> &PluginId {
        &self.id
    }

    fn aggregator(&self, stream: &str, _value: &SchemaRef) -> Result<Box<dyn Aggregator>, PluginError> {
        Ok(Box::new(Opened::new(self, stream)))
    }
}

impl Plugin for NativeCogrouper {
    fn id(&self) -> &PluginId {
        &self.id
    }

    fn cogrouper(
        &self,
        stream: &str,
        _key: &SchemaRef,
        _left: &SchemaRef,
        _right: &SchemaRef,
    ) -> Result<Box<dyn Cogrouper>, PluginError> {
        Ok(Box::new(Opened::new(self, stream)))
    }
}

impl Plugin for NativeUpdater {
    fn id(&self) -> &PluginId {
        &self.id
    }

    fn updater(
        &self,
        stream: &str,
        _key: &SchemaRef,
        _value: &SchemaRef,
    ) -> Result<Box<dyn Updater>, PluginError> {
        Ok(Box::new(Opened::new(self, stream)))
    }
}

impl Aggregator for Opened<NativeAggregator> {
    fn accumulator(&self) -> &SchemaRef {
        &self.plugin.accumulator
    }

    fn output(&self) -> &SchemaRef {
        &self.plugin.output
    }

    fn max_input(&self) -> Bytes {
        MAX_INPUT
    }

    fn accumulate(
        &mut self,
        _: &Call,
        ends: &[u32],
        values: &RecordBatch,
    ) -> Result<RecordBatch, PluginError> {
        self.answer((self.plugin.accumulate)(ends, values))
    }

    fn merge(
        &mut self,
        _: &Call,
        ends: &[u32],
        accumulators: &RecordBatch,
    ) -> Result<RecordBatch, PluginError> {
        self.answer((self.plugin.merge)(ends, accumulators))
    }

    fn finish(&mut self, _: &Call, accumulators: &RecordBatch) -> Result<RecordBatch, PluginError> {
        self.answer((self.plugin.finish)(accumulators))
    }
}

impl Cogrouper for Opened<NativeCogrouper> {
    fn output(&self) -> &SchemaRef {
        &self.plugin.output
    }

    fn max_input(&self) -> Bytes {
        MAX_INPUT
    }

    fn process(&mut self, _: &Call, input: &CogroupInput) -> Result<KeyedRows, PluginError> {
        self.answer((self.plugin.process)(input))
    }
}

impl Updater for Opened<NativeUpdater> {
    fn state(&self) -> &SchemaRef {
        &self.plugin.state
    }

    fn output(&self) -> &SchemaRef {
        &self.plugin.output
    }

    fn max_input(&self) -> Bytes {
        MAX_INPUT
    }

    fn update(&mut self, call: &Call, input: &UpdateInput) -> Result<Updated, PluginError> {
        self.answer((self.plugin.update)(call, input))
    }
}

debug_by_id!(NativeAggregator, NativeCogrouper, NativeUpdater);
