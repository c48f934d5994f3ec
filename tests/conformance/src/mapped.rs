//! Cases about the states that `mapWithState` keeps: some to begin with, one batch, and what it makes of them.
//!
//! When a state was last touched doesn't show but in its timeout: it is the first batch in which it is longer ago
//! than that. So where there is a timeout, empty batches follow until it is seen.

use std::sync::Arc;

use named::Record;
use serde_json::{Value, json};
use tidemill::batch::ManualClock;
use tidemill::context::RunOptions;
use tidemill::source::{Queue, Take};

use crate::case::StepSpec;
use crate::compare::{canonical, same_sorted};
use crate::pipeline::Stream;
use crate::rows::{schema, to_rows};
use crate::run::{Collected, Harness, advance, ended};
use crate::{Case, Failure, ensure};

/// How many batches run after the one in question.
const LATER: u64 = 4;

/// Runs a case about one key or several.
pub fn run(harness: &Harness, case: &Case) -> Result<(), Failure> {
    let has_keys = case.op.ends_with(".batch");
    let initial = case.params.get("initial").and_then(Value::as_array).cloned().unwrap_or_default();
    let records = case
        .inputs
        .iter()
        .flatten()
        .flatten()
        .map(|one| if has_keys { one.clone() } else { json!(["k", one]) });
    let records: Vec<Value> = records.collect();
    let came = come_out(harness, case, &keyed(&initial, has_keys), &records)?;
    let expected = case.expected.as_ref().and_then(|expected| expected.first());
    let expected = expected.ok_or_else(|| Failure::wrong("`expected` is missing"))?;
    let outcomes = came.outcomes.get(1).cloned().unwrap_or_default();
    let states = if has_keys { expected } else { expected.get("states").unwrap_or(expected) };
    let states = states.as_array().cloned().unwrap_or_default();
    let after = came.states.get(1).cloned().unwrap_or_default();
    same_sorted(&[after], &keyed(&states, has_keys))?;
    if has_keys {
        return ensure(outcomes.len() == records.len(), || format!("there are {} calls", outcomes.len()));
    }
    for what in ["mapped", "timed_out", "removed"] {
        let found: Vec<Value> = outcomes.iter().filter_map(|outcome| outcome.get(what).cloned()).collect();
        let wanted = expected.get(what).cloned().unwrap_or_else(|| json!([]));
        ensure(canonical(&json!(found)) == canonical(&wanted), || {
            format!("`{what}` is {found:?} instead of {wanted}")
        })?;
    }
    if let Some(called) = expected.get("function_called").and_then(Value::as_bool) {
        ensure(called != outcomes.is_empty(), || format!("the calls are {outcomes:?}"))?;
    }
    match (case.number("timeout_threshold_ms"), states.first().and_then(|state| state.get(1)?.as_i64())) {
        (Some(timeout), Some(touched)) => check_timeout(&came, touched, timeout),
        _ => Ok(()),
    }
}

/// `states`, each a value and a time, or a key, a value and a time, as keys with values.
fn keyed(states: &[Value], has_keys: bool) -> Vec<Value> {
    let part = |state: &Value, index: usize| state.get(index).cloned().unwrap_or_default();
    let pair = |state: &Value| match has_keys {
        true => json!([part(state, 0), part(state, 1)]),
        false => json!(["k", part(state, 0)]),
    };
    states.iter().map(pair).collect()
}

/// What came out of each batch.
struct Came {
    times: Vec<i64>,
    /// What was done for each record or key.
    outcomes: Vec<Vec<Value>>,
    /// The keys with their states.
    states: Vec<Vec<Value>>,
}

/// What comes out of an empty batch, which is the first and so touches the states that are there, of one with
/// `records`, and of empty ones.
fn come_out(harness: &Harness, case: &Case, initial: &[Value], records: &[Value]) -> Result<Came, Failure> {
    let time = case.number("batch_time_ms").ok_or_else(|| Failure::wrong("`batch_time_ms` is missing"))?;
    let before = case.params.get("initial").and_then(|all| all.get(0)?.get(1)?.as_i64());
    let interval =
        before.filter(|_| case.number("timeout_threshold_ms").is_some()).map_or(time, |before| time - before);
    let interval_ms = u64::try_from(interval).map_err(Failure::wrong)?;
    let clock = Arc::new(ManualClock::new(time - 2 * interval));
    let mut context = harness.context(interval_ms, &clock)?;
    let all: Vec<&Value> = records.iter().collect();
    let record = if all.is_empty() { Record::of(&[&json!(["k", "noop"])]) } else { Record::of(&all) };
    let queue = Queue::new(schema(&record), Take::One);
    for batch in [&[], records] {
        queue.push(to_rows(&record, batch)?).map_err(Failure::wrong)?;
    }
    let handle = context.queue_stream("input", &queue);
    let stream = Stream { handle, record, slide_ms: interval_ms };
    let timeout = case.number("timeout_threshold_ms");
    let step = json!({ "op": "mapWithState", "fn": "instructed", "timeout_ms": timeout, "initial": initial });
    let step: StepSpec = serde_json::from_value(step).map_err(Failure::wrong)?;
    let mut builder = harness.builder(&mut context, vec![stream.clone()]);
    let mapped = builder.steps(stream, &[step])?;
    let snapshots = builder.state_snapshots()?;
    let (outcomes, states) = (Collected::default(), Collected::default());
    outcomes.collect(&mut context, &mapped.handle);
    states.collect_as("states", &mut context, &snapshots.handle);
    let num_batches = 2 + LATER;
    let options = RunOptions { batches: Some(num_batches), ..RunOptions::default() };
    let running = context.start(&options).map_err(Failure::wrong)?;
    advance(&clock, num_batches * interval_ms);
    ended(&running)?.map_err(Failure::wrong)?;
    Ok(Came {
        times: outcomes.batches(&mapped.record)?.iter().map(|batch| batch.time).collect(),
        outcomes: outcomes.records(&mapped.record)?,
        states: states.records(&snapshots.record)?,
    })
}

/// Fails where the key does not time out in the first batch that is more than `timeout` after `touched`.
fn check_timeout(came: &Came, touched: i64, timeout: i64) -> Result<(), Failure> {
    let has_timed_out = |outcomes: &Vec<Value>| outcomes.iter().any(|one| one.get("timed_out").is_some());
    let times = came.times.iter().copied();
    let found = times.clone().zip(&came.outcomes).find(|(_, outcomes)| has_timed_out(outcomes));
    let found = found.map(|(time, _)| time);
    let wanted = times.into_iter().find(|time| touched < time - timeout);
    ensure(wanted.is_some() && found == wanted, || format!("it times out at {found:?} instead of {wanted:?}"))
}
