//! Updates the states of keys with a function that a conformance case names, as the config says.

use named::{Keyed, update};
use tidemill_plugin::{
    Batch, Schema, UpdateInput, UpdateOutput, UpdatePlan, UpdateState, export_update_state, parse_config,
};

/// A function at work.
pub struct NamedUpdate(Keyed);

impl UpdateState for NamedUpdate {
    fn open(config: &str, key: &Schema, values: &Schema) -> Result<(Self, UpdatePlan), String> {
        let keyed: Keyed = parse_config(config)?;
        keyed.check(key, values)?;
        let plan = UpdatePlan { state: keyed.state()?.fields(), output: vec![] };
        Ok((Self(keyed), plan))
    }

    fn update(&self, input: UpdateInput) -> Result<UpdateOutput, String> {
        let now_millis = input.now / 1000;
        let calls = self.0.calls(&input)?.into_iter();
        let states =
            calls.map(|call| update(&self.0.function, now_millis, &call.values, call.state.as_ref()));
        let (states, kept) = self.0.states(states.collect::<Result<_, _>>()?)?;
        Ok(UpdateOutput { states, kept, batch: Batch { rows: 0, columns: vec![] }, origins: vec![] })
    }
}

export_update_state!(NamedUpdate);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use tidemill_plugin::testing::{Keys, Table, update_state};

    #[test]
    fn states_of_any_kind_are_updated_and_removed() {
        let config = r#"{"function": "expire_after_2_idle", "key": "text", "value": "int"}"#;
        let keys = Table::new().column("k", ["a", "b", "c"]);
        let values = Table::new().column("v", [3, 4]);
        let states = Table::new().column("v", [r#"{"n":1,"idle":1}"#, "", r#"{"n":1,"idle":1}"#]);
        let keys = Keys::new(&keys, &[1, 2, 2], &values).with_states(&states, &[true, false, true]);
        let updated = update_state::<NamedUpdate>(config, &keys).unwrap();
        assert_eq!(updated.kept, [true, true, false]);
        assert_eq!(updated.states.rows()[..2], [r#"({"n":4,"idle":0})"#, r#"({"n":4,"idle":0})"#]);
    }
}
