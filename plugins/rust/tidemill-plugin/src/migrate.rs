//! Carrying states over that an earlier version of a plugin kept, to those that this one keeps.
//!
//! A swap of a running plugin calls it where the columns of the state differ. In come states with their columns; out
//! goes one of the plugin's own for each.

use crate::group::{Reading, collect};
use crate::{Batch, Push, ReadRow, Reject, Schema, UpdateState};

/// A plugin that takes over the states of its earlier versions.
///
/// ```
/// use tidemill_plugin::testing::{self, Keys, Table};
/// use tidemill_plugin::{Row, update_state};
///
/// #[derive(Row)]
/// struct Stats {
///     sum: i64,
///     count: i64,
/// }
///
/// #[update_state(migrate = from_sum)]
/// fn stats(values: impl Iterator<Item = i64>, state: Option<Stats>) -> Option<Stats> {
///     let start = state.unwrap_or(Stats { sum: 0, count: 0 });
///     Some(values.fold(start, |s, value| Stats { sum: s.sum + value, count: s.count + 1 }))
/// }
///
/// /// The first version kept a sum alone.
/// fn from_sum(sum: i64) -> Stats {
///     Stats { sum, count: 1 }
/// }
///
/// let keys = Keys::new(&Table::new().column("word", ["a"]), &[1], &Table::new().column("n", [1]));
/// let old = Table::new().column("state", [7, 9]);
/// assert_eq!(testing::migrate::<stats>("null", &keys, &old).unwrap().rows(), ["(7, 1)", "(9, 1)"]);
/// ```
pub trait MigrateState: UpdateState {
    /// Answers one state for each of `states`, whose columns are `from`, with the columns answered at `open`.
    ///
    /// # Errors
    /// Where there is no way from these columns, or a state has none; the earlier version then goes on.
    fn migrate(&self, from: &Schema, states: Batch) -> Result<Batch, String>;
}

/// What a function of an earlier state may answer: a state `S`, or a `Result` of one.
pub trait Migrated<S> {
    /// The state.
    ///
    /// # Errors
    /// Where there is none.
    fn state(self) -> Result<S, String>;
}

impl<S> Migrated<S> for S {
    fn state(self) -> Result<S, String> {
        Ok(self)
    }
}

impl<S, E: Into<Reject>> Migrated<S> for Result<S, E> {
    fn state(self) -> Result<S, String> {
        self.map_err(|error| error.into().to_string())
    }
}

/// Calls a function of an earlier state for each of `states`: what `migrate = ` becomes. None where `from` are other
/// columns than those of that state.
///
/// # Errors
/// Where a value is null that can't be, or the function fails.
pub fn migrate_each<'a, O: ReadRow<'a>, S: Push, R: Migrated<S>>(
    from: &Schema,
    states: &'a Batch,
    mut migrate: impl FnMut(O) -> R,
) -> Option<Result<Batch, String>> {
    let order = O::bind(from).ok().filter(|order| order.len() == from.fields().len())?;
    let rows = match Reading::<O>::new(&order, states) {
        Ok(rows) => rows,
        Err(error) => return Some(Err(error)),
    };
    let state = |row| <R as Migrated<S>>::state(migrate(rows.row(row)?));
    Some(collect((0..states.rows as usize).map(state)))
}

/// The error of a plugin that has no function of states with the columns `from`.
#[cold]
pub fn no_migration(from: &Schema) -> String {
    format!("no earlier version is known with this state; {from}")
}
