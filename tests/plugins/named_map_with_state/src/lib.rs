//! Maps records with the state of their key by a function that a conformance case names, as the config says.
//!
//! What is mapped stands in the column `v`, pairs as JSON.

use named::{Keyed, Record, map_with_state, mapped, write};
use tidemill_plugin::{
    Schema, UpdateInput, UpdateOutput, UpdatePlan, UpdateState, export_update_state, parse_config,
};

/// A function at work.
pub struct NamedMapWithState {
    keyed: Keyed,
    mapped: Record,
}

impl UpdateState for NamedMapWithState {
    fn open(config: &str, key: &Schema, values: &Schema) -> Result<(Self, UpdatePlan), String> {
        let keyed: Keyed = parse_config(config)?;
        keyed.check(key, values)?;
        let mapped = Record::single(mapped(&keyed.function, keyed.key)?.whole());
        let plan = UpdatePlan { state: keyed.state()?.fields(), output: mapped.fields() };
        Ok((Self { keyed, mapped }, plan))
    }

    fn update(&self, input: UpdateInput) -> Result<UpdateOutput, String> {
        let (mut states, mut records, mut origins) = (Vec::new(), Vec::new(), Vec::new());
        for (call, origin) in self.keyed.calls(&input)?.into_iter().zip(0..) {
            let mut state = call.state;
            let values: Vec<_> = match call.timed_out {
                true => vec![None],
                false => call.values.iter().map(Some).collect(),
            };
            for value in values {
                let answers = map_with_state(&self.keyed.function, &call.key, value, &mut state)?;
                origins.resize(origins.len() + answers.len(), origin);
                records.extend(answers);
            }
            states.push(state.filter(|_| !call.timed_out));
        }
        let (states, kept) = self.keyed.states(states)?;
        Ok(UpdateOutput { states, kept, batch: write(&self.mapped, &records)?, origins })
    }
}

export_update_state!(NamedMapWithState);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use tidemill_plugin::testing::{Keys, Table, update_state};

    #[test]
    fn every_record_is_mapped_and_a_key_that_timed_out_once() {
        let keys = Table::new().column("k", ["a", "b", "c"]);
        let values = Table::new().column("v", [3, 4]);
        let states = Table::new().column("v", [1, 0, 1]);
        let keys = Keys::new(&keys, &[2, 2, 2], &values).with_states(&states, &[true, false, true]);
        let keys = keys.timed_out(&[false, false, true]);
        let run = |function: &str| {
            let config = format!(r#"{{"function": "{function}", "key": "text", "value": "int"}}"#);
            update_state::<NamedMapWithState>(&config, &keys).unwrap()
        };
        let counted = run("count_return_pair");
        assert_eq!(counted.kept, [true, false, false]);
        assert_eq!(counted.states.rows()[0], "(8)");
        assert_eq!(counted.output.rows(), [r#"(a, ["a",4])"#, r#"(a, ["a",8])"#, r#"(c, ["c",1])"#]);
        assert_eq!(run("report_timeouts").output.rows(), ["(c, c)"]);
    }
}
