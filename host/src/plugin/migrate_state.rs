//! The migration of states in Wasm: `migrate` of an instance that is opened as a function of states is.

use std::sync::Arc;

use arrow::array::RecordBatch;
use wasmtime::Store;
use wasmtime::component::{Instance as Linked, InstancePre};

use super::bindings::{migrate_state, update_state};
use super::error::{PluginError, PluginFailure};
use super::guest::{Call, Guest};
use super::instance::Instance;
use super::interface::Interface;
use super::live::{Contract, Live, Load};
use super::load::Loaded;
use super::update_state::{Plan, Update};
use super::{Migrator, check, convert};
use crate::record::Bytes;

/// The migration of the states of a function of keys and values.
pub(super) struct Migration(pub(super) Update);

/// The functions of the updater, and of its migration.
pub(super) struct Exports {
    update_state: update_state::Guest,
    migrate_state: migrate_state::Guest,
}

impl Contract for Migration {
    const INTERFACE: Interface = Interface::MigrateState;
    type Exports = Exports;
    type Plan = Plan;

    fn find(code: &InstancePre<Guest>) -> wasmtime::Result<impl Load<Exports>> {
        let update_state = update_state::GuestIndices::new(code)?;
        let migrate_state = migrate_state::GuestIndices::new(code)?;
        Ok(move |store: &mut Store<Guest>, instance: &Linked| {
            let update_state = update_state.load(&mut *store, instance)?;
            Ok(Exports { update_state, migrate_state: migrate_state.load(store, instance)? })
        })
    }

    fn open(&self, plugin: &Loaded, instance: &mut Instance<Exports>) -> Result<Plan, PluginFailure> {
        self.0.plan(plugin, instance, |exports| &exports.update_state)
    }
}

impl Migrator for Live<Migration> {
    fn max_input(&self) -> Bytes {
        self.max_input()
    }

    fn migrate(&mut self, call: &Call, states: &RecordBatch) -> Result<RecordBatch, PluginError> {
        let (from, num_states) = (states.schema(), states.num_rows());
        let state = Arc::clone(self.plan().state());
        self.call(
            call,
            [states.into()],
            |store, exports, [states]| match convert::fields(&from) {
                Ok(from) => exports.migrate_state.call_migrate(store, &from, states),
                Err(failure) => Ok(Err(failure.to_string())),
            },
            |answer, _, limits| check::one_each("states", num_states, answer, &state, limits),
        )
    }
}
