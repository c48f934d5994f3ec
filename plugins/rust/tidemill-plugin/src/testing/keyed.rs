//! Runs plugins natively that work on the values of keys: reducers and their inverses, aggregations, functions
//! of states, cogroups.

use super::Table;
use crate::{Aggregate, Batch, Cogroup, CogroupInput, Groups, Invert, Reduce, Schema, Timestamp};
use crate::{MigrateState, UpdateInput, UpdateState};

/// Opens a reducer on the schema of `values` and runs it on groups of its rows that end at `ends`.
///
/// # Errors
/// What the plugin answers, or which rule of the contract its answer breaks.
///
/// ```
/// use tidemill_plugin::{reduce, testing};
///
/// #[reduce]
/// fn add(a: i64, b: i64) -> i64 {
///     a + b
/// }
///
/// let values = testing::Table::new().column("n", [1, 2, 4]);
/// assert_eq!(testing::reduce::<add>("null", &[2, 3], &values).unwrap().rows(), ["(3)", "(4)"]);
/// ```
pub fn reduce<R: Reduce>(config: &str, ends: &[u32], values: &Table) -> Result<Table, String> {
    let plugin = R::open(config, &schema(values))?;
    let groups = Groups::new(ends, values.num_rows())?;
    let output = plugin.reduce(groups, values.clone().into_batch())?;
    one_each(ends.len(), output, values)
}

/// Opens a reducer with an inverse, and takes groups of `values`, which may be empty, out of `totals`.
///
/// # Errors
/// What the plugin answers, or which rule of the contract its answer breaks.
pub fn subtract<I: Invert>(
    config: &str,
    totals: &Table,
    ends: &[u32],
    values: &Table,
) -> Result<Table, String> {
    let plugin = I::open(config, &schema(values))?;
    let groups = Groups::sparse(ends, values.num_rows())?;
    let output = plugin.subtract(totals.clone().into_batch(), groups, values.clone().into_batch())?;
    one_each(totals.num_rows() as usize, output, values)
}

/// Opens an aggregation on the schema of `values` and runs it on groups of its rows that end at `ends`.
/// Each group is collected in two halves that are merged.
///
/// # Errors
/// What the plugin answers, or which rule of the contract its answer breaks.
pub fn aggregate<A: Aggregate>(config: &str, ends: &[u32], values: &Table) -> Result<Table, String> {
    let (plugin, plan) = A::open(config, &schema(values))?;
    let (mut halves, mut merged) = (vec![], vec![]);
    for rows in Groups::new(ends, values.num_rows())?.iter() {
        if rows.len() > 1 {
            halves.push((rows.start + rows.len() / 2) as u32);
        }
        halves.push(rows.end as u32);
        merged.push(halves.len() as u32);
    }
    let groups = Groups::new(&halves, values.num_rows())?;
    let collected = plugin.accumulate(groups, values.clone().into_batch())?;
    let collected = Table::of_rows(halves.len(), plan.accumulator.clone(), collected)?;
    let groups = Groups::new(&merged, collected.num_rows())?;
    let total = plugin.merge(groups, collected.into_batch())?;
    let total = Table::of_rows(ends.len(), plan.accumulator, total)?;
    Table::of_rows(ends.len(), plan.output, plugin.finish(total.into_batch())?)
}

/// Keys with the values that they have in a batch, for [`update_state`].
///
/// ```
/// use tidemill_plugin::{map_with_state, Row, State, testing::{self, Keys, Table}};
///
/// #[derive(Row)]
/// struct Seen { times: i64 }
///
/// #[map_with_state]
/// fn count(_value: Option<i64>, state: &mut State<i64>) -> Option<Seen> {
///     let times = state.get().copied().unwrap_or(0) + 1;
///     state.update(times);
///     Some(Seen { times })
/// }
///
/// let words = Table::new().column("word", ["a", "b"]);
/// let keys = Keys::new(&words, &[2, 3], &Table::new().column("n", [1, 1, 1]));
/// let first = testing::update_state::<count>("null", &keys).unwrap();
/// assert_eq!(first.output.rows(), ["(a, 1)", "(a, 2)", "(b, 1)"]);
///
/// let again = testing::update_state::<count>("null", &keys.with_states(&first.states, &first.kept)).unwrap();
/// assert_eq!(again.states.rows(), ["(4)", "(2)"]);
/// ```
#[derive(Clone, Debug)]
pub struct Keys {
    keys: Table,
    ends: Vec<u32>,
    values: Table,
    states: Option<Table>,
    known: Vec<bool>,
    timed_out: Vec<bool>,
    now: Timestamp,
}

