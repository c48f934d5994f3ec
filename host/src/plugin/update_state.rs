//! A function of keys, values and states in Wasm: what the guest keeps of states, and the rows that it puts out.

use arrow::datatypes::SchemaRef;
use wasmtime::Store;
use wasmtime::component::{Instance as Linked, InstancePre};

use super::bindings::update_state::{Guest as Exports, GuestIndices, Input, Output};
use super::error::{PluginError, PluginFailure};
use super::guest::{Call, Guest};
use super::instance::Instance;
use super::interface::Interface;
use super::limits::Limits;
use super::live::{Contract, Live, Load};
use super::load::Loaded;
use super::{UpdateInput, Updated, Updater, check, convert};
use crate::record::Bytes;

/// A function of keys and values with these schemas.
pub(super) struct Update {
    pub(super) key: SchemaRef,
    pub(super) value: SchemaRef,
}

/// What is kept for a key, and what comes out.
#[derive(PartialEq)]
pub(super) struct Plan {
    state: SchemaRef,
    output: SchemaRef,
}

impl Contract for Update {
    const INTERFACE: Interface = Interface::UpdateState;
    type Exports = Exports;
    type Plan = Plan;

    fn find(code: &InstancePre<Guest>) -> wasmtime::Result<impl Load<Exports>> {
        let indices = GuestIndices::new(code)?;
        Ok(move |store: &mut Store<Guest>, instance: &Linked| indices.load(store, instance))
    }

    fn open(&self, plugin: &Loaded, instance: &mut Instance<Exports>) -> Result<Plan, PluginFailure> {
        self.plan(plugin, instance, |exports| exports)
    }
}

impl Update {
    /// Opens an instance, whose function of states `updater` finds among its exports.
    pub(super) fn plan<E>(
        &self,
        plugin: &Loaded,
        instance: &mut Instance<E>,
        updater: impl Fn(&E) -> &Exports,
    ) -> Result<Plan, PluginFailure> {
        let (key, value) = (convert::fields(&self.key)?, convert::fields(&self.value)?);
        let plan = instance
            .open(plugin, |store, exports| updater(exports).call_open(store, &plugin.config, &key, &value))?;
        let state = check::schema("the state", plan.state)?;
        Ok(Plan { state, output: check::schema("the output", plan.output)? })
    }
}

impl Plan {
    /// The columns of a state.
    pub(super) fn state(&self) -> &SchemaRef {
        &self.state
    }
}

impl Updater for Live<Update> {
    fn state(&self) -> &SchemaRef {
        &self.plan().state
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

    fn update(&mut self, call: &Call, input: &UpdateInput) -> Result<Updated, PluginError> {
        let UpdateInput { keys, ends, values, states, known, timed_out } = input;
        let now = call.time.micros();
        self.call(
            call,
            [keys.into(), values.into(), states.into()],
            |store, exports, [keys, values, states]| {
                exports.call_update(store, Input { keys, ends, values, states, known, timed_out, now })
            },
            |answer, plan, limits| checked(answer, plan, keys.num_rows(), limits),
        )
    }
}

fn checked(answer: Output, plan: &Plan, num_keys: usize, limits: &Limits) -> Result<Updated, PluginFailure> {
    if answer.kept.len() != num_keys {
        let num_kept = answer.kept.len();
        let problem = format!("it says of {num_kept} keys whether they are kept, and there are {num_keys}");
        return Err(PluginFailure::InvalidAnswer(problem));
    }
    let states = check::one_each("keys", num_keys, answer.states, &plan.state, limits)?;
    let output = check::keyed_rows(answer.batch, answer.origins, num_keys, &plan.output, limits)?;
    Ok(Updated { states, kept: answer.kept, output })
}
