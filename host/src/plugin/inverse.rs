//! The inverse of a reduction in Wasm: `subtract` of an instance that is opened as the reduction is.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use wasmtime::Store;
use wasmtime::component::{Instance as Linked, InstancePre};

use super::bindings::{inverse, reduce};
use super::error::{PluginError, PluginFailure};
use super::guest::{Call, Guest};
use super::instance::Instance;
use super::interface::Interface;
use super::live::{Contract, Live, Load};
use super::load::Loaded;
use super::{Inverter, check, convert};
use crate::record::Bytes;

/// The inverse of a reduction of values with this schema.
pub(super) struct Inversion {
    pub(super) value: SchemaRef,
}

/// The functions of the reduction, and of its inverse.
pub(super) struct Exports {
    reduce: reduce::Guest,
    inverse: inverse::Guest,
}

impl Contract for Inversion {
    const INTERFACE: Interface = Interface::Inverse;
    type Exports = Exports;
    type Plan = ();

    fn find(code: &InstancePre<Guest>) -> wasmtime::Result<impl Load<Exports>> {
        let (reduce, inverse) = (reduce::GuestIndices::new(code)?, inverse::GuestIndices::new(code)?);
        Ok(move |store: &mut Store<Guest>, instance: &Linked| {
            let reduce = reduce.load(&mut *store, instance)?;
            Ok(Exports { reduce, inverse: inverse.load(store, instance)? })
        })
    }

    fn open(&self, plugin: &Loaded, instance: &mut Instance<Exports>) -> Result<(), PluginFailure> {
        let value = convert::fields(&self.value)?;
        instance.open(plugin, |store, exports| exports.reduce.call_open(store, &plugin.config, &value))
    }
}

impl Inverter for Live<Inversion> {
    fn max_input(&self) -> Bytes {
        self.max_input()
    }

    fn renew(&mut self) {
        self.renew();
    }

    fn subtract(
        &mut self,
        call: &Call,
        totals: &RecordBatch,
        ends: &[u32],
        values: &RecordBatch,
    ) -> Result<RecordBatch, PluginError> {
        let (value, num_totals) = (Arc::clone(&self.contract().value), totals.num_rows());
        self.call(
            call,
            [totals.into(), values.into()],
            |store, exports, [totals, values]| exports.inverse.call_subtract(store, totals, ends, values),
            |answer, (), limits| check::one_each("totals", num_totals, answer, &value, limits),
        )
    }
}
