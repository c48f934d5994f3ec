//! Steps that keep a state for each key.

use named::{Cell, Keyed, Record, is_stateful, mapped};
use serde_json::to_value;
use tidemill::operator::{InitialState, MapWithState, StateSnapshots, UpdateStateByKey};
use tidemill::record::Period;

use super::{Builder, Stream, key, key_of};
use crate::Failure;
use crate::case::StepSpec;
use crate::rows::to_rows;

impl Builder<'_> {
    /// The state of each key, in every batch.
    pub(super) fn update_state_by_key(&mut self, from: Stream, step: &StepSpec) -> Result<Stream, Failure> {
        let (from, keyed) = self.keyed(from, step)?;
        let record = Record::two(key_of(&from), keyed.state().map_err(Failure::wrong)?);
        let (plugin, _) = self.plugin("named_update", to_value(&keyed).map_err(Failure::wrong)?);
        let update = UpdateStateByKey { plugin, key: key(), initial_state: initial(step, &record)? };
        let handle = self.operator("state", &[&from], update);
        Ok(Stream { handle, record, ..from })
    }

    /// What a function makes of each record and the state of its key.
    pub(super) fn map_with_state(&mut self, from: Stream, step: &StepSpec) -> Result<Stream, Failure> {
        let (from, keyed) = self.keyed(from, step)?;
        let state = Record::two(key_of(&from), keyed.state().map_err(Failure::wrong)?);
        // The key stands before it, and isn't part of it.
        let record = Record::single(mapped(&keyed.function, keyed.key).map_err(Failure::wrong)?.whole());
        let (plugin, _) = self.plugin("named_map_with_state", to_value(&keyed).map_err(Failure::wrong)?);
        let timeout = step.timeout_ms.map(Period::millis);
        let map = MapWithState { plugin, key: key(), timeout, initial_state: initial(step, &state)? };
        let handle = self.operator("mapped", &[&from], map);
        self.keeper = Some(Stream { handle: handle.clone(), record: state, ..from.clone() });
        Ok(Stream { handle, record, ..from })
    }

    /// All states that the last `mapWithState` keeps, in every batch.
    pub fn state_snapshots(&mut self) -> Result<Stream, Failure> {
        let keeper = self.keeper.clone().ok_or_else(|| Failure::wrong("no stream before keeps a state"))?;
        let handle = self.operator("snapshots", &[&keeper], StateSnapshots {});
        Ok(Stream { handle, ..keeper })
    }

    /// The pairs that `step` works on, and how it does.
    fn keyed(&mut self, from: Stream, step: &StepSpec) -> Result<(Stream, Keyed), Failure> {
        let function = step.function.clone();
        if !is_stateful(&function) {
            return Err(Failure::unsupported(format!("no plugin has a function `{function}` of a state")));
        }
        let (from, value) = self.pairs(from)?;
        let key: Cell = key_of(&from).whole();
        Ok((from, Keyed { function, key, value }))
    }
}

/// The states that keys begin with, which are what `record` says.
fn initial(step: &StepSpec, record: &Record) -> Result<Option<InitialState>, Failure> {
    let states = ["initial", "initial_state"].iter().find_map(|name| step.rest.get(*name)?.as_array());
    states.map(|states| Ok(to_rows(record, states)?.into())).transpose()
}
