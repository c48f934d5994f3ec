//! A reduction in Wasm: opens instances, gives them groups of values, checks answers.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::bindings::reduce::{Guest as Exports, GuestIndices};
use super::convert::{self, Lent};
use super::error::{Limit, PluginError, PluginFailure};
use super::guest::Call;
use super::instance::Instance;
use super::load::Loaded;
use super::random::CallNumbers;
use super::{Reducer, check};
use crate::record::Bytes;

/// A reduction opened for one worker.
pub(super) struct WasmReducer {
    plugin: Arc<Loaded>,
    stream: String,
    value: SchemaRef,
    live: Option<Instance<Exports>>,
    numbers: CallNumbers,
}

impl WasmReducer {
    pub(super) fn open(plugin: Arc<Loaded>, stream: &str, value: &SchemaRef) -> Result<Self, PluginError> {
        let live = begin(&plugin, stream, value).map_err(|failure| plugin.error(stream, failure))?;
        let (stream, value) = (stream.to_owned(), Arc::clone(value));
        Ok(Self { plugin, stream, value, live: Some(live), numbers: CallNumbers::default() })
    }

    fn call(
        &mut self,
        call: &Call,
        ends: &[u32],
        values: &RecordBatch,
    ) -> Result<RecordBatch, PluginFailure> {
        if convert::call_bytes(values.columns()) > self.plugin.limits.input.0 {
            return Err(PluginFailure::Limit(Limit::Input(self.plugin.limits.input)));
        }
        let lent = values
            .columns()
            .iter()
            .map(Lent::new)
            .collect::<Result<Vec<_>, _>>()
            .map_err(PluginFailure::Host)?;
        let params: Vec<_> = lent.iter().map(Lent::column).collect();
        let input = convert::batch(&params, values.num_rows());
        let mut live = match self.live.take().filter(|live| live.serves(call)) {
            Some(live) => live,
            None => begin(&self.plugin, &self.stream, &self.value)?,
        };
        let number = self.numbers.next(call);
        let answer =
            live.call(&self.plugin, call, number, |store, exports| exports.call_reduce(store, ends, input))?;
        if answer.rows as usize != ends.len() {
            let problem = format!("it has {} rows, and there are {} keys", answer.rows, ends.len());
            return Err(PluginFailure::InvalidAnswer(problem));
        }
        let columns = check::columns(answer, self.value.fields()).map_err(PluginFailure::InvalidAnswer)?;
        self.numbers.done();
        // Only an instance that did well is used again.
        self.live = Some(live).filter(|live| !live.is_worn());
        RecordBatch::try_new(Arc::clone(&self.value), columns)
            .map_err(|e| PluginFailure::InvalidAnswer(e.to_string()))
    }
}

impl Reducer for WasmReducer {
    fn max_input(&self) -> Bytes {
        self.plugin.limits.input
    }

    fn renew(&mut self) {
        self.live = None;
    }

    fn reduce(
        &mut self,
        call: &Call,
        ends: &[u32],
        values: &RecordBatch,
    ) -> Result<RecordBatch, PluginError> {
        self.call(call, ends, values).map_err(|failure| self.plugin.error(&self.stream, failure))
    }
}

fn begin(plugin: &Loaded, stream: &str, value: &SchemaRef) -> Result<Instance<Exports>, PluginFailure> {
    let indices = GuestIndices::new(&plugin.code).map_err(|e| {
        PluginFailure::Unsuitable(format!(
            "its `reduce` isn't ours: {e:#}; build it with this version's `wit`"
        ))
    })?;
    let mut live = Instance::new(plugin, stream, |store, instance| indices.load(store, instance))?;
    let fields = value
        .fields()
        .iter()
        .map(|f| convert::field(f))
        .collect::<Result<Vec<_>, _>>()
        .map_err(PluginFailure::Host)?;
    live.open(plugin, |store, exports| exports.call_open(store, &plugin.config, &fields))?;
    Ok(live)
}
