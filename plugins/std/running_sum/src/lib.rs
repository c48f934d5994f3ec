//! Adds up the values of each key from batch to batch, column by column: the state has the columns of the
//! values. An int64 sum that does not fit is an error. Nulls add nothing, and nothing but nulls is null.
//!
//! No key is ever removed, but by a timeout. Nothing is put out beside the states.

use tidemill_plugin::{
    Batch, Column, DataType, Field, Groups, Schema, UpdateInput, UpdateOutput, UpdatePlan, UpdateState,
    export_update_state, no_config,
};

/// The running sum of each column.
pub struct RunningSum {
    columns: Vec<Field>,
}

impl UpdateState for RunningSum {
    fn open(config: &str, _key: &Schema, values: &Schema) -> Result<(Self, UpdatePlan), String> {
        no_config(config)?;
        let columns = values.fields();
        let numeric = |data_type| matches!(data_type, DataType::Int64 | DataType::Float64);
        if let Some(field) = columns.iter().find(|field| !numeric(field.data_type)) {
            return Err(format!(
                "column `{}` is {}, which has no sum; {values}",
                field.name, field.data_type
            ));
        }
        let plan = UpdatePlan { state: columns.to_vec(), output: vec![] };
        Ok((RunningSum { columns: columns.to_vec() }, plan))
    }

    fn update(&self, input: UpdateInput) -> Result<UpdateOutput, String> {
        let groups = Groups::sparse(&input.ends, input.values.rows)?;
        let pairs = input.states.columns.into_iter().zip(&input.values.columns);
        let columns = self.columns.iter().zip(pairs).map(|(field, (state, values))| {
            let state = of_known(state, &input.known);
            let total = values.sums(groups).and_then(|sums| state.plus(&sums));
            let total = total.map_err(|e| format!("the sum of column `{}` {e}", field.name))?;
            let valid = total.valid.filter(|_| field.nullable);
            Ok(Column { values: total.values, valid })
        });
        let states = Batch { rows: input.keys.rows, columns: columns.collect::<Result<_, String>>()? };
        let has_values = groups.iter().map(|rows| !rows.is_empty());
        let flags = has_values.zip(input.known.iter().zip(&input.timed_out));
        let kept = flags.map(|(has_values, (known, timed_out))| has_values || *known && !*timed_out);
        Ok(UpdateOutput {
            states,
            kept: kept.collect(),
            batch: Batch { rows: 0, columns: vec![] },
            origins: vec![],
        })
    }
}

export_update_state!(RunningSum);

/// The states, null where a key has none.
fn of_known(state: Column, known: &[bool]) -> Column {
    let valid = known.iter().enumerate().map(|(row, known)| *known && state.is_valid(row)).collect();
    Column { valid: Some(valid), ..state }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use tidemill_plugin::testing::{Keys, Table, update_state};

    #[test]
    fn sums_run_from_batch_to_batch() {
        let words = Table::new().column("word", ["a", "b", "c"]);
        let values = Table::new().column("n", [1, 2, 3]).column("x", [Some(0.5), None, None]);
        let keys = Keys::new(&words, &[2, 3, 3], &values);
        let first = update_state::<RunningSum>("null", &keys).unwrap();
        assert_eq!(first.kept, [true, true, false]);
        assert_eq!(first.states.rows()[..2], ["(3, 0.5)", "(3, null)"]);

        let again = keys.with_states(&first.states, &first.kept).timed_out(&[false, true, true]);
        let second = update_state::<RunningSum>("null", &again).unwrap();
        assert_eq!(second.kept, [true, true, false], "a key with values doesn't time out");
        assert_eq!(second.states.rows()[..2], ["(6, 1.0)", "(6, null)"]);
        assert_eq!(second.output.num_rows(), 0);
    }

    #[test]
    fn a_key_without_values_keeps_its_sum_until_it_times_out() {
        let (words, none) = (Table::new().column("word", ["a", "b"]), Table::new().column::<i64>("n", []));
        let states = Table::new().column("n", [4, 5]);
        let keys = Keys::new(&words, &[0, 0], &none).with_states(&states, &[true, true]);
        let updated = update_state::<RunningSum>("null", &keys.timed_out(&[false, true])).unwrap();
        assert_eq!(updated.kept, [true, false]);
        assert_eq!(updated.states.rows()[0], "(4)");
    }
}
