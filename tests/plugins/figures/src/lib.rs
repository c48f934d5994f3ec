//! Keeps minimum, maximum, sum and count of each key's values, and tells them with each value.

use tidemill_plugin::{Row, State, map_with_state};

/// What a key's values came to.
#[derive(Clone, Copy, Row)]
pub struct Figures {
    min: i64,
    max: i64,
    sum: i64,
    count: i64,
}

/// The figures with `value`.
#[map_with_state]
pub fn figures(value: Option<i64>, state: &mut State<Figures>) -> Option<Figures> {
    let value = value?;
    let new = Figures { min: value, max: value, sum: 0, count: 0 };
    let mut figures = state.get().copied().unwrap_or(new);
    figures.min = figures.min.min(value);
    figures.max = figures.max.max(value);
    figures.sum += value;
    figures.count += 1;
    state.update(figures);
    Some(figures)
}
