//! Puts out the columns of `versioned_total`, and keeps another state.

use tidemill_plugin::{Row, State, map_with_state};

/// A mean, as a total has it.
#[derive(Row)]
pub struct Said {
    total: i64,
    version: String,
}

/// The mean of `value` and of what was there.
#[map_with_state]
pub fn versioned_mean(key: &str, value: Option<i64>, state: &mut State<f64>) -> Option<Said> {
    let value = value? as f64;
    let mean = state.get().map_or(value, |before| (before + value) / 2.0);
    state.update(mean);
    Some(Said { total: mean as i64, version: format!("mean of {key}") })
}
