//! A reduction in Wasm: `reduce` gives groups of values to the guest, and checks that it answers a row for each.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use wasmtime::Store;
use wasmtime::component::{Instance as Linked, InstancePre};

use super::bindings::reduce::{Guest as Exports, GuestIndices};
use super::error::{PluginError, PluginFailure};
use super::guest::{Call, Guest};
use super::instance::Instance;
use super::interface::Interface;
use super::live::{Contract, Live, Load};
use super::load::Loaded;
use super::{Reducer, check, convert};
use crate::record::Bytes;

/// A reduction of values with this schema.
pub(super) struct Reduction {
    pub(super) value: SchemaRef,
}

impl Contract for Reduction {
    const INTERFACE: Interface = Interface::Reduce;
    type Exports = Exports;
    type Plan = ();

    fn find(code: &InstancePre<Guest>) -> wasmtime::Result<impl Load<Exports>> {
        let indices = GuestIndices::new(code)?;
        Ok(move |store: &mut Store<Guest>, instance: &Linked| indices.load(store, instance))
    }

    fn open(&self, plugin: &Loaded, instance: &mut Instance<Exports>) -> Result<(), PluginFailure> {
        let value = convert::fields(&self.value)?;
        instance.open(plugin, |store, exports| exports.call_open(store, &plugin.config, &value))
    }
}

impl Reducer for Live<Reduction> {
    fn max_input(&self) -> Bytes {
        self.max_input()
    }

    fn renew(&mut self) {
        self.renew();
    }

    fn reduce(
        &mut self,
        call: &Call,
        ends: &[u32],
        values: &RecordBatch,
    ) -> Result<RecordBatch, PluginError> {
        let value = Arc::clone(&self.contract().value);
        self.call(
            call,
            [values.into()],
            |store, exports, [values]| exports.call_reduce(store, ends, values),
            |answer, (), limits| check::one_each("keys", ends.len(), answer, &value, limits),
        )
    }
}
