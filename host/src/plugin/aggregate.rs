//! An aggregation in Wasm: values to accumulators, accumulators to fewer, and to rows in the end.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use wasmtime::Store;
use wasmtime::component::{Instance as Linked, InstancePre};

use super::bindings::aggregate::{Guest as Exports, GuestIndices};
use super::error::{PluginError, PluginFailure};
use super::guest::{Call, Guest};
use super::instance::Instance;
use super::interface::Interface;
use super::live::{Contract, Live, Load};
use super::load::Loaded;
use super::{Aggregator, check, convert};
use crate::record::Bytes;

/// An aggregation of values with this schema.
pub(super) struct Aggregation {
    pub(super) value: SchemaRef,
}

/// What comes out on the way and in the end.
#[derive(PartialEq)]
pub(super) struct Plan {
    accumulator: SchemaRef,
    output: SchemaRef,
}

impl Contract for Aggregation {
    const INTERFACE: Interface = Interface::Aggregate;
    type Exports = Exports;
    type Plan = Plan;

    fn find(code: &InstancePre<Guest>) -> wasmtime::Result<impl Load<Exports>> {
        let indices = GuestIndices::new(code)?;
        Ok(move |store: &mut Store<Guest>, instance: &Linked| indices.load(store, instance))
    }

    fn open(&self, plugin: &Loaded, instance: &mut Instance<Exports>) -> Result<Plan, PluginFailure> {
        let value = convert::fields(&self.value)?;
        let plan =
            instance.open(plugin, |store, exports| exports.call_open(store, &plugin.config, &value))?;
        Ok(Plan {
            accumulator: check::schema("the accumulator", plan.accumulator)?,
            output: check::schema("the output", plan.output)?,
        })
    }
}

impl Aggregator for Live<Aggregation> {
    fn accumulator(&self) -> &SchemaRef {
        &self.plan().accumulator
    }

    fn output(&self) -> &SchemaRef {
        &self.plan().output
    }

    fn max_input(&self) -> Bytes {
        self.max_input()
    }

    fn renew(&mut self) {
        self.renew();
    }

    fn accumulate(
        &mut self,
        call: &Call,
        ends: &[u32],
        values: &RecordBatch,
    ) -> Result<RecordBatch, PluginError> {
        self.call(
            call,
            [values.into()],
            |store, exports, [values]| exports.call_accumulate(store, ends, values),
            |answer, plan, limits| check::one_each("keys", ends.len(), answer, &plan.accumulator, limits),
        )
    }

    fn merge(
        &mut self,
        call: &Call,
        ends: &[u32],
        accumulators: &RecordBatch,
    ) -> Result<RecordBatch, PluginError> {
        self.call(
            call,
            [accumulators.into()],
            |store, exports, [accumulators]| exports.call_merge(store, ends, accumulators),
            |answer, plan, limits| check::one_each("keys", ends.len(), answer, &plan.accumulator, limits),
        )
    }

    fn finish(&mut self, call: &Call, accumulators: &RecordBatch) -> Result<RecordBatch, PluginError> {
        let num_keys = accumulators.num_rows();
        self.call(
            call,
            [accumulators.into()],
            |store, exports, [accumulators]| exports.call_finish(store, accumulators),
            |answer, plan, limits| check::one_each("accumulators", num_keys, answer, &plan.output, limits),
        )
    }
}
