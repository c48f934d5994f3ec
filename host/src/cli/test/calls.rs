//! One call of a plugin, as what it exports: rows in, rows out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::{Schema, SchemaRef};
use serde_json::{Value, json};

use super::super::End;
use super::rows::{Keys, Row, Rows, blank, block, grouped};
use crate::plugin::{Call, CogroupInput, Interface, Plugin, PluginError, UpdateInput, WasmPlugin};
use crate::record::json_rows;

/// What goes into a call.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) rows: Rows,
    pub(super) right: Option<Rows>,
    pub(super) key: Vec<String>,
    /// The states of keys, as this answers them.
    pub(super) states: Vec<Row>,
    pub(super) time_out: bool,
    pub(super) call: Call,
    /// How many times calls are made.
    pub(super) repeat: u32,
}

/// What comes out of a call, as JSON.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) rows: Vec<Value>,
    pub(super) rejected: Vec<Value>,
    pub(super) states: Vec<Value>,
    /// How long the calls took, of those but the first; none where there was but one.
    pub(super) time: Option<Duration>,
}

/// Makes a call as often as is asked for. Answers what it answered first, and how long one took after that.
fn timed<T>(
    given: &Given,
    mut call: impl FnMut() -> Result<T, PluginError>,
) -> Result<(T, Option<Duration>), End> {
    let first = answered(call())?;
    let start = Instant::now();
    for _ in 1..given.repeat {
        answered(call())?;
    }
    let time = start.elapsed().checked_div(given.repeat.saturating_sub(1));
    Ok((first, time))
}

/// Opens the plugin as `kind`, and calls it once.
pub(super) fn call(plugin: &WasmPlugin, kind: Interface, given: &Given) -> Result<Answer, End> {
    match kind {
        Interface::Transform => transform(plugin, given),
        Interface::Reduce | Interface::Inverse => reduce(plugin, given),
        Interface::Aggregate => aggregate(plugin, given),
        Interface::Cogroup => cogroup(plugin, given),
        Interface::UpdateState | Interface::MigrateState => update(plugin, given),
    }
}

/// The stream that the plugin is told to work for.
const STREAM: &str = "test";

fn opened<T>(opened: Result<T, PluginError>) -> Result<T, End> {
    opened.map_err(|error| End::wrong(error.failure))
}

fn answered<T>(answered: Result<T, PluginError>) -> Result<T, End> {
    answered.map_err(|error| End::failed(error.failure))
}

fn transform(plugin: &WasmPlugin, given: &Given) -> Result<Answer, End> {
    let (schema, rows) = (&given.rows.schema, &given.rows.rows);
    let mut transformer = opened(plugin.transformer(STREAM, schema))?;
    let plan = transformer.plan().clone();
    let input = block(schema, rows).map_err(End::wrong)?;
    let columns: Vec<_> = plan.reads.iter().filter_map(|&c| input.columns().get(c).cloned()).collect();
    let (output, time) = timed(given, || transformer.process(&given.call, &columns, rows.len()))?;
    let origins = output.origins.unwrap_or_else(|| (0..).take(output.num_rows).collect());
    let origins = UInt32Array::from(origins);
    let (mut fields, mut columns) = (Vec::new(), Vec::new());
    for &carried in &plan.carries {
        fields.push(Arc::new(schema.field(carried).clone()));
        columns.push(take(input.column(carried), &origins, None).map_err(End::failed)?);
    }
    fields.extend(plan.produces);
    columns.extend(output.columns);
    let options = RecordBatchOptions::new().with_row_count(Some(output.num_rows));
    let batch = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options);
    let rejected = output
        .rejects
        .into_iter()
        .map(|reject| json!({ "rejected": rows.get(reject.row), "reason": reject.reason }));
    let rejected = rejected.collect();
    Ok(Answer { rows: json(&batch.map_err(End::failed)?)?, rejected, time, ..Answer::default() })
}

fn reduce(plugin: &WasmPlugin, given: &Given) -> Result<Answer, End> {
    let (key, values) = given.rows.split(&given.key)?;
    let mut reducer = opened(plugin.reducer(STREAM, &values))?;
    let mut keys = Keys::default();
    let (ends, values) = grouped(&values, &keys.group(&given.rows, &key))?;
    let (reduced, time) = timed(given, || reducer.reduce(&given.call, &ends, &values))?;
    Ok(Answer { rows: with_keys(&keys, 0.., &reduced)?, time, ..Answer::default() })
}

