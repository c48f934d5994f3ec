//! What each key has brought, from batch to batch.

use tidemill_plugin::update_state;

/// The state is the sum of all values so far; `None` would forget the key.
#[update_state]
pub fn total(values: impl Iterator<Item = f64>, state: Option<f64>) -> Option<f64> {
    Some(state.unwrap_or(0.0) + values.sum::<f64>())
}

#[cfg(test)]
mod tests {
    use tidemill_plugin::testing::{self, Keys, Table};

    #[test]
    fn a_state_grows_from_batch_to_batch() {
        let keys = Keys::new(&Table::new().column("item", ["tea"]), &[2], &Table::new().column("price", [2.5, 3.5]));
        let first = testing::update_state::<super::total>("null", &keys).unwrap();
        let second =
            testing::update_state::<super::total>("null", &keys.with_states(&first.states, &first.kept)).unwrap();
        assert_eq!(second.states.rows(), ["(12.0)"]);
    }
}
