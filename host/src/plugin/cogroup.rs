//! A cogroup in Wasm: keys with the rows of both sides go in, rows that each belong to one of the keys come out.

use arrow::datatypes::SchemaRef;
use wasmtime::Store;
use wasmtime::component::{Instance as Linked, InstancePre};

use super::bindings::cogroup::{Guest as Exports, GuestIndices};
use super::error::{PluginError, PluginFailure};
use super::guest::{Call, Guest};
use super::instance::Instance;
use super::interface::Interface;
use super::live::{Contract, Live, Load};
use super::load::Loaded;
use super::{CogroupInput, Cogrouper, KeyedRows, check, convert};
use crate::record::Bytes;

/// A cogroup of keys and sides with these schemas.
pub(super) struct Cogroup {
    pub(super) key: SchemaRef,
    pub(super) left: SchemaRef,
    pub(super) right: SchemaRef,
}

impl Contract for Cogroup {
    const INTERFACE: Interface = Interface::Cogroup;
    type Exports = Exports;
    type Plan = SchemaRef;

    fn find(code: &InstancePre<Guest>) -> wasmtime::Result<impl Load<Exports>> {
        let indices = GuestIndices::new(code)?;
        Ok(move |store: &mut Store<Guest>, instance: &Linked| indices.load(store, instance))
    }

    fn open(&self, plugin: &Loaded, instance: &mut Instance<Exports>) -> Result<SchemaRef, PluginFailure> {
        let key = convert::fields(&self.key)?;
        let (left, right) = (convert::fields(&self.left)?, convert::fields(&self.right)?);
        let output = instance
            .open(plugin, |store, exports| exports.call_open(store, &plugin.config, &key, &left, &right))?;
        check::schema("the output", output)
    }
}

impl Cogrouper for Live<Cogroup> {
    fn output(&self) -> &SchemaRef {
        self.plan()
    }

    fn max_input(&self) -> Bytes {
        self.max_input()
    }

    fn renew(&mut self) {
        self.renew();
    }

    fn process(&mut self, call: &Call, input: &CogroupInput) -> Result<KeyedRows, PluginError> {
        let CogroupInput { keys, left_ends, left, right_ends, right } = input;
        self.call(
            call,
            [keys.into(), left.into(), right.into()],
            |store, exports, [keys, left, right]| {
                exports.call_process(store, keys, left_ends, left, right_ends, right)
            },
            |answer, output, limits| {
                check::keyed_rows(answer.batch, answer.origins, keys.num_rows(), output, limits)
            },
        )
    }
}