/// Each key's rows are collected in two halves, which are merged: as partitions and windows would.
fn aggregate(plugin: &WasmPlugin, given: &Given) -> Result<Answer, End> {
    let (key, values) = given.rows.split(&given.key)?;
    let mut aggregator = opened(plugin.aggregator(STREAM, &values))?;
    let mut keys = Keys::default();
    let (mut halves, mut ends, mut end) = (Vec::new(), Vec::new(), 0);
    for group in keys.group(&given.rows, &key) {
        let (first, second) = group.split_at(group.len() / 2);
        for half in [first, second].into_iter().filter(|half| !half.is_empty()) {
            halves.push(half.to_vec());
            end += 1;
        }
        ends.push(end);
    }
    let (half_ends, values) = grouped(&values, &halves)?;
    let (output, time) = timed(given, || {
        let collected = aggregator.accumulate(&given.call, &half_ends, &values)?;
        let merged = aggregator.merge(&given.call, &ends, &collected)?;
        aggregator.finish(&given.call, &merged)
    })?;
    Ok(Answer { rows: with_keys(&keys, 0.., &output)?, time, ..Answer::default() })
}

fn cogroup(plugin: &WasmPlugin, given: &Given) -> Result<Answer, End> {
    let Some(right) = &given.right else {
        return Err(End::wrong("a cogroup has two streams; give the rows of the second with --right"));
    };
    let ((key, left_values), (_, right_values)) = (given.rows.split(&given.key)?, right.split(&given.key)?);
    let mut cogrouper = opened(plugin.cogrouper(STREAM, &key, &left_values, &right_values))?;
    let mut keys = Keys::default();
    let mut left_groups = keys.group(&given.rows, &key);
    let right_groups = keys.group(right, &key);
    left_groups.resize(keys.keys.len(), Vec::new());
    let (left_ends, left) = grouped(&left_values, &left_groups)?;
    let (right_ends, right) = grouped(&right_values, &right_groups)?;
    let input = CogroupInput { keys: block_of(&key, &keys.keys)?, left_ends, left, right_ends, right };
    let (output, time) = timed(given, || cogrouper.process(&given.call, &input))?;
    Ok(Answer { rows: with_keys(&keys, output.origins, &output.rows)?, time, ..Answer::default() })
}

fn update(plugin: &WasmPlugin, given: &Given) -> Result<Answer, End> {
    let (key, values) = given.rows.split(&given.key)?;
    let mut updater = opened(plugin.updater(STREAM, &key, &values))?;
    let (mut keys, state_schema) = (Keys::default(), Arc::clone(updater.state()));
    let mut groups = keys.group(&given.rows, &key);
    let mut states: Vec<Option<Row>> = vec![None; groups.len()];
    for kept in &given.states {
        let member = |name: &str| kept.get(name).and_then(Value::as_object);
        let (Some(of), Some(state)) = (member("key"), member("state")) else {
            return Err(End::wrong("a state is an object with `key` and `state`, as this command writes it"));
        };
        let place = keys.place(of, &key);
        groups.resize(keys.keys.len(), Vec::new());
        states.resize(keys.keys.len(), None);
        if let Some(slot) = states.get_mut(place) {
            *slot = Some(state.clone());
        }
    }
    let (ends, values) = grouped(&values, &groups)?;
    let known: Vec<bool> = states.iter().map(Option::is_some).collect();
    let idle = groups.iter().zip(&known).map(|(group, known)| given.time_out && *known && group.is_empty());
    let timed_out = idle.collect();
    let states: Vec<Row> =
        states.into_iter().map(|state| state.unwrap_or_else(|| blank(&state_schema))).collect();
    let (keys_block, states) = (block_of(&key, &keys.keys)?, block_of(&state_schema, &states)?);
    let input = UpdateInput { keys: keys_block, ends, values, states, known, timed_out };
    let (updated, time) = timed(given, || updater.update(&given.call, &input))?;
    let states = json(&updated.states)?.into_iter().zip(updated.kept).zip(&keys.keys);
    let states =
        states.map(|((state, kept), key)| json!({ "key": key, "state": kept.then_some(state) })).collect();
    let rows = with_keys(&keys, updated.output.origins, &updated.output.rows)?;
    Ok(Answer { rows, states, time, ..Answer::default() })
}

/// Rows behind the columns of the keys that they belong to.
fn with_keys(
    keys: &Keys,
    origins: impl IntoIterator<Item = u32>,
    rows: &RecordBatch,
) -> Result<Vec<Value>, End> {
    let with_key = |(origin, row): (u32, Value)| {
        let mut whole = keys.keys.get(origin as usize).cloned().unwrap_or_default();
        whole.extend(row.as_object().cloned().unwrap_or_default());
        Value::from(whole)
    };
    Ok(origins.into_iter().zip(json(rows)?).map(with_key).collect())
}

fn block_of(schema: &SchemaRef, rows: &[Row]) -> Result<RecordBatch, End> {
    block(schema, rows).map_err(End::wrong)
}

fn json(batch: &RecordBatch) -> Result<Vec<Value>, End> {
    json_rows(batch).map_err(End::failed)
}