impl Keys {
    /// One row of `keys` a key, whose rows of `values` end at `ends`. None has a state.
    pub fn new(keys: &Table, ends: &[u32], values: &Table) -> Self {
        let flags = vec![false; keys.num_rows() as usize];
        Self {
            keys: keys.clone(),
            ends: ends.to_vec(),
            values: values.clone(),
            states: None,
            known: flags.clone(),
            timed_out: flags,
            now: Timestamp(0),
        }
    }

    /// The same keys with states: one row of `states` a key, which counts where the key is `known`.
    #[must_use]
    pub fn with_states(self, states: &Table, known: &[bool]) -> Self {
        Self { states: Some(states.clone()), known: known.to_vec(), ..self }
    }

    /// The same keys, of which these have timed out.
    #[must_use]
    pub fn timed_out(self, timed_out: &[bool]) -> Self {
        Self { timed_out: timed_out.to_vec(), ..self }
    }

    /// The same keys in a batch of this time.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Self {
        Self { now, ..self }
    }
}

/// What became of keys.
#[derive(Clone, Debug, PartialEq)]
pub struct Updated {
    /// One row a key; means nothing where the key is not kept.
    pub states: Table,
    /// Whether each key still has a state.
    pub kept: Vec<bool>,
    /// The rows put out, behind the columns of their keys.
    pub output: Table,
}

/// Opens a function of states on the schemas of keys and values, and runs it once.
///
/// # Errors
/// What the plugin answers, or which rule of the contract its answer breaks.
pub fn update_state<U: UpdateState>(config: &str, keys: &Keys) -> Result<Updated, String> {
    let (plugin, plan) = U::open(config, &schema(&keys.keys), &schema(&keys.values))?;
    let num_keys = keys.keys.num_rows() as usize;
    let states = match &keys.states {
        Some(states) if states.fields() == plan.state => states.clone(),
        Some(states) => return Err(format!("the states have other columns; {}", schema(states))),
        None => Table::blank(&plan.state, num_keys),
    };
    let output = plugin.update(UpdateInput {
        keys: keys.keys.clone().into_batch(),
        ends: keys.ends.clone(),
        values: keys.values.clone().into_batch(),
        states: states.into_batch(),
        known: keys.known.clone(),
        timed_out: keys.timed_out.clone(),
        now: keys.now.0,
    })?;
    if output.kept.len() != num_keys {
        return Err(format!("{} flags answer {num_keys} keys", output.kept.len()));
    }
    let states = Table::of_rows(num_keys, plan.state, output.states)?;
    let rows = keys.keys.gather(&output.origins)?.beside(plan.output, output.batch)?;
    Ok(Updated { states, kept: output.kept, output: rows })
}

/// Opens a function of states on the schemas of `keys`, and carries over `states` of an earlier version. Answers one
/// state for each.
///
/// # Errors
/// What the plugin answers, or which rule of the contract its answer breaks.
pub fn migrate<M: MigrateState>(config: &str, keys: &Keys, states: &Table) -> Result<Table, String> {
    let (plugin, plan) = M::open(config, &schema(&keys.keys), &schema(&keys.values))?;
    let migrated = plugin.migrate(&schema(states), states.clone().into_batch())?;
    Table::of_rows(states.num_rows() as usize, plan.state, migrated)
}

/// Opens a cogroup on the schemas of keys and of both sides, and runs it on groups of their rows. Answers the
/// rows put out, behind the columns of their keys.
///
/// # Errors
/// What the plugin answers, or which rule of the contract its answer breaks.
pub fn cogroup<C: Cogroup>(
    config: &str,
    keys: &Table,
    (left_ends, left): (&[u32], &Table),
    (right_ends, right): (&[u32], &Table),
) -> Result<Table, String> {
    let (plugin, fields) = C::open(config, &schema(keys), &schema(left), &schema(right))?;
    let output = plugin.process(CogroupInput {
        keys: keys.clone().into_batch(),
        left_ends: left_ends.to_vec(),
        left: left.clone().into_batch(),
        right_ends: right_ends.to_vec(),
        right: right.clone().into_batch(),
    })?;
    keys.gather(&output.origins)?.beside(fields, output.batch)
}

fn schema(table: &Table) -> Schema {
    Schema::new(table.fields().to_vec())
}

fn one_each(groups: usize, output: Batch, values: &Table) -> Result<Table, String> {
    Table::of_rows(groups, values.fields().to_vec(), output)
}
